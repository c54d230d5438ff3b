import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../src/bytes/source.js';
import { ByteWriter } from '../../src/bytes/writer.js';
import { compareClustering } from '../../src/cql/clustering.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { encodeFilter, isPresent, readFilter } from '../../src/sstable/filter.js';
import { openIndexFile, writeIndexEntry } from '../../src/sstable/index-file.js';
import { decorate, partitionerOf } from '../../src/sstable/partitioner.js';
import { floorBlock, type PromotedIndex, writePromotedIndex } from '../../src/sstable/row-index-entry.js';
import { openSSTable, type SSTable } from '../../src/sstable/sstable.js';
import { encodeSummary, readSummary } from '../../src/sstable/summary.js';
import { CORPUS, corpusFiles, hasCorpus } from '../corpus.js';

const FOLDERS = ['public/sstables', 'kitchen-oa-1/data', 'kitchen-nb-1/data'];

const open = async (relative: string) => {
  const file = path.join(CORPUS, relative);
  const { descriptor } = parseDescriptor(file);
  const sstable = await openSSTable(diskStorage, file.replace('-Index.db', '-Data.db'));
  const index = openIndexFile(diskStorage, descriptor, sstable.header.clusteringTypes);
  const partitioner = partitionerOf(sstable.statistics.validation.partitioner, sstable.header.keyType);
  return { descriptor, sstable, index, partitioner };
};

/** Position of each partition's first unfiltered as sstabledump of 5.0 prints it, where a golden of it is there. */
function goldenPositions(relative: string): number[] | undefined {
  const name = path.basename(relative).replace('-Index.db', '');
  const folder = path.dirname(relative);
  const candidates = folder.startsWith('public/')
    ? [`${folder.replace('public/', 'public/golden/')}/${name.split('-')[1]}`]
    : [`${folder.split('/')[0]}/golden/${path.basename(folder).replace(/-[0-9a-f]{32}$/, '')}/${name}`];
  for (const base of candidates) {
    for (const ending of ['.dump.json', '.dump.json.gz']) {
      const file = path.join(CORPUS, base + ending);
      if (!fs.existsSync(file)) continue;
      const bytes = fs.readFileSync(file);
      const dump = JSON.parse((ending.endsWith('gz') ? gunzipSync(bytes) : bytes).toString()) as {
        'table kind'?: string;
        partition: { position: number };
      }[];
      return dump[0]?.['table kind'] ? dump.map(({ partition }) => partition.position) : undefined;
    }
  }
  return undefined;
}

/** Every row and marker lies in the block that its clustering leads to, and blocks touch each other. */
function checkBlocks(sstable: SSTable, dataPosition: number, promoted: PromotedIndex): void {
  const compare = compareClustering(sstable.header.clusteringTypes);
  const blocks = Array.from({ length: promoted.blockCount }, (_, i) => promoted.block(i));
  blocks.slice(1).forEach((block, i) => {
    expect(block.offset).toBe(blocks[i]!.offset + blocks[i]!.width);
  });
  expect(blocks[0]!.offset).toBe(promoted.headerLength);
  for (const partition of [...onePartition(sstable, dataPosition)]) {
    for (const each of partition.unfiltereds) {
      const prefix =
        each.kind === 'row'
          ? { kind: 'CLUSTERING' as const, values: each.clustering }
          : { kind: each.boundKind, values: each.values };
      const found = floorBlock(promoted, prefix, compare)!;
      expect(compare(found.block.first, prefix)).toBeLessThanOrEqual(0);
      expect(each.position).toBeGreaterThanOrEqual(dataPosition + found.block.offset);
      expect(each.position).toBeLessThan(dataPosition + found.block.offset + found.block.width);
    }
  }
}

function* onePartition(sstable: SSTable, position: number) {
  for (const partition of sstable.partitions()) {
    if (partition.position === position) {
      yield partition;
      return;
    }
  }
}

