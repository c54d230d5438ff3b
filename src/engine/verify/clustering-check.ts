/** The place of the unfiltered before, kept while the cursor moves on: what the next one must come after. */
import { BOUND_KINDS, type ClusteringPrefix, comparedToClustering } from '../../cql/clustering.js';
import { comparator, type ValueComparator } from '../../cql/compare.js';
import type { CqlType } from '../../cql/type.js';
import { CLUSTERING } from '../../sstable/marker-buffer.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';

const SIDE = Int8Array.from(BOUND_KINDS, comparedToClustering);

export class PreviousClustering {
  isSet = false;
  /** Ordinal of BOUND_KINDS. */
  kind = CLUSTERING;
  size = 0;
  bytes = new Uint8Array(128);
  readonly start: Int32Array;
  readonly end: Int32Array;
  private readonly comparators: readonly ValueComparator[];

  constructor(types: readonly CqlType[]) {
    this.start = new Int32Array(types.length);
    this.end = new Int32Array(types.length);
    this.comparators = types.map(comparator);
  }

  clear(): void {
    this.isSet = false;
  }

  take(c: UnfilteredCursor, kind: number): void {
    this.isSet = true;
    this.kind = kind;
    const size = c.clusteringSize;
    this.size = size;
    const { buf } = c.in;
    let length = 0;
    for (let i = 0; i < size; i++) {
      const from = c.clusteringStart[i]!;
      if (from < 0) {
        this.start[i] = -1;
        this.end[i] = -1;
        continue;
      }
      const width = c.clusteringEnd[i]! - from;
      if (length + width > this.bytes.length) this.grow(length + width);
      const { bytes } = this;
      for (let k = 0; k < width; k++) bytes[length + k] = buf[from + k]!;
      this.start[i] = length;
      length += width;
      this.end[i] = length;
    }
  }

  private grow(atLeast: number): void {
    const bytes = new Uint8Array(Math.max(atLeast, 2 * this.bytes.length));
    bytes.set(this.bytes);
    this.bytes = bytes;
  }

  /** Negative, zero, positive as it comes before, at, after the unfiltered under the cursor. @throws CorruptError for values that are none of their type */
  compare(c: UnfilteredCursor, kind: number): number {
    const aSize = this.size;
    const bSize = c.clusteringSize;
    const n = Math.min(aSize, bSize);
    for (let i = 0; i < n; i++) {
      const a = this.start[i]!;
      const b = c.clusteringStart[i]!;
      const order =
        a < 0 || b < 0
          ? (a < 0 ? 0 : 1) - (b < 0 ? 0 : 1)
          : this.comparators[i]!(this.bytes, a, this.end[i]!, c.in.buf, b, c.clusteringEnd[i]!);
      if (order !== 0) return order;
    }
    if (aSize === bSize) return SIDE[this.kind]! - SIDE[kind]!;
    return aSize < bSize ? SIDE[this.kind]! : -SIDE[kind]!;
  }

  toPrefix(): ClusteringPrefix {
    const values = Array.from({ length: this.size }, (_, i) =>
      this.start[i]! < 0 ? null : this.bytes.slice(this.start[i]!, this.end[i]!),
    );
    return { kind: BOUND_KINDS[this.kind]!, values };
  }
}

/** The clustering or bound under the cursor, copied. */
export function prefixUnder(c: UnfilteredCursor, kind: number): ClusteringPrefix {
  const values = Array.from({ length: c.clusteringSize }, (_, i) =>
    c.clusteringStart[i]! < 0 ? null : c.in.buf.slice(c.clusteringStart[i]!, c.clusteringEnd[i]!),
  );
  return { kind: BOUND_KINDS[kind]!, values };
}
