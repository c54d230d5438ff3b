/** Clustering prefixes (whole clusterings, and the bounds of ranges and range tombstones) and their order: Cassandra's ClusteringComparator. */
import { comparator } from './compare.js';
import type { CqlType } from './type.js';

/** Cassandra's ClusteringPrefix.Kind, in the order of its ordinals. */
export const BOUND_KINDS = [
  'EXCL_END_BOUND',
  'INCL_START_BOUND',
  'EXCL_END_INCL_START_BOUNDARY',
  'STATIC_CLUSTERING',
  'CLUSTERING',
  'INCL_END_EXCL_START_BOUNDARY',
  'INCL_END_BOUND',
  'EXCL_START_BOUND',
] as const;
export type BoundKind = (typeof BOUND_KINDS)[number];

/** `values` may be fewer than the clustering columns in bounds; `null` only occurs in compact tables. */
export type ClusteringPrefix = { readonly kind: BoundKind; readonly values: readonly (Uint8Array | null)[] };

/** Before everything in a partition but its static row, and after everything. */
export const BOTTOM: ClusteringPrefix = { kind: 'INCL_START_BOUND', values: [] };
export const TOP: ClusteringPrefix = { kind: 'INCL_END_BOUND', values: [] };

/** Rank among prefixes with equal values, and whether a bound lies before (-1) or after (1) the clusterings that begin with its values. */
const ORDER: Readonly<Record<BoundKind, { readonly rank: number; readonly side: -1 | 0 | 1 }>> = {
  EXCL_END_BOUND: { rank: 0, side: -1 },
  INCL_START_BOUND: { rank: 0, side: -1 },
  EXCL_END_INCL_START_BOUNDARY: { rank: 0, side: -1 },
  STATIC_CLUSTERING: { rank: 1, side: -1 },
  CLUSTERING: { rank: 2, side: 0 },
  INCL_END_EXCL_START_BOUNDARY: { rank: 3, side: 1 },
  INCL_END_BOUND: { rank: 3, side: 1 },
  EXCL_START_BOUND: { rank: 3, side: 1 },
};

/** -1 where `kind` lies before the clusterings that its values begin, 1 after them, 0 for a clustering itself (Kind.comparedToClustering). */
export function comparedToClustering(kind: BoundKind): -1 | 0 | 1 {
  return ORDER[kind].side;
}

/** Order of two kinds over equal values. */
export function compareKinds(a: BoundKind, b: BoundKind): number {
  return ORDER[a].rank - ORDER[b].rank;
}

/** Order of the prefixes of a table with these clustering columns (descending ones `reversed`); nulls first, descending or not. */
export function compareClustering(types: readonly CqlType[]): (a: ClusteringPrefix, b: ClusteringPrefix) => number {
  const comparators = types.map(comparator);
  return (a, b) => {
    const n = Math.min(a.values.length, b.values.length);
    for (let i = 0; i < n; i++) {
      const x = a.values[i]!;
      const y = b.values[i]!;
      const c =
        x === null || y === null
          ? (x === null ? 0 : 1) - (y === null ? 0 : 1)
          : comparators[i]!(x, 0, x.length, y, 0, y.length);
      if (c !== 0) return c;
    }
    if (a.values.length === b.values.length) return compareKinds(a.kind, b.kind);
    return a.values.length < b.values.length ? ORDER[a.kind].side : -ORDER[b.kind].side;
  };
}
