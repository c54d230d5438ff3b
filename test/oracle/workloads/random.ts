/** A keyspace made up by a seed: tables of random types, and writes and deletions of every kind into few partitions. */

import { columnType, type RandomType, randomType, userType } from './random-types.js';
import { type Random, random, range, START_MICROS, type Workload } from './workload.js';

const KS = 'chance';
const COMPRESSIONS = [
  "{'class': 'LZ4Compressor', 'chunk_length_in_kb': '4'}",
  "{'class': 'LZ4Compressor', 'min_compress_ratio': '1.2'}",
  "{'class': 'ZstdCompressor'}",
  "{'class': 'DeflateCompressor'}",
  "{'class': 'SnappyCompressor', 'chunk_length_in_kb': '4'}",
  "{'class': 'NoopCompressor'}",
  "{'enabled': 'false'}",
];

type Column = { readonly name: string; readonly type: RandomType };
type Table = {
  readonly name: string;
  readonly partitionKey: readonly Column[];
  readonly clustering: readonly Column[];
  readonly statics: readonly Column[];
  readonly regulars: readonly Column[];
  /** Values of the partition keys that are written. */
  readonly keys: readonly string[];
  /** For each clustering column, the values that are written: few, so that writes meet. */
  readonly clusterings: readonly (readonly string[])[];
};

const assign = (columns: readonly Column[], values: readonly string[]) =>
  columns.map(({ name }, i) => `${name} = ${values[i]}`);

function makeTable(
  r: Random,
  n: number,
  userTypes: readonly RandomType[],
  five: boolean,
): { table: Table; create: string } {
  const columns = (prefix: string, count: number, type: () => RandomType): Column[] =>
    range(0, count).map((i) => ({ name: r.pick([`${prefix}${i}`, `"${prefix.toUpperCase()} ${i}"`]), type: type() }));
  const partitionKey = columns('k', r.pick([1, 1, 1, 2, 3]), () => randomType(r, 1, true));
  const clustering = columns('c', r.pick([0, 1, 1, 2, 2, 3]), () => randomType(r, 1, true));
  const statics = columns('s', clustering.length > 0 ? r.int(0, 3) : 0, () => columnType(r, userTypes, five));
  const regulars = columns('v', r.pick([0, 1, 2, 4, 7, 12]), () => columnType(r, userTypes, five));
  // An empty value is no partition key on its own.
  const key = (type: RandomType): string => {
    for (;;) {
      const literal = type.literal(r);
      if (partitionKey.length > 1 || (literal !== "''" && literal !== '0x')) return literal;
    }
  };
  const keys = range(0, r.pick([2, 6, 20])).map(() =>
    assign(
      partitionKey,
      partitionKey.map(({ type }) => key(type)),
    ).join(' AND '),
  );
  const clusterings = clustering.map(({ type }) => range(0, r.int(3, 12)).map(() => type.literal(r)));
  // sstabledump -d takes a field of such a type for the whole value, and what isn't one for lengths: gigabytes, or hours.
  const hasFields = [...statics, ...regulars].some(({ type }) => type.multiCell === 'udt');
  const name = `${KS}.${hasFields ? 'fields' : 't'}${n}`;
  const table: Table = { name, partitionKey, clustering, statics, regulars, keys, clusterings };
  const declared = [
    ...[...partitionKey, ...clustering].map(({ name, type }) => `${name} ${type.frozen}`),
    ...statics.map(({ name, type }) => `${name} ${type.column} static`),
    ...regulars.map(({ name, type }) => `${name} ${type.column}`),
  ];
  const names = (of: readonly Column[]) => of.map(({ name }) => name).join(', ');
  const primary = [`(${names(partitionKey)})`, ...clustering.map(({ name }) => name)].join(', ');
  const options = [
    ...(clustering.length > 0
      ? [`CLUSTERING ORDER BY (${clustering.map(({ name }) => `${name} ${r.pick(['ASC', 'DESC'])}`).join(', ')})`]
      : []),
    `compression = ${r.pick(COMPRESSIONS)}`,
    ...(r.next() < 0.15 ? ['default_time_to_live = 20000000'] : []),
  ];
  return {
    table,
    create: `CREATE TABLE ${table.name} (${declared.join(', ')}, PRIMARY KEY (${primary})) WITH ${options.join(' AND ')}`,
  };
}

function counterTable(r: Random): { create: string; write: () => string } {
  const create = `CREATE TABLE ${KS}.counters (k int, c text, s counter static, a counter, b counter, PRIMARY KEY (k, c))`;
  const write = () => {
    const where = `k = ${r.int(0, 4)} AND c = '${r.pick(['', 'x', 'y'])}'`;
    if (r.next() < 0.1) return `DELETE ${r.pick(['a', 'b'])} FROM ${KS}.counters WHERE ${where}`;
    const column = r.pick(['a', 'b']);
    return `UPDATE ${KS}.counters SET ${column} = ${column} + ${r.int(-1000, 1_000_000)} WHERE ${where}`;
  };
  return { create, write };
}

