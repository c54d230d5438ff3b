/**
 * A dump with worker threads. The file is cut at partition boundaries into ranges, which workers turn into text; this thread writes the texts in
 * order. Until the workers have started, and wherever none has taken a range, it makes the text itself: the first lines wait for nobody. What is
 * held is a few ranges' text. Ranges that one enormous partition fills are never given away: their text streams instead of being held.
 */
import { setImmediate as eventLoop } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { CorruptError, type ErrorFacts } from '../../bytes/errors.js';
import type { DumpContext, PartitionWriter, TextSink } from '../../render/partition-writer.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import type { SSTable } from '../../sstable/sstable.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { interruptible } from '../interrupt.js';
import type { PositionRange } from './ranges.js';
import { dumpRange, type Watch } from './run.js';
import type { DumpSpec } from './spec.js';

export type WorkerInit = { readonly descriptor: Descriptor; readonly spec: DumpSpec; readonly context: DumpContext };

export type WorkerTask = { readonly index: number; readonly range: PositionRange; readonly recycled: Uint8Array[] };

/** What a worker says first: it has opened the SSTable. */
export const READY = 'ready';

/** Memory of which the first `length` bytes are text. */
export type TextBlock = { readonly bytes: Uint8Array; readonly length: number };

/** A range's text in blocks. `failed`: there was an error, and the blocks are not all. */
export type WorkerReply = {
  readonly index: number;
  readonly blocks: readonly TextBlock[];
  readonly partitions: number;
  readonly badChunks: readonly { readonly message: string; readonly facts: ErrorFacts }[];
  readonly failed: boolean;
};

/** Plain bytes of the largest range whose text is held. */
const MAX_HELD_BYTES = 4 << 20;

/** Plain bytes that the ranges of one worker may have together: in the making, waiting for it or waiting to be written. */
const AHEAD_BYTES = 1 << 20;

/** Ranges that a worker has at a time, so that it need not wait for this thread while that writes. */
const QUEUED = 2;

/** What this thread writes with: a cursor of which the writer has been told, and how many partitions it has written. */
export type OwnWriter = {
  readonly writer: PartitionWriter;
  readonly cursor: UnfilteredCursor;
  readonly written: number;
};

/** Writes `ranges` to `own.writer` and `sink`, which are the same text; the pool is the caller's to close. @returns chunks that failed CRC.db. @throws CorruptError */
export async function dumpParallel(
  pool: DumpPool,
  sstable: SSTable,
  own: OwnWriter,
  ranges: readonly PositionRange[],
  sink: TextSink,
  watch?: Watch,
): Promise<CorruptError[]> {
  const badChunks: CorruptError[] = [];
  const { spec } = pool;
  pool.begin(ranges);
  const { writer, cursor } = own;
  let { written } = own;
  const inline = (range: PositionRange): number => {
    writer.continueAfter(written);
    try {
      const work = () => dumpRange(sstable, spec, writer, range, { watch, cursor });
      const result = isHeld(range) ? work() : interruptible(work);
      written += result.written;
      return result.end;
    } finally {
      writer.flush();
    }
  };
  let reached = 0; // where the partition after the last one written begins
  for (const [index, range] of ranges.entries()) {
    pool.goTo(index);
    if (range.start < reached) {
      if (pool.has(index)) pool.drop(await pool.reply(index));
      continue;
    }
    await eventLoop(); // replies come in, and workers get their next ranges
    const reply = pool.has(index) ? await pool.reply(index) : undefined;
    if (reply && !reply.failed) {
      pool.writeTo(sink, reply, written === 0);
      written += reply.partitions;
      badChunks.push(...reply.badChunks.map(({ message, facts }) => new CorruptError(message, facts)));
      reached = range.end;
      if (watch) watch.share = () => range.end / sstable.data.length;
      continue;
    }
    if (reply) pool.drop(reply);
    // What a worker failed at is done again here: either the error comes again, after the same text as without workers, or the index had
    // misled it. In that case, as when a range ends elsewhere than the index said, the rest of the stretch is done from where it really goes on.
    reached = inline(range);
    if (reached !== range.end) reached = inline({ ...range, start: reached, end: range.stretchEnd });
  }
  writer.continueAfter(written);
  return badChunks;
}

