/**
 * What an SSTable holds as text, one line a deletion, row or marker:
 *
 *   deletion 5/100                 of the partition, written at 5 µs, local deletion time 100 s
 *   static: s=x@5                  the static row
 *   a b: @5 v=x@5 w=y@5+10=100     clustering a b; liveness at 5; a cell; one of TTL 10 that expires at 100 s (`@5+10=100` alone: liveness)
 *   a b: -5/100                    row deletion; `~5/100`: shadowable
 *   a: v-@5/100 m-5/100 m[p]=x@6   a cell tombstone; deletion of a multi-cell column; one of its cells, with the path p
 *   [a 5/100   (a 5/100            range tombstone markers: where a range begins …
 *   a] 5/100   a) 5/100            … where it ends …
 *   a)[ 5/100 6/200   a]( …        … and where one follows another: what ends first
 *
 * Clusterings, paths and values are text; `''` is the empty text and `0x…` are bytes. Markers may have fewer values than there are clustering columns.
 */
import { hiOf, loOf } from '../../../src/bytes/int64.js';
import { BOUND_KINDS } from '../../../src/cql/clustering.js';
import type { LivePartition } from '../../../src/engine/merge/live-view.js';
import { NO_DELETION_TIME } from '../../../src/sstable/deletion-slot.js';
import { MarkerBuffer } from '../../../src/sstable/marker-buffer.js';
import type { Cell, Column, DeletionTime, Partition, Row, Unfiltered } from '../../../src/sstable/row.js';
import { DeletionState, RowBuffer } from '../../../src/sstable/row-buffer.js';
import type { SerializationHeader } from '../../../src/sstable/serialization-header.js';
import type { SSTableWriter } from '../../../src/sstable/sstable-writer.js';

// ---- text to rows

export function bytesOf(text: string): Buffer {
  if (text === "''") return Buffer.alloc(0);
  return text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text, 'utf8');
}

export function textOf(bytes: Uint8Array): string {
  return bytes.length === 0 ? "''" : Buffer.from(bytes).toString('utf8');
}

export function writePartition(
  writer: SSTableWriter,
  header: SerializationHeader,
  key: Uint8Array,
  lines: readonly string[],
): void {
  const deletion = new DeletionState();
  const staticRow = new RowBuffer();
  staticRow.clearStatic();
  const rest: string[] = [];
  for (const line of lines) {
    if (line.startsWith('deletion ')) setDeletion(deletion, line.slice('deletion '.length));
    else if (line.startsWith('static:')) fillRow(staticRow, header.staticColumns, line.slice('static:'.length));
    else rest.push(line);
  }
  writer.startPartition(key, key.length, deletion);
  if (header.staticColumns.length > 0) writer.staticRow(staticRow);
  for (const line of rest) {
    const marker = parseMarker(line);
    if (marker) writer.marker(marker);
    else writer.row(parseRow(line, header));
  }
  writer.endPartition();
}

function setDeletion(state: DeletionState, text: string): void {
  const { ts, local } = parse(/^(?<ts>-?\d+)\/(?<local>\d+)$/, text);
  state.set(hiOf(BigInt(ts!)), loOf(BigInt(ts!)), Number(local));
}

function parse(pattern: RegExp, text: string): Record<string, string | undefined> {
  const found = pattern.exec(text);
  if (!found) throw new Error(`can't read '${text}'`);
  return { ...found.groups };
}

const STARTS: Readonly<Record<string, number>> = { '[': 1, '(': 7 };
const ENDS: Readonly<Record<string, number>> = { ')': 0, ']': 6 };
const BOUNDARIES: Readonly<Record<string, number>> = { ')[': 2, '](': 5 };

function parseMarker(line: string): MarkerBuffer | undefined {
  const marker = new MarkerBuffer();
  const boundary = /^(.*?)(\)\[|\]\() (\S+) (\S+)$/.exec(line);
  const start = /^([[(])(.*?) ?(\S+\/\d+)$/.exec(line);
  const end = /^([^:]*?)([\])]) (\S+)$/.exec(line);
  let values: string;
  if (boundary) {
    marker.kind = BOUNDARIES[boundary[2]!]!;
    values = boundary[1]!;
    setDeletion(marker.deletion, boundary[3]!);
    setDeletion(marker.openDeletion, boundary[4]!);
  } else if (start) {
    marker.kind = STARTS[start[1]!]!;
    values = start[2]!;
    setDeletion(marker.deletion, start[3]!);
  } else if (end) {
    marker.kind = ENDS[end[2]!]!;
    values = end[1]!;
    setDeletion(marker.deletion, end[3]!);
  } else return undefined;
  Object.assign(marker, clusteringOf(values));
  return marker;
}

