import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { clusteringByteComparable } from '../../../src/cql/byte-comparable.js';
import type { ClusteringPrefix } from '../../../src/cql/clustering.js';
import type { CqlType } from '../../../src/cql/type.js';
import { BTI_BLOCK_BYTES, BtiIndexWriter } from '../../../src/sstable/bti/bti-index-writer.js';
import { PartitionsFile } from '../../../src/sstable/bti/partitions-file.js';
import { RowsFile } from '../../../src/sstable/bti/rows-file.js';
import type { WrittenBlock } from '../../../src/sstable/index-writer.js';
import {
  compareDecorated,
  type DecoratedKey,
  decorate,
  decoratedKeyForm,
  partitionerOf,
} from '../../../src/sstable/partitioner.js';
import type { DeletionTime } from '../../../src/sstable/row.js';
import { versionOf } from '../../../src/sstable/version.js';
import { CORPUS, corpusFiles, hasCorpus } from '../../corpus.js';
import { fixtureSSTables } from '../../fixtures.js';
import { expectSameIndex } from './rewrite-index.js';

/** `column_index_size` of the fixtures. */
const FIXTURE_BLOCK_BYTES = 4096;
/** And of the SSTables that Cassandra's own tests come with. */
const LEGACY_BLOCK_BYTES = 4096;

describe('BTI index as Cassandra writes it', () => {
  const fixtures = fixtureSSTables().filter(({ file }) => file.includes('-bti-'));

  it('has fixtures', () => expect(fixtures.length).toBeGreaterThan(10));

  it.each(fixtures)('$name', async ({ file }) => {
    await expectSameIndex(file, FIXTURE_BLOCK_BYTES);
  });

  describe.skipIf(!hasCorpus())('of the corpus', () => {
    const files = corpusFiles('-Data.db', ['kitchen-da-1', 'public']).filter((file) => file.includes('-bti-'));
    let withRows = 0;

    it.each(files)('%s', async (file) => {
      const blockBytes = file.includes('legacy_da') ? LEGACY_BLOCK_BYTES : BTI_BLOCK_BYTES;
      const { rows } = await expectSameIndex(path.join(CORPUS, file), blockBytes);
      if (rows.length > 0) withRows++;
    });

    it('has seen row indexes', () => expect(withRows).toBeGreaterThan(3));
  });
});

/** Opened again: what was told to the writer by `tell`. */
function written(types: readonly CqlType[], tell: (writer: BtiIndexWriter) => void) {
  const storage = memoryOutput();
  const partitions = storage.create('Partitions.db');
  const rows = storage.create('Rows.db');
  const writer = new BtiIndexWriter({ partitions, rows, version, partitioner, clusteringTypes: types });
  tell(writer);
  writer.finish();
  partitions.close();
  rows.close();
  return {
    partitions: new PartitionsFile(storage.open('Partitions.db')),
    rows: new RowsFile(storage.open('Rows.db'), version),
  };
}

const version = versionOf('bti', 'da');
const partitioner = partitionerOf('org.apache.cassandra.dht.Murmur3Partitioner');

/** Decorated keys with these bytes, in the order of an SSTable. */
function sortedKeys(count: number, bytesOf: (i: number) => Uint8Array): DecoratedKey[] {
  return Array.from({ length: count }, (_, i) => decorate(partitioner, bytesOf(i))).sort((a, b) =>
    compareDecorated(partitioner, a, b),
  );
}

