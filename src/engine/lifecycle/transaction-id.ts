/** Time-based UUIDs (version 1), by which transaction logs are told apart: `8-4-4-4-12` hex digits, ticks of 100 ns since 1582-10-15 in the first three. */

/** Milliseconds from the Gregorian reform to 1970. */
const GREGORIAN_OFFSET_MILLIS = 12_219_292_800_000;

/** @param distinct any 64 bits that tell ids of one time apart */
export function transactionId(millis: number, distinct: bigint): string {
  const ticks = BigInt(Math.floor(millis) + GREGORIAN_OFFSET_MILLIS) * 10_000n;
  const hex = (value: bigint, digits: number) => value.toString(16).padStart(digits, '0');
  const low = hex(ticks & 0xffff_ffffn, 8);
  const middle = hex((ticks >> 32n) & 0xffffn, 4);
  const high = hex(((ticks >> 48n) & 0xfffn) | 0x1000n, 4);
  const rest = hex(BigInt.asUintN(62, distinct) | (1n << 63n), 16);
  return `${low}-${middle}-${high}-${rest.slice(0, 4)}-${rest.slice(4)}`;
}
