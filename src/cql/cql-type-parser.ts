/**
 * Types as CQL writes them, in DDL and in system_schema:
 *
 *   type = native | 'marshal.Class(…)' | frozen '<' type '>' | [keyspace '.'] user_type
 *        | list '<' type '>' | set '<' type '>' | map '<' type ',' type '>' | tuple '<' type {',' type} '>' | vector '<' type ',' n '>'
 *
 * Elements of collections, tuples and vectors are frozen whether the text says so or not.
 */
import { CorruptError, type ErrorFacts } from '../bytes/errors.js';
import { TokenReader } from './cql-tokens.js';
import { freeze, native, parseMarshalType } from './marshal.js';
import type { CqlType, NativeName } from './type.js';

export type UserType = Extract<CqlType, { kind: 'udt' }>;

/** The user-defined types that a type may name: those of one keyspace, not frozen. */
export type TypeScope = { readonly keyspace: string; readonly userTypes: ReadonlyMap<string, UserType> };

const NATIVES: ReadonlySet<string> = new Set<NativeName>([
  'ascii',
  'bigint',
  'blob',
  'boolean',
  'counter',
  'date',
  'decimal',
  'double',
  'duration',
  'empty',
  'float',
  'inet',
  'int',
  'smallint',
  'text',
  'time',
  'timestamp',
  'timeuuid',
  'tinyint',
  'uuid',
  'varint',
]);

/** Deeper than any real type; keeps hostile text off the stack. */
const MAX_DEPTH = 64;

/** The type that `text` of system_schema names. @throws CorruptError where it is none; `context` says where it was read */
export function parseCqlType(text: string, scope: TypeScope, context: ErrorFacts = {}): CqlType {
  const reader = storedType(text, context);
  const type = readType(reader, scope);
  reader.expectEnd();
  return type;
}

/** A reader of text that a file held: what is wrong there is corrupt. */
function storedType(text: string, context: ErrorFacts): TokenReader {
  return new TokenReader(
    text,
    context,
    (message, facts) => new CorruptError(`type text is broken: ${message}`, { ...facts, seen: text.slice(0, 200) }),
  );
}

/** Reads one type. @throws what `reader` makes: no type here, or a user-defined type that `scope` does not have */
export function readType(reader: TokenReader, scope: TypeScope, depth = 0): CqlType {
  if (depth > MAX_DEPTH) throw reader.error(`type nested deeper than ${MAX_DEPTH}`);
  const { kind, text } = reader.token;
  if (kind === 'string') {
    reader.take();
    return parseMarshalType(text);
  }
  if (kind === 'name' && reader.peekSecond().text !== '.') {
    if (NATIVES.has(text) || text === 'varchar') {
      reader.take();
      return native(text === 'varchar' ? 'text' : (text as NativeName));
    }
    if (reader.peekSecond().text === '<') return readParametric(reader, scope, depth);
  }
  return readUserType(reader, scope);
}

function readParametric(reader: TokenReader, scope: TypeScope, depth: number): CqlType {
  const { start, text: name } = reader.token;
  const next = () => freeze(readType(reader, scope, depth + 1));
  reader.take();
  reader.expectSymbol('<');
  let type: CqlType;
  if (name === 'frozen') type = next();
  else if (name === 'list' || name === 'set') type = { kind: name, element: next(), multiCell: true };
  else if (name === 'map') {
    const key = next();
    reader.expectSymbol(',');
    type = { kind: 'map', key, value: next(), multiCell: true };
  } else if (name === 'tuple') {
    const elements = [next()];
    while (reader.trySymbol(',')) elements.push(next());
    type = { kind: 'tuple', elements };
  } else if (name === 'vector') {
    const element = next();
    reader.expectSymbol(',');
    const dimension = Number(reader.expectKind('number', 'a dimension'));
    if (!Number.isInteger(dimension) || dimension < 1) throw reader.error('a vector dimension is a positive integer');
    type = { kind: 'vector', element, dimension };
  } else {
    throw reader.error(`'${name}' is no type with parameters`, start, {
      seen: name,
      expected: 'frozen, list, set, map, tuple or vector',
    });
  }
  reader.expectSymbol('>');
  return type;
}

function readUserType(reader: TokenReader, scope: TypeScope): CqlType {
  const { start } = reader.token;
  let name = reader.expectName('a type');
  if (reader.trySymbol('.')) {
    if (name !== scope.keyspace) {
      throw reader.error('user-defined types can be used in their own keyspace only', start, {
        seen: name,
        expected: scope.keyspace,
      });
    }
    name = reader.expectName('a type name');
  }
  const type = scope.userTypes.get(name);
  if (!type)
    throw reader.error(`type '${name}' of keyspace ${scope.keyspace} is not defined`, start, {
      seen: name,
      expected: 'a native type, or one that CREATE TYPE made before',
    });
  return type;
}

/** Names of the user-defined types that `text` may refer to: those that have to be known first. @throws CorruptError */
export function referencedTypeNames(text: string, context: ErrorFacts = {}): string[] {
  const reader = storedType(text, context);
  const names: string[] = [];
  while (reader.token.kind !== 'end') {
    const { kind, text: name } = reader.take();
    if (kind === 'quoted' || (kind === 'name' && !NATIVES.has(name))) names.push(name);
  }
  return names;
}

/** `type` with UDTs as tuples: how Cassandra keeps the type of a dropped column, which outlives the UDT. */
export function expandUserTypes(type: CqlType): CqlType {
  switch (type.kind) {
    case 'list':
    case 'set':
      return { ...type, element: expandUserTypes(type.element) };
    case 'map':
      return { ...type, key: expandUserTypes(type.key), value: expandUserTypes(type.value) };
    case 'tuple':
      return { ...type, elements: type.elements.map(expandUserTypes) };
    case 'udt':
      return { kind: 'tuple', elements: type.fields.map((field) => expandUserTypes(freeze(field.type))) };
    case 'vector':
      return { ...type, element: expandUserTypes(type.element) };
    case 'reversed':
      return { ...type, of: expandUserTypes(type.of) };
    default:
      return type;
  }
}
