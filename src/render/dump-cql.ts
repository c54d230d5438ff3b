/**
 * A dump as CQL that writes the same cells again: a statement a line, for cqlsh.
 *
 *   DELETE FROM ks.t USING TIMESTAMP µs WHERE …;                              deletions of partitions, rows and ranges
 *   DELETE a, m['k'] FROM ks.t USING TIMESTAMP µs WHERE …;                    cell tombstones and complex deletions
 *   INSERT INTO ks.t (k, c, a) VALUES (…) USING TIMESTAMP µs AND TTL s;       a row's liveness, and the cells that share its time and expiry
 *   UPDATE ks.t USING TIMESTAMP µs AND TTL s SET a = 1, s = s + {2} WHERE …;  its other cells, static cells, rows without liveness
 *   UPDATE ks.t SET n = n + 5 WHERE …;                                        counters
 *
 * TTL is the time left at `nowSeconds`, so that a cell expires when it would have; 0 stands where none is, against the table's default. A cell
 * that has expired is deleted at its timestamp, liveness that has is written with a TTL of one second: either hides what is older, as before.
 *
 * What CQL has no words for, and the script's head says: since when a tombstone counts for gc_grace, the ids of list elements (and so their
 * tombstones), shards of counters, times of counters (their deletions are left out, for without a time they would delete what is there).
 * Statements name no more than the table's names and the values: text that could break a line or a comment is written as bytes.
 */
