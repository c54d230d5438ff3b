/**
 * `verify` beside real Cassandra: the data directory of a node that has just started is sound, while it runs and after; and whatever the real
 * sstableverify calls corrupt, `verify --deep` does too. The seed of the damages is printed: LSMCTL_SEED repeats them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { randomOf } from '../corrupt.js';
import { connect, cql, missing, type Node, nodetool, setup, startNode, stopNode, tool, V5, V41 } from './cassandra.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const SEED = Number(process.env.LSMCTL_SEED ?? 20240601);
const NODE = { address: '127.0.0.60', jmxPort: 7206 };
/** Damages of each table: each costs a start of the real tool. */
const DAMAGES = Number(process.env.LSMCTL_TRIALS ?? 3);
const BIG = ['storage_compatibility_mode: NONE', 'sstable: { selected_format: big }'];
const BTI = ['storage_compatibility_mode: NONE', 'sstable: { selected_format: bti }'];
const RELEASES: readonly (readonly [name: string, version: string, yaml: readonly string[]])[] = [
  ['5.0 BIG', V5, BIG],
  ['5.0 BTI', V5, BTI],
  ['4.1', V41, []],
];
const TABLES = ['packed', 'plain'];

const directories: string[] = [];
const nodes: Node[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await stopNode(node, 'SIGKILL');
});
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function verify(...args: string[]) {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [LSMCTL, 'verify', '--deep', ...args], options);
  return { status, stdout, stderr };
}

function statements(): string[] {
  const rows = Array.from({ length: 600 }, (_, i) => {
    const table = TABLES[i % 2]!;
    return `INSERT INTO shop.${table} (k, c, v) VALUES (${(i >> 1) % 30}, ${i}, 'value ${i} ${'x'.repeat(i % 200)}')`;
  });
  return [
    "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    'CREATE TABLE shop.packed (k int, c int, v text, PRIMARY KEY (k, c))',
    "CREATE TABLE shop.plain (k int, c int, v text, PRIMARY KEY (k, c)) WITH compression = {'enabled': false}",
    'CREATE TABLE shop.empty (k int PRIMARY KEY, v text)',
    ...rows,
    ...TABLES.map((table) => `DELETE FROM shop.${table} WHERE k = 3 AND c > 10 AND c < 300`),
    ...TABLES.map((table) => `DELETE FROM shop.${table} WHERE k = 4`),
  ];
}

describe.skipIf(lacks)('verify', () => {
  it.each(RELEASES)('%s', async (name, version, yaml) => {
    setup([version]);
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-verify-'));
    directories.push(dir);
    const node = await startNode(version, dir, { ...NODE, yaml });
    nodes.push(node);
    const client = await connect(node);
    await cql(client, statements());
    await client.shutdown();
    nodetool(node, 'flush');
    const running = verify('--snapshots', join(dir, 'data'));
    expect([running.status, running.stdout]).toEqual([0, expect.stringContaining('0 with findings')]);
    nodetool(node, 'drain');
    await stopNode(node);
    const stopped = verify('--snapshots', join(dir, 'data'));
    expect([stopped.status, stopped.stdout]).toEqual([0, expect.stringContaining('0 with findings')]);

    const below = join(dir, 'data/shop');
    const random = randomOf(SEED);
    let called = 0;
    let found = 0;
    for (const table of TABLES) {
      const directory = join(below, readdirSync(below).find((one) => one.startsWith(`${table}-`))!);
      const sound = mkdtempSync(join(tmpdir(), 'lsmctl-verify-'));
      directories.push(sound);
      cpSync(directory, sound, { recursive: true });
      for (let i = 0; i < DAMAGES; i++) {
        const components = readdirSync(directory).filter(
          (file) => /-(?:big|bti)-/.test(file) && !file.endsWith('TOC.txt'),
        );
        const component = i === 0 ? components.find((file) => file.endsWith('Data.db'))! : components[Math.floor(random() * components.length)]!; // biome-ignore format: one line
        const bytes = readFileSync(join(directory, component));
        const at = Math.floor(random() * bytes.length);
        bytes[at]! ^= 1 << Math.floor(random() * 8);
        writeFileSync(join(directory, component), bytes);
        const ours = verify(directory); // first: the real tool removes a Summary.db that it can't read
        const real = tool(version, 'sstableverify', ['-e', '-f', 'shop', table], dir);
        const isCalled = real.status !== 0 || /corrupt|invalid|error/i.test(`${real.stdout}${real.stderr}`);
        if (isCalled) called++;
        if (ours.status === 1) found++;
        const what = `${name} seed ${SEED}: ${component} byte ${at}\n${real.stdout}${real.stderr}\n${ours.stdout}${ours.stderr}`;
        if (isCalled) expect(ours.status, what).toBe(1);
        rmSync(directory, { recursive: true });
        cpSync(sound, directory, { recursive: true });
      }
    }
    console.log(
      `${name}, seed ${SEED}: of ${TABLES.length * DAMAGES} damages sstableverify -e calls ${called} corrupt, verify ${found}`,
    );
    expect(called).toBeGreaterThan(0);
  });
});
