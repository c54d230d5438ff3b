/**
 * Of which tasks a major compaction (`nodetool compact`, without --split-output) consists.
 *
 *   repair state    SSTables of each pending repair, transient ones first; then repaired; then unrepaired. They never mix
 *   strategy        SizeTiered, TimeWindow, Leveled: one task of all. Unified: a task for each group of overlapping SSTables
 *
 * A single SSTable is compacted as well: its deletions and expired data may go. Where a node finds the repair session of a pending SSTable to be
 * over, it does not compact it but marks it repaired or unrepaired; sessions are not known here, and pending ones are taken to be under way.
 * Tasks follow each other: what one has written is what the next must ask before it drops a tombstone. Data directories make no tasks of their own:
 * one directory of SSTables is compacted, and boundaries between disks are not known.
 */
import { overlappingGroups, type RepairState, type SSTableFacts } from './sstable-facts.js';
import type { CompactionStrategy } from './strategy.js';

export type MajorTask<T extends SSTableFacts = SSTableFacts> = {
  readonly kind: 'pending repair' | 'repaired' | 'unrepaired';
  /** In the order given, but for Unified: by first key. */
  readonly inputs: readonly T[];
};

/** In the order in which a node with one compactor runs them. */
export function majorTasks<T extends SSTableFacts>(
  sstables: readonly T[],
  strategy: CompactionStrategy,
): MajorTask<T>[] {
  return repairGroups(sstables).flatMap(({ kind, inputs }) =>
    strategy.kind === 'Unified'
      ? overlappingGroups(inputs, inputs[0]!.partitioner).map((group) => ({ kind, inputs: group }))
      : [{ kind, inputs }],
  );
}

/** What `nodetool garbagecollect` does one after the other: each SSTable by itself, those with the oldest data first. */
export function garbageTasks<T extends SSTableFacts>(
  sstables: readonly T[],
  { onlyPurgeRepairedTombstones }: { readonly onlyPurgeRepairedTombstones: boolean },
): MajorTask<T>[] {
  return repairGroups(sstables)
    .flatMap(({ kind, inputs }) => inputs.map((one): MajorTask<T> => ({ kind, inputs: [one] })))
    .filter(({ inputs }) => !onlyPurgeRepairedTombstones || inputs[0]!.repairedAtMillis !== 0)
    .sort((a, b) => {
      const [{ maxTimestampMicros: first }, { maxTimestampMicros: second }] = [a.inputs[0]!, b.inputs[0]!];
      return first < second ? -1 : first > second ? 1 : 0;
    });
}

/** SSTables that may be compacted with each other; none of the groups is empty. */
export function repairGroups<T extends SSTableFacts>(sstables: readonly T[]): MajorTask<T>[] {
  const pending = sstables.filter(({ pendingRepair }) => pendingRepair !== undefined);
  const rest = sstables.filter(({ pendingRepair }) => pendingRepair === undefined);
  const groups: MajorTask<T>[] = [
    ...[true, false].flatMap((isTransient) => bySession(pending.filter((one) => one.isTransient === isTransient))),
    { kind: 'repaired', inputs: rest.filter(({ repairedAtMillis }) => repairedAtMillis !== 0) },
    { kind: 'unrepaired', inputs: rest.filter(({ repairedAtMillis }) => repairedAtMillis === 0) },
  ];
  return groups.filter(({ inputs }) => inputs.length > 0);
}

/** Of what is compacted, without what is dropped unread: the least time of repair, and the rest that all have in common. */
export function outputRepairState(sstables: readonly SSTableFacts[]): RepairState {
  const [one] = sstables;
  if (!one) return { repairedAtMillis: 0, isTransient: false };
  return {
    repairedAtMillis: Math.min(...sstables.map(({ repairedAtMillis }) => repairedAtMillis)),
    ...(one.pendingRepair !== undefined && { pendingRepair: one.pendingRepair }),
    isTransient: one.isTransient,
  };
}

function bySession<T extends SSTableFacts>(sstables: readonly T[]): MajorTask<T>[] {
  const sessions = new Map<string, T[]>();
  for (const sstable of sstables) {
    const session = sessions.get(sstable.pendingRepair!);
    if (session) session.push(sstable);
    else sessions.set(sstable.pendingRepair!, [sstable]);
  }
  return [...sessions.values()].map((inputs) => ({ kind: 'pending repair', inputs }));
}
