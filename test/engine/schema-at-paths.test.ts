/** What a path asks of the schema: everything, a keyspace, or one table with what it needs. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/bytes/errors.js';
import { diskStorage } from '../../src/bytes/source.js';
import { parseSchema } from '../../src/cql/ddl-parser.js';
import { writeSchema } from '../../src/cql/ddl-writer.js';
import type { Schema } from '../../src/cql/schema.js';
import { loadSchemaAt } from '../../src/engine/schema-at-paths.js';
import { FIXTURES } from '../fixtures.js';
import { temporaryDirectory } from './directories.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = { nowSeconds: 1_800_000_000 };

/** The directory of a table, with its id. */
function directoryOf(keyspace: string, table: string): string {
  const name = fs.readdirSync(path.join(DATA, keyspace)).find((entry) => entry.startsWith(`${table}-`))!;
  return path.join(DATA, keyspace, name);
}

/** `keyspace: types | functions | tables and views` of each keyspace. */
function outline({ keyspaces }: Schema): string[] {
  const names = (elements: readonly { readonly name: string }[]) => elements.map(({ name }) => name).join(' ');
  return keyspaces.map(({ name, replication, types, functions, tables, views }) => {
    const parts = [names(types), names(functions), names([...tables, ...views])];
    return `${name}${replication ? '' : ' (unreplicated)'}: ${parts.join(' | ')}`;
  });
}

async function at(...paths: string[]): Promise<string[]> {
  return outline((await loadSchemaAt(diskStorage, paths, NOW)).schema);
}

describe('a table', () => {
  it.each([
    ['its directory', () => directoryOf('shop', 'customers'), 'shop: address contact |  | customers'],
    ['a file of an SSTable', () => path.join(directoryOf('shop', 'events'), 'oa-1-big-Data.db'), 'shop:  |  | events'],
    ['an SSTable by its prefix', () => path.join(directoryOf('shop', 'events'), 'oa-1-big'), 'shop:  |  | events'],
    ['a snapshot', () => path.join(directoryOf('zoo', 'kept'), 'snapshots/before-cleanup'), 'zoo:  |  | kept'],
    ['types within types', () => directoryOf('zoo', 'user_types'), 'zoo: Odd Type address person |  | user_types'],
    ['a view, which needs its base table', () => directoryOf('zoo', 'by_owner'), 'zoo:  |  | viewed by_owner'],
    ['a base table, which does not need its views', () => directoryOf('zoo', 'viewed'), 'zoo:  |  | viewed'],
    ['a dropped one, by its snapshot', () => directoryOf('zoo', 'abandoned'), 'zoo:  |  | abandoned'],
  ])('by %s', async (_, given, expected) => {
    expect(await at(given())).toEqual([expected]);
  });

  it('by the directory of its index', async () => {
    const table = directoryOf('zoo', 'indexed');
    const index = fs.readdirSync(table).find((name) => name.startsWith('.'))!;
    expect(await at(path.join(table, index))).toEqual(['zoo:  |  | indexed']);
  });

  it('that was made anew under its name is told by its id', async () => {
    const copy = path.join(temporaryDirectory(), 'data');
    fs.cpSync(path.join(DATA, 'system_schema'), path.join(copy, 'system_schema'), { recursive: true });
    const old = path.join(copy, 'shop', `events-${'0'.repeat(32)}`);
    fs.cpSync(directoryOf('zoo', 'sparse'), old, { recursive: true });
    const loaded = await loadSchemaAt(diskStorage, [old], NOW);
    expect(loaded.fromHeaders).toEqual(['shop.events']);
    expect(loaded.source.kind).toBe('header');
    expect(outline(loaded.schema)).toEqual(['shop:  |  | events']);
    fs.rmSync(old, { recursive: true });
    fs.mkdirSync(old);
    await expect(loadSchemaAt(diskStorage, [old], NOW)).rejects.toThrow(UsageError);
    await expect(loadSchemaAt(diskStorage, [old], NOW)).rejects.toThrow('no table shop.events of this id');
  });

  it('can be made from what is printed', async () => {
    const { schema } = await loadSchemaAt(diskStorage, [directoryOf('zoo', 'user_types')], NOW);
    const text = writeSchema(schema);
    expect(text.match(/^CREATE \w+/gm)).toEqual([
      'CREATE KEYSPACE',
      'CREATE TYPE',
      'CREATE TYPE',
      'CREATE TYPE',
      'CREATE TABLE',
    ]);
    expect(outline(parseSchema(text))).toEqual(outline(schema));
  });
});

