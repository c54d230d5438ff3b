/**
 * sstableofflinerelevel, sstablelevelreset, sstablerepairedset and sstablesplit of real Cassandra against lsmctl's, each on a copy of the same
 * directory: the same text, the same bytes; and a node that starts on what lsmctl made.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import {
  connect,
  cql,
  missing,
  selectJson,
  setup,
  startNode,
  stopNode,
  type ToolName,
  ToolServer,
  tool,
  V5,
  V41,
} from './cassandra.js';
import { NODES } from './compaction-recorder.js';
import { compareSSTables, type Difference, differenceText } from './compare-sstables.js';
import { dataFiles } from './recordings.js';
import { random } from './workloads/workload.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 8 : Date.now() % 1_000_000));
const NODE = { address: '127.0.50.1', jmxPort: 7205 };
const KEYSPACE = 'surgery';
const FLUSHES = 16;
const LAYOUTS = 12;
const BIG_ROWS = 5000;
const ALL = ['levels', 'tiers', 'packed', 'plain'];

const TABLES = [
  `CREATE KEYSPACE ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  `CREATE TABLE ${KEYSPACE}.levels (k int PRIMARY KEY, v text) WITH compaction = {'class': 'LeveledCompactionStrategy', 'enabled': 'false'}`,
  `CREATE TABLE ${KEYSPACE}.tiers (k int PRIMARY KEY, v text) WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}`,
  ...(['packed', 'plain'] as const).map(
    (name) => `CREATE TABLE ${KEYSPACE}.${name} (k int, c int, s text static, v text, w int, PRIMARY KEY (k, c))
      WITH compaction = {'class': 'LeveledCompactionStrategy', 'enabled': 'false'} AND gc_grace_seconds = 0
      ${name === 'plain' ? "AND compression = {'enabled': false}" : ''}`,
  ),
];

/** Keys of an SSTable's own: no two have the same last key, whose order would be that of a hash table. */
function narrow(round: number): string[] {
  const { next } = random(seed * 1000 + round);
  const keys = Array.from({ length: 1 + Math.floor(next() * 2.5) }, (_, i) => round * 10 + i);
  return ['levels', 'tiers'].flatMap((table) =>
    keys.map((k) => `INSERT INTO ${KEYSPACE}.${table} (k, v) VALUES (${k}, 'v${k}')`),
  );
}

/** Some megabytes, of partitions of all sizes, with deletions long over and cells that have expired by now. */
function wide(): string[] {
  const { next } = random(seed);
  const below = (n: number) => Math.floor(next() * n);
  const statements: string[] = [];
  for (const name of ['packed', 'plain']) {
    const table = `${KEYSPACE}.${name}`;
    for (let i = 0; i < BIG_ROWS; i++) {
      const k = below(4) === 0 ? below(3) : below(900);
      const text = Array.from({ length: 40 + below(100) }, () => below(1e9).toString(36)).join('');
      const ttl = below(20) === 0 ? ' USING TTL 1' : '';
      statements.push(`INSERT INTO ${table} (k, c, v, w) VALUES (${k}, ${below(5000)}, '${text}', ${i})${ttl}`);
      if (below(30) === 0) statements.push(`UPDATE ${table} SET s = 's${i}' WHERE k = ${k}`);
      if (below(40) === 0)
        statements.push(`DELETE FROM ${table} WHERE k = ${k} AND c > ${below(5000)} AND c < ${below(6000)}`);
      if (below(200) === 0) statements.push(`DELETE FROM ${table} WHERE k = ${1000 + below(200)}`);
    }
  }
  return statements;
}

function lsmctl(...args: string[]): { status: number; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LSMCTL, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status: status ?? 1, stdout, stderr };
}

/** The directory of a stopped node under another name, as a place for its tools. */
function copyOf(source: string, to: string): string {
  cpSync(join(source, 'data'), join(to, 'data'), { recursive: true, preserveTimestamps: true });
  mkdirSync(join(to, 'conf'), { recursive: true });
  const yaml = readFileSync(join(source, 'conf/cassandra.yaml'), 'utf8');
  writeFileSync(join(to, 'conf/cassandra.yaml'), yaml.replaceAll(source, to));
  return to;
}

function tableOf(dir: string, table: string): string {
  const keyspace = join(dir, 'data', KEYSPACE);
  return join(keyspace, readdirSync(keyspace).find((name) => name.startsWith(`${table}-`))!);
}

/** Names and bytes of a directory's files. */
function bytesOf(directory: string): Map<string, string> {
  const names = readdirSync(directory).filter((name) => statSync(join(directory, name)).isFile());
  return new Map(names.sort().map((name) => [name, readFileSync(join(directory, name)).toString('base64')]));
}

