/**
 * LeveledCompactionStrategy.
 *
 *   level 0    SSTables as they were flushed, which may overlap
 *   level n    SSTables of a size, none overlapping another of the level; target: fanout ^ n of that size
 *
 * The highest level that is above its target gives one SSTable with all that it overlaps in the next level, beginning behind the one where it left
 * off; where none is above, level 0 gives its oldest SSTables with all that they overlap in level 1. Where more than 32 lie in level 0, those of
 * like size among them are put together first. Nothing of all that: one SSTable for its tombstones.
 *
 * A node remembers where each level left off and how long a level has had no compaction. {@link Strategy.after} tells it to the strategy; until
 * then it is as after a start.
 */
import { compareDecorated, type Partitioner } from '../../sstable/partitioner.js';
import { type KeySpan, spanOf } from '../compaction/sstable-facts.js';
import {
  byAge,
  isOverTarget,
  LEVEL_COUNT,
  type Levels,
  lastCompacted,
  level0ByAge,
  levelOf,
  levelsOf,
  replaced,
  sharingTokens,
  TOLERANCE,
  targetBytes,
  totalBytes,
  wrappedAround,
} from './leveled-levels.js';
import type { LeveledOptions } from './leveled-options.js';
import { leftInLevels } from './leveled-reasons.js';
import type { CompactionParams } from './options.js';
import { bytesText, countOf, sstablesText } from './reason.js';
import { liveOf, mostInterestingBucket, sizeTieredBuckets } from './size-tiered.js';
import type { Candidate, Decision, Pick, Strategy, StrategyContext } from './strategy.js';
import { tombstoneJudge } from './tombstone-compaction.js';

/** Where more SSTables lie in level 0, compactions have fallen behind. */
const MAX_COMPACTING_LEVEL0 = 32;
/** After so many compactions from above level 0, none of them into a level, SSTables of this level are taken along. */
const NO_COMPACTION_LIMIT = 25;

export type LeveledSettings = {
  /** The node runs with -Dcassandra.disable_stcs_in_l0=true. */
  readonly disablesSizeTieringInLevel0?: boolean;
};

type Params = Readonly<globalThis.Pick<CompactionParams, 'thresholds' | 'tombstones' | 'onlyPurgeRepairedTombstones'>>;

/** What a node remembers from one compaction to the next; by level. */
type Memory<T extends Candidate> = {
  /** The SSTable behind which a level goes on. */
  readonly last: readonly (T | undefined)[];
  /** Compactions from above level 0 since one last went into the level. */
  readonly rounds: readonly number[];
  readonly levels: Levels<T>;
  /** The SSTables that there should be now. */
  readonly live: readonly T[];
};

export function leveledStrategy(options: LeveledOptions, params: Params, settings: LeveledSettings = {}): Strategy {
  return strategyWith({ ...options, ...params, ...settings });
}

type Rules = LeveledOptions & Params & LeveledSettings;

function strategyWith(rules: Rules, memory?: Memory<Candidate>): Strategy {
  return {
    next<T extends Candidate>(sstables: readonly T[], context: StrategyContext) {
      const known = memory as Memory<T> | undefined;
      const levels = levelsNow(sstables, known);
      return decide(rules, levels, context, known ?? fresh(sstables, levels));
    },
    after<T extends Candidate>(sstables: readonly T[], pick: Pick<T>, outputs: readonly T[]) {
      const known = memory as Memory<T> | undefined;
      const levels = levelsNow(sstables, known);
      return strategyWith(rules, remember(sstables, levels, known ?? fresh(sstables, levels), pick, outputs));
    },
  };
}

/** The levels as they are remembered, if it is these SSTables that they are remembered of. What was sent down once stays there. */
function levelsNow<T extends Candidate>(sstables: readonly T[], known: Memory<T> | undefined): Levels<T> {
  const isKnown = known?.live.length === sstables.length && sstables.every((sstable, i) => sstable === known.live[i]);
  return isKnown ? known.levels : levelsOf(sstables, known?.levels.sentDown);
}

function decide<T extends Candidate>(
  rules: Rules,
  levels: Levels<T>,
  context: StrategyContext,
  memory: Memory<T>,
): Decision<T> {
  const forLevels = levelPick(rules, levels, memory);
  const { pick, hindered } = forLevels
    ? { pick: forLevels, hindered: new Map<T, string>() }
    : tombstonePick(rules, levels, context);
  return {
    picks: pick ? [pick] : [],
    get left() {
      return leftInLevels(levels, rules, pick, hindered);
    },
    pendingTasks: pendingTasks(rules, levels),
  };
}

function levelPick<T extends Candidate>(rules: Rules, levels: Levels<T>, memory: Memory<T>): Pick<T> | undefined {
  for (let level = LEVEL_COUNT - 1; level > 0; level--) {
    // There is no level that the last one could give to.
    if (level === LEVEL_COUNT - 1 || !isOverTarget(levels, level, rules)) continue;
    return sizeTieredPick(rules, levels) ?? upPick(rules, levels, level, memory);
  }
  return level0Pick(rules, levels) ?? sizeTieredPick(rules, levels);
}

