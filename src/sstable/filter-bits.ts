/**
 * The bits of a Bloom filter where many are set or asked for: in the memory of a kernel of its own, which finds them several times as fast as
 * JavaScript can. For a few questions to many filters `filter.ts` is enough: each memory takes its share of the process's address space.
 */
import { HASH, HASH_BYTES, type HashKernel, instantiateKernel, PAGE_BYTES } from '../bytes/hash-kernel.js';
import type { Hash128 } from '../bytes/murmur3.js';
import type { BloomFilter } from './filter.js';

export class FilterBits implements BloomFilter {
  readonly hashCount: number;
  readonly bits: Uint8Array;
  private readonly words: number;
  private readonly kernel: HashKernel;
  private readonly hash: Int32Array;

  /** @param words of 64 bits, at most 2^28 - 1. @throws RangeError where there is no such memory */
  constructor(words: number, hashCount: number) {
    this.words = words;
    this.hashCount = hashCount;
    const own = new WebAssembly.Memory({ initial: Math.ceil((HASH_BYTES + words * 8) / PAGE_BYTES) });
    this.kernel = instantiateKernel(own);
    this.hash = new Int32Array(own.buffer, HASH, 4);
    this.bits = new Uint8Array(own.buffer, HASH_BYTES, words * 8);
  }

  /** Sets the bits of a hash. */
  set(hash: Hash128): void {
    this.put(hash);
    this.kernel.setBits(HASH_BYTES, this.words, this.hashCount, HASH);
  }

  /** Whether all bits of a hash are set. */
  has(hash: Hash128): boolean {
    this.put(hash);
    return this.kernel.hasBits(HASH_BYTES, this.words, this.hashCount, HASH) !== 0;
  }

  /** A filter's bits as they are. */
  static of({ bits, hashCount }: BloomFilter): FilterBits {
    const copy = new FilterBits(bits.length / 8, hashCount);
    copy.bits.set(bits);
    return copy;
  }

  private put(from: Hash128): void {
    const { hash } = this;
    hash[0] = from[0]!;
    hash[1] = from[1]!;
    hash[2] = from[2]!;
    hash[3] = from[3]!;
  }
}
