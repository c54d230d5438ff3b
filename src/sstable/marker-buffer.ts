/** A range tombstone marker in flat fields; like {@link RowBuffer}, good until the cursor that its clustering came from moves on. */
import { DeletionState } from './row-buffer.js';
import type { UnfilteredCursor } from './unfiltered-cursor.js';

/** Ordinals of Cassandra's ClusteringPrefix.Kind, as markers store them. */
export const EXCL_END_BOUND = 0;
export const INCL_START_BOUND = 1;
export const EXCL_END_INCL_START_BOUNDARY = 2;
export const CLUSTERING = 4;
export const INCL_END_EXCL_START_BOUNDARY = 5;
export const INCL_END_BOUND = 6;
export const EXCL_START_BOUND = 7;

/** Whether a bound of this kind lies before the clusterings that its values begin. */
export function isBeforeClustering(kind: number): boolean {
  return kind <= EXCL_END_INCL_START_BOUNDARY;
}

export function isBoundary(kind: number): boolean {
  return kind === EXCL_END_INCL_START_BOUNDARY || kind === INCL_END_EXCL_START_BOUNDARY;
}

/** Whether a range deletion begins at a bound of this kind (boundaries too). */
export function isOpen(kind: number): boolean {
  return kind === INCL_START_BOUND || kind === EXCL_START_BOUND || isBoundary(kind);
}

export class MarkerBuffer {
  kind = 0;
  clusteringBuf: Uint8Array = new Uint8Array(0);
  clusteringStart: Int32Array = new Int32Array(0);
  clusteringEnd: Int32Array = new Int32Array(0);
  clusteringSize = 0;
  /** Of a bound, or of the side of a boundary that ends here. */
  readonly deletion = new DeletionState();
  /** Of the side of a boundary that begins here. */
  readonly openDeletion = new DeletionState();

  /** The marker on which the cursor stands. */
  load(c: UnfilteredCursor): void {
    this.takePlace(c);
    this.deletion.set(c.deletion.hi, c.deletion.lo, c.deletion.localDeletionSeconds);
    this.openDeletion.set(c.openDeletion.hi, c.openDeletion.lo, c.openDeletion.localDeletionSeconds);
  }

  /** Kind and clustering of that marker, without its deletions. */
  takePlace(c: UnfilteredCursor): void {
    this.kind = c.boundKind;
    this.clusteringBuf = c.in.buf;
    this.clusteringStart = c.clusteringStart;
    this.clusteringEnd = c.clusteringEnd;
    this.clusteringSize = c.clusteringSize;
  }
}
