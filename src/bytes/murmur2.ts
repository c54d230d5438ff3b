/**
 * Cassandra's MurmurHash.hash2_64 with seed 0: Murmur2 for 64 bits (MurmurHash64A), but with the last 1 to 7 bytes taken as signed, as in
 * murmur3.ts. Sketches of partition keys are made of it.
 */
import { hash2 } from './hash-kernel.js';

/** The two halves of a hash: hi, lo. */
export type Hash64 = Int32Array;

/** Hash of `bytes[start, end)`, into `out` (two int32); returns `out`. */
export function murmur2(bytes: Uint8Array, start: number, end: number, out: Hash64): Hash64 {
  hash2(bytes, start, end, out);
  return out;
}
