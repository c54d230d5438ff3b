/**
 * Summary.db, a sample of Index.db: by default each 128th key.
 *
 *   i32 minIndexInterval | i32 n | i64 bytes of offsets and entries | i32 samplingLevel | i32 n at the full sampling level
 *   | n × i32 offset of the entry, from the first offset on                                    in the byte order of the machine: little-endian
 *   | n × (key, i64 position in Index.db)                                                     the position little-endian
 *   | i32 length, first key | i32 length, last key
 */
import { Cursor, type CursorContext } from '../bytes/cursor.js';
import { readWhole, type Storage } from '../bytes/source.js';
import { ByteWriter } from '../bytes/writer.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import { SummaryEntries, type SummaryEntry } from './summary-entries.js';

const HEADER_BYTES = 24;
/** The sampling level of a summary that nobody thinned out. */
export const BASE_SAMPLING_LEVEL = 128;
const MAX_SUMMARY_BYTES = 0x7fffffff;

export type IndexSummary = {
  readonly minIndexInterval: number;
  readonly samplingLevel: number;
  readonly sizeAtFullSampling: number;
  /** In the order of the SSTable. */
  readonly entries: SummaryEntries;
  readonly firstKey: Uint8Array;
  readonly lastKey: Uint8Array;
};

/** `undefined` where the SSTable has none: Cassandra makes a new one. @throws CorruptError, UsageError */
export function readSummary(storage: Storage, descriptor: Descriptor): IndexSummary | undefined {
  const file = componentPath(descriptor, COMPONENT.summary);
  if (!storage.stat(file)) return undefined;
  return decodeSummary(readWhole(storage, file, MAX_SUMMARY_BYTES), { file, component: COMPONENT.summary });
}

/** @throws CorruptError */
export function decodeSummary(bytes: Uint8Array, context: CursorContext = {}): IndexSummary {
  const cursor = new Cursor(bytes, context);
  const minIndexInterval = cursor.i32();
  const count = cursor.count(cursor.i32(), 4, 'summary entries');
  const size = cursor.i64AsNumber();
  const samplingLevel = cursor.i32();
  const sizeAtFullSampling = cursor.i32();
  if (size < count * 12 || size > cursor.left) {
    throw cursor.corrupt('size of the entries does not fit the file', {
      offset: 8,
      seen: size,
      expected: `at least ${count * 12}, with ${cursor.left} bytes left`,
    });
  }
  const table = cursor.view(size);
  const firstKey = cursor.bytes(cursor.i32());
  const lastKey = cursor.bytes(cursor.i32());
  cursor.expectEnd();
  return {
    minIndexInterval,
    samplingLevel,
    sizeAtFullSampling,
    entries: SummaryEntries.decode(table, count, cursor, HEADER_BYTES),
    firstKey,
    lastKey,
  };
}

/**
 * Keys of at most `count` entries, spread evenly, and the last key: without taking the others apart. `undefined` where there is no summary.
 * @throws CorruptError, UsageError
 */
export function readSampleKeys(storage: Storage, descriptor: Descriptor, count: number): Uint8Array[] | undefined {
  const file = componentPath(descriptor, COMPONENT.summary);
  if (!storage.stat(file)) return undefined;
  const cursor = new Cursor(readWhole(storage, file, MAX_SUMMARY_BYTES), { file, component: COMPONENT.summary });
  cursor.skip(4);
  const entries = cursor.count(cursor.i32(), 12, 'summary entries');
  const size = cursor.i64AsNumber();
  cursor.skip(8);
  if (size < entries * 12 || size > cursor.left) throw cursor.corrupt('size of the entries', { offset: 8, seen: size });
  const table = cursor.view(size);
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  const little = entries === 0 || view.getInt32(0, true) === entries * 4;
  const keys: Uint8Array[] = [];
  const step = Math.max(1, entries / count);
  for (let at = 0; at < entries; at += step) {
    const i = Math.floor(at);
    const start = view.getInt32(i * 4, little);
    const end = i + 1 < entries ? view.getInt32(i * 4 + 4, little) : size;
    if (start < entries * 4 || end < start + 8 || end > size) {
      throw cursor.corrupt('offset of a summary entry', { offset: HEADER_BYTES + i * 4, seen: start });
    }
    keys.push(table.subarray(start, end - 8));
  }
  cursor.skip(cursor.i32());
  const last = cursor.bytes(cursor.i32());
  const before = keys.at(-1);
  return before && Buffer.compare(before, last) === 0 ? keys : [...keys, last];
}

/** What is to be written: entries from wherever. */
export type NewIndexSummary = Omit<IndexSummary, 'entries'> & {
  readonly entries: readonly SummaryEntry[] | SummaryEntries;
};

export function encodeSummary(summary: NewIndexSummary): Buffer {
  const { entries } = summary;
  let keyBytes = 0;
  for (const { key } of entries) keyBytes += key.length;
  const out = new ByteWriter(HEADER_BYTES + keyBytes + entries.length * 12 + 512);
  out.i32(summary.minIndexInterval);
  out.i32(entries.length);
  out.i64FromNumber(keyBytes + entries.length * 12);
  out.i32(summary.samplingLevel);
  out.i32(summary.sizeAtFullSampling);
  let offset = entries.length * 4;
  for (const { key } of entries) {
    out.reserve(4);
    out.pos = out.buf.writeInt32LE(offset, out.pos);
    offset += key.length + 8;
  }
  for (const { key, position } of entries) {
    out.bytes(key);
    out.reserve(8);
    out.pos = out.buf.writeBigInt64LE(BigInt(position), out.pos);
  }
  for (const key of [summary.firstKey, summary.lastKey]) {
    out.i32(key.length);
    out.bytes(key);
  }
  return out.toBytes();
}

/**
 * The last entry that `isBefore` tells to lie before what is sought, `undefined` where none does: a scan of Index.db may begin there.
 */
export function floorEntry(
  entries: SummaryEntries,
  isBefore: (entry: SummaryEntry) => boolean,
): SummaryEntry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (isBefore(entries.at(mid)!)) low = mid + 1;
    else high = mid;
  }
  return entries.at(low - 1);
}
