/**
 * The byte-comparable form of values, clusterings and keys (Cassandra's ByteComparable, version OSS50), the keys of BTI tries: unsigned order of
 * the bytes is the order of the values, and none is the beginning of another.
 *
 *   bytes, text …   as they are, 00 … escaped: a run of zeros is 00 FE … FE FF, at the end 00 FE … FE; then 00 unless one is open
 *   fixed numbers   sign bit flipped; negative floats wholly inverted
 *   bigint          vint whose first bits are the inverted sign and then as many like it as bytes follow
 *   varint          the same below seven bytes, else 00 or FF, the length - 7 as an unsigned vint (inverted if negative), the bytes
 *   decimal         header, exponent of 100, pairs of digits + 80, 00
 *   reversed        the bytes of the other, inverted
 *   sequences       per component a separator and its bytes; at the end a terminator
 *
 * Separators: 40 next component · 3E null · 3F empty (41 if reversed) · 38 end · 20 and 60 the bounds before and after · 18 static row.
 */
import { CorruptError, InvariantError, UnsupportedError } from '../bytes/errors.js';
import { ByteWriter } from '../bytes/writer.js';
import { decimal, signedVint, varint } from './byte-comparable-numbers.js';
import type { BoundKind, ClusteringPrefix } from './clustering.js';
import { partitionerOfOrder, VectorElements } from './compare.js';
import { CompositeComponents, fullClassName, simpleClassName } from './compare-composite.js';
import { varintOf } from './numbers.js';
import { murmur3Token, randomToken } from './token.js';
import type { CqlType } from './type.js';

export const NEXT_COMPONENT = 0x40;
export const NEXT_COMPONENT_NULL = 0x3e;
export const NEXT_COMPONENT_EMPTY = 0x3f;
export const NEXT_COMPONENT_EMPTY_REVERSED = 0x41;
export const TERMINATOR = 0x38;
export const LT_NEXT_COMPONENT = 0x20;
export const GT_NEXT_COMPONENT = 0x60;
const EXCLUDED = 0x18;

/** Appends the form of a value to `out`; false, and nothing appended, for values that have none (empty numbers, say). */
type Encoder = (out: ByteWriter, value: Uint8Array) => boolean;

const ENDING: Readonly<Record<BoundKind, number>> = {
  EXCL_END_BOUND: LT_NEXT_COMPONENT,
  INCL_START_BOUND: LT_NEXT_COMPONENT,
  EXCL_END_INCL_START_BOUNDARY: LT_NEXT_COMPONENT,
  STATIC_CLUSTERING: EXCLUDED,
  CLUSTERING: TERMINATOR,
  INCL_END_EXCL_START_BOUNDARY: GT_NEXT_COMPONENT,
  INCL_END_BOUND: GT_NEXT_COMPONENT,
  EXCL_START_BOUND: GT_NEXT_COMPONENT,
};

/**
 * The form of one value on its own; `undefined` for an empty value of a type whose empty values have none.
 * @throws CorruptError for bytes that are no value of the type, UnsupportedError for a type without such a form
 */
export function byteComparable(type: CqlType, value: Uint8Array): Uint8Array | undefined {
  const out = new ByteWriter();
  return encoderOf(type)(out, value) ? out.toBytes() : undefined;
}

/** The form of the clustering prefixes of a table with these clustering columns. */
export function clusteringByteComparable(types: readonly CqlType[]): (prefix: ClusteringPrefix) => Uint8Array {
  const encoders = types.map(encoderOf);
  return ({ kind, values }) => {
    const out = new ByteWriter();
    values.forEach((value, i) => {
      const empty = types[i]!.kind === 'reversed' ? NEXT_COMPONENT_EMPTY_REVERSED : NEXT_COMPONENT_EMPTY;
      if (value === null) out.u8(NEXT_COMPONENT_NULL);
      else component(out, encoders[i]!, value, empty);
    });
    out.u8(ENDING[kind]);
    return out.toBytes();
  };
}

/** The form of a decorated key whose token has the form `token`. */
export function keyByteComparable(token: Uint8Array | undefined, key: Uint8Array): Uint8Array {
  const out = new ByteWriter(key.length + 32);
  writeKeyByteComparable(out, token, key, key.length);
  return out.toBytes();
}

