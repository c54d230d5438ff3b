/**
 * HEADER, the component of Statistics.db that says how rows are encoded (Cassandra's SerializationHeader.Component):
 *
 *   EncodingStats    uvint minTimestamp − E micros | uvint minLocalDeletionTime − E seconds | uvint minTTL       E = 2015-09-22T00:00:00Z
 *   key type         text
 *   clustering types uvint n, n × text
 *   static columns   uvint n, n × (bytes name, text type)
 *   regular columns  uvint n, n × (bytes name, text type)
 *
 * where `bytes` is uvint length and that many bytes, and `text` the same as UTF-8: a type in its marshal form. The deletion time and the TTL
 * are int32: a negative difference is sign-extended to 64 bits (Cassandra) or 63 (Scylla, which writes −1 for "none") and fills nine bytes.
 * 5.0 refuses to read it, 3.11 and 4.x take the low half, as is done here.
 */
import { Cursor, type CursorContext } from '../bytes/cursor.js';
import { ByteWriter } from '../bytes/writer.js';
import { parseMarshalType } from '../cql/marshal.js';
import type { CqlType } from '../cql/type.js';
import { isMultiCell } from '../cql/type-facts.js';
import type { Column } from './row.js';

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** 2015-09-22T00:00:00Z: what the three minima are stored against, and what they are where nothing was collected. */
export const EPOCH_SECONDS = 1442880000;
/** The same in microseconds, as halves. */
export const EPOCH_MICROS_HI = 335946;
export const EPOCH_MICROS_LO = 0xadda8000 | 0;

/** Minima that rows store their times against, absolute. Times in rows are differences to these. */
export type EncodingStats = {
  readonly minTimestampHi: number;
  readonly minTimestampLo: number;
  /** An int32, as Cassandra computes it: it wraps beyond 2038. */
  readonly minLocalDeletionSeconds: number;
  /** An int32; 0 where nothing expires, −1 there in files of Scylla. */
  readonly minTtlSeconds: number;
  /** The component's first bytes, where Cassandra would have written these minima otherwise (Scylla's files). */
  readonly stored?: Uint8Array;
};

export type StoredColumn = { readonly nameBytes: Uint8Array; readonly type: string };

/** The component as stored: marshal texts, columns in the order of the file. */
export type StoredHeader = {
  readonly keyType: string;
  readonly clusteringTypes: readonly string[];
  readonly staticColumns: readonly StoredColumn[];
  readonly regularColumns: readonly StoredColumn[];
};

export type SerializationHeader = {
  readonly keyType: CqlType;
  /** Of descending columns: `reversed`. */
  readonly clusteringTypes: readonly CqlType[];
  /** In the order in which rows hold cells, see {@link compareColumns}. */
  readonly staticColumns: readonly Column[];
  readonly regularColumns: readonly Column[];
  readonly encodingStats: EncodingStats;
  readonly stored: StoredHeader;
};

/** A header from marshal texts. @throws UnsupportedError, CorruptError when a type can't be parsed or a name occurs twice */
export function makeSerializationHeader(
  stored: StoredHeader,
  encodingStats: EncodingStats,
  context: CursorContext = {},
): SerializationHeader {
  const types = new Map<string, CqlType>();
  const typeOf = (text: string): CqlType => {
    let type = types.get(text);
    if (!type) {
      type = parseMarshalType(text, context);
      types.set(text, type);
    }
    return type;
  };
  const columnsOf = (columns: readonly StoredColumn[], isStatic: boolean): Column[] =>
    columns.map(({ nameBytes, type: text }) => {
      const type = typeOf(text);
      return { name: columnName(nameBytes), nameBytes, type, isComplex: isMultiCell(type), isStatic };
    });
  return {
    keyType: typeOf(stored.keyType),
    clusteringTypes: stored.clusteringTypes.map(typeOf),
    staticColumns: columnsOf(stored.staticColumns, true).sort(compareColumns),
    regularColumns: columnsOf(stored.regularColumns, false).sort(compareColumns),
    encodingStats,
    stored,
  };
}

/** @throws CorruptError, UnsupportedError (a type) */
export function decodeSerializationHeader(
  bytes: Uint8Array,
  context: CursorContext = {},
  base = 0,
): SerializationHeader {
  const cursor = new Cursor(bytes, context, 0, bytes.length, base);
  const encodingStats = readEncodingStats(cursor);
  const keyType = readText(cursor);
  const clusteringTypes = readList(cursor, 'clustering types', 1, () => readText(cursor));
  const staticColumns = readColumns(cursor, 'static columns');
  const regularColumns = readColumns(cursor, 'regular columns');
  cursor.expectEnd();
  return makeSerializationHeader({ keyType, clusteringTypes, staticColumns, regularColumns }, encodingStats, context);
}

