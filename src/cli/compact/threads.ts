/** Threads for reading and decompressing, and for compressing and writing, beside the one that merges. */
import { availableParallelism } from 'node:os';
import type { ReadAhead } from '../../engine/compaction/compaction-task.js';
import type { OpenDataSink } from '../../sstable/data-sink.js';
import { DataThread } from './data-thread.js';
import { HelperThread } from './helper-thread.js';
import { ReadThread } from './read-thread.js';

/** Bytes of Data.db below which a thread would hardly have started when all is done. */
const MIN_THREAD_BYTES = 8 << 20;

export type Threads = {
  readonly openData: OpenDataSink;
  readonly readAhead: ReadAhead;
};

type Started = Threads & { readonly close: () => void };

/**
 * Those of a run: they start with the first table for which they pay or are asked for, and then serve the others. There are none where a rate is to
 * be held, whose bytes are counted in the thread that merges.
 */
export class RunThreads {
  private readonly jobs: number | undefined;
  private readonly isThrottled: boolean;
  private started: Started | undefined;

  constructor(jobs: number | undefined, isThrottled: boolean) {
    this.jobs = jobs;
    this.isThrottled = isThrottled;
  }

  /** Those that are asked for start while it is found out what there is to do. */
  startEarly(): void {
    if (!this.isThrottled && this.jobs !== undefined && this.jobs >= 2) this.started ??= start(this.jobs);
  }

  /** @param readBytes of Data.db */
  forTable(readBytes: number): Threads | undefined {
    if (this.isThrottled || readBytes === 0) return undefined;
    const wanted = this.jobs ?? (readBytes >= MIN_THREAD_BYTES ? availableParallelism() : 1);
    if (wanted < 2) return undefined;
    this.started ??= start(wanted);
    return this.started;
  }

  /** They end meanwhile: nothing waits for that, which takes as long as their start. */
  close(): void {
    this.started?.close();
  }
}

/** Two jobs: one thread helps. More: one reads and one writes, more would wait for the one that merges. */
function start(jobs: number): Started {
  const helper = new HelperThread();
  const other = jobs > 2 ? new HelperThread() : helper;
  const reading = new ReadThread(other);
  const writing = new DataThread(helper, reading.readHere);
  return {
    openData: writing.open,
    readAhead: reading.readAhead,
    close: () => {
      for (const one of new Set([helper, other])) void one.close();
    },
  };
}
