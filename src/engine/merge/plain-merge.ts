/**
 * Lets the kernel of plain rows (`sstable/plain-memory.ts`) go on with a merge as far as it can: with the rows and markers of a partition, or with
 * partitions of one row each. It stops before whatever it does not know; cursors, heap and range deletions then stand as though the merge itself had
 * come that far. A kernel that gets nowhere is left alone for a while.
 */

import { ifThereIsMemory } from '../../bytes/kernel-memory.js';
import { ByteWriter } from '../../bytes/writer.js';
import { fixedLength } from '../../cql/type-facts.js';
import {
  BLOCK_ENDED,
  FIELD,
  IS_FULL,
  MAX_CLUSTERINGS,
  MAX_COLUMNS,
  MAX_SOURCES,
  NEEDS_MORE,
  orderOf,
  PlainMemory,
  putDeletion,
  SOURCE,
  takeDeletion,
} from '../../sstable/plain-memory.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { SSTableWriter } from '../../sstable/sstable-writer.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { KernelPause } from '../kernel-pause.js';
import type { MarkerMerger } from './marker-merge.js';
import { hasSameClustering, type MergeSource } from './merge-source.js';
import type { MergeCounts } from './partition-merge.js';
import type { LostBytes } from './row-merge.js';
import type { SourceHeap } from './source-heap.js';

/** Steps of the kernel below which it is not worth having been asked. */
const FEW = 6;
/** Plain bytes of whole partitions after which others have a turn. */
const TURN_BYTES = 2 << 20;

export type PlainSetup = {
  readonly sources: readonly MergeSource[];
  /** Of the SSTables that are written. */
  readonly header: SerializationHeader;
  /** Deletions before it are not the kernel's; seconds since the epoch. */
  readonly gcBeforeSeconds: number;
  /** Whether everything goes into one SSTable: partitions are the kernel's only then. */
  readonly isOneOutput: boolean;
};

export class PlainMerge {
  readonly hasRows: boolean;
  readonly hasPartitions: boolean;
  private readonly memory: PlainMemory;
  private readonly rowPause = new KernelPause(FEW);
  private readonly partitionPause = new KernelPause(FEW);
  /** The sources of the call, the first `size`. */
  private readonly members: MergeSource[] = [];
  private size = 0;
  private writer: SSTableWriter | undefined;

  private constructor(memory: PlainMemory, { sources, header, isOneOutput }: PlainSetup) {
    this.memory = memory;
    const clusterings = header.clusteringTypes.length;
    this.hasRows = clusterings > 0;
    this.hasPartitions =
      clusterings === 0 &&
      isOneOutput &&
      sources.every(({ cursor, copiesCells, isMurmur3 }) => copiesCells && isMurmur3 && !cursor.hasStatic);
  }

  /** `undefined` where the table has what the kernel does not know, and where there is no memory for it. */
  static open(setup: PlainSetup): PlainMerge | undefined {
    const { sources, header, gcBeforeSeconds } = setup;
    const { clusteringTypes, regularColumns } = header;
    if (sources.length > MAX_SOURCES || clusteringTypes.length > MAX_CLUSTERINGS) return undefined;
    if (regularColumns.length === 0 || regularColumns.length > MAX_COLUMNS) return undefined;
    if (clusteringTypes.some((type) => orderOf(type) < 0) || !sources.some(({ copiesCells }) => copiesCells))
      return undefined;
    if (sources.some((source) => !hasSameClustering(source.cursor.header, header))) return undefined;
    const memory = ifThereIsMemory(() => new PlainMemory(sources.map(({ cursor }) => cursor.in.windowBytes)));
    if (!memory) return undefined;
    const { state } = memory;
    for (const [i, source] of sources.entries()) {
      source.plainNumber = i;
      source.cursor.in.useWindow(memory.windows[i]!);
    }
    const { encodingStats: stats } = header;
    memory.put64(FIELD.outMinTime, stats.minTimestampHi, stats.minTimestampLo);
    memory.putNumber(FIELD.outMinLocal, stats.minLocalDeletionSeconds);
    memory.putNumber(FIELD.gcBefore, Math.max(-1, gcBeforeSeconds));
    state[FIELD.clusterings] = clusteringTypes.length;
    state[FIELD.columns] = regularColumns.length;
    for (const [i, type] of clusteringTypes.entries()) {
      state[FIELD.clusteringFixed + i] = fixedLength(type);
      state[FIELD.clusteringOrder + i] = orderOf(type);
    }
    for (const [i, { isComplex, type }] of regularColumns.entries()) {
      state[FIELD.columnFixed + i] = isComplex ? -2 : fixedLength(type);
    }
    const absent = noColumns(regularColumns.length);
    state[FIELD.noColumnsLength] = absent.length;
    memory.stateBytes.set(absent, FIELD.noColumns * 4);
    return new PlainMerge(memory, setup);
  }

