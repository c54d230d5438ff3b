/** A thread of `tombstones`: scans ranges of tokens until none is left. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { InvariantError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { UnflushedTable } from '../../engine/commitlog-unflushed.js';
import { readCandidates } from '../../engine/compaction/read-candidate.js';
import { openScan } from '../../engine/tombstones/table-tombstones.js';
import { takeRange, type WorkerTask } from './scan-pool.js';

if (!parentPort) throw new InvariantError('runs as a worker thread only');
async function main(port: MessagePort): Promise<void> {
  const { descriptors, definition, params, numbers, judged, bytes, index, ...task } = workerData as WorkerTask;
  const sstables = readCandidates(diskStorage, descriptors);
  // a copy has the fields but not the methods
  const writes = task.unflushed && Object.assign(new UnflushedTable(), task.unflushed);
  const unflushed = writes && ((key: Uint8Array, length: number) => writes.leastOf(key, length));
  const unflushedMicros = writes?.leastMicros;
  const setup = { storage: diskStorage, sstables, definition, params, ...numbers, unflushed, unflushedMicros };
  const scan = await openScan(setup, { judged, onProgress: () => {} });
  try {
    let done = 0;
    while (takeRange(scan, { ...task, descriptors, definition, params, numbers, judged, bytes })) {
      done += scan.bytesRead;
      bytes[index] = done;
    }
    port.postMessage(scan.result);
  } finally {
    scan.close();
  }
}

void main(parentPort);
