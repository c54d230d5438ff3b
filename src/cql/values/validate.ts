/**
 * Whether bytes are a value of their type, as AbstractType.validate decides when Cassandra is given one. Stricter where that passes what its
 * readers then stop at: text that only looks like UTF-8 (surrogates, NUL in two bytes), a scale without a number, times beyond the day.
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
  try {
    return reasonAgainst(type, buf, start, end);
  } catch (error) {
    if (error instanceof CorruptError) return `${error.message}: ${error.facts.seen}, expected ${error.facts.expected}`;
    throw error;
  }
}

function reasonAgainst(type: CqlType, buf: Uint8Array, start: number, end: number): string | undefined {
  switch (type.kind) {
    case 'native':
      return nativeReason(type.name, type.className === 'LegacyTimeUUIDType', buf, start, end);
    case 'list':
    case 'set':
      return elementsReason(type.kind, [type.element], buf, start, end);
    case 'map':
      return elementsReason('map', [type.key, type.value], buf, start, end);
    case 'tuple':
      return fieldsReason('tuple', type.elements, buf, start, end);
    case 'udt':
      return fieldsReason(
        'udt',
        type.fields.map((field) => field.type),
        buf,
        start,
        end,
      );
    case 'vector': {
      let reason: string | undefined;
      vectorWalker(type)(buf, start, end, (_, bytes, from, to) => {
        reason ??= reasonAgainst(type.element, bytes, from, to);
      });
      return reason;
    }
    case 'reversed':
      return reasonAgainst(type.of, buf, start, end);
    case 'composite':
    case 'dynamicComposite':
      for (const component of componentsOf(type, buf, start, end)) {
        const reason = reasonAgainst(component.type, buf, component.start, component.end);
        if (reason !== undefined) return reason;
      }
      return undefined;
    case 'custom':
      return type.of && reasonAgainst(type.of, buf, start, end);
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

function elementsReason(
  kind: string,
  types: readonly CqlType[],
  buf: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  const count = countAt(kind, buf, start, end) * types.length;
  let at = start + 4;
  for (let i = 0; i < count; i++) {
    const length = presentLength(kind, buf, at, end);
    at += 4 + length;
    const reason = reasonAgainst(types[i % types.length]!, buf, at - length, at);
    if (reason !== undefined) return reason;
  }
  return at < end ? `${kind} has ${end - at} bytes too many` : undefined;
}

function fieldsReason(
  kind: string,
  types: readonly CqlType[],
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
    const reason = reasonAgainst(types[i]!, buf, at - length, at);
    if (reason !== undefined) return reason;
  }
  return at < end ? `${kind} has ${end - at} bytes too many` : undefined;
}
