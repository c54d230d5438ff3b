/** Bloom filters of the fixtures, as they are and damaged. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diskOutput } from '../../../src/bytes/sink.js';
import { CountingStorage, diskStorage, overlayStorage, type Storage } from '../../../src/bytes/source.js';
import { bloomFindings } from '../../../src/engine/bloom/bloom-findings.js';
import {
  confidenceInterval,
  expectedBitsSet,
  falsePositiveRate,
  plannedFilter,
} from '../../../src/engine/bloom/filter-arithmetic.js';
import { inspectFilter } from '../../../src/engine/bloom/filter-inspection.js';
import { keyAnswer } from '../../../src/engine/bloom/key-answer.js';
import { walkKeys } from '../../../src/engine/bloom/key-walk.js';
import { KeyLengths, measureRate } from '../../../src/engine/bloom/measure.js';
import { buildFilter, replaceFilter } from '../../../src/engine/bloom/rebuild.js';
import { tableBloom } from '../../../src/engine/bloom/table-bloom.js';
import { COMPONENT, componentPath, type Descriptor, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { type BloomFilter, bitsSet, decodeFilter, encodeFilter, readFilter } from '../../../src/sstable/filter.js';
import { makeFilterBuilder } from '../../../src/sstable/filter-builder.js';
import { histogramCount } from '../../../src/sstable/metadata/estimated-histogram.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { readStatistics } from '../../../src/sstable/statistics.js';
import { readToc } from '../../../src/sstable/toc.js';
import { CORPUS, corpusFiles, hasCorpus } from '../../corpus.js';
import { FIXTURES, fixtureSSTables } from '../../fixtures.js';

const PROVE = { isProof: true };
const FEW = { isProof: false };

const descriptorOf = (file: string): Descriptor => parseDescriptor(file).descriptor;
const DESCRIPTORS = fixtureSSTables().map(({ file }) => descriptorOf(file));
const find = (fixture: string, table: string): Descriptor =>
  DESCRIPTORS.find(({ directory }) => directory.includes(`${fixture}/data/`) && directory.includes(`/${table}-`))!;

/** The disk, but for the filter of one SSTable. */
function withFilter(descriptor: Descriptor, change: (filter: BloomFilter) => BloomFilter | Uint8Array): Storage {
  const changed = change(readFilter(diskStorage, descriptor)!);
  const bytes = changed instanceof Uint8Array ? changed : encodeFilter(changed, descriptor.version);
  return overlayStorage(diskStorage, new Map([[componentPath(descriptor, COMPONENT.filter), bytes]]));
}

async function rulesOf(storage: Storage, descriptor: Descriptor, options = PROVE, chance?: number): Promise<string[]> {
  return bloomFindings(await inspectFilter(storage, descriptor, options), chance).map(({ rule }) => rule);
}

describe('what real Cassandra wrote', () => {
  test.each(DESCRIPTORS.map((d) => [path.relative(FIXTURES, path.join(d.directory, d.prefix)), d] as const))(
    '%s denies none of its keys',
    async (_, descriptor) => {
      const inspection = await inspectFilter(diskStorage, descriptor, PROVE);
      expect(bloomFindings(inspection, undefined)).toEqual([]);
      expect(inspection.state).toBe(inspection.madeWith === 1 ? 'none' : 'loaded');
      if (inspection.state === 'none') return;
      expect(inspection.proof).toMatchObject({ kind: 'all', asked: inspection.keys, denied: 0 });
    },
  );

  test('keys of a walk are those of the data', async () => {
    for (const descriptor of DESCRIPTORS.filter((_, i) => i % 5 === 0)) {
      const walked: string[] = [];
      await walkKeys(diskStorage, descriptor, (bytes, start, end) => {
        walked.push(Buffer.from(bytes.subarray(start, end)).toString('hex'));
      });
      const sstable = await openDescriptor(diskStorage, descriptor);
      const read = [...sstable.partitions()].map(({ key }) => Buffer.from(key).toString('hex'));
      sstable.close();
      expect(walked).toEqual(read);
    }
  });

  test.skipIf(!hasCorpus())('no finding on any filter of the corpus, but for those that are known', async () => {
    const files = corpusFiles('-Data.db', ['kitchen-oa-1/data', 'kitchen-da-1/data', 'kitchen-nb-1/data']);
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const rules = await rulesOf(diskStorage, descriptorOf(path.join(CORPUS, file)));
      expect([file, rules]).toEqual([file, []]);
    }
  });
});

