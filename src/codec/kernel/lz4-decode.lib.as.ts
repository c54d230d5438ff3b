/**
 * The decoder of LZ4 blocks, a part of kernels:
 *
 *   block = sequence…   sequence = token (literals << 4 | match − 4) [length bytes 255…] literals [u16 LE distance] [length bytes]
 *
 * All lengths of a block are checked before they are followed. Copies by words may read and write beyond an end: 64 bytes after each area must be
 * nobody's.
 */
const MIN_MATCH: usize = 4;

/**
 * A short sequence (at most 32 literals, a match of at most 18 bytes) is copied with no look at its lengths while there are more bytes of input than it
 * may take, and more of room than its words are written to.
 */
const SHORT_SEQUENCE: usize = 40;
const SHORT_OUTPUT: usize = 64;
/** Literals beyond the 15 that the token tells. */
const SHORT_MORE: usize = 17;

/** Decodes one block into exactly `[dst, dstEnd)`. Returns whether it is well formed and of that length. */
export function decode(src: usize, srcEnd: usize, dst: usize, dstEnd: usize): bool {
  const shortSrc = srcEnd - src > SHORT_SEQUENCE ? srcEnd - SHORT_SEQUENCE : src;
  const shortDst = dstEnd - dst > SHORT_OUTPUT ? dstEnd - SHORT_OUTPUT : dst;
  let s = src;
  let d = dst;
  while (s < srcEnd) {
    while (s < shortSrc && d < shortDst) {
      const token: usize = load<u8>(s);
      const length = token & 15;
      if (length == 15) break;
      let count = token >> 4;
      let literals = s + 1;
      if (count == 15) {
        const more: usize = load<u8>(literals++);
        if (more > SHORT_MORE) break;
        count += more;
        const back: usize = load<u16>(literals + count);
        const to = d + count;
        if (back < 8 || back > to - dst) break;
        copyWords(d, literals);
        copyWords(d + 16, literals + 16);
        copyShortMatch(to, back);
        s = literals + count + 2;
        d = to + length + MIN_MATCH;
        continue;
      }
      const back: usize = load<u16>(literals + count);
      const to = d + count;
      if (back > to - dst) break;
      copyWords(d, literals);
      s = literals + count + 2;
      d = to + length + MIN_MATCH;
      if (back >= 8) {
        copyShortMatch(to, back);
      } else {
        if (back == 0) return false;
        copyMatch(to, back, length + MIN_MATCH);
      }
    }
    // a sequence of any kind, each of its lengths checked; it is here that a malformed one is found
    const token: usize = load<u8>(s++);
    let literals = token >> 4;
    if (literals == 15) {
      let b: usize = 255;
      while (b == 255) {
        if (s >= srcEnd) return false;
        b = load<u8>(s++);
        literals += b;
      }
    }
    if (literals > srcEnd - s || literals > dstEnd - d) return false;
    if (literals > 64) {
      memory.copy(d, s, literals);
    } else {
      for (let i: usize = 0; i < literals; i += 8) store<u64>(d + i, load<u64>(s + i));
    }
    s += literals;
    d += literals;
    if (s == srcEnd) break;
    if (srcEnd - s < 2) return false;
    const distance: usize = load<u16>(s);
    s += 2;
    if (distance == 0 || distance > d - dst) return false;
    let match = (token & 15) + MIN_MATCH;
    if (match == 19) {
      let b: usize = 255;
      while (b == 255) {
        if (s >= srcEnd) return false;
        b = load<u8>(s++);
        match += b;
      }
    }
    if (match > dstEnd - d) return false;
    copyMatch(d, distance, match);
    d += match;
  }
  return d == dstEnd;
}

/** 16 bytes by words, not by vectors: a load of bytes that were stored in several pieces just before waits for all of them. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function copyWords(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
}

/** 18 bytes from `back` before `to`, at least 8. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function copyShortMatch(to: usize, back: usize): void {
  copyWords(to, to - back);
  store<u16>(to, load<u16>(to - back, 16), 16);
}

/** Writes `length` bytes, those from `distance` before `to` on, which repeat where they overlap; and up to 7 bytes beyond. */
// @ts-ignore: decorators of functions are AssemblyScript
@inline
function copyMatch(to: usize, distance: usize, length: usize): void {
  const stop = to + length;
  let d = to;
  let from = d - distance;
  if (distance < 8) {
    const head = length < 8 ? stop : d + 8;
    for (; d < head; d++, from++) store<u8>(d, load<u8>(from)); // repeats what it has just written
    from = d - distance * ((distance + 7) / distance); // some repetitions back: a word or more
  }
  for (; d < stop; d += 8, from += 8) store<u64>(d, load<u64>(from));
}
