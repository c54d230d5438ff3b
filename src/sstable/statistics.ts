/**
 * Statistics.db, integers big-endian; the CRC-32s (`crc`) from na on:
 *
 *   i32 n | crc of it | n × (i32 component, i32 position) | crc of all before but the first crc | n × (component | crc of it)
 *
 *   0 VALIDATION   utf partitioner class | f64 bloom filter false positive chance      `utf` is a u16 length and that many bytes
 *   1 COMPACTION   [i32 n, n × i32 generation of an ancestor] | i32 length | sketch of the partition keys, see metadata/hyper-log-log.ts
 *   2 STATS        see metadata/stats.ts
 *   3 HEADER       see serialization-header.ts
 *
 * Ancestors are of versions before ma, but some mc files of Scylla have them. Cassandra writes components in this order. Some files of Scylla have another; 3.11 goes to each position, as is done here, later releases
 * take the difference to the next entry for the length and fail.
 */
import { crc32, crcText } from '../bytes/crc32.js';
import { Cursor } from '../bytes/cursor.js';
import { CorruptError } from '../bytes/errors.js';
import { readWhole, type Storage } from '../bytes/source.js';
import { ByteWriter } from '../bytes/writer.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import { histogramCount, histogramMean } from './metadata/estimated-histogram.js';
import { type HyperLogLog, readHyperLogLog, writeHyperLogLog } from './metadata/hyper-log-log.js';
import { readStats, readStatsBounds, type StatsBounds, type StatsMetadata, writeStats } from './metadata/stats.js';
import { tombstonesUntil } from './metadata/tombstone-histogram.js';
import {
  decodeSerializationHeader,
  encodeSerializationHeader,
  type SerializationHeader,
} from './serialization-header.js';
import type { Version } from './version.js';

/** In the order of their numbers. */
export const METADATA_TYPES = ['validation', 'compaction', 'stats', 'header'] as const;
export type MetadataType = (typeof METADATA_TYPES)[number];

export type ValidationMetadata = {
  /** Java class with package. */
  readonly partitioner: string;
  readonly bloomFilterFpChance: number;
};

export type CompactionMetadata = {
  /** Generations of the SSTables it was compacted from, where the file has a list. */
  readonly ancestors?: readonly number[];
  /** Of the partition keys. */
  readonly cardinalityEstimator: HyperLogLog;
};

/** What a Statistics.db holds; Cassandra's own files hold all four. */
export type StatisticsParts = {
  readonly validation?: ValidationMetadata;
  readonly compaction?: CompactionMetadata;
  readonly stats?: StatsMetadata;
  readonly header?: SerializationHeader;
};

type Entry = { readonly type: MetadataType; readonly start: number; readonly end: number };

/** No real one comes near. */
const MAX_BYTES = 1 << 26;

/**
 * Reads Statistics.db whole, in one read, and its table of contents; the parts are decoded when asked for.
 * @param scratch to read into, where it fits in: parts must then be asked for before it is used again
 * @throws UsageError, CorruptError
 */
export function readStatistics(storage: Storage, descriptor: Descriptor, scratch?: Uint8Array): Statistics {
  const file = componentPath(descriptor, COMPONENT.statistics);
  return new Statistics(readWhole(storage, file, MAX_BYTES, scratch), file, descriptor.version);
}

/** A Statistics.db in memory. Parts throw CorruptError when they are damaged or absent. */
export class Statistics {
  readonly file: string;
  readonly version: Version;
  private readonly bytes: Uint8Array;
  private readonly entries: readonly Entry[];
  private readonly decoded: { -readonly [K in MetadataType]?: StatisticsParts[K] } = {};

  constructor(bytes: Uint8Array, file: string, version: Version) {
    this.bytes = bytes;
    this.file = file;
    this.version = version;
    this.entries = readContents(bytes, file, version);
  }

  get validation(): ValidationMetadata {
    this.decoded.validation ??= this.part('validation', readValidation);
    return this.decoded.validation;
  }

