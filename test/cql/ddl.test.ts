import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/bytes/errors.js';
import { parseSchema, parseSchemas } from '../../src/cql/ddl-parser.js';
import { writeSchema } from '../../src/cql/ddl-writer.js';
import { type ColumnDefinition, findTable, type Schema, type Table } from '../../src/cql/schema.js';
import { cqlTypeName } from '../../src/cql/type-facts.js';
import { readGolden } from '../corpus.js';
import { acceptable } from '../described.js';

/** DESCRIBE SCHEMA WITH INTERNALS of real nodes, of keyspaces that use every element. */
const DESCRIBED = ['schema/rich-5.0.cql', 'schema/rich-4.1.cql'];

describe.each(DESCRIBED)('%s', (file) => {
  const described = readGolden(file);
  const schema = parseSchema(described);

  it('is written as Cassandra describes it', () => {
    expect(writeSchema(schema, { ids: true })).toBe(acceptable(described));
  });

  it('comes back the same from what is written', () => {
    expect(parseSchema(writeSchema(schema, { ids: true }))).toEqual(schema);
  });

  it('holds what was made', () => {
    const [mixed, rich] = schema.keyspaces;
    expect(mixed).toMatchObject({ name: 'MixedCase', durableWrites: false });
    expect(rich!.types.map(({ name }) => name)).toEqual(['zebra', 'apple', 'Weird "Type"', 'soft']);
    expect(rich!.functions.map(({ name }) => name)).toEqual(['Avg State', 'avgfinal', 'nodeep', 'plus', 'plus']);
    const average = rich!.aggregates.find(({ name }) => name === 'average');
    expect(average).toMatchObject({
      stateFunction: 'Avg State',
      finalFunction: 'avgfinal',
      initialCondition: '(0, 0)',
    });
    expect(table(schema, 'drops').droppedColumns.map(({ name, type }) => `${name} ${cqlTypeName(type)}`)).toEqual([
      'back set<int>',
      'g2 map<text, frozen<tuple<int, text>>>',
      'gone int',
    ]);
    expect(table(schema, 'everything').options).toMatchObject({
      comment: 'it\'s a "comment"\non two lines',
      bloomFilterFpChance: 0.0001,
      caching: { keys: 'NONE', rows_per_partition: '10' },
      minIndexInterval: 64,
    });
  });

  it('leaves ids out unless they are asked for', () => {
    expect(writeSchema(schema)).not.toContain('ID =');
  });
});

function table(schema: Schema, name: string): Table {
  return findTable(schema, 'rich', name) as Table;
}

function columnText({ name, kind, position, clusteringOrder, type }: ColumnDefinition): string {
  return [name, kind, position, clusteringOrder, cqlTypeName(type)].join(' ');
}

