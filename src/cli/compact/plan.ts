/** `compact plan`, and the first half of `compact run`: what would be compacted in each table. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { type PlanContext, planByStrategy, planForced, type TablePlan } from '../../engine/plan/planner.js';
import { openStrategy } from '../../engine/strategies/open-strategy.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import { nextNumber, timeBasedId } from '../../sstable/sstable-id.js';
import { forcedTasks, type Request, type RequestFlags, requestOf } from './request.js';
import { type CompactTableFlags, type TableAtHand, type TablesAtHand, tablesAtHand } from './tables.js';

export type PlanFlags = CompactTableFlags & RequestFlags;

export type PlannedTable = {
  readonly table: TableAtHand;
  readonly plan: TablePlan;
  /** Of the file system that the table lies on. */
  readonly freeBytes: number | undefined;
};

export type Planned = Omit<TablesAtHand, 'tables'> & {
  readonly request: Request;
  readonly nowSeconds: number;
  /** As given, by absolute paths. */
  readonly commitlog?: readonly string[] | undefined;
  readonly tables: readonly PlannedTable[];
};

/** @throws UsageError, UnsupportedError (a strategy, a version), CorruptError */
export async function planTables(
  paths: readonly string[],
  flags: PlanFlags,
  tell: (line: string) => void,
): Promise<Planned> {
  const request = requestOf(flags);
  const { tables, ...rest } = await tablesAtHand(paths, flags, tell);
  if (request.kind === 'sstables' && tables.length > 1) {
    throw new UsageError('--sstables is for one table', {
      seen: tables.map(({ name }) => name).join(', '),
      hint: 'name the directory of the table',
    });
  }
  const planned = tables.map((table) => ({
    table,
    plan: planTable(table, request, flags.now),
    freeBytes: diskOutput.freeBytes(table.directory.path),
  }));
  return { ...rest, request, nowSeconds: flags.now, commitlog: absoluteLogs(flags), tables: planned };
}

/** The commit logs of `--commitlog`, for a plan that is applied from elsewhere. */
export function absoluteLogs({ commitlog }: Pick<CompactTableFlags, 'commitlog'>): string[] | undefined {
  return commitlog?.map((one) => (one === 'none' ? one : path.resolve(one)));
}

function planTable(table: TableAtHand, request: Request, nowSeconds: number): TablePlan {
  const { sstables, params } = table;
  const context: PlanContext = {
    params,
    nowMillis: nowSeconds * 1000,
    gcBeforeSeconds: nowSeconds - table.gcGraceSeconds,
    describe: namer(sstables, nowSeconds),
    unflushed: table.unflushed,
  };
  const forced = forcedTasks(request, table);
  if (forced) return planForced(sstables, () => forced, context);
  return planByStrategy(sstables, openStrategy(params), context);
}

/** Names of SSTables that are not there: later than those that are. */
export function namer(sstables: readonly Candidate[], nowSeconds: number): PlanContext['describe'] {
  const ids = sstables.map(({ descriptor }) => descriptor.id);
  const like = sstables.at(-1)!.descriptor;
  const isTimeBased = like.id.includes('_');
  let last = isTimeBased ? 0 : Number(nextNumber(ids)) - 1;
  return () => {
    last++;
    const id = isTimeBased ? timeBasedId(nowSeconds * 1000 + last, randomBytes(8).readBigUInt64BE()) : String(last);
    return { ...like, id, prefix: `${like.version.name}-${id}-${like.format}` };
  };
}

/** Whether any table has something to be compacted. */
export function isPending({ tables }: Planned): boolean {
  return tables.some(({ plan }) => plan.steps.length > 0);
}
