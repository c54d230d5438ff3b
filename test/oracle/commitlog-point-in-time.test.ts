/**
 * Points in time, as a real node's restore_point_in_time goes back to them. The one difference is told in README: deletions of single rows.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { replayPaths } from '../../src/cli/commitlog/replay.js';
import { findTable, type Table } from '../../src/cql/schema.js';
import { resolvePaths } from '../../src/engine/data-directory.js';
import { loadSchema } from '../../src/engine/schema-loader.js';
import { openDescriptor } from '../../src/sstable/sstable.js';
import { normalLine, selectLines } from '../engine/replay/select-json.js';
import { connect, cql, missing, selectJson, setup, startNode, stopNode, V5, V41 } from './cassandra.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const NODE = { address: '127.0.43.8', jmxPort: 17968 };
const NOW = Math.floor(Date.now() / 1000);

/** What the SSTables below answer. */
async function linesOf(data: string): Promise<string[]> {
  const { schema } = await loadSchema(diskStorage, [data], { nowSeconds: NOW });
  const directories = resolvePaths(diskStorage, [join(data, 'pit')]).directories;
  const descriptors = directories.flatMap(({ sstables }) => sstables.map(({ descriptor }) => descriptor));
  const sstables = await Promise.all(descriptors.map((descriptor) => openDescriptor(diskStorage, descriptor)));
  const lines = selectLines(sstables, findTable(schema, 'pit', 't') as Table, NOW);
  for (const sstable of sstables) sstable.close();
  return lines;
}

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
    const ours = mkdtempSync(join(tmpdir(), 'lsmctl-replay-'));
    for (const name of ['data', 'commitlog']) cpSync(join(dir, name), join(ours, name), { recursive: true });

    const conf = join(dir, 'archiving');
    cpSync(join(dir, 'conf'), conf, { recursive: true });
    // GMT
    writeFileSync(join(conf, 'commitlog_archiving.properties'), 'restore_point_in_time=2023:11:14 22:13:20\n');
    const jars = join(process.env.ORACLE_HOME ?? join(homedir(), '.cache/cassandra-oracle'), version, '*');
    const restored = await startNode(version, dir, { ...NODE, yaml, jvm: ['-cp', `${conf}:${jars}`] });
    let theirs: string[];
    try {
      const client = await connect(restored);
      theirs = await selectJson(client, 'pit.t');
      await client.shutdown();
    } finally {
      await stopNode(restored, 'SIGKILL');
    }

    const flags = { 'skip-corrupt': false, 'dry-run': false, 'memtable-mb': 64, jobs: 1, yes: true, now: NOW };
    const until = '2023-11-14T22:13:20Z';
    const stage = { tell: () => {}, show: () => {}, quiet: true };
    await replayPaths([ours], { ...flags, 'in-place': true, tables: ['pit'], until }, stage);
    const mine = await linesOf(join(ours, 'data'));

    const row = (k: number, c: number, v: string, m: object | null = c === 1 ? { a: 1 } : null) =>
      normalLine({ k, c, m, v });
    // the node goes by the greatest timestamp of a mutation, and that of a row's deletion is not among those it looks at
    const rowThatTheNodeDeletes = row(11, 1, 'old');
    expect(mine.filter((line) => line !== rowThatTheNodeDeletes)).toEqual(
      theirs.map((line) => normalLine(JSON.parse(line))).sort(),
    );
    const wanted = [
      ...rows.filter((k) => k !== 7).map((k) => row(k, 1, k === 10 ? 'last' : 'old')),
      ...rows.map((k) => row(k, 2, 'second')),
      row(9, 3, 'on time'),
    ];
    expect(mine).toEqual(wanted.sort());
    for (const made of [dir, ours]) rmSync(made, { recursive: true });
  });
});
