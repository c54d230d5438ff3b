/** The rules of the merge, each with its ties. Nothing is purged here: what a deletion covers goes, the deletion stays. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/bytes/errors.js';
import { DESCENDING, MAP, type Shape, TEXT, TestTable } from './build.js';

const SHAPE: Shape = {
  clustering: [TEXT],
  statics: { s: TEXT, sm: MAP },
  regulars: { m: MAP, v: TEXT, w: TEXT },
};

/** What is in partition k of each SSTable, and of the merge. */
type Case = readonly [name: string, inputs: readonly (readonly string[])[], expected: readonly string[]];

function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, i) => orders([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [one, ...rest]));
}

async function expectMerge(inputs: Case[1], expected: Case[2], shape: Shape = SHAPE): Promise<void> {
  for (const [i, order] of orders(inputs).entries()) {
    const table = new TestTable(shape);
    const { contents, made } = await table.merge(order.map((lines) => table.make({ k: lines })));
    expect(contents.k ?? []).toEqual(expected);
    if (i > 0) continue;
    // once merged, there is nothing left to do
    expect((await table.merge([made])).contents.k ?? []).toEqual(expected);
    expect((await table.merge([made, made])).contents.k ?? []).toEqual(expected);
  }
}

describe('cells', () => {
  it.each<readonly [name: string, loser: string, winner: string]>([
    ['the later one', 'v=z@1', 'v=a@2'],
    ['a later tombstone', 'v=z@1', 'v-@2/100'],
    ['a value later than a tombstone', 'v-@1/100', 'v=a@2'],
    ['the later one, around zero', 'v=z@-1', 'v=a@0'],
    ['the later one, beyond 32 bits', 'v=z@4294967295', 'v=a@4294967296'],
    ['the later one, of equal upper halves and a lower half beyond 2^31', 'v=z@2147483647', 'v=a@2147483648'],
    ['at a tie a tombstone before a value', 'v=z@1', 'v-@1/100'],
    ['at a tie a tombstone before what expires later than it was deleted', 'v=z@1+10=9000', 'v-@1/100'],
    ['at a tie what expires before what does not', 'v=z@1', 'v=a@1+10=100'],
    ['at a tie the later deletion', 'v-@1/100', 'v-@1/101'],
    ['at a tie the later deletion beyond 2^31', 'v-@1/2147483647', 'v-@1/4294967293'],
    ['at a tie what expires last, not the greater value', 'v=z@1+10=100', 'v=a@1+10=101'],
    ['at a tie the greater value', 'v=a@1', 'v=b@1'],
    ['at a tie the longer value', 'v=a@1', 'v=aa@1'],
    ['at a tie any value before an empty one', 'v=@1', 'v=a@1'],
    ['at a tie the greater value, bytes unsigned', 'v=z@1', 'v=é@1'],
    ['at a tie of expiring ones the greater value', 'v=a@1+10=100', 'v=b@1+10=100'],
  ])('%s', async (_, loser, winner) => {
    await expectMerge([[`a: ${loser}`], [`a: ${winner}`]], [`a: ${winner}`]);
    const inMap = (cell: string) => `a: ${cell.replace('v', 'm[p]')}`;
    await expectMerge([[inMap(loser)], [inMap(winner)]], [inMap(winner)]);
    await expectMerge(
      [[`static: ${loser.replace('v', 's')}`], [`static: ${winner.replace('v', 's')}`]],
      [`static: ${winner.replace('v', 's')}`],
    );
  });

  it('of different columns and rows come together', async () => {
    await expectMerge(
      [['a: v=1@1', 'c: w=2@2'], ['a: w=3@3 m[x]=4@4', 'b: v=5@5'], ['static: s=6@6']],
      ['static: s=6@6', 'a: m[x]=4@4 v=1@1 w=3@3', 'b: v=5@5', 'c: w=2@2'],
    );
  });

  it('of three versions the best one wins', async () => {
    await expectMerge([['a: v=c@1'], ['a: v=a@1+10=100'], ['a: v=b@1']], ['a: v=a@1+10=100']);
  });
});

