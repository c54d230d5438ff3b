/** `compact run`: plans, shows, asks, and compacts one table after the other, in place or into another directory. */
import path from 'node:path';
import { RefusedError, UsageError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { diskStorage } from '../../bytes/source.js';
import type { TableCompactionMode } from '../../engine/compaction/table-compaction.js';
import type { PathProblem } from '../../engine/data-directory.js';
import { planTotals } from '../../engine/plan/plan-totals.js';
import { strategyRounds, type WantedTask } from '../../engine/plan/strategy-rounds.js';
import type { SSTableDirectory, SSTableFiles } from '../../engine/sstable-directory.js';
import { openStrategy } from '../../engine/strategies/open-strategy.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import { bytesText } from '../../render/bytes.js';
import { isIndexComponent } from '../../sstable/toc.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import { confirm } from '../confirm.js';
import { type DirectoryLock, lockDirectories } from '../guards/directory-lock.js';
import { guardInPlace, refuseAny, unreadSSTables } from '../guards/guard.js';
import { withCleanUp } from '../interrupt.js';
import { type Executed, execute, type TaskSource } from './execute.js';
import { type PlanFlags, type Planned, type PlannedTable, planTables } from './plan.js';
import { saveRate } from './rate.js';
import { relativePlace } from './tables.js';
import { RunThreads } from './threads.js';
import { parseRate } from './throttle.js';

export type WorkFlags = {
  readonly output?: string | undefined;
  readonly 'dry-run': boolean;
  readonly yes: boolean;
  readonly jobs?: number | undefined;
  readonly 'max-rate'?: string | undefined;
  readonly 'drop-indexes': boolean;
};

export type RunFlags = PlanFlags & WorkFlags & { readonly 'column-index-size'?: number | undefined };

/** Where the operator is. */
export type Stage = {
  /** The plan, before the question. */
  readonly show: (planned: Planned) => void;
  readonly tell: (line: string) => void;
  readonly quiet: boolean;
};

export type RunResult = {
  readonly tables: readonly Executed[];
  readonly problems: readonly PathProblem[];
  /** The answer was no. */
  readonly isDeclined: boolean;
};

/** Whether a dry run has found something that would be changed: as in every command, changes that are pending are findings. */
export function isLeftPending(tables: readonly Executed[]): boolean {
  return tables.some(({ mode, results, cut }) => mode === 'dry' && (results.length > 0 || cut !== undefined));
}

/** What is to be done with a table's tasks. */
export type Work = {
  readonly planned: Planned;
  /** Of the tables, in their order. */
  readonly sources: readonly TaskSource[];
  /** As the operator gave them. */
  readonly paths: readonly string[];
  readonly command: string;
  readonly threads?: RunThreads | undefined;
  readonly columnIndexBytes?: number | undefined;
};

/** @throws UsageError, UnsupportedError, CorruptError, RefusedError */
export async function runCompactions(paths: readonly string[], flags: RunFlags, stage: Stage): Promise<RunResult> {
  const threads = threadsOf(flags);
  if (!flags['dry-run']) threads.startEarly();
  const planned = await planTables(paths, flags, stage.tell);
  const sources = planned.tables.map((one) => sourceOf(one, flags));
  return work(
    { planned, sources, paths, command: 'compact run', columnIndexBytes: flags['column-index-size'], threads },
    flags,
    stage,
  );
}

/** Guards, question, lock, work. @throws UsageError, CorruptError, RefusedError */
export async function work(job: Work, flags: WorkFlags, stage: Stage): Promise<RunResult> {
  const { planned } = job;
  const mode = modeOf(flags);
  if (flags['max-rate'] !== undefined) parseRate(flags['max-rate']);
  const none = { tables: [], problems: planned.problems, isDeclined: false };
  const concerned = planned.tables.filter(({ plan }) => plan.steps.length > 0);
  if (mode === 'aside') {
    const purging = concerned.filter(({ table }) => Number.isFinite(table.gcGraceSeconds));
    refuseAny(purging.flatMap(({ table }) => unreadSSTables(table.directory)));
  }
  if (mode !== 'in place') return { ...none, tables: await executeAll(job, mode, flags, stage) };
  stage.show(planned);
  if (concerned.length === 0) return { ...none, tables: await executeAll(job, mode, flags, stage) };
  refuseUnsafe(job, concerned, flags, stage.tell);
  if (!(await confirm(questionOf(concerned), flags.yes))) return { ...none, isDeclined: true };
  const lock = lockDirectories(
    concerned.map(({ table }) => table.directory.path),
    job.command,
  );
  return withLock(lock, async () => {
    refuseUnsafe(job, concerned, flags, () => {}); // a node may have been started meanwhile
    return { ...none, tables: await executeAll(job, mode, flags, stage) };
  });
}

function modeOf(flags: WorkFlags): TableCompactionMode {
  if (flags['dry-run']) return 'dry';
  return flags.output === undefined ? 'in place' : 'aside';
}

async function withLock<T>(lock: DirectoryLock, inside: () => Promise<T>): Promise<T> {
  try {
    return await withCleanUp(() => lock.release(), inside);
  } finally {
    lock.release();
  }
}

type Way = {
  readonly mode: TableCompactionMode;
  readonly flags: WorkFlags;
  readonly stage: Stage;
  readonly threads: RunThreads;
};

function threadsOf(flags: WorkFlags): RunThreads {
  return new RunThreads(flags.jobs, flags['max-rate'] !== undefined);
}

async function executeAll(job: Work, mode: TableCompactionMode, flags: WorkFlags, stage: Stage): Promise<Executed[]> {
  const { planned } = job;
  if (mode === 'aside') prepare(planned.tables, flags);
  const { threads = threadsOf(flags) } = job;
  const done: Executed[] = [];
  try {
    for (const number of planned.tables.keys())
      done.push(await executeTable(job, number, { mode, flags, stage, threads }));
    return done;
  } finally {
    threads.close();
  }
}

async function executeTable(job: Work, number: number, { mode, flags, stage, threads }: Way): Promise<Executed> {
  const { planned, sources, columnIndexBytes } = job;
  const { table, plan } = planned.tables[number]!;
  const { request, nowSeconds, hostId } = planned;
  if (mode === 'aside') tellOfIndexes(table.directory, table.name, stage.tell);
  const executed = await execute({
    table,
    tasks: sources[number]!,
    mode,
    target: mode === 'aside' ? targetOf(table.directory, flags) : table.directory.path,
    nowSeconds,
    hostId,
    readBytes: planTotals(plan.steps).readBytes,
    garbageCollect: request.kind === 'garbagecollect' ? request.level : undefined,
    columnIndexBytes,
    threads,
    maxRate: flags['max-rate'] === undefined ? undefined : parseRate(flags['max-rate']),
    quiet: stage.quiet,
    tell: stage.tell,
  });
  if (mode !== 'dry' && flags['max-rate'] === undefined) saveRate(executed);
  return executed;
}

/** A strategy is asked again with what really came out; a dry run has nothing to ask with beyond the first tasks. */
function sourceOf({ table, plan }: PlannedTable, flags: RunFlags): TaskSource {
  if (plan.pendingTasks === undefined) return () => listed(plan.steps, plan.left);
  if (flags['dry-run']) return () => countable(plan.steps, table.sstables);
  const context = { nowMillis: flags.now * 1000, gcBeforeSeconds: flags.now - table.gcGraceSeconds };
  return (live) => strategyRounds(live, openStrategy(table.params), context);
}

function* listed(tasks: readonly WantedTask[], left: PlannedTable['plan']['left']) {
  for (const { task, reason } of tasks) yield { task, reason };
  return { left };
}

/** Those tasks whose inputs are all there. */
function* countable(tasks: readonly WantedTask[], sstables: readonly Candidate[]) {
  const there = new Set(sstables);
  const ready = tasks.filter(({ task }) => task.inputs.every((input) => there.has(input)));
  for (const { task, reason } of ready) yield { task, reason };
  const more = tasks.length - ready.length;
  if (more === 0) return { left: [] };
  return { left: [], cut: `not counted: ${more} further ${more === 1 ? 'task reads' : 'tasks read'} what these write` };
}

function refuseUnsafe(
  { paths }: Work,
  concerned: readonly PlannedTable[],
  flags: WorkFlags,
  tell: (line: string) => void,
): void {
  const { refusals, notes } = guardInPlace({
    output: diskOutput,
    paths,
    directories: concerned.map(({ table }) => table.directory),
    sstables: concerned.flatMap(concernedFiles),
    change: 'data',
    neededBytes: new Map(concerned.map(({ table, plan }) => [table.directory.path, planTotals(plan.steps).peakBytes])),
    dropIndexes: flags['drop-indexes'],
  });
  for (const note of notes) tell(note);
  refuseAny(refusals);
}

/** A strategy may take any of the table's SSTables once it sees what its first tasks have given. */
function concernedFiles({ table, plan }: PlannedTable): readonly SSTableFiles[] {
  const { sstables } = table.directory;
  if (plan.pendingTasks !== undefined) return sstables;
  const taken = new Set(plan.steps.flatMap(({ task }) => task.inputs.map(({ descriptor }) => descriptor.prefix)));
  return sstables.filter(({ descriptor }) => taken.has(descriptor.prefix));
}

function questionOf(concerned: readonly PlannedTable[]): string {
  const sum = (of: (one: PlannedTable) => number) => concerned.reduce((all, one) => all + of(one), 0);
  const tasks = sum(({ plan }) => plan.steps.length);
  const bytes = sum(({ plan }) => planTotals(plan.steps).readBytes);
  const where = concerned.length === 1 ? concerned[0]!.table.name : `${concerned.length} tables`;
  return `Compact ${where} in place: ${tasks} ${tasks === 1 ? 'task' : 'tasks'}, ${bytesText(bytes)} to read?`;
}

function tellOfIndexes({ sstables }: SSTableDirectory, name: string, tell: (line: string) => void): void {
  const has = sstables.some(({ components }) => components.some(isIndexComponent));
  if (has) tell(`${name}: SAI and SASI components are not written: a node builds them anew (nodetool rebuild_index)`);
}

function targetOf(directory: SSTableDirectory, { output }: WorkFlags): string {
  return path.join(output!, ...relativePlace(directory));
}

/**
 * Refuses a target with SSTables in it, since their generations might be those that are to be written, and one with too little room for all tables.
 * All targets are asked before anything is written.
 */
function prepare(tables: readonly PlannedTable[], flags: WorkFlags): void {
  const targets = tables.map(({ table }) => targetOf(table.directory, flags));
  for (const target of targets) refuseOccupied(target);
  const needed = tables.reduce((sum, { plan }) => sum + planTotals(plan.steps).asideBytes, 0);
  const free = diskOutput.freeBytes(existing(path.resolve(flags.output!)));
  if (free !== undefined && free < needed) {
    throw new RefusedError('there may not be enough room for the output', {
      file: flags.output!,
      seen: `${free} bytes free`,
      expected: `${needed} bytes, as many as the inputs have`,
    });
  }
  for (const target of targets) diskOutput.makeDirectory(target);
}

/** The directory, or the nearest one above it that is there. */
function existing(directory: string): string {
  const above = path.dirname(directory);
  return above === directory || diskStorage.stat(directory) ? directory : existing(above);
}

function refuseOccupied(target: string): void {
  if (!diskStorage.stat(target)?.isDirectory) return;
  const names = diskStorage.list(target);
  const there = names.find((name) => name.endsWith('-Data.db'));
  const left = names.find((name) => name.endsWith(TEMPORARY));
  if (there === undefined && left === undefined) return;
  throw new UsageError(
    there !== undefined
      ? 'the output directory has SSTables already'
      : 'the output directory has files of a run that was killed',
    {
      file: path.join(target, there ?? left ?? ''),
      hint: there !== undefined ? 'give an empty directory with --output' : `remove its *${TEMPORARY} files`,
    },
  );
}
