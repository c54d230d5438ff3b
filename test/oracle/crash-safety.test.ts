/**
 * What a real node makes of directories in which lsmctl, or the node itself, was killed in the middle of a compaction, and of made-up logs: it starts,
 * warns of nothing, has all rows, and leaves the very files that `lsmctl compact recover` leaves.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { diskOutput } from '../../src/bytes/sink.js';
import { filesOfPrefix, newestMillis } from '../../src/engine/lifecycle/record-files.js';
import { encodeRecords, makeFileRecord, makeFinalRecord } from '../../src/engine/lifecycle/transaction-log.js';
import { LSMCTL, runAndKill } from '../killed.js';
import { connect, cql, missing, type Node, nodetool, selectJson, setup, startNode, stopNode, V5 } from './cassandra.js';
import { random } from './workloads/workload.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 5 : Date.now() % 1_000_000));
const NODE = { address: '127.0.0.30', jmxPort: 7203, yaml: ['storage_compatibility_mode: NONE'] };
const KILLED = Array.from({ length: 24 }, (_, i) => `killed${i}`);

/** Logs that a start accepts, by what is said in them after ADD of 3 and REMOVE of 1 and 2. */
const MADE_UP: Readonly<Record<string, (table: MadeUp) => void>> = {
  unfinished: ({ write }) => write(''),
  committed: ({ write }) => write(encodeRecords([makeFinalRecord('COMMIT')])),
  aborted: ({ write }) => write(encodeRecords([makeFinalRecord('ABORT')])),
  torn: ({ write }) => write('COMM'),
  bad_sum: ({ write }) => write('COMMIT:[,0,0][12345]\n'),
  half_deleted: ({ write, files }) => {
    write(encodeRecords([makeFinalRecord('COMMIT')]));
    for (const file of files('oa-1-big-').slice(0, 4)) unlinkSync(file);
  },
  gone: ({ write, files }) => {
    write(encodeRecords([makeFinalRecord('COMMIT')]));
    for (const file of files('oa-1-big-')) unlinkSync(file);
  },
  empty_log: ({ directory }) => writeFileSync(join(directory, LOG), ''),
  no_log: ({ directory }) => {
    writeFileSync(join(directory, 'oa-7-big-Filter.db'), 'x');
    writeFileSync(join(directory, 'oa-7-big-Statistics.db'), 'x');
    writeFileSync(join(directory, 'oa-1-big-Statistics.db.tmp'), 'x');
  },
};
type MadeUp = {
  readonly directory: string;
  /** The log, with this after its first three records. */
  readonly write: (end: string) => void;
  /** Of an SSTable, oldest first. */
  readonly files: (prefix: string) => string[];
};
const LOG = 'oa_txn_compaction_04c284b0-833b-11ee-9234-56789abcdef0.log';
const TABLES = [...KILLED, ...Object.keys(MADE_UP)];

