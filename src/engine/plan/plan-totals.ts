/** What the steps of a plan come to together. */
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
  /** Data.db, beyond what is there now, at the worst moment of a run in place: as if no step gave anything back. */
  readonly peakBytes: number;
  /** The same where the inputs stay and all outputs go elsewhere. */
  readonly asideBytes: number;
};

export function planTotals(steps: readonly PlanStep[]): PlanTotals {
  const sum = (of: (step: PlanStep) => number) => steps.reduce((all, step) => all + of(step), 0);
  const consumed = new Set(steps.flatMap(({ task }) => task.inputs));
  return {
    steps: steps.length,
    readBytes: sum(({ estimate }) => estimate.readBytes),
    isReadExact: steps.every(({ estimate }) => estimate.isReadExact),
    writtenBytes: sum(({ estimate }) => estimate.writtenBytes),
    overwrittenBytes: sum(({ estimate }) => estimate.overwrittenBytes),
    tombstoneBytes: sum(({ estimate }) => estimate.tombstoneBytes),
    expiredBytes: sum(({ estimate }) => estimate.expiredBytes),
    peakBytes: steps.reduce((most, { estimate }) => Math.max(most, estimate.extraBytes), 0),
    asideBytes: sum(({ outputs, estimate, task }) => {
      const kept = outputs.filter((one) => !consumed.has(one)).reduce((all, { onDiskBytes }) => all + onDiskBytes, 0);
      return estimate.writtenBytes > 0
        ? Math.round((estimate.extraBytes * kept) / estimate.writtenBytes)
        : task.kind === 'uplevel'
          ? kept
          : 0;
    }),
  };
}
