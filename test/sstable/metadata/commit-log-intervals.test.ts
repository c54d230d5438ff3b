import { expect, test } from 'vitest';
import { mergeIntervals } from '../../../src/sstable/metadata/commit-log-intervals.js';
import type { CommitLogInterval } from '../../../src/sstable/metadata/stats.js';

/** `2:5-3:0` is from position 5 of segment 2 to position 0 of segment 3. */
function parse(texts: string): CommitLogInterval[] {
  const position = (text: string) => {
    const [segmentId, at] = text.split(':');
    return { segmentId: BigInt(segmentId!), position: Number(at) };
  };
  const interval = (text: string) => {
    const [start, end] = text.split('-');
    return { start: position(start!), end: position(end!) };
  };
  return texts.split(' ').filter((text) => text !== '').map(interval); // biome-ignore format: one line
}

const text = (intervals: readonly CommitLogInterval[]) =>
  intervals.map(({ start, end }) => `${start.segmentId}:${start.position}-${end.segmentId}:${end.position}`).join(' ');

const HOST = 'b8f1f6c0-0000-4000-8000-000000000001';

/** By IntervalSet.Builder of Cassandra 5.0.9. */
test.each([
  ['apart, in whatever order', ['2:5-2:9', '1:0-1:7'], '1:0-1:7 2:5-2:9'],
  ['overlapping', ['1:0-1:7', '1:5-2:9'], '1:0-2:9'],
  ['one in the other', ['1:0-9:9', '2:0-2:5'], '1:0-9:9'],
  ['one about others', ['2:0-2:5 3:0-3:5', '1:0-9:9'], '1:0-9:9'],
  ['touching', ['1:0-1:7', '1:7-1:9'], '1:0-1:9'],
  ['touching, the later first', ['1:7-1:9', '1:0-1:7'], '1:0-1:9'],
  ['bridging a gap', ['1:0-1:3 2:0-2:3', '1:2-2:1'], '1:0-2:3'],
  ['the same twice', ['1:0-1:3', '1:0-1:3'], '1:0-1:3'],
  ['from the same start, shorter', ['1:0-1:9', '1:0-1:3'], '1:0-1:9'],
  ['from the same start, longer', ['1:0-1:3', '1:0-1:9'], '1:0-1:9'],
  ['a single position', ['1:4-1:4', '1:0-1:9'], '1:0-1:9'],
  ['a single position that the other ends with', ['1:4-1:4', '1:0-1:4'], '1:0-1:4 1:4-1:4'],
  ['a single position that the other starts with', ['1:4-1:4', '1:4-1:9'], '1:4-1:9'],
  ['none', ['', ''], ''],
])('%s', (_, inputs, expected) => {
  const sources = inputs.map((input) => ({ commitLogIntervals: parse(input), originatingHostId: HOST }));
  expect(text(mergeIntervals(sources, HOST))).toBe(expected);
});

test('of other hosts, and without a host, nothing is known', () => {
  const other = 'b8f1f6c0-0000-4000-8000-000000000002';
  const sources = [
    { commitLogIntervals: parse('1:0-1:7'), originatingHostId: HOST },
    { commitLogIntervals: parse('2:0-2:7'), originatingHostId: other },
    { commitLogIntervals: parse('3:0-3:7') },
  ];
  expect(text(mergeIntervals(sources, HOST))).toBe('1:0-1:7');
  expect(text(mergeIntervals(sources, undefined))).toBe('');
});