import { ByteWriter } from '../bytes/writer.js';
import { maybeQuote, qualifiedName } from '../cql/identifier.js';
import { isCounter, isMultiCell } from '../cql/type-facts.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import { NO_DELETION_TIME } from '../sstable/deletion-slot.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { type CellGroup, type CqlColumn, cqlColumn, RowCells } from './cql-cells.js';
import { RowKeyText } from './cql-key.js';
import { type RangeBound, rangeRelations } from './cql-range.js';
import { type DumpContext, drain, FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';
import { plainText } from './plain-text.js';
import { secondsTimeText } from './time.js';

const t = (text: string) => Buffer.from(text, 'utf8');
const AND = t(' AND ');
const EQUALS = t(' = ');
const WHERE = t(' WHERE ');
const SET = t(' SET ');
const TIMESTAMP = t(' USING TIMESTAMP ');
const TTL = t(' AND TTL ');
const VALUES = t(') VALUES (');
const END_OF_STATEMENT = t(';\n');
/** Twenty years: what Cassandra takes at most. Only times that are wrong in the file are beyond it. */
const MAX_TTL = 630_720_000;

/** The open side of a range tombstone, kept until its close. */
type OpenRange = {
  bound: RangeBound | undefined;
  hi: number;
  lo: number;
  isWanted: boolean;
};

export class CqlWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly header: SerializationHeader;
  private readonly context: DumpContext;
  private readonly key: RowKeyText;
  private readonly rangeColumns: readonly { name: string; isDescending: boolean }[];
  private readonly statics: readonly CqlColumn[];
  private readonly regulars: readonly CqlColumn[];
  private readonly isCounter: boolean;
  private readonly insertInto: Uint8Array;
  private readonly update: Uint8Array;
  private readonly deleteFrom: Uint8Array;
  private readonly from: Uint8Array;
  private readonly cells = new RowCells();
  private range: OpenRange = { bound: undefined, hi: 0, lo: 0, isWanted: false };

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
    this.key = new RowKeyText(header, context);
    this.rangeColumns = header.clusteringTypes.map(({ kind }, i) => ({
      name: maybeQuote(context.clustering[i] ?? `column${i + 1}`),
      isDescending: kind === 'reversed',
    }));
    this.statics = header.staticColumns.map((column) => cqlColumn(column, this.isDropped(column)));
    this.regulars = header.regularColumns.map((column) => cqlColumn(column, this.isDropped(column)));
    this.isCounter = [...header.staticColumns, ...header.regularColumns].some(({ type }) => isCounter(type));
    const table = qualifiedName(context.keyspace, context.table);
    this.insertInto = t(`INSERT INTO ${table} (`);
    this.update = t(`UPDATE ${table}`);
    this.deleteFrom = t(`DELETE FROM ${table}`);
    this.from = t(` FROM ${table}`);
  }

  begin(): void {
    const { context } = this;
    const table = qualifiedName(context.keyspace, context.table);
    const lines = [
      `${table}, written by lsmctl from ${context.sstable}`,
      `Times to live are what was left at ${secondsTimeText(context.nowSeconds)}; what had expired by then is deleted.`,
      'Tombstones count for gc_grace_seconds from when this runs.',
    ];
    const columns = [...this.header.staticColumns, ...this.header.regularColumns];
    const names = (of: readonly Column[]) => of.map(({ name }) => maybeQuote(name)).join(', ');
    const dropped = columns.filter((column) => this.isDropped(column));
    if (dropped.length > 0) lines.push(`Cells of columns that have been dropped are left out: ${names(dropped)}.`);
    const lists = columns.filter((column) => isMultiCell(column.type) && column.type.kind === 'list');
    if (lists.length > 0) {
      lines.push(
        `Elements of ${names(lists)} are appended, with new ids: run this once, where the lists are empty or deleted.`,
      );
    }
    if (this.isCounter) {
      lines.push(
        'Counters are added to what is there, without shards and times: run this once, on rows that are not there.',
      );
      lines.push(
        'Deletions are left out: in a table of counters they take no timestamp, and would delete what is newer.',
      );
    }
    for (const line of lines) this.comment(line);
  }

  end(): void {}

  continueAfter(): void {}

  flush(): void {
    drain(this.out, this.sink);
  }

  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean {
    const { out } = this;
    let wanted = 0;
    this.key.partition(c);
    this.range.bound = undefined;
    if (c.hasPartitionDeletion && (!filter || filter.wantsPartition(c))) {
      this.deleteFromTable(c.partitionDeletion.hi, c.partitionDeletion.lo);
      wanted++;
    }
    if (c.readStaticRow() && !c.isEmptyRow() && (!filter || filter.wantsRow(c))) {
      this.row(c, this.statics);
      wanted++;
    }
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      const isWanted = !filter || (kind === ROW ? filter.wantsRow(c) : filter.wantsMarker(c));
      if (kind !== ROW) this.marker(c, isWanted);
      else if (isWanted) this.row(c, this.regulars);
      if (isWanted) wanted++;
      if (out.pos >= FLUSH_BYTES) this.flush();
    }
    this.endOfRanges(c, filter !== undefined);
    if (out.pos >= FLUSH_BYTES) this.flush();
    return wanted > 0;
  }

  /** The empty name is that of the column which compact tables without any have. */
  private isDropped({ name }: Column): boolean {
    const { columns } = this.context;
    return columns !== undefined && name !== '' && !columns.includes(name);
  }

  private comment(line: string): void {
    this.out.utf8(`-- ${plainText(line)}\n`);
  }

  private row(c: UnfilteredCursor, columns: readonly CqlColumn[]): void {
    const { cells } = this;
    if (c.isStatic) this.key.toPartition();
    else this.key.row(c);
    if (c.hasDeletion) this.deleteFromTable(c.deletion.hi, c.deletion.lo);
    cells.reset();
    const hasExpired = c.hasLiveness && this.hasExpired(c.livenessTtl, c.livenessLocalExpiration);
    const isInsert = c.hasLiveness && !hasExpired;
    if (isInsert) {
      cells.group(c.livenessHi, c.livenessLo, c.livenessTtl === 0 ? NO_DELETION_TIME : c.livenessLocalExpiration);
    }
    this.takeCells(c, columns, isInsert);
    if (cells.lostListElements > 0) {
      this.comment(
        `${cells.lostListElements} deleted or expired elements of lists, which CQL cannot name, are not in:`,
      );
    }
    this.deletions();
    if (hasExpired) this.insert(c.livenessHi, c.livenessLo, 1, undefined);
    if (isInsert) {
      const group = cells.groups[0]!;
      this.insert(group.hi, group.lo, this.left(group.expires), group);
    }
    this.updates();
  }

  private deletions(): void {
    const { cells, out } = this;
    for (let i = 0; i < cells.deletionCount && !this.isCounter; i++) {
      const { names, hi, lo } = cells.deletions[i]!;
      out.ascii('DELETE ');
      out.bytes(names.buf, 0, names.pos);
      out.bytes(this.from);
      this.timestamp(hi, lo);
      this.endWhere();
    }
    cells.deletionCount = 0;
  }

  private updates(): void {
    const { cells } = this;
    for (let i = 0; i < cells.groupCount; i++) {
      if (cells.groups[i]!.assignments.pos > 0) this.updateGroup(cells.groups[i]!);
    }
    for (let i = 0; i < cells.listCount; i++) this.appendList(cells.lists[i]!.column, cells.lists[i]!.group);
  }

  /** Writes what there is of a row with a great many cells; the INSERT, where there is one, waits for the row's end. */
  private writeHalfway(isInsert: boolean): void {
    const { cells, out } = this;
    this.deletions();
    this.updates();
    if (isInsert) cells.groups[0]!.assignments.pos = 0;
    cells.groupCount = isInsert ? 1 : 0;
    cells.listCount = 0;
    if (out.pos >= FLUSH_BYTES) this.flush();
  }

  private takeCells(c: UnfilteredCursor, columns: readonly CqlColumn[], isInsert: boolean): void {
    const { cells } = this;
    while (c.nextColumn()) {
      const column = columns[c.columnIndex]!;
      if (column.kind === 'dropped') continue;
      if (c.hasComplexDeletion) cells.deletion(c.complexDeletion.hi, c.complexDeletion.lo).add(column);
      while (c.nextCell()) {
        if (cells.isFull) this.writeHalfway(isInsert);
        if (c.cellIsDeleted || this.hasExpired(c.cellTtl, c.cellLocalDeletion)) {
          this.deletedCell(c, column);
        } else if (column.kind === 'list') {
          cells.appendToList(column, c);
        } else if (column.kind === 'empty') {
          this.insert(c.cellHi, c.cellLo, this.left(c.cellLocalDeletion), undefined);
        } else {
          const group = cells.group(c.cellHi, c.cellLo, c.cellLocalDeletion);
          if (isInsert && column.kind === 'simple' && group === cells.groups[0]) {
            group.insert(column, c.in.buf, c.valueStart, c.valueEnd);
          } else {
            group.assign(column, c);
          }
        }
      }
    }
  }

  private deletedCell(c: UnfilteredCursor, column: CqlColumn): void {
    const { cells } = this;
    if (column.kind === 'list') cells.lostListElements++;
    else if (column.kind === 'simple' || column.kind === 'counter') cells.deletion(c.cellHi, c.cellLo).add(column);
    else if (column.kind === 'empty') this.deleteFromTable(c.cellHi, c.cellLo);
    else cells.deletion(c.cellHi, c.cellLo).addElement(column, c);
  }

  private hasExpired(ttl: number, expires: number): boolean {
    return ttl !== 0 && expires <= this.context.nowSeconds;
  }

  /** The TTL of what expires then. */
  private left(expires: number): number {
    return expires === NO_DELETION_TIME ? 0 : Math.min(expires - this.context.nowSeconds, MAX_TTL);
  }

  private timestamp(hi: number, lo: number): void {
    this.out.bytes(TIMESTAMP);
    this.out.decimal64(hi, lo);
  }

  private endWhere(): void {
    const { out } = this;
    const { where } = this.key;
    out.bytes(WHERE);
    out.bytes(where.buf, 0, where.pos);
    out.bytes(END_OF_STATEMENT);
  }

  private insert(hi: number, lo: number, ttl: number, group: CellGroup | undefined): void {
    const { out } = this;
    const { names, values } = this.key;
    out.bytes(this.insertInto);
    out.bytes(names.buf, 0, names.pos);
    if (group) out.bytes(group.names.buf, 0, group.names.pos);
    out.bytes(VALUES);
    out.bytes(values.buf, 0, values.pos);
    if (group) out.bytes(group.values.buf, 0, group.values.pos);
    out.u8(0x29);
    this.timestamp(hi, lo);
    out.bytes(TTL);
    out.decimal(ttl);
    out.bytes(END_OF_STATEMENT);
  }

  private updateGroup(group: CellGroup): void {
    const { out } = this;
    group.close();
    this.beginUpdate(group);
    out.bytes(group.assignments.buf, 0, group.assignments.pos);
    this.endWhere();
  }

  private appendList(column: CqlColumn, group: CellGroup): void {
    const { out } = this;
    this.beginUpdate(group);
    out.bytes(column.name);
    out.bytes(EQUALS);
    out.bytes(column.name);
    out.ascii(' + [');
    out.bytes(group.values.buf, 0, group.values.pos);
    out.u8(0x5d);
    this.endWhere();
  }

  private beginUpdate(group: CellGroup): void {
    const { out } = this;
    out.bytes(this.update);
    if (!this.isCounter) {
      this.timestamp(group.hi, group.lo);
      out.bytes(TTL);
      out.decimal(this.left(group.expires));
    }
    out.bytes(SET);
  }

  /** Deletes the partition or row in hand. @param relations further ones, of a range */
  private deleteFromTable(hi: number, lo: number, relations = ''): void {
    if (this.isCounter) return;
    const { out } = this;
    const { where } = this.key;
    out.bytes(this.deleteFrom);
    this.timestamp(hi, lo);
    if (relations === '') {
      this.endWhere();
      return;
    }
    out.bytes(WHERE);
    out.bytes(where.buf, 0, where.pos);
    out.bytes(AND);
    out.utf8(relations);
    out.bytes(END_OF_STATEMENT);
  }

  private marker(c: UnfilteredCursor, isWanted: boolean): void {
    // ordinals of BOUND_KINDS: 0 excl end, 1 incl start, 2 excl end/incl start, 5 incl end/excl start, 6 incl end, 7 excl start
    const kind = c.boundKind;
    const { range } = this;
    const isStart = kind === 1 || kind === 7;
    if (isStart !== (range.bound === undefined)) {
      throw c.corruptHere(
        isStart ? 'a range tombstone begins within another' : 'a range tombstone ends that never began',
      );
    }
    const values = this.key.boundValues(c);
    if (range.bound) {
      if (isWanted || range.isWanted) this.rangeDeletion(range, { values, isInclusive: kind === 5 || kind === 6 });
      range.bound = undefined;
      if (kind === 0 || kind === 6) return;
    }
    const d = isStart ? c.deletion : c.openDeletion;
    range.bound = { values, isInclusive: kind === 1 || kind === 2 };
    range.hi = d.hi;
    range.lo = d.lo;
    range.isWanted = isWanted;
  }

  private rangeDeletion(range: OpenRange, end: RangeBound): void {
    const start = range.bound!;
    this.key.toPartition();
    if (start.values.includes('') || end.values.includes('')) {
      this.comment('A range deletion with an absent clustering value, which CQL cannot name, is left out.');
      return;
    }
    for (const relations of rangeRelations(this.rangeColumns, start, end)) {
      if (relations !== '' || this.statics.length === 0) this.deleteFromTable(range.hi, range.lo, relations);
      else this.comment('A range deletion of all rows but not of the static one, which CQL cannot name, is left out.');
    }
  }

  /** A range that is still open is corrupt, unless the dump stops before the partition's end. */
  private endOfRanges(c: UnfilteredCursor, mayStop: boolean): void {
    const { range } = this;
    if (!range.bound) return;
    if (!mayStop) throw c.corruptHere('a range tombstone never ends');
    if (range.isWanted) this.comment('The last range deletion ends beyond what was asked for, and is left out.');
    range.bound = undefined;
  }
}
