/**
 * Plain bytes on their way from the thread that merges to the one that compresses: a ring of blocks in shared memory, with one writer and one
 * reader. No message is posted per block, and neither side allocates.
 *
 *   control, int32: [0] blocks filled  [1] blocks taken  [2] state  [3] bytes of block 0  [4] of block 1 …
 *   counters only grow, modulo 2^32; block n lies in slot n modulo SLOTS
 *
 * The reader sleeps at its bell and is woken for several blocks at a time, and so is the writer where the ring was full.
 */
import type { Bell } from './bell.js';

export const BLOCK_BYTES = 1 << 17;
const SLOTS = 16;
/** Blocks for which it is worth waking the reader. */
const BATCH = 8;

const FILLED = 0;
const TAKEN = 1;
const STATE = 2;
const LENGTHS = 3;

const NOTHING = () => false;

/** States: what the reader is to do when it has taken all blocks, and what the writer must know of it. */
export const RUNNING = 0;
/** All bytes of the file are written; the reader ends Data.db, says so by DONE, and waits for RUNNING. */
export const FINISHING = 1;
export const DONE = 2;
/** The reader has given up: its message says why. */
export const FAILED = 3;
/** The file is not wanted. */
export const ABORTED = 4;
/** As FINISHING, for a file that Cassandra would have opened early. */
export const FINISHING_EARLY = 5;

export type SharedRing = { readonly control: SharedArrayBuffer; readonly blocks: SharedArrayBuffer };

export function makeRing(): SharedRing {
  return {
    control: new SharedArrayBuffer((LENGTHS + SLOTS) * 4),
    blocks: new SharedArrayBuffer(SLOTS * BLOCK_BYTES),
  };
}

export class Ring {
  private readonly control: Int32Array;
  private readonly blocks: Uint8Array[];
  /** The reader's. */
  private readonly bell: Bell;

  constructor({ control, blocks }: SharedRing, bell: Bell) {
    this.control = new Int32Array(control);
    this.blocks = Array.from({ length: SLOTS }, (_, i) => new Uint8Array(blocks, i * BLOCK_BYTES, BLOCK_BYTES));
    this.bell = bell;
  }

  get state(): number {
    return Atomics.load(this.control, STATE);
  }

  /** Sets the state and wakes whoever waits for it, or for blocks. */
  setState(state: number): void {
    Atomics.store(this.control, STATE, state);
    Atomics.notify(this.control, STATE);
    Atomics.notify(this.control, TAKEN);
    this.bell.ring();
  }

  /** Sleeps while the state is `state`. */
  waitWhile(state: number): void {
    while (Atomics.load(this.control, STATE) === state) Atomics.wait(this.control, STATE, state);
  }

  // ---- the writer

  /**
   * Appends a block of at most BLOCK_BYTES, once there is room. @returns false where the reader has given up
   * @param meanwhile what there is to do while there is none, a little of it at a time; tells whether there was anything
   */
  put(bytes: Uint8Array, start: number, end: number, meanwhile: () => boolean = NOTHING): boolean {
    const { control } = this;
    const n = control[FILLED]!;
    for (;;) {
      if (this.state === FAILED) return false;
      const taken = Atomics.load(control, TAKEN);
      if (((n - taken) | 0) < SLOTS) break;
      if (!meanwhile()) Atomics.wait(control, TAKEN, taken, 1000);
    }
    const slot = (n >>> 0) % SLOTS;
    this.blocks[slot]!.set(bytes.subarray(start, end));
    control[LENGTHS + slot] = end - start;
    Atomics.store(control, FILLED, (n + 1) | 0);
    if (((n + 1 - Atomics.load(control, TAKEN)) | 0) >= BATCH) this.bell.ring();
    return true;
  }

  // ---- the reader

  /** Hands at most `most` blocks to `use`, none of an aborted file. @returns how many were there */
  take(most: number, use: (block: Uint8Array, length: number) => void): number {
    const { control } = this;
    const taken = control[TAKEN]!;
    const n = Math.min(most, (Atomics.load(control, FILLED) - taken) | 0);
    for (let i = 0; i < n; i++) {
      const slot = ((taken + i) >>> 0) % SLOTS;
      if (this.state !== ABORTED) use(this.blocks[slot]!, control[LENGTHS + slot]!);
      Atomics.store(control, TAKEN, (taken + i + 1) | 0);
    }
    // a writer that waits has filled all: it has much to do once half is free
    if (n > 0 && ((Atomics.load(control, FILLED) - control[TAKEN]!) | 0) <= SLOTS / 2) Atomics.notify(control, TAKEN);
    return n;
  }

  /** The state once nothing more comes, else `undefined`. */
  get ending(): number | undefined {
    const { state, control } = this; // before the count: what was put before the state changed is seen
    return state === RUNNING || Atomics.load(control, FILLED) !== control[TAKEN] ? undefined : state;
  }
}
