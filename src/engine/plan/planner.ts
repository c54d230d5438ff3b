/**
 * What is to be compacted of one table, and why not the rest: by the strategy, asked again and again with what it has decided so far taken for done,
 * or as an operator forces it. Metadata of SSTables in, steps out: nothing is written, and no Data.db is opened.
 *
 *   repair state by repair state: decision → step, with its outputs made up (simulated-sstable.ts) → decision … until nothing is pending
 *
 * Steps depend on each other: inputs of a later one may be outputs of an earlier one.
 */
import type { Descriptor } from '../../sstable/descriptor.js';
import { cardinality } from '../../sstable/metadata/hyper-log-log.js';
import { mergeHyperLogLogs } from '../../sstable/metadata/hyper-log-log-builder.js';
import { fullyExpiredSSTables } from '../compaction/fully-expired.js';
import type { UnflushedSource } from '../compaction/overlap-purge.js';
import { type PlannedTask, repairGroups } from '../compaction/planned-task.js';
import { overlappingSSTables } from '../compaction/sstable-facts.js';
import type { CompactionParams } from '../strategies/options.js';
import type { Candidate, Strategy } from '../strategies/strategy.js';
import { SimulatedSSTable, type SimulatedTotals, simulateOutputs } from './simulated-sstable.js';
import { type PlanLeft, strategyRounds, type WantedTask } from './strategy-rounds.js';

/** Bytes of Data.db. */
export type StepEstimate = {
  /** Of the inputs; exact where all of them are there. */
  readonly readBytes: number;
  readonly isReadExact: boolean;
  /** An estimate. */
  readonly writtenBytes: number;
  /** Estimates. `tombstones`: at most as much, what they delete may be elsewhere. */
  readonly overwrittenBytes: number;
  readonly tombstoneBytes: number;
  /** Of SSTables that are dropped unread: exact. */
  readonly expiredBytes: number;
  /** What may lie on the disk beyond what is there before the step, as long as it runs: as if nothing were given back. */
  readonly extraBytes: number;
};

export type PlanStep = {
  readonly task: PlannedTask<Candidate>;
  /** For people. */
  readonly reason: string;
  /** Those of the inputs that are dropped unread. */
  readonly expired: readonly Candidate[];
  /** As far as can be told: of `uplevel` the input itself, in its new level. */
  readonly outputs: readonly Candidate[];
  readonly estimate: StepEstimate;
};

export type TablePlan = {
  readonly steps: readonly PlanStep[];
  /** Once all steps are done. */
  readonly left: readonly PlanLeft[];
  /** What the strategy calls its pending tasks, before the first step; undefined where it was not asked. */
  readonly pendingTasks: number | undefined;
  /** Why planning ended although something is pending. */
  readonly cut: string | undefined;
};

export type PlanContext = {
  readonly params: CompactionParams;
  readonly nowMillis: number;
  readonly gcBeforeSeconds: number;
  /** A name for the next SSTable. */
  readonly describe: () => Descriptor;
  readonly unflushed?: UnflushedSource | undefined;
};

/**
 * What the strategy wants until nothing is pending.
 * @param sstables all of the table, in order of generation
 */
export function planByStrategy(sstables: readonly Candidate[], strategy: Strategy, context: PlanContext): TablePlan {
  const plan = new Planning(sstables, context);
  const rounds = strategyRounds(() => plan.live, strategy, context);
  for (let round = rounds.next([]); ; round = rounds.next(plan.add(round.value).outputs)) {
    if (round.done) return { steps: plan.steps, ...round.value };
  }
}

/**
 * Tasks that an operator forces.
 * @param sstables all of the table
 * @param tasks may take what is asked for with `outputsOf`: what the task of that number, from 1, gives; undefined where there was none
 */
export function planForced(
  sstables: readonly Candidate[],
  tasks: (outputsOf: (task: number) => readonly Candidate[] | undefined) => Iterable<WantedTask>,
  context: PlanContext,
): TablePlan {
  const plan = new Planning(sstables, context);
  for (const wanted of tasks((task) => plan.steps[task - 1]?.outputs)) plan.add(wanted);
  const taken = new Set(plan.steps.flatMap(({ task }) => task.inputs));
  const left = repairGroups(sstables.filter((one) => !taken.has(one))).map(({ repair, sstables: rest }) => {
    return { repair, sstables: rest, why: 'not asked for' };
  });
  return { steps: plan.steps, left, pendingTasks: undefined, cut: undefined };
}

/** The steps so far, and what the table would consist of after them. */
class Planning {
  readonly steps: PlanStep[] = [];
  live: readonly Candidate[];
  private readonly context: PlanContext;

  constructor(sstables: readonly Candidate[], context: PlanContext) {
    this.live = sstables;
    this.context = context;
  }

  add({ task, reason }: WantedTask): PlanStep {
    const taken = new Set(task.inputs);
    const others = this.live.filter((one) => !taken.has(one));
    const step =
      task.kind === 'uplevel' ? uplevelStep(task, reason) : compactionStep(task, reason, others, this.context);
    this.steps.push(step);
    this.live = [...others, ...step.outputs];
    return step;
  }
}

const NOTHING: StepEstimate = {
  readBytes: 0,
  isReadExact: true,
  writtenBytes: 0,
  overwrittenBytes: 0,
  tombstoneBytes: 0,
  expiredBytes: 0,
  extraBytes: 0,
};

