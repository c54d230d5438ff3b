/**
 * Where the schema for a path comes from, the first of these that is there:
 *
 *   file            the operator's --schema FILE
 *   system_schema   <data>/system_schema of the data directory that the path is, holds or lies in
 *   schema_cql      schema.cql beside the SSTables: of a snapshot, or copied with them
 *   header          the serialization headers of the SSTables: column names and types, but no names of key columns and no options
 */
import path from 'node:path';
import { UsageError } from '../bytes/errors.js';
import { readWhole, type Storage } from '../bytes/source.js';
import { parseSchemas } from '../cql/ddl-parser.js';
import {
  type ColumnDefinition,
  type Keyspace,
  type Schema,
  sortBy,
  sortColumns,
  sortKeyspace,
  type Table,
} from '../cql/schema.js';
import type { CqlType } from '../cql/type.js';
import { isCounter, unreversed } from '../cql/type-facts.js';
import { type Descriptor, parseTableDirectory, type TableDirectory } from '../sstable/descriptor.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { readStatistics } from '../sstable/statistics.js';
import { resolvePaths } from './data-directory.js';
import { readSystemSchema } from './schema-tables.js';
import type { SSTableDirectory } from './sstable-directory.js';

export type SchemaSource = {
  readonly kind: 'file' | 'system_schema' | 'schema_cql' | 'header';
  /** Files read, or the directories of system_schema or of the SSTables. */
  readonly paths: readonly string[];
};

export type LoadedSchema = { readonly schema: Schema; readonly source: SchemaSource };

/** Where a schema comes from, in a line for people. */
export function sourceText({ kind, paths }: SchemaSource): string {
  const where = paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : paths.join(', ');
  return kind === 'header'
    ? `schema from the headers of the SSTables: key columns have made-up names, options are not known (${where})`
    : `schema from ${where}`;
}

export type LoadOptions = {
  /** CQL, in place of whatever the directory says. */
  readonly schemaFile?: string;
  readonly nowSeconds: number;
};

/** Levels above a path at which its data directory may stand: <data>/<keyspace>/<table>/snapshots/<tag>/.<index>/<file> */
const MAX_LEVELS_UP = 6;
/** No schema that people write is larger. */
const MAX_FILE_BYTES = 1 << 26;

/**
 * The schema for what lies at `paths`.
 * @throws UsageError (nothing there, CQL that can't be parsed), CorruptError and UnsupportedError (SSTables of system_schema)
 */
export async function loadSchema(
  storage: Storage,
  paths: readonly string[],
  options: LoadOptions,
): Promise<LoadedSchema> {
  if (options.schemaFile !== undefined) return fromFiles(storage, 'file', [options.schemaFile], paths[0]);
  for (const given of paths) requirePath(storage, given);
  const roots = dataDirectoriesOf(storage, paths);
  const schema = await readSystemSchema(storage, roots, options.nowSeconds);
  if (schema)
    return { schema, source: { kind: 'system_schema', paths: roots.map((r) => path.join(r, 'system_schema')) } };
  const { directories } = resolvePaths(storage, paths);
  const files = directories.map((directory) => path.join(directory.path, 'schema.cql'));
  const there = files.filter((file) => storage.stat(file)?.isFile);
  if (there.length > 0) return fromFiles(storage, 'schema_cql', there, undefined);
  return {
    schema: schemaOfHeaders(storage, directories),
    source: { kind: 'header', paths: directories.map((d) => d.path) },
  };
}

/** A path that is not there must not pass for the data directory above it. */
function requirePath(storage: Storage, given: string): void {
  const isNameOfSSTable = /^[a-z]{2}-\w+-[a-z]+-?$/.test(path.basename(given));
  if (storage.stat(isNameOfSSTable ? path.dirname(given) : given)) return;
  throw new UsageError('no such file or directory', { file: given });
}

function fromFiles(
  storage: Storage,
  kind: SchemaSource['kind'],
  files: readonly string[],
  given: string | undefined,
): LoadedSchema {
  const keyspace = given === undefined ? undefined : parseTableDirectory(given).keyspace;
  const texts = files.map((file) => ({ text: readText(storage, file), file, ...(keyspace && { keyspace }) }));
  return { schema: parseSchemas(texts), source: { kind, paths: files } };
}

function readText(storage: Storage, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readWhole(storage, file, MAX_FILE_BYTES));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError('is not UTF-8 text', { file, expected: 'CQL, as cqlsh -e "DESCRIBE SCHEMA" prints it' });
  }
}

/**
 * Data directories, those with a system_schema, for `paths`: the path, one above it, or those right below it, which are taken for the data
 * directories of one node.
 */
