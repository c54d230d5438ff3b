/**
 * A table scanned by threads: its tokens are cut into even stretches, and whoever is free takes the next one, this thread too. What they find is
 * added up.
 */
import { setImmediate as eventLoop } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Table, View } from '../../cql/schema.js';
import type { UnflushedTable } from '../../engine/commitlog-unflushed.js';
import type { CompactionParams } from '../../engine/strategies/options.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import { addScans, type ScanResult, type TableScan } from '../../engine/tombstones/table-scan.js';
import { openScan, type ScanOptions, type TombstonesSetup } from '../../engine/tombstones/table-tombstones.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import type { TokenRange } from '../../sstable/partitioner.js';

/** What a worker must know; all of it can be copied. */
export type ScanTask = {
  readonly descriptors: readonly Descriptor[];
  readonly definition: Table | View | undefined;
  readonly params: CompactionParams;
  readonly numbers: Pick<
    TombstonesSetup,
    'nowSeconds' | 'gcGraceSeconds' | 'isStrict' | 'rows' | 'top' | 'warn' | 'fail'
  >;
  readonly unflushed: UnflushedTable | undefined;
  readonly judged: readonly boolean[];
  readonly ranges: readonly TokenRange[];
  /** One number: the first range that nobody has taken. */
  readonly next: Int32Array;
  /** For each thread, this one last: plain bytes that it has read. */
  readonly bytes: Float64Array;
};

export type WorkerTask = ScanTask & { readonly index: number };

/** Plain bytes that other threads must take off this one, or they take longer to start than they save. */
const LEAST_SHARE = 192 << 20;
const RANGES_PER_JOB = 8;
const TOKENS = 1n << 64n;
const LEAST_TOKEN = -(1n << 63n);

/** How many threads a table is worth, where that is not given. */
export function jobsFor(sstables: readonly Candidate[], jobs: number | undefined, threads: number): number {
  if (sstables[0]!.partitioner.name !== 'Murmur3Partitioner') return 1;
  const bytes = sstables.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
  return jobs ?? (bytes - bytes / threads < LEAST_SHARE ? 1 : threads);
}

/** @param unflushed what `setup` asks, to be copied */
export function parallelScan(
  setup: TombstonesSetup,
  jobs: number,
  unflushed: UnflushedTable | undefined,
): (options: ScanOptions) => Promise<ScanResult> {
  return async ({ judged, onProgress }) => {
    const { sstables, definition, params, nowSeconds, gcGraceSeconds, isStrict, rows, top, warn, fail } = setup;
    const task: ScanTask = {
      descriptors: sstables.map(({ descriptor }) => descriptor),
      definition,
      params,
      numbers: { nowSeconds, gcGraceSeconds, isStrict, rows, top, warn, fail },
      unflushed,
      judged,
      ranges: evenRanges(jobs * RANGES_PER_JOB),
      next: new Int32Array(new SharedArrayBuffer(4)),
      bytes: new Float64Array(new SharedArrayBuffer(8 * jobs)),
    };
    const workers = Array.from({ length: jobs - 1 }, (_, index) => startWorker({ ...task, index }));
    try {
      const tell = () => onProgress(task.bytes.reduce((sum, n) => sum + n, 0));
      const scan = await openScan(setup, { judged, onProgress: () => {} });
      try {
        for (let done = 0; takeRange(scan, task); ) {
          done += scan.bytesRead;
          task.bytes[jobs - 1] = done;
          tell();
          await eventLoop();
        }
        return addScans([scan.result, ...(await Promise.all(workers.map(({ result }) => result)))], top);
      } finally {
        scan.close();
      }
    } finally {
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
    }
  };
}

/** Scans the next range that nobody has taken. @returns whether there was one. @throws CorruptError */
export function takeRange(scan: TableScan, { ranges, next }: ScanTask): boolean {
  const range = ranges[Atomics.add(next, 0, 1)];
  if (range) scan.scan(range);
  return range !== undefined;
}

function startWorker(task: WorkerTask): { readonly worker: Worker; readonly result: Promise<ScanResult> } {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task });
  const result = new Promise<ScanResult>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  result.catch(() => {}); // this thread may fail before it asks
  return { worker, result };
}

function evenRanges(count: number): TokenRange[] {
  const bounds = Array.from({ length: count - 1 }, (_, i) => {
    const token = LEAST_TOKEN + (TOKENS * BigInt(i + 1)) / BigInt(count);
    return { kind: 'long', hi: Number(token >> 32n), lo: Number(BigInt.asIntN(32, token)) } as const;
  });
  return Array.from({ length: count }, (_, i) => ({
    ...(i > 0 && { from: { token: bounds[i - 1]!, inclusive: false } }),
    ...(i < count - 1 && { to: { token: bounds[i]!, inclusive: true } }),
  }));
}
