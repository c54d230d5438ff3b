/**
 * A dump as JSON lines, with nothing of the SSTable's content lost. The first line of an SSTable names its columns:
 *
 *   {"kind":"schema","sstable":path,"keyspace":…,"table":…,"partition_key":[{"name":…,"type":CQL}],"clustering":[{"name":…,"type":…,"order":"asc"|"desc"}],
 *    "static":[{"name":…,"type":…}],"regular":[…],"now":s}
 *
 * after which each deletion of a partition, static row, row and range tombstone marker is a line, in the order of the file:
 *
 *   {"sstable":…,"keyspace":…,"table":…,"kind":KIND,"position":byte of the plain data,"key":{column: value, …}, …}
 *
 *   KIND                        what follows
 *   partition                   nothing: the partition holds nothing but its key
 *   partition_deletion          "deletion":DELETION
 *   static                      [LIVENESS] [DELETION] CELLS
 *   row                         "clustering":{column: value, …} (where the table has clustering columns; null: absent), then as static
 *   range_tombstone_bound       "start" or "end":BOUND
 *   range_tombstone_boundary    "end":BOUND of the range that ends, "start":BOUND of the one that begins there
 *
 *   LIVENESS  "liveness":{"timestamp":µs[,"ttl":s,"expires":s,"expired":bool]}
 *   DELETION  "deletion":{"timestamp":µs,"local_deletion_time":s[,"shadowable":true]}
 *   CELLS     "cells":[CELL, …][,"complex_deletions":{column: {"timestamp":µs,"local_deletion_time":s}, …}]
 *   BOUND     {"inclusive":bool,"clustering":{first columns: values},"deletion":{…}}
 *   CELL      {"column":…[,"path":…][,"value":…],"timestamp":µs[,"ttl":s,"expires":s,"expired":bool]}
 *             {"column":…[,"path":…],"deleted":true,"timestamp":µs,"local_deletion_time":s}
 *             counters: "value":total,"shards":[{"id":uuid,"clock":n,"count":n,"kind":"global"|"local"|"remote"}, …]
 *
 * `path` is a set's element, a map's key, a UDT field's name, or the timeuuid of a list's element; sets have no value beside it. Values are
 * those of json-value.ts; "expired" is by `now`. Cells that a deletion of their own row shadows are there too. So are rows with no liveness, no
 * deletion and no cells, which Cassandra's readers skip: they take their place in the file. An empty static row is none: the format puts one into
 * every partition of a table with static columns.
 */
