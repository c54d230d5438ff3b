/** A memtable's partitions come in the order of their tokens, each once, under every partitioner, with what was written to them last. */
import { describe, expect, it } from 'vitest';
import { LogSchema } from '../../../src/commitlog/log-schema.js';
import { MutationReader } from '../../../src/commitlog/mutation-reader.js';
import { Entry } from '../../../src/commitlog/segment-reader.js';
import { parseSchema } from '../../../src/cql/ddl-parser.js';
import { Memtable } from '../../../src/engine/memtable/memtable.js';
import { columnMap, MergeSource } from '../../../src/engine/merge/merge-source.js';
import { PartitionMerge } from '../../../src/engine/merge/partition-merge.js';
import { compareDecorated, decorate, partitionerOf } from '../../../src/sstable/partitioner.js';
import type { RowBuffer } from '../../../src/sstable/row-buffer.js';
import { mutation, oneTable, TABLE_ID } from '../../commitlog/build-segment.js';
import { sequence16 } from '../../sequence.js';

function fill(memtable: Memtable, mutations: readonly Uint8Array[], schema = oneTable()): void {
  const reader = new MutationReader(schema, 8, 'log');
  for (const bytes of mutations) {
    const entry = new Entry();
    entry.buf = bytes;
    entry.end = bytes.length;
    reader.begin(entry);
    while (reader.next()) memtable.add(reader.cursor!, reader.stats);
  }
}

function memtableOf(partitioner: string): Memtable {
  const table = [...oneTable().all()].find(({ id }) => id === TABLE_ID)!;
  return new Memtable({ table, partitioner: partitionerOf(partitioner, table.keyType) });
}

/** Keys and values, by a merge. */
function read(memtable: Memtable): [key: string, value: string][] {
  const found = readRows(memtable);
  if (found.length > 0) expect(memtable.freeze()!.partitions).toBe(found.length);
  return found;
}

/** Keys with clusterings, and values. */
function readRows(memtable: Memtable): [place: string, value: string][] {
  const frozen = memtable.freeze();
  if (!frozen) return [];
  const { header, partitioner } = frozen;
  const found: [string, string][] = [];
  let key = '';
  const source = new MergeSource(frozen.cursor(), columnMap(header, header), partitioner);
  new PartitionMerge({ sources: [source], header }).run({
    startPartition({ cursor }) {
      key = Buffer.from(cursor.key.subarray(0, cursor.keyLength)).toString('hex');
    },
    staticRow() {},
    row(row: RowBuffer) {
      const clustering = row.clusteringBuf.subarray(row.clusteringStart[0], row.clusteringEnd[0]);
      const place = row.clusteringSize > 0 ? `${key} ${Buffer.from(clustering).toString('hex')}` : key;
      found.push([place, Buffer.from(row.cellBuf[0]!.subarray(row.valueStart[0], row.valueEnd[0])).toString('hex')]);
    },
    marker() {},
    endPartition() {},
  });
  return found;
}

