/**
 * A schema as the CQL that makes it again, in the words and the order of Cassandra 5.0's DESCRIBE SCHEMA:
 *
 *   CREATE KEYSPACE, CREATE TYPE (each after those it uses), CREATE FUNCTION, CREATE AGGREGATE, then for each table
 *   CREATE TABLE, ALTER TABLE … DROP of its dropped columns, CREATE INDEX, CREATE TRIGGER, CREATE MATERIALIZED VIEW
 *
 * Where DESCRIBE prints what Cassandra itself does not accept, this differs: compact tables are real statements, without the clustering they
 * do not show, and the type `empty` is named by its class. Triggers, which DESCRIBE leaves out, are there.
 */
import { maybeQuote, qualifiedName, quoteText } from './identifier.js';
import {
  type ColumnDefinition,
  columnsOfKind,
  compareElementNames,
  type DroppedColumn,
  type Index,
  isCompactTable,
  isStaticCompactTable,
  type Keyspace,
  type Schema,
  sortTypes,
  type Table,
  type UserAggregate,
  type UserFunction,
  type View,
} from './schema.js';
import { mapLiteral, optionClauses } from './table-options.js';
import type { CqlType } from './type.js';
import { cqlTypeName } from './type-facts.js';

export type DdlOptions = {
  /** `ID = …` for tables and views: SSTables can be moved under the new table as they are. */
  readonly ids?: boolean;
  /** Leave out CREATE KEYSPACE. */
  readonly withoutKeyspaces?: boolean;
};

/** All statements, with blank lines between; ends with a newline. */
export function writeSchema(schema: Schema, options: DdlOptions = {}): string {
  const keyspaces = byName(schema.keyspaces, (keyspace) => keyspace.name);
  const statements = keyspaces.flatMap((keyspace) => keyspaceStatements(keyspace, options));
  return statements.length === 0 ? '' : `${statements.join('\n\n')}\n`;
}

/** What DESCRIBE KEYSPACE lists, in its order. */
export function keyspaceStatements(keyspace: Keyspace, options: DdlOptions = {}): string[] {
  const { name } = keyspace;
  return [
    ...(keyspace.replication && !options.withoutKeyspaces ? [createKeyspace(keyspace, keyspace.replication)] : []),
    ...sortTypes(keyspace.types).map((type) => createType(name, type.name, type.fields)),
    ...byName(keyspace.functions, functionSignature).map((fn) => createFunction(name, fn)),
    ...byName(keyspace.aggregates, functionSignature).map((aggregate) => createAggregate(name, aggregate)),
    ...byName(keyspace.tables, (table) => table.name).flatMap((table) => tableStatements(keyspace, table, options)),
    ...byName(keyspace.views, (view) => view.name)
      .filter((view) => !keyspace.tables.some((table) => table.name === view.baseTable))
      .map((view) => createView(view, options)),
  ];
}

function tableStatements(keyspace: Keyspace, table: Table, options: DdlOptions): string[] {
  return [
    createTable(table, options),
    ...byName(table.indexes, (index) => index.name).map((index) => createIndex(table, index)),
    ...byName(table.triggers, (trigger) => trigger.name).map(
      ({ name, className }) =>
        `CREATE TRIGGER ${maybeQuote(name)} ON ${qualifiedName(table.keyspace, table.name)} USING ${quoteText(className)};`,
    ),
    ...byName(keyspace.views, (view) => view.name)
      .filter((view) => view.baseTable === table.name)
      .map((view) => createView(view, options)),
  ];
}

function byName<T>(elements: readonly T[], nameOf: (element: T) => string): T[] {
  return [...elements].sort((a, b) => compareElementNames(nameOf(a), nameOf(b)));
}

function createKeyspace(keyspace: Keyspace, replication: Readonly<Record<string, string>>): string {
  const { class: className = '', ...rest } = replication;
  const short = className.replace(/^org\.apache\.cassandra\.locator\.(?=[^.]+$)/, '');
  const entries = [['class', short] as const, ...Object.entries(rest)];
  const map = entries.map(([key, value]) => `${quoteText(key)}: ${quoteText(value)}`).join(', ');
  return `CREATE KEYSPACE ${maybeQuote(keyspace.name)} WITH replication = {${map}}  AND durable_writes = ${keyspace.durableWrites ?? true};`;
}

