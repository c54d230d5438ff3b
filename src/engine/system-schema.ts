/**
 * The rows of system_schema as a schema: those of 3.0 to 5.0, which differ in columns only (SchemaKeyspace):
 *
 *   keyspaces        (keyspace_name)                                        durable_writes replication
 *   tables           (keyspace_name) table_name                             id flags and a column an option
 *   columns          (keyspace_name) table_name column_name                 kind position type clustering_order column_name_bytes
 *   column_masks     (keyspace_name) table_name column_name                 function_keyspace function_name function_argument_{types,values,nulls}    5.0
 *   dropped_columns  (keyspace_name) table_name column_name                 type dropped_time (ms) kind (3.11+)
 *   indexes          (keyspace_name) table_name index_name                  kind options
 *   triggers         (keyspace_name) table_name trigger_name                options
 *   views            (keyspace_name) view_name                              id base_table_id base_table_name include_all_columns where_clause and options
 *   types            (keyspace_name) type_name                              field_names field_types
 *   functions        (keyspace_name) function_name argument_types           argument_names return_type language called_on_null_input body
 *   aggregates       (keyspace_name) aggregate_name argument_types          state_func state_type final_func initcond return_type
 *
 * Types are CQL text. Newer options are null where they have their default; which options a release has at all is told by the rows that
 * describe system_schema itself.
 */
import {
  expandUserTypes,
  parseCqlType,
  referencedTypeNames,
  type TypeScope,
  type UserType,
} from '../cql/cql-type-parser.js';
import { quoteText } from '../cql/identifier.js';
import {
  type ColumnDefinition,
  type ColumnMask,
  type DroppedColumn,
  type Index,
  type Keyspace,
  type Schema,
  sortBy,
  sortColumns,
  sortKeyspace,
  type Table,
  type TableFlag,
  type UserAggregate,
  type UserFunction,
  type View,
} from '../cql/schema.js';
import { TABLE_OPTIONS, type TableOptions } from '../cql/table-options.js';
import type { CqlType } from '../cql/type.js';
import type { SchemaRow } from './schema-row.js';

export const SCHEMA_TABLES = [
  'keyspaces',
  'tables',
  'columns',
  'column_masks',
  'dropped_columns',
  'indexes',
  'triggers',
  'views',
  'types',
  'functions',
  'aggregates',
] as const;
export type SchemaTable = (typeof SCHEMA_TABLES)[number];

/** The living rows of each table. */
export type SchemaRows = Readonly<Record<SchemaTable, readonly SchemaRow[]>>;

/** What tells names, ids and options of tables and views; they have no columns then. */
export const OUTLINE_TABLES: readonly SchemaTable[] = ['keyspaces', 'tables', 'views'];

/** @throws CorruptError naming table and column of a row that makes no sense */
export function schemaFromRows(rows: SchemaRows, isOutline = false): Schema {
  const context = { byOwner: groupByOwner(rows), known: knownOptions(rows), isOutline };
  const keyspaces = rows.keyspaces.map((row) => keyspaceFromRows(row, rows, context));
  return { keyspaces: sortBy(keyspaces, (keyspace) => keyspace.name) };
}

type Owned = 'columns' | 'column_masks' | 'dropped_columns' | 'indexes' | 'triggers';

type Context = {
  /** Rows of tables whose first clustering column is the table or view they belong to, by `ownerKey`. */
  readonly byOwner: Readonly<Record<Owned, ReadonlyMap<string, readonly SchemaRow[]>>>;
  /** Names of the columns of system_schema.tables in the release that wrote it; empty where it doesn't say. */
  readonly known: ReadonlySet<string>;
  /** Only {@link OUTLINE_TABLES} were read. */
  readonly isOutline: boolean;
};

