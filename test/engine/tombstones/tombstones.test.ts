import { describe, expect, it } from 'vitest';
import { overlapOf } from '../../../src/engine/compaction/overlap-purge.js';
import { readCandidate } from '../../../src/engine/compaction/read-candidate.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import type { Candidate } from '../../../src/engine/strategies/strategy.js';
import { type Judgement, judgeCompaction } from '../../../src/engine/tombstones/judge.js';
import { remedySets } from '../../../src/engine/tombstones/remedy.js';
import { scanTable } from '../../../src/engine/tombstones/table-scan.js';
import { tableTombstones } from '../../../src/engine/tombstones/table-tombstones.js';
import type { Tally } from '../../../src/engine/tombstones/tally.js';
import { keyOf } from '../../../src/engine/tombstones/verdict-purger.js';
import type { Made, TestTable } from '../merge/build.js';
import { countText, GC_BEFORE, NOW, randomTable, readText } from './random-table.js';

const STCS = { class: 'SizeTieredCompactionStrategy' };
const RUNS = 40;
const ROWS = 2;

function common(table: TestTable, compaction: Readonly<Record<string, string>> = STCS) {
  return {
    storage: table.output,
    definition: undefined,
    params: compactionParams(compaction),
    nowSeconds: NOW,
    gcGraceSeconds: NOW - GC_BEFORE,
    isStrict: false,
  };
}

function candidatesOf(table: TestTable, parts: readonly Made[]): Candidate[] {
  return parts.map(({ descriptor }) => readCandidate(table.output, descriptor));
}

function outsideOf(table: TestTable, one: Candidate) {
  return { ...overlapOf(table.output, one), files: [{ storage: table.output, descriptor: one.descriptor }] };
}

function totals({ groups }: Judgement, verdicts: readonly string[]) {
  const sum = { partition: 0, range: 0, row: 0, collection: 0, ends: 0 };
  for (const { verdict, tally } of groups) {
    if (!verdicts.includes(verdict)) continue;
    const { cell, expired, ...rest } = tally.byKind;
    for (const [kind, count] of Object.entries(rest)) sum[kind as keyof typeof rest] += count;
    sum.ends += cell + expired;
  }
  return sum;
}

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);

