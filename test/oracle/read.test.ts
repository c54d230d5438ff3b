/**
 * `lsmctl read` beside a node's own tracing: for random partitions, slices and rows the answer, "Read N live rows and M tombstone cells", and the
 * SSTables that have the key are those of the trace. Then what --versions calls purgeable is what a compaction of the node drops. The seed is printed: LSMCTL_SEED repeats it.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runRead } from '../../src/cli/read/command.js';
import { readTable } from '../../src/cli/read/read-table.js';
import { readKey } from '../../src/cli/read/run.js';
import { connect, cql, missing, type Node, nodetool, setup, startNode, stopNode, V5, V41 } from './cassandra.js';
import { type Random, random, START_MICROS } from './workloads/workload.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const SEED = Number(process.env.LSMCTL_SEED ?? 20240601);
/** Of each table. */
const QUERIES = Number(process.env.LSMCTL_TRIALS ?? 45);
const ROUNDS = 6;
const WRITES = 120;
const NODES: readonly (readonly [name: string, version: string, yaml: readonly string[]])[] = [
  ['BIG oa', V5, ['storage_compatibility_mode: NONE', 'sstable: { selected_format: big }', 'column_index_size: 1KiB']],
  ['BTI da', V5, ['storage_compatibility_mode: NONE', 'sstable: { selected_format: bti }', 'column_index_size: 1KiB']],
  ['BIG nb', V41, ['column_index_size: 1KiB']],
];

const PLAIN = "compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}";
const TABLES: Readonly<Record<string, string>> = {
  rows: `(k int, c int, d int, v text, w int, PRIMARY KEY (k, c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC) AND ${PLAIN}`,
  statics: `(k int, c int, d int, s text static, v text, w int, PRIMARY KEY (k, c, d)) WITH ${PLAIN}`,
  lists: `(k int, c int, d int, m map<int, text>, v text, w int, PRIMARY KEY (k, c, d)) WITH ${PLAIN}`,
  purged: `(k int, c int, d int, v text, w int, PRIMARY KEY (k, c, d)) WITH gc_grace_seconds = 0 AND ${PLAIN}`,
  flat: `(k int PRIMARY KEY, v text, w int) WITH ${PLAIN}`,
};

/** Writes of one table: what a statement does is drawn. */
function write(table: string, { int, pick, next }: Random, micros: bigint): string {
  const at = `USING TIMESTAMP ${micros}`;
  const isFlat = table === 'flat';
  const k = int(0, isFlat ? 80 : 9);
  const row = isFlat ? `k = ${k}` : `k = ${k} AND c = ${int(0, 9)} AND d = ${int(0, 6)}`;
  const text = `'${'x'.repeat(int(0, 90))}'`;
  const ttl = pick(['', '', '', ' AND TTL 1', ' AND TTL 8000000']);
  const dice = next();
  if (dice < 0.4) {
    const [columns, values] = isFlat ? ['k', `${k}`] : ['k, c, d', `${k}, ${int(0, 9)}, ${int(0, 6)}`];
    return `INSERT INTO r.${table} (${columns}, v, w) VALUES (${values}, ${text}, ${int(0, 99)}) ${at}${ttl}`;
  }
  if (dice < 0.55) return `UPDATE r.${table} ${at}${ttl} SET w = ${int(0, 99)} WHERE ${row}`;
  if (dice < 0.62 && table === 'statics') return `UPDATE r.${table} ${at}${ttl} SET s = ${text} WHERE k = ${k}`;
  if (dice < 0.62 && table === 'lists') {
    return `UPDATE r.${table} ${at} SET m ${pick(['=', '= m +'])} {${int(0, 5)}: ${text}} WHERE ${row}`;
  }
  if (dice < 0.72) return `DELETE v FROM r.${table} ${at} WHERE ${row}`;
  if (dice < 0.82 || isFlat) return `DELETE FROM r.${table} ${at} WHERE ${row}`;
  if (dice < 0.97) {
    const from = int(0, 8);
    return `DELETE FROM r.${table} ${at} WHERE k = ${k} AND c ${pick(['>', '>='])} ${from} AND c ${pick(['<', '<='])} ${from + int(1, 3)}`;
  }
  return `DELETE FROM r.${table} ${at} WHERE k = ${k}`;
}

type Query = { readonly key: number; readonly where: string; readonly slice?: string };

