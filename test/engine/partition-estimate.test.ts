import { describe, expect, test } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { resolvePaths } from '../../src/engine/data-directory.js';
import { takeInventory } from '../../src/engine/inventory.js';
import { PartitionEstimate, sumPartitions } from '../../src/engine/partition-estimate.js';
import type { HyperLogLog } from '../../src/sstable/metadata/hyper-log-log.js';
import { HyperLogLogBuilder } from '../../src/sstable/metadata/hyper-log-log-builder.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { FIXTURES } from '../fixtures.js';

/** Sketch of the keys `from` to `to`. */
function keys(from: number, to: number): HyperLogLog {
  const builder = new HyperLogLogBuilder();
  for (let i = from; i <= to; i++) builder.addKey(Uint8Array.of(i >> 16, i >> 8, i), 3);
  return builder.build();
}

const SCYLLA: HyperLogLog = { kind: 'normal', p: 4, sp: 0, words: new Int32Array(3) };

function estimateOf(...sstables: readonly (readonly [partitions: number, sketch: HyperLogLog | undefined])[]) {
  const estimate = new PartitionEstimate();
  for (const [partitions, sketch] of sstables) estimate.add(partitions, sketch);
  const { partitionsEstimate, partitionsEstimateIsBound } = estimate.total();
  return `${partitionsEstimateIsBound ? '≤' : ''}${partitionsEstimate}`;
}

describe('an estimate', () => {
  test.each([
    ['of nothing', [], '0'],
    ['of one SSTable is what it says', [[7, undefined]], '7'],
    ['counts shared partitions once', [[100, keys(1, 100)], [100, keys(51, 150)]], '150'],
    ['of three', [[100, keys(1, 100)], [100, keys(1, 100)], [50, keys(101, 150)]], '150'],
    ['is not above the sum', [[10, keys(1, 100)], [10, keys(51, 150)]], '20'],
    ['is not below the largest', [[500, keys(1, 100)], [100, keys(51, 150)]], '500'],
    ['without a sketch is a bound', [[100, keys(1, 100)], [100, undefined]], '≤200'],
    ['with a sketch that tells little is a bound', [[100, keys(1, 100)], [100, SCYLLA]], '≤200'],
  ] as const)('%s', (_, sstables, text) => expect(estimateOf(...sstables)).toBe(text)); // biome-ignore format: one line

  test('of several tables is a bound where one is', () => {
    const count = (partitionsEstimate: number, partitionsEstimateIsBound: boolean) => ({
      partitionsEstimate,
      partitionsEstimateIsBound,
    });
    expect(sumPartitions([count(1, false), count(2, false)])).toEqual(count(3, false));
    expect(sumPartitions([count(1, true), count(2, false)])).toEqual(count(3, true));
  });
});

describe('of the fixtures, which are small, it is exact', async () => {
  const { keyspaces } = takeInventory(diskStorage, resolvePaths(diskStorage, [FIXTURES]));
  const tables = keyspaces.flatMap((keyspace) => keyspace.tables).filter(({ sstables }) => sstables.length > 1);

  test('there are many', () => expect(tables.length).toBeGreaterThan(20));

  test.each(tables.map((table) => ({ name: `${table.keyspace}.${table.table} ${table.versions}`, table })))(
    '$name',
    async ({ table }) => {
      const distinct = new Set<string>();
      for (const { directory, name, index } of table.sstables) {
        if (index !== undefined) continue;
        const sstable = await openSSTable(diskStorage, `${directory}/${name}-Data.db`);
        const cursor = sstable.cursor();
        while (cursor.nextPartition())
          distinct.add(Buffer.from(cursor.key.subarray(0, cursor.keyLength)).toString('hex'));
        sstable.close();
      }
      expect(table.totals.partitionsEstimate).toBe(distinct.size);
      expect(table.totals.partitionsEstimateIsBound).toBe(false);
    },
  );
});
