/**
 * The answer to a read of one partition: what its SSTables hold, merged, cut to the slice that is asked for, without what may be purged, and counted
 * as Cassandra counts ("Read N live rows and M tombstone cells").
 *
 *   sources ─ UnfilteredMerge ─ slice ─ Purger ─ counts ─ sink
 */
import { INCL_START_BOUND, isBoundary, isOpen, MarkerBuffer } from '../../sstable/marker-buffer.js';
import { DeletionState, type RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, MARKER, ROW } from '../../sstable/unfiltered-cursor.js';
import type { MergeSource } from '../merge/merge-source.js';
import { Purger } from '../merge/purge.js';
import { UnfilteredMerge } from '../merge/unfiltered-merge.js';
import { isWhole, type PlaceComparator, placeComparator, type ReadSlice } from './clustering-slice.js';
import { countRow, type ReadCounts } from './row-liveness.js';

/** Takes what lives; arguments are the merge's own, to be used before the call returns. */
export interface ReadSink {
  /** May be empty; called once, before the rows. */
  staticRow(row: RowBuffer, isLive: boolean): void;
  /** @returns whether more is wanted */
  row(row: RowBuffer): boolean;
}

export type PartitionReadSetup = {
  readonly header: SerializationHeader;
  readonly slice: ReadSlice;
  readonly nowSeconds: number;
  /** Deletions before this time are left out before anything is counted; −Infinity keeps all. */
  readonly gcBeforeSeconds: number;
  /** See {@link PurgeOptions.strictLiveness}. */
  readonly isStrict: boolean;
};

export class PartitionRead {
  readonly counts: ReadCounts = { liveRows: 0, tombstones: 0 };
  /** Rows that came out of the merge, live or not. */
  rows = 0;
  /** Bounds of range tombstones that came out of it. */
  markers = 0;
  private readonly setup: PartitionReadSetup;
  private readonly merge: UnfilteredMerge;
  private readonly purger: Purger;
  private readonly compare: PlaceComparator;
  /** The range tombstone that is open where the merge stands. */
  private readonly open = new DeletionState();
  private readonly edge = new MarkerBuffer();

  constructor(setup: PartitionReadSetup) {
    const { header, nowSeconds, gcBeforeSeconds, isStrict: strictLiveness } = setup;
    this.setup = setup;
    this.merge = new UnfilteredMerge(header);
    this.purger = new Purger({ nowSeconds, gcBeforeSeconds, strictLiveness });
    this.purger.startPartition(() => true);
    this.compare = placeComparator(header.clusteringTypes);
  }

  /** Reads the partition under `sources` into `sink`. @returns the newest deletion of the whole partition. @throws CorruptError */
  run(sources: readonly MergeSource[], sink: ReadSink): DeletionState {
    const { merge, purger, setup, counts } = this;
    const { slice, nowSeconds, isStrict } = setup;
    merge.begin(sources);
    const { staticRow } = merge;
    if (!staticRow.isEmpty && !purger.row(staticRow)) staticRow.clearStatic();
    sink.staticRow(staticRow, !staticRow.isEmpty && countRow(staticRow, nowSeconds, isStrict, counts));
    this.open.clear();
    const isSliced = !isWhole(slice);
    let isInside = !isSliced;
    for (let kind = merge.step(); kind !== END; kind = merge.step()) {
      if (isSliced) {
        if (this.placeOf(kind, slice.end) >= 0) break;
        if (!isInside && this.placeOf(kind, slice.start) <= 0) {
          if (kind === MARKER) this.follow();
          continue;
        }
        if (!isInside) this.countEdge();
        isInside = true;
      }
      if (kind === MARKER) {
        this.follow();
        this.countMarker(merge.marker);
      } else if (!this.row(merge.row, sink)) {
        return merge.deletion;
      }
    }
    if (isSliced) {
      if (!isInside) this.countEdge();
      this.countEdge();
    }
    return merge.deletion;
  }

  private placeOf(kind: number, bound: ReadSlice['start']): number {
    const at = kind === ROW ? this.merge.row : this.merge.marker;
    return this.compare(at, at.clusteringBuf, kind, this.merge.marker.kind, bound);
  }

  /** Notes what the marker at hand opens or closes. */
  private follow(): void {
    const { marker } = this.merge;
    if (!isOpen(marker.kind)) this.open.clear();
    else this.open.copy(isBoundary(marker.kind) ? marker.openDeletion : marker.deletion);
  }

  /** At an edge of the slice a range that is open there gets a bound. */
  private countEdge(): void {
    const { open, edge } = this;
    if (!open.isSet) return;
    edge.kind = INCL_START_BOUND;
    edge.deletion.copy(open);
    this.countMarker(edge);
  }

  private countMarker(marker: MarkerBuffer): void {
    if (!this.purger.marker(marker)) return;
    this.counts.tombstones++;
    this.markers++;
  }

  /** @returns whether more is wanted */
  private row(row: RowBuffer, sink: ReadSink): boolean {
    const { nowSeconds, isStrict } = this.setup;
    if (!this.purger.row(row)) return true;
    this.rows++;
    return !countRow(row, nowSeconds, isStrict, this.counts) || sink.row(row);
  }
}
