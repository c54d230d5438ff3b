/** Runs Cassandra's own compaction strategies over random layouts of SSTables (java/strategies/Strategies.java tells the lines). */
import { javaProgram, V5 } from './cassandra.js';

const MAIN = 'org.apache.cassandra.db.compaction.Strategies';
const OPTIONS = [
  '-Dcassandra.clock=org.apache.cassandra.db.lifecycle.MadeUpTable$StandingClock',
  '-Dcassandra.allow_unsafe_aggressive_sstable_expiration=true',
];

/** Modes of the program. */
export const STRATEGY_MODES = ['stcs', 'twcs', 'lcs', 'lcs-rounds', 'ucs'] as const;
export type StrategyMode = (typeof STRATEGY_MODES)[number];

/** @param style `round`: layouts of round numbers, which pack well */
export function realPicks(mode: StrategyMode, seed: number, count: number, style = ''): string {
  return javaProgram(V5, 'strategies', MAIN, [mode, String(seed), String(count), style], { options: OPTIONS });
}

/**
 * Each line with ` => ok`, or ` => refused` and the options that the refusal names.
 * @param lines `class=SizeTieredCompactionStrategy;min_threshold=1`
 * @param allowsUnsafeExpiration whether the node is started with leave to drop what may still hide older data
 */
export function realVerdicts(lines: readonly string[], allowsUnsafeExpiration: boolean): string {
  const options = allowsUnsafeExpiration ? OPTIONS : OPTIONS.slice(0, 1);
  return javaProgram(V5, 'strategies', MAIN, ['options'], { options, input: `${lines.join('\n')}\n` });
}
