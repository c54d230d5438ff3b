/**
 * Replays of real nodes' commit logs: random writes, flushes, a truncation, SIGKILL. A node on the SSTables that are replayed here answers what the
 * node answers that replays its log itself; and it finds nothing left to replay. Points in time are those of the node's own restore_point_in_time.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path, { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ReplayFlags, replayPaths } from '../../src/cli/commitlog/replay.js';
import { connect, cql, missing, nodetool, selectJson, setup, startNode, stopNode, V5, V41 } from './cassandra.js';
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
    const aside = copyOf(dir, 'data', 'commitlog');
    const theirs = await answersOf(version, dir, keyspace, own);
    expect(theirs.replayed).toBeGreaterThan(1000);
    expect(Object.values(theirs.answers).flat().length).toBeGreaterThan(100);

    const report = await replayPaths([ours], { ...FLAGS, 'in-place': true }, STAGE);
    expect(report.result.faults).toEqual([]);
    const inPlace = await answersOf(version, ours, keyspace, own);
    expect(inPlace.answers).toEqual(theirs.answers);
    expect(inPlace.replayed).toBe(0);

    await replayPaths([aside], { ...FLAGS, output: join(aside, 'out') }, STAGE);
    rmSync(join(aside, 'commitlog'), { recursive: true });
    cpSync(join(aside, 'out'), join(aside, 'data'), { recursive: true });
    expect((await answersOf(version, aside, keyspace, own)).answers).toEqual(theirs.answers);
    for (const made of [dir, ours, aside]) rmSync(made, { recursive: true });
  });
});

const POINT = 1_700_000_000_000_000n;

describe.skipIf(lacks !== undefined)('a point in time', () => {
  const before = (micros: number) => `USING TIMESTAMP ${POINT - BigInt(micros)}`;
  const after = (micros: number) => `USING TIMESTAMP ${POINT + BigInt(micros)}`;
  const rows = Array.from({ length: 12 }, (_, i) => i);
  const statements = [
    ...rows.map((i) => `INSERT INTO pit.t (k, c, v, m) VALUES (${i}, 1, 'old', {'a': 1}) ${before(500 + i)}`),
    ...rows.map((i) => `INSERT INTO pit.t (k, c, v) VALUES (${i}, 2, 'second') ${before(300 + i)}`),
    // in the order of the log, what is later stands among what is not
    `INSERT INTO pit.t (k, c, v) VALUES (0, 1, 'later') ${after(1_000_000)}`,
    `UPDATE pit.t ${after(1000)} SET v = 'later' WHERE k = 1 AND c = 1`,
    `DELETE FROM pit.t ${after(2000)} WHERE k = 2`,
    `DELETE FROM pit.t ${after(3000)} WHERE k = 3 AND c > 1`,
    `DELETE v FROM pit.t ${after(3000)} WHERE k = 4 AND c = 1`,
    `DELETE m['a'] FROM pit.t ${after(3000)} WHERE k = 5 AND c = 1`,
    `DELETE m FROM pit.t ${after(3000)} WHERE k = 6 AND c = 1`,
    `DELETE FROM pit.t ${before(100)} WHERE k = 7 AND c = 1`,
    `BEGIN BATCH INSERT INTO pit.t (k, c, v) VALUES (8, 3, 'batch') ${before(50)}; INSERT INTO pit.t (k, c, v) VALUES (8, 4, 'batch') ${after(5000)}; APPLY BATCH`,
    `INSERT INTO pit.t (k, c, v) VALUES (9, 3, 'on time') ${after(0)}`,
    `INSERT INTO pit.t (k, c, v) VALUES (9, 4, 'a microsecond late') ${after(1)}`,
    `UPDATE pit.t ${before(20)} SET v = 'last' WHERE k = 10 AND c = 1`,
  ];
  const rowDeletion = `DELETE FROM pit.t ${after(4000)} WHERE k = 11 AND c = 1`;

  it.each([V5, V41])('is that of restore_point_in_time of %s, but for deletions of rows', async (version) => {
    setup([version]);
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-replay-'));
    const yaml = ['commitlog_sync_period: 700ms'];
    const node = await startNode(version, dir, { ...NODE, yaml });
    try {
      const client = await connect(node);
      await cql(client, [
        `CREATE KEYSPACE pit WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
        'CREATE TABLE pit.t (k int, c int, v text, m map<text, int>, PRIMARY KEY (k, c))',
      ]);
      await cql(client, [...statements, rowDeletion], 1);
      await sleep(2000);
      await client.shutdown();
    } finally {
      await stopNode(node, 'SIGKILL');
    }
    const ours = copyOf(dir, 'data', 'commitlog');

    const conf = join(dir, 'archiving');
    cpSync(join(dir, 'conf'), conf, { recursive: true });
    // GMT
    writeFileSync(join(conf, 'commitlog_archiving.properties'), 'restore_point_in_time=2023:11:14 22:13:20\n');
    const jars = path.join(process.env.ORACLE_HOME ?? join(homedir(), '.cache/cassandra-oracle'), version, '*');
    const restored = await startNode(version, dir, { ...NODE, yaml, jvm: ['-cp', `${conf}:${jars}`] });
    let theirs: string[];
    try {
      const client = await connect(restored);
      theirs = await selectJson(client, 'pit.t');
      await client.shutdown();
    } finally {
      await stopNode(restored, 'SIGKILL');
    }

    await replayPaths([ours], { ...FLAGS, 'in-place': true, tables: ['pit'], until: '2023-11-14T22:13:20Z' }, STAGE);
    rmSync(join(ours, 'commitlog'), { recursive: true });
    const mine = (await answersOf(version, ours, 'pit', yaml)).answers['pit.t']!;

    const row = (k: number, c: number, v: string, m: object | null = c === 1 ? { a: 1 } : null) =>
      JSON.stringify({ k, c, m, v }).replaceAll(/([:,])(?!\s)/g, '$1 ');
    // the node goes by the greatest timestamp of a mutation, and that of a row's deletion is not among those it looks at
    const rowThatTheNodeDeletes = row(11, 1, 'old');
    expect(mine.filter((line) => line !== rowThatTheNodeDeletes)).toEqual(theirs);
    const wanted = [
      ...rows.filter((k) => k !== 7).map((k) => row(k, 1, k === 10 ? 'last' : 'old')),
      ...rows.map((k) => row(k, 2, 'second')),
      row(9, 3, 'on time'),
    ];
    expect(mine).toEqual(wanted.sort());
    for (const made of [dir, ours]) rmSync(made, { recursive: true });
  });
});
