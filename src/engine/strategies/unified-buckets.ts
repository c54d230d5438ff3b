/** The buckets of a level of density, as one compaction after the other takes its SSTables out of them. */
import type { Candidate } from './strategy.js';
import { type DensityLevel, type LevelShape, shapeOf } from './unified-levels.js';
import type { UnifiedOptions } from './unified-options.js';
import {
  bucketsOf,
  connectedSections,
  lastWithinLimit,
  membersOf,
  type Section,
  sectionsOf,
} from './unified-overlaps.js';

/** SSTables for one compaction. */
export type Taken<T> = {
  readonly level: LevelShape;
  readonly sstables: readonly T[];
  /** The most SSTables to a key in the bucket. */
  readonly depth: number;
  /** At most so many of them to a key were taken, the oldest; undefined: all. */
  readonly limit?: number;
  readonly limitedBy?: 'max_sstables_to_compact' | 'levels';
};

/** SSTables that a chain of overlaps connects: nothing outside has to do with them. */
type Group<T> = { readonly sections: readonly Section<T>[]; readonly depth: number };

export class LevelBuckets<T extends Candidate> {
  readonly level: DensityLevel<T>;
  private readonly options: UnifiedOptions;
  /** In the order of keys. */
  private groups: Group<T>[];
  private readonly left: Set<T>;

  constructor(level: DensityLevel<T>, options: UnifiedOptions) {
    this.level = level;
    this.options = options;
    this.groups = groupsOf(level.sstables);
    this.left = new Set(level.sstables);
  }

  /** The most SSTables to a key; 0 where there is no SSTable. */
  get depth(): number {
    return this.groups.reduce((most, { depth }) => Math.max(most, depth), 0);
  }

  /** SSTables that nothing has taken yet, in the order of density. */
  get rest(): T[] {
    return [...this.left];
  }

  /** Compactions that the level asks for as it is. */
  pendingTasks(): number {
    const { threshold } = this.level;
    const buckets = this.groups.flatMap(({ sections }) => this.buckets(sections));
    return buckets.reduce((sum, bucket) => sum + Math.floor(depthOf(bucket) / threshold), 0);
  }

  /** Takes the SSTables of the first of the deepest buckets out; undefined where the level is not deep enough. */
  take(): Taken<T> | undefined {
    const { depth, level } = this;
    if (depth < level.threshold) return undefined;
    const at = this.groups.findIndex((group) => group.depth === depth);
    const { sections } = this.groups[at]!;
    const bucket = this.buckets(sections).find((candidate) => depthOf(candidate) === depth)!;
    const taken = this.chosen(bucket, depth);
    for (const sstable of taken.sstables) this.left.delete(sstable);
    this.groups.splice(at, 1, ...groupsOf(membersOf(sections).filter((sstable) => this.left.has(sstable))));
    return taken;
  }

  private buckets(sections: readonly Section<T>[]): Section<T>[][] {
    return bucketsOf(sections, this.level.threshold, this.options.overlapInclusion);
  }

  /** All of a bucket, or as many of the oldest as a compaction may take or as would have been compacted together in time. */
  private chosen(bucket: readonly Section<T>[], depth: number): Taken<T> {
    const { level } = this;
    const sstables = newestFirst(membersOf(bucket));
    const most = Math.max(level.fanout, this.options.maxSSTablesToCompact);
    const all: Taken<T> = { level, sstables, depth };
    if (depth <= level.fanout) return all;
    const isLittleLate = depth <= level.fanout * shapeOf(this.options, level.index + 1).fanout || most === level.fanout;
    if (isLittleLate && depth <= most) return all;
    const limit = isLittleLate ? most : this.lateLimit(Math.min(most, depth));
    const limitedBy = isLittleLate ? ('max_sstables_to_compact' as const) : ('levels' as const);
    return { ...all, sstables: lastWithinLimit(sstables, bucket, limit), limit, limitedBy };
  }

  /** As many as fill whole levels: the product of fanouts from this level up, and where it is leveled as many times that as there are. */
  private lateLimit(most: number): number {
    let { fanout: step, index } = this.level;
    let size: number;
    do {
      size = step;
      step *= shapeOf(this.options, ++index).fanout;
    } while (step <= most);
    return this.level.scaling < 0 ? size * Math.floor(most / size) : size;
  }
}

function groupsOf<T extends Candidate>(sstables: readonly T[]): Group<T>[] {
  return connectedSections(sectionsOf(sstables)).map((sections) => ({ sections, depth: depthOf(sections) }));
}

function depthOf<T>(sections: readonly Section<T>[]): number {
  return sections.reduce((most, { size }) => Math.max(most, size), 0);
}

function newestFirst<T extends Candidate>(sstables: readonly T[]): T[] {
  return sstables.toSorted(({ maxTimestampMicros: a }, { maxTimestampMicros: b }) => (a > b ? -1 : a < b ? 1 : 0));
}
