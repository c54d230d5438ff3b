/** The part of a schema that a command is asked for. */
import { UsageError } from '../bytes/errors.js';
import { isSystemKeyspace, type Keyspace, type Schema, type Table, usedTypes, type View } from '../cql/schema.js';

export type SchemaSelection = {
  /** Only this keyspace. */
  readonly keyspace?: string;
  /** Only tables and views of this name, with the types of their keyspace. */
  readonly table?: string;
  /** Also the keyspaces that Cassandra makes itself; one asked for by name comes either way. */
  readonly system?: boolean;
};

/** Whether a keyspace may have some of the selection. */
export function wantsKeyspace(
  name: string,
  { keyspace, system = false }: { readonly keyspace?: string | undefined; readonly system?: boolean },
): boolean {
  return keyspace === undefined ? system || !isSystemKeyspace(name) : name === keyspace;
}

/** The part of `schema` that is asked for; keyspaces of which nothing is left go. */
export function selectSchema(schema: Schema, { keyspace, table, system = false }: SchemaSelection): Schema {
  const wanted = schema.keyspaces.filter(({ name }) => wantsKeyspace(name, { keyspace, system }));
  if (table === undefined) return { keyspaces: wanted };
  return { keyspaces: wanted.flatMap((of) => selectTables(of, new Set([table]))) };
}

/** Tables and views of these names with what their columns need: types, and functions that mask. Nothing where there are none. */
export function selectTables(keyspace: Keyspace, names: ReadonlySet<string>): Keyspace[] {
  const isWanted = (element: Table | View) => names.has(element.name);
  const tables = keyspace.tables.filter(isWanted);
  const views = keyspace.views.filter(isWanted);
  if (tables.length + views.length === 0) return [];
  const masks = new Set([...tables, ...views].flatMap(({ columns }) => columns.map(({ mask }) => mask?.name)));
  const functions = keyspace.functions.filter(({ name }) => masks.has(name));
  const ofFunctions = functions.flatMap((fn) => [...fn.argumentTypes, fn.returnType].flatMap(usedTypes));
  const used = new Set([...[...tables, ...views].flatMap(usedTypesOf), ...ofFunctions]);
  const types = keyspace.types.filter((type) => used.has(type.name));
  return [{ ...keyspace, types, functions, aggregates: [], tables, views }];
}

function usedTypesOf({ columns }: Table | View): string[] {
  return columns.flatMap((column) => usedTypes(column.type));
}

/**
 * {@link selectSchema}. @throws UsageError where something was asked for by name and is not there, with the names that are
 * @param keyspaceNames of all keyspaces, if `schema` has not all
 */
export function selectExisting(
  schema: Schema,
  selection: SchemaSelection,
  keyspaceNames: readonly string[] = schema.keyspaces.map(({ name }) => name),
): Schema {
  const selected = selectSchema(schema, selection);
  const { keyspace, table } = selection;
  if (selected.keyspaces.length > 0 || (keyspace === undefined && table === undefined)) return selected;
  const keyspaces = schema.keyspaces.filter(({ name }) => keyspace === undefined || name === keyspace);
  if (keyspaces.length === 0) {
    throw new UsageError(`keyspace '${keyspace}' is not in the schema`, {
      seen: keyspace ?? '',
      expected: listOf(keyspaceNames),
    });
  }
  const names = keyspaces.flatMap(({ tables, views }) => [...tables, ...views].map(({ name }) => name));
  throw new UsageError(`table '${table}' is not in the schema`, { seen: table ?? '', expected: listOf(names) });
}

/** Names for an error: not all where there are many. */
function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ');
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown || 'none is there';
}