  get compaction(): CompactionMetadata {
    this.decoded.compaction ??= this.part('compaction', readCompaction);
    return this.decoded.compaction;
  }

  get stats(): StatsMetadata {
    this.decoded.stats ??= this.part('stats', (cursor) => readStats(cursor, this.version));
    return this.decoded.stats;
  }

  /** A few of the {@link stats}, for some part of their cost. */
  get bounds(): StatsBounds {
    return this.decoded.stats ?? this.part('stats', (cursor) => boundsOf(cursor, this.version));
  }

  get header(): SerializationHeader {
    this.decoded.header ??= this.part('header', readHeader);
    return this.decoded.header;
  }

  has(type: MetadataType): boolean {
    return this.entries.some((entry) => entry.type === type);
  }

  /** Bytes that a part takes, its checksum included; 0 where it is not there. */
  bytesOf(type: MetadataType): number {
    const entry = this.entries.find((candidate) => candidate.type === type);
    return entry ? entry.end - entry.start : 0;
  }

  /** All that is there, decoded. */
  parts(): StatisticsParts {
    return Object.fromEntries(this.entries.map(({ type }) => [type, this[type]]));
  }

  private part<T>(type: MetadataType, read: (cursor: Cursor) => T): T {
    const context = { file: this.file, component: COMPONENT.statistics };
    const entry = this.entries.find((candidate) => candidate.type === type);
    if (!entry) throw new CorruptError(`has no ${type} metadata`, context);
    const { start } = entry;
    const end = this.version.hasMetadataChecksum ? entry.end - 4 : entry.end;
    if (this.version.hasMetadataChecksum) {
      checkCrc(this.bytes.subarray(start, end), new Cursor(this.bytes, context, end), `${type} metadata`, start);
    }
    const cursor = new Cursor(this.bytes, context, start, end);
    const value = read(cursor);
    cursor.expectEnd();
    return value;
  }
}

/** Bytes of a Statistics.db, as Cassandra lays them out. */
export function encodeStatistics(parts: StatisticsParts, version: Version): Buffer {
  const components = METADATA_TYPES.flatMap((type, ordinal) => {
    const bytes = encodePart(parts, type, version);
    return bytes ? [{ ordinal, bytes }] : [];
  });
  const crcBytes = version.hasMetadataChecksum ? 4 : 0;
  const out = new ByteWriter(8192);
  out.i32(components.length);
  let crc = crc32(out.view());
  if (crcBytes > 0) out.i32(crc);
  const contents = out.pos;
  let position = contents + 8 * components.length + crcBytes;
  for (const { ordinal, bytes } of components) {
    out.i32(ordinal);
    out.i32(position);
    position += bytes.length + crcBytes;
  }
  crc = crc32(out.view().subarray(contents), crc);
  if (crcBytes > 0) out.i32(crc);
  for (const { bytes } of components) {
    out.bytes(bytes);
    if (crcBytes > 0) out.i32(crc32(bytes));
  }
  return out.toBytes();
}

/** Share of the cells that are tombstones droppable at `gcBefore` (seconds since the epoch): an estimate from two histograms, can exceed 1. */
export function droppableTombstoneRatio(stats: StatsMetadata, gcBeforeSeconds: number): number {
  const cells = stats.estimatedCellPerPartitionCount;
  const count = histogramMean(cells) * histogramCount(cells);
  return count > 0 ? tombstonesUntil(stats.estimatedTombstoneDropTime, gcBeforeSeconds) / count : 0;
}

