import { describe, expect, test } from 'vitest';
import { BOUND_KINDS, type BoundKind } from '../../../src/cql/clustering.js';
import type { CqlType } from '../../../src/cql/type.js';
import { CoveredClusterings } from '../../../src/sstable/metadata/covered-clusterings.js';
import { sequence16 } from '../../sequence.js';

const INT: CqlType = { kind: 'native', name: 'int' };
const TEXT: CqlType = { kind: 'native', name: 'text' };
/** (a int, b text) with descending b. */
const TYPES: readonly CqlType[] = [INT, { kind: 'reversed', of: TEXT }];

type Value = number | string | null;

/** Values in a buffer that something else lies in as well. */
function place(values: readonly Value[]) {
  const buf = new Uint8Array(300).fill(0xee);
  const start = new Int32Array(2).fill(-7);
  const end = new Int32Array(2).fill(-7);
  let at = 3;
  values.forEach((value, i) => {
    start[i] = value === null ? -1 : at;
    if (typeof value === 'number') at += Buffer.from(buf.buffer).writeInt32BE(value, at) - at;
    if (typeof value === 'string') at += Buffer.from(buf.buffer).write(value, at);
    end[i] = value === null ? -1 : at;
  });
  return { buf, start, end };
}

type Step = readonly ['row' | 'last' | BoundKind, ...Value[]];

function covered(steps: readonly Step[], isLegacy = false): CoveredClusterings {
  const clusterings = new CoveredClusterings(TYPES, isLegacy);
  for (const [what, ...values] of steps) {
    const { buf, start, end } = place(values);
    if (what === 'row') clusterings.addRow(buf, start, end);
    else if (what === 'last') clusterings.addLastRow(buf, start, end);
    else clusterings.addBound(BOUND_KINDS.indexOf(what), buf, start, end, values.length);
    buf.fill(0xdd); // the buffer is reused
  }
  return clusterings;
}

const shown = (values: readonly (Uint8Array | null)[]): Value[] =>
  values.map((value, i) => (value === null ? null : i === 0 ? Buffer.from(value).readInt32BE() : String(Buffer.from(value)))); // biome-ignore format: one line

function sliceOf(steps: readonly Step[]): Step[] {
  const { start, end } = covered(steps).slice();
  return [start, end].map(({ kind, values }) => [kind, ...shown(values)]);
}

const LONG = 'x'.repeat(200);

/** As finalizeMetadata of Cassandra 5.0 has them. */
describe('the slice of oa and da', () => {
  test.each<readonly [string, readonly Step[], Step, Step]>([
    ['nothing', [], ['EXCL_START_BOUND'], ['EXCL_END_BOUND']],
    ['a row', [['row', 5, 'x']], ['INCL_START_BOUND', 5, 'x'], ['INCL_END_BOUND', 5, 'x']],
    [
      'rows of several partitions, b descending',
      [['row', 5, 'x'], ['last', 5, 'a'], ['row', -3, 'b'], ['row', -3, 'c'], ['last', 5, 'b']],
      ['INCL_START_BOUND', -3, 'c'],
      ['INCL_END_BOUND', 5, 'a'],
    ],
    ['a value longer than any before', [['row', 1, 'a'], ['row', 1, LONG]], ['INCL_START_BOUND', 1, LONG], ['INCL_END_BOUND', 1, 'a']],
    ['nulls come first', [['row', 1, 'a'], ['row', 1, null]], ['INCL_START_BOUND', 1, null], ['INCL_END_BOUND', 1, 'a']],
    ['a range', [['EXCL_START_BOUND', 1], ['INCL_END_BOUND', 2, 'b']], ['EXCL_START_BOUND', 1], ['INCL_END_BOUND', 2, 'b']],
    [
      'a range within rows',
      [['row', 0, 'a'], ['INCL_START_BOUND', 1], ['EXCL_END_BOUND', 2], ['row', 2, 'z']],
      ['INCL_START_BOUND', 0, 'a'],
      ['INCL_END_BOUND', 2, 'z'],
    ],
    [
      'a range about rows of the same value',
      [['INCL_START_BOUND', 1], ['row', 1, 'a'], ['INCL_END_BOUND', 1]],
      ['INCL_START_BOUND', 1],
      ['INCL_END_BOUND', 1],
    ],
    [
      'rows about a range of the same value',
      [['row', 1, 'b'], ['EXCL_START_BOUND', 1, 'b'], ['EXCL_END_BOUND', 1, 'a'], ['row', 1, 'a']],
      ['INCL_START_BOUND', 1, 'b'],
      ['INCL_END_BOUND', 1, 'a'],
    ],
    [
      'boundaries do not count',
      [['INCL_START_BOUND', 1], ['EXCL_END_INCL_START_BOUNDARY', 9], ['EXCL_END_BOUND', 2]],
      ['INCL_START_BOUND', 1],
      ['EXCL_END_BOUND', 2],
    ],
    ['a whole partition', [['row', 1, 'a'], ['INCL_START_BOUND'], ['INCL_END_BOUND']], ['INCL_START_BOUND'], ['INCL_END_BOUND']],
  ])('%s', (_, steps, start, end) => expect(sliceOf(steps)).toEqual([start, end])); // biome-ignore format: one line
});

/** As those of Cassandra 4.1. */
describe('the values of md to nb', () => {
  test.each<readonly [string, readonly Step[], readonly Value[], readonly Value[]]>([
    ['nothing', [], [], []],
    ['a row', [['row', 5, 'x']], [5, 'x'], [5, 'x']],
    [
      'any bound',
      [
        ['INCL_START_BOUND', 1],
        ['EXCL_END_BOUND', 2, 'b'],
      ],
      [1],
      [2, 'b'],
    ],
    [
      'a start is the greatest',
      [
        ['row', 1, 'a'],
        ['EXCL_START_BOUND', 2],
      ],
      [1, 'a'],
      [2],
    ],
    [
      'boundaries too',
      [
        ['row', 1, 'a'],
        ['INCL_END_EXCL_START_BOUNDARY', 2],
      ],
      [1, 'a'],
      [2],
    ],
    ['up to a null', [['row', 1, null]], [1], [1]],
  ])('%s', (_, steps, min, max) => {
    const values = covered(steps, true).legacyMinMax();
    expect([shown(values.min), shown(values.max)]).toEqual([min, max]);
  });
});

test.each([false, true])('the first and last row of a partition are enough (before oa: %s)', (isLegacy) => {
  const next = sequence16(42);
  for (let round = 0; round < 200; round++) {
    const all: Step[] = [];
    const ends: Step[] = [];
    for (let partition = next() % 5; partition >= 0; partition--) {
      let a = (next() % 30) - 15;
      const rows = Array.from({ length: 1 + (next() % 6) }, (): Step => {
        a += 1 + (next() % 4);
        return ['row', a, String(next() % 9)];
      });
      all.push(...rows);
      ends.push(rows[0]!);
      if (rows.length > 1) ends.push(['last', rows[rows.length - 1]![1]!, rows[rows.length - 1]![2]!]);
    }
    expect(covered(ends, isLegacy).slice()).toEqual(covered(all, isLegacy).slice());
  }
});