describe('damaged filters', () => {
  const oa = find('oa-5.0', 'orders_by_id');
  const cases = ['oa-5.0', 'da-5.0', 'nb-4.1'].map((fixture) => [fixture, find(fixture, 'orders_by_id')] as const);

  test.each(cases)('%s: of zeros denies every key', async (_, descriptor) => {
    const storage = withFilter(descriptor, (filter) => ({ ...filter, bits: filter.bits.map(() => 0) }));
    const { proof, keys } = await inspectFilter(storage, descriptor, PROVE);
    expect(proof).toMatchObject({ kind: 'all', asked: keys, denied: keys });
    expect(proof.deniedKeys.length).toBe(8);
    expect(await rulesOf(storage, descriptor)).toEqual(['bloom-denies-keys']);
  });

  test.each(cases)('%s: with one bit cleared denies exactly the keys of that bit', async (_, descriptor) => {
    const filter = readFilter(diskStorage, descriptor)!;
    const byte = filter.bits.findIndex((b) => b !== 0);
    const bits = filter.bits.slice();
    bits[byte]! &= bits[byte]! - 1;
    const storage = withFilter(descriptor, () => ({ ...filter, bits }));
    const { proof } = await inspectFilter(storage, descriptor, PROVE);
    expect(proof.denied).toBeGreaterThan(0);
    for (const key of proof.deniedKeys) {
      const answer = await keyAnswer(storage, descriptor, key);
      expect(answer).toMatchObject({ answer: 'denied', isHeld: true });
      expect(answer.bits.filter(({ isSet }) => !isSet).length).toBeGreaterThan(0);
      expect((await keyAnswer(diskStorage, descriptor, key)).answer).toBe('passes');
    }
  });

  test('of another SSTable denies keys; a few are enough to see it', async () => {
    const bytes = fs.readFileSync(componentPath(find('oa-5.0', 'inventory'), COMPONENT.filter));
    expect(
      await rulesOf(
        withFilter(oa, () => bytes),
        oa,
        FEW,
      ),
    ).toEqual(['bloom-denies-keys']);
  });

  test('that lacks bits is told where not all keys are asked', async () => {
    const inspection = await inspectFilter(diskStorage, oa, FEW);
    const filter = { ...inspection.filter!, bitsSet: Math.round(inspection.filter!.bitsSet * 0.7) };
    const proof = { ...inspection.proof, kind: 'few' as const };
    expect(bloomFindings({ ...inspection, filter, proof }, undefined).map(({ rule }) => rule)).toEqual([
      'bloom-bits-missing',
    ]);
    expect(bloomFindings({ ...inspection, proof }, undefined)).toEqual([]);
  });

  test('that passes everything, or too much', async () => {
    const full = withFilter(oa, (filter) => ({ ...filter, bits: filter.bits.map(() => 0xff) }));
    expect(await rulesOf(full, oa)).toEqual(['bloom-passes-everything']);
    const half = withFilter(oa, (filter) => ({ ...filter, bits: filter.bits.map((b) => b | 0x0f) }));
    expect(await rulesOf(half, oa)).toEqual(['bloom-overfull']);
    expect(
      await rulesOf(
        withFilter(oa, () => new Uint8Array(0)),
        oa,
      ),
    ).toEqual(['bloom-passes-everything']);
  });

  test('that is cut can not be read', async () => {
    for (const length of [1, 7, 8, 20]) {
      const storage = withFilter(oa, (filter) => encodeFilter(filter, oa.version).subarray(0, length));
      expect(await rulesOf(storage, oa)).toEqual(['bloom-unreadable']);
    }
  });

  test('that is not there: a node makes it, unless the table wants none', async () => {
    const filter = componentPath(oa, COMPONENT.filter);
    const storage: Storage = { ...diskStorage, stat: (file) => (file === filter ? undefined : diskStorage.stat(file)) };
    expect(await rulesOf(storage, oa)).toEqual(['bloom-missing']);
    expect(await rulesOf(storage, oa, PROVE, 1)).toEqual([]);
  });

  test('an index that ends early proves nothing of the keys behind', async () => {
    const index = componentPath(oa, COMPONENT.index);
    const bytes = fs.readFileSync(index);
    const cutInKey = overlayStorage(diskStorage, new Map([[index, bytes.subarray(0, bytes.length - 3)]]));
    expect(await rulesOf(cutInKey, oa)).toEqual(['bloom-keys-unread']);
    const cutBetween = overlayStorage(diskStorage, new Map([[index, new Uint8Array(0)]]));
    expect(await rulesOf(cutBetween, oa)).toEqual(['bloom-keys-unread']);
  });
});

