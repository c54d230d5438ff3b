/** Rows of system_schema as releases without a fixture write them, and rows that make no sense. */
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { ByteWriter } from '../../src/bytes/writer.js';
import { writeSchema } from '../../src/cql/ddl-writer.js';
import { native } from '../../src/cql/marshal.js';
import { findTable, type Schema, type Table } from '../../src/cql/schema.js';
import type { CqlType } from '../../src/cql/type.js';
import type { LiveRow } from '../../src/engine/merge/live-view.js';
import { SchemaRow } from '../../src/engine/schema-row.js';
import { SCHEMA_TABLES, type SchemaRows, type SchemaTable, schemaFromRows } from '../../src/engine/system-schema.js';

const text = (value: string) => Buffer.from(value, 'utf8');
const TEXT = native('text');

function frozen(count: number, values: readonly Uint8Array[]): Uint8Array {
  const out = new ByteWriter(64);
  out.i32(count);
  for (const value of values) {
    out.i32(value.length);
    out.bytes(value);
  }
  return out.toBytes();
}

function number(bytes: number, write: (view: DataView) => void): Uint8Array {
  const value = new Uint8Array(bytes);
  write(new DataView(value.buffer));
  return value;
}

/** A value by its JavaScript form: text, boolean, double for numbers, map, list; others as [type, bytes]. */
function stored(value: unknown): readonly [CqlType, Uint8Array] {
  if (typeof value === 'string') return [TEXT, text(value)];
  if (typeof value === 'boolean') return [native('boolean'), Uint8Array.of(value ? 1 : 0)];
  if (typeof value === 'number') return [native('double'), number(8, (view) => view.setFloat64(0, value))];
  if (value instanceof Int32) return [native('int'), number(4, (view) => view.setInt32(0, value.value))];
  if (typeof value === 'bigint') return [native('timestamp'), number(8, (view) => view.setBigInt64(0, value))];
  if (value instanceof Uint8Array) return [native(value.length === 16 ? 'uuid' : 'blob'), value];
  if (Array.isArray(value))
    return [{ kind: 'list', element: TEXT, multiCell: false }, frozen(value.length, value.map(text))];
  const entries = Object.entries(value as Record<string, string>);
  const flat = entries.flatMap(([key, of]) => [text(key), text(of)]);
  return [{ kind: 'map', key: TEXT, value: TEXT, multiCell: false }, frozen(entries.length, flat)];
}

