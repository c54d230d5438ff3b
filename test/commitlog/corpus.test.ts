/** Every segment of the corpus, against what Cassandra's own reader gave for it and what its tests recorded. */
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { findSegments } from '../../src/commitlog/commit-log-directory.js';
import { keystoreCiphers } from '../../src/commitlog/encryption/keystore.js';
import { LogSchema } from '../../src/commitlog/log-schema.js';
import type { MutationReader } from '../../src/commitlog/mutation-reader.js';
import { noCipher, sectionDecoder } from '../../src/commitlog/section-decoder.js';
import { readDescriptor } from '../../src/commitlog/segment-descriptor.js';
import { parseSchema } from '../../src/cql/ddl-parser.js';
import { cqlTypeName } from '../../src/cql/type-facts.js';
import { takeContent } from '../../src/engine/commitlog-inventory.js';
import { readPersisted } from '../../src/engine/commitlog-persisted.js';
import { loadLogSchema } from '../../src/engine/commitlog-schema.js';
import { LoggedSchema } from '../../src/engine/commitlog-tables.js';
import { systemSchemaTables } from '../../src/engine/system-schema-tables.js';
import { readPartition } from '../../src/sstable/partition-view.js';
import type { Cell, Row } from '../../src/sstable/row.js';
import { CORPUS, hasCorpus, KITCHENS, readCorpus } from '../corpus.js';
import { walkFile } from './walk.js';

const there = hasCorpus();

const PUBLIC = ['3.0.13-encrypted', '3.0.29-encrypted', '3.4-encrypted', '4.0.11-encrypted'];

const keystore = {
  keystore: path.join(CORPUS, 'public/commitlogs/keys/cassandra.keystore'),
  keystorePassword: 'cassandra',
  keyPassword: 'cassandra',
  storeType: 'JCEKS',
};

