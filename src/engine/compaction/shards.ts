/**
 * How UnifiedCompactionStrategy cuts the token range: into shards of equal size, as many as the density of the data asks for, so that any two of
 * different number share boundaries (ShardManagerNoDisks; Cassandra's UnifiedCompactionStrategy.md tells why).
 *
 *   density = bytes on disk / share of the token range that they span
 *
 * What a node owns is an argument. Data directories do not cut here: lsmctl writes to one. Partitioners that can't split their range have one
 * shard. RandomPartitioner could be split, but lsmctl does not write it.
 */
import { compare64, hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import {
  MIN_TOKEN,
  type TokenRange,
  tokenSpaceCoverage,
  WHOLE_RING,
} from '../../sstable/metadata/token-space-coverage.js';
import type { Partitioner, Token } from '../../sstable/partitioner.js';
import type { ShardOptions } from '../strategies/unified-options.js';
import { type SSTableFacts, spanOf } from './sstable-facts.js';

/** SSTables of a partition or of few would seem infinitely dense: below this share the span is not taken into account. */
const MIN_COVERAGE = 2 ** -48;
const MAX_SHARD_SHIFT = 20;

/** What is split: the ranges that a node owns of the ring, ascending and unwrapped; `undefined` for partitioners that can't be split. */
export type Ownership =
  | { readonly ranges: readonly TokenRange[] /** Of the ring, 0–1. */; readonly share: number }
  | undefined;

/** @param localRanges ascending; the whole ring where it is not known what the node owns */
export function ownershipOf(partitioner: Partitioner, localRanges: readonly TokenRange[] = WHOLE_RING): Ownership {
  if (partitioner.name !== 'Murmur3Partitioner') return undefined;
  return { ranges: localRanges, share: localRanges.reduce((sum, range) => sum + sizeOf(range), 0) };
}

/** Bytes per share of the token range that compacting these SSTables will give, times the share that the node owns: what {@link shardCount} wants. */
export function localDensity(sstables: readonly SSTableFacts[], ownership: Ownership): number {
  if (sstables.length === 0) return 0;
  const bytes = sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  if (!ownership) return bytes;
  const { first, last } = spanOf(sstables, sstables[0]!.partitioner);
  const span = tokenSpaceCoverage(int64Of(first.token), int64Of(last.token), ownership.ranges);
  return (span >= MIN_COVERAGE ? bytes / span : bytes) * ownership.share;
}

/**
 * How many shards data of a density is written to: the base count times a power of two, or below the least size of an SSTable a power of two that
 * divides it (Controller.getNumShards).
 */
export function shardCount(density: number, options: ShardOptions): number {
  const { baseShardCount: base, targetSSTableBytes, minSSTableBytes, sstableGrowth } = options;
  if (minSSTableBytes > 0) {
    const count = density / minSSTableBytes;
    if (!(count >= base)) return Math.min(highestBit(count), base & -base);
  }
  if (sstableGrowth === 1) return base;
  if (sstableGrowth === 0) {
    const count = density / (targetSSTableBytes * Math.sqrt(0.5) * base);
    return base * highestBit(Math.min(count, 2 ** MAX_SHARD_SHIFT));
  }
  const doublings = Math.log(density / (targetSSTableBytes * base)) * (1 / Math.log(2)) * (1 - sstableGrowth) + 0.5;
  if (doublings >= MAX_SHARD_SHIFT) return base << MAX_SHARD_SHIFT;
  return doublings >= 0 ? base << Math.trunc(doublings) : base;
}

/** Walks shards in the order of tokens. */
export class ShardTracker {
  readonly count: number;
  /** Of the current shard, from 0. */
  index = 0;
  private readonly ranges: readonly TokenRange[];
  /** Shares of the ring up to the end of each range. */
  private readonly positions: readonly number[];
  private readonly step: number;
  private range = 0;
  private start: bigint;
  /** Inclusive; `undefined`: the last shard. */
  private end: bigint | undefined;
  private endHi = 0;
  private endLo = 0;

  constructor(count: number, ownership: Ownership) {
    this.count = ownership ? count : 1;
    this.ranges = ownership?.ranges ?? WHOLE_RING;
    let sum = 0;
    this.positions = this.ranges.map((range) => {
      sum += sizeOf(range);
      return sum;
    });
    this.step = sum / this.count;
    this.start = this.ranges[0]!.left;
    this.setEnd();
  }

  /** Goes to the shard that holds a token, which must not lie before the current one; whether it is another. */
  advanceTo(tokenHi: number, tokenLo: number): boolean {
    const before = this.index;
    while (this.end !== undefined && compare64(tokenHi, tokenLo, this.endHi, this.endLo) > 0) {
      this.start = this.end;
      this.index++;
      this.setEnd();
    }
    return this.index !== before;
  }

  /** What of the span from the first to the last of these tokens lies in the current shard, 0–1. */
  fractionInShard(first: bigint, last: bigint): number {
    const target = { left: first, right: BigInt.asIntN(64, last + 1n) };
    const shard = { left: this.start, right: this.end ?? MIN_TOKEN };
    const covered = intersect(target, shard);
    if (!covered) return 0;
    if (covered === target) return 1;
    return (covered === shard ? this.step : this.spanned(covered)) / this.spanned(target);
  }

  /** The estimated keys of these SSTables that fall into the current shard, keys of several counted for each. */
  keysInShard(sstables: readonly SSTableFacts[]): number {
    let keys = 0;
    for (const { first, last, estimatedKeys } of sstables) {
      const fraction =
        first.token.kind === 'long' ? this.fractionInShard(int64Of(first.token), int64Of(last.token)) : 1;
      keys = Math.trunc(keys + estimatedKeys() * fraction);
    }
    return keys;
  }

  private spanned({ left, right }: TokenRange): number {
    return tokenSpaceCoverage(left, BigInt.asIntN(64, right - 1n), this.ranges);
  }

  private setEnd(): void {
    this.end = this.index + 1 >= this.count ? undefined : this.endAt(this.step * (this.index + 1));
    this.endHi = hiOf(this.end ?? 0n);
    this.endLo = loOf(this.end ?? 0n);
  }

  /** The token up to which `position` of the ring lies in the ranges. */
  private endAt(position: number): bigint {
    while (position > this.positions[this.range]! && this.range < this.ranges.length - 1) this.range++;
    const left = this.range > 0 ? this.positions[this.range - 1]! : 0;
    const right = this.positions[this.range]!;
    return splitToken(this.ranges[this.range]!, (position - left) / (right - left));
  }
}

/** The token that lies at `ratio` of a range: that of decimals, as Cassandra's Murmur3Partitioner.split has it, not of doubles. */
export function splitToken({ left, right }: TokenRange, ratio: number): bigint {
  const max = 2n ** 63n - 1n;
  const width = left < right ? right - left : max - MIN_TOKEN + right - left;
  const [numerator, denominator] = fractionOf(ratio);
  const token = (width * numerator + left * denominator) / denominator;
  return token <= max ? token : MIN_TOKEN + token - max;
}

/** The value of the shortest decimal text of a double, as a fraction. */
function fractionOf(value: number): [bigint, bigint] {
  const [, whole, decimals = '', exponent = '0'] = /^(-?\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))!;
  const scale = decimals.length - Number(exponent);
  const digits = BigInt(`${whole}${decimals}`);
  return scale >= 0 ? [digits, 10n ** BigInt(scale)] : [digits * 10n ** BigInt(-scale), 1n];
}

/** The same object where one range lies in the other; `undefined` where they have nothing in common. */
function intersect(target: TokenRange, shard: TokenRange): TokenRange | undefined {
  const [inner, outer] = target.left < shard.left ? [shard, target] : [target, shard];
  if (outer.right === MIN_TOKEN || (inner.right !== MIN_TOKEN && outer.right >= inner.right)) return inner;
  if (outer.right <= inner.left) return undefined;
  return { left: inner.left, right: outer.right };
}

/** The highest power of two that is not above a number; 1 for what is below 1, or no number. */
function highestBit(value: number): number {
  const whole = value >= 1 ? Math.min(Math.trunc(value), 0x7fffffff) : 1;
  return 2 ** (31 - Math.clz32(whole));
}

function sizeOf(range: TokenRange): number {
  return tokenSpaceCoverage(range.left, BigInt.asIntN(64, range.right - 1n), [range]);
}

function int64Of(token: Token): bigint {
  return token.kind === 'long' ? toBigInt(token.hi, token.lo) : 0n;
}