function createType(
  keyspace: string,
  name: string,
  fields: readonly { readonly name: string; readonly type: CqlType }[],
): string {
  const lines = fields.map((field) => `    ${maybeQuote(field.name)} ${ddlType(field.type)}`);
  return `CREATE TYPE ${qualifiedName(keyspace, name)} (\n${lines.join(',\n')}\n);`;
}

/** CREATE TABLE, and what drops (and adds again) its dropped columns. */
export function createTable(table: Table, options: DdlOptions = {}): string {
  const name = qualifiedName(table.keyspace, table.name);
  const text = `CREATE TABLE ${name} (\n${tableBody(table)})${withClauses(tableClauses(table, options))};${dropStatements(name, table)}`;
  return table.flags.includes('super') ? superTableComment(name, text) : text;
}

/** A super column family has no statement: its structure goes into a comment. */
function superTableComment(name: string, text: string): string {
  return `/*\nWarning: Table ${name} is a super column family, which no CQL statement makes. Its structure, for reference:\n\n${text.replaceAll('*/', '* /')}\n*/`;
}

function tableBody(table: Table): string {
  const key = columnsOfKind(table, 'partition_key');
  const clustering = shownClustering(table);
  const inline = key.length === 1 && columnsOfKind(table, 'clustering').length === 0;
  const dropped = new Set(droppedColumns(table).map((column) => column.name));
  const lines = shownColumns(table)
    .filter((column) => !dropped.has(column.name))
    .map((column) => `${columnText(column)}${inline && column.kind === 'partition_key' ? ' PRIMARY KEY' : ''}`);
  lines.push(...droppedColumns(table).map((column) => columnText(droppedColumn(table, column))));
  if (!inline) lines.push(primaryKey(key, clustering));
  return `    ${lines.join(',\n    ')}\n`;
}

/** The columns that CQL shows: of compact tables not all that are stored. */
function shownColumns(table: Table): ColumnDefinition[] {
  if (!isCompactTable(table)) return [...table.columns];
  const shown = [...columnsOfKind(table, 'partition_key'), ...shownClustering(table)];
  if (isStaticCompactTable(table)) {
    return [...shown, ...columnsOfKind(table, 'static').map((column) => ({ ...column, kind: 'regular' as const }))];
  }
  const values = columnsOfKind(table, 'regular').filter((column) => !isEmptyType(column.type));
  return [...shown, ...columnsOfKind(table, 'static'), ...values];
}

function shownClustering(table: Table): ColumnDefinition[] {
  return isStaticCompactTable(table) ? [] : columnsOfKind(table, 'clustering');
}

function isEmptyType(type: CqlType): boolean {
  return type.kind === 'native' && type.name === 'empty';
}

/** Those that statements can drop: a key column that was renamed to a dropped one's name hides it. */
function droppedColumns(table: Table): DroppedColumn[] {
  const key = table.columns.filter(({ kind }) => kind === 'partition_key' || kind === 'clustering');
  return table.droppedColumns.filter((dropped) => !key.some((column) => column.name === dropped.name));
}

function droppedColumn(table: Table, { name, type, kind }: DroppedColumn): ColumnDefinition {
  const shownKind = isStaticCompactTable(table) ? 'regular' : kind;
  return { name, type, kind: shownKind, position: -1, clusteringOrder: 'none' };
}

function columnText(column: ColumnDefinition): string {
  const { mask } = column;
  const masked = mask ? ` MASKED WITH ${qualifiedName(mask.keyspace, mask.name)}(${mask.arguments.join(', ')})` : '';
  return `${maybeQuote(column.name)} ${ddlType(column.type)}${column.kind === 'static' ? ' static' : ''}${masked}`;
}

/** The type as a statement takes it. */
function ddlType(type: CqlType): string {
  return isEmptyType(type) ? "'org.apache.cassandra.db.marshal.EmptyType'" : cqlTypeName(type);
}

function primaryKey(key: readonly ColumnDefinition[], clustering: readonly ColumnDefinition[]): string {
  const names = key.map((column) => maybeQuote(column.name)).join(', ');
  const rest = clustering.map((column) => `, ${maybeQuote(column.name)}`).join('');
  return `PRIMARY KEY (${key.length > 1 ? `(${names})` : names}${rest})`;
}

function tableClauses(table: Table, options: DdlOptions): string[] {
  return [
    ...(isCompactTable(table) ? ['COMPACT STORAGE'] : []),
    ...idClause(table, options),
    ...clusteringOrder(shownClustering(table)),
    ...optionClauses(table.options),
  ];
}

