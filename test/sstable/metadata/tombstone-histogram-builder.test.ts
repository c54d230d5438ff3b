/** What StreamingTombstoneHistogramBuilder of Cassandra 5.0.9 and 4.1.9 makes of the same pseudo-random times: how many points, and their CRC-32. */
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../../src/bytes/crc32.js';
import { ByteWriter } from '../../../src/bytes/writer.js';
import type { TombstoneHistogram } from '../../../src/sstable/metadata/tombstone-histogram.js';
import { TombstoneHistogramBuilder } from '../../../src/sstable/metadata/tombstone-histogram-builder.js';
import { versionOf } from '../../../src/sstable/version.js';
import { sequence16 } from '../../sequence.js';

type Times = { readonly n: number; readonly from: number; readonly range: number; readonly repeat: number };
type Fact = readonly [points: number, crc: string];

/** The seed is the number of the row. */
const FACTS: readonly (readonly [times: Times, oa: Fact, nb?: Fact])[] = [
  [{ n: 10, from: 1700000000, range: 1000, repeat: 1 }, [9, '78a109a0'], [9, '78a109a0']],
  [{ n: 5000, from: 1700000000, range: 600000, repeat: 1 }, [100, '42f8dbbd'], [100, '9b656570']],
  [{ n: 20000, from: 1600000000, range: 300000000, repeat: 1 }, [100, '80a2b17f'], [100, '80a2b17f']],
  [{ n: 300000, from: 1000000000, range: 1000000000, repeat: 1 }, [100, '630ec472'], [100, '97ac3fac']],
  [{ n: 400000, from: 1700000000, range: 2000000000, repeat: 7 }, [100, 'fb332ad2'], [100, '17e138d6']],
  [{ n: 50000, from: 2147000000, range: 700000, repeat: 1 }, [100, '77c91974'], [100, 'f93d2eca']],
  [{ n: 250000, from: 4000000000, range: 294967294, repeat: 1 }, [100, 'be24daf9']],
];

function builderOf(seed: number, { n, from, range, repeat }: Times, version: string): TombstoneHistogramBuilder {
  const next = sequence16(seed);
  const builder = new TombstoneHistogramBuilder(versionOf('big', version));
  let seconds = 0;
  for (let i = 0; i < n; i++) {
    const high = next();
    const at = from + ((high * 65536 + next()) % range);
    if (i % repeat === 0) seconds = version === 'nb' ? Math.min(at, 2147483646) : at;
    builder.update(seconds);
  }
  return builder;
}

function factOf({ bins }: TombstoneHistogram): Fact {
  const out = new ByteWriter();
  for (const { pointSeconds, count } of bins) {
    out.i64FromNumber(pointSeconds);
    out.i32(count);
  }
  return [bins.length, (crc32(out.view()) >>> 0).toString(16).padStart(8, '0')];
}

const rows = FACTS.map(([times, oa, nb], i) => ({ seed: i + 1, times, oa, nb }));

test.each(rows)('oa: $times', ({ seed, times, oa }) => {
  expect(factOf(builderOf(seed, times, 'oa').build())).toEqual(oa);
});

test.each(rows.filter(({ nb }) => nb))('nb: $times', ({ seed, times, nb }) => {
  expect(factOf(builderOf(seed, times, 'nb').build())).toEqual(nb);
});

describe('points', () => {
  const binsOf = (version: string, ...seconds: number[]) => {
    const builder = new TombstoneHistogramBuilder(versionOf('big', version));
    for (const s of seconds) builder.update(s);
    return builder.build().bins.map(({ pointSeconds, count }) => [pointSeconds, count]);
  };

  test('none', () => expect(binsOf('oa')).toEqual([]));

  test('are rounded up to whole minutes', () => {
    expect(binsOf('oa', 1, 60, 61, 119, 120, 0)).toEqual([
      [0, 1],
      [60, 2],
      [120, 3],
    ]);
  });

  test.each([
    ['oa', 4294967293],
    ['nb', 2147483646],
  ])('%s: end at %i', (version, last) => {
    expect(binsOf(version, last, last + 1)).toEqual([[last, 2]]);
  });

  test('written by 3.x: their greatest number is stored', () => {
    const builder = new TombstoneHistogramBuilder(versionOf('big', 'me'));
    builder.update(7);
    expect(builder.build().stored).toEqual({ maxBins: 100, bins: [{ pointSeconds: 60, count: 1 }] });
  });

  test('more may be added after a histogram was built', () => {
    const builder = builderOf(3, FACTS[2]![0], 'oa');
    const before = builder.build();
    builder.update(60);
    expect(builder.build().bins[0]).toEqual({ pointSeconds: 60, count: 1 });
    expect(factOf(before)).toEqual(FACTS[2]![1]);
  });
});
