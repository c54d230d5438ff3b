/** `compact apply`: carries out the tasks of a plan, and nothing else; refuses where an SSTable is not what it was when the plan was made. */
import path from 'node:path';
import { type ErrorReason, RefusedError, UsageError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { diskStorage, readWhole } from '../../bytes/source.js';
import type { TaskShape } from '../../engine/compaction/planned-task.js';
import type { PathProblem } from '../../engine/data-directory.js';
import { changesBetween, fingerprintOf } from '../../engine/plan/fingerprint.js';
import {
  type DocumentTable,
  type DocumentTask,
  outputsBetween,
  type PlanDocument,
  readPlanDocument,
  type SSTableRef,
} from '../../engine/plan/plan-document.js';
import { type PlanContext, planForced } from '../../engine/plan/planner.js';
import type { WantedTask } from '../../engine/plan/strategy-rounds.js';
import type { CompactionParams } from '../../engine/strategies/options.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import type { TaskSource } from './execute.js';
import { namer, type Planned, type PlannedTable } from './plan.js';
import type { Request } from './request.js';
import { type RunResult, type Stage, type WorkFlags, work } from './run.js';
import { TableNotices } from './table-notices.js';
import { type Shared, type TableAtHand, tablesAtHand } from './tables.js';
import { unflushedWrites } from './unflushed.js';

export type ApplyFlags = WorkFlags & {
  readonly schema?: string | undefined;
  /** In place of the plan's. */
  readonly commitlog?: readonly string[] | undefined;
  readonly 'column-index-size'?: number | undefined;
};

const MAX_PLAN_BYTES = 1 << 28;

/** @throws UsageError (no plan), RefusedError (a stale one), UnsupportedError, CorruptError */
export async function applyPlan(file: string, flags: ApplyFlags, stage: Stage): Promise<RunResult> {
  const document = readPlan(file);
  const directories = document.tables.filter(({ tasks }) => tasks.length > 0);
  if (directories.length === 0) return { tables: [], problems: [], isDeclined: false };
  const paths = directories.map(({ directory }) => directory);
  for (const directory of paths) {
    if (diskStorage.stat(directory)?.isDirectory) continue;
    throw new RefusedError('the directory of the plan is not there any more', { file: directory });
  }
  const found: { table: TableAtHand; plan: DocumentTable }[] = [];
  const problems: PathProblem[] = [];
  let hostId: string | undefined;
  const shared: Shared = { notices: new TableNotices(), unflushedWrites: readOnce(unflushedWrites) };
  for (const plan of directories) {
    const at = await tablesAtHand([plan.directory], tableFlags(document, plan, flags), stage.tell, shared);
    hostId = at.hostId;
    problems.push(...at.problems);
    const table = at.tables.find(({ directory }) => path.resolve(directory.path) === path.resolve(plan.directory));
    if (!table) throw new RefusedError('the table of the plan is not there any more', { file: plan.directory });
    found.push({ table, plan });
  }
  shared.notices.tellTo(stage.tell);
  refuseChanged(found);
  const request: Request = requestOf(directories);
  const planned: Planned = {
    hostId,
    problems,
    request,
    nowSeconds: document.nowSeconds,
    tables: found.map(({ table, plan }) => simulate(table, plan, document.nowSeconds)),
  };
  const sources = found.map(({ table, plan }) => sourceOf(table, plan, flags['dry-run']));
  return work(
    { planned, sources, paths, command: 'compact apply', columnIndexBytes: flags['column-index-size'] },
    flags,
    stage,
  );
}

/** The commit log of several tables is read for the first of them. */
function readOnce(read: typeof unflushedWrites): typeof unflushedWrites {
  const known = new Map<string, ReturnType<typeof unflushedWrites>>();
  return (dataDirectories, flags, tell) => {
    const key = dataDirectories.join('\n');
    const writes = known.get(key) ?? read(dataDirectories, flags, tell);
    known.set(key, writes);
    return writes;
  };
}

function readPlan(file: string): PlanDocument {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(readWhole(diskStorage, file, MAX_PLAN_BYTES)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError('is not JSON', { file, hint: 'compact apply takes what compact plan --out has written' });
  }
  return readPlanDocument(value, file);
}

function tableFlags(document: PlanDocument, plan: DocumentTable, { schema, commitlog }: ApplyFlags) {
  const { class: strategy, ...options } = plan.compaction;
  return {
    now: document.nowSeconds,
    commitlog: commitlog ?? document.commitlog,
    'gc-grace': plan.gcGraceSeconds,
    keyspace: plan.keyspace,
    table: plan.table,
    schema,
    strategy,
    option: Object.entries(options).map(([name, value]) => `${name}=${value}`),
  };
}

/** Tables of a plan were asked for by one command. */
function requestOf(tables: readonly DocumentTable[]): Request {
  const level = tables.find(({ garbageCollect }) => garbageCollect !== undefined)?.garbageCollect;
  return level ? { kind: 'garbagecollect', level } : { kind: 'strategy' };
}

/** @throws RefusedError that tells of each SSTable what has changed */
function refuseChanged(found: readonly { table: TableAtHand; plan: DocumentTable }[]): void {
  const reasons: ErrorReason[] = [];
  for (const { table, plan } of found) {
    const there = new Map(table.sstables.map((one) => [one.descriptor.prefix, one]));
    for (const [name, print] of Object.entries(plan.files)) {
      const file = path.join(plan.directory, name);
      const candidate = there.get(name);
      const changes = candidate
        ? changesBetween(print, fingerprintOf(diskStorage, candidate.descriptor))
        : ['it is not there any more'];
      if (changes.length > 0) reasons.push({ file, message: changes.join('; ') });
    }
  }
  if (reasons.length === 0) return;
  const hint = 'make a new plan: lsmctl compact plan --out';
  if (reasons.length === 1) {
    throw new RefusedError(`the plan is stale: ${reasons[0]!.message}`, { file: reasons[0]!.file!, hint });
  }
  throw new RefusedError(`the plan is stale: ${reasons.length} SSTables have changed`, { reasons, hint });
}

/** The plan as it would be made now, of the tasks that it has: what is shown and reckoned with. */
function simulate(table: TableAtHand, plan: DocumentTable, nowSeconds: number): PlannedTable {
  const context: PlanContext = {
    params: table.params,
    nowMillis: nowSeconds * 1000,
    gcBeforeSeconds: nowSeconds - table.gcGraceSeconds,
    describe: namer(table.sstables, nowSeconds),
  };
  return {
    table,
    plan: planForced(table.sstables, (outputsOf) => resolvable(table, plan, outputsOf), context),
    freeBytes: diskOutput.freeBytes(table.directory.path),
  };
}

function* resolvable(
  table: TableAtHand,
  plan: DocumentTable,
  outputsOf: (task: number) => readonly Candidate[] | undefined,
): Generator<WantedTask> {
  const resolve = resolver(table, plan);
  // a task of which nothing is left is none: the numbers of those after it are others than in the plan
  const numbers = new Map<number, number>();
  let count = 0;
  for (const task of plan.tasks) {
    const inputs = resolve(task.inputs, (number) => outputsOf(numbers.get(number) ?? 0) ?? []);
    if (inputs.length === 0) continue;
    numbers.set(task.task, ++count);
    yield wanted(task, inputs, table);
  }
}

function sourceOf(table: TableAtHand, plan: DocumentTable, isDry: boolean): TaskSource {
  return function* () {
    const resolve = resolver(table, plan);
    const done = new Map<number, readonly Candidate[]>();
    let uncounted = 0;
    for (const task of plan.tasks) {
      const isThere = task.inputs.every((ref) => 'sstable' in ref || done.has(ref.task));
      if (!isThere) {
        uncounted++; // of a dry run
        continue;
      }
      const inputs = resolve(task.inputs, (number) => done.get(number)!);
      if (inputs.length === 0) {
        done.set(task.task, []); // of what was to come, nothing was left
        continue;
      }
      const outputs = yield wanted(task, inputs, table);
      if (!isDry) done.set(task.task, outputs);
    }
    if (uncounted === 0) return { left: [] };
    return {
      left: [],
      cut: `not counted: ${uncounted} further ${uncounted === 1 ? 'task reads' : 'tasks read'} what these write`,
    };
  };
}

/** Tells the inputs of a task; fewer than the plan has where what was to come of earlier tasks is gone or has no key there. */
function resolver({ sstables }: TableAtHand, { tasks }: DocumentTable) {
  const there = new Map(sstables.map((one) => [one.descriptor.prefix, one]));
  return (refs: readonly SSTableRef[], outputsOf: (task: number) => readonly Candidate[]): Candidate[] =>
    refs.flatMap((ref) => {
      if ('sstable' in ref) return [there.get(ref.sstable)!];
      const outputs = outputsOf(ref.task);
      if (ref.output === undefined) return outputs;
      return outputsBetween(outputs, tasks[ref.task - 1]!.cuts!.map(BigInt), ref.output);
    });
}

function wanted(task: DocumentTask, inputs: readonly Candidate[], { params }: TableAtHand): WantedTask {
  const { kind, repair, reason } = task;
  return { task: { kind, repair, inputs, output: shapeOf(task, params) }, reason };
}

/** What is taken apart later is cut where the plan says. */
function shapeOf({ output, cuts }: DocumentTask, { strategy }: CompactionParams): TaskShape {
  if (output.kind === 'byDensity') {
    return strategy.kind === 'Unified' ? { kind: 'byDensity', options: strategy } : { kind: 'one', level: 0 };
  }
  if (output.kind !== 'leveled' || !cuts) return output;
  return { kind: 'cutAt', level: output.level, upTo: cuts.map(BigInt) };
}
