/**
 * STATS, the component of Statistics.db that a node keeps in memory (Cassandra's StatsMetadata), integers big-endian, `position` is
 * i64 segment id and i32 position, `flag` one byte, zero or not:
 *
 *   histogram of partition sizes | histogram of cells per partition | position commitLogUpperBound
 *   i64 minTimestamp | i64 maxTimestamp | i32 minLocalDeletionTime | i32 maxLocalDeletionTime   (from oa unsigned, 2^32 − 1: none; before 2^31 − 1)
 *   i32 minTTL | i32 maxTTL | f64 compressionRatio | histogram of tombstone drop times | i32 level | i64 repairedAt
 *   ma–nc    i32 n, n × (u16 length, bytes) minimal clustering values | the same for maximal ones
 *   oa, da   uvint n, n × (uvint length, marshal type) | slice of covered clusterings
 *   flag hasLegacyCounterShards | i64 totalColumnsSet | i64 totalRows
 *   mb       position commitLogLowerBound
 *   mc       i32 n, n × (position start, position end)
 *   na       flag, 16 bytes pendingRepair where it is set | flag isTransient
 *   me, nb   flag, 16 bytes originatingHostId where it is set
 *   oa, da   flag hasPartitionLevelDeletions | uvint length, first key | uvint length, last key | f64 tokenSpaceCoverage
 *            | 4 bytes for each drop time: 5.0 reserves 16 bytes for these, fills 12, and stores all that it reserved
 *
 * What follows is ignored, as Cassandra does: pre-release nc files have some fields of oa there.
 */
import type { Cursor } from '../../bytes/cursor.js';
import { InvariantError } from '../../bytes/errors.js';
import type { ByteWriter } from '../../bytes/writer.js';
import { parseMarshalType } from '../../cql/marshal.js';
import type { CqlType } from '../../cql/type.js';
import type { Version } from '../version.js';
import {
  type EstimatedHistogram,
  readEstimatedHistogram,
  skipEstimatedHistogram,
  writeEstimatedHistogram,
} from './estimated-histogram.js';
import { readSlice, type Slice, writeSlice } from './slice.js';
import {
  readTombstoneHistogram,
  skipTombstoneHistogram,
  type TombstoneHistogram,
  writeTombstoneHistogram,
} from './tombstone-histogram.js';

export type CommitLogPosition = { readonly segmentId: bigint; readonly position: number };
export type CommitLogInterval = { readonly start: CommitLogPosition; readonly end: CommitLogPosition };

/** Of data that came from no commit log of this node, such as by streaming. */
export const NO_POSITION: CommitLogPosition = { segmentId: -1n, position: 0 };

/** Local deletion time of what is neither deleted nor expires. */
export const NO_DELETION_TIME = Number.POSITIVE_INFINITY;

export type StatsMetadata = {
  /** Bytes. */
  readonly estimatedPartitionSize: EstimatedHistogram;
  readonly estimatedCellPerPartitionCount: EstimatedHistogram;
  /** What of the commit log the data came from, closed intervals. Before mc one, of the two bounds. */
  readonly commitLogIntervals: readonly CommitLogInterval[];
  readonly commitLogLowerBound: CommitLogPosition;
  readonly commitLogUpperBound: CommitLogPosition;
  readonly minTimestampMicros: bigint;
  readonly maxTimestampMicros: bigint;
  /** {@link NO_DELETION_TIME} where nothing is deleted or expires. May be negative before oa (CASSANDRA-14092). */
  readonly minLocalDeletionSeconds: number;
  /** {@link NO_DELETION_TIME} where anything lives for ever. */
  readonly maxLocalDeletionSeconds: number;
  readonly minTtlSeconds: number;
  readonly maxTtlSeconds: number;
  /** Compressed by plain size; −1: not compressed. */
  readonly compressionRatio: number;
  readonly estimatedTombstoneDropTime: TombstoneHistogram;
  readonly sstableLevel: number;
  /** 0: not repaired. */
  readonly repairedAtMillis: number;
  /** Of ma–nc, as stored; before md they can't be trusted (CASSANDRA-14861). */
  readonly legacyMinMax?: { readonly min: readonly Uint8Array[]; readonly max: readonly Uint8Array[] };
  /** Marshal types of the clustering columns, of oa and da. */
  readonly clusteringTypes?: readonly string[];
  /** `undefined`: anything, that is, not known. */
  readonly coveredClustering?: Slice;
  readonly hasLegacyCounterShards: boolean;
  readonly totalColumnsSet: number;
  readonly totalRows: number;
  /** UUID as text. */
  readonly pendingRepair?: string;
  readonly isTransient: boolean;
  /** UUID as text. */
  readonly originatingHostId?: string;
  /** Before oa: true unless nothing at all is deleted or expires. */
  readonly hasPartitionLevelDeletions: boolean;
  readonly firstKey?: Uint8Array;
  readonly lastKey?: Uint8Array;
  /** Share of the token range that lies between first and last key, 0–1; NaN: not recorded. */
  readonly tokenSpaceCoverage: number;
  /** Bytes after these fields, as stored. To be left out of what is made anew. */
  readonly rest?: Uint8Array;
};

