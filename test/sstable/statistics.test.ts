import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { CountingStorage } from '../../src/bytes/source.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { encodeStatistics, readStatistics, Statistics } from '../../src/sstable/statistics.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS, readCorpus } from '../corpus.js';

/** Files of Scylla that are read but not written that way: contents out of order; negative numbers of 63 bits. */
const UNLIKE_CASSANDRA = [
  'complex_column_zero_subcolumns',
  'write_empty_static_row',
  'write_interleaved_atomic_and_collection_columns',
  'write_shadowable_deletion',
  'write_empty_counter',
  'mixed_generation_type',
  'alternator_scylla4.0.rc1',
];
/** Pre-release na files that end before isTransient. */
const CUT_SHORT = ['na/legacy_na_clust_compact', 'na/legacy_na_simple_counter_compact'];

const files = corpusFiles('-Statistics.db', ['public/sstables', 'public/corrupt', ...KITCHENS]);
const isOneOf = (names: readonly string[], file: string) => names.some((name) => file.includes(name));

function open(file: string): { bytes: Buffer; statistics: Statistics; version: Statistics['version'] } {
  const bytes = readCorpus(file);
  const { version } = parseDescriptor(path.join(CORPUS, file)).descriptor;
  return { bytes, statistics: new Statistics(bytes, file, version), version };
}

describe.skipIf(!hasCorpus())('Statistics.db of real SSTables', () => {
  test('there are many', () => expect(files.length).toBeGreaterThan(300));

  test.each(files.filter((file) => !isOneOf([...UNLIKE_CASSANDRA, ...CUT_SHORT], file)))(
    '%s: encodes to its own bytes',
    (file) => {
      const { bytes, statistics, version } = open(file);
      expect(encodeStatistics(statistics.parts(), version).equals(bytes)).toBe(true);
    },
  );

  test.each(files.filter((file) => isOneOf(UNLIKE_CASSANDRA, file)))('%s: encodes to the same content', (file) => {
    const { bytes, statistics, version } = open(file);
    const again = encodeStatistics(statistics.parts(), version);
    expect(again.length).toBe(bytes.length);
    expect(new Statistics(again, file, version).parts()).toEqual(statistics.parts());
  });

  test.each(files.filter((file) => isOneOf(CUT_SHORT, file)))('%s: ends too early', (file) => {
    const { statistics } = open(file);
    expect(() => statistics.stats).toThrow(CorruptError);
  });
});
