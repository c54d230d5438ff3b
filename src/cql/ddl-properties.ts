/**
 * What stands after WITH:
 *
 *   WITH property {AND property}     property = COMPACT STORAGE | CLUSTERING ORDER BY '(' name [ASC|DESC] {',' …} ')' | name '=' value
 *   value                            string, number, true, false, uuid, or '{' constant ':' constant {',' …} '}'
 */
import type { TokenReader } from './cql-tokens.js';
import { type OptionDescription, TABLE_OPTIONS, type TableOptions, withFullClass } from './table-options.js';

export type TableProperties = {
  readonly options: TableOptions;
  readonly id?: string;
  readonly isCompact: boolean;
  readonly clusteringOrder: ReadonlyMap<string, 'asc' | 'desc'>;
};

/** Reads `WITH …` of a table or view, where there is one. */
export function readTableProperties(reader: TokenReader): TableProperties {
  const options: Record<string, unknown> = {};
  const clusteringOrder = new Map<string, 'asc' | 'desc'>();
  let id: string | undefined;
  let isCompact = false;
  if (reader.tryWords('with')) {
    do {
      if (reader.tryWords('compact', 'storage')) isCompact = true;
      else if (reader.tryWords('clustering', 'order', 'by')) readClusteringOrder(reader, clusteringOrder);
      else if (reader.isWord('id')) id = readId(reader);
      else readOption(reader, options);
    } while (reader.tryWords('and'));
  }
  return { options: options as TableOptions, ...(id !== undefined && { id }), isCompact, clusteringOrder };
}

function readClusteringOrder(reader: TokenReader, order: Map<string, 'asc' | 'desc'>): void {
  reader.expectSymbol('(');
  do {
    const name = reader.expectName('a clustering column');
    const isDescending = reader.tryWords('desc');
    if (!isDescending) reader.tryWords('asc');
    order.set(name, isDescending ? 'desc' : 'asc');
  } while (reader.trySymbol(','));
  reader.expectSymbol(')');
}

function readId(reader: TokenReader): string {
  reader.take();
  reader.expectSymbol('=');
  if (reader.token.kind === 'uuid') return reader.take().text;
  const text = reader.token.text.toLowerCase();
  if (reader.token.kind !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) {
    throw reader.unexpected('a UUID');
  }
  reader.take();
  return text;
}

function readOption(reader: TokenReader, options: Record<string, unknown>): void {
  const { start } = reader.token;
  const name = reader.expectName('an option');
  const option = TABLE_OPTIONS.find((known) => known.name === name);
  if (!option) {
    throw reader.error(`'${name}' is no option of a table that Cassandra 3.0 to 5.0 knows`, start, {
      seen: name,
      expected: TABLE_OPTIONS.map((known) => known.name).join(', '),
      hint: 'take it out of the file: options of other releases say nothing about how rows are stored',
    });
  }
  reader.expectSymbol('=');
  options[option.key] = readValue(reader, option);
}

function readValue(reader: TokenReader, option: OptionDescription): unknown {
  switch (option.kind) {
    case 'text':
      return readConstant(reader, 'a string');
    case 'boolean':
      return readBoolean(reader);
    case 'int':
    case 'double':
      return readNumber(reader, option.kind === 'int');
    case 'map':
      return withFullClass(option.name, readMap(reader));
    default:
      return readBlobs(reader);
  }
}

export function readBoolean(reader: TokenReader): boolean {
  const { kind, text } = reader.token;
  const value = text.toLowerCase();
  if ((kind !== 'name' && kind !== 'string') || (value !== 'true' && value !== 'false')) {
    throw reader.unexpected('true or false');
  }
  reader.take();
  return value === 'true';
}

function readNumber(reader: TokenReader, isInteger: boolean): number {
  const { kind, text } = reader.token;
  const value = (kind === 'number' || kind === 'string') && text.trim() !== '' ? Number(text) : Number.NaN;
  if (isInteger ? !Number.isInteger(value) : !Number.isFinite(value)) {
    throw reader.unexpected(isInteger ? 'an integer' : 'a number');
  }
  reader.take();
  return value;
}

function readConstant(reader: TokenReader, what: string): string {
  const { kind } = reader.token;
  if (kind === 'symbol' || kind === 'quoted' || kind === 'end') throw reader.unexpected(what);
  return reader.take().text;
}

/** A map of constants, as text. */
export function readMap(reader: TokenReader): Record<string, string> {
  return readEntries(reader, () => readConstant(reader, 'a value'));
}

function readBlobs(reader: TokenReader): Record<string, string> {
  return readEntries(reader, () => reader.expectKind('blob', 'a blob, 0x…').slice(2).toLowerCase());
}

function readEntries(reader: TokenReader, readOne: () => string): Record<string, string> {
  const entries: [string, string][] = [];
  reader.expectSymbol('{');
  while (!reader.isSymbol('}')) {
    if (entries.length > 0) reader.expectSymbol(',');
    const key = readConstant(reader, "a key, or '}'");
    reader.expectSymbol(':');
    entries.push([key, readOne()]);
  }
  reader.take();
  return Object.fromEntries(entries);
}
