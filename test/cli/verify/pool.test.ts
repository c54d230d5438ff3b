/** Threads that take SSTables from one queue: whatever becomes of one, each SSTable is told of once. */
import { EventEmitter } from 'node:events';
import path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { type QueueTask, type VerifyReply, verifyParallel } from '../../../src/cli/verify/pool.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import { ROOT } from '../../run-cli.js';

/** What a thread does when it is given the queue. */
const threads: ((thread: EventEmitter, queue: QueueTask) => void)[] = [];
let started = 0;

vi.mock('node:worker_threads', () => ({
  Worker: class extends EventEmitter {
    private readonly act = threads[started++] ?? COMES_LATE;
    postMessage(queue: QueueTask): void {
      this.act(this, queue);
    }
    async terminate(): Promise<void> {}
  },
}));

const takeOne = ({ next, taken }: QueueTask) => (taken[0] = Atomics.add(next, 0, 1));
const NEVER_STARTS = (thread: EventEmitter) => setImmediate(() => thread.emit('error', new Error('no such thread')));
const DIES_OF_ITS_FIRST = (thread: EventEmitter, queue: QueueTask) => {
  takeOne(queue);
  setImmediate(() => {
    thread.emit('error', new Error('out of memory'));
    thread.emit('exit', 1);
  });
};
const DIES_AFTER_ONE = (thread: EventEmitter, queue: QueueTask) => {
  const index = takeOne(queue);
  setImmediate(() => {
    thread.emit('message', { index, reply: { failed: 'told by the thread' } });
    thread.emit('exit', 1);
  });
};
const COMES_LATE = (thread: EventEmitter, queue: QueueTask) =>
  setImmediate(() => thread.emit('message', { index: queue.tasks.length }));

const { sstables } = resolveSSTables(diskStorage, [path.join(ROOT, 'fixtures/oa-5.0/data')], { snapshots: false });
const tasks = sstables.slice(0, 6).map((files) => ({ files, level: 'quick' as const, nowSeconds: 1_900_000_000 }));

async function verify(...acts: readonly (typeof threads)[number][]) {
  threads.splice(0, threads.length, ...acts);
  const replies = new Map<number, VerifyReply>();
  await verifyParallel(
    tasks,
    acts.length + 1,
    (index, reply) => {
      expect(replies.has(index)).toBe(false);
      replies.set(index, reply);
    },
    () => {},
  );
  expect([...replies.keys()].sort()).toEqual(tasks.map((_, i) => i));
  return [...replies.values()].flatMap((reply) => ('failed' in reply ? [reply.failed] : []));
}

describe('verifyParallel', () => {
  beforeEach(() => {
    started = 0;
  });

  it('does alone what no other thread takes', async () => {
    expect(await verify()).toEqual([]);
    expect(await verify(COMES_LATE)).toEqual([]);
    expect(started).toBe(1);
  });

  it('does alone what threads that do not start leave, and does not start them again', async () => {
    expect(await verify(NEVER_STARTS)).toEqual([]);
    expect(started).toBe(1);
  });

  it('tells what a thread died of, and starts another in its place', async () => {
    expect(await verify(DIES_OF_ITS_FIRST)).toEqual(['out of memory']);
    expect(started).toBe(2);
  });

  it('does not tell of an SSTable again that a thread has told of before it died', async () => {
    expect(await verify(DIES_AFTER_ONE)).toEqual(['told by the thread']);
  });
});