/** Appends the form of the decorated key `key[0, keyLength)` whose token has the form `token`. */
export function writeKeyByteComparable(
  out: ByteWriter,
  token: Uint8Array | undefined,
  key: Uint8Array,
  keyLength: number,
): void {
  writeToken(out, token);
  out.u8(NEXT_COMPONENT);
  escaped(out, key, keyLength);
  out.u8(TERMINATOR);
}

/** The form of the position before (`LT_NEXT_COMPONENT`) or after (`GT_NEXT_COMPONENT`) all keys with a token. */
export function tokenBoundByteComparable(token: Uint8Array | undefined, side: 'before' | 'after'): Uint8Array {
  const out = new ByteWriter(32);
  writeToken(out, token);
  out.u8(side === 'before' ? LT_NEXT_COMPONENT : GT_NEXT_COMPONENT);
  return out.toBytes();
}

function writeToken(out: ByteWriter, token: Uint8Array | undefined): void {
  out.u8(token ? NEXT_COMPONENT : NEXT_COMPONENT_NULL);
  if (token) out.bytes(token);
}

/** The form of a Murmur3 token. */
export function longTokenByteComparable(hi: number, lo: number): Uint8Array {
  const out = new ByteWriter(8);
  out.i64(hi ^ 0x80000000, lo);
  return out.toBytes();
}

/** Separator, then the value; only `whenNone` for a value without a form. */
function component(out: ByteWriter, encode: Encoder, value: Uint8Array, whenNone: number): void {
  const at = out.pos;
  out.u8(NEXT_COMPONENT);
  if (!encode(out, value)) out.buf[at] = whenNone;
}

function encoderOf(type: CqlType): Encoder {
  switch (type.kind) {
    case 'native':
      return nativeEncoder(type);
    case 'reversed':
      return inverted(encoderOf(type.of));
    case 'list':
    case 'set':
      return unlessEmpty(collectionEncoder([encoderOf(type.element)]));
    case 'map':
      return unlessEmpty(collectionEncoder([encoderOf(type.key), encoderOf(type.value)]));
    case 'tuple':
      return unlessEmpty(tupleEncoder(type.elements.map(encoderOf)));
    case 'udt':
      return unlessEmpty(tupleEncoder(type.fields.map((field) => encoderOf(field.type))));
    case 'vector':
      return vectorEncoder(type);
    case 'composite':
      return unlessEmpty(compositeEncoder(type.components.map(encoderOf)));
    case 'dynamicComposite':
      return dynamicCompositeEncoder(type);
    case 'custom':
      return customEncoder(type.className);
  }
}

function nativeEncoder(type: Extract<CqlType, { kind: 'native' }>): Encoder {
  if (type.className === 'DateType') return unlessEmpty(fixed);
  if (type.className === 'LexicalUUIDType') return unlessEmpty(signedHalves);
  switch (type.name) {
    case 'int':
    case 'smallint':
    case 'tinyint':
    case 'timestamp':
      return unlessEmpty(signedFixed);
    case 'date':
    case 'time':
      return unlessEmpty(fixed);
    case 'float':
    case 'double':
      return unlessEmpty(floating);
    case 'bigint':
      return unlessEmpty((out, value) => signedVint(out, varintOf(value, 0, value.length)));
    case 'boolean':
      return unlessEmpty((out, value) => out.u8(value[0] === 0 ? 0 : 1));
    case 'uuid':
      return unlessEmpty(uuid);
    case 'timeuuid':
      return unlessEmpty(timeUuid);
    case 'varint':
      return unlessEmpty(varint);
    case 'decimal':
      return unlessEmpty(decimal);
    case 'empty':
      return () => false;
    case 'counter':
      return () => {
        throw new InvariantError('values of counters have no byte-comparable form');
      };
    default:
      return (out, value) => {
        escaped(out, value);
        return true;
      };
  }
}

function unlessEmpty(encode: (out: ByteWriter, value: Uint8Array) => void): Encoder {
  return (out, value) => {
    if (value.length === 0) return false;
    encode(out, value);
    return true;
  };
}

