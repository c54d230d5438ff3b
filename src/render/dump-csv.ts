/**
 * What lives in an SSTable as CSV (RFC 4180: lines end in CR LF, a field is quoted where it holds a comma, a quote or a line break):
 *
 *   partition key…, clustering…, static columns…, regular columns…, _writetime
 *
 * One line a row; static values have a line of their own, before the partition's rows, with the clustering left empty. An empty field is null,
 * `""` is empty text. `_writetime` is the newest timestamp of the row in microseconds: of the rows that several SSTables hold, the newest wins
 * (column by column in Cassandra). What is deleted or expired is left out; see live-rows.ts and cell-text.ts for what values look like.
 */
import { ByteWriter } from '../bytes/writer.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { LiveRows } from './live-rows.js';
import { type DumpContext, drain, FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;
const LINE_END = Buffer.from('\r\n');

export class CsvWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly rows: LiveRows;

  constructor(
    header: SerializationHeader,
    context: DumpContext,
    sink: TextSink,
    out: ByteWriter = new ByteWriter(FLUSH_BYTES * 2),
  ) {
    this.out = out;
    this.sink = sink;
    this.rows = new LiveRows(header, context);
  }

  begin(): void {
    const { out } = this;
    for (const { name } of this.rows.columns) {
      const bytes = Buffer.from(name, 'utf8');
      writeField(bytes, 0, bytes.length, out);
      out.u8(COMMA);
    }
    out.ascii('_writetime');
    out.bytes(LINE_END);
  }

  end(): void {}

  continueAfter(): void {}

  flush(): void {
    drain(this.out, this.sink);
  }

  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean {
    const { rows } = this;
    let lines = 0;
    rows.partition(c);
    if (c.readStaticRow() && this.row(c, filter)) lines++;
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind !== ROW) rows.marker(c);
      else if (this.row(c, filter)) lines++;
    }
    return lines > 0;
  }

  private row(c: UnfilteredCursor, filter: UnfilteredFilter | undefined): boolean {
    const { out, rows } = this;
    if (!rows.row(c)) return false;
    if (filter) {
      c.rewindRow();
      if (!filter.wantsRow(c)) return false;
    }
    for (let i = 0; i < rows.columns.length; i++) {
      if (rows.start[i]! >= 0) writeField(rows.text.buf, rows.start[i]!, rows.end[i]!, out);
      out.u8(COMMA);
    }
    out.decimal64(rows.writtenHi, rows.writtenLo);
    out.bytes(LINE_END);
    if (out.pos >= FLUSH_BYTES) this.flush();
    return true;
  }
}

function writeField(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  let plain = end > start;
  for (let i = start; i < end && plain; i++) {
    const byte = buf[i]!;
    plain = byte !== COMMA && byte !== QUOTE && byte !== CR && byte !== LF;
  }
  if (plain) {
    out.bytes(buf, start, end);
    return;
  }
  out.reserve((end - start) * 2 + 2);
  const target = out.buf;
  let pos = out.pos;
  target[pos++] = QUOTE;
  for (let i = start; i < end; i++) {
    const byte = buf[i]!;
    if (byte === QUOTE) target[pos++] = QUOTE;
    target[pos++] = byte;
  }
  target[pos++] = QUOTE;
  out.pos = pos;
}