function readContents(bytes: Uint8Array, file: string, version: Version): Entry[] {
  const cursor = new Cursor(bytes, { file, component: COMPONENT.statistics });
  const n = cursor.count(cursor.i32(), 8, 'components');
  if (version.hasMetadataChecksum) checkCrc(bytes.subarray(0, 4), cursor, 'number of components', 0);
  const contents = cursor.pos;
  const found: { type: MetadataType; start: number }[] = [];
  for (let i = 0; i < n; i++) {
    const offset = cursor.offset;
    const ordinal = cursor.i32();
    const start = cursor.i32();
    const type = METADATA_TYPES[ordinal];
    if (type === undefined)
      throw cursor.corrupt('unknown kind of metadata', { offset, seen: ordinal, expected: '0 to 3' });
    if (found.some((other) => other.type === type)) throw cursor.corrupt(`${type} metadata occurs twice`, { offset });
    found.push({ type, start });
  }
  if (version.hasMetadataChecksum) {
    checkCrc(bytes.subarray(contents, cursor.pos), cursor, 'table of contents', contents, crc32(bytes.subarray(0, 4)));
  }
  return withEnds(found, cursor, version.hasMetadataChecksum ? 4 : 0);
}

/** Each component ends where the next one by position begins. */
function withEnds(found: readonly { type: MetadataType; start: number }[], cursor: Cursor, crcBytes: number): Entry[] {
  const size = cursor.end;
  return found.map(({ type, start }) => {
    let end = size;
    for (const other of found) if (other.start > start && other.start < end) end = other.start;
    if (start < cursor.pos || start + crcBytes > end) {
      throw cursor.corrupt(`position of ${type} metadata is out of the file`, {
        seen: start,
        expected: `${cursor.pos} to ${size}`,
      });
    }
    return { type, start, end };
  });
}

/** Compares the CRC-32 of `covered` with the one that `cursor` stands at. */
function checkCrc(covered: Uint8Array, cursor: Cursor, what: string, offset: number, before = 0): void {
  const seen = crc32(covered, before);
  const expected = cursor.u32();
  if (seen !== expected) {
    throw cursor.corrupt(`checksum of the ${what} differs`, {
      offset,
      seen: crcText(seen),
      expected: crcText(expected),
    });
  }
}

function readValidation(cursor: Cursor): ValidationMetadata {
  return { partitioner: cursor.javaUtf(), bloomFilterFpChance: cursor.f64() };
}

function readCompaction(cursor: Cursor): CompactionMetadata {
  const at = cursor.offset;
  let length = cursor.i32();
  let ancestors: number[] | undefined;
  if (length !== cursor.left && length >= 0 && length * 4 + 4 <= cursor.left) {
    ancestors = [];
    for (let n = length; n > 0; n--) ancestors.push(cursor.i32());
    length = cursor.i32();
  }
  if (length !== cursor.left) {
    throw cursor.corrupt('length of the cardinality sketch', { offset: at, seen: length, expected: cursor.left });
  }
  return { ...(ancestors && { ancestors }), cardinalityEstimator: readHyperLogLog(cursor) };
}

function writeCompaction({ ancestors, cardinalityEstimator }: CompactionMetadata, out: ByteWriter): void {
  if (ancestors) {
    out.i32(ancestors.length);
    for (const generation of ancestors) out.i32(generation);
  }
  const sketch = new ByteWriter(8192);
  writeHyperLogLog(cardinalityEstimator, sketch);
  out.i32(sketch.pos);
  out.bytes(sketch.view());
}

function boundsOf(cursor: Cursor, version: Version): StatsBounds {
  const bounds = readStatsBounds(cursor, version);
  cursor.skip(cursor.left);
  return bounds;
}

function readHeader(cursor: Cursor): SerializationHeader {
  const base = cursor.offset;
  return decodeSerializationHeader(cursor.view(cursor.left), cursor.context, base);
}

function encodePart(parts: StatisticsParts, type: MetadataType, version: Version): Uint8Array | undefined {
  if (type === 'header') return parts.header && encodeSerializationHeader(parts.header);
  const out = new ByteWriter(8192);
  if (type === 'stats') {
    if (!parts.stats) return undefined;
    writeStats(parts.stats, version, out);
  } else if (type === 'validation') {
    if (!parts.validation) return undefined;
    out.javaUtf(parts.validation.partitioner);
    out.f64(parts.validation.bloomFilterFpChance);
  } else {
    if (!parts.compaction) return undefined;
    writeCompaction(parts.compaction, out);
  }
  return out.view();
}
