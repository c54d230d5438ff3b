/**
 * Which partitions, rows and markers a scan is asked for. Rows are judged under the cursor, which is put back to the row's first column
 * afterwards; a row is wanted or not as a whole.
 */
import { compare64, hiOf, loOf } from '../bytes/int64.js';
import type { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';

export interface UnfilteredFilter {
  /** Whether the partition is wanted for its own sake, with or without rows: its deletion matches. */
  wantsPartition(c: UnfilteredCursor): boolean;
  wantsRow(c: UnfilteredCursor): boolean;
  wantsMarker(c: UnfilteredCursor): boolean;
}

export type FilterOptions = {
  /** Write times in microseconds: at or after, and before. */
  readonly sinceMicros?: bigint;
  readonly untilMicros?: bigint;
  /** Only what deletes: partition, row, range, complex and cell tombstones. */
  readonly tombstones?: boolean;
  /** First clustering values, serialized; a row or bound must begin with them. */
  readonly clustering?: readonly Uint8Array[];
};

/** `undefined` where `options` ask for everything. */
export function makeFilter(options: FilterOptions): UnfilteredFilter | undefined {
  const { sinceMicros, untilMicros, clustering } = options;
  const tombstones = options.tombstones === true;
  const timed = sinceMicros !== undefined || untilMicros !== undefined;
  if (!timed && !tombstones && clustering === undefined) return undefined;
  const since = sinceMicros ?? -(2n ** 63n);
  const until = untilMicros ?? 2n ** 63n - 1n;
  const [sinceHi, sinceLo, untilHi, untilLo] = [hiOf(since), loOf(since), hiOf(until), loOf(until)];
  const inTime = (hi: number, lo: number) =>
    !timed ||
    (compare64(hi, lo, sinceHi, sinceLo) >= 0 &&
      (untilMicros === undefined || compare64(hi, lo, untilHi, untilLo) < 0));

  /** Whether a time (and, where asked for, a tombstone) of the row's columns matches. */
  const anyColumn = (c: UnfilteredCursor): boolean => {
    let found = false;
    while (!found && c.nextColumn()) {
      found = c.hasComplexDeletion && inTime(c.complexDeletion.hi, c.complexDeletion.lo);
      while (!found && c.nextCell()) found = (c.cellIsDeleted || !tombstones) && inTime(c.cellHi, c.cellLo);
    }
    c.rewindRow();
    return found;
  };

  const wantsRow = (c: UnfilteredCursor): boolean => {
    if (clustering && (c.isStatic || !beginsWith(c, clustering, clustering.length))) return false;
    if (c.hasDeletion && inTime(c.deletion.hi, c.deletion.lo)) return true;
    if (!tombstones && c.hasLiveness && inTime(c.livenessHi, c.livenessLo)) return true;
    if (!timed && !tombstones) return true;
    return anyColumn(c);
  };

  return {
    wantsPartition: (c) =>
      clustering === undefined && c.hasPartitionDeletion && inTime(c.partitionDeletion.hi, c.partitionDeletion.lo),
    wantsRow,
    wantsMarker: (c) =>
      (!clustering || beginsWith(c, clustering, Math.min(clustering.length, c.clusteringSize))) &&
      (inTime(c.deletion.hi, c.deletion.lo) || (isBoundary(c) && inTime(c.openDeletion.hi, c.openDeletion.lo))),
  };
}

function isBoundary(c: UnfilteredCursor): boolean {
  return c.boundKind === 2 || c.boundKind === 5;
}

/** Whether the first `count` clustering values under the cursor are `values`. */
function beginsWith(c: UnfilteredCursor, values: readonly Uint8Array[], count: number): boolean {
  if (c.clusteringSize < count) return false;
  const { buf } = c.in;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const start = c.clusteringStart[i]!;
    if (start < 0 || c.clusteringEnd[i]! - start !== value.length) return false;
    for (let j = 0; j < value.length; j++) if (buf[start + j] !== value[j]) return false;
  }
  return true;
}

/** How many rows, markers and partition deletions are still wanted. */
export type Budget = { left: number };

/** `filter`, until the budget is spent: then the cursor is told to stop. */
export function limited(filter: UnfilteredFilter | undefined, budget: Budget): UnfilteredFilter {
  const take = (c: UnfilteredCursor, wanted: boolean): boolean => {
    if (!wanted || budget.left <= 0) return false;
    budget.left--;
    if (budget.left === 0) c.stop();
    return true;
  };
  return {
    wantsPartition: (c) => take(c, filter ? filter.wantsPartition(c) : c.hasPartitionDeletion),
    wantsRow: (c) => take(c, filter?.wantsRow(c) ?? true),
    wantsMarker: (c) => take(c, filter?.wantsMarker(c) ?? true),
  };
}