describe('cost', () => {
  test('no Data.db and no index of a large SSTable without being asked', async () => {
    const storage = new CountingStorage();
    const large: Storage = {
      open: (file) => storage.open(file),
      list: (directory) => storage.list(directory),
      stat: (file) => {
        const stat = storage.stat(file);
        return stat && /(Index|Data|Partitions)\.db$/.test(file) ? { ...stat, size: 1 << 30 } : stat;
      },
    };
    for (const fixture of ['oa-5.0', 'da-5.0', 'nb-4.1']) {
      const { proof } = await inspectFilter(large, find(fixture, 'orders_by_id'), FEW);
      expect(proof.kind).toBe('few');
      expect(proof.asked).toBeGreaterThan(1);
    }
    const opened = storage.opened.map((name) => name.replace(/^.*-/, ''));
    expect(opened).not.toContain('Data.db');
    expect(opened).not.toContain('Index.db');
  });
});

describe('how often a filter errs', () => {
  const keys = 20_000;
  const builder = makeFilterBuilder(keys, 0.01)!;
  const { filter } = builder;
  const { hashCount } = filter;
  const key = Buffer.alloc(8);
  for (let i = 0; i < keys; i++) {
    key.writeUInt32BE(i, 4);
    builder.add(key, 8);
  }

  test('measured, computed from the bits and planned agree', () => {
    const measured = measureRate(filter, 12, 200_000, 42);
    const computed = falsePositiveRate(bitsSet(filter), filter.bits.length * 8, hashCount);
    expect(measured.low).toBeLessThan(computed * 1.1);
    expect(measured.high).toBeGreaterThan(computed * 0.9);
    expect(plannedFilter(keys, 0.01).rate / computed).toBeCloseTo(1, 1);
    expect(plannedFilter(keys, 0.01).bits).toBe(filter.bits.length * 8);
  });

  test('the same seed draws the same keys, another others', () => {
    expect(measureRate(filter, 12, 50_000, 42)).toEqual(measureRate(filter, 12, 50_000, 42));
    expect(measureRate(filter, 12, 50_000, 43).passed).not.toBe(measureRate(filter, 12, 50_000, 42).passed);
  });

  test('bits set are as many as expected', () => {
    const { mean, deviation } = expectedBitsSet(keys, filter.bits.length * 8, hashCount);
    expect(Math.abs(bitsSet(filter) - mean)).toBeLessThan(5 * deviation);
    expect(deviation).toBeLessThan(mean / 100);
  });

  test('lengths that no key has', () => {
    const lengths = new KeyLengths();
    for (const length of [8, 12, 13, 16]) lengths.add(length);
    expect(lengths.unused()).toBe(14);
    for (let length = 0; length <= 0xffff; length++) lengths.add(length);
    expect(lengths.unused()).toBeUndefined();
  });

  // reference values: Wilson's score interval at z = 1.959964
  test.each([
    [0, 1_000_000, 0, 3.8414e-6],
    [10_000, 1_000_000, 0.009807, 0.010197],
    [1_000_000, 1_000_000, 0.9999962, 1],
  ])('%i of %i', (hits, draws, low, high) => {
    const interval = confidenceInterval(hits, draws);
    expect(interval.low).toBeCloseTo(low, 6);
    expect(interval.high).toBeCloseTo(high, 6);
  });
});

