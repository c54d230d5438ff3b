/** Writes the index of an SSTable of the BTI format anew, from its Data.db. */
import fs from 'node:fs';
import { expect } from 'vitest';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { BtiIndexWriter } from '../../../src/sstable/bti/bti-index-writer.js';
import type { EarlyOpeningOptions } from '../../../src/sstable/bti/early-opening.js';
import { partitionerOf } from '../../../src/sstable/partitioner.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { replayIndex } from '../replay-index.js';

export type BtiIndex = { readonly partitions: Buffer; readonly rows: Buffer };

/** Partitions.db and Rows.db that our writer makes for the SSTable with this Data.db. */
export async function rewriteIndex(
  file: string,
  blockBytes: number,
  earlyOpening?: EarlyOpeningOptions,
): Promise<BtiIndex> {
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
    ...(earlyOpening && { earlyOpening }),
  });
  replayIndex(sstable, writer, blockBytes);
  partitions.close();
  rows.close();
  sstable.close();
  return { partitions: Buffer.from(files.get('Partitions.db')!), rows: Buffer.from(files.get('Rows.db')!) };
}

/** Expects the bytes that are beside the Data.db; returns them. */
export async function expectSameIndex(
  file: string,
  blockBytes: number,
  earlyOpening?: EarlyOpeningOptions,
): Promise<BtiIndex> {
  const index = await rewriteIndex(file, blockBytes, earlyOpening);
  expectSame(index.rows, file.replace(/Data\.db$/, 'Rows.db'));
  expectSame(index.partitions, file.replace(/Data\.db$/, 'Partitions.db'));
  return index;
}

function expectSame(ours: Buffer, file: string): void {
  const real = fs.readFileSync(file);
  let at = 0;
  while (at < ours.length && ours[at] === real[at]) at++;
  expect({ file, size: ours.length, sameUpTo: at }).toEqual({ file, size: real.length, sameUpTo: real.length });
}
