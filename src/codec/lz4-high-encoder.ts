/**
 * LZ4 block encoder for lz4_compressor_type 'high': it follows chains of earlier positions with the same hash, and looks two matches ahead before
 * it settles on one: the choices of the reference encoder (LZ4_compress_HC of liblz4 1.9 and 1.10) at levels 3 to 9.
 * Levels above 9 (its optimal parser) are encoded as 9, those below 3 as 3: the same format, other bytes.
 *
 *   heads   for each of 2^15 hashes of 4 bytes the last position that has it
 *   links   for each position, modulo 2^16, how far back the one before it with its hash lies, at most 65,535
 *
 * Positions count from 65,536, so that 0 is none.
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

/** Position of the first byte. */
const ORIGIN = 65536;
/** The longest match whose length fits its token, less one. */
const SHORT_MATCH = 18;

const MIN_LEVEL = 3;
const MAX_LEVEL = 9;
/** From so many attempts on, runs of one byte are looked at as a whole. */
const RUN_ATTEMPTS = 129;

class Match {
  length = 0;
  distance = 0;
  /** Bytes that it begins before the position that was searched. */
  back = 0;

  set(other: Match): void {
    this.length = other.length;
    this.distance = other.distance;
    this.back = other.back;
  }
}

/** Bytes before `at` that equal those before `match`, down to `low` and `matchLow`. */
function countBack(src: Uint8Array, at: number, match: number, low: number, matchLow: number): number {
  const most = Math.min(at - low, match - matchLow);
  let n = 0;
  while (n < most && src[at - n - 1] === src[match - n - 1]) n++;
  return n;
}

/** End of the run of `byte` from `at` on. */
function runEnd(src: Uint8Array, at: number, byte: number, limit: number): number {
  let p = at;
  while (p < limit && src[p] === byte) p++;
  return p;
}

/** Encodes block after block. */
export class Lz4HighEncoder {
  private readonly attempts: number;
  private readonly heads = new Int32Array(1 << 15);
  private readonly links = new Uint16Array(1 << 16);
  private readonly sourceView = new KeptView();
  private readonly targetView = new KeptView();
  private src: Uint8Array = new Uint8Array(0);
  private words: DataView = new DataView(this.src.buffer);
  private dst: Uint8Array = new Uint8Array(0);
  private out: DataView = new DataView(this.dst.buffer);
  private d = 0;
  /** Index of the first byte less its position. */
  private base = 0;
  /** Position up to which all are in the chains. */
  private inserted = 0;
  private start = 0;
  private searchEnd = 0;
  private matchLimit = 0;
  /** First literal that is not written. */
  private anchor = 0;

  /** @param level 1–17, as lz4_high_compressor_level */
  constructor(level: number) {
    this.attempts = 1 << (Math.min(MAX_LEVEL, Math.max(MIN_LEVEL, level)) - 1);
  }

  /**
   * Encodes `src[srcStart, srcEnd)` as one block at `dst[dstStart…]`, which must have room for `maxLz4BlockLength`.
   * Returns where the block ends.
   */
  encode(src: Uint8Array, srcStart: number, srcEnd: number, dst: Uint8Array, dstStart: number): number {
    this.src = src;
    this.words = this.sourceView.of(src);
    this.dst = dst;
    this.out = this.targetView.of(dst);
    this.d = dstStart;
    this.start = srcStart;
    this.anchor = srcStart;
    this.base = srcStart - ORIGIN;
    this.inserted = ORIGIN;
    this.searchEnd = srcEnd - MATCH_FIND_LIMIT;
    this.matchLimit = srcEnd - LAST_LITERALS;
    if (srcEnd - srcStart > MATCH_FIND_LIMIT) {
      this.heads.fill(0);
      this.parse();
    }
    return putLastLiterals(dst, this.d, src, this.anchor, srcEnd);
  }

  private hashAt(at: number): number {
    return Math.imul(this.words.getInt32(at, true), -1640531535) >>> 17;
  }

  /** Brings all positions before that of `at` into the chains. */
  private insert(at: number): void {
    const { heads, links, base } = this;
    const target = at - base;
    for (let position = this.inserted; position < target; position++) {
      const hash = this.hashAt(position + base);
      links[position & 0xffff] = Math.min(MAX_DISTANCE, position - heads[hash]!);
      heads[hash] = position;
    }
    this.inserted = Math.max(this.inserted, target);
  }

