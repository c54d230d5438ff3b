/**
 * A node that was killed, its copy crashed by a drill, and real nodes started on the crashed copies: they answer what the drill's recovered copy
 * answers, and what they answer no more is what the drill called lost.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import type { DrillFlags } from '../../src/cli/drill/request.js';
import { runDrill } from '../../src/cli/drill/run.js';
import { findSegments } from '../../src/commitlog/commit-log-directory.js';
import { readDescriptor } from '../../src/commitlog/segment-descriptor.js';
import type { DrillReport } from '../../src/engine/drill/report.js';
import { answersIn } from '../drill-answers.js';
import { connect, cql, missing, nodetool, selectJson, setup, startNode, stopNode, V5 } from './cassandra.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const ADDRESS = '127.0.0.12';
const YAML = ['storage_compatibility_mode: NONE', 'commitlog_sync_period: 500ms'];
const keystore = fileURLToPath(new URL('../commitlog/keystores/java17.jceks', import.meta.url));
const ENCRYPTION = `transparent_data_encryption_options: { enabled: true, chunk_length_kb: 2, cipher: AES/CBC/PKCS5Padding, key_alias: "Log:1", iv_length: 16, key_provider: [ { class_name: org.apache.cassandra.security.JKSKeyProvider, parameters: [ { keystore: "${keystore}", keystore_password: storepass, store_type: JCEKS, key_password: keypass } ] } ] }`;
const TABLES = ['rows', 'wide', 'sums'] as const;

const SCHEMA = [
  `CREATE KEYSPACE ks WITH replication = { 'class': 'SimpleStrategy', 'replication_factor': 1 }`,
  `CREATE TABLE ks.rows (k int PRIMARY KEY, v text)`,
  `CREATE TABLE ks.wide (k int, c int, s text STATIC, v map<text, int>, PRIMARY KEY (k, c))`,
  `CREATE TABLE ks.sums (k int PRIMARY KEY, n counter)`,
];

/** Writes of one round: new rows, rows of earlier rounds written anew, deleted, counted. */
function round(n: number): string[] {
  const keys = Array.from({ length: 30 }, (_, i) => i);
  return [
    ...keys.map((i) => `INSERT INTO ks.rows (k, v) VALUES (${n * 30 + i}, 'new ${n}')`),
    ...keys.map((i) => `UPDATE ks.rows SET v = 'again ${n}' WHERE k = ${i * 3}`),
    ...keys.slice(0, 4).map((i) => `DELETE FROM ks.rows WHERE k = ${n * 7 + i}`),
    ...keys.map((i) => `INSERT INTO ks.wide (k, c, v) VALUES (${i % 4}, ${n * 30 + i}, {'a': ${n}, 'b': ${i}})`),
    `UPDATE ks.wide SET s = 'round ${n}' WHERE k = ${n % 4}`,
    `DELETE FROM ks.wide WHERE k = ${n % 4} AND c >= ${n * 20} AND c < ${n * 20 + 9}`,
    `DELETE v['a'] FROM ks.wide WHERE k = 1 AND c = ${n * 30 + 1}`,
    ...keys.slice(0, 9).map((i) => `UPDATE ks.sums SET n = n + ${n + i} WHERE k = ${i}`),
  ];
}

const flags = (more: Partial<DrillFlags>): DrillFlags => ({
  'skip-corrupt': false,
  'sync-period': '10s',
  keep: true,
  now: Math.floor(Date.now() / 1000),
  ...more,
});

type Crashes = Readonly<Record<string, Partial<DrillFlags>>>;

const PLAIN: Crashes = {
  'lose-last': { 'lose-last': '2s' },
  torn: { 'tear-at': ['last:random'], seed: 5 },
  'torn, and a bit flipped': { flip: ['last:random'], 'lose-last': '700ms', seed: 11 },
};
const ENCRYPTED: Crashes = { 'lose-last': { 'lose-last': '2s' }, torn: { 'tear-at': ['last:random'], seed: 5 } };

