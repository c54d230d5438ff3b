import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CORPUS, corpusFiles, hasCorpus } from '../corpus.js';
import { checkPartitionIndex } from './check-partition-index.js';

const FOLDERS = [
  'public/sstables/apache',
  'kitchen-oa-1/data/kitchen',
  'kitchen-da-1/data',
  'kitchen-nb-1/data/kitchen',
];

describe.skipIf(!hasCorpus())('partition index of the corpus', () => {
  const files = corpusFiles('-Data.db', FOLDERS);

  it('has both formats', () => {
    expect(files.filter((file) => file.includes('-bti-')).length).toBeGreaterThan(20);
    expect(files.filter((file) => file.includes('-big-')).length).toBeGreaterThan(20);
  });

  let bigIndexed = 0;
  let btiIndexed = 0;
  it.each(files)(
    '%s',
    async (file) => {
      const indexed = await checkPartitionIndex(path.join(CORPUS, file));
      if (file.includes('-bti-')) btiIndexed += indexed;
      else bigIndexed += indexed;
    },
    30_000,
  );

  it('has seen row indexes of both formats', () => {
    expect(bigIndexed).toBeGreaterThan(50);
    expect(btiIndexed).toBeGreaterThan(10);
  });
});
