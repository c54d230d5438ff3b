/** What had been written up to a time: newer liveness, deletions and cells are taken out of rows and bounds as they come from an SSTable. */
import { compare64 } from '../../bytes/int64.js';
import { type DeletionSlot, NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import {
  EXCL_END_BOUND,
  EXCL_END_INCL_START_BOUNDARY,
  EXCL_START_BOUND,
  INCL_END_BOUND,
  INCL_START_BOUND,
  isBoundary,
} from '../../sstable/marker-buffer.js';
import type { RowBuffer } from '../../sstable/row-buffer.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';

/** Microseconds, as two halves. */
export type WriteTime = { readonly hi: number; readonly lo: number };

function isNewer(hi: number, lo: number, time: WriteTime): boolean {
  return compare64(hi, lo, time.hi, time.lo) > 0;
}

export function isNewerDeletion({ hi, lo }: DeletionSlot, time: WriteTime): boolean {
  return isNewer(hi, lo, time);
}

/** Takes out of a row what is newer. It may be empty then. */
export function keepUntil(row: RowBuffer, time: WriteTime): void {
  if (row.hasLiveness && isNewer(row.livenessHi, row.livenessLo, time)) {
    row.hasLiveness = false;
    row.livenessTtl = 0;
    row.livenessLocalExpiration = NO_DELETION_TIME;
  }
  if (row.deletion.isSet && isNewer(row.deletion.hi, row.deletion.lo, time)) row.deletion.clear();
  const columns = row.columnCount;
  let start = row.columnStart[0]!;
  row.columnCount = 0;
  row.cellCount = 0;
  for (let column = 0; column < columns; column++) {
    const stop = row.columnStart[column + 1]!;
    const isDeleted = row.columnIsDeleted[column] === 1;
    const [hi, lo] = [row.columnDeletionHi[column]!, row.columnDeletionLo[column]!];
    const local = row.columnDeletionLocal[column]!;
    row.startColumn(row.columnIndex[column]!);
    if (isDeleted && !isNewer(hi, lo, time)) row.setColumnDeletion(hi, lo, local);
    for (let i = start; i < stop; i++) if (!isNewer(row.cellHi[i]!, row.cellLo[i]!, time)) row.copyCell(row, i);
    row.endColumn();
    start = stop;
  }
}

/** Takes the newer side out of the bound under the cursor. @returns whether anything is left of it */
export function keepBoundUntil(c: UnfilteredCursor, time: WriteTime): boolean {
  if (!isBoundary(c.boundKind)) return !isNewerDeletion(c.deletion, time);
  const closes = !isNewerDeletion(c.deletion, time);
  const opens = !isNewerDeletion(c.openDeletion, time);
  const isExclusiveEnd = c.boundKind === EXCL_END_INCL_START_BOUNDARY;
  if (opens && !closes) {
    c.boundKind = isExclusiveEnd ? INCL_START_BOUND : EXCL_START_BOUND;
    c.deletion.hi = c.openDeletion.hi;
    c.deletion.lo = c.openDeletion.lo;
    c.deletion.localDeletionSeconds = c.openDeletion.localDeletionSeconds;
  } else if (closes && !opens) {
    c.boundKind = isExclusiveEnd ? EXCL_END_BOUND : INCL_END_BOUND;
  }
  return opens || closes;
}
