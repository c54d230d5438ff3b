import { describe, expect, it } from 'vitest';
import { LsmctlError } from '../../../src/bytes/errors.js';
import {
  type CompactionParams,
  type CompactionStrategy,
  compactionParams,
} from '../../../src/engine/strategies/options.js';
import type { SizeTieredOptions } from '../../../src/engine/strategies/size-tiered-options.js';
import { readGolden } from './golden.js';
import { OPTION_LINES, UNSAFE_LINES } from './option-lines.js';

/** Cassandra takes a size that is not a number for 0, and then divides by it. */
const OURS_IS_STRICTER = ['class=UnifiedCompactionStrategy;target_sstable_size=NaNB'];

/** `ok` and the values, or the words of the refusal. */
function verdict(line: string, allowsUnsafeExpiration: boolean): string {
  const pairs = line.split(';').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  try {
    return `ok ${valuesOf(compactionParams(Object.fromEntries(pairs), { allowsUnsafeExpiration })).join()}`;
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return `refused: ${error.message}, ${error.facts.seen ?? 'nothing'} is not ${error.facts.expected ?? ''}`;
  }
}

/** In the order of `Strategies.values`, in its units. */
function valuesOf(params: CompactionParams): unknown[] {
  const { strategy, thresholds, tombstones } = params;
  return [
    params.isEnabled,
    thresholds.min,
    thresholds.max,
    params.overlappingTombstones,
    params.onlyPurgeRepairedTombstones,
    tombstones.threshold,
    tombstones.intervalSeconds,
    tombstones.isUnchecked,
    params.logsAll,
    ...ownValues(strategy, tombstones.isAsked),
  ];
}

const MIB = 1_048_576;
const MAX_INT64 = 2 ** 63;

function ownValues(strategy: CompactionStrategy, isAsked: boolean): unknown[] {
  switch (strategy.kind) {
    case 'SizeTiered':
      return sizeTieredValues(strategy);
    case 'TimeWindow': {
      const { windowUnit, windowSize, timestampResolution, expiredCheckSeconds, ignoresOverlaps, sizeTiered } =
        strategy;
      const checkMillis = Math.min(expiredCheckSeconds * 1000, MAX_INT64);
      const window = [windowUnit, windowSize, timestampResolution, checkMillis, ignoresOverlaps, isAsked];
      return [...window, ...sizeTieredValues(sizeTiered)];
    }
    case 'Leveled': {
      const { maxSSTableBytes, fanoutSize, singleSSTableUplevel, sizeTiered } = strategy;
      return [maxSSTableBytes / MIB, fanoutSize, singleSSTableUplevel, ...sizeTieredValues(sizeTiered)];
    }
    case 'Unified':
      return [
        strategy.scalingParameters.join('/'),
        strategy.baseShardCount,
        strategy.targetSSTableBytes,
        strategy.minSSTableBytes,
        strategy.sstableGrowth,
        strategy.flushSizeBytes,
        Math.min(strategy.maxSSTablesToCompact, 0x7fffffff),
        Math.min(strategy.expiredCheckSeconds * 1000, MAX_INT64),
        strategy.ignoresOverlaps,
        strategy.overlapInclusion,
      ];
    default:
      return [];
  }
}

const sizeTieredValues = (options: SizeTieredOptions) => [
  options.minSSTableBytes,
  options.bucketLow,
  options.bucketHigh,
];

/** `Strategies options` says the same, and where it names options ours names the first or another of them. */
function differs(recorded: string, allowsUnsafeExpiration: boolean): string | undefined {
  const at = recorded.lastIndexOf(' => ');
  const [judged, ...rest] = recorded.slice(at + 4).split(' ');
  const ours = verdict(recorded.slice(0, at), allowsUnsafeExpiration);
  if (OURS_IS_STRICTER.includes(recorded.slice(0, at)))
    return ours.startsWith('ok') ? `${recorded}, as ours` : undefined;
  const isSame =
    judged === 'ok'
      ? sameValues(rest.join(' '), ours.slice(judged.length + 1))
      : ours.startsWith('refused') && (rest.length === 0 || rest.some((name) => ours.includes(name)));
  return isSame ? undefined : `${recorded}, but ours: ${ours}`;
}

/** Java's numbers have other texts. */
function sameValues(theirs: string, ours: string): boolean {
  const plain = (text: string) =>
    text.split(',').map((value) => (Number.isNaN(Number(value)) ? value.toLowerCase() : Number(value)));
  return JSON.stringify(plain(theirs)) === JSON.stringify(plain(ours));
}

describe('compaction options', () => {
  it.each([
    ['options', OPTION_LINES, false, 1500],
    ['options-unsafe', UNSAFE_LINES, true, 20],
  ])('are taken and refused as Cassandra does: %s', (name, lines, allowsUnsafeExpiration, refused) => {
    const recorded = readGolden(name).trimEnd().split('\n');
    expect(recorded.map((line) => line.slice(0, line.lastIndexOf(' => ')))).toEqual(lines);
    expect(recorded.filter((line) => line.includes(' => refused')).length).toBeGreaterThanOrEqual(refused);
    const different = recorded.map((line) => differs(line, allowsUnsafeExpiration));
    expect(different.filter((line) => line !== undefined)).toEqual([]);
  });

  it('of a class that is not of Cassandra 5.0', () => {
    expect(() => compactionParams({ class: 'com.example.OwnStrategy' })).toThrow('com.example.OwnStrategy');
    const dates = { class: 'org.apache.cassandra.db.compaction.DateTieredCompactionStrategy', base_time_seconds: '60' };
    expect(compactionParams(dates).strategy).toEqual({ kind: 'DateTiered' });
  });

  it('leave out what the node must be started for, where nobody has said how it is', () => {
    const unsafe = { class: 'TimeWindowCompactionStrategy', unsafe_aggressive_sstable_expiration: 'true' };
    expect(compactionParams(unsafe).strategy).toMatchObject({ ignoresOverlaps: false });
    expect(compactionParams(unsafe, { allowsUnsafeExpiration: true }).strategy).toMatchObject({
      ignoresOverlaps: true,
    });
    expect(() => compactionParams(unsafe, { allowsUnsafeExpiration: false })).toThrow('unsafe_aggressive');
  });
});
