/**
 * The generation in an SSTable's file name, in either form:
 *
 *   number   1, 2, … per table
 *   UUID     dddd_ssss_nnnnnrrrrrrrrrrrrr   base 36, zero-padded: days since 1582-10-15 | seconds of the day | ticks of 100 ns | the UUID's low 64 bits
 */

const UUID_ID = /^([0-9a-z]{4})_([0-9a-z]{4})_([0-9a-z]{5})[0-9a-z]{13}$/;
/** Milliseconds from the Gregorian reform (time zero of a version 1 UUID) to 1970. */
const GREGORIAN_OFFSET_MILLIS = 12_219_292_800_000;

/** Orders generations as they were made: numbers before UUIDs, numbers by value, UUIDs by time (their text sorts by it). */
export function compareIds(a: string, b: string): number {
  const aIsUuid = a.includes('_');
  if (aIsUuid !== b.includes('_')) return aIsUuid ? 1 : -1;
  if (!aIsUuid && a.length !== b.length) return stripZeros(a).length - stripZeros(b).length || (a < b ? -1 : 1);
  return a < b ? -1 : a > b ? 1 : 0;
}

function stripZeros(digits: string): string {
  return digits.replace(/^0+(?=.)/, '');
}

/** When a UUID-based generation was made, milliseconds since 1970; `undefined` for numbers. */
export function idTimestampMillis(id: string): number | undefined {
  const m = UUID_ID.exec(id);
  if (!m) return undefined;
  const [days, seconds, ticks] = [m[1]!, m[2]!, m[3]!].map((part) => Number.parseInt(part, 36)) as [
    number,
    number,
    number,
  ];
  return (days * 86_400 + seconds) * 1000 + Math.floor(ticks / 10_000) - GREGORIAN_OFFSET_MILLIS;
}

const TICKS_PER_SECOND = 10_000_000n;

/**
 * A UUID-based generation of this time, in milliseconds since 1970.
 * @param distinct any 64 bits that tell generations of one time apart; they become the UUID's low half, of variant 2
 */
export function timeBasedId(millis: number, distinct: bigint): string {
  const ticks = BigInt(Math.floor(millis) + GREGORIAN_OFFSET_MILLIS) * 10_000n;
  const seconds = ticks / TICKS_PER_SECOND;
  const low = (BigInt.asUintN(62, distinct) | (1n << 63n)).toString(36).padStart(13, '0');
  const part = (value: bigint, width: number) => value.toString(36).padStart(width, '0');
  return `${part(seconds / 86_400n, 4)}_${part(seconds % 86_400n, 4)}_${part(ticks % TICKS_PER_SECOND, 5)}${low}`;
}

/** The number after the greatest of these; UUID-based ones do not count. */
export function nextNumber(ids: Iterable<string>): string {
  let last = 0;
  for (const id of ids) if (!id.includes('_')) last = Math.max(last, Number(id));
  return String(last + 1);
}