/** One SSTable of a level with what it overlaps in the next. */
function upPick<T extends Candidate>(rules: Rules, levels: Levels<T>, level: number, memory: Memory<T>): Pick<T> {
  const from = wrappedAround(levels.levels[level]!, memory.last[level])[0]!;
  const overlapped = sharingTokens(from, levels.levels[level + 1]!, from.partitioner);
  const into = level + 1;
  const rounds = roundsAfter(memory.rounds, into);
  const starved = starvedSSTable(levels, [from, ...overlapped], rounds);
  const inputs = starved ? [from, ...overlapped, starved] : [from, ...overlapped];
  const own = levels.levels[level]!;
  const goes =
    overlapped.length > 0 ? `1 goes with ${overlapped.length} that it overlaps in L${into}` : `1 goes to L${into}`;
  return {
    kind: rules.singleSSTableUplevel && inputs.length === 1 ? 'uplevel' : 'compaction',
    inputs,
    output: { kind: 'leveled', level: into, maxSSTableBytes: rules.maxSSTableBytes },
    reason:
      `L${level}: ${bytesText(levels.bytes[level]!)} in ${countOf(own.length)}, target ${bytesText(targetBytes(level, rules))}: ${goes}` +
      (starved ? `, and 1 of L${starved.level}, without a compaction for ${rounds[starved.level]} rounds` : ''),
  };
}

/** The oldest SSTables of level 0 with those that overlap them, and where they are more than one output is large with what they overlap in level 1. */
function level0Pick<T extends Candidate>(rules: Rules, levels: Levels<T>): Pick<T> | undefined {
  const own = level0Candidates(level0ByAge(levels), rules.thresholds.max);
  const bytes = totalBytes(own);
  const partitioner = own[0]?.partitioner;
  // Both bounds as a node has them: what is exactly as large as one output goes to level 1 without what it overlaps there.
  const overlapped =
    partitioner && bytes > rules.maxSSTableBytes
      ? sharingTokens(spanOf(own, partitioner), levels.levels[1]!, partitioner)
      : [];
  const inputs = [...own, ...overlapped];
  if (inputs.length < 2) return undefined;
  const into = nextLevel(levels, inputs, rules);
  const size = `L0: ${bytesText(bytes)} in ${countOf(own.length)}`;
  const reason =
    into === 0
      ? `${size}, less than one SSTable of ${bytesText(rules.maxSSTableBytes)}: they stay in L0, as one`
      : `${size} ${own.length === 1 ? 'goes' : 'go'} to L1${overlapped.length > 0 ? ` with ${overlapped.length} overlapped there` : ''}`;
  return {
    kind: 'compaction',
    inputs,
    output: { kind: 'leveled', level: into, maxSSTableBytes: rules.maxSSTableBytes },
    reason,
  };
}

/** By age, each with those it overlaps, until they are more than `most`: then only the oldest. */
function level0Candidates<T extends Candidate>(level0ByAge: readonly T[], most: number): T[] {
  let remaining = level0ByAge;
  const candidates: T[] = [];
  while (remaining.length > 0) {
    const [oldest] = remaining as [T, ...T[]];
    const overlapped = sharingTokens(oldest, remaining, oldest.partitioner);
    // the first of them are the oldest already
    if (candidates.length === 0 && overlapped.length > most) return overlapped.slice(0, most);
    const taken = new Set(overlapped);
    for (const sstable of overlapped) candidates.push(sstable);
    remaining = remaining.filter((sstable) => !taken.has(sstable));
    if (candidates.length > most) return byAge(candidates).slice(0, most);
  }
  return candidates;
}

/** SSTables of like size in level 0, where it has fallen behind. */
function sizeTieredPick<T extends Candidate>(rules: Rules, { levels }: Levels<T>): Pick<T> | undefined {
  const level0 = levels[0]!;
  if (rules.disablesSizeTieringInLevel0 || level0.length <= MAX_COMPACTING_LEVEL0) return undefined;
  const inputs = mostInterestingBucket(sizeTieredBuckets(level0, rules.sizeTiered), rules.thresholds);
  if (inputs.length === 0) return undefined;
  return {
    kind: 'compaction',
    inputs,
    output: { kind: 'one', level: 0 },
    reason:
      `L0: ${countOf(level0.length)}, more than ${MAX_COMPACTING_LEVEL0}, so it is behind: ` +
      `${sstablesText(inputs)}, of like size, become one there first`,
  };
}

type TombstonePick<T extends Candidate> = {
  readonly pick?: Pick<T>;
  /** SSTables with droppable tombstones that are not compacted for them, and why not. */
  readonly hindered: ReadonlyMap<T, string>;
};

