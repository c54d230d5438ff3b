/**
 * What a node counts and purges against what lsmctl says of it: the tombstones of its traces ("Read 3 live rows and 12 tombstone cells"), query by
 * query, and what of deletions and expired data a compaction of some SSTables leaves, partition by partition and kind by kind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'cassandra-driver';
import { expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { overlapOf } from '../../src/engine/compaction/overlap-purge.js';
import { readCandidates } from '../../src/engine/compaction/read-candidate.js';
import { compactionParams } from '../../src/engine/strategies/options.js';
import type { Candidate } from '../../src/engine/strategies/strategy.js';
import { type Judgement, judgeCompaction } from '../../src/engine/tombstones/judge.js';
import { scanTable } from '../../src/engine/tombstones/table-scan.js';
import { keyOf } from '../../src/engine/tombstones/verdict-purger.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { sequence16 } from '../sequence.js';
import { connect, cql, missing, type Node, nodetool, setup, startNode, stopNode, V5 } from './cassandra.js';
import { dataFilesBelow } from './judge-compaction.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const NODE = { address: '127.0.0.100', jmxPort: 7210 };
const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 8 : Date.now() % 1_000_000));

const KEYS = 60;
const ROUNDS = 6;
const WRITES = 900;
const ROWS = 4;

type TableUnderTest = {
  readonly name: string;
  readonly gcGrace: number;
  readonly compaction: Readonly<Record<string, string>>;
};

const STCS = { class: 'SizeTieredCompactionStrategy', enabled: 'false' };
const TABLES: readonly TableUnderTest[] = [
  { name: 'at_once', gcGrace: 0, compaction: STCS },
  { name: 'kept', gcGrace: 864_000, compaction: STCS },
  { name: 'repaired_only', gcGrace: 0, compaction: { ...STCS, only_purge_repaired_tombstones: 'true' } },
];

const mapText = (map: Readonly<Record<string, string>>) =>
  `{${Object.entries(map).map(([key, value]) => `'${key}': '${value}'`).join(', ')}}`; // biome-ignore format: one line

function schema(): string[] {
  return [
    `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    ...TABLES.map(
      ({ name, gcGrace, compaction }) =>
        `CREATE TABLE ks.${name} (k int, c int, d int, v int, m map<int, int>, s int static, ss set<int> static, PRIMARY KEY (k, c, d))
         WITH gc_grace_seconds = ${gcGrace} AND compaction = ${mapText(compaction)}`,
    ),
  ];
}

/** A write of any kind; those that delete come more often than in life. */
function write(table: string, below: (n: number) => number): string {
  const [k, c, d] = [below(KEYS), below(5), below(4)];
  const row = `k = ${k} AND c = ${c} AND d = ${d}`;
  const ttl = below(4) === 0 ? ' USING TTL 1' : '';
  switch (below(14)) {
    case 0:
      return below(4) === 0 ? `DELETE FROM ks.${table} WHERE k = ${k}` : `DELETE s FROM ks.${table} WHERE k = ${k}`;
    case 1:
      return `DELETE FROM ks.${table} WHERE k = ${k} AND c = ${c}`;
    case 2:
      return `DELETE FROM ks.${table} WHERE k = ${k} AND c > ${below(5)} AND c <= ${below(5)}`;
    case 3:
      return `DELETE FROM ks.${table} WHERE k = ${k} AND c = ${c} AND d >= ${d}`;
    case 4:
      return `DELETE FROM ks.${table} WHERE ${row}`;
    case 5:
      return `DELETE v FROM ks.${table} WHERE ${row}`;
    case 6:
      return `DELETE m[${below(3)}] FROM ks.${table} WHERE ${row}`;
    case 7:
      return `DELETE m FROM ks.${table} WHERE ${row}`;
    case 8:
      return `UPDATE ks.${table}${ttl} SET m = {1: ${d}, 2: ${c}} WHERE ${row}`;
    case 9:
      return `UPDATE ks.${table}${ttl} SET m = m + {${below(3)}: ${d}} WHERE ${row}`;
    case 10:
      return `UPDATE ks.${table}${ttl} SET ${below(2) ? 's = 1' : `ss = {${c}}`} WHERE k = ${k}`;
    case 11:
      return `UPDATE ks.${table}${ttl} SET v = ${d} WHERE ${row}`;
    default:
      return `INSERT INTO ks.${table} (k, c, d, v) VALUES (${k}, ${c}, ${d}, 7)${ttl}`;
  }
}

function candidatesOf(node: Node, table: string): Candidate[] {
  const files = dataFilesBelow(join(node.dir, 'data/ks')).filter((file) => file.includes(`/${table}-`));
  files.sort();
  return readCandidates(
    diskStorage,
    files.map((file) => parseDescriptor(file).descriptor),
  );
}

const SHAPES = [
  { shape: 'whole', clause: '' },
  { shape: 'first', clause: ` LIMIT ${ROWS}` },
  { shape: 'last', clause: ` ORDER BY c DESC, d DESC LIMIT ${ROWS}` },
] as const;

async function traces(client: Client, table: string): Promise<Map<string, string>> {
  const ids = new Map<string, unknown>();
  for (let k = 0; k < KEYS; k++) {
    for (const { shape, clause } of SHAPES) {
      const query = `SELECT * FROM ks.${table} WHERE k = ${k}${clause}`;
      const { info } = await client.execute(query, [], { traceQuery: true, fetchSize: 100_000 });
      ids.set(`${k} ${shape}`, info.traceId);
    }
  }
  await sleep(4000);
  const found = new Map<string, string>();
  for (const [name, id] of ids) {
    const { rows } = await client.execute('SELECT activity FROM system_traces.events WHERE session_id = ?', [id]);
    const text = rows.map((row) => String(row.activity)).find((activity) => /tombstone cells/.test(activity));
    if (text !== undefined) found.set(name, /(\d+) live rows and (\d+) tombstone/.exec(text)!.slice(1).join(' '));
  }
  return found;
}

