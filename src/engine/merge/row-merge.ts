/**
 * Versions of one row from several SSTables as one (Cassandra's Row.Merger and Cells.reconcile).
 *
 * Liveness and deletion: the one that supersedes. A cell loses to any deletion at or after its timestamp: of the partition, a range, the row or its
 * column. Between cells: the later timestamp; then what is deleted or expires before what lives for ever, tombstones before expiring cells, the
 * later deletion or expiry time; then the greater value by unsigned bytes. Counters merge shard by shard, whatever their timestamps.
 */
import { compare64 } from '../../bytes/int64.js';
import { comparator, type ValueComparator } from '../../cql/compare.js';
import { compareBytes } from '../../cql/token.js';
import { isCounter, pathType } from '../../cql/type-facts.js';
import { EXPIRED_LIVENESS_TTL, NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { mergeCounters } from './counter-context.js';

type MergedColumn = {
  readonly isComplex: boolean;
  readonly isCounter: boolean;
  /** Order of the cells of a complex column. */
  readonly comparePaths: ValueComparator | undefined;
};

/** Bytes for merged counters: one row's are all held until it is written. */
const ARENA_BYTES = 1 << 16;

/** Bytes of cells, as they were stored, that lost. */
export type LostBytes = {
  /** To a cell of another SSTable. */
  overwritten: number;
  /** To a deletion of their partition, range, row or column. */
  deleted: number;
};

export class RowMerger {
  readonly lost: LostBytes = { overwritten: 0, deleted: 0 };
  private readonly statics: readonly MergedColumn[];
  private readonly regulars: readonly MergedColumn[];
  private readonly out = new RowBuffer();
  private readonly active = new DeletionState();
  private readonly columnDeletion = new DeletionState();
  /** By version: its next column, and in a complex column its next and last cell. */
  private column = new Int32Array(8);
  private cell = new Int32Array(8);
  private lastCell = new Int32Array(8);
  private arena = new Uint8Array(0);
  private arenaUsed = 0;
  private readonly allocate = (length: number) => {
    if (this.arena.length - this.arenaUsed < length) {
      this.arena = new Uint8Array(Math.max(ARENA_BYTES, length));
      this.arenaUsed = 0;
    }
    const start = this.arenaUsed;
    this.arenaUsed += length;
    return { buf: this.arena, start };
  };

  /** @param header of the output: rows hold indexes of its columns */
  constructor(header: SerializationHeader) {
    const columns = (list: SerializationHeader['staticColumns']) =>
      list.map(({ isComplex, type }) => ({
        isComplex,
        isCounter: isCounter(type),
        comparePaths: isComplex ? comparator(pathType(type)) : undefined,
      }));
    this.statics = columns(header.staticColumns);
    this.regulars = columns(header.regularColumns);
  }

  /**
   * Merges `rows[0, n)`, n ≥ 1, where `deletion` of the partition or of a range is open. @returns the merged row, valid until the next call;
   * `undefined` where nothing is left of it
   */
  merge(rows: readonly RowBuffer[], n: number, deletion: DeletionState): RowBuffer | undefined {
    const first = rows[0]!;
    if (n === 1 && !deletion.isSet) return first;
    const { out, active } = this;
    out.clear();
    out.isStatic = first.isStatic;
    out.takeClustering(first.clusteringBuf, first.clusteringStart, first.clusteringEnd, first.clusteringSize);
    this.arenaUsed = 0;
    this.arena = this.arena.length > ARENA_BYTES ? new Uint8Array(0) : this.arena;
    for (let i = 0; i < n; i++) {
      const row = rows[i]!;
      if (row.hasLiveness && livenessSupersedes(row, out)) {
        out.setLiveness(row.livenessHi, row.livenessLo, row.livenessTtl, row.livenessLocalExpiration);
      }
      if (row.deletion.supersedes(out.deletion)) {
        out.deletion.copy(row.deletion);
        out.isDeletionShadowable = row.isDeletionShadowable;
      }
    }
    if (
      out.deletion.isSet &&
      out.isDeletionShadowable &&
      out.hasLiveness &&
      compare64(out.livenessHi, out.livenessLo, out.deletion.hi, out.deletion.lo) > 0
    ) {
      out.deletion.clear();
    }
    if (out.deletion.supersedes(deletion)) active.copy(out.deletion);
    else {
      active.copy(deletion);
      out.deletion.clear();
    }
    if (!out.deletion.isSet) out.isDeletionShadowable = false;
    if (out.hasLiveness && active.deletes(out.livenessHi, out.livenessLo)) {
      out.hasLiveness = false;
      out.livenessTtl = 0;
      out.livenessLocalExpiration = NO_DELETION_TIME;
    }
    this.mergeColumns(rows, n);
    return out.isEmpty ? undefined : out;
  }

  private mergeColumns(rows: readonly RowBuffer[], n: number): void {
    if (n > this.column.length) {
      this.column = new Int32Array(n * 2);
      this.cell = new Int32Array(n * 2);
      this.lastCell = new Int32Array(n * 2);
    }
    const { column, out } = this;
    const columns = out.isStatic ? this.statics : this.regulars;
    for (let i = 0; i < n; i++) column[i] = 0;
    for (;;) {
      let index = 0x7fffffff;
      for (let i = 0; i < n; i++) {
        const row = rows[i]!;
        const at = column[i]!;
        if (at < row.columnCount && row.columnIndex[at]! < index) index = row.columnIndex[at]!;
      }
      if (index === 0x7fffffff) return;
      const info = columns[index]!;
      out.startColumn(index);
      if (info.isComplex) this.mergeComplex(rows, n, index, info.comparePaths!);
      else this.mergeSimple(rows, n, index, info.isCounter);
      out.endColumn();
    }
  }

  private mergeSimple(rows: readonly RowBuffer[], n: number, index: number, counts: boolean): void {
    const { column, out, active } = this;
    let hasCell = false;
    for (let i = 0; i < n; i++) {
      const row = rows[i]!;
      const at = column[i]!;
      if (at >= row.columnCount || row.columnIndex[at] !== index) continue;
      column[i] = at + 1;
      const cell = row.columnStart[at]!;
      if (active.deletes(row.cellHi[cell]!, row.cellLo[cell]!)) {
        this.lost.deleted += row.cellBytes[cell]!;
        continue;
      }
      if (hasCell) this.reconcile(row, cell, counts);
      else out.copyCell(row, cell);
      hasCell = true;
    }
  }

  private mergeComplex(rows: readonly RowBuffer[], n: number, index: number, comparePaths: ValueComparator): void {
    const { column, cell, lastCell, out, active, columnDeletion } = this;
    columnDeletion.clear();
    for (let i = 0; i < n; i++) {
      const row = rows[i]!;
      const at = column[i]!;
      if (at >= row.columnCount || row.columnIndex[at] !== index) {
        cell[i] = 0;
        lastCell[i] = 0;
        continue;
      }
      column[i] = at + 1;
      cell[i] = row.columnStart[at]!;
      lastCell[i] = row.columnStart[at + 1]!;
      if (row.columnIsDeleted[at] === 0) continue;
      const [hi, lo, local] = [row.columnDeletionHi[at]!, row.columnDeletionLo[at]!, row.columnDeletionLocal[at]!];
      if (columnDeletion.isOlderThan(hi, lo, local)) columnDeletion.set(hi, lo, local);
    }
    let deletion = active;
    if (columnDeletion.supersedes(active)) {
      deletion = columnDeletion;
      out.setColumnDeletion(columnDeletion.hi, columnDeletion.lo, columnDeletion.localDeletionSeconds);
    }
    for (;;) {
      let least = -1;
      for (let i = 0; i < n; i++) {
        if (cell[i]! >= lastCell[i]!) continue;
        if (least < 0 || comparePathsOf(comparePaths, rows[i]!, cell[i]!, rows[least]!, cell[least]!) < 0) least = i;
      }
      if (least < 0) return;
      const leastRow = rows[least]!;
      const leastCell = cell[least]!;
      let hasCell = false;
      for (let i = least; i < n; i++) {
        if (cell[i]! >= lastCell[i]!) continue;
        const row = rows[i]!;
        const at = cell[i]!;
        if (i !== least && comparePathsOf(comparePaths, row, at, leastRow, leastCell) !== 0) continue;
        cell[i] = at + 1;
        if (deletion.deletes(row.cellHi[at]!, row.cellLo[at]!)) {
          this.lost.deleted += row.cellBytes[at]!;
          continue;
        }
        if (hasCell) this.reconcile(row, at, false);
        else out.copyCell(row, at);
        hasCell = true;
      }
    }
  }

  /** The output's last cell against cell `i` of `row`. */
  private reconcile(row: RowBuffer, i: number, counts: boolean): void {
    const { out } = this;
    const last = out.cellCount - 1;
    if (counts) {
      this.lost.overwritten += row.cellBytes[i]!;
      this.reconcileCounter(row, i);
    } else if (compareCells(out, last, row, i) < 0) {
      this.lost.overwritten += out.cellBytes[last]!;
      out.cellCount = last;
      out.copyCell(row, i);
    } else {
      this.lost.overwritten += row.cellBytes[i]!;
    }
  }

  private reconcileCounter(row: RowBuffer, i: number): void {
    const { out } = this;
    const last = out.cellCount - 1;
    const later = compare64(out.cellHi[last]!, out.cellLo[last]!, row.cellHi[i]!, row.cellLo[i]!);
    const outIsTombstone = out.isTombstone(last);
    const rowIsTombstone = row.isTombstone(i);
    if (outIsTombstone && rowIsTombstone) {
      if (compareCells(out, last, row, i) < 0) this.replaceLast(row, i);
      return;
    }
    if (outIsTombstone) return; // whatever the timestamps (CASSANDRA-7346)
    if (rowIsTombstone) {
      this.replaceLast(row, i);
      return;
    }
    const a = { buf: out.cellBuf[last]!, start: out.valueStart[last]!, end: out.valueEnd[last]! };
    const b = { buf: row.cellBuf[i]!, start: row.valueStart[i]!, end: row.valueEnd[i]! };
    if (a.end === a.start || b.end === b.start) {
      const outIsEmpty = a.end === a.start;
      const rowIsEmpty = b.end === b.start;
      if (outIsEmpty && rowIsEmpty ? later <= 0 : rowIsEmpty) this.replaceLast(row, i);
      return;
    }
    const merged = mergeCounters(a, b, this.allocate);
    out.cellBuf[last] = merged.buf;
    out.valueStart[last] = merged.start;
    out.valueEnd[last] = merged.end;
    if (later < 0) {
      out.cellHi[last] = row.cellHi[i]!;
      out.cellLo[last] = row.cellLo[i]!;
    }
  }

  private replaceLast(row: RowBuffer, i: number): void {
    this.out.cellCount--;
    this.out.copyCell(row, i);
  }
}

export function comparePathsOf(compare: ValueComparator, a: RowBuffer, i: number, b: RowBuffer, k: number): number {
  return compare(a.cellBuf[i]!, a.pathStart[i]!, a.pathEnd[i]!, b.cellBuf[k]!, b.pathStart[k]!, b.pathEnd[k]!);
}

/** Positive where cell `i` of `a` wins over cell `k` of `b`, zero where they are the same but for what nobody sees. */
export function compareCells(a: RowBuffer, i: number, b: RowBuffer, k: number): number {
  const time = compare64(a.cellHi[i]!, a.cellLo[i]!, b.cellHi[k]!, b.cellLo[k]!);
  if (time !== 0) return time;
  const aLocal = a.cellLocalDeletion[i]!;
  const bLocal = b.cellLocalDeletion[k]!;
  const aEnds = aLocal !== NO_DELETION_TIME;
  const bEnds = bLocal !== NO_DELETION_TIME;
  if (aEnds !== bEnds) return aEnds ? 1 : -1;
  if (aEnds) {
    const aIsTombstone = a.cellTtl[i] === 0;
    const bIsTombstone = b.cellTtl[k] === 0;
    if (aIsTombstone !== bIsTombstone) return aIsTombstone ? 1 : -1;
    if (aLocal !== bLocal) return aLocal > bLocal ? 1 : -1;
  }
  return compareBytes(a.cellBuf[i]!, a.valueStart[i]!, a.valueEnd[i]!, b.cellBuf[k]!, b.valueStart[k]!, b.valueEnd[k]!);
}

/** Whether the liveness of `row` wins over that of `out`: later, then expired, then expiring, then expiring later. */
function livenessSupersedes(row: RowBuffer, out: RowBuffer): boolean {
  if (!out.hasLiveness) return true;
  const time = compare64(row.livenessHi, row.livenessLo, out.livenessHi, out.livenessLo);
  if (time !== 0) return time > 0;
  const isExpired = row.livenessTtl === EXPIRED_LIVENESS_TTL;
  if (isExpired !== (out.livenessTtl === EXPIRED_LIVENESS_TTL)) return isExpired;
  const isExpiring = row.livenessTtl !== 0;
  if (isExpiring === (out.livenessTtl !== 0)) return row.livenessLocalExpiration > out.livenessLocalExpiration;
  return isExpiring;
}
