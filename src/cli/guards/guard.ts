/**
 * What must hold before a table's directory is changed in place. Each check says what it has seen and what to do; all are asked, so that an operator
 * meets the whole list at once. Nothing is changed here.
 */
import fs from 'node:fs';
import path from 'node:path';
import { type ErrorReason, LsmctlError, RefusedError } from '../../bytes/errors.js';
import type { OutputStorage } from '../../bytes/sink.js';
import type { TableRecovery } from '../../engine/lifecycle/recovery.js';
import type { SSTableDirectory, SSTableFiles } from '../../engine/sstable-directory.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { isIndexComponent, readToc } from '../../sstable/toc.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import { latestWritten } from '../../sstable/version.js';
import { lockHindrance } from './directory-lock.js';
import { findOpenFiles } from './processes.js';

export type RefusalKind =
  | 'running' // a Cassandra has the directory open, or may have
  | 'locked' // another lsmctl works there
  | 'copy' // a snapshot or a backup: its files are hard links
  | 'link' // leads out of the directories that were given
  | 'read-only'
  | 'transaction' // a log of a transaction that is not finished
  | 'leftovers' // temporary files of a run that was killed
  | 'version' // SSTables that can't be read, or whose node may not read what would be written
  | 'name' // TOC.txt names files elsewhere
  | 'index' // components of a secondary index would be lost
  | 'room'; // not enough of it on the disk

export type Refusal = ErrorReason & { readonly kind: RefusalKind; readonly file: string; readonly hint: string };

export type GuardResult = {
  readonly refusals: readonly Refusal[];
  /** What the operator should know, and what could not be looked at. */
  readonly notes: readonly string[];
};

export type InPlaceWork = {
  readonly output: OutputStorage;
  /** As the operator gave them. */
  readonly paths: readonly string[];
  /** Whole directories that are to be changed, as `resolvePaths` gives them (not cut down to SSTables asked for by name). */
  readonly directories: readonly SSTableDirectory[];
  /** SSTables of these that are to be replaced or changed; all of them where it is not said. */
  readonly sstables?: readonly SSTableFiles[];
  /** `data`: SSTables are written anew. `component`: files of theirs are replaced, their rows stay. `recover`: leftovers are what it is about. */
  readonly change: 'data' | 'component' | 'recover';
  /** Bytes that are written in a directory (its path as in `directories`) before any are given back. */
  readonly neededBytes?: ReadonlyMap<string, number>;
  /** SASI and SAI components may be lost: the node makes them anew. */
  readonly dropIndexes?: boolean;
  /** Other than `/proc` in tests. */
  readonly procRoot?: string;
};

/** All that speaks against the work. @throws UsageError where a directory can't be looked at */
export function guardInPlace(work: InPlaceWork): GuardResult {
  const { directories, change } = work;
  const chosen = work.sstables ?? directories.flatMap((directory) => directory.sstables);
  const notes: string[] = [];
  const refusals = [
    ...runningCassandra(work, notes),
    ...directories.flatMap((directory) => [
      ...copies(directory),
      ...linksOut(work, directory),
      ...readOnly(directory),
      ...locked(directory),
      ...(change === 'recover'
        ? []
        : [...unfinished(directory), ...leftovers(directory), ...unreadSSTables(directory)]),
    ]),
    ...chosen.flatMap((sstable) => [...linkedFiles(sstable), ...hostileNames(work.output, sstable)]),
    ...(change === 'data' ? [...versions(chosen, notes), ...indexes(work, chosen, notes)] : []),
    ...room(work),
  ];
  return { refusals, notes };
}

/** Tables whose logs a start of the node would stop at. */
export function refusedTables(tables: readonly TableRecovery[]): Refusal[] {
  return tables.flatMap(({ logs, unreadable }) => [
    ...logs.flatMap(({ replicas, refused }): Refusal[] => {
      return refused ? [{ kind: 'transaction', file: replicas[0]!, message: refused.why, hint: refused.hint }] : [];
    }),
    ...unreadable.map(({ file, why }): Refusal => {
      return { kind: 'transaction', file, message: why, hint: 'see to it that the log can be read' };
    }),
  ]);
}

/** @throws RefusedError that carries them all, where there are any */
export function refuseAny(refusals: readonly Refusal[]): void {
  const [first, ...more] = refusals;
  if (!first) return;
  const { message, file, hint } = first;
  if (more.length === 0) throw new RefusedError(message, { file, hint });
  throw new RefusedError(`refused for ${refusals.length} reasons`, { reasons: refusals });
}

