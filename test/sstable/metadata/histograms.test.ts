import { describe, expect, test } from 'vitest';
import { Cursor } from '../../../src/bytes/cursor.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import {
  histogramCount,
  histogramMax,
  histogramMean,
  histogramMin,
  histogramOffsets,
  histogramPercentile,
  makeHistogram,
} from '../../../src/sstable/metadata/estimated-histogram.js';
import {
  makeTombstoneHistogram,
  readTombstoneHistogram,
  tombstonesUntil,
} from '../../../src/sstable/metadata/tombstone-histogram.js';
import { versionOf } from '../../../src/sstable/version.js';

describe('estimated histogram', () => {
  test('offsets', () => {
    expect(histogramOffsets(16)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35]);
    expect(histogramOffsets(90)[89]).toBe(25109160);
  });

  test('a value belongs to the first offset that is not below it', () => {
    const histogram = makeHistogram(
      [
        [0, 1],
        [8, 2],
        [9, 3],
        [10, 4],
        [1e9, 5],
      ],
      10,
    );
    expect(histogram.counts).toEqual([1, 0, 0, 0, 0, 0, 0, 2, 7, 0]);
    expect(histogram.overflow).toBe(5);
    expect(histogramCount(histogram)).toBe(10);
  });

  test('nothing counted', () => {
    const empty = makeHistogram([], 90);
    for (const compute of [histogramCount, histogramMean, histogramMin, histogramMax]) expect(compute(empty)).toBe(0);
    expect(histogramPercentile(empty, 0.99)).toBe(0);
  });

  test('percentiles, mean and ends', () => {
    const histogram = makeHistogram(
      Array.from({ length: 100 }, (_, i) => [i + 1, 1] as const),
      90,
    );
    expect([0, 0.5, 0.75, 0.95, 1].map((p) => histogramPercentile(histogram, p))).toEqual([0, 50, 86, 103, 103]);
    expect([histogramMin(histogram), histogramMax(histogram)]).toEqual([0, 103]);
    expect(histogramMean(histogram)).toBe(55);
  });

  test('a mean whose sum wraps in 64 bits, as in Java', () => {
    const [offset] = histogramOffsets(155).slice(-1);
    expect(histogramMean(makeHistogram([[offset!, 1e7]], 155))).toBeLessThan(0);
  });
});

describe('tombstone histogram', () => {
  const histogram = makeTombstoneHistogram([
    { pointSeconds: 100, count: 10 },
    { pointSeconds: 200, count: 30 },
    { pointSeconds: 400, count: 20 },
  ]);

  test.each([
    [99, 0],
    [100, 5],
    [150, 5 + ((10 + 20) * 0.5) / 2],
    [199, 5 + ((10 + 29.8) * 0.99) / 2],
    [200, 10 + 15],
    [300, 10 + 15 + ((30 + 25) * 0.5) / 2],
    [400, 60],
    [2 ** 40, 60],
  ])('up to %i: %d', (seconds, expected) => {
    expect(tombstonesUntil(histogram, seconds)).toBeCloseTo(expected, 9);
  });

  test('none', () => expect(tombstonesUntil(makeTombstoneHistogram([]), 1e9)).toBe(0));

  test('points out of range, fractions and repeated points are folded, and kept as stored', () => {
    const out = new ByteWriter();
    out.i32(100);
    out.i32(5);
    for (const [point, count] of [
      [7.9, 2],
      [7.1, 3],
      [-5, 1],
      [3e9, 4],
      [1, 5e9],
    ] as const) {
      out.f64(point);
      out.i64FromNumber(count);
    }
    const read = readTombstoneHistogram(new Cursor(out.toBytes()), versionOf('big', 'mc'));
    expect(read.bins).toEqual([
      { pointSeconds: 1, count: 0x7fffffff },
      { pointSeconds: 7, count: 5 },
      { pointSeconds: 0x7ffffffe, count: 5 },
    ]);
    expect(read.stored.bins.map((bin) => bin.pointSeconds)).toEqual([7.9, 7.1, -5, 3e9, 1]);
  });
});
