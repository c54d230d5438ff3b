/** What an SSTable's writer is told, and what it tells of what it wrote. */
import type { OutputStorage } from '../bytes/sink.js';
import type { LoadedCompression } from '../codec/compression-params.js';
import type { OpenDataSink } from './data-sink.js';
import type { WrittenData } from './data-writer.js';
import type { Descriptor } from './descriptor.js';
import type { BloomFilter } from './filter.js';
import type { CommitLogInterval, StatsMetadata } from './metadata/stats.js';
import type { Partitioner } from './partitioner.js';
import type { SerializationHeader } from './serialization-header.js';

/** What of a table decides how its SSTables are written. */
export type TableLayout = {
  /** 1: without a filter. */
  readonly bloomFilterFpChance: number;
  readonly minIndexInterval: number;
  readonly compression?: LoadedCompression | undefined;
  /** Bytes of rows that a block of the partition's index covers. */
  readonly columnIndexBytes: number;
};

/** What an SSTable says of itself beyond its rows. */
export type SSTableOrigin = {
  readonly level: number;
  /** 0: not repaired. */
  readonly repairedAtMillis: number;
  readonly pendingRepair?: string | undefined;
  readonly isTransient: boolean;
  readonly commitLogIntervals: readonly CommitLogInterval[];
  readonly originatingHostId?: string | undefined;
  /** Of the first and last key; NaN where the table's strategy does not ask for it. */
  readonly tokenSpaceCoverage?: ((firstKey: Uint8Array, lastKey: Uint8Array) => number) | undefined;
};

export type SSTableWriterOptions = {
  readonly output: OutputStorage;
  readonly descriptor: Descriptor;
  readonly header: SerializationHeader;
  readonly partitioner: Partitioner;
  readonly layout: TableLayout;
  readonly origin: SSTableOrigin;
  /** About how many partitions will come: sizes the filter and the summary. */
  readonly expectedKeys: number;
  /** Ends Data.db as Cassandra does where it opens files before they are complete: in every compaction. */
  readonly isOpenedEarly: boolean;
  /** Whether the filter is wanted of what was written: it may have many megabytes. */
  readonly keepsFilter?: boolean | undefined;
  /** Where the bytes of Data.db go instead of a DataWriter of this thread. */
  readonly openData?: OpenDataSink | undefined;
};

export type WrittenSSTable = {
  readonly descriptor: Descriptor;
  readonly data: WrittenData;
  readonly partitions: number;
  readonly partitioner: Partitioner;
  readonly statistics: {
    readonly stats: StatsMetadata & { readonly firstKey: Uint8Array; readonly lastKey: Uint8Array };
  };
  /** Where the table wants one and it is to be kept. */
  readonly filter: BloomFilter | undefined;
  /** Bytes of all components. */
  readonly bytesOnDisk: number;
};