  /** Rows go to this writer from now on. */
  private writeTo(writer: SSTableWriter): void {
    if (this.writer === writer) return;
    this.writer = writer;
    writer.share(this.memory);
    this.memory.state[FIELD.usesUInt] = writer.version.hasUIntDeletionTime ? 1 : 0;
  }

  close(): void {
    this.memory.release();
  }

  // ---- the sources of a call

  begin(): void {
    this.size = 0;
  }

  /** A source that goes on at an index of its window. @returns whether the kernel can do with it */
  add(source: MergeSource, index: number): boolean {
    const { cursor, plainNumber } = source;
    if (!source.copiesCells || index < 0 || !cursor.in.isAtHome) return false;
    const fields = this.memory.source(this.size);
    this.members[this.size++] = source;
    const { minTimestampHi, minTimestampLo, minLocalDeletionSeconds } = cursor.header.encodingStats;
    this.place(fields, plainNumber, cursor, index);
    fields[SOURCE.minTime] = minTimestampLo;
    fields[SOURCE.minTime + 1] = minTimestampHi;
    fields[SOURCE.minLocal] = minLocalDeletionSeconds;
    fields[SOURCE.minLocal + 1] = Math.floor(minLocalDeletionSeconds / 4294967296);
    fields[SOURCE.usesUInt] = cursor.usesUInt ? 1 : 0;
    fields[SOURCE.open] = 0;
    fields[SOURCE.read] = 0;
    return true;
  }

  private place(fields: Int32Array, number: number, { in: input }: UnfilteredCursor, index: number): void {
    const start = this.memory.windowStart(number);
    fields[SOURCE.pos] = start + index;
    fields[SOURCE.end] = start + input.end;
    fields[SOURCE.isLast] = input.hasMore ? 0 : 1;
    fields[SOURCE.kind] = 0;
  }

  /** The source that needs more gets it. @returns whether the kernel can go on. @throws CorruptError */
  private fetch(): boolean {
    const i = this.memory.state[FIELD.source]!;
    const { cursor, plainNumber } = this.members[i]!;
    const fields = this.memory.source(i);
    const input = cursor.in;
    const start = this.memory.windowStart(plainNumber);
    input.pos = fields[SOURCE.pos]! - start;
    if (!input.hasMore) return false;
    input.fetchMore();
    // a row that is too long for the window: it is the cursor's own
    if (!input.isAtHome) {
      fields[SOURCE.pos] = start + input.pos;
      return false;
    }
    this.place(fields, plainNumber, cursor, input.pos);
    return true;
  }

  // ---- rows

  /** Whether it is time to ask for rows again. */
  get isDue(): boolean {
    return this.hasRows && this.rowPause.isOver;
  }

