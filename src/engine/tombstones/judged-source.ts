/**
 * An SSTable of a merge that is judged by itself on the way: what a compaction of it alone would do to each deletion and all expired data in it, as
 * the merge reads them. One scan of a table tells what reads meet and what becomes of each SSTable.
 */

import { isBoundary } from '../../sstable/marker-buffer.js';
import type { Partitioner } from '../../sstable/partitioner.js';
import { type ColumnMap, DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, MARKER, ROW, type UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { MergeSource } from '../merge/merge-source.js';
import { PARTITION_DELETION, RANGE_DELETION } from '../merge/purge.js';
import { RowMerger } from '../merge/row-merge.js';
import type { VerdictPurger } from './verdict-purger.js';

export class JudgedSource extends MergeSource {
  private readonly judge: VerdictPurger;
  private readonly merger: RowMerger;
  private readonly deletion = new DeletionState();
  private readonly rows: RowBuffer[] = [];

  /** @param header of the merge, to which `map` leads */
  constructor(
    cursor: UnfilteredCursor,
    map: ColumnMap,
    partitioner: Partitioner,
    { judge, header }: { readonly judge: VerdictPurger; readonly header: SerializationHeader },
  ) {
    super(cursor, map, partitioner);
    this.judge = judge;
    this.merger = new RowMerger(header);
  }

  override startItems(): void {
    this.judge.begin(this);
  }

  override takeItem(kind: number, hi: number, lo: number, seconds: number): void {
    this.judge.lookAt(kind, hi, lo, seconds);
  }

  override enter(): void {
    const { cursor, judge } = this;
    judge.begin(this);
    if (cursor.hasPartitionDeletion) judge.look(PARTITION_DELETION, cursor.partitionDeletion);
  }

  override next(): void {
    super.next();
    if (this.kind !== MARKER) return;
    const { cursor, judge } = this;
    judge.look(RANGE_DELETION, cursor.deletion);
    if (isBoundary(cursor.boundKind)) judge.look(RANGE_DELETION, cursor.openDeletion);
  }

  override loadRow(): void {
    super.loadRow();
    const { row } = this;
    this.judge.lookAtRow(row.isStatic ? this.staticLeft(row) : row);
  }

  /** Judges the partition at which the cursor has been put. @throws CorruptError */
  walk(): void {
    if (this.nextPartition()) this.passOver();
  }

  override passOver(): void {
    this.enter();
    this.readStatic();
    for (this.next(); this.kind !== END; this.next()) if (this.kind === ROW) this.loadRow();
  }

  /** Of a static row what its own partition's deletion leaves: it alone is merged with that where an SSTable is compacted by itself. */
  private staticLeft(row: RowBuffer): RowBuffer {
    const { cursor, deletion, rows } = this;
    if (!cursor.hasPartitionDeletion || row.isEmpty) return row;
    const { hi, lo, localDeletionSeconds } = cursor.partitionDeletion;
    deletion.set(hi, lo, localDeletionSeconds);
    rows[0] = row;
    return this.merger.merge(rows, 1, deletion) ?? EMPTY;
  }
}

const EMPTY = new RowBuffer();