/** Rows in the form of the recorded lines; what these leave out (deletions, TTLs) is compared where they have it. */
type GoldenUpdate = {
  readonly segment: string;
  readonly end_position: number;
  readonly size: number;
  readonly table: string;
  readonly key_hex: string;
  readonly rows: readonly object[];
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function updateOf(reader: MutationReader) {
  const partition = readPartition(reader.cursor!);
  const rows: Row[] = [...(partition.staticRow ? [partition.staticRow] : [])];
  for (const unfiltered of partition.unfiltereds) if (unfiltered.kind === 'row') rows.push(unfiltered);
  return { partition, rows };
}

function goldenCell(cell: Cell) {
  return { col: cell.column.name, ts: Number(cell.timestampMicros), value: hex(cell.value) };
}

describe.skipIf(!there)('segments of the Cassandra test suites', () => {
  it.each(PUBLIC)('%s: all that Cassandra reads, in its order', async (name) => {
    const directory = path.join(CORPUS, 'public/commitlogs', name);
    const hashText = readCorpus(`public/commitlogs/${name}/hash.txt`).toString();
    const recorded = (field: string) => new RegExp(`^${field}=(.*)$`, 'm').exec(hashText)![1]!;
    const schema = new LogSchema();
    const table = `CREATE TABLE "Keyspace1"."Standard1" (key ascii, col ascii, val blob, val0 blob, PRIMARY KEY (key, col))`;
    schema.add(parseSchema(`${table} WITH ID = ${recorded('cfid')}`, {}), 'schema');
    schema.add(systemSchemaTables(), 'built_in');
    const golden = gunzipSync(readCorpus(`public/golden/commitlogs/${name}.mutations.jsonl.gz`))
      .toString()
      .trim();
    const lines = golden.split('\n').map((line) => JSON.parse(line));
    const { summary } = lines.pop();
    const expected = (lines as GoldenUpdate[]).filter(({ table }) => /^(Keyspace1|system_schema)\./.test(table));

    const seen: object[] = [];
    const wanted: object[] = [];
    let [mutations, cells, hash] = [0, 0, 0];
    for (const segment of findSegments(diskStorage, [directory])) {
      const cipherOf = name.startsWith('3.4') ? keystoreCiphers(diskStorage, keystore) : noCipher;
      const { faults } = await walkFile(
        segment.file,
        schema,
        {
          mutation(entry, reader) {
            mutations++;
            while (reader.next()) {
              if (!reader.table) continue;
              const key = hex(reader.key);
              const { rows } = updateOf(reader);
              const read = rows.map((row) => ({
                clustering: row.clustering.map((value) => hex(value!)),
                liveness: row.liveness && Number(row.liveness.timestampMicros),
                cells: row.cells.map(goldenCell),
              }));
              const { keyspace, name: tableName } = reader.table;
              const size = entry.end - entry.start;
              seen.push({ end: entry.position, size, table: `${keyspace}.${tableName}`, key, rows: read });
              if (tableName !== 'Standard1') continue;
              for (const row of rows) {
                if (!Buffer.from(row.clustering[0]!).toString().startsWith('name')) continue;
                for (const { value } of row.cells) {
                  cells++;
                  value.forEach((byte, i) => {
                    hash = (hash + (byte << ((8 * i) % 32))) | 0;
                  });
                }
              }
            }
          },
        },
        cipherOf,
      );
      expect(faults).toEqual([]);
    }
    expect({ mutations, cells, hash }).toEqual({
      mutations: summary.mutations,
      cells: Number(recorded('cells')),
      hash: Number(recorded('hash')),
    });
    for (const { end_position: end, size, table: of, key_hex: key, rows } of expected) {
      const read = rows.map((row) => {
        const { clustering_hex, liveness_ts, cells: list } = row as Record<string, unknown>;
        const all = (list as { col: string; ts: number; value_hex: string }[] | undefined) ?? [];
        return {
          clustering: (clustering_hex as string[] | undefined) ?? [],
          liveness: liveness_ts,
          cells: all.map(({ col, ts, value_hex: value }) => ({ col, ts, value })),
        };
      });
      wanted.push({ end, size, table: of, key, rows: read });
    }
    // updates of system tables that are not known here end their mutation: those behind them are missing
    const reachable = wanted.filter((update) => seen.some((other) => isSame(other, update)));
    expect(seen).toEqual(reachable);
    const missing = wanted.length - reachable.length;
    expect(missing).toBeLessThan(30);
  });
});

describe.skipIf(!there)('without a schema', () => {
  it.each(PUBLIC)('%s: its own changes of system_schema tell the table', async (name) => {
    const schema = new LogSchema();
    schema.add(systemSchemaTables(), 'built_in');
    const logged = new LoggedSchema();
    for (const { file } of findSegments(diskStorage, [path.join(CORPUS, 'public/commitlogs', name)])) {
      const descriptor = readDescriptor(diskStorage, file);
      const cipherOf = descriptor.encryption ? keystoreCiphers(diskStorage, keystore) : noCipher;
      const source = diskStorage.open(file);
      const walk = logged.take(
        { source, descriptor, decoder: await sectionDecoder(descriptor, file, cipherOf) },
        schema,
      );
      while (!walk.next().done);
      source.close();
    }
    for (const found of logged.schemas()) schema.add(found, 'log');
    const table = [...schema.all()].find((known) => known.name === 'Standard1')!;
    const hashText = readCorpus(`public/commitlogs/${name}/hash.txt`).toString();
    expect(hashText).toContain(`cfid=${table.id}`);
    expect(table.origin).toBe('log');
    const kinds = table.definition.columns.map((column) => `${column.kind} ${cqlTypeName(column.type)}`);
    expect(kinds.slice(0, 2)).toEqual(['partition_key ascii', 'clustering ascii']);
    expect(kinds.length).toBeGreaterThan(2);
  });
});

function isSame(a: object, b: object): boolean {
  const [x, y] = [a, b] as { end: number; table: string; key: string }[];
  return x!.end === y!.end && x!.table === y!.table && x!.key === y!.key;
}

describe.skipIf(!there)('the kitchens', () => {
  it.each(KITCHENS)('%s: every mutation can be read, and a quarter of them is in no SSTable', async (kitchen) => {
    const paths = [path.join(CORPUS, kitchen)];
    const { tables, dataDirectories } = await loadLogSchema(diskStorage, paths, { nowSeconds: 0 });
    const persisted = await readPersisted(diskStorage, dataDirectories, 0);
    const counts = new Map<string, [all: number, dirty: number]>();
    for (const segment of findSegments(diskStorage, paths)) {
      let [mutations, updates] = [0, 0];
      const { faults, end } = await walkFile(segment.file, tables, {
        mutation(_, reader) {
          mutations++;
          while (reader.next()) {
            expect(reader.table).toBeDefined();
            updates++;
          }
        },
      });
      expect(faults).toEqual([]);
      const source = diskStorage.open(segment.file);
      const descriptor = readDescriptor(diskStorage, segment.file);
      const decoder = await sectionDecoder(descriptor, segment.file, noCipher);
      const walk = takeContent({ source, descriptor, decoder }, tables, persisted);
      let step = walk.next();
      while (!step.done) step = walk.next();
      source.close();
      const content = step.value;
      expect(content.mutations).toBe(mutations);
      expect(content.end).toEqual(end);
      expect(content.tables.reduce((sum, table) => sum + table.mutations, 0)).toBe(updates);
      for (const { table, mutations: all, dirtyMutations } of content.tables) {
        if (table!.keyspace === 'kitchen') counts.set(table!.name, [all, dirtyMutations]);
      }
    }
    for (const [name, [all, dirty]] of counts) expect([name, dirty]).toEqual([name, name === 'dropped' ? 0 : all / 4]);
    expect(counts.size).toBeGreaterThan(20);
  });
});
