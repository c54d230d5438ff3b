/** A thread of a dump: turns ranges of one SSTable into text, in blocks whose memory goes to and fro. */
import { parentPort, workerData } from 'node:worker_threads';
import { InvariantError, LsmctlError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { READY, type WorkerInit, type WorkerReply, type WorkerTask } from './parallel.js';
import { dumpRange, openForDump } from './run.js';
import { makeWriter } from './spec.js';

const BLOCK_BYTES = 1 << 20;

type Block = { bytes: Uint8Array; length: number };

/** Collects text in blocks of fixed size. */
class BlockSink {
  blocks: Block[] = [];
  readonly free: Uint8Array[] = [];

  write(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      let block = this.blocks.at(-1);
      if (!block || block.length === block.bytes.length) {
        block = { bytes: this.free.pop() ?? new Uint8Array(BLOCK_BYTES), length: 0 };
        this.blocks.push(block);
      }
      const n = Math.min(bytes.length - done, block.bytes.length - block.length);
      block.bytes.set(bytes.subarray(done, done + n), block.length);
      block.length += n;
      done += n;
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
    sink.free.push(...recycled);
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
    const blocks = sink.blocks;
    const reply: WorkerReply = {
      index,
      blocks,
      partitions,
      badChunks: badChunks.map(({ message, facts }) => ({ message, facts })),
      failed,
    };
    port.postMessage(
      reply,
      blocks.map((block) => block.bytes.buffer as ArrayBuffer),
    );
  });
}

await main();
parentPort?.postMessage(READY);
