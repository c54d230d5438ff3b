/**
 * A range of clusterings, as range tombstones have it, in the words of a WHERE clause.
 *
 * Bounds are prefixes of the clustering columns and lie in the order of storage; CQL compares values. Equal leading values become equations.
 * What is left over is one column (`c > 1`, turned round where it descends), or several: all ascending or all descending, a relation of
 * tuples (`(b, c) > (1, 2)`); of both kinds, no single relation means such a range, and it is cut into pieces:
 *
 *   after (1, 2, 3) to before (4)   =   a = 1, b = 2, c > 3   |   a = 1, b > 2   |   a > 1, a < 4
 */

export type RangeColumn = { readonly name: string; readonly isDescending: boolean };

/** `values` are CQL literals of the first clustering columns; none at all is the end of the partition. */
export type RangeBound = { readonly values: readonly string[]; readonly isInclusive: boolean };

/** WHERE clauses (without the partition key's) whose ranges together are the one from `start` to `end`; '' for the whole partition. */
export function rangeRelations(columns: readonly RangeColumn[], start: RangeBound, end: RangeBound): string[] {
  let common = 0;
  while (common < Math.min(start.values.length, end.values.length) && start.values[common] === end.values[common]) {
    common++;
  }
  const equations = equationsOf(columns, start.values, 0, common);
  const rest = columns.slice(common);
  const from = { values: start.values.slice(common), isInclusive: start.isInclusive };
  const to = { values: end.values.slice(common), isInclusive: end.isInclusive };
  if (isNothing(start, from) || isNothing(end, to)) return [];
  const width = Math.max(from.values.length, to.values.length);
  if (width === 0) return [equations.join(' AND ')];
  const isUniform = rest.slice(0, width).every(({ isDescending }) => isDescending === rest[0]!.isDescending);
  const pieces =
    width === 1
      ? [singleRelations(rest[0]!, from, to)]
      : isUniform
        ? [tupleRelations(rest, from, to)]
        : mixedRelations(rest, from, to);
  return pieces.map((piece) => [...equations, ...piece].join(' AND '));
}

/** A bound that leaves out all that begins with its values, in a range within those values. */
function isNothing(bound: RangeBound, rest: RangeBound): boolean {
  return bound.values.length > 0 && rest.values.length === 0 && !bound.isInclusive;
}

function equationsOf(columns: readonly RangeColumn[], values: readonly string[], from: number, to: number): string[] {
  return columns.slice(from, to).map(({ name }, i) => `${name} = ${values[from + i]}`);
}

/** `>` is what lies after in storage. */
function operator(column: RangeColumn, isStart: boolean, isInclusive: boolean): string {
  return `${isStart !== column.isDescending ? '>' : '<'}${isInclusive ? '=' : ''}`;
}

function singleRelations(column: RangeColumn, from: RangeBound, to: RangeBound): string[] {
  const of = (bound: RangeBound, isStart: boolean) =>
    bound.values.length === 0
      ? []
      : [`${column.name} ${operator(column, isStart, bound.isInclusive)} ${bound.values[0]}`];
  return [...of(from, true), ...of(to, false)];
}

function tupleRelations(columns: readonly RangeColumn[], from: RangeBound, to: RangeBound): string[] {
  const of = ({ values, isInclusive }: RangeBound, isStart: boolean) => {
    if (values.length === 0) return [];
    const names = columns.slice(0, values.length).map(({ name }) => name);
    return [`(${names.join(', ')}) ${operator(columns[0]!, isStart, isInclusive)} (${values.join(', ')})`];
  };
  return [...of(from, true), ...of(to, false)];
}

function mixedRelations(columns: readonly RangeColumn[], from: RangeBound, to: RangeBound): string[][] {
  const side = ({ values, isInclusive }: RangeBound, isStart: boolean): string[][] =>
    values.slice(1).map((value, i) => {
      const isLast = i + 2 === values.length;
      const column = columns[i + 1]!;
      const relation = `${column.name} ${operator(column, isStart, isLast && isInclusive)} ${value}`;
      return [...equationsOf(columns, values, 0, i + 1), relation];
    });
  const between = (bound: RangeBound): RangeBound => ({
    values: bound.values.slice(0, 1),
    isInclusive: bound.values.length === 1 && bound.isInclusive,
  });
  return [
    ...side(from, true).reverse(),
    singleRelations(columns[0]!, between(from), between(to)),
    ...side(to, false),
  ].filter((piece) => piece.length > 0);
}
