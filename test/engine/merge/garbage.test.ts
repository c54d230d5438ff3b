/** What SSTables outside of a merge take from it, by `row` and by `cell`; what they have is never added. */
import { describe, expect, it } from 'vitest';
import { MAP, type Shape, TEXT, TestTable } from './build.js';

const SHAPE: Shape = {
  clustering: [TEXT],
  statics: { s: TEXT, sm: MAP },
  regulars: { m: MAP, v: TEXT, w: TEXT },
};

type Case = readonly [
  name: string,
  data: readonly string[],
  outside: readonly string[],
  row: readonly string[],
  cell: readonly string[],
];

describe('what is hidden goes', () => {
  it.each<Case>([
    [
      'under a partition deletion',
      ['static: s=x@5', 'a: @5 v=x@5', 'b: v=x@6'],
      ['deletion 5/9'],
      ['b: v=x@6'],
      ['b: v=x@6'],
    ],
    [
      'under a row deletion',
      ['a: @5 v=x@5 w=y@6', 'b: v=x@5'],
      ['a: -5/9'],
      ['a: w=y@6', 'b: v=x@5'],
      ['a: w=y@6', 'b: v=x@5'],
    ],
    [
      'under a range',
      ['a: v=x@5', 'b: v=x@5', 'c: v=x@6'],
      ['[b 5/9', 'c] 5/9'],
      ['a: v=x@5', 'c: v=x@6'],
      ['a: v=x@5', 'c: v=x@6'],
    ],
    ['under a cell tombstone', ['a: @5 v=x@5'], ['a: v-@6/9'], ['a: @5 v=x@5'], ['a: @5']],
    ['under a newer cell', ['a: v=x@5 w=y@5'], ['a: v=z@6'], ['a: v=x@5 w=y@5'], ['a: w=y@5']],
    ['not under an older cell', ['a: v=x@5'], ['a: v=z@4'], ['a: v=x@5'], ['a: v=x@5']],
    ['not by the very same cell', ['a: v=x@5 w=z@9'], ['a: v=x@5', 'b: v=x@9'], ['a: v=x@5 w=z@9'], ['a: v=x@5 w=z@9']],
    [
      'under the deletion of a column',
      ['a: m-4/9 m[p]=x@5 m[q]=y@7'],
      ['a: m-6/9'],
      ['a: m-4/9 m[p]=x@5 m[q]=y@7'],
      ['a: m[q]=y@7'],
    ],
    [
      'under newer elements',
      ['a: m[p]=x@5 m[q]=y@5'],
      ['a: m[q]=z@6 m[r]=z@6'],
      ['a: m[p]=x@5 m[q]=y@5'],
      ['a: m[p]=x@5'],
    ],
    ['static cells', ['static: s=x@5 sm[p]=y@5'], ['static: s=z@6 sm-6/9'], ['static: s=x@5 sm[p]=y@5'], []],
    ['not by newer liveness', ['a: @5 v=x@5'], ['a: @6'], ['a: @5 v=x@5'], ['a: @5 v=x@5']],
    ['a partition deletion that is older', ['deletion 4/9', 'a: v=x@6'], ['deletion 5/9'], ['a: v=x@6'], ['a: v=x@6']],
    ['a row deletion that is older', ['a: -4/9 v=x@6'], ['a: -5/9'], ['a: v=x@6'], ['a: v=x@6']],
    ['not a row deletion that is newer', ['a: -6/9'], ['a: -5/9', 'b: v=x@9'], ['a: -6/9'], ['a: -6/9']],
    ['a range that is older', ['[a 4/9', 'c] 4/9'], ['[ 5/9', '] 5/9'], [], []],
    [
      'a range that is older, where it is',
      ['[a 4/9', 'e] 4/9'],
      ['[ 5/9', 'b] 5/9'],
      ['(b 4/9', 'e] 4/9'],
      ['(b 4/9', 'e] 4/9'],
    ],
    [
      'a range is not cut in the middle',
      ['[a 4/9', 'e] 4/9'],
      ['[b 5/9', 'c] 5/9'],
      ['[a 4/9', 'e] 4/9'],
      ['[a 4/9', 'e] 4/9'],
    ],
    [
      'the side of a boundary',
      ['[a 4/9', 'c)[ 4/9 6/9', 'e] 6/9'],
      ['[ 5/9', '] 5/9'],
      ['[c 6/9', 'e] 6/9'],
      ['[c 6/9', 'e] 6/9'],
    ],
    [
      'nothing of another partition or row',
      ['a: v=x@1', 'c: v=x@1'],
      ['b: -9/9', 'd: v=y@9'],
      ['a: v=x@1', 'c: v=x@1'],
      ['a: v=x@1', 'c: v=x@1'],
    ],
  ])('%s', async (_, data, outside, row, cell) => {
    for (const [garbage, expected] of [
      ['row', row],
      ['cell', cell],
    ] as const) {
      const table = new TestTable(SHAPE);
      const others = [table.make({ k: outside }), table.make({ l: ['deletion 99/9'] })];
      const { contents } = await table.merge([table.make({ k: data, j: ['a: v=x@-9'] })], { outside: others, garbage });
      expect(contents.k ?? [], garbage).toEqual(expected);
    }
  });

  it('by several of them together', async () => {
    const table = new TestTable(SHAPE);
    const outside = [table.make({ k: ['a: -5/9', 'c: v=y@7'] }), table.make({ k: ['[b 5/9', 'b] 5/9', 'c: w=y@7'] })];
    const input = table.make({ k: ['a: v=x@5', 'b: v=x@5', 'c: @5 v=x@5 w=x@4'] });
    expect((await table.merge([input], { outside, garbage: 'cell' })).contents).toEqual({ k: ['c: @5'] });
    expect((await table.merge([input], { outside, garbage: 'row' })).contents).toEqual({ k: ['c: @5 v=x@5 w=x@4'] });
  });

  it('not by one that has nothing later than the oldest of the data: it is not read', async () => {
    const table = new TestTable(SHAPE);
    const outside = [table.make({ k: ['deletion 5/9'] })];
    for (const [at, expected] of [
      [5, { k: ['a: v=x@5'] }],
      [4, {}],
    ] as const) {
      const input = table.make({ k: [`a: v=x@${at}`] });
      expect((await table.merge([input], { outside, garbage: 'cell' })).contents).toEqual(expected);
    }
  });
});