/** What an UPDATE sets a column to: a value, nothing, or for a multi-cell column some of its cells. */
function assignment(r: Random, { name, type }: Column): string {
  const chance = r.next();
  if (chance < 0.12) return `${name} = null`;
  if (chance < 0.5 || type.multiCell === undefined) return `${name} = ${type.literal(r)}`;
  switch (type.multiCell) {
    case 'list':
      return r.pick([`${name} = ${name} + [${type.element!(r)}]`, `${name} = [${type.element!(r)}] + ${name}`]);
    case 'set':
      return `${name} = ${name} ${r.pick(['+', '-'])} {${type.key!(r)}}`;
    case 'map':
      return r.next() < 0.7
        ? `${name}[${type.key!(r)}] = ${type.element!(r)}`
        : `${name} = ${name} - {${type.key!(r)}}`;
    case 'udt': {
      const [field, of] = r.pick(type.fields!);
      return `${name}.${field} = ${r.next() < 0.2 ? 'null' : of.literal(r)}`;
    }
  }
}

/** A slice of a partition: some clusterings given, and perhaps bounds on the next. */
function slice(r: Random, table: Table): string[] {
  const given = r.int(0, table.clustering.length);
  const conditions = assign(
    table.clustering.slice(0, given),
    table.clusterings.map((values) => r.pick(values)),
  );
  const next = table.clustering[given];
  if (next && r.next() < 0.8) {
    const bound = () => r.pick(table.clusterings[given]!);
    if (r.next() < 0.7) conditions.push(`${next.name} ${r.pick(['>', '>='])} ${bound()}`);
    if (r.next() < 0.7) conditions.push(`${next.name} ${r.pick(['<', '<='])} ${bound()}`);
  }
  return conditions;
}

function write(r: Random, table: Table, round: number): string {
  const key = r.pick(table.keys);
  const at = `TIMESTAMP ${START_MICROS + BigInt(round * 1000 + r.int(0, 2000))}`;
  const ttl = r.next() < 0.15 ? ` AND TTL ${r.pick([1, 20_000_000, 30_000_000])}` : '';
  const row = [
    key,
    ...assign(
      table.clustering,
      table.clusterings.map((values) => r.pick(values)),
    ),
  ].join(' AND ');
  const chance = r.next();
  if (chance < 0.12) return `DELETE FROM ${table.name} USING ${at} WHERE ${[key, ...slice(r, table)].join(' AND ')}`;
  if (chance < 0.16) return `DELETE FROM ${table.name} USING ${at} WHERE ${row}`;
  if (chance < 0.3 && table.statics.length > 0)
    return `UPDATE ${table.name} USING ${at}${ttl} SET ${assignment(r, r.pick(table.statics))} WHERE ${key}`;
  const columns = table.regulars.filter(() => r.next() < 0.6);
  if (chance < 0.65 && columns.length > 0) {
    const set = columns.map((column) => assignment(r, column)).join(', ');
    return `UPDATE ${table.name} USING ${at}${ttl} SET ${set} WHERE ${row}`;
  }
  // An INSERT names columns and values apart: those of the row come from its conditions.
  const pairs = [
    ...row.split(' AND ').map((condition) => condition.split(' = ')),
    ...columns.map(({ name, type }) => [name, r.next() < 0.1 ? 'null' : type.literal(r)]),
  ];
  return `INSERT INTO ${table.name} (${pairs.map(([name]) => name).join(', ')}) VALUES (${pairs.map(([, value]) => value).join(', ')}) USING ${at}${ttl}`;
}

/** @param writes for each table and round */
export function chance(version: string, seed: number, tables = 14, writes = 90): Workload {
  const r = random(seed);
  const five = version.startsWith('5');
  const userTypes = range(0, 3).map((n) => userType(r, `${KS}.u${n}`));
  const made = range(0, tables).map((n) => makeTable(r, n, userTypes, five));
  const counters = counterTable(r);
  const declare = ({ column, fields }: RandomType) =>
    `CREATE TYPE ${column} (${fields!.map(([name, type]) => `${name} ${type.frozen}`).join(', ')})`;
  return {
    keyspace: KS,
    create: [
      `CREATE KEYSPACE ${KS} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      ...userTypes.map(declare),
      ...made.map(({ create }) => create),
      counters.create,
    ],
    rounds: range(0, 3).map((round) => [
      ...(round === 1
        ? changes(
            r,
            made.map(({ table }) => table),
          )
        : []),
      ...made.flatMap(({ table }) => range(0, writes).map(() => write(r, table, round))),
      ...range(0, 30).map(counters.write),
    ]),
  };
}

/** Columns that come: writes don't know them, so that the SSTables before and after differ in their header only. */
function changes(r: Random, tables: readonly Table[]): string[] {
  return tables.filter(() => r.next() < 0.3).map((table) => `ALTER TABLE ${table.name} ADD added text`);
}
