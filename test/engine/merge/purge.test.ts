/** What goes for good, from when on, and what keeps it. Now is 1000 s, gc_grace 100 s, unless a case says otherwise. */
import { describe, expect, it } from 'vitest';
import { murmur3Token } from '../../../src/cql/token.js';
import { MAP, type MergeOptions, type Shape, TEXT, TestTable } from './build.js';

const SHAPE: Shape = {
  clustering: [TEXT],
  statics: { s: TEXT, sm: MAP },
  regulars: { m: MAP, v: TEXT, w: TEXT },
};
const NOW = 1000;
const GC_BEFORE = 900;

async function purged(lines: readonly string[], options: MergeOptions = {}) {
  const table = new TestTable(SHAPE);
  const once = { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE, ...options };
  const alone = await table.merge([table.make({ k: lines })], once);
  // a partition of two SSTables goes another way, and must come to the same
  const twice = await table.merge([table.make({ k: lines }), table.make({ k: lines })], once);
  expect(twice.contents).toEqual(alone.contents);
  return alone;
}

async function expectPurged(lines: readonly string[], expected: readonly string[], options?: MergeOptions) {
  expect((await purged(lines, options)).contents.k ?? []).toEqual(expected);
}

function tokenOf(key: string): bigint {
  const halves = new Int32Array(2);
  murmur3Token(Buffer.from(key), 0, key.length, halves);
  return (BigInt(halves[0]!) << 32n) | BigInt(halves[1]! >>> 0);
}

type Case = readonly [name: string, lines: readonly string[], expected: readonly string[]];

describe('deletions go when their local deletion time is before gcBefore', () => {
  it.each<Case>([
    ['partition, a second too early', ['deletion 5/900'], ['deletion 5/900']],
    ['partition', ['deletion 5/899'], []],
    ['partition, not what it left', ['deletion 5/899', 'a: v=x@6'], ['a: v=x@6']],
    ['row, a second too early', ['a: -5/900'], ['a: -5/900']],
    ['row', ['a: -5/899'], []],
    ['row, not what is later', ['a: -5/899 v=x@6'], ['a: v=x@6']],
    ['row, shadowable', ['a: ~5/899 v=x@6'], ['a: v=x@6']],
    ['cell, a second too early', ['a: v-@5/900'], ['a: v-@5/900']],
    ['cell', ['a: v-@5/899 w=x@5'], ['a: w=x@5']],
    ['the last cell takes the row with it', ['a: v-@5/899'], []],
    ['a cell does not take the liveness with it', ['a: @5 v-@5/899'], ['a: @5']],
    ['column, a second too early', ['a: m-5/900'], ['a: m-5/900']],
    ['column', ['a: m-5/899 m[p]=x@6'], ['a: m[p]=x@6']],
    ['element', ['a: m-5/900 m[p]-@6/899 m[q]-@6/900'], ['a: m-5/900 m[q]-@6/900']],
    ['static', ['static: s-@5/899 sm-5/899 sm[p]-@6/899', 'a: v=x@1'], ['a: v=x@1']],
    ['static, what stays', ['static: s-@5/899 sm-5/899 sm[p]=x@6'], ['static: sm[p]=x@6']],
    ['a static row with nothing left takes the partition with it', ['static: s-@5/899'], []],
    ['at the end of time', ['a: v-@5/4294967293'], ['a: v-@5/4294967293']],
    ['range, a second too early', ['[a 5/900', 'b] 5/900'], ['[a 5/900', 'b] 5/900']],
    ['range', ['[a 5/899', 'b] 5/899'], []],
    ['range, not the row in it', ['[a 5/899', 'b: v=x@6', 'c] 5/899'], ['b: v=x@6']],
    ['the side of a boundary that ends', ['[a 5/899', 'b)[ 5/899 6/900', 'c] 6/900'], ['[b 6/900', 'c] 6/900']],
    ['the side of a boundary that begins', ['[a 6/900', 'b)[ 6/900 5/899', 'c] 5/899'], ['[a 6/900', 'b) 6/900']],
    [
      'the side of a boundary behind its clustering that ends',
      ['[a 5/899', 'b]( 5/899 6/900', 'c] 6/900'],
      ['(b 6/900', 'c] 6/900'],
    ],
    [
      'the side of a boundary behind its clustering that begins',
      ['[a 6/900', 'b]( 6/900 5/899', 'c] 5/899'],
      ['[a 6/900', 'b] 6/900'],
    ],
    ['both sides of a boundary', ['[a 5/899', 'b)[ 5/899 6/898', 'c] 6/898'], []],
    ['no side of a boundary', ['[a 5/900', 'b)[ 5/900 6/901', 'c] 6/901'], ['[a 5/900', 'b)[ 5/900 6/901', 'c] 6/901']],
  ])('%s', (_, lines, expected) => expectPurged(lines, expected));

  it('of a partition in several SSTables only after what they cover has gone', async () => {
    const table = new TestTable(SHAPE);
    const inputs = [
      table.make({ k: ['deletion 5/100'], l: ['[a 5/100', 'c] 5/100'], m: ['b: -5/100'], n: ['b: m-5/100 v-@5/100'] }),
      table.make({ k: ['static: s=x@5', 'b: @5'], l: ['b: @5 v=x@5'], m: ['b: @5 v=x@5'], n: ['b: v=x@4 m[p]=x@5'] }),
    ];
    const { contents, made, merge } = await table.merge(inputs, { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE });
    expect(contents).toEqual({});
    expect(made).toBeUndefined();
    expect(merge).toMatchObject({ partitionsOut: 0, partitionsGone: 4, rowsOut: 0, markersOut: 0 });
  });

  it('never, where it is said so', () =>
    expectPurged(['deletion 5/1', 'a: -6/1 v-@7/1'], ['deletion 5/1', 'a: -6/1 v-@7/1'], { never: true }));

  it('not without a purge', async () => {
    const table = new TestTable(SHAPE);
    const lines = ['deletion 5/1', 'a: @6+10=11 v=x@7+10=11'];
    expect((await table.merge([table.make({ k: lines })])).contents.k).toEqual(lines);
  });
});

