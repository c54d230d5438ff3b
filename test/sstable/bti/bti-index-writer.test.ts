import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { BTI_BLOCK_BYTES, BtiIndexWriter } from '../../../src/sstable/bti/bti-index-writer.js';
import { partitionerOf } from '../../../src/sstable/partitioner.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { CORPUS, corpusFiles, hasCorpus } from '../../corpus.js';
import { fixtureSSTables } from '../../fixtures.js';
import { replayIndex } from '../replay-index.js';

/** `column_index_size` of the fixtures. */
const FIXTURE_BLOCK_BYTES = 4096;
/** And of the SSTables that Cassandra's own tests come with. */
const LEGACY_BLOCK_BYTES = 4096;

/** What the writer makes of an SSTable's Data.db. */
async function rewritten(file: string, blockBytes: number): Promise<{ partitions: Buffer; rows: Buffer }> {
  const sstable = await openSSTable(diskStorage, file);
  const files = new Map<string, Uint8Array>();
  const storage = memoryOutput(files);
  const partitions = storage.create('Partitions.db');
  const rows = storage.create('Rows.db');
  const writer = new BtiIndexWriter({
    partitions,
    rows,
    version: sstable.descriptor.version,
    partitioner: partitionerOf(sstable.statistics.validation.partitioner, sstable.header.keyType),
    clusteringTypes: sstable.header.clusteringTypes,
  });
  replayIndex(sstable, writer, blockBytes);
  partitions.close();
  rows.close();
  sstable.close();
  return { partitions: Buffer.from(files.get('Partitions.db')!), rows: Buffer.from(files.get('Rows.db')!) };
}

const real = (file: string, component: string): Buffer => fs.readFileSync(file.replace(/Data\.db$/, component));

async function expectSame(file: string, blockBytes: number): Promise<Buffer> {
  const { partitions, rows } = await rewritten(file, blockBytes);
  expect(rows.equals(real(file, 'Rows.db')), `Rows.db of ${file}`).toBe(true);
  expect(partitions.equals(real(file, 'Partitions.db')), `Partitions.db of ${file}`).toBe(true);
  return rows;
}

describe('BTI index as Cassandra writes it', () => {
  const fixtures = fixtureSSTables().filter(({ file }) => file.includes('-bti-'));

  it('has fixtures', () => expect(fixtures.length).toBeGreaterThan(10));

  it.each(fixtures)('$name', async ({ file }) => {
    await expectSame(file, FIXTURE_BLOCK_BYTES);
  });

  describe.skipIf(!hasCorpus())('of the corpus', () => {
    const files = corpusFiles('-Data.db', ['kitchen-da-1', 'public']).filter((file) => file.includes('-bti-'));
    let withRows = 0;

    it.each(files)('%s', async (file) => {
      const blockBytes = file.includes('legacy_da') ? LEGACY_BLOCK_BYTES : BTI_BLOCK_BYTES;
      const rows = await expectSame(path.join(CORPUS, file), blockBytes);
      if (rows.length > 0) withRows++;
    });

    it('has seen row indexes', () => expect(withRows).toBeGreaterThan(3));
  });
});
