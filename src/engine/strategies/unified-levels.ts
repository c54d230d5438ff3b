/**
 * SSTables by density, as UnifiedCompactionStrategy sees them:
 *
 *   density = bytes on disk / share of the token range that the SSTable spans
 *   level 0 from density 0 up, each next level from where the one before ends to as many times that as its fanout says
 *
 *   W (scaling parameter)    fanout   threshold
 *   below 0   L<fanout>       2 - W    2          leveled: a second SSTable is merged in at once
 *   0 and up  N, T<fanout>    2 + W    2 + W      tiered: SSTables gather until they are as many as the fanout
 */
import { toBigInt } from '../../bytes/int64.js';
import { type TokenRange, tokenSpaceCoverage } from '../../sstable/metadata/token-space-coverage.js';
import type { Partitioner, Token } from '../../sstable/partitioner.js';
import { ownershipOf } from '../compaction/shards.js';
import { type KeySpan, spanOf } from '../compaction/sstable-facts.js';
import type { Candidate } from './strategy.js';
import type { UnifiedOptions } from './unified-options.js';

export type LevelShape = {
  readonly index: number;
  /** W. */
  readonly scaling: number;
  readonly fanout: number;
  /** So many SSTables that share a key make a compaction due. */
  readonly threshold: number;
};

export type DensityLevel<T> = LevelShape & {
  /** Bytes per whole token range: from this on … */
  readonly minDensity: number;
  /** … to below this. */
  readonly maxDensity: number;
  /** In the order of density. */
  readonly sstables: readonly T[];
};

/** SSTables of a partition or of few would seem infinitely dense: what spans less counts as all. */
const MIN_COVERAGE = 2 ** -48;
/** Before a node has flushed anything it takes this for the size of a flush. */
const MIN_FLUSH_BYTES = 1 << 20;

/** How shares of the token range are reckoned; of partitioners that can't split their range everything spans all of it. */
export type TokenShares = {
  /** What the node owns of the ring, 0 to 1. */
  readonly owned: number;
  /** Whether outputs are cut at borders of shards. */
  readonly isSplittable: boolean;
  /** Between two keys, of what the node owns. */
  spanned(span: KeySpan): number;
};

/** @param localRanges what the node owns, ascending; the whole ring where it is not known. Not reckoned with for RandomPartitioner. */
export function tokenShares(partitioner: Partitioner, localRanges?: readonly TokenRange[]): TokenShares {
  const ownership = ownershipOf(partitioner, localRanges);
  if (ownership) {
    const spanned = ({ first, last }: KeySpan) =>
      tokenSpaceCoverage(longOf(first.token), longOf(last.token), ownership.ranges);
    return { owned: ownership.share, isSplittable: true, spanned };
  }
  if (partitioner.name === 'RandomPartitioner') {
    const spanned = ({ first, last }: KeySpan) => Number(bigOf(last.token) + 1n - bigOf(first.token)) * 2 ** -127;
    return { owned: 1, isSplittable: true, spanned };
  }
  return { owned: 1, isSplittable: false, spanned: () => 1 };
}

/** By the share that Statistics.db tells, else by first and last key. */
export function densityOf(sstable: Candidate, shares: TokenShares): number {
  if (!shares.isSplittable) return sstable.onDiskBytes;
  const told = sstable.tokenSpaceCoverage;
  const share = told !== undefined && told > 0 ? told : shares.spanned(sstable);
  return sstable.onDiskBytes / (share >= MIN_COVERAGE ? share : 1);
}

/** Bytes per share of what the node owns that compacting these SSTables gives: what the number of shards depends on. */
export function combinedDensity(sstables: readonly Candidate[], shares: TokenShares): number {
  const [first] = sstables;
  if (!first) return 0;
  const bytes = sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  const share = shares.spanned(spanOf(sstables, first.partitioner));
  return (share >= MIN_COVERAGE ? bytes / share : bytes) * shares.owned;
}

/** Levels from 0 up to the last that holds an SSTable, empty ones between among them. */
export function densityLevels<T extends Candidate>(
  sstables: readonly T[],
  options: UnifiedOptions,
  shares: TokenShares,
): DensityLevel<T>[] {
  const byDensity = sstables.map((sstable) => ({ sstable, density: densityOf(sstable, shares) }));
  byDensity.sort((a, b) => a.density - b.density);
  const levels: DensityLevel<T>[] = [];
  let minDensity = 0;
  let maxDensity = firstMaxDensity(options, shares);
  for (let next = 0; next < byDensity.length; ) {
    const start = next;
    while (next < byDensity.length && byDensity[next]!.density < maxDensity) next++;
    const index = levels.length;
    const own = byDensity.slice(start, next).map(({ sstable }) => sstable);
    levels.push({ ...shapeOf(options, index), minDensity, maxDensity, sstables: own });
    minDensity = maxDensity;
    maxDensity = Math.floor(minDensity * shapeOf(options, index + 1).fanout);
  }
  return levels;
}

/** How a level is compacted; the last scaling parameter holds for all levels above. */
export function shapeOf(options: UnifiedOptions, index: number): LevelShape {
  const { scalingParameters: all } = options;
  const scaling = all[Math.min(index, all.length - 1)]!;
  return { index, scaling, fanout: scaling < 0 ? 2 - scaling : 2 + scaling, threshold: scaling <= 0 ? 2 : 2 + scaling };
}

/** As it is written in the options: "T4", "L10", "N". */
export function scalingText(scaling: number): string {
  if (scaling === 0) return 'N';
  return scaling < 0 ? `L${2 - scaling}` : `T${2 + scaling}`;
}

/** Flushes come out a little smaller than usual, too: level 0 begins below the size of one. */
function firstMaxDensity(options: UnifiedOptions, shares: TokenShares): number {
  const { fanout } = shapeOf(options, 0);
  const least = Math.max(MIN_FLUSH_BYTES, options.flushSizeBytes) * (1 - 0.9 / fanout);
  return Math.floor((least / shares.owned) * fanout);
}

function longOf(token: Token): bigint {
  return token.kind === 'long' ? toBigInt(token.hi, token.lo) : 0n;
}

function bigOf(token: Token): bigint {
  return token.kind === 'big' ? token.value : 0n;
}
