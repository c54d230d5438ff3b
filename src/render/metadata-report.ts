/**
 * What `lsmctl metadata` tells of one SSTable, as the plain object that `--json` prints and the page and the table are made from. What does not
 * apply or could not be had is `null`; in the latter case `unmeasured` says why. int64 values are numbers as far as doubles are exact (±2^53),
 * else decimal strings.
 */
import path from 'node:path';
import { LsmctlError } from '../bytes/errors.js';
import { toBigInt } from '../bytes/int64.js';
import { ByteWriter } from '../bytes/writer.js';
import type { CqlType } from '../cql/type.js';
import { cqlTypeName } from '../cql/type-facts.js';
import { stringWriter } from '../cql/values/string.js';
import { textOf } from '../cql/values/value-writer.js';
import { type SSTableMetadata, totalBytes, uncompressedBytes } from '../engine/sstable-metadata.js';
import { parseTableDirectory } from '../sstable/descriptor.js';
import {
  type EstimatedHistogram,
  histogramCount,
  histogramMax,
  histogramMean,
  histogramMin,
  histogramPercentile,
} from '../sstable/metadata/estimated-histogram.js';
import { cardinality } from '../sstable/metadata/hyper-log-log.js';
import type { CommitLogPosition, StatsMetadata } from '../sstable/metadata/stats.js';
import { partitionerOf } from '../sstable/partitioner.js';
import type { Column } from '../sstable/row.js';
import { droppableTombstoneRatio } from '../sstable/statistics.js';

export type Int64 = number | string;

export type MetadataReportOptions = { readonly nowSeconds: number; readonly gcGraceSeconds: number };

export type MetadataReport = ReturnType<typeof metadataReport>;
export type HistogramReport = ReturnType<typeof histogramReport>;

/** @throws CorruptError where a key or clustering is no value of its type */
export function metadataReport(metadata: SSTableMetadata, options: MetadataReportOptions) {
  const { descriptor, statistics } = metadata;
  const { stats } = statistics;
  const place = parseTableDirectory(descriptor.directory);
  const unmeasured: { what: string; cause: string }[] = [...metadata.unmeasured];
  return {
    path: path.join(descriptor.directory, descriptor.prefix),
    keyspace: place.keyspace,
    table: place.table,
    tableId: place.tableId ?? null,
    index: place.index ?? null,
    snapshot: place.snapshot ?? null,
    backup: place.backup,
    id: descriptor.id,
    version: descriptor.version.name,
    format: descriptor.format,
    partitioner: statistics.validation.partitioner,
    bloomFilterFpChance: statistics.validation.bloomFilterFpChance,
    bytesOnDisk: metadata.sizes.length > 0 ? totalBytes(metadata) : null,
    uncompressedBytes: uncompressedBytes(metadata) ?? null,
    files: metadata.sizes,
    compression: compressionReport(metadata),
    estimatedPartitions: estimatedPartitions(metadata, unmeasured),
    cardinalitySketch: sketchReport(metadata),
    ...keysReport(metadata),
    coveredClusterings: clusteringsReport(stats, statistics.header.clusteringTypes),
    legacyMinMaxClustering: legacyMinMaxReport(stats),
    ...statsReport(stats),
    droppableTombstones: droppableReport(stats, options),
    header: headerReport(metadata),
    unmeasured,
  };
}