describe('liveness', () => {
  it.each<readonly [name: string, loser: string, winner: string]>([
    ['the later one', '@1+10=900', '@2'],
    ['the later one, negative', '@-2', '@-1'],
    ['at a tie what expires', '@1', '@1+10=100'],
    ['at a tie what expires last', '@1+10=100', '@1+10=101'],
    ['at a tie what had expired when it was written', '@1+10=9000', '@1+2147483647=100'],
    ['at a tie what had expired last', '@1+2147483647=100', '@1+2147483647=101'],
    ['later than what had expired', '@1+2147483647=100', '@2'],
    ['the same', '@1+10=100', '@1+10=100'],
  ])('%s', async (_, loser, winner) => {
    await expectMerge([[`a: ${loser}`], [`a: ${winner}`]], [`a: ${winner}`]);
    await expectMerge([[`a: ${loser} v=x@9`], [`a: ${winner}`]], [`a: ${winner} v=x@9`]);
  });
});

describe('row deletions', () => {
  it.each<Case>([
    ['cover what is as old', [['a: -5/100'], ['a: @5 v=x@5 m[p]=x@5']], ['a: -5/100']],
    ['leave what is later', [['a: -5/100'], ['a: @6 v=x@6 w=y@5 m[p]=x@6']], ['a: @6 -5/100 m[p]=x@6 v=x@6']],
    ['the later one counts', [['a: -5/100 v=x@6'], ['a: -6/100']], ['a: -6/100']],
    ['at a tie the one of the later time', [['a: -5/100'], ['a: -5/101']], ['a: -5/101']],
    ['cover tombstones', [['a: -5/100'], ['a: v-@5/200']], ['a: -5/100']],
    ['cover what expires', [['a: -5/100'], ['a: @5+10=900 v=x@5+10=900']], ['a: -5/100']],
    ['cover older deletions of columns', [['a: -5/100'], ['a: m-4/200 m[p]=x@6']], ['a: -5/100 m[p]=x@6']],
    ['cover deletions of columns of the same time', [['a: -5/100'], ['a: m-5/100']], ['a: -5/100']],
    ['leave deletions of columns of a later local time', [['a: -5/100'], ['a: m-5/101']], ['a: -5/100 m-5/101']],
    ['leave later deletions of columns', [['a: -5/100'], ['a: m-6/90']], ['a: -5/100 m-6/90']],
    ['do not reach other rows', [['b: -5/100'], ['a: v=x@1', 'c: v=x@1']], ['a: v=x@1', 'b: -5/100', 'c: v=x@1']],
  ])('%s', (_, inputs, expected) => expectMerge(inputs, expected));
});

describe('shadowable row deletions', () => {
  it.each<Case>([
    ['hold while the row is older', [['a: ~5/100'], ['a: @4 v=x@4']], ['a: ~5/100']],
    ['hold over liveness of the same time', [['a: ~5/100'], ['a: @5 v=x@5']], ['a: ~5/100']],
    ['are void once the row is newer, with all they covered', [['a: ~5/100'], ['a: @6 v=x@4']], ['a: @6 v=x@4']],
    ['are not void by a newer cell alone', [['a: ~5/100'], ['a: v=x@6 w=y@4']], ['a: ~5/100 v=x@6']],
    ['give way to a later deletion', [['a: ~5/100'], ['a: -6/100']], ['a: -6/100']],
    ['win over an earlier deletion', [['a: ~6/100'], ['a: -5/100 v=x@6']], ['a: ~6/100']],
    [
      'are void though an older deletion is there: that goes with them',
      [['a: ~6/100'], ['a: -5/100'], ['a: @7 v=x@4']],
      ['a: @7 v=x@4'],
    ],
  ])('%s', async (_, inputs, expected) => {
    // where a deletion that is void wins over another, how the versions are paired tells
    for (const order of orders(inputs)) {
      const table = new TestTable(SHAPE);
      expect((await table.merge(order.map((lines) => table.make({ k: lines })))).contents.k).toEqual(expected);
    }
  });
});

