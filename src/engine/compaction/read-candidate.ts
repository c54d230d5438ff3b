/**
 * What a strategy must know of an SSTable, read off its metadata. Data.db is never opened.
 *
 *   at once         Statistics.db (STATS and VALIDATION, and a sketch of few keys); the size and time of Data.db; before oa the ends of Summary.db
 *   when asked for  a larger sketch of the keys (Statistics.db again: thousands are not kept), CompressionInfo.db, Summary.db, Partitions.db
 *
 * A directory may have thousands of SSTables: of each little is kept.
 */
import type { Storage } from '../../bytes/source.js';
import { PartitionsFile } from '../../sstable/bti/partitions-file.js';
import { RowsFile } from '../../sstable/bti/rows-file.js';
import { readCompressionParameters } from '../../sstable/compression-info.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { openIndexFile } from '../../sstable/index-file.js';
import { type KeyRange, readKeyRange } from '../../sstable/key-range.js';
import { histogramCount, histogramMean } from '../../sstable/metadata/estimated-histogram.js';
import type { HyperLogLog } from '../../sstable/metadata/hyper-log-log.js';
import { type TombstoneHistogram, tombstonesUntil } from '../../sstable/metadata/tombstone-histogram.js';
import { type DecoratedKey, decorate, type Partitioner, partitionerOf } from '../../sstable/partitioner.js';
import { readStatistics } from '../../sstable/statistics.js';
import { readSummary } from '../../sstable/summary.js';
import { readToc } from '../../sstable/toc.js';
import type { Candidate, TokenSpan } from '../strategies/strategy.js';
import { bigKeysInSpans, btiKeysInSpans } from './keys-in-spans.js';

/** Entries of a summary stand for as many keys each as Cassandra means by default, where there is no summary to tell. */
const DEFAULT_MIN_INDEX_INTERVAL = 128;
/** An estimate of a part of the keys wants more entries in the summary than this. */
const FEW_SUMMARY_ENTRIES = 2;
/** Of sketches that are kept: of SSTables of some hundreds of keys, as those are of which there are thousands. */
const MAX_KEPT_SKETCH_BYTES = 1536;

/** For one Statistics.db after the other. */
const scratch = new Uint8Array(1 << 16);

/** @throws UsageError (a missing component), CorruptError, UnsupportedError: at once, and later by what is asked for then */
export function readCandidate(storage: Storage, descriptor: Descriptor): Candidate {
  return new StoredSSTable(storage, descriptor);
}

/** In the order given. */
export function readCandidates(storage: Storage, descriptors: readonly Descriptor[]): Candidate[] {
  return descriptors.map((descriptor) => readCandidate(storage, descriptor));
}

class StoredSSTable implements Candidate {
  readonly descriptor: Descriptor;
  readonly partitioner: Partitioner;
  readonly onDiskBytes: number;
  readonly createdMillis: number;
  readonly level: number;
  readonly repairedAtMillis: number;
  readonly pendingRepair?: string;
  readonly isTransient: boolean;
  readonly first: DecoratedKey;
  readonly last: DecoratedKey;
  readonly minTimestampMicros: bigint;
  readonly maxTimestampMicros: bigint;
  readonly maxLocalDeletionSeconds: number;
  readonly tokenSpaceCoverage: number | undefined;
  readonly cellsPerPartition: { readonly count: number; readonly mean: number };
  private readonly storage: Storage;
  private readonly tombstones: TombstoneHistogram;
  private readonly meanPartitionBytes: number;
  private readonly keptSketch: HyperLogLog | undefined;
  private knownPlainBytes: number | undefined;
  private knownComponentBytes: number | undefined;
  private knownKeys: number | undefined;
  private knownSummaryEntries: number | undefined;
  private lastRatio: { readonly gcBeforeSeconds: number; readonly ratio: number } | undefined;

  constructor(storage: Storage, descriptor: Descriptor) {
    const statistics = readStatistics(storage, descriptor, scratch);
    const { stats, validation } = statistics;
    const keyType = validation.partitioner.includes('LocalPartitioner') ? statistics.header.keyType : undefined;
    const partitioner = partitionerOf(validation.partitioner, keyType);
    const range = readKeyRange(storage, descriptor, statistics) ?? indexedRange(storage, descriptor);
    const data = storage.stat(componentPath(descriptor, COMPONENT.data));
    const cells = stats.estimatedCellPerPartitionCount;
    this.storage = storage;
    this.descriptor = descriptor;
    this.partitioner = partitioner;
    this.onDiskBytes = data?.size ?? 0;
    this.createdMillis = data?.mtimeMillis ?? 0;
    this.level = stats.sstableLevel;
    this.repairedAtMillis = stats.repairedAtMillis;
    if (stats.pendingRepair !== undefined) this.pendingRepair = stats.pendingRepair;
    this.isTransient = stats.isTransient;
    this.first = decorate(partitioner, range.first);
    this.last = decorate(partitioner, range.last);
    this.minTimestampMicros = stats.minTimestampMicros;
    this.maxTimestampMicros = stats.maxTimestampMicros;
    this.maxLocalDeletionSeconds = stats.maxLocalDeletionSeconds;
    this.tokenSpaceCoverage = Number.isNaN(stats.tokenSpaceCoverage) ? undefined : stats.tokenSpaceCoverage;
    this.cellsPerPartition = { count: histogramCount(cells), mean: histogramMean(cells) };
    this.tombstones = stats.estimatedTombstoneDropTime;
    this.meanPartitionBytes = histogramMean(stats.estimatedPartitionSize);
    const sketchBytes = statistics.bytesOf('compaction');
    if (sketchBytes > 0 && sketchBytes <= MAX_KEPT_SKETCH_BYTES) {
      this.keptSketch = statistics.compaction.cardinalityEstimator;
    }
  }