  /**
   * Looks for a match longer than `longest` that covers `at`, and may begin as early as `low`. Into `found` goes the longest, the nearest of
   * equals; its length is 0 where there is none.
   */
  private find(at: number, low: number, longest: number, found: Match): void {
    const { src, words, links, base, matchLimit } = this;
    this.insert(at);
    found.length = 0;
    found.back = 0;
    let best = longest;
    const position = at - base;
    const lowest = Math.max(ORIGIN, position - MAX_DISTANCE);
    const behind = at - low;
    const pattern = words.getInt32(at, true);
    const byte = pattern & 0xff;
    let runLength = this.attempts >= RUN_ATTEMPTS ? -1 : 0;
    let candidate = this.heads[this.hashAt(at)]!;
    for (let left = this.attempts; candidate >= lowest && left > 0; left--) {
      const match = candidate + base;
      const tail = best - 1 - behind;
      if (
        words.getInt16(at + tail, true) === words.getInt16(match + tail, true) &&
        words.getInt32(match, true) === pattern
      ) {
        const back = behind > 0 ? countBack(src, at, match, low, this.start) : 0;
        const length = matchEnd(words, at + MIN_MATCH, match + MIN_MATCH, matchLimit) - at + back;
        if (length > best) {
          best = length;
          found.length = length;
          found.distance = position - candidate;
          found.back = back;
        }
      }
      const link = links[candidate & 0xffff]!;
      if (link === 1 && runLength !== 0 && candidate > lowest) {
        // a run of one byte, perhaps: its end is of interest, not each of its positions
        if (runLength < 0)
          runLength = pattern === (byte * 0x01010101) >> 0 ? runEnd(src, at + 4, byte, matchLimit) - at : 0;
        if (runLength > 0 && words.getInt32(match - 1, true) === pattern) {
          const ahead = runEnd(src, match + 3, byte, matchLimit) - match + 1;
          const first = Math.max(this.runStart(match - 1, byte) - base, lowest);
          const segment = candidate - 1 - first + ahead;
          if (segment >= runLength && ahead <= runLength) {
            candidate += ahead - 1 - runLength;
          } else {
            candidate = first;
            if (behind === 0) {
              const length = Math.min(segment, runLength);
              if (best < length) {
                if (position - candidate > MAX_DISTANCE) break;
                best = length;
                found.length = length;
                found.distance = position - candidate;
              }
              candidate -= links[candidate & 0xffff]!;
            }
          }
          continue;
        }
      }
      candidate -= link;
    }
  }

  /** Start of the run of `byte` that covers `at`. */
  private runStart(at: number, byte: number): number {
    let p = at;
    while (p > this.start && this.src[p - 1] === byte) p--;
    return p;
  }

  /** Writes the literals before `at` and a match of `length`. Returns where it ends. */
  private put(at: number, length: number, distance: number): number {
    const token = this.d;
    let d = putToken(this.dst, token, at - this.anchor);
    d = copyLiterals(this.dst, this.out, d, this.words, this.anchor, at);
    this.d = putMatch(this.dst, d, token, distance, length);
    this.anchor = at + length;
    return this.anchor;
  }

  /** Up to three matches are at hand: one that began first and was passed over (`m0`), and those at `at`, `at2` and `at3`, each longer than the last. */
  private parse(): void {
    const { searchEnd } = this;
    const [m0, m1, m2, m3] = [new Match(), new Match(), new Match(), new Match()];
    let at = this.start;
    next: while (at <= searchEnd) {
      this.find(at, at, MIN_MATCH - 1, m1);
      if (m1.length < MIN_MATCH) {
        at++;
        continue;
      }
      let at0 = at;
      m0.set(m1);
      second: for (;;) {
        let at2 = at + m1.length - 2;
        if (at + m1.length <= searchEnd) {
          this.find(at2, at, m1.length, m2);
          at2 -= m2.back;
        } else {
          m2.length = 0;
        }
        if (m2.length <= m1.length) {
          at = this.put(at, m1.length, m1.distance);
          continue next;
        }
        if (at0 < at && at2 < at + m0.length) {
          at = at0;
          m1.set(m0);
        }
        if (at2 - at < 3) {
          at = at2;
          m1.set(m2);
          continue;
        }
        for (;;) {
          at2 += shorten(m2, firstLength(at, Math.min(m1.length, SHORT_MATCH), at2, m2) - (at2 - at), at2 - at);
          let at3 = at2 + m2.length - 3;
          if (at2 + m2.length <= searchEnd) {
            this.find(at3, at2, m2.length, m3);
            at3 -= m3.back;
          } else {
            m3.length = 0;
          }
          if (m3.length <= m2.length) {
            this.put(at, Math.min(m1.length, at2 - at), m1.distance);
            at = this.put(at2, m2.length, m2.distance);
            continue next;
          }
          if (at3 < at + m1.length + 3) {
            // no room for the second
            if (at3 < at + m1.length) {
              at2 = at3;
              m2.set(m3);
              continue;
            }
            const overlap = at + m1.length - at2;
            if (overlap > 0) {
              at2 += overlap;
              m2.length -= overlap;
              if (m2.length < MIN_MATCH) {
                at2 = at3;
                m2.set(m3);
              }
            }
            this.put(at, m1.length, m1.distance);
            at = at3;
            m1.set(m3);
            at0 = at2;
            m0.set(m2);
            continue second;
          }
          if (at2 < at + m1.length) {
            if (at2 - at < SHORT_MATCH) {
              m1.length = firstLength(at, Math.min(m1.length, SHORT_MATCH), at2, m2);
              at2 += shorten(m2, m1.length - (at2 - at), at2 - at);
            } else {
              m1.length = at2 - at;
            }
          }
          this.put(at, m1.length, m1.distance);
          at = at2;
          m1.set(m2);
          at2 = at3;
          m2.set(m3);
        }
      }
    }
  }
}

/** Of `length`, what the first of two matches keeps so that the second, at `at2`, keeps four bytes. */
function firstLength(at: number, length: number, at2: number, second: Match): number {
  return Math.min(length, at2 - at + second.length - MIN_MATCH);
}

/** Takes `bytes` off the beginning of a match that begins close (`gap`) behind another. Returns how many. */
function shorten(match: Match, bytes: number, gap: number): number {
  if (gap >= SHORT_MATCH || bytes <= 0) return 0;
  match.length -= bytes;
  return bytes;
}
