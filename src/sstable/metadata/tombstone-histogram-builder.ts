/**
 * Collects when tombstones can be dropped, step by step as Cassandra's StreamingTombstoneHistogramBuilder does, so that the result is what it
 * stores: at most 100 points, each rounded up to a whole minute, with a count.
 *
 *   spool   2 × 131,072 cells of (point, count), a hash table with linear probing; emptied cell after cell into the bins when it holds more
 *           than 131,072 points, or a point finds no cell among 100
 *   bins    points ascending; with the 101st, the nearest two (of several such, the first) become their weighted mean
 *
 * Before oa points end at 2^31 − 2, and a mean may be the lower of the two; since, it is above.
 */
import type { Version } from '../version.js';
import {
  MAX_DELETION_TIME,
  MAX_LEGACY_DELETION_TIME,
  makeTombstoneHistogram,
  type TombstoneHistogram,
} from './tombstone-histogram.js';

const MAX_BINS = 100;
const ROUND_SECONDS = 60;
const SPOOL_CAPACITY = 131072;
const SPOOL_CELLS = 2 * SPOOL_CAPACITY;
const MAX_PROBES = 100;
const HASH_PRIME = 948701839;
/** Of a cell of the spool; no time is that late. */
const EMPTY = 0xffffffff;
const MAX_INT = 0x7fffffff;

export class TombstoneHistogramBuilder {
  private readonly version: Version;
  private readonly maxSeconds: number;
  private readonly isLegacy: boolean;
  /** Made when the first tombstone comes. */
  private spoolPoints = new Uint32Array(0);
  private spoolCounts = new Int32Array(0);
  private spoolSize = 0;
  /** One more than bins: full means that two are to be merged. */
  private readonly points = new Float64Array(MAX_BINS + 1);
  private readonly counts = new Int32Array(MAX_BINS + 1);
  private size = 0;

  constructor(version: Version) {
    this.version = version;
    this.isLegacy = !version.hasUIntDeletionTime;
    this.maxSeconds = this.isLegacy ? MAX_LEGACY_DELETION_TIME : MAX_DELETION_TIME;
  }

  /** Adds a local deletion time, seconds since the epoch from 0. */
  update(seconds: number): void {
    const point = this.roundUp(seconds);
    if (this.addToSpool(point)) return;
    this.emptySpool();
    this.addToSpool(point);
  }

  /** Adds the points of another histogram, each with its count. */
  add({ bins }: TombstoneHistogram): void {
    this.emptySpool();
    for (const { pointSeconds, count } of bins) this.addToBins(pointSeconds, count);
  }

  /** The histogram of what was added so far. More may be added. */
  build(): TombstoneHistogram {
    this.emptySpool();
    const bins = [];
    for (let i = 0; i < this.size; i++) bins.push({ pointSeconds: this.points[i]!, count: this.counts[i]! });
    return makeTombstoneHistogram(bins, this.version.hasMetadataChecksum ? bins.length : MAX_BINS);
  }

  private roundUp(seconds: number): number {
    const rest = seconds % ROUND_SECONDS;
    return Math.min(rest === 0 ? seconds : seconds - rest + ROUND_SECONDS, this.maxSeconds);
  }

  private addToSpool(point: number): boolean {
    if (this.spoolSize > SPOOL_CAPACITY) return false;
    if (this.spoolPoints.length === 0) this.makeSpool();
    const { spoolPoints: points, spoolCounts: counts } = this;
    const first = Math.imul(point, HASH_PRIME) & (SPOOL_CAPACITY - 1);
    for (let cell = first; cell < first + MAX_PROBES; cell++) {
      const there = points[cell]!;
      if (there === point) {
        if (counts[cell]! < MAX_INT) counts[cell]!++;
        return true;
      }
      if (there === EMPTY) {
        points[cell] = point;
        counts[cell] = 1;
        this.spoolSize++;
        return true;
      }
    }
    return false;
  }

  private makeSpool(): void {
    this.spoolPoints = new Uint32Array(SPOOL_CELLS).fill(EMPTY);
    this.spoolCounts = new Int32Array(SPOOL_CELLS);
  }

  private emptySpool(): void {
    if (this.spoolSize === 0) return;
    const { spoolPoints: points, spoolCounts: counts } = this;
    for (let cell = 0; cell < SPOOL_CELLS; cell++) {
      if (points[cell] !== EMPTY) this.addToBins(points[cell]!, counts[cell]!);
    }
    points.fill(EMPTY);
    this.spoolSize = 0;
  }

  private addToBins(point: number, count: number): void {
    const { points, counts, size } = this;
    let i = size;
    while (i > 0 && points[i - 1]! >= point) i--;
    if (i < size && points[i] === point) {
      counts[i] = Math.min(counts[i]! + count, MAX_INT);
      return;
    }
    points.copyWithin(i + 1, i, size);
    counts.copyWithin(i + 1, i, size);
    points[i] = point;
    counts[i] = count;
    this.size++;
    if (this.size > MAX_BINS) this.mergeNearest();
  }

  private mergeNearest(): void {
    const { points, counts, size } = this;
    let nearest = 0;
    let distance = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < size; i++) {
      const d = points[i + 1]! - points[i]!;
      if (d >= distance) continue;
      distance = d;
      nearest = i;
    }
    points[nearest] = this.meanPoint(points[nearest]!, counts[nearest]!, points[nearest + 1]!, counts[nearest + 1]!);
    counts[nearest] = Math.min(counts[nearest]! + counts[nearest + 1]!, MAX_INT);
    points.copyWithin(nearest + 1, nearest + 2, size);
    counts.copyWithin(nearest + 1, nearest + 2, size);
    this.size--;
  }

  private meanPoint(low: number, lowCount: number, high: number, highCount: number): number {
    const mean = weightedMean(low, lowCount, high, highCount);
    if (this.isLegacy) return this.roundUp(mean);
    return this.roundUp(Math.min(mean <= low ? low + 1 : mean, high));
  }
}

/** Rounded down. */
function weightedMean(low: number, lowCount: number, high: number, highCount: number): number {
  const weighted = (high - low) * highCount;
  if (weighted <= Number.MAX_SAFE_INTEGER) return low + Math.floor(weighted / (lowCount + highCount));
  const sum = BigInt(low) * BigInt(lowCount) + BigInt(high) * BigInt(highCount);
  return Number(sum / BigInt(lowCount + highCount));
}
