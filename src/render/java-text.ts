/** Numbers, times and maps as the Java library prints them, for text that must be the real tools' to the byte. */
import { ByteWriter } from '../bytes/writer.js';
import { writeDouble } from '../cql/values/floating-point.js';

const DAY_MILLIS = 86_400_000n;
/** 1582-10-15, the first Gregorian day, in days since 1970. */
const GREGORIAN_CUTOVER = -141_427;

/** Double.toString. */
export function doubleText(value: number): string {
  const out = new ByteWriter(32);
  writeDouble(value, out);
  return out.toString();
}

/** `%.1f`: half up on the shortest decimal digits. Of 0 ≤ value < 10^7. */
export function oneDecimal(value: number): string {
  const [whole, fraction = ''] = doubleText(value).split('.') as [string, string?];
  const tenths = Number(whole) * 10 + Number(fraction[0] ?? '0') + (Number(fraction[1] ?? '0') >= 5 ? 1 : 0);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}

/** SimpleDateFormat `MM/dd/yyyy HH:mm:ss` in UTC: Julian before 1582-10-15, and a year of the era, whichever that is. */
export function dateText(millis: bigint): string {
  const rest = ((millis % DAY_MILLIS) + DAY_MILLIS) % DAY_MILLIS;
  const days = Number((millis - rest) / DAY_MILLIS);
  const { year, month, day } = days < GREGORIAN_CUTOVER ? julianDate(days) : gregorianDate(days);
  const seconds = Math.floor(Number(rest) / 1000);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
  return `${two(month)}/${two(day)}/${String(year > 0 ? year : 1 - year).padStart(4, '0')} ${clock}`;
}

/** Commons Lang's formatDurationWords without zero elements at either end: `231 days 11 hours 33 minutes 20 seconds`. */
export function durationWords(seconds: number): string {
  const counts = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  const units = ['day', 'hour', 'minute', 'second'];
  const from = counts.findIndex((count) => count > 0);
  if (from < 0) return '';
  const to = 4 - [...counts].reverse().findIndex((count) => count > 0);
  return counts
    .slice(from, to)
    .map((count, i) => `${count} ${units[from + i]}${count === 1 ? '' : 's'}`)
    .join(' ');
}

/** The keys in the order in which a HashMap that they were put into one by one hands them out. */
export function hashMapOrder(keys: readonly string[]): string[] {
  let capacity = 16;
  while (keys.length > capacity * 0.75) capacity *= 2;
  const bucketOf = (key: string) => {
    const hash = stringHash(key);
    return (hash ^ (hash >>> 16)) & (capacity - 1);
  };
  return keys
    .map((key) => ({ key, bucket: bucketOf(key) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ key }) => key);
}

/** String.hashCode. */
function stringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

type CivilDate = { readonly year: number; readonly month: number; readonly day: number };

/** Of a day since 1970. Year 0 is 1 BC. */
function gregorianDate(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  return fromMarch(era * 400 + yearOfEra, dayOfYear);
}

function julianDate(days: number): CivilDate {
  // 0000-03-01 of the Julian calendar is two days before that of the Gregorian
  const shifted = days + 719_470;
  const era = Math.floor(shifted / 1461);
  const dayOfEra = shifted - era * 1461;
  const yearOfEra = Math.min(3, Math.floor(dayOfEra / 365));
  return fromMarch(era * 4 + yearOfEra, dayOfEra - yearOfEra * 365);
}

/** @param dayOfYear counted from 1 March of `year` */
function fromMarch(year: number, dayOfYear: number): CivilDate {
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: year + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
