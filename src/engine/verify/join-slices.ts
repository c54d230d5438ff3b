/**
 * What was seen of all slices of an SSTable put together to what reading it at one go would have told; but only where nothing at all is wrong. Any doubt
 * makes it `undefined`, and whoever asked reads the SSTable at one go, which tells what is wrong.
 */
import { combineCrc32 } from '../../bytes/crc32-combine.js';
import type { Storage } from '../../bytes/source.js';
import { type ClusteringPrefix, compareClustering } from '../../cql/clustering.js';
import type { EstimatedHistogram } from '../../sstable/metadata/estimated-histogram.js';
import { mergeHyperLogLogs } from '../../sstable/metadata/hyper-log-log-builder.js';
import type { StatsMetadata } from '../../sstable/metadata/stats.js';
import { TombstoneHistogramBuilder } from '../../sstable/metadata/tombstone-histogram-builder.js';
import { compareDecorated, decorate } from '../../sstable/partitioner.js';
import { storedParts } from './deep-check.js';
import { FindingLog } from './finding.js';
import { hasKnownOrder, isForeignWriter, openIndex } from './opening.js';
import type { Parts } from './parts.js';
import type { Gathered, GatheredWhole } from './slice-reader.js';
import { type Counted, checkStatistics } from './statistics-check.js';
import { SummaryCheck } from './summary-check.js';
import type { Level } from './verify-sstable.js';
import { type Check, checkKeyRange, checkSizesOfPartitions, checksumCheck, filterCheck, indexCheck } from './whole-check.js'; // biome-ignore format: one line

export type Joined = {
  readonly checks: readonly Check[];
  readonly report: {
    readonly partitions: number;
    readonly unreadPartitions: number;
    readonly rows?: number;
    readonly cells?: number;
  };
};

export function joinSlices(
  storage: Storage,
  parts: Parts,
  level: Level,
  { slices: gathered, filters }: GatheredWhole,
): Joined | undefined {
  const head = gathered[0];
  if (!head || gathered.length !== head.slice.of) return undefined;
  const { end } = gathered.at(-1)!;
  const isWhole = gathered.every(
    (one, i) => one.isSound && one.slice.index === i && follows(parts, gathered[i - 1], one, end),
  );
  if (!isWhole) return undefined; // biome-ignore format: one line
  const full = gathered.filter(({ partitions }) => partitions > 0);
  if (full.length === 0 || !areOrdered(parts, full)) return undefined;
  const log = new FindingLog('');
  const range = { first: full[0]!.firstKey!, last: full.at(-1)!.lastKey!, partitions: sum(gathered, 'partitions') };
  finishSummary(parts, gathered.at(-1)!, range, log);
  const index = openIndex(storage, parts, log);
  try {
    checkKeyRange(parts, index, range, log);
  } finally {
    index?.close();
  }
  const isForeign = isForeignWriter(parts);
  if (!isForeign) checkSizesOfPartitions(parts, addHistograms(gathered.map(({ sizes }) => sizes)), log);
  const isProved = log.finish().length === 0 && isFilterRight(parts, filters) && isDigestRight(parts, gathered);
  if (!isProved) return undefined;
  const unread = { indexIsSound: true, unread: 0 };
  const checks = [
    checksumCheck(
      parts,
      gathered.reduce((count, { checked }) => count + checked.chunks, 0),
      log,
    ),
    indexCheck(parts, unread, range.partitions, log),
    filterCheck(parts, range.partitions, log),
  ];
  const report = { partitions: range.partitions, unreadPartitions: 0 };
  if (level !== 'deep') return { checks, report };
  const counted = mergeCounted(
    parts,
    full.flatMap((one) => one.counted ?? []),
  );
  if (!counted || !parts.stats) return undefined;
  checkStatistics(storedParts(parts), counted, parts.descriptor.version, isForeign, log);
  if (log.finish().length > 0) return undefined;
  const [rows, cells] = [sum(gathered, 'rows'), sum(gathered, 'cells')];
  checks.push(
    { check: 'rows', state: 'proved', detail: `${rows} rows, ${cells} cells` },
    { check: 'statistics', state: 'proved', detail: `counted from ${gathered.at(-1)!.end} bytes` },
  );
  return { checks, report: { ...report, rows, cells } };
}

function sum(list: readonly Gathered[], field: 'partitions' | 'rows' | 'cells'): number {
  return list.reduce((total, one) => total + one[field], 0);
}

/** Whether a slice begins where the one before ends, in Data.db, its chunks, and the index. */
function follows(parts: Parts, before: Gathered | undefined, next: Gathered, length: number): boolean {
  if (!before) return next.start === 0 && next.checked.from === 0;
  if (next.start !== before.end || next.checked.from !== before.checked.to) return false;
  if (!hasInterval(parts)) return true;
  // the walk reads the entry behind its own
  return before.keysAfter - (before.end < length ? 1 : 0) === next.keysBefore;
}

function hasInterval(parts: Parts): boolean {
  if (!parts.summary) return false;
  return new SummaryCheck(parts.summary, parts, isForeignWriter(parts), new FindingLog('')).hasInterval;
}

function areOrdered(parts: Parts, full: readonly Gathered[]): boolean {
  const { partitioner } = parts;
  if (!partitioner || !hasKnownOrder(parts)) return true;
  return full.every(({ firstKey }, i) => {
    const before = full[i - 1]?.lastKey;
    return (
      !before || compareDecorated(partitioner, decorate(partitioner, before), decorate(partitioner, firstKey!)) < 0
    );
  });
}

