/**
 * The text of Cassandra 5.0's `sstabledump`, byte for byte: pretty JSON (the default), `-l` (a partition a line), `-t` (raw times).
 *
 * Its layout has habits of its own that are kept: a cell's fields stay on one line until a `deletion_info` has been printed, after which they
 * break; `position` of a partition is that of its first row; cells that a complex deletion of their own row shadows are left out; counters
 * print as the first bytes of their context.
 *
 * The text is made as bytes from templates that are encoded once: this is the hot path of `lsmctl dump`.
 */

import { compare64 } from '../bytes/int64.js';
import { ByteWriter } from '../bytes/writer.js';
import { maybeQuote } from '../cql/identifier.js';
import type { CqlType } from '../cql/type.js';
import { cellValueType, isMultiCell, pathType, udtFieldIndex } from '../cql/type-facts.js';
import { jsonWriter, quotedStringWriter } from '../cql/values/json.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { type DeletionSlot, END, NO_DELETION_TIME, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { InstantWriter } from './instant.js';
import { FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';

export type DumpStyle = {
  /** `-l`: one partition a line, no white space. */
  readonly lines: boolean;
  /** `-t`: times as the numbers they are stored as. */
  readonly rawTimes: boolean;
  /** Decides "expired"; seconds since the epoch. */
  readonly nowSeconds: number;
  /** Whether the table is a secondary index's hidden one: partitions say so. */
  readonly isIndex?: boolean;
};

/** White space out, but for what stands within quotes. */
function minify(text: string): string {
  return text.replace(/("[^"]*")|\s+/g, (_, quoted?: string) => quoted ?? '');
}

/** The fixed texts between the values. */
function templates({ lines, isIndex }: DumpStyle) {
  const t = (text: string) => Buffer.from(lines ? minify(text) : text, 'utf8');
  return {
    comma: t(','),
    nextPartition: lines ? Buffer.from('\n') : Buffer.from(','),
    partition: t(`\n  {\n    "table kind" : "${isIndex ? 'INDEX' : 'REGULAR'}",\n    "partition" : {\n      "key" : [ `),
    keySeparator: t(', '),
    position: t(' ],\n      "position" : '),
    partitionDeletion: t(',\n      "deletion_info" : '),
    rows: t('\n    },\n    "rows" : ['),
    noRows: t(' ]\n  }'),
    endRows: t('\n    ]\n  }'),
    row: t('\n      {\n        "type" : "row",\n        "position" : '),
    staticRow: t('\n      {\n        "type" : "static_block",\n        "position" : '),
    clustering: t(',\n        "clustering" : [ '),
    endClustering: t(' ]'),
    liveness: t(',\n        "liveness_info" : { "tstamp" : '),
    ttl: t(', "ttl" : '),
    expiresAt: t(', "expires_at" : '),
    expired: t(', "expired" : true'),
    notExpired: t(', "expired" : false'),
    endInline: t(' }'),
    rowDeletion: t(',\n        "deletion_info" : '),
    cells: t(',\n        "cells" : ['),
    noCells: t(' ]\n      }'),
    endCells: t('\n        ]\n      }'),
    markedDeleted: t('{ "marked_deleted" : '),
    localDeleteTime: t(', "local_delete_time" : '),
    cellDeletion: t(', "deletion_info" : { "local_delete_time" : '),
    complexDeletion: t(', "deletion_info" : '),
    tstamp: t(', "tstamp" : '),
    tstampBroken: t(',\n            "tstamp" : '),
    endBroken: t('\n          }'),
    path: t(', "path" : [ '),
    endPath: t(' ]'),
    value: t(', "value" : '),
    bound: t('\n      {\n        "type" : "range_tombstone_bound"'),
    boundary: t('\n      {\n        "type" : "range_tombstone_boundary"'),
    start: t(',\n        "start" : {\n          "type" : '),
    end: t(',\n        "end" : {\n          "type" : '),
    inclusive: t('"inclusive"'),
    exclusive: t('"exclusive"'),
    boundClustering: t(',\n          "clustering" : [ '),
    boundDeletion: t(',\n          "deletion_info" : '),
    endBound: t('\n        }'),
    endMarker: t('\n      }'),
    star: t('"*"'),
  };
}

/** What the hot loop needs of a column. */
type ColumnWriter = {
  readonly column: Column;
  /** `{ "name" : "x"` with the line break before it. */
  readonly name: Uint8Array;
  /** The same up to the value, for simple columns. */
  readonly nameAndValue: Uint8Array;
  readonly value: ValueWriter;
  readonly path: ValueWriter | undefined;
  readonly udt: Extract<CqlType, { kind: 'udt' }> | undefined;
  readonly fields: readonly { readonly name: Uint8Array; readonly value: ValueWriter }[];
};

function columnWriter(column: Column, lines: boolean): ColumnWriter {
  const { type } = column;
  const name = JSON.stringify(maybeQuote(column.name));
  const t = (text: string) => Buffer.from(lines ? minifyName(text, name) : text.replace('NAME', () => name), 'utf8');
  const udt = type.kind === 'udt' && isMultiCell(type) ? type : undefined;
  const json = (of: CqlType) => jsonWriter(of);
  return {
    column,
    name: t('\n          { "name" : NAME'),
    nameAndValue: t('\n          { "name" : NAME, "value" : '),
    value: udt ? () => {} : json(cellValueType(type)),
    path: isMultiCell(type) && !udt ? quotedStringWriter(pathType(type)) : undefined,
    udt,
    fields: (udt?.fields ?? []).map((f) => ({ name: Buffer.from(JSON.stringify(f.name)), value: json(f.type) })),
  };
}

function minifyName(text: string, name: string): string {
  return minify(text).replace('NAME', () => name);
}

/** Writes partitions as they stand under a cursor. */
export class SSTableDumpWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly style: DumpStyle;
  private readonly t: ReturnType<typeof templates>;
  private readonly keyComponents: readonly ValueWriter[];
  private readonly isComposite: boolean;
  private readonly clustering: readonly ValueWriter[];
  private readonly statics: readonly ColumnWriter[];
  private readonly regulars: readonly ColumnWriter[];
  private readonly instant = new InstantWriter();
  private partitions = 0;

  /** @param out filled, and emptied into `sink` now and then; call {@link flush} at the end */
  constructor(
    header: SerializationHeader,
    style: DumpStyle,
    sink: TextSink,
    out: ByteWriter = new ByteWriter(FLUSH_BYTES * 2),
  ) {
    this.out = out;
    this.sink = sink;
    this.style = style;
    this.t = templates(style);
    const { keyType } = header;
    this.isComposite = keyType.kind === 'composite';
    this.keyComponents = (keyType.kind === 'composite' ? keyType.components : [keyType]).map((type) =>
      quotedStringWriter(type),
    );
    this.clustering = header.clusteringTypes.map((type) => jsonWriter(type));
    this.statics = header.staticColumns.map((c) => columnWriter(c, style.lines));
    this.regulars = header.regularColumns.map((c) => columnWriter(c, style.lines));
  }

  /** What stands before the first partition. */
  begin(): void {
    if (!this.style.lines) this.out.u8(0x5b);
  }

  /** What stands after the last. */
  end(): void {
    if (!this.style.lines) this.out.ascii(this.partitions === 0 ? ' ]' : '\n]');
  }

  flush(): void {
    if (this.out.pos > 0) this.sink.write(this.out.view());
    this.out.pos = 0;
  }

  /** Whether partitions were written before this writer began (a part of a dump): the first gets its separator. */
  continueAfter(partitions: number): void {
    this.partitions = partitions;
  }

  /** The partition on which the cursor stands, to its end, or what `filter` wants of it. @throws CorruptError */
  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean {
    if (filter) return this.filtered(c, filter);
    const { out } = this;
    const hasStaticRow = c.readStaticRow();
    const position = hasStaticRow ? c.endOfRow : c.in.offset;
    this.partitionHead(c, position);
    let rows = 0;
    if (hasStaticRow && !c.isEmptyRow()) {
      this.row(c, position, this.statics);
      rows++;
    }
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind === ROW) {
        if (!c.hasLiveness && !c.hasDeletion && c.isEmptyRow()) continue;
        if (rows++ > 0) out.u8(0x2c);
        this.row(c, c.position, this.regulars);
      } else {
        if (rows++ > 0) out.u8(0x2c);
        this.marker(c);
      }
      if (out.pos >= FLUSH_BYTES) this.flush();
    }
    this.partitionTail(rows);
    return true;
  }

  /** A partition of which the filter wants nothing is left out. */
  private filtered(c: UnfilteredCursor, filter: UnfilteredFilter): boolean {
    const { out } = this;
    const hasStaticRow = c.readStaticRow();
    const position = hasStaticRow ? c.endOfRow : c.in.offset;
    let rows = -1; // the head is written with the first thing wanted
    if (filter.wantsPartition(c)) {
      this.partitionHead(c, position);
      rows = 0;
    }
    const start = () => {
      if (rows < 0) this.partitionHead(c, position);
      else if (rows > 0) out.u8(0x2c);
      rows = Math.max(rows, 0) + 1;
    };
    if (hasStaticRow && !c.isEmptyRow() && filter.wantsRow(c)) {
      start();
      this.row(c, position, this.statics);
    }
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind === ROW) {
        if (c.isEmptyRow() || !filter.wantsRow(c)) continue;
        start();
        this.row(c, c.position, this.regulars);
      } else if (filter.wantsMarker(c)) {
        start();
        this.marker(c);
      }
      if (out.pos >= FLUSH_BYTES) this.flush();
    }
    if (rows < 0) return false;
    this.partitionTail(rows);
    return true;
  }

  private partitionHead(c: UnfilteredCursor, position: number): void {
    const { out, t } = this;
    if (this.partitions++ > 0) out.bytes(t.nextPartition);
    out.bytes(t.partition);
    this.key(c.key, c.keyLength);
    out.bytes(t.position);
    out.decimal(position);
    if (c.hasPartitionDeletion) {
      out.bytes(t.partitionDeletion);
      this.deletion(c.partitionDeletion);
    }
    out.bytes(t.rows);
  }

  private partitionTail(rows: number): void {
    const { out, t } = this;
    out.bytes(rows > 0 ? t.endRows : t.noRows);
    if (out.pos >= FLUSH_BYTES) this.flush();
  }

  /** A key alone, as `-e` lists them. */
  keyOnly(key: Uint8Array): void {
    const { out } = this;
    out.ascii(this.partitions++ > 0 ? ', [ ' : ' [ ');
    this.key(key, key.length);
    out.ascii(' ]');
    if (out.pos >= FLUSH_BYTES) this.flush();
  }

  /** The inside of a key's array. */
  private key(key: Uint8Array, length: number): void {
    const { out } = this;
    if (!this.isComposite) {
      this.keyComponents[0]!(key, 0, length, out);
      return;
    }
    // u16 length, value, u8 end-of-component for each; 0xffff first marks the static data of old composites
    let p = length >= 2 && key[0] === 0xff && key[1] === 0xff ? 2 : 0;
    for (let i = 0; i < this.keyComponents.length && p < length; i++) {
      const size = (key[p]! << 8) | key[p + 1]!;
      if (i > 0) out.bytes(this.t.keySeparator);
      this.keyComponents[i]!(key, p + 2, Math.min(length, p + 2 + size), out);
      p += 2 + size;
      if (key[p++] !== 0) break;
    }
  }

  private row(c: UnfilteredCursor, position: number, columns: readonly ColumnWriter[]): void {
    const { out, t } = this;
    out.bytes(c.isStatic ? t.staticRow : t.row);
    out.decimal(position);
    if (!c.isStatic && c.clusteringSize > 0) {
      out.bytes(t.clustering);
      this.clusteringValues(c);
      out.bytes(t.endClustering);
    }
    if (c.hasLiveness) this.liveness(c);
    if (c.hasDeletion) {
      out.bytes(t.rowDeletion);
      this.deletion(c.deletion);
    }
    out.bytes(t.cells);
    let cells = 0;
    while (c.nextColumn()) {
      const writer = columns[c.columnIndex]!;
      if (!writer.column.isComplex) {
        c.nextCell();
        if (cells++ > 0) out.u8(0x2c);
        this.simpleCell(c, writer);
        continue;
      }
      if (c.hasComplexDeletion) {
        if (cells++ > 0) out.u8(0x2c);
        out.bytes(writer.name);
        out.bytes(t.complexDeletion);
        this.deletion(c.complexDeletion);
        out.bytes(t.endInline);
      }
      while (c.nextCell()) {
        const d = c.complexDeletion;
        if (c.hasComplexDeletion && compare64(c.cellHi, c.cellLo, d.hi, d.lo) < 0) continue;
        if (cells++ > 0) out.u8(0x2c);
        this.complexCell(c, writer);
      }
    }
    out.bytes(cells > 0 ? t.endCells : t.noCells);
  }

  private clusteringValues(c: UnfilteredCursor): void {
    const { out, t } = this;
    const { buf } = c.in;
    for (let i = 0; i < this.clustering.length; i++) {
      if (i > 0) out.bytes(t.keySeparator);
      if (i >= c.clusteringSize) out.bytes(t.star);
      else if (c.clusteringStart[i]! < 0) out.ascii('null');
      else this.clustering[i]!(buf, c.clusteringStart[i]!, c.clusteringEnd[i]!, out);
    }
  }

  private liveness(c: UnfilteredCursor): void {
    const { out, t } = this;
    out.bytes(t.liveness);
    this.micros(c.livenessHi, c.livenessLo);
    if (c.livenessTtl !== 0) {
      out.bytes(t.ttl);
      out.decimal(c.livenessTtl);
      out.bytes(t.expiresAt);
      this.seconds(c.livenessLocalExpiration);
      out.bytes(c.livenessLocalExpiration < this.style.nowSeconds ? t.expired : t.notExpired);
    }
    out.bytes(t.endInline);
  }

  private simpleCell(c: UnfilteredCursor, writer: ColumnWriter): void {
    const { out } = this;
    if (c.cellIsDeleted) {
      out.bytes(writer.name);
      this.deletedCell(c);
      return;
    }
    out.bytes(writer.nameAndValue);
    writer.value(c.in.buf, c.valueStart, c.valueEnd, out);
    this.cellTimes(c);
  }

  private complexCell(c: UnfilteredCursor, writer: ColumnWriter): void {
    const { out, t } = this;
    const { buf } = c.in;
    out.bytes(writer.name);
    out.bytes(t.path);
    let value = writer.value;
    if (writer.udt) {
      const field = writer.fields[udtFieldIndex(writer.udt, buf.subarray(c.pathStart, c.pathEnd))]!;
      out.bytes(field.name);
      value = field.value;
    } else {
      writer.path!(buf, c.pathStart, c.pathEnd, out);
    }
    out.bytes(t.endPath);
    if (c.cellIsDeleted) {
      this.deletedCell(c);
      return;
    }
    out.bytes(t.value);
    value(buf, c.valueStart, c.valueEnd, out);
    this.cellTimes(c);
  }

  /** After the name (and path) of a tombstone: the fields after `deletion_info` each break the line. */
  private deletedCell(c: UnfilteredCursor): void {
    const { out, t } = this;
    out.bytes(t.cellDeletion);
    this.seconds(c.cellLocalDeletion);
    out.bytes(t.endInline);
    if (this.differsFromRow(c)) {
      out.bytes(t.tstampBroken);
      this.micros(c.cellHi, c.cellLo);
    }
    out.bytes(t.endBroken);
  }

  private cellTimes(c: UnfilteredCursor): void {
    const { out, t } = this;
    if (this.differsFromRow(c)) {
      out.bytes(t.tstamp);
      this.micros(c.cellHi, c.cellLo);
    }
    if (c.cellTtl !== 0 && (!c.hasLiveness || c.cellTtl !== c.livenessTtl)) {
      out.bytes(t.ttl);
      out.decimal(c.cellTtl);
      out.bytes(t.expiresAt);
      this.seconds(c.cellLocalDeletion);
      out.bytes(this.style.nowSeconds < c.cellLocalDeletion ? t.notExpired : t.expired);
    }
    out.bytes(t.endInline);
  }

  private differsFromRow(c: UnfilteredCursor): boolean {
    return !c.hasLiveness || c.cellLo !== c.livenessLo || c.cellHi !== c.livenessHi;
  }

  private marker(c: UnfilteredCursor): void {
    const { out, t } = this;
    // ordinals of BOUND_KINDS: 0 excl end, 1 incl start, 2 excl end/incl start, 5 incl end/excl start, 6 incl end, 7 excl start
    const kind = c.boundKind;
    if (kind === 2 || kind === 5) {
      out.bytes(t.boundary);
      this.bound(c, true, kind === 2, c.openDeletion);
      this.bound(c, false, kind === 5, c.deletion);
    } else {
      out.bytes(t.bound);
      this.bound(c, kind === 1 || kind === 7, kind === 1 || kind === 6, c.deletion);
    }
    out.bytes(t.endMarker);
  }

  private bound(c: UnfilteredCursor, isStart: boolean, isInclusive: boolean, deletion: DeletionSlot): void {
    const { out, t } = this;
    out.bytes(isStart ? t.start : t.end);
    out.bytes(isInclusive ? t.inclusive : t.exclusive);
    if (c.clusteringSize > 0) {
      out.bytes(t.boundClustering);
      this.clusteringValues(c);
      out.bytes(t.endClustering);
    }
    out.bytes(t.boundDeletion);
    this.deletion(deletion);
    out.bytes(t.endBound);
  }

  private deletion(d: DeletionSlot): void {
    const { out, t } = this;
    out.bytes(t.markedDeleted);
    this.micros(d.hi, d.lo);
    out.bytes(t.localDeleteTime);
    this.seconds(d.localDeletionSeconds);
    out.bytes(t.endInline);
  }

  private micros(hi: number, lo: number): void {
    const { out } = this;
    out.u8(0x22);
    if (this.style.rawTimes) out.decimal64(hi, lo);
    else this.instant.micros(out, hi, lo);
    out.u8(0x22);
  }

  private seconds(seconds: number): void {
    const { out } = this;
    out.u8(0x22);
    if (this.style.rawTimes) out.ascii(seconds === NO_DELETION_TIME ? '9223372036854775807' : String(seconds));
    else this.instant.seconds(out, seconds);
    out.u8(0x22);
  }
}
