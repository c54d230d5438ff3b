/**
 * The order of values: AbstractType.compare of Cassandra, on ranges of bytes. An empty value (an empty buffer, which most types admit) comes
 * before any other, but after it under `reversed`. Values of multi-cell collections and UDTs compare like frozen ones.
 */
import { CorruptError, InvariantError } from '../bytes/errors.js';
import { compareComposites, compareDynamicComposites } from './compare-composite.js';
import { compareDecimals, compareVarints } from './numbers.js';
import { compareBytes, compareMurmur3Keys, randomToken } from './token.js';
import type { CqlType } from './type.js';
import { fixedLength } from './type-facts.js';

/** Negative, zero or positive as `a[aStart, aEnd)` comes before, with or after `b[bStart, bEnd)`. @throws CorruptError for bytes that are no value of the type */
export type ValueComparator = (
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
) => number;

/** The order of the values of `type`. Build it once, it is not cached. */
export function comparator(type: CqlType): ValueComparator {
  switch (type.kind) {
    case 'native':
      return nativeComparator(type);
    case 'list':
    case 'set':
      return emptyFirst(listComparator([comparator(type.element)]));
    case 'map':
      return emptyFirst(listComparator([comparator(type.key), comparator(type.value)]));
    case 'tuple':
      return emptyFirst(tupleComparator(type.elements.map(comparator)));
    case 'udt':
      return emptyFirst(tupleComparator(type.fields.map((field) => comparator(field.type))));
    case 'vector':
      return vectorComparator(type);
    case 'reversed': {
      const of = comparator(type.of);
      return (a, aStart, aEnd, b, bStart, bEnd) => of(b, bStart, bEnd, a, aStart, aEnd);
    }
    case 'composite':
      return emptyFirst(compareComposites(type.components.map(comparator)));
    case 'dynamicComposite':
      return emptyFirst(compareDynamicComposites(type, comparator));
    case 'custom':
      return customComparator(type.className);
  }
}

/** {@link comparator} on whole arrays. */
export function compareValues(type: CqlType): (a: Uint8Array, b: Uint8Array) => number {
  const compare = comparator(type);
  return (a, b) => compare(a, 0, a.length, b, 0, b.length);
}

function nativeComparator(type: Extract<CqlType, { kind: 'native' }>): ValueComparator {
  if (type.className === 'DateType') return compareBytes;
  if (type.className === 'LexicalUUIDType') return emptyFirst(compareSignedHalves);
  switch (type.name) {
    case 'int':
    case 'bigint':
    case 'smallint':
    case 'tinyint':
    case 'timestamp':
      return emptyFirst(compareSigned);
    case 'float':
    case 'double':
      return emptyFirst(floatComparator(type.name === 'float' ? 4 : 8));
    case 'boolean':
      return emptyFirst((a, aStart, _aEnd, b, bStart) => (a[aStart] === 0 ? 0 : 1) - (b[bStart] === 0 ? 0 : 1));
    case 'uuid':
      return uuidOrder(compareUuids);
    case 'timeuuid':
      return uuidOrder(compareTimeUuids);
    case 'varint':
      return emptyFirst(compareVarints);
    case 'decimal':
      return emptyFirst(compareDecimals);
    case 'empty':
      return () => 0;
    case 'counter':
      return () => {
        throw new InvariantError('values of counters have no order');
      };
    default:
      return compareBytes;
  }
}

/** PartitionerDefinedOrder orders partition keys as the table they belong to does; any class that is not known compares by its bytes. */
function customComparator(className: string): ValueComparator {
  const partitioner = partitionerOfOrder(className);
  if (partitioner === 'Murmur3Partitioner') return compareMurmur3Keys;
  if (partitioner !== 'RandomPartitioner') return compareBytes;
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    const tokenA = randomToken(a.subarray(aStart, aEnd));
    const tokenB = randomToken(b.subarray(bStart, bEnd));
    return tokenA < tokenB ? -1 : tokenA > tokenB ? 1 : compareBytes(a, aStart, aEnd, b, bStart, bEnd);
  };
}

