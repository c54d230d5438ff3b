/**
 * Mutations with values that are none of their types, or only just, each of a table `vals.t0`, `vals.t1` …: which of them a node takes as it
 * replays them. Recorded here, and asked of real nodes by test/oracle/commitlog-values.test.ts.
 */
import { ByteWriter } from '../../src/bytes/writer.js';
import { parseMarshalType } from '../../src/cql/marshal.js';
import { fixedLength } from '../../src/cql/type-facts.js';

export type CellCase = {
  /** Of a cell of a collection, in hex. */
  readonly path?: string;
  readonly value: string;
  /** Is a tombstone, deleted at these seconds after 2015-09-22. */
  readonly deletedAt?: number;
};

export type ValueCase = CellCase & { readonly isTaken: boolean };

export type TableCase = {
  /** Of column v. */
  readonly cql: string;
  /** As Cassandra writes the type in an SSTable; only its width matters. */
  readonly marshal: string;
  readonly where?: 'clustering' | 'static' | undefined;
  readonly isComplex?: boolean;
  readonly since5?: boolean;
  readonly cases: readonly ValueCase[];
};

const taken = (...values: string[]): ValueCase[] => values.map((value) => ({ value, isTaken: true }));
const refused = (...values: string[]): ValueCase[] => values.map((value) => ({ value, isTaken: false }));

const V1 = '000000000000100080000000000000ff';
const V4 = '000000000000400080000000000000ff';
const SHARD = '00'.repeat(15).concat('01', '0000000000000001', '0000000000000005');

const TEXTS = [
  ...taken('', '61', 'c3a9', 'e282ac', 'f09f9880', 'c080', 'eda080', 'e04180', 'f5808080', 'f0308080'),
  ...refused('ff', '80', 'c3', 'c1bf', 'e28261', 'f0808080', 'f8808080', '61c3'),
];

export const TABLES: readonly TableCase[] = [
  { cql: 'text', marshal: 'UTF8Type', cases: TEXTS },
  { cql: 'ascii', marshal: 'AsciiType', cases: [...taken('', '7f'), ...refused('6180')] },
  { cql: 'blob', marshal: 'BytesType', cases: taken('', 'ff') },
  { cql: 'int', marshal: 'Int32Type', cases: taken('', '00000001') },
  { cql: 'boolean', marshal: 'BooleanType', cases: taken('', '07') },
  { cql: 'smallint', marshal: 'ShortType', cases: [...taken('0001'), ...refused('', '01', '000001')] },
  { cql: 'tinyint', marshal: 'ByteType', cases: [...taken('01'), ...refused('', '0001')] },
  { cql: 'varint', marshal: 'IntegerType', cases: taken('01', '0001ff') },
  {
    cql: 'decimal',
    marshal: 'DecimalType',
    cases: [...taken('', '00000000', '0000000001'), ...refused('00', '000000')],
  },
  { cql: 'time', marshal: 'TimeType', cases: [...taken('0000000000000001', 'ffffffffffffffff'), ...refused('', '00')] },
  { cql: 'date', marshal: 'SimpleDateType', cases: [...taken('80000000'), ...refused('', '80')] },
  { cql: 'inet', marshal: 'InetAddressType', cases: [...taken('', '7f000001', '00'.repeat(16)), ...refused('7f0000')] },
  { cql: 'uuid', marshal: 'UUIDType', cases: taken('', V1, V4) },
  { cql: 'timeuuid', marshal: 'TimeUUIDType', cases: [...taken('', V1), ...refused(V4)] },
  {
    cql: 'duration',
    marshal: 'DurationType',
    cases: [...taken('020202', '010101'), ...refused('', '0202', '010202')],
  },
  {
    cql: 'frozen<list<text>>',
    marshal: 'FrozenType(ListType(UTF8Type))',
    cases: [
      ...taken('00000000', '000000010000000161', '0000000100000003eda080'),
      ...refused('', '00000001', '000000010000000261', '00000001000000ff61', '0000000100000001ff', '00000000ff'),
    ],
  },
  {
    cql: 'frozen<map<int, text>>',
    marshal: 'FrozenType(MapType(Int32Type,UTF8Type))',
    cases: [
      ...taken('00000000', '0000000100000004000000010000000161'),
      ...refused('00000001000000030000010000000161', '00000001000000040000000100000001ff'),
    ],
  },
  {
    cql: 'frozen<tuple<int, text>>',
    marshal: 'TupleType(Int32Type,UTF8Type)',
    cases: [
      ...taken(
        '0000000400000001',
        '00000004000000010000000161',
        'ffffffffffffffff',
        '0000000400000001' + '00000003eda080',
      ),
      ...refused('00000003000001', '000000040000000100000001ff', '00000004000000010000000161' + '00'),
    ],
  },
  {
    cql: 'list<int>',
    marshal: 'ListType(Int32Type)',
    isComplex: true,
    cases: [
      { path: V1, value: '00000001', isTaken: true },
      { path: V4, value: '00000001', isTaken: false },
      { path: V1, value: '000001', isTaken: false },
      { path: V1, value: '', deletedAt: 5, isTaken: true },
      { path: V4, value: '', deletedAt: 5, isTaken: false },
    ],
  },
  {
    cql: 'set<text>',
    marshal: 'SetType(UTF8Type)',
    isComplex: true,
    cases: [
      { path: '61', value: '', isTaken: true },
      { path: 'eda080', value: '', isTaken: true },
      { path: 'ff', value: '', isTaken: false },
      { path: '61', value: '61', isTaken: false },
      { path: '61', value: '', deletedAt: 5, isTaken: true },
      { path: '61', value: '61', deletedAt: 5, isTaken: false },
    ],
  },
  {
    cql: 'map<text, int>',
    marshal: 'MapType(UTF8Type,Int32Type)',
    isComplex: true,
    cases: [
      { path: '61', value: '00000001', isTaken: true },
      { path: '61', value: '000001', isTaken: false },
      { path: 'ff', value: '00000001', isTaken: false },
    ],
  },
  {
    cql: 'vals.pair',
    marshal: 'UserType(vals,70616972,61:Int32Type,62:UTF8Type)',
    isComplex: true,
    cases: [
      { path: '0000', value: '00000001', isTaken: true },
      { path: '0000', value: '000001', isTaken: false },
      { path: '0001', value: '61', isTaken: true },
      { path: '0001', value: 'ff', isTaken: false },
      { path: '0002', value: '61', isTaken: false },
      { path: '00', value: '61', isTaken: false },
    ],
  },
  {
    cql: 'counter',
    marshal: 'CounterColumnType',
    cases: [...taken(`00018000${SHARD}`, `0000${SHARD}`), ...refused('', '00', `0000${SHARD}00`, `0001${SHARD}`)],
  },
  {
    cql: 'vector<text, 2>',
    marshal: 'VectorType(UTF8Type,2)',
    since5: true,
    cases: [...taken('01610162'), ...refused('', '0161', '016101ff', '0161016200')],
  },
  { cql: 'text', marshal: 'UTF8Type', where: 'clustering', cases: TEXTS },
  { cql: 'int', marshal: 'Int32Type', where: 'clustering', cases: taken('', '00000001') },
  { cql: 'smallint', marshal: 'ShortType', where: 'clustering', cases: [...taken('0001'), ...refused('', '01')] },
  { cql: 'text', marshal: 'UTF8Type', where: 'static', cases: taken('61', 'ff') },
  {
    cql: 'text',
    marshal: 'UTF8Type',
    cases: [
      { value: '', deletedAt: 5, isTaken: true },
      { value: '61', deletedAt: 5, isTaken: false },
    ],
  },
];

