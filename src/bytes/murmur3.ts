/**
 * Cassandra's MurmurHash.hash3_x64_128: Murmur3 for x64, 128 bits, but with the last 1 to 15 bytes taken as signed, so that the result differs
 * from everybody else's where one of them is 0x80 or above. Numbers are int32 halves: `bigint` costs seven times as much.
 */

const C1_HI = 0x87c37b91 | 0;
const C1_LO = 0x114253d5 | 0;
const C2_HI = 0x4cf5ad43 | 0;
const C2_LO = 0x2745937f | 0;

/** High half of the product that {@link mulLo} returns the low half of. */
export let productHi = 0;

/** 64-bit product, modulo 2^64: returns the low half, leaves the high half in `productHi`. */
export function mulLo(aHi: number, aLo: number, bHi: number, bLo: number): number {
  const a0 = aLo & 0xffff;
  const a1 = aLo >>> 16;
  const b0 = bLo & 0xffff;
  const b1 = bLo >>> 16;
  const low = Math.imul(a0, b0);
  const mid1 = a1 * b0 + (low >>> 16);
  const mid2 = a0 * b1 + (mid1 & 0xffff);
  productHi = (Math.imul(a1, b1) + (mid1 >>> 16) + (mid2 >>> 16) + Math.imul(aHi, bLo) + Math.imul(aLo, bHi)) | 0;
  return (mid2 << 16) | (low & 0xffff);
}

/** The four halves of a 128-bit hash: h1 hi, h1 lo, h2 hi, h2 lo. */
export type Hash128 = Int32Array;