describe.skipIf(lacks)(`a node after a crash, seed ${seed}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-crash-'));
  const keyspace = join(dir, 'data/ck');
  const { next } = random(seed);
  let node: Node | undefined;
  let expected: Map<string, string[]>;
  /** What queries by index give. */
  let indexed: string[][];

  afterAll(async () => {
    if (node) await stopNode(node);
    rmSync(dir, { recursive: true, force: true });
  });

  const directoryOf = (table: string) =>
    join(keyspace, readdirSync(keyspace).find((name) => name.startsWith(`${table}-`))!);
  const filesOf = (table: string) =>
    readdirSync(directoryOf(table))
      .filter((name) => name !== 'backups' && name !== 'snapshots')
      .sort();
  const lsmctl = (...args: string[]) => spawnSync(process.execPath, [LSMCTL, ...args], { encoding: 'utf8' });
  const log = () => readFileSync(join(dir, 'system.log'), 'utf8');

  /** What `compact recover` leaves of the keyspace; everything is as before afterwards. */
  function recovered(tables: readonly string[]): Map<string, string[]> {
    const saved = join(dir, 'saved');
    execFileSync('cp', ['-a', keyspace, saved]);
    const { status, stderr } = lsmctl('compact', 'recover', keyspace, '--yes');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const left = new Map(tables.map((table) => [table, filesOf(table)]));
    rmSync(keyspace, { recursive: true });
    execFileSync('mv', [saved, keyspace]);
    return left;
  }

  async function rowsOf(running: Node, tables: readonly string[]): Promise<Map<string, string[]>> {
    const client = await connect(running);
    const rows = new Map<string, string[]>();
    for (const table of tables) rows.set(table, await selectJson(client, `ck.${table}`));
    await client.shutdown();
    return rows;
  }

  async function queriesOf(running: Node): Promise<string[][]> {
    const client = await connect(running);
    const wheres = [0, 1, 2, 3, 4, 5, 6].flatMap((value) => [`a = ${value}`, `b = ${value}`]);
    const found: string[][] = [];
    for (const where of wheres) found.push(await selectJson(client, `ck.indexed WHERE ${where}`));
    await client.shutdown();
    return found;
  }

  it('is set up', async () => {
    setup([V5]);
    node = await startNode(V5, dir, NODE);
    const client = await connect(node);
    const off = "compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}";
    await cql(client, [
      "CREATE KEYSPACE ck WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      ...TABLES.map((table) => `CREATE TABLE ck.${table} (k int, c int, v text, PRIMARY KEY (k, c)) WITH ${off}`),
    ]);
    await cql(client, [
      `CREATE TABLE ck.indexed (k int PRIMARY KEY, a int, b int) WITH ${off}`,
      "CREATE INDEX by_a ON ck.indexed (a) USING 'sai'",
      'CREATE INDEX by_b ON ck.indexed (b)',
    ]);
    for (let round = 0; round < 3; round++) {
      // each round overwrites half of the one before: the indexes have entries of what is gone
      await cql(
        client,
        Array.from({ length: 60 }, (_, i) => {
          return `INSERT INTO ck.indexed (k, a, b) VALUES (${i + round * 30}, ${(i + round) % 7}, ${(i + round) % 5})`;
        }),
      );
      for (const table of TABLES) {
        const writes = Array.from({ length: 40 }, (_, i) => {
          const key = Math.floor(next() * 20);
          return i % 10 === 0
            ? `DELETE FROM ck.${table} WHERE k = ${key} AND c < ${i}`
            : `INSERT INTO ck.${table} (k, c, v) VALUES (${key}, ${i}, '${table} ${round} ${next()}')`;
        });
        await cql(client, writes);
      }
      nodetool(node, 'flush', 'ck');
    }
    await client.shutdown();
    expected = await rowsOf(node, TABLES);
    indexed = await queriesOf(node);
    expect(expected.get('killed0')!.length).toBeGreaterThan(50);
    await stopNode(node);
  });

  it('takes directories in which lsmctl was killed, and made-up logs, as lsmctl recovers them', async () => {
    const outcomes = { killed: 0, logs: 0 };
    let windowMillis = 60;
    for (const table of KILLED) {
      const directory = directoryOf(table);
      const args = ['compact', 'run', directory, '--major', '--yes'];
      const wasKilled = await runAndKill(args, { directories: [directory], afterMillis: next() * windowMillis });
      windowMillis *= wasKilled ? 1.1 : 0.6;
      if (wasKilled) outcomes.killed++;
      if (filesOf(table).some((name) => name.endsWith('.log'))) outcomes.logs++;
    }
    for (const [table, make] of Object.entries(MADE_UP)) makeUp(directoryOf(table), make);
    const refused = lsmctl('compact', 'run', directoryOf('indexed'), '--major', '--yes');
    expect(refused.stderr).toContain('SAI index');
    expect(refused.status).toBe(4);
    expect(lsmctl('compact', 'run', directoryOf('indexed'), '--major', '--yes', '--drop-indexes').status).toBe(0);
    expect(filesOf('indexed').filter((name) => name.includes('SAI+'))).toEqual([]);
    const left = recovered(TABLES);
    const before = log().length;
    node = await startNode(V5, dir, NODE);
    for (const table of TABLES) {
      const files = filesOf(table).filter((name) => name !== 'lsmctl.lock');
      expect(files, table).toEqual(left.get(table)!.filter((name) => name !== 'lsmctl.lock'));
    }
    expect(await queriesOf(node)).toEqual(indexed);
    const rows = await rowsOf(node, TABLES);
    for (const table of KILLED) expect(rows.get(table), table).toEqual(expected.get(table));
    const started = log()
      .slice(before)
      .split('\n')
      .filter((line) => /^(WARN|ERROR)/.test(line));
    expect(started.filter((line) => /killed\d/.test(line))).toEqual([]);
    console.log(JSON.stringify({ ...outcomes, seed }));
    expect(outcomes.killed).toBeGreaterThanOrEqual(16);
    expect(outcomes.logs).toBeGreaterThan(4);
  });

  it('leaves what lsmctl leaves of a compaction in which it was killed itself', async () => {
    const client = await connect(node!);
    await cql(client, [
      "CREATE TABLE ck.big (k int PRIMARY KEY, v text) WITH compression = {'enabled': false} AND compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false', 'min_threshold': '2'}",
    ]);
    nodetool(node!, 'setcompactionthroughput', '1');
    const text = 'x'.repeat(2000);
    for (let round = 0; round < 3; round++) {
      await cql(
        client,
        Array.from({ length: 3000 }, (_, k) => `INSERT INTO ck.big (k, v) VALUES (${k}, '${round} ${text}')`),
      );
      nodetool(node!, 'flush', 'ck', 'big');
    }
    await cql(client, [
      "ALTER TABLE ck.big WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'true', 'min_threshold': '2'}",
    ]);
    await cql(client, ["INSERT INTO ck.big (k, v) VALUES (0, 'last')"]);
    nodetool(node!, 'flush', 'ck', 'big'); // after which the node looks for something to compact
    const wanted = (await rowsOf(node!, ['big'])).get('big')!;
    for (let i = 0; i < 300 && !isWriting(); i++) await sleep(100);
    expect(isWriting()).toBe(true);
    await client.shutdown();
    await stopNode(node!, 'SIGKILL');
    const there = filesOf('big');
    const dry = lsmctl('compact', 'recover', keyspace, '--dry-run');
    expect(dry.stdout).toContain('cut off before its commit');
    expect(dry.status).toBe(1);
    expect(filesOf('big')).toEqual(there);
    const left = recovered(['big']).get('big')!;
    expect(left.length).toBeLessThan(there.length);
    const before = log().length;
    node = await startNode(V5, dir, NODE);
    // it goes on compacting at once, so its own words count
    const said = [
      ...log()
        .slice(before)
        .matchAll(/Unfinished transaction log, deleting (\S+)/g),
    ];
    const deleted = said.map(([, file]) => file!).filter((file) => file.includes('/ck/big-'));
    expect(deleted.map((file) => basename(file)).sort()).toEqual(there.filter((name) => !left.includes(name)));
    expect((await rowsOf(node, ['big'])).get('big')).toEqual(wanted);
    await stopNode(node);

    function isWriting(): boolean {
      const names = filesOf('big');
      const logs = names.filter((name) => name.includes('_txn_compaction_'));
      const open = names.filter((name) => name.endsWith('-Data.db')).length > 4;
      return logs.length > 0 && open;
    }
  });

  it('does not start where a log does not hold, and lsmctl refuses', async () => {
    const directory = directoryOf('unfinished');
    for (const name of readdirSync(directory)) {
      if (name.startsWith('oa-3-')) unlinkSync(join(directory, name));
    }
    makeUp(directory, MADE_UP.committed!);
    const [file] = readdirSync(directory).filter((name) => name.startsWith('oa-2-'));
    utimesSync(join(directory, file!), 2_000_000_000, 2_000_000_000);
    const there = filesOf('unfinished');
    if (node) await stopNode(node);
    const { status, stderr } = lsmctl('compact', 'recover', keyspace, '--yes');
    expect(status).toBe(4);
    expect(stderr).toContain('files were modified at 2033-05-18');
    await expect(startNode(V5, dir, NODE)).rejects.toThrow('did not start');
    expect(filesOf('unfinished')).toEqual(there);
  });

  function makeUp(directory: string, make: (table: MadeUp) => void): void {
    const recordOf = (prefix: string) => {
      const files = filesOfPrefix(diskOutput, join(directory, prefix));
      return makeFileRecord('REMOVE', join(directory, prefix), newestMillis(files), files.length);
    };
    make({
      directory,
      write: (end) => {
        const records = [
          makeFileRecord('ADD', join(directory, 'oa-3-big-'), 0, 8),
          recordOf('oa-1-big-'),
          recordOf('oa-2-big-'),
        ];
        writeFileSync(join(directory, LOG), encodeRecords(records));
        appendFileSync(join(directory, LOG), end);
      },
      files: (prefix) =>
        filesOfPrefix(diskOutput, join(directory, prefix))
          .sort((a, b) => a.mtimeMillis - b.mtimeMillis)
          .map((one) => one.path),
    });
  }
});
