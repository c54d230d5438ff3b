/** Where a memtable's records lie and which tokens they have: flat arrays, nothing allocated a record; and their order. */
import { compareBytes } from '../../cql/token.js';

export class RecordIndex {
  count = 0;
  /** Murmur3 token as halves; not used with other partitioners. */
  tokenHi = new Int32Array(INITIAL);
  tokenLo = new Int32Array(INITIAL);
  /** The record is `chunks[chunk][start, end)`; its key begins two bytes after `start`. */
  chunk = new Int32Array(INITIAL);
  start = new Int32Array(INITIAL);
  end = new Int32Array(INITIAL);
  /** 1 where the record has deletions that cover rows: of the partition or of ranges. */
  covers = new Uint8Array(INITIAL);

  /** Bytes a record takes here. */
  static readonly RECORD_BYTES = 21;

  add(hi: number, lo: number, chunk: number, start: number, end: number, covers: boolean): void {
    const n = this.count;
    if (n === this.tokenHi.length) this.grow();
    this.tokenHi[n] = hi;
    this.tokenLo[n] = lo;
    this.chunk[n] = chunk;
    this.start[n] = start;
    this.end[n] = end;
    this.covers[n] = covers ? 1 : 0;
    this.count = n + 1;
  }

  private grow(): void {
    const n = this.tokenHi.length * 2;
    this.tokenHi = grown(this.tokenHi, n);
    this.tokenLo = grown(this.tokenLo, n);
    this.chunk = grown(this.chunk, n);
    this.start = grown(this.start, n);
    this.end = grown(this.end, n);
    const covers = new Uint8Array(n);
    covers.set(this.covers);
    this.covers = covers;
  }

  compareKeys(chunks: readonly Uint8Array[], a: number, b: number): number {
    const x = chunks[this.chunk[a]!]!;
    const y = chunks[this.chunk[b]!]!;
    const p = this.start[a]!;
    const q = this.start[b]!;
    const n = (x[p]! << 8) | x[p + 1]!;
    const m = (y[q]! << 8) | y[q + 1]!;
    return compareBytes(x, p + 2, p + 2 + n, y, q + 2, q + 2 + m);
  }

  /** Whether two records, which stand side by side in the order, are of one partition. */
  isSameKey(chunks: readonly Uint8Array[], a: number, b: number): boolean {
    if (this.tokenLo[a] !== this.tokenLo[b] || this.tokenHi[a] !== this.tokenHi[b]) return false;
    return this.compareKeys(chunks, a, b) === 0;
  }

  /** Records by Murmur3 token and key, those of one key in the order in which they came. */
  sortByToken(chunks: readonly Uint8Array[]): Uint32Array {
    const { tokenHi, tokenLo, count } = this;
    const order = radixSorted(tokenHi, count);
    const compare = (a: number, b: number) =>
      (tokenLo[a]! >>> 0) - (tokenLo[b]! >>> 0) || this.compareKeys(chunks, a, b) || a - b;
    for (let from = 0; from < count; ) {
      const hi = tokenHi[order[from]!]!;
      let to = from + 1;
      let isSorted = true;
      for (; to < count && tokenHi[order[to]!] === hi; to++) {
        if (isSorted && compare(order[to - 1]!, order[to]!) > 0) isSorted = false;
      }
      if (!isSorted) order.subarray(from, to).sort(compare);
      from = to;
    }
    return order;
  }

  /** The same by another order of keys. */
  sortBy(chunks: readonly Uint8Array[], compareTokens: (a: number, b: number) => number): Uint32Array {
    const order = new Uint32Array(this.count);
    for (let i = 0; i < order.length; i++) order[i] = i;
    return order.sort((a, b) => compareTokens(a, b) || this.compareKeys(chunks, a, b) || a - b);
  }
}

const INITIAL = 256;

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(length);
  next.set(array);
  return next;
}

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** Indexes of the first `count` values, ascending as signed numbers; equal ones stay in their order. */
function radixSorted(values: Int32Array, count: number): Uint32Array<ArrayBuffer> {
  let from = new Uint32Array(count);
  let to = new Uint32Array(count);
  for (let i = 0; i < count; i++) from[i] = i;
  const starts = new Uint32Array(DIGITS);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    starts.fill(0);
    for (let i = 0; i < count; i++) starts[((values[i]! ^ SIGN) >>> shift) & (DIGITS - 1)]!++;
    for (let digit = 0, sum = 0; digit < DIGITS; digit++) {
      const n = starts[digit]!;
      starts[digit] = sum;
      sum += n;
    }
    for (let i = 0; i < count; i++) {
      const record = from[i]!;
      to[starts[((values[record]! ^ SIGN) >>> shift) & (DIGITS - 1)]!++] = record;
    }
    [from, to] = [to, from];
  }
  return from;
}

const SIGN = -0x80000000;
