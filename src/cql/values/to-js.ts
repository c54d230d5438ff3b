/**
 * Values for JSON that people and programs read, exact unless said otherwise:
 *
 *   tinyint smallint int, and bigint varint timestamps' milliseconds up to ±(2^53 - 1)   numbers; beyond, decimal strings
 *   decimal            string: a JSON number would lose its scale
 *   float double       the shortest number that reads back; 'NaN' 'Infinity' '-Infinity' '-0.0' as strings (NaN without its payload)
 *   boolean            true or false
 *   text ascii uuid timeuuid date time inet duration    string; an address mapped from IPv4 as ::ffff:a.b.c.d; no duration is 0s
 *   timestamp          ISO 8601 in UTC for years 1 to 9999, else { millis }
 *   blob, custom       '0x…'
 *   counter            { total, shards: [{ id, clock, count, kind }] }
 *   list set vector    array
 *   map                object where keys are text or ascii, else an array of [key, value]
 *   tuple              array, null where a field is null or missing
 *   udt                object, likewise
 *   composite          array of components; dynamic ones as { type, value }
 *   an empty value     '' (of every type whose value has bytes)
 */
import { ByteWriter } from '../../bytes/writer.js';
import type { CqlType, NativeName } from '../type.js';
import { hasExactTimestampText } from './calendar.js';
import { decodeCounterContext } from './counter.js';
import { varintOf } from './integers.js';
import { NATIVE_TEXT } from './native-text.js';
import { componentsOf, countAt, elementLength, presentLength, vectorWalker } from './structure.js';
import { isMappedIpv4 } from './text.js';
import { f32At, f64At, i32At, needLength, textOf } from './value-writer.js';

const scratch = new ByteWriter();

/** @throws CorruptError where the bytes are no value of the type */
export function toJs(type: CqlType, bytes: Uint8Array): unknown {
  switch (type.kind) {
    case 'native':
      return nativeToJs(type.name, bytes);
    case 'list':
    case 'set':
      return elementsOf(type.kind, bytes).map((element) => toJs(type.element, element));
    case 'map':
      return mapToJs(type, bytes);
    case 'tuple':
      return fieldsOf(type.elements, bytes);
    case 'udt': {
      const values = fieldsOf(
        type.fields.map((field) => field.type),
        bytes,
      );
      return objectOf(type.fields.map((field, i) => [field.name, values[i]]));
    }
    case 'vector': {
      const values: unknown[] = [];
      vectorWalker(type)(bytes, 0, bytes.length, (_, buf, start, end) => {
        values.push(toJs(type.element, buf.subarray(start, end)));
      });
      return values;
    }
    case 'reversed':
      return toJs(type.of, bytes);
    case 'composite':
    case 'dynamicComposite':
      return componentsOf(type, bytes, 0, bytes.length).map((component) => {
        const value = toJs(component.type, bytes.subarray(component.start, component.end));
        return component.label === undefined ? value : { type: component.label, value };
      });
    case 'custom':
      return type.of ? toJs(type.of, bytes) : hex(bytes);
  }
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

/** A plain object that takes any key, `__proto__` too. */
function objectOf(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of entries) object[key] = value;
  return object;
}

/** A number where it is exact, else its decimal text. */
export function exactInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function nativeToJs(name: NativeName, bytes: Uint8Array): unknown {
  const end = bytes.length;
  if (name === 'blob') return hex(bytes);
  if (name === 'counter') return counterToJs(bytes);
  if (end === 0) return '';
  switch (name) {
    case 'boolean':
      needLength(name, 1, bytes, 0, end);
      return bytes[0] !== 0;
    case 'tinyint':
    case 'smallint':
    case 'int':
      return Number(textOf(NATIVE_TEXT[name], bytes, scratch));
    case 'bigint':
      needLength(name, 8, bytes, 0, end);
      return exactInteger(varintOf(bytes, 0, end));
    case 'varint':
      return exactInteger(varintOf(bytes, 0, end));
    case 'float':
      needLength(name, 4, bytes, 0, end);
      return floatingToJs(f32At(bytes, 0), name, bytes);
    case 'double':
      needLength(name, 8, bytes, 0, end);
      return floatingToJs(f64At(bytes, 0), name, bytes);
    case 'timestamp':
      return timestampToJs(bytes);
    case 'inet':
      if (end === 16 && isMappedIpv4(bytes, 0)) return `::ffff:${textOf(NATIVE_TEXT.inet, bytes, scratch)}`;
      return textOf(NATIVE_TEXT.inet, bytes, scratch);
    case 'duration':
      return textOf(NATIVE_TEXT.duration, bytes, scratch) || '0s';
    default:
      return textOf(NATIVE_TEXT[name], bytes, scratch);
  }
}

/** Floats are read back from their shortest text, so that 0.1 stays 0.1. */
function floatingToJs(value: number, name: 'float' | 'double', bytes: Uint8Array): number | string {
  if (Object.is(value, -0)) return '-0.0';
  const text = textOf(NATIVE_TEXT[name], bytes, scratch);
  return Number.isFinite(value) ? Number(text) : text;
}

function timestampToJs(bytes: Uint8Array): unknown {
  needLength('timestamp', 8, bytes, 0, bytes.length);
  if (hasExactTimestampText(i32At(bytes, 0), i32At(bytes, 4))) return textOf(NATIVE_TEXT.timestamp, bytes, scratch);
  return { millis: exactInteger(varintOf(bytes, 0, 8)) };
}

function counterToJs(bytes: Uint8Array): unknown {
  const { total, shards } = decodeCounterContext(bytes);
  return {
    total: exactInteger(total),
    shards: shards.map((shard) => ({
      id: shard.id,
      clock: exactInteger(shard.clock),
      count: exactInteger(shard.count),
      kind: shard.kind,
    })),
  };
}

/** The elements of a frozen list or set; of a map keys and values in turn. */
function elementsOf(kind: string, bytes: Uint8Array): Uint8Array[] {
  const count = countAt(kind, bytes, 0, bytes.length) * (kind === 'map' ? 2 : 1);
  const elements: Uint8Array[] = [];
  let at = 4;
  for (let i = 0; i < count; i++) {
    const length = presentLength(kind, bytes, at, bytes.length);
    elements.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return elements;
}

function mapToJs(type: Extract<CqlType, { kind: 'map' }>, bytes: Uint8Array): unknown {
  const parts = elementsOf('map', bytes);
  const entries: [unknown, unknown][] = [];
  for (let i = 0; i < parts.length; i += 2) {
    entries.push([toJs(type.key, parts[i]!), toJs(type.value, parts[i + 1]!)]);
  }
  const isText = type.key.kind === 'native' && (type.key.name === 'text' || type.key.name === 'ascii');
  return isText ? objectOf(entries as [string, unknown][]) : entries;
}

function fieldsOf(types: readonly CqlType[], bytes: Uint8Array): unknown[] {
  let at = 0;
  return types.map((type) => {
    if (at === bytes.length) return null;
    const length = elementLength('tuple', bytes, at, bytes.length);
    at += 4 + Math.max(length, 0);
    return length < 0 ? null : toJs(type, bytes.subarray(at - length, at));
  });
}
