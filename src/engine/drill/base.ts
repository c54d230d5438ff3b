/**
 * What a recovery starts from: the live SSTables, a snapshot, or a backup, and whether it is all there.
 *
 *   snapshot   <table>/snapshots/<tag>/: SSTables, manifest.json {"files": [Data.db, …], "created_at": …}, schema.cql
 *   backup     a tree of table directories that hold SSTables themselves (a plain copy, as tools upload it), or snapshots, to which the
 *              incremental `backups` directories beside them are added; where a table has SSTables itself, those alone are taken
 *
 * Tables are told by the names of their directories, <keyspace>/<table>-<id>.
 */
import path from 'node:path';
import { LsmctlError, UsageError } from '../../bytes/errors.js';
import { readWhole, type Storage } from '../../bytes/source.js';
import { isSystemKeyspace } from '../../cql/schema.js';
import { componentPath, type TableDirectory } from '../../sstable/descriptor.js';
import { readStatistics } from '../../sstable/statistics.js';
import { readToc } from '../../sstable/toc.js';
import { resolvePaths } from '../data-directory.js';
import type { SSTableDirectory, SSTableFiles } from '../sstable-directory.js';

export type BaseKind = 'live' | 'snapshot' | 'backup';

export type BaseProblem = {
  readonly kind:
    | 'missing-table' // the live directory has it, the base has not
    | 'missing-file' // the manifest names it
    | 'missing-component' // TOC.txt names it
    | 'damaged-manifest'
    | 'no-manifest'
    | 'not-in-manifest'
    | 'no-schema'
    | 'clash' // two different SSTables of the same name
    | 'left-out'; // what a node would not load either
  readonly file: string;
  readonly message: string;
  /** Whether the base is incomplete by it, or it is only good to know. */
  readonly isWrong: boolean;
};

/** One directory of SSTables as it is to be restored: those of one table, or of one of its indexes. */
export type BaseTable = {
  readonly place: Pick<TableDirectory, 'keyspace' | 'table' | 'tableId' | 'index'>;
  readonly sstables: readonly SSTableFiles[];
  /** schema.cql, where it is beside the SSTables. */
  readonly schemaFile?: string;
};

export type Base = {
  readonly kind: BaseKind;
  /** Of the snapshot. */
  readonly name?: string;
  readonly tables: readonly BaseTable[];
  readonly problems: readonly BaseProblem[];
  /** When the snapshot was taken, by its manifests: the earliest. */
  readonly createdAt?: string;
};

/** @throws UsageError */
export function liveBase(storage: Storage, directories: readonly string[]): Base {
  const { directories: found, problems } = resolvePaths(storage, directories);
  return {
    kind: 'live',
    tables: found.filter(({ kind }) => kind === 'live').flatMap(tableOf),
    problems: [
      ...problems.map(({ path: file, message }): BaseProblem => ({ kind: 'left-out', file, message, isWrong: true })),
      ...found.flatMap(passedOver),
    ],
  };
}

/** @throws UsageError where there is no snapshot of that name */
export function snapshotBase(storage: Storage, directories: readonly string[], name: string): Base {
  const { directories: found } = resolvePaths(storage, directories, { snapshots: true });
  const chosen = found.filter(({ place }) => place.snapshot === name);
  if (chosen.length === 0) throw noSnapshot(name, found, directories[0] ?? '');
  return { kind: 'snapshot', name, ...checked(storage, chosen) };
}

/** @param name of the snapshot, where the backup has several. @throws UsageError */
export function backupBase(storage: Storage, directory: string, name: string | undefined): Base {
  const { directories: found } = resolvePaths(storage, [directory], { snapshots: true });
  const tags = [...new Set(found.flatMap(({ place }) => place.snapshot ?? []))];
  if (name !== undefined && !tags.includes(name)) throw noSnapshot(name, found, directory);
  const hasOwn = new Set(found.filter((one) => one.kind === 'live' && one.sstables.length > 0).map(tableKey));
  const chosen = found.filter((one) => {
    if (name !== undefined) return one.place.snapshot === name || one.kind === 'backup';
    return one.kind === 'live' ? one.sstables.length > 0 : !hasOwn.has(tableKey(one));
  });
  const used = [...new Set(chosen.flatMap(({ place }) => place.snapshot ?? []))];
  if (used.length > 1) {
    throw new UsageError('the backup has several snapshots', {
      file: directory,
      seen: used.slice(0, 10).join(', '),
      hint: 'name one of them with --snapshot NAME',
    });
  }
  if (chosen.every(({ sstables }) => sstables.length === 0)) {
    throw new UsageError('the backup holds no SSTables', {
      file: directory,
      expected: '<keyspace>/<table>-<id>/ with SSTables, snapshots/<name>/ or backups/',
    });
  }
  const tag = name ?? used[0];
  return { kind: 'backup', ...(tag !== undefined && { name: tag }), ...checked(storage, chosen) };
}