function paramsOf({ gcGrace, compaction }: TableUnderTest, nowSeconds: number) {
  return { params: compactionParams(compaction), gcGraceSeconds: gcGrace, nowSeconds, isStrict: false, definition: undefined, storage: diskStorage }; // biome-ignore format: one line
}

async function counted(node: Node, table: TableUnderTest, nowSeconds: number) {
  const sstables = candidatesOf(node, table.name);
  const setup = { ...paramsOf(table, nowSeconds), sstables, rows: ROWS, top: 10_000, warn: 1000, fail: 100_000 };
  const { top, reads } = (await scanTable(setup)).reads;
  for (const { shape } of SHAPES) {
    expect(top.reduce((sum, one) => sum + one.reads[shape], 0)).toBe(reads[shape]);
  }
  const found = new Map<string, string>();
  for (const { key, reads: own, liveRows } of top) {
    const k = Buffer.from(key).readInt32BE();
    for (const { shape } of SHAPES) found.set(`${k} ${shape}`, `${shape === 'whole' ? liveRows : '-'} ${own[shape]}`);
  }
  return found;
}

function judge(table: TableUnderTest, nowSeconds: number, all: readonly Candidate[], inputs: readonly Candidate[]) {
  const wanted = new Set(Array.from({ length: KEYS }, (_, k) => {
    const key = Buffer.alloc(4);
    key.writeInt32BE(k);
    return keyOf(key);
  })); // biome-ignore format: one expression
  const others = all
    .filter((one) => !inputs.includes(one))
    .map((one) => ({ ...overlapOf(diskStorage, one), files: [{ storage: diskStorage, descriptor: one.descriptor }] }));
  return judgeCompaction({ ...paramsOf(table, nowSeconds), inputs, others, wanted });
}

/** Per partition and kind; what is purged is left out where `keeps` says so. Cells that have expired count as deleted: kept ones become that. */
function lines({ partitions }: Judgement, keepsAll: boolean): string[] {
  const found: string[] = [];
  for (const [key, groups] of partitions) {
    const sum = { partition: 0, range: 0, row: 0, collection: 0, ends: 0 };
    for (const { verdict, tally } of groups) {
      if (!keepsAll && verdict === 'droppable') continue;
      const { cell, expired, ...rest } = tally.byKind;
      for (const [kind, count] of Object.entries(rest)) sum[kind as keyof typeof rest] += count;
      sum.ends += cell + expired;
    }
    if (Object.values(sum).some((count) => count > 0))
      found.push(`${Buffer.from(key, 'latin1').toString('hex')} ${JSON.stringify(sum)}`);
  }
  return found.sort();
}

it.skipIf(lacks !== undefined)(`counts and verdicts as a node has them (seed ${seed})`, async () => {
  setup([V5]);
  const next = sequence16(seed);
  const below = (n: number) => next() % n;
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-tombstones-'));
  const node = await startNode(V5, dir, { ...NODE, yaml: ['storage_compatibility_mode: NONE'] });
  try {
    const client = await connect(node);
    await cql(client, schema());
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name } of TABLES) {
        await cql(
          client,
          Array.from({ length: WRITES / ROUNDS }, () => write(name, below)),
          1,
        );
      }
      nodetool(node, 'flush', 'ks');
    }
    await sleep(3000);

    let queries = 0;
    const seen = { dropped: 0, blocked: 0, later: 0 };
    for (const table of TABLES) {
      const traced = await traces(client, table.name);
      const ours = await counted(node, table, Math.floor(Date.now() / 1000));
      const expected: string[] = [];
      const got: string[] = [];
      for (const [query, text] of traced) {
        const [live, tombstones] = text.split(' ');
        const own = ours.get(query) ?? '- 0';
        expected.push(`${query}: ${own.startsWith('-') ? '-' : live} ${tombstones}`);
        got.push(`${query}: ${own}`);
        queries++;
      }
      expect(got, `${table.name}, seed ${seed}`).toEqual(expected);
    }
    expect(queries).toBeGreaterThanOrEqual(KEYS * 3 * TABLES.length);

    for (const table of TABLES) {
      for (const take of [1, 2, 2]) {
        const all = candidatesOf(node, table.name);
        const inputs = all.toSorted(() => below(3) - 1).slice(0, take);
        const now = Math.floor(Date.now() / 1000);
        const verdicts = await judge(table, now, all, inputs);
        const files = inputs.map(({ descriptor }) => join(descriptor.directory, `${descriptor.prefix}-Data.db`));
        nodetool(node, 'compact', '--user-defined', ...files);
        await sleep(1000);
        const after = candidatesOf(node, table.name);
        const before = new Set(all.map(({ descriptor }) => descriptor.prefix));
        const outputs = after.filter(({ descriptor }) => !before.has(descriptor.prefix));
        expect(after.length).toBe(all.length - inputs.length + outputs.length);
        const written = outputs.length > 0 ? lines(await judge(table, now, after, outputs), true) : [];
        expect(written, `${table.name}, seed ${seed}, in ${dir}: ${files.join(' ')}`).toEqual(lines(verdicts, false));
        for (const { verdict, tally } of verdicts.groups) {
          seen[verdict === 'droppable' ? 'dropped' : verdict] += tally.total;
        }
      }
    }
    console.log(`seed ${seed}: ${queries} queries; deletions and expired data judged: ${JSON.stringify(seen)}`);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(5);
    await client.shutdown();
  } finally {
    await stopNode(node);
  }
  rmSync(dir, { recursive: true });
});