/** @throws CorruptError, UnsupportedError (a clustering type) */
export function readStats(cursor: Cursor, version: Version): StatsMetadata {
  // in one literal, in the order of the bytes: parts put together by spreading cost some times the rest, and directories have thousands
  const estimatedPartitionSize = readEstimatedHistogram(cursor, 'partition sizes');
  const estimatedCellPerPartitionCount = readEstimatedHistogram(cursor, 'cells per partition');
  const commitLogUpperBound = readPosition(cursor);
  const minTimestampMicros = cursor.i64AsBigInt();
  const maxTimestampMicros = cursor.i64AsBigInt();
  const minLocalDeletionSeconds = readDeletionTime(cursor, version);
  const maxLocalDeletionSeconds = readDeletionTime(cursor, version);
  const minTtlSeconds = cursor.i32();
  const maxTtlSeconds = cursor.i32();
  const compressionRatio = cursor.f64();
  const estimatedTombstoneDropTime = readTombstoneHistogram(cursor, version);
  const sstableLevel = cursor.i32();
  const repairedAtMillis = cursor.i64AsNumber();
  const clusterings = readClusterings(cursor, version);
  const hasLegacyCounterShards = cursor.bool();
  const totalColumnsSet = cursor.i64AsNumber();
  const totalRows = cursor.i64AsNumber();
  const commitLogLowerBound = version.hasCommitLogLowerBound ? readPosition(cursor) : NO_POSITION;
  const commitLogIntervals = version.hasCommitLogIntervals
    ? readIntervals(cursor)
    : [{ start: commitLogLowerBound, end: commitLogUpperBound }];
  const pendingRepair = version.hasPendingRepair ? readUuid(cursor) : undefined;
  const isTransient = version.hasIsTransient && cursor.bool();
  const originatingHostId = version.hasOriginatingHostId ? readUuid(cursor) : undefined;
  const stats: { -readonly [K in keyof StatsMetadata]: StatsMetadata[K] } = {
    estimatedPartitionSize,
    estimatedCellPerPartitionCount,
    commitLogIntervals,
    commitLogLowerBound,
    commitLogUpperBound,
    minTimestampMicros,
    maxTimestampMicros,
    minLocalDeletionSeconds,
    maxLocalDeletionSeconds,
    minTtlSeconds,
    maxTtlSeconds,
    compressionRatio,
    estimatedTombstoneDropTime,
    sstableLevel,
    repairedAtMillis,
    hasLegacyCounterShards,
    totalColumnsSet,
    totalRows,
    isTransient,
    hasPartitionLevelDeletions: version.hasPartitionLevelDeletionsPresenceMarker
      ? cursor.bool()
      : minLocalDeletionSeconds !== NO_DELETION_TIME,
    tokenSpaceCoverage: Number.NaN,
  };
  const { legacyMinMax, clusteringTypes, coveredClustering } = clusterings;
  if (legacyMinMax !== undefined) stats.legacyMinMax = legacyMinMax;
  if (clusteringTypes !== undefined) stats.clusteringTypes = clusteringTypes;
  if (coveredClustering !== undefined) stats.coveredClustering = coveredClustering;
  if (pendingRepair !== undefined) stats.pendingRepair = pendingRepair;
  if (originatingHostId !== undefined) stats.originatingHostId = originatingHostId;
  if (version.hasKeyRange) {
    stats.firstKey = cursor.bytes(cursor.uvint32());
    stats.lastKey = cursor.bytes(cursor.uvint32());
  }
  if (version.hasTokenSpaceCoverage) stats.tokenSpaceCoverage = cursor.f64();
  stats.rest = cursor.bytes(cursor.left);
  return stats;
}

/** What tells whether a read has to look into an SSTable. */
export type StatsBounds = Pick<
  StatsMetadata,
  'maxTimestampMicros' | 'coveredClustering' | 'hasPartitionLevelDeletions' | 'firstKey' | 'lastKey'
>;

