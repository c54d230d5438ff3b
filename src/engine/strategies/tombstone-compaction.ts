/**
 * Compactions of one SSTable for the tombstones in it: worth their while where enough of its cells are droppable tombstones, and enough of those
 * lie where no other SSTable may hold what they delete (AbstractCompactionStrategy.worthDroppingTombstones).
 */
import { fullyExpiredSSTables } from '../compaction/fully-expired.js';
import type { CompactionParams } from './options.js';
import { OverlapIndex } from './overlap-index.js';
import { durationText, shareEstimate, shareExact } from './reason.js';
import type { Candidate, StrategyContext, TokenSpan } from './strategy.js';

export type TombstoneVerdict = {
  readonly isWorthIt: boolean;
  /** For people; undefined where there is nothing to tell: few tombstones can go. */
  readonly reason: string | undefined;
};

type Params = Pick<CompactionParams, 'tombstones' | 'onlyPurgeRepairedTombstones'>;

const NOTHING_TO_DROP: TombstoneVerdict = { isWorthIt: false, reason: undefined };

/**
 * Judges SSTables one after the other, what they overlap looked up in an index that is made at the first that needs it.
 * @param live all of the table, those that are judged among them
 */
export function tombstoneJudge(
  live: readonly Candidate[],
  { nowMillis, gcBeforeSeconds }: StrategyContext,
  { tombstones, onlyPurgeRepairedTombstones }: Params,
): (sstable: Candidate) => TombstoneVerdict {
  const { threshold, intervalSeconds, isUnchecked } = tombstones;
  const limit = `above tombstone_threshold ${shareExact(Number(threshold.toPrecision(7)))}`;
  let index: OverlapIndex<Candidate> | undefined;
  return (sstable) => {
    const ratio = sstable.droppableRatio(gcBeforeSeconds);
    if (ratio <= threshold) return NOTHING_TO_DROP;
    const share = `${shareEstimate(ratio)} of its cells are droppable tombstones, ${limit}`;
    if (nowMillis < sstable.createdMillis + intervalSeconds * 1000) {
      const age = durationText(Math.max(0, Math.floor((nowMillis - sstable.createdMillis) / 1000)));
      const interval = durationText(intervalSeconds);
      return no(`${share}, but it was written ${age} ago: tombstone_compaction_interval is ${interval}`);
    }
    if (isUnchecked) return yes(`${share}, and unchecked_tombstone_compaction is true`);
    index ??= new OverlapIndex(live, sstable.partitioner);
    const overlaps = index.overlapping(sstable);
    if (overlaps.next().done) return yes(`${share}, and no other SSTable overlaps it`);
    if (isExpired(sstable, index, gcBeforeSeconds, onlyPurgeRepairedTombstones)) {
      return yes(`${share}, and all of it has expired and is older than what it overlaps`);
    }
    if (!sstable.isEstimationInformative) {
      return no(`${share}, but others overlap it and its index is too small to estimate how much`);
    }
    const apart = remainingCellsRatio(sstable, index);
    if (apart * ratio > threshold) {
      return yes(`${share} even of the ${shareEstimate(apart)} of the cells that no other SSTable overlaps`);
    }
    return no(`${share}, but SSTables that overlap it leave only ${shareEstimate(apart)} of its cells alone`);
  };
}

function isExpired(
  sstable: Candidate,
  index: OverlapIndex<Candidate>,
  gcBeforeSeconds: number,
  onlyPurgeRepairedTombstones: boolean,
): boolean {
  if (sstable.maxLocalDeletionSeconds >= gcBeforeSeconds) return false;
  const overlaps = [...index.overlapping(sstable)];
  return fullyExpiredSSTables([sstable], overlaps, { gcBeforeSeconds, onlyPurgeRepairedTombstones }).length > 0;
}

const yes = (reason: string): TombstoneVerdict => ({ isWorthIt: true, reason });
const no = (reason: string): TombstoneVerdict => ({ isWorthIt: false, reason });

/** Share of the cells in partitions with keys outside of what the others span. */
function remainingCellsRatio(sstable: Candidate, index: OverlapIndex<Candidate>): number {
  const remainingKeys = sstable.estimatedKeys() - sstable.estimatedKeysIn(spansOver(sstable, index));
  const { count, mean } = sstable.cellsPerPartition;
  return (mean * remainingKeys) / (count * mean);
}

/** What others span; where one of them spans all of the SSTable, that one is enough. */
function spansOver(sstable: Candidate, index: OverlapIndex<Candidate>): TokenSpan[] {
  const { compareTokens } = sstable.partitioner;
  const spans: TokenSpan[] = [];
  for (const { first, last } of index.overlapping(sstable)) {
    const span = { after: first.token, upTo: last.token };
    const isBefore = compareTokens(span.after, sstable.first.token) < 0;
    if (isBefore && compareTokens(span.upTo, sstable.last.token) >= 0) return [span];
    spans.push(span);
  }
  return spans;
}
