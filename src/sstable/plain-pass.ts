/** Rows as an INSERT writes them, passed over without reading them: flags and cells as `unfiltered-cursor.ts` and `row-cursor.ts` draw them. */

/** Flags of a row with a timestamp and all columns and nothing else, and of cells with the row's timestamp. */
export const PLAIN_ROW = 0x24;
export const CELL_OF_ROW = 0x08;
export const EMPTY_CELL_OF_ROW = 0x0c;

/** Partitions with more rows are read as others. */
export const MOST_PASSED_ROWS = 16;

/** @returns the index after a plain row whose flags were before `p`; −1 where it is none, is not at hand or has long values */
export function afterPlainRow(
  buf: Uint8Array,
  from: number,
  end: number,
  clusteringFixed: Int32Array,
  regulars: readonly { readonly fixedLength: number }[],
): number {
  let p = from;
  const clusterings = clusteringFixed.length;
  if (clusterings > 0 && buf[p++] !== 0) return -1;
  for (let i = 0; i < clusterings; i++) {
    let length = clusteringFixed[i]!;
    if (length < 0) {
      length = shortVint(buf, p, end);
      p += length < 0x80 ? 1 : 2;
      if (length < 0) return -1;
    }
    p += length;
    if (p >= end) return -1;
  }
  const size = shortVint(buf, p, end);
  if (size < 0) return -1;
  p += size < 0x80 ? 1 : 2;
  const bodyEnd = p + size;
  if (bodyEnd >= end || size < 2) return -1;
  for (let i = 0; i < 2; i++) {
    // the size of the row before, then the timestamp: of eight bytes behind the first it may be that of no liveness
    const first = buf[p]!;
    if (first === 0xff) return -1;
    p += 1 + (first < 0x80 ? 0 : Math.clz32(~(first << 24)));
  }
  for (let i = 0; i < regulars.length; i++) {
    if (p >= bodyEnd) return -1;
    const flags = buf[p++]!;
    if (flags === EMPTY_CELL_OF_ROW) continue;
    if (flags !== CELL_OF_ROW) return -1;
    let length = regulars[i]!.fixedLength;
    if (length < 0) {
      length = shortVint(buf, p, bodyEnd);
      if (length < 0) return -1;
      p += length < 0x80 ? 1 : 2;
    }
    p += length;
  }
  return p === bodyEnd ? p : -1;
}

/** An unsigned vint of one or two bytes; −1 for longer ones and beyond `end`. */
function shortVint(buf: Uint8Array, p: number, end: number): number {
  if (p + 1 >= end) return -1;
  const first = buf[p]!;
  if (first < 0x80) return first;
  if (first >= 0xc0) return -1;
  const value = ((first & 0x3f) << 8) | buf[p + 1]!;
  return value < 0x80 ? -1 : value; // a short number in two bytes: not as Cassandra writes it
}
