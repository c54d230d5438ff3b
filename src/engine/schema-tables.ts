/** Reads the SSTables of `<data>/system_schema/<table>-<id>/` and merges each table's into its living rows. */
import path from 'node:path';
import { UsageError, withFacts } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import type { Schema } from '../cql/schema.js';
import { COMPONENT, componentPath, parseTableDirectory } from '../sstable/descriptor.js';
import { openSSTable, type SSTable } from '../sstable/sstable.js';
import { resolvePaths } from './data-directory.js';
import { readLive } from './merge/live-view.js';
import { SchemaRow } from './schema-row.js';
import type { SSTableDirectory } from './sstable-directory.js';
import { OUTLINE_TABLES, SCHEMA_TABLES, type SchemaRows, type SchemaTable, schemaFromRows } from './system-schema.js';

/** Tables that have rows as soon as there is any schema. */
const NEEDED: readonly SchemaTable[] = ['keyspaces', 'tables', 'columns'];

/** Whether a keyspace is wanted: what others have is passed over unread. */
export type WantsKeyspace = (name: string) => boolean;

export type SystemSchemaOptions = {
  readonly nowSeconds: number;
  /** By default all. */
  readonly wants?: WantsKeyspace | undefined;
  /** Only names, ids and options of tables and views: no columns, types and functions. */
  readonly isOutline?: boolean | undefined;
  /** These are not read; the schema has nothing of what they tell. */
  readonly without?: readonly SchemaTable[] | undefined;
};

export type SystemSchema = {
  /** Of the keyspaces that are wanted. */
  readonly schema: Schema;
  /** Names of all. */
  readonly keyspaceNames: readonly string[];
};

/**
 * The schema that the data directories of a node hold; `undefined` where system_schema has no SSTables there.
 * @throws UsageError where some of its tables have SSTables and one that every schema needs has none; CorruptError, UnsupportedError of an
 * SSTable that can't be read
 */
export async function readSystemSchema(
  storage: Storage,
  dataDirectories: readonly string[],
  { nowSeconds, wants = () => true, isOutline = false, without = [] }: SystemSchemaOptions,
): Promise<SystemSchema | undefined> {
  const roots = dataDirectories.map((directory) => path.join(directory, 'system_schema'));
  const directories = roots.flatMap((root) => tablesOf(storage, root));
  const files = new Map<SchemaTable, string[]>();
  for (const directory of directories) {
    const table = SCHEMA_TABLES.find((name) => name === directory.place.table);
    if (table) files.set(table, [...(files.get(table) ?? []), ...dataFiles(directory)]);
  }
  const missing = NEEDED.filter((table) => (files.get(table) ?? []).length === 0);
  if (missing.length === NEEDED.length) return undefined;
  if (missing.length > 0) throw incomplete(missing, roots, directories);
  const rows = {} as Record<SchemaTable, SchemaRow[]>;
  for (const table of SCHEMA_TABLES) {
    const isRead = isOutline ? OUTLINE_TABLES.includes(table) : !without.includes(table);
    const own = isRead ? files.get(table) : undefined;
    rows[table] = await readRows(storage, table, own ?? [], nowSeconds, wantsOf(table, wants));
  }
  const keyspaceNames = rows.keyspaces.map(({ keyspace }) => keyspace).sort();
  rows.keyspaces = rows.keyspaces.filter(({ keyspace }) => wants(keyspace));
  return { schema: schemaFromRows(rows as SchemaRows, isOutline), keyspaceNames };
}

/** Of keyspaces the names are told whatever is wanted; the columns of system_schema tell which options the release has. */
function wantsOf(table: SchemaTable, wants: WantsKeyspace): WantsKeyspace {
  if (table === 'keyspaces') return () => true;
  return table === 'columns' ? (name) => wants(name) || name === 'system_schema' : wants;
}

/** The directories of a system_schema's tables, less what transactions have left over. */
function tablesOf(storage: Storage, root: string): SSTableDirectory[] {
  const isTable = (name: string) => parseTableDirectory(path.join(root, name)).tableId !== undefined;
  if (!storage.stat(root)?.isDirectory || !storage.list(root).some(isTable)) return [];
  const { directories, problems } = resolvePaths(storage, [root]);
  const unreadable = problems.find(({ kind }) => kind === 'unreadable');
  if (unreadable) throw new UsageError(unreadable.message, { file: unreadable.path, component: 'system_schema' });
  return [...directories];
}

/** @throws UnsupportedError where a version is not read: what it says can't be left out of a schema */
function dataFiles(directory: SSTableDirectory): string[] {
  const [unsupported] = directory.unsupported;
  if (unsupported) throw unsupported.error;
  return directory.sstables.map(({ descriptor }) => componentPath(descriptor, COMPONENT.data));
}

function incomplete(
  missing: readonly SchemaTable[],
  roots: readonly string[],
  directories: readonly SSTableDirectory[],
): UsageError {
  const [table] = missing;
  const directory = directories.find(({ place }) => place.table === table)?.path ?? path.join(roots[0]!, `${table}-*`);
  return new UsageError(`system_schema.${table} has no SSTables, but other tables of system_schema have`, {
    file: directory,
    expected: `SSTables of system_schema.${missing.join(', system_schema.')}`,
    hint: 'copy system_schema as a whole, after nodetool flush system_schema; or give the schema with --schema FILE',
  });
}

async function readRows(
  storage: Storage,
  table: SchemaTable,
  files: readonly string[],
  nowSeconds: number,
  wants: WantsKeyspace,
): Promise<SchemaRow[]> {
  const sstables: SSTable[] = [];
  try {
    for (const file of files) sstables.push(await openSSTable(storage, file));
    const partitions = readLive(sstables, nowSeconds, (key) => wants(Buffer.from(key).toString('utf8')));
    return partitions.flatMap(({ key, staticRow, rows }) =>
      [...(staticRow ? [staticRow] : []), ...rows].map((row) => new SchemaRow(table, key, row)),
    );
  } catch (error) {
    throw withFacts(error, { component: `system_schema.${table}` });
  } finally {
    for (const sstable of sstables) sstable.close();
  }
}
