import { describe, expect, it } from 'vitest';
import { answerOf, decide, type Layout, parseLayouts, playRounds, roundsOf } from '../engine/strategies/layouts.js';
import { missing, setup, V5 } from './cassandra.js';
import { realPicks, STRATEGY_MODES, type StrategyMode } from './strategies.js';

const lacks = missing([V5]);
if (lacks && process.env.CI) throw new Error(`real Cassandra can't be run: ${lacks}`);

const COUNT = 1000;
/** Of some sixty compactions each. */
const ROUNDS_COUNT = 250;
const PART = 250;
const seed = Number(process.env.LSMCTL_SEED ?? Math.floor(Math.random() * 1_000_000_000));

/** In parts, so that the runner of tests hears from this one while Cassandra works. */
async function layoutsOf(mode: StrategyMode, count: number): Promise<Layout[]> {
  const layouts: Layout[] = [];
  for (let done = 0; done < count; done += PART) {
    layouts.push(...parseLayouts(realPicks(mode, seed + done, Math.min(PART, count - done))));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return layouts;
}

describe.skipIf(lacks !== undefined)(`picks in random layouts, seed ${seed}`, () => {
  it.each(STRATEGY_MODES.filter((mode) => mode !== 'lcs-rounds'))('%s', async (mode) => {
    setup([V5]);
    const layouts = await layoutsOf(mode, COUNT);
    expect(layouts.length).toBe(COUNT);
    const different = layouts.filter((layout) => {
      return answerOf(layout, decide(layout)).join() !== layout.answer.join();
    });
    expect(different.map(({ name }) => name)).toEqual([]);
    const busy = layouts.filter(({ answer }) => answer[0]!.startsWith('P'));
    expect(busy.length).toBeGreaterThan(COUNT / 4);
  });

  it('lcs, one compaction after the other', async () => {
    setup([V5]);
    const layouts = await layoutsOf('lcs-rounds', ROUNDS_COUNT);
    expect(layouts.length).toBe(ROUNDS_COUNT);
    const different = layouts.filter((layout) => playRounds(layout).answers.join() !== roundsOf(layout).join());
    expect(different.map(({ name }) => name)).toEqual([]);
  });
});
