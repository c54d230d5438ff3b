/**
 * UnifiedCompactionStrategy (Cassandra's UnifiedCompactionStrategy.md tells why): levels of density, in each of them buckets of SSTables that
 * overlap. The bucket with most SSTables to a key is compacted, its output cut into shards.
 *
 * Of the levels that one with most SSTables to a key is taken, of like ones the lowest; where nothing is due in it, nothing is done at all. Of like
 * buckets of a level Cassandra takes any by chance; here it is the first in the order of keys. After it the picks are those that a node would
 * begin meanwhile.
 *
 * What a node knows and a directory doesn't: the size of its flushes (taken as after a start, where none has been; `flush_size_override` says it),
 * and what it owns of the ring (all of it, if not given). Whether SSTables have expired a node asks every ten minutes, this each time.
 */
import type { TokenRange } from '../../sstable/metadata/token-space-coverage.js';
import { fullyExpiredSSTables } from '../compaction/fully-expired.js';
import { shardCount } from '../compaction/shards.js';
import { overlappingSSTables } from '../compaction/sstable-facts.js';
import type { CompactionParams } from './options.js';
import { liveOf } from './size-tiered.js';
import type { Candidate, Decision, OutputShape, Pick, Strategy, StrategyContext } from './strategy.js';
import { LevelBuckets, type Taken } from './unified-buckets.js';
import { combinedDensity, densityLevels, type TokenShares, tokenShares } from './unified-levels.js';
import type { UnifiedOptions } from './unified-options.js';
import { expiredReason, leftInBuckets, takenReason } from './unified-reasons.js';

export type UnifiedSettings = {
  /** What the node owns of the ring, ascending. */
  readonly localRanges?: readonly TokenRange[];
};

type Params = Readonly<globalThis.Pick<CompactionParams, 'onlyPurgeRepairedTombstones'>>;
type Rules = UnifiedOptions & Params & UnifiedSettings;

export function unifiedStrategy(options: UnifiedOptions, params: Params, settings: UnifiedSettings = {}): Strategy {
  const { onlyPurgeRepairedTombstones } = params;
  const rules: Rules = { ...options, onlyPurgeRepairedTombstones, ...settings };
  return { next: (sstables, context) => decide(sstables, context, rules) };
}

function decide<T extends Candidate>(sstables: readonly T[], context: StrategyContext, rules: Rules): Decision<T> {
  const [any] = sstables;
  if (!any) return { picks: [], left: [], pendingTasks: 0 };
  const shares = tokenShares(any.partitioner, rules.localRanges);
  const expired = expiredOf(sstables, sstables, context, rules, rules.ignoresOverlaps);
  const gone = new Set(expired);
  const levels = densityLevels(
    sstables.filter((sstable) => !gone.has(sstable)),
    rules,
    shares,
  ).map((level) => new LevelBuckets(level, rules));
  const pendingTasks = levels.reduce((sum, level) => sum + level.pendingTasks(), 0);
  const picks: Pick<T>[] = [];
  let taken = takeNext(levels);
  if (taken || expired.length > 0) picks.push(pickOf(taken, expired, sstables, context, rules, shares));
  while (taken) {
    taken = takeNext(levels);
    if (taken) picks.push(pickOf(taken, [], sstables, context, rules, shares));
  }
  return { picks, left: leftInBuckets(levels), pendingTasks };
}

/** From the level that is deepest. */
function takeNext<T extends Candidate>(levels: readonly LevelBuckets<T>[]): Taken<T> | undefined {
  let deepest: LevelBuckets<T> | undefined;
  for (const level of levels) if (!deepest || level.depth > deepest.depth) deepest = level;
  return deepest?.take();
}

function pickOf<T extends Candidate>(
  taken: Taken<T> | undefined,
  expired: readonly T[],
  sstables: readonly T[],
  context: StrategyContext,
  rules: Rules,
  shares: TokenShares,
): Pick<T> {
  const inputs = [...(taken?.sstables ?? []), ...expired];
  // The compaction itself asks once more what has expired, of its inputs alone, and heeds overlaps always.
  const unread = new Set(expiredOf(inputs, sstables, context, rules, false));
  const read = inputs.filter((sstable) => !unread.has(sstable));
  return {
    kind: read.length > 0 ? 'compaction' : 'expired',
    inputs,
    output: outputOf(read, rules, shares),
    reason: taken ? takenReason(taken, expired.length, read.length === 0) : expiredReason(expired.length, unread.size),
  };
}

function outputOf(read: readonly Candidate[], rules: Rules, shares: TokenShares): OutputShape {
  return { kind: 'sharded', shards: shares.isSplittable ? shardCount(combinedDensity(read, shares), rules) : 1 };
}

/** Those of `among` that can be dropped unread, as far as all others of the table go. */
function expiredOf<T extends Candidate>(
  among: readonly T[],
  sstables: readonly T[],
  context: StrategyContext,
  { onlyPurgeRepairedTombstones }: Rules,
  ignoresOverlaps: boolean,
): T[] {
  const { gcBeforeSeconds } = context;
  if (!among.some(({ maxLocalDeletionSeconds }) => maxLocalDeletionSeconds < gcBeforeSeconds)) return [];
  const inside = new Set<Candidate>(among);
  const others = liveOf(sstables, context).filter((sstable) => !inside.has(sstable));
  const overlapping = overlappingSSTables(among, others, among[0]!.partitioner);
  return fullyExpiredSSTables(among, overlapping, { gcBeforeSeconds, onlyPurgeRepairedTombstones, ignoresOverlaps });
}
