/**
 * CREATE TABLE and ALTER TABLE:
 *
 *   CREATE TABLE [IF NOT EXISTS] name '(' element {',' element} ')' [WITH …]
 *     element = name type [STATIC] [MASKED WITH function '(' … ')'] [PRIMARY KEY] | PRIMARY KEY '(' (name | '(' names ')') {',' name} ')'
 *   ALTER TABLE [IF EXISTS] name  ADD column {',' column} | DROP name USING TIMESTAMP micros | DROP COMPACT STORAGE | RENAME a TO b {AND …} | WITH …
 */
import type { TokenReader } from './cql-tokens.js';
import { expandUserTypes, readType } from './cql-type-parser.js';
import { type KeyspaceDraft, type TableDraft, typeScope } from './ddl-draft.js';
import { readTableProperties, type TableProperties } from './ddl-properties.js';
import type { ColumnDefinition, ColumnMask } from './schema.js';
import type { CqlType } from './type.js';

export type PrimaryKey = { readonly partition: readonly string[]; readonly clustering: readonly string[] };

/** Reads what follows `CREATE TABLE [IF NOT EXISTS] name`. */
export function readTable(reader: TokenReader, keyspace: KeyspaceDraft, name: string): TableDraft {
  const columns = new Map<string, ColumnDefinition>();
  let key: PrimaryKey | undefined;
  const { start } = reader.token;
  reader.expectSymbol('(');
  do {
    if (reader.isWord('primary')) {
      if (key) throw reader.error('a second PRIMARY KEY');
      key = readPrimaryKey(reader);
    } else {
      const at = reader.token.start;
      const column = readColumn(reader, keyspace);
      if (columns.has(column.name)) throw reader.error(`column '${column.name}' is defined twice`, at);
      columns.set(column.name, column);
      if (reader.isWord('primary')) {
        reader.expectWords('primary', 'key');
        if (key) throw reader.error('a second PRIMARY KEY', at);
        key = { partition: [column.name], clustering: [] };
      }
    }
  } while (reader.trySymbol(','));
  reader.expectSymbol(')');
  if (!key) throw reader.error('the table has no PRIMARY KEY', start);
  const properties = readTableProperties(reader);
  const keyed = applyPrimaryKey(reader, start, [...columns.values()], key, properties);
  return {
    keyspace: keyspace.name,
    name,
    ...(properties.id !== undefined && { id: properties.id }),
    ...(properties.isCompact ? compactTable(keyed) : cqlTable(keyed)),
    options: properties.options,
    droppedColumns: new Map(),
    indexes: [],
    triggers: [],
  };
}

function cqlTable(columns: ColumnDefinition[]): Pick<TableDraft, 'flags' | 'columns'> {
  return { flags: hasCounter(columns) ? ['compound', 'counter'] : ['compound'], columns };
}

function hasCounter(columns: readonly ColumnDefinition[]): boolean {
  return columns.some(({ type }) => type.kind === 'native' && type.name === 'counter');
}

export function readPrimaryKey(reader: TokenReader): PrimaryKey {
  reader.expectWords('primary', 'key');
  reader.expectSymbol('(');
  const partition: string[] = [];
  if (reader.trySymbol('(')) {
    do partition.push(reader.expectName('a partition key column'));
    while (reader.trySymbol(','));
    reader.expectSymbol(')');
  } else partition.push(reader.expectName('a partition key column'));
  const clustering: string[] = [];
  while (reader.trySymbol(',')) clustering.push(reader.expectName('a clustering column'));
  reader.expectSymbol(')');
  return { partition, clustering };
}

