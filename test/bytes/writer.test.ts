import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cursor } from '../../src/bytes/cursor.js';
import { hiOf, loOf } from '../../src/bytes/int64.js';
import { ByteWriter } from '../../src/bytes/writer.js';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

function text(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter(1);
  write(out);
  return out.toString();
}

describe('a byte writer', () => {
  it('writes what a cursor reads', () => {
    fc.assert(
      fc.property(fc.integer(), int64, fc.double(), fc.string({ unit: 'grapheme' }), (i, l, d, s) => {
        const out = new ByteWriter(1);
        out.u8(i);
        out.u16(i);
        out.i32(i);
        out.i64(hiOf(l), loOf(l));
        out.i64FromBigInt(l);
        out.f64(d);
        out.javaUtf(s);
        const c = new Cursor(out.toBytes());
        expect([c.u8(), c.u16(), c.i32()]).toEqual([i & 0xff, i & 0xffff, i]);
        expect([c.i64AsBigInt(), c.i64AsBigInt()]).toEqual([l, l]);
        expect(c.f64()).toBe(d);
        expect(c.javaUtf()).toBe(s);
        c.expectEnd();
      }),
    );
  });

  it('writes decimals of all 64 bits', () => {
    const short = fc.tuple(int64, fc.bigInt({ min: 0n, max: 63n })).map(([v, n]) => v >> n);
    fc.assert(
      fc.property(fc.oneof(int64, short), (v) => {
        expect(text((out) => out.decimal64(hiOf(v), loOf(v)))).toBe(String(v));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    0n,
    -1n,
    999_999_999n,
    1_000_000_000n,
    999_999_999_999_999_999n,
    1_000_000_000_000_000_000n,
    9_007_199_254_740_992n,
    -9_007_199_254_740_993n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ])('writes %s', (v) => expect(text((out) => out.decimal64(hiOf(v), loOf(v)))).toBe(String(v)));

  it('pads', () => expect(text((out) => out.padded(42, 6))).toBe('000042'));

  it('copies parts of arrays, short and long', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(), (bytes, a, b) => {
        const [start, end] = [a % (bytes.length + 1), b % (bytes.length + 1)].sort((x, y) => x - y) as [number, number];
        const out = new ByteWriter(1);
        out.u8(7);
        out.bytes(bytes, start, end);
        expect([...out.toBytes()]).toEqual([7, ...bytes.subarray(start, end)]);
      }),
    );
  });

  it('grows without losing what was written', () => {
    const out = new ByteWriter(1);
    for (let i = 0; i < 1000; i++) out.ascii(`${i};`);
    expect(out.toString()).toBe(Array.from({ length: 1000 }, (_, i) => `${i};`).join(''));
  });

  it.each(['a'.repeat(23), 'a'.repeat(24), 'ä€😀', ''])('writes the text %j', (s) =>
    expect(text((out) => out.utf8(s))).toBe(s),
  );
});
