/**
 * SizeTieredCompactionStrategy: SSTables of like size make a bucket, and the bucket is compacted once it has `min_threshold` of them.
 *
 *   in the order of size, an SSTable joins a bucket where   average × bucket_low < size < average × bucket_high
 *                                                      or   both are below min_sstable_size
 *   of the buckets that are full the one that is read most is taken, and of equally read ones that of the largest average, up to max_threshold
 *
 * How much an SSTable is read only a running node knows; as for a table without such a record none is read more than another.
 * Where no bucket is full, the largest SSTable is compacted alone that is worth it for its tombstones.
 */
import { byFallingSize, bySize } from './by-size.js';
import { LongHashMap } from './long-hash-map.js';
import type { CompactionParams, Thresholds } from './options.js';
import { areText, sstablesText } from './reason.js';
import type { SizeTieredOptions } from './size-tiered-options.js';
import type { Candidate, Decision, LeftAlone, Pick, Strategy, StrategyContext } from './strategy.js';
import { tombstoneJudge } from './tombstone-compaction.js';

export function sizeTieredStrategy(options: SizeTieredOptions, params: CompactionParams): Strategy {
  return { next: (sstables, context) => nextSizeTiered(sstables, context, options, params) };
}

function nextSizeTiered<T extends Candidate>(
  sstables: readonly T[],
  context: StrategyContext,
  options: SizeTieredOptions,
  params: CompactionParams,
): Decision<T> {
  const { thresholds } = params;
  const buckets = sizeTieredBuckets(sstables, options);
  const pendingTasks = estimatedCompactions(buckets, thresholds);
  const inputs = mostInterestingBucket(buckets, thresholds);
  if (inputs.length > 0) {
    const taken = buckets.find((bucket) => bucket.includes(inputs[0]!))!;
    const pick = {
      kind: 'compaction' as const,
      inputs,
      output: ONE,
      reason: reasonOf(taken, inputs, buckets, thresholds),
    };
    return {
      picks: [pick],
      get left() {
        return leftInBuckets(sstables, buckets, pick, thresholds);
      },
      pendingTasks,
    };
  }
  return withTombstones(sstables, buckets, context, params, pendingTasks);
}

const ONE = { kind: 'one', level: 0 } as const;

type Sized = { readonly onDiskBytes: number; readonly componentBytes: number };

/**
 * Buckets in the order in which Cassandra walks them, each in the order of size. Rarely an SSTable is in none: where two buckets come to the same
 * average, one is forgotten.
 */
export function sizeTieredBuckets<T extends Sized>(sstables: readonly T[], options: SizeTieredOptions): T[][] {
  const { bucketLow, bucketHigh, minSSTableBytes } = options;
  const buckets = new LongHashMap<T[]>();
  /** The bucket that the last one joined, where nothing moved for it: one of the same size joins it as well, and moves nothing. */
  let same: { readonly size: number; readonly bucket: T[] } | undefined;
  for (const sstable of bySize(sstables)) {
    const size = sstable.onDiskBytes;
    if (same?.size === size) {
      same.bucket.push(sstable);
      continue;
    }
    const isLike = (average: number) =>
      (size > average * bucketLow && size < average * bucketHigh) ||
      (size < minSSTableBytes && average < minSSTableBytes);
    const found = buckets.find(isLike);
    if (!found) {
      buckets.put(size, [sstable]);
      same = undefined;
      continue;
    }
    const { key: average, value: bucket } = found;
    const next = Math.floor((bucket.length * average + size) / (bucket.length + 1));
    bucket.push(sstable);
    if (next === average && buckets.isLast(average)) same = { size, bucket };
    else {
      same = undefined;
      buckets.remove(average);
      buckets.put(next, bucket);
    }
  }
  return buckets.values();
}

/** What of the full bucket with the largest average is compacted; empty where none is full. */
export function mostInterestingBucket<T extends Sized>(
  buckets: readonly (readonly T[])[],
  thresholds: Thresholds,
): T[] {
  const full = buckets
    .map((bucket) => bucket.slice(0, thresholds.max))
    .filter(({ length }) => length >= thresholds.min);
  if (full.length < 2) return full[0] ?? []; // sizes of all components are read where there is a choice
  let best: T[] = [];
  let bestAverage = -1;
  for (const trimmed of full) {
    const average = averageBytes(trimmed);
    if (average > bestAverage) [best, bestAverage] = [trimmed, average];
  }
  return best;
}