  /**
   * Goes on with the partition of the sources added, of which `markers` says what is open; without it there is one source, which is not merged.
   * @returns whether it was asked: the cursors then stand where they go on, before what comes next
   */
  rows(writer: SSTableWriter, markers: MarkerMerger | undefined, counts: MergeCounts, lost: LostBytes): boolean {
    const { memory, members, size } = this;
    const { state, kernel } = memory;
    this.writeTo(writer);
    if (size === 0 || !writer.beginPlainRows(memory)) return false;
    state[FIELD.isAlone] = markers ? 0 : 1;
    if (markers) {
      memory.putDeletion(FIELD.current, markers.openInMerged);
      memory.putDeletion(FIELD.partition, markers.ofPartition);
      for (let i = 0; i < size; i++) {
        const { isSet, hi, lo, localDeletionSeconds } = markers.openIn(members[i]!.slot);
        putDeletion(memory.source(i), SOURCE.open, isSet, hi, lo, localDeletionSeconds);
      }
    }
    let steps = 0;
    for (;;) {
      const reason = kernel.runRows(size);
      if (reason === NEEDS_MORE && this.fetch()) continue;
      const written = state[FIELD.rows]! + state[FIELD.markers]!;
      steps += written;
      counts.rowsOut += state[FIELD.rows]!;
      counts.markersOut += state[FIELD.markers]!;
      lost.overwritten += memory.number(FIELD.overwritten);
      lost.deleted += memory.number(FIELD.deleted);
      writer.takePlainRows(memory, reason === BLOCK_ENDED);
      if (reason === BLOCK_ENDED) steps += FEW;
      const mayGoOn = (reason === IS_FULL && written > 0) || reason === BLOCK_ENDED;
      if (!mayGoOn || !writer.beginPlainRows(memory)) break;
    }
    if (markers) memory.takeDeletion(FIELD.current, markers.openInMerged);
    for (let i = 0; i < size; i++) {
      const source = members[i]!;
      const fields = memory.source(i);
      source.cursor.goOnAt(fields[SOURCE.pos]! - memory.windowStart(source.plainNumber), true);
      source.unfiltereds += fields[SOURCE.read]!;
      steps += fields[SOURCE.read]!;
      if (markers) takeDeletion(fields, SOURCE.open, markers.openIn(source.slot));
    }
    this.rowPause.note(steps);
    return true;
  }

  // ---- partitions

  /** Goes on with the partitions of all sources in the heap, up to one that is not the kernel's, or for a turn. @returns whether any was merged */
  partitions(heap: SourceHeap, writer: SSTableWriter, counts: MergeCounts, lost: LostBytes): boolean {
    const { memory, members } = this;
    if (!this.partitionPause.isOver) return false;
    this.writeTo(writer);
    this.begin();
    for (let i = 0; i < heap.size; i++) {
      const source = heap.at(i);
      const { in: input } = source.cursor;
      if (!this.add(source, source.cursor.partitionPosition - input.base)) return false;
    }
    if (!writer.beginPlainPartitions(memory)) return false;
    const done = this.mergePartitions(writer, counts, lost);
    heap.clear();
    for (let i = 0; i < this.size; i++) {
      const source = members[i]!;
      const fields = memory.source(i);
      source.partitions += fields[SOURCE.read]! - 1; // that at which it stands has been counted, and will be again
      source.unfiltereds += fields[SOURCE.read]!;
      source.cursor.goOnAt(fields[SOURCE.pos]! - memory.windowStart(source.plainNumber), false);
      if (source.nextPartition()) heap.push(source);
    }
    this.partitionPause.note(done);
    return true;
  }

  private mergePartitions(writer: SSTableWriter, counts: MergeCounts, lost: LostBytes): number {
    const { memory, size } = this;
    const { state, kernel } = memory;
    const stop = writer.position + TURN_BYTES;
    let done = 0;
    for (;;) {
      const reason = kernel.runPartitions(size);
      if (reason === NEEDS_MORE && this.fetch()) continue;
      const written = state[FIELD.partitionCount]!;
      done += written;
      counts.partitionsOut += written;
      counts.rowsOut += written;
      lost.overwritten += memory.number(FIELD.overwritten);
      const { mergedPartitions } = counts;
      for (let n = 0; n < size; n++) {
        if (n >= mergedPartitions.length) mergedPartitions.push(0);
        mergedPartitions[n]! += state[FIELD.merged + n]!;
      }
      writer.takePlainPartitions(memory);
      if (reason !== IS_FULL || written === 0 || writer.position >= stop || !writer.beginPlainPartitions(memory)) break;
    }
    return done;
  }
}

/** How a row without columns says so, of a header of `count`, below 64. */
function noColumns(count: number): Uint8Array {
  const out = new ByteWriter(16);
  const lo = count >= 32 ? -1 : (1 << count) - 1;
  const hi = count > 32 ? (1 << (count - 32)) - 1 : 0;
  out.uvint64(hi, lo);
  return out.toBytes();
}