describe('partition deletions', () => {
  it.each<Case>([
    [
      'cover rows, static rows, ranges',
      [['deletion 5/100'], ['static: s=x@5 sm[p]=x@5', '[a 5/100', 'b: @5 v=x@5', 'c] 5/100', 'd: -5/100']],
      ['deletion 5/100'],
    ],
    [
      'leave what is later',
      [['deletion 5/100'], ['static: s=x@6 sm-6/100 sm[p]=y@5', '[a 6/100', 'c] 6/100', 'd: -6/100 v=x@7']],
      ['deletion 5/100', 'static: s=x@6 sm-6/100', '[a 6/100', 'c] 6/100', 'd: -6/100 v=x@7'],
    ],
    ['the later one counts', [['deletion 5/100', 'a: v=x@6'], ['deletion 6/90']], ['deletion 6/90']],
    ['at a tie the one of the later time', [['deletion 5/100'], ['deletion 5/101']], ['deletion 5/101']],
    [
      'a range of the same timestamp and a later time stays',
      [['deletion 5/100'], ['[a 5/101', 'c] 5/101']],
      ['deletion 5/100', '[a 5/101', 'c] 5/101'],
    ],
    [
      'a range is left where it is later',
      [['deletion 5/100'], ['[a 4/100', 'b)[ 4/100 6/100', 'c]( 6/100 5/100', 'd] 5/100']],
      ['deletion 5/100', '[b 6/100', 'c] 6/100'],
    ],
  ])('%s', (_, inputs, expected) => expectMerge(inputs, expected));

  it('go over the static row even of a partition that one SSTable alone has', async () => {
    const table = new TestTable(SHAPE);
    const one = table.make({ k: ['deletion 5/100', 'static: s=x@5 sm-5/100 sm[p]=y@6'], l: ['a: v=x@1'] });
    const other = table.make({ l: ['b: v=x@1'] });
    const expected = { k: ['deletion 5/100', 'static: sm[p]=y@6'], l: ['a: v=x@1'] };
    expect((await table.merge([one])).contents).toEqual(expected);
    expect((await table.merge([one, other])).contents).toEqual({ ...expected, l: ['a: v=x@1', 'b: v=x@1'] });
  });
});

describe('partition deletions of timestamps below 0', () => {
  it('are refused from oa on: their files would be corrupt', async () => {
    const lines = { k: ['deletion -5/100', 'a: v=x@-5 w=y@-4'] };
    for (const version of ['oa', 'da'] as const) {
      expect(() => new TestTable(SHAPE, version).make(lines)).toThrow(UnsupportedError);
    }
    const table = new TestTable(SHAPE, 'nb');
    const { contents } = await table.merge([table.make(lines), table.make(lines)]);
    expect(contents.k).toEqual(['deletion -5/100', 'a: w=y@-4']);
  });
});

describe('multi-cell columns', () => {
  it.each<Case>([
    [
      'elements come together, in the order of their paths',
      [['a: m[b]=2@1'], ['a: m[a]=1@1 m[c]=3@1']],
      ['a: m[a]=1@1 m[b]=2@1 m[c]=3@1'],
    ],
    ['a deletion covers what is older', [['a: m-5/100'], ['a: m[p]=x@4 m[q]=y@6']], ['a: m-5/100 m[q]=y@6']],
    ['a deletion covers what is as old, of another SSTable', [['a: m-5/100'], ['a: m[p]=x@5']], ['a: m-5/100']],
    ['a deletion covers tombstones', [['a: m-5/100'], ['a: m[p]-@5/200']], ['a: m-5/100']],
    ['the later deletion counts', [['a: m-5/100 m[p]=x@6'], ['a: m-6/90']], ['a: m-6/90']],
    ['at a tie the deletion of the later time', [['a: m-5/100'], ['a: m-5/101']], ['a: m-5/101']],
    ['one column does not reach another', [['a: m-5/100 v=x@1'], ['a: w=y@1']], ['a: m-5/100 v=x@1 w=y@1']],
    [
      'static ones merge as others do',
      [['static: sm-5/100 sm[a]=x@6'], ['static: sm[a]=y@5 sm[b]=z@7']],
      ['static: sm-5/100 sm[a]=x@6 sm[b]=z@7'],
    ],
    ['an empty path is a path', [["a: m['']=x@1"], ["a: m['']=y@2 m[a]=z@1"]], ["a: m['']=y@2 m[a]=z@1"]],
    [
      'of three SSTables',
      [['a: m-5/100 m[a]=1@6'], ['a: m[a]=2@7 m[b]=3@4'], ['a: m[c]=4@8 m[a]-@7/90']],
      ['a: m-5/100 m[a]-@7/90 m[c]=4@8'],
    ],
  ])('%s', (_, inputs, expected) => expectMerge(inputs, expected));

  it('a row as it was written keeps elements as old as their deletion; a merge with anything lets them go', async () => {
    const table = new TestTable(SHAPE);
    const one = table.make({ k: ['static: sm-5/100 sm[p]=x@5 sm[q]=y@4', 'a: m-5/100 m[p]=x@5 m[q]=y@4 v=z@1'] });
    const row = table.make({ k: ['a: w=1@1'] });
    const elsewhere = table.make({ k: ['b: w=1@1'] });
    expect((await table.merge([one])).contents.k).toEqual(['static: sm-5/100 sm[p]=x@5', 'a: m-5/100 m[p]=x@5 v=z@1']);
    expect((await table.merge([one, row])).contents.k).toEqual(['static: sm-5/100', 'a: m-5/100 v=z@1 w=1@1']);
    // static rows are merged wherever two SSTables have the partition, rows where both have the row
    expect((await table.merge([one, elsewhere])).contents.k).toEqual([
      'static: sm-5/100',
      'a: m-5/100 m[p]=x@5 v=z@1',
      'b: w=1@1',
    ]);
    expect((await table.merge([elsewhere, one])).contents.k![0]).toBe('static: sm-5/100');
  });
});

