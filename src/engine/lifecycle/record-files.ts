/** Files that a record of a transaction log stands for: those of a directory that begin with an SSTable's name. */
import path from 'node:path';
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';

export type SSTableFile = {
  readonly path: string;
  /** Whole milliseconds since 1970, as Java gives them. */
  readonly mtimeMillis: number;
};

/**
 * All files of an SSTable, temporary ones included.
 * @param prefix directory and name up to the component, with the closing dash
 * @throws UsageError where the directory can't be read
 */
export function filesOfPrefix(storage: Storage, prefix: string): SSTableFile[] {
  const directory = path.dirname(prefix);
  const start = path.basename(prefix);
  const files: SSTableFile[] = [];
  for (const name of storage.list(directory)) {
    if (!name.startsWith(start)) continue;
    const file = path.join(directory, name);
    const stat = storage.stat(file);
    if (stat) files.push({ path: file, mtimeMillis: Math.floor(stat.mtimeMillis) });
  }
  return files;
}

/** 0 where there are none. */
export function newestMillis(files: readonly SSTableFile[]): number {
  return files.reduce((newest, { mtimeMillis }) => Math.max(newest, mtimeMillis), 0);
}

/**
 * Removes what a log says is to go, then the log itself. The oldest file goes first: while any of an SSTable is left, the newest is, by whose time
 * its record is checked. The directories are synced before (files that were removed earlier are not to come back), between and after, so that on
 * the disk, too, the log is the last to go.
 * @param replicas files of the log
 * @throws UsageError
 */
export function removeByLog(output: OutputStorage, files: readonly SSTableFile[], replicas: readonly string[]): void {
  const directories = new Set([...replicas, ...files.map((file) => file.path)].map((file) => path.dirname(file)));
  const sync = () => {
    for (const directory of directories) output.syncDirectory(directory);
  };
  sync();
  for (const file of [...files].sort((a, b) => a.mtimeMillis - b.mtimeMillis)) output.remove(file.path);
  sync();
  for (const file of replicas) {
    output.remove(file);
    output.syncDirectory(path.dirname(file));
  }
}
