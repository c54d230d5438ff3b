/**
 * CQL literals to values: 42, 0.5, 1e3, NaN, -Infinity, 'text', $$text$$, 0xff, true, a UUID, 1h30m, [a, b], {a, b}, {k: v}, (a, b),
 * {field: v}, null inside tuples and UDTs, blobAsInt(0x…) for any type. A type takes the literals that Cassandra lets it take.
 */
import { ByteWriter } from '../../bytes/writer.js';
import { comparator } from '../compare.js';
import { type Token, TokenReader } from '../cql-tokens.js';
import type { CqlType, NativeName } from '../type.js';
import { cqlTypeName, fixedLength } from '../type-facts.js';
import { packFields, parseHex, parseValue } from './parse-value.js';

const STRINGS = new Set<NativeName>(['ascii', 'text', 'inet', 'date', 'time', 'timestamp']);
const INTEGERS = new Set<NativeName>([
  'bigint',
  'date',
  'decimal',
  'double',
  'float',
  'int',
  'smallint',
  'time',
  'timestamp',
  'tinyint',
  'varint',
]);
const REALS = new Set<NativeName>(['decimal', 'double', 'float']);
const DURATION = /-?(?:P[0-9A-Z:-]+|(?:[0-9]+[a-zµ]+)+)/iy;

/** @throws UsageError naming the place where the text is no literal of the type */
export function parseCqlLiteral(type: CqlType, text: string): Buffer {
  const reader = new TokenReader(text);
  const value = literal(type, reader);
  reader.expectEnd();
  return value;
}

function literal(type: CqlType, reader: TokenReader): Buffer {
  if (/^blob_?as/.test(reader.token.text) && reader.token.kind === 'name') return blobAs(type, reader);
  switch (type.kind) {
    case 'native':
      return type.className === 'LexicalUUIDType' ? customLiteral(type, reader) : nativeLiteral(type, reader);
    case 'reversed':
      return literal(type.of, reader);
    case 'list':
      return packElements(elements('[', ']', reader, () => [literal(type.element, reader)]));
    case 'set':
      return packElements(
        sorted(
          type.element,
          elements('{', '}', reader, () => [literal(type.element, reader)]),
        ),
      );
    case 'map': {
      const entry = () => {
        const key = literal(type.key, reader);
        reader.expectSymbol(':');
        return [key, literal(type.value, reader)];
      };
      return packElements(sorted(type.key, elements('{', '}', reader, entry)));
    }
    case 'tuple':
      return tupleLiteral(type, reader);
    case 'udt':
      return udtLiteral(type, reader);
    case 'vector':
      return vectorLiteral(type, reader);
    default:
      return customLiteral(type, reader);
  }
}

/** Types that CQL has no word for take blobs, and text in the form of their own. */
function customLiteral(type: CqlType, reader: TokenReader): Buffer {
  const { kind } = reader.token;
  return kind === 'string' || kind === 'uuid' ? parseValue(type, reader.take().text) : rawBytes(type, reader);
}

function blobAs(type: CqlType, reader: TokenReader): Buffer {
  reader.take();
  reader.expectSymbol('(');
  const value = rawBytes(type, reader);
  reader.expectSymbol(')');
  return value;
}

function rawBytes(type: CqlType, reader: TokenReader): Buffer {
  return parseHex(type, reader.expectKind('blob', `a blob for ${cqlTypeName(type)}`));
}

function nativeLiteral(type: Extract<CqlType, { kind: 'native' }>, reader: TokenReader): Buffer {
  const { name } = type;
  if (name === 'duration') return durationLiteral(type, reader);
  const text = scalarText(name, reader);
  if (text === undefined) throw reader.unexpected(`a literal of type ${cqlTypeName(type)}`);
  return parseValue(type, text);
}

/** The literal's text where the type takes such a literal; its token is taken. */
function scalarText(name: NativeName, reader: TokenReader): string | undefined {
  const token = reader.token;
  if (token.kind === 'symbol' && token.text === '-' && REALS.has(name)) {
    const word = reader.peekSecond();
    if (!isSpecialNumber(word)) return undefined;
    reader.take();
    return reader.take() && `-${specialNumber(word)}`;
  }
  if (isSpecialNumber(token) && (name === 'float' || name === 'double')) {
    reader.take();
    return specialNumber(token);
  }
  return takesToken(name, token) ? reader.take().text : undefined;
}

