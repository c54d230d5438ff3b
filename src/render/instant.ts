/**
 * Times as Java's `Instant.toString` prints them: `2023-11-14T22:13:20.000005Z`, with no fraction, or one of 3, 6 or 9 digits.
 * Written digit by digit, with the day kept from one call to the next: dumps print several for each row.
 */
import { isSafe, toBigInt } from '../bytes/int64.js';
import { ByteWriter, Template } from '../bytes/writer.js';

const DAY = 86400;
const LONG_MAX_MICROS = 9223372036854775n;

/** Writes times into byte buffers. One a writer of text: it remembers the last day. */
export class InstantWriter {
  private day = Number.NaN;
  private dayText = new Template('');

  /** Seconds since the epoch, an integer within ±2^53, or infinity: a time that no Instant has, and that only damage makes. */
  seconds(out: ByteWriter, seconds: number): void {
    if (Number.isFinite(seconds)) this.write(out, seconds, 0);
    else out.ascii('never');
  }

  /**
   * Microseconds since the epoch as sstabledump prints them. Beyond the range of 64-bit nanoseconds (1677 to 2262), and with fractions before
   * 1970, that is not the exact time: seconds are cut towards zero, and the fraction is taken off a saturated count of nanoseconds.
   */
  micros(out: ByteWriter, hi: number, lo: number): void {
    if (isSafe(hi)) {
      const micros = hi * 4294967296 + (lo >>> 0);
      const seconds = Math.trunc(micros / 1e6);
      const fraction = micros - Math.floor(micros / 1e6) * 1e6;
      this.write(out, seconds, fraction * 1000);
      return;
    }
    const micros = toBigInt(hi, lo);
    const seconds = Number(micros / 1000000n);
    const nanos =
      micros > LONG_MAX_MICROS
        ? 854775807
        : micros < -LONG_MAX_MICROS
          ? 145224192
          : Number(((micros % 1000000n) + 1000000n) % 1000000n) * 1000;
    this.write(out, seconds, nanos);
  }

  private write(out: ByteWriter, seconds: number, nanos: number): void {
    const day = Math.floor(seconds / DAY);
    if (day !== this.day) this.setDay(day);
    out.template(this.dayText);
    let rest = seconds - day * DAY;
    out.reserve(20);
    const b = out.buf;
    let p = out.pos;
    const hours = (rest / 3600) | 0;
    rest -= hours * 3600;
    const minutes = (rest / 60) | 0;
    rest -= minutes * 60;
    p = two(b, p, hours);
    b[p++] = 0x3a;
    p = two(b, p, minutes);
    b[p++] = 0x3a;
    p = two(b, p, rest);
    out.pos = p;
    if (nanos > 0) {
      out.u8(0x2e);
      if (nanos % 1e6 === 0) out.padded(nanos / 1e6, 3);
      else if (nanos % 1000 === 0) out.padded(nanos / 1000, 6);
      else out.padded(nanos, 9);
    }
    out.u8(0x5a);
  }

  private setDay(day: number): void {
    // Gregorian date of a day number, by eras of 400 years that begin on 1 March
    const z = day + 719468;
    const era = Math.floor(z / 146097);
    const dayOfEra = z - era * 146097;
    const yearOfEra = Math.floor(
      (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
    );
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const m = Math.floor((5 * dayOfYear + 2) / 153);
    const month = m < 10 ? m + 3 : m - 9;
    const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
    const text = new ByteWriter(16);
    if (year > 9999) text.u8(0x2b);
    else if (year < 0) text.u8(0x2d);
    const magnitude = Math.abs(year);
    if (magnitude > 9999) text.decimal(magnitude);
    else text.padded(magnitude, 4);
    text.u8(0x2d);
    text.padded(month, 2);
    text.u8(0x2d);
    text.padded(dayOfYear - Math.floor((153 * m + 2) / 5) + 1, 2);
    text.u8(0x54);
    this.dayText = new Template(text.toString());
    this.day = day;
  }
}

function two(b: Uint8Array, p: number, value: number): number {
  const tens = (value * 103) >> 10;
  b[p] = 0x30 + tens;
  b[p + 1] = 0x30 + value - tens * 10;
  return p + 2;
}

/** The same as a string, for places where speed does not matter. */
export function instantOfSeconds(seconds: number): string {
  const out = new ByteWriter(32);
  new InstantWriter().seconds(out, seconds);
  return out.toString();
}
