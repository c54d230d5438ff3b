/**
 * The Bloom filter of an SSTable that is being written, sized as Cassandra sizes it: from the number of keys that were expected (not of those
 * that come) and from the table's bloom_filter_fp_chance.
 */
import { UnsupportedError } from '../bytes/errors.js';
import { type Hash128, murmur3 } from '../bytes/murmur3.js';
import { encodeFilter, filterPieces, filterWords } from './filter.js';
import { FilterBits, MANY_HASHES } from './filter-bits.js';
import type { Version } from './version.js';

/**
 * Share of false positives with i bits a key (row) and j hash functions (column, from 1), as Cassandra's BloomCalculations has it. Rounded
 * otherwise, filters would come out with other sizes.
 */
const FALSE_POSITIVES: readonly (readonly number[])[] = [
  [],
  [1.0],
  [0.393, 0.4],
  [0.283, 0.237, 0.253],
  [0.221, 0.155, 0.147, 0.16],
  [0.181, 0.109, 0.092, 0.092, 0.101],
  [0.154, 0.0804, 0.0609, 0.0561, 0.0578, 0.0638],
  [0.133, 0.0618, 0.0423, 0.0359, 0.0347, 0.0364],
  [0.118, 0.0489, 0.0306, 0.024, 0.0217, 0.0216, 0.0229],
  [0.105, 0.0397, 0.0228, 0.0166, 0.0141, 0.0133, 0.0135, 0.0145],
  [0.0952, 0.0329, 0.0174, 0.0118, 0.00943, 0.00844, 0.00819, 0.00846],
  [0.0869, 0.0276, 0.0136, 0.00864, 0.0065, 0.00552, 0.00513, 0.00509],
  [0.08, 0.0236, 0.0108, 0.00646, 0.00459, 0.00371, 0.00329, 0.00314],
  [0.074, 0.0203, 0.00875, 0.00492, 0.00332, 0.00255, 0.00217, 0.00199, 0.00194],
  [0.0689, 0.0177, 0.00718, 0.00381, 0.00244, 0.00179, 0.00146, 0.00129, 0.00121, 0.0012],
  [0.0645, 0.0156, 0.00596, 0.003, 0.00183, 0.00128, 0.001, 0.000852, 0.000775, 0.000744],
  [0.0606, 0.0138, 0.005, 0.00239, 0.00139, 0.000935, 0.000702, 0.000574, 0.000505, 0.00047, 0.000459],
  [0.0571, 0.0123, 0.00423, 0.00193, 0.00107, 0.000692, 0.000499, 0.000394, 0.000335, 0.000302, 0.000287, 0.000284],
  [0.054, 0.0111, 0.00362, 0.00158, 0.000839, 0.000519, 0.00036, 0.000275, 0.000226, 0.000198, 0.000183, 0.000176],
  [
    0.0513, 0.00998, 0.00312, 0.0013, 0.000663, 0.000394, 0.000264, 0.000194, 0.000155, 0.000132, 0.000118, 0.000111,
    0.000109,
  ],
  [
    0.0488, 0.00906, 0.0027, 0.00108, 0.00053, 0.000303, 0.000196, 0.00014, 0.000108, 8.89e-5, 7.77e-5, 7.12e-5,
    6.79e-5, 6.71e-5,
  ],
];

const MIN_BITS = 2;

export type FilterSpec = { readonly hashCount: number; readonly bitsPerKey: number };

/**
 * Bits a key and hash functions for a bloom_filter_fp_chance; `undefined` at 1, where no filter is written.
 * @throws UnsupportedError for a chance that no filter of Cassandra's can have
 */
export function filterSpec(fpChance: number): FilterSpec | undefined {
  if (fpChance === 1) return undefined;
  // whoever asks for so little gets one bit a key and two hash functions
  if (fpChance >= falsePositives(MIN_BITS, 1)) return { hashCount: 2, bitsPerKey: 1 };
  let bits = MIN_BITS;
  while (bits < FALSE_POSITIVES.length && !(falsePositives(bits, bestHashCount(bits)) <= fpChance)) bits++;
  if (bits === FALSE_POSITIVES.length) {
    throw new UnsupportedError('bloom_filter_fp_chance is out of reach', {
      seen: fpChance,
      expected: `${FALSE_POSITIVES.at(-1)!.at(-1)} to 1`,
    });
  }
  let hashCount = bestHashCount(bits);
  while (hashCount > 1 && falsePositives(bits, hashCount - 1) <= fpChance) hashCount--;
  return { hashCount, bitsPerKey: bits };
}

function falsePositives(bits: number, hashCount: number): number {
  return FALSE_POSITIVES[bits]![hashCount - 1]!;
}

/** The first of the smallest. */
function bestHashCount(bits: number): number {
  const chances = FALSE_POSITIVES[bits]!;
  return chances.indexOf(Math.min(...chances)) + 1;
}

export class FilterBuilder {
  readonly filter: FilterBits;
  private readonly hash: Hash128 = new Int32Array(4);

  constructor(filter: FilterBits) {
    this.filter = filter;
  }

  /** Sets the bits of the key `bytes[0, length)`. */
  add(bytes: Uint8Array, length: number): void {
    this.addHash(murmur3(bytes, 0, length, this.hash));
  }

  /** {@link add} for a key's Murmur3 hash. */
  addHash(hash: Hash128): void {
    this.filter.set(hash);
  }

  /** Of `count` hashes, one after the other. */
  addHashes(hashes: Int32Array, count: number): void {
    this.filter.setMany(hashes, count);
  }

  /** Filter.db. */
  encode(version: Version): Buffer {
    return encodeFilter(this.filter, version);
  }

  /** Filter.db, see {@link filterPieces}. */
  pieces(version: Version): readonly Uint8Array[] {
    return filterPieces(this.filter, version);
  }
}

/**
 * An empty filter for as many keys; `undefined` where the table wants none (bloom_filter_fp_chance 1): then there is no Filter.db either.
 * @throws UnsupportedError for a chance that no filter of Cassandra's can have
 */
export function makeFilterBuilder(expectedKeys: number, fpChance: number): FilterBuilder | undefined {
  const spec = filterSpec(fpChance);
  return (
    spec &&
    new FilterBuilder(new FilterBits(filterWords(expectedKeys, spec.bitsPerKey), spec.hashCount, MANY_HASHES * 16))
  );
}