/** Hash of `bytes[start, end)` with seed 0, into `out` (four int32); returns `out`. */
export function murmur3(bytes: Uint8Array, start: number, end: number, out: Hash128): Hash128 {
  const length = end - start;
  const blocksEnd = start + (length & ~15);
  let h1Hi = 0;
  let h1Lo = 0;
  let h2Hi = 0;
  let h2Lo = 0;
  let kHi = 0;
  let kLo = 0;
  let t = 0;
  let p = start;

  for (; p < blocksEnd; p += 16) {
    kLo = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24);
    kHi = bytes[p + 4]! | (bytes[p + 5]! << 8) | (bytes[p + 6]! << 16) | (bytes[p + 7]! << 24);
    kLo = mulLo(kHi, kLo, C1_HI, C1_LO);
    kHi = productHi;
    t = (kHi << 31) | (kLo >>> 1);
    kLo = (kLo << 31) | (kHi >>> 1);
    kLo = mulLo(t, kLo, C2_HI, C2_LO);
    h1Hi ^= productHi;
    h1Lo ^= kLo;

    t = (h1Hi << 27) | (h1Lo >>> 5);
    h1Lo = (h1Lo << 27) | (h1Hi >>> 5);
    h1Hi = t;
    t = (h1Lo >>> 0) + (h2Lo >>> 0);
    h1Hi = (h1Hi + h2Hi + (t > 0xffffffff ? 1 : 0)) | 0;
    h1Lo = t | 0;
    t = (h1Lo >>> 0) * 5 + 0x52dce729;
    h1Hi = (Math.imul(h1Hi, 5) + Math.floor(t / 4294967296)) | 0;
    h1Lo = t | 0;

    kLo = bytes[p + 8]! | (bytes[p + 9]! << 8) | (bytes[p + 10]! << 16) | (bytes[p + 11]! << 24);
    kHi = bytes[p + 12]! | (bytes[p + 13]! << 8) | (bytes[p + 14]! << 16) | (bytes[p + 15]! << 24);
    kLo = mulLo(kHi, kLo, C2_HI, C2_LO);
    kHi = productHi;
    t = (kLo << 1) | (kHi >>> 31);
    kLo = (kHi << 1) | (kLo >>> 31);
    kLo = mulLo(t, kLo, C1_HI, C1_LO);
    h2Hi ^= productHi;
    h2Lo ^= kLo;

    t = (h2Hi << 31) | (h2Lo >>> 1);
    h2Lo = (h2Lo << 31) | (h2Hi >>> 1);
    h2Hi = t;
    t = (h2Lo >>> 0) + (h1Lo >>> 0);
    h2Hi = (h2Hi + h1Hi + (t > 0xffffffff ? 1 : 0)) | 0;
    h2Lo = t | 0;
    t = (h2Lo >>> 0) * 5 + 0x38495ab5;
    h2Hi = (Math.imul(h2Hi, 5) + Math.floor(t / 4294967296)) | 0;
    h2Lo = t | 0;
  }

  const tail = length & 15;
  if (tail > 8) {
    tailWord(bytes, p + 8, tail - 8);
    kLo = mulLo(tailHi, tailLo, C2_HI, C2_LO);
    kHi = productHi;
    t = (kLo << 1) | (kHi >>> 31);
    kLo = (kHi << 1) | (kLo >>> 31);
    kLo = mulLo(t, kLo, C1_HI, C1_LO);
    h2Hi ^= productHi;
    h2Lo ^= kLo;
  }
  if (tail > 0) {
    tailWord(bytes, p, Math.min(tail, 8));
    kLo = mulLo(tailHi, tailLo, C1_HI, C1_LO);
    kHi = productHi;
    t = (kHi << 31) | (kLo >>> 1);
    kLo = (kLo << 31) | (kHi >>> 1);
    kLo = mulLo(t, kLo, C2_HI, C2_LO);
    h1Hi ^= productHi;
    h1Lo ^= kLo;
  }

  h1Lo ^= length;
  h2Lo ^= length;
  t = (h1Lo >>> 0) + (h2Lo >>> 0);
  h1Hi = (h1Hi + h2Hi + (t > 0xffffffff ? 1 : 0)) | 0;
  h1Lo = t | 0;
  t = (h2Lo >>> 0) + (h1Lo >>> 0);
  h2Hi = (h2Hi + h1Hi + (t > 0xffffffff ? 1 : 0)) | 0;
  h2Lo = t | 0;
  h1Lo = finalMix(h1Hi, h1Lo);
  h1Hi = mixedHi;
  h2Lo = finalMix(h2Hi, h2Lo);
  h2Hi = mixedHi;
  t = (h1Lo >>> 0) + (h2Lo >>> 0);
  h1Hi = (h1Hi + h2Hi + (t > 0xffffffff ? 1 : 0)) | 0;
  h1Lo = t | 0;
  t = (h2Lo >>> 0) + (h1Lo >>> 0);
  h2Hi = (h2Hi + h1Hi + (t > 0xffffffff ? 1 : 0)) | 0;
  h2Lo = t | 0;

  out[0] = h1Hi;
  out[1] = h1Lo;
  out[2] = h2Hi;
  out[3] = h2Lo;
  return out;
}

/** Halves of the word that {@link tailWord} makes. */
export let tailHi = 0;
export let tailLo = 0;

/** XOR of up to eight bytes, each sign-extended to 64 bits and then shifted to its place: a negative one flips every bit above it. */
export function tailWord(bytes: Uint8Array, start: number, count: number): void {
  let hi = 0;
  let lo = 0;
  for (let i = 0; i < count; i++) {
    const b = (bytes[start + i]! << 24) >> 24;
    if (i < 4) {
      lo ^= b << (8 * i);
      hi ^= b >> 31;
    } else {
      hi ^= b << (8 * (i - 4));
    }
  }
  tailHi = hi;
  tailLo = lo;
}

let mixedHi = 0;

/** Murmur3's finalizer: returns the low half, leaves the high half in `mixedHi`. */
function finalMix(hi: number, lo: number): number {
  let h = hi;
  let l = lo ^ (hi >>> 1);
  l = mulLo(h, l, 0xff51afd7 | 0, 0xed558ccd | 0);
  h = productHi;
  l ^= h >>> 1;
  l = mulLo(h, l, 0xc4ceb9fe | 0, 0x1a85ec53 | 0);
  h = productHi;
  mixedHi = h;
  return l ^ (h >>> 1);
}
