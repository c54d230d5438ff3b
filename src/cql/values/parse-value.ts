/**
 * Text to values, as AbstractType.fromString takes it (keys on the command line of sstabledump and nodetool):
 *
 *   composite partition keys   a:b, `\:` for a colon inside a component, a `!` after a component that ends in `\` or `!`
 *   tuples and UDTs            a:b, `@` for null, `\:` and `\@`
 *   blobs, collections, vectors, counters, custom classes    hex, here with or without 0x
 *
 * An empty text is the empty value, of text and blob its proper one; of a boolean false; date and time have none.
 */
import { isIP } from 'node:net';
import { UsageError } from '../../bytes/errors.js';
import { ByteWriter } from '../../bytes/writer.js';
import { parseMarshalType } from '../marshal.js';
import type { CqlType, NativeName } from '../type.js';
import { cqlTypeName } from '../type-facts.js';
import { varintBytes } from './integers.js';
import { durationBytes, parseDate, parseDuration, parseTime, parseTimestamp } from './parse-calendar.js';

const EMPTY = Buffer.alloc(0);

/** @throws UsageError where `text` is no value of the type */
export function parseValue(type: CqlType, text: string): Buffer {
  switch (type.kind) {
    case 'native':
      return parseNative(type, text);
    case 'reversed':
      return parseValue(type.of, text);
    case 'tuple':
      return parseFields(type, type.elements, text);
    case 'udt':
      return parseFields(
        type,
        type.fields.map((field) => field.type),
        text,
      );
    case 'composite':
    case 'dynamicComposite':
      return parseComposite(type, text);
    default:
      return parseHex(type, text);
  }
}

/** @throws UsageError naming the type and the text */
export function refuse(type: CqlType, text: string, expected: string): never {
  throw new UsageError(`not a value of type ${cqlTypeName(type)}`, {
    seen: text.length > 80 ? `${text.slice(0, 80)}…` : text,
    expected,
  });
}

export function parseHex(type: CqlType, text: string): Buffer {
  const digits = text.startsWith('0x') ? text.slice(2) : text;
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) refuse(type, text, 'an even number of hex digits');
  return Buffer.from(digits, 'hex');
}

const INTEGER_BYTES: Readonly<Partial<Record<NativeName, number>>> = { tinyint: 1, smallint: 2, int: 4, bigint: 8 };

function parseNative(type: Extract<CqlType, { kind: 'native' }>, text: string): Buffer {
  const { name } = type;
  switch (name) {
    case 'text':
      return Buffer.from(text, 'utf8');
    case 'ascii':
      // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
      if (!/^[\x00-\x7f]*$/.test(text)) refuse(type, text, 'ASCII characters');
      return Buffer.from(text, 'latin1');
    case 'blob':
    case 'counter':
      return parseHex(type, text);
    case 'boolean':
      if (!/^(?:true|false|)$/i.test(text)) refuse(type, text, 'true or false');
      return Buffer.of(text.toLowerCase() === 'true' ? 1 : 0);
    case 'date':
      return uint32(parseDate(text) ?? refuse(type, text, 'yyyy-mm-dd'));
    case 'time':
      return int64(BigInt(parseTime(text) ?? refuse(type, text, 'hh:mm:ss[.fffffffff]')));
    case 'duration':
      if (text === '') return EMPTY;
      return durationBytes(parseDuration(text) ?? refuse(type, text, 'such as 1y2mo3d4h5m6s, or ISO 8601'));
    case 'empty':
      return text === '' ? EMPTY : refuse(type, text, 'nothing');
  }
  if (text === '') return EMPTY;
  switch (name) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return parseInteger(type, text, INTEGER_BYTES[name]!);
    case 'varint':
      if (!/^[+-]?\d+$/.test(text)) refuse(type, text, 'an integer');
      return varintBytes(BigInt(text.replace('+', '')));
    case 'decimal':
      return parseDecimal(type, text);
    case 'float':
    case 'double':
      return parseFloating(type, text, name);
    case 'timestamp':
      return int64(parseTimestamp(text) ?? refuse(type, text, 'milliseconds or yyyy-mm-dd[ hh:mm[:ss[.fff]]][zone]'));
    case 'inet':
      return parseInet(type, text);
    case 'uuid':
    case 'timeuuid':
      return parseUuid(type, text);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function parseInteger(type: CqlType, text: string, byteCount: number): Buffer {
  if (!/^[+-]?\d+$/.test(text)) refuse(type, text, 'an integer');
  const value = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(8 * byteCount, value) !== value) refuse(type, text, `an integer of ${8 * byteCount} bits`);
  return int64(value).subarray(8 - byteCount);
}