function finishSummary(
  parts: Parts,
  last: Gathered,
  range: { readonly first: Uint8Array; readonly last: Uint8Array },
  log: FindingLog,
): void {
  if (!parts.summary) return;
  const isForeign = isForeignWriter(parts);
  const check = new SummaryCheck(parts.summary, parts, isForeign, log);
  if (!isForeign) check.checkHeader();
  check.resume({ next: last.samplesAfter, keys: last.keysAfter });
  check.finish(range.first, range.last);
}

/** Whether Filter.db has the bits that the keys of all slices set, and no others. */
function isFilterRight({ filter }: Parts, filters: readonly Uint8Array[]): boolean {
  if (!filter) return true;
  const right = new Int32Array(filter.bits.length / 4);
  for (const { buffer, byteOffset, byteLength } of filters) {
    if (byteLength !== right.byteLength) return false;
    const own = new Int32Array(buffer, byteOffset, right.length);
    for (let i = 0; i < right.length; i++) right[i]! |= own[i]!;
  }
  return Buffer.compare(new Uint8Array(right.buffer), filter.bits) === 0;
}

function isDigestRight({ digest, sizes }: Parts, gathered: readonly Gathered[]): boolean {
  const stored = sizes.get('Data.db');
  if (gathered.at(-1)!.checked.to !== stored) return false;
  if (digest === undefined) return true;
  const whole = gathered.reduce((crc, { checked }) => combineCrc32(crc, checked.sum, checked.to - checked.from), 0);
  return whole === digest;
}

function addHistograms(list: readonly EstimatedHistogram[]): EstimatedHistogram {
  const [first, ...rest] = list;
  return rest.reduce(
    (all, one) => ({
      offsets: all.offsets,
      counts: all.counts.map((count, i) => count + one.counts[i]!),
      overflow: all.overflow + one.overflow,
    }),
    first!,
  );
}

/** What Statistics.db should say of all rows, from what it should of those of each slice. */
function mergeCounted({ descriptor, header }: Parts, list: readonly Counted[]): Counted | undefined {
  const sketch = mergeHyperLogLogs(list.flatMap(({ compaction }) => compaction?.cardinalityEstimator ?? []));
  if (!sketch || !header) return undefined;
  const compare = compareClustering(header.clusteringTypes);
  const stats = list.map((one) => one.stats).reduce((a, b) => mergeStats(compare, a, b));
  const dropTimes = new TombstoneHistogramBuilder(descriptor.version);
  for (const one of list) dropTimes.add(one.stats.estimatedTombstoneDropTime);
  const estimatedTombstoneDropTime = dropTimes.build();
  return {
    ...list[0]!,
    compaction: { cardinalityEstimator: sketch },
    stats: { ...stats, estimatedTombstoneDropTime },
  };
}

type Compare = ReturnType<typeof compareClustering>;

function mergeStats(compare: Compare, a: StatsMetadata, b: StatsMetadata): StatsMetadata {
  const cells = [a.estimatedCellPerPartitionCount, b.estimatedCellPerPartitionCount];
  return {
    ...a,
    estimatedPartitionSize: addHistograms([a.estimatedPartitionSize, b.estimatedPartitionSize]),
    estimatedCellPerPartitionCount: addHistograms(cells),
    minTimestampMicros: first([a.minTimestampMicros, b.minTimestampMicros]),
    maxTimestampMicros: last([a.maxTimestampMicros, b.maxTimestampMicros]),
    minLocalDeletionSeconds: Math.min(a.minLocalDeletionSeconds, b.minLocalDeletionSeconds),
    maxLocalDeletionSeconds: Math.max(a.maxLocalDeletionSeconds, b.maxLocalDeletionSeconds),
    minTtlSeconds: Math.min(a.minTtlSeconds, b.minTtlSeconds),
    maxTtlSeconds: Math.max(a.maxTtlSeconds, b.maxTtlSeconds),
    hasLegacyCounterShards: a.hasLegacyCounterShards || b.hasLegacyCounterShards,
    hasPartitionLevelDeletions: a.hasPartitionLevelDeletions === true || b.hasPartitionLevelDeletions === true,
    totalColumnsSet: a.totalColumnsSet + b.totalColumnsSet,
    totalRows: a.totalRows + b.totalRows,
    ...(b.lastKey && { lastKey: b.lastKey }),
    ...covered(compare, a, b),
  };
}

function covered(compare: Compare, a: StatsMetadata, b: StatsMetadata): Partial<StatsMetadata> {
  if (a.coveredClustering && b.coveredClustering) {
    const [x, y] = [a.coveredClustering, b.coveredClustering];
    const start = compare(x.start, y.start) <= 0 ? x.start : y.start;
    return { coveredClustering: { start, end: compare(x.end, y.end) >= 0 ? x.end : y.end } };
  }
  if (!a.legacyMinMax || !b.legacyMinMax) return {};
  const [x, y] = [a.legacyMinMax, b.legacyMinMax];
  const order = (one: readonly Uint8Array[], other: readonly Uint8Array[]) =>
    one.length === other.length ? compare(placeOf(one), placeOf(other)) : 0;
  return {
    legacyMinMax: { min: order(x.min, y.min) <= 0 ? x.min : y.min, max: order(x.max, y.max) >= 0 ? x.max : y.max },
  };
}

function placeOf(values: readonly Uint8Array[]): ClusteringPrefix {
  return { kind: 'CLUSTERING', values: [...values] };
}

function first(times: readonly [bigint, bigint]): bigint {
  return times[times[0] <= times[1] ? 0 : 1];
}

function last(times: readonly [bigint, bigint]): bigint {
  return times[times[0] >= times[1] ? 0 : 1];
}
