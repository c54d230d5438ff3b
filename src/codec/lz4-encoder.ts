/**
 * LZ4 block encoder, greedy with one hash table: the choices of the reference encoder at its default speed (LZ4_compress_default of liblz4 1.9
 * and 1.10 for 64-bit little-endian machines), so that a chunk comes out as lz4-java's fast compressor makes it, byte for byte.
 *
 *   up to 65,546 bytes   13-bit hash of 4 bytes, positions as u16
 *   longer               12-bit hash of 5 bytes, positions as u32, matches at most 65,535 back
 *
 * A position without a match makes the search skip: after every 64 in a row, one byte more at a time. The last match starts at least 12 bytes
 * before the end, and the last 5 bytes are literals.
 */

import { KeptView } from '../bytes/kept-view.js';

/** No match begins within so many bytes of the end. */
const MATCH_FIND_LIMIT = 12;
const LAST_LITERALS = 5;
const MAX_DISTANCE = 65535;
/** Inputs below this use the 16-bit table. */
const SHORT_INPUT = 65536 + MATCH_FIND_LIMIT - 1;
const SKIP_TRIGGER = 6;

const shortTable = new Uint16Array(1 << 13);
const longTable = new Int32Array(1 << 12);

/** Longest block that `length` bytes can become. */
export function maxLz4BlockLength(length: number): number {
  return length + Math.floor(length / 255) + 16;
}

const sourceView = new KeptView();
const targetView = new KeptView();

/** Of the five bytes at `at`: bits 28 to 39 of their product with the prime 889523592379. */
function hash5(src: DataView, at: number): number {
  const lo = src.getUint16(at, true) | ((src.getUint8(at + 2) & 0x0f) << 16);
  const hi = (src.getUint16(at + 2, true) >>> 4) | (src.getUint8(at + 4) << 12);
  // the prime is 0xcf1bb · 2^20 + 0xcdcbb: halves of 20 bits, so that every product is exact
  const middle = Math.floor((lo * 0xcdcbb) / 1048576) + hi * 0xcdcbb + lo * 0xcf1bb;
  return Math.floor(middle / 256) & 0xfff;
}

/** Of the four bytes at `at`, which are `word`, 13 bits; or, for long inputs, {@link hash5}. */
function hashOf(word: number, src: DataView, at: number, isShort: boolean): number {
  return isShort ? Math.imul(word, -1640531535) >>> 19 : hash5(src, at);
}

/** First position from `at` on where the bytes differ from those from `match` on, at most `limit`. */
function matchEnd(src: DataView, at: number, match: number, limit: number): number {
  let p = at;
  let m = match;
  while (p < limit - 3) {
    const difference = src.getInt32(p, true) ^ src.getInt32(m, true);
    if (difference !== 0) return p + ((31 - Math.clz32(difference & -difference)) >>> 3);
    p += 4;
    m += 4;
  }
  while (p < limit && src.getUint8(p) === src.getUint8(m)) {
    p++;
    m++;
  }
  return p;
}

/** Writes `extra`, what of a length does not fit its four bits. Returns where it ends. */
function putLength(dst: Uint8Array, at: number, extra: number): number {
  let p = at;
  let rest = extra;
  for (; rest >= 255; rest -= 255) dst[p++] = 255;
  dst[p++] = rest;
  return p;
}

/** Writes a token for `length` literals. Returns where they belong. */
function putToken(dst: Uint8Array, at: number, length: number): number {
  if (length < 15) {
    dst[at] = length << 4;
    return at + 1;
  }
  dst[at] = 15 << 4;
  return putLength(dst, at + 1, length - 15);
}

/** Copies by 4 bytes, up to 3 more than asked for: more than that is always left to encode, and these are written over. */
function copyLiterals(dst: DataView, to: number, src: DataView, from: number, end: number): void {
  let d = to;
  for (let s = from; s < end; s += 4) {
    dst.setInt32(d, src.getInt32(s, true), true);
    d += 4;
  }
}

/**
 * Encodes `src[srcStart, srcEnd)` as one block at `dst[dstStart…]`, which must have room for {@link maxLz4BlockLength}.
 * Returns where the block ends.
 */
export function encodeLz4Block(
  src: Uint8Array,
  srcStart: number,
  srcEnd: number,
  dst: Uint8Array,
  dstStart: number,
): number {
  const length = srcEnd - srcStart;
  const isShort = length < SHORT_INPUT;
  const table = isShort ? shortTable : longTable;
  const words = sourceView.of(src);
  const out = targetView.of(dst);
  const searchEnd = srcEnd - MATCH_FIND_LIMIT + 1;
  const matchLimit = srcEnd - LAST_LITERALS;
  let anchor = srcStart;
  let d = dstStart;
  if (length > MATCH_FIND_LIMIT) {
    table.fill(0);
    let at = srcStart + 1;
    search: for (;;) {
      let match: number;
      let next = at;
      let nextWord = words.getInt32(at, true);
      let step = 1;
      let tries = 1 << SKIP_TRIGGER;
      for (;;) {
        const word = nextWord;
        at = next;
        next += step;
        step = tries++ >>> SKIP_TRIGGER;
        if (next > searchEnd) break search;
        const hash = hashOf(word, words, at, isShort);
        match = srcStart + table[hash]!;
        table[hash] = at - srcStart;
        nextWord = words.getInt32(next, true);
        if (words.getInt32(match, true) === word && (isShort || at - match <= MAX_DISTANCE)) break;
      }
      while (at > anchor && match > srcStart && src[at - 1] === src[match - 1]) {
        at--;
        match--;
      }
      let token = d;
      d = putToken(dst, d, at - anchor);
      if (at - anchor > 64) dst.set(src.subarray(anchor, at), d);
      else copyLiterals(out, d, words, anchor, at);
      d += at - anchor;
      for (;;) {
        const distance = at - match;
        dst[d] = distance;
        dst[d + 1] = distance >>> 8;
        d += 2;
        const end = matchEnd(words, at + 4, match + 4, matchLimit);
        const extra = end - at - 4;
        at = end;
        if (extra < 15) {
          dst[token] = dst[token]! | extra;
        } else {
          dst[token] = dst[token]! | 15;
          d = putLength(dst, d, extra - 15);
        }
        anchor = at;
        if (at >= searchEnd) break search;
        table[hashOf(words.getInt32(at - 2, true), words, at - 2, isShort)] = at - 2 - srcStart;
        const word = words.getInt32(at, true);
        const hash = hashOf(word, words, at, isShort);
        match = srcStart + table[hash]!;
        table[hash] = at - srcStart;
        if (words.getInt32(match, true) !== word || !(isShort || at - match <= MAX_DISTANCE)) break;
        token = d++;
        dst[token] = 0;
      }
      at++;
    }
  }
  d = putToken(dst, d, srcEnd - anchor);
  dst.set(src.subarray(anchor, srcEnd), d);
  return d + srcEnd - anchor;
}
