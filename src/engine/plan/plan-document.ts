/**
 * A plan as `--json` prints it and `--out` keeps it, for `compact apply` to carry out: `lsmctl.compact-plan`, version 1.
 *
 *   nowSeconds      decides what has expired; gcGraceSeconds of each table, what deletions may go
 *   tables[]        keyspace, table, directory, compaction (options, as in the schema or overridden)
 *     tasks[]       numbered from 1, to be done in this order
 *       inputs[]    { sstable: "oa-7-big" }: one of `files`; { task: 2 }: all that task 2 writes; { task: 2, output: 1 }: the first of that
 *       output      the shape of what comes out: see TaskShape
 *       estimate    bytes of Data.db; what is `exact` says so
 *     files         of each SSTable that a task takes: size and time of its components, the digest of Data.db, the CRC-32 of Statistics.db
 *
 * Everything else is for people and scripts, and `compact apply` does not look at it.
 */
import { UsageError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import type { RepairKind, TaskKind, TaskShape } from '../compaction/planned-task.js';
import type { Candidate } from '../strategies/strategy.js';
import { type Fingerprint, fingerprintOf } from './fingerprint.js';
import { planTotals } from './plan-totals.js';
import type { PlanStep, TablePlan } from './planner.js';

export const PLAN_SCHEMA = 'compact-plan';
export const PLAN_VERSION = 1;

/** An SSTable that is there, or one that a task of the plan writes. */
export type SSTableRef =
  | { readonly sstable: string }
  | { readonly task: number /** From 1; all of them where it is not said. */; readonly output?: number };

export type DocumentTask = {
  readonly task: number;
  readonly kind: TaskKind;
  readonly repair: RepairKind;
  readonly reason: string;
  readonly inputs: readonly SSTableRef[];
  readonly output: Exclude<TaskShape, { kind: 'byDensity' }> | { readonly kind: 'byDensity' };
};

export type DocumentTable = {
  readonly keyspace: string;
  readonly table: string;
  readonly directory: string;
  readonly compaction: Readonly<Record<string, string>>;
  readonly gcGraceSeconds: number;
  /** Of tasks of kind `garbagecollect`. */
  readonly garbageCollect?: 'row' | 'cell';
  readonly tasks: readonly DocumentTask[];
  readonly files: Readonly<Record<string, Fingerprint>>;
};

export type PlanDocument = { readonly nowSeconds: number; readonly tables: readonly DocumentTable[] };

export type TableToDocument = {
  readonly keyspace: string;
  readonly table: string;
  readonly directory: string;
  readonly compaction: Readonly<Record<string, string>>;
  readonly gcGraceSeconds: number;
  readonly garbageCollect?: 'row' | 'cell' | undefined;
  readonly sstables: readonly Candidate[];
  readonly plan: TablePlan;
  readonly freeBytes: number | undefined;
};

/** @throws UsageError, CorruptError: files of an SSTable that is to be compacted can't be read */
export function documentTable(storage: Storage, one: TableToDocument): DocumentTable {
  const { keyspace, table, directory, compaction, gcGraceSeconds, garbageCollect, sstables, plan, freeBytes } = one;
  const refs = new References(sstables, plan.steps);
  const taken = new Set(plan.steps.flatMap(({ task }) => task.inputs).filter((input) => refs.isFile(input)));
  const { isReadExact, ...totals } = planTotals(plan.steps);
  const tasks = plan.steps.map(({ task, reason, expired, outputs, estimate }, i) => ({
    task: i + 1,
    kind: task.kind,
    repair: task.repair,
    reason,
    inputs: refs.of(task.inputs),
    output: task.output.kind === 'byDensity' ? { kind: 'byDensity' } : task.output,
    expired: refs.of(expired),
    outputs: outputs.map(({ onDiskBytes, level }) => ({ dataBytes: onDiskBytes, level })),
    estimate: { ...estimate, isReadExact: undefined, exact: exactOnes(estimate.isReadExact) },
  }));
  return {
    keyspace,
    table,
    directory,
    compaction,
    gcGraceSeconds,
    ...(garbageCollect && { garbageCollect }),
    sstables: sstables.length,
    dataBytes: sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0),
    freeBytes,
    pendingTasks: plan.pendingTasks,
    cut: plan.cut,
    totals: { ...totals, exact: exactOnes(isReadExact) },
    tasks,
    left: plan.left.map(({ repair, sstables: rest, why }) => ({ repair, why, sstables: refs.of(rest) })),
    files: Object.fromEntries(
      [...taken].map(({ descriptor }) => [descriptor.prefix, fingerprintOf(storage, descriptor)]),
    ),
  } as DocumentTable;
}

/** Which numbers of an estimate are none. */
function exactOnes(isReadExact: boolean): string[] {
  return isReadExact ? ['readBytes', 'expiredBytes'] : [];
}

