/**
 * Statistics.db against what the rows say when they are counted anew, by the collector that also writes it. How each field is compared:
 *
 *   partition sizes, cells per partition, rows, columns, timestamps, deletion times, TTLs, first and last key, legacy counter shards    equal
 *   covered clusterings                            equal; before md they are not exact (CASSANDRA-14861) and are left out
 *   drop times of tombstones                       equal up to 100 points; beyond, points were merged in the order in which memtable or compaction
 *                                                  gave them: then their sum, and their first and last point to within a merge
 *   sketch of keys                                 the same estimate, or within its error of 4 %
 *   compression ratio                              to within a millionth
 *
 * What only the writer knew is not compared: level, repair, commit log positions, host, false positive chance.
 */
import { COMPONENT } from '../../sstable/descriptor.js';
import type { EstimatedHistogram } from '../../sstable/metadata/estimated-histogram.js';
import { cardinality } from '../../sstable/metadata/hyper-log-log.js';
import type { StatsMetadata } from '../../sstable/metadata/stats.js';
import { MAX_LEGACY_DELETION_TIME, type TombstoneHistogram } from '../../sstable/metadata/tombstone-histogram.js';
import type { StatisticsParts } from '../../sstable/statistics.js';
import type { Version } from '../../sstable/version.js';
import type { FindingLog } from './finding.js';

/** Bins of the histogram of drop times, above which points are merged. */
const MAX_BINS = 100;
/** Three times the standard error of a sketch of 2^13 registers, and more. */
const CARDINALITY_ERROR = 0.04;

export type Counted = StatisticsParts & { readonly stats: StatsMetadata };

/**
 * @param stored parts of Statistics.db that could be read
 * @param isForeign not written by Cassandra (Scylla): its histograms and counts follow rules of their own, and only limits are compared
 */
export function checkStatistics(
  stored: StatisticsParts & { readonly stats: StatsMetadata },
  counted: Counted,
  version: Version,
  isForeign: boolean,
  log: FindingLog,
): void {
  const tell = (field: string, seen: unknown, expected: unknown) =>
    log.add('statistics-rows', `${field} is not that of the rows`, {
      component: COMPONENT.statistics,
      seen: textOf(seen),
      expected: textOf(expected),
    });
  const a = stored.stats;
  const b = counted.stats;
  const equal = (field: keyof StatsMetadata) => {
    if (!same(a[field], b[field])) tell(field, a[field], b[field]);
  };
  equal('minTimestampMicros');
  equal('maxTimestampMicros');
  if (!log.has('deletion-time')) checkDeletionTimes(a, b, tell); // impossible ones are told with the rows
  equal('minTtlSeconds');
  equal('maxTtlSeconds');
  equal('hasLegacyCounterShards');
  if (version.hasPartitionLevelDeletionsPresenceMarker) equal('hasPartitionLevelDeletions');
  if (version.hasKeyRange) {
    equal('firstKey');
    equal('lastKey');
  }
  checkClusterings(a, b, version, tell);
  if (isForeign) return;
  equal('totalRows');
  equal('totalColumnsSet');
  checkHistogram('estimatedPartitionSize', a.estimatedPartitionSize, b.estimatedPartitionSize, tell);
  const [ofA, ofB] = [a.estimatedCellPerPartitionCount, b.estimatedCellPerPartitionCount];
  // some builds before 4.0 count each partition twice
  if (version.hasOriginatingHostId || !sameHistogram(ofA, doubled(ofB)))
    checkHistogram('estimatedCellPerPartitionCount', ofA, ofB, tell);
  if (!log.has('deletion-time'))
    checkDropTimes(a.estimatedTombstoneDropTime, b.estimatedTombstoneDropTime, version, tell);
  if (Math.abs(a.compressionRatio - b.compressionRatio) > 1e-6)
    tell('compressionRatio', a.compressionRatio, b.compressionRatio);
  checkSketch(stored, counted, tell);
}

type Tell = (field: string, seen: unknown, expected: unknown) => void;

function checkDeletionTimes(a: StatsMetadata, b: StatsMetadata, tell: Tell): void {
  if (a.minLocalDeletionSeconds !== b.minLocalDeletionSeconds) {
    tell('minLocalDeletionSeconds', a.minLocalDeletionSeconds, b.minLocalDeletionSeconds);
  }
  if (a.maxLocalDeletionSeconds !== b.maxLocalDeletionSeconds) {
    tell('maxLocalDeletionSeconds', a.maxLocalDeletionSeconds, b.maxLocalDeletionSeconds);
  }
}

