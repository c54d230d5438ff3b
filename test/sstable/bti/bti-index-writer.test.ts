import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BTI_BLOCK_BYTES } from '../../../src/sstable/bti/bti-index-writer.js';
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