describe('verdicts', () => {
  it('are what a compaction purges and keeps, and sums over partitions are the whole', async () => {
    const seen = { droppable: 0, later: 0, blocked: 0 };
    for (let seed = 1; seed <= RUNS; seed++) {
      const { table, parts } = await randomTable(seed, 4);
      const take = 1 + (seed % 4);
      const [inside, outside] = [parts.slice(0, take), parts.slice(take)];
      const inputs = candidatesOf(table, inside);
      const others = candidatesOf(table, outside).map((one) => outsideOf(table, one));
      const wanted = new Set(['k0', 'k1', 'k2', 'k3'].map((key) => keyOf(Buffer.from(key))));
      const judgement = await judgeCompaction({ ...common(table), inputs, others, wanted });
      const expired = inside.filter(({ descriptor }) =>
        judgement.expired.some((one) => one.descriptor.prefix === descriptor.prefix),
      );
      const read = inside.filter((one) => !expired.includes(one));
      const options = { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE, outside };
      const compacted = await table.merge(read, options);
      if (compacted.purge) expect(judgement.purge, `seed ${seed}`).toEqual(compacted.purge);
      expect(totals(judgement, ['later', 'blocked']), `seed ${seed}`).toEqual(countText(compacted.contents));
      const { tombstonesPurged, expiredPurged } = judgement.purge;
      expect(sumOf(totals(judgement, ['droppable'])), `seed ${seed}`).toBe(tombstonesPurged + expiredPurged);
      const apart = [...judgement.partitions.values()].flat();
      for (const verdict of ['droppable', 'later', 'blocked'] as const) {
        const whole = judgement.groups.filter((group) => group.verdict === verdict);
        const count = whole.reduce((sum, { tally }) => sum + tally.total, 0);
        const ofPartitions = apart.filter((group) => group.verdict === verdict);
        expect(
          ofPartitions.reduce((sum, { tally }) => sum + tally.total, 0),
          `seed ${seed}`,
        ).toBe(count);
        seen[verdict] += count;
      }
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(40);
  });

  it('of the one scan of a table are those of each SSTable compacted by itself, of the worst partitions too', async () => {
    let judged = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const { table, parts } = await randomTable(seed, 4);
      const sstables = candidatesOf(table, parts);
      const setup = { ...common(table), sstables, rows: ROWS, top: 3, warn: 1, fail: 2 };
      const { sstables: fates, partitions, reads } = await tableTombstones(setup);
      const wanted = new Set(reads?.top.map(({ key }) => keyOf(key)));
      for (const [i, sstable] of sstables.entries()) {
        const others = sstables.filter((one) => one !== sstable).map((one) => outsideOf(table, one));
        const alone = await judgeCompaction({ ...common(table), inputs: [sstable], others, wanted });
        const isExpired = alone.expired.length > 0;
        expect(fates[i]!.isExpired, `seed ${seed}`).toBe(isExpired);
        const sums = (groups: readonly { verdict: string; tally: Tally }[]) =>
          groups.map(({ verdict, tally: { counts, oldestSeconds, newestSeconds } }) => `${verdict} ${counts.join()} ${oldestSeconds} ${newestSeconds}`).toSorted(); // biome-ignore format: one line
        if (isExpired) {
          expect(fates[i]!.fates.reduce((sum, { tally }) => sum + tally.total, 0)).toBe(alone.expiredTally.total);
          continue;
        }
        expect(sums(fates[i]!.fates), `seed ${seed}`).toEqual(sums(alone.groups));
        for (const key of wanted) {
          const own = partitions.get(key)?.find((one) => one.sstable === sstable)?.fates ?? [];
          expect(sums(own), `seed ${seed}`).toEqual(sums(alone.partitions.get(key) ?? []));
          judged += own.length;
        }
      }
    }
    expect(judged).toBeGreaterThan(200);
  });

  it('keep everything of unrepaired SSTables under only_purge_repaired_tombstones', async () => {
    const { table, parts } = await randomTable(3, 3);
    const setup = common(table, { ...STCS, only_purge_repaired_tombstones: 'true' });
    const judgement = await judgeCompaction({ ...setup, inputs: candidatesOf(table, parts), others: [] });
    expect(judgement.groups.length).toBeGreaterThan(0);
    for (const group of judgement.groups) expect([group.verdict, group.isUnrepaired]).toEqual(['blocked', true]);
    expect(judgement.purge.tombstonesPurged + judgement.purge.expiredPurged).toBe(0);
  });

  it('name who holds back, unflushed writes too', async () => {
    const { table } = await randomTable(1, 1);
    const old = table.make({ k0: ['a: @1 v=x@1 w=y@1'] });
    const elsewhere = table.make({ k1: ['a: @1 v=x@1 w=y@1'], k9: ['a: @9'] });
    const newer = table.make({ k0: ['a: @9 v=x@9 w=y@9'] });
    const deleting = table.make({ k0: ['a: -5/800', 'b: -5/950'], k2: ['a: -5/800'] });
    const all = candidatesOf(table, [old, elsewhere, newer, deleting]);
    const judge = async (unflushed?: boolean) => {
      const others = all.slice(0, 3).map((one) => outsideOf(table, one));
      const log = () => ({ hi: 0, lo: 5 });
      const { groups, outside } = await judgeCompaction({
        ...common(table),
        inputs: [all[3]!],
        others,
        ...(unflushed && { unflushed: log }),
      });
      return groups.map(({ verdict, by, isEarly, tally }) => {
        const names = by.map((i) => (i < 0 ? 'log' : outside[i]!.files[0]!.descriptor.id));
        return `${verdict} ${names.join('+')}${isEarly ? ' early' : ''}: ${tally.total}`;
      });
    };
    const id = old.descriptor.id;
    const reaching = await judge();
    expect(reaching.toSorted()).toEqual([`blocked ${id} early: 1`, `blocked ${id}: 1`, 'droppable : 1']);
    expect((await judge(true)).toSorted()).toEqual([
      `blocked ${id}+log early: 1`,
      `blocked ${id}+log: 1`,
      'blocked log: 1',
    ]);
  });
});

