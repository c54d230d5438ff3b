/** One SSTable, opened: its components on demand, its partitions by cursor or as objects. */
import { withFacts } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import { DataCursor } from './data-cursor.js';
import { type DataFile, type OpenDataOptions, openDataFile } from './data-file.js';
import { type Descriptor, parseDescriptor } from './descriptor.js';
import { openPartitionIndex, type PartitionIndex } from './partition-index.js';
import { partitionsOf } from './partition-view.js';
import { type Partitioner, partitionerOf } from './partitioner.js';
import type { Partition } from './row.js';
import type { SerializationHeader } from './serialization-header.js';
import { readStatistics, type Statistics } from './statistics.js';
import { UnfilteredCursor } from './unfiltered-cursor.js';

export class SSTable {
  readonly descriptor: Descriptor;
  readonly statistics: Statistics;
  readonly header: SerializationHeader;
  readonly data: DataFile;

  constructor(descriptor: Descriptor, statistics: Statistics, header: SerializationHeader, data: DataFile) {
    this.descriptor = descriptor;
    this.statistics = statistics;
    this.header = header;
    this.data = data;
  }

  /** A cursor over the partitions of plain positions [start, end), read from `data`. `start` must be where a partition begins. */
  cursor(start = 0, end: number = this.data.length, data: DataFile = this.data): UnfilteredCursor {
    return new UnfilteredCursor(new DataCursor(data, start, end), this.header, this.descriptor.version);
  }

  /** Every partition in the order of the file, as objects. @throws CorruptError with the file and offset at which reading had to stop */
  *partitions(): Generator<Partition> {
    try {
      yield* partitionsOf(this.cursor());
    } catch (error) {
      throw withFacts(error, { file: this.data.file });
    }
  }

  /** How this SSTable's keys are ordered. @throws CorruptError */
  get partitioner(): Partitioner {
    return partitionerOf(this.statistics.validation.partitioner, this.header.keyType);
  }

  /** Its index, to be closed by the caller. @throws UsageError (missing files), CorruptError */
  openIndex(storage: Storage): PartitionIndex {
    const { clusteringTypes } = this.header;
    const keyAt = (position: number) => this.keyAt(position);
    return openPartitionIndex(storage, this.descriptor, { partitioner: this.partitioner, clusteringTypes, keyAt });
  }

  /** The partition key at a position of the plain Data.db. @throws CorruptError */
  keyAt(position: number): Uint8Array {
    this.keyCursor ??= new DataCursor(this.data);
    this.keyCursor.seek(position);
    return this.keyCursor.bytes(this.keyCursor.u16());
  }

  private keyCursor: DataCursor | undefined;

  close(): void {
    this.data.close();
  }
}

/**
 * Opens an SSTable by any of its components' paths. Statistics.db and CompressionInfo.db are read, nothing of Data.db yet.
 * @throws UsageError (missing file), UnsupportedError (version, codec, type), CorruptError
 */
export async function openSSTable(storage: Storage, file: string, options: OpenDataOptions = {}): Promise<SSTable> {
  return openDescriptor(storage, parseDescriptor(file).descriptor, options);
}

export async function openDescriptor(
  storage: Storage,
  descriptor: Descriptor,
  options: OpenDataOptions = {},
): Promise<SSTable> {
  const statistics = readStatistics(storage, descriptor);
  const { header } = statistics; // one that can't be read is told before Data.db is opened
  return new SSTable(descriptor, statistics, header, await openDataFile(storage, descriptor, options));
}
