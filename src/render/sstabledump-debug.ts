/**
 * The text of Cassandra 5.0's `sstabledump -d`, byte for byte: a line for each deletion of a partition, static row, row and marker.
 *
 *   [key]@position deletedAt=µs, localDeletion=s
 *   [key]@position Row[info=[ts=µs] del=deletedAt=µs, localDeletion=s ]: clustering | cell, cell
 *   [key]@position Row[info=[ts=µs ttl=s, let=s] ]: STATIC | del(column)=deletedAt=µs, localDeletion=s, [column[path]=value ts=µs]
 *   [key]@position Marker INCL_START_BOUND(values)@µs/s          (boundaries: …@µs/s-µs/s, the closed range first)
 *   cell: [name=value ts=µs], [name=value ts=µs ttl=s ldt=s], [name=<tombstone> ts=µs ldt=s], counters [name=total ts=µs]
 *
 * Its habits: `position` is where the tool's reader stood before the line's unfiltered, after the static row for the first; the values of
 * multi-cell UDT fields are printed as though they were the whole UDT, which mostly ends in their bytes (or in the real tool running out of
 * memory, where it takes text for a length); cells of a column without complex deletion begin with a comma; liveness that is not there has the
 * timestamp −2^63.
 */
import { CorruptError } from '../bytes/errors.js';
import { ByteWriter } from '../bytes/writer.js';
import { BOUND_KINDS } from '../cql/clustering.js';
import type { CqlType } from '../cql/type.js';
import { cellValueType, isCounter, isMultiCell, pathType } from '../cql/type-facts.js';
import { decodeCounterContext } from '../cql/values/counter.js';
import { stringWriter } from '../cql/values/string.js';
import { elementLength } from '../cql/values/structure.js';
import { writeHex } from '../cql/values/text.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import { type DeletionSlot, NO_DELETION_TIME } from '../sstable/deletion-slot.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { debugLiteralWriter } from './debug-literal.js';
import { drain, FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';

type ColumnText = {
  /** `[name` and, before a simple cell's value, `=`. */
  readonly open: Uint8Array;
  /** `del(name)=` */
  readonly deletion: Uint8Array;
  readonly isComplex: boolean;
  readonly value: ValueWriter;
  readonly path: ValueWriter | undefined;
};

const t = (text: string) => Buffer.from(text, 'utf8');
const ROW_OPEN = t('Row[info=[ts=');
const NO_TIMESTAMP = t('-9223372036854775808');
const TTL = t(' ttl=');
const LET = t(', let=');
const DEL = t(' del=');
const SHADOWABLE = t('(shadowable)');
const ROW_CLOSE = t(' ]: ');
const STATIC = t('STATIC');
const BAR = t(' | ');
const SEPARATOR = t(', ');
const DELETED_AT = t('deletedAt=');
const LOCAL_DELETION = t(', localDeletion=');
const TOMBSTONE = t('<tombstone>');
const TS = t(' ts=');
const LDT = t(' ldt=');
const NULL = t('null');
const MARKERS = BOUND_KINDS.map((kind) => t(`Marker ${kind}(`));

export class SSTableDebugWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly keyWriter: ValueWriter;
  private readonly clustering: readonly ValueWriter[];
  private readonly bounds: readonly ValueWriter[];
  private readonly statics: readonly ColumnText[];
  private readonly regulars: readonly ColumnText[];
  /** `[key]@` of the partition in hand. */
  private readonly prefix = new ByteWriter(256);

  constructor(header: SerializationHeader, sink: TextSink, out: ByteWriter = new ByteWriter(FLUSH_BYTES * 2)) {
    this.out = out;
    this.sink = sink;
    this.keyWriter = stringWriter(header.keyType);
    this.clustering = header.clusteringTypes.map(debugLiteralWriter);
    this.bounds = header.clusteringTypes.map(stringWriter);
    this.statics = header.staticColumns.map(columnText);
    this.regulars = header.regularColumns.map(columnText);
  }

  begin(): void {}

  end(): void {}

  continueAfter(): void {}

  flush(): void {
    drain(this.out, this.sink);
  }

  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean {
    const { prefix, out } = this;
    prefix.pos = 0;
    prefix.u8(0x5b);
    this.keyWriter(c.key, 0, c.keyLength, prefix);
    prefix.ascii(']@');
    let lines = 0;
    const hasStaticRow = c.readStaticRow();
    let position = hasStaticRow ? c.endOfRow : c.in.offset;
    if (c.hasPartitionDeletion && (!filter || filter.wantsPartition(c))) {
      this.open(position);
      this.deletion(c.partitionDeletion);
      out.u8(0x0a);
      lines++;
    }
    if (hasStaticRow && !c.isEmptyRow() && (!filter || filter.wantsRow(c))) {
      this.row(c, position, this.statics);
      lines++;
    }
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind === ROW) {
        if (c.isEmptyRow()) continue;
        const end = c.endOfRow;
        if (!filter || filter.wantsRow(c)) {
          this.row(c, position, this.regulars);
          lines++;
        }
        position = end;
      } else {
        if (!filter || filter.wantsMarker(c)) {
          this.marker(c, position);
          lines++;
        }
        position = c.in.offset;
      }
      if (out.pos >= FLUSH_BYTES) this.flush();
    }
    return lines > 0;
  }

  private open(position: number): void {
    const { out, prefix } = this;
    out.bytes(prefix.buf, 0, prefix.pos);
    out.decimal(position);
    out.u8(0x20);
  }

  private row(c: UnfilteredCursor, position: number, columns: readonly ColumnText[]): void {
    const { out } = this;
    this.open(position);
    out.bytes(ROW_OPEN);
    if (c.hasLiveness) {
      out.decimal64(c.livenessHi, c.livenessLo);
      if (c.livenessTtl !== 0) {
        out.bytes(TTL);
        out.decimal(c.livenessTtl);
        out.bytes(LET);
        this.seconds(c.livenessLocalExpiration);
      }
    } else {
      out.bytes(NO_TIMESTAMP);
    }
    out.u8(0x5d);
    if (c.hasDeletion) {
      out.bytes(DEL);
      this.deletion(c.deletion);
      if (c.isDeletionShadowable) out.bytes(SHADOWABLE);
    }
    out.bytes(ROW_CLOSE);
    if (c.isStatic) out.bytes(STATIC);
    else this.values(c, this.clustering);
    out.bytes(BAR);
    this.columns(c, columns);
    out.u8(0x0a);
  }

  private columns(c: UnfilteredCursor, columns: readonly ColumnText[]): void {
    const { out } = this;
    let first = true;
    while (c.nextColumn()) {
      const column = columns[c.columnIndex]!;
      if (!column.isComplex) {
        if (!first) out.bytes(SEPARATOR);
        c.nextCell();
        this.cell(c, column);
      } else if (c.hasComplexDeletion || c.cellsLeft > 0) {
        if (!first) out.bytes(SEPARATOR);
        if (c.hasComplexDeletion) {
          out.bytes(column.deletion);
          this.deletion(c.complexDeletion);
        }
        while (c.nextCell()) {
          out.bytes(SEPARATOR);
          this.cell(c, column);
        }
      } else continue;
      first = false;
    }
  }

  private cell(c: UnfilteredCursor, column: ColumnText): void {
    const { out } = this;
    const { buf } = c.in;
    out.bytes(column.open);
    if (column.path) {
      out.u8(0x5b);
      column.path(buf, c.pathStart, c.pathEnd, out);
      out.u8(0x5d);
    }
    out.u8(0x3d);
    if (c.cellIsDeleted) out.bytes(TOMBSTONE);
    else column.value(buf, c.valueStart, c.valueEnd, out);
    out.bytes(TS);
    out.decimal64(c.cellHi, c.cellLo);
    // counters expire never, and their tombstones print like others
    if (c.cellTtl !== 0) {
      out.bytes(TTL);
      out.decimal(c.cellTtl);
    }
    if (c.cellTtl !== 0 || c.cellIsDeleted) {
      out.bytes(LDT);
      this.seconds(c.cellLocalDeletion);
    }
    out.u8(0x5d);
  }

  private marker(c: UnfilteredCursor, position: number): void {
    const { out } = this;
    this.open(position);
    out.bytes(MARKERS[c.boundKind]!);
    this.values(c, this.bounds);
    out.ascii(')@');
    this.slot(c.deletion);
    if (c.boundKind === 2 || c.boundKind === 5) {
      out.u8(0x2d);
      this.slot(c.openDeletion);
    }
    out.u8(0x0a);
  }

  private values(c: UnfilteredCursor, writers: readonly ValueWriter[]): void {
    const { out } = this;
    for (let i = 0; i < c.clusteringSize; i++) {
      if (i > 0) out.bytes(SEPARATOR);
      if (c.clusteringStart[i]! < 0) out.bytes(NULL);
      else writers[i]!(c.in.buf, c.clusteringStart[i]!, c.clusteringEnd[i]!, out);
    }
  }

  private slot(d: DeletionSlot): void {
    this.out.decimal64(d.hi, d.lo);
    this.out.u8(0x2f);
    this.out.decimal(d.localDeletionSeconds);
  }

  private deletion(d: DeletionSlot): void {
    const { out } = this;
    out.bytes(DELETED_AT);
    out.decimal64(d.hi, d.lo);
    out.bytes(LOCAL_DELETION);
    out.decimal(d.localDeletionSeconds);
  }

  private seconds(seconds: number): void {
    if (seconds === NO_DELETION_TIME) this.out.ascii('9223372036854775807');
    else this.out.decimal(seconds);
  }
}