describe('what a row says of itself is applied as it is read', () => {
  it.each<readonly [name: string, line: string, expected: readonly string[]]>([
    [
      'cells and liveness that its deletion covers',
      'a: @5 -5/100 v=x@5 w=y@6 m[p]=x@5 m[q]=y@6',
      ['a: -5/100 m[q]=y@6 w=y@6'],
    ],
    [
      'a shadowable deletion is void by newer liveness; what it covered is gone',
      'a: @6 ~5/100 v=x@5 w=y@6',
      ['a: @6 w=y@6'],
    ],
    ['a shadowable deletion that holds', 'a: @5 ~5/100 v=x@5', ['a: ~5/100']],
  ])('%s', async (_, line, expected) => {
    const table = new TestTable(SHAPE);
    const one = table.make({ k: [line] });
    expect((await table.merge([one])).contents.k).toEqual(expected);
    expect((await table.merge([one, one])).contents.k).toEqual(expected);
    // nothing comes back once the deletion is purged
    const left = expected.flatMap((row) => (row === 'a: -5/100 m[q]=y@6 w=y@6' ? ['a: m[q]=y@6 w=y@6'] : []));
    if (line.includes('-5/100')) {
      expect((await table.merge([one], { nowSeconds: 1000, gcBeforeSeconds: 500 })).contents.k).toEqual(left);
    }
  });
});

