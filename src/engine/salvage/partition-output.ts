/**
 * One partition on its way into the new SSTable. What is cut out of it must leave a partition that is whole again: a range tombstone whose end is lost
 * ends at the last row that was kept, one whose beginning is lost begins at the first. Both are within the range that the tombstone had, so that
 * nothing is deleted which was not. Where no row is left beside, the tombstone goes.
 *
 * A bound that opens a range is therefore held back until something comes after it.
 */
import type { ClusteringPrefix } from '../../cql/clustering.js';
import { BOUND_KINDS } from '../../cql/clustering.js';
import {
  CLUSTERING,
  EXCL_END_BOUND,
  EXCL_END_INCL_START_BOUNDARY,
  EXCL_START_BOUND,
  INCL_END_BOUND,
  INCL_START_BOUND,
  isBoundary,
  isOpen,
  MarkerBuffer,
} from '../../sstable/marker-buffer.js';
import { DeletionState, type RowBuffer } from '../../sstable/row-buffer.js';
import type { SSTableWriter } from '../../sstable/sstable-writer.js';

/** A clustering or bound in memory of its own. */
class Place {
  kind = CLUSTERING;
  size = 0;
  buf = new Uint8Array(0);
  start = new Int32Array(0);
  end = new Int32Array(0);

  take(kind: number, buf: Uint8Array, start: Int32Array, end: Int32Array, size: number): void {
    let total = 0;
    for (let i = 0; i < size; i++) if (start[i]! >= 0) total += end[i]! - start[i]!;
    this.kind = kind;
    this.size = size;
    this.buf = new Uint8Array(total);
    this.start = new Int32Array(size).fill(-1);
    this.end = new Int32Array(size).fill(-1);
    let at = 0;
    for (let i = 0; i < size; i++) {
      if (start[i]! < 0) continue;
      this.buf.set(buf.subarray(start[i]!, end[i]!), at);
      this.start[i] = at;
      at += end[i]! - start[i]!;
      this.end[i] = at;
    }
  }

  prefix(): ClusteringPrefix {
    const values = Array.from({ length: this.size }, (_, i) => (this.start[i]! < 0 ? null : this.buf.subarray(this.start[i]!, this.end[i]!))); // biome-ignore format: one line
    return { kind: BOUND_KINDS[this.kind]!, values };
  }
}

export class PartitionOutput {
  private readonly writer: SSTableWriter;
  private readonly hasStatics: boolean;
  private readonly emptyStatic: RowBuffer;
  private key = new Uint8Array(0);
  private keyLength = 0;
  private readonly deletion = new DeletionState();
  /** Whether the writer knows of the partition: one of which nothing is kept is not begun. */
  private isBegun = false;
  private hasStaticRow = false;
  /** The range deletion in effect after what was written, and after the marker held back. */
  private readonly open = new DeletionState();
  private readonly held = new MarkerBuffer();
  private isHeld = false;
  /** Deletion of a range that began in a part that is lost. */
  private readonly pending = new DeletionState();
  private readonly last = new Place();
  private hasLast = false;
  /** The last that was given was a row. */
  private isAtRow = false;

  constructor(writer: SSTableWriter, hasStatics: boolean, emptyStatic: RowBuffer) {
    this.writer = writer;
    this.hasStatics = hasStatics;
    this.emptyStatic = emptyStatic;
  }

  begin(key: Uint8Array, keyLength: number, deletion: DeletionState): void {
    this.key = key.slice(0, keyLength);
    this.keyLength = keyLength;
    this.deletion.copy(deletion);
    this.isBegun = false;
    this.hasStaticRow = false;
    this.open.clear();
    this.pending.clear();
    this.isHeld = false;
    this.hasLast = false;
    this.isAtRow = false;
    if (deletion.isSet) this.start();
  }

  private start(): void {
    if (this.isBegun) return;
    this.writer.startPartition(this.key, this.keyLength, this.deletion);
    this.isBegun = true;
  }

  /** The rows begin: a static row can't follow any more. */
  private startRows(): void {
    this.start();
    if (this.hasStatics && !this.hasStaticRow) this.writer.staticRow(this.emptyStatic);
    this.hasStaticRow = true;
  }

  staticRow(row: RowBuffer): void {
    if (row.isEmpty) return;
    this.start();
    this.writer.staticRow(row);
    this.hasStaticRow = true;
  }