/** Names for SSTables in a plan. */
class References {
  private readonly files: ReadonlySet<Candidate>;
  private readonly outputs = new Map<Candidate, { readonly task: number; readonly output: number }>();
  private readonly counts: readonly number[];

  constructor(sstables: readonly Candidate[], steps: readonly PlanStep[]) {
    this.files = new Set(sstables);
    this.counts = steps.map(({ outputs }) => outputs.length);
    steps.forEach(({ outputs }, i) => {
      outputs.forEach((one, k) => {
        this.outputs.set(one, { task: i + 1, output: k + 1 });
      });
    });
  }

  /** Whether it lies on the disk as the plan takes it. */
  isFile(sstable: Candidate): boolean {
    return this.files.has(sstable);
  }

  of(sstables: readonly Candidate[]): SSTableRef[] {
    const taken = new Map<number, number>();
    for (const one of sstables) {
      const made = this.outputs.get(one);
      if (made) taken.set(made.task, (taken.get(made.task) ?? 0) + 1);
    }
    const whole = new Set([...taken].filter(([task, count]) => count === this.counts[task - 1]).map(([task]) => task));
    const refs: SSTableRef[] = [];
    for (const one of sstables) {
      const made = this.outputs.get(one);
      if (!made) refs.push({ sstable: one.descriptor.prefix });
      else if (!whole.has(made.task)) refs.push(made);
      else if (made.output === 1) refs.push({ task: made.task });
    }
    return refs;
  }
}

/** @param value what JSON.parse gave. @throws UsageError where it is no plan of a version that is known */
export function readPlanDocument(value: unknown, file: string): PlanDocument {
  const document = value as Partial<PlanDocument & { schema: string; version: number }> | null;
  const schema = `lsmctl.${PLAN_SCHEMA}`;
  if (typeof document !== 'object' || document?.schema !== schema) {
    throw new UsageError('is no plan', { file, seen: String(document?.schema), expected: schema });
  }
  if (document.version !== PLAN_VERSION) {
    throw new UsageError('is a plan of another version', {
      file,
      seen: String(document.version),
      expected: PLAN_VERSION,
      hint: 'make it anew with lsmctl compact plan --out',
    });
  }
  const { nowSeconds, tables } = document;
  if (typeof nowSeconds !== 'number' || !Array.isArray(tables) || !tables.every(isTable)) {
    throw new UsageError('is a plan that is not complete', {
      file,
      hint: 'make it anew with lsmctl compact plan --out',
    });
  }
  return { nowSeconds, tables };
}

const SHAPES: Readonly<Record<TaskShape['kind'], readonly string[]>> = {
  one: ['level'],
  leveled: ['level', 'maxSSTableBytes'],
  majorLeveled: ['maxSSTableBytes', 'fanoutSize'],
  sizeTieredSplit: ['minSSTableBytes'],
  sharded: ['shards'],
  byDensity: [],
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

function isTable(value: unknown): value is DocumentTable {
  if (!isObject(value) || !isObject(value.files) || !isObject(value.compaction) || !Array.isArray(value.tasks))
    return false;
  const { keyspace, table, directory, gcGraceSeconds, files, tasks } = value;
  if ([keyspace, table, directory].some((text) => typeof text !== 'string') || typeof gcGraceSeconds !== 'number')
    return false;
  if (!Object.values(files).every(isFingerprint)) return false;
  return tasks.every((task, i) => isTask(task, i, files as Record<string, unknown>));
}

function isFingerprint(value: unknown): value is Fingerprint {
  if (!isObject(value) || typeof value.statisticsCrc !== 'number' || !Array.isArray(value.components)) return false;
  return value.components.every(
    (one) =>
      isObject(one) &&
      typeof one.component === 'string' &&
      typeof one.bytes === 'number' &&
      typeof one.modifiedMillis === 'number',
  );
}

/** Tasks are numbered in their order, and take what is listed or what one before them writes. */
function isTask(value: unknown, index: number, files: Readonly<Record<string, unknown>>): value is DocumentTask {
  if (!isObject(value) || value.task !== index + 1 || !Array.isArray(value.inputs) || value.inputs.length === 0)
    return false;
  if (typeof value.kind !== 'string' || typeof value.repair !== 'string' || !isObject(value.output)) return false;
  const fields = SHAPES[value.output.kind as TaskShape['kind']];
  const shape = value.output;
  if (!fields?.every((name) => typeof shape[name] === 'number' && (shape[name] as number) >= 0)) return false;
  return value.inputs.every((input) => {
    if (!isObject(input)) return false;
    if (typeof input.sstable === 'string') return Object.hasOwn(files, input.sstable);
    const isOutput = input.output === undefined || isCount(input.output);
    return isCount(input.task) && input.task <= index && isOutput;
  });
}
