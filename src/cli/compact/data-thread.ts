/** Compresses, checks and writes Data.db in a thread of its own, so that merging need not wait for it (`--jobs 2`). */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type ErrorFacts, InvariantError, UsageError } from '../../bytes/errors.js';
import type { CompressionParams } from '../../codec/compression-params.js';
import type { DataSink, OpenDataSink } from '../../sstable/data-sink.js';
import type { DataPaths, WrittenData } from '../../sstable/data-writer.js';
import {
  ABORTED,
  BLOCK_BYTES,
  DONE,
  FAILED,
  FINISHING,
  FINISHING_EARLY,
  makeRing,
  Ring,
  RUNNING,
  type SharedRing,
} from './data-ring.js';

export type DataThreadInit = { readonly ring: SharedRing; readonly port: MessagePort };

/** What a new file is made of. */
export type DataThreadFile = {
  readonly paths: DataPaths;
  readonly format: string;
  readonly version: string;
  readonly compression: CompressionParams | undefined;
};

export type DataThreadReply =
  | { readonly written: WrittenData }
  | { readonly error: { message: string; facts: ErrorFacts; isBug: boolean } };

export class DataThread {
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly ring: Ring;

  constructor() {
    const shared = makeRing();
    const { port1, port2 } = new MessageChannel();
    const init: DataThreadInit = { ring: shared, port: port2 };
    this.ring = new Ring(shared);
    this.port = port1;
    this.worker = new Worker(new URL('./data-worker.js', import.meta.url), { workerData: init, transferList: [port2] });
    this.worker.on('error', () => this.ring.setState(FAILED));
    this.port.unref();
  }

  /** Files are written one after the other: the one before must be finished or closed. */
  readonly open: OpenDataSink = (paths, version, compression) => {
    const { ring, port } = this;
    const file: DataThreadFile = {
      paths,
      format: version.format,
      version: version.name,
      compression: compression && {
        compressor: compression.compressor,
        options: compression.options,
        chunkLength: compression.chunkLength,
        maxCompressedLength: compression.maxCompressedLength,
      },
    };
    ring.setState(RUNNING);
    port.postMessage(file);
    return new ThreadSink(ring, port);
  };

  async close(): Promise<void> {
    this.port.close();
    await this.worker.terminate();
  }
}

class ThreadSink implements DataSink {
  position = 0;
  private readonly ring: Ring;
  private readonly port: MessagePort;
  private isEnded = false;
  private isOpenedEarly = false;

  constructor(ring: Ring, port: MessagePort) {
    this.ring = ring;
    this.port = port;
  }

  /** Nobody asks: strategies that cut by size are not given threads. */
  get storedPosition(): number {
    throw new InvariantError('how much is stored is known to another thread');
  }

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    for (let at = start; at < end; at += BLOCK_BYTES) {
      if (!this.ring.put(bytes, at, Math.min(end, at + BLOCK_BYTES))) throw this.failure();
    }
    this.position += end - start;
  }

  sync(): void {
    this.isOpenedEarly = true;
  }

  finish(): WrittenData {
    const { ring, port } = this;
    this.isEnded = true;
    const ending = this.isOpenedEarly ? FINISHING_EARLY : FINISHING;
    if (ring.state !== FAILED) ring.setState(ending);
    ring.waitWhile(ending);
    if (ring.state !== DONE) throw this.failure();
    const reply = receiveMessageOnPort(port)?.message as DataThreadReply | undefined;
    if (!reply || !('written' in reply)) throw this.failure(reply);
    return reply.written;
  }

  close(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (this.ring.state === FAILED) return;
    this.ring.setState(ABORTED);
    this.ring.waitWhile(ABORTED);
  }

  private failure(known?: DataThreadReply): Error {
    const reply = known ?? (receiveMessageOnPort(this.port)?.message as DataThreadReply | undefined);
    if (reply && 'error' in reply) {
      const { message, facts, isBug } = reply.error;
      return isBug ? new InvariantError(message, facts) : new UsageError(message, facts);
    }
    return new InvariantError('the thread that writes Data.db has ended');
  }
}
