/** Checks the partition index of an SSTable against what a scan of its Data.db finds. */
import { expect } from 'vitest';
import { CountingStorage, diskStorage } from '../../src/bytes/source.js';
import { type ClusteringPrefix, compareClustering } from '../../src/cql/clustering.js';
import { openPartitionIndex, type RowBlock, type RowIndex } from '../../src/sstable/partition-index.js';
import { compareDecorated, decorate, partitionerOf } from '../../src/sstable/partitioner.js';
import type { Partition, Unfiltered } from '../../src/sstable/row.js';
import { openSSTable, type SSTable } from '../../src/sstable/sstable.js';

async function open(file: string) {
  const storage = new CountingStorage(diskStorage);
  const sstable = await openSSTable(diskStorage, file);
  const partitioner = partitionerOf(sstable.statistics.validation.partitioner, sstable.header.keyType);
  const keyAt = (position: number): Uint8Array => {
    const cursor = sstable.cursor(position);
    cursor.nextPartition();
    return cursor.key.slice(0, cursor.keyLength);
  };
  const { clusteringTypes } = sstable.header;
  const index = openPartitionIndex(storage, sstable.descriptor, { partitioner, clusteringTypes, keyAt });
  return { sstable, partitioner, index, keyAt, storage };
}

type Loaded = Partition & { readonly all: Unfiltered[]; readonly end: number };

function load(sstable: SSTable): Loaded[] {
  const partitions: (Partition & { all: Unfiltered[]; end: number })[] = [];
  for (const partition of sstable.partitions()) {
    partitions.push({ ...partition, all: [...partition.unfiltereds], end: sstable.data.length });
  }
  partitions.forEach((partition, i) => {
    partition.end = partitions[i + 1]?.position ?? sstable.data.length;
  });
  return partitions;
}

const prefixOf = (each: Unfiltered): ClusteringPrefix =>
  each.kind === 'row' ? { kind: 'CLUSTERING', values: each.clustering } : { kind: each.boundKind, values: each.values };

/** The deletion that is open before `position`: what the last marker before it opened. */
function openBefore({ all }: Loaded, position: number) {
  const markers = all.filter((each) => each.kind === 'marker' && each.position < position);
  const last = markers.at(-1);
  return last?.kind === 'marker' ? last.open : undefined;
}

function checkRowIndex(
  rows: RowIndex,
  partition: Loaded,
  compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number,
): void {
  const blocks = [...rows.blocks()];
  expect(blocks.length).toBe(rows.blockCount);
  expect(rows.deletion).toEqual(partition.deletion);
  const positions = new Set(partition.all.map(({ position }) => position));
  for (const block of blocks) {
    expect(positions.has(block.position), 'a block begins where a row or marker does').toBe(true);
    expect(block.openDeletion).toEqual(openBefore(partition, block.position));
  }
  const check = (prefix: ClusteringPrefix): void => {
    const found = rows.blockFor(prefix);
    // everything from `prefix` on is found at or after the block, and no block begins between
    const next = partition.all.find((each) => compare(prefixOf(each), prefix) >= 0);
    if (!found) {
      expect(next).toBeUndefined();
      return;
    }
    const i = blocks.findIndex(({ position }) => position === found.position);
    expect(i).toBeGreaterThanOrEqual(0);
    expect(found).toEqual(blocks[i]);
    if (next) expect(next.position).toBeGreaterThanOrEqual(found.position);
    const after: RowBlock | undefined = blocks[i + 1];
    if (after && next && compare(prefixOf(next), prefix) === 0) expect(next.position).toBeLessThan(after.position);
  };
  const step = Math.ceil(partition.all.length / 200);
  for (const each of partition.all.filter((_, i) => i % step === 0)) {
    const prefix = prefixOf(each);
    check(prefix);
    check({ kind: 'INCL_START_BOUND', values: prefix.values });
    check({ kind: 'EXCL_START_BOUND', values: prefix.values });
    check({ kind: 'INCL_START_BOUND', values: prefix.values.slice(0, 1) });
    check({ kind: 'EXCL_START_BOUND', values: prefix.values.slice(0, 1) });
  }
  check({ kind: 'INCL_START_BOUND', values: [] });
  expect(rows.blockFor({ kind: 'INCL_START_BOUND', values: [] })?.position).toBe(blocks[0]!.position);
  check({ kind: 'INCL_END_BOUND', values: [] });
}

/** Every partition and block, and look-ups of up to 60 keys and 200 rows of each partition. Returns how many partitions have a row index. */
export async function checkPartitionIndex(file: string): Promise<number> {
  const { sstable, partitioner, index, keyAt, storage } = await open(file);
  const partitions = load(sstable);
  const entries = [...index.entries()];
  const compare = compareClustering(sstable.header.clusteringTypes);
  expect(entries.map(({ dataPosition }) => dataPosition)).toEqual(partitions.map(({ position }) => position));
  let indexed = 0;
  entries.forEach((entry, i) => {
    const partition = partitions[i]!;
    if (entry.key) expect(Buffer.compare(entry.key, partition.key)).toBe(0);
    const rows = entry.rowIndex();
    if (!rows) return;
    indexed++;
    checkRowIndex(rows, partition, compare);
  });
  const keys = partitions.map(({ key }) => decorate(partitioner, key));
  keys.slice(1).forEach((key, i) => {
    expect(compareDecorated(partitioner, keys[i]!, key)).toBeLessThan(0);
  });
  const step = Math.max(1, Math.floor(keys.length / 60));
  for (let i = 0; i < keys.length; i += step) {
    const { key, token } = keys[i]!;
    expect(index.find(key)?.dataPosition).toBe(partitions[i]!.position);
    if (partitioner.name !== 'LocalPartitioner')
      expect(index.find(Buffer.concat([key, Uint8Array.of(0)]))).toBeUndefined();
    const last = Math.min(i + 3, keys.length - 1);
    for (const [from, to] of [
      [true, true],
      [false, true],
      [true, false],
      [false, false],
    ] as const) {
      const range = { from: { token, inclusive: from }, to: { token: keys[last]!.token, inclusive: to } };
      const wanted = partitions.slice(i + (from ? 0 : 1), Math.max(last + (to ? 1 : 0), i + (from ? 0 : 1)));
      const expected = i === last && !(from && to) ? [] : wanted;
      expect([...index.entries(range)].map(({ dataPosition }) => dataPosition)).toEqual(
        expected.map(({ position }) => position),
      );
    }
    expect([...index.entries({ to: { token, inclusive: false } })].length).toBe(i);
    expect(Buffer.compare(keyAt(partitions[i]!.position), key)).toBe(0);
  }
  expect(storage.opened.some((name) => name.endsWith('-Data.db'))).toBe(false);
  index.close();
  sstable.close();
  return indexed;
}
