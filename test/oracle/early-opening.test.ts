import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { expectSameIndex, rewriteIndex } from '../sstable/bti/rewrite-index.js';
import { connect, cql, java, missing, nodetool, setup, startNode, stopNode, V5 } from './cassandra.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const MIB = 1024 * 1024;
const BLOCK_BYTES = 1024;
const CHUNK_BYTES = 16 * 1024;
const YAML = [
  'storage_compatibility_mode: NONE',
  'sstable: { selected_format: bti }',
  'column_index_size: 1KiB',
  'sstable_preemptive_open_interval: 1MiB',
];

describe.skipIf(lacks !== undefined)('what opening early does to Partitions.db', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lsmctl-early-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is done likewise', async () => {
    setup([V5]);
    const input = join(dir, 'input/ks/t'); // a path that has no such names is imported from without a word, and without effect
    mkdirSync(input, { recursive: true });
    java(V5, fileURLToPath(new URL('java/EarlyOpening.java', import.meta.url)), [input]);
    const node = await startNode(V5, join(dir, 'node'), { address: '127.0.71.1', jmxPort: 7371, yaml: YAML });
    try {
      const client = await connect(node);
      await cql(client, [
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        'CREATE TABLE ks.t (k text, c int, v text, PRIMARY KEY (k, c))',
      ]);
      await client.shutdown();
      nodetool(node, 'disableautocompaction');
      nodetool(node, 'import', 'ks', 't', input);
      nodetool(node, 'compact', 'ks', 't');
    } finally {
      await stopNode(node);
    }
    const table = join(dir, 'node/data/ks', readdirSync(join(dir, 'node/data/ks'))[0]!);
    const data = readdirSync(table).filter((name) => name.endsWith('-Data.db'));
    expect(data.length).toBe(1);
    const file = join(table, data[0]!);
    const { rows } = await expectSameIndex(file, BLOCK_BYTES, { intervalBytes: MIB, dataBufferBytes: CHUNK_BYTES });
    expect(rows.length).toBeGreaterThan(2 * 64 * 1024);
    const unopened = await rewriteIndex(file, BLOCK_BYTES);
    expect(unopened.partitions.equals(readFileSync(file.replace(/Data\.db$/, 'Partitions.db')))).toBe(false);
  });
});
