/**
 * `nodetool garbagecollect` of a real node against lsmctl's, SSTable by SSTable, byte for byte: rows and cells, BIG and BTI. And the compaction of
 * one SSTable among others under provide_overlapping_tombstones.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { connect, cql, missing, nodetool, setup, startNode, stopNode, V5, V41 } from './cassandra.js';
import { NODES } from './compaction-recorder.js';
import { compareSSTables, differenceText } from './compare-sstables.js';
import { dataFilesBelow } from './judge-compaction.js';
import { dataFiles } from './recordings.js';
import { random } from './workloads/workload.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 8 : Date.now() % 1_000_000));
const NODE = { address: '127.0.44.1', jmxPort: 17971 };
const ROUNDS = 5;
const PROVIDED = 'provided';
const WIDE = ['plain', 'levels', 'shards', PROVIDED];
const TABLES = [...WIDE, 'single', 'tallies'];
const LEVELS = ['row', 'cell'] as const;

function tables(keyspace: string): string[] {
  const columns =
    'k int, c int, d int, s text static, v text, w int, m map<text, text>, l set<int>, PRIMARY KEY (k, c, d)';
  const table = (name: string, compaction: string, more = '') =>
    `CREATE TABLE ${keyspace}.${name} (${columns}) WITH compaction = {${compaction}} AND gc_grace_seconds = 864000${more}`;
  return [
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    table('plain', "'class': 'SizeTieredCompactionStrategy'"),
    table('levels', "'class': 'LeveledCompactionStrategy'", " AND compression = {'enabled': false}"),
    table(
      'shards',
      keyspace.startsWith('nb') ? "'class': 'TimeWindowCompactionStrategy'" : "'class': 'UnifiedCompactionStrategy'",
      ' AND CLUSTERING ORDER BY (c DESC, d ASC)',
    ),
    `CREATE TABLE ${keyspace}.single (k int PRIMARY KEY, v text, w int) WITH gc_grace_seconds = 0`,
    table(
      PROVIDED,
      `'class': 'SizeTieredCompactionStrategy', 'provide_overlapping_tombstones': '${keyspace.replace(/^.*_/, '')}'`,
    ),
    `CREATE TABLE ${keyspace}.tallies (k int, c int, n counter, PRIMARY KEY (k, c))`,
  ];
}

/** Writes of a round, on few keys, so that rounds hide much of each other. Timestamps collide. */
function writes(keyspace: string, round: number): string[] {
  const { next } = random(seed * 100 + round);
  const below = (n: number) => Math.floor(next() * n);
  const statements: string[] = [];
  for (const name of WIDE) {
    const table = `${keyspace}.${name}`;
    for (let i = 0; i < 120; i++) {
      const [k, c, d] = [below(6), below(6), below(4)];
      const row = `k = ${k} AND c = ${c} AND d = ${d}`;
      const at = `USING TIMESTAMP ${1000 + round * 10 + below(25)}`;
      const ttl = below(4) === 0 ? `${at} AND TTL ${below(2) === 0 ? 1 : 100_000}` : at;
      const [from, to] = [below(6), below(6)];
      statements.push(
        [
          `INSERT INTO ${table} (k, c, d, v, w) VALUES (${k}, ${c}, ${d}, 'v${below(9)}', ${below(99)}) ${ttl}`,
          `UPDATE ${table} ${ttl} SET v = 'u${below(9)}' WHERE ${row}`,
          `UPDATE ${table} ${at} SET m = m + {'a${below(4)}': 'x${below(9)}', 'b': 'y'}, l = l + {${below(9)}} WHERE ${row}`,
          `UPDATE ${table} ${at} SET m = {'a${below(4)}': 'z'}, l = {} WHERE ${row}`,
          `UPDATE ${table} ${at} SET s = 's${below(99)}' WHERE k = ${k}`,
          `DELETE v, m['a${below(4)}'] FROM ${table} ${at} WHERE ${row}`,
          `DELETE s FROM ${table} ${at} WHERE k = ${k}`,
          `DELETE FROM ${table} ${at} WHERE ${row}`,
          `DELETE FROM ${table} ${at} WHERE k = ${k} AND c = ${c} AND d > ${below(4)}`,
          `DELETE FROM ${table} ${at} WHERE k = ${k} AND c = ${c}`,
          `DELETE FROM ${table} ${at} WHERE k = ${k} AND c >= ${Math.min(from, to)} AND c < ${Math.max(from, to) + 1}`,
        ][below(11)]!,
      );
    }
    if (round % 2 === 1)
      statements.push(`DELETE FROM ${table} USING TIMESTAMP ${1000 + round * 10} WHERE k = ${below(6)}`);
  }
  for (let k = 0; k < 30; k++) {
    statements.push(
      below(3) === 0
        ? `DELETE FROM ${keyspace}.single WHERE k = ${below(40)}`
        : `INSERT INTO ${keyspace}.single (k, v, w) VALUES (${below(40)}, 'v${round}', ${round})`,
      below(6) === 0
        ? `DELETE n FROM ${keyspace}.tallies WHERE k = ${below(20) + 50} AND c = ${below(3)}`
        : `UPDATE ${keyspace}.tallies SET n = n + 1 WHERE k = ${below(20)} AND c = ${below(3)}`,
    );
  }
  return statements;
}