/** The partitioner, without its package, that `PartitionerDefinedOrder(…)` names. */
export function partitionerOfOrder(className: string): string | undefined {
  return /(?:^|\.)PartitionerDefinedOrder\((?:[\w.]+\.)?(\w+)/.exec(className)?.[1];
}

function emptyFirst(of: ValueComparator): ValueComparator {
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    if (aStart === aEnd || bStart === bEnd) return (aStart === aEnd ? 0 : 1) - (bStart === bEnd ? 0 : 1);
    return of(a, aStart, aEnd, b, bStart, bEnd);
  };
}

/** Two's complement of equal length: the first byte is signed, the others are not. */
function compareSigned(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const d = (a[aStart]! ^ 0x80) - (b[bStart]! ^ 0x80);
  return d !== 0 ? d : compareBytes(a, aStart + 1, aEnd, b, bStart + 1, bEnd);
}

function compareSignedHalves(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const high = compareSigned(a, aStart, Math.min(aEnd, aStart + 8), b, bStart, Math.min(bEnd, bStart + 8));
  return high !== 0 || aEnd - aStart < 9 ? high : compareSigned(a, aStart + 8, aEnd, b, bStart + 8, bEnd);
}

/** As Double.compare of Java: -0 before 0, every NaN the same and last. */
function floatComparator(bytes: 4 | 8): ValueComparator {
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    const x = floatAt(a, aStart, aEnd, bytes);
    const y = floatAt(b, bStart, bEnd, bytes);
    if (x < y) return -1;
    if (x > y) return 1;
    if (x === y && x !== 0) return 0;
    return rankOfOdd(x) - rankOfOdd(y);
  };
}

function rankOfOdd(x: number): number {
  return x === 0 ? (Object.is(x, -0) ? 0 : 1) : Number.isNaN(x) ? 3 : 2;
}

function floatAt(bytes: Uint8Array, start: number, end: number, length: 4 | 8): number {
  if (end - start !== length) throw wrongLength(length === 4 ? 'float' : 'double', end - start, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  return length === 4 ? view.getFloat32(0) : view.getFloat64(0);
}

function wrongLength(type: string, seen: number, expected: number): CorruptError {
  return new CorruptError(`value of type ${type} has a wrong length`, { seen, expected });
}

/** What is not 16 bytes long counts as empty and comes first. */
function uuidOrder(of: ValueComparator): ValueComparator {
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    const isA = aEnd - aStart === 16;
    const isB = bEnd - bStart === 16;
    if (!isA || !isB) return (isA ? 1 : 0) - (isB ? 1 : 0);
    return of(a, aStart, aEnd, b, bStart, bEnd);
  };
}

/** By version; those of version 1 by time; then unsigned bytes. */
function compareUuids(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const version = a[aStart + 6]! >> 4;
  const d = version - (b[bStart + 6]! >> 4);
  if (d !== 0) return d;
  if (version !== 1) return compareBytes(a, aStart, aEnd, b, bStart, bEnd);
  const time = compareTimes(a, aStart, b, bStart);
  return time !== 0 ? time : compareBytes(a, aStart + 8, aEnd, b, bStart + 8, bEnd);
}

/** By time, then by the last eight bytes as signed bytes (CASSANDRA-8730). */
function compareTimeUuids(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number): number {
  const time = compareTimes(a, aStart, b, bStart);
  if (time !== 0) return time;
  for (let i = 8; i < aEnd - aStart; i++) {
    const d = (a[aStart + i]! ^ 0x80) - (b[bStart + i]! ^ 0x80);
    if (d !== 0) return d;
  }
  return 0;
}

/** Byte order of a version 1 timestamp: high, middle, low. The version nibble leads, so signed and unsigned are the same. */
const TIME_BYTES = [6, 7, 4, 5, 0, 1, 2, 3] as const;

function compareTimes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  for (const i of TIME_BYTES) {
    const d = a[aStart + i]! - b[bStart + i]!;
    if (d !== 0) return d;
  }
  return 0;
}

/** i32 at `pos`, of which `end - pos` bytes are there. @throws CorruptError */
function i32At(bytes: Uint8Array, pos: number, end: number): number {
  if (end - pos < 4) throw new CorruptError('value ends within a length', { seen: `${end - pos} bytes left` });
  return (bytes[pos]! << 24) | (bytes[pos + 1]! << 16) | (bytes[pos + 2]! << 8) | bytes[pos + 3]!;
}

/** End of the element of `size` bytes at `pos`. @throws CorruptError where it passes `end` */
function elementEnd(pos: number, size: number, end: number): number {
  if (size > end - pos) {
    throw new CorruptError('element is longer than its value', { seen: size, expected: `at most ${end - pos}` });
  }
  return pos + Math.max(size, 0);
}

