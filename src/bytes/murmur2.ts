/**
 * Cassandra's MurmurHash.hash2_64 with seed 0: Murmur2 for 64 bits (MurmurHash64A), but with the last 1 to 7 bytes taken as signed, as in
 * murmur3.ts. Sketches of partition keys are made of it. Numbers are int32 halves.
 */
import { mulLo, productHi, tailHi, tailLo, tailWord } from './murmur3.js';

const M_HI = 0xc6a4a793 | 0;
const M_LO = 0x5bd1e995 | 0;

/** The two halves of a hash: hi, lo. */
export type Hash64 = Int32Array;

/** Hash of `bytes[start, end)`, into `out` (two int32); returns `out`. */
export function murmur2(bytes: Uint8Array, start: number, end: number, out: Hash64): Hash64 {
  const length = end - start;
  const blocksEnd = start + (length & ~7);
  let lo = mulLo(0, length, M_HI, M_LO);
  let hi = productHi;
  let p = start;
  for (; p < blocksEnd; p += 8) {
    let kLo = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24);
    let kHi = bytes[p + 4]! | (bytes[p + 5]! << 8) | (bytes[p + 6]! << 16) | (bytes[p + 7]! << 24);
    kLo = mulLo(kHi, kLo, M_HI, M_LO);
    kHi = productHi;
    kLo = mulLo(kHi, kLo ^ (kHi >>> 15), M_HI, M_LO);
    lo = mulLo(hi ^ productHi, lo ^ kLo, M_HI, M_LO);
    hi = productHi;
  }
  if (p < end) {
    tailWord(bytes, p, end - p);
    lo = mulLo(hi ^ tailHi, lo ^ tailLo, M_HI, M_LO);
    hi = productHi;
  }
  lo = mulLo(hi, lo ^ (hi >>> 15), M_HI, M_LO);
  hi = productHi;
  out[0] = hi;
  out[1] = lo ^ (hi >>> 15);
  return out;
}