/** `columns` with kind, position and order of those in the key. */
export function applyPrimaryKey(
  reader: TokenReader,
  start: number,
  columns: readonly ColumnDefinition[],
  key: PrimaryKey,
  { clusteringOrder, isCompact }: TableProperties,
): ColumnDefinition[] {
  const names = new Set(columns.map((column) => column.name));
  for (const name of [...key.partition, ...key.clustering]) {
    if (!names.has(name)) throw reader.error(`PRIMARY KEY names a column '${name}' that is not there`, start);
  }
  // DESCRIBE names the hidden clustering column of a compact table here.
  const named = isCompact && key.clustering.length === 0 ? [] : clusteringOrder.keys();
  for (const name of named) {
    if (!key.clustering.includes(name)) {
      throw reader.error(`CLUSTERING ORDER BY names '${name}', which is no clustering column`, start);
    }
  }
  return columns.map((column) => {
    const partition = key.partition.indexOf(column.name);
    if (partition >= 0) return { ...column, kind: 'partition_key', position: partition, clusteringOrder: 'none' };
    const position = key.clustering.indexOf(column.name);
    if (position < 0) return column;
    return { ...column, kind: 'clustering', position, clusteringOrder: clusteringOrder.get(column.name) ?? 'asc' };
  });
}

function readColumn(reader: TokenReader, keyspace: KeyspaceDraft): ColumnDefinition {
  const name = reader.expectName('a column name');
  const type = readType(reader, typeScope(keyspace));
  const kind = reader.tryWords('static') ? 'static' : 'regular';
  const mask = reader.tryWords('masked', 'with') ? readMask(reader, keyspace.name) : undefined;
  return { name, kind, position: -1, clusteringOrder: 'none', type, ...(mask && { mask }) };
}

function readMask(reader: TokenReader, keyspace: string): ColumnMask {
  if (reader.tryWords('default')) return { keyspace: 'system', name: 'mask_default', arguments: [] };
  const first = reader.expectName('a masking function');
  const name = reader.trySymbol('.') ? reader.expectName('a masking function') : undefined;
  reader.expectSymbol('(');
  const mask = readLiterals(reader);
  reader.expectSymbol(')');
  if (name !== undefined) return { keyspace: first, name, arguments: mask };
  return { keyspace: first.startsWith('mask_') ? 'system' : keyspace, name: first, arguments: mask };
}

/** CQL literals with commas between them, up to a closing parenthesis, as they are written. */
function readLiterals(reader: TokenReader): string[] {
  const literals: string[] = [];
  while (!reader.isSymbol(')')) {
    if (literals.length > 0) reader.expectSymbol(',');
    literals.push(readLiteral(reader, [',', ')']));
  }
  return literals;
}

/** The source up to one of the symbols `ends` outside all brackets. */
export function readLiteral(reader: TokenReader, ends: readonly string[]): string {
  const { start } = reader.token;
  let depth = 0;
  for (;;) {
    const { kind, text } = reader.token;
    if (kind === 'end' && (depth > 0 || !ends.includes('')))
      throw reader.unexpected(ends.map((e) => `'${e}'`).join(' or '));
    if (depth === 0 && (kind === 'end' || (kind === 'symbol' && ends.includes(text)))) break;
    if (kind === 'symbol' && '([{'.includes(text)) depth++;
    if (kind === 'symbol' && ')]}'.includes(text)) depth--;
    reader.take();
  }
  return reader.source.slice(start, Math.max(start, reader.lastEnd));
}

/**
 * What COMPACT STORAGE stores (CreateTableStatement.fixupCompactTable): with clustering columns, one value column, of type empty where none is
 * named; without, the columns as static ones beside a made-up clustering column and a value of bytes or counters.
 */
function compactTable(columns: readonly ColumnDefinition[]): Pick<TableDraft, 'flags' | 'columns'> {
  const names = new Set(columns.map((column) => column.name));
  const clustering = columns.filter((column) => column.kind === 'clustering').length;
  const counter = hasCounter(columns) ? (['counter'] as const) : [];
  if (clustering > 0) {
    const hasValue = columns.some((column) => column.kind === 'regular');
    const value = { ...regular(freeName(names, 'value', 0)), type: nativeType('empty') };
    const flags = [...(clustering > 1 ? (['compound'] as const) : []), 'dense' as const, ...counter];
    return { flags, columns: hasValue ? [...columns] : [...columns, value] };
  }
  const column1 = freeName(names, 'column', 1);
  return {
    flags: [...counter],
    columns: [
      ...columns.map((column) => (column.kind === 'regular' ? { ...column, kind: 'static' as const } : column)),
      { ...regular(column1), kind: 'clustering', position: 0, clusteringOrder: 'asc', type: nativeType('text') },
      { ...regular(freeName(names, 'value', 0)), type: nativeType(counter.length > 0 ? 'counter' : 'blob') },
    ],
  };
}

