/**
 * One partition of one SSTable as a source of a merge: begun where the index says that the slice begins, ended where it ends. Counts what a read
 * meets on the way.
 */
import { hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import { INCL_START_BOUND } from '../../sstable/marker-buffer.js';
import type { RowBlock } from '../../sstable/partition-index.js';
import type { ColumnMap, RowBuffer } from '../../sstable/row-buffer.js';
import type { SSTable } from '../../sstable/sstable.js';
import { END, MARKER } from '../../sstable/unfiltered-cursor.js';
import { MergeSource } from '../merge/merge-source.js';
import { isNewerDeletion, keepBoundUntil, keepUntil, type WriteTime } from './as-of.js';
import { isWhole, type PlaceComparator, placeComparator, type ReadSlice } from './clustering-slice.js';

export type ReadSourceSetup = {
  readonly sstable: SSTable;
  readonly map: ColumnMap;
  /** Where the partition is in the plain Data.db. */
  readonly position: number;
  readonly slice: ReadSlice;
  /** Where the slice begins, as the index tells; `nothing` where it tells that nothing is at or after its start. */
  readonly block?: RowBlock | 'nothing' | undefined;
  /** Nothing of the rows is wanted: only the partition's deletion and static row. */
  readonly isStaticOnly: boolean;
  /** What was written later is left out. */
  readonly until?: WriteTime | undefined;
};

export class ReadSource extends MergeSource {
  readonly sstable: SSTable;
  /** Tombstones of this SSTable that were met: deleted cells, deletions of columns, rows and the partition, bounds of ranges. */
  tombstones = 0;
  private readonly setup: ReadSourceSetup;
  private readonly compare: PlaceComparator;
  private readonly isSliced: boolean;
  private isFirst = true;
  private isDone = false;

  constructor(setup: ReadSourceSetup) {
    const { sstable, map } = setup;
    super(sstable.cursor(), map, sstable.partitioner);
    this.sstable = sstable;
    this.setup = setup;
    this.compare = placeComparator(sstable.header.clusteringTypes);
    this.isSliced = !isWhole(setup.slice);
  }

  /** Goes to the partition. To be called once, before anything else. @throws CorruptError where the index names another one */
  open(key: Uint8Array): this {
    const { position } = this.setup;
    const { cursor } = this;
    cursor.goTo(position, this.sstable.data.length);
    if (!this.nextPartition() || Buffer.compare(cursor.key.subarray(0, cursor.keyLength), key) !== 0) {
      throw cursor.in.corrupt('index names another partition than Data.db has there', { offset: position });
    }
    if (cursor.hasPartitionDeletion) this.tombstones++;
    const { until } = this.setup;
    if (until && isNewerDeletion(cursor.partitionDeletion, until)) cursor.hasPartitionDeletion = false;
    return this;
  }

  override next(): void {
    if (this.isFirst) {
      this.isFirst = false;
      if (this.skipsToBlock()) return;
    }
    if (this.isDone) return;
    const { cursor, setup } = this;
    do {
      super.next();
      if (this.kind === MARKER) this.tombstones++;
    } while (setup.until && this.kind === MARKER && !keepBoundUntil(cursor, setup.until));
    if (!this.isSliced || this.kind === END) return;
    if (this.compare(cursor, cursor.in.buf, this.kind, cursor.boundKind, setup.slice.end) >= 0) this.finish();
  }

  /** Whether what it stands on comes before the slice, or is a bound at its very start. */
  isBeforeSlice(): boolean {
    const { cursor } = this;
    return (
      this.isSliced && this.compare(cursor, cursor.in.buf, this.kind, cursor.boundKind, this.setup.slice.start) <= 0
    );
  }

  private finish(): void {
    this.cursor.stop();
    this.kind = END;
    this.isDone = true;
  }

  /** Leaves out what comes before the block that the index names. @returns whether that gave something to stand on, or the end */
  private skipsToBlock(): boolean {
    const { block, isStaticOnly } = this.setup;
    if (isStaticOnly || block === 'nothing') {
      this.finish();
      return true;
    }
    if (!block) return false;
    const { cursor } = this;
    cursor.readStaticRow();
    cursor.resumeAt(block.position, this.sstable.data.length);
    const open = block.openDeletion;
    const { until } = this.setup;
    if (!open || (until && open.markedForDeleteAtMicros > toBigInt(until.hi, until.lo))) return false;
    // a range that is open where the block begins: as though it began with the partition
    cursor.boundKind = INCL_START_BOUND;
    cursor.clusteringSize = 0;
    cursor.deletion.hi = hiOf(open.markedForDeleteAtMicros);
    cursor.deletion.lo = loOf(open.markedForDeleteAtMicros);
    cursor.deletion.localDeletionSeconds = open.localDeletionSeconds;
    this.kind = MARKER;
    return true;
  }

  override loadRow(): void {
    super.loadRow();
    this.tombstones += tombstonesIn(this.row);
    if (this.setup.until) keepUntil(this.row, this.setup.until);
  }
}

/** Deletions that a row holds: its own, of its columns, of its cells. */
function tombstonesIn(row: RowBuffer): number {
  let count = row.deletion.isSet ? 1 : 0;
  for (let i = 0; i < row.columnCount; i++) count += row.columnIsDeleted[i]!;
  for (let i = 0; i < row.cellCount; i++) if (row.isTombstone(i)) count++;
  return count;
}