describe('a memtable', () => {
  it.each(['Murmur3Partitioner', 'RandomPartitioner', 'ByteOrderedPartitioner', 'LocalPartitioner'])(
    'by %s',
    (name) => {
      const random = sequence16(3);
      const memtable = memtableOf(name);
      const newest = new Map<string, { micros: number; value: string }>();
      const mutations: Uint8Array[] = [];
      for (let i = 0; i < 4000; i++) {
        // a few keys are written hundreds of times
        const key = Buffer.from(random() % 5 === 0 ? `hot ${random() % 4}` : `key ${random() % 900}`);
        // some at the same time
        const micros = random() % 3 === 0 ? random() % 9 : random() * 65536 + random();
        const value = Buffer.from([random() & 255, random() & 255, random() & 255]);
        mutations.push(mutation(key, value, micros));
        const known = newest.get(key.toString('hex'));
        const text = value.toString('hex');
        const wins = !known || micros > known.micros || (micros === known.micros && text > known.value);
        if (wins) newest.set(key.toString('hex'), { micros, value: text });
      }
      fill(memtable, mutations);
      const partitioner = partitionerOf(name, memtable.table.keyType);
      const keys = [...newest.keys()].map((hex) => decorate(partitioner, Buffer.from(hex, 'hex')));
      const sorted = keys.sort((a, b) => compareDecorated(partitioner, a, b));
      expect(read(memtable)).toEqual(
        sorted.map(({ key }) => {
          const hex = Buffer.from(key).toString('hex');
          return [hex, newest.get(hex)!.value];
        }),
      );
    },
  );

  it.each<[string, (i: number, random: () => number) => number]>([
    ['in their order', (i) => i],
    ['in their order, but for some', (i, random) => (random() % 40 === 0 ? random() % 2000 : i)],
    ['backwards', (i) => 2000 - i],
    ['in no order', (_, random) => random() % 700],
    ['in their order, again and again', (i) => i % 300],
    ['one row over and over', () => 5],
  ])('merges rows that come %s', (_, clusteringOf) => {
    const schema = new LogSchema();
    const definition = `CREATE TABLE ks.t (k blob, c int, v blob, PRIMARY KEY (k, c)) WITH ID = ${TABLE_ID}`;
    schema.add(parseSchema(definition, {}), 'schema');
    const random = sequence16(5);
    const newest = new Map<string, { micros: number; value: string }>();
    const mutations = Array.from({ length: 2000 }, (_, i) => {
      const clustering = Buffer.alloc(4);
      clustering.writeInt32BE(clusteringOf(i, random));
      const key = Buffer.from(`key ${random() % 3}`);
      const micros = random() % 1000;
      const value = Buffer.from([random() & 255, random() & 255]);
      const place = `${key.toString('hex')} ${clustering.toString('hex')}`;
      const known = newest.get(place);
      const text = value.toString('hex');
      if (!known || micros > known.micros || (micros === known.micros && text > known.value))
        newest.set(place, { micros, value: text });
      return mutation(key, value, micros, TABLE_ID, clustering);
    });
    const table = [...schema.all()].find(({ id }) => id === TABLE_ID)!;
    const memtable = new Memtable({ table, partitioner: partitionerOf('Murmur3Partitioner', table.keyType) });
    fill(memtable, mutations, schema);
    const found = readRows(memtable);
    expect(found.map(([place, value]) => `${place} ${value}`).sort()).toEqual(
      [...newest].map(([place, { value }]) => `${place} ${value}`).sort(),
    );
    const ofKey = (place: string) => place.split(' ')[0]!;
    for (const [i, [place]] of found.entries()) {
      const [before] = found[i - 1] ?? [''];
      if (ofKey(before) === ofKey(place)) expect(place > before).toBe(true);
    }
  });

  it('holds records larger than a chunk', () => {
    const memtable = memtableOf('Murmur3Partitioner');
    const value = (n: number) => new Uint8Array(3_000_000 + n).fill(n);
    fill(
      memtable,
      [1, 2, 3].map((n) => mutation(Buffer.from([n]), value(n), n)),
    );
    expect(memtable.bytes).toBeGreaterThan(9_000_000);
    expect(
      read(memtable)
        .map(([key, text]) => [key, text.length / 2])
        .sort(),
    ).toEqual([
      ['01', 3_000_001],
      ['02', 3_000_002],
      ['03', 3_000_003],
    ]);
  });

  it('keeps nothing of an update that can not be read', () => {
    const memtable = memtableOf('Murmur3Partitioner');
    const whole = mutation(Buffer.from('a'), Buffer.from('value'), 1);
    fill(memtable, [whole]);
    const before = memtable.bytes;
    expect(() => fill(memtable, [whole.subarray(0, whole.length - 4)])).toThrow();
    expect([memtable.updates, memtable.bytes]).toEqual([1, before]);
    expect(read(memtable)).toEqual([['61', Buffer.from('value').toString('hex')]]);
  });
});
