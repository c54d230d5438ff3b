/**
 * Commit logs that real nodes wrote, in every form: what they hold equals what the same nodes then flushed to SSTables. Nothing is written twice,
 * so that a memtable has nothing to merge.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { findSegments } from '../../src/commitlog/commit-log-directory.js';
import { readKeystoreOptions } from '../../src/commitlog/encryption/encryption-options.js';
import { keystoreCiphers } from '../../src/commitlog/encryption/keystore.js';
import { noCipher, sectionDecoder } from '../../src/commitlog/section-decoder.js';
import { readDescriptor } from '../../src/commitlog/segment-descriptor.js';
import { takeContent } from '../../src/engine/commitlog-inventory.js';
import { readPersisted } from '../../src/engine/commitlog-persisted.js';
import { loadLogSchema } from '../../src/engine/commitlog-schema.js';
import { openDirectory } from '../../src/engine/open-directory.js';
import { partitionsOf, readPartition } from '../../src/sstable/partition-view.js';
import type { Partition, Unfiltered } from '../../src/sstable/row.js';
import { walkFile } from '../commitlog/walk.js';
import { connect, cql, missing, nodetool, setup, startNode, stopNode, V5, V41 } from './cassandra.js';

const lacks = missing([V5, V41]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const keystores = path.resolve(new URL('../commitlog/keystores', import.meta.url).pathname);

const encryption = (store: string, type: string, keyPassword: string, alias: string) =>
  `transparent_data_encryption_options: { enabled: true, chunk_length_kb: 2, cipher: AES/CBC/PKCS5Padding, key_alias: "${alias}", iv_length: 16, key_provider: [ { class_name: org.apache.cassandra.security.JKSKeyProvider, parameters: [ { keystore: "${keystores}/${store}", keystore_password: storepass, store_type: ${type}, key_password: ${keyPassword} } ] } ] }`;
const compression = (name: string) => `commitlog_compression: [ { class_name: ${name} } ]`;
const NEWEST = 'storage_compatibility_mode: NONE';

const FORMS = [
  { version: V5, log: 8, form: 'direct I/O', yaml: [NEWEST, 'commitlog_disk_access_mode: direct'] },
  { version: V5, log: 8, form: 'Snappy', yaml: [NEWEST, compression('SnappyCompressor')] },
  { version: V5, log: 8, form: 'JCEKS', yaml: [NEWEST, encryption('java17.jceks', 'JCEKS', 'keypass', 'Log:1')] },
  { version: V5, log: 7, form: 'mapped, compatible with 4', yaml: ['storage_compatibility_mode: CASSANDRA_4'] },
  { version: V41, log: 7, form: 'Deflate', yaml: [compression('DeflateCompressor')] },
  { version: V41, log: 7, form: 'PKCS12', yaml: [encryption('legacy.p12', 'PKCS12', 'storepass', 'log:2')] },
];

const START = 1_700_000_000_000_000n;

function statements(): string[] {
  let at = START;
  const using = (ttl = '') => `USING TIMESTAMP ${at++}${ttl}`;
  const rows = Array.from({ length: 40 }, (_, i) => i);
  return [
    `CREATE KEYSPACE ks WITH replication = { 'class': 'SimpleStrategy', 'replication_factor': 1 }`,
    `CREATE TYPE ks.pair (a int, b frozen<list<text>>)`,
    `CREATE TABLE ks.wide (k int, c text, d int, s text STATIC, v blob, PRIMARY KEY (k, c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)`,
    `CREATE TABLE ks.things (k text, n bigint, l list<int>, m map<text, int>, st set<text>, u pair, f frozen<pair>, e boolean, PRIMARY KEY ((k, n)))`,
    `CREATE TABLE ks.counts (k int, c int, x counter, y counter, PRIMARY KEY (k, c))`,
    ...rows.map(
      (i) =>
        `INSERT INTO ks.wide (k, c, d, v) VALUES (${i % 5}, 'c${i % 7}', ${i}, 0x${'ab'.repeat(i * 9)}) ${using()}`,
    ),
    ...rows
      .slice(0, 9)
      .map(
        (i) => `UPDATE ks.wide ${using(` AND TTL ${900000 + i}`)} SET v = 0x0${i} WHERE k = 9 AND c = '' AND d = ${i}`,
      ),
    ...[11, 12].map(
      (k) => `INSERT INTO ks.wide (k, s) VALUES (${k}, 'static ${k}') ${using(k === 12 ? ' AND TTL 700000' : '')}`,
    ),
    `DELETE FROM ks.wide ${using()} WHERE k = 20`,
    `DELETE FROM ks.wide ${using()} WHERE k = 21 AND c = 'x' AND d = 3`,
    `DELETE FROM ks.wide ${using()} WHERE k = 22 AND c >= 'a' AND c < 'f'`,
    `DELETE FROM ks.wide ${using()} WHERE k = 23 AND c = 'q' AND d > 4`,
    `DELETE v FROM ks.wide ${using()} WHERE k = 24 AND c = 'z' AND d = 1`,
    ...rows.map(
      (i) =>
        `INSERT INTO ks.things (k, n, l, m, st, u, f, e) VALUES ('k${i}', ${i}, [${i}, 2], {'x': ${i}}, {'a', 'b${i}'}, {a: ${i}, b: ['z']}, {a: 1, b: []}, true) ${using()}`,
    ),
    ...rows
      .slice(0, 8)
      .map((i) => `UPDATE ks.things ${using()} SET m['q'] = ${i}, u.a = 7 WHERE k = 'upd${i}' AND n = 1`),
    `DELETE m['gone'], st FROM ks.things ${using()} WHERE k = 'del' AND n = 1`,
    `BEGIN BATCH ${using()} INSERT INTO ks.wide (k, c, d, v) VALUES (77, 'b', 1, 0x01); INSERT INTO ks.things (k, n, e) VALUES ('batch', 1, false); APPLY BATCH`,
    ...rows.slice(0, 12).map((i) => `UPDATE ks.counts SET x = x + ${i * 3}, y = y - 1 WHERE k = ${i % 3} AND c = ${i}`),
  ];
}

const text = (value: unknown) =>
  JSON.stringify(value, (_, v) =>
    typeof v === 'bigint' ? String(v) : v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v,
  );

/** A partition's parts as lines, without positions: those of a log add up to those of an SSTable. */
function linesOf(partition: Partition, into: Set<string>): void {
  const key = Buffer.from(partition.key).toString('hex');
  const add = (what: object) => void into.add(`${key} ${text(what)}`);
  if (partition.deletion) add({ deletion: partition.deletion });
  const unfiltered = (item: Unfiltered) => {
    const { position: _, ...rest } = item;
    if (rest.kind === 'marker') {
      add(rest);
      return;
    }
    const { cells, complexDeletions, ...row } = rest;
    const place = { static: row.isStatic, clustering: row.clustering };
    if (row.liveness) add({ ...place, liveness: row.liveness });
    if (row.deletion) add({ ...place, deletion: row.deletion });
    for (const { column, deletion } of complexDeletions) add({ ...place, column: column.name, deletion });
    for (const { column, ...cell } of cells) add({ ...place, column: column.name, cell });
  };
  if (partition.staticRow) unfiltered(partition.staticRow);
  for (const item of partition.unfiltereds) unfiltered(item);
}

