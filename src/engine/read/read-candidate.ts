/** An SSTable as a read meets it: what must be known of it is read when it is asked for, and every byte is counted. */
import { CountingStorage, type Storage } from '../../bytes/source.js';
import { type DataFile, openDataFile } from '../../sstable/data-file.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { readKeyRange } from '../../sstable/key-range.js';
import type { StatsBounds } from '../../sstable/metadata/stats.js';
import type { PartitionEntry, PartitionIndex } from '../../sstable/partition-index.js';
import { compareDecorated, type DecoratedKey, decorate, type Partitioner } from '../../sstable/partitioner.js';
import { SSTable } from '../../sstable/sstable.js';
import { readStatistics, type Statistics } from '../../sstable/statistics.js';
import { type FilterAnswer, probeFilter } from './filter-probe.js';

/** Bytes read of the files of one SSTable. */
export type BytesRead = { filter: number; index: number; data: number };

export class ReadCandidate {
  readonly descriptor: Descriptor;
  /** It is no SSTable but what is not flushed yet. */
  readonly isMemtable: boolean;
  private readonly storage: CountingStorage;
  readonly bytes: BytesRead = { filter: 0, index: 0, data: 0 };
  private readStats: Statistics | undefined;
  private readBounds: StatsBounds | undefined;
  private opened: SSTable | undefined;
  private range: { readonly first: DecoratedKey; readonly last: DecoratedKey } | 'unknown' | undefined;
  private openedIndex: PartitionIndex | undefined;

  constructor(storage: Storage, descriptor: Descriptor, isMemtable = false) {
    this.isMemtable = isMemtable;
    this.storage = new CountingStorage(storage);
    this.descriptor = descriptor;
  }

  /** @throws CorruptError */
  get statistics(): Statistics {
    this.readStats ??= readStatistics(this.storage, this.descriptor);
    return this.readStats;
  }

  /** What tells whether it is read: nothing else of Statistics.db is kept for that. @throws CorruptError */
  get bounds(): StatsBounds {
    this.readBounds ??= (this.readStats ?? readStatistics(this.storage, this.descriptor, scratch)).bounds;
    return this.readBounds;
  }

  get maxTimestampMicros(): bigint {
    return this.bounds.maxTimestampMicros;
  }

  /** Whether the key lies between the first and the last key, as far as they are known, and whether it is the last. */
  place(key: DecoratedKey, partitioner: Partitioner): 'outside' | 'inside' | 'last' {
    this.range ??= this.keyRange(partitioner);
    if (this.range === 'unknown') return 'inside';
    if (compareDecorated(partitioner, this.range.first, key) > 0) return 'outside';
    const last = compareDecorated(partitioner, this.range.last, key);
    return last < 0 ? 'outside' : last === 0 ? 'last' : 'inside';
  }

  private keyRange(partitioner: Partitioner) {
    const range = readKeyRange(this.storage, this.descriptor, { stats: this.bounds });
    return range ? { first: decorate(partitioner, range.first), last: decorate(partitioner, range.last) } : 'unknown';
  }

  /** @throws CorruptError */
  askFilter(key: Uint8Array): FilterAnswer {
    return this.counted('filter', () => probeFilter(this.storage, this.descriptor, key));
  }

  /** Opens CompressionInfo.db and Data.db, once. @throws UsageError, CorruptError, UnsupportedError */
  async open(): Promise<SSTable> {
    if (this.opened) return this.opened;
    const { statistics } = this;
    const data: DataFile = await openDataFile(this.storage, this.descriptor, { windowBytes: WINDOW_BYTES });
    this.opened = new SSTable(this.descriptor, statistics, statistics.header, data);
    return this.opened;
  }

  /** Asks the index of an open SSTable. @throws CorruptError, UsageError */
  find(sstable: SSTable, key: Uint8Array): PartitionEntry | undefined {
    return this.counted('index', () => this.index(sstable).find(key));
  }

  /** The index of an open SSTable. @throws CorruptError, UsageError */
  index(sstable: SSTable): PartitionIndex {
    this.openedIndex ??= sstable.openIndex(this.storage);
    return this.openedIndex;
  }

  /** Adds the bytes that `work` reads to those of a component. */
  counted<T>(what: keyof BytesRead, work: () => T): T {
    const before = this.storage.bytesRead;
    try {
      return work();
    } finally {
      this.bytes[what] += this.storage.bytesRead - before;
    }
  }

  private beforeData = 0;

  /** From here on what is read is Data.db. */
  startData(): void {
    this.beforeData = this.storage.bytesRead;
  }

  get dataBytes(): number {
    return this.storage.bytesRead - this.beforeData;
  }

  close(): void {
    this.openedIndex?.close();
    this.opened?.close();
  }
}

/** For Statistics.db of one SSTable after the other. */
const scratch = new Uint8Array(1 << 16);

/** Bytes that a cursor reads ahead at most: less than a chunk, so that no chunk is decompressed that is not asked for. */
const WINDOW_BYTES = 1 << 12;
