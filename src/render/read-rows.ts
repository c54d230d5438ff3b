/**
 * Rows as `SELECT JSON *` of Cassandra prints them: {"k": "a", "c": 1, "st": null, "v": 2}
 *
 * Columns stand in the order: partition key, clustering, static, regular, the latter two by name. Names with upper-case letters are quoted twice.
 * Multi-cell collections and user types are put together from their living cells; with none they are null. Counters are their total.
 */
import { ByteWriter } from '../bytes/writer.js';
import {
  columnNameBytes,
  columnsOfKind,
  isCompactTable,
  isStaticCompactTable,
  type Table,
  type View,
} from '../cql/schema.js';
import type { CqlType } from '../cql/type.js';
import { isCounter, isMultiCell, udtFieldIndex } from '../cql/type-facts.js';
import { decodeCounterContext } from '../cql/values/counter.js';
import { jsonWriter } from '../cql/values/json.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import { isLiveCell } from '../engine/read/row-liveness.js';
import type { RowBuffer } from '../sstable/row-buffer.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { KeyColumns } from './partition-key.js';
import { defaultKeyNames } from './partition-writer.js';

type ShownColumn = {
  /** `"name": ` */
  readonly label: Buffer;
  /** Index among the header's columns, −1 where no SSTable has it. */
  readonly index: number;
  readonly type: CqlType;
  readonly write: ValueWriter;
};

const NULL = Buffer.from('null');
const SEPARATOR = Buffer.from(', ');
const LINE_END = 0x0a;

export class JsonRows {
  private readonly out = new ByteWriter(4096);
  private readonly packed = new ByteWriter(1024);
  private readonly nowSeconds: number;
  private readonly key: KeyColumns;
  private readonly keyLabels: readonly Buffer[];
  private readonly keyWriters: readonly ValueWriter[];
  private readonly clusteringLabels: readonly Buffer[];
  private readonly clusteringWriters: readonly ValueWriter[];
  private readonly statics: readonly ShownColumn[];
  private readonly regulars: readonly ShownColumn[];
  /** A table of the time before CQL whose rows are columns: it answers with its static row alone. */
  private readonly isStaticCompact: boolean;
  /** `{` and the key's columns of the partition at hand. */
  private keyText: Uint8Array = new Uint8Array(0);
  private staticText: Uint8Array = new Uint8Array(0);
  private hasStatic = false;
  private hasRows = false;

  /** @param header of the rows that come; `definition`: where it is not known, names of key columns are made up */
  constructor(header: SerializationHeader, definition: Table | View | undefined, nowSeconds: number) {
    this.nowSeconds = nowSeconds;
    this.key = new KeyColumns(header.keyType);
    const made = defaultKeyNames(header);
    const namesOf = (kind: 'partition_key' | 'clustering', names: readonly string[]) =>
      definition ? columnsOfKind(definition, kind).map(({ name }) => name) : names;
    this.keyLabels = namesOf('partition_key', made.partitionKey).map(labelOf);
    this.keyWriters = this.key.types.map(jsonWriter);
    this.isStaticCompact = definition !== undefined && 'flags' in definition && isStaticCompactTable(definition);
    const isCompact = definition !== undefined && 'flags' in definition && isCompactTable(definition);
    this.clusteringLabels = this.isStaticCompact ? [] : namesOf('clustering', made.clustering).map(labelOf);
    this.clusteringWriters = header.clusteringTypes.map(jsonWriter);
    this.statics = shown(header.staticColumns, definition, 'static');
    const regulars = shown(header.regularColumns, definition, 'regular');
    this.regulars = this.isStaticCompact
      ? []
      : isCompact
        ? regulars.filter(({ type }) => !isEmptyType(type))
        : regulars;
  }

  partition(key: Uint8Array, length: number = key.length): void {
    const { out } = this;
    this.key.split(key, length);
    out.pos = 0;
    out.ascii('{');
    this.keyLabels.forEach((label, i) => {
      if (i > 0) out.bytes(SEPARATOR);
      out.bytes(label);
      if (i < this.key.count) this.keyWriters[i]!(key, this.key.start[i]!, this.key.end[i]!, out);
      else out.bytes(NULL);
    });
    this.keyText = out.toBytes();
    this.hasStatic = false;
    this.hasRows = false;
    this.staticText = new Uint8Array(0);
  }

  /** Takes the partition's static row, which may be empty. */
  staticRow(row: RowBuffer, isLive: boolean): void {
    const { out } = this;
    out.pos = 0;
    this.columns(row, this.statics);
    this.staticText = out.toBytes();
    this.hasStatic = isLive;
  }

  /** A living row as a line, valid until the next call; `undefined` where the table does not show its rows. */
  row(row: RowBuffer): Uint8Array | undefined {
    if (this.isStaticCompact) return undefined;
    this.hasRows = true;
    const { out } = this;
    out.pos = 0;
    out.bytes(this.keyText);
    this.clusteringLabels.forEach((label, i) => {
      out.bytes(SEPARATOR);
      out.bytes(label);
      const start = i < row.clusteringSize ? row.clusteringStart[i]! : -1;
      if (start < 0) out.bytes(NULL);
      else this.clusteringWriters[i]!(row.clusteringBuf, start, row.clusteringEnd[i]!, out);
    });
    out.bytes(this.staticText);
    this.columns(row, this.regulars);
    return this.line();
  }

