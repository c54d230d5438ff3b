/** Threads that take SSTables from one queue: whatever becomes of one, each SSTable is told of once. */
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { type ThreadTask, type VerifyReply, verifyParallel } from '../../../src/cli/verify/pool.js';
import { helpWithSlices, SharedSSTable, type SlicesTask } from '../../../src/cli/verify/slices.js';
import { Threads } from '../../../src/cli/verify/threads.js';
import { verifyOne } from '../../../src/cli/verify/verify-one.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import { TestTable } from '../../engine/merge/build.js';
import { ROOT } from '../../run-cli.js';

/** What a thread does when it is given the queue. */
const threads: ((thread: EventEmitter, queue: ThreadTask) => void)[] = [];
let started = 0;
/** In which the SSTables were told of. */
let order: number[] = [];

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  Worker: class extends EventEmitter {
    private readonly act = threads[started++] ?? COMES_LATE;
    postMessage(queue: ThreadTask): void {
      this.act(this, queue);
    }
    async terminate(): Promise<void> {}
  },
}));

const takeOne = ({ next, taken }: ThreadTask) => (taken[0] = Atomics.add(next, 0, 1));
const NEVER_STARTS = (thread: EventEmitter) => setImmediate(() => thread.emit('error', new Error('no such thread')));
const DIES_OF_ITS_FIRST = (thread: EventEmitter, queue: ThreadTask) => {
  takeOne(queue);
  setImmediate(() => {
    thread.emit('error', new Error('out of memory'));
    thread.emit('exit', 1);
  });
};
const DIES_AFTER_ONE = (thread: EventEmitter, queue: ThreadTask) => {
  const index = takeOne(queue);
  setImmediate(() => {
    queue.port.postMessage({ index, reply: { failed: 'told by the thread' } });
    thread.emit('exit', 1);
  });
};
const COMES_LATE = (_: EventEmitter, queue: ThreadTask) =>
  setImmediate(() => queue.port.postMessage({ index: queue.tasks.length }));
const TELLS_AT_ONCE = (thread: EventEmitter, queue: ThreadTask) => {
  queue.port.postMessage({ index: takeOne(queue), reply: { failed: 'told by the thread' } });
  COMES_LATE(thread, queue);
};

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-pool-'));
afterAll(() => fs.rmSync(root, { recursive: true }));

/** The second is long enough for whoever verifies it to tell how far it is. */
const tasks = [...fixtures().slice(0, 1), longOne(), ...fixtures().slice(1, 5)].map((files) => ({
  files,
  level: 'default' as const,
  nowSeconds: 1_900_000_000,
}));

function fixtures() {
  return resolveSSTables(diskStorage, [path.join(ROOT, 'fixtures/oa-5.0/data')], { snapshots: false }).sstables;
}

function longOne() {
  const table = new TestTable({});
  const text = (i: number) => createHash('md5').update(String(i)).digest('hex').repeat(20);
  table.make(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key${i}`, [`a: v=${text(i)}@10`]])));
  const directory = path.join(root, 'ks/t-0123456789abcdef0123456789abcdef');
  table.copyTo(directory);
  return resolveSSTables(diskStorage, [directory], { snapshots: false }).sstables[0]!;
}

async function verify(...acts: readonly (typeof threads)[number][]) {
  threads.splice(0, threads.length, ...acts);
  const replies = new Map<number, VerifyReply>();
  order = [];
  await verifyParallel(
    tasks,
    acts.length + 1,
    new Threads(0),
    (index, reply) => {
      expect(replies.has(index)).toBe(false);
      replies.set(index, reply);
      order.push(index);
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

  it('hears what threads have found while this one is at an SSTable', async () => {
    expect((await verify(TELLS_AT_ONCE)).length).toBe(1);
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('does not tell of an SSTable again that a thread has told of before it died', async () => {
    expect(await verify(DIES_AFTER_ONE)).toEqual(['told by the thread']);
  });
});

describe('an SSTable shared by threads', () => {
  const task = tasks[1]!;

  /** What is told of it with a helper that does so when it is given its part; and how many helpers it took. */
  async function shared(act: (thread: EventEmitter, part: SlicesTask) => void) {
    started = 0;
    threads.splice(0, threads.length, act as never, act as never);
    const pool = new Threads(1);
    const sstable = new SharedSSTable(task, 2, pool, () => {});
    const reply = await verifyOne(task, undefined, (parts) => sstable.gather(parts));
    await sstable.end();
    pool.end();
    return reply;
  }

  it.each([
    ['does not start', (thread: EventEmitter) => setImmediate(() => thread.emit('error', new Error('no thread')))],
    ['ends', (thread: EventEmitter) => setImmediate(() => thread.emit('exit', 1))],
    ['fails', (thread: EventEmitter) => setImmediate(() => thread.emit('message', { failed: 'a bug' }))],
    [
      'dies of a slice',
      (thread: EventEmitter, { counter }: SlicesTask) => {
        Atomics.add(counter, 0, 1);
        setImmediate(() => thread.emit('error', new Error('out of memory')));
      },
    ],
    ['has nothing left to do', (thread: EventEmitter) => setImmediate(() => thread.emit('message', { slices: [] }))],
    [
      'does its part',
      async (thread: EventEmitter, part: SlicesTask) => thread.emit('message', await helpWithSlices(part)),
    ],
  ])('is told of as by one where a thread %s', async (_, act) => {
    const alone = await verifyOne(task);
    expect('report' in alone && alone.report.findings).toEqual([]);
    expect(await shared(act as never)).toEqual(alone);
  });

  it('takes no thread that has died', () => {
    started = 0;
    const pool = new Threads(1);
    const first = pool.take();
    pool.give(first);
    first.emit('exit', 1);
    expect(pool.take()).not.toBe(first);
    pool.give(first);
    expect(pool.take()).not.toBe(first);
    pool.end();
  });
});
