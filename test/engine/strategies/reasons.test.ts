import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/bytes/errors.js';
import { openStrategy } from '../../../src/engine/strategies/open-strategy.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { durationText, shareEstimate, spreadText } from '../../../src/engine/strategies/reason.js';
import type { Candidate, StrategyContext } from '../../../src/engine/strategies/strategy.js';
import { type MadeUp, madeUp, NOW_MILLIS } from './made-up.js';

/** What is decided, each line `what count: reason`, the left ones after it. */
function told(
  name: string,
  options: Record<string, string>,
  sstables: readonly MadeUp[],
  context: Partial<StrategyContext> = {},
): string[] {
  const strategy = openStrategy(compactionParams({ class: `${name}CompactionStrategy`, ...options }));
  const made: Candidate[] = sstables.map(madeUp);
  const { picks, left } = strategy.next(made, {
    nowMillis: NOW_MILLIS,
    gcBeforeSeconds: NOW_MILLIS / 1000,
    ...context,
  });
  return [
    ...picks.map(({ kind, inputs, reason }) => `${kind} ${inputs.length}: ${reason}`),
    ...left.map(({ sstables, why }) => `left ${sstables.length}: ${why}`),
  ];
}

const sizes = (...mib: number[]): MadeUp[] => mib.map((each) => ({ mib: each }));

describe('SizeTieredCompactionStrategy says why', () => {
  it.each<[string, Record<string, string>, MadeUp[], string[]]>([
    [
      'a bucket is full and another not',
      {},
      sizes(100, 110, 90, 105, 900, 1000, 1),
      [
        'compaction 4: bucket 2: 4 SSTables of 90–110 MiB, min_threshold 4',
        'left 1: bucket 1: 1 SSTable of 1.0 MiB is fewer than min_threshold 4',
        'left 2: bucket 3: 2 SSTables of 900–1000 MiB are fewer than min_threshold 4',
      ],
    ],
    [
      'of two full buckets the larger goes first',
      { min_threshold: '2' },
      sizes(100, 110, 4000, 4100),
      [
        'compaction 2: bucket 2: 2 SSTables of 3.9–4.0 GiB, min_threshold 2',
        'left 2: bucket 1: 2 SSTables of 100–110 MiB would do, but wait: a bucket of larger ones goes first',
      ],
    ],
    [
      'more than max_threshold',
      { max_threshold: '4' },
      sizes(1, 2, 3, 4, 5, 6),
      [
        'compaction 4: bucket 1: 4 SSTables of 1.0–4.0 MiB, min_threshold 4, the 4 smallest of 6 (max_threshold)',
        'left 2: bucket 1: beyond the 4 SSTables of max_threshold',
      ],
    ],
    [
      'tombstones, of the largest that can go',
      {},
      [
        { mib: 100, droppable: 0.5, ageHours: 48, tokens: [0, 10] },
        { mib: 900, droppable: 0.35, ageHours: 48, tokens: [20, 30] },
        { mib: 9000, droppable: 0.9, ageHours: 5, tokens: [40, 50] },
      ],
      [
        'tombstones 1: ~35 % of its cells are droppable tombstones, above tombstone_threshold 20 %, and no other SSTable overlaps it',
        'left 1: bucket 1: 1 SSTable of 100 MiB is fewer than min_threshold 4',
        'left 1: ~90 % of its cells are droppable tombstones, above tombstone_threshold 20 %, but it was written 5 hours ago: ' +
          'tombstone_compaction_interval is 1 day',
      ],
    ],
    [
      'tombstones that others overlap',
      {},
      [
        { mib: 100, droppable: 0.5, ageHours: 48 },
        { mib: 900, ageHours: 70 },
      ],
      [
        'left 1: bucket 2: 1 SSTable of 900 MiB is fewer than min_threshold 4',
        'left 1: ~50 % of its cells are droppable tombstones, above tombstone_threshold 20 %, but SSTables that overlap it leave only ~10 % ' +
          'of its cells alone',
      ],
    ],
    [
      'tombstones that others overlap, but not most of them',
      { tombstone_threshold: '0.05' },
      [
        { mib: 100, droppable: 0.6, ageHours: 48 },
        { mib: 900, ageHours: 70 },
      ],
      [
        'tombstones 1: ~60 % of its cells are droppable tombstones, above tombstone_threshold 5 % even of the ~10 % of the cells that no other ' +
          'SSTable overlaps',
        'left 1: bucket 2: 1 SSTable of 900 MiB is fewer than min_threshold 4',
      ],
    ],
    [
      'tombstones, unchecked',
      { unchecked_tombstone_compaction: 'true' },
      [
        { mib: 100, droppable: 0.5, ageHours: 48 },
        { mib: 900, ageHours: 70 },
      ],
      [
        'tombstones 1: ~50 % of its cells are droppable tombstones, above tombstone_threshold 20 %, and unchecked_tombstone_compaction is true',
        'left 1: bucket 2: 1 SSTable of 900 MiB is fewer than min_threshold 4',
      ],
    ],
  ])('%s', (_what, options, sstables, expected) => {
    expect(told('SizeTiered', options, sstables)).toEqual(expected);
  });

  it('what is in another repair state is not compacted, but may keep tombstones from going', () => {
    const alone: MadeUp[] = [{ mib: 100, droppable: 0.5, ageHours: 48 }];
    expect(told('SizeTiered', {}, alone)[0]).toMatch('no other SSTable overlaps it');
    const others = [madeUp({ mib: 900, ageHours: 70, repairedAtMillis: 1 })];
    expect(told('SizeTiered', {}, alone, { others })).toEqual([expect.stringContaining('leave only ~10 %')]);
  });

  it('nothing where there is nothing', () => {
    expect(told('SizeTiered', {}, [])).toEqual([]);
    expect(told('TimeWindow', {}, [])).toEqual([]);
  });
});

