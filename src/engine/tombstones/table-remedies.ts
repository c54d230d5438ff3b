/** What compacting SSTables of a table together would free: sets by the verdicts on each, then each set gone through as it would be. */
import { chosenTasks } from '../compaction/forced-tasks.js';
import type { PlannedTask } from '../compaction/planned-task.js';
import type { CompactionParams } from '../strategies/options.js';
import type { Candidate } from '../strategies/strategy.js';
import { windowStartMillis } from '../strategies/time-window.js';
import type { TimeWindowOptions } from '../strategies/time-window-options.js';
import type { Judgement } from './judge.js';
import { type Freeable, type RemedyStep, remedySets } from './remedy.js';

export type Remedy = {
  readonly sstables: readonly Candidate[];
  readonly task: PlannedTask<Candidate>;
  /** Deletions and expired data in them, less what of it compacting them together leaves: exact. */
  readonly freed: number;
  /** Of Data.db of the inputs. */
  readonly rewrittenBytes: number;
  /** Of Data.db before compression: all that is read, and of it what the compaction gives back in tombstones, expired and overwritten data. */
  readonly plainBytes: number;
  readonly freedPlainBytes: number;
  /** Bytes rewritten for each byte given back; an estimate, for compression; undefined where none is. */
  readonly bytesPerByte: number | undefined;
  readonly steps: readonly {
    readonly sstables: readonly Candidate[];
    readonly frees: number;
    readonly bytes: number;
  }[];
};

/** Sets whose effect is counted exactly. */
const MAX_REMEDIES = 5;

/** Under time windows only SSTables of one window are to be compacted together: what needs those of several is set apart. */
export function byWindow(
  freeables: readonly Freeable[],
  sstables: readonly Candidate[],
  windows: TimeWindowOptions | undefined,
) {
  if (!windows) return { within: freeables, across: [] };
  const windowOf = sstables.map(({ maxTimestampMicros }) => windowStartMillis(maxTimestampMicros, windows));
  const isWithin = ({ sstable, with: others }: Freeable) => others.every((i) => windowOf[i] === windowOf[sstable]);
  return { within: freeables.filter(isWithin), across: freeables.filter((one) => !isWithin(one)) };
}

/** @param tombstones how many deletions and how much expired data each SSTable has. @throws CorruptError */
export async function remediesOf(
  freeables: readonly Freeable[],
  { sstables, params }: { readonly sstables: readonly Candidate[]; readonly params: CompactionParams },
  judge: (inputs: readonly Candidate[]) => Promise<Judgement>,
  tombstones: readonly number[],
): Promise<Remedy[]> {
  const bytes = sstables.map(({ onDiskBytes }) => onDiskBytes);
  const remedies: Remedy[] = [];
  for (const { sstables: indexes, steps } of remedySets(freeables, bytes).slice(0, MAX_REMEDIES)) {
    const inputs = indexes.map((i) => sstables[i]!);
    const [task] = chosenTasks(inputs, params.strategy); // of one repair state: causes set the others apart
    const before = sum(indexes, (i) => tombstones[i]!);
    const remedy = remedyOf(inputs, task!, await judge(inputs), steps, sstables, before);
    if (remedy.freed > 0 || remedy.freedPlainBytes > 0) remedies.push(remedy);
  }
  return remedies.sort((a, b) => (a.bytesPerByte ?? Infinity) - (b.bytesPerByte ?? Infinity));
}

function remedyOf(
  inputs: readonly Candidate[],
  task: PlannedTask<Candidate>,
  { groups, expired, purge, lost, plainBytes: read }: Judgement,
  steps: readonly RemedyStep[],
  sstables: readonly Candidate[],
  before: number,
): Remedy {
  const unread = expired as readonly Candidate[];
  const rewrittenBytes = sum(inputs, ({ onDiskBytes }) => onDiskBytes) - sum(unread, ({ onDiskBytes }) => onDiskBytes);
  const unreadPlain = sum(unread, ({ plainBytes }) => plainBytes);
  const plainBytes = read + unreadPlain;
  const freedPlainBytes = unreadPlain + lost.overwritten + lost.deleted + purge.tombstoneBytes + purge.expiredBytes;
  const freedOnDisk = plainBytes > 0 ? (freedPlainBytes * sum(inputs, (one) => one.onDiskBytes)) / plainBytes : 0;
  const kept = groups.filter(({ verdict }) => verdict !== 'droppable');
  return {
    sstables: inputs,
    task,
    freed: before - sum(kept, ({ tally }) => tally.total),
    rewrittenBytes,
    plainBytes,
    freedPlainBytes,
    bytesPerByte: freedOnDisk > 0 ? rewrittenBytes / freedOnDisk : undefined,
    steps: steps.map((step) => ({ ...step, sstables: step.sstables.map((i) => sstables[i]!) })),
  };
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}
