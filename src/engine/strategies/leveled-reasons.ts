/** What LeveledCompactionStrategy leaves as it is, and why. */
import { isOverTarget, LEVEL_COUNT, type Levels, levelOf, targetBytes, totalBytes } from './leveled-levels.js';
import type { LeveledOptions } from './leveled-options.js';
import { bytesText, countOf } from './reason.js';
import type { Candidate, LeftAlone, Pick } from './strategy.js';

/**
 * Of each level what the pick doesn't take.
 * @param hindered SSTables of which is known what hinders a compaction for their tombstones
 */
export function leftInLevels<T extends Candidate>(
  levels: Levels<T>,
  options: LeveledOptions,
  pick: Pick<T> | undefined,
  hindered: ReadonlyMap<T, string>,
): LeftAlone<T>[] {
  const taken = new Set(pick?.inputs);
  const from = pick ? Math.min(...pick.inputs.map((sstable) => levelOf(levels, sstable))) : undefined;
  const left = levels.levels.flatMap((level, number) => {
    const rest = level.filter((sstable) => !taken.has(sstable) && !hindered.has(sstable));
    if (rest.length === 0) return [];
    const which = rest.length < level.length ? `${rest.length} more` : countOf(rest.length);
    const why = number === 0 ? whyInLevel0(rest, options, pick, from) : whyInLevel(levels, number, options, pick, from);
    return [{ sstables: rest, why: `L${number}: ${which}${why}` }];
  });
  return [...left, ...[...hindered].map(([sstable, why]) => ({ sstables: [sstable], why }))];
}

function whyInLevel0(
  rest: readonly Candidate[],
  options: LeveledOptions,
  pick: Pick | undefined,
  from: number | undefined,
): string {
  if (from === 0 && pick?.kind === 'compaction') {
    return pick.output.kind === 'one'
      ? ', of other sizes or too many for one compaction'
      : ', newer: too many for one compaction';
  }
  if (pick?.kind === 'compaction' || pick?.kind === 'uplevel') return `: L${from} is above its target and goes first`;
  const bytes = totalBytes(rest);
  if (bytes <= options.maxSSTableBytes) {
    return ` of ${bytesText(bytes)}, not more than one of L1 (${bytesText(options.maxSSTableBytes)}): waits for another`;
  }
  return ` of ${bytesText(bytes)}, overlapping none in L1: waits for another`;
}

function whyInLevel(
  levels: Levels<Candidate>,
  number: number,
  options: LeveledOptions,
  pick: Pick | undefined,
  from: number | undefined,
): string {
  const size = `: the level holds ${bytesText(levels.bytes[number]!)}, target ${bytesText(targetBytes(number, options))}`;
  if (!isOverTarget(levels, number, options)) return size;
  if (number === LEVEL_COUNT - 1) return `${size}, and there is no level above it`;
  if (from === number) return `${size}: after this one`;
  return `${size}: ${pick?.output.kind === 'one' ? 'L0 is behind and' : `L${from}`} goes first`;
}
