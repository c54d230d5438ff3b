/** What a deep verification decodes and counts beyond the others: rows, and what Statistics.db should say of them. */
import { MetadataCollector } from '../../sstable/metadata/metadata-collector.js';
import type { StatisticsParts } from '../../sstable/statistics.js';
import type { FindingLog } from './finding.js';
import { nameOf } from './key-check.js';
import type { Parts } from './parts.js';
import { RowCheck } from './row-check.js';
import type { Counted } from './statistics-check.js';

export type Deep = {
  readonly rows: RowCheck;
  readonly collector: MetadataCollector;
  /** Timestamps above it lie in the future, µs, as halves. */
  readonly future: readonly [hi: number, lo: number];
};

/** A day: clocks differ. */
const FUTURE_SECONDS = 86400;

export function deepCheck(parts: Parts, { nowSeconds }: { readonly nowSeconds: number }, log: FindingLog): Deep {
  const header = parts.header!;
  const collector = new MetadataCollector(header.clusteringTypes, parts.descriptor.version);
  const future = BigInt(nowSeconds + FUTURE_SECONDS) * 1000000n;
  const [futureHi, futureLo] = [Number(BigInt.asIntN(32, future >> 32n)), Number(BigInt.asIntN(32, future))];
  const rows = new RowCheck({
    header,
    collector,
    log,
    futureHi,
    futureLo,
    nameOf: (key, length) => nameOf(parts.partitioner, key, length),
  });
  return { rows, collector, future: [futureHi, futureLo] };
}

/** What Statistics.db would tell of the rows that were counted, in its own words where only the writer knew. */
export function countedOf(
  { stats, header, partitioner }: Parts,
  { collector }: Pick<Deep, 'collector'>,
  firstKey: Uint8Array,
  lastKey: Uint8Array,
): Counted {
  return collector.finish({
    partitioner: partitioner?.className ?? '',
    bloomFilterFpChance: 0,
    repairedAtMillis: 0,
    isTransient: false,
    level: 0,
    commitLogIntervals: [],
    compressionRatio: stats!.compressionRatio,
    tokenSpaceCoverage: Number.NaN,
    firstKey,
    lastKey,
    header: header!,
  }) as Counted;
}

export function storedParts({ statistics, stats }: Parts): StatisticsParts & Counted {
  try {
    return { stats: stats!, ...(statistics!.has('compaction') && { compaction: statistics!.compaction }) };
  } catch {
    return { stats: stats! };
  }
}
