/**
 * The schema of what lies at the paths of a command, and no more:
 *
 *   a data directory, or one above it            all
 *   <data>/<keyspace>                            the keyspace
 *   <data>/<keyspace>/<table>-<id> and below     the table or view, the types that it uses, its keyspace, and of a view its base table
 *
 * A table that the schema has no more, or only with another id (it was dropped, or dropped and made anew), is described by schema.cql in its
 * snapshots, or by the headers of its SSTables.
 */
import path from 'node:path';
import { UsageError } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import { findKeyspace, findTable, type Keyspace, type Schema, sortBy, sortKeyspace } from '../cql/schema.js';
import { parseTableDirectory } from '../sstable/descriptor.js';
import { resolvePaths } from './data-directory.js';
import { hasSystemSchema, type LoadedSchema, type LoadOptions, loadSchema, schemaOfTables } from './schema-loader.js';
import { selectTables } from './schema-selection.js';
import { isComponentName } from './sstable-directory.js';

/** What a path stands for. */
export type SchemaScope = {
  readonly path: string;
  readonly keyspace: string;
  /** Absent: the whole keyspace. */
  readonly table?: string;
  /** 32 hex digits. */
  readonly tableId?: string;
};

export type SchemaAtPaths = LoadedSchema & {
  /** Whether the paths ask for a part, system keyspaces too. */
  readonly isPart: boolean;
};

/** A path that names a keyspace decides what is wanted, in place of `options.keyspaces`. @throws UsageError where nothing describes what a path names, and what {@link loadSchema} throws */
export async function loadSchemaAt(
  storage: Storage,
  paths: readonly string[],
  options: LoadOptions,
): Promise<SchemaAtPaths> {
  const scopes = scopesOf(storage, paths);
  const isAsked = scopes && ((name: string) => scopes.some(({ keyspace }) => keyspace === name));
  const wanted = isAsked ?? options.keyspaces;
  const loaded = await loadSchema(storage, paths, { ...options, ...(wanted && { keyspaces: wanted }) });
  if (!scopes) return { ...loaded, isPart: false };
  const gone = scopes.filter((scope) => !isKnown(loaded.schema, scope));
  const kept = scopes.filter((scope) => !gone.includes(scope));
  const own = gone.map((scope) => withoutSchema(storage, scope, loaded));
  const only = kept.length === 0 ? own[0] : undefined;
  const schema = joined([partOf(loaded.schema, kept), ...own.map((found) => found.schema)]);
  return {
    schema,
    keyspaceNames: schema.keyspaces.map(({ name }) => name),
    source: only?.source ?? loaded.source,
    fromHeaders: [...loaded.fromHeaders, ...own.flatMap(({ fromHeaders }) => fromHeaders)],
    isPart: true,
  };
}

/** What each path asks for; `undefined` where one asks for all. */
export function scopesOf(storage: Storage, paths: readonly string[]): readonly SchemaScope[] | undefined {
  const scopes = paths.map((given) => scopeOf(storage, given));
  return scopes.every((scope) => scope !== undefined) ? scopes : undefined;
}

function scopeOf(storage: Storage, given: string): SchemaScope | undefined {
  const full = path.resolve(given);
  const isDirectory = storage.stat(given)?.isDirectory === true;
  const table = tableDirectoryAbove(full);
  const names = isDirectory && table === undefined ? storage.list(given) : [];
  if (table !== undefined || !isDirectory || names.some(isComponentName)) {
    const place = parseTableDirectory(table ?? (isDirectory ? full : path.dirname(full)));
    const { keyspace, table: name, tableId } = place;
    return { path: given, keyspace, table: name, ...(tableId !== undefined && { tableId }) };
  }
  if (hasSystemSchema(storage, full)) return undefined;
  const isKeyspace =
    hasSystemSchema(storage, path.dirname(full)) ||
    names.some((name) => parseTableDirectory(path.join(full, name)).tableId !== undefined);
  return isKeyspace ? { path: given, keyspace: path.basename(full) } : undefined;
}

/** The path up to the name of a table with its id: snapshots, backups and index tables lie below. */
function tableDirectoryAbove(full: string): string | undefined {
  for (let at = full; at !== path.dirname(at); at = path.dirname(at)) {
    if (/-[0-9a-f]{32}$/.test(at)) return at;
  }
  return undefined;
}

function isKnown(schema: Schema, { keyspace, table, tableId }: SchemaScope): boolean {
  if (table === undefined) return findKeyspace(schema, keyspace) !== undefined;
  const known = findTable(schema, keyspace, table);
  if (!known) return false;
  return known.id === undefined || tableId === undefined || known.id.replaceAll('-', '') === tableId;
}

/** The table of `scope` by what lies in its own directory. */
function withoutSchema(storage: Storage, scope: SchemaScope, { schema, source }: LoadedSchema): LoadedSchema {
  const { keyspace, table, path: file } = scope;
  const missing = (cause?: unknown) =>
    new UsageError(
      `the schema has no ${table === undefined ? `keyspace ${keyspace}` : `table ${keyspace}.${table} of this id`}`,
      { file, hint: 'it was dropped, and nothing is left here that tells what it was' },
      { cause },
    );
  if (table === undefined || source.kind === 'file') throw missing();
  try {
    const own = schemaOfTables(storage, resolvePaths(storage, [file], { snapshots: true }).directories);
    const part = partOf(own.schema, [{ path: file, keyspace, table }]);
    if (part.keyspaces.length === 0) throw missing();
    const { replication, durableWrites } = findKeyspace(schema, keyspace) ?? {};
    const known = { ...(replication && { replication }), ...(durableWrites !== undefined && { durableWrites }) };
    return { ...own, schema: { keyspaces: part.keyspaces.map((of) => ({ ...known, ...of })) } };
  } catch (error) {
    throw error instanceof UsageError ? missing(error) : error;
  }
}

function partOf(schema: Schema, scopes: readonly SchemaScope[]): Schema {
  return {
    keyspaces: schema.keyspaces.flatMap((keyspace) => {
      const own = scopes.filter((scope) => scope.keyspace === keyspace.name);
      if (own.length === 0) return [];
      if (own.some((scope) => scope.table === undefined)) return [keyspace];
      return selectTables(keyspace, withBaseTables(keyspace, own.map((scope) => scope.table!))); // biome-ignore format: one line
    }),
  };
}

/** A view can't be made without its base table. */
function withBaseTables({ views }: Keyspace, names: readonly string[]): Set<string> {
  return new Set(names.flatMap((name) => [name, views.find((view) => view.name === name)?.baseTable ?? name]));
}

/** Keyspaces of the same name as one; of two types of a name the first is kept. */
function joined(schemas: readonly Schema[]): Schema {
  const keyspaces = new Map<string, Keyspace>();
  for (const keyspace of schemas.flatMap((schema) => schema.keyspaces)) {
    const before = keyspaces.get(keyspace.name);
    keyspaces.set(keyspace.name, before ? joinedKeyspace(before, keyspace) : keyspace);
  }
  return { keyspaces: sortBy([...keyspaces.values()], (keyspace) => keyspace.name) };
}

function joinedKeyspace(a: Keyspace, b: Keyspace): Keyspace {
  const isNew = ({ name }: { readonly name: string }) => !a.types.some((type) => type.name === name);
  return sortKeyspace({
    ...a,
    types: [...a.types, ...b.types.filter(isNew)],
    functions: [...a.functions, ...b.functions],
    tables: [...a.tables, ...b.tables],
    views: [...a.views, ...b.views],
  });
}