describe('what expires', () => {
  it.each<Case>([
    ['lives to the second before', ['a: v=x@5+10=1001'], ['a: v=x@5+10=1001']],
    ['is a tombstone of the time of its write from then on', ['a: v=x@5+10=1000'], ['a: v-@5/990']],
    ['elements as well', ['a: m[p]=x@5+10=1000 m[q]=y@5'], ['a: m[p]-@5/990 m[q]=y@5']],
    ['static ones as well', ['static: s=x@5+10=1000'], ['static: s-@5/990']],
    ['goes at once where gc_grace is over for the expiry', ['a: v=x@5+10=899 w=y@5'], ['a: w=y@5']],
    ['goes at once where gc_grace is over for the write', ['a: v=x@5+101=1000 w=y@5'], ['a: w=y@5']],
    ['stays where gc_grace ends now for the write', ['a: v=x@5+100=1000'], ['a: v-@5/900']],
    ['liveness lives to the second before', ['a: @5+10=1001'], ['a: @5+10=1001']],
    ['liveness stays through gc_grace', ['a: @5+10=900'], ['a: @5+10=900']],
    ['liveness goes after it, whenever it was written', ['a: @5+10=899 v=x@6'], ['a: v=x@6']],
    ['liveness that was written long ago but expired late stays', ['a: @5+800=950'], ['a: @5+800=950']],
    ['liveness that had expired when it was written goes by its time', ['a: @5+2147483647=899 v=x@6'], ['a: v=x@6']],
    [
      'liveness that had expired when it was written stays through gc_grace',
      ['a: @5+2147483647=900'],
      ['a: @5+2147483647=900'],
    ],
    [
      'liveness that had expired when it was written is not live before its time either',
      ['a: @5+2147483647=5000'],
      ['a: @5+2147483647=5000'],
    ],
    ['a row of it goes as a whole', ['a: @5+10=899 v=x@5+10=899'], []],
    [
      'a row in gc_grace keeps its liveness, its cells become tombstones',
      ['a: @5+10=1000 v=x@5+10=1000'],
      ['a: @5+10=1000 v-@5/990'],
    ],
  ])('%s', (_, lines, expected) => expectPurged(lines, expected));

  it('becomes a tombstone although nothing may be purged', () =>
    expectPurged(['a: v=x@5+10=100 w-@5/1'], ['a: v-@5/90 w-@5/1'], { never: true }));

  it('is counted by what became of it', async () => {
    const { purge } = await purged([
      'deletion 1/10',
      'a: @5+10=899 v=x@5+10=899 w=x@5+10=1000',
      'b: -5/10 v-@6/10 m-6/10 m[p]-@7/10',
      '[c 5/10',
      'd] 5/10',
    ]);
    // the second SSTable's are the same: the counts are those of the first merge alone
    expect(purge).toMatchObject({ expiredPurged: 2, expiredToTombstones: 1 });
    expect(purge!.tombstonesPurged).toBe(7);
  });
});