function noSnapshot(name: string, found: readonly SSTableDirectory[], file: string): UsageError {
  const tags = [...new Set(found.flatMap(({ place }) => place.snapshot ?? []))];
  return new UsageError('there is no snapshot of that name', {
    file,
    seen: name,
    expected: tags.length === 0 ? 'the directory has no snapshots' : tags.slice(0, 20).join(', '),
  });
}

function tableKey({ place: { keyspace, table, tableId, index } }: { readonly place: BaseTable['place'] }): string {
  return JSON.stringify([keyspace, table, tableId, index]);
}

function tableOf({ path: directory, place, sstables, snapshotFiles }: SSTableDirectory): BaseTable[] {
  if (sstables.length === 0) return [];
  const { keyspace, table, tableId, index } = place;
  return [
    {
      place: { keyspace, table, ...(tableId !== undefined && { tableId }), ...(index !== undefined && { index }) },
      sstables,
      ...(snapshotFiles.includes('schema.cql') && { schemaFile: path.join(directory, 'schema.cql') }),
    },
  ];
}

function passedOver({ path: directory, orphans, unsupported }: SSTableDirectory): BaseProblem[] {
  const kind = 'left-out';
  return [
    ...orphans.map(({ descriptor }): BaseProblem => {
      return { kind, file: path.join(directory, descriptor.prefix), message: 'has no Data.db', isWrong: false };
    }),
    ...unsupported.map(({ prefix, error }): BaseProblem => {
      return { kind, file: path.join(directory, prefix), message: error.message, isWrong: true };
    }),
  ];
}

/** Puts the directories of a table together, and looks whether all is there that they name. */
function checked(
  storage: Storage,
  directories: readonly SSTableDirectory[],
): Pick<Base, 'tables' | 'problems' | 'createdAt'> {
  const problems: BaseProblem[] = [];
  const tables = new Map<string, BaseTable>();
  const created: string[] = [];
  for (const directory of directories) {
    problems.push(...passedOver(directory));
    for (const files of directory.sstables) problems.push(...missingComponents(storage, files));
    if (directory.kind === 'snapshot' && directory.place.index === undefined) {
      const createdAt = checkManifest(storage, directory, problems);
      if (createdAt !== undefined) created.push(createdAt);
    }
    for (const table of tableOf(directory)) {
      const key = tableKey(table);
      const known = tables.get(key);
      tables.set(key, known ? joined(storage, known, table, problems) : table);
    }
  }
  created.sort();
  return { tables: [...tables.values()], problems, ...(created[0] !== undefined && { createdAt: created[0] }) };
}

/** Incremental backups hold SSTables that the snapshot may have too, under the same name. */
function joined(storage: Storage, a: BaseTable, b: BaseTable, problems: BaseProblem[]): BaseTable {
  const byName = new Map(a.sstables.map((files) => [files.descriptor.prefix, files]));
  const more = b.sstables.filter((files) => {
    const same = byName.get(files.descriptor.prefix);
    if (!same) return true;
    const sizes = [same, files].map(({ descriptor }) => storage.stat(componentPath(descriptor, 'Data.db'))?.size);
    if (sizes[0] !== sizes[1]) {
      const file = componentPath(files.descriptor, 'Data.db');
      problems.push({ kind: 'clash', file, message: `is another SSTable than that in ${same.descriptor.directory}`, isWrong: true }); // biome-ignore format: one line
    }
    return false;
  });
  const schemaFile = a.schemaFile ?? b.schemaFile;
  return { place: a.place, sstables: [...a.sstables, ...more], ...(schemaFile !== undefined && { schemaFile }) };
}

