/**
 * Values as JSON, byte for byte as Cassandra 5.0's sstabledump prints them (AbstractType.toJSONString), its oddities included:
 *
 *   NaN and infinities are null. A counter is the first eight bytes of its context, as a number. A timeuuid of another version than 1 is
 *   printed as though the lowest bit of its version were set. Keys of maps that are no strings are quoted. Fields of UDTs with upper-case
 *   letters are quoted twice: "\"Name\"". An empty value is "" for every type but text, ascii and blob; a time's is "null".
 *
 * Where sstabledump stops with a stack trace on bytes that still say something, the nearest sane text is printed: empty booleans, tinyints
 * and DateType timestamps as "", missing fields of tuples as null, composites as their text, custom classes as blobs. Bytes that are no value
 * of their type are a CorruptError; sstabledump stops too, or prints a number made of a part of them.
 */
import { ByteWriter } from '../../bytes/writer.js';
import type { CqlType, NativeName } from '../type.js';
import { NATIVE_TEXT, writeTimestampValue } from './native-text.js';
import { stringWriter } from './string.js';
import { countAt, elementLength, presentLength, vectorWalker } from './structure.js';
import { checkAscii, writeHex, writeJsonEscaped } from './text.js';
import { badValue, f32At, f64At, needLength, type ValueWriter } from './value-writer.js';

const QUOTE = 0x22;
const QUOTED = new Set<NativeName>(['date', 'duration', 'inet', 'time', 'uuid']);

export function jsonWriter(type: CqlType): ValueWriter {
  switch (type.kind) {
    case 'native':
      return type.className === 'LegacyTimeUUIDType' ? quoted('uuid') : nativeJson(type.name);
    case 'list':
    case 'set':
      return listJson(type.kind, jsonWriter(type.element));
    case 'map':
      return mapJson(type);
    case 'tuple':
      return tupleJson(type.elements.map(jsonWriter));
    case 'udt':
      return udtJson(type);
    case 'vector':
      return vectorJson(type);
    case 'reversed':
      return jsonWriter(type.of);
    case 'custom':
      return type.of ? jsonWriter(type.of) : nativeJson('blob');
    default:
      return quotedText(stringWriter(type));
  }
}

function nativeJson(name: NativeName): ValueWriter {
  switch (name) {
    case 'text':
      return writeJsonString;
    case 'ascii':
      return (buf, start, end, out) => {
        checkAscii(buf, start, end);
        writeJsonString(buf, start, end, out);
      };
    case 'blob':
      return (buf, start, end, out) => {
        out.ascii('"0x');
        writeHex(buf, start, end, out);
        out.u8(QUOTE);
      };
    case 'counter':
      return (buf, start, end, out) => {
        if (end - start < 8) throw badValue('counter', 'at least 8 bytes', buf, start, end, 'is too short');
        NATIVE_TEXT.bigint(buf, start, start + 8, out);
      };
    case 'double':
      return orEmpty((buf, start, end, out) => {
        needLength('double', 8, buf, start, end);
        if (Number.isFinite(f64At(buf, start))) NATIVE_TEXT.double(buf, start, end, out);
        else out.ascii('null');
      });
    case 'float':
      return orEmpty((buf, start, end, out) => {
        needLength('float', 4, buf, start, end);
        if (Number.isFinite(f32At(buf, start))) NATIVE_TEXT.float(buf, start, end, out);
        else out.ascii('null');
      });
    case 'timestamp':
      return orEmpty((buf, start, end, out) => {
        out.u8(QUOTE);
        writeTimestampValue(buf, start, end, 0x20, out);
        out.u8(QUOTE);
      });
    case 'timeuuid':
      return orEmpty(writeTimeUuid);
    default:
      return QUOTED.has(name) ? quoted(name) : orEmpty(NATIVE_TEXT[name]);
  }
}

function writeJsonString(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.u8(QUOTE);
  writeJsonEscaped(buf, start, end, out);
  out.u8(QUOTE);
}

function orEmpty(writer: ValueWriter, empty = '""'): ValueWriter {
  return (buf, start, end, out) => {
    if (end === start) out.ascii(empty);
    else writer(buf, start, end, out);
  };
}

function quoted(name: NativeName): ValueWriter {
  const writer = NATIVE_TEXT[name];
  return orEmpty(
    (buf, start, end, out) => {
      out.u8(QUOTE);
      writer(buf, start, end, out);
      out.u8(QUOTE);
    },
    name === 'time' ? '"null"' : '""',
  );
}

function writeTimeUuid(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.u8(QUOTE);
  NATIVE_TEXT.timeuuid(buf, start, end, out);
  const version = (buf[start + 6]! >> 4) | 1;
  // the version is the 15th of the 36 characters
  out.buf[out.pos - 22] = version < 10 ? 0x30 + version : 0x57 + version;
  out.u8(QUOTE);
}

