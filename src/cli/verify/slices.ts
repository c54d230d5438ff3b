/** One large SSTable verified by several threads: each takes the next of its slices, this one too. */
import { Worker } from 'node:worker_threads';
import type { Storage } from '../../bytes/source.js';
import { type Gathered, type GatheredWhole, SliceReader } from '../../engine/verify/slice-reader.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { ask, type VerifyTask } from './pool.js';
import { storageAt } from './verify-one.js';

export type SlicesTask = {
  readonly task: VerifyTask;
  readonly of: number;
  /** How many slices were taken, by whomever. */
  readonly counter: Int32Array<SharedArrayBuffer>;
};

/** `undefined` in place of slices that could not be taken. */
export type SlicesReply =
  | { readonly slices: readonly (Gathered | undefined)[]; readonly bits?: Uint8Array }
  | { readonly failed: string };

/** Stored bytes of Data.db that other threads must take off this one, or they take longer to start than they save; rows take longer than keys. */
const LEAST_SHARE = 128 << 20;
const LEAST_SHARE_DEEP = 4 << 20;
/** Of Filter.db, of which each thread has its own, and hands it over as a copy. */
const MOST_FILTER_BYTES = 32 << 20;
/** The smaller they are, the less a thread waits for the others' last. */
const SLICES_EACH = 8;
const LEAST_SLICES_EACH = 2;

/** Whether an SSTable is so large a part of what a thread has to do that it is better shared. */
export function isWorthSplitting(
  storage: Storage,
  { files: { descriptor }, level }: VerifyTask,
  bytesOfThread: number,
  jobs: number,
): boolean {
  const bytes = sizeOf(storage, descriptor, COMPONENT.data);
  const least = level === 'deep' ? LEAST_SHARE_DEEP : LEAST_SHARE;
  return (
    bytes - bytes / jobs >= least &&
    bytes > bytesOfThread / 2 &&
    sizeOf(storage, descriptor, COMPONENT.filter) <= MOST_FILTER_BYTES
  );
}

function sizeOf(storage: Storage, descriptor: Descriptor, component: string): number {
  return storage.stat(componentPath(descriptor, component))?.size ?? 0;
}

/** Into how many slices `jobs` threads take it. A trie is walked from its beginning to each slice; what counts rows is made anew for each. */
function slicesFor({ files: { descriptor }, level }: VerifyTask, jobs: number): number {
  if (descriptor.format !== 'big' || level === 'deep') return jobs * LEAST_SLICES_EACH;
  return jobs * SLICES_EACH;
}

/** All slices in order; `undefined` where one could not be taken. @param onShare told how much is done, 0–1 */
export async function gatherParallel(
  task: VerifyTask,
  jobs: number,
  onShare: (share: number) => void,
): Promise<GatheredWhole | undefined> {
  const of = slicesFor(task, jobs);
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const shared: SlicesTask = { task, of, counter };
  const workers = Array.from({ length: jobs - 1 }, () => new Worker(new URL('./worker.js', import.meta.url)));
  try {
    const theirs = workers.map((worker) => ask<SlicesReply>(worker, shared));
    const replies = [await gatherSlices(shared, onShare), ...(await Promise.all(theirs))];
    const slices: Gathered[] = [];
    const filters: Uint8Array[] = [];
    for (const reply of replies) {
      if (!('slices' in reply)) return undefined;
      for (const slice of reply.slices) if (slice) slices[slice.slice.index] = slice;
      if (reply.bits) filters.push(reply.bits);
    }
    return slices.length === of && !slices.includes(undefined as never) ? { slices, filters } : undefined;
  } finally {
    for (const worker of workers) void worker.terminate(); // nobody waits for it
  }
}

/** As many slices as are left for this thread. A bug of ours in one is left to whoever reads the SSTable at one go. */
export async function gatherSlices(
  { task, of, counter }: SlicesTask,
  onShare: (share: number) => void = () => {},
): Promise<SlicesReply> {
  const { files, bytesPerSecond, ...options } = task;
  try {
    const reader = new SliceReader(storageAt(bytesPerSecond), files, options, true);
    const slices: (Gathered | undefined)[] = [];
    for (let index = Atomics.add(counter, 0, 1); index < of; index = Atomics.add(counter, 0, 1)) {
      const slice = await reader.gather({ index, of });
      slices.push(slice);
      // what is wrong is told by reading it all at one go: the others are not wanted
      if (!slice?.isSound) Atomics.store(counter, 0, of);
      onShare(index / of);
    }
    const bits = reader.finishBits();
    return { slices, ...(bits && { bits }) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}
