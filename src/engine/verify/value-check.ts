/** Whether values are of their type, decided without a call where the type can't be violated, and in a short one for text. */
import { isUtf8 } from 'node:buffer';
import { native } from '../../cql/marshal.js';
import type { CqlType } from '../../cql/type.js';
import { cellValueType, fixedLength, isMultiCell, pathType } from '../../cql/type-facts.js';
import { invalidUtf8At } from '../../cql/values/text.js';
import { validateValue } from '../../cql/values/validate.js';

/** Whether `buf[start, end)` is a value of a type. */
export type ValueTest = (buf: Uint8Array, start: number, end: number) => boolean;

const ANY_BYTES = new Set(['blob', 'varint']);

/** `undefined`: all bytes of the width that readers take are values. */
export function valueTest(type: CqlType): ValueTest | undefined {
  if (type.kind === 'reversed') return valueTest(type.of);
  if (type.kind === 'native' && type.className === undefined) {
    if (ANY_BYTES.has(type.name)) return undefined;
    if (fixedLength(type) >= 0 && type.name !== 'timeuuid') return undefined;
    if (type.name === 'text') return isText;
    if (type.name === 'decimal') return isDecimal;
  }
  return (buf, start, end) => validateValue(type, buf, start, end) === undefined;
}

/** What values of a type are held to, where that is as simple as these; `any`: all bytes, of the width that readers take. */
export function plainTest(type: CqlType): 'any' | 'text' | 'decimal' | 'ascii' | undefined {
  if (type.kind !== 'native' || type.className !== undefined) return undefined;
  const { name } = type;
  if (name === 'text' || name === 'decimal' || name === 'ascii') return name;
  if (name === 'counter') return undefined;
  return valueTest(type) === undefined ? 'any' : undefined;
}

/** An i32 of scale and at least a byte, or nothing at all. */
function isDecimal(_: Uint8Array, start: number, end: number): boolean {
  return end === start || end - start > 4;
}

/** From so many bytes on a call of the engine costs less than a loop. */
const LONG_TEXT = 160;

function isText(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start >= LONG_TEXT) return isUtf8(buf.subarray(start, end));
  let bits = 0;
  for (let i = start; i < end; i++) bits |= buf[i]!;
  return bits < 0x80 || invalidUtf8At(buf, start, end) < 0;
}

/** What the cells of a column are held to. */
export type ColumnTest = {
  readonly type: CqlType;
  /** Of the values of its cells; of UDTs that are not frozen the type itself, since each field has its own. */
  readonly cellType: CqlType;
  readonly isComplex: boolean;
  readonly isCounter: boolean;
  /** Width of values without a length, else −1. */
  readonly width: number;
  readonly value: ValueTest | undefined;
  /** Whether no bytes at all are a value. */
  readonly emptyIsValue: boolean;
  readonly path: ValueTest | undefined;
};

const NO_BYTES = new Uint8Array(0);

export function columnTest(type: CqlType): ColumnTest {
  const isComplex = isMultiCell(type);
  const isUdt = isComplex && type.kind === 'udt';
  const cellType = isComplex && !isUdt ? cellValueType(type) : type;
  return {
    type,
    cellType,
    isComplex,
    isCounter: type.kind === 'native' && type.name === 'counter',
    width: isComplex ? -1 : fixedLength(type),
    value: isUdt ? undefined : isComplex ? (exactTest(cellType) ?? undefined) : valueTest(type),
    emptyIsValue: isUdt || validateValue(cellType, NO_BYTES, 0, 0) === undefined,
    path: isComplex && !isUdt ? exactTest(pathType(type)) : undefined,
  };
}

/** Told of cells whose value is not of their type. */
export interface CellWatcher {
  /** @param test of the column at `column`, `start` and `end` of the value */
  failed(test: ColumnTest, column: number, start: number, end: number): void;
}

/** Flags of a plain cell that has a value; those of the others say that they are empty. */
const CELL_WITH_VALUE = 0x08;

/**
 * Holds the cells of a row as an INSERT writes it to their types: see UnfilteredCursor.plainCells. Nothing is allocated.
 * @param tests one for each of its cells
 * @param at where the first begins
 */
export function testPlainCells(tests: readonly ColumnTest[], buf: Uint8Array, at: number, watcher: CellWatcher): void {
  let next = at;
  for (let i = 0; i < tests.length; i++) {
    const test = tests[i]!;
    if (buf[next++] !== CELL_WITH_VALUE) {
      if (!test.emptyIsValue) watcher.failed(test, i, next, next);
      continue;
    }
    let length = test.width;
    if (length < 0) {
      length = buf[next++]!;
      if (length >= 0x80) {
        const extra = Math.clz32(~(length << 24));
        length &= 0xff >> extra;
        for (let k = 0; k < extra; k++) length = length * 256 + buf[next++]!;
      }
    }
    if (test.value && !test.value(buf, next, next + length)) watcher.failed(test, i, next, next + length);
    next += length;
  }
}

/** Values that are stored with their length, so that a fixed width must be looked at too. */
function exactTest(type: CqlType): ValueTest | undefined {
  if (type.kind === 'native' && ANY_BYTES.has(type.name)) return undefined;
  if (type.kind === 'native' && type.name === 'text') return isText;
  return (buf, start, end) => validateValue(type, buf, start, end) === undefined;
}

/** Why a value of a cell is none of its type. */
export function reasonAgainst(
  type: CqlType,
  path: Uint8Array | undefined,
  buf: Uint8Array,
  start: number,
  end: number,
): string {
  const cellType = isMultiCell(type) ? cellValueType(type, path) : type;
  return validateValue(cellType, buf, start, end) ?? 'is none of its type';
}

/** The type that partition keys are held to; hidden tables of indexes on collections name another than their keys have. */
export function keyValueType(keyType: CqlType): CqlType {
  return isMultiCell(keyType) ? native('blob') : keyType;
}

/** What partition keys are held to. */
export function keyTest(keyType: CqlType): ValueTest {
  const type = keyValueType(keyType);
  const test = valueTest(type);
  if (test) return test;
  const width = fixedLength(type);
  // nothing at all is a value of some types and none of others
  const emptyIsValue = validateValue(type, NO_BYTES, 0, 0) === undefined;
  return (_, start, end) => width < 0 || end - start === width || (emptyIsValue && end === start);
}
