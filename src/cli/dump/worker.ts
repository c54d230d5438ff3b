/** A thread of a dump: turns ranges of one SSTable into text, in slabs of shared memory that go to and fro. */
import { parentPort, workerData } from 'node:worker_threads';
import { InvariantError, LsmctlError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { FLUSH_BYTES, type TextSink } from '../../render/partition-writer.js';
import { READY, type TextBlock, type WorkerInit, type WorkerReply, type WorkerTask } from './parallel.js';
import { dumpRange, openCursor, openForDump } from './run.js';
import { makeWriter } from './spec.js';

/** About the text of a range: few large slabs, since each one costs a message its time. */
const SLAB_BYTES = 3 << 19;

/** Room that a writer needs to go on: it flushes at half of it. */
const ROOM_BYTES = FLUSH_BYTES * 2;

/**
 * Lets a writer fill slabs of memory that the main thread then reads. They are shared and not transferred: once a thread has detached a single
 * buffer, V8 checks for that at every access to any, which costs a dump a quarter of its time.
 */
class SlabSink implements TextSink {
  private filled: TextBlock[] = [];
  private slab = newSlab();
  /** Bytes of `slab` that are text. */
  private used = 0;
  private isEnding = false;
  private readonly free: Buffer[] = [];

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const n = Math.min(bytes.length - at, this.slab.length - this.used);
      // one memcpy; to shared memory `set` copies word by word, each on its own
      this.slab.fill(bytes.subarray(at, at + n), this.used, this.used + n);
      at += n;
      this.used += n;
      if (this.used === this.slab.length) this.next();
    }
  }

  take(full: Buffer, length: number): Buffer {
    if (full.buffer === this.slab.buffer) this.used += length;
    else this.write(full.subarray(0, length)); // the writer's first memory, or what one large value asked for
    if (this.isEnding || this.slab.length - this.used < ROOM_BYTES) this.next();
    return this.slab.subarray(this.used);
  }

  private next(): void {
    if (this.used === 0) return;
    this.filled.push({ bytes: this.slab, length: this.used });
    this.slab = this.free.pop() ?? newSlab();
    this.used = 0;
  }

  /** The text since the last call, once `flush` has made the writer hand over what it has. The writer goes on in other memory. */
  collect(flush: () => void): TextBlock[] {
    this.isEnding = true;
    flush();
    this.isEnding = false;
    this.next();
    const { filled } = this;
    this.filled = [];
    return filled;
  }

  /** Takes memory back. */
  recycle(blocks: readonly Uint8Array[]): void {
    for (const { buffer } of blocks) if (buffer instanceof SharedArrayBuffer) this.free.push(Buffer.from(buffer));
  }
}

function newSlab(): Buffer {
  return Buffer.from(new SharedArrayBuffer(SLAB_BYTES));
}

async function main(): Promise<void> {
  const port = parentPort;
  if (!port) throw new InvariantError('runs as a worker thread only');
  const { descriptor, spec, context } = workerData as WorkerInit;
  const sink = new SlabSink();
  const { sstable, badChunks } = await openForDump(diskStorage, descriptor, spec);
  const writer = await makeWriter(spec, context, sstable, sink);
  const cursor = openCursor(sstable, spec, writer);
  port.on('message', ({ index, range, recycled }: WorkerTask) => {
    sink.recycle(recycled);
    badChunks.length = 0;
    writer.continueAfter(1);
    let partitions = 0;
    let failed = false;
    try {
      partitions = dumpRange(sstable, spec, writer, range, { strict: true, cursor }).written;
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      failed = true; // the main thread does this range again, and meets the error itself
    }
    const reply: WorkerReply = {
      index,
      blocks: sink.collect(() => writer.flush()),
      partitions,
      badChunks: badChunks.map(({ message, facts }) => ({ message, facts })),
      failed,
    };
    port.postMessage(reply);
  });
}

void main().then(() => parentPort?.postMessage(READY));
