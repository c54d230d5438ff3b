/**
 * Statistics.db, each part of it as far as it can be had. Without the header nothing of Data.db can be read: timestamps are differences to what stands
 * there, and rows name their columns by their places in it. Where one byte of a part is wrong, its checksum tells which.
 */
import { crc32 } from '../../bytes/crc32.js';
import { Cursor } from '../../bytes/cursor.js';
import { CorruptError, LsmctlError } from '../../bytes/errors.js';
import { readWhole, type Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import type { StatsMetadata } from '../../sstable/metadata/stats.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { Statistics, type ValidationMetadata } from '../../sstable/statistics.js';
import { repairByte } from './byte-repair.js';

export type SalvagedStatistics = {
  readonly header: SerializationHeader;
  readonly stats?: StatsMetadata;
  readonly validation?: ValidationMetadata;
  /** What was wrong, and what was made of it. */
  readonly notes: readonly string[];
};

const MAX_BYTES = 1 << 26;

/** @throws CorruptError, UsageError where the header is lost */
export function salvageStatistics(storage: Storage, descriptor: Descriptor): SalvagedStatistics {
  const file = componentPath(descriptor, COMPONENT.statistics);
  const { version } = descriptor;
  const bytes = readWhole(storage, file, MAX_BYTES);
  const notes: string[] = [];
  const repaired = version.hasMetadataChecksum ? repairParts(bytes, notes) : bytes;
  try {
    const statistics = new Statistics(repaired, file, version);
    const { header } = statistics;
    const stats = part(() => statistics.stats, 'level, repair and times', notes);
    const validation = part(() => statistics.validation, 'partitioner and bloom_filter_fp_chance', notes);
    return { header, ...(stats && { stats }), ...(validation && { validation }), notes };
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    throw new CorruptError(
      `the serialization header is lost, and with it the times that all others are stored as differences to, which no other SSTable has: ${error.message}`,
      {
        ...error.facts,
        file,
        component: COMPONENT.statistics,
        hint: 'put Statistics.db of a snapshot or backup of this very SSTable in its place and salvage again; copies below the same table directory are found by themselves',
      },
      { cause: error },
    );
  }
}

function part<T>(read: () => T, what: string, notes: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    notes.push(`${COMPONENT.statistics}: ${what} are lost: ${error.message}`);
    return undefined;
  }
}

/** The bytes with each checksummed piece put right in which one byte is wrong. Pieces that are damaged otherwise stay as they are. */
function repairParts(bytes: Uint8Array, notes: string[]): Uint8Array {
  const out = bytes.slice();
  if (!repairPiece(out, [[0, 4]], 4, notes)) return out;
  const count = new Cursor(out).i32();
  const tableEnd = 8 + count * 8;
  if (count < 1 || count > 16 || tableEnd + 4 > out.length) return out;
  if (!repairPiece(out, [[0, 4], [8, tableEnd]], tableEnd, notes)) return out; // biome-ignore format: pairs
  const starts: number[] = [];
  const table = new Cursor(out, {}, 8);
  for (let i = 0; i < count; i++) {
    table.i32();
    starts.push(table.i32());
  }
  const ends = [...starts.slice().sort((a, b) => a - b), out.length];
  for (const start of starts) {
    const end = ends.find((other) => other > start) ?? out.length;
    if (start >= tableEnd && end - 4 > start && end <= out.length) repairPiece(out, [[start, end - 4]], end - 4, notes);
  }
  return out;
}

/** @returns whether the piece, which may lie in several spans, now fits its checksum at `at` */
function repairPiece(
  bytes: Uint8Array,
  spans: readonly (readonly [start: number, end: number])[],
  at: number,
  notes: string[],
): boolean {
  const expected = new Cursor(bytes, {}, at).u32();
  const piece = Buffer.concat(spans.map(([start, end]) => bytes.subarray(start, end)));
  const found = repairByte(piece, expected);
  if (found === undefined) return false;
  if (found === 'sound') return true;
  if (found === 'checksum') {
    notes.push(`${COMPONENT.statistics}: the checksum at ${at} was wrong, not what it covers`);
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, crc32(piece));
    return true;
  }
  let left = found.offset;
  for (const [start, end] of spans) {
    if (left < end - start) {
      notes.push(`${COMPONENT.statistics}: byte ${start + left} was 0x${hex(bytes[start + left]!)}, its checksum wants 0x${hex(found.value)}`); // biome-ignore format: one line
      bytes[start + left] = found.value;
      return true;
    }
    left -= end - start;
  }
  return false;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