test('what other filters cost: memory and reads follow the chance', async () => {
  const three = DESCRIPTORS.filter(({ directory }) => /oa-5\.0.*\/orders_by_id-/.test(directory));
  const inspections = await Promise.all(three.map((descriptor) => inspectFilter(diskStorage, descriptor, FEW)));
  const table = tableBloom(inspections, [0.02]);
  expect(table.alternatives.map(({ fpChance }) => fpChance)).toEqual([0.001, 0.01, 0.02, 0.1, 1]);
  const real = table.alternatives[1]!;
  expect(real.memoryBytes).toBe(table.memoryBytes);
  expect(real.indexReads / table.indexReads).toBeCloseTo(1, 0);
  expect(table.alternatives.at(-1)).toMatchObject({ hashCount: 0, memoryBytes: 0, indexReads: table.probes });
  expect(table.probes).toBeGreaterThan(2.5);
  expect(table.probes).toBeLessThanOrEqual(3);
});

describe('rebuilding', () => {
  let root = '';
  beforeAll(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-bloom-'));
  });
  afterAll(() => fs.rmSync(root, { recursive: true }));

  /** A copy of one SSTable of the fixtures. */
  function copy(from: Descriptor, name: string): Descriptor {
    const directory = path.join(root, name);
    fs.mkdirSync(directory);
    for (const file of fs.readdirSync(from.directory)) {
      if (file.startsWith(`${from.prefix}-`))
        fs.copyFileSync(path.join(from.directory, file), path.join(directory, file));
    }
    return { ...from, directory };
  }

  test('gives the bytes that Cassandra wrote, for each SSTable of the fixtures', async () => {
    let same = 0;
    for (const descriptor of DESCRIPTORS) {
      const { validation, stats } = readStatistics(diskStorage, descriptor);
      if (validation.bloomFilterFpChance === 1) continue;
      const keys = histogramCount(stats.estimatedPartitionSize);
      const { bytes } = await buildFilter(diskStorage, descriptor, keys, validation.bloomFilterFpChance);
      const real = fs.readFileSync(componentPath(descriptor, COMPONENT.filter));
      // a node that expected another number of keys made one of another size
      if (real.length === bytes.length) {
        expect(Buffer.compare(bytes, real)).toBe(0);
        same++;
      }
    }
    expect(same).toBeGreaterThan(DESCRIPTORS.length / 2);
  });

  test.each(['oa-5.0', 'da-5.0', 'nb-4.1'])('%s: puts a missing filter back, and into TOC.txt', async (fixture) => {
    const descriptor = copy(find(fixture, 'orders_by_id'), `missing-${fixture}`);
    const filter = componentPath(descriptor, COMPONENT.filter);
    const real = fs.readFileSync(filter);
    fs.rmSync(filter);
    const toc = componentPath(descriptor, COMPONENT.toc);
    fs.writeFileSync(toc, fs.readFileSync(toc, 'utf8').replace('Filter.db\n', ''));
    const { bytes, keys } = await buildFilter(diskStorage, descriptor, 0, 0.01);
    expect(keys).toBe(350);
    expect(replaceFilter(diskOutput, descriptor, bytes, 0.01)).toEqual({
      components: [COMPONENT.filter, COMPONENT.toc],
      keepsOldChance: false,
    });
    expect(Buffer.compare(fs.readFileSync(filter), real)).toBe(0);
    expect(readToc(diskStorage, descriptor)).toContain(COMPONENT.filter);
    expect(fs.readdirSync(descriptor.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await rulesOf(diskStorage, descriptor)).toEqual([]);
  });

  test('of another chance changes what Statistics.db says of it, and nothing else there', async () => {
    const descriptor = copy(find('oa-5.0', 'orders_by_id'), 'chance');
    const before = readStatistics(diskStorage, descriptor).parts();
    const { bytes } = await buildFilter(diskStorage, descriptor, 350, 0.1);
    expect(replaceFilter(diskOutput, descriptor, bytes, 0.1).components).toEqual([
      COMPONENT.filter,
      COMPONENT.statistics,
    ]);
    const after = readStatistics(diskStorage, descriptor).parts();
    expect(after.validation).toEqual({ ...before.validation, bloomFilterFpChance: 0.1 });
    expect({ ...after, validation: undefined }).toEqual({ ...before, validation: undefined });
    expect(await rulesOf(diskStorage, descriptor)).toEqual([]);
    expect(decodeFilter(bytes, descriptor.version).hashCount).toBe(3);
  });
});
