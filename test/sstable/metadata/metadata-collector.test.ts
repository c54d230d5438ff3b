/**
 * Statistics.db made anew of Data.db is the very file that Cassandra wrote. What is not in Data.db (repair, level, commit log, host) is taken
 * from the file.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { toBigInt } from '../../../src/bytes/int64.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { murmur3Token } from '../../../src/cql/token.js';
import { readCompressionInfo } from '../../../src/sstable/compression-info.js';
import { tokenSpaceCoverage, wholeRingRanges } from '../../../src/sstable/metadata/token-space-coverage.js';
import { openSSTable, type SSTable } from '../../../src/sstable/sstable.js';
import { encodeStatistics, Statistics } from '../../../src/sstable/statistics.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS } from '../../corpus.js';
import { fixtureSSTables } from '../../fixtures.js';
import { replayMetadata } from '../replay-metadata.js';

/** As Cassandra's releases write them; na and nc of the public corpus are of releases before 4.0 and 5.0, with other fields. */
const PUBLIC = ['md', 'me', 'nb', 'oa', 'da'].map((version) => `public/sstables/apache/${version}`);

const fixtures = fixtureSSTables();
const corpus = [...PUBLIC.filter((folder) => fs.existsSync(path.join(CORPUS, folder))), ...KITCHENS];
const corpusTables = corpusFiles('-Data.db', corpus).map((name) => ({ name, file: path.join(CORPUS, name) }));

/** Chunks without their checksums, by plain bytes. */
function ratioOf({ descriptor, data }: SSTable): number {
  const info = readCompressionInfo(diskStorage, descriptor);
  return info ? (data.storedLength - 4 * info.chunkCount) / data.length : -1;
}

function tokenOf(key: Uint8Array): bigint {
  const [hi, lo] = murmur3Token(key, 0, key.length, new Int32Array(2));
  return toBigInt(hi!, lo!);
}

/** The nodes that wrote the SSTables own the ring by the one token 0. Only tables of UnifiedCompactionStrategy record it. */
function coverageOf({ stats, validation }: Statistics): number {
  if (Number.isNaN(stats.tokenSpaceCoverage)) return Number.NaN;
  if (!validation.partitioner.endsWith('.Murmur3Partitioner')) return 1;
  return tokenSpaceCoverage(tokenOf(stats.firstKey!), tokenOf(stats.lastKey!), wholeRingRanges([0n]));
}

async function expectSame(file: string): Promise<void> {
  const sstable = await openSSTable(diskStorage, file);
  try {
    const { statistics, descriptor } = sstable;
    const known = { compressionRatio: ratioOf(sstable), tokenSpaceCoverage: coverageOf(statistics) };
    const bytes = encodeStatistics(replayMetadata(sstable, known), descriptor.version);
    const real = fs.readFileSync(file.replace(/Data\.db$/, 'Statistics.db'));
    if (bytes.equals(real)) return;
    expect(new Statistics(Uint8Array.from(bytes), file, descriptor.version).parts()).toEqual(statistics.parts());
    expect.fail('the bytes differ, and no field');
  } finally {
    sstable.close();
  }
}

describe('Statistics.db of fixtures', () => {
  test('there are of all versions', () => expect(fixtures.length).toBeGreaterThan(100));
  test.each(fixtures)('$name', ({ file }) => expectSame(file));
});

describe.skipIf(!hasCorpus())('Statistics.db of the corpus', () => {
  test('there are many', () => expect(corpusTables.length).toBeGreaterThan(200));
  test.each(corpusTables)('$name', ({ file }) => expectSame(file));
});
