/**
 * The cells of a row, sorted into the fewest statements: those written with one timestamp and one expiry go into one UPDATE (or the INSERT,
 * where they share both with the row's liveness), what is deleted at one timestamp into one DELETE. Elements of a list can only be appended, in
 * their order, so lists have statements of their own. Texts are kept as bytes, in objects that serve every row.
 */
import { ByteWriter } from '../bytes/writer.js';
import { maybeQuote } from '../cql/identifier.js';
import type { CqlType } from '../cql/type.js';
import { cellValueType, isCounter, isMultiCell, pathType, udtFieldIndex } from '../cql/type-facts.js';
import { cqlLiteralWriter } from '../cql/values/cql-literal.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import { NO_DELETION_TIME } from '../sstable/deletion-slot.js';
import type { Column } from '../sstable/row.js';
import type { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';

/** A statement is ended when its cells' text is this long, and a row's statements are written when there are this many. */
const FULL_BYTES = 1 << 16;
const FULL_COUNT = 32;

const t = (text: string) => Buffer.from(text, 'utf8');
const COMMA = t(', ');
const EQUALS = t(' = ');
const PLUS = t(' + ');

export type CqlColumn = {
  /** As CQL writes it, quoted where it must be. */
  readonly name: Uint8Array;
  /**
   * `empty`: the one column of compact tables that have none, whose cell says that the row is there. `dropped`: statements must not name it.
   */
  readonly kind: 'simple' | 'empty' | 'counter' | 'list' | 'set' | 'map' | 'udt' | 'dropped';
  readonly value: ValueWriter;
  readonly path: ValueWriter;
  readonly udt: Extract<CqlType, { kind: 'udt' }> | undefined;
  readonly fields: readonly { readonly name: Uint8Array; readonly value: ValueWriter }[];
};

const NOTHING: ValueWriter = () => {};

export function cqlColumn({ name, type }: Column, isDropped: boolean): CqlColumn {
  const shape = { name: t(maybeQuote(name)), path: NOTHING, value: NOTHING, udt: undefined, fields: [] };
  if (isDropped) return { ...shape, kind: 'dropped' };
  const literal = (of: CqlType) => cqlLiteralWriter(of, 'script');
  if (!isMultiCell(type)) {
    const kind = isCounter(type) ? 'counter' : type.kind === 'native' && type.name === 'empty' ? 'empty' : 'simple';
    return { ...shape, kind, value: literal(type) };
  }
  if (type.kind === 'udt') {
    const fields = type.fields.map((field) => ({ name: t(maybeQuote(field.name)), value: literal(field.type) }));
    return { ...shape, kind: 'udt', udt: type, fields };
  }
  const kind = type.kind as 'list' | 'set' | 'map';
  return { ...shape, kind, path: literal(pathType(type)), value: literal(cellValueType(type)) };
}

/** What one statement writes. */
export class CellGroup {
  hi = 0;
  lo = 0;
  /** Seconds since the epoch, or NO_DELETION_TIME. */
  expires = NO_DELETION_TIME;
  /** For the INSERT: `, a, b` and `, 1, 2`. */
  readonly names = new ByteWriter(64);
  readonly values = new ByteWriter(128);
  /** For an UPDATE: `a = 1, s = s + {2`, the last collection perhaps open. */
  readonly assignments = new ByteWriter(128);
  private open: CqlColumn | undefined;

  reset(hi: number, lo: number, expires: number): void {
    this.hi = hi;
    this.lo = lo;
    this.expires = expires;
    this.names.pos = 0;
    this.values.pos = 0;
    this.assignments.pos = 0;
    this.open = undefined;
  }

  insert(column: CqlColumn, buf: Uint8Array, start: number, end: number): void {
    this.names.bytes(COMMA);
    this.names.bytes(column.name);
    this.values.bytes(COMMA);
    column.value(buf, start, end, this.values);
  }

  assign(column: CqlColumn, c: UnfilteredCursor): void {
    const out = this.assignments;
    const { buf } = c.in;
    if (column.kind === 'set' || column.kind === 'map') {
      if (this.open === column) out.bytes(COMMA);
      else this.begin(column);
      column.path(buf, c.pathStart, c.pathEnd, out);
      if (column.kind === 'map') {
        out.ascii(': ');
        column.value(buf, c.valueStart, c.valueEnd, out);
      }
      return;
    }
    this.close();
    if (out.pos > 0) out.bytes(COMMA);
    out.bytes(column.name);
    let { value } = column;
    if (column.udt) {
      const field = column.fields[udtFieldIndex(column.udt, buf.subarray(c.pathStart, c.pathEnd))]!;
      out.u8(0x2e);
      out.bytes(field.name);
      value = field.value;
    }
    out.bytes(EQUALS);
    if (column.kind === 'counter') {
      out.bytes(column.name);
      out.bytes(PLUS);
    }
    value(buf, c.valueStart, c.valueEnd, out);
  }

  private begin(column: CqlColumn): void {
    this.close();
    const out = this.assignments;
    if (out.pos > 0) out.bytes(COMMA);
    out.bytes(column.name);
    out.bytes(EQUALS);
    out.bytes(column.name);
    out.bytes(PLUS);
    out.u8(0x7b);
    this.open = column;
  }

  /** Ends the collection in hand. Call before `assignments` is taken. */
  close(): void {
    if (this.open) this.assignments.u8(0x7d);
    this.open = undefined;
  }
}

/** What one DELETE names: `a, m['k'], u.f`. */
export class DeletionGroup {
  hi = 0;
  lo = 0;
  readonly names = new ByteWriter(64);

  add(column: CqlColumn): void {
    if (this.names.pos > 0) this.names.bytes(COMMA);
    this.names.bytes(column.name);
  }

  /** An element of a set or map, or a field. */
  addElement(column: CqlColumn, c: UnfilteredCursor): void {
    this.add(column);
    const { buf } = c.in;
    if (column.udt) {
      this.names.u8(0x2e);
      this.names.bytes(column.fields[udtFieldIndex(column.udt, buf.subarray(c.pathStart, c.pathEnd))]!.name);
      return;
    }
    this.names.u8(0x5b);
    column.path(buf, c.pathStart, c.pathEnd, this.names);
    this.names.u8(0x5d);
  }
}

/** The statements of one row. */
export class RowCells {
  readonly groups: CellGroup[] = [];
  readonly deletions: DeletionGroup[] = [];
  /** Runs of list elements, in their order: each an UPDATE of its own. `column` and the elements' literals. */
  readonly lists: { column: CqlColumn; group: CellGroup }[] = [];
  groupCount = 0;
  deletionCount = 0;
  listCount = 0;
  /** Elements of lists that are deleted or expired: CQL has no name for them. */
  lostListElements = 0;

  reset(): void {
    this.groupCount = 0;
    this.deletionCount = 0;
    this.listCount = 0;
    this.lostListElements = 0;
  }

  /** Whether it is time to write what is here, so that a row of any size needs little memory. */
  get isFull(): boolean {
    return this.groupCount >= FULL_COUNT || this.deletionCount >= FULL_COUNT || this.listCount >= FULL_COUNT;
  }

  group(hi: number, lo: number, expires: number): CellGroup {
    for (let i = 0; i < this.groupCount; i++) {
      const group = this.groups[i]!;
      if (group.lo !== lo || group.hi !== hi || group.expires !== expires) continue;
      if (group.assignments.pos < FULL_BYTES) return group;
    }
    const group = this.groups[this.groupCount] ?? new CellGroup();
    this.groups[this.groupCount++] = group;
    group.reset(hi, lo, expires);
    return group;
  }

  deletion(hi: number, lo: number): DeletionGroup {
    for (let i = 0; i < this.deletionCount; i++) {
      const group = this.deletions[i]!;
      if (group.lo === lo && group.hi === hi && group.names.pos < FULL_BYTES) return group;
    }
    const group = this.deletions[this.deletionCount] ?? new DeletionGroup();
    this.deletions[this.deletionCount++] = group;
    group.hi = hi;
    group.lo = lo;
    group.names.pos = 0;
    return group;
  }

  appendToList(column: CqlColumn, c: UnfilteredCursor): void {
    const last = this.listCount > 0 ? this.lists[this.listCount - 1]! : undefined;
    let group = last?.group;
    if (
      !last ||
      last.column !== column ||
      last.group.lo !== c.cellLo ||
      last.group.hi !== c.cellHi ||
      last.group.expires !== c.cellLocalDeletion ||
      last.group.values.pos >= FULL_BYTES
    ) {
      const run = this.lists[this.listCount] ?? { column, group: new CellGroup() };
      this.lists[this.listCount++] = run;
      run.column = column;
      group = run.group;
      group.reset(c.cellHi, c.cellLo, c.cellLocalDeletion);
    }
    const { values } = group!;
    if (values.pos > 0) values.bytes(COMMA);
    column.value(c.in.buf, c.valueStart, c.valueEnd, values);
  }
}
