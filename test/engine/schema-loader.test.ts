import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CorruptError, LsmctlError, UsageError } from '../../src/bytes/errors.js';
import { diskStorage, overlayStorage, type Storage } from '../../src/bytes/source.js';
import { expandUserTypes } from '../../src/cql/cql-type-parser.js';
import { parseSchema } from '../../src/cql/ddl-parser.js';
import { keyspaceStatements, writeSchema } from '../../src/cql/ddl-writer.js';
import { marshalTypeName } from '../../src/cql/marshal.js';
import {
  type ColumnDefinition,
  columnsOfKind,
  findTable,
  isSystemKeyspace,
  type Schema,
  type Table,
  type View,
} from '../../src/cql/schema.js';
import { cqlTypeName } from '../../src/cql/type-facts.js';
import { resolvePaths } from '../../src/engine/data-directory.js';
import { dataDirectoriesOf, type LoadedSchema, loadSchema } from '../../src/engine/schema-loader.js';
import { readStatistics } from '../../src/sstable/statistics.js';
import { CORPUS, hasCorpus, KITCHENS } from '../corpus.js';
import { acceptable } from '../described.js';
import { ROOT } from '../run-cli.js';

const NOW = { nowSeconds: 1_800_000_000 };
const KITCHEN = path.join(CORPUS, 'kitchen-oa-1/data');

/** Data directories of real nodes, each with its system_schema. */
const FIXTURES = fs
  .readdirSync(path.join(ROOT, 'fixtures'))
  .map((name) => path.join(ROOT, 'fixtures', name))
  .filter((directory) => fs.existsSync(path.join(directory, 'describe')));
const DATA = [
  ...FIXTURES.map((f) => path.join(f, 'data')),
  ...(hasCorpus() ? KITCHENS.map((k) => path.join(CORPUS, k, 'data')) : []),
];

function load(storage: Storage, ...paths: string[]): Promise<LoadedSchema> {
  return loadSchema(storage, paths, NOW);
}

async function failure(storage: Storage, ...paths: string[]): Promise<LsmctlError> {
  const error = await load(storage, ...paths).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LsmctlError);
  return error as LsmctlError;
}

/** The parts of the model that CQL text says. */
function sayable({ keyspaces }: Schema): Schema {
  return {
    keyspaces: keyspaces.map((k) => ({
      ...k,
      aggregates: k.aggregates.map(({ returnType: _, ...aggregate }) => aggregate),
    })),
  };
}

/** `name type` of the columns of a kind. In CQL, for a header has a user-defined type with the fields that it had then. */
function headerColumns(table: Table | View, kind: ColumnDefinition['kind']): string[] {
  return columnsOfKind(table, kind).map(({ name, type }) => `${name} ${cqlTypeName(type)}`);
}