function regular(name: string): Omit<ColumnDefinition, 'type'> {
  return { name, kind: 'regular', position: -1, clusteringOrder: 'none' };
}

function nativeType(name: 'empty' | 'text' | 'blob' | 'counter'): CqlType {
  return { kind: 'native', name };
}

/** `base` with the first number, from `from`, that makes it unused; 0 is written as nothing. */
function freeName(names: Set<string>, base: string, from: number): string {
  for (let i = from; ; i++) {
    const name = i === 0 ? base : `${base}${i}`;
    if (!names.has(name)) return name;
  }
}

/** Reads what follows `ALTER TABLE [IF EXISTS] name`. */
export function alterTable(reader: TokenReader, keyspace: KeyspaceDraft, table: TableDraft): void {
  if (reader.tryWords('add')) addColumns(reader, keyspace, table);
  else if (reader.tryWords('drop', 'compact', 'storage')) {
    table.flags = [...new Set([...table.flags.filter((flag) => flag === 'counter'), 'compound' as const])];
  } else if (reader.tryWords('drop')) dropColumns(reader, table);
  else if (reader.tryWords('rename')) renameColumns(reader, table);
  else if (reader.isWord('with')) table.options = { ...table.options, ...readTableProperties(reader).options };
  else throw reader.unexpected('ADD, DROP, RENAME or WITH');
}

function addColumns(reader: TokenReader, keyspace: KeyspaceDraft, table: TableDraft): void {
  reader.tryWords('if', 'not', 'exists');
  const inParentheses = reader.trySymbol('(');
  do {
    const { start } = reader.token;
    const column = readColumn(reader, keyspace);
    if (table.columns.some(({ name }) => name === column.name)) {
      throw reader.error(`column '${column.name}' is there already`, start);
    }
    table.columns.push(column);
  } while (reader.trySymbol(','));
  if (inParentheses) reader.expectSymbol(')');
}

function dropColumns(reader: TokenReader, table: TableDraft): void {
  reader.tryWords('if', 'exists');
  const { start } = reader.token;
  const names: string[] = [];
  const inParentheses = reader.trySymbol('(');
  do names.push(reader.expectName('a column name'));
  while (reader.trySymbol(','));
  if (inParentheses) reader.expectSymbol(')');
  if (!reader.tryWords('using', 'timestamp')) {
    throw reader.unexpected(
      'USING TIMESTAMP',
      'the time of the drop decides which cells are gone: take it from system_schema.dropped_columns',
    );
  }
  const droppedTimeMicros = BigInt(readInteger(reader));
  for (const name of names) {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (!column || column.kind === 'partition_key' || column.kind === 'clustering') {
      throw reader.error(`'${name}' is no column that can be dropped`, start);
    }
    table.columns = table.columns.filter((candidate) => candidate !== column);
    const { kind } = column;
    table.droppedColumns.set(name, { name, kind, type: expandUserTypes(column.type), droppedTimeMicros });
  }
}

function readInteger(reader: TokenReader): string {
  if (!/^-?[0-9]+$/.test(reader.token.text)) throw reader.unexpected('an integer');
  return reader.expectKind('number', 'an integer');
}

function renameColumns(reader: TokenReader, table: TableDraft): void {
  do {
    const { start } = reader.token;
    const from = reader.expectName('a column name');
    reader.expectWords('to');
    const name = reader.expectName('a column name');
    const column = table.columns.find((candidate) => candidate.name === from);
    if (!column) throw reader.error(`column '${from}' is not there`, start);
    table.columns = table.columns.map((candidate) => (candidate === column ? { ...column, name } : candidate));
  } while (reader.tryWords('and'));
}