/** Of the highest level that has one: the SSTable with most droppable tombstones that is worth it. */
function tombstonePick<T extends Candidate>(
  rules: Rules,
  { levels }: Levels<T>,
  context: StrategyContext,
): TombstonePick<T> {
  const live = liveOf(levels.flat(), context);
  const judge = tombstoneJudge(live, context, rules);
  const hindered = new Map<T, string>();
  const ratios = new Map(live.map((sstable) => [sstable, sstable.droppableRatio(context.gcBeforeSeconds)] as const));
  for (const [level, own] of [...levels.entries()].reverse()) {
    for (const sstable of own.toSorted((a, b) => ratios.get(b)! - ratios.get(a)!)) {
      const { isWorthIt, reason } = judge(sstable);
      if (reason === undefined) break;
      if (!isWorthIt) {
        hindered.set(sstable, `L${level}: ${reason}`);
        continue;
      }
      const output = { kind: 'leveled' as const, level, maxSSTableBytes: rules.maxSSTableBytes };
      return { pick: { kind: 'tombstones', inputs: [sstable], output, reason: `L${level}: ${reason}` }, hindered };
    }
  }
  return { hindered };
}

/** The level that the output of a compaction gets (LeveledManifest.getNextLevel). */
function nextLevel<T extends Candidate>(levels: Levels<T>, inputs: readonly T[], rules: Rules): number {
  const of = inputs.map((sstable) => levelOf(levels, sstable));
  const lowest = Math.min(...of);
  const highest = Math.max(...of);
  if (highest === 0 && totalBytes(inputs) < rules.maxSSTableBytes) return 0;
  return lowest === highest ? highest + 1 : highest;
}

/**
 * An SSTable of the highest level that holds any, if that level starves, and if the SSTable lies wholly within the keys of the inputs: so that
 * levels which have too little to be compacted come down in the end.
 */
function starvedSSTable<T extends Candidate>(
  { levels }: Levels<T>,
  inputs: readonly T[],
  rounds: readonly number[],
): T | undefined {
  const highest = levels.findLastIndex((level) => level.length > 0);
  if (highest <= 0 || rounds[highest]! <= NO_COMPACTION_LIMIT) return undefined;
  const { partitioner } = inputs[0]!;
  const span = spanOf(inputs, partitioner);
  if (compareDecorated(partitioner, span.first, span.last) === 0) return undefined;
  return levels[highest]!.find((sstable) => !inputs.includes(sstable) && liesWithin(sstable, span, partitioner));
}

/** One partition alone never lies within anything: to a node its span is the whole ring. */
function liesWithin({ first, last }: KeySpan, span: KeySpan, partitioner: Partitioner): boolean {
  return (
    compareDecorated(partitioner, first, last) < 0 &&
    compareDecorated(partitioner, span.first, first) <= 0 &&
    compareDecorated(partitioner, last, span.last) <= 0
  );
}

function roundsAfter(rounds: readonly number[], into: number): number[] {
  return rounds.map((count, level) => (level === into || level === 0 ? 0 : count + 1));
}

function fresh<T extends Candidate>(live: readonly T[], levels: Levels<T>): Memory<T> {
  return { last: lastCompacted(levels), rounds: new Array<number>(LEVEL_COUNT).fill(0), levels, live };
}

function remember<T extends Candidate>(
  sstables: readonly T[],
  levels: Levels<T>,
  { last, rounds }: Memory<T>,
  { kind, inputs, output }: Pick<T>,
  outputs: readonly T[],
): Memory<T> {
  const lowest = Math.min(...inputs.map((sstable) => levelOf(levels, sstable)));
  const greatest = outputs.reduce<T | undefined>(
    (a, b) => (a && compareDecorated(b.partitioner, a.first, b.first) >= 0 ? a : b),
    undefined,
  );
  const isFromAbove = lowest > 0 && kind !== 'tombstones' && 'level' in output;
  const gone = new Set(inputs);
  return {
    last: greatest ? last.with(lowest, greatest) : last,
    rounds: isFromAbove ? roundsAfter(rounds, output.level) : rounds,
    levels: replaced(levels, inputs, outputs),
    live: [...sstables.filter((sstable) => !gone.has(sstable)), ...outputs],
  };
}

/** Compactions that a node says are left to do (LeveledManifest.getEstimatedTasks). */
function pendingTasks<T extends Candidate>(rules: Rules, { levels, bytes }: Levels<T>): number {
  const ofLevels = bytes.map((held, number) => {
    const over = held - Math.trunc(targetBytes(number, rules) * TOLERANCE);
    return Math.ceil(Math.max(0, over) / rules.maxSSTableBytes);
  });
  const { max } = rules.thresholds;
  const level0 = levels[0]!.length;
  const ofLevel0 = !rules.disablesSizeTieringInLevel0 && level0 > max ? Math.floor(level0 / max) : 0;
  return ofLevels.reduce((sum, tasks) => sum + tasks, ofLevel0);
}
