/** An SSTable outside of a merge of which single partitions are read, for what they hide in those that are merged. */
import type { PartitionWalk } from '../../sstable/partition-walk.js';
import type { DecoratedKey, Partitioner } from '../../sstable/partitioner.js';
import type { ColumnMap } from '../../sstable/row-buffer.js';
import { END, ROW, type UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { MergeSource } from './merge-source.js';

export type ShadowSetup = {
  readonly cursor: UnfilteredCursor;
  readonly map: ColumnMap;
  readonly walk: PartitionWalk;
  readonly partitioner: Partitioner;
  /** Plain bytes of its Data.db. */
  readonly dataBytes: number;
  /** Of rows only the deletions are wanted. */
  readonly tombstonesOnly: boolean;
};

export class ShadowSource extends MergeSource {
  private readonly walk: PartitionWalk;
  private readonly dataBytes: number;
  private readonly tombstonesOnly: boolean;
  private hasStatic = false;
  private hasNext = false;

  constructor({ cursor, map, walk, partitioner, dataBytes, tombstonesOnly }: ShadowSetup) {
    super(cursor, map, partitioner);
    this.walk = walk;
    this.dataBytes = dataBytes;
    this.tombstonesOnly = tombstonesOnly;
  }

  /** Goes to the partition of a key, which is not before those that were sought. @returns whether it is there and has anything to it. @throws CorruptError */
  seek(key: DecoratedKey): boolean {
    const position = this.walk.find(key);
    if (position === undefined) return false;
    const { cursor } = this;
    cursor.goTo(position, this.dataBytes);
    if (!cursor.nextPartition() || Buffer.compare(cursor.key.subarray(0, cursor.keyLength), key.key) !== 0) {
      throw cursor.in.corrupt('index names another partition than Data.db has there', { offset: position });
    }
    this.hasStatic = false;
    this.hasNext = false;
    if (cursor.hasPartitionDeletion) return true;
    this.readStatic();
    if (!this.row.isEmpty) return true;
    this.next();
    this.hasNext = true;
    return this.kind !== END;
  }

  override readStatic(): void {
    if (this.hasStatic) return;
    this.hasStatic = true;
    super.readStatic();
    if (!this.tombstonesOnly) return;
    const { hi, lo, localDeletionSeconds } = this.row.deletion;
    const { isSet } = this.row.deletion;
    this.row.clearStatic();
    if (isSet) this.row.deletion.set(hi, lo, localDeletionSeconds);
  }

  override next(): void {
    if (this.hasNext) {
      this.hasNext = false;
      return;
    }
    super.next();
    while (this.tombstonesOnly && this.kind === ROW && !this.cursor.hasDeletion) super.next();
  }

  override loadRow(): void {
    if (this.tombstonesOnly && !this.cursor.isStatic) this.row.loadDeletion(this.cursor);
    else super.loadRow();
  }
}
