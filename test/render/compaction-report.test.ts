import { expect, it } from 'vitest';
import type { TableCompactionMode } from '../../src/engine/compaction/table-compaction.js';
import { type CompactedTable, compactionText } from '../../src/render/compaction-report.js';

type One = { readonly descriptor: { readonly prefix: string }; readonly onDiskBytes: number };

const sstable = (id: number): One => ({ descriptor: { prefix: `oa-${id}-big` }, onDiskBytes: 1 << 20 });

/** A task by what it takes and what takes its place. */
function result(inputs: readonly One[], live: readonly One[]) {
  return {
    task: { kind: 'compaction', repair: 'unrepaired', inputs, output: { kind: 'one', level: 0 } },
    reason: '',
    outputs: live.map(() => ({ data: { storedBytes: 1 << 19 } })),
    live,
    expired: [],
    merge: { partitionsOut: 12_345, partitionsGone: 0, rowsOut: 1_234_567, markersOut: 0, mergedPartitions: [] },
    purge: { tombstonesPurged: 0, expiredPurged: 0, expiredToTombstones: 0 },
    givenBack: { overwritten: 0, deleted: 0, expired: 0, tombstones: 0, unread: 0, rest: 0 },
  };
}

function table(name: string, results: readonly object[], mode: TableCompactionMode = 'in place'): CompactedTable {
  return { keyspace: 'shop', table: name, directory: '/data', target: '/out', mode, gcGraceSeconds: 0, results, left: [] } as unknown as CompactedTable; // biome-ignore format: one line
}

const one = (id: number) => result([sstable(id)], [sstable(id + 1)]);

it('gives names that are too long a line of their own, so that they can be told apart', () => {
  const text = compactionText(
    [table('orders_by_customer_and_day', [one(1)]), table('orders_by_customer_and_hour', [one(1)])],
    80,
  );
  const lines = text.split('\n').slice(0, 5);
  expect(lines.map((line) => line.length <= 80)).not.toContain(false);
  expect(lines[0]).toMatch(/^table +SSTables +Data\.db +after /);
  expect([lines[1], lines[3]]).toEqual(['shop.orders_by_customer_and_day', 'shop.orders_by_customer_and_hour']);
  for (const figures of [lines[2], lines[4]])
    expect(figures).toMatch(/^ +1 → 1 +1\.00 MiB +512 KiB +50\.0 % +12,345 +1,234,567$/);
  expect(compactionText([table('orders', [one(1)])], 80)).toMatch(/\nshop\.orders +1 → 1 /);
});

it('names what is there in the end', () => {
  const [a, b, c, d] = [sstable(1), sstable(2), sstable(3), sstable(4)];
  const results = [result([a], [b]), result([b], [c, d])];
  expect(compactionText([table('orders', results)], 80)).toMatch(
    /\nnew SSTables:\n {2}shop\.orders: oa-3-big oa-4-big\n$/,
  );
  expect(compactionText([table('orders', [result([a], [])])], 80)).toMatch(/\n {2}shop\.orders: none\n$/);
  const many = [result([a], [5, 6, 7, 8, 9, 10, 11].map(sstable))];
  expect(compactionText([table('orders', many, 'aside')], 80)).toMatch(
    /\n {2}shop\.orders: oa-5-big oa-6-big oa-7-big oa-8-big oa-9-big and 2 more, in \/out\n$/,
  );
  const tables = Array.from({ length: 12 }, (_, i) => table(`t${i}`, [one(1)]));
  expect(compactionText(tables, 80)).toMatch(/\n {2}shop\.t9: oa-2-big\n {2}and those of 2 more tables\n$/);
  expect(compactionText([table('orders', [result([a], [])], 'dry')], 80)).toMatch(
    /\n\na dry run: nothing was written\n$/,
  );
});
