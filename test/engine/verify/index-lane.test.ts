/** What the fast lane of a walk by the index finds is what the walk finds entry by entry, whatever is damaged; LSMCTL_SEED, LSMCTL_TRIALS. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { murmur3 } from '../../../src/bytes/murmur3.js';
import { diskStorage, overlayStorage, type Storage } from '../../../src/bytes/source.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import type { SSTableFiles } from '../../../src/engine/sstable-directory.js';
import type { Finding } from '../../../src/engine/verify/finding.js';
import { BigIndexCursor } from '../../../src/engine/verify/index-cursor.js';
import { verifySSTable } from '../../../src/engine/verify/verify-sstable.js';
import { componentPath } from '../../../src/sstable/descriptor.js';
import { type BloomFilter, encodeFilter } from '../../../src/sstable/filter.js';
import { FilterBits } from '../../../src/sstable/filter-bits.js';
import { encodeSummary } from '../../../src/sstable/summary.js';
import type { SummaryEntry } from '../../../src/sstable/summary-entries.js';
import { makeLarge } from '../../cli/dump/large.js';
import { corrupt, damages, randomOf } from '../../corrupt.js';
import { FIXTURES } from '../../fixtures.js';
import { seed } from '../../seed.js';
import { TestTable } from '../merge/build.js';

const NOW_SECONDS = 1_900_000_000;
const trials = Number(process.env.LSMCTL_TRIALS ?? 20);
const COMPONENTS = ['Index.db', 'Data.db', 'Summary.db', 'Filter.db', 'CompressionInfo.db'];

/** Of more partitions than the lane leaves to the walk. */
function subjects(): SSTableFiles[] {
  const roots = ['oa-5.0', 'nb-4.1'].map((name) => path.join(FIXTURES, name, 'data'));
  return resolveSSTables(diskStorage, roots).sstables.filter(({ descriptor, place }) => {
    const stat = diskStorage.stat(componentPath(descriptor, 'Index.db'));
    return stat !== undefined && stat.size > 4096 && place.table !== 'large';
  });
}

function withFilter({ descriptor }: SSTableFiles, filter: BloomFilter): Storage {
  const bytes = encodeFilter(filter, descriptor.version);
  return overlayStorage(diskStorage, new Map([[componentPath(descriptor, 'Filter.db'), bytes]]));
}

/** Of Index.db, each as Summary.db would sample it. */
function entriesOf({ descriptor }: SSTableFiles): SummaryEntry[] {
  const index = new BigIndexCursor(diskStorage, descriptor);
  const entries: SummaryEntry[] = [];
  while (index.next()) entries.push({ key: index.key.slice(0, index.keyLength), position: index.position });
  index.close();
  return entries;
}

type Samples = {
  readonly interval: number;
  readonly samplingLevel: number;
  readonly entries: readonly SummaryEntry[];
  readonly keys: readonly SummaryEntry[];
};

function withSummary({ descriptor }: SSTableFiles, { interval, samplingLevel, entries, keys }: Samples): Storage {
  const bytes = encodeSummary({
    minIndexInterval: interval,
    samplingLevel,
    sizeAtFullSampling: Math.ceil(keys.length / interval),
    entries,
    firstKey: keys[0]!.key,
    lastKey: keys.at(-1)!.key,
  });
  return overlayStorage(diskStorage, new Map([[componentPath(descriptor, 'Summary.db'), bytes]]));
}

function rulesOfFilter(findings: readonly Finding[]): string[] {
  return findings.map(({ rule }) => rule).filter((rule) => rule.startsWith('filter'));
}

async function both(storage: Storage, files: SSTableFiles) {
  const options = { level: 'default', nowSeconds: NOW_SECONDS } as const;
  return [
    await verifySSTable(storage, files, options),
    await verifySSTable(storage, files, { ...options, isSlow: true }),
  ] as const;
}

