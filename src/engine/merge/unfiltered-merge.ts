/**
 * One partition from all SSTables that have it: its deletion, its static row, then its rows and range tombstones, one at a step (Cassandra's
 * UnfilteredRowIterators.merge).
 *
 *   sources ─ heap by clustering ─┬─ rows ──── RowMerger ────┬─ step
 *                                 └─ markers ─ MarkerMerger ─┘
 *
 * A partition that one SSTable alone has is not merged, as in Cassandra.
 */
import { compare64 } from '../../bytes/int64.js';
import { MarkerBuffer } from '../../sstable/marker-buffer.js';
import { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { SSTableWriter } from '../../sstable/sstable-writer.js';
import { END, MARKER, ROW, type UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { compareUnfiltered, type UnfilteredComparator } from './clustering-order.js';
import { MarkerMerger } from './marker-merge.js';
import type { MergeSource } from './merge-source.js';
import type { MergeCounts } from './partition-merge.js';
import type { PlainMerge } from './plain-merge.js';
import { type LostBytes, RowMerger } from './row-merge.js';
import { SourceHeap } from './source-heap.js';

/** A partition, one row or marker at a time. What it gives is good until the next step, and may be changed by who takes it. */
export interface PartitionStream {
  readonly deletion: DeletionState;
  /** Empty where there is none. Good until the first step. */
  readonly staticRow: RowBuffer;
  /** After a step that gave ROW. */
  readonly row: RowBuffer;
  /** After a step that gave MARKER. */
  readonly marker: MarkerBuffer;
  /** Goes on. @returns ROW, MARKER, or END. @throws CorruptError */
  step(): number;
}

export class UnfilteredMerge implements PartitionStream {
  readonly deletion = new DeletionState();
  staticRow: RowBuffer;
  row: RowBuffer;
  marker: MarkerBuffer;
  /** A source that stands where the last step was, to be compared with others. */
  at: MergeSource | undefined;
  /** The order of what two sources stand on. */
  readonly compareClusterings: UnfilteredComparator;
  private readonly hasStatic: boolean;
  private readonly unfiltereds: SourceHeap;
  private readonly rowMerger: RowMerger;
  private readonly markerMerger = new MarkerMerger();
  private readonly other = new DeletionState();
  private readonly emptyStatic = new RowBuffer();
  private readonly ownMarker = new MarkerBuffer();
  /** The only source, where there is one only. */
  private alone: MergeSource | undefined;
  /** The first {@link levelSize} have the clustering at hand: they go on at the next step. */
  private readonly level: MergeSource[] = [];
  private levelSize = 0;
  private readonly rows: RowBuffer[] = [];

  /** Bytes of cells that lost to others or to deletions. */
  get lost(): LostBytes {
    return this.rowMerger.lost;
  }

  /** @param header of what comes out: sources map their columns to its */
  constructor(header: SerializationHeader) {
    this.hasStatic = header.staticColumns.length > 0;
    this.rowMerger = new RowMerger(header);
    this.compareClusterings = compareUnfiltered(header.clusteringTypes);
    this.unfiltereds = new SourceHeap((a, b) => this.compareClusterings(a.cursor, a.kind, b.cursor, b.kind));
    this.staticRow = this.emptyStatic;
    this.row = this.emptyStatic;
    this.marker = this.ownMarker;
  }

  /** A partition begins: that under the first `n` of these sources, of which nothing but the deletion is read. @throws CorruptError */
  begin(group: readonly MergeSource[], n: number = group.length): void {
    if (n === 1) {
      this.beginAlone(group[0]!);
      return;
    }
    const { deletion, other, level } = this;
    this.alone = undefined;
    deletion.clear();
    for (let i = 0; i < n; i++) {
      takeDeletion(group[i]!, other);
      if (!deletion.supersedes(other) && other.isSet) deletion.copy(other);
    }
    this.markerMerger.start(n, deletion);
    this.staticRow = this.mergedStatic(group, n);
    this.unfiltereds.clear();
    for (let i = 0; i < n; i++) {
      group[i]!.slot = i;
      level[i] = group[i]!;
    }
    this.levelSize = n;
  }

  /** Lets the kernel go on as far as it can, before a step. @throws CorruptError */
  runPlain(plain: PlainMerge, writer: SSTableWriter, counts: MergeCounts): void {
    const { alone, level, unfiltereds, markerMerger } = this;
    plain.begin();
    if (alone) {
      if (plain.add(alone, alone.cursor.leave())) plain.rows(writer, undefined, counts, this.lost);
      return;
    }
    for (let i = 0; i < this.levelSize; i++) if (!plain.add(level[i]!, level[i]!.cursor.leave())) return;
    for (let i = 0; i < unfiltereds.size; i++) {
      const source = unfiltereds.at(i);
      if (!plain.add(source, source.cursor.in.mark)) return;
    }
    if (!plain.rows(writer, markerMerger, counts, this.lost)) return;
    for (let i = 0; i < unfiltereds.size; i++) level[this.levelSize++] = unfiltereds.at(i);
    unfiltereds.clear();
  }

  step(): number {
    return this.alone ? this.stepAlone(this.alone) : this.stepMerged();
  }

  // ---- a partition of one source

  private beginAlone(source: MergeSource): void {
    this.alone = source;
    this.at = source;
    this.row = source.row;
    this.marker = this.ownMarker;
    takeDeletion(source, this.deletion);
    source.readStatic();
    this.staticRow = this.staticUnder(this.deletion, source.row);
  }

  private stepAlone(source: MergeSource): number {
    for (;;) {
      source.next();
      if (source.kind === ROW) {
        source.takeRow();
        if (!source.row.isEmpty) return ROW;
      } else {
        if (source.kind === MARKER) this.ownMarker.load(source.cursor);
        return source.kind;
      }
    }
  }

  /** The static row of a partition that one source has: the partition's own deletion is applied to it all the same, as Cassandra does. */
  private staticUnder(deletion: DeletionState, row: RowBuffer): RowBuffer {
    if (!deletion.isSet || row.isEmpty) return row;
    this.rows[0] = row;
    const merged = this.rowMerger.merge(this.rows, 1, deletion);
    if (merged) return merged;
    row.clearStatic();
    return row;
  }

  // ---- a partition of several sources

  private stepMerged(): number {
    const { level, unfiltereds, rows, markerMerger } = this;
    for (;;) {
      for (let i = 0; i < this.levelSize; i++) {
        const source = level[i]!;
        source.next();
        if (source.kind !== END) unfiltereds.push(source);
      }
      this.levelSize = 0;
      if (unfiltereds.size === 0) return END;
      const least = unfiltereds.pop();
      level[0] = least;
      let size = 1;
      while (
        unfiltereds.size > 0 &&
        this.compareClusterings(unfiltereds.top.cursor, unfiltereds.top.kind, least.cursor, least.kind) === 0
      ) {
        level[size++] = unfiltereds.pop();
      }
      this.levelSize = size;
      this.at = least;
      if (least.kind === ROW) {
        const latest = this.takeLatest();
        if (latest) {
          this.row = latest;
          return ROW;
        }
        let versions = 0;
        for (let i = 0; i < size; i++) {
          const source = level[i]!;
          source.loadRow();
          if (!source.row.isEmpty) rows[versions++] = source.row;
        }
        const row = versions === 0 ? undefined : this.rowMerger.merge(rows, versions, markerMerger.active);
        if (row) {
          this.row = row;
          return ROW;
        }
      } else {
        for (let i = 0; i < size; i++) markerMerger.add(level[i]!.slot, level[i]!.cursor);
        const marker = markerMerger.merge();
        if (marker) {
          this.marker = marker;
          return MARKER;
        }
      }
    }
  }

  /**
   * The one version of the row that is later than all others, where they all are as an INSERT writes them: nothing of the others is left then, and
   * none of their cells need be looked at.
   */
  private takeLatest(): RowBuffer | undefined {
    const { level, levelSize, markerMerger } = this;
    if (markerMerger.active.isSet) return undefined;
    let latest: MergeSource | undefined;
    let cells = 0;
    let bytes = 0;
    for (let i = 0; i < levelSize; i++) {
      const source = level[i]!;
      const { cursor } = source;
      const n = source.copiesCells ? cursor.plainCells() : -1;
      if (n < 0) return undefined;
      bytes += cursor.plainEnd - cursor.plainStart;
      const order = latest ? compareLiveness(cursor, latest.cursor) : 1;
      if (order === 0) return undefined;
      if (order > 0) {
        latest = source;
        cells = n;
      }
    }
    const { cursor, row } = latest!;
    this.lost.overwritten += bytes - (cursor.plainEnd - cursor.plainStart);
    row.loadPlain(cursor, cells);
    return row;
  }

  private mergedStatic(group: readonly MergeSource[], n: number): RowBuffer {
    const { rows, emptyStatic } = this;
    emptyStatic.clearStatic();
    if (!this.hasStatic) return emptyStatic;
    let versions = 0;
    for (let i = 0; i < n; i++) {
      const source = group[i]!;
      source.readStatic();
      if (!source.row.isEmpty) rows[versions++] = source.row;
    }
    if (versions === 0) return emptyStatic;
    if (versions === 1) rows[versions++] = emptyStatic; // one alone is merged too: cells as old as the deletion of their column go
    return this.rowMerger.merge(rows, versions, this.deletion) ?? emptyStatic;
  }
}

function compareLiveness(a: UnfilteredCursor, b: UnfilteredCursor): number {
  return compare64(a.livenessHi, a.livenessLo, b.livenessHi, b.livenessLo);
}

function takeDeletion({ cursor }: MergeSource, into: DeletionState): void {
  const { hi, lo, localDeletionSeconds } = cursor.partitionDeletion;
  if (cursor.hasPartitionDeletion) into.set(hi, lo, localDeletionSeconds);
  else into.clear();
}
