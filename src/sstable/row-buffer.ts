/**
 * A row in flat arrays, filled from a cursor, merged, purged and written without an object per cell. Values and paths are not copied: they stay
 * where the cursor read them, so a row is good until the cursor that it came from moves on.
 */
import { compare64 } from '../bytes/int64.js';
import { NO_DELETION_TIME } from './deletion-slot.js';
import type { UnfilteredCursor } from './unfiltered-cursor.js';

const NOTHING = new Uint8Array(0);
const NO_INDEXES = new Int32Array(0);

/** Where the columns of a source stand among those of the output, and which of its cells belong to columns dropped since. */
export type ColumnMap = {
  /** Index in the output header of each column of the source's header. */
  readonly statics: Int32Array;
  readonly regulars: Int32Array;
  /** Cells at or before these times (µs, halves by column of the source) are of a column that was dropped; absent where none was. */
  readonly dropped?: {
    readonly statics: readonly (DropTime | undefined)[];
    readonly regulars: readonly (DropTime | undefined)[];
  };
};

export type DropTime = { readonly hi: number; readonly lo: number };

/** Cassandra's DeletionTime as a mutable box; not live while `isSet`. */
export class DeletionState {
  isSet = false;
  hi = 0;
  lo = 0;
  /** Seconds. */
  localDeletionSeconds = 0;

  clear(): void {
    this.isSet = false;
  }

  set(hi: number, lo: number, localDeletionSeconds: number): void {
    this.isSet = true;
    this.hi = hi;
    this.lo = lo;
    this.localDeletionSeconds = localDeletionSeconds;
  }

  copy(other: DeletionState): void {
    this.isSet = other.isSet;
    this.hi = other.hi;
    this.lo = other.lo;
    this.localDeletionSeconds = other.localDeletionSeconds;
  }

  /** Whether this one wins over `other`: by timestamp, then by local deletion time. */
  supersedes(other: DeletionState): boolean {
    if (!this.isSet) return false;
    return !other.isSet || other.isOlderThan(this.hi, this.lo, this.localDeletionSeconds);
  }

  /** Whether a deletion of this timestamp and local time wins over this one. */
  isOlderThan(hi: number, lo: number, localDeletionSeconds: number): boolean {
    if (!this.isSet) return true;
    const c = compare64(hi, lo, this.hi, this.lo);
    return c > 0 || (c === 0 && localDeletionSeconds > this.localDeletionSeconds);
  }

  /** Whether what was written at this time is deleted. */
  deletes(hi: number, lo: number): boolean {
    return this.isSet && compare64(hi, lo, this.hi, this.lo) <= 0;
  }

  equals(other: DeletionState): boolean {
    if (!this.isSet || !other.isSet) return this.isSet === other.isSet;
    return this.hi === other.hi && this.lo === other.lo && this.localDeletionSeconds === other.localDeletionSeconds;
  }
}

export class RowBuffer {
  isStatic = false;
  /** Clustering values as [start, end) in `clusteringBuf`; start −1 is null. The arrays are the source's. */
  clusteringBuf: Uint8Array = NOTHING;
  clusteringStart: Int32Array = NO_INDEXES;
  clusteringEnd: Int32Array = NO_INDEXES;
  clusteringSize = 0;

  hasLiveness = false;
  livenessHi = 0;
  livenessLo = 0;
  /** 0: does not expire. */
  livenessTtl = 0;
  livenessLocalExpiration = NO_DELETION_TIME;

  readonly deletion = new DeletionState();
  isDeletionShadowable = false;

  /**
   * Above 0: the row has so many cells and nothing else but its liveness, and they are not here but are to be copied as they stand, from
   * `copiedBuf[copiedStart, copiedEnd)`, see UnfilteredCursor.plainCells.
   */
  copiedCells = 0;
  copiedBuf: Uint8Array = NOTHING;
  copiedStart = 0;
  copiedEnd = 0;

  /** Columns of which the row has cells or a deletion: indexes into the output header's list, ascending. */
  columnCount = 0;
  columnIndex = new Int32Array(16);
  /** Index of a column's first cell; that of the column after the last is `cellCount`. */
  columnStart = new Int32Array(17);
  /** Deletions of complex columns. */
  columnIsDeleted = new Uint8Array(16);
  columnDeletionHi = new Int32Array(16);
  columnDeletionLo = new Int32Array(16);
  columnDeletionLocal = new Float64Array(16);

  cellCount = 0;
  cellBuf: Uint8Array[] = [];
  cellHi = new Int32Array(64);
  cellLo = new Int32Array(64);
  cellTtl = new Int32Array(64);
  /** When a cell was deleted or expires, in seconds; NO_DELETION_TIME for neither. */
  cellLocalDeletion = new Float64Array(64);
  pathStart = new Int32Array(64);
  pathEnd = new Int32Array(64);
  valueStart = new Int32Array(64);
  valueEnd = new Int32Array(64);
  /** Bytes of a cell where it was read. */
  cellBytes = new Int32Array(64);