/** Collections: i32 n, then n groups of elements (i32 size, bytes), one for each of `of`; a null element comes first. */
function listComparator(of: readonly ValueComparator[]): ValueComparator {
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    const countA = i32At(a, aStart, aEnd);
    const countB = i32At(b, bStart, bEnd);
    let p = aStart + 4;
    let q = bStart + 4;
    for (let i = Math.min(countA, countB) * of.length, k = 0; i > 0; i--) {
      const sizeA = i32At(a, p, aEnd);
      const sizeB = i32At(b, q, bEnd);
      const nextP = elementEnd(p + 4, sizeA, aEnd);
      const nextQ = elementEnd(q + 4, sizeB, bEnd);
      const c = sizeA < 0 || sizeB < 0 ? nulls(sizeA, sizeB) : of[k]!(a, p + 4, nextP, b, q + 4, nextQ);
      if (c !== 0) return c;
      p = nextP;
      q = nextQ;
      k = k + 1 === of.length ? 0 : k + 1;
    }
    return countA - countB;
  };
}

function nulls(sizeA: number, sizeB: number): number {
  return (sizeA < 0 ? 0 : 1) - (sizeB < 0 ? 0 : 1);
}

/** Tuples and UDTs: (i32 size, bytes) for each field, size -1 for null; fields that are missing at the end are null. */
function tupleComparator(of: readonly ValueComparator[]): ValueComparator {
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    let p = aStart;
    let q = bStart;
    for (let i = 0; i < of.length && p < aEnd && q < bEnd; i++) {
      const sizeA = i32At(a, p, aEnd);
      const sizeB = i32At(b, q, bEnd);
      const nextP = elementEnd(p + 4, sizeA, aEnd);
      const nextQ = elementEnd(q + 4, sizeB, bEnd);
      const c = sizeA < 0 || sizeB < 0 ? nulls(sizeA, sizeB) : of[i]!(a, p + 4, nextP, b, q + 4, nextQ);
      if (c !== 0) return c;
      p = nextP;
      q = nextQ;
    }
    return (onlyNulls(a, p, aEnd) ? 0 : 1) - (onlyNulls(b, q, bEnd) ? 0 : 1);
  };
}

function onlyNulls(bytes: Uint8Array, pos: number, end: number): boolean {
  for (let p = pos; p < end; p += 4) if (i32At(bytes, p, end) >= 0) return false;
  return true;
}

/** Vectors: elements one after another, each behind its length (an unsigned vint) unless their type has a fixed one. */
function vectorComparator(type: Extract<CqlType, { kind: 'vector' }>): ValueComparator {
  const of = comparator(type.element);
  if (of === compareBytes && fixedLength(type.element) >= 0) return compareBytes;
  return (a, aStart, aEnd, b, bStart, bEnd) => {
    const left = new VectorElements(type, a, aStart, aEnd);
    const right = new VectorElements(type, b, bStart, bEnd);
    for (let i = 0; i < type.dimension; i++) {
      left.next();
      right.next();
      const c = of(a, left.start, left.end, b, right.start, right.end);
      if (c !== 0) return c;
    }
    return 0;
  };
}

/** Walks the elements of a vector. */
export class VectorElements {
  start: number;
  end: number;
  private readonly bytes: Uint8Array;
  private readonly limit: number;
  private readonly length: number;

  constructor(type: Extract<CqlType, { kind: 'vector' }>, bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = start;
    this.limit = end;
    this.length = fixedLength(type.element);
  }

  /** Moves `start` and `end` to the next element. @throws CorruptError where the value ends before */
  next(): void {
    this.start = this.end;
    const size = this.length >= 0 ? this.length : this.size();
    this.end = elementEnd(this.start, size, this.limit);
  }

  private size(): number {
    const first = this.start < this.limit ? this.bytes[this.start]! : 0;
    const extra = Math.clz32(~(first << 24));
    if (this.limit - this.start < extra + 1) throw new CorruptError('vector ends within a length');
    let size = extra < 8 ? first & (0xff >> extra) : 0;
    for (let i = 1; i <= extra; i++) size = size * 256 + this.bytes[this.start + i]!;
    this.start += extra + 1;
    return size;
  }
}
