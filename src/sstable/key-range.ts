/**
 * First and last partition key of an SSTable, without reading its index: from oa on they stand in Statistics.db, before in Summary.db:
 *
 *   i32 minIndexInterval | i32 entries | i64 bytes | i32 samplingLevel | i32 sizeAtFullSampling | bytes of samples | first key | last key
 *
 * a key being i32 length and that many bytes.
 */
import { Cursor } from '../bytes/cursor.js';
import type { ByteSource, Storage } from '../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import type { StatsBounds } from './metadata/stats.js';

export type KeyRange = { readonly first: Uint8Array; readonly last: Uint8Array };

const SUMMARY_HEADER_BYTES = 24;
/** Two keys at their longest (65,535 bytes each, and their lengths). */
const MAX_KEYS_BYTES = 2 * (4 + 0xffff);

/** `undefined` before oa where there is no Summary.db: a node makes it anew from the index. @throws CorruptError, UsageError */
export function readKeyRange(
  storage: Storage,
  descriptor: Descriptor,
  statistics: { readonly stats: Pick<StatsBounds, 'firstKey' | 'lastKey'> },
): KeyRange | undefined {
  if (descriptor.version.hasKeyRange) {
    const { firstKey, lastKey } = statistics.stats;
    return firstKey && lastKey && { first: firstKey, last: lastKey };
  }
  const file = componentPath(descriptor, COMPONENT.summary);
  if (!storage.stat(file)) return undefined;
  const source = storage.open(file);
  try {
    return readSummaryKeys(source, file);
  } finally {
    source.close();
  }
}

function readSummaryKeys(source: ByteSource, file: string): KeyRange {
  const header = readAt(source, file, 0, SUMMARY_HEADER_BYTES);
  header.skip(8);
  const sampleBytes = header.i64AsNumber();
  const at = SUMMARY_HEADER_BYTES + sampleBytes;
  if (sampleBytes < 0 || at > source.size) {
    throw header.corrupt('length of the samples is out of the file', {
      offset: 8,
      seen: sampleBytes,
      expected: source.size,
    });
  }
  const keys = readAt(source, file, at, Math.min(MAX_KEYS_BYTES, source.size - at));
  return { first: keys.bytes(keys.i32()), last: keys.bytes(keys.i32()) };
}

function readAt(source: ByteSource, file: string, position: number, length: number): Cursor {
  const bytes = new Uint8Array(length);
  const n = source.read(position, bytes, 0, length);
  return new Cursor(bytes, { file, component: COMPONENT.summary }, 0, n, position);
}
