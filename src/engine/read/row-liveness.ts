/** What a query counts of a merged row (Cassandra's ReadCommand.MetricRecording and Row.hasLiveData). */

import { EXPIRED_LIVENESS_TTL, NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import type { RowBuffer } from '../../sstable/row-buffer.js';

/** Rows that are answered, and "tombstone cells": dead cells, bounds of ranges, and rows of which nothing but a deletion is left. */
export type ReadCounts = { liveRows: number; tombstones: number };

export function isLiveCell(row: RowBuffer, i: number, nowSeconds: number): boolean {
  const local = row.cellLocalDeletion[i]!;
  return local === NO_DELETION_TIME || (row.cellTtl[i] !== 0 && nowSeconds < local);
}

function isLiveLiveness(row: RowBuffer, nowSeconds: number): boolean {
  if (!row.hasLiveness) return false;
  if (row.livenessTtl === 0) return true;
  return row.livenessTtl !== EXPIRED_LIVENESS_TTL && nowSeconds < row.livenessLocalExpiration;
}

/** @param isStrict a row lives by its liveness alone (views keyed by a regular column of their base) */
export function hasLiveData(row: RowBuffer, nowSeconds: number, isStrict: boolean): boolean {
  if (isLiveLiveness(row, nowSeconds)) return true;
  if (isStrict) return false;
  for (let i = 0; i < row.cellCount; i++) if (isLiveCell(row, i, nowSeconds)) return true;
  return false;
}

/** Adds a row, static ones too, to what was counted. @returns whether it lives */
export function countRow(row: RowBuffer, nowSeconds: number, isStrict: boolean, counts: ReadCounts): boolean {
  let dead = 0;
  for (let i = 0; i < row.cellCount; i++) if (!isLiveCell(row, i, nowSeconds)) dead++;
  counts.tombstones += dead;
  if (hasLiveData(row, nowSeconds, isStrict)) {
    counts.liveRows++;
    return true;
  }
  if (dead === 0 && !isLiveLiveness(row, nowSeconds) && hasDeletion(row, nowSeconds)) counts.tombstones++;
  return false;
}

/** Whether anything in a row without dead cells is deleted or has expired. */
function hasDeletion(row: RowBuffer, nowSeconds: number): boolean {
  if (row.deletion.isSet || (row.hasLiveness && nowSeconds >= row.livenessLocalExpiration)) return true;
  for (let i = 0; i < row.columnCount; i++) if (row.columnIsDeleted[i] === 1) return true;
  return false;
}
