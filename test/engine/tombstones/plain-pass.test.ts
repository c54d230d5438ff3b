/**
 * The kernel that passes over plain partitions against the merge of all of them: the same counts and verdicts on every table of the fixtures, on made-up
 * tables of all kinds, and of damaged files the same errors. `SEED=… npx vitest run test/engine/tombstones/plain-pass.test.ts` looks further.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { CorruptError } from '../../../src/bytes/errors.js';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { findTable, type Table, type View } from '../../../src/cql/schema.js';
import { overlapOf } from '../../../src/engine/compaction/overlap-purge.js';
import { readCandidates } from '../../../src/engine/compaction/read-candidate.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import { PlainPass } from '../../../src/engine/merge/plain-pass.js';
import { loadSchema } from '../../../src/engine/schema-loader.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { loneJudge } from '../../../src/engine/tombstones/judge.js';
import { JudgedSource } from '../../../src/engine/tombstones/judged-source.js';
import { type ScanResult, scanTable } from '../../../src/engine/tombstones/table-scan.js';
import { componentPath, type Descriptor } from '../../../src/sstable/descriptor.js';
import { FIXTURES } from '../../fixtures.js';
import { sequence16 } from '../../sequence.js';
import { COUNTER, type Contents, DESCENDING, MAP, type Shape, TEXT, TestTable } from '../merge/build.js';
import { GC_BEFORE, NOW } from './random-table.js';

const SEED = Number(process.env.SEED ?? 0);
const STCS = { class: 'SizeTieredCompactionStrategy' };

type Given = {
  readonly storage: Storage;
  readonly descriptors: readonly Descriptor[];
  readonly definition?: Table | View | undefined;
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
};

/** What a scan tells, without the order of groups of equal rank. */
async function scanned(given: Given, withoutKernel: boolean): Promise<object> {
  const { storage, definition, nowSeconds, gcGraceSeconds } = given;
  const sstables = readCandidates(storage, given.descriptors);
  const params = compactionParams(STCS);
  const common = { storage, definition, params, nowSeconds, gcGraceSeconds, isStrict: false };
  const outsideOf = (one: (typeof sstables)[number]) => ({ ...overlapOf(storage, one), files: [{ storage, descriptor: one.descriptor }] }); // biome-ignore format: one line
  const judges = sstables.map((one) => {
    const others = sstables.filter((other) => other !== one).map(outsideOf);
    return loneJudge({ ...common, inputs: [one], others }).purger;
  });
  return shown(await scanTable({ ...common, sstables, rows: 3, top: 1000, warn: 1, fail: 3, judges, withoutKernel }));
}

function shown({ reads, groups }: ScanResult): object {
  const tallyText = ({ counts, oldestSeconds, newestSeconds }: ScanResult['reads']['tally']) => `${counts.join()} ${oldestSeconds} ${newestSeconds}`; // biome-ignore format: one line
  const top = reads.top.map(({ key, reads: own, tally, liveRows }) => [Buffer.from(key).toString('hex'), own, tallyText(tally), liveRows]); // biome-ignore format: one line
  const judged = groups.map((list) => list.map(({ tally, ...rest }) => ({ ...rest, tally: tallyText(tally) })));
  return { ...reads, tally: tallyText(reads.tally), top, judged };
}

/** @returns how often the kernel was asked */
async function compare(given: Given, name: string): Promise<number> {
  const asked = vi.spyOn(PlainPass.prototype, 'run');
  const kernel = await scanned(given, false);
  const { length } = asked.mock.calls;
  expect(kernel, name).toEqual(await scanned(given, true));
  expect(asked.mock.calls.length).toBe(length);
  asked.mockRestore();
  return length;
}

describe.each(['oa-5.0', 'da-5.0', 'nb-4.1'])('fixtures of %s', (set) => {
  it('gives the same of every table', async () => {
    const root = path.join(FIXTURES, set, 'data');
    const nowSeconds = Number(fs.readFileSync(path.join(FIXTURES, set, 'clock'), 'utf8'));
    const { schema } = await loadSchema(diskStorage, [root], { nowSeconds });
    let asked = 0;
    for (const { place, sstables } of resolvePaths(diskStorage, [root]).directories) {
      if (sstables.length === 0) continue;
      const definition = findTable(schema, place.keyspace, place.table);
      const descriptors = sstables.map(({ descriptor }) => descriptor);
      for (const gcGraceSeconds of [0, 864_000]) {
        const given = { storage: diskStorage, descriptors, definition, nowSeconds, gcGraceSeconds };
        asked += await compare(given, `${place.keyspace}.${place.table}`);
      }
    }
    expect(asked).toBeGreaterThan(20);
  });
});

