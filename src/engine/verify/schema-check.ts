/**
 * A serialization header against the schema. Cassandra trusts the header when it reads rows and the schema when it merges them; since
 * CASSANDRA-20394 it compares the two no more.
 *
 * No contradiction: columns that the schema has dropped; types as they were before an ALTER that kept the bytes valid (ascii → text → blob, any →
 * blob, int → bigint as varint, …, fields added to a user type); names of frozen inner types.
 */
import { columnNameBytes, columnsOfKind, type Table, type View } from '../../cql/schema.js';
import type { CqlType } from '../../cql/type.js';
import { cqlTypeName, isMultiCell, unreversed } from '../../cql/type-facts.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import type { Column } from '../../sstable/row.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { FindingLog } from './finding.js';

export function checkHeader(header: SerializationHeader, table: Table | View, log: FindingLog): void {
  // a compact table shows columns that its rows do not have, or the reverse
  if (!('flags' in table) ? false : isCompact(table)) return;
  const tell = (message: string, seen: string, expected: string) =>
    log.add('header-schema', message, { component: COMPONENT.statistics, seen, expected });
  checkKey(header, table, tell);
  const clusterings = columnsOfKind(table, 'clustering');
  if (header.clusteringTypes.length !== clusterings.length) {
    tell('has another number of clustering columns', String(header.clusteringTypes.length), String(clusterings.length));
  } else {
    clusterings.forEach(({ name, type, clusteringOrder }, i) => {
      const stored = header.clusteringTypes[i]!;
      const isDescending = stored.kind === 'reversed';
      if (isDescending !== (clusteringOrder === 'desc'))
        tell(`order of clustering column ${name}`, isDescending ? 'DESC' : 'ASC', clusteringOrder);
      if (!canBe(unreversed(stored), type))
        tell(`type of clustering column ${name}`, cqlTypeName(stored), cqlTypeName(type));
    });
  }
  for (const column of [...header.staticColumns, ...header.regularColumns]) checkColumn(column, table, tell);
}

type Tell = (message: string, seen: string, expected: string) => void;

function isCompact({ flags }: Table): boolean {
  return flags.includes('super') || flags.includes('dense') || !flags.includes('compound');
}

function checkKey({ keyType }: SerializationHeader, table: Table | View, tell: Tell): void {
  const columns = columnsOfKind(table, 'partition_key');
  const types = keyType.kind === 'composite' && columns.length > 1 ? keyType.components : [keyType];
  if (types.length !== columns.length) {
    tell('has another number of partition key columns', String(types.length), String(columns.length));
    return;
  }
  columns.forEach(({ name, type }, i) => {
    if (!canBe(types[i]!, type))
      tell(`type of partition key column ${name}`, cqlTypeName(types[i]!), cqlTypeName(type));
  });
}

function checkColumn({ name, nameBytes, type, isStatic }: Column, table: Table | View, tell: Tell): void {
  const known = table.columns.find((column) => Buffer.compare(columnNameBytes(column), nameBytes) === 0);
  const dropped = 'droppedColumns' in table ? table.droppedColumns.find((column) => column.name === name) : undefined;
  if (!known) {
    if (!dropped) tell(`column ${name} is in no schema`, cqlTypeName(type), 'a column, or one that was dropped');
    return;
  }
  if (dropped) return; // dropped and added again, maybe as another type
  if (known.kind !== (isStatic ? 'static' : 'regular'))
    tell(`kind of column ${name}`, isStatic ? 'static' : 'regular', known.kind);
  else if (isMultiCell(type) !== isMultiCell(known.type)) {
    tell(`column ${name} is ${isMultiCell(type) ? 'not ' : ''}frozen here`, cqlTypeName(type), cqlTypeName(known.type));
  } else if (!canBe(type, known.type)) tell(`type of column ${name}`, cqlTypeName(type), cqlTypeName(known.type));
}

/** What a native type may have been when the SSTable was written: all its values are values of the other. */
const WAS: Readonly<Record<string, readonly string[]>> = {
  text: ['ascii'],
  varint: ['int', 'bigint', 'timestamp', 'smallint', 'tinyint'],
  uuid: ['timeuuid'],
  bigint: ['timestamp'],
  timestamp: ['bigint'],
};

/** Whether a column of type `now` may have values that were written as `then`. */
function canBe(then: CqlType, now: CqlType): boolean {
  if (now.kind === 'reversed') return canBe(then, now.of);
  if (then.kind === 'reversed') return canBe(then.of, now);
  if (now.kind === 'native' && now.name === 'blob') return !isMultiCell(then);
  if (then.kind === 'custom' || now.kind === 'custom') return true;
  if (then.kind !== now.kind)
    return (then.kind === 'tuple' && now.kind === 'udt') || (then.kind === 'udt' && now.kind === 'tuple');
  switch (then.kind) {
    case 'native': {
      const name = (now as typeof then).name;
      return name === then.name || (WAS[name]?.includes(then.name) ?? false);
    }
    case 'list':
    case 'set':
      return canBe(then.element, (now as typeof then).element);
    case 'map':
      return canBe(then.key, (now as typeof then).key) && canBe(then.value, (now as typeof then).value);
    case 'tuple':
      return canAllBe(then.elements, (now as typeof then).elements);
    case 'udt':
      return canAllBe(then.fields.map(({ type }) => type), (now as typeof then).fields.map(({ type }) => type)); // biome-ignore format: one line
    case 'vector':
      return then.dimension === (now as typeof then).dimension && canBe(then.element, (now as typeof then).element);
    default:
      return true;
  }
}

/** Fields may have been added since. */
function canAllBe(then: readonly CqlType[], now: readonly CqlType[]): boolean {
  return then.length <= now.length && then.every((type, i) => canBe(type, now[i]!));
}