/** The writer's text as a JSON string, for writers whose text may need escaping. */
function quotedText(writer: ValueWriter): ValueWriter {
  const scratch = new ByteWriter();
  return (buf, start, end, out) => {
    scratch.pos = 0;
    writer(buf, start, end, scratch);
    writeJsonString(scratch.buf, 0, scratch.pos, out);
  };
}

/** AbstractType.getString as a JSON string: partition keys and cell paths of dumps. */
export function quotedStringWriter(type: CqlType): ValueWriter {
  if (type.kind === 'reversed') return quotedStringWriter(type.of);
  if (type.kind === 'native' && (type.name === 'text' || type.name === 'ascii')) return nativeJson(type.name);
  const writer = stringWriter(type);
  if (type.kind !== 'native') return quotedText(writer);
  return (buf, start, end, out) => {
    out.u8(QUOTE);
    writer(buf, start, end, out);
    out.u8(QUOTE);
  };
}

function listJson(kind: string, element: ValueWriter): ValueWriter {
  return (buf, start, end, out) => {
    const count = countAt(kind, buf, start, end);
    out.u8(0x5b);
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      if (i > 0) out.ascii(', ');
      const length = presentLength(kind, buf, at, end);
      at += 4;
      element(buf, at, at + length, out);
      at += length;
    }
    out.u8(0x5d);
  };
}

function mapJson(type: Extract<CqlType, { kind: 'map' }>): ValueWriter {
  const key = keyJson(jsonWriter(type.key));
  const value = jsonWriter(type.value);
  return (buf, start, end, out) => {
    const count = countAt('map', buf, start, end);
    out.u8(0x7b);
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      if (i > 0) out.ascii(', ');
      const keyLength = presentLength('map', buf, at, end);
      at += 4;
      key(buf, at, at + keyLength, out);
      at += keyLength;
      out.ascii(': ');
      const length = presentLength('map', buf, at, end);
      at += 4;
      value(buf, at, at + length, out);
      at += length;
    }
    out.u8(0x7d);
  };
}

/** JSON that is no string becomes one. */
function keyJson(writer: ValueWriter): ValueWriter {
  const scratch = new ByteWriter();
  return (buf, start, end, out) => {
    scratch.pos = 0;
    writer(buf, start, end, scratch);
    if (scratch.buf[0] === QUOTE) out.bytes(scratch.buf, 0, scratch.pos);
    else writeJsonString(scratch.buf, 0, scratch.pos, out);
  };
}

function tupleJson(elements: readonly ValueWriter[]): ValueWriter {
  return (buf, start, end, out) => {
    out.u8(0x5b);
    let at = start;
    for (let i = 0; i < elements.length; i++) {
      if (i > 0) out.ascii(', ');
      at = writeField(elements[i]!, 'tuple', buf, at, end, out);
    }
    out.u8(0x5d);
  };
}

/** Returns where the next field begins. */
function writeField(
  writer: ValueWriter,
  kind: string,
  buf: Uint8Array,
  at: number,
  end: number,
  out: ByteWriter,
): number {
  const length = at === end ? -1 : elementLength(kind, buf, at, end);
  if (length < 0) out.ascii('null');
  else writer(buf, at + 4, at + 4 + length, out);
  return at === end ? end : at + 4 + Math.max(length, 0);
}

function udtJson(type: Extract<CqlType, { kind: 'udt' }>): ValueWriter {
  const names = type.fields.map((field) => fieldLabel(field.name));
  const writers = type.fields.map((field) => jsonWriter(field.type));
  return (buf, start, end, out) => {
    out.u8(0x7b);
    let at = start;
    for (let i = 0; i < writers.length; i++) {
      if (i > 0) out.ascii(', ');
      out.bytes(names[i]!);
      at = writeField(writers[i]!, 'udt', buf, at, end, out);
    }
    if (at < end) throw badValue('udt', `${writers.length} fields`, buf, start, end, `has ${end - at} bytes too many`);
    out.u8(0x7d);
  };
}

/** `"name": `, with quotes inside the quotes where the name has upper-case letters. */
function fieldLabel(name: string): Buffer {
  const out = new ByteWriter();
  const label = Buffer.from(name === name.toLowerCase() ? name : `"${name}"`, 'utf8');
  writeJsonString(label, 0, label.length, out);
  out.ascii(': ');
  return out.toBytes();
}

function vectorJson(type: Extract<CqlType, { kind: 'vector' }>): ValueWriter {
  const element = jsonWriter(type.element);
  const walk = vectorWalker(type);
  return (buf, start, end, out) => {
    out.u8(0x5b);
    walk(buf, start, end, (index, bytes, from, to) => {
      if (index > 0) out.ascii(', ');
      element(bytes, from, to, out);
    });
    out.u8(0x5d);
  };
}
