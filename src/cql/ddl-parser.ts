/**
 * Schema statements as DESCRIBE prints them, as a snapshot's schema.cql holds them and as people write them:
 *
 *   CREATE KEYSPACE | TYPE | TABLE | [CUSTOM] INDEX | MATERIALIZED VIEW | FUNCTION | AGGREGATE | TRIGGER, ALTER TABLE, USE; `;` after each
 *
 * Any other statement is an error that names its place: nothing is skipped in silence.
 */
import { TokenReader } from './cql-tokens.js';
import { readType, type UserType } from './cql-type-parser.js';
import { uncommentCompactTables } from './ddl-compact-comment.js';
import {
  draftKeyspace,
  finishSchema,
  type KeyspaceDraft,
  type SchemaDraft,
  type TableDraft,
  typeScope,
} from './ddl-draft.js';
import { readAggregate, readFunction, readIndex, readTrigger, readView } from './ddl-elements.js';
import { readBoolean, readMap } from './ddl-properties.js';
import { alterTable, readTable } from './ddl-table.js';
import type { Schema } from './schema.js';
import { withFullClass } from './table-options.js';

export type ParseOptions = {
  /** Named in errors. */
  readonly file?: string;
  /** Of names without one, before any USE. */
  readonly keyspace?: string;
  /** Pass over views of tables that are not defined, as the schema.cql of a view's snapshot is alone; else they are an error. */
  readonly skipsOrphanViews?: boolean;
};

/** @throws UsageError that names line and column, what stands there and what was expected */
export function parseSchema(text: string, options: ParseOptions = {}): Schema {
  return parseSchemas([{ text, ...options }]);
}

/** Several texts as one schema, such as the schema.cql of each table's snapshot. @throws UsageError, as {@link parseSchema} */
export function parseSchemas(texts: readonly (ParseOptions & { readonly text: string })[]): Schema {
  const schema: SchemaDraft = new Map();
  for (const { text, file, keyspace, skipsOrphanViews = false } of texts) {
    const reader = new TokenReader(uncommentCompactTables(text), file === undefined ? {} : { file });
    readStatements({ reader, schema, keyspace, skipsOrphanViews });
  }
  return finishSchema(schema);
}

function readStatements(parser: Parser): void {
  const { reader } = parser;
  for (;;) {
    while (reader.trySymbol(';'));
    if (reader.atEnd) return;
    readStatement(parser);
    if (!reader.atEnd) reader.expectSymbol(';');
  }
}

type Parser = {
  readonly reader: TokenReader;
  readonly schema: SchemaDraft;
  readonly skipsOrphanViews: boolean;
  /** That names without one are in. */
  keyspace: string | undefined;
};

type Named = { readonly keyspace: KeyspaceDraft; readonly name: string; readonly start: number };

const ELEMENTS = 'KEYSPACE, TYPE, TABLE, INDEX, CUSTOM INDEX, MATERIALIZED VIEW, FUNCTION, AGGREGATE or TRIGGER';

function readStatement(parser: Parser): void {
  const { reader } = parser;
  if (reader.tryWords('create')) createElement(parser);
  else if (reader.tryWords('alter')) alterElement(parser);
  else if (reader.tryWords('use')) parser.keyspace = reader.expectName('a keyspace');
  else throw reader.unexpected('CREATE, ALTER TABLE or USE', 'only statements that make a schema belong in the file');
}

function createElement(parser: Parser): void {
  const { reader } = parser;
  const orReplace = reader.tryWords('or', 'replace');
  if (reader.tryWords('keyspace') || reader.tryWords('schema')) createKeyspace(parser);
  else if (reader.tryWords('type')) createType(parser);
  else if (reader.tryWords('table') || reader.tryWords('columnfamily')) createTable(parser);
  else if (reader.tryWords('custom', 'index')) createIndex(parser, true);
  else if (reader.tryWords('index')) createIndex(parser, false);
  else if (reader.tryWords('materialized', 'view')) createView(parser);
  else if (reader.tryWords('function')) createFunction(parser, orReplace);
  else if (reader.tryWords('aggregate')) createAggregate(parser, orReplace);
  else if (reader.tryWords('trigger')) createTrigger(parser);
  else throw reader.unexpected(ELEMENTS);
}

function ifNotExists(reader: TokenReader): boolean {
  return reader.tryWords('if', 'not', 'exists');
}

/** `[keyspace '.'] name` */
function readName(parser: Parser, what: string): Named {
  const { reader } = parser;
  const { start } = reader.token;
  const first = reader.expectName(what);
  if (reader.trySymbol('.')) {
    return { keyspace: draftKeyspace(parser.schema, first), name: reader.expectName(what), start };
  }
  if (parser.keyspace === undefined) {
    throw reader.error(`'${first}' has no keyspace`, start, { expected: 'keyspace.name, or USE keyspace before' });
  }
  return { keyspace: draftKeyspace(parser.schema, parser.keyspace), name: first, start };
}

function alreadyThere(reader: TokenReader, { name, start }: Named) {
  return reader.error(`'${name}' is defined twice`, start, {
    seen: name,
    expected: 'one definition, or IF NOT EXISTS',
  });
}

function createKeyspace({ reader, schema }: Parser): void {
  const skip = ifNotExists(reader);
  const { start } = reader.token;
  const keyspace = draftKeyspace(schema, reader.expectName('a keyspace name'));
  if (keyspace.replication && !skip) throw alreadyThere(reader, { keyspace, name: keyspace.name, start });
  reader.expectWords('with');
  do {
    const at = reader.token.start;
    const property = reader.expectName('replication or durable_writes');
    reader.expectSymbol('=');
    if (property === 'replication') keyspace.replication = withFullClass('replication', readMap(reader));
    else if (property === 'durable_writes') keyspace.durableWrites = readBoolean(reader);
    else
      throw reader.error(`'${property}' is no property of a keyspace`, at, {
        expected: 'replication or durable_writes',
      });
  } while (reader.tryWords('and'));
  keyspace.durableWrites ??= true;
}

