import { describe, expect, it } from 'vitest';
import { type Candidate, chooseSample, parseBytes, parseSample } from '../../../src/engine/verify/sample.js';

const DAY = 86400;
const sstables = (n: number): Candidate[] =>
  Array.from({ length: n }, (_, i) => ({ name: `shop.orders oa-${i}-big`, bytes: 100 }));

describe('parseSample', () => {
  it.each([
    ['5%', { kind: 'share', share: 0.05 }],
    ['100%', { kind: 'share', share: 1 }],
    ['10G', { kind: 'bytes', bytes: 10 * 2 ** 30 }],
    ['3/7', { kind: 'part', part: 3, of: 7 }],
  ])('%s', (text, sample) => expect(parseSample(text)).toEqual(sample));
  it.each(['', '0%', '101%', '0/7', '8/7', 'x', '-1G'])('refuses %j', (text) =>
    expect(() => parseSample(text)).toThrow(),
  );
  it('takes units of bytes', () => expect(['1', '2k', '3MiB', '1.5g'].map((text) => parseBytes(text, '--x'))).toEqual([1, 2048, 3 << 20, 1.5 * 2 ** 30])); // biome-ignore format: one line
});

describe('chooseSample', () => {
  it('covers all with its parts, each once', () => {
    const all = [1, 2, 3, 4, 5, 6, 7].flatMap((part) => [
      ...chooseSample(sstables(100), { kind: 'part', part, of: 7 }, 0),
    ]);
    expect(all.sort((a, b) => a - b)).toEqual(sstables(100).map((_, i) => i));
  });
  it('gives slices of one SSTable to parts by turns', () => {
    const slices = Array.from({ length: 20 }, (_, slice) => ({ name: 'shop.orders oa-1-big', bytes: 100, slice }));
    const parts = [1, 2, 3].map((part) => [...chooseSample(slices, { kind: 'part', part, of: 3 }, 0)]);
    expect(parts.flat().sort((a, b) => a - b)).toEqual(slices.map((_, i) => i));
    expect(parts.map(({ length }) => length).sort()).toEqual([6, 7, 7]);
  });
  it('takes no more bytes than asked for, another choice each day', () => {
    const days = [0, 1, 2].map((day) =>
      [...chooseSample(sstables(100), { kind: 'share', share: 0.05 }, day * DAY)].sort(),
    );
    for (const chosen of days) expect(chosen).toHaveLength(5);
    expect(new Set(days.map(String)).size).toBe(3);
  });
  it('takes what was verified longest ago', () => {
    const known = sstables(10).map((one, i) => (i === 4 ? one : { ...one, verifiedSeconds: i === 7 ? 10 : 20 }));
    expect([...chooseSample(known, { kind: 'bytes', bytes: 200 }, 0)]).toEqual([4, 7]);
  });
  it('takes one that is larger than asked for, rather than none', () => {
    expect(chooseSample(sstables(3), { kind: 'bytes', bytes: 1 }, 0).size).toBe(1);
  });
});
