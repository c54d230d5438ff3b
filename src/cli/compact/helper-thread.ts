/**
 * A thread beside the one that merges: it compresses, checks and writes Data.db, and reads and decompresses the inputs ahead, whichever there is to
 * do (`--jobs 2`; with more jobs two of them share that). Its work is given by messages, its bytes pass through shared memory.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { Bell } from './bell.js';
import type { ReadAheadWork } from './read-ahead.js';
import type { WriteDataWork } from './write-data.js';

export type HelperInit = { readonly bell: SharedArrayBuffer; readonly port: MessagePort };

export type HelperWork = ({ readonly kind: 'read' } & ReadAheadWork) | ({ readonly kind: 'write' } & WriteDataWork);

export class HelperThread {
  readonly bell: Bell;
  /** It will not do anything any more. */
  isDead = false;
  private readonly worker: Worker;
  private readonly port: MessagePort;

  constructor() {
    const bell = Bell.share();
    const { port1, port2 } = new MessageChannel();
    const init: HelperInit = { bell, port: port2 };
    this.bell = new Bell(bell);
    this.port = port1;
    this.worker = new Worker(new URL('./helper-worker.js', import.meta.url), {
      workerData: init,
      transferList: [port2],
    });
    this.worker.on('error', () => {
      this.isDead = true;
    });
    this.worker.unref();
    this.port.unref();
  }

  onDeath(tell: () => void): void {
    this.worker.on('error', tell);
  }

  give(work: HelperWork): void {
    this.port.postMessage(work);
    this.bell.ring();
  }

  /** What it has replied and nobody has taken yet. */
  reply(): unknown {
    return receiveMessageOnPort(this.port)?.message;
  }

  async close(): Promise<void> {
    this.port.close();
    await this.worker.terminate();
  }
}