describe(`the fast lane (seed ${seed})`, () => {
  it.each(subjects().map((files) => [`${files.place.table} ${files.descriptor.prefix}`, files] as const))(
    '%s',
    async (name, files) => {
      const random = randomOf(seed ^ name.length);
      const [sound, slowly] = await both(diskStorage, files);
      expect(sound).toEqual(slowly);
      expect(sound.partitions).toBeGreaterThan(64);
      for (const component of COMPONENTS.filter((one) => files.components.includes(one))) {
        const file = componentPath(files.descriptor, component);
        for (const damage of damages(fs.statSync(file).size, trials / COMPONENTS.length, random)) {
          const [fast, slow] = await both(corrupt(file, damage), files);
          // chunks that no partition begins in are decompressed by the lane alone: it may find more
          const more = fast.findings.filter(({ message }) => /chunk can't be decompressed/.test(message));
          const isMore = more.length > 0 && fast.findings.length > slow.findings.length;
          const seen = isMore ? { findings: fast.findings.filter((one) => !more.includes(one)) } : fast;
          expect(seen, `${component} ${JSON.stringify(damage)}`).toEqual(isMore ? { findings: slow.findings } : slow);
        }
      }
    },
  );

  it.each([1, 2, 3, 16, 17, 40])('holds the bits of a filter of %i words to the keys', async (words) => {
    const random = randomOf(seed ^ words);
    const files = subjects().find(({ place }) => place.table === 'many')!;
    const keys = entriesOf(files).map(({ key }) => key);
    for (const hashCount of [1, 2, 5, 13]) {
      const right = new FilterBits(words, hashCount);
      for (const key of keys) right.set(murmur3(key, 0, key.length, new Int32Array(4)));
      const filter = right.copy();
      right.release();
      const [fast, slow] = await both(withFilter(files, filter), files);
      expect(fast).toEqual(slow);
      expect(rulesOfFilter(fast.findings)).toEqual([]);
      for (let i = 0; i < 4; i++) {
        const bits = filter.bits.slice();
        const at = Math.floor(random() * bits.length);
        const bit = 1 << Math.floor(random() * 8);
        const isSet = (bits[at]! & bit) !== 0;
        bits[at]! ^= bit;
        const [wrong, slowly] = await both(withFilter(files, { hashCount, bits }), files);
        expect(wrong).toEqual(slowly);
        expect(rulesOfFilter(wrong.findings)).toEqual([isSet ? 'filter-denies' : 'filter-extra']);
      }
    }
  });

  describe('holds the samples of Summary.db to the entries', () => {
    const files = subjects().find(({ components }) => components.includes('Summary.db'))!;
    const keys = entriesOf(files);
    const sampled = (n: number) => keys.filter((_, i) => i % n === 0);
    const odd = Buffer.from('no such key');
    const behind = { key: odd, position: 1 << 30 };
    const cases: readonly (readonly [string, number, SummaryEntry[], boolean])[] = [
      ['each key', 1, keys, true],
      ['each third', 3, sampled(3), true],
      ['as ever', 128, sampled(128), true],
      ['one alone', 1 << 30, sampled(1 << 30), true],
      ['none', 128, [], false],
      ['one is missing', 3, sampled(3).toSpliced(5, 1), false],
      ['the last is missing', 3, sampled(3).slice(0, -1), false],
      ['one too many', 3, sampled(3).toSpliced(6, 0, keys[16]!), false],
      ['one too many at the end', 3, [...sampled(3), behind], false],
      ['another key', 1, keys.with(7, { ...keys[7]!, key: odd }), false],
      ['a key cut short', 1, keys.with(7, { ...keys[7]!, key: keys[7]!.key.subarray(1) }), false],
      ['a key of the largest size', 1, keys.with(7, { ...keys[7]!, key: Buffer.alloc(65535) }), false],
      ['a key that no entry can have', 1, keys.with(7, { ...keys[7]!, key: Buffer.alloc(200_000) }), false],
      ['such a one alone', 128, [{ position: 0, key: Buffer.alloc(200_000) }], false],
      ['between two entries', 1, keys.with(7, { ...keys[7]!, position: keys[7]!.position + 1 }), false],
      ['backwards', 1, keys.with(7, { ...keys[7]!, position: 0 }), false],
      ['far behind', 1, keys.with(7, { ...keys[7]!, position: 2 ** 52 }), false],
    ];

    it.each(cases)('%s', async (_, interval, entries, isSound) => {
      for (const samplingLevel of [128, 64]) {
        const [fast, slow] = await both(withSummary(files, { interval, samplingLevel, entries, keys }), files);
        expect(fast).toEqual(slow);
        const rules = fast.findings.map(({ rule }) => rule);
        if (samplingLevel === 128) expect(rules.includes('summary')).toBe(!isSound);
      }
    });
  });

  it('holds to the entries more samples than are at hand at a time', async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-lane-'));
    try {
      const table = new TestTable({});
      table.make(Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`key${i}`, [`a: v=${i}@10`]])));
      table.copyTo(path.join(root, 'ks/t-0123456789abcdef0123456789abcdef'));
      const [files] = resolveSSTables(diskStorage, [root]).sstables;
      const keys = entriesOf(files!);
      const verified = (entries: readonly SummaryEntry[]) =>
        both(withSummary(files!, { interval: 1, samplingLevel: 128, entries, keys }), files!);
      const [sound, slowly] = await verified(keys);
      expect(sound).toEqual(slowly);
      expect(sound.findings.filter(({ rule }) => rule === 'summary')).toEqual([]);
      for (const i of [0, 1022, 1023, 1024, 2045, 2046, 2047, 2499]) {
        const [fast, slow] = await verified(keys.with(i, { ...keys[i]!, key: Buffer.from('other') }));
        expect(fast, `sample ${i}`).toEqual(slow);
        expect(fast.findings.filter(({ rule }) => rule === 'summary')).toHaveLength(1);
      }
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  });

  it('reads on where keys come again and again', async () => {
    const { file } = await makeLarge('many');
    const [files] = resolveSSTables(diskStorage, [file]).sstables;
    const [fast, slow] = await both(diskStorage, files!);
    expect(fast).toEqual(slow);
    expect(fast.findings.map(({ rule }) => rule)).toContain('key-order');
  });
});
