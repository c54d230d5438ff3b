/**
 * LZ4 blocks as a WebAssembly kernel, in AssemblyScript: the decoder (`lz4-decode.lib.as.ts`), and the greedy encoder with one hash table that makes
 * the choices of the reference encoder at its default speed (LZ4_compress_default of liblz4 1.9 and 1.10 for 64-bit little-endian machines), so that a
 * chunk comes out as lz4-java's fast compressor makes it, byte for byte.
 *
 *   up to 65,546 bytes   13-bit hash of 4 bytes, positions as u16
 *   longer               12-bit hash of 5 bytes, positions as u32, matches at most 65,535 back
 *
 * A position without a match makes the search skip: after every 64 in a row, one byte more at a time. The last match starts at least 12 bytes
 * before the end, and the last 5 bytes are literals.
 *
 * Arguments are addresses in the kernel's own memory, which the caller lays out (`../lz4-block.ts`). Copies by words may read and write up to 7
 * bytes beyond an end: that many bytes after each area must be nobody's.
 */
export { decode } from './lz4-decode.lib.as';

const LAST_LITERALS: usize = 5;
const MATCH_FIND_LIMIT: usize = 12;
const MIN_MATCH: usize = 4;
const MAX_DISTANCE: usize = 65535;
const SHORT_INPUT: usize = 65536 + 11;
const TABLE_BYTES: usize = 16384;

// In what follows T is the type of the hash table's positions: u16 for short inputs, u32 for longer ones.

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function hashOf<T>(at: usize): usize {
  return sizeof<T>() == 2
    ? <usize>((load<u32>(at) * 2654435761) >> 19)
    : <usize>(((load<u64>(at) << 24) * 889523592379) >> 52);
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function isNear<T>(distance: usize): bool {
  return sizeof<T>() == 2 || distance <= MAX_DISTANCE;
}

function putLength(at: usize, extra: usize): usize {
  for (; extra >= 255; extra -= 255) store<u8>(at++, 255);
  store<u8>(at, <u8>extra);
  return at + 1;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function matchEnd(at: usize, from: usize, limit: usize): usize {
  while (at + 8 <= limit) {
    const difference = load<u64>(at) ^ load<u64>(from);
    if (difference != 0) return at + (<usize>ctz(difference) >> 3);
    at += 8;
    from += 8;
  }
  while (at < limit && load<u8>(at) == load<u8>(from)) {
    at++;
    from++;
  }
  return at;
}

// @ts-ignore: decorators of functions are AssemblyScript
@inline
function encodeWith<T>(src: usize, srcEnd: usize, dst: usize, table: usize): usize {
  const searchEnd = srcEnd - MATCH_FIND_LIMIT + 1;
  const matchLimit = srcEnd - LAST_LITERALS;
  let anchor = src;
  let d = dst;
  if (srcEnd - src > MATCH_FIND_LIMIT) {
    memory.fill(table, 0, TABLE_BYTES);
    let at = src + 1;
    let isDone = false;
    while (!isDone) {
      let match: usize = 0;
      let next = at;
      let nextHash = hashOf<T>(at);
      let step: usize = 1;
      let tries: usize = 64;
      while (true) {
        const hash = nextHash;
        at = next;
        next += step;
        step = tries++ >> 6;
        if (next > searchEnd) {
          isDone = true;
          break;
        }
        match = src + <usize>load<T>(table + hash * sizeof<T>());
        nextHash = hashOf<T>(next);
        store<T>(table + hash * sizeof<T>(), <T>(at - src));
        if (load<u32>(match) == load<u32>(at) && isNear<T>(at - match)) break;
      }
      if (isDone) break;
      while (at > anchor && match > src && load<u8>(at - 1) == load<u8>(match - 1)) {
        at--;
        match--;
      }
      let token = d;
      const literals = at - anchor;
      if (literals < 15) {
        store<u8>(d++, <u8>(literals << 4));
      } else {
        store<u8>(d++, 240);
        d = putLength(d, literals - 15);
      }
      if (literals > 64) memory.copy(d, anchor, literals);
      else for (let i: usize = 0; i < literals; i += 8) store<u64>(d + i, load<u64>(anchor + i));
      d += literals;
      while (true) {
        const end = matchEnd(at + MIN_MATCH, match + MIN_MATCH, matchLimit);
        store<u16>(d, <u16>(at - match));
        d += 2;
        const extra = end - at - MIN_MATCH;
        if (extra < 15) {
          store<u8>(token, <u8>(<usize>load<u8>(token) | extra));
        } else {
          store<u8>(token, load<u8>(token) | 15);
          d = putLength(d, extra - 15);
        }
        at = end;
        anchor = at;
        if (at >= searchEnd) {
          isDone = true;
          break;
        }
        store<T>(table + hashOf<T>(at - 2) * sizeof<T>(), <T>(at - 2 - src));
        const hash = hashOf<T>(at);
        match = src + <usize>load<T>(table + hash * sizeof<T>());
        store<T>(table + hash * sizeof<T>(), <T>(at - src));
        if (load<u32>(match) != load<u32>(at) || !isNear<T>(at - match)) break;
        token = d++;
        store<u8>(token, 0);
      }
      at++;
    }
  }
  const rest = srcEnd - anchor;
  if (rest < 15) {
    store<u8>(d++, <u8>(rest << 4));
  } else {
    store<u8>(d++, 240);
    d = putLength(d, rest - 15);
  }
  memory.copy(d, anchor, rest);
  return d + rest;
}

/** Encodes `[src, srcEnd)` as one block from `dst` on and returns where that ends. `table`: 16 KiB for the hashes. */
export function encode(src: usize, srcEnd: usize, dst: usize, table: usize): usize {
  return srcEnd - src < SHORT_INPUT
    ? encodeWith<u16>(src, srcEnd, dst, table)
    : encodeWith<u32>(src, srcEnd, dst, table);
}
