/**
 * What a compaction strategy is asked and what it answers: metadata of SSTables in, decisions with their reasons out. No file is opened, no clock
 * read: the planner, the compactor and the simulator ask the same functions.
 */
import type { Token } from '../../sstable/partitioner.js';
import type { SSTableFacts } from '../compaction/sstable-facts.js';

/** What a strategy knows of an SSTable. Made up by the simulator and by plans, which ask again after what they have decided. */
export type Candidate = SSTableFacts & {
  /** Of Data.db before compression. */
  readonly plainBytes: number;
  /** Of all files of the SSTable that its TOC.txt names, those missing counted 0. */
  readonly componentBytes: number;
  /** When Data.db was written: its modification time; milliseconds since the epoch. */
  readonly createdMillis: number;
  /** Share of cells that are tombstones droppable at `gcBefore`, 0 to 1 and, as Cassandra counts, beyond: an estimate. */
  droppableRatio(gcBeforeSeconds: number): number;
  /** Share of the token space that the SSTable stands for; undefined where it is not recorded. */
  readonly tokenSpaceCoverage: number | undefined;
  /** From the histogram of cells per partition, both as Cassandra counts them. */
  readonly cellsPerPartition: { readonly count: number; readonly mean: number };
  /** Whether the index has samples enough for estimates of a part of the keys. */
  readonly isEstimationInformative: boolean;
  /** About how many of its keys, those of `estimatedKeys`, have tokens in any of these spans. */
  estimatedKeysIn(spans: readonly TokenSpan[]): number;
};

/** Tokens after that of `after` up to that of `upTo`; where both are the same, all tokens. */
export type TokenSpan = { readonly after: Token; readonly upTo: Token };

export type StrategyContext = {
  readonly nowMillis: number;
  /** Deletions before it may be dropped; seconds since the epoch. */
  readonly gcBeforeSeconds: number;
  /** SSTables of the table that are in another repair state: never compacted together with those asked for, but what they hold may be deleted by them. */
  readonly others?: readonly Candidate[];
};

/** What comes out of a compaction. */
export type OutputShape =
  /** One SSTable of this level. */
  | { readonly kind: 'one'; readonly level: number }
  /** SSTables of this level, of so many bytes each. */
  | { readonly kind: 'leveled'; readonly level: number; readonly maxSSTableBytes: number }
  /** `--split-output`: halves, quarters, … until `minSSTableBytes`. */
  | { readonly kind: 'sizeTieredSplit'; readonly minSSTableBytes: number }
  /** Cut at the borders of this many shards of the token space. */
  | { readonly kind: 'sharded'; readonly shards: number };

export type PickKind =
  /** Because of the strategy's own shape. */
  | 'compaction'
  /** Of one SSTable, for its droppable tombstones. */
  | 'tombstones'
  /** All are dropped unread: everything in them has expired. */
  | 'expired'
  /** Leveled: one SSTable gets another level, its data is not read. */
  | 'uplevel';

/** One compaction that a strategy wants. */
export type Pick<T extends Candidate = Candidate> = {
  readonly kind: PickKind;
  readonly inputs: readonly T[];
  readonly output: OutputShape;
  /** For people: "bucket 3: 5 SSTables of 48–61 MB, min_threshold 4". */
  readonly reason: string;
};

/** SSTables that a strategy leaves as they are, with the same cause. */
export type LeftAlone<T extends Candidate = Candidate> = {
  readonly sstables: readonly T[];
  /** For people: "bucket 1: 2 SSTables of 12–14 MB are fewer than min_threshold 4". */
  readonly why: string;
};

export type Decision<T extends Candidate = Candidate> = {
  /** What it would compact next, first things first; empty where nothing is pending. Unified may want several at a time, the others one. */
  readonly picks: readonly Pick<T>[];
  /** May be made up only when it is asked for. */
  readonly left: readonly LeftAlone<T>[];
  /** What the strategy calls its estimated remaining tasks, those of `picks` among them. */
  readonly pendingTasks: number;
};

/**
 * One strategy with its options. `sstables` are those of one table and one repair state that no compaction has taken, in order of generation. Pure:
 * asked twice it answers the same.
 */
export type Strategy = {
  next<T extends Candidate>(sstables: readonly T[], context: StrategyContext): Decision<T>;
  /**
   * The strategy once a pick of these SSTables has been done and gave `outputs` (for `uplevel` the SSTable in its new level). Only of strategies
   * that remember what they did: leveled, until the node is started again.
   */
  after?<T extends Candidate>(sstables: readonly T[], pick: Pick<T>, outputs: readonly T[]): Strategy;
};
