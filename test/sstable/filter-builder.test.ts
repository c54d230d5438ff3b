/** Sizes are those that Cassandra 5.0.9's FilterFactory and BloomCalculations gave. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { UnsupportedError } from '../../src/bytes/errors.js';
import { toBigInt } from '../../src/bytes/int64.js';
import { murmur3 } from '../../src/bytes/murmur3.js';
import { type BloomFilter, bitsSet, hashBits, isHashPresent, isPresent, makeFilter } from '../../src/sstable/filter.js';
import { FilterBits, MANY_HASHES } from '../../src/sstable/filter-bits.js';
import { FilterBuilder, filterSpec, makeFilterBuilder } from '../../src/sstable/filter-builder.js';
import { versionOf } from '../../src/sstable/version.js';

const OA = versionOf('big', 'oa');

/** The plain way: a bit after the other. */
function addHashToFilter(filter: BloomFilter, hash: Int32Array): void {
  for (const bit of hashBits(filter, hash)) filter.bits[Math.floor(bit / 8)]! |= 1 << (bit & 7);
}

describe('filterSpec', () => {
  it.each([
    [0.9999, 2, 1],
    [0.393, 2, 1],
    [0.39299, 1, 3],
    [0.283, 1, 3],
    [0.25, 2, 3],
    [0.2, 2, 4],
    [0.15, 3, 4],
    [0.1, 3, 5],
    [0.09, 2, 6],
    [0.05, 3, 7],
    [0.01, 5, 10],
    [0.00819, 7, 10],
    [0.005, 5, 12],
    [0.001, 7, 15],
    [0.0001, 10, 20],
    [0.0000671, 14, 20],
  ])('of %d', (fpChance, hashCount, bitsPerKey) => {
    expect(filterSpec(fpChance)).toEqual({ hashCount, bitsPerKey });
  });

  it('is the real one for 199,986 chances', () => {
    const specs = new Uint8Array(2 * (200_000 - 14));
    for (let i = 14; i < 200_000; i++) {
      const spec = filterSpec(i / 200_000)!;
      specs.set([spec.hashCount, spec.bitsPerKey], (i - 14) * 2);
    }
    expect(crc32(specs)).toBe(4051981137);
  });

  it('is none for 1', () => {
    expect(filterSpec(1)).toBeUndefined();
    expect(makeFilterBuilder(1000, 1)).toBeUndefined();
  });

  it.each([0.000067, 0, -1, Number.NaN])('refuses %d', (fpChance) => {
    expect(() => filterSpec(fpChance)).toThrow(UnsupportedError);
  });
});

