/**
 * Dumps one SSTable. A large one is cut at partition boundaries into ranges which worker threads turn into text; this thread writes them in
 * order. The first range is this thread's own, so that the first lines appear before a worker has started; so are ranges that one enormous
 * partition fills, which stream in pieces instead of being held.
 */
import { Worker } from 'node:worker_threads';
import { CorruptError, type ErrorFacts, withFacts } from '../../bytes/errors.js';
import { diskStorage, type Storage } from '../../bytes/source.js';
import type { DumpContext, PartitionWriter, TextSink } from '../../render/partition-writer.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import type { PositionRange } from './ranges.js';
import type { Selection } from './select.js';
import { type DumpSpec, exclusion, makeWriter, specFilter } from './spec.js';

/** Ranges larger than this are not held as text. */
const MAX_HELD_BYTES = 4 << 20;

type Accepts = NonNullable<Selection['accepts']>;

/** An SSTable opened for a dump, with what its scan meets and must be told at the end. */
export async function openForDump(
  storage: Storage,
  descriptor: Descriptor,
  spec: DumpSpec,
): Promise<{ sstable: SSTable; badChunks: CorruptError[] }> {
  const badChunks: CorruptError[] = [];
  const options = spec.toleratesBadChunks ? { onBadChunk: (error: CorruptError) => void badChunks.push(error) } : {};
  return { sstable: await openDescriptor(storage, descriptor, options), badChunks };
}

/** Writes the partitions of `range`. @returns how many were written. @throws CorruptError with file and partition */
export function dumpRange(
  sstable: SSTable,
  spec: DumpSpec,
  writer: PartitionWriter,
  range: PositionRange,
  accepts?: Accepts,
): number {
  if (spec.budget?.left === 0) return 0;
  const filter = specFilter(spec);
  const isExcluded = exclusion(spec, sstable);
  const c = sstable.cursor(range.start, range.end);
  let written = 0;
  try {
    while (c.nextPartition()) {
      if ((accepts?.(c) ?? true) && !isExcluded?.(c) && writer.partition(c, filter)) written++;
      if (range.single) break;
    }
  } catch (error) {
    throw withFacts(error, {
      file: sstable.data.file,
      component: COMPONENT.data,
      offset: c.in.offset,
      ...(c.keyLength > 0 && { partition: keyText(c.key, c.keyLength) }),
    });
  }
  return written;
}

function keyText(key: Uint8Array, length: number): string {
  return `0x${Buffer.from(key.subarray(0, Math.min(length, 64))).toString('hex')}${length > 64 ? '…' : ''}`;
}

/** A message of a worker: a range's text in blocks, or its error. */
export type WorkerReply = {
  readonly index: number;
  readonly blocks: { readonly bytes: Uint8Array; readonly length: number }[];
  readonly partitions: number;
  readonly badChunks: readonly { readonly message: string; readonly facts: ErrorFacts }[];
  readonly failed: boolean;
};

export type WorkerInit = { readonly descriptor: Descriptor; readonly spec: DumpSpec; readonly context: DumpContext };

export type WorkerTask = { readonly index: number; readonly range: PositionRange; readonly recycled: Uint8Array[] };

/**
 * Writes what `selectFrom` chooses to `sink`, in order, with `jobs` workers where that pays (they read from disk, so from `diskStorage` only).
 * @returns chunks that failed CRC.db and were printed all the same, each once
 */
export async function dumpSSTable(
  storage: Storage,
  descriptor: Descriptor,
  spec: DumpSpec,
  context: DumpContext,
  selectFrom: (sstable: SSTable) => Selection,
  sink: TextSink,
  jobs: number,
): Promise<CorruptError[]> {
  const { sstable, badChunks } = await openForDump(storage, descriptor, spec);
  try {
    const { ranges, accepts } = selectFrom(sstable);
    const writer = await makeWriter(spec, context, sstable, sink);
    writer.begin();
    const parallel =
      storage === diskStorage && jobs > 1 && !spec.budget && spec.format !== 'table' && !accepts && canSpread(ranges);
    if (parallel) {
      badChunks.push(...(await dumpParallel({ descriptor, spec, context }, sstable, writer, ranges, sink, jobs)));
    } else {
      dumpInline(sstable, spec, writer, ranges, accepts);
    }
    writer.end();
    writer.flush();
  } finally {
    sstable.close();
  }
  return [...new Map(badChunks.map((error) => [error.facts.chunk, error])).values()];
}

/** Whether workers would have enough to do to be worth their start. */
function canSpread(ranges: readonly PositionRange[]): boolean {
  return ranges.filter((range) => !range.single).length > 2;
}

function dumpInline(
  sstable: SSTable,
  spec: DumpSpec,
  writer: PartitionWriter,
  ranges: readonly PositionRange[],
  accepts?: Accepts,
): void {
  try {
    for (const range of joined(ranges)) dumpRange(sstable, spec, writer, range, accepts);
  } catch (error) {
    writer.flush();
    throw error;
  }
}

