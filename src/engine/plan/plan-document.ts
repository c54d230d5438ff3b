/**
 * A plan as `--json` prints it and `--out` keeps it, for `compact apply` to carry out: `lsmctl.compact-plan`, version 2.
 *
 *   nowSeconds      decides what has expired; gcGraceSeconds of each table, what deletions may go
 *   commitlog[]     directories of the commit log whose unflushed writes keep deletions, or none; not there: the log beside the data, if any
 *   tables[]        keyspace, table, directory, compaction (options, as in the schema or overridden)
 *     tasks[]       numbered from 1, to be done in this order
 *       inputs[]    { sstable: "oa-7-big" }: one of `files`; { task: 2 }: all that task 2 writes; { task: 2, output: 1 }: of that all up to its first cut
 *       output      the shape of what comes out: see TaskShape
 *       cuts[]      where later tasks take its output: the tokens up to which each piece reaches, but the last. What is cut by size otherwise is cut
 *                   there and nowhere else, so that later tasks find just what the plan says
 *       estimate    bytes of Data.db; what is `exact` says so
 *     files         of each SSTable that a task takes: size and time of its components, the digest of Data.db, the CRC-32 of Statistics.db
 *
 * Everything else is for people and scripts, and `compact apply` does not look at it.
 */
import { UsageError } from '../../bytes/errors.js';
import { toBigInt } from '../../bytes/int64.js';
import type { Storage } from '../../bytes/source.js';
import type { RepairKind, TaskKind, TaskShape } from '../compaction/planned-task.js';
import type { Candidate } from '../strategies/strategy.js';
import { type Fingerprint, fingerprintOf } from './fingerprint.js';
import { planTotals } from './plan-totals.js';
import type { PlanStep, TablePlan } from './planner.js';

export const PLAN_SCHEMA = 'compact-plan';
export const PLAN_VERSION = 2;

/** An SSTable that is there, or one that a task of the plan writes. */
export type SSTableRef =
  | { readonly sstable: string }
  | { readonly task: number /** From 1, by the task's cuts; all where it is not said. */; readonly output?: number };

