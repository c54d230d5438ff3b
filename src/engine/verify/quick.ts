/** What the small components say, held against each other: ends of the index, repair state, times. Data.db is not opened. */
import { LsmctlError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { EXPIRED_LIVENESS_TTL } from '../../sstable/deletion-slot.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import { openIndexFile } from '../../sstable/index-file.js';
import type { FindingLog } from './finding.js';
import { BtiIndexCursor, hexOf } from './index-cursor.js';
import type { Parts } from './parts.js';
import { MAX_TTL_SECONDS } from './row-check.js';
import type { TableFacts } from './verify-sstable.js';

/** A day: clocks differ. */
const FUTURE_SECONDS = 86400;
const MICROS = 1000000n;
const LONG_MAX = 2n ** 63n - 1n;
/** 2001 to 2100 in seconds; what stands for such a time in milliseconds or seconds is one of 1970 in microseconds. */
const FIRST_SECOND = 1_000_000_000n;
const LAST_SECOND = 4_102_444_800n;

/** Repair state, times and TTLs as Statistics.db has them. */
export function checkFacts({ stats, header }: Parts, nowSeconds: number, log: FindingLog): void {
  if (!stats) return;
  const place = { component: COMPONENT.statistics };
  const { repairedAtMillis, pendingRepair, isTransient, maxTimestampMicros: max, minTimestampMicros: min } = stats;
  if (repairedAtMillis !== 0 && pendingRepair !== undefined) {
    log.add('repair-state', 'is repaired and pending in a repair at once', {
      ...place,
      seen: `${repairedAtMillis}, ${pendingRepair}`,
    });
  }
  if (isTransient && repairedAtMillis === 0 && pendingRepair === undefined) {
    log.add('repair-state', 'is transient, but neither repaired nor pending in a repair', place);
  }
  if (repairedAtMillis < 0)
    log.add('repair-state', 'was repaired at a negative time', { ...place, seen: repairedAtMillis });
  if (stats.sstableLevel < 0 || stats.sstableLevel > 63) {
    log.add('statistics', 'impossible level', { ...place, seen: stats.sstableLevel, expected: '0 to 63' });
  }
  if (stats.maxTtlSeconds > MAX_TTL_SECONDS && stats.maxTtlSeconds !== EXPIRED_LIVENESS_TTL) {
    log.add('ttl', 'something has a TTL above 20 years', {
      ...place,
      seen: `${stats.maxTtlSeconds} s`,
      expected: `at most ${MAX_TTL_SECONDS} s`,
    });
  }
  if (!header || min > max || max === LONG_MAX) return;
  const future = BigInt(nowSeconds + FUTURE_SECONDS) * MICROS;
  if (max > future)
    log.add('timestamp-future', 'something was written with a timestamp in the future', {
      ...place,
      seen: `${max} µs`,
    });
  const unit = unitOf(min) ?? unitOf(max);
  if (unit)
    log.add('timestamp-unit', `timestamps look like ${unit}`, {
      ...place,
      seen: `${min} to ${max}`,
      expected: 'microseconds',
    });
}

function unitOf(timestamp: bigint): string | undefined {
  if (timestamp >= FIRST_SECOND && timestamp < LAST_SECOND) return 'seconds';
  if (timestamp >= FIRST_SECOND * 1000n && timestamp < LAST_SECOND * 1000n) return 'milliseconds';
  return undefined;
}

/** First and last key by all who know them: Statistics.db, Summary.db, the ends of the index where nobody walks it. */
export function checkEnds(storage: Storage, parts: Parts, asksIndex: boolean, log: FindingLog): TableFacts | undefined {
  const { stats, partitioner, summary, descriptor } = parts;
  let first = stats?.firstKey ?? summary?.firstKey;
  let last = stats?.lastKey ?? summary?.lastKey;
  try {
    const isBig = descriptor.format === 'big';
    const isNeeded = asksIndex || !first || !last;
    const ends = isNeeded ? (isBig ? bigEnds(storage, parts) : btiEnds(storage, parts)) : undefined;
    if (ends) {
      const index = descriptor.format === 'big' ? COMPONENT.index : COMPONENT.partitions;
      compareEnd('first', ends.first, index, first, log);
      compareEnd('last', ends.last, index, last, log);
      first ??= ends.first;
      last ??= ends.last;
      if (ends.dataPosition !== 0) {
        const place = { component: index, offset: 0, seen: ends.dataPosition, expected: 0 };
        log.add('index-incomplete', 'first entry does not lead to the first partition', place);
      }
    }
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    log.addError('index', error);
  }
  if (summary && stats?.firstKey && stats.lastKey) {
    compareEnd('first', summary.firstKey, COMPONENT.summary, stats.firstKey, log);
    compareEnd('last', summary.lastKey, COMPONENT.summary, stats.lastKey, log);
  }
  if (!stats || !partitioner || !first || !last) return undefined;
  return {
    partitioner: partitioner.className,
    firstKey: first,
    lastKey: last,
    level: stats.sstableLevel,
    repairedAtMillis: stats.repairedAtMillis,
    ...(stats.pendingRepair !== undefined && { pendingRepair: stats.pendingRepair }),
  };
}

function compareEnd(
  name: string,
  seen: Uint8Array,
  component: string,
  expected: Uint8Array | undefined,
  log: FindingLog,
): void {
  if (!expected || Buffer.compare(seen, expected) === 0) return;
  log.add('key-range', `${name} key of ${component} is not that of the other components`, {
    component,
    seen: `0x${hexOf(seen, seen.length)}`,
    expected: `0x${hexOf(expected, expected.length)}`,
  });
}

type Ends = { readonly first: Uint8Array; readonly last: Uint8Array; readonly dataPosition: number };

/** Of Index.db its first entry, and those from the last one that Summary.db samples. */
function bigEnds(storage: Storage, { descriptor, sizes, summary, header }: Parts): Ends | undefined {
  if (!sizes.get(COMPONENT.index) || !header || !summary) return undefined;
  const index = openIndexFile(storage, descriptor, header.clusteringTypes);
  try {
    const firstEntry = index.entries(0, 1, 1 << 12).next();
    if (firstEntry.done) return undefined;
    let last = firstEntry.value.key;
    const from = summary.entries.at(summary.entries.length - 1)?.position ?? 0;
    for (const { key } of index.entries(Math.min(from, index.size))) last = key;
    return { first: firstEntry.value.key, last, dataPosition: firstEntry.value.dataPosition };
  } finally {
    index.close();
  }
}

function btiEnds(storage: Storage, { descriptor, sizes, partitioner }: Parts): Ends | undefined {
  if (!sizes.get(COMPONENT.partitions)) return undefined;
  const index = new BtiIndexCursor(storage, descriptor, partitioner);
  try {
    const { firstKey, lastKey } = index.file;
    const hasEntry = index.next();
    return { first: firstKey, last: lastKey, dataPosition: hasEntry ? index.dataPosition : 0 };
  } finally {
    index.close();
  }
}
