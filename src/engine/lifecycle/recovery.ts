/**
 * What a start of Cassandra clears away in a table's directories before it reads them (LogTransaction.removeUnfinishedLeftovers, then
 * ColumnFamilyStore.scrubDataDirectories), as a plan that can be shown, and done:
 *
 *   1. of each transaction log: the old SSTables where it is committed, else the new ones; then the log
 *   2. all `*.tmp` files
 *   3. components without a Data.db, or with an empty one
 *
 * Where a log contradicts itself or the disk a start stops, and nothing of the table is touched here either.
 */
import path from 'node:path';
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import { classifyDirectory, type SSTableDirectory, type SSTableFiles } from '../sstable-directory.js';
import { decideTransactions, withoutLeftovers } from './leftovers.js';
import { removeByLog, type SSTableFile } from './record-files.js';
import type { RecordOutcome, TransactionOutcome } from './transaction-outcome.js';

export type RecoveryFile = SSTableFile & { readonly bytes: number };

export type RecordRecovery = Omit<RecordOutcome, 'files'> & { readonly files: readonly RecoveryFile[] };

export type LogRecovery = Omit<TransactionOutcome, 'records' | 'disregarded'> & {
  readonly records: readonly RecordRecovery[];
  /** Why nothing is done about it; `hint` is what the operator can do. */
  readonly refused?: { readonly why: string; readonly hint: string };
  /** Directories that its records name and that are not those given, though their files were found here: the data has been moved or copied. */
  readonly recordedElsewhere: readonly string[];
};

/** Components that are no SSTable. */
export type OrphanRecovery = {
  readonly prefix: string;
  readonly why: 'no Data.db' | 'empty Data.db';
  readonly files: readonly RecoveryFile[];
};

/** One table, or the hidden table of one index, in all of its directories. */
export type TableRecovery = {
  readonly keyspace: string;
  readonly table: string;
  readonly index?: string;
  readonly directories: readonly string[];
  readonly logs: readonly LogRecovery[];
  /** Logs that could not be read. */
  readonly unreadable: readonly { readonly file: string; readonly why: string }[];
  readonly temporary: readonly RecoveryFile[];
  readonly orphans: readonly OrphanRecovery[];
  /** What a start of the node removes as well, and is left to it. */
  readonly leftToStart: readonly string[];
  /** A log is refused or unreadable: a start would stop at this table, and nothing of it is done here. */
  readonly isRefused: boolean;
  /** Files that are to go: of the logs, temporary ones, orphans; the logs themselves are not among them. */
  readonly doomed: readonly RecoveryFile[];
};

/**
 * What is to be done in these directories; live ones only, since nothing looks for logs in snapshots and backups. Tables with nothing to do are
 * left out.
 * @throws UsageError where a directory can't be read
 */
export function planRecovery(output: OutputStorage, directories: readonly SSTableDirectory[]): TableRecovery[] {
  const tables = new Map<string, SSTableDirectory[]>();
  for (const { path: given, place, kind } of directories) {
    if (kind !== 'live') continue;
    const where = output.canonicalPath(given);
    const key = [place.keyspace, place.table, place.tableId ?? '', place.index ?? ''].join('/');
    const group = tables.get(key) ?? [];
    if (!group.some((directory) => directory.path === where)) {
      group.push({ ...classifyDirectory(where, output.list(where)), place, kind });
    }
    tables.set(key, group);
  }
  return [...tables.values()].map((group) => planTable(output, group)).filter(hasWork);
}

function hasWork({ logs, unreadable, doomed, leftToStart }: TableRecovery): boolean {
  return logs.length + unreadable.length + doomed.length + leftToStart.length > 0;
}

function planTable(storage: Storage, group: readonly SSTableDirectory[]): TableRecovery {
  const { keyspace, table, index } = group[0]!.place;
  const { transactions, unreadable } = decideTransactions(storage, group, (directory) => storage.list(directory));
  const here = group.map((directory) => directory.path);
  const logs = transactions.map((transaction) => planLog(storage, transaction, here));
  const isRefused = unreadable.length > 0 || logs.some(({ refused }) => refused !== undefined);
  const ofLogs = logs.flatMap(({ records }) => records.flatMap(({ fate, files }) => (fate === 'delete' ? files : [])));
  const claimed = new Set(ofLogs.map((file) => file.path));
  const rest = group.map((directory) => withoutLeftovers(directory, transactions));
  const temporary = rest
    .flatMap((directory) => directory.temporary.map((name) => path.join(directory.path, name)))
    .filter((file) => file.endsWith(TEMPORARY) && !claimed.has(file))
    .flatMap((file) => lookAt(storage, file));
  const orphans = rest.flatMap((directory) => orphansOf(storage, directory));
  return {
    keyspace,
    table,
    ...(index !== undefined && { index }),
    directories: here,
    logs,
    unreadable: unreadable.map(({ file, error }) => ({ file, why: error.message })),
    temporary,
    orphans,
    leftToStart: group.flatMap((directory) => leftToStart(storage, directory)),
    isRefused,
    doomed: isRefused ? [] : [...ofLogs, ...temporary, ...orphans.flatMap(({ files }) => files)],
  };
}

