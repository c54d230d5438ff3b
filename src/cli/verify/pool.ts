/** SSTables verified by worker threads, one each at a time. Whatever becomes of a worker, the others go on. */
import { Worker } from 'node:worker_threads';
import type { Table, View } from '../../cql/schema.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import type { GatheredWhole, Slice } from '../../engine/verify/slice-reader.js';
import type { Level, SSTableReport } from '../../engine/verify/verify-sstable.js';

export type VerifyTask = {
  readonly files: SSTableFiles;
  readonly level: Level;
  readonly nowSeconds: number;
  readonly table?: Table | View;
  /** Bytes a second that may be read; absent: as many as there are. */
  readonly bytesPerSecond?: number;
  /** To be verified deeply, of an SSTable that else is quickly. */
  readonly slices?: readonly Slice[];
  /** What was seen of its slices. */
  readonly gathered?: GatheredWhole;
};

export type VerifyReply = { readonly report: SSTableReport } | { readonly failed: string };

/** Runs `tasks` on `jobs` threads; `done` is told of each as it ends, in any order. */
export async function verifyParallel(
  tasks: readonly VerifyTask[],
  jobs: number,
  done: (index: number, reply: VerifyReply) => void,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    let worker: Worker | undefined;
    try {
      while (next < tasks.length) {
        const index = next++;
        worker ??= new Worker(new URL('./worker.js', import.meta.url));
        const reply = await ask<VerifyReply>(worker, tasks[index]!);
        if ('died' in reply) {
          worker = undefined;
          done(index, { failed: reply.died });
        } else done(index, reply);
      }
    } finally {
      await worker?.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, tasks.length) }, work));
}

/** What a thread answers to a task, or how it died of it. */
export function ask<R extends object>(worker: Worker, task: object): Promise<R | { readonly died: string }> {
  return new Promise((resolve) => {
    const settle = (reply: R | { readonly died: string }) => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      resolve(reply);
    };
    const onMessage = (reply: R) => settle(reply);
    const onError = (error: Error) => settle({ died: error.message });
    const onExit = (code: number) => settle({ died: `the thread ended with ${code}` });
    worker.once('message', onMessage);
    worker.once('error', onError);
    worker.once('exit', onExit);
    worker.postMessage(task);
  });
}