describe('a keyspace', () => {
  it('is whole', async () => {
    const all = await loadSchemaAt(diskStorage, [DATA], NOW);
    const one = await loadSchemaAt(diskStorage, [path.join(DATA, 'zoo')], NOW);
    expect([all.isPart, one.isPart]).toEqual([false, true]);
    expect(one.schema.keyspaces).toEqual(all.schema.keyspaces.filter(({ name }) => name === 'zoo'));
  });

  it("of Cassandra's own is shown when it is asked for", async () => {
    expect(await at(path.join(DATA, 'system_schema'))).toEqual([expect.stringMatching(/^system_schema: .* tables /)]);
  });
});

describe('several paths', () => {
  it('are put together', async () => {
    const paths = [directoryOf('zoo', 'ttl'), directoryOf('shop', 'events'), directoryOf('zoo', 'abandoned')];
    expect(await at(...paths)).toEqual(['shop:  |  | events', 'zoo:  |  | abandoned ttl']);
  });

  it.each([
    ['with the data directory', DATA],
    ['with the directory above it', path.dirname(DATA)],
  ])('are all %s', async (_, all) => {
    const { isPart, schema } = await loadSchemaAt(diskStorage, [directoryOf('zoo', 'ttl'), all], NOW);
    expect(isPart).toBe(false);
    expect(schema.keyspaces.length).toBeGreaterThan(3);
  });
});

describe('without a system_schema', () => {
  it('a copied keyspace is what its headers say', async () => {
    const keyspace = path.join(temporaryDirectory(), 'copied');
    for (const table of ['events', 'carts']) {
      const directory = directoryOf('shop', table);
      fs.cpSync(directory, path.join(keyspace, path.basename(directory)), { recursive: true });
    }
    expect(await at(keyspace)).toEqual(['copied (unreplicated):  |  | carts events']);
    expect(await at(path.join(keyspace, path.basename(directoryOf('shop', 'events'))))).toEqual([
      'copied (unreplicated):  |  | events',
    ]);
  });

  it('a --schema file is narrowed by the path', async () => {
    const file = path.join(temporaryDirectory(), 'all.cql');
    const { schema } = await loadSchemaAt(diskStorage, [DATA], NOW);
    fs.writeFileSync(file, writeSchema(schema));
    const table = directoryOf('shop', 'customers');
    const loaded = await loadSchemaAt(diskStorage, [table], { ...NOW, schemaFile: file });
    expect([loaded.source.kind, outline(loaded.schema)]).toEqual(['file', ['shop: address contact |  | customers']]);
    const gone = loadSchemaAt(diskStorage, [directoryOf('zoo', 'abandoned')], { ...NOW, schemaFile: file });
    await expect(gone).rejects.toThrow('no table zoo.abandoned');
  });
});

it('a mask brings its function, and that its types', async () => {
  const file = path.join(temporaryDirectory(), 'masks.cql');
  fs.writeFileSync(
    file,
    `CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'};
     CREATE TYPE k.how (n int);
     CREATE TYPE k.other (n int);
     CREATE FUNCTION k.hide(v text, h frozen<how>) CALLED ON NULL INPUT RETURNS text LANGUAGE java AS $$return v;$$;
     CREATE FUNCTION k.plus(a int, b int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS $$return a + b;$$;
     CREATE TABLE k.t (k int PRIMARY KEY, v text MASKED WITH k.hide({n: 1}));
     CREATE TABLE k.u (k int PRIMARY KEY);`,
  );
  const table = path.join(temporaryDirectory(), 'k', `t-${'1'.repeat(32)}`);
  fs.mkdirSync(table, { recursive: true });
  const { schema } = await loadSchemaAt(diskStorage, [table], { ...NOW, schemaFile: file });
  expect(outline(schema)).toEqual(['k: how | hide | t']);
});
