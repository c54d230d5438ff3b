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
import {
  copyLiterals,
  LAST_LITERALS,
  MATCH_FIND_LIMIT,
  MAX_DISTANCE,
  MIN_MATCH,
  putLastLiterals,
  putMatch,
  putToken,
} from './lz4-sequence.js';
import { matchEnd } from './match-end.js';

/** Inputs below this use the 16-bit table. */
const SHORT_INPUT = 65536 + MATCH_FIND_LIMIT - 1;
const SKIP_TRIGGER = 6;

const shortTable = new Uint16Array(1 << 13);
const longTable = new Int32Array(1 << 12);

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
      d = copyLiterals(dst, out, d, words, anchor, at);
      for (;;) {
        const end = matchEnd(words, at + MIN_MATCH, match + MIN_MATCH, matchLimit);
        d = putMatch(dst, d, token, at - match, end - at);
        at = end;
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
  return putLastLiterals(dst, d, src, anchor, srcEnd);
}
