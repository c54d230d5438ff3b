import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/bytes/errors.js';
import { sharingTokens } from '../../../src/engine/strategies/leveled-levels.js';
import { openStrategy } from '../../../src/engine/strategies/open-strategy.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import type { Candidate } from '../../../src/engine/strategies/strategy.js';
import { bucketsOf, lastWithinLimit, membersOf, sectionsOf } from '../../../src/engine/strategies/unified-overlaps.js';
import { type MadeUp, madeUp, NOW_MILLIS } from './made-up.js';

const CONTEXT = { nowMillis: NOW_MILLIS, gcBeforeSeconds: NOW_MILLIS / 1000 };

function told(name: string, options: Record<string, string>, sstables: readonly MadeUp[]): string[] {
  const strategy = openStrategy(compactionParams({ class: `${name}CompactionStrategy`, ...options }));
  const { picks, left } = strategy.next(sstables.map(madeUp), CONTEXT);
  return [
    ...picks.map(({ kind, inputs, reason }) => `${kind} ${inputs.length}: ${reason}`),
    ...left.map(({ sstables, why }) => `left ${sstables.length}: ${why}`),
  ];
}

/** SSTables side by side. */
function sideBySide(count: number, mib: number, level: number): MadeUp[] {
  return Array.from({ length: count }, (_, i) => ({ mib, level, tokens: [i * 100, i * 100 + 90] as const }));
}

describe('LeveledCompactionStrategy says why', () => {
  it.each<[string, Record<string, string>, MadeUp[], string[]]>([
    [
      'a level is above its target',
      {},
      [
        ...sideBySide(12, 160, 1),
        { mib: 160, level: 2, tokens: [50, 80], ageHours: 2 },
        { mib: 160, level: 2, tokens: [1180, 1190], ageHours: 1 },
        { mib: 5 },
      ],
      [
        'compaction 2: L1: 1.9 GiB in 12 SSTables, target 1.6 GiB: 1 goes with 1 that it overlaps in L2',
        'left 1: L0: 1 SSTable: L1 is above its target and goes first',
        'left 11: L1: 11 more: the level holds 1.9 GiB, target 1.6 GiB: after this one',
        'left 1: L2: 1 more: the level holds 320 MiB, target 16 GiB',
      ],
    ],
    [
      'a level goes on behind the newest SSTable of the next one',
      {},
      [
        ...sideBySide(12, 160, 1),
        { mib: 160, level: 2, tokens: [20, 80], ageHours: 1 },
        { mib: 160, level: 2, tokens: [150, 180], ageHours: 2 },
        { mib: 160, level: 2, tokens: [185, 190], ageHours: 3 },
      ],
      [
        'compaction 3: L1: 1.9 GiB in 12 SSTables, target 1.6 GiB: 1 goes with 2 that it overlaps in L2',
        'left 11: L1: 11 more: the level holds 1.9 GiB, target 1.6 GiB: after this one',
        'left 1: L2: 1 more: the level holds 480 MiB, target 16 GiB',
      ],
    ],
    [
      'level 0 is too small to go up',
      {},
      [{ mib: 20 }, { mib: 30, tokens: [5000, 6000] }, ...sideBySide(2, 160, 1)],
      [
        'compaction 2: L0: 50 MiB in 2 SSTables, less than one SSTable of 160 MiB: they stay in L0, as one',
        'left 2: L1: 2 SSTables: the level holds 320 MiB, target 1.6 GiB',
      ],
    ],
    [
      'an SSTable overlaps another of its level',
      {},
      [
        { mib: 160, level: 1, tokens: [0, 50] },
        { mib: 170, level: 1, tokens: [40, 90] },
      ],
      ['compaction 2: L0: 170 MiB in 1 SSTable goes to L1 with 1 overlapped there'],
    ],
    [
      'nothing is to be done',
      {},
      [{ mib: 20 }],
      ['left 1: L0: 1 SSTable of 20 MiB, not more than one of L1 (160 MiB): waits for another'],
    ],
  ])('%s', (_, options, sstables, lines) => {
    expect(told('Leveled', options, sstables)).toEqual(lines);
  });

  it('takes keys of one token for overlapping', () => {
    const key = (byte: number) => ({ token: { kind: 'long' as const, hi: 0, lo: 7 }, key: new Uint8Array([byte]) });
    const one: Candidate = { ...madeUp({ mib: 1 }), first: key(1), last: key(2) };
    const other: Candidate = { ...madeUp({ mib: 1 }), first: key(3), last: key(4) };
    expect(sharingTokens(one, [other], one.partitioner)).toEqual([other]);
    expect(sharingTokens(one, [madeUp({ mib: 1, tokens: [8, 9] })], one.partitioner)).toEqual([]);
  });

  it('refuses a level that there is not', () => {
    expect(() => told('Leveled', {}, [{ mib: 1, level: 9 }])).toThrow(UnsupportedError);
  });
});

describe('UnifiedCompactionStrategy says why', () => {
  const whole = (mib: number): MadeUp => ({ mib, tokenSpaceCoverage: 1 });
  it.each<[string, Record<string, string>, MadeUp[], string[]]>([
    [
      'a bucket has reached the threshold, a level has not',
      { flush_size_override: '64MiB' },
      [whole(60), whole(61), whole(62), whole(63), whole(250), whole(260)],
      [
        'compaction 4: level 0 (T4): 4 SSTables of 60–63 MiB, up to 4 sharing a key, threshold 4',
        'left 2: level 1 (T4), density below 794 MiB: 2 SSTables of 250–260 MiB, at most 2 sharing a key, threshold 4',
      ],
    ],
    [
      'a level that is deeper but not due holds the others up',
      { flush_size_override: '64MiB', scaling_parameters: 'T8, L2' },
      [...Array.from({ length: 5 }, () => whole(60)), ...Array.from({ length: 3 }, () => whole(700))],
      [
        'left 5: level 0 (T8), density below 454 MiB: 5 SSTables of 60 MiB, at most 5 sharing a key, threshold 8',
        'left 3: level 1 (N), density below 909 MiB: 3 SSTables of 700 MiB, at most 3 sharing a key, but only the deepest level counts: level 0 has 5 of threshold 8',
      ],
    ],
  ])('%s', (_, options, sstables, lines) => {
    expect(told('Unified', options, sstables)).toEqual(lines);
  });
});

describe('sections of overlaps', () => {
  const [a, b, c, d] = [
    [0, 5],
    [2, 9],
    [6, 12],
    [10, 12],
  ].map(([first, last]) => madeUp({ mib: 1, tokens: [first!, last!] })) as [Candidate, Candidate, Candidate, Candidate];
  const sections = sectionsOf([d, b, a, c]);

  it('are of SSTables that share a key', () => {
    expect(sections).toEqual([new Set([a, b]), new Set([b, c]), new Set([c, d])]);
    expect(membersOf(sections)).toEqual([a, b, c, d]);
  });

  it.each([
    ['none', [1, 1, 1]],
    ['single', [2, 1]],
    ['transitive', [3]],
  ] as const)('make buckets: %s', (inclusion, sizes) => {
    expect(bucketsOf(sections, 2, inclusion).map(({ length }) => length)).toEqual(sizes);
    expect(bucketsOf(sections, 3, inclusion)).toEqual([]);
  });

  it('limit how many SSTables of a key are taken', () => {
    expect(lastWithinLimit([d, c, b, a], sections, 1)).toEqual([a]);
    expect(lastWithinLimit([b, c, a, d], sections, 1)).toEqual([d, a]);
    expect(lastWithinLimit([d, c, b, a], sections, 2)).toEqual([a, b, c, d]);
  });
});