function missingComponents(storage: Storage, { descriptor, components }: SSTableFiles): BaseProblem[] {
  if (!components.includes('TOC.txt')) {
    const file = componentPath(descriptor, 'TOC.txt');
    return [{ kind: 'missing-component', file, message: 'is missing: whether all components are there is not known', isWrong: false }]; // biome-ignore format: one line
  }
  try {
    const there = new Set(components);
    return readToc(storage, descriptor)
      .filter((name) => !there.has(name))
      .map((name) => {
        const message = 'is named by TOC.txt, and not there';
        return { kind: 'missing-component', file: componentPath(descriptor, name), message, isWrong: true };
      });
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    const file = componentPath(descriptor, 'TOC.txt');
    return [{ kind: 'missing-component', file, message: error.message, isWrong: true }];
  }
}

/** @returns when the snapshot was taken, as it says */
function checkManifest(storage: Storage, directory: SSTableDirectory, problems: BaseProblem[]): string | undefined {
  const file = path.join(directory.path, 'manifest.json');
  const tell = (kind: BaseProblem['kind'], where: string, message: string, isWrong = true) =>
    void problems.push({ kind, file: where, message, isWrong });
  if (!directory.snapshotFiles.includes('manifest.json')) {
    tell('no-manifest', file, 'is missing: whether all SSTables are there is not known', false);
    return undefined;
  }
  let manifest: { files?: unknown; created_at?: unknown } | null;
  try {
    manifest = JSON.parse(new TextDecoder().decode(readWhole(storage, file, 1 << 26)));
  } catch (error) {
    if (!(error instanceof LsmctlError) && !(error instanceof SyntaxError)) throw error;
    tell('damaged-manifest', file, error instanceof LsmctlError ? error.message : 'is not JSON');
    return undefined;
  }
  const files = manifest?.files;
  if (!Array.isArray(files) || !files.every((name): name is string => typeof name === 'string')) {
    tell('damaged-manifest', file, 'has no list of files');
    return undefined;
  }
  for (const name of files) {
    const named = path.join(directory.path, name);
    if (!storage.stat(named)?.isFile) tell('missing-file', named, 'is named by manifest.json, and not there');
  }
  const known = new Set(files);
  for (const { descriptor } of directory.sstables) {
    const name = `${descriptor.prefix}-Data.db`;
    if (!known.has(name))
      tell('not-in-manifest', path.join(directory.path, name), 'manifest.json does not name it', false);
  }
  return typeof manifest?.created_at === 'string' ? manifest.created_at : undefined;
}

/** Tables of the live directory that the base has nothing of. Those of Cassandra itself a node makes anew. */
export function missingTables(base: Base, live: Base): BaseProblem[] {
  const has = new Set(base.tables.map(tableKey));
  return live.tables
    .filter(
      (table) =>
        !isSystemKeyspace(table.place.keyspace) && table.place.index === undefined && !has.has(tableKey(table)),
    )
    .map(({ place, sstables }) => ({
      kind: 'missing-table',
      file: sstables[0]!.descriptor.directory,
      message: `the ${base.kind} has nothing of ${place.keyspace}.${place.table}`,
      isWrong: true,
    }));
}

/** Newest write in SSTables, those of Cassandra's own tables left out; microseconds. Times after `latestMicros` can't be: they tell nothing. */
export function newestWrite(storage: Storage, { tables }: Base, latestMicros: number): number | undefined {
  let newest: number | undefined;
  for (const { place, sstables } of tables) {
    if (isSystemKeyspace(place.keyspace) || place.index !== undefined) continue;
    for (const { descriptor } of sstables) {
      const micros = maxTimestamp(storage, descriptor);
      if (micros !== undefined && micros <= latestMicros && (newest === undefined || micros > newest)) newest = micros;
    }
  }
  return newest;
}

/** `undefined` where its Statistics.db can't be read: the verification tells that. */
function maxTimestamp(storage: Storage, descriptor: SSTableFiles['descriptor']): number | undefined {
  try {
    const { maxTimestampMicros } = readStatistics(storage, descriptor).stats;
    return maxTimestampMicros > -(2n ** 62n) ? Number(maxTimestampMicros) : undefined;
  } catch (error) {
    if (error instanceof LsmctlError) return undefined;
    throw error;
  }
}
