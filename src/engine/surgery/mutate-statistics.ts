/**
 * Statistics.db written anew with another level or another state of repair, as Cassandra does it in place (MetadataSerializer.mutate): nothing else
 * of the SSTable changes, and no digest covers the file. At any moment the old or the new one is there.
 */
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import { COMPONENT, type Descriptor } from '../../sstable/descriptor.js';
import { NO_POSITION, type StatsMetadata } from '../../sstable/metadata/stats.js';
import { makeTombstoneHistogram } from '../../sstable/metadata/tombstone-histogram.js';
import { encodeStatistics, readStatistics } from '../../sstable/statistics.js';
import type { Version } from '../../sstable/version.js';
import type { RepairState } from '../compaction/sstable-facts.js';
import { replaceComponent } from '../lifecycle/replace-component.js';

export type StatisticsChange = {
  readonly level?: number | undefined;
  /** Takes the place of all three fields: without `pendingRepair` the SSTable leaves its repair session. */
  readonly repair?: RepairState | undefined;
};

/** @throws CorruptError (any part of Statistics.db, changed or not), UsageError (a full disk, no permission) */
export function mutateLevel(output: OutputStorage, descriptor: Descriptor, level: number): void {
  mutateStatistics(output, descriptor, { level });
}

/** @throws as {@link mutateLevel} */
export function mutateRepairState(output: OutputStorage, descriptor: Descriptor, repair: RepairState): void {
  mutateStatistics(output, descriptor, { repair });
}

/** @throws as {@link mutateLevel}; then the file is as it was */
export function mutateStatistics(output: OutputStorage, descriptor: Descriptor, change: StatisticsChange): void {
  replaceComponent(output, descriptor, COMPONENT.statistics, mutatedStatistics(output, descriptor, change));
}

/** What Statistics.db holds after the change. @throws CorruptError */
export function mutatedStatistics(storage: Storage, descriptor: Descriptor, change: StatisticsChange): Buffer {
  const statistics = readStatistics(storage, descriptor);
  const { level, repair } = change;
  const { stats } = statistics;
  const { pendingRepair: _, ...others } = stats;
  const { pendingRepair, repairedAtMillis, isTransient } = repair ?? stats;
  const changed = {
    ...others,
    sstableLevel: level ?? stats.sstableLevel,
    repairedAtMillis,
    isTransient,
    ...(pendingRepair !== undefined && { pendingRepair }),
  };
  return encodeStatistics({ ...statistics.parts(), stats: asRead(changed, descriptor.version) }, descriptor.version);
}

/**
 * What is left of STATS once Cassandra (4.1 and 5.0) has read it, which is what it writes: no bounds of clusterings where they can't be trusted
 * (CASSANDRA-14861), times of deletion as whole seconds, no counts beyond a histogram, nothing after the fields.
 */
function asRead(stats: StatsMetadata, version: Version): StatsMetadata {
  const { rest: _, ...fields } = stats;
  const { commitLogIntervals: intervals } = stats;
  return {
    ...fields,
    estimatedPartitionSize: { ...stats.estimatedPartitionSize, overflow: 0 },
    estimatedCellPerPartitionCount: { ...stats.estimatedCellPerPartitionCount, overflow: 0 },
    estimatedTombstoneDropTime: makeTombstoneHistogram(stats.estimatedTombstoneDropTime.bins),
    commitLogLowerBound: intervals[0]?.start ?? NO_POSITION,
    commitLogUpperBound: intervals.at(-1)?.end ?? NO_POSITION,
    ...(version.hasLegacyMinMax && !version.hasAccurateMinMax && { legacyMinMax: { min: [], max: [] } }),
  };
}
