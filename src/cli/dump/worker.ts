/** A thread of a dump: turns ranges of one SSTable into text, in blocks of shared memory that go to and fro. */
import { parentPort, workerData } from 'node:worker_threads';
import { InvariantError, LsmctlError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { FLUSH_BYTES, type TextSink } from '../../render/partition-writer.js';
import { READY, type WorkerInit, type WorkerReply, type WorkerTask } from './parallel.js';
import { dumpRange, openForDump } from './run.js';
import { makeWriter } from './spec.js';

/** What writers reckon with: they flush at half of it. */
const BLOCK_BYTES = FLUSH_BYTES * 2;

/**
 * Lets a writer fill blocks that the main thread then reads. They are shared and not transferred: once a thread has detached a single buffer,
 * V8 checks for that at every access to any, which costs a dump a quarter of its time.
 */
class BlockSink implements TextSink {
  blocks: { bytes: Uint8Array; length: number }[] = [];
  private readonly free: Buffer[] = [];

  write(bytes: Uint8Array): void {
    this.blocks.push({ bytes: Uint8Array.from(bytes), length: bytes.length });
  }

  take(full: Buffer, length: number): Buffer {
    this.blocks.push({ bytes: full, length });
    return this.free.pop() ?? Buffer.from(new SharedArrayBuffer(BLOCK_BYTES));
  }

  /** Takes blocks back; others, which one large value made, go. */
  recycle(blocks: readonly Uint8Array[]): void {
    for (const { buffer } of blocks) {
      if (buffer instanceof SharedArrayBuffer && buffer.byteLength === BLOCK_BYTES) this.free.push(Buffer.from(buffer));
    }
  }
}

async function main(): Promise<void> {
  const port = parentPort;
  if (!port) throw new InvariantError('runs as a worker thread only');
  const { descriptor, spec, context } = workerData as WorkerInit;
  const sink = new BlockSink();
  const { sstable, badChunks } = await openForDump(diskStorage, descriptor, spec);
  const writer = await makeWriter(spec, context, sstable, sink);
  port.on('message', ({ index, range, recycled }: WorkerTask) => {
    sink.recycle(recycled);
    sink.blocks = [];
    badChunks.length = 0;
    writer.continueAfter(1);
    let partitions = 0;
    let failed = false;
    try {
      partitions = dumpRange(sstable, spec, writer, range, { strict: true }).written;
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      failed = true; // the main thread does this range again, and meets the error itself
    }
    writer.flush();
    const reply: WorkerReply = {
      index,
      blocks: sink.blocks,
      partitions,
      badChunks: badChunks.map(({ message, facts }) => ({ message, facts })),
      failed,
    };
    port.postMessage(reply);
  });
}

await main();
parentPort?.postMessage(READY);
