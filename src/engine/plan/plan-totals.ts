/** What the steps of a plan come to together. */
import type { Candidate } from '../strategies/strategy.js';
import type { PlanStep } from './planner.js';

export type PlanTotals = {
  readonly steps: number;
  readonly readBytes: number;
  readonly isReadExact: boolean;
  /** Estimates. */
  readonly writtenBytes: number;
  readonly overwrittenBytes: number;
  /** At most. */
  readonly tombstoneBytes: number;
  /** Exact where no step takes what another writes. */
  readonly expiredBytes: number;
  /** Of all components, beyond what is there now, at the worst moment of a run in place: as if no step gave anything back. */
  readonly peakBytes: number;
  /** The same where the inputs stay and all outputs go elsewhere. */
  readonly asideBytes: number;
};

export function planTotals(steps: readonly PlanStep[]): PlanTotals {
  const sum = (of: (step: PlanStep) => number) => steps.reduce((all, step) => all + of(step), 0);
  const consumed = new Set(steps.flatMap(({ task }) => task.inputs));
  const worst = steps.reduce<PlanStep | undefined>(
    (most, step) => (step.estimate.extraBytes > (most?.estimate.extraBytes ?? 0) ? step : most),
    undefined,
  );
  const peakBytes = worst ? componentBytes(worst) : 0;
  const perDataByte = worst ? peakBytes / worst.estimate.extraBytes : 1;
  return {
    steps: steps.length,
    readBytes: sum(({ estimate }) => estimate.readBytes),
    isReadExact: steps.every(({ estimate }) => estimate.isReadExact),
    writtenBytes: sum(({ estimate }) => estimate.writtenBytes),
    overwrittenBytes: sum(({ estimate }) => estimate.overwrittenBytes),
    tombstoneBytes: sum(({ estimate }) => estimate.tombstoneBytes),
    expiredBytes: sum(({ estimate }) => estimate.expiredBytes),
    peakBytes,
    asideBytes: Math.round(perDataByte * sum((step) => keptBytes(step, consumed))),
  };
}

/** Of the inputs that are read. */
function componentBytes({ task, expired }: PlanStep): number {
  const gone = new Set(expired);
  return task.inputs.reduce((sum, input) => sum + (gone.has(input) ? 0 : input.componentBytes), 0);
}

/** Data.db of what a step writes and no later one takes, as large as the inputs at most. */
function keptBytes({ outputs, estimate, task }: PlanStep, consumed: ReadonlySet<Candidate>): number {
  const kept = outputs.filter((one) => !consumed.has(one)).reduce((all, { onDiskBytes }) => all + onDiskBytes, 0);
  if (task.kind === 'uplevel') return kept;
  return estimate.writtenBytes > 0 ? (estimate.extraBytes * kept) / estimate.writtenBytes : 0;
}
