/**
 * Plain bytes of SSTables on their way to the thread that merges, read and decompressed ahead by another: for each SSTable a ring of blocks in
 * shared memory. Either thread may read a block; who is first to claim it does. So the one that merges never waits for bytes that nobody reads.
 *
 *   control, int32: [0] whether no more is wanted
 *                   of each SSTable [blocks claimed] [blocks taken] [whether its reading has failed] [1 + the block in slot 0] [in slot 1] …
 *   block n is the plain bytes from n × BLOCK_BYTES on, and lies in slot n modulo SLOTS, unless the thread that merges has read it itself
 */
import type { Bell } from './bell.js';

export const BLOCK_BYTES = 1 << 17;
const SLOTS = 6;
/** Blocks ahead at which the other thread is woken: it then fills the rings of all SSTables. */
const FEW = 2;

const ENDED = 0;
const RINGS = 1;

const CLAIMED = 0;
const TAKEN = 1;
const FAILED = 2;
const READY = 3;
const FIELDS = READY + SLOTS;

/** Beyond this the thread that reads is taken for dead. */
const PATIENCE_MILLIS = 3000;

export type SharedRings = { readonly control: SharedArrayBuffer; readonly blocks: SharedArrayBuffer };

export function makeRings(count: number): SharedRings {
  return {
    control: new SharedArrayBuffer((RINGS + count * FIELDS) * 4),
    blocks: new SharedArrayBuffer(count * SLOTS * BLOCK_BYTES),
  };
}

/** What has become of a block that is wanted: it may be that the one who asks is to read it. */
export type Taken = Uint8Array | 'yours' | 'not yet' | 'failed';

export class ReadRings {
  private readonly control: Int32Array;
  private readonly blocks: Uint8Array;
  /** Of the thread that reads ahead. */
  private readonly bell: Bell;

  constructor({ control, blocks }: SharedRings, bell: Bell) {
    this.control = new Int32Array(control);
    this.blocks = new Uint8Array(blocks);
    this.bell = bell;
  }

  private at(ring: number, field: number): number {
    return RINGS + ring * FIELDS + field;
  }

  private slot(ring: number, n: number): Uint8Array {
    const start = (ring * SLOTS + (n % SLOTS)) * BLOCK_BYTES;
    return this.blocks.subarray(start, start + BLOCK_BYTES);
  }

  // ---- the thread that reads ahead

  get isEnded(): boolean {
    return Atomics.load(this.control, ENDED) === 1;
  }

  /** Claims the next block of `total`. `undefined` where there is no room for one, or none left. */
  claim(ring: number, total: number): number | undefined {
    const { control } = this;
    for (;;) {
      const n = Atomics.load(control, this.at(ring, CLAIMED));
      if (n >= total || n - Atomics.load(control, this.at(ring, TAKEN)) >= SLOTS) return undefined;
      if (Atomics.compareExchange(control, this.at(ring, CLAIMED), n, n + 1) === n) return n;
    }
  }

  /** Whether all of `total` blocks are claimed. */
  isClaimed(ring: number, total: number): boolean {
    return Atomics.load(this.control, this.at(ring, CLAIMED)) >= total;
  }

  /** Lets `read` fill a block that was claimed. */
  fill(ring: number, n: number, read: (block: Uint8Array) => void): void {
    read(this.slot(ring, n));
    const at = this.at(ring, READY + (n % SLOTS));
    Atomics.store(this.control, at, n + 1);
    Atomics.notify(this.control, at);
  }

  /** No block that is not there yet will come. */
  fail(ring: number): void {
    Atomics.store(this.control, this.at(ring, FAILED), 1);
    for (let slot = 0; slot < SLOTS; slot++) Atomics.notify(this.control, this.at(ring, READY + slot));
  }

  // ---- the thread that merges

  /**
   * Block `n`, the one after those released; it stays until it is. With `waits` it is there, or is to be read, or has failed.
   * @param meanwhile what there is to do while the other thread reads it, a little at a time; tells whether there was anything
   */
  take(ring: number, n: number, waits: boolean, meanwhile?: () => boolean): Taken {
    const { control } = this;
    const at = this.at(ring, READY + (n % SLOTS));
    for (;;) {
      const ready = Atomics.load(control, at);
      if (ready === n + 1) return this.slot(ring, n);
      if (!waits) return 'not yet';
      if (Atomics.load(control, this.at(ring, FAILED)) === 1) return 'failed';
      if (Atomics.compareExchange(control, this.at(ring, CLAIMED), n, n + 1) === n) return 'yours';
      if (meanwhile?.()) continue;
      if (Atomics.wait(control, at, ready, PATIENCE_MILLIS) === 'timed-out') return 'failed';
    }
  }

  release(ring: number): void {
    const { control } = this;
    const taken = Atomics.add(control, this.at(ring, TAKEN), 1) + 1;
    if (Atomics.load(control, this.at(ring, CLAIMED)) - taken <= FEW) this.bell.ring();
  }

  /** Nothing more is wanted. */
  end(): void {
    Atomics.store(this.control, ENDED, 1);
    this.bell.ring();
  }
}