/** As the rows that 5.0.9 writes for the same statements. */
describe('COMPACT STORAGE', () => {
  it.each([
    [
      'k int PRIMARY KEY, a text, b int',
      '',
      [],
      [
        'k partition_key 0 none int',
        'column1 clustering 0 asc text',
        'a static -1 none text',
        'b static -1 none int',
        'value regular -1 none blob',
      ],
    ],
    [
      'k int, c int, v text, PRIMARY KEY (k, c)',
      '',
      ['dense'],
      ['k partition_key 0 none int', 'c clustering 0 asc int', 'v regular -1 none text'],
    ],
    [
      'k int, c int, PRIMARY KEY (k, c)',
      ' AND CLUSTERING ORDER BY (c DESC)',
      ['dense'],
      ['k partition_key 0 none int', 'c clustering 0 desc int', 'value regular -1 none empty'],
    ],
    [
      'k int, c int, d int, v counter, PRIMARY KEY (k, c, d)',
      '',
      ['compound', 'counter', 'dense'],
      ['k partition_key 0 none int', 'c clustering 0 asc int', 'd clustering 1 asc int', 'v regular -1 none counter'],
    ],
    [
      'k int PRIMARY KEY, value text, column1 counter',
      '',
      ['counter'],
      [
        'k partition_key 0 none int',
        'column2 clustering 0 asc text',
        'column1 static -1 none counter',
        'value static -1 none text',
        'value1 regular -1 none counter',
      ],
    ],
  ])('(%s)%s', (columns, options, flags, stored) => {
    const cql = `CREATE TABLE rich.t (${columns}) WITH COMPACT STORAGE${options};`;
    const schema = parseSchema(cql);
    const { flags: seen, columns: definitions } = table(schema, 't');
    expect(seen).toEqual(flags);
    expect(definitions.map(columnText)).toEqual(stored);
    const written = writeSchema(schema);
    expect(written).toContain('WITH COMPACT STORAGE');
    expect(parseSchema(written)).toEqual(schema);
  });

  it('puts super column families into a comment', () => {
    const schema = parseSchema('CREATE TABLE rich.t (k int, c int, v text, PRIMARY KEY (k, c)) WITH COMPACT STORAGE');
    const [keyspace] = schema.keyspaces;
    const tables = keyspace!.tables.map((t): Table => ({ ...t, flags: ['super'] }));
    const written = writeSchema({ keyspaces: [{ ...keyspace!, tables }] });
    expect(written).toMatch(/^\/\*\nWarning: Table rich\.t is a super column family/);
    expect(parseSchema(written).keyspaces).toEqual([]);
  });
});

describe('compact tables, described in a comment', () => {
  const comment = (body: string) =>
    `/*\nWarning: Table ks.t omitted because it has constructs not compatible with CQL (was created via legacy API).\nApproximate structure, for reference:\n(this should not be used to reproduce this schema)\n\n${body}\n*/\n`;

  it('are read', () => {
    const body =
      'CREATE TABLE ks.t (k int, a text, PRIMARY KEY (k)) WITH COMPACT STORAGE AND CLUSTERING ORDER BY (column1 ASC);';
    const t = findTable(parseSchema(comment(body)), 'ks', 't') as Table;
    expect(t.columns.map(columnText)).toContain('column1 clustering 0 asc text');
  });

  it('keep their place in errors', () => {
    expect(() => parseSchema(comment('CREATE TABLE ks.t (k nope)'))).toThrow('line 6, column 22');
  });

  it('are passed over where they are super column families', () => {
    const body = 'CREATE TABLE ks.t (k int, c int, "" map<int, text>, PRIMARY KEY (k, c)) WITH COMPACT STORAGE;';
    expect(parseSchema(comment(body)).keyspaces).toEqual([]);
  });
});