export function dataDirectoriesOf(storage: Storage, paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const given of paths) {
    const above = ancestors(given).find((directory) => hasSystemSchema(storage, directory));
    if (above !== undefined) found.add(above);
    else for (const below of childrenOf(storage, given)) if (hasSystemSchema(storage, below)) found.add(below);
  }
  return [...found];
}

function ancestors(given: string): string[] {
  const directories = [path.resolve(given)];
  for (let i = 0; i < MAX_LEVELS_UP; i++) directories.push(path.dirname(directories[i]!));
  return [...new Set(directories)];
}

function hasSystemSchema(storage: Storage, directory: string): boolean {
  return storage.stat(path.join(directory, 'system_schema'))?.isDirectory === true;
}

function childrenOf(storage: Storage, directory: string): string[] {
  if (!storage.stat(directory)?.isDirectory) return [];
  const names = storage.list(directory).filter((name) => !name.startsWith('.'));
  return names.map((name) => path.join(path.resolve(directory), name));
}

/** A schema of what headers know, for directories of SSTables that nothing describes. */
function schemaOfHeaders(storage: Storage, directories: readonly SSTableDirectory[]): Schema {
  const headers = new Map<string, { readonly place: TableDirectory; readonly headers: SerializationHeader[] }>();
  for (const { place, sstables } of directories) {
    if (place.index !== undefined) continue;
    const key = `${place.keyspace}\0${place.table}`;
    const entry = headers.get(key) ?? { place, headers: [] };
    if (sstables.length > 0) headers.set(key, entry);
    for (const { descriptor } of sstables) entry.headers.push(headerOf(storage, descriptor));
  }
  const keyspaces = new Map<string, Table[]>();
  for (const { place, headers: all } of headers.values()) {
    keyspaces.set(place.keyspace, [...(keyspaces.get(place.keyspace) ?? []), tableOfHeaders(place, all)]);
  }
  return {
    keyspaces: sortBy([...keyspaces], ([name]) => name).map(([name, tables]) => keyspaceOfTables(name, tables)),
  };
}

function headerOf(storage: Storage, descriptor: Descriptor): SerializationHeader {
  return readStatistics(storage, descriptor).header;
}

function keyspaceOfTables(name: string, tables: readonly Table[]): Keyspace {
  return sortKeyspace({ name, types: [], functions: [], aggregates: [], tables, views: [] });
}

/**
 * A table as the headers of its SSTables (at least one, oldest first) show it: all columns that any of them has; key columns under made-up
 * names, partition_key, partition_key1 … and clustering, clustering1 …
 */
export function tableOfHeaders(
  place: Pick<TableDirectory, 'keyspace' | 'table' | 'tableId'>,
  headers: readonly SerializationHeader[],
): Table {
  const last = headers[headers.length - 1]!;
  const columns = new Map<string, Column>();
  for (const header of headers) {
    for (const column of [...header.staticColumns, ...header.regularColumns]) columns.set(column.name, column);
  }
  const isCounterTable = [...columns.values()].some(({ type }) => isCounter(type));
  const id = place.tableId?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const keyTypes = last.keyType.kind === 'composite' ? last.keyType.components : [last.keyType];
  return {
    keyspace: place.keyspace,
    name: place.table,
    ...(id !== undefined && { id }),
    flags: isCounterTable ? ['compound', 'counter'] : ['compound'],
    columns: sortColumns([
      ...keyTypes.map((type, i) => keyColumn('partition_key', i, type)),
      ...last.clusteringTypes.map((type, i) => keyColumn('clustering', i, type)),
      ...[...columns.values()].map(columnOfHeader),
    ]),
    options: {},
    droppedColumns: [],
    indexes: [],
    triggers: [],
  };
}

function keyColumn(kind: 'partition_key' | 'clustering', position: number, type: CqlType): ColumnDefinition {
  const isDescending = type.kind === 'reversed';
  return {
    name: position === 0 ? kind : `${kind}${position}`,
    kind,
    position,
    clusteringOrder: kind === 'partition_key' ? 'none' : isDescending ? 'desc' : 'asc',
    type: unreversed(type),
  };
}

function columnOfHeader(column: Column): ColumnDefinition {
  const isText = Buffer.compare(column.nameBytes, Buffer.from(column.name, 'utf8')) === 0;
  return {
    name: column.name,
    ...(!isText && { nameHex: Buffer.from(column.nameBytes).toString('hex') }),
    kind: column.isStatic ? 'static' : 'regular',
    position: -1,
    clusteringOrder: 'none',
    type: column.type,
  };
}