/** When the node began to rewrite a table's SSTables, in seconds. */
function clockOf(log: string, directory: string): number {
  const seconds = log.split('\n').flatMap((line) => {
    const found = /^INFO +(\S+) CompactionTask - Compacting \(\S+\) \[(\S+)-Data\.db:level/.exec(line);
    if (!found) return [];
    return found[2]!.includes(`/${directory}/`) ? [Math.floor(Date.parse(`${found[1]}Z`) / 1000)] : [];
  });
  return Math.min(...seconds);
}

/** Data.db files in the order in which they were written, which is that of the tasks. */
function inOrder(files: readonly string[]): string[] {
  const id = (file: string) => parseDescriptor(file).descriptor.id.padStart(40, '0');
  return files.toSorted((a, b) => (id(a) < id(b) ? -1 : 1));
}

function sizeOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}

function lsmctl(...args: string[]): string {
  const { status, stderr, stdout } = spawnSync(process.execPath, [LSMCTL, ...args], { encoding: 'utf8' });
  // a dry run tells that changes are pending
  expect(status, stderr).toBe(args.includes('--dry-run') ? 1 : 0);
  return stdout;
}

/** What lsmctl was asked to do, and what the node had made of the same. */
type Case = { readonly name: string; readonly args: readonly string[]; readonly theirs: readonly string[] };

/** @returns bytes of Data.db, and what differs */
async function judge({ name, args, theirs }: Case, output: string): Promise<{ bytes: number; differences: string[] }> {
  const dry = JSON.parse(lsmctl(...args, '--dry-run', '--json')) as { tables: { outputBytes: number }[] };
  lsmctl(...args, '--output', output);
  const ours = inOrder(dataFilesBelow(output));
  const bytes = sizeOf(ours);
  const differences: string[] = [];
  if (dry.tables[0]!.outputBytes !== bytes)
    differences.push(`${name}: ${bytes} bytes, by --dry-run ${dry.tables[0]!.outputBytes}`);
  if (ours.length !== theirs.length) differences.push(`${name}: ${theirs.length} SSTables, ours ${ours.length}`);
  for (const [i, file] of inOrder(theirs).entries()) {
    if (!ours[i]) continue;
    const found = (await compareSSTables(file, ours[i])).filter(({ kind }) => kind === 'content');
    differences.push(...found.map((one) => `${name} ${i}: ${differenceText(one)}`));
  }
  return { bytes, differences };
}

describe.skipIf(lacks !== undefined)(`garbage collection of random writes (seed ${seed})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-garbage-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  const directoriesOf = (data: string, keyspace: string) =>
    readdirSync(join(data, keyspace)).map((name) => ({ table: name.replace(/-[0-9a-f]{32}$/, ''), name }));

  /** A node writes, and collects garbage; its data directory before that is left at `before`. */
  async function collect(format: string, home: string, before: string): Promise<string> {
    const { version, yaml } = NODES[format]!;
    setup([version]);
    const jvm = ['-Dcassandra.autocompaction_on_startup_enabled=false', "-Dlog.date=yyyy-MM-dd'T'HH:mm:ss.SSS"];
    const node = await startNode(version, home, { ...NODE, yaml: ['concurrent_compactors: 1', ...yaml], jvm });
    try {
      const client = await connect(node);
      for (const level of LEVELS) await cql(client, tables(`${format}_${level}`));
      nodetool(node, 'disableautocompaction');
      for (let round = 0; round < ROUNDS; round++) {
        for (const level of LEVELS) await cql(client, writes(`${format}_${level}`, round), 1);
        nodetool(node, 'flush');
      }
      await client.shutdown();
      await sleep(2500); // the short TTLs are over
      cpSync(join(home, 'data'), before, { recursive: true });
      for (const level of LEVELS) {
        const keyspace = `${format}_${level}`;
        const collected = TABLES.filter((name) => name !== PROVIDED);
        nodetool(node, 'garbagecollect', '-j', '1', '-g', level.toUpperCase(), keyspace, ...collected);
        const { name } = directoriesOf(before, keyspace).find(({ table }) => table === PROVIDED)!;
        nodetool(node, 'compact', '--user-defined', inOrder(dataFiles(join(home, 'data', keyspace, name)))[1]!);
      }
    } finally {
      await stopNode(node);
    }
    return readFileSync(join(home, 'system.log'), 'utf8');
  }

  it.each(['oa', 'da', 'nb'])(
    '%s',
    async (format) => {
      const [home, before] = [join(dir, format), join(dir, `${format}-before`)];
      const log = await collect(format, home, before);
      const differences: string[] = [];
      for (const level of LEVELS) {
        const keyspace = `${format}_${level}`;
        for (const { table, name } of directoriesOf(before, keyspace)) {
          const input = join(before, keyspace, name);
          const inputs = inOrder(dataFiles(input));
          expect(inputs.length).toBe(ROUNDS);
          const there = dataFiles(join(home, 'data', keyspace, name));
          const theirs = there.filter((file) => !inputs.some((old) => basename(old) === basename(file)));
          const isProvided = table === PROVIDED;
          const what = isProvided ? [inputs[1]!, '--major'] : [input, '--garbage-collect', level];
          const args = ['compact', 'run', ...what, '--now', String(clockOf(log, name))];
          const verdict = await judge(
            { name: `${keyspace}.${table}`, args, theirs },
            join(dir, 'ours', keyspace, table),
          );
          differences.push(...verdict.differences);
          if (WIDE.includes(table)) expect(verdict.bytes).toBeLessThan(sizeOf(isProvided ? [inputs[1]!] : inputs));
        }
      }
      expect(differences).toEqual([]);
    },
    600_000,
  );
});
