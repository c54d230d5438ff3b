/** Rows read from SSTables of real Cassandra and written with the same header are the same bytes. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS } from '../corpus.js';
import { fixtureSSTables } from '../fixtures.js';
import { rewrite } from './rewrite.js';

/** Where the first difference is, or undefined. */
async function firstDifference(file: string): Promise<string | undefined> {
  const sstable = await openSSTable(diskStorage, file);
  try {
    let problem: string | undefined;
    let end = 0;
    rewrite(sstable, (position, bytes) => {
      end = position + bytes.length;
      if (problem) return;
      const stored = new Uint8Array(Math.min(bytes.length, sstable.data.length - position));
      for (let at = 0; at < stored.length; ) {
        at += sstable.data.read(position + at, stored, at, 1, stored.length - at);
      }
      const at = bytes.findIndex((byte, i) => byte !== stored[i]);
      if (at >= 0) {
        const [seen, wanted] = [bytes, stored].map((b) => Buffer.from(b.subarray(at - 8, at + 24)).toString('hex'));
        problem = `partition at ${position}, byte ${at}: wrote ${seen}, stored ${wanted}`;
      }
    });
    return problem ?? (end === sstable.data.length ? undefined : `wrote to ${end} of ${sstable.data.length}`);
  } finally {
    sstable.close();
  }
}

describe('rows written anew', () => {
  it.each(fixtureSSTables())('$name', async ({ file }) => {
    expect(await firstDifference(file)).toBeUndefined();
  });
});

const PUBLIC = hasCorpus() ? corpusFiles('-Data.db', [...KITCHENS, 'public']) : [];

describe.skipIf(PUBLIC.length === 0)('rows of the corpus written anew', () => {
  it.each(PUBLIC.filter((name) => !/corrupt|unsupported/.test(name)))('%s', async (name) => {
    expect(await firstDifference(path.join(CORPUS, name))).toBeUndefined();
  });
});
