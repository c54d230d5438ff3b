import { describe, expect, it } from 'vitest';
import { answerOf, decide, parseLayouts } from '../engine/strategies/layouts.js';
import { missing, setup, V5 } from './cassandra.js';
import { realPicks, STRATEGY_MODES } from './strategies.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const COUNT = 1000;
const seed = Number(process.env.LSMCTL_SEED ?? Math.floor(Math.random() * 1_000_000_000));

describe.skipIf(lacks !== undefined)(`picks in random layouts, seed ${seed}`, () => {
  it.each(STRATEGY_MODES)('%s', (mode) => {
    setup([V5]);
    const layouts = parseLayouts(realPicks(mode, seed, COUNT));
    expect(layouts.length).toBe(COUNT);
    const different = layouts.filter((layout) => {
      return answerOf(layout, decide(layout)).join() !== layout.answer.join();
    });
    expect(different.map(({ name }) => name)).toEqual([]);
    const busy = layouts.filter(({ answer }) => answer[0]!.startsWith('P'));
    expect(busy.length).toBeGreaterThan(COUNT / 4);
  });
});
