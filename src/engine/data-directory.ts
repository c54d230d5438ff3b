/**
 * Finds SSTables from whatever path an operator has at hand:
 *
 *   <node>/data/<keyspace>/<table>-<32 hex digits>/[.<index>/][snapshots/<tag>/ | backups/]oa-1-big-Data.db
 *   ^      ^    ^          ^                       ^            ^                ^         ^
 *   any of these; several data directories of a node are given as several paths
 *
 * Any directory with SSTables, or named like a table's, ends the descent. Symbolic links are followed; a directory is visited once, told by its
 * inode, so links that loop and paths that overlap do no harm.
 */
import path from 'node:path';
import { LsmctlError, UsageError } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import { parseDescriptor, parseTableDirectory } from '../sstable/descriptor.js';
import { decideTransactions, withoutLeftovers } from './lifecycle/leftovers.js';
import type { TransactionOutcome } from './lifecycle/transaction-outcome.js';
import {
  classifyDirectory,
  groupNames,
  isComponentName,
  isTransactionLogName,
  type SSTableDirectory,
  type SSTableFiles,
} from './sstable-directory.js';

/** Something that a command passes over, and why. */
export type PathProblem = {
  readonly kind: 'unsupported' | 'orphan' | 'leftover' | 'transaction' | 'unreadable';
  /** File or directory; for SSTables the path up to the component's name. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
};

export type ResolvedPaths = {
  /** Table, index, snapshot and backup directories, in the order of the walk. */
  readonly directories: readonly SSTableDirectory[];
  /** What the transaction logs in these directories come to. */
  readonly transactions: readonly TransactionOutcome[];
  readonly problems: readonly PathProblem[];
};

export type ResolveOptions = {
  /** Also descend from a live table's directory to its snapshots and backups. A path that is one is read either way. */
  readonly snapshots?: boolean;
};

/** How deep below a path a table's directory is looked for: a node's directory needs 3, one above several nodes' 5. */
const MAX_DEPTH = 5;
const NEVER_DATA = new Set(['commitlog', 'hints', 'saved_caches', 'cdc_raw', 'lost+found', 'node_modules']);

type Walk = {
  readonly storage: Storage;
  readonly options: ResolveOptions;
  readonly visited: Set<string>;
  readonly directories: SSTableDirectory[];
  readonly problems: PathProblem[];
  /** Names in each directory that was read. */
  readonly listings: Map<string, readonly string[]>;
  /** SSTables asked for by file, a listing for each of their directories. */
  readonly picked: Map<string, PickedDirectory>;
};