function averageBytes(sstables: readonly Sized[]): number {
  return Math.floor(sstables.reduce((sum, { componentBytes }) => sum + componentBytes, 0) / sstables.length);
}

/** Compactions that buckets ask for as they are. */
export function estimatedCompactions(buckets: readonly (readonly unknown[])[], { min, max }: Thresholds): number {
  const full = buckets.filter(({ length }) => length >= min);
  return full.reduce((sum, { length }) => sum + Math.ceil(length / max), 0);
}

/** Nothing is to be done for the sizes: a compaction of the largest SSTable that is worth it for its tombstones. */
function withTombstones<T extends Candidate>(
  sstables: readonly T[],
  buckets: readonly (readonly T[])[],
  context: StrategyContext,
  params: CompactionParams,
  pendingTasks: number,
): Decision<T> {
  const judge = tombstoneJudge(liveOf(sstables, context), context, params);
  const hindered = new Map<T, string>();
  const decided = (pick?: Pick<T>): Decision<T> => ({
    picks: pick ? [pick] : [],
    get left() {
      return leftInBuckets(sstables, buckets, pick, params.thresholds, hindered);
    },
    pendingTasks,
  });
  for (const sstable of byFallingSize(sstables)) {
    const { isWorthIt, reason } = judge(sstable);
    if (isWorthIt) return decided({ kind: 'tombstones', inputs: [sstable], output: ONE, reason: reason! });
    if (reason !== undefined) hindered.set(sstable, reason);
  }
  return decided();
}

/** Buckets are numbered from the smallest SSTables up. */
function numbered<T extends Candidate>(buckets: readonly (readonly T[])[]): (readonly T[])[] {
  return buckets.toSorted((a, b) => a[0]!.onDiskBytes - b[0]!.onDiskBytes);
}

function reasonOf<T extends Candidate>(
  bucket: readonly T[],
  inputs: readonly T[],
  buckets: readonly (readonly T[])[],
  { min, max }: Thresholds,
): string {
  const name = `bucket ${numbered(buckets).indexOf(bucket) + 1}`;
  const trimmed = inputs.length < bucket.length ? `, the ${max} smallest of ${bucket.length} (max_threshold)` : '';
  return `${name}: ${sstablesText(inputs)}, min_threshold ${min}${trimmed}`;
}

function leftInBuckets<T extends Candidate>(
  sstables: readonly T[],
  buckets: readonly (readonly T[])[],
  pick: Pick<T> | undefined,
  thresholds: Thresholds,
  hindered: ReadonlyMap<T, string> = new Map(),
): LeftAlone<T>[] {
  const taken = new Set(pick?.inputs);
  const left = numbered(buckets).map((bucket, i) => {
    const rest = bucket.filter((sstable) => !taken.has(sstable) && !hindered.has(sstable));
    return { sstables: rest, why: `bucket ${i + 1}: ${whyLeft(bucket, rest, taken, thresholds)}` };
  });
  const grouped = new Set(buckets.flat());
  const lost = sstables.filter((sstable) => !grouped.has(sstable) && !taken.has(sstable) && !hindered.has(sstable));
  left.push({ sstables: lost, why: 'in no bucket: two buckets came to the same average size, and one was forgotten' });
  for (const [sstable, why] of hindered) left.push({ sstables: [sstable], why });
  return left.filter((group) => group.sstables.length > 0);
}

function whyLeft<T extends Candidate>(
  bucket: readonly T[],
  rest: readonly T[],
  taken: ReadonlySet<T>,
  { min, max }: Thresholds,
): string {
  if (rest.length === 0) return '';
  if (bucket.length < min) return `${sstablesText(bucket)} ${areText(bucket)} fewer than min_threshold ${min}`;
  if (bucket.some((sstable) => taken.has(sstable))) return `beyond the ${max} SSTables of max_threshold`;
  return `${sstablesText(bucket)} would do, but wait: a bucket of larger ones goes first`;
}

/** All of the table, whatever their repair state. */
export function liveOf<T extends Candidate>(sstables: readonly T[], { others }: StrategyContext): readonly Candidate[] {
  return others ? [...sstables, ...others] : sstables;
}
