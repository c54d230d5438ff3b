/**
 * `compact run --yes` on a data directory of a real node, strategy by strategy; then a node on the result: the same rows, levels and states of repair,
 * no word of complaint in its log, and nothing that its own strategies would still do.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { readCandidates } from '../../src/engine/compaction/read-candidate.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { connect, cql, missing, nodetool, setup, startNode, stopNode, tool, V5 } from './cassandra.js';
import { NODES, readAnswers } from './compaction-recorder.js';
import { dataFiles } from './recordings.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const NODE = { address: '127.0.0.40', jmxPort: 7204 };
const KEYSPACE = 'inplace';
const ROUNDS = 12;
const JVM = ['-Dcassandra.autocompaction_on_startup_enabled=false'];

const COMPACTION: Readonly<Record<string, string>> = {
  tiered: "'class': 'SizeTieredCompactionStrategy', 'min_threshold': 3, 'max_threshold': 4",
  repaired: "'class': 'SizeTieredCompactionStrategy', 'min_threshold': 3",
  leveled:
    "'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': 1, 'fanout_size': 2, 'single_sstable_uplevel': true",
  windows: "'class': 'TimeWindowCompactionStrategy', 'compaction_window_size': 1, 'compaction_window_unit': 'HOURS'",
  unified:
    "'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'T3', 'target_sstable_size': '1MiB', 'min_sstable_size': '100KiB'",
};
const TABLES = Object.keys(COMPACTION);

function create(): string[] {
  return [
    `CREATE KEYSPACE ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    ...TABLES.map(
      (name) =>
        `CREATE TABLE ${KEYSPACE}.${name} (k int, c int, v text, s text static, PRIMARY KEY (k, c)) WITH compression = {'enabled': false} AND compaction = {${COMPACTION[name]}}`,
    ),
  ];
}

const HOUR = 3_600_000_000;

function writes(round: number): string[] {
  const filler = 'x'.repeat(3000);
  return TABLES.flatMap((name) => {
    const table = `${KEYSPACE}.${name}`;
    const at = `USING TIMESTAMP ${1_700_000_000_000_000 + Math.floor(round / 4) * HOUR + round}`;
    const rows = Array.from({ length: 120 }, (_, i) => {
      const [k, c] = [(round * 37 + i * 11) % 400, (round + i) % 5];
      return `INSERT INTO ${table} (k, c, v, s) VALUES (${k}, ${c}, '${round} ${filler}', 's${round}') ${at}`;
    });
    return [
      ...rows,
      `DELETE FROM ${table} ${at} WHERE k = ${round * 3}`,
      `DELETE FROM ${table} ${at} WHERE k = ${round * 5} AND c = 1`,
    ];
  });
}

function lsmctl(...args: string[]): string {
  const { status, stderr, stdout } = spawnSync(process.execPath, [LSMCTL, ...args], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout;
}

describe.skipIf(lacks)('compact run in place, then a real node', () => {
  const made: string[] = [];
  afterAll(() => {
    for (const directory of made) rmSync(directory, { recursive: true, force: true });
  });

  it.each(['oa', 'da'])(
    '%s',
    async (format) => {
      setup([V5]);
      const { yaml } = NODES[format]!;
      const home = mkdtempSync(join(tmpdir(), 'lsmctl-in-place-'));
      made.push(home);
      let node = await startNode(V5, home, { ...NODE, yaml, jvm: JVM });
      let before: Record<string, string[]>;
      try {
        const client = await connect(node);
        await cql(client, create());
        nodetool(node, 'disableautocompaction');
        for (let round = 0; round < ROUNDS; round++) {
          await cql(client, writes(round));
          nodetool(node, 'flush', KEYSPACE);
        }
        before = await readAnswers(client, [KEYSPACE]);
        await client.shutdown();
        nodetool(node, 'drain');
      } finally {
        await stopNode(node);
      }
      const data = join(home, 'data');
      const directoryOf = (table: string) =>
        join(data, KEYSPACE, readdirSync(join(data, KEYSPACE)).find((name) => name.startsWith(`${table}-`))!);
      const some = dataFiles(directoryOf('repaired')).slice(0, 5);
      expect(tool(V5, 'sstablerepairedset', ['--really-set', '--is-repaired', ...some]).status).toBe(0);

      const report = JSON.parse(lsmctl('compact', 'run', join(data, KEYSPACE), '--yes', '--json')) as {
        tables: { table: string; inputs: number; tasks: { kind: string }[] }[];
      };
      for (const { table, tasks } of report.tables) expect(tasks.length, table).toBeGreaterThan(0);
      expect(report.tables.map(({ table }) => table).sort()).toEqual([...TABLES].sort());
      expect(report.tables.find(({ table }) => table === 'leveled')!.tasks.length).toBeGreaterThan(1);
      // nothing is pending to lsmctl, either
      const plan = spawnSync(process.execPath, [LSMCTL, 'compact', 'plan', join(data, KEYSPACE)], { encoding: 'utf8' });
      expect(plan.status, plan.stdout).toBe(0);
      const states = (): string[] =>
        TABLES.flatMap((table) =>
          readCandidates(
            diskStorage,
            dataFiles(directoryOf(table)).map((file) => parseDescriptor(file).descriptor),
          ).map(
            ({ descriptor, level, repairedAtMillis }) =>
              `${table} ${descriptor.prefix} ${level} ${repairedAtMillis > 0}`,
          ),
        ).sort();
      const written = states();
      expect(written.some((line) => / [1-9]\d* false$/.test(line))).toBe(true);
      expect(written.filter((line) => line.startsWith('repaired')).map((line) => line.endsWith('true'))).toContain(
        true,
      );

      node = await startNode(V5, home, { ...NODE, yaml, jvm: JVM });
      try {
        const client = await connect(node);
        expect(await readAnswers(client, [KEYSPACE])).toEqual(before);
        expect(states()).toEqual(written);
        nodetool(node, 'enableautocompaction', KEYSPACE);
        await sleep(5000);
        expect(nodetool(node, 'compactionstats')).toMatch(/pending tasks: 0|pending tasks\s+0/);
        expect(states()).toEqual(written);
        expect(await readAnswers(client, [KEYSPACE])).toEqual(before);
        await client.shutdown();
      } finally {
        await stopNode(node);
      }
      const log = readFileSync(join(home, 'system.log'), 'utf8');
      const second = log.slice(log.lastIndexOf('Cassandra version'));
      const complaints = second.split('\n').filter((line) => /^(WARN|ERROR)/.test(line));
      expect(
        complaints.filter((line) => /sstable|compact|leftover|corrupt|transaction|txn|overlap/i.test(line)),
      ).toEqual([]);
    },
    600_000,
  );
});