/** Without workers the cuts are of no use, and the index that they came from need not be trusted. */
function joined(ranges: readonly PositionRange[]): PositionRange[] {
  const stretches: PositionRange[] = [];
  for (const range of ranges) {
    if (range.single) stretches.push(range);
    else if (range.start >= (stretches.at(-1)?.end ?? 0)) stretches.push({ ...range, end: range.stretchEnd });
  }
  return stretches;
}

async function dumpParallel(
  init: WorkerInit,
  sstable: SSTable,
  writer: PartitionWriter,
  ranges: readonly PositionRange[],
  sink: TextSink,
  jobs: number,
): Promise<CorruptError[]> {
  const badChunks: CorruptError[] = [];
  const held = ranges.filter((range, i) => i > 0 && range.end - range.start <= MAX_HELD_BYTES);
  const pool = new DumpPool(init, ranges, held, Math.min(jobs, held.length));
  try {
    let written = 0;
    let behind = 0; // a stretch is done up to here
    for (const [index, range] of ranges.entries()) {
      if (range.start < behind) continue;
      const reply = pool.has(range) ? await pool.reply(index) : undefined;
      if (reply && !reply.failed) {
        // The worker wrote as if something stood before: where nothing does, its first separator is not wanted.
        for (const [i, { bytes, length }] of reply.blocks.entries()) {
          const skip = i === 0 && written === 0 ? pool.separatorBytes : 0;
          sink.write(bytes.subarray(skip, length));
        }
        written += reply.partitions;
        badChunks.push(...reply.badChunks.map(({ message, facts }) => new CorruptError(message, facts)));
        pool.recycle(reply.blocks.map((block) => block.bytes));
        continue;
      }
      // What a worker failed at is done again here, up to the end of its stretch: either the index misled it, or the error comes again, after
      // the same text that a dump without workers prints before it.
      const retried = reply ? { ...range, end: range.stretchEnd } : range;
      behind = retried.end;
      writer.continueAfter(written);
      try {
        written += dumpRange(sstable, init.spec, writer, retried);
      } finally {
        writer.flush();
      }
    }
    writer.continueAfter(written);
  } finally {
    await pool.close();
  }
  return badChunks;
}

/** Worker threads that turn ranges into text, a bounded number of ranges ahead of the one that is written. */
class DumpPool {
  /** Bytes of the separator that every continued text begins with. */
  readonly separatorBytes: number;
  private readonly ranges: readonly PositionRange[];
  private readonly held: ReadonlySet<PositionRange>;
  private readonly workers: Worker[] = [];
  private readonly replies = new Map<number, WorkerReply>();
  private readonly waiting = new Map<number, { resolve(reply: WorkerReply): void; reject(error: Error): void }>();
  private recycled: Uint8Array[] = [];
  private next = 0;
  private inFlight = 0;
  private failed: Error | undefined;

  constructor(init: WorkerInit, ranges: readonly PositionRange[], held: readonly PositionRange[], jobs: number) {
    this.separatorBytes = init.spec.format === 'sstabledump' && !init.spec.debug ? 1 : 0;
    this.ranges = ranges;
    this.held = new Set(held);
    for (let i = 0; i < jobs; i++) {
      const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: init });
      worker.on('message', (reply: WorkerReply) => this.arrived(worker, reply));
      worker.on('error', (error) => this.fail(error instanceof Error ? error : new Error(String(error))));
      this.workers.push(worker);
      this.assign(worker);
      this.assign(worker);
    }
  }

  has(range: PositionRange): boolean {
    return this.held.has(range);
  }

  reply(index: number): Promise<WorkerReply> {
    const ready = this.replies.get(index);
    if (ready) {
      this.taken(index);
      return Promise.resolve(ready);
    }
    if (this.failed) return Promise.reject(this.failed);
    return new Promise((resolve, reject) => this.waiting.set(index, { resolve, reject }));
  }

  recycle(blocks: Uint8Array[]): void {
    this.recycled.push(...blocks);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private idle: Worker[] = [];

  private assign(worker: Worker): void {
    // At most three ranges a worker are in the making or waiting to be written.
    while (this.next < this.ranges.length && !this.held.has(this.ranges[this.next]!)) this.next++;
    if (this.next >= this.ranges.length || this.inFlight >= this.workers.length * 3) {
      this.idle.push(worker);
      return;
    }
    const index = this.next++;
    this.inFlight++;
    const recycled = this.recycled.splice(0, 8);
    const task: WorkerTask = { index, range: this.ranges[index]!, recycled };
    worker.postMessage(
      task,
      recycled.map((block) => block.buffer as ArrayBuffer),
    );
  }

  private arrived(worker: Worker, reply: WorkerReply): void {
    const waiter = this.waiting.get(reply.index);
    this.replies.set(reply.index, reply);
    if (waiter) {
      this.waiting.delete(reply.index);
      this.taken(reply.index);
      waiter.resolve(reply);
    }
    this.assign(worker);
  }

  private taken(index: number): void {
    this.replies.delete(index);
    this.inFlight--;
    const worker = this.idle.pop();
    if (worker) this.assign(worker);
  }

  private fail(error: Error): void {
    this.failed = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

/** The descriptor's Data.db, as a dump names it. */
export function dataPath(descriptor: Descriptor): string {
  return componentPath(descriptor, COMPONENT.data);
}
