/** `compact recover`: finds what transactions have left, shows it, and clears it away as a start of the node would. */
import { UsageError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { type PathProblem, resolvePaths } from '../../engine/data-directory.js';
import { planRecovery, recover, type TableRecovery } from '../../engine/lifecycle/recovery.js';
import type { SSTableDirectory } from '../../engine/sstable-directory.js';
import { confirm } from '../confirm.js';
import { lockDirectories } from '../guards/directory-lock.js';
import { guardInPlace, type Refusal, refuseAny } from '../guards/guard.js';

export type RecoverFlags = {
  readonly 'dry-run': boolean;
  readonly yes: boolean;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
};

export type FoundRecovery = {
  readonly tables: readonly TableRecovery[];
  readonly refusals: readonly Refusal[];
  readonly notes: readonly string[];
  readonly problems: readonly PathProblem[];
};

/** @throws UsageError where a path is no directory of SSTables */
export function findRecovery(paths: readonly string[], flags: RecoverFlags): FoundRecovery {
  const files = paths.filter((given) => diskOutput.stat(given)?.isFile);
  if (files.length > 0) {
    throw new UsageError('is a file: what a transaction has left is told for directories', { file: files[0]! });
  }
  const { directories, problems } = resolvePaths(diskOutput, paths);
  const wanted = directories.filter((directory) => isWanted(directory, flags));
  const tables = planRecovery(diskOutput, wanted);
  const concerned = new Set(tables.flatMap((table) => table.directories));
  const work = wanted.filter(({ path }) => concerned.has(diskOutput.canonicalPath(path)));
  const { refusals, notes } =
    work.length === 0
      ? { refusals: [], notes: [] }
      : guardInPlace({ output: diskOutput, paths, directories: work, sstables: [], change: 'recover' });
  return { tables, refusals, notes, problems: problems.filter(({ kind }) => kind === 'unreadable') };
}

function isWanted({ place, kind }: SSTableDirectory, { keyspace, table }: RecoverFlags): boolean {
  if (kind !== 'live' || (keyspace !== undefined && place.keyspace !== keyspace)) return false;
  return table === undefined || place.table === table;
}

/** Whether anything is to be deleted. */
export function isPending({ tables }: FoundRecovery): boolean {
  return tables.some(({ isRefused, doomed, logs }) => !isRefused && doomed.length + logs.length > 0);
}

/**
 * Asks, and clears away.
 * @returns whether it was done
 * @throws RefusedError before anything is touched
 */
export async function doRecovery(
  paths: readonly string[],
  flags: RecoverFlags,
  found: FoundRecovery,
): Promise<boolean> {
  refuseAny(found.refusals);
  if (!isPending(found)) return false;
  const count = found.tables.reduce((sum, { doomed }) => sum + doomed.length, 0);
  if (!(await confirm(`Delete ${count} files, and the logs that say so?`, flags.yes))) return false;
  const lock = lockDirectories(
    found.tables.filter(({ isRefused }) => !isRefused).flatMap(({ directories }) => directories),
    'compact recover',
  );
  try {
    // another lsmctl may have been at work until now
    const now = findRecovery(paths, flags);
    refuseAny(now.refusals);
    for (const table of now.tables) recover(diskOutput, table);
  } finally {
    lock.release();
  }
  return true;
}
