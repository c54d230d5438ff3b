/**
 * Partitions.db (BTI): a trie from the shortest unique beginnings of the keys' byte-comparable forms to where the partitions are.
 *
 *   trie pages | first key: u16 length, bytes | last key | i64 position of the first key | i64 keys | i64 root of the trie
 *   payload: flags 8–15: u8 hash of the key (the low byte of its filter hash) | flags - 7 bytes position
 *            flags 1–7:  flags bytes position
 *
 * A position ≥ 0 is one in Rows.db, a negative one is ~position in the plain Data.db. Either begins with the key: what the trie leads to is a
 * candidate until that has been compared.
 */
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import type { ByteSource } from '../../bytes/source.js';
import { SourceCursor } from '../../bytes/source-cursor.js';
import { COMPONENT } from '../descriptor.js';
import { PagedFile, sizedInt, TrieWalker } from './trie.js';

const FOOTER_BYTES = 24;
const FLAG_HAS_HASH_BYTE = 8;
/** type and flags, a byte of position: no entry is shorter. */
const MIN_ENTRY_BYTES = 2;

/** Where a partition is: in Rows.db at `rows`, or without a row index, in Data.db at `data`. */
export type PartitionPointer =
  | { readonly kind: 'rows'; readonly position: number }
  | { readonly kind: 'data'; readonly position: number };

export class PartitionsFile {
  readonly keyCount: number;
  readonly firstKey: Uint8Array;
  readonly lastKey: Uint8Array;
  readonly file: string;
  /** Of the trie, for those who walk it themselves. */
  readonly pages: PagedFile;
  readonly root: number;

  /** @throws CorruptError for a footer that can't be */
  constructor(source: ByteSource) {
    this.file = source.path;
    this.pages = new PagedFile(source, COMPONENT.partitions);
    const context = { file: source.path, component: COMPONENT.partitions };
    const footerStart = source.size - FOOTER_BYTES;
    const footer = new SourceCursor(source, context, Math.max(footerStart, 0), source.size, FOOTER_BYTES);
    const keysStart = footer.i64AsNumber();
    this.keyCount = footer.i64AsNumber();
    this.root = footer.i64AsNumber();
    const outside = [keysStart < 0 || keysStart > footerStart, this.root < -1 || this.root >= Math.max(keysStart, 1)];
    if (outside.includes(true) || this.keyCount < 0 || this.keyCount > keysStart / MIN_ENTRY_BYTES) {
      throw this.pages.corrupt('footer', footerStart, {
        seen: `keys at ${keysStart}, ${this.keyCount} of them, root ${this.root}`,
        expected: `positions below ${footerStart}`,
      });
    }
    const keys = new SourceCursor(source, context, keysStart, footerStart, 1 << 10);
    this.firstKey = keys.bytes(keys.u16());
    this.lastKey = keys.bytes(keys.u16());
    keys.expectEnd();
  }

  /** The only partition that can be that of a key with this form and these bytes. @throws CorruptError */
  candidate(form: Uint8Array, key: Uint8Array): PartitionPointer | undefined {
    if (this.keyCount === 0) return undefined;
    const walker = this.walker();
    const unmatched = walker.follow(form);
    if (unmatched !== -1 && walker.range > 0) return undefined;
    const flags = walker.payloadFlags;
    if (flags === 0) return undefined;
    if (flags >= FLAG_HAS_HASH_BYTE && walker.payload(0, 1)[0] !== hashByte(key)) return undefined;
    return this.pointer(walker);
  }

  /**
   * Partitions in order, from the form of a bound to that of another. With `isOnEdge` the partition may lie outside of these: its key decides.
   */
  *pointers(start?: Uint8Array, end?: Uint8Array): Generator<{ pointer: PartitionPointer; isOnEdge: boolean }> {
    if (this.keyCount === 0) return;
    const walker = this.walker();
    for (const isOnEdge of walker.nodes(this.keyCount, start, end)) {
      yield { pointer: this.pointer(walker), isOnEdge };
    }
  }

  private walker(): TrieWalker {
    return new TrieWalker(this.pages, this.root);
  }

  /** What the payload under `walker` says. @throws CorruptError */
  pointer(walker: TrieWalker): PartitionPointer {
    const flags = walker.payloadFlags;
    const hasHash = flags >= FLAG_HAS_HASH_BYTE;
    const bytes = walker.payload(hasHash ? 1 : 0, hasHash ? flags - FLAG_HAS_HASH_BYTE + 1 : flags);
    const position = sizedInt(this.pages, walker.position, bytes);
    return position >= 0 ? { kind: 'rows', position } : { kind: 'data', position: -1 - position };
  }

  close(): void {
    this.pages.source.close();
  }
}

const hash: Hash128 = new Int32Array(4);

function hashByte(key: Uint8Array): number {
  return murmur3(key, 0, key.length, hash)[3]! & 0xff;
}
