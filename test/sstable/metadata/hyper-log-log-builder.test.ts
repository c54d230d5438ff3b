/** What stream-lib 2.5.2 makes of the same pseudo-random hashes: length and CRC-32 of its bytes, and its estimate. */
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../../src/bytes/crc32.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import { cardinality, type HyperLogLog, writeHyperLogLog } from '../../../src/sstable/metadata/hyper-log-log.js';
import {
  approximateKeyCount,
  HyperLogLogBuilder,
  mergeHyperLogLogs,
} from '../../../src/sstable/metadata/hyper-log-log-builder.js';
import { sequence16 } from '../../sequence.js';

type Fact = readonly [bytes: number, crc: string, estimate: number];

/** Of `plain` hashes few have their run encoded, of the others every third; those disturb the order of the set. */
type Hashes = 'plain' | 'with runs';

function builderOf(seed: number, n: number, hashes: Hashes): HyperLogLogBuilder {
  const next = sequence16(seed);
  const builder = new HyperLogLogBuilder();
  for (let i = 0; i < n; i++) {
    let a = next();
    let b = next();
    const lo = (next() << 16) | next();
    if (hashes === 'with runs' && a % 3 === 0) {
      a &= 0xfff8;
      b &= 7;
    }
    builder.offerHashed((a << 16) | b, lo);
  }
  return builder;
}

function factsOf(sketch: HyperLogLog): Fact {
  const out = new ByteWriter();
  writeHyperLogLog(sketch, out);
  const crc = (crc32(out.view()) >>> 0).toString(16).padStart(8, '0');
  return [out.pos, crc, cardinality(sketch)];
}

const SKETCHES: readonly (readonly [n: number, hashes: Hashes, ...Fact])[] = [
  [0, 'plain', 8, '3a19a72c', 0],
  [1, 'plain', 12, 'be0caf96', 1],
  [1536, 'plain', 4124, '2105077e', 1536],
  [1537, 'plain', 4136, '1cdf71fb', 1537],
  [1538, 'plain', 4128, 'cf61e997', 1538],
  [6144, 'plain', 13631, 'c928874c', 6145],
  [6148, 'plain', 5473, '4e8183bb', 6082],
  [6149, 'plain', 5473, '01a93caf', 6128],
  [7684, 'plain', 5473, 'e78b1d67', 7713],
  [7685, 'plain', 5473, 'f45b9033', 7705],
  [7686, 'plain', 5473, 'b16af544', 7710],
  [9000, 'plain', 5473, '3654b104', 8949],
  [100000, 'plain', 5473, 'ca2a4057', 101809],
  [0, 'with runs', 8, '3a19a72c', 0],
  [1, 'with runs', 13, '2356f8cc', 1],
  [1536, 'with runs', 5700, '9bf7b0fa', 1520],
  [1537, 'with runs', 5764, '6f7da62a', 1520],
  [1538, 'with runs', 5728, '8ea9ac1a', 1517],
  [6144, 'with runs', 22484, '21e56b60', 6002],
  [6148, 'with runs', 22302, 'd71a8e16', 5980],
  [6149, 'with runs', 22616, '007c381d', 6000],
  [7684, 'with runs', 27925, '28e2373e', 7476],
  [7685, 'with runs', 5473, '4e21ee43', 9806],
  [7686, 'with runs', 5473, '2cde4940', 9773],
  [9000, 'with runs', 5473, 'c6062c96', 11550],
  [100000, 'with runs', 5473, '7f4c1cba', 3902101],
];

