import { describe, expect, it } from 'vitest';
import { answerOf, decide, parseLayouts, playRounds, roundsOf } from '../engine/strategies/layouts.js';
import { missing, setup, V5 } from './cassandra.js';
import { realPicks, STRATEGY_MODES } from './strategies.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const COUNT = 1000;
/** Of some sixty compactions each. */
const ROUNDS_COUNT = 250;
const seed = Number(process.env.LSMCTL_SEED ?? Math.floor(Math.random() * 1_000_000_000));

describe.skipIf(lacks !== undefined)(`picks in random layouts, seed ${seed}`, () => {
  it.each(STRATEGY_MODES.filter((mode) => mode !== 'lcs-rounds'))('%s', (mode) => {
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

  it('lcs, one compaction after the other', () => {
    setup([V5]);
    const layouts = parseLayouts(realPicks('lcs-rounds', seed, ROUNDS_COUNT));
    expect(layouts.length).toBe(ROUNDS_COUNT);
    const different = layouts.filter((layout) => playRounds(layout).answers.join() !== roundsOf(layout).join());
    expect(different.map(({ name }) => name)).toEqual([]);
  });
});