function query(table: string, { int, pick }: Random): Query {
  const key = int(0, table === 'flat' ? 90 : 11);
  const whole = { key, where: `k = ${key}` };
  if (table === 'flat') return whole;
  const [c, d] = [int(0, 9), int(0, 6)];
  const clause = (slice: string, where: string): Query => ({ key, slice, where: `k = ${key} AND ${where}` });
  const [low, high] = [pick(['>', '>=']), pick(['<', '<='])];
  return pick([
    whole,
    clause(`${c}, ${d}`, `c = ${c} AND d = ${d}`),
    clause(`${c}, ${d}`, `c = ${c} AND d = ${d}`),
    clause(`${c}`, `c = ${c}`),
    clause(`${low}${c}`, `c ${low} ${c}`),
    clause(`${high}${c}`, `c ${high} ${c}`),
    clause(`${low}${c}, ${high}${c + 3}`, `c ${low} ${c} AND c ${high} ${c + 3}`),
    clause(`${c}, ${low}${d}`, `c = ${c} AND d ${low} ${d}`),
    clause(`${c}, ${high}${d}`, `c = ${c} AND d ${high} ${d}`),
  ]);
}

type Answer = {
  readonly rows: readonly string[];
  readonly counts: string;
  readonly sstables: readonly string[];
};

type Asked = { readonly rows: readonly string[]; readonly traceId: unknown };

async function ask(client: Client, table: string, where: string): Promise<Asked> {
  const options = { traceQuery: true, fetchSize: 5000 };
  const { rows, info } = await client.execute(`SELECT JSON * FROM r.${table} WHERE ${where}`, [], options);
  return { rows: rows.map((row) => row.values()[0] as string), traceId: info.traceId };
}

/** A node writes its traces a while after it has answered: to be asked for once all queries are done. */
async function traced(client: Client, { rows, traceId }: Asked): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const session = await client.execute('SELECT duration FROM system_traces.sessions WHERE session_id = ?', [traceId]);
    if (session.rows[0]?.duration !== undefined && session.rows[0]?.duration !== null) break;
    if (attempt === 50) throw new Error(`no trace of ${String(traceId)}`);
    await sleep(200);
  }
  const found = await client.execute('SELECT activity FROM system_traces.events WHERE session_id = ?', [traceId]);
  const events = found.rows.map(({ activity }) => String(activity));
  const sstables = events.map(
    (text) => /^(?:Key cache hit|Partition index.* found) for sstable ([^\s,]+)/.exec(text)?.[1],
  );
  return {
    rows,
    counts: events.map((text) => /^Read \d+ live rows and \d+ tombstone cells/.exec(text)?.[0]).find(Boolean) ?? 'none',
    sstables: sstables.filter((id) => id !== undefined).toSorted(),
  };
}

async function ours(directory: string, { key, slice }: Query): Promise<Answer> {
  const now = Math.floor(Date.now() / 1000);
  const table = await readTable(directory, { now }, () => {});
  const flags = {
    trace: true,
    versions: false,
    format: 'json',
    now,
    warn: 1000,
    fail: 100_000,
    limit: 10_000,
  } as const;
  const { report } = await readKey(table, String(key), { ...flags, ...(slice && { slice }) }, undefined, () => {});
  const { liveRows, tombstones } = report.answer;
  const read = report.path.filter(({ outcome }) => outcome === 'read').map(({ sstable }) => sstable.split('-')[1]!);
  return {
    rows: report.rows ?? [],
    counts: `Read ${liveRows} live rows and ${tombstones} tombstone cells`,
    sstables: read.toSorted(),
  };
}

