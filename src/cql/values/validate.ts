/**
 * Whether bytes are a value of their type, as AbstractType.validate decides when Cassandra is given one. {@link validateValue} is stricter where that
 * passes what its readers then stop at: text that only looks like UTF-8 (surrogates, NUL in two bytes), a scale without a number, times beyond the
 * day. {@link validateAsNode} takes these too.
 */
import { CorruptError } from '../../bytes/errors.js';
import type { CqlType, NativeName } from '../type.js';
import { DAY_NANOS, durationOf } from './calendar.js';
import { decodeCounterContext } from './counter.js';
import { componentsOf, countAt, elementLength, presentLength, vectorWalker } from './structure.js';
import { invalidUtf8At, nonAsciiAt } from './text.js';
import { i32At } from './value-writer.js';

/** Lengths that are valid; natives that are not here have rules of their own. */
const LENGTHS: Readonly<Partial<Record<NativeName, readonly number[]>>> = {
  bigint: [0, 8],
  boolean: [0, 1],
  date: [4],
  double: [0, 8],
  empty: [0],
  float: [0, 4],
  inet: [0, 4, 16],
  int: [0, 4],
  smallint: [2],
  time: [8],
  timestamp: [0, 8],
  timeuuid: [0, 16],
  tinyint: [1],
  uuid: [0, 16],
};

/** Why the bytes are no value of the type, or `undefined` where they are one. */
export function validateValue(type: CqlType, buf: Uint8Array, start: number, end: number): string | undefined {
  return reasonOrUndefined(type, nativeReason, buf, start, end);
}

/** The same by the rules of a node, which it holds values in its commit log to. */
export function validateAsNode(type: CqlType, buf: Uint8Array, start: number, end: number): string | undefined {
  return reasonOrUndefined(type, nodeReason, buf, start, end);
}

/** Why the bytes are no value of a native type. */
type NativeRule = typeof nativeReason;

function reasonOrUndefined(
  type: CqlType,
  rule: NativeRule,
  buf: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  try {
    return reasonAgainst(type, rule, buf, start, end);
  } catch (error) {
    if (error instanceof CorruptError) return `${error.message}: ${error.facts.seen}, expected ${error.facts.expected}`;
    throw error;
  }
}

function reasonAgainst(
  type: CqlType,
  rule: NativeRule,
  buf: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  switch (type.kind) {
    case 'native':
      return rule(type.name, type.className === 'LegacyTimeUUIDType', buf, start, end);
    case 'list':
    case 'set':
      return elementsReason(type.kind, [type.element], rule, buf, start, end);
    case 'map':
      return elementsReason('map', [type.key, type.value], rule, buf, start, end);
    case 'tuple':
      return fieldsReason('tuple', type.elements, rule, buf, start, end);
    case 'udt':
      return fieldsReason(
        'udt',
        type.fields.map((field) => field.type),
        rule,
        buf,
        start,
        end,
      );
    case 'vector': {
      let reason: string | undefined;
      vectorWalker(type)(buf, start, end, (_, bytes, from, to) => {
        reason ??= reasonAgainst(type.element, rule, bytes, from, to);
      });
      return reason;
    }
    case 'reversed':
      return reasonAgainst(type.of, rule, buf, start, end);
    case 'composite':
    case 'dynamicComposite':
      for (const component of componentsOf(type, buf, start, end)) {
        const reason = reasonAgainst(component.type, rule, buf, component.start, component.end);
        if (reason !== undefined) return reason;
      }
      return undefined;
    case 'custom':
      return type.of && reasonAgainst(type.of, rule, buf, start, end);
  }
}

