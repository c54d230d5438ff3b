/** Threads for reading and decompressing, and for compressing and writing, beside the one that merges. */
import { availableParallelism } from 'node:os';
import type { ReadAhead } from '../../engine/compaction/compaction-task.js';
import type { OpenDataSink } from '../../sstable/data-sink.js';

/** Bytes of Data.db below which a thread would hardly have started when all is done. */
const MIN_THREAD_BYTES = 8 << 20;

export type Threads = {
  readonly openData: OpenDataSink;
  readonly readAhead: ReadAhead;
};

type Started = Threads & { close(): Promise<unknown> };

/**
 * Those of a run: they start with the first table for which they pay or are asked for, and then serve the others. There are none where a rate is to
 * be held, whose bytes are counted in the thread that merges.
 */
export class RunThreads {
  private readonly jobs: number | undefined;
  private readonly isThrottled: boolean;
  private started: Promise<Started> | undefined;

  constructor(jobs: number | undefined, isThrottled: boolean) {
    this.jobs = jobs;
    this.isThrottled = isThrottled;
  }

  /** @param readBytes of Data.db */
  async forTable(readBytes: number): Promise<Threads | undefined> {
    if (this.isThrottled || readBytes === 0) return undefined;
    const wanted = this.jobs ?? (readBytes >= MIN_THREAD_BYTES ? availableParallelism() : 1);
    if (wanted < 2) return undefined;
    this.started ??= start();
    return this.started;
  }

  async close(): Promise<void> {
    await (await this.started)?.close();
  }
}

async function start(): Promise<Started> {
  const [{ ReadThread }, { DataThread }] = await Promise.all([import('./read-thread.js'), import('./data-thread.js')]);
  const [reading, writing] = [new ReadThread(), new DataThread()];
  return {
    openData: writing.open,
    readAhead: reading.readAhead,
    close: () => Promise.all([reading.close(), writing.close()]),
  };
}