function columnText(column: Column): ColumnText {
  const { type, name } = column;
  const isCollection = isMultiCell(type) && type.kind !== 'udt';
  return {
    open: t(`[${name}`),
    deletion: t(`del(${name})=`),
    isComplex: column.isComplex,
    value: isCounter(type) ? counterTotal : isCollection ? stringWriter(cellValueType(type)) : orHex(type),
    path: isCollection ? stringWriter(pathType(type)) : undefined,
  };
}

function counterTotal(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  out.ascii(decodeCounterContext(buf, start, end).total.toString());
}

/** The value's text, or its bytes where Cassandra finds them invalid. */
function orHex(type: CqlType): ValueWriter {
  const writer = stringWriter(type);
  return (buf, start, end, out) => {
    const from = out.pos;
    try {
      if (isAccepted(type, buf, start, end)) {
        writer(buf, start, end, out);
        return;
      }
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      out.pos = from;
    }
    out.ascii('0x');
    writeHex(buf, start, end, out);
  };
}

const NEVER_EMPTY = new Set(['tinyint', 'smallint', 'date', 'time', 'duration']);

/** Whether Cassandra's own validation takes a value that the writer prints in any case. @throws CorruptError */
function isAccepted(type: CqlType, buf: Uint8Array, start: number, end: number): boolean {
  if (type.kind === 'tuple') return areAccepted(type.elements, buf, start, end);
  if (type.kind === 'udt') {
    const types = type.fields.map((field) => field.type);
    return areAccepted(types, buf, start, end);
  }
  if (type.kind !== 'native') return true;
  if (start === end) return !NEVER_EMPTY.has(type.name);
  return type.name !== 'timeuuid' || end - start !== 16 || buf[start + 6]! >> 4 === 1;
}

/** The same for the fields of a tuple. */
function areAccepted(types: readonly CqlType[], buf: Uint8Array, start: number, end: number): boolean {
  let at = start;
  for (let i = 0; i < types.length && at < end; i++) {
    const length = elementLength('tuple', buf, at, end);
    at += 4;
    if (length < 0) continue;
    if (!isAccepted(types[i]!, buf, at, at + length)) return false;
    at += length;
  }
  return true;
}
