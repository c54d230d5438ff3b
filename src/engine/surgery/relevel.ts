/**
 * Levels for the SSTables of a directory by where they overlap, as `sstableofflinerelevel` gives them (SSTableOfflineRelevel):
 *
 *   1  of all SSTables by last key, each that begins after the one taken before it: as many as can lie beside each other
 *   2  again of those that are left, until none is
 *   3  the first of these runs is the highest level, the next the one below it; there are as many levels as the count of SSTables has digits
 *      (exactly: ⌈log10⌉), and all runs after those go to level 0
 *
 * Neither the size of a level nor the state of repair is asked. SSTables with the same last key keep the order given.
 */
import { compareDecorated, type Partitioner } from '../../sstable/partitioner.js';
import type { KeySpan } from '../compaction/sstable-facts.js';

/** By level: `[0]` those of level 0. There are SSTables in each but perhaps level 0. */
export type Leveling<T> = readonly (readonly T[])[];

export function relevel<T extends KeySpan>(sstables: readonly T[], partitioner: Partitioner): Leveling<T> {
  const runs: T[][] = [];
  let left = sstables.toSorted((a, b) => compareDecorated(partitioner, a.last, b.last));
  for (let n = expectedLevels(sstables.length); n > 0 && left.length > 0; n--) {
    const [run, rest] = disjointRun(left, partitioner);
    runs.push(run);
    left = rest;
  }
  return [left, ...runs.reverse()];
}

/** By the level that they have. */
export function levelingOf<T extends { readonly level: number }>(sstables: readonly T[]): Leveling<T> {
  const levels: T[][] = [[]];
  for (const sstable of sstables) {
    while (levels.length <= sstable.level) levels.push([]);
    levels[sstable.level]!.push(sstable);
  }
  return levels;
}

/** ⌈log10 n⌉ without rounding. */
function expectedLevels(n: number): number {
  let levels = 0;
  for (let power = 1; power < n; power *= 10) levels++;
  return levels;
}

/** The longest run without overlaps of SSTables in the order of their last keys, and the others. */
function disjointRun<T extends KeySpan>(sorted: readonly T[], partitioner: Partitioner): [run: T[], rest: T[]] {
  const run: T[] = [];
  const rest: T[] = [];
  for (const sstable of sorted) {
    const before = run.at(-1);
    const isAfter = !before || compareDecorated(partitioner, before.last, sstable.first) < 0;
    (isAfter ? run : rest).push(sstable);
  }
  return [run, rest];
}