describe.each(DATA)('%s', (data) => {
  it('has a schema that its SSTables agree with', async () => {
    const { schema, source } = await load(diskStorage, data);
    expect(source).toEqual({ kind: 'system_schema', paths: [path.join(data, 'system_schema')] });
    let checked = 0;
    for (const { place, sstables } of resolvePaths(diskStorage, [data]).directories) {
      const table = findTable(schema, place.keyspace, place.table);
      if (!table || place.index !== undefined) continue;
      expect(table.id?.replaceAll('-', '')).toBe(place.tableId);
      const dropped =
        'droppedColumns' in table ? table.droppedColumns.map(({ name, type }) => `${name} ${cqlTypeName(type)}`) : [];
      for (const { descriptor } of sstables) {
        const { header } = readStatistics(diskStorage, descriptor);
        const keys = columnsOfKind(table, 'partition_key').map(({ type }) => marshalTypeName(type));
        const composite = `org.apache.cassandra.db.marshal.CompositeType(${keys.join(',')})`;
        expect(header.stored.keyType).toBe(keys.length === 1 ? keys[0] : composite);
        const clustering = columnsOfKind(table, 'clustering').map(({ type, clusteringOrder }) => {
          const name = marshalTypeName(type);
          return clusteringOrder === 'desc' ? `org.apache.cassandra.db.marshal.ReversedType(${name})` : name;
        });
        expect(header.stored.clusteringTypes).toEqual(clustering);
        for (const kind of ['static', 'regular'] as const) {
          const known = new Set([...headerColumns(table, kind), ...dropped]);
          const unknown = (kind === 'static' ? header.staticColumns : header.regularColumns).filter(
            // The type of a dropped column outlives the user-defined types in it, as tuples.
            ({ name, type }) =>
              !known.has(`${name} ${cqlTypeName(type)}`) && !known.has(`${name} ${cqlTypeName(expandUserTypes(type))}`),
          );
          expect(unknown).toEqual([]);
        }
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(20);
  });

  it('is the same where only a part of it is read', async () => {
    const whole = await load(diskStorage, data);
    const names = whole.schema.keyspaces.map(({ name }) => name);
    expect(whole.keyspaceNames).toEqual(names);
    const [wanted] = names.filter((name) => !isSystemKeyspace(name));
    const isWanted = (name: string) => name === wanted;
    const part = await loadSchema(diskStorage, [data], { ...NOW, keyspaces: isWanted });
    expect(part).toEqual({
      ...whole,
      schema: { keyspaces: whole.schema.keyspaces.filter(({ name }) => isWanted(name)) },
    });
    const opened: string[] = [];
    const storage: Storage = {
      ...diskStorage,
      open(file) {
        opened.push(path.basename(path.dirname(file)).replace(/-.*/, ''));
        return diskStorage.open(file);
      },
    };
    const outline = await loadSchema(storage, [data], { ...NOW, isOutline: true });
    const known = ({ keyspaces }: Schema) =>
      keyspaces.flatMap(({ tables, views }) =>
        [...tables, ...views].map(({ keyspace, name, id, options }) => [keyspace, name, id, options.compaction]),
      );
    expect(known(outline.schema)).toEqual(known(whole.schema));
    expect(new Set(opened)).toEqual(new Set(opened.filter((table) => /^(keyspaces|tables|views)$/.test(table))));
  });

  it('comes back the same from its own CQL', async () => {
    const { schema } = await load(diskStorage, data);
    expect(parseSchema(writeSchema(schema, { ids: true }))).toEqual(sayable(schema));
    expect(schema.keyspaces.filter(({ name }) => isSystemKeyspace(name)).length).toBeGreaterThan(3);
  });
});

for (const fixture of FIXTURES) {
  it(`${path.basename(fixture)} is written as its node describes it`, async () => {
    const { schema } = await load(diskStorage, path.join(fixture, 'data'));
    for (const keyspace of schema.keyspaces.filter(({ name }) => !isSystemKeyspace(name))) {
      const described = fs.readFileSync(path.join(fixture, 'describe', `${keyspace.name}.cql`), 'utf8');
      // A node without CDC keeps it in memory only: system_schema has no trace of it.
      const expected = acceptable(described)
        .replaceAll('AND cdc = true', 'AND cdc = false')
        .trim()
        .split(/\n\n(?=CREATE|\/\*)/);
      // DESCRIBE says nothing of dropped columns unless it is asked for internals.
      const tables = keyspace.tables.map((table): Table => ({ ...table, droppedColumns: [] }));
      expect(keyspaceStatements({ ...keyspace, tables }).sort()).toEqual(expected.sort());
    }
  });
}

describe.skipIf(!hasCorpus())('where the schema comes from', () => {
  const temporary: string[] = [];
  afterAll(() => {
    for (const directory of temporary) fs.rmSync(directory, { recursive: true });
  });

  /** A copy of a table's directory that nothing describes. */
  function copyTable(table: string, files: Readonly<Record<string, string>> = {}): string {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-schema-'));
    temporary.push(root);
    const name = fs.readdirSync(path.join(KITCHEN, 'kitchen')).find((directory) => directory.startsWith(`${table}-`))!;
    const copy = path.join(root, 'kitchen', name);
    fs.cpSync(path.join(KITCHEN, 'kitchen', name), copy, { recursive: true });
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(copy, file), text);
    return copy;
  }

  it.each([
    ['the data directory', ''],
    ['the directory above it', '..'],
    ['a keyspace', 'kitchen'],
    ['system_schema itself', 'system_schema'],
  ])('%s', async (_, below) => {
    const { source } = await load(diskStorage, path.join(KITCHEN, below));
    expect(source).toEqual({ kind: 'system_schema', paths: [path.join(KITCHEN, 'system_schema')] });
  });

  it('a table, and a file of it', async () => {
    const table = fs.readdirSync(path.join(KITCHEN, 'kitchen'))[0]!;
    const file = fs.readdirSync(path.join(KITCHEN, 'kitchen', table)).find((name) => name.endsWith('-Data.db'))!;
    for (const given of [table, path.join(table, file), path.join(table, file.replace('-Data.db', ''))]) {
      expect((await load(diskStorage, path.join(KITCHEN, 'kitchen', given))).source.kind).toBe('system_schema');
    }
  });

  it('the file that is given, with the keyspace of the path for names without one', async () => {
    const file = path.join(copyTable('wide'), 'mine.cql');
    fs.writeFileSync(file, 'CREATE TABLE wide (k int PRIMARY KEY)');
    const table = path.dirname(file);
    const { schema, source } = await loadSchema(diskStorage, [table], { ...NOW, schemaFile: file });
    expect(source).toEqual({ kind: 'file', paths: [file] });
    expect(findTable(schema, 'kitchen', 'wide')).toMatchObject({ columns: [{ name: 'k' }] });
  });

  it('schema.cql beside the SSTables', async () => {
    const copy = copyTable('wide', { 'schema.cql': 'CREATE TABLE IF NOT EXISTS kitchen.wide (k int PRIMARY KEY);' });
    const { schema, source } = await load(diskStorage, copy);
    expect(source).toEqual({ kind: 'schema_cql', paths: [path.join(copy, 'schema.cql')] });
    expect(findTable(schema, 'kitchen', 'wide')).toMatchObject({ columns: [{ name: 'k' }] });
    expect((await load(diskStorage, path.dirname(path.dirname(copy)))).source.kind).toBe('schema_cql');
  });

  it('a schema.cql that is broken names its place', async () => {
    const copy = copyTable('wide', { 'schema.cql': 'CREATE TABLE kitchen.wide (k int PRIMARY KEE)' });
    const error = await failure(diskStorage, copy);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('line 1, column 42');
    expect(error.facts.file).toBe(path.join(copy, 'schema.cql'));
    fs.writeFileSync(path.join(copy, 'schema.cql'), Buffer.of(0xff, 0xfe));
    expect((await failure(diskStorage, copy)).message).toBe('is not UTF-8 text');
  });

  it('schema.cql of several tables, views after their tables; headers where one says nothing', async () => {
    const view =
      'CREATE MATERIALIZED VIEW IF NOT EXISTS kitchen.a_view AS SELECT * FROM kitchen.wide WHERE k IS NOT NULL PRIMARY KEY (k);';
    const orphan = view.replace('kitchen.wide', 'kitchen.elsewhere');
    const { schema, source, fromHeaders } = await load(
      diskStorage,
      copyTable('ranges', { 'schema.cql': view }),
      copyTable('keyonly', { 'schema.cql': orphan }),
      copyTable('wide', { 'schema.cql': 'CREATE TABLE IF NOT EXISTS kitchen.wide (k int PRIMARY KEY);' }),
    );
    expect(source.kind).toBe('schema_cql');
    expect(schema.keyspaces[0]!.views).toMatchObject([{ name: 'a_view', baseTable: 'wide' }]);
    expect(schema.keyspaces[0]!.tables.map(({ name }) => name)).toEqual(['keyonly', 'ranges', 'wide']);
    expect(fromHeaders).toEqual(['kitchen.ranges', 'kitchen.keyonly']);
  });

  it('else the headers, with made-up names for the key', async () => {
    const { schema, source } = await load(diskStorage, copyTable('composite'));
    expect(source.kind).toBe('header');
    const table = findTable(schema, 'kitchen', 'composite') as Table;
    expect(table.columns.map((c) => `${c.name} ${c.kind} ${c.clusteringOrder} ${cqlTypeName(c.type)}`)).toEqual([
      'partition_key partition_key none int',
      'partition_key1 partition_key none text',
      'clustering clustering desc timestamp',
      'clustering1 clustering asc uuid',
      'v regular none text',
    ]);
    expect(table.options).toEqual({});
    expect(table.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(writeSchema(schema)).toContain(') WITH CLUSTERING ORDER BY (clustering DESC, clustering1 ASC);');
  });

  it('headers of several SSTables give all columns, and tell counters', async () => {
    const { schema } = await load(diskStorage, copyTable('dropped'), copyTable('counters'));
    const names = (table: string) => findTable(schema, 'kitchen', table)!.columns.map(({ name }) => name);
    expect(names('dropped')).toEqual(['partition_key', 'added', 'gone', 'keep', 'gone_set']);
    expect((findTable(schema, 'kitchen', 'counters') as Table).flags).toEqual(['compound', 'counter']);
  });

  it('a path that is not there is an error, not the schema above it', async () => {
    expect((await failure(diskStorage, path.join(KITCHEN, 'kitchen/nothing'))).message).toBe(
      'no such file or directory',
    );
  });
});

describe.skipIf(!hasCorpus())('broken system_schema', () => {
  const files = (table: string, suffix: string) => {
    const root = path.join(KITCHEN, 'system_schema');
    const directory = path.join(root, fs.readdirSync(root).find((name) => name.startsWith(`${table}-`))!);
    return fs
      .readdirSync(directory)
      .filter((name) => name.endsWith(suffix))
      .map((name) => path.join(directory, name));
  };

  /** The disk, less what `hides` says. */
  function without(hides: (file: string) => boolean): Storage {
    return {
      ...diskStorage,
      list: (directory) => diskStorage.list(directory).filter((name) => !hides(path.join(directory, name))),
      stat: (file) => (hides(file) ? undefined : diskStorage.stat(file)),
    };
  }

  function changed(file: string, change: (bytes: Buffer) => Uint8Array): Storage {
    return overlayStorage(diskStorage, new Map([[file, change(fs.readFileSync(file))]]));
  }

  it.each(['keyspaces', 'tables', 'columns'])('%s without SSTables', async (table) => {
    const error = await failure(
      without((file) => file.includes(`/system_schema/${table}-`) && file.endsWith('.db')),
      KITCHEN,
    );
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe(`system_schema.${table} has no SSTables, but other tables of system_schema have`);
    expect(error.facts.file).toContain(`/system_schema/${table}-`);
  });

  it('tables that may be empty may have no SSTables, but a type that is used is missed', async () => {
    const optional =
      /\/system_schema\/(views|functions|triggers|aggregates|indexes|dropped_columns|column_masks)-.*\.db$/;
    const { schema } = await load(
      without((file) => optional.test(file)),
      KITCHEN,
    );
    expect(findTable(schema, 'kitchen', 'dropped')).toMatchObject({ droppedColumns: [] });
    const error = await failure(
      without((file) => /\/system_schema\/types-.*\.db$/.test(file)),
      KITCHEN,
    );
    expect(error).toBeInstanceOf(CorruptError);
    expect(error.message).toMatch(/type '(address|person)' of keyspace kitchen is not defined/);
    expect(error.facts).toMatchObject({
      component: 'system_schema.columns',
      partition: expect.stringMatching(/^kitchen:/),
    });
  });

  it('an empty system_schema is none', async () => {
    const { source } = await load(
      without((file) => file.includes('/system_schema/')),
      KITCHEN,
    );
    expect(source.kind).toBe('header');
  });

  const BROKEN = ['Data.db', 'Statistics.db', 'CompressionInfo.db'].flatMap((component) =>
    ['keyspaces', 'columns'].map((table) => [component, table] as const),
  );

  it.each(BROKEN)('a %s of %s that is cut names the file', async (component, table) => {
    for (const file of files(table, component)) {
      const error = await failure(
        changed(file, (bytes) => bytes.subarray(0, bytes.length >> 1)),
        KITCHEN,
      );
      expect(error).toBeInstanceOf(CorruptError);
      expect(error.facts.file).toContain(file.slice(0, -component.length));
    }
  });

  it.each(BROKEN)('a flipped byte in a %s of %s never changes the schema', async (component, table) => {
    const sound = writeSchema((await load(diskStorage, KITCHEN)).schema);
    const [file] = files(table, component);
    const { size } = diskStorage.stat(file!)!;
    for (let i = 0; i < 12; i++) {
      const at = Math.floor((i * (size - 1)) / 11);
      const storage = changed(file!, (bytes) => {
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 0x55;
        return flipped;
      });
      const result = await load(storage, KITCHEN).catch((error: unknown) => error);
      if (result instanceof LsmctlError) expect(result.facts.file).toContain(`/system_schema/${table}-`);
      else expect(writeSchema((result as LoadedSchema).schema)).toBe(sound);
    }
  });

  it.each(['Statistics.db', 'CompressionInfo.db'])('a missing %s is told', async (component) => {
    const [file] = files('columns', component);
    const error = await failure(
      { ...without((name) => name === file), open: (name) => diskStorage.open(name === file ? `${name}.gone` : name) },
      KITCHEN,
    );
    expect(error.facts.file).toContain(path.basename(file!));
  });

  it('an SSTable of a version that is not read is not left out', async () => {
    const [file] = files('columns', 'Data.db');
    const storage: Storage = {
      ...diskStorage,
      list: (directory) =>
        diskStorage
          .list(directory)
          .map((name) => (directory === path.dirname(file!) ? name.replace(/^oa-/, 'pa-') : name)),
    };
    const error = await failure(storage, KITCHEN);
    expect(error).toMatchObject({ code: 'UNSUPPORTED' });
  });
});

it('a directory that was listed before gives the data directories below it all the same', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-listed-'));
  const table = path.join(root, 'shop', 'orders');
  for (const below of ['node1/system_schema', 'snapshots/system_schema', 'snapshots/tag', '.hidden/system_schema']) {
    fs.mkdirSync(path.join(table, below), { recursive: true });
  }
  fs.writeFileSync(path.join(table, 'oa-1-big-Data.db'), '');
  const { directories } = resolvePaths(diskStorage, [table]);
  const listed: Storage = { ...diskStorage, list: () => expect.fail('was listed again') };
  const found = dataDirectoriesOf(listed, [table], directories);
  expect(found.sort()).toEqual(['node1', 'snapshots'].map((name) => path.join(table, name)));
  expect(dataDirectoriesOf(diskStorage, [table]).sort()).toEqual(found);
  fs.rmSync(root, { recursive: true });
});
