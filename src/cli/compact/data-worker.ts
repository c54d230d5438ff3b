/** The thread of `data-thread.ts`: takes blocks from the ring into a DataWriter, file after file. */
import { workerData } from 'node:worker_threads';
import { LsmctlError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { loadCompression } from '../../codec/compression-params.js';
import { DataWriter } from '../../sstable/data-writer.js';
import { versionOf } from '../../sstable/version.js';
import { ABORTED, DONE, FAILED, FINISHING_EARLY, Ring } from './data-ring.js';
import type { DataThreadFile, DataThreadInit, DataThreadReply } from './data-thread.js';

const { ring: shared, port } = workerData as DataThreadInit;
const ring = new Ring(shared);

async function writeFile({ paths, format, version, compression }: DataThreadFile): Promise<void> {
  let writer: DataWriter | undefined;
  const reply = (message: DataThreadReply) => port.postMessage(message);
  try {
    const loaded = compression && (await loadCompression(compression));
    const data = new DataWriter(diskOutput, paths, versionOf(format, version), loaded);
    writer = data;
    ring.drain((block, length) => data.write(block, 0, length));
    const { state } = ring;
    if (state === FINISHING_EARLY) data.sync();
    if (state === ABORTED) data.close();
    else reply({ written: data.finish() });
    ring.setState(DONE);
  } catch (error) {
    const isBug = !(error instanceof LsmctlError);
    const facts = isBug ? {} : error.facts;
    reply({ error: { message: (error as Error).message, facts, isBug } });
    // first, for the other thread sleeps until it is told: on a full disk closing fails too
    ring.setState(FAILED);
    try {
      writer?.close();
    } catch {
      // the file is given up, and why has been said
    }
  }
}

port.on('message', (file: DataThreadFile) => void writeFile(file));
