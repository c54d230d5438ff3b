/**
 * A histogram with buckets of growing width (Cassandra's EstimatedHistogram), integers big-endian:
 *
 *   i32 n, n × (i64 offset, i64 count)
 *
 * A bucket counts the values above the offset before it, up to and including its own. The n counts have n − 1 offsets: the first is stored
 * twice, and the last count, which has none of its own, is of values beyond every offset (the overflow).
 */
import type { Cursor } from '../../bytes/cursor.js';
import type { ByteWriter } from '../../bytes/writer.js';

export type EstimatedHistogram = {
  /** Upper ends of the buckets, inclusive, ascending. */
  readonly offsets: readonly number[];
  /** One count an offset. */
  readonly counts: readonly number[];
  /** Values beyond the last offset. Readers of SSTables leave it out of everything they compute, and so do the functions here. */
  readonly overflow: number;
};

/** Bucket counts of the two histograms that 5.0 writes. */
export const PARTITION_SIZE_BUCKETS = 155;
export const CELL_PER_PARTITION_BUCKETS = 118;

/** Of partition sizes, that 3.11 and 4.x write. */
export const LEGACY_PARTITION_SIZE_BUCKETS = 150;

/** Cassandra's series of offsets: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20 … each 1.2 times the one before, rounded. */
export function histogramOffsets(size: number): number[] {
  const offsets: number[] = [];
  for (let last = 0; offsets.length < size; ) {
    last = Math.max(Math.round(last * 1.2), last + 1);
    offsets.push(last);
  }
  return offsets;
}

/** A histogram of `bucketCount` offsets over pairs of a value and how often it occurs. */
export function makeHistogram(values: Iterable<readonly [value: number, count: number]>, bucketCount: number) {
  const offsets = histogramOffsets(bucketCount);
  const counts = offsets.map(() => 0);
  let overflow = 0;
  for (const [value, count] of values) {
    const i = bucketOf(offsets, value);
    if (i < counts.length) counts[i] = counts[i]! + count;
    else overflow += count;
  }
  return { offsets, counts, overflow } satisfies EstimatedHistogram;
}

/** A histogram in the making. */
export class EstimatedHistogramBuilder {
  private readonly offsets: readonly number[];
  /** The last is the overflow. */
  private readonly counts: Float64Array;

  constructor(bucketCount: number) {
    this.offsets = histogramOffsets(bucketCount);
    this.counts = new Float64Array(bucketCount + 1);
  }

  add(value: number): void {
    this.counts[bucketOf(this.offsets, value)]!++;
  }

  /** Takes back a value that was added. */
  remove(value: number): void {
    this.counts[bucketOf(this.offsets, value)]!--;
  }

  /** Upper ends of the buckets. */
  get bucketOffsets(): readonly number[] {
    return this.offsets;
  }

  /** Adds to each bucket, and to the overflow behind them. */
  addCounts(counts: Uint32Array): void {
    for (let i = 0; i < this.counts.length; i++) this.counts[i]! += counts[i]!;
  }

  /** The histogram of what was added so far. More may be added. */
  build(): EstimatedHistogram {
    const counts = Array.from(this.counts);
    const overflow = counts.pop()!;
    return { offsets: this.offsets, counts, overflow };
  }
}

/** How many values were counted. */
export function histogramCount(histogram: EstimatedHistogram): number {
  let sum = 0;
  for (const count of histogram.counts) sum += count;
  return sum;
}

/** Mean of the values, each taken for its bucket's offset, rounded up; 0 where there are none. */
export function histogramMean(histogram: EstimatedHistogram): number {
  const { offsets, counts } = histogram;
  let elements = 0;
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    elements += counts[i]!;
    sum += counts[i]! * offsets[i]!;
  }
  if (elements === 0) return 0;
  return Math.ceil((Number.isSafeInteger(sum) ? sum : exactSum(histogram)) / elements);
}

/** Offset of the bucket in which the value of rank `percentile` (0–1) lies; 0 where there are none. */
export function histogramPercentile(histogram: EstimatedHistogram, percentile: number): number {
  const rank = Math.ceil(histogramCount(histogram) * percentile);
  if (rank === 0) return 0;
  let seen = 0;
  for (let i = 0; i < histogram.counts.length; i++) {
    seen += histogram.counts[i]!;
    if (seen >= rank) return histogram.offsets[i]!;
  }
  return 0;
}

/** The smallest value that can have been counted; 0 where there are none. */
export function histogramMin(histogram: EstimatedHistogram): number {
  const i = histogram.counts.findIndex((count) => count > 0);
  return i <= 0 ? 0 : histogram.offsets[i - 1]! + 1;
}

/** The largest value that can have been counted; 0 where there are none. */
export function histogramMax(histogram: EstimatedHistogram): number {
  for (let i = histogram.counts.length - 1; i >= 0; i--) if (histogram.counts[i]! > 0) return histogram.offsets[i]!;
  return 0;
}

/** Offsets as last read, by the number of buckets: thousands of SSTables have the same, and few of them are kept twice. */
const lastOffsets: Record<number, readonly number[]> = {};

/** @throws CorruptError */
export function readEstimatedHistogram(cursor: Cursor, what: string): EstimatedHistogram {
  const n = readBuckets(cursor, what);
  const counts = new Array<number>(n);
  const known = lastOffsets[n];
  let offsets: number[] | undefined;
  for (let i = 0; i < n; i++) {
    const at = i === 0 ? 0 : i - 1;
    const offset = cursor.i64AsNumber();
    if (offsets) offsets[at] = offset;
    else if (known?.[at] !== offset) {
      offsets = known?.slice(0, at) ?? [];
      offsets[at] = offset;
    }
    counts[i] = cursor.i64AsNumber();
  }
  const all = offsets ?? known!;
  lastOffsets[n] = all;
  return { offsets: all, counts, overflow: counts.pop()! };
}

/** Passes over one. @throws CorruptError */
export function skipEstimatedHistogram(cursor: Cursor, what: string): void {
  cursor.skip(16 * readBuckets(cursor, what));
}

function readBuckets(cursor: Cursor, what: string): number {
  const at = cursor.offset;
  const n = cursor.count(cursor.i32(), 16, `buckets of ${what}`);
  if (n < 2) throw cursor.corrupt(`${what} has no buckets`, { offset: at, seen: n, expected: 'at least 2' });
  return n;
}

export function writeEstimatedHistogram(histogram: EstimatedHistogram, out: ByteWriter): void {
  const { offsets, counts, overflow } = histogram;
  out.i32(counts.length + 1);
  for (let i = 0; i <= counts.length; i++) {
    out.i64FromNumber(offsets[i === 0 ? 0 : i - 1]!);
    out.i64FromNumber(i < counts.length ? counts[i]! : overflow);
  }
}

/** Index of the first offset that is not below `value`; the number of offsets where all are. */
function bucketOf(offsets: readonly number[], value: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sum of the values in Java's wrapping long arithmetic, as a double. */
function exactSum({ offsets, counts }: EstimatedHistogram): number {
  let sum = 0n;
  for (let i = 0; i < counts.length; i++) sum += BigInt(counts[i]!) * BigInt(offsets[i]!);
  return Number(BigInt.asIntN(64, sum));
}
