/**
 * What writes an SSTable's index: Index.db with Summary.db (BIG) or Partitions.db with Rows.db (BTI), behind one interface, told partition by
 * partition while Data.db is written (Cassandra's SortedTableWriter.AbstractIndexWriter and SortedTablePartitionWriter).
 */
import type { ClusteringPrefix } from '../cql/clustering.js';
import type { DeletionTime } from './row.js';

/** Rows of a partition that an index entry points at. Positions are in the plain data, counted from the partition's start. */
export type WrittenBlock = {
  /** Of its first and last row or marker. A clustering or a bound; copies, the index may keep them. */
  readonly first: ClusteringPrefix;
  readonly last: ClusteringPrefix;
  readonly offset: number;
  /** Bytes from its first row's start to its last row's end. A block that only the partition's end completes has the end marker's byte too. */
  readonly width: number;
  /** The range deletion that is open before its first row, and the one after its last. */
  readonly openAtStart: DeletionTime | undefined;
  readonly openAtEnd: DeletionTime | undefined;
};

export interface IndexWriter {
  /** A partition begins at `dataPosition` of the plain data. `key` is the caller's: valid during the call only. */
  startPartition(key: Uint8Array, keyLength: number, dataPosition: number): void;
  /**
   * A block is complete: by a row or marker after which it has the configured column index size or more, or by the partition's end where
   * others came before. Partitions of less than one block tell of none.
   */
  addBlock(block: WrittenBlock): void;
  /**
   * The partition is complete. `headerLength`: bytes of key, deletion and static row. `endPosition`: of its end marker. Both in the plain data,
   * from the partition's start.
   */
  endPartition(headerLength: number, deletion: DeletionTime | undefined, endPosition: number): void;
  /** All partitions are told: writes what remains. Syncing, closing and naming the files is the caller's. */
  finish(): void;
}