export const tableId = (i: number) => `0a0b0c0d-0000-1000-8000-0000000000${i.toString(16).padStart(2, '0')}`;

/** Statements that make the keyspace with all tables. */
export function statements(isBefore5: boolean): string[] {
  const tables = TABLES.flatMap(({ cql, where, since5 }, i) => {
    if (since5 && isBefore5) return [];
    const columns =
      where === 'clustering'
        ? `k text, v ${cql}, w int, PRIMARY KEY (k, v)`
        : where === 'static'
          ? `k text, c int, v ${cql} static, w int, PRIMARY KEY (k, c)`
          : `k text PRIMARY KEY, v ${cql}`;
    return `CREATE TABLE vals.t${i} (${columns}) WITH ID = ${tableId(i)}`;
  });
  return [
    `CREATE KEYSPACE vals WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    'CREATE TYPE vals.pair (a int, b text)',
    ...tables,
  ];
}

/** The mutation of case `j` of table `i`, of the key that tells j. */
export function caseMutation(i: number, j: number): Uint8Array {
  const { where, isComplex = false, marshal, cases } = TABLES[i]!;
  const found = cases[j]!;
  const width = isComplex ? -1 : fixedLength(parseMarshalType(marshal));
  const out = new ByteWriter(64);
  const key = Buffer.from(`${j}`);
  out.uvint(1);
  out.bytes(Buffer.from(tableId(i).replaceAll('-', ''), 'hex'));
  out.uvint(key.length);
  out.bytes(key);
  out.u8(where === 'static' ? 0x18 : 0x10);
  out.uvint(1);
  out.uvint(0);
  out.uvint(0);
  if (where === 'static') {
    columns(out, 'v');
    columns(out);
    out.u8(0xa0);
    out.u8(0x01);
    cell(out, found, width, false);
    out.uvint(0);
  } else {
    columns(out, where === 'clustering' ? 'w' : 'v');
    out.uvint(1);
    const isCounter = marshal === 'CounterColumnType';
    out.u8(isCounter ? 0x20 : 0x24);
    const value = Buffer.from(found.value, 'hex');
    if (where === 'clustering') {
      out.uvint(value.length === 0 ? 1 : 0);
      if (value.length > 0 && width < 0) out.uvint(value.length);
      out.bytes(value);
    }
    if (!isCounter) out.uvint(0);
    if (isComplex) out.uvint(1);
    cell(out, where === 'clustering' ? { value: '00000001' } : found, where === 'clustering' ? 4 : width, isComplex);
  }
  out.u8(0x01);
  return out.toBytes();
}

function columns(out: ByteWriter, ...names: string[]): void {
  out.uvint(names.length);
  for (const name of names) {
    out.uvint(name.length);
    out.ascii(name);
  }
}

function cell(out: ByteWriter, { path, value: hex, deletedAt }: CellCase, width: number, isComplex: boolean): void {
  const value = Buffer.from(hex, 'hex');
  out.u8((value.length === 0 ? 0x04 : 0) | (deletedAt === undefined ? 0 : 0x01));
  out.uvint(0);
  if (deletedAt !== undefined) out.uvint(deletedAt);
  if (isComplex) {
    const bytes = Buffer.from(path ?? '', 'hex');
    out.uvint(bytes.length);
    out.bytes(bytes);
  }
  if (value.length > 0 && width < 0) out.uvint(value.length);
  out.bytes(value);
}
