/**
 * Double and float as Java's toString (JDK 19 and later): of the decimals that read back as the value, those with fewest digits, at least
 * two; of these the nearest. 10^-3 ≤ |x| < 10^7 is written plain (`100.0`), all else as `d.ddE±n` without a plus sign (`1.0E10`).
 *
 * Three ways, fastest first:
 *   1. doubles: x = m / 10^k with small k: m, below 10^13, is exact and the division rounds correctly, and among decimals of so few digits
 *      no two read as the same x: m's digits are the answer.
 *   2. floats: x scaled to nine digits in double precision, whose error is 2^28 times smaller than a float's rounding interval; where a
 *      candidate is nearer to the interval's edge than that error, way 3 decides.
 *   3. JavaScript's own shortest digits, for floats by trying one precision after the other.
 */
import type { ByteWriter } from '../../bytes/writer.js';

const POWER = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const ZERO = 0x30;

/** Digits of the value in hand, the first non-zero, and how many: value = 0.d₁d₂… · 10^(exponent + 1). */
const DIGITS = new Uint8Array(32);
let count = 0;
let exponent = 0;
const FLOAT_VIEW = new DataView(new ArrayBuffer(4));

export function writeDouble(value: number, out: ByteWriter): void {
  if (writeSpecial(value, out)) return;
  const x = Math.abs(value);
  if (!writeShort(x, out)) {
    takeDigits(String(x));
    if (count === 1) secondDigit(x, false);
    writeDigits(out);
  }
}

/** `value` is exactly a float. Whole numbers below 10^7 need all their digits: floats are at most 1 apart there. */
export function writeFloat(value: number, out: ByteWriter): void {
  if (writeSpecial(value, out)) return;
  const x = Math.abs(value);
  if (x < 1e7 && x === Math.floor(x)) {
    out.decimal(x);
    out.ascii('.0');
    return;
  }
  if (!scaledFloat(x)) {
    exactFloat(x);
    if (count === 1) secondDigit(x, true);
  }
  writeDigits(out);
}

/** The sign, and all of a value that has no digits. */
function writeSpecial(value: number, out: ByteWriter): boolean {
  if (value < 0 || Object.is(value, -0)) out.u8(0x2d);
  if (value === 0) out.ascii('0.0');
  else if (Number.isNaN(value)) out.ascii('NaN');
  else if (value === Infinity || value === -Infinity) out.ascii('Infinity');
  else return false;
  return true;
}

/** Way 1, for values in the plain range. */
function writeShort(x: number, out: ByteWriter): boolean {
  if (x >= 1e7 || x < 1e-3) return false;
  for (let k = 0; k <= 6; k++) {
    const scale = POWER[k]!;
    const m = Math.floor(x * scale + 0.5);
    if (m / scale !== x) continue;
    const whole = Math.floor(m / scale);
    out.decimal(whole);
    out.u8(0x2e);
    if (k === 0) out.u8(ZERO);
    else out.padded(m - whole * scale, k);
    return true;
  }
  return false;
}

/** Takes the digits and exponent of JavaScript's text of a positive number: 123.45, 0.00012, 1e+21 or 1.5e-7. */
function takeDigits(text: string): void {
  let point = -1;
  let leadingZeros = 0;
  let i = 0;
  count = 0;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x65) break;
    if (code === 0x2e) point = i;
    else if (count === 0 && code === ZERO) leadingZeros++;
    else DIGITS[count++] = code;
  }
  const whole = point < 0 ? i : point;
  // 0.00012: one digit before the point, four zeros in all, so 10^-4
  exponent = whole - 1 - leadingZeros;
  if (i < text.length) exponent += Number(text.slice(i + 1));
  while (count > 1 && DIGITS[count - 1] === ZERO) count--;
}

/** A single digit is enough for `x`: with two, another decimal may be nearer (4.9E-324, not 5.0E-324). */
function secondDigit(x: number, isFloat: boolean): void {
  const text = x.toExponential(1);
  const back = isFloat ? Math.fround(Number(text)) : Number(text);
  if (back === x) takeDigits(text);
}

