/**
 * Compactions of one SSTable for the tombstones in it: worth their while where enough of its cells are droppable tombstones, and enough of those
 * lie where no other SSTable may hold what they delete (AbstractCompactionStrategy.worthDroppingTombstones).
 */
import { fullyExpiredSSTables } from '../compaction/fully-expired.js';
import { overlappingSSTables } from '../compaction/sstable-facts.js';
import type { CompactionParams } from './options.js';
import { durationText, shareEstimate, shareExact } from './reason.js';
import type { Candidate, StrategyContext } from './strategy.js';

export type TombstoneVerdict = {
  readonly isWorthIt: boolean;
  /** For people; undefined where there is nothing to tell: few tombstones can go. */
  readonly reason: string | undefined;
};

type Params = Pick<CompactionParams, 'tombstones' | 'onlyPurgeRepairedTombstones'>;

const NOTHING_TO_DROP: TombstoneVerdict = { isWorthIt: false, reason: undefined };

/** @param live all of the table, `sstable` among them or not */
export function judgeTombstones(
  sstable: Candidate,
  live: readonly Candidate[],
  { nowMillis, gcBeforeSeconds }: StrategyContext,
  { tombstones, onlyPurgeRepairedTombstones }: Params,
): TombstoneVerdict {
  const { threshold, intervalSeconds, isUnchecked } = tombstones;
  const ratio = sstable.droppableRatio(gcBeforeSeconds);
  if (ratio <= threshold) return NOTHING_TO_DROP;
  const share = `${shareEstimate(ratio)} of its cells are droppable tombstones`;
  const above = `above tombstone_threshold ${shareExact(Number(threshold.toPrecision(7)))}`;
  const isYoung = nowMillis < sstable.createdMillis + intervalSeconds * 1000;
  if (isYoung) {
    const age = durationText(Math.max(0, Math.floor((nowMillis - sstable.createdMillis) / 1000)));
    return no(
      `${share}, ${above}, but it was written ${age} ago: tombstone_compaction_interval is ${durationText(intervalSeconds)}`,
    );
  }
  if (isUnchecked) return yes(`${share}, ${above}, and unchecked_tombstone_compaction is true`);
  const others = live.filter((other) => other !== sstable);
  const overlaps = overlappingSSTables([sstable], others, sstable.partitioner);
  if (overlaps.length === 0) return yes(`${share}, ${above}, and no other SSTable overlaps it`);
  const expiry = { gcBeforeSeconds, onlyPurgeRepairedTombstones };
  if (fullyExpiredSSTables([sstable], overlaps, expiry).length > 0) {
    return yes(`${share}, ${above}, and all of it has expired and is older than what it overlaps`);
  }
  if (!sstable.isEstimationInformative) {
    return no(`${share}, ${above}, but others overlap it and its index is too small to estimate how much`);
  }
  const apart = remainingCellsRatio(sstable, overlaps);
  if (apart * ratio > threshold) {
    return yes(`${share}, ${above} even of the ${shareEstimate(apart)} of the cells that no other SSTable overlaps`);
  }
  return no(`${share}, ${above}, but SSTables that overlap it leave only ${shareEstimate(apart)} of its cells alone`);
}

const yes = (reason: string): TombstoneVerdict => ({ isWorthIt: true, reason });
const no = (reason: string): TombstoneVerdict => ({ isWorthIt: false, reason });

/** Share of the cells in partitions with keys outside of what the others span. */
function remainingCellsRatio(sstable: Candidate, overlaps: readonly Candidate[]): number {
  const spans = overlaps.map(({ first, last }) => ({ after: first.token, upTo: last.token }));
  const remainingKeys = sstable.estimatedKeys() - sstable.estimatedKeysIn(spans);
  const { count, mean } = sstable.cellsPerPartition;
  return (mean * remainingKeys) / (count * mean);
}