describe.skipIf(!hasCorpus())('Index.db, Summary.db and Filter.db of the corpus', () => {
  const files = corpusFiles('-Index.db', FOLDERS).filter((file) =>
    fs.existsSync(path.join(CORPUS, file.replace('-Index.db', '-Data.db'))),
  );

  let compared = 0;

  it('has files of every version', () => {
    const versions = new Set(files.map((file) => path.basename(file).slice(0, 2)));
    expect([...versions].sort()).toEqual(['ma', 'mb', 'mc', 'md', 'me', 'na', 'nb', 'nc', 'oa']);
  });

  it.each(files)(
    '%s',
    async (relative) => {
      const { descriptor, sstable, index, partitioner } = await open(relative);
      const entries = [...index.entries()];
      const partitions = [...sstable.partitions()].map(({ key, position }) => [
        Buffer.from(key).toString('hex'),
        position,
      ]);
      expect(entries.map(({ key, dataPosition }) => [Buffer.from(key).toString('hex'), dataPosition])).toEqual(
        partitions,
      );

      const golden = goldenPositions(relative);
      if (golden) {
        expect(golden.length).toBe(entries.length);
        compared++;
      }
      const out = new ByteWriter();
      entries.forEach((entry, i) => {
        const promoted = index.promotedIndex(entry);
        const bytes = new ByteWriter();
        if (promoted) {
          if (golden) expect(entry.dataPosition + promoted.headerLength).toBe(golden[i]);
          const blocks = Array.from({ length: promoted.blockCount }, (_, k) => promoted.block(k));
          writePromotedIndex({ ...promoted, blocks }, descriptor.version, sstable.header.clusteringTypes, bytes);
          checkBlocks(sstable, entry.dataPosition, promoted);
        }
        writeIndexEntry(out, entry.key, entry.dataPosition, promoted && bytes.view());
      });
      const file = path.join(CORPUS, relative);
      expect(Buffer.compare(out.view(), fs.readFileSync(file)), 'encoded again').toBe(0);

      const summary = readSummary(diskStorage, descriptor);
      if (summary) {
        expect(Buffer.compare(encodeSummary(summary), fs.readFileSync(file.replace('-Index', '-Summary')))).toBe(0);
        expect(Buffer.compare(summary.firstKey, entries[0]!.key)).toBe(0);
        expect(Buffer.compare(summary.lastKey, entries.at(-1)!.key)).toBe(0);
        for (const { key, position } of summary.entries) {
          expect(entries.some((entry) => entry.position === position && Buffer.compare(entry.key, key) === 0)).toBe(
            true,
          );
        }
      }
      const filter = readFilter(diskStorage, descriptor);
      if (filter) {
        expect(
          Buffer.compare(encodeFilter(filter, descriptor.version), fs.readFileSync(file.replace('-Index', '-Filter'))),
        ).toBe(0);
      }
      const step = Math.max(1, Math.floor(entries.length / (summary ? 100 : 5)));
      for (let i = 0; i < entries.length; i += step) {
        const entry = entries[i]!;
        const key = decorate(partitioner, entry.key);
        if (filter) expect(isPresent(filter, entry.key), `filter has ${i}`).toBe(true);
        expect(index.find(partitioner, key, summary)?.position).toBe(entry.position);
        if (i < 10) expect(index.find(partitioner, key)?.position).toBe(entry.position);
        const absent = decorate(partitioner, Buffer.concat([entry.key, Uint8Array.of(7)]));
        if (partitioner.name !== 'LocalPartitioner') expect(index.find(partitioner, absent, summary)).toBeUndefined();
        const range = { from: { token: key.token, inclusive: i % 2 === 0 }, to: { token: key.token, inclusive: true } };
        const inRange = [...index.entriesInRange(partitioner, range, summary)];
        expect(inRange.map(({ position }) => position)).toEqual(i % 2 === 0 ? [entry.position] : []);
      }
      index.close();
      sstable.close();
    },
    30_000,
  );

  it('compares most of them with what sstabledump printed', () => {
    expect(compared).toBeGreaterThan(90);
  });

  it('filters pass few keys that are not there', async () => {
    const file = files.find((each) => each.includes('orders_by_id') && each.includes('oa-'))!;
    const filter = readFilter(diskStorage, parseDescriptor(path.join(CORPUS, file)).descriptor)!;
    let passed = 0;
    for (let i = 0; i < 10000; i++) if (isPresent(filter, Buffer.from(`no such key ${i}`))) passed++;
    expect(passed).toBeGreaterThan(20);
    expect(passed).toBeLessThan(300);
  });
});
