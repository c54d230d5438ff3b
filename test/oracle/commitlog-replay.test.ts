/**
 * Replays of real nodes' commit logs: random writes, flushes, a truncation, SIGKILL. A node on the SSTables that are replayed here answers what the
 * node answers that replays its log itself; and it finds nothing left to replay..
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ReplayFlags, replayPaths } from '../../src/cli/commitlog/replay.js';
import { CORPUS, hasCorpus, KITCHENS, sortedLines, viewOf } from '../corpus.js';
import { runCli } from '../run-cli.js';
import { connect, cql, missing, nodetool, setup, startNode, stopNode, V5, V41 } from './cassandra.js';
import { NODES, readAnswers } from './compaction-recorder.js';
import { chance } from './workloads/random.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

// CI repeats the same writes, so that what fails there is the change's; elsewhere each run has its own
const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 5 : Date.now() % 1_000_000));
const NODE = { address: '127.0.43.7', jmxPort: 17967 };

const FLAGS: ReplayFlags = {
  'in-place': false,
  'skip-corrupt': false,
  'dry-run': false,
  'memtable-mb': 1,
  jobs: 1,
  yes: true,
  now: Math.floor(Date.now() / 1000),
};
const STAGE = { tell: () => {}, show: () => {}, quiet: true };

function copyOf(dir: string, ...names: string[]): string {
  const copy = mkdtempSync(join(tmpdir(), 'lsmctl-replay-'));
  for (const name of names) cpSync(join(dir, name), join(copy, name), { recursive: true });
  return copy;
}

/** What a node on `dir` answers, and how many mutations it says that it has replayed. It is killed then. */
async function answersOf(version: string, dir: string, keyspace: string, yaml: readonly string[], jvm: string[] = []) {
  const node = await startNode(version, dir, { ...NODE, yaml, jvm });
  try {
    const client = await connect(node);
    const answers = await readAnswers(client, [keyspace]);
    await client.shutdown();
    const log = readFileSync(join(dir, 'system.log'), 'utf8').split('\n');
    const lines = log.filter((line) => line.includes('Log replay complete'));
    const replayed = lines.map((line) => Number(/(\d+) replayed mutations/.exec(line)?.[1]));
    return { answers, replayed: replayed.at(-1) };
  } finally {
    await stopNode(node, 'SIGKILL');
  }
}

describe.skipIf(lacks !== undefined)(`replays of random writes (seed ${seed})`, () => {
  beforeAll(() => {
    console.log(`seed ${seed}: npm run test:cassandra -- --seed ${seed}`);
    setup([V5, V41]);
  });

  it.each(Object.keys(NODES))('%s', async (format) => {
    const { version, yaml } = NODES[format]!;
    const own = [...yaml, 'commitlog_sync_period: 700ms', 'auto_snapshot: false'];
    const { keyspace, create, rounds } = chance(version, seed + Object.keys(NODES).indexOf(format));
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-replay-'));
    const node = await startNode(version, dir, { ...NODE, yaml: own });
    try {
      const client = await connect(node);
      await cql(client, create);
      const tables = create.flatMap((text) => /^CREATE TABLE (\S+) /.exec(text)?.[1] ?? []);
      const name = (table: string) => table.split('.')[1]!;
      await cql(client, rounds[0]!);
      nodetool(node, 'flush', keyspace, ...tables.slice(0, tables.length / 2).map(name));
      await cql(client, rounds[1]!);
      nodetool(node, 'flush', keyspace, ...tables.filter((_, i) => i % 3 === 0).map(name));
      await client.execute(`TRUNCATE ${tables[1]}`);
      await client.execute(`TRUNCATE ${tables[3]}`);
      await cql(
        client,
        rounds[2]!.filter((text) => !text.includes(tables[3]!)),
      );
      await sleep(2000); // TTLs of 1 s, and half of a sync
      await client.shutdown();
    } finally {
      await stopNode(node, 'SIGKILL');
    }
    const ours = copyOf(dir, 'data', 'commitlog');
    const theirs = await answersOf(version, dir, keyspace, own);
    expect(theirs.replayed).toBeGreaterThan(1000);
    expect(Object.values(theirs.answers).flat().length).toBeGreaterThan(100);

    if (format === 'da') {
      await replayPaths([ours], { ...FLAGS, output: join(ours, 'out') }, STAGE);
      rmSync(join(ours, 'commitlog'), { recursive: true });
      cpSync(join(ours, 'out'), join(ours, 'data'), { recursive: true });
      expect((await answersOf(version, ours, keyspace, own)).answers).toEqual(theirs.answers);
    } else {
      const { result } = await replayPaths([ours], { ...FLAGS, 'in-place': true }, STAGE);
      expect(result.faults).toEqual([]);
      const { answers, replayed } = await answersOf(version, ours, keyspace, own);
      expect(answers).toEqual(theirs.answers);
      expect(replayed).toBe(0);
    }
    for (const made of [dir, ours]) rmSync(made, { recursive: true });
  });
});

/** The whole table, its commit log included, as it is at that time. */
function readKitchen(kitchen: string, table: string, nowSeconds: number): string[] {
  const data = join(CORPUS, kitchen, 'data/kitchen');
  const directory = readdirSync(data).find((one) => one.startsWith(`${table}-`))!;
  const log = ['--commitlog', join(CORPUS, kitchen, 'commitlog')];
  const { stdout, stderr, code } = runCli([
    'read',
    join(data, directory),
    '--all',
    ...log,
    '--now',
    String(nowSeconds),
  ]);
  expect(code, stderr).toBe(0);
  return sortedLines(stdout);
}

describe.skipIf(lacks !== undefined || !hasCorpus())('the kitchens', () => {
  it.each(KITCHENS)('%s: a node on the replayed SSTables answers what the restarted node did', async (name) => {
    const { version, yaml } = NODES[name.split('-')[1]!]!;
    setup([version]);
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-replay-'));
    await replayPaths([join(CORPUS, name)], { ...FLAGS, output: join(dir, 'out'), tables: ['kitchen'] }, STAGE);
    cpSync(join(CORPUS, name, 'data'), join(dir, 'data'), { recursive: true });
    cpSync(join(dir, 'out'), join(dir, 'data'), { recursive: true });
    const { answers } = await answersOf(version, dir, 'kitchen', yaml);
    const clock = Number(readFileSync(join(CORPUS, name, 'clock'), 'utf8'));
    for (const [of, lines] of Object.entries(answers)) {
      const table = of.split('.')[1]!;
      // TTLs end while the recording grows old: `read` tells what it said then, and what is left of that now
      expect(readKitchen(name, table, clock), of).toEqual(viewOf(name, table));
      expect(lines, of).toEqual(readKitchen(name, table, Math.floor(Date.now() / 1000)));
    }
    expect(Object.keys(answers).length).toBeGreaterThan(20);
    rmSync(dir, { recursive: true });
  });
});