/** As a number where that is exact. */
export function int64Of(value: bigint): Int64 {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function statsReport(stats: StatsMetadata) {
  return {
    totalRows: stats.totalRows,
    totalColumnsSet: stats.totalColumnsSet,
    minTimestampMicros: int64Of(stats.minTimestampMicros),
    maxTimestampMicros: int64Of(stats.maxTimestampMicros),
    minLocalDeletionSeconds: finite(stats.minLocalDeletionSeconds),
    maxLocalDeletionSeconds: finite(stats.maxLocalDeletionSeconds),
    minTtlSeconds: stats.minTtlSeconds,
    maxTtlSeconds: stats.maxTtlSeconds,
    hasPartitionLevelDeletions: stats.hasPartitionLevelDeletions,
    hasLegacyCounterShards: stats.hasLegacyCounterShards,
    sstableLevel: stats.sstableLevel,
    repairedAtMillis: stats.repairedAtMillis,
    pendingRepair: stats.pendingRepair ?? null,
    isTransient: stats.isTransient,
    originatingHostId: stats.originatingHostId ?? null,
    commitLogIntervals: stats.commitLogIntervals.map(({ start, end }) => ({
      start: positionReport(start),
      end: positionReport(end),
    })),
    tokenSpaceCoverage: finite(stats.tokenSpaceCoverage),
    partitionSize: histogramReport(stats.estimatedPartitionSize),
    cellsPerPartition: histogramReport(stats.estimatedCellPerPartitionCount),
    tombstoneDropTimes: stats.estimatedTombstoneDropTime.bins,
  };
}

function positionReport({ segmentId, position }: CommitLogPosition) {
  return { segmentId: int64Of(segmentId), position };
}

function histogramReport(histogram: EstimatedHistogram) {
  const { offsets, counts, overflow } = histogram;
  return {
    count: histogramCount(histogram),
    mean: histogramMean(histogram),
    min: histogramMin(histogram),
    max: histogramMax(histogram),
    p50: histogramPercentile(histogram, 0.5),
    p75: histogramPercentile(histogram, 0.75),
    p95: histogramPercentile(histogram, 0.95),
    p99: histogramPercentile(histogram, 0.99),
    /** Values beyond every bucket, in none of the figures above. */
    overflow,
    /** Those that are not empty; values lie in [from, to]. */
    buckets: counts.flatMap((count, i) =>
      count > 0 ? [{ from: i === 0 ? 0 : offsets[i - 1]! + 1, to: offsets[i]!, count }] : [],
    ),
  };
}

function compressionReport({ compression, statistics }: SSTableMetadata) {
  if (!compression) return null;
  const { compressor, options, chunkLength, maxCompressedLength, chunkCount } = compression;
  return {
    compressor,
    chunkLength,
    maxCompressedLength: maxCompressedLength === 0x7fffffff ? null : maxCompressedLength,
    chunkCount,
    options: Object.fromEntries(options),
    ratio: statistics.stats.compressionRatio < 0 ? null : statistics.stats.compressionRatio,
  };
}

function estimatedPartitions(
  { statistics }: SSTableMetadata,
  unmeasured: { what: string; cause: string }[],
): number | null {
  try {
    if (statistics.has('compaction')) return cardinality(statistics.compaction.cardinalityEstimator);
    unmeasured.push({ what: 'estimatedPartitions', cause: 'no compaction metadata' });
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    unmeasured.push({ what: 'estimatedPartitions', cause: error.message });
  }
  return null;
}

function sketchReport({ statistics }: SSTableMetadata) {
  if (!statistics.has('compaction')) return null;
  const { cardinalityEstimator, ancestors } = statistics.compaction;
  const { kind, p, sp } = cardinalityEstimator;
  return { kind, p, sp, ancestors: ancestors ?? null };
}

function keysReport({ statistics, keyRange }: SSTableMetadata) {
  if (!keyRange) return { firstKey: null, lastKey: null };
  const { keyType } = statistics.header;
  const partitioner = partitionerOf(statistics.validation.partitioner, keyType);
  const of = (key: Uint8Array) => ({
    key: valueText(keyType, key),
    hex: Buffer.from(key).toString('hex'),
    token: partitioner.tokenText(partitioner.tokenOf(key)),
  });
  return { firstKey: of(keyRange.first), lastKey: of(keyRange.last) };
}

/** `null`: anything, that is, not known. */
function clusteringsReport(stats: StatsMetadata, types: readonly CqlType[]) {
  if (!stats.coveredClustering) return null;
  const { start, end } = stats.coveredClustering;
  const of = (bound: typeof start) => ({
    values: bound.values.map((value, i) => value && valueText(types[i] ?? { kind: 'native', name: 'blob' }, value)),
    inclusive: bound.kind.startsWith('INCL'),
  });
  return { start: of(start), end: of(end) };
}

/** Hex, as stored. Before md it can't be trusted. */
function legacyMinMaxReport({ legacyMinMax }: StatsMetadata) {
  const hex = (values: readonly Uint8Array[]) => values.map((value) => Buffer.from(value).toString('hex'));
  return legacyMinMax ? { min: hex(legacyMinMax.min), max: hex(legacyMinMax.max) } : null;
}

function droppableReport(stats: StatsMetadata, { nowSeconds, gcGraceSeconds }: MetadataReportOptions) {
  const gcBeforeSeconds = nowSeconds - gcGraceSeconds;
  return {
    nowSeconds,
    gcGraceSeconds,
    gcBeforeSeconds,
    estimatedRatio: droppableTombstoneRatio(stats, gcBeforeSeconds),
  };
}

function headerReport({ statistics }: SSTableMetadata) {
  const { header } = statistics;
  const { minTimestampHi, minTimestampLo, minLocalDeletionSeconds, minTtlSeconds } = header.encodingStats;
  const { stored } = header;
  const columns = (list: readonly Column[]) => list.map(({ name, type }) => ({ name, type: cqlTypeName(type) }));
  return {
    keyType: cqlTypeName(header.keyType),
    clusteringTypes: header.clusteringTypes.map((type) => ({
      type: cqlTypeName(type),
      isDescending: type.kind === 'reversed',
    })),
    staticColumns: columns(header.staticColumns),
    regularColumns: columns(header.regularColumns),
    encodingStats: {
      minTimestampMicros: int64Of(toBigInt(minTimestampHi, minTimestampLo)),
      minLocalDeletionSeconds,
      minTtlSeconds,
    },
    marshalTypes: {
      key: stored.keyType,
      clustering: stored.clusteringTypes,
      columns: [...stored.staticColumns, ...stored.regularColumns].map(({ type }) => type),
    },
  };
}

function valueText(type: CqlType, value: Uint8Array): string {
  return textOf(stringWriter(type), value, new ByteWriter(64));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
