/**
 * The integers and `decimal`.
 *
 *   varint   big-endian two's complement, at least one byte
 *   decimal  i32 scale | varint unscaled          value = unscaled · 10^-scale
 *
 * decimal text is Java's BigDecimal.toString: plain where scale ≥ 0 and the value is at least 10^-6 or so (adjusted exponent ≥ -6), else
 * `d.ddE±n` with its sign.
 */
import { UnsupportedError } from '../../bytes/errors.js';
import { ByteWriter } from '../../bytes/writer.js';
import { varintOf as signedOf } from '../numbers.js';
import { badValue, i32At } from './value-writer.js';

/** More digits than this take minutes to print; no real value has them. */
const MAX_VARINT_BYTES = 1 << 20;

export function writeInt(buf: Uint8Array, at: number, out: ByteWriter): void {
  out.decimal(i32At(buf, at));
}

export function writeBigint(buf: Uint8Array, at: number, out: ByteWriter): void {
  out.decimal64(i32At(buf, at), i32At(buf, at + 4));
}

/** Two's complement of at most 8 bytes, sign-extended into `HALVES`. */
function takeHalves(buf: Uint8Array, start: number, end: number): void {
  let hi = (buf[start]! << 24) >> 31;
  let lo = hi;
  for (let i = start; i < end; i++) {
    hi = (hi << 8) | (lo >>> 24);
    lo = (lo << 8) | buf[i]!;
  }
  HALVES[0] = hi;
  HALVES[1] = lo;
}
const HALVES = new Int32Array(2);

/** The integer. @throws CorruptError where there are no bytes, UnsupportedError above a million bytes */
export function varintOf(buf: Uint8Array, start: number, end: number): bigint {
  const length = end - start;
  if (length === 0) throw badValue('varint', 'at least 1 byte', buf, start, end, 'is empty');
  if (length > MAX_VARINT_BYTES) {
    throw new UnsupportedError('an integer this long is not printed', {
      seen: length,
      expected: `${MAX_VARINT_BYTES} bytes`,
    });
  }
  return signedOf(buf, start, end);
}

/** The shortest two's complement of `value`, as BigInteger.toByteArray. */
export function varintBytes(value: bigint): Buffer {
  let bytes = 1;
  while (BigInt.asIntN(8 * bytes, value) !== value) bytes = bytes < 8 ? bytes + 1 : Math.ceil(bytes * 1.5);
  const hex = BigInt.asUintN(8 * bytes, value)
    .toString(16)
    .padStart(2 * bytes, '0');
  const all = Buffer.from(hex, 'hex');
  let from = 0;
  while (from < all.length - 1 && !isMinimal(all, from, all.length)) from++;
  return all.subarray(from);
}

/** Whether no byte could be left off: what Cassandra itself would write. */
export function isMinimal(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2) return end > start;
  const next = buf[start + 1]! & 0x80;
  return !((buf[start] === 0 && next === 0) || (buf[start] === 0xff && next !== 0));
}

export function writeVarint(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  if (end - start > 8 || end === start) {
    out.ascii(varintOf(buf, start, end).toString());
  } else {
    takeHalves(buf, start, end);
    out.decimal64(HALVES[0]!, HALVES[1]!);
  }
}

/** The unscaled digits of the decimal in hand. */
const unscaled = new ByteWriter(64);

export function writeDecimal(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  if (end - start < 5) throw badValue('decimal', 'at least 5 bytes', buf, start, end, 'is too short');
  const scale = i32At(buf, start);
  unscaled.pos = 0;
  writeVarint(buf, start + 4, end, unscaled);
  let digits = 0;
  if (unscaled.buf[0] === 0x2d) {
    out.u8(0x2d);
    digits = 1;
  }
  const count = unscaled.pos - digits;
  const adjusted = count - 1 - scale;
  if (scale < 0 || adjusted < -6) {
    writeScientific(digits, adjusted, out);
  } else if (scale === 0) {
    out.bytes(unscaled.buf, digits, unscaled.pos);
  } else if (count > scale) {
    out.bytes(unscaled.buf, digits, unscaled.pos - scale);
    out.u8(0x2e);
    out.bytes(unscaled.buf, unscaled.pos - scale, unscaled.pos);
  } else {
    out.ascii('0.');
    for (let i = count; i < scale; i++) out.u8(0x30);
    out.bytes(unscaled.buf, digits, unscaled.pos);
  }
}

function writeScientific(digits: number, adjusted: number, out: ByteWriter): void {
  out.u8(unscaled.buf[digits]!);
  if (unscaled.pos - digits > 1) {
    out.u8(0x2e);
    out.bytes(unscaled.buf, digits + 1, unscaled.pos);
  }
  if (adjusted === 0) return;
  out.u8(0x45);
  if (adjusted > 0) out.u8(0x2b);
  out.decimal(adjusted);
}