describe('reads', () => {
  it('meet what the merged and purged partitions show, by all shapes', async () => {
    let met = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const { table, parts } = await randomTable(seed, 1 + (seed % 4));
      const setup = { ...common(table), sstables: candidatesOf(table, parts), rows: ROWS, warn: 2, fail: 5 };
      const { top, reads, warned, failed } = (await scanTable({ ...setup, top: 100 })).reads;
      const { contents } = await table.merge(parts, { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE });
      const expected = Object.entries(contents)
        .map(([key, lines]) => ({ key, ...readText(lines, ROWS) }))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const found = top
        .map(({ key, reads: own, liveRows: live }) => ({ key: Buffer.from(key).toString(), ...own, live }))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const counted = new Set(found.map(({ key }) => key));
      expect(found, `seed ${seed}`).toEqual(expected.filter(({ key }) => counted.has(key)));
      for (const { key, whole } of expected) if (!counted.has(key)) expect(whole, `seed ${seed}`).toBe(0);
      for (const shape of ['whole', 'first', 'last'] as const) {
        const all = expected.map((one) => one[shape]);
        expect(reads[shape], `seed ${seed}`).toBe(all.reduce((a, b) => a + b, 0));
        expect(failed[shape]).toBe(all.filter((count) => count > 5).length);
        expect(warned[shape]).toBe(all.filter((count) => count > 2 && count <= 5).length);
      }
      met += reads.whole;
      const three = (await scanTable({ ...setup, top: 2 })).reads;
      expect(three.top.map(({ reads: own }) => own)).toEqual(top.slice(0, 2).map(({ reads: own }) => own));
    }
    expect(met).toBeGreaterThan(60);
  });
});

describe('remedies', () => {
  const bytes = [100, 10, 10, 1000];

  it('are the smallest sets that free all, the cheapest first', () => {
    const freeables = [
      { sstable: 3, with: [], count: 1 },
      { sstable: 1, with: [2], count: 10 },
      { sstable: 1, with: [], count: 5 },
      { sstable: 2, with: [0], count: 100 },
      { sstable: 0, with: [], count: 0 },
    ];
    const sets = remedySets(freeables, bytes);
    expect(sets.map(({ sstables, frees }) => ({ sstables, frees }))).toEqual([
      { sstables: [0, 1, 2], frees: 115 },
      { sstables: [3], frees: 1 },
    ]);
    expect(sets[0]!.steps).toEqual([
      { sstables: [0, 2], frees: 100, bytes: 110 },
      { sstables: [0, 1, 2], frees: 115, bytes: 120 },
    ]);
    expect(remedySets([], bytes)).toEqual([]);
  });

  it('free what they say, and nothing more can be freed', async () => {
    let freed = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { table, parts } = await randomTable(seed, 4);
      const sstables = candidatesOf(table, parts);
      const { remedies, sstables: fates } = await tableTombstones({
        ...common(table),
        sstables,
        rows: ROWS,
        top: 0,
        warn: 1,
        fail: 2,
      });
      const gone = new Set<string>();
      for (const remedy of remedies) {
        const inputs = parts.filter((one) =>
          remedy.sstables.some((s) => s.descriptor.prefix === one.descriptor.prefix),
        );
        for (const { descriptor } of inputs) gone.add(descriptor.prefix);
        const outside = parts.filter((one) => !inputs.includes(one));
        const all = { ...common(table), inputs: candidatesOf(table, inputs) };
        const judged = await judgeCompaction({ ...all, others: candidatesOf(table, outside).map((one) => outsideOf(table, one)) }); // biome-ignore format: one line
        const read = inputs.filter((one) => !judged.expired.some((e) => e.descriptor.prefix === one.descriptor.prefix));
        const left = await table.merge(read, { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE, outside });
        let before = 0;
        for (const input of inputs) before += sumOf(countText(await table.read(input)));
        expect(remedy.freed, `seed ${seed}`).toBe(before - sumOf(countText(left.contents)));
        freed += remedy.freed;
      }
      for (const { sstable, droppable } of fates) {
        if (droppable > 0) expect(gone.has(sstable.descriptor.prefix), `seed ${seed}`).toBe(true);
      }
    }
    expect(freed).toBeGreaterThan(15);
  });
});