/** Both tools print numbers of SSTables a level: "L0=2". */
function levels(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /^(L\d+=\d+|(Current|Potential|New) leveling: ?)$/.test(line))
    .map((line) => line.trim());
}

function inOrder(files: readonly string[]): string[] {
  const id = (file: string) => parseDescriptor(file).descriptor.id.padStart(40, '0');
  return files.toSorted((a, b) => (id(a) < id(b) ? -1 : 1));
}

describe.skipIf(lacks !== undefined).each(Object.entries(NODES))('%s', (name, { version, yaml }) => {
  let root: string;
  let source: string;
  const rows = new Map<string, string[]>();

  beforeAll(async () => {
    setup([version]);
    root = mkdtempSync(join(tmpdir(), `lsmctl-surgery-${name}-`));
    source = join(root, 'source');
    mkdirSync(source);
    const node = await startNode(version, source, { ...NODE, yaml });
    const nodetools = new ToolServer(V5);
    const flush = async (...tables: string[]) => {
      const words = ['-h', '127.0.0.1', '-p', String(NODE.jmxPort), 'flush', KEYSPACE, ...tables];
      const { status, stderr } = await nodetools.run('nodetool', words);
      if (status !== 0) throw new Error(stderr);
    };
    try {
      const client = await connect(node);
      await cql(client, TABLES);
      for (let round = 0; round < FLUSHES; round++) {
        await cql(client, narrow(round));
        await flush('levels', 'tiers');
      }
      await cql(client, wide());
      await flush('packed', 'plain');
      await sleep(2500); // the short TTLs are over: the rows read now are those of any later day
      for (const table of ALL) rows.set(table, await selectJson(client, `${KEYSPACE}.${table}`));
      await client.shutdown();
    } finally {
      nodetools.close();
      await stopNode(node);
    }
  });

  afterAll(() => {
    if (root) rmSync(root, { recursive: true });
  });

  /** A directory for the real tools and one for lsmctl. */
  function pair(what: string): [theirs: string, ours: string] {
    return [copyOf(source, join(root, `${what}-theirs`)), copyOf(source, join(root, `${what}-ours`))];
  }

  it('sstableofflinerelevel and sstablelevelreset: text and bytes', async () => {
    const [theirs, ours] = pair('levels');
    const [from, to] = [tableOf(theirs, 'levels'), tableOf(ours, 'levels')];
    const whole = bytesOf(from);
    const run = runner(version, theirs);
    const { next } = random(seed + 1);
    let moved = 0;
    for (let layout = 0; layout < (version === V5 ? LAYOUTS : 2); layout++) {
      const share = layout === 0 ? 1 : next();
      const chosen = inOrder(dataFiles(tableOf(source, 'levels'))).filter(() => next() < share);
      if (chosen.length === 0) continue;
      const prefixes = chosen.map((file) => `${parseDescriptor(file).descriptor.prefix}-`);
      const some = new Map([...whole].filter(([file]) => prefixes.some((prefix) => file.startsWith(prefix))));
      for (const directory of [from, to]) restore(directory, some);

      const dry = await run('sstableofflinerelevel', ['--dry-run', KEYSPACE, 'levels']);
      expect(levels(lsmctl('compact', 'relevel', to, '--dry-run').stdout), `layout ${layout}`).toEqual(levels(dry));
      expect(bytesOf(to)).toEqual(some);
      const real = await run('sstableofflinerelevel', [KEYSPACE, 'levels']);
      expect(lsmctl('compact', 'relevel', to, '--yes').status).toBe(0);
      expect(levels(real).slice(-levels(dry).length).join().replace('New', 'Potential')).toBe(levels(dry).join());
      expect(bytesOf(to), `layout ${layout}`).toEqual(bytesOf(from));
      if (isDeepStrictEqual(bytesOf(to), some)) continue;
      moved++;
      if (layout > 1) continue;
      await run('sstablelevelreset', ['--really-reset', KEYSPACE, 'levels']);
      expect(lsmctl('compact', 'reset-level', to, '--yes').status).toBe(0);
      expect(bytesOf(to), `layout ${layout}`).toEqual(bytesOf(from));
    }
    expect(moved).toBeGreaterThan(version === V5 ? LAYOUTS / 2 : 0);
    run.close();
  });

  it('relevel refuses a table that is not leveled, where the tool levels it', async () => {
    const directory = tableOf(source, 'tiers');
    const before = bytesOf(directory);
    const { status, stderr } = lsmctl('compact', 'relevel', directory, '--yes');
    expect(stderr).toMatch(/it is not leveled but has SizeTieredCompactionStrategy/);
    expect(status).toBe(4);
    expect(bytesOf(directory)).toEqual(before);
  });

  it('sstablerepairedset: bytes', async () => {
    const [theirs, ours] = pair('repaired');
    const [from, to] = [tableOf(theirs, 'tiers'), tableOf(ours, 'tiers')];
    const run = runner(version, theirs);
    const files = dataFiles(from);
    await run('sstablerepairedset', ['--really-set', '--is-repaired', ...files.slice(0, 5)]);
    const some = files.slice(0, 5).map((file) => join(to, basename(file)));
    expect(lsmctl('compact', 'set-repaired', ...some, '--repaired', '--yes').status).toBe(0);
    expect(bytesOf(to)).toEqual(bytesOf(from));
    await run('sstablerepairedset', ['--really-set', '--is-unrepaired', ...files.slice(3)]);
    const others = files.slice(3).map((file) => join(to, basename(file)));
    expect(lsmctl('compact', 'set-repaired', ...others, '--unrepaired', '--yes').status).toBe(0);
    expect(bytesOf(to)).toEqual(bytesOf(from));
    run.close();
  });

  it('sstablesplit: all components of every SSTable, and a node that starts on them', async () => {
    const [theirs, ours] = pair('split');
    for (const table of ['packed', 'plain']) {
      const [from, to] = [tableOf(theirs, table), tableOf(ours, table)];
      const [input] = dataFiles(from);
      const words = table === 'plain' ? ['--no-snapshot'] : [];
      const { stdout, stderr } = tool(version, 'sstablesplit', [...words, '--size', '1', input!], theirs);
      await sleep(0); // a JVM can take long, and the test runner wants to hear from its worker
      const { status, stderr: complaint } = lsmctl('compact', 'split', to, ...words, '--size', '1', '--yes');
      expect(status, complaint).toBe(0);
      const [expected, seen] = [inOrder(dataFiles(from)), inOrder(dataFiles(to))];
      expect(expected.length, `${stdout}${stderr}`).toBeGreaterThan(2);
      expect(seen.length).toBe(expected.length);
      for (const [i, file] of expected.entries()) {
        const differences = await compareSSTables(file, seen[i]!);
        expect(differences.filter(isOurs).map(differenceText), basename(file)).toEqual([]);
      }
      const snapshots = [from, to].map((directory) => snapshotsOf(directory).map((names) => names.sort()));
      expect(snapshots.map((all) => all!.length)).toEqual(table === 'plain' ? [0, 0] : [1, 1]);
      // the tool leaves some components out: digest, summary and table of contents
      for (const [i, names] of snapshots[0]!.entries()) expect(snapshots[1]![i]).toEqual(expect.arrayContaining(names));
    }
    expect(lsmctl('compact', 'relevel', tableOf(ours, 'levels'), '--yes').status).toBe(0);
    expect(lsmctl('compact', 'set-repaired', tableOf(ours, 'tiers'), '--repaired', '--yes').status).toBe(0);
    const started = await startNode(version, ours, { ...NODE, yaml });
    try {
      const client = await connect(started);
      for (const table of ALL) expect(await selectJson(client, `${KEYSPACE}.${table}`), table).toEqual(rows.get(table));
      await client.shutdown();
    } finally {
      await stopNode(started);
    }
    const log = readFileSync(join(ours, 'system.log'), 'utf8').split('\n');
    const complaints = log.filter((line) => /^(WARN|ERROR) /.test(line) && line.includes(`/${KEYSPACE}/`));
    expect(complaints).toEqual([]);
  });
});

