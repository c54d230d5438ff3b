/** First position from `at` on where the bytes differ from those from `match` on, at most `limit`. */
export function matchEnd(src: DataView, at: number, match: number, limit: number): number {
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