function parseDecimal(type: CqlType, text: string): Buffer {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  const digits = match ? `${match[2]}${match[3] ?? ''}` : '';
  const scale = match ? (match[3] ?? '').length - Number(match[4] ?? 0) : Number.NaN;
  if (digits === '' || !(Math.abs(scale) <= 0x7fffffff)) refuse(type, text, 'a decimal number');
  const scaleBytes = Buffer.alloc(4);
  scaleBytes.writeInt32BE(scale);
  const unscaled = BigInt(digits);
  return Buffer.concat([scaleBytes, varintBytes(match![1] === '-' ? -unscaled : unscaled)]);
}

function parseFloating(type: CqlType, text: string, name: 'float' | 'double'): Buffer {
  const match = /^\s*([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?))\s*$/.exec(text);
  if (!match) refuse(type, text, 'a number, NaN or Infinity');
  const value = Number(match![1]!.replace(/NaN$/, 'NaN').replace(/([\d.])[fFdD]$/, '$1'));
  const bytes = Buffer.alloc(name === 'float' ? 4 : 8);
  if (name === 'float') bytes.writeFloatBE(value);
  else bytes.writeDoubleBE(value);
  return bytes;
}

function parseInet(type: CqlType, text: string): Buffer {
  const kind = isIP(text);
  if (kind === 0 || text.includes('%')) refuse(type, text, 'an IPv4 or IPv6 address');
  if (kind === 4) return Buffer.from(text.split('.').map(Number));
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const group = (high: string, low: string) => ((Number(high) << 8) | Number(low)).toString(16);
  const source = dotted ? `${dotted[1]}${group(dotted[2]!, dotted[3]!)}:${group(dotted[4]!, dotted[5]!)}` : text;
  const [head, tail] = source.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const filled = tail ? [...head!, ...Array(8 - head!.length - tail.length).fill('0'), ...tail] : head!;
  const bytes = Buffer.alloc(16);
  filled.forEach((part, i) => {
    bytes.writeUInt16BE(Number.parseInt(part, 16), 2 * i);
  });
  // as in Java, an address mapped from IPv4 is that address
  return bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff' ? bytes.subarray(12) : bytes;
}

function parseUuid(type: Extract<CqlType, { kind: 'native' }>, text: string): Buffer {
  if (!/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text)) refuse(type, text, 'a UUID');
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  if (type.name === 'timeuuid' && bytes[6]! >> 4 !== 1) refuse(type, text, 'a UUID of version 1');
  return bytes;
}

/** Parts between colons that no backslash precedes. */
function splitParts(text: string): string[] {
  return text === '' ? [] : text.split(/(?<!\\):/);
}

function parseFields(type: CqlType, types: readonly CqlType[], text: string): Buffer {
  const parts = splitParts(text);
  if (parts.length > types.length) refuse(type, text, `at most ${types.length} fields`);
  const values = parts.map((part, i) => {
    return part === '@' ? null : parseValue(types[i]!, part.replaceAll('\\:', ':').replaceAll('\\@', '@'));
  });
  return packFields(values);
}

/** The bytes of a tuple or UDT: each field behind its length, -1 for null. */
export function packFields(values: readonly (Uint8Array | null)[]): Buffer {
  const out = new ByteWriter();
  for (const value of values) {
    out.i32(value ? value.length : -1);
    if (value) out.bytes(value);
  }
  return out.toBytes();
}

function parseComposite(type: Extract<CqlType, { kind: 'composite' | 'dynamicComposite' }>, text: string): Buffer {
  const out = new ByteWriter();
  const parts = splitParts(text);
  for (const [i, part] of parts.entries()) {
    if (part === '!' || part === '_') {
      if (i === 0 || i < parts.length - 1) refuse(type, text, `'${part}' after the last component`);
      out.buf[out.pos - 1] = part === '!' ? 1 : 0xff;
      break;
    }
    const component = type.kind === 'composite' ? type.components[i] : undefined;
    if (type.kind === 'composite' && !component) refuse(type, text, `at most ${type.components.length} components`);
    const [of, rest] = component ? [component, part] : dynamicPart(type, part, out);
    const unescaped = rest.replaceAll('\\:', ':').replace(/!$/, '');
    const value = parseValue(of, unescaped);
    if (value.length > 0xffff) refuse(type, unescaped, 'at most 65535 bytes');
    out.u16(value.length);
    out.bytes(value);
    out.u8(0);
  }
  return out.toBytes();
}

/** `alias@value` or `type@value`: writes which type, returns it and the value's text. */
function dynamicPart(type: CqlType, part: string, out: ByteWriter): [CqlType, string] {
  const [label, value = '', ...more] = part.split('@');
  if (more.length > 0 || type.kind !== 'dynamicComposite') refuse(type, part, 'alias@value');
  const aliased = type.aliases.find(([alias]) => alias === label);
  if (aliased) {
    out.u16(0x8000 | label!.charCodeAt(0));
    return [aliased[1], value];
  }
  out.u16(label!.length);
  out.ascii(label!);
  return [parseMarshalType(label!), value];
}
