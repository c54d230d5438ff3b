/**
 * The commit logs of Cassandra's own test suite, replayed: every cell that its reader gives for them is in the SSTables, unless overwritten;
 * their number and hash, with those overwritten, are the recorded ones.
 */
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { replayPaths } from '../../../src/cli/commitlog/replay.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { CORPUS, hasCorpus, readCorpus } from '../../corpus.js';
import { temporaryDirectory } from '../directories.js';

const there = hasCorpus();
const LOGS = ['3.0.13-encrypted', '3.0.29-encrypted', '3.4-encrypted', '4.0.11-encrypted'];
const FLAGS = { 'in-place': false, 'skip-corrupt': false, 'dry-run': false, 'memtable-mb': 1, jobs: 1, yes: false };
const STAGE = { tell: () => {}, show: () => {}, quiet: true };

type GoldenUpdate = {
  readonly table: string;
  readonly key_hex: string;
  readonly rows: readonly {
    readonly clustering_hex?: readonly string[];
    readonly cells?: readonly { readonly col: string; readonly ts: number; readonly value_hex: string }[];
  }[];
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe.skipIf(!there)('commit logs of the Cassandra test suites', () => {
  it.each(LOGS)('%s', async (name) => {
    const dir = temporaryDirectory();
    const recorded = readCorpus(`public/commitlogs/${name}/hash.txt`).toString();
    const field = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(recorded)![1]!;
    const schema = path.join(dir, 's.cql');
    fs.writeFileSync(
      schema,
      `CREATE TABLE "Keyspace1"."Standard1" (key ascii, col ascii, val blob, val0 blob, PRIMARY KEY (key, col)) WITH ID = ${field('cfid')};`,
    );
    const keystore = path.join(CORPUS, 'public/commitlogs/keys/cassandra.keystore');
    const yaml = path.join(dir, 'cassandra.yaml');
    fs.writeFileSync(
      yaml,
      `transparent_data_encryption_options: { enabled: true, chunk_length_kb: 2, cipher: AES/CBC/PKCS5Padding, key_alias: "testing:1", key_provider: [ { class_name: org.apache.cassandra.security.JKSKeyProvider, parameters: [ { keystore: "${keystore}", keystore_password: cassandra, store_type: JCEKS, key_password: cassandra } ] } ] }\n`,
    );
    const output = path.join(dir, 'out');
    const log = path.join(CORPUS, 'public/commitlogs', name);
    const flags = { ...FLAGS, schema, output, tables: ['Keyspace1'], 'cassandra-yaml': yaml, now: 1_700_000_000 };
    const { result } = await replayPaths([log], flags, STAGE);
    expect(result.faults).toEqual([]);

    const golden = gunzipSync(readCorpus(`public/golden/commitlogs/${name}.mutations.jsonl.gz`))
      .toString()
      .trim();
    const updates = golden
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as GoldenUpdate)
      .filter(({ table }) => table === 'Keyspace1.Standard1');
    expect(result.tables.find(({ table }) => table.name === 'Standard1')!.updates).toBe(updates.length);
    const newest = new Map<string, { ts: number; value: string }>();
    let [cells, hash] = [0, 0];
    const count = (clustering: string, value: string) => {
      if (!Buffer.from(clustering, 'hex').toString().startsWith('name')) return;
      cells++;
      for (const [i, byte] of Buffer.from(value, 'hex').entries()) hash = (hash + (byte << ((8 * i) % 32))) | 0;
    };
    for (const { key_hex: key, rows } of updates) {
      for (const { clustering_hex: clustering = [], cells = [] } of rows) {
        for (const { col, ts, value_hex: value } of cells) {
          const place = [key, ...clustering, col].join(' ');
          const known = newest.get(place);
          const wins = !known || ts > known.ts || (ts === known.ts && value > known.value);
          // what was recorded counts all that was written, also what was overwritten since
          if (known) count(clustering[0]!, wins ? known.value : value);
          if (wins) newest.set(place, { ts, value });
        }
      }
    }
    const found = new Map<string, { ts: number; value: string }>();
    for (const { sstables } of resolvePaths(diskStorage, [output]).directories) {
      for (const { descriptor } of sstables) {
        const sstable = await openDescriptor(diskStorage, descriptor);
        for (const { key, unfiltereds } of sstable.partitions()) {
          for (const row of unfiltereds) {
            if (row.kind !== 'row') throw new Error('no row');
            for (const { column, timestampMicros, value } of row.cells) {
              const place = [hex(key), ...row.clustering.map((part) => hex(part!)), column.name].join(' ');
              found.set(place, { ts: Number(timestampMicros), value: hex(value) });
              count(hex(row.clustering[0]!), hex(value));
            }
          }
        }
        sstable.close();
      }
    }
    expect([...found].sort()).toEqual([...newest].sort());
    expect(cells).toBe(Number(field('cells')));
    expect(hash).toBe(Number(field('hash')));
  });
});
