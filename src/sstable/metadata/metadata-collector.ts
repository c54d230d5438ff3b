/**
 * Collects what Statistics.db tells of an SSTable while it is written (Cassandra's MetadataCollector). Of each partition the writer tells, and
 * the order within a partition is free:
 *
 *   updatePartitionDeletion | of static rows that are not empty and of rows: updateLiveness, updateDeletion, for each complex column its
 *   updateDeletion, updateCell for each cell, then updateRow | of rows: updateClustering | of markers: updateBound, updateDeletion, of
 *   boundaries twice | at its end: addPartitionSize, addKey, addCellsPerPartition
 *
 * Timestamps are halves, deletion times seconds, Infinity: never. Nothing is allocated per call.
 */
import { MIN_HI, toBigInt } from '../../bytes/int64.js';
import type { CqlType } from '../../cql/type.js';
import { FIELD, PARTITION_FIELDS, type PlainMemory } from '../plain-memory.js';
import type { SerializationHeader } from '../serialization-header.js';
import type { StatisticsParts } from '../statistics.js';
import type { Version } from '../version.js';
import { CoveredClusterings } from './covered-clusterings.js';
import {
  CELL_PER_PARTITION_BUCKETS,
  EstimatedHistogramBuilder,
  LEGACY_PARTITION_SIZE_BUCKETS,
  PARTITION_SIZE_BUCKETS,
} from './estimated-histogram.js';
import { HyperLogLogBuilder } from './hyper-log-log-builder.js';
import { type CommitLogInterval, NO_DELETION_TIME, NO_POSITION, type StatsMetadata } from './stats.js';
import { TombstoneHistogramBuilder } from './tombstone-histogram-builder.js';

/** What only the writer knows. */
export type MetadataFacts = {
  /** Java class with package. */
  readonly partitioner: string;
  readonly bloomFilterFpChance: number;
  /** 0: not repaired. */
  readonly repairedAtMillis: number;
  readonly pendingRepair?: string | undefined;
  readonly isTransient: boolean;
  readonly level: number;
  readonly commitLogIntervals: readonly CommitLogInterval[];
  readonly originatingHostId?: string | undefined;
  /** Bytes of chunks, without checksums, by plain bytes; −1: not compressed. */
  readonly compressionRatio: number;
  /** NaN but for UnifiedCompactionStrategy, see token-space-coverage.ts. */
  readonly tokenSpaceCoverage: number;
  readonly firstKey: Uint8Array;
  readonly lastKey: Uint8Array;
  readonly header: SerializationHeader;
};

export class MetadataCollector {
  private readonly version: Version;
  private readonly partitionSizes: EstimatedHistogramBuilder;
  private readonly cellsPerPartition = new EstimatedHistogramBuilder(CELL_PER_PARTITION_BUCKETS);
  private readonly clusterings: CoveredClusterings;
  private readonly dropTimes: TombstoneHistogramBuilder;
  private readonly keys = new HyperLogLogBuilder();

  private partitionCells = 0;
  private hasTimestamp = false;
  private minTimestampHi = MIN_HI;
  private minTimestampLo = 0;
  private maxTimestampHi = 0x7fffffff;
  private maxTimestampLo = -1;
  private minLocalDeletion = NO_DELETION_TIME;
  private maxLocalDeletion = -1;
  private minTtl = 0x7fffffff;
  private maxTtl = -1;
  private hasPartitionDeletions = false;
  private hasLegacyCounterShards = false;
  private columnsSet = 0;
  private rows = 0;

  constructor(clusteringTypes: readonly CqlType[], version: Version) {
    const isLegacy = version.hasLegacyMinMax;
    this.version = version;
    const sizeBuckets = isLegacy ? LEGACY_PARTITION_SIZE_BUCKETS : PARTITION_SIZE_BUCKETS;
    this.partitionSizes = new EstimatedHistogramBuilder(sizeBuckets);
    this.clusterings = new CoveredClusterings(clusteringTypes, isLegacy);
    this.dropTimes = new TombstoneHistogramBuilder(version);
  }