export type DocumentTask = {
  readonly task: number;
  readonly kind: TaskKind;
  readonly repair: RepairKind;
  readonly reason: string;
  readonly inputs: readonly SSTableRef[];
  readonly output: Exclude<TaskShape, { kind: 'byDensity' | 'cutAt' }> | { readonly kind: 'byDensity' };
  /** Signed 64-bit integers, ascending. */
  readonly cuts?: readonly string[];
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

export type PlanDocument = {
  readonly nowSeconds: number;
  readonly commitlog?: readonly string[];
  readonly tables: readonly DocumentTable[];
};

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
  const unnamed = firstUnnamed(plan.steps, refs);
  const steps = plan.steps.slice(0, unnamed);
  const apart = new Set(steps.flatMap(({ task }) => refs.apartIn(task.inputs)));
  const passedOn = new Set(steps.flatMap(({ task }) => [...refs.takenOf(task.inputs).keys()]));
  const taken = new Set(steps.flatMap(({ task }) => task.inputs).filter((input) => refs.isFile(input)));
  const { isReadExact, ...totals } = planTotals(steps);
  const hasCuts = (number: number, { output, kind }: PlanStep['task']) =>
    apart.has(number) || (passedOn.has(number) && output.kind === 'leveled' && kind !== 'uplevel');
  const tasks = steps.map(({ task, reason, expired, outputs, estimate }, i) => ({
    task: i + 1,
    kind: task.kind,
    repair: task.repair,
    reason,
    inputs: refs.of(task.inputs),
    output: task.output.kind === 'byDensity' ? { kind: 'byDensity' } : task.output,
    ...(hasCuts(i + 1, task) && { cuts: cutsOf(outputs)?.map(String) }),
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
    cut: unnamed < plan.steps.length ? unnamedText(unnamed + 1, plan.steps.length) : plan.cut,
    totals: { ...totals, exact: exactOnes(isReadExact) },
    tasks,
    left: plan.left.map(({ repair, sstables: rest, why }) => ({ repair, why, sstables: refs.of(rest) })),
    files: Object.fromEntries(
      [...taken].map(({ descriptor }) => [descriptor.prefix, fingerprintOf(storage, descriptor)]),
    ),
  } as DocumentTable;
}

/** Shapes of which a part can be told before it is written: by cuts that are kept to, or that are those of shards. */
const CUT_SHAPES: readonly TaskShape['kind'][] = ['leveled', 'sharded'];

/** Index of the first step that takes a part of what another gives, of which the plan can't say which part; the number of steps where there is none. */
function firstUnnamed(steps: readonly PlanStep[], refs: References): number {
  const isUnnamed = (number: number) => {
    const { task, outputs } = steps[number - 1]!;
    return !CUT_SHAPES.includes(task.output.kind) || cutsOf(outputs) === undefined;
  };
  const at = steps.findIndex(({ task }) => refs.apartIn(task.inputs).some(isUnnamed));
  return at < 0 ? steps.length : at;
}

function unnamedText(first: number, last: number): string {
  const which = first === last ? `task ${first} takes` : `tasks ${first} to ${last} take`;
  return `${which} a part of what is not written yet, of which no token can be named: plan again after these`;
}

/** Up to where each output but the last reaches; undefined where tokens are no numbers. */
function cutsOf(outputs: readonly Candidate[]): bigint[] | undefined {
  const cuts: bigint[] = [];
  for (const { last } of outputs.slice(0, -1)) {
    if (last.token.kind !== 'long') return undefined;
    cuts.push(toBigInt(last.token.hi, last.token.lo));
  }
  return cuts;
}

/**
 * Output `number`, from 1, of a task with these cuts: of what it wrote all that lies after the cut before it, up to its own. None where no key lies there.
 */
export function outputsBetween<T extends Candidate>(
  outputs: readonly T[],
  cuts: readonly bigint[],
  number: number,
): T[] {
  return outputs.filter(({ last }) => {
    if (last.token.kind !== 'long') return false;
    const token = toBigInt(last.token.hi, last.token.lo);
    const at = cuts.findIndex((upTo) => token <= upTo);
    return (at < 0 ? cuts.length : at) === number - 1;
  });
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

  /** Tasks of whose outputs these are a part, not all. */
  apartIn(sstables: readonly Candidate[]): number[] {
    return [...this.takenOf(sstables)].filter(([task, count]) => count < this.counts[task - 1]!).map(([task]) => task);
  }

  /** How many of each task's outputs. */
  takenOf(sstables: readonly Candidate[]): Map<number, number> {
    const taken = new Map<number, number>();
    for (const one of sstables) {
      const made = this.outputs.get(one);
      if (made) taken.set(made.task, (taken.get(made.task) ?? 0) + 1);
    }
    return taken;
  }

  of(sstables: readonly Candidate[]): SSTableRef[] {
    const apart = new Set(this.apartIn(sstables));
    const refs: SSTableRef[] = [];
    for (const one of sstables) {
      const made = this.outputs.get(one);
      if (!made) refs.push({ sstable: one.descriptor.prefix });
      else if (apart.has(made.task)) refs.push(made);
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
  const { nowSeconds, commitlog, tables } = document;
  const isWhole = typeof nowSeconds === 'number' && (commitlog === undefined || isTexts(commitlog));
  if (!isWhole || !Array.isArray(tables) || !tables.every(isTable)) {
    throw new UsageError('is a plan that is not complete', {
      file,
      hint: 'make it anew with lsmctl compact plan --out',
    });
  }
  return { nowSeconds, ...(commitlog && { commitlog }), tables };
}

const SHAPES: Readonly<Record<DocumentTask['output']['kind'], readonly string[]>> = {
  one: ['level'],
  leveled: ['level', 'maxSSTableBytes'],
  majorLeveled: ['maxSSTableBytes', 'fanoutSize'],
  sizeTieredSplit: ['minSSTableBytes'],
  sharded: ['shards'],
  byDensity: [],
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

function isTable(value: unknown): value is DocumentTable {
  if (!isObject(value) || !isObject(value.files) || !isObject(value.compaction) || !Array.isArray(value.tasks))
    return false;
  const { keyspace, table, directory, gcGraceSeconds, files, tasks } = value;
  if ([keyspace, table, directory].some((text) => typeof text !== 'string') || typeof gcGraceSeconds !== 'number')
    return false;
  if (!Object.values(files).every(isFingerprint)) return false;
  return tasks.every((task, i) => isTask(task, i, { files: files as Record<string, unknown>, tasks }));
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
function isTask(
  value: unknown,
  index: number,
  { files, tasks }: { readonly files: Readonly<Record<string, unknown>>; readonly tasks: readonly unknown[] },
): value is DocumentTask {
  if (!isObject(value) || value.task !== index + 1 || !Array.isArray(value.inputs) || value.inputs.length === 0)
    return false;
  if (typeof value.kind !== 'string' || typeof value.repair !== 'string' || !isObject(value.output)) return false;
  const fields = SHAPES[value.output.kind as DocumentTask['output']['kind']];
  const shape = value.output;
  if (!fields?.every((name) => typeof shape[name] === 'number' && (shape[name] as number) >= 0)) return false;
  if (value.cuts !== undefined && !isCuts(value.cuts)) return false;
  return value.inputs.every((input) => {
    if (!isObject(input)) return false;
    if (typeof input.sstable === 'string') return Object.hasOwn(files, input.sstable);
    if (!isCount(input.task) || input.task > index) return false;
    if (input.output === undefined) return true;
    const { cuts } = tasks[input.task - 1] as { cuts?: readonly unknown[] };
    return isCount(input.output) && cuts !== undefined && input.output <= cuts.length + 1;
  });
}

const MAX_TOKEN = 2n ** 63n - 1n;

function isCuts(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || !value.every((text) => typeof text === 'string' && /^-?\d{1,19}$/.test(text)))
    return false;
  const tokens = value.map(BigInt);
  return tokens.every(
    (token, i) => token >= -MAX_TOKEN - 1n && token <= MAX_TOKEN && (i === 0 || token >= tokens[i - 1]!),
  );
}