describe('range tombstones', () => {
  it.each<Case>([
    [
      'cover rows of other SSTables',
      [
        ['[b 5/100', 'd] 5/100'],
        ['a: v=x@5', 'b: v=x@5', 'c: @6 v=x@6', 'd: @5', 'e: v=x@5'],
      ],
      ['a: v=x@5', '[b 5/100', 'c: @6 v=x@6', 'd] 5/100', 'e: v=x@5'],
    ],
    [
      'exclusive ends leave the rows there',
      [
        ['(b 5/100', 'd) 5/100'],
        ['b: v=x@5', 'c: v=x@5', 'd: v=x@5'],
      ],
      ['b: v=x@5', '(b 5/100', 'd) 5/100', 'd: v=x@5'],
    ],
    [
      'the same twice is one',
      [
        ['[b 5/100', 'd] 5/100'],
        ['[b 5/100', 'd] 5/100'],
      ],
      ['[b 5/100', 'd] 5/100'],
    ],
    [
      'of the same time are joined where they meet',
      [
        ['[a 5/100', 'b) 5/100'],
        ['[b 5/100', 'c] 5/100'],
      ],
      ['[a 5/100', 'c] 5/100'],
    ],
    [
      'of the same time are joined where they overlap',
      [
        ['[a 5/100', 'c] 5/100'],
        ['(b 5/100', 'd) 5/100'],
      ],
      ['[a 5/100', 'd) 5/100'],
    ],
    [
      'are not joined around a row between them',
      [
        ['[a 5/100', 'b) 5/100'],
        ['(b 5/100', 'c] 5/100'],
      ],
      ['[a 5/100', 'b) 5/100', '(b 5/100', 'c] 5/100'],
    ],
    [
      'of different times meet in a boundary',
      [
        ['[a 5/100', 'b) 5/100'],
        ['[b 6/100', 'c] 6/100'],
      ],
      ['[a 5/100', 'b)[ 5/100 6/100', 'c] 6/100'],
    ],
    [
      'and in one of the other kind',
      [
        ['[a 5/100', 'b] 5/100'],
        ['(b 6/100', 'c] 6/100'],
      ],
      ['[a 5/100', 'b]( 5/100 6/100', 'c] 6/100'],
    ],
    [
      'a later one splits an older one',
      [
        ['[a 5/100', 'e] 5/100'],
        ['(b 6/100', 'd) 6/100'],
      ],
      ['[a 5/100', 'b]( 5/100 6/100', 'd)[ 6/100 5/100', 'e] 5/100'],
    ],
    [
      'an older one within a later one is gone',
      [
        ['[a 6/100', 'e] 6/100'],
        ['[b 5/100', 'd] 5/100'],
      ],
      ['[a 6/100', 'e] 6/100'],
    ],
    [
      'the rest of an older one follows',
      [
        ['[a 6/100', 'c] 6/100'],
        ['[b 5/100', 'd] 5/100'],
      ],
      ['[a 6/100', 'c]( 6/100 5/100', 'd] 5/100'],
    ],
    [
      'at a tie the one of the later time',
      [
        ['[a 5/100', 'c] 5/100'],
        ['[b 5/101', 'd] 5/101'],
      ],
      ['[a 5/100', 'b)[ 5/100 5/101', 'd] 5/101'],
    ],
    [
      'three of them',
      [
        ['[a 5/100', 'd] 5/100'],
        ['[b 7/100', 'c] 7/100'],
        ['[b 6/100', 'e] 6/100'],
      ],
      ['[a 5/100', 'b)[ 5/100 7/100', 'c]( 7/100 6/100', 'e] 6/100'],
    ],
    [
      'boundaries of one SSTable meet bounds of another',
      [
        ['[a 5/100', 'b)[ 5/100 7/100', 'c] 7/100'],
        ['[b 6/100', 'd) 6/100'],
      ],
      ['[a 5/100', 'b)[ 5/100 7/100', 'c]( 7/100 6/100', 'd) 6/100'],
    ],
    [
      'a boundary is gone where both sides are covered',
      [
        ['[a 5/100', 'b)[ 5/100 6/100', 'c] 6/100'],
        ['[ 9/100', '] 9/100'],
      ],
      ['[ 9/100', '] 9/100'],
    ],
    [
      'a row deletion of the same time within is gone',
      [['[a 5/100', 'c] 5/100'], ['b: -5/100']],
      ['[a 5/100', 'c] 5/100'],
    ],
    [
      'a later row deletion within stays',
      [['[a 5/100', 'c] 5/100'], ['b: -6/100 v=x@7']],
      ['[a 5/100', 'b: -6/100 v=x@7', 'c] 5/100'],
    ],
    [
      'static rows are not within any',
      [
        ['[ 9/100', '] 9/100'],
        ['static: s=x@1', 'a: v=x@1'],
      ],
      ['static: s=x@1', '[ 9/100', '] 9/100'],
    ],
  ])('%s', (_, inputs, expected) => expectMerge(inputs, expected));

  it.each<Case>([
    [
      'bounds of fewer values come before or after all rows that begin so',
      [
        ['[b 5/100', 'b] 5/100'],
        ['a z: v=x@5', 'b a: v=x@5', 'b z: v=x@6', 'c a: v=x@5'],
      ],
      ['a z: v=x@5', '[b 5/100', 'b z: v=x@6', 'b] 5/100', 'c a: v=x@5'],
    ],
    [
      'bounds of a prefix around bounds of whole clusterings',
      [
        ['[b 5/100', 'b] 5/100'],
        ['(b m 6/100', 'c] 6/100'],
      ],
      ['[b 5/100', 'b m]( 5/100 6/100', 'c] 6/100'],
    ],
    [
      'exclusive prefixes',
      [
        ['(b 5/100', 'd) 5/100'],
        ['b a: v=x@5', 'c a: v=x@5', 'd a: v=x@5'],
      ],
      ['b a: v=x@5', '(b 5/100', 'd) 5/100', 'd a: v=x@5'],
    ],
    [
      'no values at all: the ends of the partition',
      [
        ['[ 5/100', 'b] 5/100'],
        ['(c 6/100', '] 6/100'],
        ['a a: v=x@5', 'bb a: v=x@5', 'd a: v=x@6'],
      ],
      ['[ 5/100', 'b] 5/100', 'bb a: v=x@5', '(c 6/100', '] 6/100'],
    ],
    [
      'empty text is a value, before all others',
      [
        ["['' 5/100", "'' b) 5/100"],
        ["'' '': v=x@5", "'' a: v=x@5", "'' b: v=x@5", 'a a: v=x@5'],
      ],
      ["['' 5/100", "'' b) 5/100", "'' b: v=x@5", 'a a: v=x@5'],
    ],
  ])('of two clustering columns: %s', (_, inputs, expected) =>
    expectMerge(inputs, expected, { clustering: [TEXT, TEXT], regulars: { v: TEXT } }),
  );

  it.each<Case>([
    ['rows go down', [['c: v=x@1', 'a: v=x@1'], ['b: v=y@1']], ['c: v=x@1', 'b: v=y@1', 'a: v=x@1']],
    [
      'so do ranges',
      [
        ['[d 5/100', 'b] 5/100'],
        ['e: v=x@5', 'd: v=x@5', 'c: v=x@6', 'a: v=x@5'],
      ],
      ['e: v=x@5', '[d 5/100', 'c: v=x@6', 'b] 5/100', 'a: v=x@5'],
    ],
    ['the empty text is last', [["'': v=x@1"], ['a: v=x@1']], ['a: v=x@1', "'': v=x@1"]],
  ])('of a descending column: %s', (_, inputs, expected) =>
    expectMerge(inputs, expected, { clustering: [DESCENDING], regulars: { v: TEXT } }),
  );
});

