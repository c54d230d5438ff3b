import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CorruptError, LsmctlError } from '../../src/bytes/errors.js';
import { CountingStorage } from '../../src/bytes/source.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { encodeStatistics, readStatistics, Statistics } from '../../src/sstable/statistics.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS, readCorpus } from '../corpus.js';

/** Contents of these are not in the order of their kinds: read, but not written that way. */
const OUT_OF_ORDER = [
  'complex_column_zero_subcolumns',
  'write_empty_static_row',
  'write_interleaved_atomic_and_collection_columns',
  'write_shadowable_deletion',
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

  test.each(files.filter((file) => !isOneOf([...OUT_OF_ORDER, ...CUT_SHORT], file)))(
    '%s: encodes to its own bytes',
    (file) => {
      const { bytes, statistics, version } = open(file);
      expect(encodeStatistics(statistics.parts(), version).equals(bytes)).toBe(true);
    },
  );

  test.each(files.filter((file) => isOneOf(OUT_OF_ORDER, file)))('%s: encodes to the same content', (file) => {
    const { bytes, statistics, version } = open(file);
    const again = encodeStatistics(statistics.parts(), version);
    expect(again.length).toBe(bytes.length);
    expect(new Statistics(again, file, version).parts()).toEqual(statistics.parts());
  });

  test.each(files.filter((file) => isOneOf(CUT_SHORT, file)))('%s: ends too early', (file) => {
    const { statistics } = open(file);
    expect(() => statistics.stats).toThrow(CorruptError);
    expect(statistics.validation.partitioner).toContain('Partitioner');
  });

  test('one read of one file, and only what is asked for is decoded', () => {
    const storage = new CountingStorage();
    const { descriptor } = parseDescriptor(path.join(CORPUS, files.find((file) => isOneOf(CUT_SHORT, file))!));
    const statistics = readStatistics(storage, descriptor);
    expect(statistics.header.keyType).toBeDefined();
    expect(storage.opened).toEqual(['na-1-big-Statistics.db']);
  });
});

/** A Statistics.db of each version with a checksum, and of one without. */
const samples = ['kitchen-oa-1', 'kitchen-nb-1', 'public/sstables/apache/mc'].flatMap((folder) =>
  corpusFiles('-Statistics.db', [folder]).slice(0, 1),
);

describe.skipIf(!hasCorpus())('damaged Statistics.db', () => {
  const decodeAll = (bytes: Uint8Array, version: Statistics['version']) =>
    new Statistics(bytes, 'damaged', version).parts();

  test.each(samples)('%s, cut: a CorruptError, whatever the length', (file) => {
    const { bytes, version } = open(file);
    for (let n = 0; n < bytes.length; n += n < 300 ? 1 : 37)
      expect(() => decodeAll(bytes.subarray(0, n), version)).toThrow(CorruptError);
  });

  test.each(samples.slice(0, 2))('%s, a byte flipped: a CorruptError, wherever', (file) => {
    const { bytes, version } = open(file);
    for (let at = 0; at < bytes.length; at += at < 300 ? 1 : 41) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(() => decodeAll(damaged, version)).toThrow(CorruptError);
    }
  });

  test.each(samples.slice(2))('%s, a byte flipped, no checksums: an error of ours or values', (file) => {
    const { bytes, version } = open(file);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0xff;
      try {
        decodeAll(damaged, version);
      } catch (error) {
        expect(error).toBeInstanceOf(LsmctlError);
      }
    }
  });

  test('the error tells file, component, offset, and both checksums', () => {
    const { bytes, version } = open(samples[0]!);
    const damaged = Buffer.from(bytes);
    damaged[damaged.readInt32BE(12) + 3]! ^= 1;
    expect(() => new Statistics(damaged, 'x/oa-1-big-Statistics.db', version).validation).toThrow(
      expect.objectContaining({
        facts: {
          file: 'x/oa-1-big-Statistics.db',
          component: 'Statistics.db',
          offset: expect.any(Number),
          seen: expect.stringMatching(/^0x[0-9a-f]{8}$/),
          expected: expect.stringMatching(/^0x[0-9a-f]{8}$/),
        },
      }),
    );
  });
});
