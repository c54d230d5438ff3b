/**
 * A dump with worker threads. The file is cut at partition boundaries into ranges. This thread goes through them in order: what a worker has
 * taken it waits for and writes, the rest it turns into text itself. So the first lines do not wait for a worker to start, nobody is idle, and
 * what is held is a few ranges' text. Ranges that one enormous partition fills are never given away: their text streams instead of being held.
 */
import { setImmediate as eventLoop } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { CorruptError, type ErrorFacts } from '../../bytes/errors.js';
import type { DumpContext, PartitionWriter, TextSink } from '../../render/partition-writer.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import type { SSTable } from '../../sstable/sstable.js';
import type { PositionRange } from './ranges.js';
import { dumpRange, type Watch } from './run.js';
import type { DumpSpec } from './spec.js';

export type WorkerInit = { readonly descriptor: Descriptor; readonly spec: DumpSpec; readonly context: DumpContext };

export type WorkerTask = { readonly index: number; readonly range: PositionRange; readonly recycled: Uint8Array[] };

/** What a worker says first: it has opened the SSTable. */
export const READY = 'ready';

/** A range's text in blocks. `failed`: there was an error, and the blocks are not all. */
export type WorkerReply = {
  readonly index: number;
  readonly blocks: { readonly bytes: Uint8Array; readonly length: number }[];
  readonly partitions: number;
  readonly badChunks: readonly { readonly message: string; readonly facts: ErrorFacts }[];
  readonly failed: boolean;
};

/** Plain bytes of the largest range whose text is held. */
const MAX_HELD_BYTES = 4 << 20;

/** Ranges that one worker may have in the making or waiting to be written. */
const AHEAD = 4;

/** Writes `ranges` to `writer` and `sink`, which are the same text. @returns chunks that failed CRC.db. @throws CorruptError */
export async function dumpParallel(
  init: WorkerInit,
  sstable: SSTable,
  writer: PartitionWriter,
  ranges: readonly PositionRange[],
  sink: TextSink,
  jobs: number,
  watch?: Watch,
): Promise<CorruptError[]> {
  const badChunks: CorruptError[] = [];
  const pool = new DumpPool(init, ranges, jobs - 1);
  let written = 0;
  const inline = (range: PositionRange): number => {
    writer.continueAfter(written);
    try {
      const result = dumpRange(sstable, init.spec, writer, range, { watch });
      written += result.written;
      return result.end;
    } finally {
      writer.flush();
    }
  };
  try {
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
  } finally {
    await pool.close();
  }
  return badChunks;
}

class DumpPool {
  private readonly ranges: readonly PositionRange[];
  /** Bytes of the separator that every text of a worker begins with. */
  private readonly separatorBytes: number;
  private readonly workers: Worker[] = [];
  private readonly idle: Worker[] = [];
  /** Ranges that workers have, or have done, and who. */
  private readonly taken = new Map<number, Worker>();
  private readonly replies = new Map<number, WorkerReply>();
  private readonly waiting = new Map<number, (reply: WorkerReply) => void>();
  private readonly recycled: Uint8Array[] = [];
  /** The first range that nobody has taken. */
  private next = 0;

  constructor(init: WorkerInit, ranges: readonly PositionRange[], workers: number) {
    this.ranges = ranges;
    this.separatorBytes = init.spec.format === 'sstabledump' && !init.spec.debug ? 1 : 0;
    for (let i = 0; i < workers; i++) {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: init,
        resourceLimits: { maxYoungGenerationSizeMb: 8 },
      });
      worker.on('message', (reply: WorkerReply | typeof READY) => this.arrived(worker, reply));
      worker.on('error', () => this.died(worker));
      this.workers.push(worker);
    }
  }

  /** Tells at which range the caller is. It does the one after that itself: workers take those behind. */
  goTo(index: number): void {
    this.next = Math.max(this.next, index + 2);
    for (let i = this.idle.length; i > 0; i--) this.assign(this.idle.shift()!);
  }

  /** Whether a worker has range `index`; if not, it is the caller's own. */
  has(index: number): boolean {
    return this.taken.has(index);
  }

  reply(index: number): Promise<WorkerReply> {
    const ready = this.replies.get(index);
    return ready ? Promise.resolve(ready) : new Promise((resolve) => this.waiting.set(index, resolve));
  }

  /** Writes a reply, and gives its memory back to the workers. */
  writeTo(sink: TextSink, reply: WorkerReply, isFirst: boolean): void {
    for (const [i, { bytes, length }] of reply.blocks.entries()) {
      sink.write(bytes.subarray(isFirst && i === 0 ? this.separatorBytes : 0, length));
    }
    this.drop(reply);
  }

  /** Is done with a reply: gives its memory back to the workers. */
  drop({ index, blocks }: WorkerReply): void {
    for (const { bytes } of blocks) this.recycled.push(bytes);
    this.taken.delete(index);
    this.replies.delete(index);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private assign(worker: Worker): void {
    const { ranges } = this;
    while (this.next < ranges.length && !isHeld(ranges[this.next]!)) this.next++;
    if (this.next >= ranges.length || this.taken.size >= this.workers.length * AHEAD) {
      this.idle.push(worker);
      return;
    }
    const index = this.next++;
    this.taken.set(index, worker);
    const recycled = this.recycled.splice(0);
    const task: WorkerTask = { index, range: ranges[index]!, recycled };
    worker.postMessage(
      task,
      recycled.map((block) => block.buffer as ArrayBuffer),
    );
  }

  private arrived(worker: Worker, reply: WorkerReply | typeof READY): void {
    if (reply !== READY) this.settle(reply);
    this.assign(worker);
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
    const idle = this.idle.indexOf(worker);
    if (idle >= 0) this.idle.splice(idle, 1);
    for (const [index, owner] of this.taken) {
      if (owner !== worker || this.replies.has(index)) continue;
      this.settle({ index, blocks: [], partitions: 0, badChunks: [], failed: true });
    }
  }
}

function isHeld(range: PositionRange): boolean {
  return !range.single && range.end - range.start <= MAX_HELD_BYTES;
}