function clusteringOf(text: string) {
  const values = text === '' ? [] : text.split(' ').map((value) => (value === 'null' ? null : bytesOf(value)));
  const clusteringStart = new Int32Array(values.length);
  const clusteringEnd = new Int32Array(values.length);
  let at = 0;
  values.forEach((value, i) => {
    clusteringStart[i] = value === null ? -1 : at;
    at += value?.length ?? 0;
    clusteringEnd[i] = value === null ? -1 : at;
  });
  const clusteringBuf = Buffer.concat(values.filter((value) => value !== null));
  return { clusteringBuf, clusteringStart, clusteringEnd, clusteringSize: values.length };
}

function parseRow(line: string, header: SerializationHeader): RowBuffer {
  const { key, rest } = parse(/^(?<key>[^:]*):(?<rest>.*)$/, line);
  const row = new RowBuffer();
  const { clusteringBuf, clusteringStart, clusteringEnd, clusteringSize } = clusteringOf(key!);
  row.takeClustering(clusteringBuf, clusteringStart, clusteringEnd, clusteringSize);
  fillRow(row, header.regularColumns, rest!);
  return row;
}

const TIME = String.raw`@(?<ts>-?\d+)(\+(?<ttl>\d+)=(?<expires>\d+))?`;
const LIVENESS = new RegExp(`^${TIME}$`);
const ROW_DELETION = /^(?<kind>[-~])(?<time>-?\d+\/\d+)$/;
const COLUMN_DELETION = /^(?<name>\w+)-(?<time>-?\d+\/\d+)$/;
const TOMBSTONE = /^(?<name>\w+)(\[(?<path>.*)\])?-@(?<ts>-?\d+)\/(?<local>\d+)$/;
const CELL = new RegExp(String.raw`^(?<name>\w+)(\[(?<path>.*)\])?=(?<value>[^@]*)${TIME}$`);

/** A cell as a row of it alone. */
type ParsedCell = { readonly path: string | undefined; readonly holder: RowBuffer };

function fillRow(row: RowBuffer, columns: readonly Column[], text: string): void {
  const cells = new Map<string, ParsedCell[]>();
  const deletions = new Map<string, DeletionState>();
  for (const item of text.trim().split(/ +/).filter(Boolean)) {
    if (LIVENESS.test(item)) {
      const { ts, ttl, expires } = parse(LIVENESS, item);
      const time = BigInt(ts!);
      row.setLiveness(hiOf(time), loOf(time), Number(ttl ?? 0), expires === undefined ? NO_DELETION_TIME : +expires);
    } else if (ROW_DELETION.test(item)) {
      const { kind, time } = parse(ROW_DELETION, item);
      setDeletion(row.deletion, time!);
      row.isDeletionShadowable = kind === '~';
    } else if (COLUMN_DELETION.test(item)) {
      const { name, time } = parse(COLUMN_DELETION, item);
      const deletion = new DeletionState();
      setDeletion(deletion, time!);
      deletions.set(name!, deletion);
    } else {
      const parsed = parse(TOMBSTONE.test(item) ? TOMBSTONE : CELL, item);
      const list = cells.get(parsed.name!) ?? [];
      cells.set(parsed.name!, list);
      list.push({ path: parsed.path, holder: cellOf(parsed) });
    }
  }
  const known = new Set(columns.map(({ name }) => name));
  for (const name of [...cells.keys(), ...deletions.keys()]) if (!known.has(name)) throw new Error(`no column ${name}`);
  columns.forEach(({ name }, index) => {
    row.startColumn(index);
    const deletion = deletions.get(name);
    if (deletion) row.setColumnDeletion(deletion.hi, deletion.lo, deletion.localDeletionSeconds);
    const ordered = (cells.get(name) ?? []).toSorted((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)));
    for (const { holder } of ordered) row.copyCell(holder, 0);
    row.endColumn();
  });
}

function pathBytes({ path }: ParsedCell): Buffer {
  return bytesOf(path ?? "''");
}

