/**
 * SSTables as one: partitions in the order of tokens, of each its deletion, static row, rows and range tombstones, merged and purged, handed to a
 * sink (Cassandra's CompactionIterator over UnfilteredPartitionIterators.merge). Compaction, views of a table and dry runs all go through here.
 *
 *   sources ─ heap by token and key ─ those with the least key ─ UnfilteredMerge ─ [GarbageSkipper] ─ Purger ─ sink
 */
import type { MarkerBuffer } from '../../sstable/marker-buffer.js';
import { type DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { SSTableWriter } from '../../sstable/sstable-writer.js';
import { END, ROW } from '../../sstable/unfiltered-cursor.js';
import { GarbageSkipper, type Shadows } from './garbage-skip.js';
import type { MergeSource } from './merge-source.js';
import type { PlainMerge } from './plain-merge.js';
import type { PlainPass } from './plain-pass.js';
import type { PurgeEvaluator, Purger } from './purge.js';
import type { LostBytes } from './row-merge.js';
import { SourceHeap } from './source-heap.js';
import { type PartitionStream, UnfilteredMerge } from './unfiltered-merge.js';

/** Takes what a merge gives. All arguments are the merge's own: to be used before the call returns. */
export interface MergeSink {
  /** A partition with something in it. */
  startPartition(source: MergeSource, deletion: DeletionState): void;
  /** Called for tables with static columns only; the row may be empty. */
  staticRow(row: RowBuffer): void;
  row(row: RowBuffer): void;
  marker(marker: MarkerBuffer): void;
  endPartition(): void;
  /** What a kernel of plain rows may write to in the sink's stead; absent before the first partition. */
  readonly plainTarget?: SSTableWriter | undefined;
}

export type MergeSetup = {
  readonly sources: readonly MergeSource[];
  /** Of the output. */
  readonly header: SerializationHeader;
  /** Absent: nothing is purged, and nothing expires. */
  readonly purger?: Purger | undefined;
  /** Says of the partition under a source what may be purged from it. */
  readonly evaluatorFor?: ((source: MergeSource) => PurgeEvaluator) | undefined;
  /** SSTables outside of the merge whose deletions take effect in it. */
  readonly shadows?: Shadows | undefined;
  /** Short partitions that one source alone has, and in which nothing is deleted or expires, are counted but not handed to the sink. */
  readonly passesPlain?: boolean | undefined;
  /** Passes over many such partitions, of whatever length and however many sources. They are not among {@link MergeCounts.mergedPartitions}. */
  readonly pass?: PlainPass | undefined;
  /** Takes what plain rows it can, where the sink has a target for them. */
  readonly plain?: PlainMerge | undefined;
};

/** What went in and came out. */
export type MergeCounts = {
  partitionsOut: number;
  /** Partitions of which nothing was left. */
  partitionsGone: number;
  /** Static rows that hold something among them, as `totalRows` of Statistics.db counts. */
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
  private readonly merge: UnfilteredMerge;
  private readonly garbage: GarbageSkipper | undefined;
  private readonly emptyStatic = new RowBuffer();
  private readonly passesPlain: boolean;
  /** Sources of the partition at hand, and behind them others: an array that shrinks would be allocated anew. */
  private readonly group: MergeSource[] = [];
  private readonly plain: PlainMerge | undefined;
  private readonly pass: PlainPass | undefined;
  /** Whether the last call of {@link next} has merged many partitions. */
  tookMany = false;
  private isStarted = false;

  /** Bytes of cells that lost to others or to deletions. */
  get lost(): LostBytes {
    return this.merge.lost;
  }

  constructor({ sources, header, purger, evaluatorFor, shadows, plain, pass, passesPlain = false }: MergeSetup) {
    this.passesPlain = passesPlain;
    this.pass = pass;
    this.plain = shadows ? undefined : plain;
    this.purger = purger;
    this.evaluatorFor = evaluatorFor ?? (() => ALWAYS);
    this.hasStatic = header.staticColumns.length > 0;
    this.merge = new UnfilteredMerge(header);
    if (shadows) this.garbage = new GarbageSkipper(this.merge, header, shadows, this.merge.lost);
    this.emptyStatic.clearStatic();
    for (const source of sources) if (source.nextPartition()) this.partitions.push(source);
  }

  /** Merges the next partition into `sink`. @returns whether there was one. @throws CorruptError */
  next(sink: MergeSink): boolean {
    const { partitions, group } = this;
    if (partitions.size === 0) return false;
    this.tookMany = this.nextPlain(sink) || this.passMany(sink);
    if (partitions.size === 0) return false;
    const first = partitions.pop();
    group[0] = first;
    let n = 1;
    while (partitions.size > 0 && partitions.top.comparePartition(first) === 0) group[n++] = partitions.pop();
    if (n === 1 && this.passesPlain && first.cursor.passPlainPartition()) this.countMerged(1);
    else this.mergeGroup(group, n, sink);
    for (let i = 0; i < n; i++) if (group[i]!.nextPartition()) partitions.push(group[i]!);
    return true;
  }

  /** The partition on which the first `n` of the group stand. */
  private mergeGroup(group: readonly MergeSource[], n: number, sink: MergeSink): void {
    const { merge } = this;
    const first = group[0]!;
    this.countMerged(n);
    for (let i = 0; i < n; i++) group[i]!.enter();
    this.purger?.startPartition(this.evaluatorFor(first));
    this.isStarted = false;
    merge.begin(group, n);
    const stream = this.garbage ? this.garbage.begin(first) : merge;
    this.begin(first, stream, sink);
    this.unfiltereds(first, stream, sink);
    if (this.isStarted) {
      sink.endPartition();
      this.counts.partitionsOut++;
    } else {
      this.counts.partitionsGone++;
    }
  }

  private countMerged(sources: number): void {
    const { mergedPartitions } = this.counts;
    while (mergedPartitions.length < sources) mergedPartitions.push(0);
    mergedPartitions[sources - 1]!++;
  }

  /** Partitions that need no merge, up to one that is not to be told whether it does. @returns whether there were any */
  private passMany(sink: MergeSink): boolean {
    return this.pass !== undefined && this.pass.run(this.partitions, (group, n) => this.mergeGroup(group, n, sink)) > 0;
  }

  /** Partitions that the kernel takes. @returns whether it took any */
  private nextPlain({ plainTarget }: MergeSink): boolean {
    const { plain } = this;
    return (
      plain?.hasPartitions === true &&
      !!plainTarget &&
      plain.partitions(this.partitions, plainTarget, this.counts, this.lost)
    );
  }

  /** All partitions. */
  run(sink: MergeSink): MergeCounts {
    while (this.next(sink));
    return this.counts;
  }

  /** Purges the partition's deletion and static row, and begins the partition if anything is left of them. */
  private begin(source: MergeSource, { deletion, staticRow }: PartitionStream, sink: MergeSink): void {
    const { purger, hasStatic } = this;
    if (purger) {
      purger.deletion(deletion);
      if (hasStatic && !staticRow.isEmpty && !purger.row(staticRow)) staticRow.clearStatic();
    }
    if (deletion.isSet || (hasStatic && !staticRow.isEmpty)) this.start(source, deletion, staticRow, sink);
  }

  private start(source: MergeSource, deletion: DeletionState, staticRow: RowBuffer, sink: MergeSink): void {
    this.isStarted = true;
    sink.startPartition(source, deletion);
    if (!this.hasStatic) return;
    sink.staticRow(staticRow);
    if (!staticRow.isEmpty) this.counts.rowsOut++;
  }

  private unfiltereds(source: MergeSource, stream: PartitionStream, sink: MergeSink): void {
    const { purger, counts, emptyStatic, plain } = this;
    for (;;) {
      if (this.isStarted && plain?.isDue && sink.plainTarget) this.merge.runPlain(plain, sink.plainTarget, counts);
      const kind = stream.step();
      if (kind === END) return;
      if (kind === ROW) {
        const { row } = stream;
        if (purger && !purger.row(row)) continue;
        if (!this.isStarted) this.start(source, stream.deletion, emptyStatic, sink);
        sink.row(row);
        counts.rowsOut++;
      } else {
        const { marker } = stream;
        if (purger && !purger.marker(marker)) continue;
        if (!this.isStarted) this.start(source, stream.deletion, emptyStatic, sink);
        sink.marker(marker);
        counts.markersOut++;
      }
    }
  }
}
