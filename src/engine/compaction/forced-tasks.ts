/**
 * Compactions that no strategy picks by itself but an operator asks for, made as the table's strategy makes them.
 *
 *   major            SizeTiered, TimeWindow, Leveled: one task of all. Unified: a task for each group of overlapping SSTables
 *   garbagecollect   a task for each SSTable
 *   some SSTables    one task of them
 *
 * each within a repair state. A single SSTable is compacted as well: its deletions and expired data may go. Where a node finds the repair session
 * of a pending SSTable to be over, it does not compact it but marks it repaired or unrepaired; sessions are not known here, and pending ones are
 * taken to be under way. Tasks follow each other: what one has written is what the next must ask before it drops a tombstone. Data directories
 * make no tasks of their own: one directory of SSTables is compacted, and boundaries between disks are not known.
 */

import type { CompactionStrategy } from '../strategies/options.js';
import { type PlannedTask, repairGroups, type TaskShape } from './planned-task.js';
import { overlappingGroups, type SSTableFacts } from './sstable-facts.js';

/** Below this many bytes the halves of `--split-output` are not split any more. */
const MIN_SPLIT_BYTES = 50_000_000;

export type MajorOptions = {
  /** SizeTiered: files of a half, a quarter, … of the whole in place of one; other strategies take no notice. */
  readonly splitsOutput?: boolean;
};

/** What `nodetool compact` makes, in the order in which a node with one compactor runs it; Unified: inputs by first key. */
export function majorTasks<T extends SSTableFacts>(
  sstables: readonly T[],
  strategy: CompactionStrategy,
  { splitsOutput = false }: MajorOptions = {},
): PlannedTask<T>[] {
  return repairGroups(sstables).flatMap(({ repair, sstables: group }): PlannedTask<T>[] => {
    const [kind, output] = ['major' as const, majorShape(strategy, splitsOutput)];
    if (strategy.kind !== 'Unified') return [{ kind, repair, inputs: group, output }];
    return overlappingGroups(group, group[0]!.partitioner).map((inputs) => ({ kind, repair, inputs, output }));
  });
}

export function majorShape(strategy: CompactionStrategy, splitsOutput = false): TaskShape {
  switch (strategy.kind) {
    case 'Leveled':
      return { kind: 'majorLeveled', maxSSTableBytes: strategy.maxSSTableBytes, fanoutSize: strategy.fanoutSize };
    case 'Unified':
      return { kind: 'byDensity', options: strategy };
    case 'SizeTiered':
      if (splitsOutput) return { kind: 'sizeTieredSplit', minSSTableBytes: MIN_SPLIT_BYTES };
      return { kind: 'one', level: 0 };
    default:
      return { kind: 'one', level: 0 };
  }
}

/** What `nodetool garbagecollect` does one after the other: each SSTable by itself, those with the oldest data first. */
export function garbageTasks<T extends SSTableFacts>(
  sstables: readonly T[],
  { onlyPurgeRepairedTombstones }: { readonly onlyPurgeRepairedTombstones: boolean },
): PlannedTask<T>[] {
  return repairGroups(sstables)
    .flatMap(({ repair, sstables: group }) =>
      group.map((one): PlannedTask<T> => {
        return { kind: 'garbagecollect', repair, inputs: [one], output: { kind: 'one', level: one.level } };
      }),
    )
    .filter(({ inputs }) => !onlyPurgeRepairedTombstones || inputs[0]!.repairedAtMillis !== 0)
    .sort((a, b) => {
      const [{ maxTimestampMicros: first }, { maxTimestampMicros: second }] = [a.inputs[0]!, b.inputs[0]!];
      return first < second ? -1 : first > second ? 1 : 0;
    });
}

/** Of SSTables that were chosen by name, key or range of tokens (AbstractCompactionStrategy.getUserDefinedTask). */
export function chosenTasks<T extends SSTableFacts>(
  sstables: readonly T[],
  strategy: CompactionStrategy,
): PlannedTask<T>[] {
  return repairGroups(sstables).map(({ repair, sstables: inputs }) => {
    return { kind: 'forced', repair, inputs, output: chosenShape(inputs, strategy) };
  });
}

/** Leveled: of several SSTables one of level 0 comes, of a single one as many of its level as are needed. */
function chosenShape(inputs: readonly SSTableFacts[], strategy: CompactionStrategy): TaskShape {
  if (strategy.kind === 'Unified') return { kind: 'byDensity', options: strategy };
  const level = strategy.kind === 'Leveled' && inputs.length === 1 ? inputs[0]!.level : 0;
  if (strategy.kind !== 'Leveled' || level === 0) return { kind: 'one', level: 0 };
  return { kind: 'leveled', level, maxSSTableBytes: strategy.maxSSTableBytes };
}
