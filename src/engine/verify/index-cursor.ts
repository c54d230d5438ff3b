/** Entries of a partition index one after another, with nothing allocated per entry: Index.db, or the trie of Partitions.db. */
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import type { ByteSource, Storage } from '../../bytes/source.js';
import { SourceCursor } from '../../bytes/source-cursor.js';
import { PartitionsFile } from '../../sstable/bti/partitions-file.js';
import { type RowsEntry, RowsFile } from '../../sstable/bti/rows-file.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { decorate, decoratedKeyForm, type Partitioner } from '../../sstable/partitioner.js';
import { TrieCursor } from './trie-cursor.js';

export interface IndexCursor {
  readonly component: string;
  /** Of the entry: where it stands in `component`, and the partition in the plain Data.db. */
  readonly position: number;
  readonly dataPosition: number;
  /** Goes to the next entry, `false` at the end. @throws CorruptError, after which nothing more can be had */
  next(): boolean;
  /**
   * Passes the entries that lead before `position` of the plain Data.db: `next` then goes to the first that does not. Returns how many were passed.
   * @throws CorruptError
   */
  skipTo(position: number): number;
  /** Why the entry is not that of `key[0, length)`; `undefined` where it is. */
  contradiction(key: Uint8Array, length: number): string | undefined;
  close(): void;
}

/** Index.db. */
export class BigIndexCursor implements IndexCursor {
  readonly component = COMPONENT.index;
  position = 0;
  dataPosition = 0;
  /** The key is `key[0, keyLength)`. */
  key = new Uint8Array(256);
  keyLength = 0;
  promotedStart = 0;
  promotedEnd = 0;
  readonly source: ByteSource;
  private readonly cursor: SourceCursor;

  /** @param blockBytes that are read at a time */
  constructor(storage: Storage, descriptor: Descriptor, blockBytes = 1 << 17) {
    this.source = storage.open(componentPath(descriptor, COMPONENT.index));
    const context = { file: this.source.path, component: COMPONENT.index };
    this.cursor = new SourceCursor(this.source, context, 0, this.source.size, blockBytes);
  }

  next(): boolean {
    const c = this.cursor;
    if (c.left === 0) return false;
    this.position = c.offset;
    const length = c.u16();
    c.need(length);
    if (length > this.key.length) this.key = new Uint8Array(length * 2);
    const { key } = this;
    const b = c.buf;
    const p = c.pos;
    for (let i = 0; i < length; i++) key[i] = b[p + i]!;
    c.pos = p + length;
    this.keyLength = length;
    this.dataPosition = c.uvint();
    const promoted = c.uvint32();
    this.promotedStart = c.offset;
    c.skip(promoted);
    this.promotedEnd = this.promotedStart + promoted;
    return true;
  }

  skipTo(position: number): number {
    let passed = 0;
    while (this.next()) {
      if (this.dataPosition >= position) {
        this.resumeAt(this.position);
        break;
      }
      passed++;
    }
    return passed;
  }

  /** Where the next entry begins. */
  get nextPosition(): number {
    return this.cursor.offset;
  }

  /** Goes on with the entry at `position`. */
  resumeAt(position: number): void {
    this.cursor.seek(position);
  }

  contradiction(key: Uint8Array, length: number): string | undefined {
    return length === this.keyLength && sameBytes(key, this.key, length)
      ? undefined
      : `0x${hexOf(this.key, this.keyLength)}`;
  }

  close(): void {
    this.source.close();
  }
}

/** Partitions.db, and Rows.db for partitions of more than one block. */
export class BtiIndexCursor implements IndexCursor {
  readonly component = COMPONENT.partitions;
  position = 0;
  dataPosition = 0;
  /** What Rows.db says of the partition; `undefined` where it is of one block. */
  rowsEntry: RowsEntry | undefined;
  readonly file: PartitionsFile;
  private readonly rowsBytes: number;
  private openedRows: RowsFile | undefined;
  /** The entry is that which `next` is to go to. */
  private isHeld = false;
  private readonly openRows: () => RowsFile;
  private readonly partitioner: Partitioner | undefined;
  private readonly trie: TrieCursor;
  private readonly hash: Hash128 = new Int32Array(4);

  constructor(storage: Storage, descriptor: Descriptor, partitioner: Partitioner | undefined) {
    const source = storage.open(componentPath(descriptor, COMPONENT.partitions));
    try {
      this.file = new PartitionsFile(source);
    } catch (error) {
      source.close();
      throw error;
    }
    this.rowsBytes = storage.stat(componentPath(descriptor, COMPONENT.rows))?.size ?? 0;
    this.openRows = () => new RowsFile(storage.open(componentPath(descriptor, COMPONENT.rows)), descriptor.version);
    this.partitioner = partitioner;
    this.trie = new TrieCursor(this.file.pages, this.file.root);
  }

  get rows(): RowsFile {
    this.openedRows ??= this.openRows();
    return this.openedRows;
  }

  skipTo(position: number): number {
    let passed = 0;
    while (this.next()) {
      if (this.dataPosition >= position) {
        this.isHeld = true;
        break;
      }
      passed++;
    }
    return passed;
  }

  next(): boolean {
    if (this.isHeld) {
      this.isHeld = false;
      return true;
    }
    if (this.file.keyCount === 0 || !this.trie.next()) return false;
    const { walker } = this.trie;
    this.position = walker.position;
    const pointer = this.file.pointer(walker);
    if (pointer.kind === 'rows' && pointer.position >= this.rowsBytes) {
      throw this.file.pages.corrupt('position in Rows.db', this.position, {
        seen: pointer.position,
        expected: `below ${this.rowsBytes}`,
      });
    }
    this.rowsEntry = pointer.kind === 'rows' ? this.rows.entry(pointer.position) : undefined;
    this.dataPosition = this.rowsEntry ? this.rowsEntry.dataPosition : pointer.position;
    return true;
  }

  contradiction(key: Uint8Array, length: number): string | undefined {
    const entry = this.rowsEntry;
    if (entry && !(entry.key.length === length && sameBytes(key, entry.key, length))) {
      return `0x${hexOf(entry.key, entry.key.length)} in Rows.db`;
    }
    const { trie } = this;
    const flags = trie.walker.payloadFlags;
    if (flags >= 8) {
      const seen = trie.walker.payload(0, 1)[0]!;
      if (seen !== (murmur3(key, 0, length, this.hash)[3]! & 0xff)) return `hash byte ${seen}`;
    }
    if (!this.partitioner) return undefined;
    const form = decoratedKeyForm(this.partitioner, decorate(this.partitioner, key.slice(0, length)));
    const isPath = trie.depth <= form.length && sameBytes(form, trie.path, trie.depth);
    // a search stops at a payload only where nothing follows
    if (isPath && (!trie.hasChildren || trie.depth === form.length)) return undefined;
    return `path 0x${hexOf(trie.path, trie.depth)}`;
  }

  close(): void {
    this.file.close();
    this.openedRows?.close();
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function hexOf(bytes: Uint8Array, length: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(length, 64)).toString('hex');
  return length > 64 ? `${text}…` : text;
}