function isSpecialNumber(token: Token): boolean {
  return token.kind === 'name' && (token.text === 'nan' || token.text === 'infinity');
}

function specialNumber(token: Token): string {
  return token.text === 'nan' ? 'NaN' : 'Infinity';
}

function takesToken(name: NativeName, token: Token): boolean {
  switch (token.kind) {
    case 'string':
      return STRINGS.has(name);
    case 'number':
      return /^-?\d+$/.test(token.text) ? INTEGERS.has(name) : REALS.has(name);
    case 'blob':
      return name === 'blob';
    case 'uuid':
      return name === 'uuid' || name === 'timeuuid';
    case 'name':
      return name === 'boolean' && (token.text === 'true' || token.text === 'false');
    default:
      return false;
  }
}

/** Durations are several tokens, and may hold colons. */
function durationLiteral(type: CqlType, reader: TokenReader): Buffer {
  DURATION.lastIndex = reader.token.start;
  const match = DURATION.exec(reader.source);
  if (!match) throw reader.unexpected('a duration such as 1h30m');
  const value = parseValue(type, match[0]);
  reader.rewind(DURATION.lastIndex);
  return value;
}

/** What `item` reads, between commas. */
function elements(open: string, close: string, reader: TokenReader, item: () => Buffer[]): Buffer[][] {
  const items: Buffer[][] = [];
  reader.expectSymbol(open);
  if (reader.trySymbol(close)) return items;
  do items.push(item());
  while (reader.trySymbol(','));
  reader.expectSymbol(close);
  return items;
}

/** By the first part of each, the last of equal ones kept, as Cassandra builds sets and maps. */
function sorted(type: CqlType, items: Buffer[][]): Buffer[][] {
  const compare = comparator(type);
  const order = (a: Buffer, b: Buffer) => compare(a, 0, a.length, b, 0, b.length);
  const result = [...items].sort((a, b) => order(a[0]!, b[0]!));
  return result.filter((item, i) => i + 1 === result.length || order(item[0]!, result[i + 1]![0]!) !== 0);
}

function packElements(items: Buffer[][]): Buffer {
  const out = new ByteWriter();
  out.i32(items.length);
  for (const part of items.flat()) {
    out.i32(part.length);
    out.bytes(part);
  }
  return out.toBytes();
}

function nullable(type: CqlType, reader: TokenReader): Buffer | null {
  if (!reader.isWord('null')) return literal(type, reader);
  reader.take();
  return null;
}

function tupleLiteral(type: Extract<CqlType, { kind: 'tuple' }>, reader: TokenReader): Buffer {
  const values: (Buffer | null)[] = [];
  reader.expectSymbol('(');
  do {
    const element = type.elements[values.length];
    if (!element) throw reader.unexpected(`at most ${type.elements.length} elements`);
    values.push(nullable(element, reader));
  } while (reader.trySymbol(','));
  reader.expectSymbol(')');
  return packFields(values);
}

function udtLiteral(type: Extract<CqlType, { kind: 'udt' }>, reader: TokenReader): Buffer {
  const values = new Map<string, Buffer | null>();
  reader.expectSymbol('{');
  while (!reader.isSymbol('}')) {
    const name = reader.expectName(`a field of ${type.name}`);
    const field = type.fields.find((candidate) => candidate.name === name);
    if (!field) throw reader.error(`type ${type.name} has no field ${name}`);
    reader.expectSymbol(':');
    values.set(name, nullable(field.type, reader));
    if (!reader.trySymbol(',')) break;
  }
  reader.expectSymbol('}');
  return packFields(type.fields.map((field) => values.get(field.name) ?? null));
}

function vectorLiteral(type: Extract<CqlType, { kind: 'vector' }>, reader: TokenReader): Buffer {
  const items = elements('[', ']', reader, () => [literal(type.element, reader)]).flat();
  if (items.length !== type.dimension) throw reader.error(`${type.dimension} elements expected, ${items.length} seen`);
  const out = new ByteWriter();
  for (const item of items) {
    if (fixedLength(type.element) < 0) out.uvint(item.length);
    out.bytes(item);
  }
  return out.toBytes();
}