/** That part of {@link readStats}; the rest is passed over. @throws CorruptError, UnsupportedError (a clustering type) */
export function readStatsBounds(cursor: Cursor, version: Version): StatsBounds {
  skipEstimatedHistogram(cursor, 'partition sizes');
  skipEstimatedHistogram(cursor, 'cells per partition');
  cursor.skip(POSITION_BYTES + 8);
  const maxTimestampMicros = cursor.i64AsBigInt();
  const minLocalDeletionSeconds = readDeletionTime(cursor, version);
  cursor.skip(4 + 4 + 4 + 8); // maxLocalDeletionTime, TTLs, compressionRatio
  skipTombstoneHistogram(cursor, version);
  cursor.skip(4 + 8); // level, repairedAt
  const { coveredClustering } = readClusterings(cursor, version);
  cursor.skip(1 + 8 + 8); // hasLegacyCounterShards, totals
  if (version.hasCommitLogLowerBound) cursor.skip(POSITION_BYTES);
  if (version.hasCommitLogIntervals) {
    cursor.skip(2 * POSITION_BYTES * cursor.count(cursor.i32(), 2 * POSITION_BYTES, 'commit log intervals'));
  }
  if (version.hasPendingRepair && cursor.bool()) cursor.skip(16);
  if (version.hasIsTransient) cursor.skip(1);
  if (version.hasOriginatingHostId && cursor.bool()) cursor.skip(16);
  const hasPartitionLevelDeletions = version.hasPartitionLevelDeletionsPresenceMarker
    ? cursor.bool()
    : minLocalDeletionSeconds !== NO_DELETION_TIME;
  return {
    maxTimestampMicros,
    hasPartitionLevelDeletions,
    ...(coveredClustering !== undefined && { coveredClustering }),
    ...(version.hasKeyRange && {
      firstKey: cursor.bytes(cursor.uvint32()),
      lastKey: cursor.bytes(cursor.uvint32()),
    }),
  };
}

const POSITION_BYTES = 12;

export function writeStats(stats: StatsMetadata, version: Version, out: ByteWriter): void {
  writeBeginning(stats, version, out);
  writeClusterings(stats, version, out);
  out.u8(stats.hasLegacyCounterShards ? 1 : 0);
  out.i64FromNumber(stats.totalColumnsSet);
  out.i64FromNumber(stats.totalRows);
  if (version.hasCommitLogLowerBound) writePosition(stats.commitLogLowerBound, out);
  if (version.hasCommitLogIntervals) {
    out.i32(stats.commitLogIntervals.length);
    for (const { start, end } of stats.commitLogIntervals) {
      writePosition(start, out);
      writePosition(end, out);
    }
  }
  if (version.hasPendingRepair) writeUuid(stats.pendingRepair, out);
  if (version.hasIsTransient) out.u8(stats.isTransient ? 1 : 0);
  if (version.hasOriginatingHostId) writeUuid(stats.originatingHostId, out);
  if (version.hasPartitionLevelDeletionsPresenceMarker) out.u8(stats.hasPartitionLevelDeletions ? 1 : 0);
  if (version.hasKeyRange) {
    writeBytes(stats.firstKey ?? new Uint8Array(0), out);
    writeBytes(stats.lastKey ?? new Uint8Array(0), out);
  }
  if (version.hasTokenSpaceCoverage) out.f64(stats.tokenSpaceCoverage);
  out.bytes(stats.rest ?? new Uint8Array(paddingBytes(stats, version)));
}

function writeBeginning(stats: StatsMetadata, version: Version, out: ByteWriter): void {
  writeEstimatedHistogram(stats.estimatedPartitionSize, out);
  writeEstimatedHistogram(stats.estimatedCellPerPartitionCount, out);
  writePosition(stats.commitLogUpperBound, out);
  out.i64FromBigInt(stats.minTimestampMicros);
  out.i64FromBigInt(stats.maxTimestampMicros);
  writeDeletionTime(stats.minLocalDeletionSeconds, version, out);
  writeDeletionTime(stats.maxLocalDeletionSeconds, version, out);
  out.i32(stats.minTtlSeconds);
  out.i32(stats.maxTtlSeconds);
  out.f64(stats.compressionRatio);
  writeTombstoneHistogram(stats.estimatedTombstoneDropTime, version, out);
  out.i32(stats.sstableLevel);
  out.i64FromNumber(stats.repairedAtMillis);
}

function readClusterings(cursor: Cursor, version: Version): Partial<StatsMetadata> {
  if (version.hasLegacyMinMax) {
    const legacyMinMax = { min: readShortValues(cursor), max: readShortValues(cursor) };
    const { min, max } = legacyMinMax;
    if (!version.hasAccurateMinMax || (min.length === 0 && max.length === 0)) return { legacyMinMax };
    return {
      legacyMinMax,
      coveredClustering: {
        start: { kind: 'INCL_START_BOUND', values: min },
        end: { kind: 'INCL_END_BOUND', values: max },
      },
    };
  }
  const { texts, types } = readClusteringTypes(cursor);
  return { clusteringTypes: texts, coveredClustering: readSlice(cursor, types) };
}