export function encodeSerializationHeader(header: SerializationHeader): Uint8Array {
  const out = new ByteWriter(512);
  const { stored } = header;
  writeEncodingStats(header.encodingStats, out);
  writeText(stored.keyType, out);
  out.uvint(stored.clusteringTypes.length);
  for (const type of stored.clusteringTypes) writeText(type, out);
  for (const columns of [stored.staticColumns, stored.regularColumns]) {
    out.uvint(columns.length);
    for (const { nameBytes, type } of columns) {
      out.uvint(nameBytes.length);
      out.bytes(nameBytes);
      writeText(type, out);
    }
  }
  return out.toBytes();
}

/**
 * The order of columns in rows: simple ones first, then multi-cell ones, each by name. Names compare by their bytes, but for a quirk of
 * Cassandra's packed sort key (ColumnMetadata.comparisonOrder): names whose first byte is above 0x7f come before
 * those of ASCII.
 */
export function compareColumns(a: Column, b: Column): number {
  if (a.isComplex !== b.isComplex) return a.isComplex ? 1 : -1;
  const x = a.nameBytes;
  const y = b.nameBytes;
  const first = ((x[0] ?? 0) ^ 0x80) - ((y[0] ?? 0) ^ 0x80);
  return first !== 0 ? first : Buffer.compare(x, y);
}

/** A column's name as text; names that are not UTF-8 (compact tables of old) as hex. */
function columnName(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    return `0x${Buffer.from(bytes).toString('hex')}`;
  }
}

function readEncodingStats(cursor: Cursor): EncodingStats {
  const start = cursor.pos;
  cursor.uvint64();
  const lo = (cursor.lo >>> 0) + (EPOCH_MICROS_LO >>> 0);
  const hi = cursor.hi + EPOCH_MICROS_HI + (lo > 0xffffffff ? 1 : 0);
  const minLocalDeletionSeconds = (readInt32(cursor) + EPOCH_SECONDS) | 0;
  const minTtlSeconds = readInt32(cursor);
  const stats = { minTimestampHi: hi | 0, minTimestampLo: lo | 0, minLocalDeletionSeconds, minTtlSeconds };
  const stored = cursor.buf.slice(start, cursor.pos);
  const canonical = new ByteWriter(32);
  writeEncodingStats(stats, canonical);
  return canonical.view().equals(stored) ? stats : { ...stats, stored };
}

function writeEncodingStats(stats: EncodingStats, out: ByteWriter): void {
  if (stats.stored) {
    out.bytes(stats.stored);
    return;
  }
  const lo = (stats.minTimestampLo >>> 0) - (EPOCH_MICROS_LO >>> 0);
  const hi = stats.minTimestampHi - EPOCH_MICROS_HI - (lo < 0 ? 1 : 0);
  out.uvint64(hi | 0, lo | 0);
  writeInt32((stats.minLocalDeletionSeconds - EPOCH_SECONDS) | 0, out);
  writeInt32(stats.minTtlSeconds, out);
}

/**
 * An int32 in a vint that is unsigned: negative ones are sign-extended to 64 bits. Scylla fills the upper half with other bits; readers before
 * 5.0 drop it, so that is what it means.
 */
function readInt32(cursor: Cursor): number {
  cursor.uvint64();
  return cursor.lo;
}

function writeInt32(value: number, out: ByteWriter): void {
  out.uvint64(value >> 31, value);
}

function readText(cursor: Cursor): string {
  return cursor.utf8(cursor.uvint32());
}

function writeText(text: string, out: ByteWriter): void {
  const bytes = Buffer.from(text, 'utf8');
  out.uvint(bytes.length);
  out.bytes(bytes);
}

function readList<T>(cursor: Cursor, what: string, minBytesEach: number, readOne: () => T): T[] {
  const n = cursor.count(cursor.uvint32(), minBytesEach, what);
  const list: T[] = [];
  for (let i = 0; i < n; i++) list.push(readOne());
  return list;
}

function readColumns(cursor: Cursor, what: string): StoredColumn[] {
  const seen = new Set<string>();
  return readList(cursor, what, 2, () => {
    const offset = cursor.offset;
    const nameBytes = cursor.bytes(cursor.uvint32());
    const id = Buffer.from(nameBytes).toString('hex');
    if (seen.has(id)) throw cursor.corrupt('a column occurs twice', { offset, seen: columnName(nameBytes) });
    seen.add(id);
    return { nameBytes, type: readText(cursor) };
  });
}