describe('FilterBuilder', () => {
  it.each([
    [1, 0.01, 16],
    [4, 0.01, 16],
    [5, 0.01, 24],
    [109, 0.5, 32],
    [1000, 0.1, 640],
    [5000, 0.01, 6264],
  ])('for %d keys at %d makes a Filter.db of %d bytes', (keys, fpChance, bytes) => {
    expect(makeFilterBuilder(keys, fpChance)!.encode(OA).length).toBe(bytes);
  });

  /** The bits of a key as their definition has them. */
  function bitsOf(key: Uint8Array, hashCount: number, capacity: bigint): number[] {
    const hash = murmur3(key, 0, key.length, new Int32Array(4));
    const step = toBigInt(hash[0]!, hash[1]!);
    const base = toBigInt(hash[2]!, hash[3]!);
    return Array.from({ length: hashCount }, (_, k) => {
      const remainder = BigInt.asIntN(64, base + BigInt(k) * step) % capacity;
      return Number(remainder < 0n ? -remainder : remainder);
    });
  }

  it('sets the bits that the definition names, and no others', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 3000 }),
        (key, hashCount, keys) => {
          const filter = FilterBits.of(makeFilter(keys, 10, hashCount));
          const plain = makeFilter(keys, 10, hashCount);
          const builder = new FilterBuilder(filter);
          builder.add(key, key.length);
          const expected = new Set(bitsOf(key, hashCount, BigInt(filter.bits.length * 8)));
          expect(bitsSet(filter)).toBe(expected.size);
          for (const bit of expected) expect((filter.bits[bit >> 3]! >> (bit & 7)) & 1).toBe(1);
          expect(isPresent(filter, key)).toBe(true);
          const other = murmur3(Buffer.concat([key, key, key]), 0, key.length * 3, new Int32Array(4));
          expect(filter.has(other)).toBe(isHashPresent(filter, other));
          addHashToFilter(plain, murmur3(key, 0, key.length, new Int32Array(4)));
          expect(Buffer.compare(filter.bits, plain.bits)).toBe(0);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each([
    [0, 0, 0, 0],
    [-1, -1, 0, 0],
    [0, 0, -1, -1],
    [0x7fffffff, -1, 0x7fffffff, -1],
    [-0x80000000, 0, -0x80000000, 0],
    [-0x80000000, 0, -1, -64],
    [0x7fffffff, -1, -0x80000000, 1],
    [0, 64, -1, -64],
  ])('agrees with the plain way at the edges of int64: %d %d %d %d', (...hash) => {
    for (const keys of [0, 1, 5, 99, 6_400_001]) {
      const filter = FilterBits.of(makeFilter(keys, 10, 20));
      new FilterBuilder(filter).addHash(Int32Array.from(hash));
      expect(filter.has(Int32Array.from(hash))).toBe(true);
      const plain = makeFilter(keys, 10, 20);
      addHashToFilter(plain, Int32Array.from(hash));
      expect(Buffer.compare(filter.bits, plain.bits)).toBe(0);
    }
  });

  it('takes as much of the buffer as the key has', () => {
    const builders = [makeFilterBuilder(10, 0.01)!, makeFilterBuilder(10, 0.01)!] as const;
    builders[0].add(Buffer.from('keyrest'), 3);
    builders[1].add(Buffer.from('key'), 3);
    expect(Buffer.compare(builders[0].encode(OA), builders[1].encode(OA))).toBe(0);
  });

  it('errs as seldom as it was asked to', () => {
    const builder = makeFilterBuilder(10_000, 0.01)!;
    const key = Buffer.alloc(8);
    for (let i = 0; i < 10_000; i++) {
      key.writeInt32BE(i);
      builder.add(key, 8);
    }
    let wrong = 0;
    for (let i = 10_000; i < 30_000; i++) {
      key.writeInt32BE(i);
      if (isPresent(builder.filter, key)) wrong++;
    }
    expect(wrong).toBeGreaterThan(100);
    expect(wrong).toBeLessThan(300);
  });
});

describe('FilterBits', () => {
  it('begins empty in memory that another has given back, and copies stay', () => {
    const first = new FilterBits(3000, 5);
    first.set(Int32Array.of(1, 2, 3, 4));
    const copy = first.copy();
    const set = bitsSet(copy);
    expect(set).toBe(5);
    first.release();
    for (const words of [10, 20_000]) {
      const next = new FilterBits(words, 7);
      expect(next.bits.length).toBe(words * 8);
      expect(bitsSet(next)).toBe(0);
      next.set(Int32Array.of(5, 6, 7, 8));
      expect(next.has(Int32Array.of(5, 6, 7, 8))).toBe(true);
      next.release();
    }
    expect(bitsSet(copy)).toBe(set);
  });
});

it('sets the bits of many hashes as those of each', () => {
  for (const words of [1, 3, 17, 1000, 12_345]) {
    for (const hashCount of [1, 2, 5, 14]) {
      const one = new FilterBits(words, hashCount);
      const many = new FilterBits(words, hashCount, MANY_HASHES * 16);
      const hashes = new Int32Array((MANY_HASHES + 500) * 4);
      const odd = [0, -1, 0x7fffffff, -0x80000000, 1];
      for (let i = 0; i < hashes.length; i++) {
        hashes[i] =
          i < 500 ? odd[Math.floor(i / 5 ** (i % 4)) % 5]! : Math.imul(i + words, 0x9e3779b1) ^ (i * hashCount);
      }
      for (let i = 0; i < hashes.length; i += 4) one.set(hashes.subarray(i, i + 4));
      many.setMany(hashes, hashes.length / 4);
      expect(Buffer.compare(many.bits, one.bits), `${words} words, ${hashCount} functions`).toBe(0);
    }
  }
});
