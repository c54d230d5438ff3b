/**
 * Order and shape of the numbers without bound:
 *
 *   varint   two's complement, big-endian, any length (leading sign bytes are allowed and mean nothing)
 *   decimal  i32 scale | varint unscaled         value = unscaled · 10^-scale
 */
import { CorruptError } from '../bytes/errors.js';

/** Where the shortest form of the varint in `bytes[start, end)` begins. */
function significant(bytes: Uint8Array, start: number, end: number): number {
  const sign = bytes[start]! & 0x80 ? 0xff : 0;
  let p = start;
  while (p + 1 < end && bytes[p] === sign && (bytes[p + 1]! & 0x80) === (sign & 0x80)) p++;
  return p;
}

/** Order of two varints; neither is empty. */
export function compareVarints(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  let p = significant(a, aStart, aEnd);
  let q = significant(b, bStart, bEnd);
  const isNegative = (a[p]! & 0x80) !== 0;
  if (isNegative !== ((b[q]! & 0x80) !== 0)) return isNegative ? -1 : 1;
  const longer = aEnd - p - (bEnd - q);
  if (longer !== 0) return isNegative ? -longer : longer;
  for (; p < aEnd; p++, q++) {
    const d = a[p]! - b[q]!;
    if (d !== 0) return d;
  }
  return 0;
}

/** The varint in `bytes[start, end)`; not empty. */
export function varintOf(bytes: Uint8Array, start: number, end: number): bigint {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');
  return BigInt.asIntN((end - start) * 8, BigInt(`0x${hex}`));
}

/**
 * A decimal as ±0.d1d2d3… · 10^exponent. `digits` has no zeros at either end and is empty for zero.
 */
export type DecimalParts = { readonly sign: -1 | 0 | 1; readonly digits: string; readonly exponent: number };

/** @throws CorruptError for less than five bytes */
export function decimalParts(bytes: Uint8Array, start: number, end: number): DecimalParts {
  if (end - start < 5) throw new CorruptError('value of type decimal is too short', { seen: end - start, expected: 5 });
  const scale = (bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!;
  const unscaled = varintOf(bytes, start + 4, end);
  if (unscaled === 0n) return { sign: 0, digits: '', exponent: 0 };
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  return { sign: unscaled < 0n ? -1 : 1, digits: digits.replace(/0+$/, ''), exponent: digits.length - scale };
}

/** Order of two decimals by their value: 1.0 is 1.00. */
export function compareDecimals(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const x = decimalParts(a, aStart, aEnd);
  const y = decimalParts(b, bStart, bEnd);
  if (x.sign !== y.sign) return x.sign - y.sign;
  if (x.sign === 0) return 0;
  if (x.exponent !== y.exponent) return x.exponent < y.exponent ? -x.sign : x.sign;
  return x.digits === y.digits ? 0 : x.digits < y.digits ? -x.sign : x.sign;
}
