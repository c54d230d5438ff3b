/**
 * SSTables as one: partitions in the order of tokens, of each its deletion, static row, rows and range tombstones, merged and purged, handed to a
 * sink (Cassandra's CompactionIterator over UnfilteredPartitionIterators.merge). Compaction, views of a table and dry runs all go through here.
 *
 *   sources ─ heap by token and key ─ those with the least key ─ heap by clustering ─ rows ─ RowMerger ─┐
 *                                                                               markers ─ MarkerMerger ─┴─ Purger ─ sink
 *
 * A partition that one SSTable alone has is not merged, only purged, as in Cassandra.
 */
import type { CqlType } from '../../cql/type.js';
import { MarkerBuffer } from '../../sstable/marker-buffer.js';
import { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, ROW } from '../../sstable/unfiltered-cursor.js';
import { compareUnfiltered, type UnfilteredComparator } from './clustering-order.js';
import { MarkerMerger } from './marker-merge.js';
import type { MergeSource } from './merge-source.js';
import type { PurgeEvaluator, Purger } from './purge.js';
import { type LostBytes, RowMerger } from './row-merge.js';
import { SourceHeap } from './source-heap.js';

/** Takes what a merge gives. All arguments are the merge's own: to be used before the call returns. */
export interface MergeSink {
  /** A partition with something in it. */
  startPartition(source: MergeSource, deletion: DeletionState): void;
  /** Called for tables with static columns only; the row may be empty. */
  staticRow(row: RowBuffer): void;
  row(row: RowBuffer): void;
  marker(marker: MarkerBuffer): void;
  endPartition(): void;
}

export type MergeSetup = {
  readonly sources: readonly MergeSource[];
  /** Of the output. */
  readonly header: SerializationHeader;
  /** Absent: nothing is purged, and nothing expires. */
  readonly purger?: Purger | undefined;
  /** Says of the partition under a source what may be purged from it. */
  readonly evaluatorFor?: ((source: MergeSource) => PurgeEvaluator) | undefined;
};

/** What went in and came out. */
export type MergeCounts = {
  partitionsOut: number;
  /** Partitions of which nothing was left. */
  partitionsGone: number;
  rowsOut: number;
  markersOut: number;
  /** By number of SSTables that had a partition, from 1: how many partitions. */
  mergedPartitions: number[];
};

const ALWAYS: PurgeEvaluator = () => true;

export class PartitionMerge {
  readonly counts: MergeCounts = {
    partitionsOut: 0,
    partitionsGone: 0,
    rowsOut: 0,
    markersOut: 0,
    mergedPartitions: [],
  };
  private readonly purger: Purger | undefined;
  private readonly evaluatorFor: (source: MergeSource) => PurgeEvaluator;
  private readonly hasStatic: boolean;
  private readonly partitions = new SourceHeap((a, b) => a.comparePartition(b));
  private readonly unfiltereds: SourceHeap;
  private readonly compareClusterings: UnfilteredComparator;
  private readonly rowMerger: RowMerger;
  private readonly markerMerger = new MarkerMerger();
  private readonly deletion = new DeletionState();
  private readonly other = new DeletionState();
  private readonly emptyStatic = new RowBuffer();
  private readonly marker = new MarkerBuffer();
  /** Sources of the partition at hand, and those of them with the clustering at hand. */
  private readonly group: MergeSource[] = [];
  private readonly level: MergeSource[] = [];
  private readonly rows: RowBuffer[] = [];
  private isStarted = false;

  /** Bytes of cells that lost to others or to deletions. */
  get lost(): LostBytes {
    return this.rowMerger.lost;
  }

  constructor({ sources, header, purger, evaluatorFor }: MergeSetup) {
    this.purger = purger;
    this.evaluatorFor = evaluatorFor ?? (() => ALWAYS);
    this.hasStatic = header.staticColumns.length > 0;
    this.rowMerger = new RowMerger(header);
    const types: readonly CqlType[] = header.clusteringTypes;
    this.compareClusterings = compareUnfiltered(types);
    this.unfiltereds = new SourceHeap((a, b) => this.compareClusterings(a.cursor, a.kind, b.cursor, b.kind));
    for (const source of sources) if (source.nextPartition()) this.partitions.push(source);
  }

  /** Merges the next partition into `sink`. @returns whether there was one. @throws CorruptError */
  next(sink: MergeSink): boolean {
    const { partitions, group } = this;
    if (partitions.size === 0) return false;
    group.length = 0;
    const first = partitions.pop();
    group.push(first);
    while (partitions.size > 0 && partitions.top.comparePartition(first) === 0) group.push(partitions.pop());
    const n = group.length;
    this.counts.mergedPartitions[n - 1] = (this.counts.mergedPartitions[n - 1] ?? 0) + 1;
    this.purger?.startPartition(this.evaluatorFor(first));
    this.isStarted = false;
    if (n === 1) this.single(first, sink);
    else this.merged(sink);
    if (this.isStarted) {
      sink.endPartition();
      this.counts.partitionsOut++;
    } else {
      this.counts.partitionsGone++;
    }
    for (let i = 0; i < n; i++) if (group[i]!.nextPartition()) partitions.push(group[i]!);
    return true;
  }

  /** All partitions. */
  run(sink: MergeSink): MergeCounts {
    while (this.next(sink));
    return this.counts;
  }

  // ---- a partition of one source

