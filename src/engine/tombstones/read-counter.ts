/**
 * What a read would meet in each partition, counted as Cassandra counts it against tombstone_warn_threshold and tombstone_failure_threshold
 * (ReadCommand's MetricRecording): after the merge, and after what gc_grace lets go is left out.
 *
 *   a cell that is deleted or has expired       1 each
 *   a row that does not live and has no such cell, but is deleted, or a collection of it is, or its TTL is over       1
 *   a bound of a range, or a boundary between two       1
 *   the deletion of the partition itself       0
 *
 * The whole partition (`SELECT … WHERE key = …`); the first rows (`… LIMIT n`); the last (`… ORDER BY … DESC LIMIT n`, against the table's order):
 * these two end with the n-th row that lives. A driver that pages reads a page at a time: each is a read like the one of the first rows.
 */

import { EXPIRED_LIVENESS_TTL } from '../../sstable/deletion-slot.js';
import type { MarkerBuffer } from '../../sstable/marker-buffer.js';
import type { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { MergeSource } from '../merge/merge-source.js';
import type { MergeSink } from '../merge/partition-merge.js';
import type { OneRowReads } from '../merge/plain-pass.js';
import {
  CELL_DELETION,
  COLUMN_DELETION,
  EXPIRED_CELL,
  EXPIRED_ROW,
  PARTITION_DELETION,
  type PurgeOptions,
  Purger,
  RANGE_DELETION,
  ROW_DELETION,
} from '../merge/purge.js';
import { Tally } from './tally.js';

/** Tombstones that reads of these shapes meet. */
export type ReadCounts = { readonly whole: number; readonly first: number; readonly last: number };

export type PartitionReads = {
  readonly key: Uint8Array;
  readonly reads: ReadCounts;
  /** What the read of the whole partition counts, by kind; the deletion of the partition, which it does not count, too. */
  readonly tally: Tally;
  /** A live static row counts, as in Cassandra's traces. */
  readonly liveRows: number;
};

/** Leaves out what a read leaves out, and notes what stays. */
export class ReadPurger extends Purger {
  /** Of the row at hand: cells that are deleted, and that have expired. */
  deletedCells = 0;
  expiredCells = 0;
  /** Times of what stays of the partition. */
  readonly tally = new Tally();
  private readonly usualGcBefore: number;
  private keepFrom: number;

  constructor(options: PurgeOptions) {
    super(options);
    this.usualGcBefore = options.gcBeforeSeconds;
    this.keepFrom = options.gcBeforeSeconds;
  }

  /** @param oldestUnrepairedSeconds deletions at or after it stay as well (`only_purge_repaired_tombstones`) */
  begin(oldestUnrepairedSeconds: number): void {
    this.keepFrom = Math.min(this.usualGcBefore, oldestUnrepairedSeconds);
    this.tally.clear();
  }

  override row(row: RowBuffer): boolean {
    this.deletedCells = 0;
    this.expiredCells = 0;
    return super.row(row);
  }

  protected override shouldPurge(kind: number, _hi: number, _lo: number, localDeletionSeconds: number): boolean {
    if (localDeletionSeconds < this.keepFrom) return true;
    if (kind === CELL_DELETION) this.deletedCells++;
    else if (kind === EXPIRED_CELL) this.expiredCells++;
    this.tally.time(localDeletionSeconds);
    return false;
  }
}

export type ReadCounterOptions = {
  readonly purger: ReadPurger;
  readonly nowSeconds: number;
  /** See {@link PurgeOptions.strictLiveness}. */
  readonly isStrict: boolean;
  /** Of the reads of the first and the last rows. */
  readonly rows: number;
  /** Takes every partition that has a tombstone; what it is given is overwritten by the next one's, but for `key`, a view of the merge's. */
  readonly take: (partition: PartitionReads) => void;
};

export class ReadCounter implements MergeSink {
  private readonly options: ReadCounterOptions;
  private readonly tally: Tally;
  private readonly partition: OneRowPartition;
  private source: MergeSource | undefined;
  private count = 0;
  private staticCount = 0;
  private liveRows = 0;
  private isStaticLive = false;
  private firstCount = -1;
  /** Tombstones before each of the last live rows. */
  private readonly before: Float64Array;

  constructor(options: ReadCounterOptions) {
    this.options = options;
    this.tally = options.purger.tally;
    this.partition = new OneRowPartition(this.tally);
    this.before = new Float64Array(options.rows);
  }

  startPartition(source: MergeSource, deletion: DeletionState): void {
    this.source = source;
    this.count = 0;
    this.staticCount = 0;
    this.liveRows = 0;
    this.isStaticLive = false;
    this.firstCount = -1;
    if (deletion.isSet) this.tally.counts[PARTITION_DELETION] = 1;
  }

  staticRow(row: RowBuffer): void {
    if (row.isEmpty) return;
    this.isStaticLive = this.tombstonesOf(row);
    this.staticCount = this.count;
  }

  row(row: RowBuffer): void {
    const { rows } = this.options;
    const { count } = this;
    if (!this.tombstonesOf(row)) return;
    this.before[this.liveRows % rows] = count;
    this.liveRows++;
    if (this.liveRows === rows) this.firstCount = this.count;
  }

  marker(_marker: MarkerBuffer): void {
    this.count++;
    this.tally.counts[RANGE_DELETION]!++;
  }

  endPartition(): void {
    const { count, tally, liveRows, staticCount, before } = this;
    if (count === 0 && tally.counts[PARTITION_DELETION] === 0) return;
    const { rows, take } = this.options;
    const hasEnough = liveRows >= rows;
    const last = hasEnough ? staticCount + count - before[(liveRows - rows) % rows]! : count;
    const reads = { whole: count, first: hasEnough ? this.firstCount : count, last };
    const { key, keyLength } = this.source!.cursor;
    take({ key: key.subarray(0, keyLength), reads, tally, liveRows: liveRows + (this.isStaticLive ? 1 : 0) });
  }

  /** A partition of one row at most, merged elsewhere, of which a read meets something: it does so whatever of the rows it asks for. */
  oneRow(source: MergeSource, reads: OneRowReads): void {
    const { tally } = this;
    const { deletedCells, expiredCells, rowKind, oldestSeconds, newestSeconds } = reads;
    tally.clear();
    tally.counts[CELL_DELETION] = deletedCells;
    tally.counts[EXPIRED_CELL] = expiredCells;
    if (reads.isDeleted) tally.counts[PARTITION_DELETION] = 1;
    if (rowKind >= 0) tally.counts[rowKind] = 1;
    tally.time(oldestSeconds);
    tally.time(newestSeconds);
    const count = deletedCells + expiredCells + (rowKind >= 0 ? 1 : 0);
    const { partition } = this;
    partition.source = source;
    partition.reads.whole = count;
    partition.reads.first = count;
    partition.reads.last = count;
    partition.liveRows = reads.isLive ? 1 : 0;
    this.options.take(partition);
  }

  /** Counts those of a row. @returns whether it lives */
  private tombstonesOf(row: RowBuffer): boolean {
    const { purger, nowSeconds, isStrict } = this.options;
    if (row.copiedCells > 0) return true;
    const { counts } = this.tally;
    const { deletedCells, expiredCells } = purger;
    const deadCells = deletedCells + expiredCells;
    this.count += deadCells;
    counts[CELL_DELETION]! += deletedCells;
    counts[EXPIRED_CELL]! += expiredCells;
    const ttl = row.livenessTtl;
    const isLive =
      row.hasLiveness && (ttl === 0 || (ttl !== EXPIRED_LIVENESS_TTL && nowSeconds < row.livenessLocalExpiration));
    if (isLive || (!isStrict && row.cellCount > deadCells)) return true;
    if (deadCells === 0) {
      this.count++;
      counts[kindOf(row)]!++;
    }
    return false;
  }
}

/** Of one partition after the other; the key is only looked at where that is asked for. */
class OneRowPartition implements PartitionReads {
  readonly reads = { whole: 0, first: 0, last: 0 };
  readonly tally: Tally;
  liveRows = 0;
  source: MergeSource | undefined;

  constructor(tally: Tally) {
    this.tally = tally;
  }

  get key(): Uint8Array {
    const { key, keyLength } = this.source!.cursor;
    return key.subarray(0, keyLength);
  }
}

/** What there is of a row that does not live and has no cells. */
function kindOf(row: RowBuffer): number {
  if (row.deletion.isSet) return ROW_DELETION;
  return row.columnCount > 0 ? COLUMN_DELETION : EXPIRED_ROW;
}
