/**
 * The least and the greatest clustering of an SSTable while it is written. Prefixes come as ranges of a buffer and are copied only when they
 * are new extremes.
 *
 *   oa, da   a slice; of range tombstones only starts can be the least and ends the greatest, boundaries are neither
 *   ma–nc    the values of the least and of the greatest prefix, whatever its kind
 */
import {
  BOUND_KINDS,
  type BoundKind,
  type ClusteringPrefix,
  comparedToClustering,
  compareKinds,
} from '../../cql/clustering.js';
import { comparator, type ValueComparator } from '../../cql/compare.js';
import type { CqlType } from '../../cql/type.js';
import type { Slice } from './slice.js';

const CLUSTERING = BOUND_KINDS.indexOf('CLUSTERING');
const KINDS = BOUND_KINDS.length;
const SIDE = Int8Array.from(BOUND_KINDS, comparedToClustering);
const ORDER = Int8Array.from({ length: KINDS * KINDS }, (_, i) =>
  Math.sign(compareKinds(BOUND_KINDS[Math.trunc(i / KINDS)]!, BOUND_KINDS[i % KINDS]!)),
);
const isKind = (pattern: RegExp) => Uint8Array.from(BOUND_KINDS, (kind) => (pattern.test(kind) ? 1 : 0));
const IS_START = isKind(/START_BOUND$/);
const IS_END = isKind(/END_BOUND$/);

/** A prefix that was copied. */
class Extreme {
  isSet = false;
  kind: number;
  size = 0;
  readonly start: Int32Array;
  readonly end: Int32Array;
  bytes = new Uint8Array(64);

  constructor(kind: BoundKind, columns: number) {
    this.kind = BOUND_KINDS.indexOf(kind);
    this.start = new Int32Array(columns);
    this.end = new Int32Array(columns);
  }

  set(kind: number, buf: Uint8Array, start: Int32Array, end: Int32Array, size: number): void {
    this.isSet = true;
    this.kind = kind;
    this.size = size;
    let length = 0;
    for (let i = 0; i < size; i++) {
      const from = start[i]!;
      const width = from < 0 ? 0 : end[i]! - from;
      if (length + width > this.bytes.length) this.grow(length + width);
      this.start[i] = from < 0 ? -1 : length;
      for (let k = 0; k < width; k++) this.bytes[length + k] = buf[from + k]!;
      length += width;
      this.end[i] = from < 0 ? -1 : length;
    }
  }

  private grow(atLeast: number): void {
    const bytes = new Uint8Array(Math.max(atLeast, 2 * this.bytes.length));
    bytes.set(this.bytes);
    this.bytes = bytes;
  }

  values(): (Uint8Array | null)[] {
    return Array.from({ length: this.size }, (_, i) =>
      this.start[i]! < 0 ? null : this.bytes.slice(this.start[i]!, this.end[i]!),
    );
  }
}

export class CoveredClusterings {
  private readonly comparators: readonly ValueComparator[];
  private readonly isLegacy: boolean;
  private readonly min: Extreme;
  private readonly max: Extreme;

  constructor(types: readonly CqlType[], isLegacy: boolean) {
    this.comparators = types.map(comparator);
    this.isLegacy = isLegacy;
    // what every prefix is below, and above
    this.min = new Extreme('EXCL_START_BOUND', types.length);
    this.max = new Extreme('EXCL_END_BOUND', types.length);
  }

  /** Any row but a static one; a value with start -1 is null. Rows between the first and the last of a partition need not be told. */
  addRow(buf: Uint8Array, start: Int32Array, end: Int32Array): void {
    const size = this.comparators.length;
    if (this.compare(CLUSTERING, buf, start, end, size, this.max) > 0) {
      this.max.set(CLUSTERING, buf, start, end, size);
      if (!this.min.isSet) this.min.set(CLUSTERING, buf, start, end, size);
    } else if (this.compare(CLUSTERING, buf, start, end, size, this.min) < 0) {
      this.min.set(CLUSTERING, buf, start, end, size);
    }
  }

  /** The last row of a partition whose first has been told. */
  addLastRow(buf: Uint8Array, start: Int32Array, end: Int32Array): void {
    const size = this.comparators.length;
    if (this.compare(CLUSTERING, buf, start, end, size, this.max) > 0) this.max.set(CLUSTERING, buf, start, end, size);
  }

  /** A range tombstone bound or boundary: `kind` is an ordinal of BOUND_KINDS. All need to be told. */
  addBound(kind: number, buf: Uint8Array, start: Int32Array, end: Int32Array, size: number): void {
    const { min, max, isLegacy } = this;
    const mayBeMin = isLegacy || IS_START[kind] === 1;
    const mayBeMax = isLegacy || IS_END[kind] === 1;
    if (mayBeMin && (!min.isSet || this.compare(kind, buf, start, end, size, min) < 0)) {
      min.set(kind, buf, start, end, size);
    }
    if (mayBeMax && (!max.isSet || this.compare(kind, buf, start, end, size, max) > 0)) {
      max.set(kind, buf, start, end, size);
    }
  }

  slice(): Slice {
    return { start: asBound(this.min, 'INCL_START_BOUND'), end: asBound(this.max, 'INCL_END_BOUND') };
  }

  /** Values up to the first null. */
  legacyMinMax(): { readonly min: readonly Uint8Array[]; readonly max: readonly Uint8Array[] } {
    return { min: valuesBeforeNull(this.min), max: valuesBeforeNull(this.max) };
  }

  private compare(
    kind: number,
    buf: Uint8Array,
    start: Int32Array,
    end: Int32Array,
    size: number,
    than: Extreme,
  ): number {
    const n = Math.min(size, than.size);
    for (let i = 0; i < n; i++) {
      const a = start[i]!;
      const b = than.start[i]!;
      const isNull = a < 0 || b < 0;
      const c = isNull
        ? (a < 0 ? 0 : 1) - (b < 0 ? 0 : 1)
        : this.comparators[i]!(buf, a, end[i]!, than.bytes, b, than.end[i]!);
      if (c !== 0) return c;
    }
    if (size === than.size) return ORDER[kind * KINDS + than.kind]!;
    return size < than.size ? SIDE[kind]! : -SIDE[than.kind]!;
  }
}

function asBound(extreme: Extreme, ofClustering: BoundKind): ClusteringPrefix {
  return { kind: extreme.kind === CLUSTERING ? ofClustering : BOUND_KINDS[extreme.kind]!, values: extreme.values() };
}

function valuesBeforeNull(extreme: Extreme): Uint8Array[] {
  const values = extreme.values();
  const nullAt = values.indexOf(null);
  return (nullAt < 0 ? values : values.slice(0, nullAt)) as Uint8Array[];
}
