/**
 * What snapshots and backups take on disk. Their files are hard links to the SSTables of their time, so a byte costs nothing while the live
 * SSTable is there, and is freed only when its last name goes: names are told apart by device and inode.
 */
import path from 'node:path';
import type { Storage } from '../bytes/source.js';
import type { SSTableDirectory } from './sstable-directory.js';

export type UsageBytes = {
  /** All files, as if nothing were shared. */
  readonly totalBytes: number;
  /** In no other place that was looked at or that hard links tell of: what removing it frees. */
  readonly uniqueBytes: number;
  /** Also the live SSTables'. */
  readonly sharedWithLiveBytes: number;
  /** Not live any more, but in another snapshot or backup. */
  readonly sharedWithOthersBytes: number;
  /** Hard-linked from somewhere that was not looked at. */
  readonly sharedElsewhereBytes: number;
};

/** `<kind> <tag>` of a snapshot or backup. */
export type Holder = string;

type Inode = {
  readonly size: number;
  readonly links: number;
  names: number;
  readonly holders: Set<Holder>;
};

const LIVE: Holder = 'live';

export function holderOf(directory: SSTableDirectory): Holder {
  return directory.kind === 'snapshot' ? `snapshot ${directory.place.snapshot}` : directory.kind;
}

/** Names of all files that a directory's listing has, sub-directories left out. */
export function fileNames(directory: SSTableDirectory): string[] {
  const ofSSTables = [...directory.sstables, ...directory.orphans, ...directory.leftovers].flatMap((sstable) =>
    sstable.components.map((component) => `${sstable.descriptor.prefix}-${component}`),
  );
  const unsupported = directory.unsupported.flatMap((sstable) => sstable.files);
  const { snapshotFiles, temporary, transactionLogs, foreign } = directory;
  return [...ofSSTables, ...unsupported, ...snapshotFiles, ...temporary, ...transactionLogs, ...foreign];
}

/** Usage by holder of `directories`, of one table or many: live ones are counted against, not listed. */
export function snapshotUsage(storage: Storage, directories: readonly SSTableDirectory[]): Map<Holder, UsageBytes> {
  const usage = new Map<Holder, UsageBytes>();
  if (directories.every((directory) => directory.kind === 'live')) return usage;
  const inodes = new Map<string, Inode>();
  for (const directory of directories) {
    for (const name of fileNames(directory))
      count(storage, path.join(directory.path, name), holderOf(directory), inodes);
  }
  const holders = new Set(directories.map(holderOf));
  holders.delete(LIVE);
  for (const holder of holders) usage.set(holder, usageOf(holder, inodes.values()));
  return usage;
}

function count(storage: Storage, file: string, holder: Holder, inodes: Map<string, Inode>): void {
  const stat = storage.stat(file);
  if (!stat?.isFile) return;
  let inode = inodes.get(stat.inode);
  if (!inode) {
    inode = { size: stat.size, links: stat.links, names: 0, holders: new Set() };
    inodes.set(stat.inode, inode);
  }
  inode.names++;
  inode.holders.add(holder);
}

function usageOf(holder: Holder, inodes: Iterable<Inode>): UsageBytes {
  const sums = { unique: 0, live: 0, others: 0, elsewhere: 0 };
  for (const { size, links, names, holders } of inodes) {
    if (!holders.has(holder)) continue;
    if (holders.has(LIVE)) sums.live += size;
    else if (holders.size > 1) sums.others += size;
    else if (links > names) sums.elsewhere += size;
    else sums.unique += size;
  }
  return {
    totalBytes: sums.unique + sums.live + sums.others + sums.elsewhere,
    uniqueBytes: sums.unique,
    sharedWithLiveBytes: sums.live,
    sharedWithOthersBytes: sums.others,
    sharedElsewhereBytes: sums.elsewhere,
  };
}

export function addUsage(a: UsageBytes, b: UsageBytes): UsageBytes {
  return {
    totalBytes: a.totalBytes + b.totalBytes,
    uniqueBytes: a.uniqueBytes + b.uniqueBytes,
    sharedWithLiveBytes: a.sharedWithLiveBytes + b.sharedWithLiveBytes,
    sharedWithOthersBytes: a.sharedWithOthersBytes + b.sharedWithOthersBytes,
    sharedElsewhereBytes: a.sharedElsewhereBytes + b.sharedElsewhereBytes,
  };
}