const SHAPES: Readonly<Record<string, readonly Shape[]>> = {
  'rows of one partition each': [{ clustering: [], regulars: { v: TEXT, w: TEXT } }],
  'rows of one partition each, whose columns came': [
    { clustering: [], regulars: { v: TEXT, w: TEXT } },
    { clustering: [], regulars: { u: TEXT, v: TEXT, w: TEXT } },
  ],
  'clustered rows': [{ clustering: [TEXT], regulars: { v: TEXT, w: TEXT } }],
  'descending rows': [{ clustering: [DESCENDING], regulars: { v: TEXT, w: TEXT } }],
  'static columns': [{ clustering: [TEXT], statics: { s: TEXT }, regulars: { v: TEXT, w: TEXT } }],
  'a map beside': [{ clustering: [TEXT], regulars: { v: TEXT, w: TEXT, m: MAP } }],
  'columns that came and went': [
    { clustering: [TEXT], regulars: { v: TEXT, w: TEXT } },
    { clustering: [TEXT], regulars: { u: TEXT, v: TEXT, w: TEXT } },
    { clustering: [TEXT], statics: { s: TEXT }, regulars: { v: TEXT, w: TEXT } },
  ],
};

/** @param from the least timestamp */
function contents(below: (n: number) => number, shape: Shape, keys: number, from = 1): Contents {
  return Object.fromEntries(
    Array.from({ length: keys }, () => {
      const long = below(40) === 0 ? 'k'.repeat(3000) : '';
      return [`k${below(keys * 2)}${long}`, linesOf(below, shape, from)];
    }),
  );
}

/** Mostly rows as an INSERT writes them. Columns that the shape does not have are never named. */
function linesOf(below: (n: number) => number, { clustering, statics }: Shape, from: number): string[] {
  const at = from + below(8);
  const value = 'x'.repeat([0, 1, 3, 70, 200, 30_000][below(40) === 0 ? 5 : below(5)]!);
  const plain = (place: string) => `${place}: @${at} v=${value}@${at} w=y@${at}`;
  const isSingle = clustering?.length === 0;
  const places = isSingle ? [''] : Array.from({ length: 1 + below(below(9) === 0 ? 40 : 4) }, (_, i) => `r${String(i).padStart(2, '0')}`); // biome-ignore format: one line
  if (clustering?.[0] === DESCENDING) places.reverse();
  const lines = places.map(plain);
  const place = places.at(-1)!;
  const others = [
    `${place}: @${at} v=x@${at + 1} w=y@${at}`,
    `${place}: @${at} v=x@${at}`,
    `${place}: v=x@${at} w=y@${at}`,
    `${place}: @${at}+50=950 v=x@${at} w=y@${at}`,
    `${place}: @${at} v-@${at}/890 w=y@${at}`,
    `${place}: @${at} v=x@${at}+50=960 w=y@${at}`,
    `${place}: -${at}/950`,
    `${place}: -${at - 1}/950 @${at} v=x@${at}`,
    `${place}: @${at}`,
  ];
  const kind = below(14);
  if (kind === 0) lines[lines.length - 1] = others[below(others.length)]!;
  if (kind === 1) lines.unshift(`deletion ${from - 1 + below(9)}/${890 + below(100)}`);
  if (kind === 2) return [`deletion ${at}/950`];
  if (kind === 3 && !isSingle && clustering?.[0] !== DESCENDING) lines.push(`[s ${at}/950`, `ss] ${at}/950`);
  if (kind === 4 && statics) lines.unshift(`static: s=x@${at}`);
  if (kind === 5 && statics) lines.unshift(`static: s-@${at}/950`);
  return lines;
}

describe.each(['oa', 'da', 'nb'] as const)('%s', (version) => {
  it.each(Object.keys(SHAPES))('gives the same of %s', async (name) => {
    for (let n = 0; n < 3; n++) {
      const seed = SEED * 1000 + n + name.length * 11 + version.charCodeAt(0);
      const next = sequence16(seed);
      const below = (to: number) => next() % to;
      const shapes = SHAPES[name]!;
      const isOneRow = shapes[0]!.clustering?.length === 0 && shapes.length === 1;
      const table = new TestTable(shapes[0]!, version);
      const descriptors = Array.from({ length: 1 + n * 2 }, (_, i) => {
        const shape = shapes[i % shapes.length]!;
        return table.make(contents(below, shape, 150, 1 + i * [0, 3, 8][n]!), shape).descriptor;
      });
      const given = { storage: table.output, descriptors, nowSeconds: NOW, gcGraceSeconds: NOW - GC_BEFORE };
      const told = vi.spyOn(JudgedSource.prototype, 'takeItem');
      expect(await compare(given, `seed ${seed}`)).toBeGreaterThan(0);
      if (isOneRow) expect(told.mock.calls.length).toBeGreaterThan(15);
      if (shapes[0]!.clustering!.length > 0) expect(told).not.toHaveBeenCalled();
      told.mockRestore();
    }
  });
});