  /** The line of a partition of which only the static row lives, where it is one. To be asked after the rows. */
  staticOnly(): Uint8Array | undefined {
    if (!this.hasStatic || this.hasRows) return undefined;
    const { out } = this;
    out.pos = 0;
    out.bytes(this.keyText);
    const nothing = (label: Buffer) => {
      out.bytes(SEPARATOR);
      out.bytes(label);
      out.bytes(NULL);
    };
    this.clusteringLabels.forEach(nothing);
    out.bytes(this.staticText);
    for (const { label } of this.regulars) nothing(label);
    return this.line();
  }

  private line(): Uint8Array {
    this.out.ascii('}');
    this.out.u8(LINE_END);
    return this.out.buf.subarray(0, this.out.pos);
  }

  private columns(row: RowBuffer, columns: readonly ShownColumn[]): void {
    const { out } = this;
    for (const column of columns) {
      out.bytes(SEPARATOR);
      out.bytes(column.label);
      const at = column.index < 0 ? -1 : indexIn(row, column.index);
      if (at < 0 || !this.value(row, at, column)) out.bytes(NULL);
    }
  }

  /** @returns whether anything in the column lives */
  private value(row: RowBuffer, at: number, { type, write }: ShownColumn): boolean {
    const start = row.columnStart[at]!;
    const end = row.columnStart[at + 1]!;
    if (isMultiCell(type)) return this.multiCell(row, start, end, type, write);
    if (start === end || !isLiveCell(row, start, this.nowSeconds)) return false;
    const buf = row.cellBuf[start]!;
    if (isCounter(type)) {
      this.out.ascii(decodeCounterContext(buf, row.valueStart[start]!, row.valueEnd[start]!).total.toString());
    } else write(buf, row.valueStart[start]!, row.valueEnd[start]!, this.out);
    return true;
  }

  /** Packs the living cells as a frozen value of the type. */
  private multiCell(row: RowBuffer, start: number, end: number, type: CqlType, write: ValueWriter): boolean {
    const { packed } = this;
    packed.pos = 0;
    const isFields = type.kind === 'udt';
    if (!isFields) packed.i32(0);
    let count = 0;
    let field = 0;
    for (let i = start; i < end; i++) {
      if (!isLiveCell(row, i, this.nowSeconds)) continue;
      const buf = row.cellBuf[i]!;
      if (isFields) {
        const index = udtFieldIndex(type, buf.subarray(row.pathStart[i]!, row.pathEnd[i]!));
        for (; field < index; field++) packed.i32(-1);
        field = index + 1;
      }
      if (type.kind === 'set' || type.kind === 'map') piece(packed, buf, row.pathStart[i]!, row.pathEnd[i]!);
      if (type.kind !== 'set') piece(packed, buf, row.valueStart[i]!, row.valueEnd[i]!);
      count++;
    }
    if (count === 0) return false;
    const length = packed.pos;
    if (!isFields) {
      packed.pos = 0;
      packed.i32(count);
    }
    write(packed.buf, 0, length, this.out);
    return true;
  }
}

function piece(out: ByteWriter, buf: Uint8Array, start: number, end: number): void {
  out.i32(end - start);
  out.bytes(buf, start, end);
}

function indexIn(row: RowBuffer, index: number): number {
  for (let i = 0; i < row.columnCount; i++) if (row.columnIndex[i] === index) return i;
  return -1;
}

/** `"name": `, with quotes inside the quotes where CQL would quote the name for its upper-case letters. */
function labelOf(name: string): Buffer {
  const text = name === name.toLowerCase() ? name : `"${name}"`;
  return Buffer.from(`${JSON.stringify(text)}: `, 'utf8');
}

/** The type of the column of compact tables that have no other: it is not shown. */
function isEmptyType(type: CqlType): boolean {
  return type.kind === 'native' && type.name === 'empty';
}

/** Cassandra compares the first bytes of names as signed numbers. */
function compareNames(a: Uint8Array, b: Uint8Array): number {
  const first = ((a[0] ?? 0) ^ 0x80) - ((b[0] ?? 0) ^ 0x80);
  return first !== 0 ? first : Buffer.compare(a, b);
}

function shown(
  columns: SerializationHeader['staticColumns'],
  definition: Table | View | undefined,
  kind: 'static' | 'regular',
): ShownColumn[] {
  const wanted = definition
    ? columnsOfKind(definition, kind).map((column) => ({
        name: column.name,
        type: column.type,
        bytes: columnNameBytes(column),
      }))
    : columns.map(({ name, type, nameBytes }) => ({ name, type, bytes: nameBytes }));
  return wanted
    .toSorted((a, b) => compareNames(a.bytes, b.bytes))
    .map(({ name, type, bytes }) => {
      const index = columns.findIndex(({ nameBytes }) => Buffer.compare(nameBytes, bytes) === 0);
      return { label: labelOf(name), index, type, write: jsonWriter(type) };
    });
}