import { ByteWriter } from '../bytes/writer.js';
import type { CqlType } from '../cql/type.js';
import { cellValueType, cqlTypeName, isCounter, isMultiCell, pathType, udtFieldIndex } from '../cql/type-facts.js';
import { decodeCounterContext } from '../cql/values/counter.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import { type DeletionSlot, NO_DELETION_TIME } from '../sstable/deletion-slot.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { jsonValueWriter } from './json-value.js';
import { KeyColumns } from './partition-key.js';
import { type DumpContext, drain, FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';

const t = (text: string) => Buffer.from(text, 'utf8');
const KIND = {
  partition: t('partition'),
  deletion: t('partition_deletion'),
  static: t('static'),
  row: t('row'),
  bound: t('range_tombstone_bound'),
  boundary: t('range_tombstone_boundary'),
};
const POSITION = t('","position":');
const KEY = t(',"key":{');
const CLUSTERING = t(',"clustering":{');
const LIVENESS = t(',"liveness":{"timestamp":');
const DELETION = t(',"deletion":{"timestamp":');
const LOCAL_DELETION = t(',"local_deletion_time":');
const SHADOWABLE = t(',"shadowable":true');
const CELLS = t(',"cells":[');
const COMPLEX = t(',"complex_deletions":{');
const PATH = t(',"path":');
const VALUE = t(',"value":');
const TIMESTAMP = t(',"timestamp":');
const DELETED_TIMESTAMP = t(',"deleted":true,"timestamp":');
const TTL = t(',"ttl":');
const EXPIRES = t(',"expires":');
const EXPIRED = t(',"expired":true');
const NOT_EXPIRED = t(',"expired":false');
const SHARDS = t(',"shards":[');
const START_INCLUSIVE = t(',"start":{"inclusive":true');
const START_EXCLUSIVE = t(',"start":{"inclusive":false');
const END_INCLUSIVE = t(',"end":{"inclusive":true');
const END_EXCLUSIVE = t(',"end":{"inclusive":false');
const LINE_END = t('}\n');

/** A named value: `"name":` and what writes the value. */
type Field = { readonly label: Uint8Array; readonly value: ValueWriter };

type ColumnText = {
  /** `{"column":"name"` */
  readonly open: Uint8Array;
  readonly label: Uint8Array;
  readonly isComplex: boolean;
  /** `undefined` for sets, whose cells have none. */
  readonly value: ValueWriter | undefined;
  readonly isCounter: boolean;
  readonly path: ValueWriter | undefined;
  readonly udt: Extract<CqlType, { kind: 'udt' }> | undefined;
  /** Of a multi-cell UDT: `"field"` and its writer. */
  readonly fields: readonly Field[];
};

export class NdjsonWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly header: SerializationHeader;
  private readonly context: DumpContext;
  /** A line up to its kind. */
  protected lineStart: Uint8Array;
  private readonly keyColumns: KeyColumns;
  private readonly keyFields: readonly Field[];
  private readonly clustering: readonly Field[];
  private readonly statics: readonly ColumnText[];
  private readonly regulars: readonly ColumnText[];
  /** `,"key":{…}` of the partition in hand. */
  private readonly keyText = new ByteWriter(256);
  /** Complex deletions of the row in hand, which stand after its cells. */
  private readonly complex = new ByteWriter(256);

  constructor(
    header: SerializationHeader,
    context: DumpContext,
    sink: TextSink,
    out: ByteWriter = new ByteWriter(FLUSH_BYTES * 2),
  ) {
    this.out = out;
    this.sink = sink;
    this.header = header;
    this.context = context;
    const { sstable, keyspace, table } = context;
    this.lineStart = t(`${JSON.stringify({ sstable, keyspace, table }).slice(0, -1)},"kind":"`);
    this.keyColumns = new KeyColumns(header.keyType);
    this.keyFields = this.keyColumns.types.map((type, i) => field(context.partitionKey[i] ?? `key${i + 1}`, type));
    this.clustering = header.clusteringTypes.map((type, i) => field(context.clustering[i] ?? `column${i + 1}`, type));
    this.statics = header.staticColumns.map(columnText);
    this.regulars = header.regularColumns.map(columnText);
  }

  begin(): void {
    const { header, context } = this;
    const { sstable, keyspace, table } = context;
    const named = (names: readonly string[], types: readonly CqlType[]) =>
      types.map((type, i) => ({ name: names[i], type: cqlTypeName(type) }));
    const columns = (list: readonly Column[]) => list.map(({ name, type }) => ({ name, type: cqlTypeName(type) }));
    const schema = {
      kind: 'schema',
      sstable,
      keyspace,
      table,
      partition_key: named(context.partitionKey, this.keyColumns.types),
      clustering: named(context.clustering, header.clusteringTypes).map((column, i) => ({
        ...column,
        order: header.clusteringTypes[i]!.kind === 'reversed' ? 'desc' : 'asc',
      })),
      static: columns(header.staticColumns),
      regular: columns(header.regularColumns),
      now: context.nowSeconds,
    };
    this.out.utf8(`${JSON.stringify(schema)}\n`);
  }

  end(): void {}

  continueAfter(): void {}

  flush(): void {
    drain(this.out, this.sink);
  }

  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean {
    const { out } = this;
    this.takeKey(c);
    let lines = 0;
    if (c.hasPartitionDeletion && (!filter || filter.wantsPartition(c))) {
      this.open(KIND.deletion, c.partitionPosition);
      this.deletion(c.partitionDeletion, false);
      out.bytes(LINE_END);
      lines++;
    }
    if (c.readStaticRow() && !c.isEmptyRow() && (!filter || filter.wantsRow(c))) {
      this.row(c, this.statics);
      lines++;
    }
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (filter && !(kind === ROW ? filter.wantsRow(c) : filter.wantsMarker(c))) continue;
      if (kind === ROW) this.row(c, this.regulars);
      else this.marker(c);
      lines++;
      if (out.pos >= FLUSH_BYTES) this.flush();
    }
    if (lines === 0 && !filter) {
      this.open(KIND.partition, c.partitionPosition);
      out.bytes(LINE_END);
      lines++;
    }
    if (out.pos >= FLUSH_BYTES) this.flush();
    return lines > 0;
  }

  private takeKey(c: UnfilteredCursor): void {
    const { keyText, keyColumns } = this;
    keyColumns.split(c.key, c.keyLength);
    keyText.pos = 0;
    keyText.bytes(KEY);
    for (let i = 0; i < keyColumns.count; i++) {
      if (i > 0) keyText.u8(0x2c);
      keyText.bytes(this.keyFields[i]!.label);
      this.keyFields[i]!.value(c.key, keyColumns.start[i]!, keyColumns.end[i]!, keyText);
    }
    keyText.u8(0x7d);
  }

  private open(kind: Uint8Array, position: number): void {
    const { out, keyText } = this;
    out.bytes(this.lineStart);
    out.bytes(kind);
    out.bytes(POSITION);
    out.decimal(position);
    out.bytes(keyText.buf, 0, keyText.pos);
  }

  private row(c: UnfilteredCursor, columns: readonly ColumnText[]): void {
    const { out, complex } = this;
    this.open(c.isStatic ? KIND.static : KIND.row, c.position);
    if (!c.isStatic && c.clusteringSize > 0) this.clusteringValues(c);
    if (c.hasLiveness) {
      out.bytes(LIVENESS);
      out.decimal64(c.livenessHi, c.livenessLo);
      if (c.livenessTtl !== 0) this.expiry(c.livenessTtl, c.livenessLocalExpiration);
      out.u8(0x7d);
    }
    if (c.hasDeletion) this.deletion(c.deletion, c.isDeletionShadowable);
    out.bytes(CELLS);
    complex.pos = 0;
    let cells = 0;
    while (c.nextColumn()) {
      const column = columns[c.columnIndex]!;
      if (c.hasComplexDeletion) this.complexDeletion(column, c.complexDeletion);
      while (c.nextCell()) {
        if (cells++ > 0) out.u8(0x2c);
        this.cell(c, column);
      }
    }
    out.u8(0x5d);
    if (complex.pos > 0) {
      out.bytes(COMPLEX);
      out.bytes(complex.buf, 0, complex.pos);
      out.u8(0x7d);
    }
    out.bytes(LINE_END);
  }

  private clusteringValues(c: UnfilteredCursor): void {
    const { out } = this;
    out.bytes(CLUSTERING);
    for (let i = 0; i < c.clusteringSize; i++) {
      if (i > 0) out.u8(0x2c);
      const { label, value } = this.clustering[i]!;
      out.bytes(label);
      if (c.clusteringStart[i]! < 0) out.ascii('null');
      else value(c.in.buf, c.clusteringStart[i]!, c.clusteringEnd[i]!, out);
    }
    out.u8(0x7d);
  }

  private cell(c: UnfilteredCursor, column: ColumnText): void {
    const { out } = this;
    const { buf } = c.in;
    out.bytes(column.open);
    let { value } = column;
    if (column.udt) {
      const { label, value: ofField } = column.fields[udtFieldIndex(column.udt, buf.subarray(c.pathStart, c.pathEnd))]!;
      out.bytes(PATH);
      out.bytes(label);
      value = ofField;
    } else if (column.path) {
      out.bytes(PATH);
      column.path(buf, c.pathStart, c.pathEnd, out);
    }
    if (c.cellIsDeleted) {
      out.bytes(DELETED_TIMESTAMP);
      out.decimal64(c.cellHi, c.cellLo);
      out.bytes(LOCAL_DELETION);
      out.decimal(c.cellLocalDeletion);
      out.u8(0x7d);
      return;
    }
    if (column.isCounter) {
      this.counter(buf, c.valueStart, c.valueEnd);
    } else if (value) {
      out.bytes(VALUE);
      value(buf, c.valueStart, c.valueEnd, out);
    }
    out.bytes(TIMESTAMP);
    out.decimal64(c.cellHi, c.cellLo);
    if (c.cellTtl !== 0) this.expiry(c.cellTtl, c.cellLocalDeletion);
    out.u8(0x7d);
  }

  private counter(buf: Uint8Array, start: number, end: number): void {
    const { out } = this;
    const { total, shards } = decodeCounterContext(buf, start, end);
    out.bytes(VALUE);
    out.ascii(total.toString());
    out.bytes(SHARDS);
    shards.forEach(({ id, clock, count, kind }, i) => {
      if (i > 0) out.u8(0x2c);
      out.ascii(`{"id":"${id}","clock":${clock},"count":${count},"kind":"${kind}"}`);
    });
    out.u8(0x5d);
  }

  private expiry(ttl: number, expires: number): void {
    const { out } = this;
    out.bytes(TTL);
    out.decimal(ttl);
    out.bytes(EXPIRES);
    if (expires === NO_DELETION_TIME) out.ascii('null');
    else out.decimal(expires);
    out.bytes(expires <= this.context.nowSeconds ? EXPIRED : NOT_EXPIRED);
  }

  private complexDeletion(column: ColumnText, d: DeletionSlot): void {
    const { complex } = this;
    if (complex.pos > 0) complex.u8(0x2c);
    complex.bytes(column.label);
    complex.ascii('{"timestamp":');
    complex.decimal64(d.hi, d.lo);
    complex.bytes(LOCAL_DELETION);
    complex.decimal(d.localDeletionSeconds);
    complex.u8(0x7d);
  }

  private deletion(d: DeletionSlot, isShadowable: boolean): void {
    const { out } = this;
    out.bytes(DELETION);
    out.decimal64(d.hi, d.lo);
    out.bytes(LOCAL_DELETION);
    out.decimal(d.localDeletionSeconds);
    if (isShadowable) out.bytes(SHADOWABLE);
    out.u8(0x7d);
  }

  private marker(c: UnfilteredCursor): void {
    // ordinals of BOUND_KINDS: 0 excl end, 1 incl start, 2 excl end/incl start, 5 incl end/excl start, 6 incl end, 7 excl start
    const kind = c.boundKind;
    const isBoundary = kind === 2 || kind === 5;
    this.open(isBoundary ? KIND.boundary : KIND.bound, c.position);
    if (isBoundary) {
      this.bound(c, kind === 5 ? END_INCLUSIVE : END_EXCLUSIVE, c.deletion);
      this.bound(c, kind === 2 ? START_INCLUSIVE : START_EXCLUSIVE, c.openDeletion);
    } else if (kind === 1 || kind === 7) {
      this.bound(c, kind === 1 ? START_INCLUSIVE : START_EXCLUSIVE, c.deletion);
    } else {
      this.bound(c, kind === 6 ? END_INCLUSIVE : END_EXCLUSIVE, c.deletion);
    }
    this.out.bytes(LINE_END);
  }

  private bound(c: UnfilteredCursor, open: Uint8Array, deletion: DeletionSlot): void {
    this.out.bytes(open);
    this.clusteringValues(c);
    this.deletion(deletion, false);
    this.out.u8(0x7d);
  }
}

function field(name: string, type: CqlType): Field {
  return { label: t(`${JSON.stringify(name)}:`), value: jsonValueWriter(type) };
}

function columnText({ name, type, isComplex }: Column): ColumnText {
  const udt = type.kind === 'udt' && isMultiCell(type) ? type : undefined;
  const isSet = type.kind === 'set' && isMultiCell(type);
  return {
    open: t(`{"column":${JSON.stringify(name)}`),
    label: t(`${JSON.stringify(name)}:`),
    isComplex,
    value: udt || isSet ? undefined : jsonValueWriter(cellValueType(type)),
    isCounter: isCounter(type),
    path: isComplex && !udt ? jsonValueWriter(pathType(type)) : undefined,
    udt,
    fields: (udt?.fields ?? []).map((f) => ({ label: t(JSON.stringify(f.name)), value: jsonValueWriter(f.type) })),
  };
}
