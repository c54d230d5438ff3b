/**
 * How values hold values.
 *
 *   list, set   i32 count | count × (i32 length | bytes)
 *   map         i32 count | count × (i32 length | key | i32 length | value)
 *   tuple, udt  per field: i32 length | bytes; a negative length is null; fields may be missing at the end
 *   vector      dimension × element where elements have a fixed length, else dimension × (unsigned vint length | bytes)
 *   composite   [ff ff, in names of static columns] then per component: u16 length | bytes | end-of-component: 0, or at the end 1 or -1
 *   dynamic composite   per component: u16 with the top bit set and an alias in the low byte, or u16 length | type text; then as above
 */
import { Cursor } from '../../bytes/cursor.js';
import { CorruptError } from '../../bytes/errors.js';
import { parseMarshalType } from '../marshal.js';
import type { CqlType } from '../type.js';
import { fixedLength } from '../type-facts.js';
import { badValue, i32At } from './value-writer.js';

/** Number of elements of a frozen collection. @throws CorruptError */
export function countAt(kind: string, buf: Uint8Array, start: number, end: number): number {
  if (end - start < 4) throw badValue(kind, 'at least 4 bytes', buf, start, end, 'is too short');
  const count = i32At(buf, start);
  // each element has at least its length
  if (count < 0 || count > (end - start - 4) / 4) {
    throw badValue(kind, `at most ${(end - start - 4) >> 2} elements`, buf, start, end, `claims ${count} elements`);
  }
  return count;
}

/** Length of the element whose length field is at `at`; -1 for null. @throws CorruptError where it does not fit */
export function elementLength(kind: string, buf: Uint8Array, at: number, end: number): number {
  if (end - at < 4) throw badValue(kind, 'the length of another element', buf, at, end, 'ends too early');
  const length = i32At(buf, at);
  if (length > end - at - 4) {
    throw badValue(kind, `at most ${end - at - 4} bytes`, buf, at, end, `has an element of ${length} bytes`);
  }
  return length < 0 ? -1 : length;
}

/** As {@link elementLength}, where null is not allowed. */
export function presentLength(kind: string, buf: Uint8Array, at: number, end: number): number {
  const length = elementLength(kind, buf, at, end);
  if (length < 0) throw badValue(kind, 'no null', buf, at, end, 'has a null element');
  return length;
}

export type ElementVisitor = (index: number, buf: Uint8Array, start: number, end: number) => void;

/** Calls `visit` for each element of vectors of that type. @throws CorruptError where the bytes are too few or too many */
export function vectorWalker(
  type: Extract<CqlType, { kind: 'vector' }>,
): (buf: Uint8Array, start: number, end: number, visit: ElementVisitor) => void {
  const fixed = fixedLength(type.element);
  const { dimension } = type;
  if (fixed >= 0) {
    return (buf, start, end, visit) => {
      if (end - start !== fixed * dimension) {
        throw badValue('vector', `${fixed * dimension} bytes`, buf, start, end, 'has the wrong length');
      }
      for (let i = 0; i < dimension; i++) visit(i, buf, start + i * fixed, start + (i + 1) * fixed);
    };
  }
  return (buf, start, end, visit) => {
    const cursor = new Cursor(buf, {}, start, end);
    for (let i = 0; i < dimension; i++) {
      let length: number;
      try {
        length = cursor.uvint32();
        cursor.need(length);
      } catch {
        throw badValue('vector', `${dimension} elements`, buf, start, end, `ends in element ${i}`);
      }
      visit(i, buf, cursor.pos, cursor.pos + length);
      cursor.pos += length;
    }
    if (cursor.pos < end) {
      throw badValue('vector', `${dimension} elements`, buf, start, end, `has ${end - cursor.pos} bytes too many`);
    }
  };
}

export type Component = {
  readonly type: CqlType;
  /** In dynamic composites: the alias or the type's text. */
  readonly label?: string;
  readonly start: number;
  readonly end: number;
  /** 0, or after the last component of a bound 1 or -1. */
  readonly endOfComponent: number;
};

/** The components of a composite value. @throws CorruptError */
export function componentsOf(
  type: Extract<CqlType, { kind: 'composite' | 'dynamicComposite' }>,
  buf: Uint8Array,
  start: number,
  end: number,
): Component[] {
  const cursor = new Cursor(buf, {}, start, end);
  const components: Component[] = [];
  if (type.kind === 'composite' && end - start >= 2 && buf[start] === 0xff && buf[start + 1] === 0xff) cursor.skip(2);
  try {
    while (cursor.left > 0) {
      const typed =
        type.kind === 'composite' ? staticComponent(type, components.length) : dynamicComponent(type, cursor);
      const length = cursor.u16();
      cursor.need(length);
      const from = cursor.pos;
      cursor.skip(length);
      const endOfComponent = cursor.i8();
      if (endOfComponent !== 0 && cursor.left > 0) throw new CorruptError('a bound in the middle');
      components.push({ ...typed, start: from, end: from + length, endOfComponent });
    }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    throw badValue('composite', 'whole components', buf, start, end, `is broken in component ${components.length}`);
  }
  return components;
}

function staticComponent(type: Extract<CqlType, { kind: 'composite' }>, index: number): { type: CqlType } {
  const component = type.components[index];
  if (!component) throw new CorruptError('more components than types');
  return { type: component };
}

function dynamicComponent(
  type: Extract<CqlType, { kind: 'dynamicComposite' }>,
  cursor: Cursor,
): { type: CqlType; label: string } {
  const header = cursor.u16();
  if (header & 0x8000) {
    const label = String.fromCharCode(header & 0xff);
    const aliased = type.aliases.find(([alias]) => alias === label);
    if (!aliased) throw new CorruptError(`alias '${label}' is not declared`);
    return { type: aliased[1], label };
  }
  cursor.need(header);
  const label = Buffer.from(cursor.buf.subarray(cursor.pos, cursor.pos + header)).toString('utf8');
  cursor.skip(header);
  return { type: parseMarshalType(label), label };
}
