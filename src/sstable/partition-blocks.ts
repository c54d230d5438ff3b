/**
 * How far the partition that is being written has come: where its last row begins, which range deletion is open, and the block of its index that the
 * next row belongs to. Blocks are told to the index as they are complete. Positions are in the plain data, counted from the partition's start.
 *
 *   key, deletion, static row │ row row marker … │ row row … │ … end marker
 *                             └─ a block ────────┴─ of blockBytes or a little more
 *
 * Rows come one by one, or many from the kernel of plain rows, which is told how far it is and tells how far it got.
 */
import { toBigInt } from '../bytes/int64.js';
import { ClusteringCopy } from './clustering-copy.js';
import type { IndexWriter } from './index-writer.js';
import { FIELD, type PlainMemory } from './plain-memory.js';
import type { DeletionTime } from './row.js';
import { DeletionState } from './row-buffer.js';

export class PartitionBlocks {
  /** Rows so far, the static one not counted. */
  rows = 0;
  /** Where the row or marker before begins; 0: there is none. */
  previousStart = 0;
  /** The range deletion that is open. */
  readonly open = new DeletionState();
  private readonly index: IndexWriter;
  private readonly blockBytes: number;
  private count = 0;
  /** −1 before its first row. */
  private start = -1;
  private readonly openAtStart = new DeletionState();
  private readonly first = new ClusteringCopy();
  private readonly last = new ClusteringCopy();

  constructor(index: IndexWriter, blockBytes: number) {
    this.index = index;
    this.blockBytes = blockBytes;
  }

  startPartition(): void {
    this.rows = 0;
    this.previousStart = 0;
    this.count = 0;
    this.start = -1;
    this.open.clear();
  }

  /** A row or marker begins at `position`. */
  startUnfiltered(
    position: number,
    buf: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    size: number,
    kind: number,
  ): void {
    if (this.start < 0) {
      this.start = position;
      this.openAtStart.copy(this.open);
      this.first.take(buf, starts, ends, size, kind);
    }
    this.last.take(buf, starts, ends, size, kind);
  }

  /** What began at `start` is written, up to `end`. */
  endUnfiltered(start: number, end: number): void {
    this.previousStart = start;
    if (end - this.start >= this.blockBytes) this.endBlock(end);
  }

  private endBlock(end: number): void {
    this.index.addBlock({
      first: this.first.toPrefix(),
      last: this.last.toPrefix(),
      offset: this.start,
      width: end - this.start,
      openAtStart: deletionTime(this.openAtStart),
      openAtEnd: deletionTime(this.open),
    });
    this.count++;
    this.start = -1;
  }

  /** All rows are written, and the end marker behind them: `end` is where that begins, `position` where it ends. */
  endPartition(position: number): void {
    // a partition of one block has no use for it; the last one has the end marker within it
    if (this.count > 0 && this.start >= 0) this.endBlock(position);
  }

  // ---- rows that the kernel of plain rows writes

  /** Tells the kernel how far the partition is. `origin`: what an address in its buffer is to be added to, to give a position. */
  putTo(memory: PlainMemory, origin: number): void {
    memory.putNumber(FIELD.origin, origin);
    memory.putNumber(FIELD.previous, this.previousStart);
    memory.putNumber(FIELD.blockStart, this.start);
    memory.putDeletion(FIELD.open, this.open);
  }

  /** Takes over how far the kernel has come, up to `end`. */
  takeFrom(memory: PlainMemory, end: number, isBlockEnded: boolean): void {
    const { state } = memory;
    this.previousStart = memory.number(FIELD.previous);
    this.rows += state[FIELD.rows]!;
    memory.takeDeletion(FIELD.open, this.open);
    if (state[FIELD.first]! >= 0) {
      this.start = memory.number(FIELD.blockStart);
      memory.takeDeletion(FIELD.openAtStart, this.openAtStart);
      takeClustering(memory, FIELD.first, this.first);
    }
    if (state[FIELD.last]! >= 0) takeClustering(memory, FIELD.last, this.last);
    if (isBlockEnded) this.endBlock(end);
  }
}

/** Of a row or marker that the kernel has written: kind, size, place. */
function takeClustering(memory: PlainMemory, at: number, into: ClusteringCopy): void {
  const { state, buffer } = memory;
  const { starts, ends } = memory.place(at + 2);
  into.take(buffer, starts, ends, state[at + 1]!, state[at]!);
}

export function deletionTime(state: DeletionState): DeletionTime | undefined {
  if (!state.isSet) return undefined;
  const markedForDeleteAtMicros = toBigInt(state.hi, state.lo);
  return { markedForDeleteAtMicros, localDeletionSeconds: state.localDeletionSeconds };
}