  row(row: RowBuffer): void {
    this.startRows();
    this.release();
    if (this.pending.isSet) {
      const { clusteringBuf, clusteringStart, clusteringEnd, clusteringSize } = row;
      this.bound(INCL_START_BOUND, clusteringBuf, clusteringStart, clusteringEnd, clusteringSize, this.pending);
      this.open.copy(this.pending);
      this.pending.clear();
    }
    this.writer.row(row);
    this.take(CLUSTERING, row);
    this.isAtRow = true;
  }

  marker(marker: MarkerBuffer): void {
    if (this.pending.isSet) {
      // no row of the range is left before this bound
      this.pending.clear();
      if (!isBoundary(marker.kind)) {
        this.take(marker.kind, marker);
        return;
      }
      this.hold(marker, marker.kind === EXCL_END_INCL_START_BOUNDARY ? INCL_START_BOUND : EXCL_START_BOUND);
      this.held.deletion.copy(marker.openDeletion);
    } else if (isOpen(marker.kind)) {
      this.startRows();
      this.release();
      this.hold(marker, marker.kind);
    } else {
      this.startRows();
      this.release();
      this.writer.marker(marker);
      this.open.clear();
    }
    this.take(marker.kind, marker);
    this.isAtRow = false;
  }

  private take(
    kind: number,
    from: Pick<RowBuffer, 'clusteringBuf' | 'clusteringStart' | 'clusteringEnd' | 'clusteringSize'>,
  ): void {
    this.last.take(kind, from.clusteringBuf, from.clusteringStart, from.clusteringEnd, from.clusteringSize);
    this.hasLast = true;
  }

  private hold(marker: MarkerBuffer, kind: number): void {
    const place = new Place();
    place.take(kind, marker.clusteringBuf, marker.clusteringStart, marker.clusteringEnd, marker.clusteringSize);
    const { held } = this;
    held.kind = kind;
    held.clusteringBuf = place.buf;
    held.clusteringStart = place.start;
    held.clusteringEnd = place.end;
    held.clusteringSize = place.size;
    held.deletion.copy(marker.deletion);
    held.openDeletion.copy(marker.openDeletion);
    this.isHeld = true;
  }

  /** Writes the bound that was held back. */
  private release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.startRows();
    this.writer.marker(this.held);
    this.open.copy(isBoundary(this.held.kind) ? this.held.openDeletion : this.held.deletion);
  }

  /** What was given last; what follows must lie behind it. */
  get lastPlace(): ClusteringPrefix | undefined {
    return this.hasLast ? this.last.prefix() : undefined;
  }

  /** What follows is lost. @returns whether a range tombstone reached into it */
  cut(): boolean {
    const { held } = this;
    if (this.isHeld) {
      this.isHeld = false;
      if (isBoundary(held.kind)) {
        held.kind = held.kind === EXCL_END_INCL_START_BOUNDARY ? EXCL_END_BOUND : INCL_END_BOUND;
        this.startRows();
        this.writer.marker(held);
      }
      this.open.clear();
      return true;
    }
    const reaches = this.open.isSet || this.pending.isSet;
    if (this.open.isSet && this.isAtRow) {
      const { buf, start, end, size } = this.last;
      this.bound(INCL_END_BOUND, buf, start, end, size, this.open);
    }
    this.open.clear();
    this.pending.clear();
    return reaches;
  }

  /** The partition goes on after a part that is lost; `deletion` is that of the range that is open there. */
  resume(deletion: DeletionState): void {
    this.pending.copy(deletion);
  }

  private bound(
    kind: number,
    buf: Uint8Array,
    start: Int32Array,
    end: Int32Array,
    size: number,
    deletion: DeletionState,
  ): void {
    const marker = new MarkerBuffer();
    marker.kind = kind;
    marker.clusteringBuf = buf;
    marker.clusteringStart = start;
    marker.clusteringEnd = end;
    marker.clusteringSize = size;
    marker.deletion.copy(deletion);
    this.writer.marker(marker);
  }

  /** @returns whether anything of the partition was kept */
  end(): boolean {
    this.cut();
    if (!this.isBegun) return false;
    this.startRows();
    this.writer.endPartition();
    return true;
  }
}