describe('rows of a primary key alone', () => {
  it.each<Case>([
    ['live by their liveness', [['a: @1'], ['b: @2']], ['a: @1', 'b: @2']],
    ['are deleted as others are', [['a: @1'], ['a: -1/100']], ['a: -1/100']],
  ])('%s', (_, inputs, expected) => expectMerge(inputs, expected, { clustering: [TEXT], regulars: {} }));

  it('have no clustering where the table has none', () =>
    expectMerge([[': @1'], [': @2']], [': @2'], { clustering: [], regulars: {} }));
});

describe('partitions', () => {
  it('come in the order of their tokens, from as many SSTables as have them', async () => {
    const table = new TestTable(SHAPE);
    const keys = [...'abcdefghijklmnopqrstuvwxyz'];
    const inputs = [0, 1, 2].map((n) =>
      table.make(
        Object.fromEntries(keys.filter((_, i) => i % 3 === n || i % 2 === 0).map((k) => [k, [`a: v=${k}${n}@${n}`]])),
      ),
    );
    const { contents, merge } = await table.merge(inputs);
    expect(Object.keys(contents).sort()).toEqual(keys);
    expect(Object.keys(contents)).toEqual(Object.keys(await table.read(table.make(contents))));
    expect(contents.a).toEqual(['a: v=a2@2']);
    expect(contents.b).toEqual(['a: v=b1@1']);
    expect(merge).toMatchObject({
      partitionsOut: 26,
      partitionsGone: 0,
      rowsOut: 26,
      mergedPartitions: [13, 0, 13],
    });
  });
});

describe('columns that some SSTables do not have', () => {
  it('are put where they belong', async () => {
    const wide = new TestTable({ regulars: { b: TEXT, d: TEXT, m: MAP }, statics: { s: TEXT } });
    const other = new TestTable({ regulars: { a: TEXT, c: TEXT, d: TEXT } });
    const one = wide.make({ k: ['static: s=x@1', 'r: b=1@1 d=2@1 m[p]=3@1'] });
    const two = other.make({ k: ['r: a=4@1 c=5@1 d=6@2'] });
    // into one storage, under distinct generations
    for (const [file, bytes] of other.files) wide.files.set(file.replace('oa-1-', 'oa-9-'), bytes);
    const moved = { ...two, descriptor: { ...two.descriptor, id: '9', prefix: 'oa-9-big' } };
    expect((await wide.merge([one, moved])).contents.k).toEqual([
      'static: s=x@1',
      'r: a=4@1 b=1@1 c=5@1 d=6@2 m[p]=3@1',
    ]);
  });
});
