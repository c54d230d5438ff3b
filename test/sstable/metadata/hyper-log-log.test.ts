import { describe, expect, test } from 'vitest';
import { Cursor } from '../../../src/bytes/cursor.js';
import { CorruptError, UnsupportedError } from '../../../src/bytes/errors.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import {
  cardinality,
  type HyperLogLog,
  readHyperLogLog,
  writeHyperLogLog,
} from '../../../src/sstable/metadata/hyper-log-log.js';

/** Registers as from `seed`, about 2^k times as many keys a step; the estimates below are those of stream-lib 2.5.2 for the same registers. */
function sketch(p: number, seed: number, k: number): HyperLogLog {
  const words = new Int32Array(Math.floor(2 ** p / 6) + 1);
  let state = (seed * 7919 + k) | 0;
  for (let i = 0; i < 2 ** p; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    const bits = state >>> 8;
    const zeros = 31 - Math.clz32(bits & -bits);
    const register = Math.max(0, Math.min(31, zeros + k + ((state >>> 28) & 3)));
    words[Math.floor(i / 6)]! |= register << (5 * (i % 6));
  }
  return { kind: 'normal', p, sp: p === 13 ? 25 : 0, words };
}

const STEPS = Array.from({ length: 16 }, (_, i) => i - 9);
const ESTIMATES: readonly (readonly [p: number, seed: number, estimates: readonly number[]])[] = [
  [4, 1, [0, 0, 0, 2, 0, 2, 3, 6, 11, 47, 84, 119, 367, 577, 949, 2230]],
  [4, 2, [0, 0, 0, 1, 0, 1, 1, 8, 18, 24, 91, 156, 210, 467, 1099, 2823]],
  [4, 3, [0, 1, 0, 0, 1, 3, 5, 13, 16, 49, 56, 197, 321, 695, 1649, 2631]],
  [13, 1, [31, 63, 125, 254, 513, 1013, 2150, 5227, 9536, 18376, 38370, 75412, 151768, 301294, 604532, 1218740]],
  [13, 2, [26, 60, 125, 236, 453, 1024, 2158, 5301, 9692, 18135, 38261, 76234, 149063, 296146, 599208, 1207818]],
  [13, 3, [31, 69, 110, 248, 504, 1036, 2202, 5217, 9563, 18474, 38108, 75741, 152515, 302079, 610861, 1209111]],
];

describe('estimates of normal sketches are stream-lib’s', () => {
  test.each(ESTIMATES)('p = %i, seed %i', (p, seed, estimates) => {
    expect(STEPS.map((k) => cardinality(sketch(p, seed, k)))).toEqual(estimates);
  });

  test('of another precision there are none', () => {
    expect(() => cardinality(sketch(12, 1, 0))).toThrow(UnsupportedError);
  });
});

describe('estimates of sparse sketches', () => {
  test.each([
    [0, 0],
    [1, 1],
    [100, 100],
    [6000, 6001],
    [6144, 6145],
  ])('%i hashes: %i', (n, estimate) => {
    expect(
      cardinality({ kind: 'sparse', p: 13, sp: 25, hashes: Int32Array.from({ length: n }, (_, i) => i * 7) }),
    ).toBe(estimate);
  });
});

describe('bytes', () => {
  const encode = (value: HyperLogLog) => {
    const out = new ByteWriter();
    writeHyperLogLog(value, out);
    return out.toBytes();
  };
  const sparse: HyperLogLog = { kind: 'sparse', p: 13, sp: 25, hashes: Int32Array.of(1, 200, 70000, 0x7fffffff, -3) };

  test.each([sketch(13, 1, 0), sketch(4, 2, 1), sparse])('round trip', (value) => {
    expect(readHyperLogLog(new Cursor(encode(value)))).toEqual(value);
  });

  test.each([
    ['version', 3, 0xff],
    ['precision', 4, 3],
    ['form', 6, 2],
    ['length of the registers', 7, 0x10],
  ])('wrong %s', (_, at, value) => {
    const bytes = encode(sketch(13, 1, 0));
    bytes[at] = value;
    expect(() => readHyperLogLog(new Cursor(bytes))).toThrow(CorruptError);
  });

  test('a count of hashes that lies is refused before it is allocated', () => {
    const bytes = Buffer.concat([encode(sparse).subarray(0, 7), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07])]);
    expect(() => readHyperLogLog(new Cursor(bytes))).toThrow(CorruptError);
  });
});