function groupByOwner(rows: SchemaRows): Context['byOwner'] {
  const group = (table: Owned) => {
    const groups = new Map<string, SchemaRow[]>();
    for (const row of rows[table]) {
      const key = ownerKey(row.keyspace, row.clusteringText(0, 'table_name'));
      const known = groups.get(key);
      if (known) known.push(row);
      else groups.set(key, [row]);
    }
    return groups;
  };
  return {
    columns: group('columns'),
    column_masks: group('column_masks'),
    dropped_columns: group('dropped_columns'),
    indexes: group('indexes'),
    triggers: group('triggers'),
  };
}

/** Names can't hold a NUL. */
function ownerKey(keyspace: string, table: string): string {
  return `${keyspace}\0${table}`;
}

function knownOptions(rows: SchemaRows): ReadonlySet<string> {
  const own = rows.columns.filter((row) => row.keyspace === 'system_schema');
  const names = own.filter((row) => row.clusteringText(0, 'table_name') === 'tables');
  return new Set(names.map((row) => row.clusteringText(1, 'column_name')));
}

function keyspaceFromRows(row: SchemaRow, rows: SchemaRows, context: Context): Keyspace {
  const name = row.keyspace;
  const mine = (table: SchemaTable) => rows[table].filter((candidate) => candidate.keyspace === name);
  const scope = readTypes(name, mine('types'));
  return sortKeyspace({
    name,
    replication: row.needTextMap('replication'),
    durableWrites: row.boolean('durable_writes') ?? true,
    types: [...scope.userTypes.values()],
    functions: mine('functions').map((fn) => readFunction(fn, scope)),
    aggregates: mine('aggregates').map((aggregate) => readAggregate(aggregate, scope)),
    tables: mine('tables').map((table) => readTable(table, scope, context)),
    views: mine('views').map((view) => readView(view, scope, context)),
  });
}

/** Types may name each other: each is read once those it names are. */
function readTypes(keyspace: string, rows: readonly SchemaRow[]): TypeScope {
  const userTypes = new Map<string, UserType>();
  const byName = new Map(rows.map((row) => [row.clusteringText(0, 'type_name'), row] as const));
  const underWay = new Set<string>();
  const visit = (name: string): void => {
    const row = byName.get(name);
    if (!row || userTypes.has(name)) return;
    if (underWay.has(name)) throw row.corrupt('field_types', 'makes a type part of itself', name);
    underWay.add(name);
    const names = row.texts('field_names') ?? [];
    const types = row.texts('field_types') ?? [];
    if (names.length !== types.length)
      throw row.corrupt('field_types', 'has no type a field', types.length, names.length);
    for (const type of types) for (const used of referencedTypeNames(type, row.facts)) visit(used);
    const scope = { keyspace, userTypes };
    const fields = names.map((field, i) => ({ name: field, type: readType(row, 'field_types', types[i]!, scope) }));
    userTypes.set(name, { kind: 'udt', keyspace, name, fields, multiCell: true });
  };
  for (const name of byName.keys()) visit(name);
  return { keyspace, userTypes };
}

function readType(row: SchemaRow, column: string, text: string, scope: TypeScope): CqlType {
  return parseCqlType(text, scope, { ...row.facts, expected: `a type in column '${column}'` });
}

function needType(row: SchemaRow, column: string, scope: TypeScope): CqlType {
  return readType(row, column, row.needText(column), scope);
}

const FLAGS: ReadonlySet<string> = new Set<TableFlag>(['super', 'counter', 'dense', 'compound']);

function readTable(row: SchemaRow, scope: TypeScope, context: Context): Table {
  const name = row.clusteringText(0, 'table_name');
  const key = ownerKey(row.keyspace, name);
  const flags = row.texts('flags') ?? [];
  const unknown = flags.find((flag) => !FLAGS.has(flag));
  if (unknown !== undefined)
    throw row.corrupt('flags', 'holds a flag that is not known', unknown, [...FLAGS].join(', '));
  const id = row.uuid('id');
  const indexes = (context.byOwner.indexes.get(key) ?? []).map(readIndex);
  const triggers = (context.byOwner.triggers.get(key) ?? []).map((trigger) => ({
    name: trigger.clusteringText(1, 'trigger_name'),
    className: trigger.needTextMap('options').class ?? '',
  }));
  const dropped = (context.byOwner.dropped_columns.get(key) ?? []).map((column) => readDropped(column, scope));
  return {
    keyspace: row.keyspace,
    name,
    ...(id !== undefined && { id }),
    flags: (flags as TableFlag[]).sort(),
    columns: readColumns(row, key, scope, context),
    options: readOptions(row, context.known),
    droppedColumns: sortBy(dropped, (column) => column.name),
    indexes: sortBy(indexes, (index) => index.name),
    triggers: sortBy(triggers, (trigger) => trigger.name),
  };
}