  private single(source: MergeSource, sink: MergeSink): void {
    const { cursor } = source;
    const { deletion, purger } = this;
    this.takeDeletion(source, deletion);
    const { row } = source;
    source.hasStaticRow = cursor.readStaticRow();
    source.loadStatic();
    this.begin(source, this.staticUnder(deletion, row), sink);
    for (source.next(); source.kind !== END; source.next()) {
      if (source.kind === ROW) {
        source.loadRow();
        if (row.isEmpty || (purger && !purger.row(row))) continue;
        this.start(source, sink);
        sink.row(row);
        this.counts.rowsOut++;
      } else {
        this.takeMarker(source);
        if (purger && !purger.marker(this.marker)) continue;
        this.start(source, sink);
        sink.marker(this.marker);
        this.counts.markersOut++;
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

  private takeDeletion({ cursor }: MergeSource, into: DeletionState): void {
    const { hi, lo, localDeletionSeconds } = cursor.partitionDeletion;
    if (cursor.hasPartitionDeletion) into.set(hi, lo, localDeletionSeconds);
    else into.clear();
  }

  private takeMarker({ cursor }: MergeSource): void {
    const { marker } = this;
    marker.kind = cursor.boundKind;
    marker.clusteringBuf = cursor.in.buf;
    marker.clusteringStart = cursor.clusteringStart;
    marker.clusteringEnd = cursor.clusteringEnd;
    marker.clusteringSize = cursor.clusteringSize;
    marker.deletion.set(cursor.deletion.hi, cursor.deletion.lo, cursor.deletion.localDeletionSeconds);
    const open = cursor.openDeletion;
    marker.openDeletion.set(open.hi, open.lo, open.localDeletionSeconds);
  }

  /** Purges the partition's deletion and static row, and begins the partition if anything is left of them. */
  private begin(source: MergeSource, staticRow: RowBuffer, sink: MergeSink): void {
    const { deletion, purger } = this;
    this.pendingStatic = staticRow;
    if (purger) {
      purger.deletion(deletion);
      if (this.hasStatic && !staticRow.isEmpty && !purger.row(staticRow)) staticRow.clearStatic();
    }
    if (deletion.isSet || (this.hasStatic && !staticRow.isEmpty)) this.start(source, sink);
    else this.pendingStatic = undefined;
  }

  /** The static row to be written when the partition starts; an empty one by default. */
  private pendingStatic: RowBuffer | undefined;

  private start(source: MergeSource, sink: MergeSink): void {
    if (this.isStarted) return;
    this.isStarted = true;
    sink.startPartition(source, this.deletion);
    if (!this.hasStatic) return;
    if (!this.pendingStatic) this.emptyStatic.clearStatic();
    sink.staticRow(this.pendingStatic ?? this.emptyStatic);
  }

  // ---- a partition of several sources

  private merged(sink: MergeSink): void {
    const { group, level, unfiltereds, deletion, other, purger, rows } = this;
    const n = group.length;
    const first = group[0]!;
    deletion.clear();
    for (let i = 0; i < n; i++) {
      this.takeDeletion(group[i]!, other);
      if (!deletion.supersedes(other) && other.isSet) deletion.copy(other);
    }
    this.markerMerger.start(n, deletion);
    this.begin(first, this.mergedStatic(), sink);
    unfiltereds.clear();
    for (let i = 0; i < n; i++) {
      const source = group[i]!;
      source.slot = i;
      source.next();
      if (source.kind !== END) unfiltereds.push(source);
    }
    while (unfiltereds.size > 0) {
      const least = unfiltereds.pop();
      level.length = 0;
      level.push(least);
      while (
        unfiltereds.size > 0 &&
        this.compareClusterings(unfiltereds.top.cursor, unfiltereds.top.kind, least.cursor, least.kind) === 0
      ) {
        level.push(unfiltereds.pop());
      }
      if (least.kind === ROW) {
        let versions = 0;
        for (let i = 0; i < level.length; i++) {
          const source = level[i]!;
          source.loadRow();
          if (!source.row.isEmpty) rows[versions++] = source.row;
        }
        const row = versions === 0 ? undefined : this.rowMerger.merge(rows, versions, this.markerMerger.active);
        if (row && (!purger || purger.row(row))) {
          this.start(first, sink);
          sink.row(row);
          this.counts.rowsOut++;
        }
      } else {
        for (let i = 0; i < level.length; i++) this.markerMerger.add(level[i]!.slot, level[i]!.cursor);
        const merged = this.markerMerger.merge();
        if (merged && (!purger || purger.marker(merged))) {
          this.start(first, sink);
          sink.marker(merged);
          this.counts.markersOut++;
        }
      }
      for (let i = 0; i < level.length; i++) {
        const source = level[i]!;
        source.next();
        if (source.kind !== END) unfiltereds.push(source);
      }
    }
  }

  private mergedStatic(): RowBuffer {
    const { group, rows, emptyStatic } = this;
    emptyStatic.clearStatic();
    if (!this.hasStatic) return emptyStatic;
    let versions = 0;
    for (let i = 0; i < group.length; i++) {
      const source = group[i]!;
      source.hasStaticRow = source.cursor.readStaticRow();
      if (!source.hasStaticRow) continue;
      source.loadStatic();
      if (!source.row.isEmpty) rows[versions++] = source.row;
    }
    if (versions === 0) return emptyStatic;
    if (versions === 1) rows[versions++] = emptyStatic; // one alone is merged too: cells as old as the deletion of their column go
    return this.rowMerger.merge(rows, versions, this.deletion) ?? emptyStatic;
  }
}
