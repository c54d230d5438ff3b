/**
 * The bits of a Bloom filter where many are set or asked for: in the memory of a kernel of its own, which finds them several times as fast as
 * JavaScript can. Each such memory takes gigabytes of the process's address space, whatever its size: who is done with it says so, and the next
 * filter gets it. For a few questions to many filters `filter.ts` is enough.
 */
import { HASH, HASH_BYTES, type HashKernel, instantiateKernel } from '../bytes/hash-kernel.js';
import { growTo, kernelMemory } from '../bytes/kernel-memory.js';
import type { Hash128 } from '../bytes/murmur3.js';
import type { BloomFilter } from './filter.js';

type Room = { readonly memory: WebAssembly.Memory; readonly kernel: HashKernel };

let spare: Room | undefined;

/** Memory of so many bytes, all 0. @throws UsageError */
function takeRoom(bytes: number): Room {
  const room = spare;
  spare = undefined;
  if (!room) {
    const memory = kernelMemory(bytes);
    return { memory, kernel: instantiateKernel(memory) };
  }
  growTo(room.memory, bytes);
  new Uint8Array(room.memory.buffer, 0, bytes).fill(0);
  return room;
}

/** Hashes that {@link FilterBits.setMany} has room for, where a filter is made with that. */
export const MANY_HASHES = 2048;

/** Memory above this is not kept for the next. */
const MAX_SPARE_BYTES = 64 << 20;

export class FilterBits implements BloomFilter {
  readonly hashCount: number;
  readonly bits: Uint8Array;
  readonly words: number;
  private readonly room: Room;
  private readonly hash: Int32Array;

  /**
   * @param words of 64 bits, at most 2^28 - 1
   * @param beyondBytes room behind the bits, for a kernel that works beside them
   * @throws UsageError where there is no such memory
   */
  constructor(words: number, hashCount: number, beyondBytes = 0) {
    this.words = words;
    this.hashCount = hashCount;
    this.room = takeRoom(HASH_BYTES + words * 8 + beyondBytes);
    const { buffer } = this.room.memory;
    this.hash = new Int32Array(buffer, HASH, 4);
    this.bits = new Uint8Array(buffer, HASH_BYTES, words * 8);
  }

  get memory(): WebAssembly.Memory {
    return this.room.memory;
  }

  /** Addresses in `memory`: of the bits, and of what is behind them. */
  get bitsAt(): number {
    return HASH_BYTES;
  }

  get beyondAt(): number {
    return HASH_BYTES + this.words * 8;
  }

  /** Sets the bits of a hash. */
  set(hash: Hash128): void {
    this.put(hash);
    this.room.kernel.setBits(HASH_BYTES, this.words, this.hashCount, HASH);
  }

  /** Sets the bits of `count` hashes, one after the other, by way of the room behind the bits: as many as fit there at a time. */
  setMany(hashes: Int32Array, count: number): void {
    this.many ??= new Int32Array(this.room.memory.buffer, this.beyondAt, MANY_HASHES * 4);
    for (let from = 0; from < count; from += MANY_HASHES) {
      const n = Math.min(MANY_HASHES, count - from);
      this.many.set(hashes.subarray(from * 4, (from + n) * 4));
      this.room.kernel.setBitsOf(HASH_BYTES, this.words, this.hashCount, this.beyondAt, n);
    }
  }

  private many: Int32Array | undefined;

  /** Whether all bits of a hash are set. */
  has(hash: Hash128): boolean {
    this.put(hash);
    return this.room.kernel.hasBits(HASH_BYTES, this.words, this.hashCount, HASH) !== 0;
  }

  /** A filter's bits as they are. */
  static of({ bits, hashCount }: BloomFilter): FilterBits {
    const copy = new FilterBits(bits.length / 8, hashCount);
    copy.bits.set(bits);
    return copy;
  }

  /** How many bits are set. */
  count(): number {
    return this.room.kernel.countBits(this.bitsAt, this.beyondAt) >>> 0;
  }

  /** The bits as a filter that stays, once these are given back. */
  copy(): BloomFilter {
    return { hashCount: this.hashCount, bits: this.bits.slice() };
  }

  /** Gives the memory back: nothing of this is used any more. */
  release(): void {
    if (this.room.memory.buffer.byteLength <= MAX_SPARE_BYTES) spare = this.room;
  }

  private put(from: Hash128): void {
    const { hash } = this;
    hash[0] = from[0]!;
    hash[1] = from[1]!;
    hash[2] = from[2]!;
    hash[3] = from[3]!;
  }
}
