/** The order of rows and markers under cursors (Cassandra's ClusteringComparator), on bytes where they lie. */
import { comparator, type ValueComparator } from '../../cql/compare.js';
import type { CqlType } from '../../cql/type.js';
import { isBeforeClustering } from '../../sstable/marker-buffer.js';
import { ROW, type UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';

/** Negative, zero, positive as the unfiltered under `a` comes before, at, after the one under `b`. The kinds are those that `nextUnfiltered` gave. */
export type UnfilteredComparator = (a: UnfilteredCursor, aKind: number, b: UnfilteredCursor, bKind: number) => number;

export function compareUnfiltered(types: readonly CqlType[]): UnfilteredComparator {
  const comparators: readonly ValueComparator[] = types.map(comparator);
  return (a, aKind, b, bKind) => {
    const aSize = a.clusteringSize;
    const bSize = b.clusteringSize;
    const n = Math.min(aSize, bSize);
    for (let i = 0; i < n; i++) {
      const aStart = a.clusteringStart[i]!;
      const bStart = b.clusteringStart[i]!;
      let c: number;
      if (aStart < 0 || bStart < 0) c = (aStart < 0 ? 0 : 1) - (bStart < 0 ? 0 : 1);
      else c = comparators[i]!(a.in.buf, aStart, a.clusteringEnd[i]!, b.in.buf, bStart, b.clusteringEnd[i]!);
      if (c !== 0) return c;
    }
    const aSide = aKind === ROW ? 0 : isBeforeClustering(a.boundKind) ? -1 : 1;
    const bSide = bKind === ROW ? 0 : isBeforeClustering(b.boundKind) ? -1 : 1;
    if (aSize === bSize) return aSide - bSide;
    return aSize < bSize ? aSide : -bSide;
  };
}
