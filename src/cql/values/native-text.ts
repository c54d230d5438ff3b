/**
 * The text of native values, as the JVM prints them (AbstractType.getString). Bytes are not empty: what an empty value prints is for the
 * callers, since the forms differ.
 */
import type { ByteWriter } from '../../bytes/writer.js';
import type { NativeName } from '../type.js';
import { writeDate, writeDuration, writeTime, writeTimestamp } from './calendar.js';
import { writeDouble, writeFloat } from './floating-point.js';
import { writeBigint, writeDecimal, writeInt, writeVarint } from './integers.js';
import { checkAscii, writeHex, writeInet, writeText, writeUuid } from './text.js';
import { badValue, f32At, f64At, i32At, needLength, type ValueWriter } from './value-writer.js';

export const NATIVE_TEXT: Readonly<Record<NativeName, ValueWriter>> = {
  ascii(buf, start, end, out) {
    checkAscii(buf, start, end);
    out.bytes(buf, start, end);
  },
  bigint(buf, start, end, out) {
    needLength('bigint', 8, buf, start, end);
    writeBigint(buf, start, out);
  },
  blob: writeHex,
  boolean(buf, start, end, out) {
    needLength('boolean', 1, buf, start, end);
    out.ascii(buf[start] === 0 ? 'false' : 'true');
  },
  counter: writeHex,
  date: writeDate,
  decimal: writeDecimal,
  double(buf, start, end, out) {
    needLength('double', 8, buf, start, end);
    writeDouble(f64At(buf, start), out);
  },
  duration: writeDuration,
  empty(buf, start, end) {
    throw badValue('empty', 'no bytes', buf, start, end, 'has bytes');
  },
  float(buf, start, end, out) {
    needLength('float', 4, buf, start, end);
    writeFloat(f32At(buf, start), out);
  },
  inet: writeInet,
  int(buf, start, end, out) {
    needLength('int', 4, buf, start, end);
    writeInt(buf, start, out);
  },
  smallint(buf, start, end, out) {
    needLength('smallint', 2, buf, start, end);
    out.decimal(((buf[start]! << 24) >> 16) | buf[start + 1]!);
  },
  text: writeText,
  time: writeTime,
  timestamp(buf, start, end, out) {
    writeTimestampValue(buf, start, end, 0x54, out);
  },
  timeuuid(buf, start, end, out) {
    needLength('timeuuid', 16, buf, start, end);
    writeUuid(buf, start, out);
  },
  tinyint(buf, start, end, out) {
    needLength('tinyint', 1, buf, start, end);
    out.decimal((buf[start]! << 24) >> 24);
  },
  uuid(buf, start, end, out) {
    needLength('uuid', 16, buf, start, end);
    writeUuid(buf, start, out);
  },
  varint: writeVarint,
};

/** @param separator the character between day and time */
export function writeTimestampValue(
  buf: Uint8Array,
  start: number,
  end: number,
  separator: number,
  out: ByteWriter,
): void {
  needLength('timestamp', 8, buf, start, end);
  writeTimestamp(i32At(buf, start), i32At(buf, start + 4), separator, out);
}