  /** The partition key `key[0, length)`. */
  addKey(key: Uint8Array, length: number): void {
    this.keys.addKey(key, length);
  }

  /** Plain bytes from the partition's key to its end marker, both included. */
  addPartitionSize(bytes: number): void {
    this.partitionSizes.add(bytes);
  }

  /** Counts the cells since the call before. */
  addCellsPerPartition(): void {
    this.cellsPerPartition.add(this.partitionCells);
    this.partitionCells = 0;
  }

  /** Of a partition that has a deletion. */
  updatePartitionDeletion(hi: number, lo: number, seconds: number): void {
    this.hasPartitionDeletions = true;
    this.updateDeletion(hi, lo, seconds);
  }

  /** A deletion of a row, of a complex column, or of a range, where there is one. */
  updateDeletion(hi: number, lo: number, seconds: number): void {
    this.updateTimestamp(hi, lo);
    this.updateLocalDeletion(seconds);
  }

  /** Of a row that has liveness. `ttl` 0: does not expire. */
  updateLiveness(hi: number, lo: number, ttl: number, localExpiration: number): void {
    this.updateTimestamp(hi, lo);
    this.updateTtl(ttl);
    this.updateLocalDeletion(localExpiration);
  }

  updateCell(hi: number, lo: number, ttl: number, localDeletion: number): void {
    this.partitionCells++;
    this.updateTimestamp(hi, lo);
    this.updateTtl(ttl);
    this.updateLocalDeletion(localDeletion);
  }

  /** So many cells that differ from the liveness of their row, which has been told, in nothing but their values. */
  addCells(count: number): void {
    this.partitionCells += count;
  }

  /** A row, static ones too, with so many columns that have cells. */
  updateRow(columnsSet: number): void {
    this.columnsSet += columnsSet;
    this.rows++;
  }

  /** See {@link CoveredClusterings.addRow}: the first row of a partition, then {@link updateLastClustering}, or every row. */
  updateClustering(buf: Uint8Array, start: Int32Array, end: Int32Array): void {
    this.clusterings.addRow(buf, start, end);
  }

  updateLastClustering(buf: Uint8Array, start: Int32Array, end: Int32Array): void {
    this.clusterings.addLastRow(buf, start, end);
  }

  /** A range tombstone bound or boundary; `kind` is an ordinal of BOUND_KINDS. */
  updateBound(kind: number, buf: Uint8Array, start: Int32Array, end: Int32Array, size: number): void {
    this.clusterings.addBound(kind, buf, start, end, size);
  }

  /** A counter has shards that are not global, see `hasLegacyShards`. */
  setHasLegacyCounterShards(): void {
    this.hasLegacyCounterShards = true;
  }

  /** Rows and markers that the kernel of plain rows has written, but for their clusterings and the cells of their partitions. */
  addPlainRows({ state, deletionLog }: PlainMemory): void {
    if (state[FIELD.hasTimes] === 1) {
      this.updateTimestamp(state[FIELD.minTime + 1]!, state[FIELD.minTime]!);
      this.updateTimestamp(state[FIELD.maxTime + 1]!, state[FIELD.maxTime]!);
    }
    if (state[FIELD.liveRows]! > 0) {
      this.updateTtl(0);
      this.updateLocalDeletion(NO_DELETION_TIME);
    }
    for (let i = 0; i < state[FIELD.deletionCount]!; i++) this.updateLocalDeletion(deletionLog[i]!);
    this.columnsSet += state[FIELD.columnsSet]!;
    this.rows += state[FIELD.rows]!;
  }

  /** Tells the kernel how partitions are counted. */
  putBuckets(memory: PlainMemory): void {
    memory.putBuckets(this.partitionSizes.bucketOffsets, this.cellsPerPartition.bucketOffsets);
  }

  /** Whole partitions that the kernel has written; of their rows {@link addPlainRows} tells. */
  addPlainPartitions({ partitionLog, sizeCounts, cellCounts }: PlainMemory, count: number): void {
    this.partitionSizes.addCounts(sizeCounts);
    this.cellsPerPartition.addCounts(cellCounts);
    for (let at = 0; at < count * PARTITION_FIELDS; at += PARTITION_FIELDS) {
      this.keys.offerHashed(partitionLog[at + 6]!, partitionLog[at + 7]!);
    }
  }

