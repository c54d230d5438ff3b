/**
 * A schema as data: what system_schema holds, or what DDL says. Absent fields are what their source did not say; nothing is filled in.
 */
import type { UserType } from './cql-type-parser.js';
import type { TableOptions } from './table-options.js';
import type { CqlType } from './type.js';

export type Schema = { readonly keyspaces: readonly Keyspace[] };

export type Keyspace = {
  readonly name: string;
  /** `class` and its parameters; absent where only a table of it is known (a snapshot's schema.cql). */
  readonly replication?: Readonly<Record<string, string>>;
  readonly durableWrites?: boolean;
  /** Each after those that it uses. */
  readonly types: readonly UserType[];
  readonly functions: readonly UserFunction[];
  readonly aggregates: readonly UserAggregate[];
  readonly tables: readonly Table[];
  readonly views: readonly View[];
};

/** TableMetadata.Flag. A table of CQL has `compound` alone or with `counter`; anything else was made with COMPACT STORAGE or by Thrift. */
export type TableFlag = 'super' | 'counter' | 'dense' | 'compound';

export type Table = {
  readonly keyspace: string;
  readonly name: string;
  /** UUID in its usual form. */
  readonly id?: string;
  /** Sorted. */
  readonly flags: readonly TableFlag[];
  /** In the order of {@link sortColumns}. */
  readonly columns: readonly ColumnDefinition[];
  readonly options: TableOptions;
  /** By name. */
  readonly droppedColumns: readonly DroppedColumn[];
  readonly indexes: readonly Index[];
  readonly triggers: readonly Trigger[];
};

export type View = {
  readonly keyspace: string;
  readonly name: string;
  readonly id?: string;
  readonly baseTable: string;
  readonly baseTableId?: string;
  /** Made with SELECT *: columns added to the base table come into the view. */
  readonly includeAllColumns: boolean;
  readonly whereClause: string;
  readonly columns: readonly ColumnDefinition[];
  readonly options: TableOptions;
};

export type ColumnKind = 'partition_key' | 'clustering' | 'static' | 'regular';

export type ColumnDefinition = {
  readonly name: string;
  /** The stored name in hex where it is not the UTF-8 of `name` (compact tables whose column names are no text). */
  readonly nameHex?: string;
  readonly kind: ColumnKind;
  /** Among the columns of its kind in the primary key; −1 elsewhere. */
  readonly position: number;
  readonly clusteringOrder: 'none' | 'asc' | 'desc';
  /** Never `reversed`: that is `clusteringOrder`. */
  readonly type: CqlType;
  readonly mask?: ColumnMask;
};

export type ColumnMask = {
  readonly keyspace: string;
  readonly name: string;
  /** As CQL literals. */
  readonly arguments: readonly string[];
};

export type DroppedColumn = {
  readonly name: string;
  readonly kind: 'static' | 'regular';
  /** User-defined types as tuples. */
  readonly type: CqlType;
  /** Cells written up to then are gone. */
  readonly droppedTimeMicros: bigint;
};

export type Index = {
  readonly name: string;
  readonly kind: 'KEYS' | 'CUSTOM' | 'COMPOSITES';
  /** With `target` (CQL) and, of a custom one, `class_name`. */
  readonly options: Readonly<Record<string, string>>;
};

export type Trigger = { readonly name: string; readonly className: string };

export type UserFunction = {
  readonly name: string;
  readonly argumentNames: readonly string[];
  readonly argumentTypes: readonly CqlType[];
  readonly returnType: CqlType;
  readonly language: string;
  readonly calledOnNullInput: boolean;
  readonly body: string;
};

export type UserAggregate = {
  readonly name: string;
  readonly argumentTypes: readonly CqlType[];
  readonly stateFunction: string;
  readonly stateType: CqlType;
  readonly finalFunction?: string;
  /** A CQL literal of the state's type. */
  readonly initialCondition?: string;
  /** Absent in DDL, where it follows from the functions. */
  readonly returnType?: CqlType;
};

export const EMPTY_SCHEMA: Schema = { keyspaces: [] };

/** SchemaConstants: the keyspaces that Cassandra makes itself, local ones and replicated ones. */
const SYSTEM_KEYSPACES = new Set([
  'system',
  'system_schema',
  'system_auth',
  'system_distributed',
  'system_traces',
  'system_views',
  'system_virtual_schema',
  'system_cluster_metadata',
]);

export function isSystemKeyspace(name: string): boolean {
  return SYSTEM_KEYSPACES.has(name);
}

export function findKeyspace(schema: Schema, name: string): Keyspace | undefined {
  return schema.keyspaces.find((keyspace) => keyspace.name === name);
}

