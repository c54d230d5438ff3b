/** Reasons of UnifiedCompactionStrategy for people. */
import { bytesText, countOf, sstablesText } from './reason.js';
import type { Candidate, LeftAlone } from './strategy.js';
import type { LevelBuckets, Taken } from './unified-buckets.js';
import { type LevelShape, scalingText } from './unified-levels.js';

/**
 * @param expired how many SSTables more are taken because they have expired
 * @param isAllExpired nothing of all that is taken is read
 */
export function takenReason(taken: Taken<Candidate>, expired: number, isAllExpired: boolean): string {
  const { level, sstables, depth, limit, limitedBy } = taken;
  const limits = {
    max_sstables_to_compact: `the oldest, at most ${limit} to a key: max_sstables_to_compact`,
    levels: `the oldest, at most ${limit} to a key, which fill whole levels`,
  };
  return (
    `${nameOf(level)}: ${sstablesText(sstables)}, up to ${depth} sharing a key, threshold ${level.threshold}` +
    (limitedBy ? `; ${limits[limitedBy]}` : '') +
    (expired > 0 ? `; and ${expired} expired` : '') +
    (isAllExpired ? '; all of it expired, so nothing is read' : '')
  );
}

/** Nothing is taken but what has expired. */
export function expiredReason(expired: number, unread: number): string {
  const all = `${countOf(expired)}, all of ${expired === 1 ? 'it' : 'them'} expired`;
  return unread === expired
    ? all
    : `${all}, though what overlaps may need ${unread === 0 ? 'them' : 'some'}: they are read`;
}

/** What no compaction takes, level by level. */
export function leftInBuckets<T extends Candidate>(levels: readonly LevelBuckets<T>[]): LeftAlone<T>[] {
  const deepest = levels.reduce((a, b) => (b.depth > a.depth ? b : a), levels[0]!);
  return levels.flatMap((buckets) => {
    const { level, rest, depth } = buckets;
    if (rest.length === 0) return [];
    const more = rest.length < level.sstables.length ? 'more ' : '';
    const spread = sstablesText(rest).replace(' ', ` ${more}`);
    const lead = `${nameOf(level)}, density below ${bytesText(level.maxDensity)}: ${spread}, ${depth === 1 ? 'none overlapping' : `at most ${depth} sharing a key`}`;
    if (depth < level.threshold) return [{ sstables: rest, why: `${lead}, threshold ${level.threshold}` }];
    const other = deepest.level;
    const why = `${lead}, but only the deepest level counts: level ${other.index} has ${deepest.depth} of threshold ${other.threshold}`;
    return [{ sstables: rest, why }];
  });
}

function nameOf({ index, scaling }: LevelShape): string {
  return `level ${index} (${scalingText(scaling)})`;
}
