/**
 * Plain bytes of SSTables on their way from the thread that reads and decompresses to the one that merges: a ring of blocks for each SSTable in
 * shared memory, with one writer for all and one reader.
 *
 *   control, int32: [0] changes whenever the reader has taken a block, or wants no more  [1] whether it wants no more
 *                   of each SSTable [blocks filled] [blocks taken] [whether its reading has failed] [bytes of block 0] [of block 1] …
 *   counters only grow, modulo 2^32; block n lies in slot n modulo SLOTS
 */
export const BLOCK_BYTES = 1 << 17;
const SLOTS = 6;

const WAKE = 0;
const ENDED = 1;
const RINGS = 2;

const FILLED = 0;
const TAKEN = 1;
const FAILED = 2;
const LENGTHS = 3;
const FIELDS = LENGTHS + SLOTS;

/** Beyond this the thread that reads is taken for dead. */
const PATIENCE_MILLIS = 3000;

export type SharedRings = { readonly control: SharedArrayBuffer; readonly blocks: SharedArrayBuffer };

export function makeRings(count: number): SharedRings {
  return {
    control: new SharedArrayBuffer((RINGS + count * FIELDS) * 4),
    blocks: new SharedArrayBuffer(count * SLOTS * BLOCK_BYTES),
  };
}

export class ReadRings {
  private readonly control: Int32Array;
  private readonly blocks: Uint8Array;

  constructor({ control, blocks }: SharedRings) {
    this.control = new Int32Array(control);
    this.blocks = new Uint8Array(blocks);
  }

  private block(ring: number, n: number): { readonly bytes: Uint8Array; readonly lengthAt: number } {
    const slot = (n >>> 0) % SLOTS;
    const start = (ring * SLOTS + slot) * BLOCK_BYTES;
    const lengthAt = RINGS + ring * FIELDS + LENGTHS + slot;
    return { bytes: this.blocks.subarray(start, start + BLOCK_BYTES), lengthAt };
  }

  private wake(): void {
    Atomics.add(this.control, WAKE, 1);
    Atomics.notify(this.control, WAKE);
  }

  // ---- the thread that reads

  /** The number of changes so far: {@link sleep} returns at the next. */
  get changes(): number {
    return Atomics.load(this.control, WAKE);
  }

  sleep(changes: number): void {
    Atomics.wait(this.control, WAKE, changes, 1000);
  }

  get isEnded(): boolean {
    return Atomics.load(this.control, ENDED) === 1;
  }

  /** Lets `fill` put bytes into the next block, where there is room for one. @returns how many they were, 0 where there is no room */
  put(ring: number, fill: (block: Uint8Array) => number): number {
    const { control } = this;
    const at = RINGS + ring * FIELDS;
    const n = control[at + FILLED]!;
    if (((n - Atomics.load(control, at + TAKEN)) | 0) >= SLOTS) return 0;
    const { bytes, lengthAt } = this.block(ring, n);
    const length = fill(bytes);
    control[lengthAt] = length;
    Atomics.store(control, at + FILLED, (n + 1) | 0);
    Atomics.notify(control, at + FILLED);
    return length;
  }

  fail(ring: number): void {
    const at = RINGS + ring * FIELDS;
    Atomics.store(this.control, at + FAILED, 1);
    Atomics.notify(this.control, at + FILLED);
  }

  // ---- the thread that merges

  /** The next block, which stays until it is released. `undefined` where there is none yet; with `waits`, where there will be none. */
  next(ring: number, waits: boolean): Uint8Array | undefined {
    const { control } = this;
    const at = RINGS + ring * FIELDS;
    const n = control[at + TAKEN]!;
    while (Atomics.load(control, at + FILLED) === n) {
      if (!waits || Atomics.load(control, at + FAILED) === 1) return undefined;
      if (Atomics.wait(control, at + FILLED, n, PATIENCE_MILLIS) === 'timed-out') return undefined;
    }
    const { bytes, lengthAt } = this.block(ring, n);
    return bytes.subarray(0, control[lengthAt]);
  }

  release(ring: number): void {
    const at = RINGS + ring * FIELDS;
    const taken = Atomics.add(this.control, at + TAKEN, 1) + 1;
    // one that is half empty is worth a change of threads
    if (((Atomics.load(this.control, at + FILLED) - taken) | 0) <= SLOTS / 2) this.wake();
  }

  /** Nothing more is wanted. */
  end(): void {
    Atomics.store(this.control, ENDED, 1);
    this.wake();
  }
}
