/**
 * Takes from a row, in place, what something newer hides: a deletion (Cassandra's BTreeRow.filter), or another version of the row too
 * (Rows.removeShadowedCells). What hides is not added: the row and what hides it still merge to what they did before.
 */
import { compare64 } from '../../bytes/int64.js';
import { comparator, type ValueComparator } from '../../cql/compare.js';
import { isCounter, pathType } from '../../cql/type-facts.js';
import { NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import { DeletionState, type RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { mergeCounters } from './counter-context.js';
import { nameKey } from './merge-source.js';
import { compareCells, comparePathsOf, type LostBytes } from './row-merge.js';

type ShadowedColumn = {
  /** Its index in the header of what hides; −1: not there. */
  readonly shadowIndex: number;
  readonly isCounter: boolean;
  /** Order of the cells of a complex column. */
  readonly comparePaths: ValueComparator | undefined;
};

export class RowShadow {
  private readonly statics: readonly ShadowedColumn[];
  private readonly regulars: readonly ShadowedColumn[];
  private readonly lost: LostBytes;
  private readonly deletion = new DeletionState();
  private readonly ownDeletion = new DeletionState();
  private readonly shadowDeletion = new DeletionState();

  /**
   * @param header of the rows, whose columns have the same order in `shadowHeader`
   * @param shadowHeader of the rows that hide
   * @param lost counts what goes
   */
  constructor(header: SerializationHeader, shadowHeader: SerializationHeader, lost: LostBytes) {
    this.statics = shadowedColumns(header.staticColumns, shadowHeader.staticColumns);
    this.regulars = shadowedColumns(header.regularColumns, shadowHeader.regularColumns);
    this.lost = lost;
  }

  /** Takes what `deletion` covers. @returns whether anything is left */
  filter(row: RowBuffer, deletion: DeletionState): boolean {
    if (!deletion.isSet || row.deletion.supersedes(deletion)) return !row.isEmpty;
    clearLiveness(row, deletion);
    row.deletion.clear();
    row.isDeletionShadowable = false;
    const columns = row.columnCount;
    let start = row.columnStart[0]!;
    row.columnCount = 0;
    row.cellCount = 0;
    for (let at = 0; at < columns; at++) {
      const stop = row.columnStart[at + 1]!;
      this.takeColumn(row, at);
      if (this.ownDeletion.isSet && !deletion.supersedes(this.ownDeletion)) keepDeletion(row, this.ownDeletion);
      for (let cell = start; cell < stop; cell++) this.keepUnlessDeleted(row, cell, deletion);
      row.endColumn();
      start = stop;
    }
    return !row.isEmpty;
  }

  /** Takes what `range`, or `shadow` or its deletion, hides. @returns whether anything is left */
  subtract(row: RowBuffer, shadow: RowBuffer, range: DeletionState): boolean {
    const { deletion } = this;
    deletion.copy(range.supersedes(shadow.deletion) ? range : shadow.deletion);
    clearLiveness(row, deletion);
    if (deletion.supersedes(row.deletion)) {
      row.deletion.clear();
      row.isDeletionShadowable = false;
    }
    const infos = row.isStatic ? this.statics : this.regulars;
    const columns = row.columnCount;
    let start = columns > 0 ? row.columnStart[0]! : 0;
    let other = 0;
    row.columnCount = 0;
    row.cellCount = 0;
    for (let at = 0; at < columns; at++) {
      const stop = row.columnStart[at + 1]!;
      const info = infos[row.columnIndex[at]!]!;
      while (other < shadow.columnCount && shadow.columnIndex[other]! < info.shadowIndex) other++;
      const isShared = other < shadow.columnCount && shadow.columnIndex[other] === info.shadowIndex;
      this.takeColumn(row, at);
      if (info.comparePaths) this.complexColumn(row, start, stop, shadow, isShared ? other : -1, info.comparePaths);
      else this.simpleColumn(row, start, shadow, isShared ? shadow.columnStart[other]! : -1, info.isCounter);
      row.endColumn();
      start = stop;
    }
    return !row.isEmpty;
  }

  /** Begins column `at` anew, further ahead, its deletion kept aside. */
  private takeColumn(row: RowBuffer, at: number): void {
    const { ownDeletion } = this;
    if (row.columnIsDeleted[at] === 1) {
      ownDeletion.set(row.columnDeletionHi[at]!, row.columnDeletionLo[at]!, row.columnDeletionLocal[at]!);
    } else {
      ownDeletion.clear();
    }
    row.startColumn(row.columnIndex[at]!);
  }

  private keepUnlessDeleted(row: RowBuffer, cell: number, deletion: DeletionState): void {
    if (deletion.deletes(row.cellHi[cell]!, row.cellLo[cell]!)) this.lost.deleted += row.cellBytes[cell]!;
    else row.copyCell(row, cell);
  }

  private simpleColumn(row: RowBuffer, cell: number, shadow: RowBuffer, shadowCell: number, counts: boolean): void {
    const { deletion, lost } = this;
    if (deletion.deletes(row.cellHi[cell]!, row.cellLo[cell]!)) lost.deleted += row.cellBytes[cell]!;
    else if (shadowCell >= 0 && hides(shadow, shadowCell, row, cell, counts)) lost.overwritten += row.cellBytes[cell]!;
    else row.copyCell(row, cell);
  }

  /** @param other the column of `shadow`; −1: it has none */
  private complexColumn(
    row: RowBuffer,
    start: number,
    stop: number,
    shadow: RowBuffer,
    other: number,
    comparePaths: ValueComparator,
  ): void {
    const { ownDeletion, shadowDeletion } = this;
    let { deletion } = this;
    let shadowCell = 0;
    let shadowStop = 0;
    if (other >= 0) {
      shadowCell = shadow.columnStart[other]!;
      shadowStop = shadow.columnStart[other + 1]!;
      if (shadow.columnIsDeleted[other] === 1) {
        const [hi, lo] = [shadow.columnDeletionHi[other]!, shadow.columnDeletionLo[other]!];
        shadowDeletion.set(hi, lo, shadow.columnDeletionLocal[other]!);
        if (shadowDeletion.supersedes(deletion)) deletion = shadowDeletion;
      }
    }
    if (ownDeletion.supersedes(deletion)) {
      keepDeletion(row, ownDeletion);
      deletion = ownDeletion;
    }
    for (let cell = start; cell < stop; cell++) {
      let order = -1;
      while (shadowCell < shadowStop) {
        order = comparePathsOf(comparePaths, row, cell, shadow, shadowCell);
        if (order <= 0) break;
        shadowCell++;
        order = -1;
      }
      if (order === 0 && !deletion.deletes(row.cellHi[cell]!, row.cellLo[cell]!)) {
        if (hides(shadow, shadowCell, row, cell, false)) this.lost.overwritten += row.cellBytes[cell]!;
        else row.copyCell(row, cell);
      } else {
        this.keepUnlessDeleted(row, cell, deletion);
      }
      if (order === 0) shadowCell++;
    }
  }
}

function shadowedColumns(
  columns: SerializationHeader['staticColumns'],
  shadows: SerializationHeader['staticColumns'],
): ShadowedColumn[] {
  const indexes = new Map(shadows.map(({ nameBytes }, index) => [nameKey(nameBytes), index]));
  return columns.map(({ nameBytes, type, isComplex }) => ({
    shadowIndex: indexes.get(nameKey(nameBytes)) ?? -1,
    isCounter: isCounter(type),
    comparePaths: isComplex ? comparator(pathType(type)) : undefined,
  }));
}

function clearLiveness(row: RowBuffer, deletion: DeletionState): void {
  if (!row.hasLiveness || !deletion.deletes(row.livenessHi, row.livenessLo)) return;
  row.hasLiveness = false;
  row.livenessTtl = 0;
  row.livenessLocalExpiration = NO_DELETION_TIME;
}

function keepDeletion(row: RowBuffer, { hi, lo, localDeletionSeconds }: DeletionState): void {
  row.setColumnDeletion(hi, lo, localDeletionSeconds);
}

/** Whether a merge of both cells would leave nothing of that of `row`. Where they are alike, it would: the row's own stays. */
function hides(shadow: RowBuffer, shadowCell: number, row: RowBuffer, cell: number, counts: boolean): boolean {
  const shadowIsTombstone = shadow.isTombstone(shadowCell);
  const rowIsTombstone = row.isTombstone(cell);
  if (!counts || (shadowIsTombstone && rowIsTombstone)) return compareCells(row, cell, shadow, shadowCell) < 0;
  if (shadowIsTombstone || rowIsTombstone) return shadowIsTombstone; // whatever the timestamps (CASSANDRA-7346)
  const later = compare64(row.cellHi[cell]!, row.cellLo[cell]!, shadow.cellHi[shadowCell]!, shadow.cellLo[shadowCell]!);
  const own = { buf: row.cellBuf[cell]!, start: row.valueStart[cell]!, end: row.valueEnd[cell]! };
  const other = {
    buf: shadow.cellBuf[shadowCell]!,
    start: shadow.valueStart[shadowCell]!,
    end: shadow.valueEnd[shadowCell]!,
  };
  const isEmpty = own.start === own.end;
  const otherIsEmpty = other.start === other.end;
  if (isEmpty || otherIsEmpty) return isEmpty && otherIsEmpty ? later <= 0 : otherIsEmpty;
  const merged = mergeCounters(own, other, (length) => ({ buf: new Uint8Array(length), start: 0 }));
  return merged === other && later <= 0;
}
