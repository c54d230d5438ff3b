/**
 * Random schemas and writes: lsmctl's major compaction gives the files that the node's gives, and a node on lsmctl's files answers as before,
 * finds nothing wrong with them and warns of nothing.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { connect, missing, nodetool, setup, startNode, stopNode, V5, V41 } from './cassandra.js';
import { makeDirectory, NODES, readAnswers, recordDirectory } from './compaction-recorder.js';
import { dataFilesBelow, judge } from './judge-compaction.js';
import type { Recording } from './recordings.js';
import { chance } from './workloads/random.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

// CI repeats the same writes, so that what fails there is the change's; elsewhere each run has its own
const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 8 : Date.now() % 1_000_000));
const NODE = { address: '127.0.43.2', jmxPort: 17962 };

/** A data directory of the recording's inputs with lsmctl's outputs in their place. */
function replaced(recorded: string, recording: Recording, ours: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-replaced-'));
  for (const keyspace of readdirSync(join(recorded, 'input')).filter((name) => name !== 'system'))
    cpSync(join(recorded, 'input', keyspace), join(dir, 'data', keyspace), { recursive: true });
  for (const { table, inputs } of recording.tables) {
    for (const input of inputs) {
      const target = join(dir, 'data', dirname(input.slice('input/'.length)));
      const { prefix } = parseDescriptor(input).descriptor;
      for (const name of readdirSync(target)) if (name.startsWith(`${prefix}-`)) rmSync(join(target, name));
    }
    for (const file of dataFilesBelow(join(ours, table))) {
      const target = join(dir, 'data', dirname(inputs[0]!.slice('input/'.length)));
      cpSync(dirname(file), target, { recursive: true });
    }
  }
  return dir;
}

describe.skipIf(lacks !== undefined)(`major compactions of random writes (seed ${seed})`, () => {
  beforeAll(() => {
    console.log(`seed ${seed}: npm run test:cassandra -- --seed ${seed}`);
    setup([V5, V41]);
  });

  it.each(Object.keys(NODES))('%s', async (format) => {
    const { version, yaml } = NODES[format]!;
    const own = [...yaml, 'column_index_size: 2KiB'];
    const workload = chance(version, seed + Object.keys(NODES).indexOf(format));
    const root = mkdtempSync(join(tmpdir(), 'lsmctl-parity-'));
    const directory = await makeDirectory(version, own, workload);
    const recording = await recordDirectory(root, 'random', { directory, version });
    const [recorded, ours] = [join(root, 'random'), join(root, 'ours')];
    expect(recording.changedAnswers).toEqual([]);

    const different: string[] = [];
    for (const table of recording.tables) {
      const { differences } = await judge(recorded, recording, table, join(ours, table.table));
      different.push(...differences.slice(0, 1).map((text) => `${table.table}: ${text}`));
    }
    expect(different, `seed ${seed}, files in ${root}`).toEqual([]);
    expect(recording.tables.length).toBeGreaterThan(5);

    const dir = replaced(recorded, recording, ours);
    const node = await startNode(version, dir, { ...NODE, yaml: own });
    try {
      const client = await connect(node);
      const answers = await readAnswers(client, [workload.keyspace]);
      await client.shutdown();
      expect(Object.values(answers).flat().length).toBeGreaterThan(100);
      expect(answers).toEqual(JSON.parse(readFileSync(join(recorded, 'answers.json'), 'utf8')));
      nodetool(node, 'verify', '-e', '-f', workload.keyspace); // fails where it finds anything
    } finally {
      await stopNode(node);
    }
    const log = readFileSync(join(dir, 'system.log'), 'utf8').split('\n');
    const complaints = log.filter((line) => /^(WARN|ERROR) /.test(line) && line.includes(`/${workload.keyspace}/`));
    expect(complaints, basename(dir)).toEqual([]);
    for (const made of [root, directory, dir]) rmSync(made, { recursive: true });
  });
});
