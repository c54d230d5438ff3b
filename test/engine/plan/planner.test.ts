import { describe, expect, it } from 'vitest';
import { toBigInt } from '../../../src/bytes/int64.js';
import { majorTasks } from '../../../src/engine/compaction/forced-tasks.js';
import { planTotals } from '../../../src/engine/plan/plan-totals.js';
import { type PlanContext, planByStrategy, planForced, type TablePlan } from '../../../src/engine/plan/planner.js';
import { openStrategy } from '../../../src/engine/strategies/open-strategy.js';
import { type CompactionParams, compactionParams } from '../../../src/engine/strategies/options.js';
import type { Candidate } from '../../../src/engine/strategies/strategy.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { HyperLogLogBuilder } from '../../../src/sstable/metadata/hyper-log-log-builder.js';
import { MIB, madeUp, NOW_MILLIS } from '../strategies/made-up.js';

/** The whole ring, but for its edges. */
const RING: [number, number] = [-(2 ** 62), 2 ** 62];
const GC_GRACE = 864_000;

function contextOf(params: CompactionParams): PlanContext {
  let id = 100_000;
  return {
    params,
    nowMillis: NOW_MILLIS,
    gcBeforeSeconds: NOW_MILLIS / 1000 - GC_GRACE,
    describe: () => parseDescriptor(`/made/up/oa-${++id}-big-Data.db`).descriptor,
  };
}

function planOf(sstables: readonly Candidate[], options: Readonly<Record<string, string>>): TablePlan {
  const params = compactionParams(options);
  return planByStrategy(sstables, openStrategy(params), contextOf(params));
}

const STCS = { class: 'SizeTieredCompactionStrategy' };
const LCS = { class: 'LeveledCompactionStrategy', sstable_size_in_mb: '10', fanout_size: '4' };
const UCS = { class: 'UnifiedCompactionStrategy', scaling_parameters: 'T4', target_sstable_size: '64MiB' };

/** A sketch of the keys from one number up to another. */
function sketchOf(from: number, to: number) {
  const builder = new HyperLogLogBuilder();
  for (let key = from; key < to; key++) builder.addKey(Buffer.from(`key ${key}`), `key ${key}`.length);
  return builder.build();
}

const many = (count: number, how: (i: number) => Candidate) => Array.from({ length: count }, (_, i) => how(i));
const token = ({ token: at }: Candidate['first']) => (at.kind === 'long' ? toBigInt(at.hi, at.lo) : 0n);

