import { expect, test } from 'vitest';
import { MIN_TOKEN, tokenSpaceCoverage, wholeRingRanges } from '../../../src/sstable/metadata/token-space-coverage.js';

const MAX_TOKEN = 2n ** 63n - 1n;

/** By ShardManagerNoDisks of Cassandra; the first two stand in SSTables of a node. */
test.each([
  [-9157060164899361011n, 9162265122815852158n, 0.9930926137704736],
  [-7509452495886106294n, 8582886034424406875n, 0.8723674197467424],
  [MIN_TOKEN, MAX_TOKEN, 1],
  [MIN_TOKEN, -1n, 0.5],
  [-1n, 2n ** 62n - 2n, 0.25],
  [7n, 7n, 2 ** -64],
  [MAX_TOKEN, MAX_TOKEN, 2 ** -64],
])('%i to %i of the whole ring', (first, last, share) => {
  expect(tokenSpaceCoverage(first, last)).toBe(share);
});

test.each([
  [[{ left: 0n, right: 2n ** 62n }], -5n, MAX_TOKEN, 0.25],
  [[{ left: 0n, right: 2n ** 62n }], -5n, -3n, 0],
  [[{ left: 0n, right: 2n ** 62n }], 2n ** 62n, MAX_TOKEN, 0],
  [[{ left: 0n, right: MIN_TOKEN }], 2n ** 62n - 1n, MAX_TOKEN, 0.25],
  [[{ left: 0n, right: MIN_TOKEN }], -(2n ** 62n), 2n ** 62n - 1n, 0.25],
  [wholeRingRanges([0n]), -(2n ** 62n), 2n ** 62n - 1n, 0.5],
  [wholeRingRanges([2n ** 61n, -5n, 0n]), MIN_TOKEN, MAX_TOKEN, 1],
])('of some ranges %#', (ranges, first, last, share) => {
  expect(tokenSpaceCoverage(first, last, ranges)).toBe(share);
});

test('a node that owns the ring by two tokens has three ranges', () => {
  expect(wholeRingRanges([5n, -3n])).toEqual([
    { left: MIN_TOKEN, right: -3n },
    { left: -3n, right: 5n },
    { left: 5n, right: MIN_TOKEN },
  ]);
});
