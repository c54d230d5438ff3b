/**
 * What else belongs to a table or keyspace, each read from after its name:
 *
 *   [CUSTOM] INDEX … ON table '(' [target {',' target}] ')' [USING 'class'] [WITH OPTIONS = map]      target = name | KEYS|VALUES|ENTRIES|FULL '(' name ')'
 *   MATERIALIZED VIEW … AS SELECT (* | names) FROM table WHERE … PRIMARY KEY '(' … ')' [WITH …]
 *   FUNCTION … '(' name type {',' …} ')' (CALLED | RETURNS NULL) ON NULL INPUT RETURNS type LANGUAGE name AS string
 *   AGGREGATE … '(' type {',' …} ')' SFUNC name STYPE type [FINALFUNC name] [INITCOND literal]
 *   TRIGGER … ON table USING 'class'
 */
import type { TokenReader } from './cql-tokens.js';
import { readType } from './cql-type-parser.js';
import { type KeyspaceDraft, type TableDraft, typeScope } from './ddl-draft.js';
import { readMap, readTableProperties } from './ddl-properties.js';
import { applyPrimaryKey, readLiteral, readPrimaryKey } from './ddl-table.js';
import { maybeQuote } from './identifier.js';
import { type Index, sortColumns, type Trigger, type UserAggregate, type UserFunction, type View } from './schema.js';
import type { CqlType } from './type.js';

/** Name of the built-in index implementation, which is no custom one (CassandraIndex.NAME). */
const BUILT_IN_INDEX = 'legacy_local_table';

export type IndexContext = {
  readonly name: string | undefined;
  readonly isCustom: boolean;
  /** Names of the keyspace's indexes so far. */
  readonly used: ReadonlySet<string>;
};

export function readIndex(reader: TokenReader, table: TableDraft, { name, isCustom, used }: IndexContext): Index {
  const targets: { readonly text: string; readonly column: string }[] = [];
  reader.expectSymbol('(');
  while (!reader.isSymbol(')')) {
    if (targets.length > 0) reader.expectSymbol(',');
    targets.push(readTarget(reader, table));
  }
  reader.take();
  const using = reader.tryWords('using') ? reader.expectKind('string', 'the name of a class') : undefined;
  const options = reader.tryWords('with') ? readIndexOptions(reader) : {};
  if (isCustom && using === undefined) throw reader.unexpected('USING');
  const className = isCustom || using?.toLowerCase() !== BUILT_IN_INDEX ? using : undefined;
  const target = targets.map(({ text }) => text).join(', ');
  const base = `${table.name}_${targets.length === 1 ? `${targets[0]!.column}_` : ''}idx`;
  return {
    name: name ?? unusedName(base.replaceAll(/\W/g, ''), used),
    kind: className !== undefined ? 'CUSTOM' : table.flags.includes('compound') ? 'COMPOSITES' : 'KEYS',
    options: { ...options, target, ...(className !== undefined && { class_name: className }) },
  };
}

function readTarget(reader: TokenReader, table: TableDraft): { readonly text: string; readonly column: string } {
  const { kind, text } = reader.token;
  const isFunction = kind === 'name' && ['keys', 'values', 'entries', 'full'].includes(text);
  if (isFunction && reader.peekSecond().text === '(') {
    reader.take();
    reader.take();
    const column = reader.expectName('a column name');
    reader.expectSymbol(')');
    return { text: `${text}(${maybeQuote(column)})`, column };
  }
  const { start } = reader.token;
  const column = reader.expectName('a column name');
  const definition = table.columns.find((candidate) => candidate.name === column);
  if (!definition) throw reader.error(`column '${column}' is not in table ${table.name}`, start);
  const { type } = definition;
  const isCollection = (type.kind === 'list' || type.kind === 'set' || type.kind === 'map') && type.multiCell;
  return { text: isCollection ? `values(${maybeQuote(column)})` : maybeQuote(column), column };
}

function readIndexOptions(reader: TokenReader): Record<string, string> {
  reader.expectWords('options');
  reader.expectSymbol('=');
  return readMap(reader);
}

function unusedName(base: string, used: ReadonlySet<string>): string {
  let name = base;
  for (let i = 1; used.has(name); i++) name = `${base}_${i}`;
  return name;
}

export function readTrigger(reader: TokenReader, name: string): Trigger {
  reader.expectWords('using');
  return { name, className: reader.expectKind('string', 'the name of a class') };
}