  get plainBytes(): number {
    this.knownPlainBytes ??= readCompressionParameters(this.storage, this.descriptor)?.dataLength ?? this.onDiskBytes;
    return this.knownPlainBytes;
  }

  /** Missing files count 0, as those of names that can't be a component's. */
  get componentBytes(): number {
    this.knownComponentBytes ??= readComponentBytes(this.storage, this.descriptor);
    return this.knownComponentBytes;
  }

  get sketch(): HyperLogLog | undefined {
    if (this.keptSketch) return this.keptSketch;
    const statistics = readStatistics(this.storage, this.descriptor);
    return statistics.has('compaction') ? statistics.compaction.cardinalityEstimator : undefined;
  }

  readonly estimatedKeys = (): number => {
    this.knownKeys ??= readEstimatedKeys(this.storage, this.descriptor);
    return this.knownKeys;
  };

  droppableRatio(gcBeforeSeconds: number): number {
    if (this.lastRatio?.gcBeforeSeconds !== gcBeforeSeconds) {
      const cells = this.cellsPerPartition.mean * this.cellsPerPartition.count;
      const ratio = cells > 0 ? tombstonesUntil(this.tombstones, gcBeforeSeconds) / cells : 0;
      this.lastRatio = { gcBeforeSeconds, ratio };
    }
    return this.lastRatio.ratio;
  }

  get isEstimationInformative(): boolean {
    if (this.descriptor.format === 'bti') return true;
    this.knownSummaryEntries ??= readSummary(this.storage, this.descriptor)?.entries.length ?? 0;
    return this.knownSummaryEntries > FEW_SUMMARY_ENTRIES;
  }

  estimatedKeysIn(spans: readonly TokenSpan[]): number {
    const { storage, descriptor, partitioner } = this;
    if (descriptor.format === 'big') {
      const summary = readSummary(storage, descriptor);
      return summary ? bigKeysInSpans(summary, spans, partitioner) : this.estimatedKeys();
    }
    return withPartitions(storage, descriptor, (partitions) => {
      const rows = new RowsFile(storage.open(componentPath(descriptor, COMPONENT.rows)), descriptor.version);
      try {
        const { plainBytes, meanPartitionBytes, first, last } = this;
        return btiKeysInSpans({ partitions, rows, partitioner, plainBytes, meanPartitionBytes, first, last }, spans);
      } finally {
        rows.close();
      }
    });
  }
}

function readComponentBytes(storage: Storage, descriptor: Descriptor): number {
  const hasToc = storage.stat(componentPath(descriptor, COMPONENT.toc)) !== undefined;
  const names = hasToc ? readToc(storage, descriptor) : Object.values(COMPONENT);
  const own = [...new Set(names)].filter((name) => !name.includes('/'));
  return own.reduce((sum, name) => sum + (storage.stat(componentPath(descriptor, name))?.size ?? 0), 0);
}

/** As SSTableReader.estimatedKeys: of BTI exact, of BIG by the summary at its full sampling, an interval more than there can be. */
function readEstimatedKeys(storage: Storage, descriptor: Descriptor): number {
  if (descriptor.format === 'bti') return withPartitions(storage, descriptor, ({ keyCount }) => keyCount);
  const summary = readSummary(storage, descriptor);
  if (summary) return (summary.sizeAtFullSampling + 1) * summary.minIndexInterval;
  const keys = indexKeys(storage, descriptor, (all) => [...all].length);
  return (Math.ceil(keys / DEFAULT_MIN_INDEX_INTERVAL) + 1) * DEFAULT_MIN_INDEX_INTERVAL;
}

/** First and last key where neither Statistics.db nor Summary.db tells them. */
function indexedRange(storage: Storage, descriptor: Descriptor): KeyRange {
  if (descriptor.format === 'bti') {
    return withPartitions(storage, descriptor, ({ firstKey, lastKey }) => ({ first: firstKey, last: lastKey }));
  }
  return indexKeys(storage, descriptor, (keys) => {
    let range: KeyRange | undefined;
    for (const key of keys) range = { first: range?.first ?? key, last: key };
    return range ?? { first: new Uint8Array(0), last: new Uint8Array(0) };
  });
}

function withPartitions<T>(storage: Storage, descriptor: Descriptor, use: (file: PartitionsFile) => T): T {
  const source = storage.open(componentPath(descriptor, COMPONENT.partitions));
  try {
    return use(new PartitionsFile(source));
  } finally {
    source.close();
  }
}

function indexKeys<T>(storage: Storage, descriptor: Descriptor, use: (keys: Iterable<Uint8Array>) => T): T {
  const index = openIndexFile(storage, descriptor, []);
  try {
    return use(keysOf(index));
  } finally {
    index.close();
  }
}

function* keysOf(index: ReturnType<typeof openIndexFile>): Generator<Uint8Array> {
  for (const { key } of index.entries()) yield key;
}
