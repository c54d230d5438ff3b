/** Intervals and sums are those that Cassandra 5.0.9's IndexSummaryBuilder gave; the sums are of the Summary.db that it makes of a fixture's Index.db. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { diskStorage } from '../../src/bytes/source.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { openIndexFile } from '../../src/sstable/index-file.js';
import { encodeSummary } from '../../src/sstable/summary.js';
import { SummaryBuilder, summaryInterval } from '../../src/sstable/summary-builder.js';
import { fixtureSSTables } from '../fixtures.js';

describe('summaryInterval', () => {
  it.each([
    [1000, 128, 128],
    [29826161, 1, 1],
    [29826162, 1, 2],
    [100000000, 1, 4],
    [100000000, 3, 4],
    [100000000, 4, 4],
    [1000000000, 33, 34],
    [1000000000, 34, 34],
  ])('of %d keys at min_index_interval %d', (keys, minIndexInterval, expected) => {
    expect(summaryInterval(keys, minIndexInterval)).toBe(expected);
  });
});

describe('SummaryBuilder', () => {
  const { file } = fixtureSSTables().find(({ name }) => name.startsWith('oa-5.0') && name.includes('zoo/many-'))!;
  const { descriptor } = parseDescriptor(path.resolve(file));

  it.each([
    [1, 33664, 4287024587],
    [7, 4880, 3002680510],
    [32, 1128, 303246587],
    [100, 400, 3763255392],
    [128, 344, 4027439239],
    [1199, 120, 3790077839],
    [1200, 92, 4194684412],
    [1201, 92, 2654576756],
  ])('samples 1200 keys at an interval of %d', (interval, bytes, sum) => {
    const index = openIndexFile(diskStorage, descriptor, []);
    const builder = new SummaryBuilder(1200, interval);
    const reused = new Uint8Array(32);
    for (const { key, position } of index.entries()) {
      reused.set(key);
      builder.add(reused, key.length, position);
    }
    index.close();
    const summary = encodeSummary(builder.build());
    expect([summary.length, crc32(summary)]).toEqual([bytes, sum]);
  });

  it('keeps a last key longer than those before', () => {
    const builder = new SummaryBuilder(2, 128);
    const long = Buffer.alloc(65535, 7);
    builder.add(Buffer.from('a'), 1, 0);
    builder.add(long, long.length, 5);
    const summary = builder.build();
    expect(Buffer.from(summary.firstKey).toString()).toBe('a');
    expect(Buffer.compare(summary.lastKey, long)).toBe(0);
  });
});