  /** Whether nothing is left: Cassandra neither merges nor writes such rows. */
  get isEmpty(): boolean {
    return !this.hasLiveness && !this.deletion.isSet && this.columnCount === 0;
  }

  clear(): void {
    this.hasLiveness = false;
    this.livenessTtl = 0;
    this.livenessLocalExpiration = NO_DELETION_TIME;
    this.deletion.isSet = false;
    this.isDeletionShadowable = false;
    this.copiedCells = 0;
    this.columnCount = 0;
    this.cellCount = 0;
    this.columnStart[0] = 0;
  }

  /** An empty static row. */
  clearStatic(): void {
    this.clear();
    this.isStatic = true;
    this.clusteringSize = 0;
  }

  /**
   * The row on which the cursor stands, as Cassandra reads it: without cells of dropped columns, without what a deletion of the same row or column
   * covers, without a shadowable deletion that the row's own liveness shadows (what it covers is gone all the same).
   */
  load(c: UnfilteredCursor, map: ColumnMap): void {
    this.clear();
    this.isStatic = c.isStatic;
    this.takeClustering(c.in.buf, c.clusteringStart, c.clusteringEnd, c.clusteringSize);
    if (c.hasLiveness) this.setLiveness(c.livenessHi, c.livenessLo, c.livenessTtl, c.livenessLocalExpiration);
    if (c.hasDeletion) {
      const { hi, lo, localDeletionSeconds } = c.deletion;
      if (c.hasLiveness && compare64(c.livenessHi, c.livenessLo, hi, lo) <= 0) this.clear();
      const isShadowed = c.isDeletionShadowable && c.hasLiveness && compare64(c.livenessHi, c.livenessLo, hi, lo) > 0;
      if (!isShadowed) {
        this.deletion.set(hi, lo, localDeletionSeconds);
        this.isDeletionShadowable = c.isDeletionShadowable;
      }
    }
    const indexes = c.isStatic ? map.statics : map.regulars;
    const dropped = map.dropped && (c.isStatic ? map.dropped.statics : map.dropped.regulars);
    while (c.nextColumn()) {
      const drop = dropped?.[c.columnIndex];
      const index = indexes[c.columnIndex]!;
      if (c.column.isComplex) {
        this.loadComplex(c, index, drop);
      } else {
        const at = c.in.pos;
        c.nextCell();
        if (drop && compare64(c.cellHi, c.cellLo, drop.hi, drop.lo) <= 0) continue;
        if (c.hasDeletion && compare64(c.cellHi, c.cellLo, c.deletion.hi, c.deletion.lo) <= 0) continue;
        this.startColumn(index);
        this.addCell(c, c.in.pos - at);
        this.endColumn();
      }
    }
  }

  /** The row on which the cursor stands, of which `plainCells` has counted so many cells. */
  loadPlain(c: UnfilteredCursor, cells: number): void {
    this.clear();
    this.isStatic = false;
    this.takeClustering(c.in.buf, c.clusteringStart, c.clusteringEnd, c.clusteringSize);
    this.setLiveness(c.livenessHi, c.livenessLo, 0, NO_DELETION_TIME);
    this.copiedCells = cells;
    this.copiedBuf = c.in.buf;
    this.copiedStart = c.plainStart;
    this.copiedEnd = c.plainEnd;
  }

  private loadComplex(c: UnfilteredCursor, index: number, drop: DropTime | undefined): void {
    this.startColumn(index);
    const d = c.complexDeletion;
    let isDeleted = c.hasComplexDeletion;
    if (isDeleted && drop && compare64(d.hi, d.lo, drop.hi, drop.lo) <= 0) isDeleted = false;
    if (isDeleted) this.setColumnDeletion(d.hi, d.lo, d.localDeletionSeconds);
    for (let at = c.in.pos; c.nextCell(); at = c.in.pos) {
      if (drop && compare64(c.cellHi, c.cellLo, drop.hi, drop.lo) <= 0) continue;
      if (c.hasDeletion && compare64(c.cellHi, c.cellLo, c.deletion.hi, c.deletion.lo) <= 0) continue;
      if (isDeleted && compare64(c.cellHi, c.cellLo, d.hi, d.lo) < 0) continue;
      this.addCell(c, c.in.pos - at);
    }
    this.endColumn();
  }

  /** The row on which the cursor stands, which has a deletion: of it nothing else. */
  loadDeletion(c: UnfilteredCursor): void {
    this.clear();
    this.isStatic = false;
    this.takeClustering(c.in.buf, c.clusteringStart, c.clusteringEnd, c.clusteringSize);
    this.deletion.set(c.deletion.hi, c.deletion.lo, c.deletion.localDeletionSeconds);
    this.isDeletionShadowable = c.isDeletionShadowable;
  }

