/** Rules that no flipped bit brings about: SSTables whose statistics, neighbours or schema are not what they should be. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage, overlayStorage, type Storage } from '../../../src/bytes/source.js';
import { verifyPaths } from '../../../src/cli/verify/run.js';
import { findTable, type Table } from '../../../src/cql/schema.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import { loadSchema } from '../../../src/engine/schema-loader.js';
import type { SSTableFiles } from '../../../src/engine/sstable-directory.js';
import { allFindings } from '../../../src/engine/verify/report.js';
import { type Level, type VerifyOptions, verifySSTable } from '../../../src/engine/verify/verify-sstable.js';
import { componentPath } from '../../../src/sstable/descriptor.js';
import type { StatsMetadata } from '../../../src/sstable/metadata/stats.js';
import { encodeStatistics, readStatistics, type StatisticsParts } from '../../../src/sstable/statistics.js';
import { FIXTURES } from '../../fixtures.js';
import { temporaryDirectory } from '../directories.js';

const NOW_SECONDS = 1_900_000_000;

function tableDirectory(fixture: string, keyspace: string, table: string): string {
  const below = path.join(FIXTURES, fixture, 'data', keyspace);
  return path.join(below, fs.readdirSync(below).find((name) => name.startsWith(`${table}-`))!);
}

function firstOf(directory: string): SSTableFiles {
  return resolveSSTables(diskStorage, [directory]).sstables[0]!;
}

const orders = firstOf(tableDirectory('oa-5.0', 'shop', 'orders_by_id'));

/** Statistics.db with other values. */
function withStats({ descriptor }: SSTableFiles, change: (parts: StatisticsParts) => StatisticsParts): Uint8Array {
  return encodeStatistics(change(readStatistics(diskStorage, descriptor).parts()), descriptor.version);
}

const stats = (changes: Partial<StatsMetadata>) => (parts: StatisticsParts) => ({ ...parts, stats: { ...parts.stats!, ...changes } }); // biome-ignore format: one line

function overlaid(files: SSTableFiles, component: string, bytes: Uint8Array): Storage {
  return overlayStorage(diskStorage, new Map([[componentPath(files.descriptor, component), bytes]]));
}

async function rulesOf(storage: Storage, files: SSTableFiles, level: Level, options: Partial<VerifyOptions> = {}) {
  const { findings } = await verifySSTable(storage, files, { level, nowSeconds: NOW_SECONDS, ...options });
  return findings.map(({ rule }) => rule);
}

const MICROS = 1_000_000n;
const validation = (partitioner: string) => (parts: StatisticsParts) => ({
  ...parts,
  validation: { ...parts.validation!, partitioner },
});

describe('Statistics.db tells', () => {
  it.each<[rule: string, level: Level, change: (parts: StatisticsParts) => StatisticsParts]>([
    ['repair-state', 'quick', stats({ repairedAtMillis: 5, pendingRepair: '11111111-2222-3333-4444-555555555555' })],
    ['repair-state', 'quick', stats({ repairedAtMillis: -5 })],
    ['timestamp-future', 'quick', stats({ maxTimestampMicros: BigInt(NOW_SECONDS + 10 * 86400) * MICROS })],
    ['timestamp-unit', 'quick', stats({ minTimestampMicros: 1_700_000_000n })],
    ['timestamp-unit', 'quick', stats({ minTimestampMicros: 1_700_000_000_000n })],
    ['ttl', 'quick', stats({ maxTtlSeconds: 700_000_000 })],
    ['statistics-rows', 'deep', stats({ totalRows: 1 })],
    ['statistics-rows', 'deep', stats({ minLocalDeletionSeconds: 5 })],
    ['statistics-rows', 'deep', stats({ maxTimestampMicros: 1_700_000_000_000_123n })],
    ['key-range', 'quick', stats({ firstKey: new Uint8Array(16) })],
    ['partitioner', 'default', validation('org.apache.cassandra.dht.RandomPartitioner')],
    ['partitioner', 'default', validation('org.apache.cassandra.dht.ByteOrderedPartitioner')],
  ])('%s (%s)', async (rule, level, change) => {
    expect(await rulesOf(overlaid(orders, 'Statistics.db', withStats(orders, change)), orders, level)).toContain(rule);
  });
});

