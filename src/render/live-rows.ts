/**
 * What lives in an SSTable, row by row: values that are neither deleted (by a tombstone of their own, or one of their row, range or partition
 * in the same SSTable) nor expired. Other SSTables may hold newer values, or delete these.
 *
 * Columns stand in the order: partition key, clustering, static, regular. A static row has no clustering and no regular columns, other rows no
 * static ones. Multi-cell collections are put together to one literal; with nothing living in them they are null.
 */
import { compare64, MIN_HI } from '../bytes/int64.js';
import { ByteWriter } from '../bytes/writer.js';
import { maybeQuote } from '../cql/identifier.js';
import type { CqlType } from '../cql/type.js';
import { cellValueType, isMultiCell, pathType, udtFieldIndex } from '../cql/type-facts.js';
import { cqlLiteralWriter } from '../cql/values/cql-literal.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import type { DeletionSlot } from '../sstable/deletion-slot.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import type { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { cellTextWriter } from './cell-text.js';
import { KeyColumns } from './partition-key.js';
import type { DumpContext } from './partition-writer.js';

export type LiveColumn = { readonly name: string; readonly type: CqlType; readonly kind: 'key' | 'static' | 'regular' };

type Assembly = {
  readonly kind: 'simple' | 'list' | 'set' | 'map' | 'udt';
  readonly value: ValueWriter;
  readonly path: ValueWriter;
  readonly udt: Extract<CqlType, { kind: 'udt' }> | undefined;
  /** `name: ` and the value's writer. */
  readonly fields: readonly { readonly label: string; readonly value: ValueWriter }[];
};

export class LiveRows {
  readonly columns: readonly LiveColumn[];
  /** How many of `columns` are the partition key, and how many are that and the clustering. */
  readonly partitionKeyCount: number;
  readonly keyCount: number;
  /** The row in hand: column i is `text.buf[start[i], end[i])`, null where start is -1. */
  readonly text = new ByteWriter(4096);
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Its newest timestamp. */
  writtenHi = 0;
  writtenLo = 0;

  private readonly nowSeconds: number;
  private readonly key: KeyColumns;
  private readonly keyWriters: readonly ValueWriter[];
  private readonly clusteringWriters: readonly ValueWriter[];
  private readonly assemblies: readonly Assembly[];
  private readonly staticCount: number;
  private keyEnd = 0;
  // the newest deletion over the partition, over the range in hand, and over the row; MIN_HI, 0: none
  private partitionHi = MIN_HI;
  private partitionLo = 0;
  private rangeHi = MIN_HI;
  private rangeLo = 0;
  private floorHi = MIN_HI;
  private floorLo = 0;

  constructor(header: SerializationHeader, context: DumpContext) {
    this.nowSeconds = context.nowSeconds;
    this.key = new KeyColumns(header.keyType);
    const { types } = this.key;
    const columns: LiveColumn[] = types.map((type, i) => ({
      name: context.partitionKey[i] ?? `key${i + 1}`,
      type,
      kind: 'key',
    }));
    header.clusteringTypes.forEach((type, i) => {
      columns.push({ name: context.clustering[i] ?? `column${i + 1}`, type, kind: 'key' });
    });
    for (const { name, type } of header.staticColumns) columns.push({ name, type, kind: 'static' });
    for (const { name, type } of header.regularColumns) columns.push({ name, type, kind: 'regular' });
    this.columns = columns;
    this.partitionKeyCount = types.length;
    this.keyCount = types.length + header.clusteringTypes.length;
    this.staticCount = header.staticColumns.length;
    this.start = new Int32Array(columns.length);
    this.end = new Int32Array(columns.length);
    this.keyWriters = types.map(cellTextWriter);
    this.clusteringWriters = header.clusteringTypes.map(cellTextWriter);
    this.assemblies = [...header.staticColumns, ...header.regularColumns].map(assembly);
  }

  /** Takes the key and deletion of the cursor's partition. */
  partition(c: UnfilteredCursor): void {
    const { key, text } = this;
    this.rangeHi = MIN_HI;
    this.rangeLo = 0;
    this.partitionHi = c.hasPartitionDeletion ? c.partitionDeletion.hi : MIN_HI;
    this.partitionLo = c.hasPartitionDeletion ? c.partitionDeletion.lo : 0;
    text.pos = 0;
    this.start.fill(-1);
    key.split(c.key, c.keyLength);
    for (let i = 0; i < key.count; i++) {
      this.start[i] = text.pos;
      this.keyWriters[i]!(c.key, key.start[i]!, key.end[i]!, text);
      this.end[i] = text.pos;
    }
    this.keyEnd = text.pos;
  }

  /** Takes what the cursor's marker deletes from here on. */
  marker(c: UnfilteredCursor): void {
    // ordinals of BOUND_KINDS: 0 and 6 end a range, 2 and 5 end one and begin the next, 1 and 7 begin one
    const kind = c.boundKind;
    const opened = kind === 2 || kind === 5 ? c.openDeletion : kind === 1 || kind === 7 ? c.deletion : undefined;
    this.rangeHi = opened ? opened.hi : MIN_HI;
    this.rangeLo = opened ? opened.lo : 0;
  }

  /** Reads the cursor's row to its end. Whether anything of it lives. */
  row(c: UnfilteredCursor): boolean {
    const { start, end, text } = this;
    text.pos = this.keyEnd;
    start.fill(-1, this.partitionKeyCount);
    this.writtenHi = MIN_HI;
    this.writtenLo = 0;
    this.takeFloor(c);
    let lives = false;
    if (c.hasLiveness && this.isLive(c.livenessHi, c.livenessLo, c.livenessTtl, c.livenessLocalExpiration)) {
      this.wrote(c.livenessHi, c.livenessLo);
      lives = true;
    }
    for (let i = 0; i < c.clusteringSize && !c.isStatic; i++) {
      if (c.clusteringStart[i]! < 0) continue;
      const at = this.partitionKeyCount + i;
      start[at] = text.pos;
      this.clusteringWriters[i]!(c.in.buf, c.clusteringStart[i]!, c.clusteringEnd[i]!, text);
      end[at] = text.pos;
    }
    const first = c.isStatic ? 0 : this.staticCount;
    while (c.nextColumn()) {
      const from = text.pos;
      if (!this.column(c, this.assemblies[first + c.columnIndex]!)) continue;
      const at = this.keyCount + first + c.columnIndex;
      start[at] = from;
      end[at] = text.pos;
      lives = true;
    }
    return lives;
  }

  private takeFloor(c: UnfilteredCursor): void {
    this.floorHi = this.partitionHi;
    this.floorLo = this.partitionLo;
    if (!c.isStatic) this.raiseFloor(this.rangeHi, this.rangeLo);
    if (c.hasDeletion) this.raiseFloor(c.deletion.hi, c.deletion.lo);
  }

  private raiseFloor(hi: number, lo: number): void {
    if (compare64(hi, lo, this.floorHi, this.floorLo) <= 0) return;
    this.floorHi = hi;
    this.floorLo = lo;
  }

  private isLive(hi: number, lo: number, ttl: number, expires: number): boolean {
    return (ttl === 0 || expires > this.nowSeconds) && compare64(hi, lo, this.floorHi, this.floorLo) > 0;
  }

  private wrote(hi: number, lo: number): void {
    if (compare64(hi, lo, this.writtenHi, this.writtenLo) < 0) return;
    this.writtenHi = hi;
    this.writtenLo = lo;
  }

  private isLiveCell(c: UnfilteredCursor, over: DeletionSlot | undefined): boolean {
    return (
      !c.cellIsDeleted &&
      this.isLive(c.cellHi, c.cellLo, c.cellTtl, c.cellLocalDeletion) &&
      (!over || compare64(c.cellHi, c.cellLo, over.hi, over.lo) > 0)
    );
  }

  /** Writes the column's text. Whether there is any cell alive in it. */
  private column(c: UnfilteredCursor, a: Assembly): boolean {
    const { text } = this;
    const over = c.hasComplexDeletion ? c.complexDeletion : undefined;
    let count = 0;
    let fields = 0;
    while (c.nextCell()) {
      if (!this.isLiveCell(c, over)) continue;
      this.wrote(c.cellHi, c.cellLo);
      const { buf } = c.in;
      if (a.kind === 'simple') {
        a.value(buf, c.valueStart, c.valueEnd, text);
        return true;
      }
      if (a.udt) {
        const index = udtFieldIndex(a.udt, buf.subarray(c.pathStart, c.pathEnd));
        fields = this.nullFields(a, fields, index);
        text.utf8(`${fields++ > 0 ? ', ' : '{'}${a.fields[index]!.label}`);
        a.fields[index]!.value(buf, c.valueStart, c.valueEnd, text);
        count++;
        continue;
      }
      text.ascii(count++ > 0 ? ', ' : a.kind === 'list' ? '[' : '{');
      if (a.kind !== 'list') a.path(buf, c.pathStart, c.pathEnd, text);
      if (a.kind === 'map') text.ascii(': ');
      if (a.kind !== 'set') a.value(buf, c.valueStart, c.valueEnd, text);
    }
    if (count === 0) return false;
    if (a.udt) this.nullFields(a, fields, a.fields.length);
    text.ascii(a.kind === 'list' ? ']' : '}');
    return true;
  }

  /** Fields from `from` up to `to` have no cell. Returns `to`. */
  private nullFields(a: Assembly, from: number, to: number): number {
    for (let i = from; i < to; i++) this.text.utf8(`${i > 0 ? ', ' : '{'}${a.fields[i]!.label}null`);
    return Math.max(from, to);
  }
}

function assembly({ type }: Column): Assembly {
  const nothing: ValueWriter = () => {};
  const shape = { value: nothing, path: nothing, udt: undefined, fields: [] };
  if (!isMultiCell(type)) return { ...shape, kind: 'simple', value: cellTextWriter(type) };
  if (type.kind === 'udt') {
    const fields = type.fields.map((f) => ({ label: `${maybeQuote(f.name)}: `, value: cqlLiteralWriter(f.type) }));
    return { ...shape, kind: 'udt', udt: type, fields };
  }
  const kind = type.kind as 'list' | 'set' | 'map';
  return {
    ...shape,
    kind,
    path: cqlLiteralWriter(pathType(type)),
    value: kind === 'set' ? nothing : cqlLiteralWriter(cellValueType(type)),
  };
}
