/**
 * Writes Rows.db (drawn in rows-file.ts): block by block the trie of a partition, then its entry. A partition of one block leaves nothing.
 */
import { InvariantError } from '../../bytes/errors.js';
import { ByteWriter } from '../../bytes/writer.js';
import { clusteringByteComparable } from '../../cql/byte-comparable.js';
import type { ClusteringPrefix } from '../../cql/clustering.js';
import type { CqlType } from '../../cql/type.js';
import { writeDeletionTime } from '../deletion-time.js';
import type { DeletionTime } from '../row.js';
import type { Version } from '../version.js';
import { type IndexSink, PagedOutput, sizeOfSigned, writeSized } from './paged-output.js';
import { TrieWriter } from './trie-writer.js';

const FLAG_OPEN_MARKER = 8;

/** A block from `first` to `last`, `offset` bytes from the beginning of its partition, and the deletion that is open where it begins. */
export type RowsWriterBlock = {
  readonly first: ClusteringPrefix;
  readonly last: ClusteringPrefix;
  readonly offset: number;
  readonly openAtStart: DeletionTime | undefined;
};

export class RowsWriter {
  private readonly out: PagedOutput;
  private readonly trie: TrieWriter;
  private readonly version: Version;
  private readonly form: (prefix: ClusteringPrefix) => Uint8Array;
  /** Of the partition's last block. */
  private separator: Uint8Array = new Uint8Array(0);
  private lastForm: Uint8Array = new Uint8Array(0);
  private readonly payload = new ByteWriter(32);
  /** Blocks of the partition so far. */
  blockCount = 0;

  constructor(sink: IndexSink, version: Version, clusteringTypes: readonly CqlType[]) {
    this.out = new PagedOutput(sink);
    this.trie = new TrieWriter(this.out);
    this.version = version;
    this.form = clusteringByteComparable(clusteringTypes);
  }

  get position(): number {
    return this.out.position;
  }

  /** Forgets the blocks of a partition that has no entry. */
  reset(): void {
    if (this.blockCount === 0) return;
    this.trie.reset();
    this.blockCount = 0;
  }

  /** The partition's next block. */
  add({ first, last, offset, openAtStart }: RowsWriterBlock): void {
    this.separator = this.blockCount === 0 ? new Uint8Array(0) : separatorAbove(this.lastForm, this.form(first));
    this.lastForm = this.form(last);
    this.addToTrie(this.separator, offset, openAtStart);
    this.blockCount++;
  }

  private addToTrie(separator: Uint8Array, offset: number, openDeletion: DeletionTime | undefined): void {
    const { payload } = this;
    const size = sizeOfSigned(offset);
    payload.pos = 0;
    writeSized(payload, offset, size);
    if (openDeletion) writeDeletionTime(openDeletion, this.version, payload);
    this.trie.add(separator, separator.length, size | (openDeletion ? FLAG_OPEN_MARKER : 0), payload);
  }

  /**
   * All blocks of the partition `key[0, keyLength)`, at `dataPosition` of the plain data, are told; `endPosition` is where they end, from its
   * beginning. Writes the rest of the trie and the entry, of which it returns the position.
   */
  finishPartition(
    key: Uint8Array,
    keyLength: number,
    dataPosition: number,
    deletion: DeletionTime | undefined,
    endPosition: number,
  ): number {
    const end = endSeparator(this.lastForm, this.separator);
    this.addToTrie(end, endPosition, undefined);
    const root = this.trie.finish();
    const { writer, position } = this.out;
    writer.u16(keyLength);
    writer.bytes(key, 0, keyLength);
    const distance = root - this.out.position;
    writer.uvint(dataPosition);
    writer.svint64(Math.floor(distance / 4294967296), distance | 0);
    writer.uvint(this.blockCount);
    writeDeletionTime(deletion, this.version, writer);
    this.out.spill();
    this.reset();
    return position;
  }

  /** Passes on what is written. */
  finish(): void {
    this.out.flush();
  }
}

/** The shortest bytes after `last` and not after `next`, which is greater: what they share, and a byte of `last` plus one. */
function separatorAbove(last: Uint8Array, next: Uint8Array): Uint8Array {
  let i = 0;
  while (i < last.length && last[i] === next[i]) i++;
  if (i === last.length || i >= next.length || last[i]! > next[i]!) {
    throw new InvariantError('row index blocks are out of order', { seen: Buffer.from(next).toString('hex') });
  }
  const separator = Uint8Array.from(last.subarray(0, i + 1));
  separator[i]!++;
  return separator;
}

/** Bytes after `last`, as short as the separator of the block that it closes. */
function endSeparator(last: Uint8Array, separator: Uint8Array): Uint8Array {
  let i = 0;
  while (i < last.length && last[i] === separator[i]) i++;
  while (i < last.length && last[i] === 0xff) i++;
  if (i === last.length) {
    throw new InvariantError('nothing is after the row index block', { seen: Buffer.from(last).toString('hex') });
  }
  const end = Uint8Array.from(last.subarray(0, i + 1));
  end[i]!++;
  return end;
}
