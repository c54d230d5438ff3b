/**
 * Values as JSON that means the same as the bytes:
 *
 *   integers, varint, decimal        numbers with all their digits (a reader that keeps doubles only rounds those beyond 2^53)
 *   float, double                    the shortest number that reads back; "NaN", "Infinity", "-Infinity"
 *   text, ascii                      strings; blobs and custom classes: "0x…"; uuids, inet, date, time, duration: strings as CQL has them
 *   timestamp                        "2024-06-01T12:00:00.000Z", outside the years 1 to 9999 its milliseconds
 *   list, set, tuple, vector         arrays, with null for null fields of tuples and for fields that are missing
 *   map                              an object; keys that are no strings are their JSON in a string
 *   udt                              an object of all its fields
 *   empty value of any other type    ""
 *
 * Counters are their total. NaN loses its payload, a boolean that is neither 0 nor 1 is true, and a number its needless leading bytes.
 */
import { ByteWriter } from '../bytes/writer.js';
import type { CqlType, NativeName } from '../cql/type.js';
import { hasExactTimestampText } from '../cql/values/calendar.js';
import { decodeCounterContext } from '../cql/values/counter.js';
import { quotedStringWriter } from '../cql/values/json.js';
import { NATIVE_TEXT } from '../cql/values/native-text.js';
import { countAt, elementLength, presentLength, vectorWalker } from '../cql/values/structure.js';
import { checkAscii, isMappedIpv4, writeHex, writeJsonEscaped } from '../cql/values/text.js';
import { badValue, f32At, f64At, i32At, needLength, type ValueWriter } from '../cql/values/value-writer.js';

const QUOTE = 0x22;
const BARE = new Set<NativeName>(['bigint', 'boolean', 'decimal', 'int', 'smallint', 'tinyint', 'varint']);

export function jsonValueWriter(type: CqlType): ValueWriter {
  switch (type.kind) {
    case 'native':
      return nativeJson(type.name);
    case 'list':
    case 'set':
      return listJson(type.kind, jsonValueWriter(type.element));
    case 'map':
      return mapJson(jsonKeyWriter(type.key), jsonValueWriter(type.value));
    case 'tuple':
      return fieldsJson('[', ']', type.elements.map(jsonValueWriter), undefined);
    case 'udt': {
      const labels = type.fields.map(({ name }) => Buffer.from(`${JSON.stringify(name)}:`, 'utf8'));
      return fieldsJson(
        '{',
        '}',
        type.fields.map((field) => jsonValueWriter(field.type)),
        labels,
      );
    }
    case 'vector':
      return vectorJson(type);
    case 'reversed':
      return jsonValueWriter(type.of);
    case 'custom':
      return type.of ? jsonValueWriter(type.of) : writeBlob;
    default:
      return quotedStringWriter(type);
  }
}

/** The value as a JSON string, always: for keys of objects. */
export function jsonKeyWriter(type: CqlType): ValueWriter {
  const writer = jsonValueWriter(type);
  const scratch = new ByteWriter();
  return (buf, start, end, out) => {
    scratch.pos = 0;
    writer(buf, start, end, scratch);
    if (scratch.buf[0] === QUOTE) out.bytes(scratch.buf, 0, scratch.pos);
    else writeString(scratch.buf, 0, scratch.pos, out);
  };
}

function writeString(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.u8(QUOTE);
  writeJsonEscaped(buf, start, end, out);
  out.u8(QUOTE);
}

function writeBlob(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.ascii('"0x');
  writeHex(buf, start, end, out);
  out.u8(QUOTE);
}