/** Of one row, all that can be deleted or expire in it. Few times, so that many are the same. */
function oddLines(below: (n: number) => number): string[] {
  const at = () => 1 + below(5);
  const local = () => [850, 899, 900, 950, 1000, 1100][below(6)]!;
  // cells that are the same but for their TTL would be told apart by who comes first
  const expiry = (written: number) => `+${20 + written}=${[880, 930, 960, 1000, 1001, 1500][below(6)]}`;
  const time = at();
  const own = below(3) === 0 ? expiry(time) : '';
  const cell = (name: string) => {
    const other = at();
    const kinds = [`${name}=x@${time}${own}`, `${name}=x@${time}${own}`, `${name}=y@${at()}`, `${name}=x@${other}${expiry(other)}`, `${name}-@${at()}/${local()}`, `${name}=@${time}`, '']; // biome-ignore format: one line
    return kinds[below(kinds.length)]!;
  };
  const row = [below(6) === 0 ? `-${at()}/${local()}` : '', below(4) > 0 ? `@${time}${own}` : '', cell('v'), cell('w')];
  const items = row.filter((item) => item !== '');
  const deletion = below(5) === 0 ? [`deletion ${at()}/${local()}`] : [];
  return items.length > 0 && below(12) > 0 ? [...deletion, `: ${items.join(' ')}`] : deletion;
}

it.each(['oa', 'da', 'nb'] as const)(
  '%s: gives the same of one row of all kinds, however many have it',
  async (version) => {
    for (let n = 0; n < 12; n++) {
      const seed = SEED * 1000 + n * 3 + version.charCodeAt(0);
      const next = sequence16(seed);
      const below = (to: number) => next() % to;
      const shape = SHAPES['rows of one partition each']![0]!;
      const table = new TestTable(shape, version);
      // beyond sixteen SSTables they are merged
      const descriptors = Array.from({ length: [1, 2, 3, 5, 8, 20][n % 6]! }, () => {
        const all = Array.from({ length: 60 }, () => [`k${below(80)}`, oddLines(below)] as const);
        return table.make(Object.fromEntries([['k', [': @9 v=x@9 w=y@9']], ...all.filter(([, lines]) => lines.length > 0)]), shape).descriptor; // biome-ignore format: one line
      });
      const told = vi.spyOn(JudgedSource.prototype, 'takeItem');
      for (const gcGraceSeconds of [0, NOW - GC_BEFORE, 1_000_000]) {
        const given = { storage: table.output, descriptors, nowSeconds: NOW, gcGraceSeconds };
        await compare(given, `seed ${seed}, gc_grace ${gcGraceSeconds}`);
      }
      expect(told.mock.calls.length).toBeGreaterThan(20);
      told.mockRestore();
    }
  },
);

it('leaves counters to the merge', async () => {
  const table = new TestTable({ regulars: { c: COUNTER } });
  const { descriptor } = table.make({ k: ['a: @5', 'b: -6/950'], l: ['deletion 5/950'] });
  await compare({ storage: table.output, descriptors: [descriptor], nowSeconds: NOW, gcGraceSeconds: 10 }, 'counters');
});

it.each(['clustered rows', 'rows of one partition each'])('tells of damage as the merge does: %s', async (name) => {
  const shape = SHAPES[name]![0]!;
  const next = sequence16(SEED + 77);
  const below = (to: number) => next() % to;
  const table = new TestTable(shape);
  const descriptors = [0, 1].map(() => table.make(contents(below, shape, 100)).descriptor);
  const file = componentPath(descriptors[0]!, 'Data.db');
  table.files.delete(componentPath(descriptors[0]!, 'CRC.db'));
  const whole = table.files.get(file)!;
  const given = { storage: table.output, descriptors, nowSeconds: NOW, gcGraceSeconds: NOW - GC_BEFORE };
  const outcome = async (withoutKernel: boolean) => {
    try {
      return await scanned(given, withoutKernel);
    } catch (error) {
      return { message: (error as Error).message, facts: (error as CorruptError).facts };
    }
  };
  let failed = 0;
  for (let i = 0; i < 150; i++) {
    const bytes = Buffer.from(whole.subarray(0, i % 8 === 7 ? below(whole.length) : whole.length));
    bytes[below(Math.min(bytes.length, 20_000))]! ^= 1 << below(8);
    table.files.set(file, bytes);
    const seen = await outcome(false);
    expect(seen, `${SEED} ${i}`).toEqual(await outcome(true));
    if ('message' in seen) failed++;
  }
  expect(failed).toBeGreaterThan(15);
});
