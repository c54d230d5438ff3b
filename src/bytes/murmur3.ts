/**
 * Cassandra's MurmurHash.hash3_x64_128: Murmur3 for x64, 128 bits, but with the last 1 to 15 bytes taken as signed, so that the result differs
 * from everybody else's where one of them is 0x80 or above. Tokens and the bits of Bloom filters are made of it.
 */
import { hash3 } from './hash-kernel.js';

/** The four halves of a 128-bit hash: h1 hi, h1 lo, h2 hi, h2 lo. */
export type Hash128 = Int32Array;

/** Hash of `bytes[start, end)` with seed 0, into `out` (four int32); returns `out`. */
export function murmur3(bytes: Uint8Array, start: number, end: number, out: Hash128): Hash128 {
  hash3(bytes, start, end, out);
  return out;
}
