/**
 * One compaction that is to be made: which SSTables go in and what shape comes out. A strategy picks it, or an operator forces it.
 *
 *   repair state    SSTables of each pending repair, transient ones first; then repaired; then unrepaired. They never meet in a task
 */
import type { OutputShape, PickKind } from '../strategies/strategy.js';
import type { ShardOptions } from '../strategies/unified-options.js';
import type { RepairState, SSTableFacts } from './sstable-facts.js';

export type TaskKind =
  | PickKind
  /** Of all SSTables of a repair state: `nodetool compact`. */
  | 'major'
  /** Of one SSTable, without what others hide: `nodetool garbagecollect`. */
  | 'garbagecollect'
  /** Of SSTables that an operator names, as `nodetool compact --user-defined` and its kin take them. */
  | 'forced';

export type TaskShape =
  | OutputShape
  /** Of a level, cut where a plan says, not by size: a new SSTable after each of these tokens, ascending, if anything was written before. */
  | { readonly kind: 'cutAt'; readonly level: number; readonly upTo: readonly bigint[] }
  /** Leveled, of everything: levels fill from 1 up, each a fanout larger than the one before. */
  | { readonly kind: 'majorLeveled'; readonly maxSSTableBytes: number; readonly fanoutSize: number }
  /** Cut into as many shards as the density of what is compacted asks for. */
  | { readonly kind: 'byDensity'; readonly options: ShardOptions };

export type RepairKind = 'pending repair' | 'repaired' | 'unrepaired';

export type PlannedTask<T extends SSTableFacts = SSTableFacts> = {
  readonly kind: TaskKind;
  readonly repair: RepairKind;
  readonly inputs: readonly T[];
  readonly output: TaskShape;
};

/** SSTables that may be compacted with each other, in the order given; never empty. */
export type RepairGroup<T extends SSTableFacts = SSTableFacts> = {
  readonly repair: RepairKind;
  readonly sstables: readonly T[];
};

export function repairGroups<T extends SSTableFacts>(sstables: readonly T[]): RepairGroup<T>[] {
  const pending = sstables.filter(({ pendingRepair }) => pendingRepair !== undefined);
  const rest = sstables.filter(({ pendingRepair }) => pendingRepair === undefined);
  const groups: RepairGroup<T>[] = [
    ...[true, false].flatMap((isTransient) => bySession(pending.filter((one) => one.isTransient === isTransient))),
    { repair: 'repaired', sstables: rest.filter(({ repairedAtMillis }) => repairedAtMillis !== 0) },
    { repair: 'unrepaired', sstables: rest.filter(({ repairedAtMillis }) => repairedAtMillis === 0) },
  ];
  return groups.filter((group) => group.sstables.length > 0);
}

/** Of what is compacted, without what is dropped unread: the least time of repair, and the rest that all have in common. */
export function outputRepairState(sstables: readonly SSTableFacts[]): RepairState {
  const [one] = sstables;
  if (!one) return { repairedAtMillis: 0, isTransient: false };
  return {
    repairedAtMillis: sstables.reduce((least, { repairedAtMillis }) => Math.min(least, repairedAtMillis), Infinity),
    ...(one.pendingRepair !== undefined && { pendingRepair: one.pendingRepair }),
    isTransient: one.isTransient,
  };
}

function bySession<T extends SSTableFacts>(sstables: readonly T[]): RepairGroup<T>[] {
  const sessions = new Map<string, T[]>();
  for (const sstable of sstables) {
    const session = sessions.get(sstable.pendingRepair!);
    if (session) session.push(sstable);
    else sessions.set(sstable.pendingRepair!, [sstable]);
  }
  return [...sessions.values()].map((one) => ({ repair: 'pending repair', sstables: one }));
}
