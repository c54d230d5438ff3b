/** One large SSTable verified by several threads: each takes the next of its slices, this one too. */
import { diskStorage, type Storage } from '../../bytes/source.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import type { Parts } from '../../engine/verify/parts.js';
import { type Gathered, type GatheredWhole, openSlices, SliceReader } from '../../engine/verify/slice-reader.js';
import type { Level, VerifyOptions } from '../../engine/verify/verify-sstable.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { ask, type VerifyTask } from './pool.js';
import type { Threads } from './threads.js';
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
const LEAST_SHARE = 48 << 20;
const LEAST_SHARE_DEEP = 4 << 20;
/** Of Filter.db, of which each thread has its own, and hands it over as a copy. */
const MOST_FILTER_BYTES = 32 << 20;
/** Slices of a thread: the more there are, the less a thread waits for the others' last, but each has its own beginning. */
const SLICES_EACH = 8;
const LEAST_SLICES_EACH = 2;
/** Stored bytes of Data.db above which one is better halved. */
const HALVED_BYTES = 32 << 20;

/** Whether an SSTable is so large a part of what a thread has to do that it is better shared. */
export function isWorthSplitting(
  storage: Storage,
  { descriptor }: SSTableFiles,
  level: Level,
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
  const each = Math.floor(sizeOf(diskStorage, descriptor, COMPONENT.data) / jobs / HALVED_BYTES);
  return jobs * Math.min(Math.max(each, LEAST_SLICES_EACH), SLICES_EACH);
}

/** An SSTable that several threads have begun to take by slices. */
export class SharedSSTable {
  private readonly shared: SlicesTask;
  private readonly theirs: readonly Promise<SlicesReply | { readonly died: string }>[];
  private readonly onShare: (share: number) => void;

  /** The others begin at once. @param onShare told how much is done, 0–1 */
  constructor(task: VerifyTask, jobs: number, threads: Threads, onShare: (share: number) => void) {
    const counter = new Int32Array(new SharedArrayBuffer(4));
    this.shared = { task, of: slicesFor(task, jobs), counter };
    this.onShare = onShare;
    this.theirs = Array.from({ length: jobs - 1 }, async () => {
      const worker = threads.take();
      const reply = await ask<SlicesReply>(worker, this.shared);
      if (!('died' in reply)) threads.give(worker);
      return reply;
    });
  }

  /** What all see, this thread too; `undefined` where a slice could not be taken. */
  async gather(parts: Parts): Promise<GatheredWhole | undefined> {
    const open = (storage: Storage, options: VerifyOptions) => new SliceReader(storage, parts, options, true);
    const own = await gatherSlices(this.shared, open, this.onShare);
    const slices: Gathered[] = [];
    const filters: Uint8Array[] = [];
    for (const reply of [own, ...(await Promise.all(this.theirs))]) {
      if (!('slices' in reply)) return undefined;
      for (const slice of reply.slices) if (slice) slices[slice.slice.index] = slice;
      if (reply.bits) filters.push(reply.bits);
    }
    return slices.length === this.shared.of && !slices.includes(undefined as never) ? { slices, filters } : undefined;
  }

  /** Nothing more is wanted of it; returns when the others have stopped. */
  async end(): Promise<void> {
    Atomics.store(this.shared.counter, 0, this.shared.of);
    await Promise.all(this.theirs);
  }
}

/** For a thread: as many slices as are left for it. */
export function helpWithSlices(shared: SlicesTask): Promise<SlicesReply> {
  return gatherSlices(shared, (storage, options) => openSlices(storage, shared.task.files, options, true));
}

/** A bug of ours in a slice is left to whoever reads the SSTable at one go. */
async function gatherSlices(
  { task, of, counter }: SlicesTask,
  open: (storage: Storage, options: VerifyOptions) => SliceReader,
  onShare: (share: number) => void = () => {},
): Promise<SlicesReply> {
  const { files: _, bytesPerSecond, ...options } = task;
  try {
    const reader = open(storageAt(bytesPerSecond), options);
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
