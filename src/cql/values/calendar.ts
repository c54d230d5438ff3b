/**
 * timestamp, date, time and duration.
 *
 *   timestamp  i64 milliseconds since the epoch       2023-11-14 22:13:20.000Z (JSON), 2023-11-14T22:13:20.000Z (else)
 *   date       u32 days, the epoch is 2^31            2023-11-14
 *   time       i64 nanoseconds since midnight         22:13:20.000000000
 *   duration   3 signed vints: months, days, nanoseconds, none of another sign than the others    1y2mo3d4h5m6s7ms8us9ns, zero is no text
 *
 * Years beyond 9999 have a plus sign. Before year 1, dates have negative years (0000 is 1 BC); timestamps print the year of the era, as
 * Cassandra's pattern does, so that 0001 may be AD or BC.
 */
import { Cursor } from '../../bytes/cursor.js';
import { toBigInt } from '../../bytes/int64.js';
import type { ByteWriter } from '../../bytes/writer.js';
import { badValue, i32At, needLength } from './value-writer.js';

const TWO32 = 4294967296;
const DAY_MILLIS = 86_400_000;
export const DAY_NANOS = 86_400_000_000_000;

/** Year, month and day of the last {@link takeDay}; the year is proleptic (0 is 1 BC). In an array, since doubles in variables are boxed. */
const CIVIL = new Int32Array(3);
const LAST_DAYS = Float64Array.of(Number.NaN);

/** @param days since 1970-01-01 */
function takeDay(days: number): void {
  if (days === LAST_DAYS[0]) return;
  LAST_DAYS[0] = days;
  // days since 0000-03-01, in eras of 400 years
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = ((ofEra - ((ofEra / 1460) | 0) + ((ofEra / 36_524) | 0) - ((ofEra / 146_096) | 0)) / 365) | 0;
  const ofYear = ofEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0));
  const fromMarch = ((5 * ofYear + 2) / 153) | 0;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  CIVIL[0] = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  CIVIL[1] = month;
  CIVIL[2] = ofYear - (((153 * fromMarch + 2) / 5) | 0) + 1;
}

/** Days since 1970-01-01 of a day in the proleptic Gregorian calendar. */
export function daysOf(civilYear: number, civilMonth: number, civilDay: number): number {
  const y = civilMonth <= 2 ? civilYear - 1 : civilYear;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const ofYear = Math.floor((153 * (civilMonth > 2 ? civilMonth - 3 : civilMonth + 9) + 2) / 5) + civilDay - 1;
  const ofEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + ofYear;
  return era * 146_097 + ofEra - 719_468;
}

function writeYear(value: number, out: ByteWriter): void {
  if (value > 9999) {
    out.u8(0x2b);
    out.decimal(value);
  } else {
    if (value < 0) out.u8(0x2d);
    const magnitude = Math.abs(value);
    if (magnitude > 9999) out.decimal(magnitude);
    else out.padded(magnitude, 4);
  }
}

function writeMonthAndDay(out: ByteWriter): void {
  out.reserve(6);
  const { buf, pos } = out;
  buf[pos] = 0x2d;
  putTwo(CIVIL[1]!, buf, pos + 1);
  buf[pos + 3] = 0x2d;
  putTwo(CIVIL[2]!, buf, pos + 4);
  out.pos = pos + 6;
}

/** Two digits of 0 ≤ value < 100. */
function putTwo(value: number, target: Uint8Array, at: number): void {
  const tens = (value * 103) >> 10;
  target[at] = 0x30 + tens;
  target[at + 1] = 0x30 + value - tens * 10;
}

/** @param separator the character between day and time */
export function writeTimestamp(hi: number, lo: number, separator: number, out: ByteWriter): void {
  let days: number;
  let millis: number;
  if (hi >= -0x200000 && hi < 0x200000) {
    const total = hi * TWO32 + (lo >>> 0);
    days = Math.floor(total / DAY_MILLIS);
    millis = total - days * DAY_MILLIS;
  } else {
    const total = toBigInt(hi, lo);
    millis = Number(((total % 86_400_000n) + 86_400_000n) % 86_400_000n);
    days = Number((total - BigInt(millis)) / 86_400_000n);
  }
  takeDay(days);
  const year = CIVIL[0]!;
  writeYear(year > 0 ? year : 1 - year, out);
  writeMonthAndDay(out);
  out.u8(separator);
  const seconds = (millis / 1000) | 0;
  writeClock(seconds, out);
  out.u8(0x2e);
  out.padded(millis - seconds * 1000, 3);
  out.u8(0x5a);
}

