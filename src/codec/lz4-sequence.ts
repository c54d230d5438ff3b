/** The pieces that LZ4's encoders make blocks of (the format is drawn in `lz4.ts`). */

/** No match begins within so many bytes of the end. */
export const MATCH_FIND_LIMIT = 12;
/** The last bytes are always literals. */
export const LAST_LITERALS = 5;
export const MAX_DISTANCE = 65535;
export const MIN_MATCH = 4;

/** Literals from which on a copy by the engine costs less than one by words. */
const LONG_RUN = 64;

/** Writes `extra`, what of a length does not fit its four bits. Returns where it ends. */
export function putLength(dst: Uint8Array, at: number, extra: number): number {
  let p = at;
  let rest = extra;
  for (; rest >= 255; rest -= 255) dst[p++] = 255;
  dst[p++] = rest;
  return p;
}

/** Writes a token for `length` literals. Returns where they belong. */
export function putToken(dst: Uint8Array, at: number, length: number): number {
  if (length < 15) {
    dst[at] = length << 4;
    return at + 1;
  }
  dst[at] = 15 << 4;
  return putLength(dst, at + 1, length - 15);
}

/**
 * Copies the literals before a match, by 4 bytes, up to 3 more than asked for: more than that is always left to encode, and these are written
 * over. Returns where they end.
 */
export function copyLiterals(
  dst: Uint8Array,
  out: DataView,
  at: number,
  words: DataView,
  start: number,
  end: number,
): number {
  if (end - start > LONG_RUN) {
    dst.set(new Uint8Array(words.buffer, words.byteOffset + start, end - start), at);
  } else {
    let d = at;
    for (let s = start; s < end; s += 4) {
      out.setInt32(d, words.getInt32(s, true), true);
      d += 4;
    }
  }
  return at + end - start;
}

/** Writes the distance and the length of a match, of which a part goes into its token at `token`. Returns where they end. */
export function putMatch(dst: Uint8Array, at: number, token: number, distance: number, length: number): number {
  dst[at] = distance;
  dst[at + 1] = distance >>> 8;
  const extra = length - MIN_MATCH;
  if (extra < 15) {
    dst[token] = dst[token]! | extra;
    return at + 2;
  }
  dst[token] = dst[token]! | 15;
  return putLength(dst, at + 2, extra - 15);
}

/** Writes the last sequence: literals only. Returns where the block ends. */
export function putLastLiterals(dst: Uint8Array, at: number, src: Uint8Array, start: number, end: number): number {
  const d = putToken(dst, at, end - start);
  dst.set(src.subarray(start, end), d);
  return d + end - start;
}