/**
 * The tool does not know whose commit log the data came from, and takes what SSTables cover of it away, so that a start after a crash replays it again;
 * a node's own compactions keep it, and so does lsmctl.
 */
function isOurs({ kind, at }: Difference): boolean {
  return kind === 'content' && !String(at).startsWith('stats.commitLog');
}

/** Makes the directory hold these files and no others. */
function restore(directory: string, files: ReadonlyMap<string, string>): void {
  for (const name of bytesOf(directory).keys()) rmSync(join(directory, name));
  for (const [name, text] of files) writeFileSync(join(directory, name), Buffer.from(text, 'base64'));
}

/** Files of each snapshot. */
function snapshotsOf(directory: string): string[][] {
  const snapshots = join(directory, 'snapshots');
  return existsSync(snapshots) ? readdirSync(snapshots).map((name) => readdirSync(join(snapshots, name))) : [];
}

/** Runs tools on a node's directory: of 5.0 in one JVM, of 4.1 in one each. @throws Error where one fails */
function runner(version: string, directory: string) {
  const server = version === V5 ? new ToolServer(version, directory) : undefined;
  const run = async (name: ToolName, words: string[]) => {
    await sleep(0); // a JVM each can take a minute together, and the test runner wants to hear from its worker
    const { status, stdout, stderr } = (await server?.run(name, words)) ?? tool(version, name, words, directory);
    if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${stdout}${stderr}`);
    return stdout.toString();
  };
  return Object.assign(run, { close: () => server?.close() });
}