type PickedDirectory = {
  /** File names by SSTable. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly prefixes: Set<string>;
};

/**
 * Every directory of SSTables that `paths` lead to. A path that is a component file gives its directory with that one SSTable.
 * @throws UsageError where a path is missing, or leads to nothing like a table's directory; UnsupportedError where a path is itself a file of
 * a version that is not read
 */
export function resolvePaths(storage: Storage, paths: readonly string[], options: ResolveOptions = {}): ResolvedPaths {
  const walk: Walk = {
    storage,
    options,
    visited: new Set(),
    directories: [],
    problems: [],
    listings: new Map(),
    picked: new Map(),
  };
  for (const given of paths) resolvePath(walk, given);
  const listing = (directory: string) => walk.listings.get(directory) ?? storage.list(directory);
  const { transactions, unreadable } = decideTransactions(storage, walk.directories, listing);
  const directories = walk.directories.map((directory) => withoutLeftovers(directory, transactions));
  const logProblems = [
    ...unreadable.map(({ file, error }): PathProblem => ({ kind: 'unreadable', path: file, message: error.message })),
    ...transactions.flatMap(refusedTransaction),
  ];
  return {
    directories: [...directories, ...pickedDirectories(walk)],
    transactions,
    problems: [...walk.problems, ...logProblems],
  };
}

/**
 * The SSTables that a node would read at these paths, in order of table and generation; `problems` tells what was passed over.
 * @throws UsageError where there are none, and what `resolvePaths` throws
 */
export function resolveSSTables(
  storage: Storage,
  paths: readonly string[],
  options: ResolveOptions = {},
): {
  readonly directories: readonly SSTableDirectory[];
  readonly sstables: readonly SSTableFiles[];
  readonly problems: readonly PathProblem[];
} {
  const resolved = resolvePaths(storage, paths, options);
  const { directories } = resolved;
  const sstables = resolved.directories.flatMap((directory) => directory.sstables);
  const problems = [...resolved.problems, ...resolved.directories.flatMap(passedOver)];
  if (sstables.length === 0) throw nothingFound(paths, resolved.directories, problems);
  return { directories, sstables, problems };
}

function refusedTransaction(transaction: TransactionOutcome): PathProblem[] {
  if (transaction.verified) return [];
  return [
    {
      kind: 'transaction',
      path: transaction.replicas[0]!,
      message: `${transaction.operation} log does not hold: ${transaction.problem}`,
      hint: 'a node does not start on this directory until the log is put right',
    },
  ];
}

function passedOver(directory: SSTableDirectory): PathProblem[] {
  return [
    ...directory.unsupported.map(
      (u): PathProblem => ({
        kind: 'unsupported',
        path: path.join(u.directory, u.prefix),
        message: u.error.message,
        ...(u.error.facts.hint !== undefined && { hint: u.error.facts.hint }),
      }),
    ),
    ...directory.leftovers.map(
      ({ descriptor, transaction }): PathProblem => ({
        kind: 'leftover',
        path: path.join(directory.path, descriptor.prefix),
        message: `is a leftover of a ${transaction.operation} that ${transaction.state === 'committed' ? 'was committed and replaced it' : 'did not finish'} (${transaction.name})`,
        hint: 'a start of the node removes these files',
      }),
    ),
    ...directory.orphans.map(
      (o): PathProblem => ({
        kind: 'orphan',
        path: path.join(directory.path, o.descriptor.prefix),
        message: `has no Data.db, only ${o.components.join(', ')}`,
        hint: 'a start of the node removes these files',
      }),
    ),
  ];
}

function resolvePath(walk: Walk, given: string): void {
  const stat = walk.storage.stat(given);
  if (stat?.isDirectory) {
    const before = walk.directories.length;
    const visited = walk.visited.size;
    descend(walk, given, 0);
    // A path inside an earlier one finds nothing new, and that is no mistake.
    const seenBefore = walk.visited.size === visited;
    if (walk.directories.length === before && !seenBefore) {
      refuseCommitLogs(walk, given);
      throw nothingFound([given], [], walk.problems);
    }
    return;
  }
  if (!stat && !/^[a-z]{2}-\w+-[a-z]+-?$/.test(path.basename(given))) {
    throw new UsageError('no such file or directory', { file: given });
  }
  pickFile(walk, given, stat !== undefined);
}

/** One SSTable, from a component's path or from the path up to the component's name (as a node's log prints it). */
function pickFile(walk: Walk, file: string, exists: boolean): void {
  if (exists) refuseOtherLogs(file);
  const { prefix } = parseDescriptor(exists ? file : `${file.replace(/-$/, '')}-Data.db`).descriptor;
  const directory = path.dirname(file);
  let picked = walk.picked.get(directory);
  if (!picked) {
    picked = { names: groupNames(walk.storage.list(directory)), prefixes: new Set() };
    walk.picked.set(directory, picked);
  }
  if (!picked.names.has(prefix)) throw new UsageError('no such SSTable', { file });
  picked.prefixes.add(prefix);
}

function refuseOtherLogs(file: string): void {
  const name = path.basename(file);
  if (isTransactionLogName(name)) {
    const hint = `lsmctl ls ${path.dirname(file)} tells what it means`;
    throw new UsageError('is a transaction log, not an SSTable', { file, hint });
  }
  if (name.startsWith('CommitLog-')) {
    throw new UsageError('is a commit log segment, not an SSTable: commit logs are not read yet', { file });
  }
}

function refuseCommitLogs(walk: Walk, directory: string): void {
  const count = walk.listings.get(directory)?.filter((name) => /^CommitLog-.*\.log$/.test(name)).length ?? 0;
  if (count === 0) return;
  throw new UsageError('holds commit log segments, not SSTables: commit logs are not read yet', {
    file: directory,
    hint: 'give the data_file_directories of cassandra.yaml, often /var/lib/cassandra/data',
  });
}

/** The directories of files asked for by name, with those SSTables alone and in the order asked. */
function pickedDirectories(walk: Walk): SSTableDirectory[] {
  const walked = new Set(walk.directories.map((d) => path.resolve(d.path)));
  const directories: SSTableDirectory[] = [];
  for (const [directory, { names, prefixes }] of walk.picked) {
    if (walked.has(path.resolve(directory))) continue;
    const order = [...prefixes];
    const found = classifyDirectory(
      directory,
      order.flatMap((prefix) => names.get(prefix) ?? []),
    );
    const byPrefix = new Map([...found.sstables, ...found.orphans].map((s) => [s.descriptor.prefix, s]));
    // Whatever is there of them was asked for by name: that a Data.db is missing is for its reader to say.
    directories.push({ ...found, sstables: order.flatMap((prefix) => byPrefix.get(prefix) ?? []), orphans: [] });
  }
  return directories;
}

function descend(walk: Walk, directory: string, depth: number): void {
  if (!enter(walk, directory)) return;
  const names = listNames(walk, directory);
  if (parseTableDirectory(directory).tableId !== undefined || names.some(isComponentName)) {
    readTable(walk, classifyDirectory(directory, names));
    return;
  }
  if (depth >= MAX_DEPTH) return;
  for (const name of names) {
    if (name.startsWith('.') || NEVER_DATA.has(name)) continue;
    tolerate(walk, path.join(directory, name), (child) => {
      if (walk.storage.stat(child)?.isDirectory) descend(walk, child, depth + 1);
    });
  }
}

function readTable(walk: Walk, table: SSTableDirectory): void {
  walk.directories.push(table);
  for (const name of table.subdirectories) {
    if (!name.startsWith('.') && !walk.options.snapshots) continue;
    tolerate(walk, path.join(table.path, name), (child) => {
      if (name === 'snapshots') for (const tag of walk.storage.list(child)) readLeaf(walk, path.join(child, tag));
      else readLeaf(walk, child);
    });
  }
}

/** An index, snapshot or backup directory: a table's but for the name. */
function readLeaf(walk: Walk, directory: string): void {
  tolerate(walk, directory, () => {
    if (!walk.storage.stat(directory)?.isDirectory || !enter(walk, directory)) return;
    readTable(walk, classifyDirectory(directory, listNames(walk, directory)));
  });
}

function listNames(walk: Walk, directory: string): readonly string[] {
  const names = walk.storage.list(directory);
  walk.listings.set(directory, names);
  return names;
}

/** False where this very directory has been visited, by whatever path. */
function enter(walk: Walk, directory: string): boolean {
  const inode = walk.storage.stat(directory)?.inode ?? directory;
  if (walk.visited.has(inode)) return false;
  walk.visited.add(inode);
  return true;
}

/** Below a given path, what can't be looked at is told and passed over. */
function tolerate(walk: Walk, file: string, look: (file: string) => void): void {
  try {
    look(file);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    walk.problems.push({ kind: 'unreadable', path: error.facts.file ?? file, message: error.message });
  }
}

function nothingFound(
  paths: readonly string[],
  directories: readonly SSTableDirectory[],
  problems: readonly PathProblem[],
): UsageError {
  const worst = problems[0];
  const passed = worst ? ` (passed over: ${worst.path}: ${worst.message}${more(problems.length)})` : '';
  const holder = directories.find(
    (d) => d.subdirectories.includes('snapshots') || d.subdirectories.includes('backups'),
  );
  return new UsageError(`no SSTables found${passed}`, {
    file: paths.join(' '),
    expected:
      '<data>/<keyspace>/<table>-<id>/<version>-<generation>-<big|bti>-Data.db, or a directory above such files',
    hint: holder
      ? `the table has ${holder.subdirectories.join(' and ')}: name a directory below ${holder.path}`
      : (worst?.hint ?? 'give the data_file_directories of cassandra.yaml, often /var/lib/cassandra/data'),
  });
}

function more(count: number): string {
  return count > 1 ? `, and ${count - 1} more` : '';
}
