/** Runs the compactions of one table, as they come from a strategy, a plan or an operator. */
import { randomBytes } from 'node:crypto';
import { RefusedError } from '../../bytes/errors.js';
import { CountingOutput, diskOutput, type OutputStorage } from '../../bytes/sink.js';
import { diskStorage, type Storage } from '../../bytes/source.js';
import type { Pace } from '../../engine/compaction/compaction-task.js';
import { TableCompaction, type TableCompactionMode } from '../../engine/compaction/table-compaction.js';
import type { PlanLeft, WantedTask } from '../../engine/plan/strategy-rounds.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import type { CompactedTable, ReportedTask } from '../../render/compaction-report.js';
import { latestWritten } from '../../sstable/version.js';
import { breathe, interruptible, withCleanUp } from '../interrupt.js';
import { startProgress } from '../progress.js';
import { SlicePace } from './slice-pace.js';
import type { TableAtHand } from './tables.js';
import type { RunThreads, Threads } from './threads.js';
import { Throttle } from './throttle.js';

/** What is left when no task comes any more. */
export type TasksEnd = {
  readonly left: readonly PlanLeft[];
  /** Why it ended although something is pending, or not all that was asked for was done. */
  readonly cut?: string | undefined;
};

/** Tasks one after the other; told what has taken the place of each one's inputs. */
export type TaskSource = (live: () => readonly Candidate[]) => Generator<WantedTask, TasksEnd, readonly Candidate[]>;

export type Execution = {
  readonly table: TableAtHand;
  readonly tasks: TaskSource;
  readonly mode: TableCompactionMode;
  /** Where the new SSTables go. */
  readonly target: string;
  readonly nowSeconds: number;
  readonly hostId: string | undefined;
  /** Of Data.db, that the tasks read: about. */
  readonly readBytes: number;
  readonly garbageCollect?: 'row' | 'cell' | undefined;
  readonly columnIndexBytes?: number | undefined;
  readonly threads: RunThreads;
  /** Bytes a second, read and written. */
  readonly maxRate?: number | undefined;
  readonly quiet: boolean;
  readonly tell: (line: string) => void;
};

export type Executed = CompactedTable & {
  /** Of Data.db. */
  readonly readBytes: number;
  readonly seconds: number;
};

/**
 * @throws CorruptError, UsageError, RefusedError (too little room): what was written by the task at hand is removed first, and in place those before
 * it are done
 */
export async function execute(execution: Execution): Promise<Executed> {
  const { table, tasks, mode, quiet, maxRate } = execution;
  const threads = mode === 'dry' ? undefined : execution.threads.forTable(execution.readBytes);
  const throttle = maxRate === undefined ? undefined : new Throttle(maxRate);
  const compaction = openCompaction(execution, throttle, threads);
  const progress = await startProgress(`compacting ${table.name}:`, execution.readBytes, quiet, true);
  const started = performance.now();
  const results: ReportedTask[] = [];
  let readBytes = 0;
  try {
    const end = await withCleanUp(
      () => compaction.abort(),
      async () => {
        const source = tasks(() => compaction.live);
        let next = source.next([]);
        while (!next.done) {
          const { task, reason } = next.value;
          if (mode === 'in place') needRoom(execution, task.inputs);
          const bytes = task.inputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
          const before = readBytes;
          const onProgress = (read: number, total: number) =>
            progress.update(before + (total > 0 ? read / total : 0) * bytes);
          const result = await compaction.run(task, onProgress, paceOf(throttle));
          if (task.kind !== 'uplevel') readBytes += bytes;
          results.push({ ...result, reason });
          next = source.next(result.live);
        }
        return next.value;
      },
    );
    if (mode === 'aside') compaction.complete();
    const seconds = (performance.now() - started) / 1000;
    const { keyspace, table: name } = table.directory.place;
    return {
      keyspace,
      table: name,
      directory: table.directory.path,
      target: execution.target,
      mode,
      gcGraceSeconds: table.gcGraceSeconds,
      results,
      ...end,
      readBytes,
      seconds,
    };
  } catch (error) {
    compaction.abort();
    const done = results.length;
    if (mode === 'in place' && done > 0) {
      execution.tell(`${table.name}: ${done} ${done === 1 ? 'task was' : 'tasks were'} done before, and stay done`);
    }
    throw error;
  } finally {
    progress.stop();
  }
}

function openCompaction(
  { table, mode, target, nowSeconds, hostId, garbageCollect, columnIndexBytes }: Execution,
  throttle: Throttle | undefined,
  threads: Threads | undefined,
): TableCompaction {
  const { sstables, takenIds, definition, params, gcGraceSeconds, isStrict, unflushed } = table;
  const output: OutputStorage = mode === 'dry' ? new CountingOutput() : diskOutput;
  const storage: Storage = throttle?.storage(diskStorage) ?? diskStorage;
  return new TableCompaction({
    mode,
    storage,
    output: throttle?.output(output) ?? output,
    directory: target,
    sstables,
    takenIds,
    definition,
    params,
    version: latestWritten(sstables.map(({ descriptor }) => descriptor.version)),
    columnIndexBytes,
    nowSeconds,
    gcGraceSeconds,
    hostId,
    isStrict,
    openData: threads?.openData,
    readAhead: threads?.readAhead,
    garbageCollect,
    unflushed,
    randomBits: () => randomBytes(8).readBigUInt64BE(),
  });
}

/** Plain bytes between two looks at the clock, where a rate is to be held. */
const THROTTLED_SLICE_BYTES = 1 << 18;

function paceOf(throttle: Throttle | undefined): Pace {
  if (!throttle) return new SlicePace();
  return {
    slice: interruptible,
    sliceBytes: THROTTLED_SLICE_BYTES,
    breathe: async () => {
      await throttle.wait();
      await breathe();
    },
  };
}

/** A task may write as much as it reads before it gives anything back. @throws RefusedError */
function needRoom({ target }: Execution, inputs: readonly Candidate[]): void {
  const needed = inputs.reduce((sum, { componentBytes }) => sum + componentBytes, 0);
  const free = diskOutput.freeBytes(target);
  if (free === undefined || free >= needed) return;
  throw new RefusedError('there may not be enough room for the next task', {
    file: target,
    seen: `${free} bytes free`,
    expected: `${needed} bytes, as many as its inputs have`,
    hint: 'what was done so far stays; free some room and run the command again',
  });
}
