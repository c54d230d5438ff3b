/** The index of an SSTable of the BTI format: Partitions.db, and Rows.db for partitions of more than one block. */
import { ByteWriter } from '../../bytes/writer.js';
import type { CqlType } from '../../cql/type.js';
import type { IndexWriter, WrittenBlock } from '../index-writer.js';
import type { Partitioner } from '../partitioner.js';
import type { DeletionTime } from '../row.js';
import type { Version } from '../version.js';
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
};

export class BtiIndexWriter implements IndexWriter {
  private readonly partitions: PartitionsWriter;
  private readonly rows: RowsWriter;
  private readonly key = new ByteWriter();
  private dataPosition = 0;

  constructor({ partitions, rows, version, partitioner, clusteringTypes }: BtiIndexOptions) {
    this.partitions = new PartitionsWriter(partitions, partitioner);
    this.rows = new RowsWriter(rows, version, clusteringTypes);
  }

  startPartition(key: Uint8Array, keyLength: number, dataPosition: number): void {
    this.rows.reset();
    this.key.pos = 0;
    this.key.bytes(key, 0, keyLength);
    this.dataPosition = dataPosition;
  }

  addBlock(block: WrittenBlock): void {
    this.rows.add(block);
  }

  endPartition(_headerLength: number, deletion: DeletionTime | undefined, endPosition: number): void {
    const { key, dataPosition, rows } = this;
    if (rows.blockCount > 1) {
      const position = rows.finishPartition(key.buf, key.pos, dataPosition, deletion, endPosition);
      this.partitions.add(key.buf, key.pos, 'rows', position);
    } else {
      this.partitions.add(key.buf, key.pos, 'data', dataPosition);
    }
  }

  finish(): void {
    this.rows.reset();
    this.rows.finish();
    this.partitions.finish();
  }
}