describe('gc_grace', () => {
  it.each<readonly [name: string, options: MergeOptions, lines: readonly string[], expected: readonly string[]]>([
    [
      'of 0: what was deleted before now goes',
      { gcBeforeSeconds: NOW },
      ['a: v-@5/999', 'b: v-@5/1000'],
      ['b: v-@5/1000'],
    ],
    [
      'of 0: what expires now stays as the tombstone of its write only if that is now',
      { gcBeforeSeconds: NOW },
      ['a: v=x@5+10=1000'],
      [],
    ],
    [
      'longer than time itself: nothing goes',
      { gcBeforeSeconds: -5 },
      ['a: v-@5/0', 'deletion 1/0'],
      ['deletion 1/0', 'a: v-@5/0'],
    ],
    [
      'past 2038',
      { nowSeconds: 3_000_000_000, gcBeforeSeconds: 2_999_999_000 },
      ['a: v-@5/2999998999', 'b: v-@5/2999999000', 'c: v=x@5+10=2999999999', 'd: v=x@5+10=3000000001'],
      ['b: v-@5/2999999000', 'c: v-@5/2999999989', 'd: v=x@5+10=3000000001'],
    ],
  ])('%s', (_, options, lines, expected) => expectPurged(lines, expected, options));
});

describe('strict liveness', () => {
  it.each<Case>([
    ['a row without liveness is gone where anything in it is deleted', ['a: v=x@5 w-@5/950'], []],
    ['also where its liveness has just been purged', ['a: @5+10=899 v=x@5'], []],
    ['also where its deletion has just been purged', ['a: -4/899 v=x@5'], []],
    ['one with a deletion that stays stays', ['a: -4/900 v=x@5'], ['a: -4/900 v=x@5']],
    ['one with liveness stays', ['a: @5 v=x@5 w-@5/899'], ['a: @5 v=x@5']],
    ['one with liveness in gc_grace stays', ['a: @5+10=900 v=x@5'], ['a: @5+10=900 v=x@5']],
    ['one in which nothing is deleted stays as it is', ['a: v=x@5'], ['a: v=x@5']],
  ])('%s', (_, lines, expected) => expectPurged(lines, expected, { strictLiveness: true }));
});

describe('dropped columns', () => {
  it.each<Case>([
    ['cells from before the drop', ['a: v=x@5 w=y@5'], ['a: w=y@5']],
    ['cells of the very time of the drop', ['a: v=x@10 w=y@5'], ['a: w=y@5']],
    ['not those of a column added again', ['a: v=x@11'], ['a: v=x@11']],
    ['tombstones', ['a: v-@5/950 w=y@5'], ['a: w=y@5']],
    ['a row of nothing else', ['a: v=x@5'], []],
    ['not the liveness of the row', ['a: @5 v=x@5'], ['a: @5']],
    ['static ones', ['static: s=x@5', 'a: @1'], ['a: @1']],
    ['elements', ['a: m[p]=x@5 m[q]=y@11'], ['a: m[q]=y@11']],
    ['a deletion of the column', ['a: m-10/950 m[q]=y@11'], ['a: m[q]=y@11']],
    [
      'a later deletion of the column stays, and covers',
      ['a: m-11/950 m[p]=x@10 m[q]=y@12'],
      ['a: m-11/950 m[q]=y@12'],
    ],
    ['a column of which nothing is left', ['a: m-10/950 m[q]=y@10 w=y@1'], ['a: w=y@1']],
  ])('%s', (_, lines, expected) => expectPurged(lines, expected, { dropped: { v: 10, m: 10, s: 10 } }));
});

