/** Levels by overlaps. Keys are one byte, ordered as bytes are. */
import { describe, expect, test } from 'vitest';
import { levelingOf, relevel } from '../../../src/engine/surgery/relevel.js';
import { compareDecorated, decorate, partitionerOf } from '../../../src/sstable/partitioner.js';
import { randomOf } from '../../corrupt.js';

const partitioner = partitionerOf('org.apache.cassandra.dht.ByteOrderedPartitioner');

function spanned(text: string) {
  const [first, last] = [text[0]!, text.at(-1)!].map((letter) => decorate(partitioner, Buffer.from(letter)));
  return { name: text, first: first!, last: last! };
}

const table: [sstables: string, levels: string][] = [
  ['', 'L0:'],
  ['a-c', 'L0: a-c'],
  ['a-c b-d', 'L0: b-d | L1: a-c'],
  ['a-c d-f g-i', 'L0: | L1: a-c d-f g-i'],
  ['a-c c-f', 'L0: c-f | L1: a-c'],
  // the end decides, not the beginning: a long one goes below
  ['a-z b-c d-e f-g', 'L0: a-z | L1: b-c d-e f-g'],
  // eleven have two levels; the longest run is the higher one
  ['a-b c-d e-f g-h i-j k-l m-n o-p q-r s-t a-z', 'L0: | L1: a-z | L2: a-b c-d e-f g-h i-j k-l m-n o-p q-r s-t'],
  ['a-z a-y a-x a-w a-v a-u a-t a-s a-r a-q a-p', 'L0: a-r a-s a-t a-u a-v a-w a-x a-y a-z | L1: a-q | L2: a-p'],
];

describe('levels', () => {
  test.each(table)('%s', (sstables, expected) => {
    const levels = relevel(sstables.split(' ').filter(Boolean).map(spanned), partitioner);
    const text = levels.map((level, i) => [`L${i}:`, ...level.map(({ name }) => name)].join(' '));
    expect(text.join(' | ')).toBe(expected);
  });

  test('of many: all are there once, none above level 0 overlap, and as many levels as the count has digits', () => {
    const random = randomOf(5);
    for (const count of [9, 10, 11, 99, 100, 101, 1000, 1001]) {
      const sstables = Array.from({ length: count }, (_, name) => {
        const [a, b] = [Math.floor(random() * 60_000), Math.floor(random() * (name % 3 === 0 ? 5000 : 50))];
        const key = (n: number) => decorate(partitioner, Buffer.from([n >> 8, n & 0xff]));
        return { name, first: key(a), last: key(a + b) };
      });
      const levels = relevel(sstables, partitioner);
      expect(levels.length).toBe(1 + Math.ceil(Math.log10(count)));
      expect(levels.flat().map(({ name }) => name).sort((a, b) => a - b)).toEqual(sstables.map(({ name }) => name)); // biome-ignore format: one line
      for (const level of levels.slice(1)) {
        expect(level.length).toBeGreaterThan(0);
        for (const [i, one] of level.slice(1).entries()) {
          expect(compareDecorated(partitioner, level[i]!.last, one.first)).toBeLessThan(0);
        }
      }
    }
  });

  test('as they are', () => {
    const counts = (levels: number[]) => levelingOf(levels.map((level) => ({ level }))).map((level) => level.length);
    expect(counts([])).toEqual([0]);
    expect(counts([0, 0])).toEqual([2]);
    expect(counts([3, 1, 0, 3])).toEqual([1, 1, 0, 2]);
  });
});
