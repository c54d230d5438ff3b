/** The tables whose SSTables are to be changed in place. */
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { isSystemKeyspace } from '../../cql/schema.js';
import { type PathProblem, resolvePaths } from '../../engine/data-directory.js';
import type { SSTableDirectory } from '../../engine/sstable-directory.js';

export type TableFlags = {
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
};

export type WantedTables = {
  /** With the SSTables that were asked for. */
  readonly directories: readonly SSTableDirectory[];
  readonly problems: readonly PathProblem[];
};

/**
 * Directories of tables that the paths lead to, but for hidden tables of indexes and for system keyspaces, unless a path or `--keyspace` names
 * them.
 * @throws UsageError where there are none
 */
export function wantedTables(paths: readonly string[], flags: TableFlags, tell: (line: string) => void): WantedTables {
  const { directories, problems } = resolvePaths(diskStorage, paths);
  const hidden: SSTableDirectory[] = [];
  const wanted = directories.filter((directory) => isWanted(directory, paths, flags, hidden));
  tellHidden(hidden, tell);
  if (wanted.length > 0) return { directories: wanted, problems };
  throw new UsageError('there is no table to work on', {
    file: paths[0] ?? '.',
    hint: 'tables of system keyspaces are left as they are, unless --keyspace or the path names them',
  });
}

/** @param hidden gets what is left out since it belongs to an index */
function isWanted(
  directory: SSTableDirectory,
  paths: readonly string[],
  { keyspace, table }: TableFlags,
  hidden: SSTableDirectory[],
): boolean {
  const { place, sstables } = directory;
  if (keyspace !== undefined && place.keyspace !== keyspace) return false;
  if (table !== undefined && place.table !== table) return false;
  const given = paths.map((one) => path.resolve(one).split(path.sep));
  if (place.index !== undefined && !given.some((names) => names.includes(`.${place.index}`))) {
    hidden.push(directory);
    return false;
  }
  const isNamed = keyspace !== undefined || given.some((names) => names.includes(place.keyspace));
  return sstables.length > 0 && (isNamed || !isSystemKeyspace(place.keyspace));
}

/** In one line, however many there are. */
function tellHidden(hidden: readonly SSTableDirectory[], tell: (line: string) => void): void {
  const [first] = hidden;
  if (!first) return;
  const { path: where, place } = first;
  tell(
    hidden.length === 1
      ? `${where}: the hidden table of index ${place.index} is left as it is, unless the path names it`
      : `${hidden.length} hidden tables of indexes are left as they are, unless a path names them: ${hidden
          .slice(0, 3)
          .map((one) => `${one.place.table}.${one.place.index}`)
          .join(', ')}${hidden.length > 3 ? ', …' : ''}`,
  );
}

/** The same directories with all SSTables that are in them. */
export function wholeDirectories(directories: readonly SSTableDirectory[]): SSTableDirectory[] {
  const all = resolvePaths(
    diskStorage,
    directories.map((directory) => directory.path),
  ).directories;
  return directories.map((directory) => all.find((one) => one.path === directory.path) ?? directory);
}
