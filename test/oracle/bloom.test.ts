/**
 * Bloom filters before real nodes: one of zeros hides every key and no tool of Cassandra's says so; those that lsmctl makes are loaded as they are,
 * find every key, and err as often as lsmctl says.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from 'cassandra-driver';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connect, cql, missing, type Node, nodetool, setup, startNode, stopNode, tool, V5, V41 } from './cassandra.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const NODE = { address: '127.0.0.80', jmxPort: 7208 };
const KEYS = 1000;
const ABSENT = 4000;
const BTI = ['storage_compatibility_mode: NONE', 'sstable: { selected_format: bti }'];
const RELEASES: readonly (readonly [name: string, version: string, yaml: readonly string[]])[] = [
  ['5.0 BIG', V5, ['storage_compatibility_mode: NONE']],
  ['5.0 BTI', V5, BTI],
  ['4.1', V41, []],
];

const directories: string[] = [];
const nodes: Node[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await stopNode(node, 'SIGKILL');
});
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function lsmctl(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LSMCTL, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** A component of the only SSTable of a table. */
function componentOf(dir: string, table: string, component: string): string {
  const below = join(dir, 'data/shop');
  const names = (readdirSync(below, { recursive: true, encoding: 'utf8' }) as string[]).filter(
    (name) => name.startsWith(`${table}-`) && name.endsWith(`-${component}`),
  );
  expect(names.length, names.join()).toBe(1);
  return join(below, names[0]!);
}

/** How many of the keys from `first` on a node finds by key. */
async function found(client: Client, table: string, first: number, count: number): Promise<number> {
  const query = `SELECT k FROM shop.${table} WHERE k = ?`;
  let sum = 0;
  for (let from = 0; from < count; from += 200) {
    const keys = Array.from({ length: Math.min(200, count - from) }, (_, i) => first + from + i);
    const results = await Promise.all(keys.map((k) => client.execute(query, [k], { prepare: true })));
    for (const { rowLength } of results) sum += rowLength;
  }
  return sum;
}

async function counted(client: Client, table: string): Promise<number> {
  return Number((await client.execute(`SELECT count(*) FROM shop.${table}`)).rows[0]!.get(0));
}

describe.skipIf(lacks)('Bloom filters', () => {
  it.each(RELEASES)('%s', async (name, version, yaml) => {
    setup([version]);
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-bloom-'));
    directories.push(dir);
    const options = { ...NODE, yaml };

    let node = await startNode(version, dir, options);
    nodes.push(node);
    let client = await connect(node);
    await cql(client, [
      "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      ...['zeroed', 'gone'].map((table) => `CREATE TABLE shop.${table} (k int PRIMARY KEY, v text)`),
      ...Array.from({ length: 2 * KEYS }, (_, i) => {
        const table = i % 2 === 0 ? 'zeroed' : 'gone';
        return `INSERT INTO shop.${table} (k, v) VALUES (${i >> 1}, 'v${i}')`;
      }),
    ]);
    await client.shutdown();
    nodetool(node, 'flush', 'shop');
    nodetool(node, 'drain');
    const refused = lsmctl('bloom', join(dir, 'data/shop'), '--rebuild', '--yes');
    expect([refused.status, refused.stderr]).toEqual([4, expect.stringContaining('a running Cassandra has it open')]);
    await stopNode(node);

    expect(lsmctl('bloom', join(dir, 'data/shop')).status).toBe(0);
    const zeroed = componentOf(dir, 'zeroed', 'Filter.db');
    const bytes = readFileSync(zeroed);
    writeFileSync(zeroed, bytes.fill(0, 8));

    // no tool and no start tells, and the keys are hidden
    const verified = tool(version, 'sstableverify', ['-e', '-f', 'shop', 'zeroed'], dir);
    expect([verified.status, verified.stderr]).toEqual([0, '']);
    expect(verified.stdout.toString()).toContain('succeeded');
    const told = lsmctl('bloom', join(dir, 'data/shop'));
    expect([told.status, told.stdout]).toEqual([
      1,
      expect.stringContaining(`denies ${KEYS} of the ${KEYS} keys asked`),
    ]);
    node = await startNode(version, dir, options);
    nodes.push(node);
    client = await connect(node);
    // 5.0 does not ask the filter for the last key of an SSTable in BIG
    expect(await found(client, 'zeroed', 0, KEYS)).toBe(name === '5.0 BIG' ? 1 : 0);
    expect(await counted(client, 'zeroed')).toBe(KEYS);
    await client.shutdown();
    nodetool(node, 'drain');
    await stopNode(node);
    const log = readFileSync(join(dir, 'system.log'), 'utf8').split('\n');
    expect(
      log.filter((line) => /^(WARN|ERROR)/.test(line) && /bloom filter|Filter\.db|CorruptSSTable/i.test(line)),
    ).toEqual([]);

    // a new filter in its place, and one where there is none
    const gone = componentOf(dir, 'gone', 'Filter.db');
    rmSync(gone);
    const chance = lsmctl('bloom', join(dir, 'data/shop'), '--rebuild', '--fp-chance', '0.1', '--yes');
    expect([chance.status, chance.stderr]).toEqual([0, '']);
    const made = [zeroed, gone].map((file) => readFileSync(file));
    const report = JSON.parse(lsmctl('bloom', join(dir, 'data/shop/'), '--measure', '--seed', '1', '--json').stdout);
    node = await startNode(version, dir, options);
    nodes.push(node);
    client = await connect(node);
    for (const table of ['zeroed', 'gone']) {
      expect([table, await found(client, table, 0, KEYS)]).toEqual([table, KEYS]);
      const before = statsOf(nodetool(node, 'tablestats', `shop.${table}`));
      expect(await found(client, table, KEYS, ABSENT)).toBe(0);
      const after = statsOf(nodetool(node, 'tablestats', `shop.${table}`));
      const { sstables, memoryBytes } = report.tables.find((of: { table: string }) => of.table === table);
      expect(after.offHeap).toBe(memoryBytes);
      // five deviations of as many draws, and keys beyond the first or last are not asked for
      const rate = sstables[0].measured.falsePositiveRate;
      const positives = after.falsePositives - before.falsePositives;
      expect(Math.abs(positives / ABSENT - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / ABSENT));
      console.log(
        `${name} ${table}: ${positives} false positives of ${ABSENT}, ${(rate * ABSENT).toFixed(0)} expected`,
      );
    }
    await client.shutdown();
    await stopNode(node);
    expect([zeroed, gone].map((file) => readFileSync(file))).toEqual(made);
  });
});

function statsOf(text: string): { readonly falsePositives: number; readonly offHeap: number } {
  const of = (what: string) => Number(new RegExp(`${what}: (\\d+)`).exec(text)?.[1]);
  return { falsePositives: of('Bloom filter false positives'), offHeap: of('Bloom filter off heap memory used') };
}
