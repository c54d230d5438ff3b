import { describe, expect, it } from 'vitest';
import { LsmctlError } from '../../../src/bytes/errors.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { readGolden } from './golden.js';
import { OPTION_LINES, UNSAFE_LINES } from './option-lines.js';

/** Cassandra takes a size that is not a number for 0, and then divides by it. */
const OURS_IS_STRICTER = ['class=UnifiedCompactionStrategy;target_sstable_size=NaNB'];

/** `ok`, or the words of the refusal. */
function verdict(line: string, allowsUnsafeExpiration: boolean): string {
  const options = Object.fromEntries(
    line.split(';').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  try {
    compactionParams(options, { allowsUnsafeExpiration });
    return 'ok';
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return `refused: ${error.message}, ${error.facts.seen ?? 'nothing'} is not ${error.facts.expected ?? ''}`;
  }
}

/** `Strategies options` says the same, and where it names options ours names the first or another of them. */
function differs(recorded: string, allowsUnsafeExpiration: boolean): string | undefined {
  const at = recorded.lastIndexOf(' => ');
  const [judged, ...named] = recorded.slice(at + 4).split(' ');
  const ours = verdict(recorded.slice(0, at), allowsUnsafeExpiration);
  if (OURS_IS_STRICTER.includes(recorded.slice(0, at))) return ours === 'ok' ? `${recorded}, as ours` : undefined;
  const isSame = ours.startsWith(judged!) && (named.length === 0 || named.some((name) => ours.includes(name)));
  return isSame ? undefined : `${recorded}, but ours: ${ours}`;
}

describe('compaction options', () => {
  it.each([
    ['options', OPTION_LINES, false, 1500],
    ['options-unsafe', UNSAFE_LINES, true, 20],
  ])('are taken and refused as Cassandra does: %s', (name, lines, allowsUnsafeExpiration, refused) => {
    const recorded = readGolden(name).trimEnd().split('\n');
    expect(recorded.map((line) => line.slice(0, line.lastIndexOf(' => ')))).toEqual(lines);
    expect(recorded.filter((line) => line.includes(' => refused')).length).toBeGreaterThanOrEqual(refused);
    const different = recorded.map((line) => differs(line, allowsUnsafeExpiration));
    expect(different.filter((line) => line !== undefined)).toEqual([]);
  });
});
