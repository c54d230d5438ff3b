/** The windows of a table with TimeWindowCompactionStrategy: how many SSTables each has and should have, and when it goes. */
import type { Candidate } from '../strategies/strategy.js';
import { windowStartMillis } from '../strategies/time-window.js';
import type { TimeWindowOptions } from '../strategies/time-window-options.js';

export type WindowState = {
  readonly startMillis: bigint;
  readonly sstables: readonly Candidate[];
  readonly bytes: number;
  /** SSTables that the strategy leaves: one, but for the newest window, which may have as many as min_threshold is above; undefined there. */
  readonly expected: number | undefined;
  /** From when all of it may be dropped unread, as far as nothing holds it back; undefined: something in it never expires. Seconds. */
  readonly expiresSeconds: number | undefined;
};

/** The newest first. */
export function windowStates(
  sstables: readonly Candidate[],
  options: TimeWindowOptions,
  gcGraceSeconds: number,
): WindowState[] {
  const windows = new Map<bigint, Candidate[]>();
  for (const sstable of sstables) {
    const start = windowStartMillis(sstable.maxTimestampMicros, options);
    const known = windows.get(start);
    if (known) known.push(sstable);
    else windows.set(start, [sstable]);
  }
  const sorted = [...windows].toSorted(([a], [b]) => (a < b ? 1 : -1));
  return sorted.map(([startMillis, own], i) => {
    const last = own.reduce((latest, one) => Math.max(latest, one.maxLocalDeletionSeconds), Number.NEGATIVE_INFINITY);
    return {
      startMillis,
      sstables: own,
      bytes: own.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0),
      expected: i === 0 ? undefined : repairStates(own),
      expiresSeconds: Number.isFinite(last) ? last + gcGraceSeconds + 1 : undefined,
    };
  });
}

/** SSTables of different repair states stay apart. */
function repairStates(sstables: readonly Candidate[]): number {
  return new Set(sstables.map((one) => `${one.pendingRepair ?? ''} ${one.repairedAtMillis !== 0} ${one.isTransient}`))
    .size;
}