/** Whether a timestamp's text reads back as the same timestamp: years 1 to 9999. */
export function hasExactTimestampText(hi: number, lo: number): boolean {
  const millis = hi * TWO32 + (lo >>> 0);
  return millis >= -62_135_596_800_000 && millis < 253_402_300_800_000;
}

function writeClock(secondOfDay: number, out: ByteWriter): void {
  const minutes = (secondOfDay / 60) | 0;
  const hours = (minutes / 60) | 0;
  out.reserve(8);
  const { buf, pos } = out;
  putTwo(hours, buf, pos);
  buf[pos + 2] = 0x3a;
  putTwo(minutes - hours * 60, buf, pos + 3);
  buf[pos + 5] = 0x3a;
  putTwo(secondOfDay - minutes * 60, buf, pos + 6);
  out.pos = pos + 8;
}

export function writeDate(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  needLength('date', 4, buf, start, end);
  takeDay((i32At(buf, start) >>> 0) - 0x80000000);
  writeYear(CIVIL[0]!, out);
  writeMonthAndDay(out);
}

export function writeTime(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  needLength('time', 8, buf, start, end);
  const nanos = i32At(buf, start) * TWO32 + (i32At(buf, start + 4) >>> 0);
  if (nanos < 0 || nanos >= DAY_NANOS) {
    throw badValue('time', 'nanoseconds of a day', buf, start, end, 'is beyond the day');
  }
  const seconds = Math.floor(nanos / 1e9);
  writeClock(seconds, out);
  out.u8(0x2e);
  out.padded(nanos - seconds * 1e9, 9);
}

export type Duration = { readonly months: number; readonly days: number; readonly nanoseconds: bigint };

/** @throws CorruptError where the bytes are no duration */
export function durationOf(buf: Uint8Array, start: number, end: number): Duration {
  const cursor = new Cursor(buf, {}, start, end);
  let months: bigint;
  let days: bigint;
  let nanoseconds: bigint;
  try {
    months = cursor.svintAsBigInt();
    days = cursor.svintAsBigInt();
    nanoseconds = cursor.svintAsBigInt();
  } catch {
    throw badValue('duration', 'three vints', buf, start, end, 'ends too early');
  }
  if (BigInt.asIntN(32, months) !== months || BigInt.asIntN(32, days) !== days) {
    throw badValue('duration', '32-bit months and days', buf, start, end, 'is out of range');
  }
  const isNegative = months < 0n || days < 0n || nanoseconds < 0n;
  if (isNegative && (months > 0n || days > 0n || nanoseconds > 0n)) {
    throw badValue('duration', 'one sign', buf, start, end, 'has parts of both signs');
  }
  return { months: Number(months), days: Number(days), nanoseconds };
}

const NANO_UNITS: readonly (readonly [nanos: bigint, unit: string])[] = [
  [3_600_000_000_000n, 'h'],
  [60_000_000_000n, 'm'],
  [1_000_000_000n, 's'],
  [1_000_000n, 'ms'],
  [1000n, 'us'],
  [1n, 'ns'],
];

export function durationText(duration: Duration): string {
  const { months, days, nanoseconds } = duration;
  let text = months < 0 || days < 0 || nanoseconds < 0n ? '-' : '';
  const magnitude = Math.abs(months);
  if (magnitude >= 12) text += `${Math.floor(magnitude / 12)}y`;
  if (magnitude % 12 > 0) text += `${magnitude % 12}mo`;
  if (days !== 0) text += `${Math.abs(days)}d`;
  let rest = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  for (const [nanos, unit] of NANO_UNITS) {
    if (rest >= nanos) text += `${rest / nanos}${unit}`;
    rest %= nanos;
  }
  return text;
}

export function writeDuration(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.ascii(durationText(durationOf(buf, start, end)));
}