function nativeReason(
  name: NativeName,
  anyVersion: boolean,
  buf: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  const length = end - start;
  const lengths = LENGTHS[name];
  if (lengths && !lengths.includes(length)) return `${name} of ${length} bytes, expected ${lengths.join(' or ')}`;
  if (name === 'text') {
    const at = invalidUtf8At(buf, start, end);
    return at < 0 ? undefined : `text is not UTF-8 at byte ${at - start}`;
  }
  if (name === 'ascii') {
    const at = nonAsciiAt(buf, start, end);
    return at < 0 ? undefined : `ascii has 0x${buf[at]!.toString(16)} at byte ${at - start}`;
  }
  if (name === 'timeuuid' && length > 0 && !anyVersion && buf[start + 6]! >> 4 !== 1) {
    return `timeuuid is of version ${buf[start + 6]! >> 4}, expected 1`;
  }
  if (name === 'decimal' && length > 0 && length < 5) return `decimal of ${length} bytes, expected 5 or more`;
  if (name === 'time') {
    const nanos = i32At(buf, start) * 4294967296 + (i32At(buf, start + 4) >>> 0);
    return nanos >= 0 && nanos < DAY_NANOS ? undefined : 'time is beyond the day';
  }
  if (name === 'duration') durationOf(buf, start, end);
  if (name === 'counter') decodeCounterContext(buf, start, end);
  return undefined;
}

function nodeReason(
  name: NativeName,
  anyVersion: boolean,
  buf: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  if (name === 'counter') return isCounterSized(buf, start, end) ? undefined : 'counter ends within a shard';
  const reason = nativeReason(name, anyVersion, buf, start, end);
  if (reason === undefined) return undefined;
  if (name === 'text' && looksLikeUtf8(buf, start, end)) return undefined;
  if (name === 'decimal' && end - start === 4) return undefined;
  if (name === 'time' && end - start === 8) return undefined;
  return reason;
}

/** Whether whole shards follow the header, whatever that says of them. */
function isCounterSized(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2) return false;
  const count = Math.abs(i32At(buf, start) >> 16);
  return (end - start - 2 - 2 * count) % COUNTER_SHARD_BYTES === 0;
}

const COUNTER_SHARD_BYTES = 32;

/**
 * What UTF8Serializer takes: beside UTF-8 C0 80, surrogates and what lies beyond U+10FFFF (F5 to F7); a second byte is looked at less closely behind
 * E0 (not 80 to 9F) and F0 (not x0 to xF with neither 0x10 nor 0x20 set).
 */
function looksLikeUtf8(buf: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const first = buf[at++]!;
    if (first < 0x80) continue;
    if (first < 0xc0 || first === 0xc1 || first > 0xf7) return false;
    const second = at < end ? buf[at++]! : -1;
    if (second < 0) return false;
    if (first === 0xc0) {
      if (second !== 0x80) return false;
    } else if (first === 0xe0) {
      if ((second & 0xe0) === 0x80) return false;
    } else if (first === 0xf0) {
      if ((second & 0x30) === 0) return false;
    } else if ((second & 0xc0) !== 0x80) {
      return false;
    }
    for (let more = first < 0xe0 ? 0 : first < 0xf0 ? 1 : 2; more > 0; more--) {
      if (at >= end || (buf[at++]! & 0xc0) !== 0x80) return false;
    }
  }
  return true;
}

function elementsReason(
  kind: string,
  types: readonly CqlType[],
  rule: NativeRule,
  buf: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  const count = countAt(kind, buf, start, end) * types.length;
  let at = start + 4;
  for (let i = 0; i < count; i++) {
    const length = presentLength(kind, buf, at, end);
    at += 4 + length;
    const reason = reasonAgainst(types[i % types.length]!, rule, buf, at - length, at);
    if (reason !== undefined) return reason;
  }
  return at < end ? `${kind} has ${end - at} bytes too many` : undefined;
}

function fieldsReason(
  kind: string,
  types: readonly CqlType[],
  rule: NativeRule,
  buf: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  let at = start;
  for (let i = 0; i < types.length && at < end; i++) {
    const length = elementLength(kind, buf, at, end);
    at += 4;
    if (length < 0) continue;
    at += length;
    const reason = reasonAgainst(types[i]!, rule, buf, at - length, at);
    if (reason !== undefined) return reason;
  }
  return at < end ? `${kind} has ${end - at} bytes too many` : undefined;
}