function inverted(encode: Encoder): Encoder {
  return (out, value) => {
    const start = out.pos;
    const has = encode(out, value);
    for (let i = start; i < out.pos; i++) out.buf[i] = ~out.buf[i]!;
    return has;
  };
}

/** Escapes runs of zeros, and leaves the text open for a separator: the last byte is 00, or FE after a zero at the end. */
export function escaped(out: ByteWriter, value: Uint8Array, length = value.length): void {
  let inZeros = false;
  for (let i = 0; i < length; i++) {
    const b = value[i]!;
    if (inZeros && b !== 0) out.u8(0xff);
    out.u8(inZeros && b === 0 ? 0xfe : b);
    inZeros = b === 0;
  }
  out.u8(inZeros ? 0xfe : 0);
}

function fixed(out: ByteWriter, value: Uint8Array): void {
  out.bytes(value);
}

function signedFixed(out: ByteWriter, value: Uint8Array): void {
  out.u8(value[0]! ^ 0x80);
  out.bytes(value, 1);
}

function signedHalves(out: ByteWriter, value: Uint8Array): void {
  value.forEach((b, i) => {
    out.u8(i === 0 || i === 8 ? b ^ 0x80 : b);
  });
}

function floating(out: ByteWriter, value: Uint8Array): void {
  const isNegative = value[0]! >= 0x80;
  value.forEach((b, i) => {
    out.u8(isNegative ? ~b & 0xff : i === 0 ? b | 0x80 : b);
  });
}

function uuid(out: ByteWriter, value: Uint8Array): void {
  checkUuid(value);
  const version = value[6]! >> 4;
  if (version === 1) {
    time(out, value);
  } else {
    // the version nibble moves to the front
    out.u8((version << 4) | (value[0]! >> 4));
    for (let i = 0; i < 5; i++) out.u8(((value[i]! << 4) | (value[i + 1]! >> 4)) & 0xff);
    out.u8(((value[5]! << 4) & 0xf0) | (value[6]! & 0x0f));
    out.u8(value[7]!);
  }
  out.bytes(value, 8);
}

function timeUuid(out: ByteWriter, value: Uint8Array): void {
  checkUuid(value);
  time(out, value);
  for (let i = 8; i < 16; i++) out.u8(value[i]! ^ 0x80);
}

function time(out: ByteWriter, value: Uint8Array): void {
  out.bytes(value, 6, 8);
  out.bytes(value, 4, 6);
  out.bytes(value, 0, 4);
}

function checkUuid(value: Uint8Array): void {
  if (value.length !== 16) {
    throw new CorruptError('value of type uuid has a wrong length', { seen: value.length, expected: 16 });
  }
}

function i32At(value: Uint8Array, pos: number): number {
  if (value.length - pos < 4) throw new CorruptError('value ends within a length', { seen: value.length - pos });
  return (value[pos]! << 24) | (value[pos + 1]! << 16) | (value[pos + 2]! << 8) | value[pos + 3]!;
}

/** Bytes of the element whose length stands at `pos`; `undefined` where it is null. */
function elementAt(value: Uint8Array, pos: number): Uint8Array | undefined {
  const size = i32At(value, pos);
  if (size < 0) return undefined;
  if (size > value.length - pos - 4) throw new CorruptError('element is longer than its value', { seen: size });
  return value.subarray(pos + 4, pos + 4 + size);
}

function collectionEncoder(of: readonly Encoder[]): (out: ByteWriter, value: Uint8Array) => void {
  return (out, value) => {
    let pos = 4;
    for (let i = 0, n = i32At(value, 0) * of.length; i < n; i++) {
      const element = elementAt(value, pos);
      pos += 4 + (element?.length ?? 0);
      if (element) component(out, of[i % of.length]!, element, NEXT_COMPONENT_NULL);
      else out.u8(NEXT_COMPONENT_NULL);
    }
    out.u8(TERMINATOR);
  };
}