function createType(parser: Parser): void {
  const { reader } = parser;
  const skip = ifNotExists(reader);
  const named = readName(parser, 'a type name');
  const { keyspace, name } = named;
  const fields: UserType['fields'][number][] = [];
  reader.expectSymbol('(');
  do fields.push({ name: reader.expectName('a field name'), type: readType(reader, typeScope(keyspace)) });
  while (reader.trySymbol(','));
  reader.expectSymbol(')');
  if (!keyspace.types.has(name)) {
    keyspace.types.set(name, { kind: 'udt', keyspace: keyspace.name, name, fields, multiCell: true });
  } else if (!skip) throw alreadyThere(reader, named);
}

function createTable(parser: Parser): void {
  const { reader } = parser;
  const skip = ifNotExists(reader);
  const named = readName(parser, 'a table name');
  const table = readTable(reader, named.keyspace, named.name);
  if (!named.keyspace.tables.has(named.name)) named.keyspace.tables.set(named.name, table);
  else if (!skip) throw alreadyThere(reader, named);
}

function findTable(parser: Parser): Named & { readonly table: TableDraft } {
  const named = readName(parser, 'a table name');
  const table = named.keyspace.tables.get(named.name);
  if (table) return { ...named, table };
  throw parser.reader.error(`table '${named.name}' of keyspace ${named.keyspace.name} is not defined`, named.start, {
    seen: named.name,
    expected: 'a table that CREATE TABLE made before',
  });
}

function alterElement(parser: Parser): void {
  const { reader } = parser;
  if (!reader.tryWords('table') && !reader.tryWords('columnfamily')) throw reader.unexpected('TABLE');
  reader.tryWords('if', 'exists');
  const { keyspace, table } = findTable(parser);
  alterTable(reader, keyspace, table);
}

function createIndex(parser: Parser, isCustom: boolean): void {
  const { reader } = parser;
  const skip = ifNotExists(reader);
  const { start } = reader.token;
  const isNamed = !(reader.isWord('on') && reader.peekSecond().text !== 'on');
  let name = isNamed ? reader.expectName('an index name') : undefined;
  if (name !== undefined && reader.trySymbol('.')) name = reader.expectName('an index name');
  reader.expectWords('on');
  const { keyspace, table } = findTable(parser);
  const used = new Set([...keyspace.tables.values()].flatMap(({ indexes }) => indexes.map((index) => index.name)));
  const index = readIndex(reader, table, { name, isCustom, used });
  if (!used.has(index.name)) table.indexes.push(index);
  else if (!skip) throw alreadyThere(reader, { keyspace, name: index.name, start });
}

function createTrigger(parser: Parser): void {
  const { reader } = parser;
  ifNotExists(reader);
  const name = reader.expectName('a trigger name');
  reader.expectWords('on');
  const { table } = findTable(parser);
  table.triggers.push(readTrigger(reader, name));
}

function createView(parser: Parser): void {
  const { reader } = parser;
  const skip = ifNotExists(reader);
  const named = readName(parser, 'a view name');
  const { keyspace, name } = named;
  const base = baseOfView(reader);
  if (parser.skipsOrphanViews && base !== undefined && !keyspace.tables.has(base)) {
    while (!reader.atEnd && !reader.isSymbol(';')) reader.take();
    return;
  }
  const view = readView(reader, name, () => findTable(parser).table);
  if (!keyspace.views.has(name)) keyspace.views.set(name, view);
  else if (!skip) throw alreadyThere(reader, named);
}

/** Name of the table that the view whose text comes next selects from; nothing is taken. */
function baseOfView(reader: TokenReader): string | undefined {
  const { start } = reader.token;
  while (!reader.atEnd && !reader.isSymbol(';') && !reader.isWord('from')) reader.take();
  let name: string | undefined;
  if (reader.tryWords('from')) {
    name = reader.take().text;
    if (reader.trySymbol('.')) name = reader.take().text;
  }
  reader.rewind(start);
  return name;
}

function createFunction(parser: Parser, orReplace: boolean): void {
  const skip = ifNotExists(parser.reader);
  const named = readName(parser, 'a function name');
  const fn = readFunction(parser.reader, named.keyspace, named.name);
  addOverload(parser.reader, named, named.keyspace.functions, fn, { skip, orReplace });
}

function createAggregate(parser: Parser, orReplace: boolean): void {
  const skip = ifNotExists(parser.reader);
  const named = readName(parser, 'an aggregate name');
  const aggregate = readAggregate(parser.reader, named.keyspace, named.name);
  addOverload(parser.reader, named, named.keyspace.aggregates, aggregate, { skip, orReplace });
}

/** Functions and aggregates are told apart by their name and the types of their arguments. */
function addOverload<T extends { readonly name: string; readonly argumentTypes: unknown }>(
  reader: TokenReader,
  named: Named,
  all: T[],
  added: T,
  { skip, orReplace }: { readonly skip: boolean; readonly orReplace: boolean },
): void {
  const signature = (fn: T) => JSON.stringify([fn.name, fn.argumentTypes]);
  const at = all.findIndex((known) => signature(known) === signature(added));
  if (at < 0) all.push(added);
  else if (orReplace) all[at] = added;
  else if (!skip) throw alreadyThere(reader, named);
}