describe('TimeWindowCompactionStrategy says why', () => {
  const at = (ageHours: number, mib = 10): MadeUp => ({ mib, ageHours });

  it.each<[string, Record<string, string>, MadeUp[], string[]]>([
    [
      'the newest window is not full, a past one is',
      {},
      [at(0), at(1), at(24), at(25), at(60)],
      [
        'compaction 2: window 2026-11-20 (1 day), a past one: 2 SSTables of 10 MiB',
        'left 2: window 2026-11-21 (1 day), the newest: 2 SSTables, fewer than min_threshold 4',
        'left 1: window 2026-11-19 (1 day), a past one: already a single SSTable',
      ],
    ],
    [
      'the newest window by sizes',
      { compaction_window_unit: 'HOURS', compaction_window_size: '6', min_threshold: '2', max_threshold: '2' },
      [at(0, 100), at(0, 110), at(0, 120), at(0, 5000), at(7), at(8)],
      [
        'compaction 2: window 2026-11-21 12:00 (6 hours), the newest: 2 SSTables of 100–110 MiB, of like size, min_threshold 2',
        'left 1: window 2026-11-21 12:00 (6 hours), the newest: beyond the 2 SSTables of max_threshold',
        'left 1: window 2026-11-21 12:00 (6 hours), the newest: not of like size with those that are taken',
        'left 2: window 2026-11-21 00:00 (6 hours), a past one: waits for a newer window',
      ],
    ],
    [
      'what has expired goes along, or alone',
      {},
      [at(0), { mib: 7, ageHours: 100, expiredSeconds: 5000 }, { mib: 9, ageHours: 200, expiredSeconds: 50 }],
      [
        'expired 2: 2 SSTables of 7.0–9.0 MiB are fully expired',
        'left 1: window 2026-11-21 (1 day), the newest: 1 SSTable, fewer than min_threshold 4',
      ],
    ],
    [
      'no tombstone compactions without an option of them',
      {},
      [{ mib: 10, ageHours: 48, droppable: 0.9 }],
      ['left 1: window 2026-11-19 (1 day), the newest: 1 SSTable, fewer than min_threshold 4'],
    ],
    [
      'but with one',
      { tombstone_threshold: '0.2' },
      [{ mib: 10, ageHours: 48, droppable: 0.9 }],
      [
        'tombstones 1: ~90 % of its cells are droppable tombstones, above tombstone_threshold 20 %, and no other SSTable overlaps it',
      ],
    ],
  ])('%s', (_what, options, sstables, expected) => {
    expect(told('TimeWindow', options, sstables)).toEqual(expected);
  });
});

it('the next steps of a strategy of before 5.0 are not known', () => {
  expect(() => openStrategy(compactionParams({ class: 'DateTieredCompactionStrategy' }))).toThrow(UnsupportedError);
});

describe('words', () => {
  it.each([
    [1, 1, '1 B'],
    [48 * 2 ** 20, 61.2 * 2 ** 20, '48–61 MiB'],
    [900 * 1024, 1.2 * 2 ** 30, '900 KiB–1.2 GiB'],
    [1023.6 * 1024, 2 ** 20, '1.0 MiB'],
    [9.96 * 2 ** 20, 10 * 2 ** 20, '10 MiB'],
  ])('%d to %d bytes', (least, most, text) => expect(spreadText(least, most)).toBe(text));

  it.each([
    [0, '0 seconds'],
    [1, '1 second'],
    [90, '90 seconds'],
    [5400, '90 minutes'],
    [3600, '1 hour'],
    [86_400, '1 day'],
    [90_000, '25 hours'],
    [1_000_000, '11 days'],
  ])('%d seconds', (seconds, text) => expect(durationText(seconds)).toBe(text));

  it.each([
    [0, '~0 %'],
    [0.004, '~0.4 %'],
    [0.0999, '~10 %'],
    [0.35, '~35 %'],
    [1.2, '~120 %'],
  ])('a share of %d', (share, text) => expect(shareEstimate(share)).toBe(text));
});
