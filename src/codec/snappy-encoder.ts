/**
 * Snappy encoder, greedy with one hash table: the choices of the reference encoder (snappy 1.1.9 and 1.1.10 without CRC instructions, which
 * snappy-java brings), so that a chunk comes out as Cassandra's SnappyCompressor makes it, byte for byte.
 *
 *   block   = plain length (little-endian base 128), element…
 *   element = literal (length − 1) << 2 | 0, from 60 on the length − 1 follows in 1–4 bytes LE, then the bytes
 *           | copy of 4–11 from below 2,048: (distance >> 8) << 5 | (length − 4) << 2 | 1, u8 of the distance
 *           | copy of 1–64: (length − 1) << 2 | 2, u16 LE distance
 *
 * Each 64 KiB stand for themselves. Within them, a position without a match makes the search skip: after the first 16 (32, where the end is near),
 * ever further. The last match starts at least 15 bytes before the end.
 */

import { KeptView } from '../bytes/kept-view.js';
import { matchEnd } from './match-end.js';

const FRAGMENT_BYTES = 1 << 16;
const MARGIN_BYTES = 15;
const MIN_TABLE = 1 << 8;
const MAX_TABLE = 1 << 14;
/** Positions that are looked at one after the other before any is skipped. */
const STEADY = 16;

const table = new Uint16Array(MAX_TABLE);
const sourceView = new KeptView();

/** Longest block that `length` bytes can become. */
export function maxSnappyLength(length: number): number {
  return 32 + length + Math.floor(length / 6);
}

/** Entries of the hash table for a fragment: a power of two from its length up. */
function tableSize(length: number): number {
  if (length > MAX_TABLE) return MAX_TABLE;
  return length < MIN_TABLE ? MIN_TABLE : 2 << (31 - Math.clz32(length - 1));
}

function hashOf(bytes: number, mask: number): number {
  return (Math.imul(bytes, 0x1e35a7bd) >>> 18) & mask;
}

function putLiteral(dst: Uint8Array, at: number, src: Uint8Array, start: number, end: number): number {
  const last = end - start - 1;
  let p = at + 1;
  if (last < 60) {
    dst[at] = last << 2;
  } else {
    for (let rest = last; rest > 0; rest >>>= 8) dst[p++] = rest;
    dst[at] = (58 + p - at) << 2;
  }
  if (last >= 32) dst.set(src.subarray(start, end), p);
  else for (let i = start; i < end; i++) dst[p + i - start] = src[i]!;
  return p + last + 1;
}

/** A copy of 1–64 bytes. */
function putCopy(dst: Uint8Array, at: number, distance: number, length: number): number {
  if (length < 12 && distance < 2048) {
    dst[at] = ((distance >>> 8) << 5) | ((length - 4) << 2) | 1;
    dst[at + 1] = distance;
    return at + 2;
  }
  dst[at] = ((length - 1) << 2) | 2;
  dst[at + 1] = distance;
  dst[at + 2] = distance >>> 8;
  return at + 3;
}

/** A copy of any length; what is left for the last element is never below 4. */
function putCopies(dst: Uint8Array, at: number, distance: number, length: number): number {
  let p = at;
  let rest = length;
  for (; rest >= 68; rest -= 64) p = putCopy(dst, p, distance, 64);
  if (rest > 64) {
    p = putCopy(dst, p, distance, 60);
    rest -= 60;
  }
  return putCopy(dst, p, distance, rest);
}

/** Encodes one fragment. Returns where it ends in `dst`. */
function encodeFragment(
  src: Uint8Array,
  words: DataView,
  start: number,
  end: number,
  dst: Uint8Array,
  dstStart: number,
): number {
  const size = tableSize(end - start);
  const mask = size - 1;
  let d = dstStart;
  let at = start;
  if (end - start >= MARGIN_BYTES) {
    table.fill(0, 0, size);
    const limit = end - MARGIN_BYTES;
    fragment: for (;;) {
      const anchor = at++;
      let match: number;
      let skip = 32;
      // at first every position counts; none of these can run over the limit
      let steady = limit - at >= STEADY ? STEADY : 0;
      for (;;) {
        const bytes = words.getInt32(at, true);
        const hash = hashOf(bytes, mask);
        let step = 1;
        if (steady > 0) {
          if (--steady === 0) skip += STEADY;
        } else {
          step = skip >>> 5;
          skip += step;
          if (at + step > limit) {
            at = anchor;
            break fragment;
          }
        }
        match = start + table[hash]!;
        table[hash] = at - start;
        if (words.getInt32(match, true) === bytes) break;
        at += step;
      }
      d = putLiteral(dst, d, src, anchor, at);
      for (;;) {
        const distance = at - match;
        const stop = matchEnd(words, at + 4, match + 4, end);
        d = putCopies(dst, d, distance, stop - at);
        at = stop;
        if (at >= limit) break fragment;
        table[hashOf(words.getInt32(at - 1, true), mask)] = at - 1 - start;
        const bytes = words.getInt32(at, true);
        const hash = hashOf(bytes, mask);
        match = start + table[hash]!;
        table[hash] = at - start;
        if (words.getInt32(match, true) !== bytes) break;
      }
    }
  }
  return at < end ? putLiteral(dst, d, src, at, end) : d;
}

/**
 * Encodes `src[srcStart, srcEnd)` at `dst[dstStart…]`, which must have room for {@link maxSnappyLength}.
 * Returns where the block ends.
 */
export function encodeSnappy(
  src: Uint8Array,
  srcStart: number,
  srcEnd: number,
  dst: Uint8Array,
  dstStart: number,
): number {
  const words = sourceView.of(src);
  let d = dstStart;
  let length = srcEnd - srcStart;
  for (; length >= 0x80; length >>>= 7) dst[d++] = length | 0x80;
  dst[d++] = length;
  for (let at = srcStart; at < srcEnd; at += FRAGMENT_BYTES) {
    d = encodeFragment(src, words, at, Math.min(srcEnd, at + FRAGMENT_BYTES), dst, d);
  }
  return d;
}
