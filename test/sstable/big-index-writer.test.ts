/** Index.db, Summary.db and Filter.db, written anew from Data.db, are byte for byte what Cassandra wrote. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/bytes/errors.js';
import { memoryOutput } from '../../src/bytes/sink.js';
import { BIG_COLUMN_INDEX_BYTES, BigIndexWriter } from '../../src/sstable/big-index-writer.js';
import type { IndexWriter } from '../../src/sstable/index-writer.js';
import { versionOf } from '../../src/sstable/version.js';
import { CORPUS, corpusFiles, hasCorpus } from '../corpus.js';
import { fixtureSSTables } from '../fixtures.js';
import { type BigIndexFacts, expectSameBigIndex } from './rewrite-big-index.js';

/** column_index_size of the nodes that wrote the fixtures and of Apache's own test data. */
const SMALL_BLOCKS = 4096;
/** Scylla's tests have SSTables whose writers expected these many keys. */
const ESTIMATES = [128, 256];

function total(facts: readonly BigIndexFacts[]) {
  return {
    promoted: facts.reduce((sum, each) => sum + each.promoted, 0),
    openMarkers: facts.reduce((sum, each) => sum + each.openMarkers, 0),
    largest: Math.max(...facts.map(({ largest }) => largest)),
  };
}

describe('index components of the fixtures, written again', () => {
  const facts: BigIndexFacts[] = [];
  const files = fixtureSSTables().filter(({ name }) => name.includes('-big-'));

  it.each(files)('$name', async ({ file }) => {
    facts.push(await expectSameBigIndex(file, SMALL_BLOCKS));
  });

  it('have promoted indexes', () => {
    expect(facts.length).toBeGreaterThan(180);
    expect(total(facts).promoted).toBeGreaterThan(12);
  });
});

describe.skipIf(!hasCorpus())('index components of the corpus, written again', () => {
  const files = corpusFiles('-big-Data.db', ['public/sstables', 'kitchen-oa-1/data', 'kitchen-nb-1/data']);
  const facts = new Map<string, BigIndexFacts>();

  it.each(files)('%s', async (file) => {
    const blockBytes = file.includes('/apache/') ? SMALL_BLOCKS : BIG_COLUMN_INDEX_BYTES;
    const estimates = file.includes('/scylla/') ? ESTIMATES : [];
    facts.set(file, await expectSameBigIndex(path.join(CORPUS, file), blockBytes, estimates));
  });

  it('are of every version, with promoted indexes and blocks within a range deletion', () => {
    expect(new Set([...facts.keys()].map((file) => path.basename(file).slice(0, 2))).size).toBe(9);
    expect(total([...facts.values()]).promoted).toBeGreaterThan(50);
    expect(total([...facts.values()]).openMarkers).toBeGreaterThan(10);
    expect(total([...facts.values()]).largest).toBeGreaterThan(2048); // column_index_cache_size: beyond it Cassandra writes by another way
    const estimated = [...facts].filter(([, { exactFilter }]) => exactFilter === false);
    expect(estimated.length).toBeLessThan(20);
  });
});

describe('BigIndexWriter', () => {
  const make = () => {
    const files = new Map<string, Uint8Array>();
    const output = memoryOutput(files);
    const index = output.create('Index.db');
    const summary = output.create('Summary.db');
    const writer: IndexWriter = new BigIndexWriter({
      version: versionOf('big', 'oa'),
      clusteringTypes: [],
      expectedKeys: 1,
      minIndexInterval: 128,
      index,
      summary,
    });
    const hex = () => {
      index.close();
      return Buffer.from(files.get('Index.db')!).toString('hex');
    };
    return { writer, hex };
  };
  const block = (offset: number) => ({
    first: { kind: 'CLUSTERING' as const, values: [] },
    last: { kind: 'CLUSTERING' as const, values: [] },
    offset,
    width: 65536,
    openAtStart: undefined,
    openAtEnd: undefined,
  });

  it.each([
    ['none', 0, '0001 61 87d0 00'],
    ['one', 1, '0001 61 87d0 00'],
    // header length, live, 2 blocks, (clustering, clustering, offset, width, not open) twice, their offsets
    ['two', 2, '0001 61 87d0 17 0a 80 02 04 04 0a 00 00 04 04 c1000a 00 00 00000000 00000005'],
  ])('writes a promoted index for two blocks or more: %s', (_, blocks, expected) => {
    const { writer, hex } = make();
    writer.startPartition(Buffer.from('abc'), 1, 2000);
    for (let i = 0; i < blocks; i++) writer.addBlock(block(10 + i * 65536));
    writer.endPartition(10, undefined, 10 + blocks * 65536);
    expect(hex()).toBe(expected.replaceAll(' ', ''));
  });

  it('forgets the blocks of the partition before', () => {
    const { writer, hex } = make();
    for (const blocks of [2, 1, 0]) {
      writer.startPartition(Buffer.of(blocks), 1, 0);
      for (let i = 0; i < blocks; i++) writer.addBlock(block(10 + i * 65536));
      writer.endPartition(10, undefined, 10 + blocks * 65536);
    }
    expect(hex().endsWith('00000005 000101 0000 000100 0000'.replaceAll(' ', ''))).toBe(true);
  });

  it('has no summary to write without a partition', () => {
    expect(() => make().writer.finish()).toThrow(InvariantError);
  });
});
