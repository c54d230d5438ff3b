/** Times against the rules of Java's Instant.toString, and of sstabledump's use of it: TimeUnit saturates, floorMod takes the fraction. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hiOf, loOf } from '../../src/bytes/int64.js';
import { ByteWriter } from '../../src/bytes/writer.js';
import { InstantWriter, instantOfSeconds } from '../../src/render/instant.js';

function micros(value: bigint, writer = new InstantWriter()): string {
  const out = new ByteWriter(1);
  writer.micros(out, hiOf(value), loOf(value));
  return out.toString();
}

describe('seconds', () => {
  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [-1, '1969-12-31T23:59:59Z'],
    [951_782_400, '2000-02-29T00:00:00Z'],
    [4_107_542_399, '2100-02-28T23:59:59Z'],
    [4_107_542_400, '2100-03-01T00:00:00Z'],
    [2_147_483_647, '2038-01-19T03:14:07Z'],
    [4_294_967_294, '2106-02-07T06:28:14Z'],
    [253_402_300_799, '9999-12-31T23:59:59Z'],
    [253_402_300_800, '+10000-01-01T00:00:00Z'],
    [-62_167_219_200, '0000-01-01T00:00:00Z'],
    [-62_167_219_201, '-0001-12-31T23:59:59Z'],
    [-377_705_116_800, '-9999-01-01T00:00:00Z'],
    [-377_705_116_801, '-10000-12-31T23:59:59Z'],
    [9_223_372_036_854, '+294247-01-10T04:00:54Z'],
    [-9_223_372_036_854, '-290308-12-21T19:59:06Z'],
    [Number.POSITIVE_INFINITY, 'never'],
  ])('%s is %s', (seconds, text) => expect(instantOfSeconds(seconds)).toBe(text));

  it('are those of Date, as far as that goes', () => {
    const writer = new InstantWriter();
    fc.assert(
      fc.property(fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 }), (seconds) => {
        const out = new ByteWriter(1);
        writer.seconds(out, seconds);
        const [, sign, year, rest] = /^([+-]?)(\d+)(-.*)\.000Z$/.exec(new Date(seconds * 1000).toISOString())!;
        // Date pads years beyond four digits to six
        const digits = String(Number(year)).padStart(4, '0');
        expect(out.toString()).toBe(`${sign === '+' && digits.length < 5 ? '' : sign}${digits}${rest}Z`);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('microseconds', () => {
  it.each([
    [0n, '1970-01-01T00:00:00Z'],
    [1n, '1970-01-01T00:00:00.000001Z'],
    [1_000n, '1970-01-01T00:00:00.001Z'],
    [999_999n, '1970-01-01T00:00:00.999999Z'],
    [500_000n, '1970-01-01T00:00:00.500Z'],
    [1_700_000_000_000_005n, '2023-11-14T22:13:20.000005Z'],
    // seconds are cut towards zero, the fraction is taken towards minus infinity
    [-1n, '1970-01-01T00:00:00.999999Z'],
    [-1_500_000n, '1969-12-31T23:59:59.500Z'],
    [-2_000_000n, '1969-12-31T23:59:58Z'],
    // the last whole number of nanoseconds, and beyond
    [9_223_372_036_854_775n, '2262-04-11T23:47:16.854775Z'],
    [9_223_372_036_854_776n, '2262-04-11T23:47:16.854775807Z'],
    [-9_223_372_036_854_775n, '1677-09-21T00:12:44.145225Z'],
    [-9_223_372_036_854_776n, '1677-09-21T00:12:44.145224192Z'],
    [2n ** 53n, '2255-06-05T23:47:34.740992Z'],
    [2n ** 63n - 1n, '+294247-01-10T04:00:54.854775807Z'],
    [-(2n ** 63n), '-290308-12-21T19:59:06.145224192Z'],
  ])('%s is %s', (value, text) => expect(micros(value)).toBe(text));

  it('do not depend on what was written before', () => {
    const writer = new InstantWriter();
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(fc.property(int64, (value) => micros(value, writer) === micros(value)));
  });
});
