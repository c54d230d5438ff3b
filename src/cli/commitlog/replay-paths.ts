/** Where a replay reads and writes. */
import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { diskStorage } from '../../bytes/source.js';
import { dataDirectoriesOf } from '../../engine/schema-loader.js';

/** Paths of the log: those given, else the `commitlog` in or beside the data directories, else the working directory. */
export function logPaths(
  storage: Storage,
  given: readonly string[],
  data: readonly string[] | undefined,
): readonly string[] {
  if (given.length > 0) return given;
  if (!data) return ['.'];
  const roots = dataDirectoriesOf(storage, data);
  const places = (roots.length > 0 ? roots : data).flatMap((root) => [root, path.dirname(path.resolve(root))]);
  const found = [...new Set(places)].filter((place) => storage.stat(path.join(place, 'commitlog'))?.isDirectory);
  if (found.length > 0) return found;
  throw new UsageError('no commit log is in or beside the data directory', {
    file: data[0] ?? '.',
    expected: `a directory commitlog beside it, such as ${path.join(path.dirname(path.resolve(data[0] ?? '.')), 'commitlog')}`,
    hint: 'name the commit log: lsmctl commitlog replay PATH --data DIR',
  });
}

/**
 * The target must have nothing in it: what is in there might be taken for what was replayed.
 * @returns whether it is there. @throws UsageError
 */
export function prepareTarget(directory: string): boolean {
  const stat = diskStorage.stat(directory);
  if (!stat) return false;
  if (!stat.isDirectory) throw new UsageError('is no directory', { file: directory });
  const [first] = diskStorage.list(directory);
  if (first === undefined) return true;
  throw new UsageError('the output directory is not empty', {
    file: path.join(directory, first),
    hint: 'give a new or an empty directory with --output',
  });
}

/** Removes the directories that a run has made in its target and left empty, and the target itself where it was not there before. */
export function clearTarget(directory: string, wasThere: boolean): void {
  if (!diskStorage.stat(directory)?.isDirectory) return;
  for (const keyspace of diskStorage.list(directory)) {
    const below = path.join(directory, keyspace);
    for (const table of diskStorage.list(below)) removeEmpty(path.join(below, table));
    removeEmpty(below);
  }
  if (!wasThere) removeEmpty(directory);
}

function removeEmpty(directory: string): void {
  if (diskStorage.list(directory).length === 0) fs.rmdirSync(directory);
}