function nativeJson(name: NativeName): ValueWriter {
  switch (name) {
    case 'text':
      return writeString;
    case 'ascii':
      return (buf, start, end, out) => {
        checkAscii(buf, start, end);
        writeString(buf, start, end, out);
      };
    case 'blob':
      return writeBlob;
    case 'counter':
      return orEmpty((buf, start, end, out) => out.ascii(decodeCounterContext(buf, start, end).total.toString()));
    case 'double':
    case 'float':
      return orEmpty(floatingJson(name));
    case 'timestamp':
      return orEmpty((buf, start, end, out) => {
        needLength('timestamp', 8, buf, start, end);
        const hi = i32At(buf, start);
        const lo = i32At(buf, start + 4);
        if (hasExactTimestampText(hi, lo)) writeQuoted(NATIVE_TEXT.timestamp, buf, start, end, out);
        else out.decimal64(hi, lo);
      });
    case 'inet':
      return orEmpty((buf, start, end, out) => {
        out.u8(QUOTE);
        if (end - start === 16 && isMappedIpv4(buf, start)) out.ascii('::ffff:');
        NATIVE_TEXT.inet(buf, start, end, out);
        out.u8(QUOTE);
      });
    default: {
      const writer = NATIVE_TEXT[name];
      return orEmpty(BARE.has(name) ? writer : (buf, start, end, out) => writeQuoted(writer, buf, start, end, out));
    }
  }
}

function orEmpty(writer: ValueWriter): ValueWriter {
  return (buf, start, end, out) => {
    if (end > start) writer(buf, start, end, out);
    else out.ascii('""');
  };
}

function writeQuoted(writer: ValueWriter, buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.u8(QUOTE);
  writer(buf, start, end, out);
  out.u8(QUOTE);
}

function floatingJson(name: 'double' | 'float'): ValueWriter {
  const bytes = name === 'double' ? 8 : 4;
  const writer = NATIVE_TEXT[name];
  return (buf, start, end, out) => {
    needLength(name, bytes, buf, start, end);
    if (Number.isFinite(name === 'double' ? f64At(buf, start) : f32At(buf, start))) writer(buf, start, end, out);
    else writeQuoted(writer, buf, start, end, out);
  };
}

function listJson(kind: string, element: ValueWriter): ValueWriter {
  return (buf, start, end, out) => {
    const count = countAt(kind, buf, start, end);
    out.u8(0x5b);
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      if (i > 0) out.u8(0x2c);
      const length = presentLength(kind, buf, at, end);
      element(buf, at + 4, at + 4 + length, out);
      at += 4 + length;
    }
    out.u8(0x5d);
  };
}

function mapJson(key: ValueWriter, value: ValueWriter): ValueWriter {
  return (buf, start, end, out) => {
    const count = countAt('map', buf, start, end);
    out.u8(0x7b);
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      if (i > 0) out.u8(0x2c);
      const keyLength = presentLength('map', buf, at, end);
      key(buf, at + 4, at + 4 + keyLength, out);
      at += 4 + keyLength;
      out.u8(0x3a);
      const length = presentLength('map', buf, at, end);
      value(buf, at + 4, at + 4 + length, out);
      at += 4 + length;
    }
    out.u8(0x7d);
  };
}

function fieldsJson(
  open: string,
  close: string,
  writers: readonly ValueWriter[],
  labels: readonly Uint8Array[] | undefined,
): ValueWriter {
  const kind = labels ? 'udt' : 'tuple';
  return (buf, start, end, out) => {
    out.ascii(open);
    let at = start;
    for (let i = 0; i < writers.length; i++) {
      if (i > 0) out.u8(0x2c);
      if (labels) out.bytes(labels[i]!);
      const length = at === end ? -1 : elementLength(kind, buf, at, end);
      if (at < end) at += 4;
      if (length < 0) {
        out.ascii('null');
      } else {
        writers[i]!(buf, at, at + length, out);
        at += length;
      }
    }
    if (at < end) throw badValue(kind, `${writers.length} fields`, buf, start, end, `has ${end - at} bytes too many`);
    out.ascii(close);
  };
}

function vectorJson(type: Extract<CqlType, { kind: 'vector' }>): ValueWriter {
  const element = jsonValueWriter(type.element);
  const walk = vectorWalker(type);
  return orEmpty((buf, start, end, out) => {
    out.u8(0x5b);
    walk(buf, start, end, (index, bytes, from, to) => {
      if (index > 0) out.u8(0x2c);
      element(bytes, from, to, out);
    });
    out.u8(0x5d);
  });
}