function checkClusterings(a: StatsMetadata, b: StatsMetadata, version: Version, tell: Tell): void {
  if (version.hasLegacyMinMax) {
    const isSame = begins(a.legacyMinMax?.min, b.legacyMinMax?.min) && begins(a.legacyMinMax?.max, b.legacyMinMax?.max);
    if (version.hasAccurateMinMax && !isSame) tell('covered clusterings', a.legacyMinMax, b.legacyMinMax);
    return;
  }
  if (!same(a.coveredClustering, b.coveredClustering))
    tell('covered clusterings', a.coveredClustering, b.coveredClustering);
}

/** Whether one list begins the other: 3.x does not end at the absent values of compact tables where later releases do. */
function begins(a: readonly Uint8Array[] = [], b: readonly Uint8Array[] = []): boolean {
  return a.slice(0, b.length).every((value, i) => same(value, b[i]));
}

function checkHistogram(field: string, a: EstimatedHistogram, b: EstimatedHistogram, tell: Tell): void {
  if (!sameHistogram(a, b)) tell(field, histogramText(a), histogramText(b));
}

function doubled({ offsets, counts, overflow }: EstimatedHistogram): EstimatedHistogram {
  return { offsets, counts: counts.map((count) => 2 * count), overflow: 2 * overflow };
}

/** Releases differ in how many buckets they have: what is beyond those of the one is in its overflow. */
export function sameHistogram(a: EstimatedHistogram, b: EstimatedHistogram): boolean {
  const n = Math.min(a.counts.length, b.counts.length);
  for (let i = 0; i < n; i++) if (a.offsets[i] !== b.offsets[i] || a.counts[i] !== b.counts[i]) return false;
  const beyond = ({ counts, overflow }: EstimatedHistogram) =>
    counts.slice(n).reduce((sum, count) => sum + count, overflow);
  return beyond(a) === beyond(b);
}

function histogramText({ offsets, counts, overflow }: EstimatedHistogram): string {
  const parts = counts.flatMap((count, i) => (count > 0 ? [`${count} up to ${offsets[i]}`] : []));
  if (overflow > 0) parts.push(`${overflow} above`);
  return parts.length > 6
    ? `${parts.slice(0, 6).join(', ')} and ${parts.length - 6} more`
    : parts.join(', ') || 'nothing';
}

function checkDropTimes(stored: TombstoneHistogram, counted: TombstoneHistogram, version: Version, tell: Tell): void {
  // 3.0 before 3.0.8 counts what lives for ever among them, at the end of time
  const isTime = ({ pointSeconds }: { readonly pointSeconds: number }) =>
    version.hasMetadataChecksum || pointSeconds < MAX_LEGACY_DELETION_TIME;
  const a = stored.bins.filter(isTime);
  const b = counted.bins.filter(isTime);
  if (same(a, b)) return;
  const [ofA, ofB] = [sumOf(a), sumOf(b)];
  if (ofA !== ofB) tell('sum of the drop times of tombstones', ofA, ofB);
  else if (a.length < MAX_BINS || b.length < MAX_BINS) tell('drop times of tombstones', binsText(a), binsText(b));
}

function sumOf(bins: readonly { readonly count: number }[]): number {
  return bins.reduce((sum, { count }) => sum + count, 0);
}

function binsText(bins: TombstoneHistogram['bins']): string {
  const shown = bins.slice(0, 4).map(({ pointSeconds, count }) => `${count} at ${pointSeconds}`);
  return bins.length > 4 ? `${shown.join(', ')} and ${bins.length - 4} more` : shown.join(', ') || 'none';
}

function checkSketch(stored: StatisticsParts, counted: StatisticsParts, tell: Tell): void {
  const a = stored.compaction?.cardinalityEstimator;
  const b = counted.compaction?.cardinalityEstimator;
  if (!a || !b || a.p !== b.p || same(a, b)) return;
  const [ofA, ofB] = [cardinality(a), cardinality(b)];
  if (Math.abs(ofA - ofB) > Math.max(1, ofB * CARDINALITY_ERROR)) tell('estimate of the sketch of keys', ofA, ofB);
}

/** Deep equality of the plain values that statistics are made of. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    return (
      a.byteLength === b.byteLength &&
      Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))
    );
  }
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => same(value, b[i]));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex').slice(0, 128)}`;
  if (typeof value === 'string') return value;
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    return part instanceof Uint8Array ? `0x${Buffer.from(part).toString('hex')}` : part;
  });
  if (value === Number.POSITIVE_INFINITY) return 'none';
  return (text ?? 'nothing').replaceAll('"', '').slice(0, 200);
}
