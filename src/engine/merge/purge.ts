/**
 * What may go from a merged partition for good (Cassandra's PurgeFunction): deletions and expired data of which the local deletion time is before
 * `gcBefore`, where no other SSTable holds data of that partition old enough to come back. Expired cells that must stay become tombstones: the
 * value goes, the time of deletion is that of the write.
 */

import { EXPIRED_LIVENESS_TTL, NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import type { MarkerBuffer } from '../../sstable/marker-buffer.js';
import {
  EXCL_END_BOUND,
  EXCL_END_INCL_START_BOUNDARY,
  EXCL_START_BOUND,
  INCL_END_BOUND,
  INCL_START_BOUND,
  isBoundary,
} from '../../sstable/marker-buffer.js';
import type { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';

export type PurgeOptions = {
  /** Decides what has expired; seconds since the epoch. */
  readonly nowSeconds: number;
  /** Deletions at or after this time stay; seconds since the epoch. */
  readonly gcBeforeSeconds: number;
  /** Nothing is purged at all (`only_purge_repaired_tombstones` on unrepaired SSTables); what has expired still becomes tombstones. */
  readonly never?: boolean;
  /** A row whose liveness is gone is gone, whatever its cells (materialized views keyed by a regular column of their base). */
  readonly strictLiveness?: boolean;
};

/** What a purge gave back, in cells and markers. */
export type PurgeCounts = {
  /** Deletions that are gone: of partitions, ranges (a bound each), rows, columns and cells. */
  tombstonesPurged: number;
  /** Expired cells and liveness that are gone. */
  expiredPurged: number;
  /** Expired cells that have become tombstones. */
  expiredToTombstones: number;
  /** Bytes of tombstone cells that are gone, as they were stored. */
  tombstoneBytes: number;
  /** Bytes of expired cells that are gone, and of the values of those that have become tombstones. */
  expiredBytes: number;
};

export function noPurge(): PurgeCounts {
  return { tombstonesPurged: 0, expiredPurged: 0, expiredToTombstones: 0, tombstoneBytes: 0, expiredBytes: 0 };
}

/** What a deletion deletes, or that it is none but data that has expired. */
export const PARTITION_DELETION = 0;
export const RANGE_DELETION = 1;
export const ROW_DELETION = 2;
/** Of a whole collection or UDT. */
export const COLUMN_DELETION = 3;
export const CELL_DELETION = 4;
export const EXPIRED_CELL = 5;
/** The liveness of a row. */
export const EXPIRED_ROW = 6;
export const TOMBSTONE_KINDS = 7;

/** Tells whether a deletion of this timestamp may go: whether nobody else holds older data of the partition at hand. */
export type PurgeEvaluator = (hi: number, lo: number) => boolean;

export class Purger {
  readonly counts: PurgeCounts = noPurge();
  private readonly nowSeconds: number;
  private readonly gcBefore: number;
  private readonly strictLiveness: boolean;
  private evaluator: PurgeEvaluator = () => true;

  constructor({ nowSeconds, gcBeforeSeconds, never = false, strictLiveness = false }: PurgeOptions) {
    this.nowSeconds = nowSeconds;
    this.gcBefore = never ? Number.NEGATIVE_INFINITY : gcBeforeSeconds;
    this.strictLiveness = strictLiveness;
  }

  /** A partition begins. The evaluator is asked only where there is something to purge. */
  startPartition(evaluator: PurgeEvaluator): void {
    this.evaluator = evaluator;
  }

  /**
   * Whether one of `kind` may go; asked once of each, and of nothing else.
   * @param localDeletionSeconds of what has expired: of cells when they were written, of liveness when it expired
   */
  protected shouldPurge(_kind: number, hi: number, lo: number, localDeletionSeconds: number): boolean {
    return localDeletionSeconds < this.gcBefore && this.evaluator(hi, lo);
  }

  /** A deletion of a partition, a range or a row: cleared where it may go. */
  deletion(deletion: DeletionState, kind = PARTITION_DELETION): void {
    if (deletion.isSet && this.shouldPurge(kind, deletion.hi, deletion.lo, deletion.localDeletionSeconds)) {
      deletion.clear();
      this.counts.tombstonesPurged++;
    }
  }

  /** Purges a row in place. @returns whether anything is left */
  row(row: RowBuffer): boolean {
    if (row.copiedCells > 0 || !this.hasDeletion(row)) return true;
    const { counts } = this;
    if (row.hasLiveness && row.livenessTtl !== 0 && !this.isLive(row.livenessTtl, row.livenessLocalExpiration)) {
      if (this.shouldPurge(EXPIRED_ROW, row.livenessHi, row.livenessLo, row.livenessLocalExpiration)) {
        row.hasLiveness = false;
        row.livenessTtl = 0;
        row.livenessLocalExpiration = NO_DELETION_TIME;
        counts.expiredPurged++;
      }
    }
    this.deletion(row.deletion, ROW_DELETION);
    if (!row.deletion.isSet) row.isDeletionShadowable = false;
    if (this.strictLiveness && !row.deletion.isSet && !row.hasLiveness) return false;
    this.columns(row);
    return !row.isEmpty;
  }

  /** Whether anything in the row is deleted or has expired. Rows where nothing is are passed on as they are. */
  private hasDeletion(row: RowBuffer): boolean {
    const now = this.nowSeconds;
    if (row.deletion.isSet || row.livenessLocalExpiration <= now) return true;
    const { cellTtl, cellLocalDeletion } = row;
    for (let i = 0; i < row.cellCount; i++) {
      const local = cellLocalDeletion[i]!;
      if (local !== NO_DELETION_TIME && (local <= now || cellTtl[i] === 0)) return true;
    }
    for (let i = 0; i < row.columnCount; i++) if (row.columnIsDeleted[i] === 1) return true;
    return false;
  }

  private isLive(ttl: number, localExpiration: number): boolean {
    return ttl !== EXPIRED_LIVENESS_TTL && this.nowSeconds < localExpiration;
  }

  /** Columns and cells that stay move to the front. */
  private columns(row: RowBuffer): void {
    const columns = row.columnCount;
    let start = row.columnStart[0]!;
    row.columnCount = 0;
    row.cellCount = 0;
    for (let column = 0; column < columns; column++) {
      const stop = row.columnStart[column + 1]!;
      const isDeleted = row.columnIsDeleted[column] === 1;
      const hi = row.columnDeletionHi[column]!;
      const lo = row.columnDeletionLo[column]!;
      const local = row.columnDeletionLocal[column]!;
      row.startColumn(row.columnIndex[column]!);
      if (isDeleted) {
        if (this.shouldPurge(COLUMN_DELETION, hi, lo, local)) this.counts.tombstonesPurged++;
        else row.setColumnDeletion(hi, lo, local);
      }
      for (let cell = start; cell < stop; cell++) this.cell(row, cell);
      row.endColumn();
      start = stop;
    }
  }

  private cell(row: RowBuffer, i: number): void {
    const local = row.cellLocalDeletion[i]!;
    const ttl = row.cellTtl[i]!;
    if (local === NO_DELETION_TIME || (ttl !== 0 && this.nowSeconds < local)) {
      row.copyCell(row, i);
      return;
    }
    const hi = row.cellHi[i]!;
    const lo = row.cellLo[i]!;
    const written = local - ttl;
    if (this.shouldPurge(ttl === 0 ? CELL_DELETION : EXPIRED_CELL, hi, lo, Math.min(local, written))) {
      if (ttl === 0) {
        this.counts.tombstonesPurged++;
        this.counts.tombstoneBytes += row.cellBytes[i]!;
      } else {
        this.counts.expiredPurged++;
        this.counts.expiredBytes += row.cellBytes[i]!;
      }
      return;
    }
    const n = row.cellCount;
    row.copyCell(row, i);
    if (ttl === 0) return;
    this.counts.expiredBytes += row.valueEnd[n]! - row.valueStart[n]!;
    row.cellTtl[n] = 0;
    row.cellLocalDeletion[n] = written;
    row.valueEnd[n] = row.valueStart[n]!;
    this.counts.expiredToTombstones++;
  }

  /** Purges a marker in place: a boundary may lose a side. @returns whether anything is left */
  marker(marker: MarkerBuffer): boolean {
    if (!isBoundary(marker.kind)) {
      this.deletion(marker.deletion, RANGE_DELETION);
      return marker.deletion.isSet;
    }
    this.deletion(marker.deletion, RANGE_DELETION);
    this.deletion(marker.openDeletion, RANGE_DELETION);
    const closes = marker.deletion.isSet;
    const opens = marker.openDeletion.isSet;
    const isExclusiveEnd = marker.kind === EXCL_END_INCL_START_BOUNDARY;
    if (opens && !closes) {
      marker.kind = isExclusiveEnd ? INCL_START_BOUND : EXCL_START_BOUND;
      marker.deletion.copy(marker.openDeletion);
    } else if (closes && !opens) {
      marker.kind = isExclusiveEnd ? EXCL_END_BOUND : INCL_END_BOUND;
    }
    return closes || opens;
  }
}
