/** `compact split`: each large SSTable of a table by itself into several, as sstablesplit does (SSTableSplitter). */
import path from 'node:path';
import { RefusedError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { repairGroups } from '../../engine/compaction/planned-task.js';
import { planForced } from '../../engine/plan/planner.js';
import type { WantedTask } from '../../engine/plan/strategy-rounds.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import { jsonDocument } from '../../render/json.js';
import { type SplitTable, splitPlanText, splitReport, splitText } from '../../render/split.js';
import type { TaskSource } from '../compact/execute.js';
import { namer, type PlannedTable } from '../compact/plan.js';
import { type WorkFlags, work } from '../compact/run.js';
import { type CompactTableFlags, type TableAtHand, tablesAtHand } from '../compact/tables.js';
import { type Stage, type SurgeryResult, surgeryResult } from './run.js';
import { takeSnapshot } from './snapshot.js';

export type SplitFlags = CompactTableFlags &
  WorkFlags & {
    /** MiB. */
    readonly size: number;
    readonly 'no-snapshot': boolean;
    readonly 'column-index-size'?: number | undefined;
  };

type SplitPlan = PlannedTable & SplitTable;

/** @throws UsageError, UnsupportedError, CorruptError, RefusedError: an SSTable is split or as it was */
export async function runSplit(paths: readonly string[], flags: SplitFlags, stage: Stage): Promise<SurgeryResult> {
  const { tables, hostId, problems } = await tablesAtHand(paths, { ...flags, commitlog: ['none'] }, stage.tell); // nothing is purged
  for (const { path: file, message } of problems) stage.tell(`${file}: ${message}`);
  const maxBytes = flags.size * 2 ** 20;
  const planned = tables.map((table) => planTable(neverPurging(table), maxBytes, flags));
  stage.show(splitPlanText(planned, maxBytes, stage.width));
  const concerned = planned.filter(({ large }) => large.length > 0);
  const isInPlace = !flags['dry-run'] && flags.output === undefined;
  if (isInPlace) for (const one of concerned) if (one.snapshot !== undefined) needRoom(one);
  const job = {
    planned: { tables: concerned, hostId, problems: [], request: { kind: 'strategy' as const }, nowSeconds: flags.now },
    sources: concerned.map((one) => sourceOf(one, isInPlace)),
    paths,
    command: 'compact split',
    columnIndexBytes: flags['column-index-size'],
  };
  const done = await work(job, flags, { show: () => {}, tell: stage.tell, quiet: stage.isQuiet });
  const outcome = concerned.length === 0 ? 'unchanged' : done.isDeclined ? 'declined' : flags['dry-run'] ? 'dry-run' : 'done'; // biome-ignore format: one line
  if (outcome === 'done' || outcome === 'dry-run') stage.show(splitText(planned, done.tables, stage.width));
  const report = splitReport(planned, done.tables, { outcome, maxBytes });
  return surgeryResult(jsonDocument('compact-split', 1, report), outcome);
}

/** sstablesplit drops nothing: what has expired becomes tombstones, and these stay. */
function neverPurging(table: TableAtHand): TableAtHand {
  const params = { ...table.params, overlappingTombstones: 'none' as const };
  return { ...table, params, gcGraceSeconds: Number.POSITIVE_INFINITY };
}

function planTable(table: TableAtHand, maxBytes: number, flags: SplitFlags): SplitPlan {
  const { sstables, picked, params, directory } = table;
  const large = picked.filter(({ onDiskBytes }) => onDiskBytes > maxBytes);
  const tasks = large.map((one): WantedTask => ({ task: taskOf(one, maxBytes), reason: 'larger than --size' }));
  const isSnapshotTaken = !flags['no-snapshot'] && flags.output === undefined && large.length > 0;
  return {
    table,
    plan: planForced(sstables, () => tasks, {
      params,
      nowMillis: flags.now * 1000,
      gcBeforeSeconds: Number.NEGATIVE_INFINITY,
      describe: namer(sstables, flags.now),
    }),
    freeBytes: diskOutput.freeBytes(directory.path),
    keyspace: directory.place.keyspace,
    name: directory.place.table,
    directory: directory.path,
    large,
    small: picked.filter((one) => !large.includes(one)),
    ...(isSnapshotTaken && { snapshot: path.join(directory.path, 'snapshots', `pre-split-${flags.now * 1000}`) }),
  };
}

function taskOf(sstable: Candidate, maxSSTableBytes: number): WantedTask['task'] {
  const { repair } = repairGroups([sstable])[0]!;
  return { kind: 'forced', repair, inputs: [sstable], output: { kind: 'leveled', level: 0, maxSSTableBytes } };
}

/** A snapshot keeps what a swap would give back. @throws RefusedError */
function needRoom({ large, directory, freeBytes }: SplitPlan): void {
  const needed = large.reduce((sum, { componentBytes }) => sum + componentBytes, 0);
  if (freeBytes === undefined || freeBytes >= needed) return;
  throw new RefusedError('there may not be enough room: the snapshot keeps the old SSTables', {
    file: directory,
    seen: `${freeBytes} bytes free`,
    expected: `${needed} bytes, as many as they have`,
    hint: 'free some room, or give --no-snapshot: then each SSTable gives its room back once it is split',
  });
}

/** The snapshot is taken once nothing stands in the way, before the first SSTable is split. */
function sourceOf({ plan, large, snapshot }: SplitPlan, isInPlace: boolean): TaskSource {
  return function* () {
    if (isInPlace && snapshot !== undefined) {
      takeSnapshot(large.map(({ descriptor }) => descriptor), snapshot); // biome-ignore format: one line
    }
    for (const { task, reason } of plan.steps) yield { task, reason };
    return { left: plan.left };
  };
}