describe.skipIf(lacks)('commit logs of real nodes', () => {
  it.each(FORMS)('$version, $form', async ({ version, log, yaml }) => {
    setup([version]);
    const dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-commitlog-'));
    const node = await startNode(version, dir, { address: '127.0.0.70', jmxPort: 7207, yaml });
    try {
      const client = await connect(node);
      await cql(client, statements(), 1);
      await client.shutdown();
      await sleep(11_000); // commitlog_sync_period
      const copy = path.join(dir, 'copy');
      fs.cpSync(path.join(dir, 'commitlog'), copy, { recursive: true });
      nodetool(node, 'flush');
      await stopNode(node, 'SIGKILL');

      const data = path.join(dir, 'data');
      const { tables, dataDirectories } = await loadLogSchema(diskStorage, [copy], { data: [data], nowSeconds: 0 });
      const options = path.join(dir, 'conf/cassandra.yaml');
      const isEncrypted = yaml.some((line) => line.startsWith('transparent'));
      const cipherOf = isEncrypted ? keystoreCiphers(diskStorage, readKeystoreOptions(diskStorage, options)) : noCipher;
      const persisted = await readPersisted(diskStorage, dataDirectories, 0);
      expect(persisted.hostId).toBeDefined();
      const seen = new Map<string, Set<string>>();
      let [mutations, dirty] = [0, 0];
      for (const segment of findSegments(diskStorage, [copy])) {
        const descriptor = readDescriptor(diskStorage, segment.file);
        expect(descriptor.version).toBe(log);
        expect(descriptor.encryption !== undefined).toBe(isEncrypted);
        const { faults } = await walkFile(
          segment.file,
          tables,
          {
            mutation(_, reader) {
              mutations++;
              while (reader.next()) {
                const { keyspace, name } = reader.table!;
                if (keyspace !== 'ks') continue;
                const lines = seen.get(name) ?? new Set();
                seen.set(name, lines);
                linesOf(readPartition(reader.cursor!), lines);
              }
            },
          },
          cipherOf,
        );
        expect(faults).toEqual([]);
        const source = diskStorage.open(segment.file);
        const decoder = await sectionDecoder(descriptor, segment.file, cipherOf);
        const walk = takeContent({ source, descriptor, decoder }, tables, persisted);
        let step = walk.next();
        while (!step.done) step = walk.next();
        source.close();
        for (const { table, dirtyMutations } of step.value.tables)
          if (table!.keyspace === 'ks') dirty += dirtyMutations;
      }
      expect(mutations).toBeGreaterThan(150);
      expect(dirty).toBe(0);

      const flushed = new Map<string, Set<string>>();
      const directory = await openDirectory(diskStorage, [path.join(data, 'ks')], { nowSeconds: 0 });
      for (const { name, sstables } of directory.tables) {
        const lines = new Set<string>();
        flushed.set(name, lines);
        for (const files of sstables) {
          const sstable = await directory.open(files);
          for (const partition of partitionsOf(sstable.cursor())) linesOf(partition, lines);
          sstable.close();
        }
      }
      expect([...seen.keys()].sort()).toEqual(['counts', 'things', 'wide']);
      for (const [name, lines] of flushed) expect([...seen.get(name)!].sort()).toEqual([...lines].sort());
      expect(flushed.size).toBe(3);
    } finally {
      await stopNode(node, 'SIGKILL');
      fs.rmSync(dir, { recursive: true, force: true });
    }
  });
});
