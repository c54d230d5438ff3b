/**
 * Rows.db (BTI): for each partition of more than one block, a trie of separators, then where Partitions.db points:
 *
 *   trie pages | u16 key length, key | entry
 *   entry = uvint position in Data.db | svint root of the trie - position of the entry | uvint blocks | deletion time of the partition
 *   payload: flags & 7 bytes offset of the block from the beginning of the partition | flags & 8: the deletion that is open where it begins
 *
 * A separator is after all of the block before and not after the first of its own, as byte-comparable form of a clustering; a last one is after
 * the last block, and has the end of the partition for its offset.
 */
import { Cursor, type CursorContext } from '../../bytes/cursor.js';
import type { ByteSource } from '../../bytes/source.js';
import { SourceCursor } from '../../bytes/source-cursor.js';
import { readDeletionTime } from '../deletion-time.js';
import { COMPONENT } from '../descriptor.js';
import type { DeletionTime } from '../row.js';
import type { Version } from '../version.js';
import { NONE, PagedFile, sizedInt, TrieWalker } from './trie.js';

const FLAG_OPEN_MARKER = 8;
/** Longest form of a deletion time. */
const DELETION_BYTES = 12;

/** What Rows.db says of a partition. */
export type RowsEntry = {
  readonly key: Uint8Array;
  /** Position of the partition in the plain Data.db. */
  readonly dataPosition: number;
  /** Position of the trie's root in Rows.db. */
  readonly root: number;
  readonly blockCount: number;
  readonly deletion?: DeletionTime;
};

/** `offset` from the beginning of the partition. */
export type RowsBlock = { readonly offset: number; readonly openDeletion?: DeletionTime };

export class RowsFile {
  readonly file: string;
  private readonly source: ByteSource;
  private readonly version: Version;
  /** Of the tries, for those who walk them themselves. */
  readonly pages: PagedFile;
  private readonly context: CursorContext;

  constructor(source: ByteSource, version: Version) {
    this.file = source.path;
    this.source = source;
    this.version = version;
    this.pages = new PagedFile(source, COMPONENT.rows);
    this.context = { file: source.path, component: COMPONENT.rows };
  }

  /** The entry at `position`. @throws CorruptError */
  entry(position: number): RowsEntry {
    if (position >= this.source.size) {
      throw this.pages.corrupt('position in Rows.db', position, { expected: `below ${this.source.size}` });
    }
    const cursor = new SourceCursor(this.source, this.context, position, this.source.size, 512);
    const key = cursor.bytes(cursor.u16());
    const base = cursor.offset;
    const dataPosition = cursor.uvint();
    const root = base + Number(cursor.svintAsBigInt());
    const blockCount = cursor.uvint32();
    const deletion = readDeletionTime(cursor, this.version);
    if (!(root >= 0 && root < position)) {
      throw this.pages.corrupt('root of a row index', base, { seen: root, expected: `0 to ${position - 1}` });
    }
    return { key, dataPosition, root, blockCount, ...(deletion && { deletion }) };
  }

  /** The block in which what has this form, or what comes after it, may begin; `undefined` past the last block. @throws CorruptError */
  floor({ root }: RowsEntry, form: Uint8Array): RowsBlock | undefined {
    const walker = new TrieWalker(this.pages, root);
    let found = walker.seek(form, () => this.block(walker));
    if (!found) {
      if (walker.lesserBranch === NONE) throw this.pages.corrupt('row index without a first block', root);
      walker.goMax(walker.lesserBranch);
      found = this.block(walker);
    }
    walker.goMax(root);
    return found.offset === this.block(walker).offset ? undefined : found;
  }

  /** All blocks in order, without the end that the last separator stands for. @throws CorruptError */
  *blocks({ root, blockCount }: RowsEntry): Generator<RowsBlock> {
    const walker = new TrieWalker(this.pages, root);
    let left = blockCount;
    for (const _ of walker.nodes(blockCount + 1)) if (left-- > 0) yield this.block(walker);
  }

  /** What the payload under `walker` says. @throws CorruptError */
  block(walker: TrieWalker): RowsBlock {
    const flags = walker.payloadFlags;
    if (flags === 0) throw this.pages.corrupt('trie leaf without a payload', walker.position);
    const bytes = flags & ~FLAG_OPEN_MARKER;
    const offset = bytes === 0 ? 0 : sizedInt(this.pages, walker.position, walker.payload(0, bytes));
    if (offset < 0) throw this.pages.corrupt('offset of a block', walker.position, { seen: offset });
    if (!(flags & FLAG_OPEN_MARKER)) return { offset };
    const isLive = (walker.payload(bytes, 1)[0]! & 0x80) !== 0;
    const cursor = new Cursor(
      walker.payload(bytes, isLive ? 1 : DELETION_BYTES),
      this.context,
      0,
      undefined,
      walker.position,
    );
    const openDeletion = readDeletionTime(cursor, this.version);
    return { offset, ...(openDeletion && { openDeletion }) };
  }

  close(): void {
    this.source.close();
  }
}