describe.skipIf(lacks)('drills and real nodes', () => {
  it.each<[string, readonly string[], Crashes]>([
    ['', YAML, PLAIN],
    [', encrypted', [...YAML, ENCRYPTION], ENCRYPTED],
  ])('predict what a node answers that starts on the crashed copy%s', async (_, yaml, crashes) => {
    setup([V5]);
    const dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-drilled-'));
    const whole = path.join(dir, 'node');
    const kept: string[] = [];
    try {
      await live(whole, yaml);
      const copy = (from: string, name: string) => {
        const to = path.join(dir, name);
        fs.cpSync(from, to, { recursive: true });
        fs.rmSync(path.join(to, 'recovered'), { recursive: true, force: true });
        return to;
      };
      const before = await answersOf(copy(whole, 'undamaged'), yaml);
      const log = findSegments(diskStorage, [path.join(whole, 'commitlog')]);
      const isEncrypted = readDescriptor(diskStorage, log[0]!.file).encryption !== undefined;
      expect(isEncrypted).toBe(yaml.includes(ENCRYPTION));
      expect(before.rows!.length).toBeGreaterThan(100);
      for (const [name, crash] of Object.entries(crashes)) {
        const more = { ...crash, 'cassandra-yaml': path.join(whole, 'conf/cassandra.yaml') };
        const report = await runDrill(whole, flags(more), { notice() {}, isQuiet: true });
        kept.push(report.kept!);
        expect(report.result.isSound, name).toBe(true);
        const node = path.join(report.kept!, 'node');
        if (report.start.verdict === 'stops') {
          const start = answersOf(copy(node, `crashed-${kept.length}`), yaml);
          await expect(start, name).rejects.toThrow(/Exiting due to error while processing commit log/);
          continue;
        }
        const predicted = Object.fromEntries(TABLES.map((table) => [table, answersIn(node, 'ks', table)]));
        const after = await answersOf(copy(node, `crashed-${kept.length}`), yaml);
        for (const table of TABLES) {
          expect((await predicted[table])!.toSorted(), `${name}: ${table}`).toEqual(after[table]);
          expectLoss(report, table, before[table]!, after[table]!, name);
        }
        expect(report.loss.writes, name).toBeGreaterThan(0);
      }
    } finally {
      for (const one of [dir, ...kept]) fs.rmSync(one, { recursive: true, force: true });
    }
  });
});

/** A node that writes for some seconds, flushes in between, and is killed. */
async function live(dir: string, yaml: readonly string[]): Promise<void> {
  const node = await startNode(V5, dir, { address: ADDRESS, jmxPort: 7212, yaml });
  try {
    const client = await connect(node);
    await cql(client, SCHEMA, 1);
    for (let n = 0; n < 12; n++) {
      await cql(client, round(n), 8);
      if (n === 4) nodetool(node, 'flush', 'ks', 'rows');
      await sleep(400);
    }
    await client.shutdown();
    await sleep(1500);
  } finally {
    await stopNode(node, 'SIGKILL');
  }
}

async function answersOf(dir: string, yaml: readonly string[]): Promise<Record<string, string[]>> {
  const node = await startNode(V5, dir, { address: ADDRESS, jmxPort: 7212, yaml });
  try {
    const client = await connect(node);
    const answers: Record<string, string[]> = {};
    for (const table of TABLES) answers[table] = await selectJson(client, `ks.${table}`);
    await client.shutdown();
    return answers;
  } finally {
    await stopNode(node, 'SIGKILL');
  }
}

function expectLoss(report: DrillReport, table: string, before: string[], after: string[], what: string): void {
  const rowOf = (line: string) => {
    const { k, c } = JSON.parse(line) as { k: number; c?: number };
    return `${k} ${c}`;
  };
  const [a, b] = [before, after].map((lines) => new Map(lines.map((line) => [rowOf(line), line])));
  const gone = [...a!.keys()].filter((row) => !b!.has(row)).length;
  const older = [...a!].filter(([row, line]) => b!.has(row) && b!.get(row) !== line).length;
  const back = [...b!.keys()].filter((row) => !a!.has(row)).length;
  const told = report.tables.find((one) => one.keyspace === 'ks' && one.table === table)?.answers;
  expect({ gone: told?.gone ?? 0, older: told?.older ?? 0, back: told?.back ?? 0 }, `${what}: ${table}`).toEqual({
    gone,
    older,
    back,
  });
}