/** The SSTable stays what it is, but for its level. */
function uplevelStep(task: PlannedTask<Candidate>, reason: string): PlanStep {
  const level = 'level' in task.output ? task.output.level : 0;
  const outputs = task.inputs.map((input) => inLevel(input, level));
  return { task, reason, expired: [], outputs, estimate: NOTHING };
}

function inLevel(sstable: Candidate, level: number): Candidate {
  return Object.create(sstable, { level: { value: level, enumerable: true } }) as Candidate;
}

function compactionStep(
  task: PlannedTask<Candidate>,
  reason: string,
  others: readonly Candidate[],
  context: PlanContext,
): PlanStep {
  const { params, gcBeforeSeconds, nowMillis, describe, unflushed } = context;
  const { strategy, onlyPurgeRepairedTombstones } = params;
  const hasDeletions = task.inputs.some((input) => input.droppableRatio(gcBeforeSeconds) > 0);
  const mayExpire = task.inputs.some(({ maxLocalDeletionSeconds }) => maxLocalDeletionSeconds < gcBeforeSeconds);
  const overlapping =
    hasDeletions || mayExpire ? overlappingSSTables(task.inputs, others, task.inputs[0]!.partitioner) : [];
  const expired = fullyExpiredSSTables(task.inputs, overlapping, {
    gcBeforeSeconds,
    onlyPurgeRepairedTombstones,
    ignoresOverlaps: task.kind !== 'garbagecollect' && strategy.kind === 'TimeWindow' && strategy.ignoresOverlaps,
    ...(unflushed?.leastMicros !== undefined && { unflushedMinTimestampMicros: unflushed.leastMicros }),
  });
  const gone = new Set(expired);
  const compacted = task.inputs.filter((input) => !gone.has(input));
  const expiredBytes = bytesOf(expired);
  if (compacted.length === 0) {
    return { task, reason, expired, outputs: [], estimate: { ...NOTHING, expiredBytes } };
  }
  const merged = mergeEstimate(compacted, overlapping, context);
  const outputs = simulateOutputs(task, compacted, merged.totals, { nowMillis, describe });
  const readBytes = bytesOf(compacted);
  const writtenBytes = merged.totals.onDiskBytes;
  const isReadExact = compacted.every(isThere);
  const { overwrittenBytes, tombstoneBytes } = merged;
  const extraBytes = readBytes;
  return {
    task,
    reason,
    expired,
    outputs,
    estimate: { readBytes, isReadExact, writtenBytes, overwrittenBytes, tombstoneBytes, expiredBytes, extraBytes },
  };
}

/** Whether an SSTable lies on the disk, in whatever level; else it is an output of a step. */
export function isThere(sstable: Candidate): boolean {
  return !(sstable instanceof SimulatedSSTable);
}

function bytesOf(sstables: readonly Candidate[]): number {
  return sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
}

/** What merging may give: keys by the sketches, tombstones by the histograms of those that can go. */
function mergeEstimate(compacted: readonly Candidate[], overlapping: readonly Candidate[], context: PlanContext) {
  const { params, gcBeforeSeconds } = context;
  const bytes = bytesOf(compacted);
  const partitions = compacted.reduce((sum, { cellsPerPartition }) => sum + cellsPerPartition.count, 0);
  const sketch = compacted.length > 1 ? mergedSketch(compacted) : undefined;
  const keys = sketch ? Math.min(partitions, cardinality(sketch)) : partitions;
  const survival = partitions > 0 ? keys / partitions : 1;
  const mayPurge =
    !params.onlyPurgeRepairedTombstones || compacted.every(({ repairedAtMillis }) => repairedAtMillis !== 0);
  let purged = 0;
  for (const input of mayPurge ? compacted : []) {
    const isHeld = overlapping.some(({ minTimestampMicros }) => minTimestampMicros <= input.maxTimestampMicros);
    if (!isHeld) purged += Math.min(1, input.droppableRatio(gcBeforeSeconds)) * input.onDiskBytes;
  }
  const overwrittenBytes = Math.round(bytes * (1 - survival));
  const tombstoneBytes = Math.round(purged * survival);
  const ratioAfter = (gcBefore: number) => {
    const cells = compacted.map(({ cellsPerPartition }) => cellsPerPartition.count * cellsPerPartition.mean);
    const all = cells.reduce((sum, count) => sum + count, 0);
    const tombstones = compacted.reduce((sum, input, i) => sum + input.droppableRatio(gcBefore) * cells[i]!, 0);
    return all > 0 ? Math.max(0, tombstones / all - purged / Math.max(1, bytes)) : 0;
  };
  const totals: SimulatedTotals = {
    onDiskBytes: Math.max(1, bytes - overwrittenBytes - tombstoneBytes),
    keys,
    sketch: () => sketch ?? compacted[0]!.sketch,
    droppableRatio: ratioAfter,
  };
  return { totals, overwrittenBytes, tombstoneBytes };
}

/** Of all keys; `undefined` where one of the SSTables has none, or they can't be merged. */
function mergedSketch(sstables: readonly Candidate[]) {
  const sketches = sstables.map(({ sketch }) => sketch);
  return sketches.every((sketch) => sketch !== undefined) ? mergeHyperLogLogs(sketches) : undefined;
}
