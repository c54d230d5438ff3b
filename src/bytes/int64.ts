/**
 * 64-bit integers as two int32 halves: value = hi · 2^32 + (lo >>> 0), hi signed. `bigint` costs five to seven times as much on the hot
 * path, so it appears at the edges only.
 */

const TWO32 = 4294967296;

export function toBigInt(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

export function hiOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

export function loOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** The nearest double; exact while |value| ≤ 2^53. */
export function toDouble(hi: number, lo: number): number {
  return hi * TWO32 + (lo >>> 0);
}

/** Whether {@link toDouble} is exact. */
export function isSafe(hi: number): boolean {
  return hi >= -0x200000 && hi < 0x200000;
}

/** High half of an integral double with |value| ≤ 2^53. */
export function hiOfDouble(value: number): number {
  return Math.floor(value / TWO32) | 0;
}

/** Low half of an integral double with |value| ≤ 2^53. */
export function loOfDouble(value: number): number {
  return (value - Math.floor(value / TWO32) * TWO32) | 0;
}

/** Signed comparison: negative, zero or positive. */
export function compare64(hiA: number, loA: number, hiB: number, loB: number): number {
  if (hiA !== hiB) return hiA < hiB ? -1 : 1;
  const a = loA >>> 0;
  const b = loB >>> 0;
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Decimal text of the signed value. */
export function toDecimal(hi: number, lo: number): string {
  return isSafe(hi) ? String(hi * TWO32 + (lo >>> 0)) : toBigInt(hi, lo).toString();
}

/** Long.MIN_VALUE: the timestamp of "no deletion" and "no timestamp". */
export const MIN_HI = -0x80000000;