type ClusteringTypes = {
  readonly bytes: Uint8Array;
  readonly texts: readonly string[];
  readonly types: readonly CqlType[];
};

/** Of a table's SSTables all have the same types: those read last. */
let lastTypes: ClusteringTypes | undefined;

function readClusteringTypes(cursor: Cursor): ClusteringTypes {
  const start = cursor.pos;
  if (lastTypes && cursor.left >= lastTypes.bytes.length) {
    const { bytes } = lastTypes;
    let same = 0;
    while (same < bytes.length && cursor.buf[start + same] === bytes[same]) same++;
    if (same === bytes.length) {
      cursor.skip(same);
      return lastTypes;
    }
  }
  const texts: string[] = [];
  for (let n = cursor.count(cursor.uvint32(), 1, 'clustering types'); n > 0; n--) {
    texts.push(cursor.utf8(cursor.uvint32()));
  }
  const types = parseTypes(texts, cursor.context);
  lastTypes = { bytes: cursor.buf.slice(start, cursor.pos), texts, types };
  return lastTypes;
}

function writeClusterings(stats: StatsMetadata, version: Version, out: ByteWriter): void {
  const { legacyMinMax, clusteringTypes, coveredClustering } = stats;
  if (version.hasLegacyMinMax) {
    for (const values of [legacyMinMax?.min ?? [], legacyMinMax?.max ?? []]) {
      out.i32(values.length);
      for (const value of values) {
        out.u16(value.length);
        out.bytes(value);
      }
    }
    return;
  }
  if (!clusteringTypes || !coveredClustering) throw new InvariantError('statistics without covered clusterings');
  out.uvint(clusteringTypes.length);
  for (const type of clusteringTypes) writeBytes(Buffer.from(type, 'utf8'), out);
  writeSlice(coveredClustering, parseTypes(clusteringTypes, {}), out);
}

/** Of a table's SSTables all have the same types: those parsed last. */
let parsed: { readonly texts: readonly string[]; readonly types: readonly CqlType[] } | undefined;

function parseTypes(texts: readonly string[], context: Cursor['context']): readonly CqlType[] {
  if (parsed?.texts.length === texts.length && parsed.texts.every((text, i) => text === texts[i])) return parsed.types;
  parsed = { texts, types: texts.map((text) => parseMarshalType(text, context)) };
  return parsed.types;
}

function readShortValues(cursor: Cursor): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let n = cursor.count(cursor.i32(), 2, 'clustering values'); n > 0; n--) values.push(cursor.bytes(cursor.u16()));
  return values;
}

function readDeletionTime(cursor: Cursor, version: Version): number {
  const seconds = version.hasUIntDeletionTime ? cursor.u32() : cursor.i32();
  return seconds === (version.hasUIntDeletionTime ? 0xffffffff : 0x7fffffff) ? NO_DELETION_TIME : seconds;
}

function writeDeletionTime(seconds: number, version: Version, out: ByteWriter): void {
  const none = version.hasUIntDeletionTime ? 0xffffffff : 0x7fffffff;
  out.i32(seconds === NO_DELETION_TIME ? none : version.hasUIntDeletionTime ? seconds : Math.min(seconds, none - 1));
}

function readPosition(cursor: Cursor): CommitLogPosition {
  return { segmentId: cursor.i64AsBigInt(), position: cursor.i32() };
}

function writePosition({ segmentId, position }: CommitLogPosition, out: ByteWriter): void {
  out.i64FromBigInt(segmentId);
  out.i32(position);
}

function readIntervals(cursor: Cursor): CommitLogInterval[] {
  const intervals: CommitLogInterval[] = [];
  for (let n = cursor.count(cursor.i32(), 24, 'commit log intervals'); n > 0; n--) {
    intervals.push({ start: readPosition(cursor), end: readPosition(cursor) });
  }
  return intervals;
}

function readUuid(cursor: Cursor): string | undefined {
  if (!cursor.bool()) return undefined;
  const hex = Buffer.from(cursor.view(16)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function writeUuid(uuid: string | undefined, out: ByteWriter): void {
  out.u8(uuid === undefined ? 0 : 1);
  if (uuid !== undefined) out.bytes(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
}

function writeBytes(bytes: Uint8Array, out: ByteWriter): void {
  out.uvint(bytes.length);
  out.bytes(bytes);
}

function paddingBytes(stats: StatsMetadata, version: Version): number {
  return version.hasUIntDeletionTime ? 4 * stats.estimatedTombstoneDropTime.stored.bins.length : 0;
}
