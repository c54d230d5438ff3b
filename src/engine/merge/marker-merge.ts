/**
 * Range tombstones of several SSTables as one sequence (Cassandra's RangeTombstoneMarker.Merger): at each bound, the range that is open in any of
 * them and supersedes the others, unless the partition's own deletion covers it.
 */
import {
  EXCL_END_BOUND,
  EXCL_END_INCL_START_BOUNDARY,
  EXCL_START_BOUND,
  INCL_END_BOUND,
  INCL_END_EXCL_START_BOUNDARY,
  INCL_START_BOUND,
  isBeforeClustering,
  isBoundary,
  isOpen,
  MarkerBuffer,
} from '../../sstable/marker-buffer.js';
import { DeletionState } from '../../sstable/row-buffer.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';

export class MarkerMerger {
  private readonly open: DeletionState[] = [];
  private sources = 0;
  private readonly partitionDeletion = new DeletionState();
  /** What is open in the merged sequence; not set where nothing is, or where the partition's deletion covers it. */
  private readonly current = new DeletionState();
  private readonly previous = new DeletionState();
  private readonly out = new MarkerBuffer();

  /** A partition begins, held by this many sources. */
  start(sources: number, partitionDeletion: DeletionState): void {
    while (this.open.length < sources) this.open.push(new DeletionState());
    for (let i = 0; i < sources; i++) this.open[i]!.clear();
    this.sources = sources;
    this.partitionDeletion.copy(partitionDeletion);
    this.current.clear();
  }

  /** The deletion that rows at this point are under: of a range, else of the partition. */
  get active(): DeletionState {
    return this.current.isSet ? this.current : this.partitionDeletion;
  }

  /** What is open in source `i`, in the merged sequence, and of the partition: for whoever merges in this one's stead. */
  openIn(i: number): DeletionState {
    return this.open[i]!;
  }

  get openInMerged(): DeletionState {
    return this.current;
  }

  get ofPartition(): DeletionState {
    return this.partitionDeletion;
  }

  /** The marker under the cursor of source `i` is at the bound to be merged. */
  add(i: number, c: UnfilteredCursor): void {
    this.out.takePlace(c);
    const state = this.open[i]!;
    if (!isOpen(c.boundKind)) {
      state.clear();
      return;
    }
    const { hi, lo, localDeletionSeconds } = isBoundary(c.boundKind) ? c.openDeletion : c.deletion;
    state.set(hi, lo, localDeletionSeconds);
  }

  /** All markers of a bound are added. @returns what the merged sequence has there, if anything, valid until the next call */
  merge(): MarkerBuffer | undefined {
    const { current, previous, out } = this;
    previous.copy(current);
    current.clear();
    for (let i = 0; i < this.sources; i++) if (this.open[i]!.supersedes(current)) current.copy(this.open[i]!);
    if (!current.supersedes(this.partitionDeletion)) current.clear();
    if (previous.equals(current)) return undefined;
    const isBefore = isBeforeClustering(out.kind);
    if (!previous.isSet) {
      out.kind = isBefore ? INCL_START_BOUND : EXCL_START_BOUND;
      out.deletion.copy(current);
    } else if (!current.isSet) {
      out.kind = isBefore ? EXCL_END_BOUND : INCL_END_BOUND;
      out.deletion.copy(previous);
    } else {
      out.kind = isBefore ? EXCL_END_INCL_START_BOUNDARY : INCL_END_EXCL_START_BOUNDARY;
      out.deletion.copy(previous);
      out.openDeletion.copy(current);
    }
    return out;
  }
}