describe('BTI index of our own', () => {
  it('leads to every partition', () => {
    const keys = sortedKeys(100_000, (i) => Buffer.from(`key ${i}`));
    const position = (i: number): number => i * i * 1000;
    const { partitions } = written([], (writer) => {
      keys.forEach(({ key }, i) => {
        writer.startPartition(Buffer.concat([key, Buffer.from('not of the key')]), key.length, position(i));
        writer.endPartition(20, undefined, 30);
      });
    });
    expect(partitions.keyCount).toBe(keys.length);
    expect(Buffer.from(partitions.firstKey)).toEqual(keys[0]!.key);
    expect(Buffer.from(partitions.lastKey)).toEqual(keys.at(-1)!.key);
    const inOrder = [...partitions.pointers()].map(({ pointer }) => pointer.position);
    expect(inOrder.every((at, i) => at === position(i)) && inOrder.length).toBe(keys.length);
    const found = keys.map((key) => partitions.candidate(decoratedKeyForm(partitioner, key), key.key));
    expect(found.every((pointer, at) => pointer?.kind === 'data' && pointer.position === position(at))).toBe(true);
    const strangers = sortedKeys(10_000, (n) => Buffer.from(`stranger ${n}`));
    const mistaken = strangers.filter(({ key, token }) =>
      partitions.candidate(decoratedKeyForm(partitioner, { key, token }), key),
    );
    expect(mistaken.length).toBeLessThan(200); // one in 256: the hash's byte
  });

  const types: readonly CqlType[] = [
    { kind: 'reversed', of: { kind: 'native', name: 'int' } },
    { kind: 'native', name: 'text' },
  ];
  const clustering = (n: number, text: string): ClusteringPrefix => {
    const int = Buffer.alloc(4);
    int.writeInt32BE(n);
    return { kind: 'CLUSTERING', values: [int, Buffer.from(text)] };
  };
  const deletion = (i: number): DeletionTime | undefined =>
    i % 7 === 3 ? { markedForDeleteAtMicros: 1_700_000_000_000_000n + BigInt(i), localDeletionSeconds: i } : undefined;
  /** Block `i` has the texts from "a…" to "m…" under its number. */
  const block = (i: number, count: number): WrittenBlock => ({
    first: clustering(count - i, `a${'x'.repeat(i % 50)}`),
    last: clustering(count - i, `m${'y'.repeat(i % 60)}`),
    offset: 50 + i * 17_000,
    width: 17_000,
    openAtStart: deletion(i),
    openAtEnd: deletion(i + 1),
  });

  it.each([2, 3, 300, 5000])('leads to every one of %i blocks', (count) => {
    const keys = sortedKeys(3, (i) => Uint8Array.of(i));
    const { partitions, rows } = written(types, (writer) => {
      keys.forEach(({ key }, i) => {
        writer.startPartition(key, key.length, i * 2 ** 33);
        for (let at = 0; at < count; at++) writer.addBlock(block(at, count));
        writer.endPartition(50, deletion(i + 2), 50 + count * 17_000);
      });
    });
    const form = clusteringByteComparable(types);
    keys.forEach((key, i) => {
      const pointer = partitions.candidate(decoratedKeyForm(partitioner, key), key.key);
      expect(pointer?.kind).toBe('rows');
      const entry = rows.entry(pointer!.position);
      expect({ ...entry, key: [...entry.key], root: 0 }).toEqual({
        key: [...key.key],
        dataPosition: i * 2 ** 33,
        root: 0,
        blockCount: count,
        ...(deletion(i + 2) && { deletion: deletion(i + 2) }),
      });
      const expected = Array.from({ length: count }, (_, at) => {
        const openDeletion = deletion(at);
        return { offset: 50 + at * 17_000, ...(openDeletion && { openDeletion }) };
      });
      expect([...rows.blocks(entry)]).toEqual(expected);
      const floors = (which: 'first' | 'last') =>
        expected.map((_, at) => rows.floor(entry, form(block(at, count)[which])));
      expect(floors('first')).toEqual(expected);
      expect(floors('last')).toEqual(expected);
      expect(rows.floor(entry, form({ kind: 'INCL_END_BOUND', values: [] }))).toBeUndefined();
    });
  });

  it('leaves no row index of one block, and none of the partition before', () => {
    const keys = sortedKeys(3, (i) => Uint8Array.of(i));
    const { partitions, rows } = written(types, (writer) => {
      keys.forEach(({ key }, i) => {
        writer.startPartition(key, key.length, i * 1000);
        for (let at = 0; at < i; at++) writer.addBlock(block(at, 9));
        writer.endPartition(50, undefined, 999);
      });
    });
    const pointers = [...partitions.pointers()].map(({ pointer }) => pointer);
    expect(pointers.map(({ kind }) => kind)).toEqual(['data', 'data', 'rows']);
    expect(rows.entry(pointers[2]!.position).blockCount).toBe(2);
  });

  it('has a footer alone without partitions', () => {
    const { partitions } = written([], () => {});
    expect(partitions.keyCount).toBe(0);
    expect([...partitions.pointers()]).toEqual([]);
  });
});
