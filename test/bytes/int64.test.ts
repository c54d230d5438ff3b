import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compare64,
  hiOf,
  hiOfDouble,
  isSafe,
  loOf,
  loOfDouble,
  toBigInt,
  toDecimal,
  toDouble,
} from '../../src/bytes/int64.js';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

describe('int64', () => {
  it('splits and joins every value', () => {
    fc.assert(fc.property(int64, (v) => toBigInt(hiOf(v), loOf(v)) === v && toDecimal(hiOf(v), loOf(v)) === String(v)));
  });

  it('compares as the numbers do', () => {
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        expect(Math.sign(compare64(hiOf(a), loOf(a), hiOf(b), loOf(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it('is exact as a double up to 2^53', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (v) => {
        expect([hiOfDouble(v), loOfDouble(v)]).toEqual([hiOf(BigInt(v)), loOf(BigInt(v))]);
        expect(toDouble(hiOfDouble(v), loOfDouble(v))).toBe(v);
      }),
    );
  });

  it.each([
    [2n ** 53n - 1n, true],
    [2n ** 53n, false],
    [-(2n ** 53n), true],
    [-(2n ** 53n) - 1n, false],
  ])('%s is exact: %s', (value, exact) => expect(isSafe(hiOf(value))).toBe(exact));
});
