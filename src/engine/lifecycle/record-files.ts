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

/** Oldest first: while any file of an SSTable is left, the newest is, by whose time its record is checked. @throws UsageError */
export function removeOldestFirst(output: OutputStorage, files: readonly SSTableFile[]): void {
  const sorted = [...files].sort((a, b) => a.mtimeMillis - b.mtimeMillis);
  for (const file of sorted) output.remove(file.path);
}
