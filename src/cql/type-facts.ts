/** What readers ask of a type: its name in CQL, the width of its values, the types of a complex column's cells. */
import { CorruptError, InvariantError } from '../bytes/errors.js';
import { maybeQuote } from './identifier.js';
import { marshalTypeName, native } from './marshal.js';
import type { CqlType, NativeName } from './type.js';

/** Types whose cells have no length before them; the other natives have one, fixed or not (smallint, tinyint, date, time, counter …). */
const FIXED: Readonly<Partial<Record<NativeName, number>>> = {
  bigint: 8,
  boolean: 1,
  double: 8,
  empty: 0,
  float: 4,
  int: 4,
  timestamp: 8,
  timeuuid: 16,
  uuid: 16,
};

/** Bytes of every non-empty value where values are stored without their length, else -1 (AbstractType.valueLengthIfFixed). */
export function fixedLength(type: CqlType): number {
  switch (type.kind) {
    case 'native':
      return FIXED[type.name] ?? -1;
    case 'reversed':
      return fixedLength(type.of);
    case 'vector': {
      const element = fixedLength(type.element);
      return element < 0 ? -1 : element * type.dimension;
    }
    default:
      return -1;
  }
}

/** The type as CQL writes it: `frozen<map<int, text>>`; UDTs without their keyspace; classes that CQL has no word for in quotes. */
export function cqlTypeName(type: CqlType): string {
  switch (type.kind) {
    case 'native':
      return type.className === 'LexicalUUIDType' ? `'${marshalTypeName(type)}'` : type.name;
    case 'list':
    case 'set':
      return frozenName(type.multiCell, `${type.kind}<${cqlTypeName(type.element)}>`);
    case 'map':
      return frozenName(type.multiCell, `map<${cqlTypeName(type.key)}, ${cqlTypeName(type.value)}>`);
    case 'udt':
      return frozenName(type.multiCell, maybeQuote(type.name));
    case 'tuple':
      return `frozen<tuple<${type.elements.map(cqlTypeName).join(', ')}>>`;
    case 'vector':
      return `vector<${cqlTypeName(type.element)}, ${type.dimension}>`;
    case 'reversed':
      return cqlTypeName(type.of);
    default:
      return `'${marshalTypeName(type)}'`;
  }
}

function frozenName(multiCell: boolean, name: string): string {
  return multiCell ? name : `frozen<${name}>`;
}

/** Whether a column of this type is complex: its cells have paths. */
export function isMultiCell(type: CqlType): boolean {
  return 'multiCell' in type && type.multiCell;
}

export function isCounter(type: CqlType): boolean {
  return type.kind === 'native' && type.name === 'counter';
}

/** Without `ReversedType`: values are the same, only their order differs. */
export function unreversed(type: CqlType): CqlType {
  return type.kind === 'reversed' ? unreversed(type.of) : type;
}

/**
 * Type of the values of a column's cells: the column's own for simple columns; of complex ones the list's element, the map's value, nothing
 * for sets, and for UDTs the field that `path` names. @throws CorruptError where the UDT has no such field
 */
export function cellValueType(columnType: CqlType, path?: Uint8Array): CqlType {
  if (!isMultiCell(columnType)) return columnType;
  switch (columnType.kind) {
    case 'list':
      return columnType.element;
    case 'set':
      return native('empty');
    case 'map':
      return columnType.value;
    case 'udt':
      return columnType.fields[udtFieldIndex(columnType, path)]!.type;
    default:
      throw new InvariantError('not a multi-cell type');
  }
}

/** Type of the cell paths of a complex column. */
export function pathType(columnType: CqlType): CqlType {
  switch (columnType.kind) {
    case 'list':
      return native('timeuuid');
    case 'set':
      return columnType.element;
    case 'map':
      return columnType.key;
    case 'udt':
      return native('smallint');
    default:
      throw new InvariantError('not a multi-cell type');
  }
}

/** Index of the field that a cell path (i16) of a multi-cell UDT names. @throws CorruptError */
export function udtFieldIndex(type: Extract<CqlType, { kind: 'udt' }>, path: Uint8Array | undefined): number {
  const index = path?.length === 2 ? (path[0]! << 8) | path[1]! : -1;
  if (index < 0 || index >= type.fields.length) {
    throw new CorruptError(`cell path names no field of type ${type.keyspace}.${type.name}`, {
      seen: `0x${Buffer.from(path ?? []).toString('hex')}`,
      expected: `2 bytes, below ${type.fields.length}`,
    });
  }
  return index;
}