describe.skipIf(lacks).each(NODES)(`reads of %s, seed ${SEED}`, (_name, version, yaml) => {
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-read-'));
  const rng = random(SEED);
  let node: Node;
  let client: Client;

  beforeAll(async () => {
    setup([version]);
    node = await startNode(version, dir, {
      address: process.env.LSMCTL_ADDRESS ?? '127.0.0.90',
      jmxPort: Number(process.env.LSMCTL_JMX ?? 7209),
      yaml,
    });
    client = await connect(node);
    await cql(client, [
      "CREATE KEYSPACE r WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      ...Object.entries(TABLES).map(([name, text]) => `CREATE TABLE r.${name} ${text}`),
    ]);
    for (let round = 0; round < ROUNDS; round++) {
      const writes = Object.keys(TABLES).flatMap((table) =>
        Array.from({ length: WRITES }, (_, i) => {
          // rounds overlap in time, so that older SSTables hold newer writes too
          const micros = START_MICROS + BigInt(round * 1000 + rng.int(0, 1500)) * 1000n + BigInt(i);
          return write(table, rng, micros);
        }),
      );
      await cql(client, writes);
      nodetool(node, 'flush', 'r');
    }
    await sleep(2500);
  });

  afterAll(async () => {
    await client?.shutdown();
    if (node) await stopNode(node, 'SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  it.each(Object.keys(TABLES))('answers, counts and SSTables of %s', async (table) => {
    const name = readdirSync(join(dir, 'data/r')).find((entry) => entry.startsWith(`${table}-`))!;
    const draws = random(SEED + Object.keys(TABLES).indexOf(table));
    const wrong: object[] = [];
    let most = 0;
    const queries = Array.from({ length: QUERIES }, () => query(table, draws));
    const answered: Asked[] = [];
    for (const { where } of queries) answered.push(await ask(client, table, where));
    await sleep(1000);
    for (const [i, asked] of queries.entries()) {
      const expected = await traced(client, answered[i]!);
      const seen = await ours(join(dir, 'data/r', name), asked);
      if (!isDeepStrictEqual(seen, expected)) wrong.push({ where: asked.where, seen, expected });
      most = Math.max(most, expected.sstables.length);
    }
    expect(wrong).toEqual([]);
    expect(most).toBeGreaterThan(1);
  });

  it('compacts away what is called purgeable, shadowed or deleted, and nothing else', async () => {
    const places = Object.keys(KEYS_OF).map((table) => {
      const name = readdirSync(join(dir, 'data/r')).find((entry) => entry.startsWith(`${table}-`))!;
      return { table, directory: join(dir, 'data/r', name) };
    });
    const before = [];
    for (const { table, directory } of places) before.push(await versionsOf(directory, KEYS_OF[table]!));
    await sleep(1500);
    const now = Math.floor(Date.now() / 1000);
    nodetool(node, 'compact', 'r', ...Object.keys(KEYS_OF));
    await sleep(1500);
    let kept = 0;
    let gone = 0;
    for (const [i, { table, directory }] of places.entries()) {
      const after = await versionsOf(directory, KEYS_OF[table]!);
      const stays = before[i]!.filter(({ kind, from }) => {
        return kind === 'live' || ((kind === 'tombstone' || kind === 'expired') && (from === undefined || from > now));
      });
      expect(after.map(({ text }) => text).toSorted(), table).toEqual(stays.map(({ text }) => text).toSorted());
      kept += stays.length;
      gone += before[i]!.length - stays.length;
    }
    console.log(`versions kept by a compaction: ${kept}, gone: ${gone}`);
    expect(Math.min(kept, gone)).toBeGreaterThan(200);
  });
});

/** Tables whose versions are followed through a compaction, with how many keys there are. */
const KEYS_OF: Readonly<Record<string, number>> = { purged: 10, rows: 10, flat: 81 };

type Told = { readonly verdict: { readonly kind: string }; readonly purgeableFromSeconds?: number };
type ToldVersions = {
  readonly partition: readonly (Told & { readonly markedForDeleteAtMicros: bigint })[];
  readonly rows: readonly {
    readonly clustering: Record<string, string>;
    readonly liveness: readonly (Told & { readonly timestampMicros: bigint })[];
    readonly tombstones: readonly (Told & { readonly scope: string; readonly markedForDeleteAtMicros: bigint })[];
    readonly cells: readonly {
      readonly column: string;
      readonly versions: readonly (Told & { readonly timestampMicros: bigint })[];
    }[];
  }[];
};
type Followed = { readonly text: string; readonly kind: string; readonly from: number | undefined };

/** Every cell, liveness, and deletion of a row or partition, with its verdict; ranges are merged, and can't be followed one by one. */
async function versionsOf(directory: string, keys: number): Promise<Followed[]> {
  const found: Followed[] = [];
  const now = Math.floor(Date.now() / 1000);
  const flags = { trace: false, versions: true, format: 'json', all: false, now, warn: 1000, fail: 100_000, limit: 100_000 } as const; // biome-ignore format: one line
  for (let key = 0; key < keys; key++) {
    const { body } = await runRead(directory, String(key), flags, undefined, () => {});
    const { partition = [], rows = [] } = (body as { versions: Partial<ToldVersions> }).versions;
    const note = (text: string, { verdict: { kind }, purgeableFromSeconds: from }: Told) =>
      found.push({ text: `${key} ${text}`, kind, from });
    for (const one of partition) note(`deletion ${one.markedForDeleteAtMicros}`, one);
    for (const { clustering, liveness, tombstones, cells } of rows) {
      const at = Object.values(clustering).join();
      for (const one of liveness) note(`${at} liveness ${one.timestampMicros}`, one);
      for (const one of tombstones) if (one.scope === 'row') note(`${at} row ${one.markedForDeleteAtMicros}`, one);
      for (const { column, versions } of cells) {
        for (const one of versions) note(`${at} ${column} ${one.timestampMicros}`, one);
      }
    }
  }
  return found;
}