describe('parseSchema', () => {
  it('reads what people write', () => {
    const schema = parseSchema(
      `
      WARNING: cqlsh was built against 5.0.0, but this server is 5.0.9.  All features may not work!
      -- comments of all kinds
      create keyspace if not exists Shop with REPLICATION = {'class': 'NetworkTopologyStrategy', 'dc1': 3};
      use shop; // and
      CREATE TABLE Orders (Id uuid, "At" timestamp, note varchar static, tags set<text>, PRIMARY KEY ((id), "At"))
        WITH gc_grace_seconds = '60' /* quoted
        number */ AND compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': 10} and CLUSTERING ORDER BY ("At" desc)
        AND ID='5A1C395E-B41F-11E5-9F22-BA0BE0483C18';;
      CREATE INDEX ON orders (tags); CREATE INDEX ON orders (tags) USING 'SAI' WITH OPTIONS = {'case_sensitive': false};
      CREATE CUSTOM INDEX by_note ON orders (note) USING 'com.example.Index';
      CREATE TRIGGER audit ON orders USING 'com.example.Audit'`,
    );
    const orders = findTable(schema, 'shop', 'orders') as Table;
    expect(schema.keyspaces[0]).toMatchObject({
      replication: { class: 'org.apache.cassandra.locator.NetworkTopologyStrategy', dc1: '3' },
      durableWrites: true,
    });
    expect(orders.columns.map(columnText)).toEqual([
      'id partition_key 0 none uuid',
      'At clustering 0 desc timestamp',
      'note static -1 none text',
      'tags regular -1 none set<text>',
    ]);
    expect(orders).toMatchObject({
      id: '5a1c395e-b41f-11e5-9f22-ba0be0483c18',
      options: {
        gcGraceSeconds: 60,
        compaction: { class: 'org.apache.cassandra.db.compaction.LeveledCompactionStrategy', sstable_size_in_mb: '10' },
      },
      indexes: [
        { name: 'by_note', kind: 'CUSTOM', options: { target: 'note', class_name: 'com.example.Index' } },
        { name: 'orders_tags_idx', kind: 'COMPOSITES', options: { target: 'values(tags)' } },
        {
          name: 'orders_tags_idx_1',
          kind: 'CUSTOM',
          options: { target: 'values(tags)', class_name: 'SAI', case_sensitive: 'false' },
        },
      ],
      triggers: [{ name: 'audit', className: 'com.example.Audit' }],
    });
  });

  it('keeps words that are no keywords as names', () => {
    const schema = parseSchema(
      'CREATE TABLE ks.key (key int PRIMARY KEY, text text, static int static, masked int, values map<int, int>)',
    );
    expect((findTable(schema, 'ks', 'key') as Table).columns.map(columnText)).toEqual([
      'key partition_key 0 none int',
      'static static -1 none int',
      'masked regular -1 none int',
      'text regular -1 none text',
      'values regular -1 none map<int, int>',
    ]);
  });

  it('takes a keyspace for names without one, and several texts as one schema', () => {
    const type = 'CREATE TYPE IF NOT EXISTS t (a int);';
    const schema = parseSchemas([
      { text: `${type} CREATE TABLE a (k int PRIMARY KEY, v frozen<t>)`, keyspace: 'ks', file: 'a/schema.cql' },
      { text: `${type} CREATE TABLE b (k int PRIMARY KEY, v frozen<t>)`, keyspace: 'ks', file: 'b/schema.cql' },
    ]);
    expect(schema.keyspaces).toMatchObject([
      { name: 'ks', types: [{ name: 't' }], tables: [{ name: 'a' }, { name: 'b' }] },
    ]);
    expect(schema.keyspaces[0]).not.toHaveProperty('replication');
  });

  it('passes over views without their table only where it is told to', () => {
    const text =
      'CREATE MATERIALIZED VIEW ks.mv AS SELECT * FROM ks.t WHERE k IS NOT NULL PRIMARY KEY (k); CREATE TYPE ks.u (a int);';
    expect(parseSchema(text, { skipsOrphanViews: true }).keyspaces).toMatchObject([
      { types: [{ name: 'u' }], views: [] },
    ]);
    expect(() => parseSchema(text)).toThrow("line 1, column 49: table 't' of keyspace ks is not defined");
  });

  it('follows ALTER TABLE', () => {
    const schema = parseSchema(`CREATE TABLE ks.t (k int PRIMARY KEY, a int, b set<int>);
      ALTER TABLE ks.t ADD (c text, d text);
      ALTER TABLE ks.t DROP (a, c) USING TIMESTAMP -5;
      ALTER TABLE ks.t ADD a int;
      ALTER TABLE ks.t RENAME k TO "K";
      ALTER TABLE ks.t WITH comment = 'x' AND cdc = true;`);
    const t = findTable(schema, 'ks', 't') as Table;
    expect(t.columns.map(({ name }) => name)).toEqual(['K', 'a', 'd', 'b']);
    expect(t.droppedColumns).toMatchObject([
      { name: 'a', kind: 'regular', droppedTimeMicros: -5n },
      { name: 'c', droppedTimeMicros: -5n },
    ]);
    expect(t.options).toEqual({ comment: 'x', cdc: true });
    expect(parseSchema(writeSchema(schema))).toEqual(schema);
  });

  it('DROP COMPACT STORAGE shows the columns that were hidden', () => {
    const schema = parseSchema(
      'CREATE TABLE ks.t (k int PRIMARY KEY, a text) WITH COMPACT STORAGE; ALTER TABLE ks.t DROP COMPACT STORAGE;',
    );
    expect(writeSchema(schema)).toContain(
      'column1 text,\n    a text static,\n    value blob,\n    PRIMARY KEY (k, column1)',
    );
  });

  const TABLE = 'CREATE TABLE ks.t (k int PRIMARY KEY, v text);\n';
  it.each([
    ['SELECT * FROM x', 'line 1, column 1: CREATE, ALTER TABLE or USE expected'],
    ['\n\n  CREATE TABEL x', 'line 3, column 10: KEYSPACE, TYPE, TABLE'],
    ['CREATE TABLE t (k int PRIMARY KEY)', "column 14: 't' has no keyspace"],
    ['CREATE TABLE ks.t (k int)', 'column 19: the table has no PRIMARY KEY'],
    ['CREATE TABLE ks.t (k int PRIMARY KEY, k text)', "column 39: column 'k' is defined twice"],
    ['CREATE TABLE ks.t (k int, PRIMARY KEY (x))', "PRIMARY KEY names a column 'x' that is not there"],
    ['CREATE TABLE ks.t (k int, PRIMARY KEY (k), PRIMARY KEY (k))', 'a second PRIMARY KEY'],
    [
      'CREATE TABLE ks.t (k int PRIMARY KEY) WITH CLUSTERING ORDER BY (k DESC)',
      "names 'k', which is no clustering column",
    ],
    ['CREATE TABLE ks.t (k frozen<nope> PRIMARY KEY)', "column 29: type 'nope' of keyspace ks is not defined"],
    ['CREATE TABLE ks.t (k int PRIMARY KEY) WITH nodesync = true', "'nodesync' is no option of a table"],
    ['CREATE TABLE ks.t (k int PRIMARY KEY) WITH gc_grace_seconds = 1.5', 'column 63: an integer expected'],
    ["CREATE TABLE ks.t (k int PRIMARY KEY) WITH cdc = 'maybe'", 'column 50: true or false expected'],
    ['CREATE TABLE ks.t (k int PRIMARY KEY) WITH id = 17', 'column 49: a UUID expected'],
    ["CREATE TABLE ks.t (k int PRIMARY KEY) WITH extensions = {'a': 'b'}", 'a blob, 0x… expected'],
    ["CREATE TABLE ks.t (k int PRIMARY KEY) WITH comment = 'open", 'column 54: a string has no end'],
    ['CREATE TABLE ks.t (k int PRIMARY KEY /* open', 'column 38: a comment has no end'],
    [`${TABLE}CREATE TABLE ks.t (k int PRIMARY KEY)`, "line 2, column 14: 't' is defined twice"],
    [`${TABLE}ALTER TABLE ks.u ADD x int`, "line 2, column 13: table 'u' of keyspace ks is not defined"],
    [`${TABLE}ALTER TABLE ks.t DROP v`, 'line 2, column 24: USING TIMESTAMP expected'],
    [`${TABLE}ALTER TABLE ks.t DROP k USING TIMESTAMP 1`, "'k' is no column that can be dropped"],
    [`${TABLE}CREATE INDEX ON ks.t (w)`, "column 23: column 'w' is not in table t"],
    [`${TABLE}CREATE CUSTOM INDEX ON ks.t (v)`, 'USING expected'],
    [`${TABLE}CREATE MATERIALIZED VIEW ks.mv AS SELECT k FROM ks.t WHERE k IS NOT NULL;`, 'PRIMARY KEY expected'],
    ['CREATE TYPE ks.t (a int) CREATE', "column 26: ';' expected"],
    ["CREATE KEYSPACE ks WITH replication = {'class'}", "column 47: ':' expected"],
    ['CREATE KEYSPACE ks WITH tablets = true', "'tablets' is no property of a keyspace"],
  ])('refuses %j', (text, message) => {
    const parse = () => parseSchema(text, { file: 'mine.cql' });
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
    try {
      parse();
    } catch (error) {
      expect((error as UsageError).facts.file).toBe('mine.cql');
    }
  });
});
