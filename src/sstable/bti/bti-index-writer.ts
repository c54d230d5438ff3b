/** The index of an SSTable of the BTI format: Partitions.db, and Rows.db for partitions of more than one block. */
import { ByteWriter } from '../../bytes/writer.js';
import type { CqlType } from '../../cql/type.js';
import type { IndexWriter, WrittenBlock } from '../index-writer.js';
import type { Partitioner } from '../partitioner.js';
import type { DeletionTime } from '../row.js';
import type { Version } from '../version.js';
import { EarlyOpening, type EarlyOpeningOptions } from './early-opening.js';
import type { IndexSink } from './paged-output.js';
import { PartitionsWriter } from './partitions-writer.js';
import { RowsWriter } from './rows-writer.js';

/** Bytes of a block unless cassandra.yaml's `column_index_size` says otherwise. */
export const BTI_BLOCK_BYTES = 16 * 1024;

export type BtiIndexOptions = {
  /** Empty files, Partitions.db and Rows.db. */
  readonly partitions: IndexSink;
  readonly rows: IndexSink;
  readonly version: Version;
  readonly partitioner: Partitioner;
  readonly clusteringTypes: readonly CqlType[];
  /** For what Cassandra's compaction writes; its flushes and tools don't open early. */
  readonly earlyOpening?: EarlyOpeningOptions;
};

export class BtiIndexWriter implements IndexWriter {
  private readonly partitions: PartitionsWriter;
  private readonly rows: RowsWriter;
  private readonly key = new ByteWriter();
  private dataPosition = 0;
  private readonly early: EarlyOpening | undefined;

  constructor({ partitions, rows, version, partitioner, clusteringTypes, earlyOpening }: BtiIndexOptions) {
    this.early = earlyOpening && new EarlyOpening(earlyOpening);
    this.partitions = new PartitionsWriter(partitions, partitioner);
    this.rows = new RowsWriter(rows, version, clusteringTypes);
  }

  startPartition(key: Uint8Array, keyLength: number, dataPosition: number): void {
    const { early, partitions, rows } = this;
    rows.reset();
    if (early?.begins(dataPosition, rows.position, partitions.position, partitions.keysInTrie))
      partitions.measureHeld();
    this.key.pos = 0;
    this.key.bytes(key, 0, keyLength);
    this.dataPosition = dataPosition;
  }

  addBlock(block: WrittenBlock): void {
    const { early, rows } = this;
    const end = this.dataPosition + block.offset + block.width;
    early?.dataAt(end);
    rows.add(block);
    early?.rowsAt(rows.position, end);
  }

  endPartition(_headerLength: number, deletion: DeletionTime | undefined, endPosition: number): void {
    const { early, key, dataPosition, rows, partitions } = this;
    const end = dataPosition + endPosition + 1;
    early?.dataAt(end);
    if (rows.blockCount > 1) {
      const position = rows.finishPartition(key.buf, key.pos, dataPosition, deletion, endPosition);
      early?.rowsAt(rows.position, end);
      partitions.add(key.buf, key.pos, 'rows', position);
    } else {
      partitions.add(key.buf, key.pos, 'data', dataPosition);
    }
    early?.partitionsAt(partitions.position, end);
  }

  finish(): void {
    this.rows.reset();
    this.rows.finish();
    this.partitions.finish();
  }
}
