/** Random schemas and writes on live nodes: the real tools and lsmctl must print the same of every SSTable that comes out. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, cql, missing, nodetool, setup, startNode, stopNode, ToolServer, V5, V41 } from './cassandra.js';
import { differences } from './compare.js';
import { chance } from './workloads/random.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

// CI repeats the same writes, so that what fails there is the change's; elsewhere each run has its own
const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 8 : Date.now() % 1_000_000));

const NODES = {
  oa: { version: V5, yaml: ['storage_compatibility_mode: NONE', 'sstable: { selected_format: big }'] },
  da: {
    version: V5,
    yaml: [
      'storage_compatibility_mode: NONE',
      'sstable: { selected_format: bti }',
      'uuid_sstable_identifiers_enabled: true',
    ],
  },
  nb: { version: V41, yaml: [] },
} as const;

const debugs = (file: string) => !file.includes('/fields');

describe.skipIf(lacks !== undefined)(`random writes (seed ${seed})`, () => {
  let tools: ToolServer;
  beforeAll(() => {
    console.log(`seed ${seed}: npm run test:cassandra -- --seed ${seed}`);
    setup([V5, V41]);
    tools = new ToolServer(V5);
  });
  afterAll(() => tools?.close());

  it.each(Object.keys(NODES) as (keyof typeof NODES)[])('%s', async (name) => {
    const { version, yaml } = NODES[name];
    const dir = mkdtempSync(join(tmpdir(), 'lsmctl-random-'));
    const node = await startNode(version, dir, {
      address: '127.0.41.5',
      jmxPort: 17945,
      yaml: ['column_index_size: 2KiB', ...yaml],
    });
    try {
      const client = await connect(node);
      const workload = chance(version, seed + Object.keys(NODES).indexOf(name));
      await cql(client, workload.create);
      nodetool(node, 'disableautocompaction');
      for (const round of workload.rounds) {
        await cql(client, round);
        nodetool(node, 'flush', workload.keyspace);
      }
      await client.shutdown();
    } finally {
      await stopNode(node);
    }
    await sleep(2000); // the shortest TTLs are over for both
    const { compared, stopped, different } = await differences(tools, join(dir, 'data', 'chance'), debugs);
    expect(different, `seed ${seed}, data in ${dir}`).toEqual([]);
    expect(stopped).toEqual([]);
    expect(compared).toBeGreaterThan(120);
    rmSync(dir, { recursive: true });
  });
});