describe('components against each other', () => {
  it('index-incomplete: the index has lost its last entry', async () => {
    const bytes = fs.readFileSync(componentPath(orders.descriptor, 'Index.db'));
    // u16 16, key, vints of position and row index: entries of two-byte positions and more have at least 19 bytes
    for (const by of [20, 21]) {
      const rules = await rulesOf(overlaid(orders, 'Index.db', bytes.subarray(0, bytes.length - by)), orders, 'deep');
      expect(rules.some((rule) => rule === 'index-incomplete' || rule === 'index')).toBe(true);
    }
  });
  it('data-length and data-digest: a plain Data.db is cut, or has no CRC.db', async () => {
    const plain = firstOf(tableDirectory('oa-5.0', 'zoo', 'c_none'));
    const bytes = fs.readFileSync(componentPath(plain.descriptor, 'Data.db'));
    const crc = fs.readFileSync(componentPath(plain.descriptor, 'CRC.db'));
    expect(await rulesOf(overlaid(plain, 'CRC.db', Buffer.concat([crc, Buffer.alloc(8, 1)])), plain, 'quick')).toContain('data-length'); // biome-ignore format: one line
    const flipped = Buffer.from(bytes);
    flipped[50]! ^= 1;
    const without = { ...plain, components: plain.components.filter((name) => name !== 'CRC.db') };
    expect(await rulesOf(overlaid(plain, 'Data.db', flipped), without, 'default')).toContain('data-digest');
  });
  it('filter, toc-missing, component-unnamed', async () => {
    const filter = fs.readFileSync(componentPath(orders.descriptor, 'Filter.db'));
    expect(await rulesOf(overlaid(orders, 'Filter.db', filter.subarray(0, 20)), orders, 'quick')).toContain('filter');
    const without = { ...orders, components: orders.components.filter((name) => name !== 'TOC.txt') };
    expect(await rulesOf(diskStorage, without, 'quick')).toContain('toc-missing');
    const toc = Buffer.from('Data.db\nIndex.db\nStatistics.db\n');
    expect(await rulesOf(overlaid(orders, 'TOC.txt', toc), orders, 'quick')).toContain('component-unnamed');
  });
  it('not-verified: a codec or a partitioner that is not known', async () => {
    const other = withStats(orders, validation('com.example.OtherPartitioner'));
    expect(await rulesOf(overlaid(orders, 'Statistics.db', other), orders, 'default')).toContain('not-verified');
  });
});

describe('header-schema', () => {
  it('a column of another type, and one that is in no schema', async () => {
    const root = path.join(FIXTURES, 'oa-5.0', 'data');
    const { schema } = await loadSchema(diskStorage, [root], { nowSeconds: NOW_SECONDS });
    const table = findTable(schema, 'shop', 'orders_by_id') as Table;
    expect(await rulesOf(diskStorage, orders, 'quick', { table })).toEqual([]);
    const regular = table.columns.filter(({ kind }) => kind === 'regular');
    const [one, two] = [regular.find(({ type }) => type.kind === 'native')!, table.columns[0]!];
    const changed = { ...table, columns: table.columns.map((column) => (column === one ? { ...column, type: two.type } : column)) }; // biome-ignore format: one line
    const lacking = { ...table, columns: table.columns.filter((column) => column !== one) };
    const isOther = JSON.stringify(one.type) !== JSON.stringify(two.type);
    if (isOther) expect(await rulesOf(diskStorage, orders, 'quick', { table: changed })).toContain('header-schema');
    expect(await rulesOf(diskStorage, orders, 'quick', { table: lacking })).toContain('header-schema');
  });
});

describe('between SSTables', () => {
  /** A copy of the three SSTables of a table, each with other statistics. */
  function copied(change: (i: number) => Partial<StatsMetadata>): string {
    const root = temporaryDirectory();
    const from = orders.descriptor.directory;
    const directory = path.join(root, 'data/shop', path.basename(from));
    fs.cpSync(from, directory, { recursive: true });
    for (const [i, files] of resolveSSTables(diskStorage, [directory]).sstables.entries())
      fs.writeFileSync(componentPath(files.descriptor, 'Statistics.db'), withStats(files, stats(change(i))));
    return directory;
  }
  async function found(paths: string[], flags: { schema?: string } = {}): Promise<string[]> {
    const tell = { notice() {}, isQuiet: true };
    return allFindings(await verifyPaths(paths, { now: NOW_SECONDS, quick: true, ...flags }, tell)).map(
      ({ rule }) => rule,
    );
  }

  it('levels-overlap', async () =>
    expect(await found([copied(() => ({ sstableLevel: 2 }))])).toContain('levels-overlap'));
  it('repaired-mixed', async () =>
    expect(await found([copied((i) => (i === 0 ? { repairedAtMillis: 1_600_000_000_000 } : {}))])).toContain('repaired-mixed')); // biome-ignore format: one line
  it('nothing else', async () => expect(await found([copied(() => ({}))])).toEqual([]));

  it('generation-duplicate', async () => {
    const directory = copied(() => ({}));
    const other = path.join(
      path.dirname(path.dirname(path.dirname(directory))),
      'second/shop',
      path.basename(directory),
    );
    fs.cpSync(directory, other, { recursive: true });
    expect(await found([directory, other])).toContain('generation-duplicate');
  });

  it('partitioner-mixed', async () => {
    const directory = copied(() => ({}));
    const [files] = resolveSSTables(diskStorage, [directory]).sstables;
    const bytes = withStats(files!, validation('org.apache.cassandra.dht.RandomPartitioner'));
    fs.writeFileSync(componentPath(files!.descriptor, 'Statistics.db'), bytes);
    expect(await found([directory])).toContain('partitioner-mixed');
  });

  it('table-not-in-schema: made anew under another id', async () => {
    const root = temporaryDirectory();
    fs.cpSync(path.join(FIXTURES, 'oa-5.0', 'data'), root, { recursive: true });
    const shop = path.join(root, 'shop');
    const name = fs.readdirSync(shop).find((one) => one.startsWith('orders_by_id-'))!;
    fs.renameSync(
      path.join(shop, name),
      path.join(
        shop,
        name.replace(/.$/, (end) => (end === '0' ? '1' : '0')),
      ),
    );
    expect(await found([root])).toContain('table-not-in-schema');
  });
});
