/** A memtable's partitions come in the order of their tokens, each once, under every partitioner, with what was written to them last. */
import { describe, expect, it } from 'vitest';
import { MutationReader } from '../../../src/commitlog/mutation-reader.js';
import { Entry } from '../../../src/commitlog/segment-reader.js';
import { Memtable } from '../../../src/engine/memtable/memtable.js';
import { columnMap, MergeSource } from '../../../src/engine/merge/merge-source.js';
import { PartitionMerge } from '../../../src/engine/merge/partition-merge.js';
import { compareDecorated, decorate, partitionerOf } from '../../../src/sstable/partitioner.js';
import type { RowBuffer } from '../../../src/sstable/row-buffer.js';
import { mutation, oneTable, TABLE_ID } from '../../commitlog/build-segment.js';
import { sequence16 } from '../../sequence.js';

function fill(memtable: Memtable, mutations: readonly Uint8Array[]): void {
  const reader = new MutationReader(oneTable(), 8, 'log');
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
      found.push([key, Buffer.from(row.cellBuf[0]!.subarray(row.valueStart[0], row.valueEnd[0])).toString('hex')]);
    },
    marker() {},
    endPartition() {},
  });
  expect(frozen.partitions).toBe(found.length);
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
        const micros = random() * 65536 + random();
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