/** Way 2. False where it can't decide. */
function scaledFloat(x: number): boolean {
  FLOAT_VIEW.setFloat32(0, x);
  const bits = FLOAT_VIEW.getInt32(0);
  // half the distance to the neighbours is the same on both sides, unless x is a power of two; subnormals have fewer bits
  if ((bits & 0x7fffff) === 0 || bits >>> 23 === 0) return false;
  FLOAT_VIEW.setInt32(0, bits & 0x7f800000);
  const halfDistance = FLOAT_VIEW.getFloat32(0) * 2 ** -24;
  let decimal = Math.floor(((bits >>> 23) - 127) * 0.30103);
  let scaled = scale10(x, 8 - decimal);
  if (scaled >= 1e9) scaled = scale10(x, 8 - ++decimal);
  const half = scale10(halfDistance, 8 - decimal);
  // whether six digits do decides where to look, since more digits than do are never fewer than needed
  const six = roundTo(scaled, 6, half);
  if (six === UNDECIDED) return false;
  const from = six < 0 ? 7 : 2;
  const to = six < 0 ? 9 : 6;
  for (let digits = from; digits <= to; digits++) {
    const rounded = roundTo(scaled, digits, half);
    if (rounded === UNDECIDED) return false;
    if (rounded < 0) continue;
    setDigits(rounded, digits, decimal);
    return true;
  }
  return false;
}

const TOO_FAR = -1;
const UNDECIDED = -2;

/**
 * The nine-digit number rounded to fewer digits, where that is within `half`. Errors stay below the margin: a few roundings of 2^-53 on a
 * number below 10^9; `half` is at least 2.9.
 */
function roundTo(scaled: number, digits: number, half: number): number {
  const margin = 1e-5;
  const unit = POWER[9 - digits]!;
  const rounded = Math.floor(scaled / unit + 0.5);
  const away = Math.abs(rounded * unit - scaled);
  if (away > half + margin) return TOO_FAR;
  return away > half - margin || Math.abs(away - unit / 2) < margin ? UNDECIDED : rounded;
}

function scale10(x: number, power: number): number {
  if (power > 22) return x * POWER[22]! * scale10(1, power - 22);
  if (power >= 0) return x * POWER[power]!;
  if (power < -22) return x / POWER[22]! / scale10(1, -power - 22);
  return x / POWER[-power]!;
}

function setDigits(value: number, digits: number, decimalExponent: number): void {
  let v = value;
  exponent = decimalExponent;
  if (v >= POWER[digits]!) {
    v = POWER[digits - 1]!;
    exponent++;
  }
  count = digits;
  for (let i = digits - 1; i >= 0; i--) {
    const q = Math.floor(v / 10);
    DIGITS[i] = ZERO + v - q * 10;
    v = q;
  }
  while (count > 1 && DIGITS[count - 1] === ZERO) count--;
}

/** Way 3 for floats. A power of two has a nearer neighbour below it, so there the next decimal above may be the one that reads back. */
function exactFloat(x: number): void {
  for (let digits = 0; digits < 9; digits++) {
    const text = x.toExponential(digits);
    if (Math.fround(Number(text)) === x) {
      takeDigits(evenOfTie(text, x, digits));
      return;
    }
    const split = text.indexOf('e');
    const above = `${BigInt(text.slice(0, split).replace('.', '')) + 1n}e${Number(text.slice(split + 1)) - digits}`;
    if (Math.fround(Number(above)) === x) {
      takeDigits(Number(above).toExponential(digits));
      return;
    }
  }
  takeDigits(x.toExponential(8));
}

/** toExponential rounds a tie up, Java to the even digit. */
function evenOfTie(text: string, x: number, digits: number): string {
  const split = text.indexOf('e');
  if (digits === 0 || Number(text[split - 1]) % 2 === 0) return text;
  const exact = x.toExponential(100);
  if (!/^50*$/.test(exact.slice(digits + 2, exact.indexOf('e')))) return text;
  // an odd last digit can go down without borrowing
  const below = `${text.slice(0, split - 1)}${Number(text[split - 1]) - 1}${text.slice(split)}`;
  return Math.fround(Number(below)) === x ? below : text;
}

function writeDigits(out: ByteWriter): void {
  out.reserve(40);
  if (exponent >= -3 && exponent < 7) {
    writePlain(out);
    return;
  }
  out.u8(DIGITS[0]!);
  out.u8(0x2e);
  if (count === 1) out.u8(ZERO);
  else out.bytes(DIGITS, 1, count);
  out.u8(0x45);
  out.decimal(exponent);
}

function writePlain(out: ByteWriter): void {
  if (exponent < 0) {
    out.ascii('0.');
    for (let i = -1; i > exponent; i--) out.u8(ZERO);
    out.bytes(DIGITS, 0, count);
    return;
  }
  const whole = exponent + 1;
  for (let i = 0; i < whole; i++) out.u8(i < count ? DIGITS[i]! : ZERO);
  out.u8(0x2e);
  if (count <= whole) out.u8(ZERO);
  else out.bytes(DIGITS, whole, count);
}
