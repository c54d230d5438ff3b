/** What decides which SSTables are compacted together and what comes out: see read-candidate.ts for where it is read. */
import type { Descriptor } from '../../sstable/descriptor.js';
import type { KeyEstimate } from '../../sstable/metadata/hyper-log-log-builder.js';
import { compareDecorated, type DecoratedKey, type Partitioner } from '../../sstable/partitioner.js';

/** Whose writes an SSTable holds, as repairs see it. SSTables that differ in it never meet in a compaction. */
export type RepairState = {
  /** 0: not repaired. */
  readonly repairedAtMillis: number;
  /** UUID of the repair session that has it. */
  readonly pendingRepair?: string;
  readonly isTransient: boolean;
};

export type KeySpan = { readonly first: DecoratedKey; readonly last: DecoratedKey };

/** What tells whether everything in an SSTable has expired. */
export type ExpiryFacts = {
  readonly repairedAtMillis: number;
  readonly minTimestampMicros: bigint;
  readonly maxTimestampMicros: bigint;
  /** Infinity where anything lives for ever. */
  readonly maxLocalDeletionSeconds: number;
};

export type SSTableFacts = RepairState &
  KeySpan &
  ExpiryFacts &
  KeyEstimate & {
    readonly descriptor: Descriptor;
    readonly partitioner: Partitioner;
    /** Of Data.db as stored. */
    readonly onDiskBytes: number;
    readonly level: number;
  };

/** Whether the key ranges of two SSTables have a key in common, both ends counted. */
export function overlap(a: KeySpan, b: KeySpan, partitioner: Partitioner): boolean {
  return compareDecorated(partitioner, a.first, b.last) <= 0 && compareDecorated(partitioner, b.first, a.last) <= 0;
}

/**
 * SSTables in groups, each of those that a chain of overlaps connects; within a group and between groups in the order of first keys. No key is in
 * two groups.
 */
export function overlappingGroups<T extends KeySpan>(sstables: readonly T[], partitioner: Partitioner): T[][] {
  const sorted = sstables.toSorted((a, b) => compareDecorated(partitioner, a.first, b.first));
  const groups: T[][] = [];
  let last: DecoratedKey | undefined;
  for (const sstable of sorted) {
    if (last && compareDecorated(partitioner, sstable.first, last) <= 0) {
      groups.at(-1)!.push(sstable);
      if (compareDecorated(partitioner, sstable.last, last) > 0) last = sstable.last;
    } else {
      groups.push([sstable]);
      last = sstable.last;
    }
  }
  return groups;
}

/**
 * Of `others` those that can hold keys between the first and the last of any group of overlapping `compacting` ones: the SSTables that a
 * compaction must ask before it drops a tombstone (ColumnFamilyStore.getOverlappingLiveSSTables).
 */
export function overlappingSSTables<T extends KeySpan>(
  compacting: readonly KeySpan[],
  others: readonly T[],
  partitioner: Partitioner,
): T[] {
  if (others.length === 0) return [];
  const spans = overlappingGroups(compacting, partitioner).map((group) => spanOf(group, partitioner));
  return others.filter((other) => spans.some((span) => overlap(span, other, partitioner)));
}

/** From the first of their keys to the last. There must be one SSTable at least. */
export function spanOf(sstables: readonly KeySpan[], partitioner: Partitioner): KeySpan {
  return sstables.reduce((span, { first, last }) => ({
    first: compareDecorated(partitioner, first, span.first) < 0 ? first : span.first,
    last: compareDecorated(partitioner, last, span.last) > 0 ? last : span.last,
  }));
}
