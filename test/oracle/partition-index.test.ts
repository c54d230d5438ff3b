import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { expectSameIndex } from '../sstable/bti/rewrite-index.js';
import { checkPartitionIndex } from '../sstable/check-partition-index.js';
import { expectSameBigIndex } from '../sstable/rewrite-big-index.js';
import { java, missing, setup, V5 } from './cassandra.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

/** `column_index_size` of java/Indexes.java. */
const BLOCK_BYTES = 1024;

/** Indexes of many pages: too large to keep, so that they are written anew. */
describe.skipIf(lacks !== undefined)('indexes of many pages', () => {
  const made: string[] = [];
  afterAll(() => {
    for (const dir of made) rmSync(dir, { recursive: true });
  });

  it.each(['bti', 'big'])(
    '%s',
    async (format) => {
      setup([V5]);
      const dir = mkdtempSync(join(tmpdir(), 'lsmctl-indexes-'));
      made.push(dir);
      java(V5, fileURLToPath(new URL('java/Indexes.java', import.meta.url)), [dir, format]);
      const indexed: Record<string, number> = {};
      for (const table of readdirSync(dir)) {
        const data = readdirSync(join(dir, table)).filter((name) => name.endsWith(`-${format}-Data.db`));
        expect(data.length).toBe(1);
        const file = join(dir, table, data[0]!);
        indexed[table] = await checkPartitionIndex(file);
        if (format === 'bti') await expectSameIndex(file, BLOCK_BYTES);
        else await expectSameBigIndex(file, BLOCK_BYTES, [0]); // CQLSSTableWriter expects no key at all
      }
      expect(indexed).toEqual({ keys: 0, ranges: 3, wide: 3 });
    },
    180_000,
  );
});