function runningCassandra({ output, directories, procRoot = '/proc' }: InPlaceWork, notes: string[]): Refusal[] {
  const places = directories.map((directory) => output.canonicalPath(directory.path));
  const { open, hidden, isKnown } = findOpenFiles(withSystemTables(output, places), procRoot, process.pid);
  if (!isKnown) notes.push('whether a node runs on the directory was not looked at: there is no /proc');
  for (const { pid, command, file } of open.filter(({ isCassandra }) => !isCassandra)) {
    notes.push(
      `process ${pid} (${command}) has ${file} open: it goes on reading what it has, also of files that are replaced`,
    );
  }
  const refusals = open
    .filter(({ isCassandra }) => isCassandra)
    .map(
      ({ pid, command, file }): Refusal => ({
        kind: 'running',
        file,
        message: `a running Cassandra has it open: process ${pid} (${command})`,
        hint: 'stop the node first (nodetool drain, then stop the service), or work on a copy or with --output DIR',
      }),
    );
  for (const { pid, userId } of hidden) {
    const own = places.find((place) => userId === 0 || fs.statSync(place).uid === userId);
    const who = `Cassandra runs as user ${userId} (process ${pid}), and which files it has open can be seen by that user and root only`;
    if (own === undefined) notes.push(who);
    else {
      refusals.push({
        kind: 'running',
        file: own,
        message: who,
        hint: 'run lsmctl as that user or as root, or stop the node',
      });
    }
  }
  return refusals;
}

/** A node has files of its own system tables open even where a table has no SSTables yet. */
function withSystemTables(output: OutputStorage, tables: readonly string[]): string[] {
  const found = new Set(tables);
  for (const table of tables) {
    for (const keyspace of ['system', 'system_schema']) {
      const directory = path.join(path.dirname(path.dirname(table)), keyspace);
      if (!output.stat(directory)?.isDirectory) continue;
      for (const name of output.list(directory)) {
        const child = path.join(directory, name);
        if (output.stat(child)?.isDirectory) found.add(child);
      }
    }
  }
  return [...found];
}

function copies({ path: file, kind }: SSTableDirectory): Refusal[] {
  if (kind === 'live') return [];
  const message =
    kind === 'snapshot'
      ? 'is a snapshot: its files are hard links to those of the table and of other snapshots'
      : 'holds incremental backups: its files are hard links to those of the table';
  return [{ kind: 'copy', file, message, hint: 'write elsewhere, with --output DIR, or copy the directory first' }];
}

function linksOut({ output, paths }: InPlaceWork, { path: file }: SSTableDirectory): Refusal[] {
  const real = output.canonicalPath(file);
  const isInside = paths.some((given) => {
    const root = output.stat(given)?.isDirectory ? given : path.dirname(given);
    const from = path.relative(output.canonicalPath(root), real);
    return from === '' || (!from.startsWith(`..${path.sep}`) && from !== '..' && !path.isAbsolute(from));
  });
  if (isInside) return [];
  return [
    {
      kind: 'link',
      file,
      message: `is a symbolic link that leads out of the given path, to ${real}`,
      hint: `name that directory itself: ${real}`,
    },
  ];
}

function readOnly({ path: file }: SSTableDirectory): Refusal[] {
  try {
    fs.accessSync(file, fs.constants.W_OK | fs.constants.X_OK);
    return [];
  } catch (error) {
    const isMount = (error as NodeJS.ErrnoException).code === 'EROFS';
    return [
      {
        kind: 'read-only',
        file,
        message: isMount ? 'lies on a file system that is mounted read-only' : 'may not be written to',
        hint: isMount
          ? 'mount it for writing, or write elsewhere with --output DIR'
          : 'run lsmctl as the user that owns the directory, often cassandra',
      },
    ];
  }
}

function locked({ path: directory }: SSTableDirectory): Refusal[] {
  const hindrance = lockHindrance(directory);
  return hindrance ? [{ kind: 'locked', file: directory, hint: '', ...hindrance }] : [];
}

function unfinished({ path: directory, transactionLogs }: SSTableDirectory): Refusal[] {
  return transactionLogs.map((name) => ({
    kind: 'transaction',
    file: path.join(directory, name),
    message: 'is the log of a transaction that did not end: some files here are not part of the data',
    hint: `\`lsmctl compact recover ${directory}\` says what it means and puts it right, as a start of the node would`,
  }));
}

function leftovers({ path: directory, temporary, orphans }: SSTableDirectory): Refusal[] {
  const names = temporary.filter((name) => name.endsWith(TEMPORARY));
  const left = [...names, ...orphans.map(({ descriptor, components }) => `${descriptor.prefix}-${components[0]}`)];
  if (left.length === 0) return [];
  return [
    {
      kind: 'leftovers',
      file: path.join(directory, left[0]!),
      message: `is left of a run that was cut off${left.length > 1 ? `, as ${left.length - 1} more here are` : ''}`,
      hint: `\`lsmctl compact recover ${directory}\` removes such files, as a start of the node would`,
    },
  ];
}

