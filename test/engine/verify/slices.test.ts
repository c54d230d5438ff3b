/** An SSTable verified by slices: put together they tell what reading at one go tells, and have each partition once; whatever is damaged is not taken. */
import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import type { SSTableFiles } from '../../../src/engine/sstable-directory.js';
import { FindingLog } from '../../../src/engine/verify/finding.js';
import { joinSlices } from '../../../src/engine/verify/join-slices.js';
import { readParts } from '../../../src/engine/verify/parts.js';
import { type Gathered, openSlices } from '../../../src/engine/verify/slice-reader.js';
import { type Level, verifySSTable } from '../../../src/engine/verify/verify-sstable.js';
import { readCompressionInfo } from '../../../src/sstable/compression-info.js';
import { COMPONENT, componentPath } from '../../../src/sstable/descriptor.js';
import { corrupt, damages, randomOf } from '../../corrupt.js';
import { fixtureSSTables } from '../../fixtures.js';
import { seed } from '../../seed.js';

const NOW_SECONDS = 4_102_444_800;
const trials = Number(process.env.LSMCTL_TRIALS ?? 12);
const LEVELS: readonly Level[] = ['default', 'deep'];

async function gatherAll(storage: Storage, files: SSTableFiles, level: Level, of: number) {
  const reader = openSlices(storage, files, { level, nowSeconds: NOW_SECONDS }, true);
  const slices: Gathered[] = [];
  for (let index = 0; index < of; index++) {
    const one = await reader.gather({ index, of });
    if (!one) return undefined;
    slices.push(one);
  }
  const bits = reader.finishBits();
  return { slices, filters: bits ? [bits] : [] };
}

/** By slices as far as they can be taken; how many could. */
async function both(storage: Storage, files: SSTableFiles, level: Level, of: number) {
  const options = { level, nowSeconds: NOW_SECONDS };
  const gathered = await gatherAll(storage, files, level, of);
  const whole = await verifySSTable(storage, files, options);
  const joined = await verifySSTable(storage, files, { ...options, gather: async () => gathered });
  return { gathered, whole, joined };
}

const subjects = fixtureSSTables().map(
  ({ name, file }) => [name, resolveSSTables(diskStorage, [file]).sstables[0]!] as const,
);

describe('slices of sound SSTables', () => {
  it.each(LEVELS)(
    'tell what the whole tells: %s',
    async (level) => {
      let taken = 0;
      for (const [name, files] of subjects) {
        const whole = await verifySSTable(diskStorage, files, { level, nowSeconds: NOW_SECONDS });
        const gathered = await gatherAll(diskStorage, files, level, 3);
        if (!gathered) continue;
        const sum = (of: (one: Gathered) => number) => gathered.slices.reduce((total, one) => total + of(one), 0);
        expect(
          sum(({ partitions }) => partitions),
          name,
        ).toBe(whole.partitions);
        if (level === 'deep')
          expect(
            sum(({ rows }) => rows),
            name,
          ).toBe(whole.rows);
        const parts = readParts(diskStorage, files.descriptor, files.components, new FindingLog(''));
        const joined = joinSlices(diskStorage, parts, level, gathered);
        if (!joined) continue;
        taken++;
        const { facts, sstable, bytes, level: _, findings, checks, ...counts } = whole;
        expect(joined.report, name).toEqual(counts);
        const states = joined.checks.map(({ check, state, detail }) => `${check} ${state} ${detail}`);
        expect(
          checks.map(({ check, state, detail }) => `${check} ${state} ${detail}`),
          name,
        ).toEqual(expect.arrayContaining(states));
      }
      expect(taken).toBeGreaterThan(subjects.length * 0.8);
    },
    60_000,
  );
});

describe('a length of the plain data that is another', () => {
  const compressed = subjects.filter(([, { components }]) => components.includes(COMPONENT.compressionInfo));
  it.each(LEVELS)(
    'is told, whole and by slices: %s',
    async (level) => {
      expect(compressed.length).toBeGreaterThan(50);
      for (const [name, files] of compressed) {
        const file = componentPath(files.descriptor, COMPONENT.compressionInfo);
        const { chunkCount } = readCompressionInfo(diskStorage, files.descriptor)!;
        const offset = fs.statSync(file).size - chunkCount * 8 - 4 - 1;
        for (const xor of [1, 8]) {
          const { whole, joined } = await both(corrupt(file, { kind: 'flip', offset, xor }), files, level, 3);
          const what = `${name}, ${xor}`;
          expect(whole.findings.filter(({ severity }) => severity === 'error').length, what).toBeGreaterThan(0);
          expect(joined.findings, what).toEqual(whole.findings);
        }
      }
    },
    60_000,
  );
});

describe(`slices of damaged SSTables (seed ${seed})`, () => {
  const large = subjects.filter(([name]) => /orders_by_id|many|wide/.test(name));
  it.each(large)('%s: find what the whole finds', async (name, files) => {
    const random = randomOf(seed ^ name.length);
    for (let i = 0; i < trials; i++) {
      const component = files.components[Math.floor(random() * files.components.length)]!;
      const file = componentPath(files.descriptor, component);
      const [damage] = damages(fs.statSync(file).size, 1, random).slice(-1);
      if (!damage) continue;
      const { whole, joined } = await both(corrupt(file, damage), files, LEVELS[i % 2]!, 2 + (i % 3));
      expect(joined.findings, `${component} ${JSON.stringify(damage)}`).toEqual(whole.findings);
    }
  });
});