function cellOf(parsed: Record<string, string | undefined>): RowBuffer {
  const { path = "''", value = "''", ts, ttl, expires, local } = parsed;
  const holder = new RowBuffer();
  const [pathPart, valuePart] = [bytesOf(path), bytesOf(value === '' ? "''" : value)];
  holder.cellBuf[0] = Buffer.concat([pathPart, valuePart]);
  holder.cellHi[0] = hiOf(BigInt(ts!));
  holder.cellLo[0] = loOf(BigInt(ts!));
  holder.cellTtl[0] = Number(ttl ?? 0);
  holder.cellLocalDeletion[0] = (expires ?? local) ? Number(expires ?? local) : NO_DELETION_TIME;
  holder.pathStart[0] = 0;
  holder.pathEnd[0] = pathPart.length;
  holder.valueStart[0] = pathPart.length;
  holder.valueEnd[0] = pathPart.length + valuePart.length;
  return holder;
}

// ---- rows to text

export function partitionLines({ deletion, staticRow, unfiltereds }: Partition): string[] {
  const lines: string[] = [];
  if (deletion) lines.push(`deletion ${time(deletion)}`);
  if (staticRow) lines.push(`static: ${items(staticRow)}`);
  for (const unfiltered of unfiltereds) lines.push(unfilteredLine(unfiltered));
  return lines;
}

function time({ markedForDeleteAtMicros, localDeletionSeconds }: DeletionTime): string {
  return `${markedForDeleteAtMicros}/${localDeletionSeconds}`;
}

function valuesText(values: readonly (Uint8Array | null)[]): string {
  return values.map((value) => (value === null ? 'null' : textOf(value))).join(' ');
}

function unfilteredLine(unfiltered: Unfiltered): string {
  if (unfiltered.kind === 'row') return `${valuesText(unfiltered.clustering)}: ${items(unfiltered)}`.trim();
  const { boundKind, values, open, close } = unfiltered;
  const kind = BOUND_KINDS.indexOf(boundKind);
  const signOf = (signs: Readonly<Record<string, number>>) => Object.keys(signs).find((sign) => signs[sign] === kind);
  const text = valuesText(values);
  const start = signOf(STARTS);
  if (start) return `${start}${text} ${time(open!)}`;
  const end = signOf(ENDS);
  if (end) return `${text}${end} ${time(close!)}`;
  return `${text}${signOf(BOUNDARIES)} ${time(close!)} ${time(open!)}`;
}

function items({ liveness, deletion, isDeletionShadowable, complexDeletions, cells }: Row): string {
  const list: string[] = [];
  if (liveness) {
    const { timestampMicros, ttlSeconds, localExpirationSeconds } = liveness;
    list.push(`@${timestampMicros}${ttlSeconds ? `+${ttlSeconds}=${localExpirationSeconds}` : ''}`);
  }
  if (deletion) list.push(`${isDeletionShadowable ? '~' : '-'}${time(deletion)}`);
  const columns = [...new Set([...complexDeletions, ...cells].map(({ column }) => column.name))].sort();
  for (const name of columns) {
    for (const one of complexDeletions) if (one.column.name === name) list.push(`${name}-${time(one.deletion)}`);
    for (const cell of cells) if (cell.column.name === name) list.push(cellText(cell));
  }
  return list.join(' ');
}

function cellText({
  column,
  path,
  timestampMicros,
  ttlSeconds,
  localDeletionSeconds,
  isTombstone,
  value,
}: Cell): string {
  const name = path === undefined ? column.name : `${column.name}[${path.length === 0 ? "''" : textOf(path)}]`;
  if (isTombstone) return `${name}-@${timestampMicros}/${localDeletionSeconds}`;
  const isCounter = column.type.kind === 'native' && column.type.name === 'counter';
  const text = isCounter ? `0x${Buffer.from(value).toString('hex')}` : Buffer.from(value).toString('utf8');
  return `${name}=${text}@${timestampMicros}${ttlSeconds ? `+${ttlSeconds}=${localDeletionSeconds}` : ''}`;
}

export function liveLines(partitions: readonly LivePartition[]): string[] {
  return partitions.flatMap(({ key, staticRow, rows }) =>
    [...(staticRow ? [staticRow] : []), ...rows].map((row) => {
      const cells = [...row.cells.values()].flatMap(({ cells: live }) => live.map(cellText)).sort();
      const place = row === staticRow ? 'static' : valuesText(row.clustering);
      return `${textOf(key)} | ${place}: ${cells.join(' ')}`.trim();
    }),
  );
}
