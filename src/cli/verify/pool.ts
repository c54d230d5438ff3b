/** SSTables verified by threads, one each at a time. Whatever becomes of a worker, the others go on. */
import { setImmediate as eventLoop } from 'node:timers/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import type { Table, View } from '../../cql/schema.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import type { Slice } from '../../engine/verify/slice-reader.js';
import type { Level, SSTableReport } from '../../engine/verify/verify-sstable.js';
import type { Threads } from './threads.js';
import { verifyOne } from './verify-one.js';

export type VerifyTask = {
  readonly files: SSTableFiles;
  readonly level: Level;
  readonly nowSeconds: number;
  readonly table?: Table | View;
  /** Bytes a second that may be read; absent: as many as there are. */
  readonly bytesPerSecond?: number;
  /** To be verified deeply, of an SSTable that else is quickly. */
  readonly slices?: readonly Slice[];
};

export type VerifyReply = { readonly report: SSTableReport } | { readonly failed: string };

/** For a thread: it takes the next of `tasks` that nobody has taken, as long as there are any. */
export type QueueTask = {
  readonly tasks: readonly VerifyTask[];
  /** One number: the first task that nobody has taken. */
  readonly next: Int32Array<SharedArrayBuffer>;
  /** One number: the last task that this thread has taken. */
  readonly taken: Int32Array<SharedArrayBuffer>;
};
/** `port`: where a thread tells what it has found. */
export type ThreadTask = QueueTask & { readonly port: MessagePort };
/** A reply to each task, and at the end `index` beyond them all. */
export type QueueReply = { readonly index: number; readonly reply?: VerifyReply };

const NONE = -1;
const shared = (value: number) => new Int32Array(new SharedArrayBuffer(4)).fill(value);

/**
 * Verifies `tasks` on `jobs` threads, this one and others of `threads`. `done` is told of each as it ends, in any order, and `onPosition` how far
 * this thread is in one, in plain bytes of Data.db.
 */
export async function verifyParallel(
  tasks: readonly VerifyTask[],
  jobs: number,
  threads: Threads,
  done: (index: number, reply: VerifyReply) => void,
  onPosition: (index: number, position: number) => void,
): Promise<void> {
  const next = shared(0);
  const ports = new Map<MessagePort, (reply: QueueReply) => void>();
  const count = Math.min(jobs, tasks.length) - 1;
  const helpers = Array.from({ length: count }, () => runHelper(tasks, next, ports, threads, done));
  // an SSTable takes this thread minutes: what the others have found meanwhile must not wait for its end, least of all to be kept
  const hear = () => {
    for (const [port, take] of ports) drain(port, take);
  };
  const tell = ({ index, reply }: QueueReply) => {
    if (reply) done(index, reply);
    return eventLoop(); // where the death of a thread is told
  };
  await takeTasks({ tasks, next, taken: shared(NONE) }, tell, (index, position) => {
    hear();
    onPosition(index, position);
  });
  await Promise.all(helpers);
}

function drain(port: MessagePort, take: (reply: QueueReply) => void): void {
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) take(next.message as QueueReply);
}

/** Verifies what is left of a queue. */
export async function takeTasks(
  { tasks, next, taken }: QueueTask,
  tell: (reply: QueueReply) => unknown,
  onPosition?: (index: number, position: number) => void,
): Promise<void> {
  let index = Atomics.add(next, 0, 1);
  for (; index < tasks.length; index = Atomics.add(next, 0, 1)) {
    Atomics.store(taken, 0, index);
    const at = index;
    const reply = await verifyOne(tasks[index]!, onPosition && ((position) => onPosition(at, position)));
    await tell({ index, reply });
  }
  await tell({ index });
}

/** A thread, and when it dies of a task another in its place, until no task is left. @param ports what is open, and who takes what comes */
function runHelper(
  tasks: readonly VerifyTask[],
  next: Int32Array<SharedArrayBuffer>,
  ports: Map<MessagePort, (reply: QueueReply) => void>,
  threads: Threads,
  done: (index: number, reply: VerifyReply) => void,
): Promise<void> {
  const worker = threads.take();
  const { port1: own, port2: port } = new MessageChannel();
  const taken = shared(NONE);
  let told = NONE;
  return new Promise((resolve) => {
    const end = () => {
      ports.delete(own);
      own.close();
      resolve();
    };
    const take = ({ index, reply }: QueueReply) => {
      if (!reply) return end();
      told = index;
      done(index, reply);
    };
    const onDeath = (failed: string) => {
      drain(own, take);
      if (!ports.has(own)) return;
      const index = Atomics.load(taken, 0);
      if (index !== told) done(index, { failed });
      if (index !== NONE && Atomics.load(next, 0) < tasks.length) resolve(runHelper(tasks, next, ports, threads, done));
      end();
    };
    ports.set(own, take);
    own.on('message', take);
    worker.on('error', (error) => onDeath(error.message));
    worker.on('exit', (code) => onDeath(`the thread ended with ${code}`));
    worker.postMessage({ tasks, next, taken, port } satisfies ThreadTask, [port]);
  });
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
