import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RangeBound, type RangeColumn, rangeRelations } from '../../src/render/cql-range.js';

const bound = (text: string): RangeBound => ({
  values: text.match(/\d+/g) ?? [],
  isInclusive: text.startsWith('['),
});
const columns = (order: string): RangeColumn[] =>
  [...order].map((c, i) => ({ name: 'abcd'[i]!, isDescending: c === '-' }));

describe('ranges as relations', () => {
  it.each([
    ['+++', '[', '[', ['']],
    ['+++', '[1', '[1', ['a = 1']],
    ['+++', '[1', '(2', ['a >= 1 AND a < 2']],
    ['-++', '[2', '(1', ['a <= 2 AND a > 1']],
    ['+++', '(1', '[', ['a > 1']],
    ['-++', '[', '[1', ['a >= 1']],
    ['+++', '[1 2', '[1 2', ['a = 1 AND b = 2']],
    ['+++', '(1 2', '[1', ['a = 1 AND b > 2']],
    ['++-', '(1 2 3', '[1 2', ['a = 1 AND b = 2 AND c < 3']],
    ['+++', '(1 2', '(3', ['(a, b) > (1, 2) AND (a) < (3)']],
    ['---', '[3 3', '(1 2', ['(a, b) <= (3, 3) AND (a, b) > (1, 2)']],
    ['-++', '[5 1 2', '(5 3', ['a = 5 AND (b, c) >= (1, 2) AND (b) < (3)']],
    ['+-+', '(1 2', '[3 4', ['a = 1 AND b < 2', 'a > 1 AND a < 3', 'a = 3 AND b >= 4']],
    ['+-+', '(1 2 3', '[', ['a = 1 AND b = 2 AND c > 3', 'a = 1 AND b < 2', 'a > 1']],
    ['+++', '(1', '[1', []],
  ])('%s %s to %s', (order, start, end, relations) => {
    expect(rangeRelations(columns(order), bound(start), bound(end))).toEqual(relations);
  });

  it('hold exactly the clusterings between the bounds', () => {
    const value = fc.integer({ min: 0, max: 3 });
    const anyBound = fc.record({ values: fc.array(value, { maxLength: 3 }), isInclusive: fc.boolean() });
    const direction = fc.constantFrom('+', '-');
    fc.assert(
      fc.property(fc.tuple(direction, direction, direction), anyBound, anyBound, (order, start, end) => {
        const table = columns(order.join(''));
        const shared = Math.min(start.values.length, end.values.length);
        fc.pre(side(table, start.values.slice(0, shared), { values: end.values.slice(0, shared) }) <= 0);
        const text = ({ values, isInclusive }: typeof start) => ({
          values: values.map(String),
          isInclusive: isInclusive || values.length === 0,
        });
        const relations = rangeRelations(table, text(start), text(end));
        for (const row of rows()) {
          const inside =
            side(table, row, start) >= (start.isInclusive || start.values.length === 0 ? 0 : 1) &&
            side(table, row, end) <= (end.isInclusive || end.values.length === 0 ? 0 : -1);
          const held = relations.filter((relation) => holds(relation, row)).length;
          if (held !== Number(inside)) expect(held, `${relations.join(' | ')} of ${row}`).toBe(Number(inside));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function* rows(): Generator<number[]> {
  for (let a = 0; a < 4; a++) for (let b = 0; b < 4; b++) for (let c = 0; c < 4; c++) yield [a, b, c];
}

/** Where the row lies in storage: before (-1), among (0) or after (1) the rows that begin with the bound's values. */
function side(table: readonly RangeColumn[], row: readonly number[], { values }: { values: number[] }): number {
  for (const [i, value] of values.entries()) {
    if (row[i] !== value) return row[i]! < value !== table[i]!.isDescending ? -1 : 1;
  }
  return 0;
}

/** Evaluates a WHERE clause over columns a, b and c. */
function holds(relations: string, row: readonly number[]): boolean {
  if (relations === '') return true;
  return relations.split(' AND ').every((relation) => {
    const [, names, operator, values] = /^(.+?) (=|<=?|>=?) (.+)$/.exec(relation)!;
    const left = names!.match(/\w/g)!.map((name) => row['abc'.indexOf(name)]!);
    const right = values!.match(/\d/g)!.map(Number);
    const different = left.findIndex((x, i) => x !== right[i]);
    const order = different < 0 ? 0 : left[different]! - right[different]!;
    return operator!.startsWith('<')
      ? order < 0 || (order === 0 && operator === '<=')
      : order > 0
        ? operator!.startsWith('>')
        : order === 0 && operator!.includes('=');
  });
}