export function readView(reader: TokenReader, name: string, readBase: () => TableDraft): View {
  reader.expectWords('as', 'select');
  const start = reader.token.start;
  const selected = reader.trySymbol('*') ? undefined : readNames(reader);
  reader.expectWords('from');
  const base = readBase();
  reader.expectWords('where');
  const whereClause = readWhere(reader);
  const key = readPrimaryKey(reader);
  const properties = readTableProperties(reader);
  for (const column of selected ?? []) {
    if (!base.columns.some((candidate) => candidate.name === column)) {
      throw reader.error(`column '${column}' is not in table ${base.name}`, start);
    }
  }
  const columns = base.columns
    .filter((column) => selected?.includes(column.name) ?? true)
    .map((column) => ({ ...column, kind: 'regular' as const, position: -1, clusteringOrder: 'none' as const }));
  const order = new Map(base.columns.map((column) => [column.name, column.clusteringOrder] as const));
  const clusteringOrder = new Map(
    key.clustering.map((column) => {
      const inherited = order.get(column) === 'desc' ? 'desc' : 'asc';
      return [column, properties.clusteringOrder.get(column) ?? inherited] as const;
    }),
  );
  return {
    keyspace: base.keyspace,
    name,
    ...(properties.id !== undefined && { id: properties.id }),
    baseTable: base.name,
    ...(base.id !== undefined && { baseTableId: base.id }),
    includeAllColumns: selected === undefined,
    whereClause,
    columns: sortColumns(applyPrimaryKey(reader, start, columns, key, { ...properties, clusteringOrder })),
    options: properties.options,
  };
}

function readNames(reader: TokenReader): string[] {
  const names: string[] = [];
  do names.push(reader.expectName('a column name, or *'));
  while (reader.trySymbol(','));
  return names;
}

/** The clause as written, with one blank where there were some or a comment. */
function readWhere(reader: TokenReader): string {
  let text = '';
  let end = reader.token.start;
  while (!(reader.isWord('primary') && reader.peekSecond().text === 'key')) {
    const { kind, start } = reader.token;
    if (kind === 'end' || reader.isSymbol(';')) throw reader.unexpected('PRIMARY KEY');
    const token = reader.take();
    text += (start > end ? ' ' : '') + reader.source.slice(start, token.end);
    end = token.end;
  }
  return text;
}

export function readFunction(reader: TokenReader, keyspace: KeyspaceDraft, name: string): UserFunction {
  const argumentNames: string[] = [];
  const argumentTypes: CqlType[] = [];
  reader.expectSymbol('(');
  while (!reader.isSymbol(')')) {
    if (argumentNames.length > 0) reader.expectSymbol(',');
    argumentNames.push(reader.expectName("the name of an argument, or ')'"));
    argumentTypes.push(readType(reader, typeScope(keyspace)));
  }
  reader.take();
  const calledOnNullInput = reader.tryWords('called');
  if (!calledOnNullInput) reader.expectWords('returns', 'null');
  reader.expectWords('on', 'null', 'input', 'returns');
  const returnType = readType(reader, typeScope(keyspace));
  reader.expectWords('language');
  const language = reader.expectName('a language');
  reader.expectWords('as');
  const body = reader.expectKind('string', "the function's body, $$…$$");
  return { name, argumentNames, argumentTypes, returnType, language, calledOnNullInput, body };
}

export function readAggregate(reader: TokenReader, keyspace: KeyspaceDraft, name: string): UserAggregate {
  const argumentTypes: CqlType[] = [];
  reader.expectSymbol('(');
  while (!reader.isSymbol(')')) {
    if (argumentTypes.length > 0) reader.expectSymbol(',');
    argumentTypes.push(readType(reader, typeScope(keyspace)));
  }
  reader.take();
  reader.expectWords('sfunc');
  const stateFunction = reader.expectName('a function');
  reader.expectWords('stype');
  const stateType = readType(reader, typeScope(keyspace));
  const finalFunction = reader.tryWords('finalfunc') ? reader.expectName('a function') : undefined;
  const initialCondition = reader.tryWords('initcond') ? readLiteral(reader, [';', '']) : undefined;
  return {
    name,
    argumentTypes,
    stateFunction,
    stateType,
    ...(finalFunction !== undefined && { finalFunction }),
    ...(initialCondition !== undefined && { initialCondition }),
  };
}
