/** What of a partition is asked for, and where a row or range tombstone bound stands to it: on bytes where they lie. */
import { BOTTOM, type ClusteringPrefix, compareClustering, comparedToClustering, TOP } from '../../cql/clustering.js';
import { comparator, type ValueComparator } from '../../cql/compare.js';
import type { CqlType } from '../../cql/type.js';
import { isBeforeClustering } from '../../sstable/marker-buffer.js';
import type { Slice } from '../../sstable/metadata/slice.js';
import { ROW } from '../../sstable/unfiltered-cursor.js';

/** Two bounds, none a whole clustering. */
export type ReadSlice = Slice & {
  /** One whole clustering, which Cassandra reads another way than a range (by name). */
  readonly isName: boolean;
};

export const WHOLE_PARTITION: ReadSlice = { start: BOTTOM, end: TOP, isName: false };

export function isWhole({ start, end }: ReadSlice): boolean {
  return start.values.length === 0 && end.values.length === 0;
}

/** A place in a partition, as cursors and buffers hold it. */
export type Place = {
  readonly clusteringSize: number;
  readonly clusteringStart: Int32Array;
  readonly clusteringEnd: Int32Array;
};

/** Order of the place in `buf` to a bound. `kind`: ROW or MARKER, the latter of `boundKind`. */
export type PlaceComparator = (
  place: Place,
  buf: Uint8Array,
  kind: number,
  boundKind: number,
  bound: ClusteringPrefix,
) => number;

export function placeComparator(types: readonly CqlType[]): PlaceComparator {
  const comparators: readonly ValueComparator[] = types.map(comparator);
  return (place, buf, kind, boundKind, bound) => {
    const size = place.clusteringSize;
    const n = Math.min(size, bound.values.length);
    for (let i = 0; i < n; i++) {
      const start = place.clusteringStart[i]!;
      const value = bound.values[i]!;
      let c: number;
      if (start < 0 || value === null) c = (start < 0 ? 0 : 1) - (value === null ? 0 : 1);
      else c = comparators[i]!(buf, start, place.clusteringEnd[i]!, value, 0, value.length);
      if (c !== 0) return c;
    }
    const side = kind === ROW ? 0 : isBeforeClustering(boundKind) ? -1 : 1;
    const boundSide = comparedToClustering(bound.kind);
    if (size === bound.values.length) return side - boundSide;
    return size < bound.values.length ? side : -boundSide;
  };
}

/** Whether the slice and what an SSTable covers, as its statistics tell, have anything in common. Not known: they may. An empty slice has nothing. */
export function intersection(slice: ReadSlice, types: readonly CqlType[]): (covered: Slice | undefined) => boolean {
  const compare = compareClustering(types);
  if (compare(slice.start, slice.end) >= 0) return () => false;
  return (covered) =>
    !covered ||
    (compare(covered.start, covered.end) < 0 &&
      compare(slice.start, covered.end) < 0 &&
      compare(covered.start, slice.end) < 0);
}