/** Keys whose tokens lie on both sides of k's. */
const AROUND_K = Object.fromEntries([...'abcdefghij'].map((key) => [key, ['a: v=x@1']]));

describe('other SSTables keep deletions', () => {
  it('the filter is what is asked', () => {
    const others = Object.keys(AROUND_K).map(tokenOf);
    const own = tokenOf('k');
    expect(others.some((one) => one < own) && others.some((one) => one > own)).toBe(true);
  });

  type Overlap = readonly [name: string, outside: readonly Record<string, string[]>[], isKept: boolean];
  it.each<Overlap>([
    ['with data of the partition that is older', [{ k: ['a: v=x@4'] }], true],
    ['with data of the partition that is as old', [{ k: ['a: v=x@5'] }], true],
    ['not with data that is newer', [{ k: ['a: v=x@6'] }], false],
    [
      'with older data of another partition, as the minimum is the whole SSTable’s',
      [{ k: ['a: v=x@6'], l: ['a: v=x@1'] }],
      true,
    ],
    ['not where the filter knows that the partition is not there', [AROUND_K], false],
    ['not where the keys do not reach it', [{ l: ['a: v=x@1'] }], false],
    ['by the oldest of several', [{ k: ['a: v=x@9'] }, { k: ['a: v=x@3'] }, { k: ['a: v=x@7'] }], true],
    ['by their deletions too', [{ k: ['a: -4/1'] }], true],
    ['not by newer ones of several', [{ k: ['a: v=x@9'] }, { k: ['a: v=x@7'] }], false],
  ])('%s', async (_, outside, isKept) => {
    const shapes: (readonly string[])[] = [
      ['deletion 5/100'],
      ['a: -5/100'],
      ['a: v-@5/100'],
      ['a: m-5/100'],
      ['[a 5/100', 'b] 5/100'],
      ['static: s-@5/100'],
      ['a: @5+10=100'],
    ];
    for (const lines of shapes) {
      const table = new TestTable(SHAPE);
      const others = outside.map((contents) => table.make(contents));
      const options = { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE, outside: others };
      const { contents } = await table.merge([table.make({ k: lines })], options);
      expect(contents.k ?? []).toEqual(isKept ? lines : []);
    }
  });

  it('expired cells that must stay become tombstones', async () => {
    const table = new TestTable(SHAPE);
    const options = { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE, outside: [table.make({ k: ['a: v=y@4'] })] };
    const { contents } = await table.merge([table.make({ k: ['a: v=x@5+10=100 w=x@3+10=100'] })], options);
    expect(contents.k).toEqual(['a: v-@5/90']);
  });

  it('each partition is asked for on its own, each deletion by its timestamp', async () => {
    const table = new TestTable(SHAPE);
    const outside = [table.make({ k: ['a: v=y@4'] }), table.make({ l: ['a: v=y@6'] })];
    const lines = ['deletion 3/100', 'a: v-@4/100', 'b: v-@5/100', 'c: v-@6/100'];
    const input = table.make({ k: lines, l: lines, m: lines });
    const { contents } = await table.merge([input], { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE, outside });
    expect(contents).toEqual({
      k: ['a: v-@4/100', 'b: v-@5/100', 'c: v-@6/100'],
      l: ['c: v-@6/100'],
    });
  });

  it('a boundary keeps the side that must stay', async () => {
    const table = new TestTable(SHAPE);
    const outside = [table.make({ k: ['a: v=y@5'] })];
    const input = table.make({ k: ['[a 4/100', 'b)[ 4/100 6/100', 'c]( 6/100 3/100', 'd] 3/100'] });
    const { contents } = await table.merge([input], { nowSeconds: NOW, gcBeforeSeconds: GC_BEFORE, outside });
    expect(contents.k).toEqual(['[b 6/100', 'c] 6/100']);
  });
});
