/** What the writers of values share: their signature, reading the fixed-width numbers, and the error for bytes that are no value of their type. */
import { CorruptError } from '../../bytes/errors.js';
import type { ByteWriter } from '../../bytes/writer.js';

/** Writes the text of the value `buf[start..end)` to `out`. @throws CorruptError where the bytes are no such value */
export type ValueWriter = (buf: Uint8Array, start: number, end: number, out: ByteWriter) => void;

/** @param expected what a valid value would be */
export function badValue(
  type: string,
  expected: string,
  buf: Uint8Array,
  start: number,
  end: number,
  what = 'is invalid',
): CorruptError {
  const shown = Buffer.from(buf.subarray(start, Math.min(end, start + 24))).toString('hex');
  return new CorruptError(`${type} value ${what}`, {
    seen: `${end - start} bytes 0x${shown}${end - start > 24 ? '…' : ''}`,
    expected,
  });
}

/** @throws CorruptError unless the value has exactly `length` bytes */
export function needLength(type: string, length: number, buf: Uint8Array, start: number, end: number): void {
  if (end - start !== length) {
    throw badValue(type, `${length} byte${length === 1 ? '' : 's'}`, buf, start, end, 'has the wrong length');
  }
}

export function i32At(buf: Uint8Array, at: number): number {
  return (buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!;
}

const FLOAT_BYTES = new Uint8Array(8);
const FLOAT_VIEW = new DataView(FLOAT_BYTES.buffer);

export function f64At(buf: Uint8Array, at: number): number {
  FLOAT_VIEW.setInt32(0, i32At(buf, at));
  FLOAT_VIEW.setInt32(4, i32At(buf, at + 4));
  return FLOAT_VIEW.getFloat64(0);
}

export function f32At(buf: Uint8Array, at: number): number {
  FLOAT_VIEW.setInt32(0, i32At(buf, at));
  return FLOAT_VIEW.getFloat32(0);
}

/** What `writer` makes of one value, as a string: for edges, not for loops. */
export function textOf(writer: ValueWriter, bytes: Uint8Array, scratch: ByteWriter): string {
  const from = scratch.pos;
  writer(bytes, 0, bytes.length, scratch);
  const text = scratch.buf.toString('utf8', from, scratch.pos);
  scratch.pos = from;
  return text;
}
