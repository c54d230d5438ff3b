/**
 * What lives in an SSTable, for reading in a terminal: a table, where its columns fit the terminal's width, else a block a row:
 *
 *   user  at                        status   written                user = 7, at = 2023-11-14T22:13:20.000Z
 *   7     2023-11-14T22:13:20.000Z  shipped  2023-11-14T22:13:20Z     status   shipped
 *                                                                     note     a long text …
 *                                                                     written  2023-11-14T22:13:20.000005Z
 *
 * The first page of rows decides which; where the text goes to no terminal it is a table, and nothing is cut to a width. Tables are laid out a page at a time, so that nothing more than a page is held. Static values have a
 * row of their own, with `(static)` for a clustering. Null is blank, empty text is `''`; control characters are shown, not sent to the terminal;
 * long values end in `…`. Numbers stand to the right. What is deleted or expired is counted at the end.
 */
import { toBigInt } from '../bytes/int64.js';
import { ByteWriter } from '../bytes/writer.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { countText } from './bytes.js';
import { isNumber } from './cell-text.js';
import { LiveRows } from './live-rows.js';
import { type DumpContext, drain, FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';
import { plainText } from './plain-text.js';
import { tableText } from './table.js';
import { microsTimeText } from './time.js';

export type TableLayout = {
  /** Columns of the terminal; infinite where there is none: a table then, as wide as its values. */
  readonly width: number;
  /** Rows that a table's column widths are measured on. */
  readonly pageRows: number;
};

export const DEFAULT_LAYOUT: TableLayout = { width: 80, pageRows: 100 };
/** More of a value than any terminal shows. */
const MAX_VALUE_BYTES = 4096;
/** A table is chosen where it fits with columns cut to this width, those of the key never. */
const FAIR_COLUMN = 32;
/** Later pages may need to cut more. */
const LEAST_COLUMN = 8;
/** On a terminal, however wide. */
const MAX_COLUMN = 200;
const GAP = 2;

/** Values of the row's columns, undefined for null; `written` in microseconds. */
type PageRow = {
  readonly values: readonly (string | undefined)[];
  readonly isStatic: boolean;
  readonly written: bigint;
};

export class TableWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly rows: LiveRows;
  private readonly title: string;
  private readonly layout: TableLayout;
  private page: PageRow[] = [];
  private isTable: boolean | undefined;
  private shown = 0;
  private hidden = 0;
  private isWhole = true;

  constructor(
    header: SerializationHeader,
    context: DumpContext,
    sink: TextSink,
    layout: TableLayout = DEFAULT_LAYOUT,
    out: ByteWriter = new ByteWriter(FLUSH_BYTES * 2),
  ) {
    this.out = out;
    this.sink = sink;
    this.rows = new LiveRows(header, context);
    this.title = plainText(`${context.keyspace}.${context.table} in ${context.sstable}`);
    this.layout = layout;
  }

  begin(): void {
    this.out.utf8(`${this.title}\n\n`);
  }

  end(): void {
    this.writePage();
    if (!this.isWhole) return; // other writers have counted too
    const rows = `${countText(this.shown)} row${this.shown === 1 ? '' : 's'}`;
    const hidden = this.hidden > 0 ? `; ${countText(this.hidden)} deleted or expired not shown (--format ndjson)` : '';
    this.out.utf8(`${this.shown > 0 ? '\n' : ''}${rows}${hidden}\n`);
  }

  continueAfter(): void {
    this.isWhole = false;
  }

  flush(): void {
    this.writePage();
    drain(this.out, this.sink);
  }

  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean {
    const { rows } = this;
    let lines = 0;
    rows.partition(c);
    if (c.readStaticRow() && !c.isEmptyRow() && this.row(c, filter)) lines++;
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind !== ROW) rows.marker(c);
      else if (this.row(c, filter)) lines++;
    }
    return lines > 0;
  }

  private row(c: UnfilteredCursor, filter: UnfilteredFilter | undefined): boolean {
    const { rows } = this;
    const lives = rows.row(c);
    if (!lives) {
      this.hidden++;
      return false;
    }
    if (filter) {
      c.rewindRow();
      if (!filter.wantsRow(c)) return false;
    }
    const values = rows.columns.map((_, i) => this.value(i));
    this.page.push({ values, isStatic: c.isStatic, written: toBigInt(rows.writtenHi, rows.writtenLo) });
    this.shown++;
    if (this.page.length >= this.layout.pageRows) this.writePage();
    if (this.out.pos >= FLUSH_BYTES) this.flush();
    return true;
  }

  private value(column: number): string | undefined {
    const { text, start, end } = this.rows;
    const from = start[column]!;
    if (from < 0) return undefined;
    const length = end[column]! - from;
    if (length === 0) return "''";
    if (length <= MAX_VALUE_BYTES) return plainText(text.buf.toString('utf8', from, from + length));
    return `${plainText(text.buf.toString('utf8', from, from + MAX_VALUE_BYTES))}…`;
  }

  private writePage(): void {
    const { page } = this;
    if (page.length === 0) return;
    this.page = [];
    const rows = page.map((row) => this.cells(row));
    this.isTable ??= this.widest(rows, FAIR_COLUMN) >= FAIR_COLUMN;
    if (this.isTable) this.writeTable(rows);
    else for (const row of page) this.writeBlock(row);
  }

  /** The row as the cells of a table. */
  private cells({ values, isStatic, written }: PageRow): string[] {
    const { partitionKeyCount, keyCount } = this.rows;
    const cells = values.map(
      (value, i) => value ?? (isStatic && i === partitionKeyCount && i < keyCount ? '(static)' : ''),
    );
    // the second is enough to tell rows apart by
    return [...cells, microsTimeText(written).replace(/\.\d{6}Z$/, 'Z')];
  }

  /** The widest that columns may be, but for those of the key, so that a table of the rows fits; below `least` where none would. */
  private widest(rows: readonly (readonly string[])[], least: number): number {
    if (this.layout.width === Number.POSITIVE_INFINITY) return MAX_VALUE_BYTES;
    const titles = [...this.rows.columns.map(({ name }) => name), 'written'];
    const natural = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
    const { keyCount } = this.rows;
    let width = MAX_COLUMN;
    const needed = () => natural.reduce((sum, n, i) => sum + (i < keyCount ? n : Math.min(n, width)) + GAP, -GAP);
    while (width >= least && needed() > this.layout.width) width--;
    return width;
  }

  private writeTable(rows: readonly (readonly string[])[]): void {
    const columns = this.rows.columns.map(({ name, type }) => ({
      title: plainText(name),
      align: isNumber(type) ? ('right' as const) : ('left' as const),
    }));
    const { width } = this.layout;
    const widest = Math.max(LEAST_COLUMN, this.widest(rows, LEAST_COLUMN));
    const cells = rows.map((row) => row.map((cell, i) => (i < this.rows.keyCount ? cell : cut(cell, widest))));
    // a blank line tells where widths may change
    const gap = this.shown > rows.length ? '\n' : '';
    this.out.utf8(`${gap}${tableText([...columns, { title: 'written' }], cells, { width })}\n`);
  }

  private writeBlock({ values, isStatic, written }: PageRow): void {
    const { columns, keyCount, partitionKeyCount } = this.rows;
    const { width } = this.layout;
    const key = values
      .slice(0, isStatic ? partitionKeyCount : keyCount)
      .map((value, i) => `${plainText(columns[i]!.name)} = ${value ?? ''}`);
    if (isStatic && keyCount > partitionKeyCount) key.push('(static)');
    const shown = columns.map(({ name }, i) => ({ name: plainText(name), value: values[i] })).slice(keyCount);
    const named = Math.max('written'.length, ...columns.slice(keyCount).map(({ name }) => plainText(name).length));
    const lines = shown
      .filter((column): column is { name: string; value: string } => column.value !== undefined)
      .map(({ name, value }) => `  ${name.padEnd(named)}  ${value}`);
    lines.push(`  ${'written'.padEnd(named)}  ${microsTimeText(written)}`);
    // keys are never cut
    const heading = key.join(', ').length <= width ? key.join(', ') : key.join('\n');
    this.out.utf8(`${[heading, ...lines.map((line) => cut(line, width))].join('\n')}\n`);
  }
}

function cut(line: string, width: number): string {
  const characters = [...line];
  return characters.length <= width ? line : `${characters.slice(0, Math.max(width - 1, 0)).join('')}…`;
}
