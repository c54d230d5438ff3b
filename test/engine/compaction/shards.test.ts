import { describe, expect, it } from 'vitest';
import { shardCount, splitToken } from '../../../src/engine/compaction/shards.js';

describe('shards', () => {
  const MIB = 2 ** 20;
  const options = { baseShardCount: 4, targetSSTableBytes: 1024 * MIB, minSSTableBytes: 100 * MIB, sstableGrowth: 0 };
  it.each([
    ['below the least size', 50 * MIB, {}, 1],
    ['twice the least size', 250 * MIB, {}, 2],
    ['not a power of two: its divisors only', 250 * MIB, { baseShardCount: 3 }, 1],
    ['six: two at most', 590 * MIB, { baseShardCount: 6 }, 2],
    ['nothing known', Number.NaN, {}, 1],
    ['no least size', 1, { minSSTableBytes: 0 }, 4],
    ['up to 1.41 of the target each', 5700 * MIB, {}, 4],
    ['and above', 5800 * MIB, {}, 8],
    ['growth of the SSTables alone', 1e15, { sstableGrowth: 1 }, 4],
    ['growth by the square root', 4 * 1024 * MIB * 16, { sstableGrowth: 0.5 }, 16],
    ['growth by a third', 4 * 1024 * MIB * 64, { sstableGrowth: 0.333 }, 64],
    ['never more than 2^20 times', 1e30, {}, 4 * 2 ** 20],
    ['nor with growth', 1e300, { sstableGrowth: 0.333 }, 4 * 2 ** 20],
  ])('%s', (_what, density, changes, expected) => {
    expect(shardCount(density, { ...options, ...changes })).toBe(expected);
  });

  const MIN = -(2n ** 63n);
  // as Murmur3Partitioner.split of 5.0.9 says
  it.each([
    [{ left: MIN, right: MIN }, 0.25, -4611686018427387904n],
    [{ left: MIN, right: MIN }, 1 / 3, -3074457345618259217n],
    [{ left: MIN, right: MIN }, 1 / 7, -6588122883467697137n],
    [{ left: MIN, right: 0n }, 2 / 3, -3074457345618259217n],
    [{ left: 0n, right: MIN }, 0.5, 4611686018427387903n],
    [{ left: 10n, right: 20n }, 1 / 3, 13n],
    [{ left: -20n, right: -10n }, 1 / 3, -16n],
    [{ left: 0n, right: 10n ** 12n }, 1e-7, 100_000n],
    [{ left: 2n ** 62n, right: -(2n ** 62n) }, 0.75, -6917529027641081856n],
  ])('splits %o at %d', (range, ratio, expected) => {
    expect(splitToken(range, ratio)).toBe(expected);
  });
});
