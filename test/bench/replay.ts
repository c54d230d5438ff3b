/**
 * `lsmctl commitlog replay` against a real node's own replay of the same commit log, in turn: for the node the time is what its log tells, from
 * "Replaying" to "Log replay complete", without its start. And `commitlog ls` of it.
 *
 * The commit log is made by a real node at first use: some 520,000 mutations, 200 MB, nothing flushed; then the node is killed.
 *
 *   $LSMCTL_BENCH_DIR/commitlog/    data, commitlog
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'cassandra-driver';
import cassandra from 'cassandra-driver';
import { connect, cql, startNode, stopNode, V5 } from '../oracle/cassandra.js';
import { benchDirectory } from './bulk.js';
import { type Command, run } from './measure.js';
import { target } from './report.js';

const YAML = [
  'storage_compatibility_mode: NONE',
  'commitlog_total_space: 4096MiB',
  'commitlog_sync_period: 1000ms',
  // a third of it is filled before anything is flushed
  'memtable_heap_space: 3500MiB',
  'memtable_offheap_space: 2048MiB',
];
const JVM = ['-Xms5g', '-Xmx5g', '-XX:+UseG1GC', '-Dlog.date=HH:mm:ss.SSS'];
const NODE = { address: '127.0.47.2', jmxPort: 17972, yaml: YAML, jvm: JVM };

const ORDERS = 400_000;
const READINGS = 120_000;
const TEXT = 'the quick brown fox jumps over the lazy dog and then some more of that, to make up a description ';

/** @param bin lsmctl's bin/run.js */
export async function benchReplay(bin: string, rounds: number): Promise<void> {
  const directory = await crashedNode();
  const bytes = readdirSync(join(directory, 'commitlog')).reduce(
    (sum, name) => sum + statSync(join(directory, 'commitlog', name)).size,
    0,
  );
  const ours: number[] = [];
  const theirs: number[] = [];
  const listings: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const node = await nodeReplay(directory);
    const output = mkdtempSync(join(tmpdir(), 'lsmctl-bench-'));
    const replay = await run(
      command(bin, 'replay', '--data', join(directory, 'data'), '--output', join(output, 'out')),
      'null',
    );
    rmSync(output, { recursive: true, force: true });
    const ls = await run(command(bin, 'ls', '--data', join(directory, 'data'), directory), 'null');
    ours.push(replay.seconds);
    theirs.push(node.seconds);
    listings.push(ls.seconds);
    const figures = [
      `node ${node.seconds.toFixed(2)} s (${node.mutations} mutations)`,
      `lsmctl ${replay.seconds.toFixed(2)} s, ${replay.cpuSeconds.toFixed(2)} s of CPU, ${replay.peakMegabytes.toFixed(0)} MB`,
      `ls ${ls.seconds.toFixed(2)} s`,
    ];
    console.log(`commit log of ${(bytes / 1e6).toFixed(0)} MB: ${figures.join('; ')}`);
    target('peak memory of the replay', replay.peakMegabytes, 512, 'MB');
  }
  const least = (list: readonly number[]) => Math.min(...list);
  target("replay against the node's own, least of each", least(ours) / least(theirs), 0.25, 'of it');
  target('commitlog ls, least', least(listings) / (bytes / 1e6), 1 / 200, 's a MB');
}

function command(bin: string, name: string, ...args: string[]): Command {
  return { label: `lsmctl commitlog ${name}`, program: process.execPath, args: [bin, 'commitlog', name, ...args] };
}

/** On a copy: a node that has replayed its log is another. */
async function nodeReplay(directory: string): Promise<{ readonly seconds: number; readonly mutations: number }> {
  const copy = mkdtempSync(join(tmpdir(), 'lsmctl-bench-'));
  cpSync(directory, copy, { recursive: true });
  try {
    const node = await startNode(V5, copy, NODE);
    await stopNode(node, 'SIGKILL');
    const lines = readFileSync(join(copy, 'system.log'), 'utf8').split('\n');
    const at = (text: string) => {
      const line = lines.find((one) => one.includes(text));
      const time = line && /(\d\d):(\d\d):(\d\d)\.(\d{3})/.exec(line);
      if (!line || !time) throw new Error(`the node's log does not say "${text}"`);
      return {
        line,
        seconds: Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3]) + Number(time[4]) / 1000,
      };
    };
    const start = at(' Replaying ');
    const end = at('Log replay complete');
    const mutations = Number(/(\d+) replayed mutations/.exec(end.line)?.[1]);
    return { seconds: (end.seconds - start.seconds + 86_400) % 86_400, mutations };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function crashedNode(): Promise<string> {
  const directory = join(benchDirectory, 'commitlog');
  if (existsSync(directory)) return directory;
  mkdirSync(benchDirectory, { recursive: true });
  const made = `${directory}.part`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made);
  const node = await startNode(V5, made, NODE);
  const client = await connect(node);
  await cql(client, [
    `CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    'CREATE TABLE shop.orders_by_id (order_id uuid PRIMARY KEY, user_id uuid, status text, amount decimal, description text, created_at timestamp)',
    'CREATE TABLE shop.readings (sensor int, at bigint, owner text static, value double, tags map<text, text>, PRIMARY KEY (sensor, at))',
  ]);
  await write(client);
  await client.shutdown();
  await sleep(3000); // commitlog_sync_period
  await stopNode(node, 'SIGKILL');
  for (const name of readdirSync(made)) {
    if (name !== 'data' && name !== 'commitlog') rmSync(join(made, name), { recursive: true, force: true });
  }
  renameSync(made, directory);
  return directory;
}

/** The same writes every time; a tenth of the orders are overwritten, readings come in wide partitions. */
async function write(client: Client): Promise<void> {
  let state = 12345;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 4294967296) * n);
  };
  const uuid = (n: number) =>
    cassandra.types.Uuid.fromString(`00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`);
  const order =
    'INSERT INTO shop.orders_by_id (order_id, user_id, status, amount, description, created_at) VALUES (?, ?, ?, ?, ?, ?)';
  const reading = 'UPDATE shop.readings SET value = ?, tags[?] = ? WHERE sensor = ? AND at = ?';
  const writeOne = (i: number) => {
    if (i % 13 < 3) {
      return client.execute(reading, [i / 7, `k${i % 5}`, `v${i}`, random(500), cassandra.types.Long.fromNumber(i)], {
        prepare: true,
      });
    }
    const key = random((ORDERS * 9) / 10);
    const amount = cassandra.types.BigDecimal.fromString(`${random(10_000)}.${10 + random(90)}`);
    const text = TEXT.repeat(3).slice(random(90), 190 + random(90));
    return client.execute(order, [uuid(key), uuid(random(1000)), 'shipped', amount, text, new Date(1.7e12 + i)], {
      prepare: true,
    });
  };
  let next = 0;
  const total = ORDERS + READINGS;
  const writer = async () => {
    while (next < total) await writeOne(next++);
  };
  await Promise.all(Array.from({ length: 256 }, writer));
}