const MERGES: readonly (readonly [sizes: readonly number[], hashes: Hashes, ...Fact])[] = [
  [[10, 20], 'plain', 109, '616a0204', 30],
  [[1537, 3000], 'plain', 11420, '990c7f61', 4537],
  [[4000, 4000], 'plain', 5473, '8e4bcb6e', 7958],
  [[6000, 1600], 'plain', 20105, '67a91446', 7601],
  [[6000, 6000], 'plain', 5473, 'abe80acd', 12153],
  [[9000, 100], 'plain', 5473, '4e4a12c2', 9184],
  [[100, 9000], 'plain', 5473, '32fbf13b', 9123],
  [[9000, 20000], 'plain', 5473, '742902ec', 29084],
  [[500, 600, 700], 'plain', 4775, '0360965b', 1800],
  [[3000, 3000, 3000], 'plain', 5473, 'a2bfa617', 8957],
  [[5000, 9000, 300, 4000], 'plain', 5473, 'feed1171', 18474],
  [[10, 20], 'with runs', 144, '2d9f0abc', 30],
  [[1537, 3000], 'with runs', 16772, '8c1b57aa', 4431],
  [[4000, 4000], 'with runs', 5473, 'a644b13b', 10307],
  [[6000, 1600], 'with runs', 27709, 'ad491d8d', 7406],
  [[6000, 6000], 'with runs', 5473, 'e46e1896', 16557],
  [[9000, 100], 'with runs', 5473, '290504ff', 11983],
  [[100, 9000], 'with runs', 5473, '8932673f', 11924],
  [[9000, 20000], 'with runs', 5473, '33750cd1', 62008],
  [[500, 600, 700], 'with runs', 6907, '960f5d97', 1791],
  [[3000, 3000, 3000], 'with runs', 5473, '132854e4', 11573],
  [[5000, 9000, 300, 4000], 'with runs', 5473, '72ee67f7', 29151],
];

describe('sketches are stream-lib’s', () => {
  test.each(SKETCHES)('%i hashes, %s', (n, hashes, ...fact) => {
    expect(factsOf(builderOf(n + 1, n, hashes).build())).toEqual(fact);
  });

  test.each([1, 1537, 6144, 6149, 9000])('more may be added to %i hashes after they were built', (n) => {
    const builder = builderOf(n + 1, n, 'plain');
    const before = builder.build();
    const fact = factsOf(before);
    for (let i = 0; i < 9000; i++) builder.offerHashed(Math.imul(i, 0x9e3779b1), 1);
    expect(builder.build()).not.toEqual(before);
    expect(factsOf(before)).toEqual(fact);
  });
});

describe('merged sketches are stream-lib’s', () => {
  const sketchesOf = (sizes: readonly number[], hashes: Hashes) =>
    sizes.map((n, i) => builderOf(100 * (i + 1) + n, n, hashes).build());

  test.each(MERGES)('%j hashes, %s', (sizes, hashes, ...fact) => {
    const sketches = sketchesOf(sizes, hashes);
    const before = structuredClone(sketches);
    expect(factsOf(mergeHyperLogLogs(sketches)!)).toEqual(fact);
    expect(sketches).toEqual(before);
  });

  test('one is itself, none is nothing, and those of different size have nothing in common', () => {
    const [a] = sketchesOf([7], 'plain');
    const other: HyperLogLog = { kind: 'normal', p: 4, sp: 0, words: new Int32Array(3) };
    expect(mergeHyperLogLogs([a!])).toBe(a);
    expect(mergeHyperLogLogs([])).toBeUndefined();
    expect(mergeHyperLogLogs([a!, other])).toBeUndefined();
  });

  test('keys of several SSTables count once; without a sketch the index estimates them', () => {
    const [a, b] = sketchesOf([500, 600], 'plain');
    const of = (sketch: HyperLogLog | undefined, estimatedKeys: number) => ({
      sketch,
      estimatedKeys: () => estimatedKeys,
    });
    expect(approximateKeyCount([of(a, 512), of(a, 512)])).toBe(500);
    expect(approximateKeyCount([of(a, 512), of(b, 640)])).toBe(1100);
    expect(approximateKeyCount([of(a, 512), of(undefined, 640)])).toBe(1152);
    expect(approximateKeyCount([])).toBe(0);
  });
});
