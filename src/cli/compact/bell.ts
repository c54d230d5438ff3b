/** How a thread that sleeps is told that there may be something to do: a counter in shared memory that changes at each ring. */

/** One that has missed a ring looks again after so long. */
const PATIENCE_MILLIS = 1000;

export class Bell {
  private readonly count: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.count = new Int32Array(shared);
  }

  static share(): SharedArrayBuffer {
    return new SharedArrayBuffer(4);
  }

  /** To be taken before one looks for work: {@link sleep} returns at the next ring after. */
  get rings(): number {
    return Atomics.load(this.count, 0);
  }

  /** Waking a thread costs some ten microseconds: ring when there is work for longer. */
  ring(): void {
    Atomics.add(this.count, 0, 1);
    Atomics.notify(this.count, 0);
  }

  sleep(rings: number): void {
    Atomics.wait(this.count, 0, rings, PATIENCE_MILLIS);
  }
}