function idClause({ id }: Table | View, options: DdlOptions): string[] {
  return options.ids && id !== undefined ? [`ID = ${id}`] : [];
}

function clusteringOrder(clustering: readonly ColumnDefinition[]): string[] {
  if (clustering.length === 0) return [];
  const order = clustering.map((column) => `${maybeQuote(column.name)} ${column.clusteringOrder.toUpperCase()}`);
  return [`CLUSTERING ORDER BY (${order.join(', ')})`];
}

function withClauses(clauses: readonly string[]): string {
  return clauses.length === 0 ? '' : ` WITH ${clauses.join('\n    AND ')}`;
}

function dropStatements(name: string, table: Table): string {
  return droppedColumns(table)
    .map((dropped) => {
      const drop = `\nALTER TABLE ${name} DROP ${maybeQuote(dropped.name)} USING TIMESTAMP ${dropped.droppedTimeMicros};`;
      const again = shownColumns(table).find((column) => column.name === dropped.name);
      return again ? `${drop}\nALTER TABLE ${name} ADD ${columnText(again)};` : drop;
    })
    .join('');
}

function createIndex(table: Table, index: Index): string {
  const { target = '', class_name: className = '', ...rest } = index.options;
  const on = `${maybeQuote(index.name)} ON ${qualifiedName(table.keyspace, table.name)} (${target})`;
  if (index.kind !== 'CUSTOM') return `CREATE INDEX ${on};`;
  const options = Object.keys(rest).length > 0 ? ` WITH OPTIONS = ${mapLiteral(rest)}` : '';
  return `CREATE CUSTOM INDEX ${on} USING ${quoteText(className)}${options};`;
}

function createView(view: View, options: DdlOptions): string {
  const { defaultTimeToLive: _, ...shown } = view.options;
  const key = columnsOfKind(view, 'partition_key');
  const clustering = columnsOfKind(view, 'clustering');
  const selected = view.includeAllColumns ? '*' : view.columns.map((column) => maybeQuote(column.name)).join(', ');
  const clauses = [...idClause(view, options), ...clusteringOrder(clustering), ...optionClauses(shown)];
  return [
    `CREATE MATERIALIZED VIEW ${qualifiedName(view.keyspace, view.name)} AS`,
    `    SELECT ${selected}`,
    `    FROM ${qualifiedName(view.keyspace, view.baseTable)}`,
    `    WHERE ${view.whereClause}`,
    `    ${primaryKey(key, clustering)}`,
    `${withClauses(clauses)};`,
  ].join('\n');
}

/** Types of functions are frozen by nature where they are tuples: CQL does not say so there. */
function argumentType(type: CqlType): string {
  return type.kind === 'tuple' ? `tuple<${type.elements.map(cqlTypeName).join(', ')}>` : ddlType(type);
}

/** How functions are told apart, and sorted. */
function functionSignature(fn: { readonly name: string; readonly argumentTypes: readonly CqlType[] }): string {
  return `${fn.name}(${fn.argumentTypes.map(argumentType).join(', ')})`;
}

function createFunction(keyspace: string, fn: UserFunction): string {
  const parameters = fn.argumentTypes.map(
    (type, i) => `${maybeQuote(fn.argumentNames[i] ?? `arg${i}`)} ${argumentType(type)}`,
  );
  return [
    `CREATE FUNCTION ${qualifiedName(keyspace, fn.name)}(${parameters.join(', ')})`,
    `    ${fn.calledOnNullInput ? 'CALLED' : 'RETURNS NULL'} ON NULL INPUT`,
    `    RETURNS ${argumentType(fn.returnType)}`,
    `    LANGUAGE ${fn.language}`,
    `    AS ${fn.body.includes('$$') ? quoteText(fn.body) : `$$${fn.body}$$`};`,
  ].join('\n');
}

function createAggregate(keyspace: string, aggregate: UserAggregate): string {
  const lines = [
    `CREATE AGGREGATE ${qualifiedName(keyspace, aggregate.name)}(${aggregate.argumentTypes.map(argumentType).join(', ')})`,
    `    SFUNC ${maybeQuote(aggregate.stateFunction)}`,
    `    STYPE ${argumentType(aggregate.stateType)}`,
  ];
  if (aggregate.finalFunction !== undefined) lines.push(`    FINALFUNC ${maybeQuote(aggregate.finalFunction)}`);
  if (aggregate.initialCondition !== undefined) lines.push(`    INITCOND ${aggregate.initialCondition}`);
  return `${lines.join('\n')};`;
}