  takeClustering(buf: Uint8Array, start: Int32Array, end: Int32Array, size: number): void {
    this.clusteringBuf = buf;
    this.clusteringStart = start;
    this.clusteringEnd = end;
    this.clusteringSize = size;
  }

  setLiveness(hi: number, lo: number, ttl: number, localExpiration: number): void {
    this.hasLiveness = true;
    this.livenessHi = hi;
    this.livenessLo = lo;
    this.livenessTtl = ttl;
    this.livenessLocalExpiration = localExpiration;
  }

  /** Begins column `index` of the output header. It counts once {@link endColumn} finds something in it. */
  startColumn(index: number): void {
    const n = this.columnCount;
    if (n === this.columnIndex.length) this.growColumns();
    this.columnIndex[n] = index;
    this.columnStart[n] = this.cellCount;
    this.columnIsDeleted[n] = 0;
  }

  /** Of the column begun. */
  setColumnDeletion(hi: number, lo: number, localDeletionSeconds: number): void {
    const n = this.columnCount;
    this.columnIsDeleted[n] = 1;
    this.columnDeletionHi[n] = hi;
    this.columnDeletionLo[n] = lo;
    this.columnDeletionLocal[n] = localDeletionSeconds;
  }

  endColumn(): void {
    const n = this.columnCount;
    if (this.columnIsDeleted[n] === 0 && this.columnStart[n] === this.cellCount) return;
    this.columnCount = n + 1;
    this.columnStart[n + 1] = this.cellCount;
  }

  /** The cell on which the cursor stands. */
  private addCell(c: UnfilteredCursor, bytes: number): void {
    const n = this.cellCount;
    if (n === this.cellHi.length) this.growCells();
    this.cellBuf[n] = c.in.buf;
    this.cellHi[n] = c.cellHi;
    this.cellLo[n] = c.cellLo;
    this.cellTtl[n] = c.cellTtl;
    this.cellLocalDeletion[n] = c.cellLocalDeletion;
    this.pathStart[n] = c.pathStart;
    this.pathEnd[n] = c.pathEnd;
    this.valueStart[n] = c.valueStart;
    this.valueEnd[n] = c.valueEnd;
    this.cellBytes[n] = bytes;
    this.cellCount = n + 1;
  }

  /** Cell `i` of another row. */
  copyCell(from: RowBuffer, i: number): void {
    const n = this.cellCount;
    if (n === this.cellHi.length) this.growCells();
    this.cellBuf[n] = from.cellBuf[i]!;
    this.cellHi[n] = from.cellHi[i]!;
    this.cellLo[n] = from.cellLo[i]!;
    this.cellTtl[n] = from.cellTtl[i]!;
    this.cellLocalDeletion[n] = from.cellLocalDeletion[i]!;
    this.pathStart[n] = from.pathStart[i]!;
    this.pathEnd[n] = from.pathEnd[i]!;
    this.valueStart[n] = from.valueStart[i]!;
    this.valueEnd[n] = from.valueEnd[i]!;
    this.cellBytes[n] = from.cellBytes[i]!;
    this.cellCount = n + 1;
  }

  /** A tombstone has a deletion time and does not expire. */
  isTombstone(i: number): boolean {
    return this.cellTtl[i] === 0 && this.cellLocalDeletion[i] !== NO_DELETION_TIME;
  }

  private growColumns(): void {
    const n = this.columnIndex.length * 2;
    this.columnIndex = grown(this.columnIndex, n);
    this.columnStart = grown(this.columnStart, n + 1);
    this.columnDeletionHi = grown(this.columnDeletionHi, n);
    this.columnDeletionLo = grown(this.columnDeletionLo, n);
    const isDeleted = new Uint8Array(n);
    isDeleted.set(this.columnIsDeleted);
    this.columnIsDeleted = isDeleted;
    const local = new Float64Array(n);
    local.set(this.columnDeletionLocal);
    this.columnDeletionLocal = local;
  }

  private growCells(): void {
    const n = this.cellHi.length * 2;
    this.cellHi = grown(this.cellHi, n);
    this.cellLo = grown(this.cellLo, n);
    this.cellTtl = grown(this.cellTtl, n);
    this.pathStart = grown(this.pathStart, n);
    this.pathEnd = grown(this.pathEnd, n);
    this.valueStart = grown(this.valueStart, n);
    this.valueEnd = grown(this.valueEnd, n);
    this.cellBytes = grown(this.cellBytes, n);
    const local = new Float64Array(n);
    local.set(this.cellLocalDeletion);
    this.cellLocalDeletion = local;
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(length);
  next.set(array);
  return next;
}
