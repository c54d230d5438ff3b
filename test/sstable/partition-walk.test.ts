import { describe, expect, it } from 'vitest';
import { PartitionWalk } from '../../src/sstable/partition-walk.js';
import { compareDecorated, decorate } from '../../src/sstable/partitioner.js';
import { openDescriptor } from '../../src/sstable/sstable.js';
import { TestTable } from '../engine/merge/build.js';

const KEYS = Array.from({ length: 400 }, (_, i) => `key ${i}`);

describe.each(['oa', 'da', 'nb'] as const)('walking the index of %s', (version) => {
  async function walked() {
    const table = new TestTable({}, version);
    const { descriptor } = table.make(Object.fromEntries(KEYS.map((key) => [key, ['a: v=x@1']])));
    const sstable = await openDescriptor(table.output, descriptor);
    const index = sstable.openIndex(table.output);
    const { partitioner } = sstable;
    const inOrder = (keys: readonly string[]) =>
      keys.map((key) => decorate(partitioner, Buffer.from(key))).sort((a, b) => compareDecorated(partitioner, a, b));
    return { index, inOrder, walk: new PartitionWalk(index, (position) => sstable.keyAt(position)) };
  }

  it.each([
    ['all keys', 1, 0],
    ['some', 7, 0],
    ['few, so far apart that each is searched for', 150, 0],
    ['all, among others that are not there', 1, 400],
    ['few, among others that are not there', 150, 3],
    ['none but keys that are not there', 1000, 400],
  ])('finds %s', async (_, every, absent) => {
    const { index, inOrder, walk } = await walked();
    const there = inOrder(KEYS).filter((_key, i) => i % every === every - 1 || i % every === 399);
    const others = Array.from({ length: absent }, (_key, i) => `other ${i}`);
    const asked = inOrder([...there.map(({ key }) => Buffer.from(key).toString()), ...others]);
    const found = asked.map((key) => walk.find(key));
    expect(found).toEqual(asked.map(({ key }) => index.find(key)?.dataPosition));
    expect(found.filter((position) => position !== undefined).length).toBe(there.length);
    expect(there.length).toBeGreaterThan(0);
  });
});
