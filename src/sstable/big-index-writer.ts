/**
 * Writes Index.db and Summary.db (BIG). Each partition has its entry of index-file.ts; a promoted index of two blocks or more goes with it, one
 * block alone would tell nothing.
 */
import type { FileSink } from '../bytes/sink.js';
import { ByteWriter } from '../bytes/writer.js';
import type { CqlType } from '../cql/type.js';
import type { IndexWriter, WrittenBlock } from './index-writer.js';
import { FIELD, PARTITION_FIELDS, type PlainMemory } from './plain-memory.js';
import type { DeletionTime } from './row.js';
import { writeIndexInfo, writePromotedIndexHeader, writeRowIndexEntry } from './row-index-entry.js';
import { encodeSummary } from './summary.js';
import { SummaryBuilder } from './summary-builder.js';
import type { Version } from './version.js';

/** Blocks are cut at this many bytes where cassandra.yaml has no column_index_size. */
export const BIG_COLUMN_INDEX_BYTES = 64 * 1024;

export type BigIndexWriterOptions = {
  readonly version: Version;
  readonly clusteringTypes: readonly CqlType[];
  /** How many partitions are expected. */
  readonly expectedKeys: number;
  /** The table's min_index_interval. */
  readonly minIndexInterval: number;
  /** Index.db, and Summary.db, which is written at the end. */
  readonly index: FileSink;
  readonly summary: FileSink;
};

export class BigIndexWriter implements IndexWriter {
  private readonly options: BigIndexWriterOptions;
  private readonly summary: SummaryBuilder;
  /** The partition's entry, and the parts of its promoted index: blocks are encoded as they come, a partition may have very many. */
  private readonly entry = new ByteWriter(4096);
  private readonly infos = new ByteWriter(4096);
  private readonly offsets = new ByteWriter(512);
  private readonly promoted = new ByteWriter(64);
  private blocks = 0;
  private dataPosition = 0;

  constructor(options: BigIndexWriterOptions) {
    this.options = options;
    this.summary = new SummaryBuilder(options.expectedKeys, options.minIndexInterval);
  }

  startPartition(key: Uint8Array, keyLength: number, dataPosition: number): void {
    this.summary.add(key, keyLength, this.options.index.position);
    this.entry.u16(keyLength);
    this.entry.bytes(key, 0, keyLength);
    this.dataPosition = dataPosition;
  }

  /** Partitions of which the kernel of plain rows has written the entries. */
  addPlainPartitions(memory: PlainMemory, count: number): void {
    const { index } = this.options;
    const { partitionLog: log, indexAt } = memory;
    const base = index.position - indexAt;
    this.summary.addMany(count, (i) => ({
      key: memory.keyOf(i * PARTITION_FIELDS),
      position: base + log[i * PARTITION_FIELDS + 5]!,
    }));
    index.write(memory.index, 0, memory.state[FIELD.index]! - indexAt);
  }

  addBlock(block: WrittenBlock): void {
    const { version, clusteringTypes } = this.options;
    const { first, last, offset, width, openAtEnd } = block;
    this.offsets.i32(this.infos.pos);
    writeIndexInfo({ first, last, offset, width, endOpenMarker: openAtEnd }, version, clusteringTypes, this.infos);
    this.blocks++;
  }

  endPartition(headerLength: number, deletion: DeletionTime | undefined): void {
    const { entry } = this;
    if (this.blocks > 1) writeRowIndexEntry(entry, this.dataPosition, this.promotedIndex(headerLength, deletion));
    else writeRowIndexEntry(entry, this.dataPosition);
    this.options.index.write(entry.buf, 0, entry.pos);
    entry.pos = 0;
    this.infos.pos = 0;
    this.offsets.pos = 0;
    this.blocks = 0;
  }

  private promotedIndex(headerLength: number, deletion: DeletionTime | undefined): Uint8Array {
    const { promoted, infos, offsets } = this;
    promoted.pos = 0;
    writePromotedIndexHeader({ headerLength, deletion }, this.blocks, this.options.version, promoted);
    promoted.bytes(infos.buf, 0, infos.pos);
    promoted.bytes(offsets.buf, 0, offsets.pos);
    return promoted.view();
  }

  /** @throws InvariantError where no partition was told */
  finish(): void {
    this.options.summary.write(encodeSummary(this.summary.build()));
  }
}
