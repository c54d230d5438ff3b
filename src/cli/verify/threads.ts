/**
 * Threads that help to verify. They are started before it is known what they are to do: that takes a thread as long as it takes this one to read the
 * schema and the small components.
 */
import { Worker } from 'node:worker_threads';

export class Threads {
  private readonly idle: Worker[];
  private readonly all = new Set<Worker>();

  constructor(count: number) {
    this.idle = Array.from({ length: count }, () => this.start());
  }

  /** One that does nothing, a new one where there is none; it may be about to die. */
  take(): Worker {
    return this.idle.pop() ?? this.start();
  }

  give(worker: Worker): void {
    if (this.all.has(worker)) this.idle.push(worker);
  }

  /** Whatever they are at. */
  end(): void {
    for (const worker of this.all) void worker.terminate(); // nobody waits for it
  }

  private start(): Worker {
    const worker = new Worker(new URL('./worker.js', import.meta.url));
    this.all.add(worker);
    const onDeath = () => {
      this.all.delete(worker);
      const i = this.idle.indexOf(worker);
      if (i >= 0) this.idle.splice(i, 1);
    };
    worker.on('error', onDeath);
    worker.on('exit', onDeath);
    return worker;
  }
}
