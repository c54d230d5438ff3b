/**
 * SSTables that a compaction drops without reading them: all that they hold has expired or is a deletion, gc_grace is over for it, and nothing
 * that could still need the deletions is older than they are.
 */
import type { ExpiryFacts } from './sstable-facts.js';

export type ExpiryOptions = {
  /** Now less gc_grace; seconds since the epoch. */
  readonly gcBeforeSeconds: number;
  readonly onlyPurgeRepairedTombstones?: boolean;
  /** Drop also what may shadow older data elsewhere (`unsafe_aggressive_sstable_expiration` of TimeWindowCompactionStrategy). */
  readonly ignoresOverlaps?: boolean;
  /** The least timestamp of what is not yet in an SSTable. */
  readonly unflushedMinTimestampMicros?: bigint;
};

/** The last of all times. What was written at it is never dropped unread, even where nothing is outside: it is not before anything. */
const LATEST_MICROS = 2n ** 63n - 1n;

/**
 * @param compacting those of the compaction, of which some may be droppable
 * @param overlapping those outside of it that it overlaps
 * @returns the droppable ones, in their order (CompactionController.getFullyExpiredSSTables)
 */
export function fullyExpiredSSTables<T extends ExpiryFacts>(
  compacting: readonly T[],
  overlapping: readonly ExpiryFacts[],
  options: ExpiryOptions,
): T[] {
  const { gcBeforeSeconds, onlyPurgeRepairedTombstones, ignoresOverlaps } = options;
  if (onlyPurgeRepairedTombstones && compacting.some(({ repairedAtMillis }) => repairedAtMillis === 0)) return [];
  const isExpired = ({ maxLocalDeletionSeconds }: ExpiryFacts) => maxLocalDeletionSeconds < gcBeforeSeconds;
  const expired = compacting.filter(isExpired);
  if (ignoresOverlaps || expired.length === 0) return expired;
  let least = options.unflushedMinTimestampMicros ?? LATEST_MICROS;
  for (const sstable of [...overlapping, ...compacting]) {
    const { minTimestampMicros } = sstable;
    if (minTimestampMicros < least && !isExpired(sstable)) least = minTimestampMicros;
  }
  return expired.filter(({ maxTimestampMicros }) => maxTimestampMicros < least);
}
