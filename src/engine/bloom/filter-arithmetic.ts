/**
 * What the size of a Bloom filter means. Of m bits, k chosen for each of n keys as though at random:
 *
 *   bits that stay clear   m · (1 − 1/m)^(k·n)
 *   false positives        (bits set / m)^k
 *
 * Cassandra takes the k bits of a key from two halves of one hash, which comes close to that, but not in filters of a few words.
 */
import { filterSpec } from '../../sstable/filter-builder.js';

/** Share of absent keys that pass, 0–1, if their bits were drawn at random. */
export function falsePositiveRate(bitsSet: number, bits: number, hashCount: number): number {
  return (bitsSet / bits) ** hashCount;
}

/** How many bits `keys` keys set: the mean, and the standard deviation around it. */
export function expectedBitsSet(
  keys: number,
  bits: number,
  hashCount: number,
): { readonly mean: number; readonly deviation: number } {
  const draws = keys * hashCount;
  const clear = Math.exp(draws * Math.log1p(-1 / bits));
  const load = draws / bits;
  const variance = bits * clear * (1 - (1 + load) * clear);
  return { mean: bits * (1 - clear), deviation: Math.sqrt(Math.max(0, variance)) };
}

/** A filter as Cassandra would make it. */
export type PlannedFilter = {
  readonly fpChance: number;
  /** 0: no filter. */
  readonly hashCount: number;
  readonly bitsPerKey: number;
  readonly bits: number;
  /** Memory that a node holds for it. */
  readonly bytes: number;
  /** Share of absent keys that pass it, 0–1; 1 without a filter. */
  readonly rate: number;
};

/**
 * The filter of as many keys.
 * @throws UnsupportedError for a chance that no filter of Cassandra's can have
 */
export function plannedFilter(keys: number, fpChance: number): PlannedFilter {
  const spec = filterSpec(fpChance);
  if (!spec) return { fpChance, hashCount: 0, bitsPerKey: 0, bits: 0, bytes: 0, rate: 1 };
  const { hashCount, bitsPerKey } = spec;
  const bits = filterBits(keys, bitsPerKey);
  const { mean } = expectedBitsSet(keys, bits, hashCount);
  return { fpChance, hashCount, bitsPerKey, bits, bytes: bits / 8, rate: falsePositiveRate(mean, bits, hashCount) };
}

/** Rounded up to words, as `makeFilter` does, without the bits themselves. */
function filterBits(keys: number, bitsPerKey: number): number {
  return (Math.floor((keys * bitsPerKey + 20 - 1) / 64) + 1) * 64;
}

export type Interval = { readonly low: number; readonly high: number };

const Z_95 = 1.959963984540054;

/** Wilson's interval: in 95 of 100 such draws it holds the true share. */
export function confidenceInterval(hits: number, draws: number): Interval {
  const share = hits / draws;
  const z2 = Z_95 * Z_95;
  const centre = (share + z2 / (2 * draws)) / (1 + z2 / draws);
  const half = (Z_95 / (1 + z2 / draws)) * Math.sqrt((share * (1 - share)) / draws + z2 / (4 * draws * draws));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