/** They may hold what a tombstone hides, so that nothing of the table can be purged, wherever it is written. */
export function unreadSSTables({ unsupported }: SSTableDirectory): Refusal[] {
  return unsupported.map(({ directory, prefix, error }) => ({
    kind: 'version',
    file: path.join(directory, prefix),
    message: `${error.message}: what the table holds is not known without it`,
    hint: error.facts.hint ?? 'let the release that wrote it compact the table',
  }));
}

/** A release reads what it writes, and what those before it wrote; `me` came with 3.0.25 and 3.11.11, `nb` with 4.0. */
function versions(sstables: readonly SSTableFiles[], notes: string[]): Refusal[] {
  if (sstables.length === 0) return [];
  const seen = [...new Set(sstables.map(({ descriptor }) => descriptor.version))];
  let written: ReturnType<typeof latestWritten>;
  try {
    written = latestWritten(seen);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    const { descriptor } = sstables[0]!;
    const hint = 'let the node compact the table';
    return [{ kind: 'version', file: componentPath(descriptor, COMPONENT.data), message: error.message, hint }];
  }
  if (seen.includes(written)) return [];
  const names = seen.map((version) => version.name).join(', ');
  if (written.name === 'nb') {
    notes.push(`SSTables of version ${names} are written anew as nb, which Cassandra reads from 4.0 on`);
    return [];
  }
  const { descriptor } = sstables.find((sstable) => sstable.descriptor.version !== written)!;
  return [
    {
      kind: 'version',
      file: componentPath(descriptor, COMPONENT.data),
      message: `SSTables of version ${names} would be written anew as ${written.name}, which their node may be too old to read`,
      hint: 'write elsewhere with --output DIR, or run nodetool upgradesstables on a node of the newer release first',
    },
  ];
}

function indexes(
  { directories, dropIndexes }: InPlaceWork,
  sstables: readonly SSTableFiles[],
  notes: string[],
): Refusal[] {
  for (const { path: directory, place } of directories) {
    if (place.index === undefined) continue;
    notes.push(
      `${directory}: entries of rows that go stay in the hidden table of index ${place.index}; reads pass them over`,
    );
  }
  const indexed = sstables.filter(({ components }) => components.some(isIndexComponent));
  const [first] = indexed;
  if (!first) return [];
  const kinds = [...new Set(indexed.flatMap(({ components }) => components.filter(isIndexComponent).map(kindOfIndex)))];
  const count = `${indexed.length} of ${sstables.length} SSTables`;
  if (dropIndexes) {
    notes.push(
      `the ${kinds.join(' and ')} components of ${count} are dropped: the node builds them anew when it starts`,
    );
    return [];
  }
  return [
    {
      kind: 'index',
      file: componentPath(first.descriptor, first.components.find(isIndexComponent)!),
      message: `${count} have components of a ${kinds.join(' and ')} index, which are not written anew`,
      hint: 'give --drop-indexes to go on without them: the node builds them anew when it starts, and queries of the index fail until then',
    },
  ];
}

function kindOfIndex(component: string): string {
  return component.startsWith('SAI+') ? 'SAI' : 'SASI';
}

/** Removing or replacing a link would leave, or change, what it leads to. */
function linkedFiles({ descriptor, components }: SSTableFiles): Refusal[] {
  for (const component of components) {
    const file = componentPath(descriptor, component);
    if (!fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    const hint = 'put the file itself in its place';
    return [{ kind: 'link', file, message: `is a symbolic link, to ${fs.readlinkSync(file)}`, hint }];
  }
  return [];
}

function hostileNames(output: OutputStorage, { descriptor, components }: SSTableFiles): Refusal[] {
  if (!components.includes(COMPONENT.toc)) return [];
  const name = readToc(output, descriptor).find((named) => named.includes('/') || named.includes('..'));
  if (name === undefined) return [];
  return [
    {
      kind: 'name',
      file: componentPath(descriptor, COMPONENT.toc),
      message: `names a component that is no file of this directory: ${name}`,
      hint: 'no Cassandra writes such a name: find out who did, and restore the file from a backup',
    },
  ];
}

function room({ output, neededBytes }: InPlaceWork): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [file, needed] of neededBytes ?? []) {
    const free = output.freeBytes(file);
    if (free === undefined || free >= needed) continue;
    refusals.push({
      kind: 'room',
      file,
      message: `there may not be enough room: ${needed} bytes may be written before any are given back, ${free} are free`,
      hint: 'free some, or write to another disk with --output DIR',
    });
  }
  return refusals;
}