function lookAt(storage: Storage, file: string): RecoveryFile[] {
  const stat = storage.stat(file);
  if (!stat || stat.isDirectory) return [];
  return [{ path: file, mtimeMillis: Math.floor(stat.mtimeMillis), bytes: stat.size }];
}

function planLog(storage: Storage, transaction: TransactionOutcome, here: readonly string[]): LogRecovery {
  const { records, disregarded: _, ...rest } = transaction;
  const looked = records.map((record) => ({ ...record, files: record.files.flatMap((file) => lookAt(storage, file)) }));
  const recorded = records.flatMap(({ record }) => (record.absolutePath ? [path.dirname(record.absolutePath)] : []));
  const refused = refusalOf(transaction, looked, here);
  return {
    ...rest,
    records: looked,
    ...(refused && { refused }),
    recordedElsewhere: [...new Set(recorded)].filter((directory) => !here.includes(directory)),
  };
}

function refusalOf(
  { verified, problem, state }: TransactionOutcome,
  records: readonly RecordRecovery[],
  here: readonly string[],
): LogRecovery['refused'] {
  if (!verified) {
    return {
      why: problem ?? 'it can not be read as a log',
      hint: 'a start of Cassandra stops here too. Where these files were restored or copied in, and are what you want to keep, move the log out of the directory; else bring back what it was written for',
    };
  }
  const outside = records.flatMap(({ files }) => files).find((file) => !here.includes(path.dirname(file.path)));
  if (outside) {
    return {
      why: `it has files in a directory that was not given: ${outside.path}`,
      hint: 'give all data directories of the node: only files of those that are given are removed',
    };
  }
  const isNewThere = records.some(({ record, files }) => record.type === 'ADD' && files.length > 0);
  const gap = records.find(({ record, files }) => record.type === 'REMOVE' && files.length < record.numFiles);
  if (state !== 'committed' && isNewThere && gap) {
    return {
      why: `it was not committed, so its new SSTables would go, but of an old one only ${gap.files.length} of ${gap.record.numFiles} files are there: ${gap.record.absolutePath}`,
      hint: 'a start of Cassandra deletes the new SSTables all the same. Save a copy of the directory, then bring back the missing files, or move the log away to keep the new SSTables',
    };
  }
  return undefined;
}

function orphansOf(storage: Storage, { path: directory, sstables, orphans }: SSTableDirectory): OrphanRecovery[] {
  const files = ({ descriptor, components }: SSTableFiles) =>
    components.flatMap((component) => lookAt(storage, componentPath(descriptor, component)));
  const isEmpty = ({ descriptor }: SSTableFiles) => storage.stat(componentPath(descriptor, COMPONENT.data))?.size === 0;
  const of = (sstable: SSTableFiles, why: OrphanRecovery['why']): OrphanRecovery => ({
    prefix: path.join(directory, sstable.descriptor.prefix),
    why,
    files: files(sstable),
  });
  return [
    ...orphans.map((orphan) => of(orphan, 'no Data.db')),
    ...sstables.filter(isEmpty).map((sstable) => of(sstable, 'empty Data.db')),
  ];
}

/** The directory of streams that were cut off, and snapshots of repairs that the node took for itself. */
function leftToStart(storage: Storage, { path: directory, temporary, subdirectories }: SSTableDirectory): string[] {
  const found = temporary.filter((name) => name === 'tmp').map((name) => path.join(directory, name));
  if (!subdirectories.includes('snapshots')) return found;
  const snapshots = path.join(directory, 'snapshots');
  const isEphemeral = (tag: string) => storage.stat(path.join(snapshots, tag, 'ephemeral.snapshot')) !== undefined;
  const tags = storage.list(snapshots).filter(isEphemeral);
  return [...found, ...tags.map((tag) => path.join(snapshots, tag))];
}

/**
 * Does what the plan says; killed at any moment it can be planned and done again.
 * @throws UsageError; what is left can be planned again
 */
export function recover(
  output: OutputStorage,
  { isRefused, logs, temporary, orphans, directories }: TableRecovery,
): void {
  if (isRefused) return;
  for (const { records, replicas } of logs) {
    const files = records.flatMap(({ fate, files: own }) => (fate === 'delete' ? own : []));
    removeByLog(output, files, replicas);
  }
  const rest = [...temporary, ...orphans.flatMap(({ files }) => files)];
  if (rest.length === 0) return;
  for (const file of rest) output.remove(file.path);
  for (const directory of directories) output.syncDirectory(directory);
}
