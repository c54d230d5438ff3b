/** Sets of closed intervals of the commit log (Cassandra's IntervalSet): ascending by start, none reaches into the next. */
import type { CommitLogInterval, CommitLogPosition } from './stats.js';

/** Of an SSTable that is merged. */
export type IntervalSource = {
  readonly commitLogIntervals: readonly CommitLogInterval[];
  readonly originatingHostId?: string | undefined;
};

/**
 * What of the commit log is in the output of a merge on the host `hostId`: the intervals of the inputs that come from that host. A commit log
 * is one host's own, so other inputs tell nothing; without a host (as in offline tools) nothing is known.
 */
export function mergeIntervals(sources: readonly IntervalSource[], hostId: string | undefined): CommitLogInterval[] {
  if (hostId === undefined) return [];
  let set: CommitLogInterval[] = [];
  for (const { commitLogIntervals, originatingHostId } of sources) {
    if (originatingHostId !== hostId) continue;
    for (const interval of commitLogIntervals) set = addInterval(set, interval);
  }
  return set;
}

/**
 * Joins `interval` with those of `set` that it overlaps. As in Cassandra, one that is a single position, and that the new interval ends with,
 * stays beside it.
 */
function addInterval(set: readonly CommitLogInterval[], interval: CommitLogInterval): CommitLogInterval[] {
  let { start, end } = interval;
  for (const other of set) {
    if (comparePositions(other.start, end) <= 0 && comparePositions(other.end, end) > 0) end = other.end;
  }
  for (const other of set) {
    if (comparePositions(other.start, start) < 0 && comparePositions(other.end, start) >= 0) start = other.start;
  }
  const isKept = (other: CommitLogInterval) =>
    comparePositions(other.start, start) < 0 || comparePositions(other.start, end) >= 0;
  const kept = set.filter((other) => isKept(other) && comparePositions(other.start, start) !== 0);
  return [...kept, { start, end }].sort((a, b) => comparePositions(a.start, b.start));
}

export function comparePositions(a: CommitLogPosition, b: CommitLogPosition): number {
  if (a.segmentId !== b.segmentId) return a.segmentId < b.segmentId ? -1 : 1;
  return a.position - b.position;
}
