/**
 * When an SSTable's tombstones and expiring cells can be dropped (Cassandra's TombstoneHistogram), integers big-endian:
 *
 *   before oa   i32 maxBins | i32 n, n × (f64 point, i64 count)
 *   oa, da      i32 maxBins | i32 n, n × (i64 point, i32 count)
 *
 * A point is a local deletion time in seconds since the epoch. Old files have negative ones (CASSANDRA-14092), fractions (3.0 averaged its
 * points) and 2^31 − 1 for live cells (before 3.0.8): Cassandra folds them into the range of valid times when it reads them.
 */
import type { Cursor } from '../../bytes/cursor.js';
import type { ByteWriter } from '../../bytes/writer.js';
import type { Version } from '../version.js';

export type TombstoneBin = {
  /** Local deletion time, seconds since the epoch. */
  readonly pointSeconds: number;
  readonly count: number;
};

export type TombstoneHistogram = {
  /** As Cassandra reads them: ascending, each point once, 0 to 2^32 − 3 (before oa: to 2^31 − 2). */
  readonly bins: readonly TombstoneBin[];
  /** As stored. */
  readonly stored: { readonly maxBins: number; readonly bins: readonly TombstoneBin[] };
};

/** The largest time at which a cell can expire, and the same in versions before oa. */
export const MAX_DELETION_TIME = 0xfffffffd;
export const MAX_LEGACY_DELETION_TIME = 0x7ffffffe;

const MAX_INT = 0x7fffffff;

/**
 * A histogram to be written; `bins` as {@link TombstoneHistogram.bins} wants them. `maxBins` is how many there can be (3.x writes that) or are.
 */
export function makeTombstoneHistogram(bins: readonly TombstoneBin[], maxBins = bins.length): TombstoneHistogram {
  return { bins, stored: { maxBins, bins } };
}

/**
 * About how many tombstones have a deletion time up to `seconds`: a point's own are taken to lie half before and half after it, those between
 * two points by a trapezoid; none before the first point, all from the last one on. `seconds` above 2^31 − 1 counts as that, in 5.0 as well.
 */
export function tombstonesUntil(histogram: TombstoneHistogram, seconds: number): number {
  const { bins } = histogram;
  const at = Math.max(-MAX_INT - 1, Math.min(MAX_INT, Math.trunc(seconds)));
  let sum = 0;
  for (let i = 0; i < bins.length; i++) {
    const { pointSeconds, count } = bins[i]!;
    if (pointSeconds <= at) {
      sum += count;
      continue;
    }
    if (i === 0) return 0;
    const before = bins[i - 1]!;
    const weight = (at - before.pointSeconds) / (pointSeconds - before.pointSeconds);
    const here = before.count + (count - before.count) * weight;
    return sum - before.count + ((before.count + here) * weight) / 2 + before.count / 2;
  }
  return sum;
}

/** @throws CorruptError */
export function readTombstoneHistogram(cursor: Cursor, version: Version): TombstoneHistogram {
  const isLegacy = !version.hasUIntDeletionTime;
  const maxBins = cursor.i32();
  const n = readCount(cursor, version);
  const stored: TombstoneBin[] = [];
  for (let i = 0; i < n; i++) {
    stored.push(
      isLegacy
        ? { pointSeconds: cursor.f64(), count: cursor.i64AsNumber() }
        : { pointSeconds: cursor.i64AsNumber(), count: cursor.i32() },
    );
  }
  return {
    bins: fold(stored, isLegacy ? MAX_LEGACY_DELETION_TIME : MAX_DELETION_TIME),
    stored: { maxBins, bins: stored },
  };
}

/** Passes over one. @throws CorruptError */
export function skipTombstoneHistogram(cursor: Cursor, version: Version): void {
  cursor.skip(4);
  cursor.skip(readCount(cursor, version) * binBytes(version));
}

function readCount(cursor: Cursor, version: Version): number {
  return cursor.count(cursor.i32(), binBytes(version), 'tombstone drop times');
}

function binBytes(version: Version): number {
  return version.hasUIntDeletionTime ? 12 : 16;
}

export function writeTombstoneHistogram(histogram: TombstoneHistogram, version: Version, out: ByteWriter): void {
  const { maxBins, bins } = histogram.stored;
  out.i32(maxBins);
  out.i32(bins.length);
  for (const { pointSeconds, count } of bins) {
    if (version.hasUIntDeletionTime) {
      out.i64FromNumber(pointSeconds);
      out.i32(count);
    } else {
      out.f64(pointSeconds);
      out.i64FromNumber(count);
    }
  }
}

/** Points out of 0–`max` become `max`, fractions are cut, equal points are added up, counts end at 2^31 − 1. */
function fold(stored: readonly TombstoneBin[], max: number): TombstoneBin[] {
  const byPoint = new Map<number, number>();
  for (const { pointSeconds, count } of stored) {
    const whole = Number.isNaN(pointSeconds) ? 0 : Math.trunc(pointSeconds);
    const point = whole < 0 || whole > max ? max : Math.abs(whole);
    byPoint.set(point, Math.min(MAX_INT, (byPoint.get(point) ?? 0) + Math.min(MAX_INT, count)));
  }
  return [...byPoint]
    .map(([pointSeconds, count]) => ({ pointSeconds, count }))
    .sort((a, b) => a.pointSeconds - b.pointSeconds);
}