/** Nulls at the end are left out: a field added later changes nothing. */
function tupleEncoder(of: readonly Encoder[]): (out: ByteWriter, value: Uint8Array) => void {
  return (out, value) => {
    let lastEnd = out.pos;
    let pos = 0;
    for (let i = 0; i < of.length && pos < value.length; i++) {
      const element = elementAt(value, pos);
      pos += 4 + (element?.length ?? 0);
      if (element) {
        component(out, of[i]!, element, NEXT_COMPONENT_NULL);
        lastEnd = out.pos;
      } else {
        out.u8(NEXT_COMPONENT_NULL);
      }
    }
    out.pos = lastEnd;
    out.u8(TERMINATOR);
  };
}

function vectorEncoder(type: Extract<CqlType, { kind: 'vector' }>): Encoder {
  const encode = encoderOf(type.element);
  return (out, value) => {
    const elements = new VectorElements(type, value, 0, value.length);
    for (let i = 0; i < type.dimension; i++) {
      elements.next();
      component(out, encode, value.subarray(elements.start, elements.end), NEXT_COMPONENT_NULL);
    }
    out.u8(TERMINATOR);
    return true;
  };
}

/** A first component, null for static ones and else without bytes; then value and end-of-component (signed) of each. */
function compositeEncoder(of: readonly Encoder[]): (out: ByteWriter, value: Uint8Array) => void {
  return (out, value) => {
    const components = new CompositeComponents(value, 0, value.length, false);
    out.u8(components.isStatic ? NEXT_COMPONENT_NULL : NEXT_COMPONENT);
    for (let i = 0; !components.done; i++) {
      components.next();
      const encode = of[i];
      if (!encode) throw new CorruptError('composite value has too many components', { expected: of.length });
      component(out, encode, value.subarray(components.start, components.end), NEXT_COMPONENT_NULL);
      out.u8(NEXT_COMPONENT);
      out.u8((components.endOfComponent & 0xff) ^ 0x80);
    }
    out.u8(TERMINATOR);
  };
}

/** As composites, with the class of each component (its short name, then the full one) before its value. */
function dynamicCompositeEncoder(type: Extract<CqlType, { kind: 'dynamicComposite' }>): Encoder {
  return (out, value) => {
    const components = new CompositeComponents(value, 0, value.length, true);
    out.u8(NEXT_COMPONENT);
    while (!components.done) {
      const of = components.type(type);
      components.next();
      const named = of.kind === 'reversed' ? of.of : of;
      if (of.kind === 'reversed') text(out, 'ReversedType');
      text(out, simpleClassName(named));
      text(out, fullClassName(named));
      component(out, encoderOf(of), value.subarray(components.start, components.end), NEXT_COMPONENT_NULL);
      out.u8(NEXT_COMPONENT);
      out.u8((components.endOfComponent & 0xff) ^ 0x80);
    }
    out.u8(TERMINATOR);
    return true;
  };
}

function text(out: ByteWriter, value: string): void {
  out.u8(NEXT_COMPONENT);
  escaped(out, Buffer.from(value, 'latin1'));
}

/** PartitionerDefinedOrder: the form of the decorated key. */
function customEncoder(className: string): Encoder {
  switch (partitionerOfOrder(className)) {
    case 'Murmur3Partitioner':
      return unlessEmpty((out, key) => {
        const token = murmur3Token(key, 0, key.length, new Int32Array(2));
        out.bytes(keyByteComparable(longTokenByteComparable(token[0]!, token[1]!), key));
      });
    case 'RandomPartitioner':
      return unlessEmpty((out, key) => out.bytes(keyByteComparable(randomTokenByteComparable(randomToken(key)), key)));
    case 'ByteOrderedPartitioner':
      return unlessEmpty((out, key) => out.bytes(keyByteComparable(escapedBytes(key), key)));
    default:
      return () => {
        throw new UnsupportedError(`type ${className} has no byte-comparable form that lsmctl knows`);
      };
  }
}

/** The form of a token of RandomPartitioner: that of a varint. */
export function randomTokenByteComparable(token: bigint): Uint8Array {
  const hex = BigInt.asUintN(136, token).toString(16).padStart(34, '0');
  const out = new ByteWriter(24);
  varint(out, Buffer.from(hex, 'hex'));
  return out.toBytes();
}

/** The form of a token of ByteOrderedPartitioner. */
export function escapedBytes(value: Uint8Array): Uint8Array {
  const out = new ByteWriter(value.length + 8);
  escaped(out, value);
  return out.toBytes();
}
