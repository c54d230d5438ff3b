import { describe, expect, it } from 'vitest';
import { goldenLayouts, readGolden } from './golden.js';
import { answerOf, decide, parseLayouts, playRounds, roundsOf } from './layouts.js';

const names = goldenLayouts();
const single = names.filter((name) => !name.endsWith('-rounds'));
const inRounds = names.filter((name) => name.endsWith('-rounds'));

const decisions = (name: string) => parseLayouts(readGolden(name)).map(decide);

describe('picks are those of Cassandra in recorded layouts', () => {
  it.each(single)('%s', (name) => {
    const layouts = parseLayouts(readGolden(name));
    expect(layouts.length).toBeGreaterThanOrEqual(200);
    expect(layouts.filter(({ answer }) => answer[0]!.startsWith('P')).length).toBeGreaterThan(layouts.length / 4);
    for (const layout of layouts) expect(answerOf(layout, decide(layout)), layout.name).toEqual(layout.answer);
  });

  it.each(single)('and tell of every SSTable what becomes of it: %s', (name) => {
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

describe('compactions that follow one another are those of Cassandra', () => {
  it.each(inRounds)('%s', (name) => {
    const layouts = parseLayouts(readGolden(name));
    expect(layouts.length).toBeGreaterThanOrEqual(100);
    const picks = layouts.flatMap((layout) => {
      const played = playRounds(layout);
      expect(played.answers, layout.name).toEqual(roundsOf(layout));
      return played.picks;
    });
    const starved = picks.filter(({ reason }) => reason.includes('without a compaction for'));
    expect(starved.length).toBeGreaterThan(20);
  });
});

describe('recorded layouts have in them what is rare', () => {
  it('leveled: all kinds of compactions', () => {
    const picks = decisions('lcs').flatMap((decision) => decision.picks);
    const count = (words: RegExp) => picks.filter(({ kind, reason }) => words.test(`${kind} ${reason}`)).length;
    expect(count(/^uplevel/)).toBeGreaterThan(10);
    expect(count(/^tombstones/)).toBeGreaterThan(3);
    expect(count(/so it is behind/)).toBeGreaterThan(5);
    expect(count(/they stay in L0/)).toBeGreaterThan(10);
    expect(count(/overlapped there/)).toBeGreaterThan(10);
    expect(count(/that it overlaps/)).toBeGreaterThan(10);
  });

  it('unified: late buckets, expired SSTables, and a choice that Cassandra leaves to chance', () => {
    const reasons = decisions('ucs').flatMap(({ picks }) => picks.map(({ reason }) => reason));
    expect(reasons.filter((reason) => reason.includes('fill whole levels')).length).toBeGreaterThan(10);
    expect(reasons.filter((reason) => reason.includes('max_sstables_to_compact')).length).toBeGreaterThan(3);
    expect(reasons.filter((reason) => reason.includes('expired')).length).toBeGreaterThan(3);
    const byChance = parseLayouts(readGolden('ucs')).filter(({ alternatives }) => alternatives.length > 0);
    expect(byChance.length).toBeGreaterThan(10);
  });
});
