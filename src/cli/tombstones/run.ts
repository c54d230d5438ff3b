/** `lsmctl tombstones`: table by table, what reads meet, what holds it, and what to compact. */

import { availableParallelism } from 'node:os';
import { UsageError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { diskStorage } from '../../bytes/source.js';
import type { UnflushedTable } from '../../engine/commitlog-unflushed.js';
import { planForced } from '../../engine/plan/planner.js';
import {
  scanBytes,
  type TableTombstones,
  type TombstonesSetup,
  tableTombstones,
} from '../../engine/tombstones/table-tombstones.js';
import { type TombstonesReport, tombstonesReport } from '../../render/tombstones-report.js';
import { readStatistics } from '../../sstable/statistics.js';
import { absoluteLogs, namer, type Planned } from '../compact/plan.js';
import { planDocument } from '../compact/show-plan.js';
import { type TableAtHand, tablesAtHand } from '../compact/tables.js';
import { EXIT, type ExitCode } from '../exit.js';
import { startProgress } from '../progress.js';
import { jobsFor, parallelScan } from './scan-pool.js';

export type TombstonesFlags = {
  readonly top: number;
  readonly rows: number;
  readonly warn: number;
  readonly fail: number;
  readonly 'fail-on'?: string | undefined;
  readonly commitlog?: readonly string[] | undefined;
  readonly jobs?: number | undefined;
  readonly now: number;
  readonly 'gc-grace'?: number | undefined;
  readonly schema?: string | undefined;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
};

export type TombstonesDone = {
  readonly tables: readonly TombstonesReport[];
  readonly exitCode: ExitCode;
  /** For `compact apply`; undefined where compacting frees nothing. */
  readonly plan: () => object | undefined;
};

/** @throws UsageError, UnsupportedError, CorruptError */
export async function auditTombstones(
  paths: readonly string[],
  flags: TombstonesFlags,
  tell: (line: string) => void,
  isQuiet: boolean,
): Promise<TombstonesDone> {
  if (flags.fail < flags.warn) {
    throw new UsageError('--fail is below --warn', { seen: flags.fail, expected: `${flags.warn} or more` });
  }
  const { tables, problems, hostId } = await tablesAtHand(paths, flags, tell);
  for (const { path: where, message } of problems) tell(`${where}: ${message}`);
  const found: { table: TableAtHand; tombstones: TableTombstones }[] = [];
  for (const table of tables) {
    const wholeBytes = scanBytes(table.sstables);
    const progress = await startProgress(`${table.name}: reading`, wholeBytes, isQuiet, true);
    try {
      const writes = table.unflushed;
      const unflushed = writes && ((key: Uint8Array, length: number) => writes.leastOf(key, length));
      const { sstables, definition, params, gcGraceSeconds, isStrict } = table;
      const setup = {
        storage: diskStorage,
        sstables,
        definition,
        params,
        gcGraceSeconds,
        isStrict,
        nowSeconds: flags.now,
        unflushed,
        unflushedMicros: writes?.leastMicros,
        rows: flags.rows,
        top: flags.top,
        warn: flags.warn,
        fail: flags.fail,
        onProgress: (bytes: number) => progress.update(Math.min(bytes, wholeBytes)),
      };
      const jobs = jobsFor(sstables, flags.jobs, availableParallelism());
      const tombstones = await scanned(setup, jobs, writes);
      found.push({ table, tombstones });
    } finally {
      progress.stop();
    }
  }
  const reports = found.map(({ table, tombstones }) => reportOf(table, tombstones, flags));
  return {
    tables: reports,
    exitCode: exitCodeOf(reports, flags['fail-on']),
    plan: () => planOf(found, { hostId, problems, nowSeconds: flags.now, commitlog: absoluteLogs(flags) }),
  };
}

/** By threads; where one fails, by this one alone, which fails in its place or does not. @throws CorruptError, UsageError, UnsupportedError */
async function scanned(
  setup: TombstonesSetup,
  jobs: number,
  writes: UnflushedTable | undefined,
): Promise<TableTombstones> {
  if (jobs < 2) return tableTombstones(setup);
  try {
    return await tableTombstones({ ...setup, scan: parallelScan(setup, jobs, writes) });
  } catch {
    return tableTombstones(setup);
  }
}

function reportOf(table: TableAtHand, tombstones: TableTombstones, flags: TombstonesFlags): TombstonesReport {
  const { name, directory, gcGraceSeconds, options, sstables } = table;
  const { header } = readStatistics(diskStorage, sstables[0]!.descriptor);
  return tombstonesReport(tombstones, {
    name,
    directory: directory.path,
    strategy: options.class ?? '',
    nowSeconds: flags.now,
    gcGraceSeconds,
    rows: flags.rows,
    warn: flags.warn,
    fail: flags.fail,
    keyType: header.keyType,
    clusteringTypes: header.clusteringTypes,
    isCommitLogRead: table.isCommitLogRead,
  });
}

function exitCodeOf(tables: readonly TombstonesReport[], failOn: string | undefined): ExitCode {
  const any = (of: 'warned' | 'failed') =>
    tables.some(({ reads }) => reads !== null && Object.values(reads[of]).some((count) => count > 0));
  const isFinding = failOn === 'warn' ? any('warned') || any('failed') : failOn === 'failure' && any('failed');
  return isFinding ? EXIT.findings : EXIT.clean;
}

function planOf(
  found: readonly { readonly table: TableAtHand; readonly tombstones: TableTombstones }[],
  rest: Pick<Planned, 'hostId' | 'problems' | 'nowSeconds' | 'commitlog'>,
): object | undefined {
  const concerned = found.filter(({ tombstones }) => tombstones.remedies.length > 0);
  if (concerned.length === 0) return undefined;
  const tables = concerned.map(({ table, tombstones }) => {
    const { sstables, params, gcGraceSeconds, directory } = table;
    const tasks = tombstones.remedies.map(({ task }) => ({ task, reason: 'frees tombstones' }));
    const context = {
      params,
      nowMillis: rest.nowSeconds * 1000,
      gcBeforeSeconds: rest.nowSeconds - gcGraceSeconds,
      describe: namer(sstables, rest.nowSeconds),
    };
    return { table, plan: planForced(sstables, () => tasks, context), freeBytes: diskOutput.freeBytes(directory.path) };
  });
  return planDocument({ ...rest, request: { kind: 'strategy' }, tables });
}