/** A table or a materialized view: both have SSTables. */
export function findTable(schema: Schema, keyspace: string, name: string): Table | View | undefined {
  const { tables, views } = findKeyspace(schema, keyspace) ?? { tables: [], views: [] };
  return tables.find((table) => table.name === name) ?? views.find((view) => view.name === name);
}

export function columnsOfKind(table: Table | View, kind: ColumnKind): ColumnDefinition[] {
  return table.columns.filter((column) => column.kind === kind);
}

/** Not a table of CQL: it shows columns that its rows do not have, or the reverse. */
export function isCompactTable(table: Table): boolean {
  return table.flags.includes('super') || table.flags.includes('dense') || !table.flags.includes('compound');
}

/** A compact table of fixed columns and no clustering: they are stored as static ones beside a made-up clustering and value column. */
export function isStaticCompactTable(table: Table): boolean {
  return !table.flags.some((flag) => flag === 'super' || flag === 'dense' || flag === 'compound');
}

const KIND_ORDER: readonly ColumnKind[] = ['partition_key', 'clustering', 'static', 'regular'];

/** In the order of CREATE TABLE: the key, then static and regular columns, the multi-cell ones of each last, by the bytes of their names. */
export function sortColumns(columns: readonly ColumnDefinition[]): ColumnDefinition[] {
  return columns
    .map((column) => ({ column, bytes: columnNameBytes(column) }))
    .sort(
      (a, b) =>
        KIND_ORDER.indexOf(a.column.kind) - KIND_ORDER.indexOf(b.column.kind) ||
        a.column.position - b.column.position ||
        Number(isMultiCell(a.column.type)) - Number(isMultiCell(b.column.type)) ||
        compareNames(a.bytes, b.bytes),
    )
    .map(({ column }) => column);
}

/** The name as serialization headers have it. */
export function columnNameBytes(column: { readonly name: string; readonly nameHex?: string }): Uint8Array {
  return column.nameHex === undefined ? Buffer.from(column.name, 'utf8') : Buffer.from(column.nameHex, 'hex');
}

/** By bytes, but names that begin above 0x7f come first: a quirk of ColumnMetadata.comparisonOrder. */
function compareNames(a: Uint8Array, b: Uint8Array): number {
  return ((a[0] ?? 0) ^ 0x80) - ((b[0] ?? 0) ^ 0x80) || Buffer.compare(a, b);
}

function isMultiCell(type: CqlType): boolean {
  return 'multiCell' in type && type.multiCell;
}

/** The order in which Cassandra lists schema elements: by name, case aside (String.compareToIgnoreCase), then by name. */
export function compareElementNames(a: string, b: string): number {
  const x = foldCase(a);
  const y = foldCase(b);
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : a > b ? 1 : 0;
}

function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase();
}

/** `keyspace` with its elements in the one order that the model has: by name, types after those they use. */
export function sortKeyspace(keyspace: Keyspace): Keyspace {
  const signature = (fn: UserFunction | UserAggregate) => JSON.stringify([fn.name, fn.argumentTypes]);
  return {
    ...keyspace,
    types: sortTypes(sortBy(keyspace.types, (type) => type.name)),
    functions: sortBy(keyspace.functions, signature),
    aggregates: sortBy(keyspace.aggregates, signature),
    tables: sortBy(keyspace.tables, (table) => table.name),
    views: sortBy(keyspace.views, (view) => view.name),
  };
}

/** By a text that each element has, as UTF-16 units compare. */
export function sortBy<T>(elements: readonly T[], textOf: (element: T) => string): T[] {
  const keyed = elements.map((element) => ({ element, text: textOf(element) }));
  return keyed.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ element }) => element);
}

/** `types`, each after those that its fields use; otherwise in the order given. */
export function sortTypes(types: readonly UserType[]): UserType[] {
  const byName = new Map(types.map((type) => [type.name, type]));
  const sorted = new Set<UserType>();
  const add = (type: UserType): void => {
    for (const field of type.fields) for (const name of usedTypes(field.type)) visit(name);
    sorted.add(type);
  };
  const visit = (name: string): void => {
    const type = byName.get(name);
    if (type && !sorted.has(type)) add(type);
  };
  for (const type of types) visit(type.name);
  return [...sorted];
}

/** Names of the user-defined types in `type`, inner ones first. */
export function usedTypes(type: CqlType): string[] {
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'vector':
      return usedTypes(type.element);
    case 'map':
      return [...usedTypes(type.key), ...usedTypes(type.value)];
    case 'tuple':
      return type.elements.flatMap(usedTypes);
    case 'udt':
      return [...type.fields.flatMap((field) => usedTypes(field.type)), type.name];
    case 'reversed':
      return usedTypes(type.of);
    default:
      return [];
  }
}