class Int32 {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
const int = (value: number) => new Int32(value);

function schemaRow(table: SchemaTable, key: readonly string[], values: Readonly<Record<string, unknown>>): SchemaRow {
  const [keyspace, ...clustering] = key.map(text);
  const cells: LiveRow['cells'] = new Map(
    Object.entries(values).map(([name, value]) => {
      const [type, bytes] = stored(value);
      const column = { name, nameBytes: text(name), type, isComplex: false, isStatic: false };
      return [name, { column, cells: [{ column, timestampMicros: 1n, isTombstone: false, value: bytes }] }];
    }),
  );
  return new SchemaRow(table, keyspace!, { clustering, cells });
}

type Given = Partial<Record<SchemaTable, readonly (readonly [readonly string[], Readonly<Record<string, unknown>>])[]>>;

function schemaOf(given: Given): Schema {
  const rows = Object.fromEntries(
    SCHEMA_TABLES.map((table) => [table, (given[table] ?? []).map(([key, values]) => schemaRow(table, key, values))]),
  );
  return schemaFromRows(rows as unknown as SchemaRows);
}

const COLUMN = {
  kind: 'partition_key',
  position: int(0),
  type: 'int',
  clustering_order: 'none',
  column_name_bytes: text('k'),
};
const REGULAR = { ...COLUMN, kind: 'regular', position: int(-1) };
const REPLICATION = { class: 'org.apache.cassandra.locator.SimpleStrategy', replication_factor: '1' };
const ID = Buffer.from('5a1c395eb41f11e59f22ba0be0483c18', 'hex');

/** What 3.0 writes for a table. */
const OLD: Given = {
  keyspaces: [[['ks'], { durable_writes: true, replication: REPLICATION }]],
  tables: [
    [
      ['ks', 't'],
      {
        id: ID,
        flags: ['compound'],
        bloom_filter_fp_chance: 0.01,
        caching: { keys: 'ALL', rows_per_partition: 'NONE' },
        comment: '',
        compaction: { class: 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy' },
        compression: { chunk_length_in_kb: '64', class: 'org.apache.cassandra.io.compress.LZ4Compressor' },
        crc_check_chance: 1,
        dclocal_read_repair_chance: 0.1,
        read_repair_chance: 0,
        default_time_to_live: int(0),
        gc_grace_seconds: int(864000),
        speculative_retry: '99PERCENTILE',
      },
    ],
  ],
  columns: [
    [['ks', 't', 'k'], COLUMN],
    [['ks', 't', 'v'], { ...REGULAR, type: 'frozen<pair>', column_name_bytes: text('v') }],
  ],
  types: [
    [['ks', 'pair'], { field_names: ['a', 'b'], field_types: ['int', 'frozen<single>'] }],
    [['ks', 'single'], { field_names: ['x'], field_types: ['text'] }],
  ],
  dropped_columns: [[['ks', 't', 'gone'], { dropped_time: 1_500_000_000_123n, type: 'frozen<pair>' }]],
};

describe('3.0', () => {
  const table = findTable(schemaOf(OLD), 'ks', 't') as Table;

  it('has options of its own, and lacks later ones: nothing is made up', () => {
    expect(table.options).toEqual({
      bloomFilterFpChance: 0.01,
      caching: { keys: 'ALL', rows_per_partition: 'NONE' },
      comment: '',
      compaction: { class: 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy' },
      compression: { chunk_length_in_kb: '64', class: 'org.apache.cassandra.io.compress.LZ4Compressor' },
      crcCheckChance: 1,
      dclocalReadRepairChance: 0.1,
      readRepairChance: 0,
      defaultTimeToLive: 0,
      gcGraceSeconds: 864000,
      speculativeRetry: '99PERCENTILE',
    });
    expect(table.id).toBe('5a1c395e-b41f-11e5-9f22-ba0be0483c18');
  });

  it('drops columns without saying their kind, of types that may be gone', () => {
    expect(writeSchema(schemaOf(OLD))).toContain('    gone frozen<tuple<int, frozen<tuple<text>>>>\n');
    expect(table.droppedColumns).toMatchObject([
      { name: 'gone', kind: 'regular', droppedTimeMicros: 1_500_000_000_123_000n },
    ]);
  });

  it('has its options in the text', () => {
    expect(writeSchema(schemaOf(OLD))).toContain(
      '    AND dclocal_read_repair_chance = 0.1\n    AND default_time_to_live = 0\n',
    );
  });
});

it('4.0 and later: read_repair_chance is there for drivers only', () => {
  const [[key, values]] = OLD.tables! as [[string[], object]];
  const schema = schemaOf({ ...OLD, tables: [[key, { ...values, read_repair: 'BLOCKING' }]] });
  expect((findTable(schema, 'ks', 't') as Table).options).not.toHaveProperty('readRepairChance');
});

it('a null option is its default where the release says that it knows it', () => {
  const own = ['cdc', 'memtable', 'allow_auto_snapshot'].map(
    (name) => [['system_schema', 'tables', name], REGULAR] as const,
  );
  const schema = schemaOf({ ...OLD, columns: [...OLD.columns!, ...own] });
  const { options } = findTable(schema, 'ks', 't') as Table;
  expect(options).toMatchObject({ cdc: false, memtable: 'default', allowAutoSnapshot: true });
  expect(options).not.toHaveProperty('incrementalBackups');
});

it('a time that saturates, as the node does', () => {
  const dropped = [
    [['ks', 't', 'gone'], { dropped_time: 9_223_372_036_854_775_807n, type: 'int', kind: 'static' }],
  ] as const;
  const schema = schemaOf({ ...OLD, dropped_columns: dropped });
  expect((findTable(schema, 'ks', 't') as Table).droppedColumns).toMatchObject([
    { kind: 'static', droppedTimeMicros: 2n ** 63n - 1n },
  ]);
});

it('a column whose name is no text keeps its bytes', () => {
  const columns = [
    ...OLD.columns!,
    [['ks', 't', '0xff'], { ...REGULAR, column_name_bytes: Uint8Array.of(0xff) }] as const,
  ];
  const { columns: read } = findTable(schemaOf({ ...OLD, columns }), 'ks', 't') as Table;
  expect(read.find(({ name }) => name === '0xff')).toMatchObject({ nameHex: 'ff' });
  expect(read.find(({ name }) => name === 'v')).not.toHaveProperty('nameHex');
});

it('masks, as CQL literals', () => {
  const list = (type: CqlType, values: Uint8Array[]) => ({ type, bytes: frozen(values.length, values) });
  const nulls = list({ kind: 'list', element: native('boolean'), multiCell: false }, [
    Uint8Array.of(0),
    Uint8Array.of(1),
    Uint8Array.of(0),
  ]);
  const base = schemaRow('column_masks', ['ks', 't', 'v'], {
    function_keyspace: 'system',
    function_name: 'mask_inner',
    function_argument_types: ['int', 'int', 'text'],
    function_argument_values: ['1', '', "it's"],
  });
  const cells = new Map((base as unknown as { row: LiveRow }).row.cells);
  const column = {
    name: 'function_argument_nulls',
    nameBytes: text('n'),
    type: nulls.type,
    isComplex: false,
    isStatic: false,
  };
  cells.set('function_argument_nulls', {
    column,
    cells: [{ column, timestampMicros: 1n, isTombstone: false, value: nulls.bytes }],
  });
  const mask = new SchemaRow('column_masks', text('ks'), { clustering: [text('t'), text('v')], cells });
  const rows = Object.fromEntries(
    SCHEMA_TABLES.map((table) => [table, (OLD[table] ?? []).map(([key, values]) => schemaRow(table, key, values))]),
  ) as unknown as Record<SchemaTable, SchemaRow[]>;
  const table = findTable(schemaFromRows({ ...rows, column_masks: [mask] }), 'ks', 't') as Table;
  expect(table.columns.find(({ name }) => name === 'v')!.mask).toEqual({
    keyspace: 'system',
    name: 'mask_inner',
    arguments: ['1', 'null', "'it''s'"],
  });
});

describe('refuses', () => {
  const column = (more: object): Given => ({ ...OLD, columns: [[['ks', 't', 'k'], { ...COLUMN, ...more }]] });
  it.each<[string, Given, string]>([
    [
      'a table without a partition key',
      { ...OLD, columns: [] },
      "column 'table_name' names a table of which system_schema.columns has no partition key",
    ],
    ['a kind that is not known', column({ kind: 'super' }), "column 'kind' is not known"],
    ['an order that is not known', column({ clustering_order: 'up' }), "column 'clustering_order' is not known"],
    ['a type that is not defined', column({ type: 'nope' }), "type 'nope' of keyspace ks is not defined"],
    ['a column of another type', column({ type: 1 }), "column 'type' has another type than system_schema gives it"],
    [
      'fields without types',
      {
        ...OLD,
        types: [[['ks', 'x'], { field_names: ['a'], field_types: [] }]],
      },
      "column 'field_types' has no type a field",
    ],
    [
      'a type within itself',
      { ...OLD, types: [[['ks', 'x'], { field_names: ['a'], field_types: ['frozen<x>'] }]] },
      "column 'field_types' makes a type part of itself",
    ],
    [
      'a flag that is not known',
      { ...OLD, tables: [[['ks', 't'], { flags: ['fast'] }]] },
      "column 'flags' holds a flag that is not known",
    ],
    ['no replication', { ...OLD, keyspaces: [[['ks'], {}]] }, "column 'replication' is null in a row that needs it"],
    [
      'an index of a kind that is not known',
      { ...OLD, indexes: [[['ks', 't', 'i'], { kind: 'MAGIC' }]] },
      "column 'kind' is not known",
    ],
  ])('%s', (_, given, message) => {
    expect(() => schemaOf(given)).toThrow(CorruptError);
    expect(() => schemaOf(given)).toThrow(message);
    try {
      schemaOf(given);
    } catch (error) {
      expect((error as CorruptError).facts).toMatchObject({
        component: expect.stringMatching(/^system_schema\./),
        partition: expect.stringMatching(/^ks/),
      });
    }
  });

  it('a collection that lies about its size', () => {
    const row = schemaRow('keyspaces', ['ks'], { replication: REPLICATION });
    const { cells } = (row as unknown as { row: LiveRow }).row;
    const value = Buffer.from(cells.get('replication')!.cells[0]!.value);
    for (const [at, byte] of [
      [0, 0x7f],
      [3, 9],
      [4, 0x7f],
      [7, 99],
    ] as const) {
      const lying = Buffer.from(value);
      lying[at] = byte;
      const { column } = cells.get('replication')!;
      const cell = { column, timestampMicros: 1n, isTombstone: false, value: lying };
      const broken = new SchemaRow('keyspaces', text('ks'), {
        clustering: [],
        cells: new Map([['replication', { column, cells: [cell] }]]),
      });
      expect(() => broken.textMap('replication')).toThrow("column 'replication' is a broken collection");
    }
  });
});

it('multi-cell collections read like frozen ones', () => {
  const type: CqlType = { kind: 'map', key: TEXT, value: TEXT, multiCell: true };
  const column = { name: 'options', nameBytes: text('options'), type, isComplex: true, isStatic: false };
  const cell = (path: string, value: string) => ({
    column,
    path: text(path),
    timestampMicros: 1n,
    isTombstone: false,
    value: text(value),
  });
  const row: LiveRow = {
    clustering: [],
    cells: new Map([['options', { column, cells: [cell('a', '1'), cell('b', '2')] }]]),
  };
  expect(new SchemaRow('triggers', text('ks'), row).textMap('options')).toEqual({ a: '1', b: '2' });
});
