/** What decides which SSTables are compacted together and what comes out: all of it without opening Data.db. */
import type { Storage } from '../../bytes/source.js';
import { PartitionsFile } from '../../sstable/bti/partitions-file.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { openIndexFile } from '../../sstable/index-file.js';
import { type KeyRange, readKeyRange } from '../../sstable/key-range.js';
import type { KeyEstimate } from '../../sstable/metadata/hyper-log-log-builder.js';
import {
  compareDecorated,
  type DecoratedKey,
  decorate,
  type Partitioner,
  partitionerOf,
} from '../../sstable/partitioner.js';
import { readStatistics } from '../../sstable/statistics.js';
import { readSummary } from '../../sstable/summary.js';

/** Whose writes an SSTable holds, as repairs see it. SSTables that differ in it never meet in a compaction. */
export type RepairState = {
  /** 0: not repaired. */
  readonly repairedAtMillis: number;
  /** UUID of the repair session that has it. */
  readonly pendingRepair?: string;
  readonly isTransient: boolean;
};

export type KeySpan = { readonly first: DecoratedKey; readonly last: DecoratedKey };

/** What tells whether everything in an SSTable has expired. */
export type ExpiryFacts = {
  readonly repairedAtMillis: number;
  readonly minTimestampMicros: bigint;
  readonly maxTimestampMicros: bigint;
  /** Infinity where anything lives for ever. */
  readonly maxLocalDeletionSeconds: number;
};

export type SSTableFacts = RepairState &
  KeySpan &
  ExpiryFacts &
  KeyEstimate & {
    readonly descriptor: Descriptor;
    readonly partitioner: Partitioner;
    /** Of Data.db as stored. */
    readonly onDiskBytes: number;
    readonly level: number;
  };

/** Entries of a summary stand for as many keys each as Cassandra means by default, where there is no summary to tell. */
const DEFAULT_MIN_INDEX_INTERVAL = 128;

/** @throws UsageError (a missing component), CorruptError, UnsupportedError */
export function readSSTableFacts(storage: Storage, descriptor: Descriptor): SSTableFacts {
  const statistics = readStatistics(storage, descriptor);
  const { stats, header, validation } = statistics;
  const partitioner = partitionerOf(validation.partitioner, header.keyType);
  const range = readKeyRange(storage, descriptor, statistics) ?? indexedRange(storage, descriptor);
  return {
    descriptor,
    partitioner,
    onDiskBytes: storage.stat(componentPath(descriptor, COMPONENT.data))?.size ?? 0,
    level: stats.sstableLevel,
    repairedAtMillis: stats.repairedAtMillis,
    ...(stats.pendingRepair !== undefined && { pendingRepair: stats.pendingRepair }),
    isTransient: stats.isTransient,
    first: decorate(partitioner, range.first),
    last: decorate(partitioner, range.last),
    minTimestampMicros: stats.minTimestampMicros,
    maxTimestampMicros: stats.maxTimestampMicros,
    maxLocalDeletionSeconds: stats.maxLocalDeletionSeconds,
    sketch: statistics.has('compaction') ? statistics.compaction.cardinalityEstimator : undefined,
    estimatedKeys: () => estimatedKeys(storage, descriptor),
  };
}

/** Whether the key ranges of two SSTables have a key in common, both ends counted. */
export function overlap(a: KeySpan, b: KeySpan, partitioner: Partitioner): boolean {
  return compareDecorated(partitioner, a.first, b.last) <= 0 && compareDecorated(partitioner, b.first, a.last) <= 0;
}

/**
 * SSTables in groups, each of those that a chain of overlaps connects; within a group and between groups in the order of first keys. No key is in
 * two groups.
 */
export function overlappingGroups<T extends KeySpan>(sstables: readonly T[], partitioner: Partitioner): T[][] {
  const sorted = sstables.toSorted((a, b) => compareDecorated(partitioner, a.first, b.first));
  const groups: T[][] = [];
  let last: DecoratedKey | undefined;
  for (const sstable of sorted) {
    if (last && compareDecorated(partitioner, sstable.first, last) <= 0) {
      groups.at(-1)!.push(sstable);
      if (compareDecorated(partitioner, sstable.last, last) > 0) last = sstable.last;
    } else {
      groups.push([sstable]);
      last = sstable.last;
    }
  }
  return groups;
}

/**
 * Of `others` those that can hold keys between the first and the last of any group of overlapping `compacting` ones: the SSTables that a
 * compaction must ask before it drops a tombstone (ColumnFamilyStore.getOverlappingLiveSSTables).
 */
export function overlappingSSTables<T extends KeySpan>(
  compacting: readonly KeySpan[],
  others: readonly T[],
  partitioner: Partitioner,
): T[] {
  const spans = overlappingGroups(compacting, partitioner).map((group) => spanOf(group, partitioner));
  return others.filter((other) => spans.some((span) => overlap(span, other, partitioner)));
}

/** From the first of their keys to the last. There must be one SSTable at least. */
export function spanOf(sstables: readonly KeySpan[], partitioner: Partitioner): KeySpan {
  return sstables.reduce((span, { first, last }) => ({
    first: compareDecorated(partitioner, first, span.first) < 0 ? first : span.first,
    last: compareDecorated(partitioner, last, span.last) > 0 ? last : span.last,
  }));
}

/** As SSTableReader.estimatedKeys: of BTI exact, of BIG by the summary at its full sampling, an interval more than there can be. */
function estimatedKeys(storage: Storage, descriptor: Descriptor): number {
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
