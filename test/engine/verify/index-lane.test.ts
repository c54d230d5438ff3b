/** What the fast lane of a walk by the index finds is what the walk finds entry by entry, whatever is damaged; LSMCTL_SEED, LSMCTL_TRIALS. */
import fs from 'node:fs';
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
import { makeLarge } from '../../cli/dump/large.js';
import { corrupt, damages, randomOf } from '../../corrupt.js';
import { FIXTURES } from '../../fixtures.js';
import { seed } from '../../seed.js';

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

function keysOf({ descriptor }: SSTableFiles): Uint8Array[] {
  const index = new BigIndexCursor(diskStorage, descriptor);
  const keys: Uint8Array[] = [];
  while (index.next()) keys.push(index.key.slice(0, index.keyLength));
  index.close();
  return keys;
}

function withFilter({ descriptor }: SSTableFiles, filter: BloomFilter): Storage {
  const bytes = encodeFilter(filter, descriptor.version);
  return overlayStorage(diskStorage, new Map([[componentPath(descriptor, 'Filter.db'), bytes]]));
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
    const keys = keysOf(files);
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

  it('reads on where keys come again and again', async () => {
    const { file } = await makeLarge('many');
    const [files] = resolveSSTables(diskStorage, [file]).sstables;
    const [fast, slow] = await both(diskStorage, files!);
    expect(fast).toEqual(slow);
    expect(fast.findings.map(({ rule }) => rule)).toContain('key-order');
  });
});