function readView(row: SchemaRow, scope: TypeScope, context: Context): View {
  const name = row.clusteringText(0, 'view_name');
  const id = row.uuid('id');
  const baseTableId = row.uuid('base_table_id');
  return {
    keyspace: row.keyspace,
    name,
    ...(id !== undefined && { id }),
    baseTable: row.needText('base_table_name'),
    ...(baseTableId !== undefined && { baseTableId }),
    includeAllColumns: row.boolean('include_all_columns') ?? false,
    whereClause: row.needText('where_clause'),
    columns: readColumns(row, ownerKey(row.keyspace, name), scope, context),
    options: viewOptions(readOptions(row, context.known)),
  };
}

/** Rows of a view live as long as those of its base table: it has a TTL column that is always 0, and no such option. */
function viewOptions({ defaultTimeToLive, ...options }: TableOptions): TableOptions {
  return defaultTimeToLive ? { ...options, defaultTimeToLive } : options;
}

function readOptions(row: SchemaRow, known: ReadonlySet<string>): TableOptions {
  const options: Record<string, unknown> = {};
  for (const { key, name, kind, whenNull } of TABLE_OPTIONS) {
    // Written by 4.0 and later for the sake of drivers; CQL has no such options any more.
    if (/read_repair_chance$/.test(name) && row.has('read_repair')) continue;
    const value = readOption(row, name, kind) ?? (known.has(name) ? whenNull : undefined);
    if (value !== undefined) options[key] = value;
  }
  return options as TableOptions;
}

function readOption(row: SchemaRow, name: string, kind: (typeof TABLE_OPTIONS)[number]['kind']): unknown {
  switch (kind) {
    case 'text':
      return row.text(name);
    case 'boolean':
      return row.boolean(name);
    case 'double':
      return row.double(name);
    case 'int':
      return row.int(name);
    case 'map':
      return row.textMap(name);
    default:
      return row.blobMap(name);
  }
}

const COLUMN_KINDS: ReadonlySet<string> = new Set<ColumnDefinition['kind']>([
  'partition_key',
  'clustering',
  'static',
  'regular',
]);
const ORDERS: ReadonlySet<string> = new Set<ColumnDefinition['clusteringOrder']>(['none', 'asc', 'desc']);

function readColumns(owner: SchemaRow, key: string, scope: TypeScope, context: Context): ColumnDefinition[] {
  if (context.isOutline) return [];
  const masks = new Map(
    (context.byOwner.column_masks.get(key) ?? []).map((row) => [row.clusteringText(1, 'column_name'), readMask(row)]),
  );
  const columns = (context.byOwner.columns.get(key) ?? []).map((row) => readColumn(row, scope, masks));
  if (!columns.some((column) => column.kind === 'partition_key')) {
    throw owner.corrupt(
      'table_name',
      'names a table of which system_schema.columns has no partition key',
      key.replace('\0', '.'),
    );
  }
  return sortColumns(columns);
}

