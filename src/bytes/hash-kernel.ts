/**
 * The kernel of WebAssembly (`kernel/hash.as.ts`) that hashes keys and finds their bits in Bloom filters: 64-bit products and remainders cost
 * JavaScript several times as much. Instances differ in their memory:
 *
 *   keys' hashes   hash, 16 bytes | key      one for all
 *   a filter       hash, 16 bytes | words    see FilterBits
 */
import { HASH_KERNEL } from './kernel/hash.wasm.js';
import { growTo, instantiate, kernelMemory, PAGE_BYTES } from './kernel-memory.js';

export type HashKernel = {
  murmur3(start: number, end: number, out: number): void;
  murmur2(start: number, end: number, out: number): void;
  setBits(bits: number, words: number, hashCount: number, hash: number): void;
  setBitsOf(bits: number, words: number, hashCount: number, hashes: number, count: number): void;
  hasBits(bits: number, words: number, hashCount: number, hash: number): number;
  countBits(start: number, end: number): number;
};

/** Where a hash is. */
export const HASH = 0;
export const HASH_BYTES = 16;
/** Keys up to this are copied byte by byte, which costs less than a view. */
const SHORT_KEY = 32;

/** A kernel over `memory`. */
export function instantiateKernel(memory: WebAssembly.Memory): HashKernel {
  return instantiate<HashKernel>(HASH_KERNEL, memory);
}

const memory = kernelMemory(PAGE_BYTES);
const kernel = instantiateKernel(memory);
let bytesOfKernel = new Uint8Array(memory.buffer);
let hashOfKernel = new Int32Array(memory.buffer, HASH, 4);

/** Takes a key into the kernel's memory. Returns its length. */
function take(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length <= SHORT_KEY) {
    const target = bytesOfKernel;
    for (let i = 0; i < length; i++) target[HASH_BYTES + i] = bytes[start + i]!;
  } else {
    if (HASH_BYTES + length > bytesOfKernel.length) {
      growTo(memory, HASH_BYTES + length);
      bytesOfKernel = new Uint8Array(memory.buffer);
      hashOfKernel = new Int32Array(memory.buffer, HASH, 4);
    }
    bytesOfKernel.set(bytes.subarray(start, end), HASH_BYTES);
  }
  return length;
}

/** Murmur3 of `bytes[start, end)`; see `murmur3.ts`. */
export function hash3(bytes: Uint8Array, start: number, end: number, out: Int32Array): void {
  kernel.murmur3(HASH_BYTES, HASH_BYTES + take(bytes, start, end), HASH);
  const hash = hashOfKernel;
  out[0] = hash[0]!;
  out[1] = hash[1]!;
  out[2] = hash[2]!;
  out[3] = hash[3]!;
}

/** Murmur2 of `bytes[start, end)`; see `murmur2.ts`. */
export function hash2(bytes: Uint8Array, start: number, end: number, out: Int32Array): void {
  kernel.murmur2(HASH_BYTES, HASH_BYTES + take(bytes, start, end), HASH);
  out[0] = hashOfKernel[0]!;
  out[1] = hashOfKernel[1]!;
}
