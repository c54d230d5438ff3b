/** The notation of the merge tests means what it says: what is written by it reads back as the same text. */
import { describe, expect, it } from 'vitest';
import { MAP, TEXT, TestTable } from './build.js';

const LINES = {
  k: [
    'deletion 5/100',
    'static: s=x@6 sm-6/101 sm[p]=q@7',
    '[ 7/100',
    'a)[ 7/100 8/101',
    "a '': @9 v=x@9",
    'a b: @9+10=200 m-8/100 m[p]=x@9 m[q]-@9/150 v=y@10+20=300',
    'a c: -12/100',
    'a d: ~12/100 v-@13/100',
    'a]( 8/101 9/102',
    'b c) 9/102',
    '(c 9/102',
    '] 9/102',
  ],
  other: ['a b: @-5 v=@-6'],
};

describe.each(['oa', 'da', 'nb'] as const)('%s', (version) => {
  it('is read as it was written', async () => {
    const table = new TestTable(
      { clustering: [TEXT, TEXT], statics: { s: TEXT, sm: MAP }, regulars: { m: MAP, v: TEXT } },
      version,
    );
    expect(await table.read(table.make(LINES))).toEqual(LINES);
  });
});
