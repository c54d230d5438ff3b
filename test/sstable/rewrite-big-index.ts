/** Writes the index components of a BIG SSTable again, from its Data.db alone, and compares them with those beside it. */
import fs from 'node:fs';
import { expect } from 'vitest';
import { memoryOutput } from '../../src/bytes/sink.js';
import { diskStorage } from '../../src/bytes/source.js';
import { BigIndexWriter } from '../../src/sstable/big-index-writer.js';
import { type FilterBuilder, makeFilterBuilder } from '../../src/sstable/filter-builder.js';
import { openIndexFile } from '../../src/sstable/index-file.js';
import { openSSTable, type SSTable } from '../../src/sstable/sstable.js';
import { decodeSummary } from '../../src/sstable/summary.js';
import { replayIndex } from './replay-index.js';

export type BigIndexFacts = {
  readonly partitions: number;
  /** Whether the filter was sized for as many keys as there are; `undefined` where none is to compare. */
  readonly exactFilter?: boolean;
  /** Partitions with a promoted index, blocks in these at whose end a range deletion is open, bytes of the largest one. */
  readonly promoted: number;
  readonly openMarkers: number;
  readonly largest: number;
};

function countKeys(sstable: SSTable): number {
  const cursor = sstable.cursor();
  let keys = 0;
  while (cursor.nextPartition()) keys++;
  return keys;
}

function sibling(data: string, component: string): Buffer | undefined {
  const file = data.replace('-Data.db', `-${component}`);
  return fs.existsSync(file) ? fs.readFileSync(file) : undefined;
}

function expectBytes(seen: Uint8Array, expected: Buffer, what: string): void {
  expect(seen.length, `size of ${what}`).toBe(expected.length);
  expect(Buffer.compare(seen, expected), what).toBe(0);
}

/**
 * Expects Index.db, Summary.db and Filter.db (those that are there) byte for byte. `blockBytes`: column_index_size of the node that wrote them.
 * The filter is of the size for all the keys, or else for one of the `estimates`.
 */
export async function expectSameBigIndex(
  data: string,
  blockBytes: number,
  estimates: readonly number[] = [],
): Promise<BigIndexFacts> {
  const sstable = await openSSTable(diskStorage, data);
  const { version } = sstable.descriptor;
  const index = sibling(data, 'Index.db');
  const summary = sibling(data, 'Summary.db');
  const filter = sibling(data, 'Filter.db');
  const decoded = summary && decodeSummary(summary);
  const isScyllas = decoded?.sizeAtFullSampling === 0; // it does not count them, and may leave out the filter
  const partitions = countKeys(sstable);
  const { bloomFilterFpChance } = sstable.statistics.validation;
  const builders = [partitions, ...estimates].map((n) => makeFilterBuilder(n, bloomFilterFpChance));
  const builder = builders.find((each) => each?.encode(version).length === filter?.length);
  expect(builder === undefined, 'a filter of the size').toBe(filter === undefined);

  const written = write(sstable, blockBytes, decoded?.minIndexInterval ?? 128, builder);
  expectBytes(written.index, index!, 'Index.db');
  if (summary && !isScyllas) expectBytes(written.summary, summary, 'Summary.db');
  if (filter) expectBytes(builder!.encode(version), filter, 'Filter.db');
  else if (!isScyllas) expect(builders[0], 'no Filter.db').toBeUndefined();
  const facts = { partitions, ...(filter && { exactFilter: builder === builders[0] }), ...promotedFacts(sstable) };
  sstable.close();
  return facts;
}

/** What the writers make of the SSTable; `builder` gets the keys. */
function write(sstable: SSTable, blockBytes: number, minIndexInterval: number, builder?: FilterBuilder) {
  const files = new Map<string, Uint8Array>();
  const output = memoryOutput(files);
  const index = output.create('Index.db');
  const summary = output.create('Summary.db');
  const { version } = sstable.descriptor;
  const { clusteringTypes } = sstable.header;
  const writer = new BigIndexWriter({ version, clusteringTypes, expectedKeys: 1, minIndexInterval, index, summary });
  replayIndex(sstable, writer, blockBytes, (key, length) => builder?.add(key, length));
  index.close();
  summary.close();
  return { index: files.get('Index.db')!, summary: files.get('Summary.db')! };
}

function promotedFacts(sstable: SSTable): { promoted: number; openMarkers: number; largest: number } {
  const file = openIndexFile(diskStorage, sstable.descriptor, sstable.header.clusteringTypes);
  const facts = { promoted: 0, openMarkers: 0, largest: 0 };
  for (const entry of file.entries()) {
    const index = file.promotedIndex(entry);
    if (!index) continue;
    facts.promoted++;
    facts.largest = Math.max(facts.largest, entry.promotedEnd - entry.promotedStart);
    for (let i = 0; i < index.blockCount; i++) if (index.block(i).endOpenMarker) facts.openMarkers++;
  }
  file.close();
  return facts;
}
