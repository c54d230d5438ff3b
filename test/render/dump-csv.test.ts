/** What a dump shows as living is what the node answered, where one SSTable is all that a table has. */
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FIXTURES, fixtureSSTables } from '../fixtures.js';
import { parseCsv } from '../parse-csv.js';
import { dumpText } from './dump-text.js';

type Row = Readonly<Record<string, string | null>>;
type Schema = Record<'partition_key' | 'clustering' | 'static' | 'regular', { name: string; type: string }[]>;

const folderOf = (name: string) => path.dirname(name);
const names = fixtureSSTables().map(({ name }) => name);
const alone = names.filter((name) => names.filter((other) => folderOf(other) === folderOf(name)).length === 1);

/** What SELECT JSON * gave, its keys without the quotes of names. */
function viewOf(name: string): Record<string, unknown>[] | undefined {
  const [fixture, , keyspace, folder, file, ...deeper] = name.split('/') as string[];
  if (deeper.length > 0 || !file) return undefined; // an index, a snapshot, a backup
  const base = path.join(FIXTURES, fixture!, 'view', keyspace!, `${folder!.replace(/-[0-9a-f]{32}$/, '')}.jsonl`);
  if (!fs.existsSync(base) && !fs.existsSync(`${base}.gz`)) return undefined;
  const text = fs.existsSync(base)
    ? fs.readFileSync(base, 'utf8')
    : gunzipSync(fs.readFileSync(`${base}.gz`)).toString();
  const plain = (key: string) => (key.startsWith('"') ? key.slice(1, -1).replaceAll('""', '"') : key);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [plain(key), value])));
}

/** Types whose text is the same in JSON and CSV, quotes aside. */
const ALIKE = new Set(['text', 'ascii', 'int', 'smallint', 'tinyint', 'boolean', 'uuid', 'blob', 'date']);

/** The rows as SELECT shows them: statics repeated, alone where the partition has no rows. Sorted texts of the columns that are alike. */
function selected(rows: readonly Row[], schema: Schema): string[] {
  const all = Object.values(schema).flat();
  const alike = all.filter(({ type }) => ALIKE.has(type)).map((column) => column.name);
  const texts: string[] = [];
  let statics: Row | undefined;
  let isAlone = false;
  const add = (row: Row) => texts.push(JSON.stringify(alike.map((name) => row[name] ?? null)));
  for (const row of rows) {
    const isStatic = schema.clustering.length > 0 && schema.clustering.every(({ name }) => row[name] === null);
    const isOther = !statics || schema.partition_key.some(({ name }) => row[name] !== statics?.[name]);
    if (isStatic || isOther) {
      if (isAlone) add(statics!);
      statics = isStatic ? row : undefined;
      isAlone = isStatic;
      if (isStatic) continue;
    }
    isAlone = false;
    add({
      ...row,
      ...(statics && Object.fromEntries(schema.static.map(({ name }) => [name, statics![name] ?? null]))),
    });
  }
  if (isAlone) add(statics!);
  return texts.sort();
}

const cases = alone.filter((name) => viewOf(name) !== undefined);

describe('CSV of tables with one SSTable', () => {
  it.each(cases)('%s', async (name) => {
    const [header, ...records] = parseCsv(await dumpText('csv', name));
    const schema = JSON.parse((await dumpText('ndjson', name)).split('\n')[0]!) as Schema;
    const rows = records.map((record) => Object.fromEntries(header!.map((column, i) => [column, record[i]!])) as Row);
    const view = viewOf(name)!;
    const shown = Object.keys(view[0] ?? {});
    const kept = Object.fromEntries(
      Object.entries(schema)
        .filter(([, columns]) => Array.isArray(columns))
        .map(([kind, columns]) => [kind, columns.filter((column) => shown.includes(column.name))]),
    ) as Schema;
    const answers = view.map((row) =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value === null ? null : String(value)])),
    );
    // SELECT has each static value in its rows already
    const alike = Object.values(kept)
      .flat()
      .filter(({ type }) => ALIKE.has(type));
    const expected = answers.map((row) => JSON.stringify(alike.map((column) => row[column.name] ?? null))).sort();
    expect(selected(rows, kept)).toEqual(expected);
  });

  it('are many', () => {
    expect(cases.length).toBeGreaterThan(60);
  });
});
