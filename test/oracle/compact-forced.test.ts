/** `nodetool compact -s`, `--user-defined` and `-st -et` of a real node against lsmctl's, byte for byte. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { readCandidates } from '../../src/engine/compaction/read-candidate.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { compareIds } from '../../src/sstable/sstable-id.js';
import { connect, cql, missing, type Node, nodetool, setup, startNode, stopNode, V5 } from './cassandra.js';
import { NODES } from './compaction-recorder.js';
import { compareSSTables, differenceText } from './compare-sstables.js';
import { dataFilesBelow } from './judge-compaction.js';
import { dataFiles } from './recordings.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const NODE = { address: '127.0.0.41', jmxPort: 7214 };
const KEYSPACE = 'forced';
const JVM = ['-Dcassandra.autocompaction_on_startup_enabled=false'];
/** Two files of 50 MB or more come of 120 MB, and one of what is left. */
const ROWS = 120;
const ROW_BYTES = 1_000_000;
const ROUNDS = 3;

const LEVELED = "'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': 1, 'fanout_size': 2";
const CREATE = [
  `CREATE KEYSPACE ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  `CREATE TABLE ${KEYSPACE}.split (k int PRIMARY KEY, v text) WITH compression = {'enabled': false}`,
  `CREATE TABLE ${KEYSPACE}.leveled (k int PRIMARY KEY, v text) WITH compression = {'enabled': false} AND compaction = {${LEVELED}}`,
];

function writes(round: number): string[] {
  const [large, small] = ['x'.repeat(ROW_BYTES), 'y'.repeat(20_000)];
  const big = Array.from({ length: ROWS / ROUNDS }, (_, i) => {
    return `INSERT INTO ${KEYSPACE}.split (k, v) VALUES (${i * ROUNDS + round}, '${large}')`;
  });
  const rest = Array.from({ length: 60 }, (_, i) => {
    return `INSERT INTO ${KEYSPACE}.leveled (k, v) VALUES (${i * 2 + round}, '${round}${small}')`;
  });
  return [...big, ...rest];
}

function inOrder(files: readonly string[]): string[] {
  const id = (file: string) => parseDescriptor(file).descriptor.id;
  return files.toSorted((a, b) => compareIds(id(a), id(b)));
}

describe.skipIf(lacks)('forced compactions', () => {
  const made: string[] = [];
  afterAll(() => {
    for (const directory of made) rmSync(directory, { recursive: true, force: true });
  });

  it('give what a node gives', async () => {
    setup([V5]);
    const home = mkdtempSync(join(tmpdir(), 'lsmctl-forced-'));
    made.push(home);
    const { yaml } = NODES.oa!;
    const node = await startNode(V5, home, { ...NODE, yaml: [...yaml, 'concurrent_compactors: 1'], jvm: JVM });
    try {
      const client = await connect(node);
      await cql(client, CREATE);
      nodetool(node, 'disableautocompaction');
      for (let round = 0; round < ROUNDS; round++) {
        await cql(client, writes(round), 4);
        nodetool(node, 'flush', KEYSPACE);
      }
      nodetool(node, 'flush', 'system_schema');
      await client.shutdown();
      const split = await compare(node, 'split', ['--major', '--split-output'], () =>
        nodetool(node, 'compact', '-s', KEYSPACE, 'split'),
      );
      expect(split).toBeGreaterThan(1);
      // the first gives levels, of which the second takes a single SSTable
      await compare(node, 'leveled', ['--major'], () => nodetool(node, 'compact', KEYSPACE, 'leveled'));
      const files = dataFiles(directoryOf(node, 'leveled'));
      const one = levelsOf(files).find(({ level }) => level > 0)!.file;
      await compare(node, 'leveled', ['--sstables', basename(one)], () =>
        nodetool(node, 'compact', '--user-defined', one),
      );
      const two = dataFiles(directoryOf(node, 'leveled')).slice(0, 2);
      await compare(node, 'leveled', ['--sstables', two.map((file) => basename(file)).join(',')], () =>
        nodetool(node, 'compact', '--user-defined', ...two),
      );
      await compare(node, 'leveled', ['--token-range=-9000000000000000000,0'], () =>
        nodetool(node, 'compact', '-st', '-9000000000000000000', '-et', '0', KEYSPACE, 'leveled'),
      );
    } finally {
      await stopNode(node);
    }
  }, 600_000);
});

function directoryOf({ dir }: Node, table: string): string {
  const keyspace = join(dir, 'data', KEYSPACE);
  return join(keyspace, readdirSync(keyspace).find((name) => name.startsWith(`${table}-`))!);
}

function levelsOf(files: readonly string[]): { file: string; level: number }[] {
  const candidates = readCandidates(
    diskStorage,
    files.map((file) => parseDescriptor(file).descriptor),
  );
  return candidates.map(({ level }, i) => ({ file: files[i]!, level }));
}

/** Has the node do it, and lsmctl on what was there before. @returns SSTables that were written */
async function compare(node: Node, table: string, args: readonly string[], act: () => void): Promise<number> {
  const copy = mkdtempSync(join(tmpdir(), 'lsmctl-forced-copy-'));
  try {
    const directory = directoryOf(node, table);
    const place = join(copy, 'data', KEYSPACE, basename(directory));
    mkdirSync(place, { recursive: true });
    cpSync(directory, place, { recursive: true });
    cpSync(join(node.dir, 'data/system_schema'), join(copy, 'data/system_schema'), { recursive: true });
    cpSync(join(node.dir, 'data/system'), join(copy, 'data/system'), { recursive: true });
    const before = new Set(dataFiles(directory));
    const second = Math.floor(Date.now() / 1000);
    act();
    const theirs = inOrder(dataFiles(directory).filter((file) => !before.has(file)));
    const run = ['compact', 'run', place, ...args, '--output', join(copy, 'out'), '--now', String(second)];
    const { status, stderr } = spawnSync(process.execPath, [LSMCTL, ...run], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const ours = inOrder(dataFilesBelow(join(copy, 'out')));
    expect(ours.length, args.join(' ')).toBe(theirs.length);
    const differences: string[] = [];
    for (const [i, file] of theirs.entries()) {
      differences.push(...(await compareSSTables(file, ours[i]!)).map(differenceText));
    }
    expect(differences, args.join(' ')).toEqual([]);
    return theirs.length;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
