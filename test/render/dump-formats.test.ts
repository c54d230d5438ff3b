import { describe, expect, it } from 'vitest';
import { makeFilter } from '../../src/engine/unfiltered-filter.js';
import { fixtureSSTables } from '../fixtures.js';
import { expectGolden } from '../golden.js';
import { parseCsv } from '../parse-csv.js';
import { dumpText, FORMATS, type Format } from './dump-text.js';

/** An SSTable of a table in the first fixture. */
function fixture(table: string, id = 'oa-1-big', name = 'oa-5.0'): string {
  const pattern = new RegExp(`^${name}/data/zoo/${table}-[0-9a-f]{32}/${id}-Data\\.db$`);
  const found = fixtureSSTables().filter((sstable) => pattern.test(sstable.name));
  expect(found).toHaveLength(1);
  return found[0]!.name;
}

const formats = Object.keys(FORMATS) as Format[];
/** What a part of a table shows that the others don't: columns of every kind, deletions of every kind, names, expiry. */
const TABLES: readonly (readonly [table: string, id: string, partitions: number])[] = [
  ['collections', 'oa-2-big', 2],
  ['user_types', 'oa-1-big', 2],
  ['types', 'oa-1-big', 1],
  ['statics', 'oa-2-big', 4],
  ['ranges', 'oa-2-big', 3],
  ['ranges_down', 'oa-1-big', 3],
  ['ttl', 'oa-2-big', 2],
  ['counters', 'oa-1-big', 3],
  ['dropped', 'oa-1-big', 2],
  ['MixedCase', 'oa-1-big', 9],
  ['composite_keys', 'oa-1-big', 3],
  ['compact_dense_composite', 'oa-1-big', 9],
  ['compact_key_only', 'oa-1-big', 9],
  ['custom_clustering', 'oa-1-big', 9],
];

describe('a dump of fixtures', () => {
  it.each(
    TABLES.flatMap(([table, id, partitions]) => formats.map((format) => [table, format, id, partitions] as const)),
  )('%s as %s', async (table, format, id, partitions) => {
    expectGolden(`dump/${table}.${format}`, await dumpText(format, fixture(table, id), { partitions }));
  });

  it('writes what a filter wants, and no more', async () => {
    const name = fixture('ranges', 'oa-2-big');
    const filter = makeFilter({ tombstones: true });
    const lines = (text: string) => text.trimEnd().split('\n');
    for (const format of ['ndjson', 'cql', 'debug'] as const) {
      const all = new Set(lines(await dumpText(format, name)));
      const wanted = lines(await dumpText(format, name, filter ? { filter } : {}));
      expect(wanted.length).toBeGreaterThan(3);
      expect(wanted.length).toBeLessThan(all.size);
      expect(wanted.filter((line) => !all.has(line))).toEqual([]);
    }
    const rows = (await dumpText('csv', name, filter ? { filter } : {})).trimEnd().split('\r\n');
    expect(rows.length).toBeLessThan((await dumpText('csv', name)).trimEnd().split('\r\n').length);
  });
});

describe.each(fixtureSSTables().map(({ name }) => name))('%s', (name) => {
  it('has a line of JSON for each line of -d, and a partition where nothing else is', async () => {
    const [, ...lines] = (await dumpText('ndjson', name)).trimEnd().split('\n');
    const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
    const debug = (await dumpText('debug', name)).split(/\n(?=\[)/).filter((line) => line !== '');
    expect(kinds.filter((kind) => kind !== 'partition')).toHaveLength(debug.length);
  });

  it('is CSV whose records all have the header’s fields', async () => {
    const records = parseCsv(await dumpText('csv', name));
    expect(records[0]!.at(-1)).toBe('_writetime');
    expect(records.filter((record) => record.length !== records[0]!.length)).toEqual([]);
    expect(records.slice(1).filter((record) => !/^-?\d+$/.test(record.at(-1)!))).toEqual([]);
  });

  it('is CQL with a statement a line', async () => {
    const lines = (await dumpText('cql', name)).trimEnd().split('\n');
    expect(lines.filter((line) => !/^(-- .*|(INSERT|UPDATE|DELETE) .*;)$/.test(line))).toEqual([]);
  });
});
