/** timestamp, date, time and duration from text, in the forms that Cassandra's fromString takes; times without a zone are UTC. */
import { ByteWriter } from '../../bytes/writer.js';
import { DAY_NANOS, type Duration, daysOf } from './calendar.js';

const DATE_TIME = /^(\d{1,9})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.(\d{1,9}))?(.*)$/;
const DATE_ZONE = /^(\d{4})-(\d{2})-(\d{2})(.*)$/;

/** Milliseconds since the epoch; `undefined` where `text` is no timestamp. */
export function parseTimestamp(text: string): bigint | undefined {
  if (/^-?\d+$/.test(text)) {
    const millis = BigInt(text);
    return BigInt.asIntN(64, millis) === millis ? millis : undefined;
  }
  const match = DATE_TIME.exec(text) ?? DATE_ZONE.exec(text);
  if (!match) return undefined;
  const isDate = match.length === 5;
  const [hour, minute, second] = isDate ? [0, 0, 0] : [match[4], match[5], match[6] ?? 0].map(Number);
  const offset = zoneMinutes(match[match.length - 1]!);
  const days = civilDays(Number(match[1]), Number(match[2]), Number(match[3]));
  if (days === undefined || offset === undefined || hour! > 24 || minute! > 59 || second! > 59) return undefined;
  const millis = isDate ? 0 : Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  if (hour === 24 && (minute! > 0 || second! > 0 || millis > 0)) return undefined;
  return BigInt(((days * 24 + hour!) * 60 + minute! - offset) * 60_000 + second! * 1000 + millis);
}

/** Minutes east of UTC: nothing, Z, UTC, GMT, ±hh, ±hhmm or ±hh:mm, a blank before it or none. */
function zoneMinutes(text: string): number | undefined {
  const zone = text.startsWith(' ') ? text.slice(1) : text;
  if (zone === '' || zone === 'Z' || zone === 'UTC' || zone === 'GMT') return 0;
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (!match) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

/** Days since the epoch; `undefined` where the calendar has no such day. */
function civilDays(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1) return undefined;
  const days = daysOf(year, month, day);
  const next = month === 12 ? daysOf(year + 1, 1, 1) : daysOf(year, month + 1, 1);
  return days < next ? days : undefined;
}

/** The stored number, 0 to 2^32 - 1, from a day or from that number itself. */
export function parseDate(text: string): number | undefined {
  if (/^-?\d+$/.test(text)) {
    const raw = Number(text);
    return raw >= 0 && raw <= 0xffffffff ? raw : undefined;
  }
  const match = /^([+-]?\d{4,10})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return undefined;
  const year = match[1]!;
  // ISO 8601: a plus sign exactly where there are more than four digits
  if (year.startsWith('+') ? year.length < 6 : !year.startsWith('-') && year.length > 4) return undefined;
  const days = civilDays(Number(year), Number(match[2]), Number(match[3]));
  const raw = days === undefined ? -1 : days + 0x80000000;
  return raw >= 0 && raw <= 0xffffffff ? raw : undefined;
}

/** Nanoseconds of the day from `hh:mm:ss[.fffffffff]` or from that number itself. */
export function parseTime(text: string): number | undefined {
  if (/^-?\d+$/.test(text)) {
    const nanos = Number(text);
    return nanos >= 0 && nanos < DAY_NANOS ? nanos : undefined;
  }
  const match = /^\s*(\d+):(\d+):(\d+)(?:\.(\d{1,9}))?\s*$/.exec(text);
  if (!match) return undefined;
  const [hour, minute, second] = [match[1], match[2], match[3]].map(Number) as [number, number, number];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return ((hour * 60 + minute) * 60 + second) * 1e9 + Number((match[4] ?? '').padEnd(9, '0'));
}

type Part = 'months' | 'days' | 'nanoseconds';

const UNITS: Readonly<Record<string, readonly [Part, bigint]>> = {
  y: ['months', 12n],
  mo: ['months', 1n],
  w: ['days', 7n],
  d: ['days', 1n],
  h: ['nanoseconds', 3_600_000_000_000n],
  m: ['nanoseconds', 60_000_000_000n],
  s: ['nanoseconds', 1_000_000_000n],
  ms: ['nanoseconds', 1_000_000n],
  us: ['nanoseconds', 1000n],
  µs: ['nanoseconds', 1000n],
  ns: ['nanoseconds', 1n],
};
const UNIT_ORDER = ['y', 'mo', 'w', 'd', 'h', 'm', 's', 'ms', 'us', 'ns'];

const STANDARD = /^(?:\d+(?:y|mo|w|d|h|ms|us|µs|ns|s|m))+$/i;
const ISO = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const ISO_WEEKS = /^P(\d+)W$/;
const ISO_ALTERNATIVE = /^P(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/;

/** `1y2mo3d4h`, `P1Y2M3DT4H`, `P2W` or `P0001-02-03T04:00:00`, with `-` before it where it is negative. */
export function parseDuration(text: string): Duration | undefined {
  const isNegative = text.startsWith('-');
  const parts = durationParts(isNegative ? text.slice(1) : text);
  if (!parts) return undefined;
  const sum = { months: 0n, days: 0n, nanoseconds: 0n };
  for (const [amount, unit] of parts) {
    const [part, factor] = UNITS[unit]!;
    sum[part] += amount * factor;
  }
  const limit = isNegative ? 0n : 1n;
  if (sum.months > 0x80000000n - limit || sum.days > 0x80000000n - limit) return undefined;
  if (sum.nanoseconds > 0x8000000000000000n - limit) return undefined;
  const sign = isNegative ? -1n : 1n;
  return {
    months: Number(sum.months * sign),
    days: Number(sum.days * sign),
    nanoseconds: sum.nanoseconds * sign,
  };
}

function durationParts(text: string): [amount: bigint, unit: string][] | undefined {
  const named = (match: RegExpExecArray | null, units: readonly string[]) =>
    match && units.flatMap((unit, i) => (match[i + 1] ? [[BigInt(match[i + 1]!), unit] as [bigint, string]] : []));
  if (text.startsWith('P')) {
    const units = ['y', 'mo', 'd', 'h', 'm', 's'];
    return (
      named(ISO_WEEKS.exec(text), ['w']) ??
      named(ISO_ALTERNATIVE.exec(text), units) ??
      named(ISO.exec(text), units) ??
      undefined
    );
  }
  if (!STANDARD.test(text)) return undefined;
  const parts: [bigint, string][] = [];
  let last = -1;
  for (const match of text.matchAll(/(\d+)([a-zµ]+)/gi)) {
    const unit = match[2]!.toLowerCase();
    const order = UNIT_ORDER.indexOf(unit.replace('µ', 'u'));
    // units come once each, from the largest to the smallest
    if (order <= last) return undefined;
    last = order;
    parts.push([BigInt(match[1]!), unit]);
  }
  return parts;
}

/** The bytes of a duration: three signed vints. */
export function durationBytes({ months, days, nanoseconds }: Duration): Buffer {
  const out = new ByteWriter(16);
  for (const part of [BigInt(months), BigInt(days), nanoseconds]) {
    out.svint64(Number(BigInt.asIntN(32, part >> 32n)), Number(BigInt.asIntN(32, part)));
  }
  return out.toBytes();
}
