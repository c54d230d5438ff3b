/** SSTables by their levels, as a node has them after its start: levels above 0 in the order of keys, and without overlaps in them. */
import { UnsupportedError } from '../../bytes/errors.js';
import { compareDecorated, type Partitioner } from '../../sstable/partitioner.js';
import type { KeySpan } from '../compaction/sstable-facts.js';
import type { LeveledOptions } from './leveled-options.js';
import type { Candidate } from './strategy.js';

/** 0 to 8. */
export const LEVEL_COUNT = 9;
/** A level may be a thousandth above its target. */
export const TOLERANCE = 1.001;

export type Levels<T extends Candidate> = {
  /** Level 0 in the order given. */
  readonly levels: readonly (readonly T[])[];
  /** SSTables that overlap others of the level they say they are of: they count as of level 0. */
  readonly sentDown: ReadonlySet<T>;
  /** Of each level, as stored. */
  readonly bytes: readonly number[];
  /** Level 0 by age, once it was asked for: see {@link level0ByAge}. */
  readonly memo: { level0ByAge?: readonly T[] };
};

/**
 * An SSTable that overlaps one that is in its level already goes to level 0. A node takes SSTables in no certain order when it starts, so of two
 * that overlap either may stay; here it is the first one (LeveledGenerations.addAll).
 * @param alreadyDown have gone there before, and stay there though they may not overlap any more
 * @throws UnsupportedError for a level above 8
 */
export function levelsOf<T extends Candidate>(sstables: readonly T[], alreadyDown?: ReadonlySet<T>): Levels<T> {
  const levels: T[][] = Array.from({ length: LEVEL_COUNT }, () => []);
  const sentDown = new Set<T>();
  for (const sstable of sstables) {
    if (alreadyDown?.has(sstable)) sentDown.add(sstable);
    add(sstable, levels, sentDown);
  }
  return { levels, sentDown, bytes: levels.map(totalBytes), memo: {} };
}

/** Level 0, the oldest first; of one age in the order given. */
export function level0ByAge<T extends Candidate>({ levels, memo }: Levels<T>): readonly T[] {
  memo.level0ByAge ??= byAge(levels[0]!);
  return memo.level0ByAge;
}

export function byAge<T extends Candidate>(sstables: readonly T[]): T[] {
  return sstables.toSorted(({ maxTimestampMicros: a }, { maxTimestampMicros: b }) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The levels once `outputs` have taken the place of `inputs`. */
export function replaced<T extends Candidate>(
  { levels, sentDown, memo }: Levels<T>,
  inputs: readonly T[],
  outputs: readonly T[],
): Levels<T> {
  const gone = new Set(inputs);
  const isThere = (sstable: T) => !gone.has(sstable);
  const touched = new Set(inputs.map((sstable) => levelOf({ sentDown }, sstable)));
  const after = levels.map((level, number) => (touched.has(number) ? level.filter(isThere) : [...level]));
  const kept = after[0]!.length;
  const down = new Set([...sentDown].filter(isThere));
  for (const output of outputs) add(output, after, down);
  const aged = memo.level0ByAge?.filter(isThere);
  for (const sstable of aged ? after[0]!.slice(kept) : []) insertByAge(aged!, sstable);
  return { levels: after, sentDown: down, bytes: after.map(totalBytes), memo: aged ? { level0ByAge: aged } : {} };
}

function add<T extends Candidate>(sstable: T, levels: readonly T[][], sentDown: Set<T>): void {
  const number = sentDown.has(sstable) ? 0 : sstable.level;
  const level = levels[number];
  if (!level) throw noSuchLevel(sstable);
  if (number === 0) {
    level.push(sstable);
    return;
  }
  const at = firstAfter(level, sstable);
  const before = level[at - 1];
  const after = level[at];
  const { partitioner } = sstable;
  const isFree =
    (!before || compareDecorated(partitioner, before.last, sstable.first) < 0) &&
    (!after || compareDecorated(partitioner, after.first, sstable.last) > 0);
  if (isFree) level.splice(at, 0, sstable);
  else {
    sentDown.add(sstable);
    levels[0]!.push(sstable);
  }
}

/** In which level it counts. */
export function levelOf<T extends Candidate>({ sentDown }: Pick<Levels<T>, 'sentDown'>, sstable: T): number {
  return sentDown.has(sstable) ? 0 : sstable.level;
}

/** The bytes that a level is meant to hold; of level 0 those beyond which a node counts work that is left. */
export function targetBytes(level: number, { fanoutSize, maxSSTableBytes }: LeveledOptions): number {
  return level === 0 ? 4 * maxSSTableBytes : Math.trunc(fanoutSize ** level * maxSSTableBytes);
}

/** Whether a level above 0 holds so much that it must give to the next. */
export function isOverTarget({ bytes }: Levels<Candidate>, level: number, options: LeveledOptions): boolean {
  return bytes[level]! / targetBytes(level, options) > TOLERANCE;
}

/** Of Data.db as stored. */
export function totalBytes(sstables: readonly Candidate[]): number {
  return sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
}

/**
 * For each level the SSTable where its compactions left off: the last that was compacted into the level above, of which after a start only the
 * time of writing tells (LeveledManifest.calculateLastCompactedKeys).
 */
export function lastCompacted<T extends Candidate>({ levels }: Levels<T>): (T | undefined)[] {
  return levels.map((_, level) => {
    let newest: T | undefined;
    for (const sstable of levels[level + 1] ?? []) {
      if (!newest || sstable.createdMillis >= newest.createdMillis) newest = sstable;
    }
    return newest;
  });
}

/** A level from the first SSTable that lies wholly after `last` on, and around to it. */
export function wrappedAround<T extends Candidate>(level: readonly T[], last: KeySpan | undefined): readonly T[] {
  if (!last) return level;
  const pivot = level.findIndex(({ first, partitioner }) => compareDecorated(partitioner, first, last.last) > 0);
  return pivot <= 0 ? level : [...level.slice(pivot), ...level.slice(0, pivot)];
}

/** Those of `others` that have a token in common with the span, ends included: two keys of one token are taken to overlap. */
export function sharingTokens<T extends KeySpan>(span: KeySpan, others: readonly T[], partitioner: Partitioner): T[] {
  return others.filter(
    ({ first, last }) =>
      partitioner.compareTokens(first.token, span.last.token) <= 0 &&
      partitioner.compareTokens(span.first.token, last.token) <= 0,
  );
}

/** After those that are as old. */
function insertByAge<T extends Candidate>(sorted: T[], sstable: T): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.maxTimestampMicros > sstable.maxTimestampMicros) high = middle;
    else low = middle + 1;
  }
  sorted.splice(low, 0, sstable);
}

/** Index of the first of a level that begins after `sstable`. */
function firstAfter<T extends Candidate>(level: readonly T[], { first, partitioner }: T): number {
  let low = 0;
  let high = level.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareDecorated(partitioner, level[middle]!.first, first) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function noSuchLevel({ level, descriptor }: Candidate): UnsupportedError {
  return new UnsupportedError(`an SSTable is of level ${level}`, {
    file: `${descriptor.directory}/${descriptor.id}`,
    seen: level,
    expected: `0 to ${LEVEL_COUNT - 1}`,
  });
}
