/** Where a memtable's records lie and which tokens they have: flat arrays, nothing allocated a record; and their order. */
import { compareBytes } from '../../cql/token.js';

/** The record has deletions that cover rows: of the partition or of ranges. */
export const COVERS = 1;
/** The record is one row as an INSERT writes it, with all columns of its table, which has neither clustering nor static ones. */
export const LONE_ROW = 2;
/** The record is one row of another kind, and nothing else. */
export const ONE_ROW = 3;

export class RecordIndex {
  count = 0;
  /** Murmur3 token as halves; not used with other partitioners. */
  tokenHi = new Int32Array(INITIAL);
  tokenLo = new Int32Array(INITIAL);
  /** The record is `chunks[chunk][start, end)`; its key begins two bytes after `start`. */
  chunk = new Int32Array(INITIAL);
  start = new Int32Array(INITIAL);
  end = new Int32Array(INITIAL);
  /** {@link COVERS}, {@link LONE_ROW}, {@link ONE_ROW} or 0. */
  kind = new Uint8Array(INITIAL);

  /** Bytes a record takes here. */
  static readonly RECORD_BYTES = 21;

  add(hi: number, lo: number, chunk: number, start: number, end: number, kind: number): void {
    const n = this.count;
    if (n === this.tokenHi.length) this.grow();
    this.tokenHi[n] = hi;
    this.tokenLo[n] = lo;
    this.chunk[n] = chunk;
    this.start[n] = start;
    this.end[n] = end;
    this.kind[n] = kind;
    this.count = n + 1;
  }

  private grow(): void {
    const n = this.tokenHi.length * 2;
    this.tokenHi = grown(this.tokenHi, n);
    this.tokenLo = grown(this.tokenLo, n);
    this.chunk = grown(this.chunk, n);
    this.start = grown(this.start, n);
    this.end = grown(this.end, n);
    const kind = new Uint8Array(n);
    kind.set(this.kind);
    this.kind = kind;
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

  /** Records by Murmur3 token and key, those of one key in the order in which they came. */
  sortByToken(chunks: readonly Uint8Array[]): RecordOrder {
    const { tokenHi, tokenLo, count } = this;
    const records = radixSorted(tokenHi, count);
    const begins = new Uint8Array(count);
    const compareLo = (a: number, b: number) => (tokenLo[a]! >>> 0) - (tokenLo[b]! >>> 0);
    const compare = (a: number, b: number) => compareLo(a, b) || this.compareKeys(chunks, a, b) || a - b;
    for (let from = 0; from < count; ) {
      const hi = tokenHi[records[from]!]!;
      let to = from + 1;
      let isSorted = true;
      begins[from] = 1;
      for (; to < count && tokenHi[records[to]!] === hi; to++) {
        const a = records[to - 1]!;
        const b = records[to]!;
        const order = compareLo(a, b) || this.compareKeys(chunks, a, b);
        if (order !== 0) begins[to] = 1;
        if (order > 0) isSorted = false;
      }
      if (!isSorted) {
        records.subarray(from, to).sort(compare);
        this.markBegins(chunks, records, begins, from, to);
      }
      from = to;
    }
    return { records, begins };
  }

  /** The same by another order of keys. */
  sortBy(chunks: readonly Uint8Array[], compareTokens: (a: number, b: number) => number): RecordOrder {
    const records = new Uint32Array(this.count);
    for (let i = 0; i < records.length; i++) records[i] = i;
    records.sort((a, b) => compareTokens(a, b) || this.compareKeys(chunks, a, b) || a - b);
    const begins = new Uint8Array(this.count);
    this.markBegins(chunks, records, begins, 0, this.count);
    return { records, begins };
  }

  private markBegins(
    chunks: readonly Uint8Array[],
    records: Uint32Array,
    begins: Uint8Array,
    from: number,
    to: number,
  ): void {
    for (let i = from; i < to; i++) {
      begins[i] = i === from || this.compareKeys(chunks, records[i - 1]!, records[i]!) !== 0 ? 1 : 0;
    }
  }
}

/** Records in the order of their partitions. */
export type RecordOrder = {
  readonly records: Uint32Array;
  /** 1 where a record is the first of its partition. */
  readonly begins: Uint8Array;
};

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
