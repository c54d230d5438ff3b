import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cursor } from '../../src/bytes/cursor.js';
import { CorruptError } from '../../src/bytes/errors.js';
import { hiOf, loOf, toBigInt } from '../../src/bytes/int64.js';
import { ByteWriter } from '../../src/bytes/writer.js';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** Numbers of every length, not only the long ones that a uniform choice gives. */
const anyLength = fc.tuple(uint64, fc.integer({ min: 0, max: 63 })).map(([v, shift]) => v >> BigInt(shift));

function cursorOf(hex: string): Cursor {
  return new Cursor(Buffer.from(hex, 'hex'), { file: 'f', component: 'Test.db' }, 0, hex.length / 2, 1000);
}

function encoded(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter(1);
  write(out);
  return out.toBytes().toString('hex');
}

/** As Cassandra's VIntCoding writes them: each length's first and last value. */
const UNSIGNED: readonly (readonly [value: bigint, hex: string])[] = [
  [0n, '00'],
  [127n, '7f'],
  [128n, '8080'],
  [(1n << 14n) - 1n, 'bfff'],
  [1n << 14n, 'c04000'],
  [(1n << 21n) - 1n, 'dfffff'],
  [1n << 21n, 'e0200000'],
  [(1n << 28n) - 1n, 'efffffff'],
  [1n << 28n, 'f010000000'],
  [(1n << 35n) - 1n, 'f7ffffffff'],
  [1n << 35n, 'f80800000000'],
  [(1n << 42n) - 1n, 'fbffffffffff'],
  [1n << 42n, 'fc040000000000'],
  [(1n << 49n) - 1n, 'fdffffffffffff'],
  [1n << 49n, 'fe02000000000000'],
  [(1n << 56n) - 1n, 'feffffffffffffff'],
  [1n << 56n, 'ff0100000000000000'],
  [2n ** 64n - 1n, 'ffffffffffffffffff'],
];

const SIGNED: readonly (readonly [value: bigint, hex: string])[] = [
  [0n, '00'],
  [-1n, '01'],
  [1n, '02'],
  [-64n, '7f'],
  [64n, '8080'],
  [2n ** 63n - 1n, 'fffffffffffffffffe'],
  [-(2n ** 63n), 'ffffffffffffffffff'],
];

describe('vints', () => {
  it.each(UNSIGNED)('%s is %s', (value, hex) => {
    expect(encoded((out) => out.uvint64(hiOf(value), loOf(value)))).toBe(hex);
    const c = cursorOf(hex);
    c.uvint64();
    expect(BigInt.asUintN(64, toBigInt(c.hi, c.lo))).toBe(value);
    expect(c.left).toBe(0);
  });

  it.each(SIGNED)('signed %s is %s', (value, hex) => {
    expect(encoded((out) => out.svint64(hiOf(value), loOf(value)))).toBe(hex);
    expect(cursorOf(hex).svintAsBigInt()).toBe(value);
  });

  it('go there and back, one after the other', () => {
    fc.assert(
      fc.property(fc.array(anyLength, { maxLength: 20 }), (values) => {
        const out = new ByteWriter(1);
        for (const v of values) out.uvint64(hiOf(v), loOf(v));
        const c = new Cursor(out.toBytes());
        for (const v of values) {
          c.uvint64();
          expect(BigInt.asUintN(64, toBigInt(c.hi, c.lo))).toBe(v);
        }
        c.expectEnd();
      }),
    );
  });

  it('go there and back, signed', () => {
    fc.assert(
      fc.property(int64, (v) => {
        expect(cursorOf(encoded((out) => out.svint64(hiOf(v), loOf(v)))).svintAsBigInt()).toBe(v);
      }),
    );
  });

  it('go there and back as doubles', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger().map(Math.abs), (v) => {
        expect(cursorOf(encoded((out) => out.uvint(v))).uvint()).toBe(v);
      }),
    );
  });

  it('end within the number', () => {
    for (const [, hex] of UNSIGNED) {
      for (let n = 0; n < hex.length; n += 2) expect(() => cursorOf(hex.slice(0, n)).uvint64()).toThrow(CorruptError);
    }
  });

  it('are refused where they are too large', () => {
    expect(cursorOf('fe1fffffffffffff').uvint()).toBe(2 ** 53 - 1);
    expect(() => cursorOf('fe20000000000000').uvint()).toThrow(CorruptError);
    expect(() => cursorOf('ffffffffffffffffff').uvint()).toThrow(CorruptError);
    expect(cursorOf('f07fffffff').uvint32()).toBe(0x7fffffff);
    expect(() => cursorOf('f080000000').uvint32()).toThrow(CorruptError);
  });
});

describe('a cursor', () => {
  it('reads integers of every width', () => {
    const c = cursorOf('ff80fffe8000000080000000000000000000000000000001');
    expect([c.i8(), c.u8(), c.i16()]).toEqual([-1, 0x80, -2]);
    expect(c.u32()).toBe(0x80000000);
    expect(c.i64AsBigInt()).toBe(-(2n ** 63n));
    expect(c.i64AsNumber()).toBe(1);
    expect(c.left).toBe(0);
  });

  it.each([
    ['0020000000000000', '2^53'],
    ['7fffffffffffffff', 'the largest'],
    ['8000000000000000', 'the least'],
  ])('refuses %s, %s, as a double', (hex) => expect(() => cursorOf(hex).i64AsNumber()).toThrow(/out of range/));

  it('names file, component and absolute offset', () => {
    const c = cursorOf('0102');
    c.skip(1);
    expect(() => c.i32()).toThrow(
      expect.objectContaining({
        facts: { file: 'f', component: 'Test.db', offset: 1001, seen: '1 bytes left', expected: '4 bytes' },
      }),
    );
  });

  const reads: readonly (readonly [name: string, read: (c: Cursor) => unknown])[] = [
    ['a negative length', (c) => c.view(-1)],
    ['a length beyond the end', (c) => c.bytes(3)],
    ['text that is not UTF-8', (c) => c.utf8(2)],
    ['a count that cannot fit', (c) => c.count(3, 1, 'things')],
    ['a negative count', (c) => c.count(-1, 1, 'things')],
    ['bytes left over', (c) => c.expectEnd()],
    ['a double that is cut', (c) => c.f64()],
    ['a text that is cut', (c) => c.javaUtf()],
  ];
  it.each(reads)('refuses %s', (_, read) => expect(() => read(cursorOf('ffff'))).toThrow(CorruptError));
});