function readColumn(row: SchemaRow, scope: TypeScope, masks: ReadonlyMap<string, ColumnMask>): ColumnDefinition {
  const name = row.clusteringText(1, 'column_name');
  const kind = row.needText('kind').toLowerCase();
  if (!COLUMN_KINDS.has(kind)) throw row.corrupt('kind', 'is not known', kind, [...COLUMN_KINDS].join(', '));
  const order = row.needText('clustering_order').toLowerCase();
  if (!ORDERS.has(order)) throw row.corrupt('clustering_order', 'is not known', order, [...ORDERS].join(', '));
  const nameHex = row.blobHex('column_name_bytes');
  const isPlain = nameHex === undefined || nameHex === Buffer.from(name, 'utf8').toString('hex');
  const mask = masks.get(name);
  return {
    name,
    ...(!isPlain && { nameHex }),
    kind: kind as ColumnDefinition['kind'],
    position: row.needInt('position'),
    clusteringOrder: order as ColumnDefinition['clusteringOrder'],
    type: needType(row, 'type', scope),
    ...(mask && { mask }),
  };
}

function readMask(row: SchemaRow): ColumnMask {
  const types = row.texts('function_argument_types') ?? [];
  const values = row.texts('function_argument_values') ?? [];
  const nulls = row.booleans('function_argument_nulls') ?? [];
  return {
    keyspace: row.needText('function_keyspace'),
    name: row.needText('function_name'),
    arguments: values.map((value, i) => (nulls[i] ? 'null' : maskLiteral(types[i] ?? '', value))),
  };
}

/** Types whose values, in the text that column_masks has, need quotes to be CQL literals. */
const QUOTED = new Set(['ascii', 'date', 'inet', 'text', 'time', 'timestamp', 'varchar']);

function maskLiteral(type: string, value: string): string {
  return QUOTED.has(type) ? quoteText(value) : type === 'blob' ? `0x${value.replace(/^0x/, '')}` : value;
}

function readDropped(row: SchemaRow, scope: TypeScope): DroppedColumn {
  const kind = row.text('kind')?.toLowerCase() ?? 'regular'; // 3.0 knows no other
  if (kind !== 'regular' && kind !== 'static') throw row.corrupt('kind', 'is not known', kind, 'regular, static');
  return {
    name: row.clusteringText(1, 'column_name'),
    kind,
    type: expandUserTypes(needType(row, 'type', scope)),
    droppedTimeMicros: microsOfMillis(row.needTimestamp('dropped_time')),
  };
}

/** Saturates as TimeUnit.MILLISECONDS.toMicros does. */
function microsOfMillis(millis: bigint): bigint {
  const max = 2n ** 63n - 1n;
  const micros = millis * 1000n;
  return micros > max ? max : micros < -max - 1n ? -max - 1n : micros;
}

function readIndex(row: SchemaRow): Index {
  const kind = row.needText('kind');
  if (kind !== 'KEYS' && kind !== 'CUSTOM' && kind !== 'COMPOSITES') {
    throw row.corrupt('kind', 'is not known', kind, 'KEYS, CUSTOM, COMPOSITES');
  }
  return { name: row.clusteringText(1, 'index_name'), kind, options: row.needTextMap('options') };
}

function readFunction(row: SchemaRow, scope: TypeScope): UserFunction {
  const types = row.clusteringTexts(1, 'argument_types');
  return {
    name: row.clusteringText(0, 'function_name'),
    argumentNames: row.texts('argument_names') ?? [],
    argumentTypes: types.map((type) => readType(row, 'argument_types', type, scope)),
    returnType: needType(row, 'return_type', scope),
    language: row.needText('language'),
    calledOnNullInput: row.boolean('called_on_null_input') ?? false,
    body: row.needText('body'),
  };
}

function readAggregate(row: SchemaRow, scope: TypeScope): UserAggregate {
  const types = row.clusteringTexts(1, 'argument_types');
  const finalFunction = row.text('final_func');
  const initialCondition = row.text('initcond');
  return {
    name: row.clusteringText(0, 'aggregate_name'),
    argumentTypes: types.map((type) => readType(row, 'argument_types', type, scope)),
    stateFunction: row.needText('state_func'),
    stateType: needType(row, 'state_type', scope),
    ...(finalFunction !== undefined && { finalFunction }),
    ...(initialCondition !== undefined && { initialCondition }),
    returnType: needType(row, 'return_type', scope),
  };
}