  finish(facts: MetadataFacts): StatisticsParts {
    return {
      validation: { partitioner: facts.partitioner, bloomFilterFpChance: facts.bloomFilterFpChance },
      compaction: { cardinalityEstimator: this.keys.build() },
      stats: { ...this.collected(), ...this.covered(facts), ...outerFacts(facts) },
      header: facts.header,
    };
  }

  private collected() {
    return {
      estimatedPartitionSize: this.partitionSizes.build(),
      estimatedCellPerPartitionCount: this.cellsPerPartition.build(),
      minTimestampMicros: toBigInt(this.minTimestampHi, this.minTimestampLo),
      maxTimestampMicros: toBigInt(this.maxTimestampHi, this.maxTimestampLo),
      minLocalDeletionSeconds: this.minLocalDeletion,
      maxLocalDeletionSeconds: this.maxLocalDeletion < 0 ? NO_DELETION_TIME : this.maxLocalDeletion,
      minTtlSeconds: this.maxTtl < 0 ? 0 : this.minTtl,
      maxTtlSeconds: Math.max(this.maxTtl, 0),
      estimatedTombstoneDropTime: this.dropTimes.build(),
      hasLegacyCounterShards: this.hasLegacyCounterShards,
      totalColumnsSet: this.columnsSet,
      totalRows: this.rows,
      hasPartitionLevelDeletions: this.hasPartitionDeletions,
    };
  }

  private covered({ header }: MetadataFacts): Partial<StatsMetadata> {
    if (this.version.hasLegacyMinMax) return { legacyMinMax: this.clusterings.legacyMinMax() };
    return { clusteringTypes: header.stored.clusteringTypes, coveredClustering: this.clusterings.slice() };
  }

  private updateTimestamp(hi: number, lo: number): void {
    if (!this.hasTimestamp) {
      this.hasTimestamp = true;
      this.minTimestampHi = hi;
      this.minTimestampLo = lo;
      this.maxTimestampHi = hi;
      this.maxTimestampLo = lo;
      return;
    }
    if (hi < this.minTimestampHi || (hi === this.minTimestampHi && lo >>> 0 < this.minTimestampLo >>> 0)) {
      this.minTimestampHi = hi;
      this.minTimestampLo = lo;
    }
    if (hi > this.maxTimestampHi || (hi === this.maxTimestampHi && lo >>> 0 > this.maxTimestampLo >>> 0)) {
      this.maxTimestampHi = hi;
      this.maxTimestampLo = lo;
    }
  }

  private updateTtl(ttl: number): void {
    if (ttl < this.minTtl) this.minTtl = ttl;
    if (ttl > this.maxTtl) this.maxTtl = ttl;
  }

  private updateLocalDeletion(seconds: number): void {
    if (seconds < this.minLocalDeletion) this.minLocalDeletion = seconds;
    if (seconds > this.maxLocalDeletion) this.maxLocalDeletion = seconds;
    if (seconds !== NO_DELETION_TIME) this.dropTimes.update(seconds);
  }
}

function outerFacts(facts: MetadataFacts) {
  const { commitLogIntervals, pendingRepair, originatingHostId } = facts;
  return {
    commitLogIntervals,
    commitLogLowerBound: commitLogIntervals[0]?.start ?? NO_POSITION,
    commitLogUpperBound: commitLogIntervals[commitLogIntervals.length - 1]?.end ?? NO_POSITION,
    compressionRatio: facts.compressionRatio,
    sstableLevel: facts.level,
    repairedAtMillis: facts.repairedAtMillis,
    ...(pendingRepair !== undefined && { pendingRepair }),
    isTransient: facts.isTransient,
    ...(originatingHostId !== undefined && { originatingHostId }),
    firstKey: facts.firstKey,
    lastKey: facts.lastKey,
    tokenSpaceCoverage: facts.tokenSpaceCoverage,
  };
}
