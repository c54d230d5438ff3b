import { describe, expect, it } from 'vitest';
import { goldenLayouts, readGolden } from './golden.js';
import { answerOf, decide, parseLayouts } from './layouts.js';

describe('picks are those of Cassandra in recorded layouts', () => {
  it.each(goldenLayouts())('%s', (name) => {
    const layouts = parseLayouts(readGolden(name));
    expect(layouts.length).toBeGreaterThanOrEqual(200);
    expect(layouts.filter(({ answer }) => answer[0]!.startsWith('P')).length).toBeGreaterThan(layouts.length / 4);
    for (const layout of layouts) expect(answerOf(layout, decide(layout)), layout.name).toEqual(layout.answer);
  });

  it.each(goldenLayouts())('and tell of every SSTable what becomes of it: %s', (name) => {
    for (const layout of parseLayouts(readGolden(name))) {
      const { picks, left } = decide(layout);
      const told = [...picks.flatMap(({ inputs }) => inputs), ...left.flatMap(({ sstables }) => sstables)];
      expect(told.length, layout.name).toBe(new Set(told).size);
      expect(new Set(told), layout.name).toEqual(new Set(layout.sstables));
      for (const { reason } of picks) expect(reason).toMatch(/\w/);
      for (const { why } of left) expect(why).toMatch(/\w/);
    }
  });
});
