/** What reads of a table would meet, partition by partition, in one scan of all its SSTables. */
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import { NO_DELETION_TIME } from '../../sstable/metadata/stats.js';
import { compareDecorated, decorate } from '../../sstable/partitioner.js';
import type { SSTable } from '../../sstable/sstable.js';
import type { SSTableFacts } from '../compaction/sstable-facts.js';
import type { MergeSource } from '../merge/merge-source.js';
import { PartitionMerge } from '../merge/partition-merge.js';
import type { PurgeEvaluator } from '../merge/purge.js';
import type { CompactionParams } from '../strategies/options.js';
import { openAll, runMerge, sourcesOf } from './judge.js';
import { type PartitionReads, ReadCounter, type ReadCounts, ReadPurger } from './read-counter.js';
import { Tally } from './tally.js';
import { TopPartitions } from './top-partitions.js';

export type ReadSetup = {
  readonly storage: Storage;
  /** All of the table; at least one. */
  readonly sstables: readonly SSTableFacts[];
  readonly definition: Table | View | undefined;
  readonly params: CompactionParams;
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  readonly isStrict: boolean;
  /** Of the reads of the first and the last rows. */
  readonly rows: number;
  /** Partitions to tell of one by one. */
  readonly top: number;
  /** A read that meets more warns, and one that meets more fails. */
  readonly warn: number;
  readonly fail: number;
  readonly onProgress?: ((bytes: number) => void) | undefined;
};

export type TableReads = {
  readonly partitions: number;
  /** Partitions whose reads meet a tombstone, or that are deleted. */
  readonly withTombstones: number;
  /** Sums over all partitions. */
  readonly reads: ReadCounts;
  readonly tally: Tally;
  /** Partitions of which a read of the shape warns (and does not fail), and fails. */
  readonly warned: ReadCounts;
  readonly failed: ReadCounts;
  readonly top: readonly PartitionReads[];
};

const SHAPES = ['whole', 'first', 'last'] as const;
const none = () => ({ whole: 0, first: 0, last: 0 });
const ALWAYS: PurgeEvaluator = () => true;

/** @throws CorruptError, UsageError, UnsupportedError */
export async function countReads(setup: ReadSetup): Promise<TableReads> {
  const { sstables: inputs, nowSeconds, gcGraceSeconds, isStrict, rows, warn, fail } = setup;
  const purger = new ReadPurger({
    nowSeconds,
    gcBeforeSeconds: nowSeconds - gcGraceSeconds,
    strictLiveness: isStrict,
  });
  const [reads, warned, failed] = [none(), none(), none()];
  const tally = new Tally();
  const top = new TopPartitions(setup.top);
  let withTombstones = 0;
  const take = (one: PartitionReads) => {
    withTombstones++;
    tally.addAll(one.tally);
    for (const shape of SHAPES) {
      const count = one.reads[shape];
      reads[shape] += count;
      if (count > fail) failed[shape]++;
      else if (count > warn) warned[shape]++;
    }
    top.offer(one);
  };
  const sstables = await openAll(setup.storage, inputs);
  try {
    const { sources, header } = sourcesOf(sstables, setup.definition, true);
    const keptFrom = oldestUnrepaired(setup, sstables);
    const evaluatorFor = (source: MergeSource) => {
      purger.begin(keptFrom(source));
      return ALWAYS;
    };
    const merge = new PartitionMerge({ sources, header, purger, evaluatorFor });
    runMerge(merge, new ReadCounter({ purger, nowSeconds, isStrict, rows, take }), sources, setup.onProgress);
    const partitions = merge.counts.mergedPartitions.reduce((sum, count) => sum + count, 0);
    return { partitions, withTombstones, reads, tally, warned, failed, top: top.sorted };
  } finally {
    for (const sstable of sstables) sstable.close();
  }
}

/**
 * Under only_purge_repaired_tombstones a read leaves out no deletion that is at or after the oldest one of the unrepaired SSTables it looks into:
 * those around the key by their first and last keys.
 */
function oldestUnrepaired(
  { sstables: facts, params }: ReadSetup,
  sstables: readonly SSTable[],
): (source: MergeSource) => number {
  const unrepaired = facts
    .map((one, i) => ({ ...one, oldest: sstables[i]!.statistics.stats.minLocalDeletionSeconds }))
    .filter(({ repairedAtMillis, oldest }) => repairedAtMillis === 0 && oldest !== NO_DELETION_TIME);
  if (!params.onlyPurgeRepairedTombstones || unrepaired.length === 0) return () => Number.POSITIVE_INFINITY;
  const { partitioner } = facts[0]!;
  return ({ cursor }) => {
    const key = decorate(partitioner, cursor.key.slice(0, cursor.keyLength));
    let least = Number.POSITIVE_INFINITY;
    for (const { first, last, oldest } of unrepaired) {
      const isAround = compareDecorated(partitioner, key, first) >= 0 && compareDecorated(partitioner, key, last) <= 0;
      if (isAround && oldest < least) least = oldest;
    }
    return least;
  };
}