/** Workers that start as soon as it is made, and get to work with {@link begin}. */
export class DumpPool {
  readonly spec: DumpSpec;
  private ranges: readonly PositionRange[] = [];
  /** Bytes of the separator that every text of a worker begins with. */
  private readonly separatorBytes: number;
  private readonly workers: Worker[] = [];
  /** Workers that have started, with how many ranges each has to do. */
  private readonly queued = new Map<Worker, number>();
  /** Ranges that workers have, or have done, and who. */
  private readonly taken = new Map<number, Worker>();
  /** Plain bytes of these. */
  private takenBytes = 0;
  private readonly replies = new Map<number, WorkerReply>();
  private readonly waiting = new Map<number, (reply: WorkerReply) => void>();
  /** Memory that each worker gets back. */
  private readonly recycled = new Map<Worker, Uint8Array[]>();
  /** The first range that nobody has taken. */
  private next = 0;

  constructor(init: WorkerInit, workers: number) {
    this.spec = init.spec;
    this.separatorBytes = init.spec.format === 'sstabledump' && !init.spec.debug ? 1 : 0;
    for (let i = 0; i < workers; i++) {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: init,
        resourceLimits: { maxYoungGenerationSizeMb: 2 },
      });
      worker.on('message', (reply: WorkerReply | typeof READY) => this.arrived(worker, reply));
      worker.on('error', () => this.died(worker));
      this.workers.push(worker);
    }
  }

  /** What there is to do. */
  begin(ranges: readonly PositionRange[]): void {
    this.ranges = ranges;
  }

  /** Tells at which range the caller is: if no worker has it, it is the caller's own. */
  goTo(index: number): void {
    this.next = Math.max(this.next, index + 1);
    this.assign();
  }

  /** Whether a worker has range `index`; if not, it is the caller's own. */
  has(index: number): boolean {
    return this.taken.has(index);
  }

  reply(index: number): Promise<WorkerReply> {
    const ready = this.replies.get(index);
    return ready ? Promise.resolve(ready) : new Promise((resolve) => this.waiting.set(index, resolve));
  }

  /** Writes a reply, and gives its memory back to its worker. */
  writeTo(sink: TextSink, reply: WorkerReply, isFirst: boolean): void {
    for (const [i, { bytes, length }] of reply.blocks.entries()) {
      sink.write(bytes.subarray(isFirst && i === 0 ? this.separatorBytes : 0, length));
    }
    this.drop(reply);
  }

  /** Is done with a reply: gives its memory back to its worker. */
  drop({ index, blocks }: WorkerReply): void {
    const owner = this.taken.get(index);
    if (owner) this.recycled.set(owner, [...(this.recycled.get(owner) ?? []), ...blocks.map(({ bytes }) => bytes)]);
    this.taken.delete(index);
    this.takenBytes -= this.bytesOf(index);
    this.replies.delete(index);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  /** Gives out ranges, those first that are written first, each to the worker with the least to do. */
  private assign(): void {
    const { ranges } = this;
    for (;;) {
      while (this.next < ranges.length && !isHeld(ranges[this.next]!)) this.next++;
      if (this.next >= ranges.length) return;
      const isFull = this.takenBytes + this.bytesOf(this.next) > this.queued.size * AHEAD_BYTES;
      if (isFull && this.taken.size >= this.queued.size) return;
      let free: Worker | undefined;
      let least = QUEUED;
      for (const [worker, tasks] of this.queued) {
        if (tasks < least) {
          free = worker;
          least = tasks;
        }
      }
      if (!free) return;
      this.give(free, this.next++);
    }
  }

  private give(worker: Worker, index: number): void {
    this.taken.set(index, worker);
    this.takenBytes += this.bytesOf(index);
    this.queued.set(worker, (this.queued.get(worker) ?? 0) + 1);
    const task: WorkerTask = { index, range: this.ranges[index]!, recycled: this.recycled.get(worker) ?? [] };
    this.recycled.delete(worker);
    worker.postMessage(task);
  }

  private bytesOf(index: number): number {
    const { start, end } = this.ranges[index]!;
    return end - start;
  }

  private arrived(worker: Worker, reply: WorkerReply | typeof READY): void {
    this.queued.set(worker, reply === READY ? 0 : (this.queued.get(worker) ?? 1) - 1);
    if (reply !== READY) this.settle(reply);
    this.assign();
  }

  private settle(reply: WorkerReply): void {
    this.replies.set(reply.index, reply);
    this.waiting.get(reply.index)?.(reply);
    this.waiting.delete(reply.index);
  }

  /**
   * A worker that ended (a file it could not open, no memory) failed at what it had: the caller does that again, and meets an error that is
   * not the worker's own.
   */
  private died(worker: Worker): void {
    this.queued.delete(worker);
    for (const [index, owner] of this.taken) {
      if (owner !== worker || this.replies.has(index)) continue;
      this.settle({ index, blocks: [], partitions: 0, badChunks: [], failed: true });
    }
  }
}

function isHeld(range: PositionRange): boolean {
  return !range.single && range.end - range.start <= MAX_HELD_BYTES;
}