describe('a plan by the strategy', () => {
  it('goes on with what its own tasks would write, until nothing is pending', () => {
    const sstables = many(16, () => madeUp({ mib: 60, tokens: RING }));
    const { steps, left, cut, pendingTasks } = planOf(sstables, { ...STCS, max_threshold: '4' });
    expect(pendingTasks).toBe(4);
    expect(steps.map(({ task }) => task.inputs.length)).toEqual([4, 4, 4, 4, 4]);
    const last = steps.at(-1)!;
    expect(last.task.inputs).toEqual(steps.slice(0, 4).flatMap(({ outputs }) => outputs));
    expect(last.outputs[0]!.onDiskBytes).toBe(16 * 60 * MIB); // without sketches nothing is known to be overwritten
    expect(last.estimate.isReadExact).toBe(false);
    expect(steps[0]!.estimate.isReadExact).toBe(true);
    expect(left.map(({ sstables: rest }) => rest)).toEqual([last.outputs]);
    expect(cut).toBeUndefined();
    expect(planTotals(steps)).toMatchObject({ readBytes: 32 * 60 * MIB, peakBytes: 16 * 60 * MIB });
  });

  it('says so where nothing is to be done', () => {
    const plan = planOf([madeUp({ mib: 60 })], STCS);
    expect(plan.steps).toEqual([]);
    expect(plan.left).toHaveLength(1);
    expect(plan.left[0]!.why).toMatch(/fewer than min_threshold 4/);
  });

  it('tells from sketches what of the keys is there more than once', () => {
    const sstables = [
      ...many(2, () => madeUp({ mib: 60, sketch: sketchOf(0, 1000) })),
      ...many(2, () => madeUp({ mib: 60, sketch: sketchOf(1000, 2000) })),
    ];
    const [step] = planOf(sstables, STCS).steps;
    expect(step!.estimate.overwrittenBytes / (240 * MIB)).toBeCloseTo(0.5, 1);
    expect(step!.estimate.writtenBytes).toBe(240 * MIB - step!.estimate.overwrittenBytes);
    expect(Math.abs(step!.outputs[0]!.estimatedKeys() - 2000)).toBeLessThan(60);
  });

  it('keeps SSTables of different repair states apart', () => {
    const sstables = many(8, (i) => madeUp({ mib: 60, repairedAtMillis: i < 4 ? 5 + i : 0 }));
    const { steps, left } = planOf(sstables, STCS);
    expect(steps.map(({ task }) => task.repair)).toEqual(['repaired', 'unrepaired']);
    expect(steps.map(({ outputs }) => outputs[0]!.repairedAtMillis)).toEqual([5, 0]);
    expect(left.map(({ repair }) => repair)).toEqual(['repaired', 'unrepaired']);
  });

  it('counts what has expired exactly, and reads it not', () => {
    const old = { ageHours: 2400, expiredSeconds: GC_GRACE + 10 };
    const sstables = [...many(3, () => madeUp({ mib: 60, ...old })), madeUp({ mib: 60 })];
    const [step] = planOf(sstables, STCS).steps;
    expect(step!.expired).toEqual(sstables.slice(0, 3));
    expect(step!.estimate).toMatchObject({ expiredBytes: 180 * MIB, readBytes: 60 * MIB, writtenBytes: 60 * MIB });
  });

  it('takes tombstones for gone only where no other SSTable may need them', () => {
    const sstables = many(4, () => madeUp({ mib: 60, droppable: 0.25, ageHours: 1 }));
    const free = planOf(sstables, STCS).steps[0]!.estimate;
    expect(free.tombstoneBytes).toBe(60 * MIB);
    const held = planOf([...sstables, madeUp({ mib: 6000, ageHours: 100 })], STCS).steps[0]!.estimate;
    expect(held.tombstoneBytes).toBe(0);
  });

  it('does not rewrite an SSTable for its tombstones over and over', () => {
    const options = { ...STCS, tombstone_compaction_interval: '0', unchecked_tombstone_compaction: 'true' };
    const sstables = [madeUp({ mib: 60, droppable: 0.9, ageHours: 50 }), madeUp({ mib: 600, ageHours: 100 })];
    const { steps, cut } = planOf(sstables, options);
    expect(steps.map(({ task }) => task.kind)).toEqual(['tombstones']);
    expect(cut).toMatch(/again and again/);
  });

  it('fills levels with SSTables that do not overlap', () => {
    const sstables = many(20, () => madeUp({ mib: 10, tokens: RING }));
    const { steps, left, cut } = planOf(sstables, LCS);
    expect(cut).toBeUndefined();
    expect(steps.length).toBeGreaterThan(1);
    const end = left.flatMap(({ sstables: rest }) => rest);
    expect(end.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0)).toBe(200 * MIB);
    const levels = [...new Set(end.map(({ level }) => level))];
    expect(levels.length).toBeGreaterThan(1);
    for (const level of levels.filter((one) => one > 0)) {
      const own = end.filter((one) => one.level === level);
      const sorted = own.toSorted((a, b) => (token(a.first) < token(b.first) ? -1 : 1));
      for (let i = 1; i < sorted.length; i++) {
        expect(token(sorted[i]!.first) > token(sorted[i - 1]!.last), `L${level}`).toBe(true);
      }
    }
  });

  it('sets levels without reading', () => {
    const flat = (from: number) => madeUp({ mib: 10, level: 1, tokens: [from, from + 900] });
    const sstables = many(6, (i) => flat(i * 1000));
    const { steps } = planOf(sstables, { ...LCS, single_sstable_uplevel: 'true' });
    const moves = steps.filter(({ task }) => task.kind === 'uplevel');
    expect(moves.length).toBeGreaterThan(0);
    for (const { estimate, outputs, task } of moves) {
      expect(estimate).toMatchObject({ readBytes: 0, writtenBytes: 0 });
      expect(outputs.map(({ level, descriptor }) => [level, descriptor])).toEqual([[2, task.inputs[0]!.descriptor]]);
    }
  });

  it('cuts at shards of the token space', () => {
    const sstables = many(4, () => madeUp({ mib: 200, tokens: RING }));
    const { steps, cut } = planOf(sstables, UCS);
    expect(cut).toBeUndefined();
    const { outputs } = steps[0]!;
    expect(outputs.length).toBeGreaterThan(2);
    expect(Math.abs(outputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0) - 800 * MIB)).toBeLessThan(8);
    for (let i = 1; i < outputs.length; i++) {
      expect(token(outputs[i]!.first) - token(outputs[i - 1]!.last)).toBe(1n);
      expect(outputs[i]!.tokenSpaceCoverage).toBeGreaterThan(0);
    }
  });
});

describe('a plan that is forced', () => {
  it('has the tasks, and leaves the rest', () => {
    const sstables = many(5, () => madeUp({ mib: 60 }));
    const params = compactionParams(STCS);
    const tasks = majorTasks(sstables.slice(0, 3), params.strategy).map((task) => ({ task, reason: 'all' }));
    const plan = planForced(sstables, () => tasks, contextOf(params));
    expect(plan.steps.map(({ task }) => task.inputs)).toEqual([sstables.slice(0, 3)]);
    expect(plan.left).toEqual([{ repair: 'unrepaired', why: 'not asked for', sstables: sstables.slice(3) }]);
    expect(plan.pendingTasks).toBeUndefined();
  });

  it.each([
    ['one SSTable', STCS, false, [240]],
    ['halves with --split-output', STCS, true, [120, 60, 60]],
    [
      'levels that fill one after the other',
      { ...LCS, sstable_size_in_mb: '30' },
      false,
      [30, 30, 30, 30, 30, 30, 30, 30],
    ],
  ])('a major one of %s', (_, options, splitsOutput, mib) => {
    const sstables = many(4, () => madeUp({ mib: 60, tokens: RING }));
    const params = compactionParams(options as Record<string, string>);
    const tasks = majorTasks(sstables, params.strategy, { splitsOutput }).map((task) => ({ task, reason: 'all' }));
    const [step] = planForced(sstables, () => tasks, contextOf(params)).steps;
    expect(step!.outputs.map(({ onDiskBytes }) => Math.round(onDiskBytes / MIB))).toEqual(mib);
    for (let i = 1; i < step!.outputs.length; i++) {
      expect(token(step!.outputs[i]!.first) > token(step!.outputs[i - 1]!.last)).toBe(true);
    }
  });
});
