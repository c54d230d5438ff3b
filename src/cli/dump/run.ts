/**
 * Dumps one SSTable: all of it or the selected ranges, here or with the help of worker threads (`parallel.ts`).
 */
import { availableParallelism } from 'node:os';
import { type CorruptError, withFacts } from '../../bytes/errors.js';
import { diskStorage, type Storage } from '../../bytes/source.js';
import type { DumpContext, PartitionWriter, TextSink } from '../../render/partition-writer.js';
import { COMPONENT, type Descriptor } from '../../sstable/descriptor.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { breathe, interruptible } from '../interrupt.js';
import type { WorkerInit } from './parallel.js';
import type { PositionRange } from './ranges.js';
import type { Selection } from './select.js';
import { type DumpSpec, exclusion, makeWriter, specFilter } from './spec.js';

type Accepts = NonNullable<Selection['accepts']>;

/** Tells how much of an SSTable is behind: 0 to 1, at any time. */
export type Watch = { share: () => number };

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

/** What became of a range: how many partitions were written, and where the next one begins. */
export type RangeResult = { readonly written: number; readonly end: number };

/**
 * Writes the partitions that begin in `range`. With `strict`, they must end where it ends: nothing beyond is read.
 * @throws CorruptError with file and partition
 */
export function dumpRange(
  sstable: SSTable,
  spec: DumpSpec,
  writer: PartitionWriter,
  range: PositionRange,
  options: {
    readonly strict?: boolean;
    readonly accepts?: Accepts | undefined;
    readonly watch?: Watch | undefined;
    /** Of this SSTable. */
    readonly cursor: UnfilteredCursor;
  },
): RangeResult {
  if (spec.budget?.left === 0) return { written: 0, end: range.end };
  const filter = specFilter(spec);
  const isExcluded = exclusion(spec, sstable);
  const { accepts } = options;
  const isAll = !filter && !isExcluded && !accepts && !range.single;
  const limit = options.strict ? range.end : range.stretchEnd;
  const c = options.cursor;
  c.goTo(range.start, limit);
  if (options.watch) options.watch.share = () => c.in.offset / sstable.data.length;
  let written = 0;
  try {
    for (;;) {
      if (isAll) written += writer.partitions?.(c, range.end) ?? 0;
      if (!c.nextPartition()) break;
      if (c.partitionPosition >= range.end) return { written, end: c.partitionPosition };
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
  return { written, end: range.stretchEnd };
}

/** A cursor for many ranges, of which `writer` is told where it writes all that there is. */
export function openCursor(sstable: SSTable, spec: DumpSpec, writer: PartitionWriter): UnfilteredCursor {
  const cursor = sstable.cursor();
  if (!specFilter(spec)) writer.prepare?.(cursor);
  return cursor;
}

function keyText(key: Uint8Array, length: number): string {
  return `0x${Buffer.from(key.subarray(0, Math.min(length, 64))).toString('hex')}${length > 64 ? '…' : ''}`;
}

export type Sharing = {
  /** Workers; by default one a processor where that pays. */
  readonly jobs: number | undefined;
  /** Whether `selectFrom` is known to choose the whole SSTable: only then there are workers. */
  readonly isWhole: boolean;
};

/**
 * Writes what `selectFrom` chooses to `sink`, in order, with workers where that pays (they read from disk, so from `diskStorage` only).
 * @returns chunks that failed CRC.db and were printed all the same, each once
 */
export async function dumpSSTable(
  storage: Storage,
  descriptor: Descriptor,
  spec: DumpSpec,
  context: DumpContext,
  selectFrom: (sstable: SSTable) => Selection,
  sink: TextSink,
  { jobs, isWhole }: Sharing,
  watch?: Watch,
): Promise<CorruptError[]> {
  const { sstable, badChunks } = await openForDump(storage, descriptor, spec);
  const workers = isWhole && isDivisible(storage, spec) ? (jobs ?? workersFor(sstable.data.length, spec)) : 1;
  try {
    const writer = await makeWriter(spec, context, sstable, sink);
    if (!context.continues) writer.begin();
    if (workers > 1) {
      const init = { descriptor, spec, context };
      badChunks.push(
        ...(await dumpShared(init, workers, sstable, writer, () => selectFrom(sstable).ranges, sink, watch)),
      );
    } else {
      const { ranges, accepts } = isWhole ? { ranges: [wholeOf(sstable)] } : selectFrom(sstable);
      await dumpInline(sstable, spec, writer, ranges, { accepts, watch });
    }
    writer.end();
    writer.flush();
  } finally {
    sstable.close();
  }
  const each = new Map(badChunks.map((error) => [error.facts.chunk ?? -1, error]));
  return [...each].sort(([a], [b]) => a - b).map(([, error]) => error);
}

function wholeOf({ data: { length } }: SSTable): PositionRange {
  return { start: 0, end: length, stretchEnd: length };
}

/** Plain bytes of the partitions that are written before workers start. */
const HEAD_BYTES = 1 << 17;

/** The first lines wait for nobody: neither for workers nor for the index, which tells where to cut. */
async function dumpShared(
  init: WorkerInit,
  workers: number,
  sstable: SSTable,
  writer: PartitionWriter,
  rangesOf: () => readonly PositionRange[],
  sink: TextSink,
  watch: Watch | undefined,
): Promise<CorruptError[]> {
  const { spec } = init;
  const cursor = openCursor(sstable, spec, writer);
  const whole = wholeOf(sstable);
  const range = { ...whole, end: Math.min(HEAD_BYTES, whole.end) };
  let head: RangeResult;
  try {
    head = interruptible(() => dumpRange(sstable, spec, writer, range, { watch, cursor }));
  } finally {
    writer.flush();
  }
  if (head.end >= whole.end) return [];
  const { DumpPool, dumpParallel } = await import('./parallel.js');
  const pool = new DumpPool(init, workers);
  try {
    const ranges = rangesOf().filter(({ end }) => end > head.end);
    const rest = ranges.map((each) => ({ ...each, start: Math.max(each.start, head.end) }));
    return await dumpParallel(pool, sstable, { writer, cursor, written: head.written }, rest, sink, watch);
  } finally {
    await pool.close();
  }
}

/** Workers read from disk; what counts rows, or lays all of them out together, is one thread's. */
function isDivisible(storage: Storage, { budget, format }: DumpSpec): boolean {
  return storage === diskStorage && !budget && format !== 'table';
}

/**
 * Plain bytes below which workers cost more than they give: a thread needs a tenth of a second to start and another two until its code is
 * compiled, in which one thread alone writes a quarter of this. With a kernel it writes far more, and two workers
 * on two processors take as long as it alone.
 */
const MIN_SPREAD_BYTES = 64 << 20;
const MIN_KERNEL_SPREAD_BYTES = 2 ** 30;

/** How many workers are worth their start for so many plain bytes. */
function workersFor(bytes: number, { format, debug }: DumpSpec): number {
  const least = format === 'sstabledump' && !debug ? MIN_KERNEL_SPREAD_BYTES : MIN_SPREAD_BYTES;
  return bytes >= least ? availableParallelism() : 1;
}

/** Plain bytes between two looks at whether a signal came. */
const SLICE_BYTES = 4 << 20;

async function dumpInline(
  sstable: SSTable,
  spec: DumpSpec,
  writer: PartitionWriter,
  ranges: readonly PositionRange[],
  options: { readonly accepts: Accepts | undefined; readonly watch: Watch | undefined },
): Promise<void> {
  const cursor = openCursor(sstable, spec, writer);
  try {
    for (const range of joined(ranges)) {
      for (let { start } = range; start < range.end; ) {
        const end = Math.min(range.end, start + SLICE_BYTES);
        const slice = () => dumpRange(sstable, spec, writer, { ...range, start, end }, { ...options, cursor });
        start = interruptible(slice).end;
        await breathe();
        if (range.single) break;
      }
    }
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
