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
import { parseSchema, parseSchemas } from '../cql/ddl-parser.js';
import {
  type ColumnDefinition,
  findTable,
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
import { readSystemSchema, type WantsKeyspace } from './schema-tables.js';
import type { SSTableDirectory } from './sstable-directory.js';
import type { SchemaTable } from './system-schema.js';

export type SchemaSource = {
  readonly kind: 'file' | 'system_schema' | 'schema_cql' | 'header';
  /** Files read, or the directories of system_schema or of the SSTables. */
  readonly paths: readonly string[];
};

export type LoadedSchema = {
  readonly schema: Schema;
  /** Names of all keyspaces that the source has, those too that were not wanted. */
  readonly keyspaceNames: readonly string[];
  readonly source: SchemaSource;
  /** `keyspace.table` of those that only headers describe: names of their key columns are made up, their options are not known. */
  readonly fromHeaders: readonly string[];
};

/** Where a schema comes from, in a line for people. */
export function sourceText({ source, fromHeaders }: LoadedSchema): string {
  const from = source.kind === 'header' ? '' : `schema from ${listOf(source.paths)}`;
  const rest = `only the headers of their SSTables describe ${listOf(fromHeaders)}: key columns have made-up names, options are not known`;
  return [...(from ? [from] : []), ...(fromHeaders.length > 0 ? [rest] : [])].join('; ');
}

function listOf(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

export type LoadOptions = {
  /** CQL, in place of whatever the directory says. */
  readonly schemaFile?: string;
  readonly nowSeconds: number;
  /** Of system_schema, keyspaces that are not wanted are passed over; other sources may give more than is wanted. */
  readonly keyspaces?: WantsKeyspace;
  /** Of system_schema, only names, ids and options of tables and views. */
  readonly isOutline?: boolean;
  /** Of system_schema, tables that are not read: the schema has nothing of what they tell. */
  readonly without?: readonly SchemaTable[];
  /** What `paths` resolve to, where that is known. */
  readonly directories?: readonly SSTableDirectory[];
  /** Of tables that only headers describe, only names: no header is read. */
  readonly skipsHeaders?: boolean;
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
  if (options.schemaFile !== undefined) return fromFile(storage, options.schemaFile, paths[0]);
  for (const given of paths) requirePath(storage, given);
  const roots = dataDirectoriesOf(storage, paths, options.directories);
  const { nowSeconds, keyspaces: wants, isOutline, without } = options;
  const read = await readSystemSchema(storage, roots, { nowSeconds, wants, isOutline, without });
  if (read) {
    const source: SchemaSource = {
      kind: 'system_schema',
      paths: roots.map((root) => path.join(root, 'system_schema')),
    };
    return { ...read, source, fromHeaders: [] };
  }
  return schemaOfTables(storage, options.directories ?? resolvePaths(storage, paths).directories, options.skipsHeaders);
}

/** Without a system_schema: the schema.cql of each directory, and headers for the tables that those leave out. */
export function schemaOfTables(
  storage: Storage,
  directories: readonly SSTableDirectory[],
  skipsHeaders = false,
): LoadedSchema {
  const files = directories.map((directory) => path.join(directory.path, 'schema.cql'));
  const there = files.filter((file) => storage.stat(file)?.isFile);
  const texts = there.map((file) => ({ text: readText(storage, file), file, skipsOrphanViews: true }));
  // A view can be read once its table is.
  const described = parseSchemas(sortBy(texts, ({ text }) => String(/CREATE MATERIALIZED VIEW/i.test(text))));
  const others = directories.filter(({ place }) => !findTable(described, place.keyspace, place.table));
  const rest = skipsHeaders ? [] : tablesOfHeaders(storage, others);
  const schema = withTables(described, rest);
  return {
    schema,
    keyspaceNames: namesOf(schema),
    source:
      there.length > 0
        ? { kind: 'schema_cql', paths: there }
        : { kind: 'header', paths: directories.map((directory) => directory.path) },
    fromHeaders: [...new Set(others.filter(hasHeaders).map(({ place }) => `${place.keyspace}.${place.table}`))],
  };
}

function namesOf({ keyspaces }: Schema): string[] {
  return keyspaces.map(({ name }) => name);
}

/** A path that is not there must not pass for the data directory above it. */
function requirePath(storage: Storage, given: string): void {
  const isNameOfSSTable = /^[a-z]{2}-\w+-[a-z]+-?$/.test(path.basename(given));
  if (storage.stat(isNameOfSSTable ? path.dirname(given) : given)) return;
  throw new UsageError('no such file or directory', { file: given });
}

function fromFile(storage: Storage, file: string, given: string | undefined): LoadedSchema {
  const keyspace = given === undefined ? undefined : parseTableDirectory(given).keyspace;
  const schema = parseSchema(readText(storage, file), { file, ...(keyspace && { keyspace }) });
  return { schema, keyspaceNames: namesOf(schema), source: { kind: 'file', paths: [file] }, fromHeaders: [] };
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
 * @param known directories that were listed
 */
export function dataDirectoriesOf(
  storage: Storage,
  paths: readonly string[],
  known: readonly SSTableDirectory[] = [],
): string[] {
  const found = new Set<string>();
  for (const given of paths) {
    const above = ancestors(given).find((directory) => hasSystemSchema(storage, directory));
    if (above !== undefined) {
      found.add(above);
      continue;
    }
    const listed = known.find(({ path: directory }) => directory === given);
    for (const name of listed ? namesIn(listed) : namesBelow(storage, given)) {
      const below = path.join(path.resolve(given), name);
      if (hasSystemSchema(storage, below)) found.add(below);
    }
  }
  return [...found];
}

function ancestors(given: string): string[] {
  const directories = [path.resolve(given)];
  for (let i = 0; i < MAX_LEVELS_UP; i++) directories.push(path.dirname(directories[i]!));
  return [...new Set(directories)];
}

export function hasSystemSchema(storage: Storage, directory: string): boolean {
  return storage.stat(path.join(directory, 'system_schema'))?.isDirectory === true;
}

/** A table's directory may have tens of thousands, none of which needs to be looked at. */
const COMPONENT_FILE = /^[a-z]{2}-.+-(big|bti)-.+\.(db|txt|crc32)$/;

function namesBelow(storage: Storage, directory: string): string[] {
  if (!storage.stat(directory)?.isDirectory) return [];
  return storage.list(directory).filter((name) => !name.startsWith('.') && !COMPONENT_FILE.test(name));
}

/** Of a table's directory that was listed before: what may be a data directory there. */
function namesIn({ foreign, subdirectories }: SSTableDirectory): string[] {
  return [...foreign, ...subdirectories].filter((name) => !name.startsWith('.'));
}

function hasHeaders({ place, sstables }: SSTableDirectory): boolean {
  return place.index === undefined && sstables.length > 0;
}

/** A table a name, of what the headers of its SSTables know. */
function tablesOfHeaders(storage: Storage, directories: readonly SSTableDirectory[]): Table[] {
  const headers = new Map<string, { readonly place: TableDirectory; readonly headers: SerializationHeader[] }>();
  for (const directory of directories) {
    if (!hasHeaders(directory)) continue;
    const { place, sstables } = directory;
    const key = `${place.keyspace}\0${place.table}`;
    const entry = headers.get(key) ?? { place, headers: [] };
    headers.set(key, entry);
    for (const { descriptor } of sstables) entry.headers.push(headerOf(storage, descriptor));
  }
  return [...headers.values()].map((entry) => tableOfHeaders(entry.place, entry.headers));
}

function headerOf(storage: Storage, descriptor: Descriptor): SerializationHeader {
  return readStatistics(storage, descriptor).header;
}

/** `schema` with tables more, in their keyspaces. */
function withTables(schema: Schema, tables: readonly Table[]): Schema {
  const keyspaces = new Map(schema.keyspaces.map((keyspace) => [keyspace.name, keyspace]));
  for (const table of tables) {
    const none: Keyspace = { name: table.keyspace, types: [], functions: [], aggregates: [], tables: [], views: [] };
    const keyspace = keyspaces.get(table.keyspace) ?? none;
    keyspaces.set(table.keyspace, sortKeyspace({ ...keyspace, tables: [...keyspace.tables, table] }));
  }
  return { keyspaces: sortBy([...keyspaces.values()], (keyspace) => keyspace.name) };
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
