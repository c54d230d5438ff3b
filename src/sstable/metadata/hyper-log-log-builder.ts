/**
 * Makes the sketch of hyper-log-log.ts from hashes of partition keys, and merges sketches, step by step as stream-lib 2.5.2 does, so that the
 * bytes are those that Cassandra writes. Of a 64-bit hash, with p = 13 and sp = 25:
 *
 *   sparse   index = its upper sp bits; run = 1 + zeros that follow its upper p bits
 *            index << 1                                      where the lower sp − p bits of index are not all zero: they tell the run
 *            index << 7 | (run ^ 63) << 1 | 1                else; may be negative
 *   normal   register [upper p bits] = the greatest run
 *
 * New hashes wait in a list. When it is full it is sorted by index and merged into the sparse set, but the merge asks for the order of whole
 * encoded hashes: where both kinds of encoding meet, sets are not sorted and may hold an index twice. Cassandra stores them that way.
 */
import { murmur2 } from '../../bytes/murmur2.js';
import { CASSANDRA_P, CASSANDRA_SP, cardinality, type HyperLogLog } from './hyper-log-log.js';

/** A sparse set of more hashes becomes normal when the list has been merged. */
const SPARSE_THRESHOLD = 6144;
/** Hashes of the list; one more and it is merged. */
const SORT_THRESHOLD = 1536;
const REGISTERS_PER_WORD = 6;

/** An encoded hash takes the run from these bits of the index, unless all are zero. */
const RUN_BITS = (1 << (CASSANDRA_SP - CASSANDRA_P)) - 1;

export class HyperLogLogBuilder {
  /** In the normal form. */
  private words: Int32Array | undefined;
  private sparse = new Int32Array(SPARSE_THRESHOLD + SORT_THRESHOLD + 1);
  private spare = new Int32Array(SPARSE_THRESHOLD + SORT_THRESHOLD + 1);
  private sparseCount = 0;
  /** index << 6, and run ^ 63 where that is encoded: in this form the order of numbers is the order of the list. */
  private list = new Int32Array(SORT_THRESHOLD + 1);
  private listCount = 0;
  private readonly hash = new Int32Array(2);

  /** Adds `key[0, length)`. */
  addKey(key: Uint8Array, length: number): void {
    const hash = murmur2(key, 0, length, this.hash);
    this.offerHashed(hash[0]!, hash[1]!);
  }

  offerHashed(hi: number, lo: number): void {
    if (this.words) {
      updateIfGreater(this.words, hi >>> (32 - CASSANDRA_P), runOf(hi, lo));
      return;
    }
    const index = hi >>> (32 - CASSANDRA_SP);
    this.list[this.listCount++] = (index << 6) | (index & RUN_BITS ? 0 : runOf(hi, lo) ^ 63);
    if (this.listCount <= SORT_THRESHOLD) return;
    this.mergeList();
    if (this.sparseCount > SPARSE_THRESHOLD) this.convertToNormal();
  }

  /** The sketch of what was added so far. More may be added. */
  build(): HyperLogLog {
    if (this.words) return { kind: 'normal', p: CASSANDRA_P, sp: CASSANDRA_SP, words: this.words.slice() };
    this.mergeList();
    const hashes = this.sparse.slice(0, this.sparseCount);
    return { kind: 'sparse', p: CASSANDRA_P, sp: CASSANDRA_SP, hashes };
  }

  private mergeList(): void {
    if (this.listCount === 0) return;
    const { sparse, sparseCount, spare } = this;
    const list = this.list.subarray(0, this.listCount);
    list.sort();
    for (let i = 0; i < list.length; i++) list[i] = encodeSortable(list[i]!);
    if (spare.length < sparseCount + list.length) this.spare = new Int32Array(2 * (sparseCount + list.length));
    this.sparseCount = mergeList(sparse, sparseCount, list, this.spare);
    this.sparse = this.spare;
    this.spare = sparse;
    this.listCount = 0;
  }

  private convertToNormal(): void {
    const sketch = this.build();
    this.words = sketch.kind === 'normal' ? sketch.words : toWords(sketch);
    const none = new Int32Array(0);
    this.sparse = none;
    this.spare = none;
    this.list = none;
  }
}

/** The sketch of all keys of these; `undefined` where there is none, or they are of different size: Cassandra then does without. */
export function mergeHyperLogLogs(sketches: readonly HyperLogLog[]): HyperLogLog | undefined {
  let merged = sketches[0];
  for (const next of sketches.slice(1)) {
    if (merged?.p !== next.p) return undefined;
    merged = addAll(settled(merged), next);
  }
  return merged;
}

/** What is known of an SSTable's keys. */
export type KeyEstimate = {
  /** Absent where it could not be read. */
  readonly sketch: HyperLogLog | undefined;
  /** By the index: of BIG from the summary's entries, of BTI exactly. */
  readonly estimatedKeys: () => number;
};

/**
 * About how many different keys these SSTables hold: by the merged sketch, and where there is none by the sum of the indexes' estimates, which
 * counts a key of several SSTables in each (SSTableReader.getApproximateKeyCount).
 */
export function approximateKeyCount(sstables: readonly KeyEstimate[]): number {
  const sketches = sstables.flatMap(({ sketch }) => sketch ?? []);
  const merged = sketches.length === sstables.length ? mergeHyperLogLogs(sketches) : undefined;
  if (merged) return cardinality(merged);
  return sstables.reduce((sum, { estimatedKeys }) => sum + estimatedKeys(), 0);
}

function runOf(hi: number, lo: number): number {
  const restHi = (hi << CASSANDRA_P) | (lo >>> (32 - CASSANDRA_P));
  if (restHi !== 0) return Math.clz32(restHi) + 1;
  return Math.clz32((lo << CASSANDRA_P) | (1 << (CASSANDRA_P - 1))) + 33;
}

function encodeSortable(sortable: number): number {
  const index = sortable >>> 6;
  return index & RUN_BITS ? index << 1 : (sortable << 1) | 1;
}

function sparseIndex(encoded: number): number {
  return encoded & 1 ? encoded >>> 7 : encoded >>> 1;
}

/** Merges a sorted list, each index of it once, into `set[0, count)`; returns how many are in `out`. */
function mergeList(set: Int32Array, count: number, list: Int32Array, out: Int32Array): number {
  let n = 0;
  let i = 0;
  let j = 0;
  while (i < count || j < list.length) {
    if (j >= list.length) {
      out[n++] = set[i++]!;
      continue;
    }
    const b = list[j]!;
    const index = sparseIndex(b);
    if (i < count) {
      const a = set[i]!;
      const isSame = sparseIndex(a) === index;
      if (!isSame && a < b) {
        out[n++] = a;
        i++;
        continue;
      }
      if (isSame) i++;
      out[n++] = isSame && a < b ? a : b;
    } else out[n++] = b;
    do j++;
    while (j < list.length && sparseIndex(list[j]!) === index);
  }
  return n;
}

/** A sparse sketch that is too large to merge becomes normal first. */
function settled(sketch: HyperLogLog): HyperLogLog {
  if (sketch.kind === 'normal' || sketch.hashes.length <= SPARSE_THRESHOLD + SORT_THRESHOLD) return sketch;
  return { kind: 'normal', p: sketch.p, sp: sketch.sp, words: toWords(sketch) };
}

function addAll(sketch: HyperLogLog, other: HyperLogLog): HyperLogLog {
  const { p, sp } = sketch;
  if (sketch.kind === 'sparse' && other.kind === 'sparse') {
    return settled({ kind: 'sparse', p, sp, hashes: mergeSparse(sketch.hashes, other.hashes) });
  }
  const words = sketch.kind === 'normal' ? sketch.words.slice() : toWords(sketch);
  if (other.kind === 'sparse') addHashes(words, other);
  else for (let i = 0; i < words.length; i++) words[i] = greaterRegisters(words[i]!, other.words[i] ?? 0);
  return { kind: 'normal', p, sp, words };
}

function mergeSparse(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length + b.length);
  let n = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    const isSame = sparseIndex(x) === sparseIndex(y);
    out[n++] = Math.min(x, y);
    if (isSame || x < y) i++;
    if (isSame || x >= y) j++;
  }
  while (i < a.length) out[n++] = a[i++]!;
  while (j < b.length) out[n++] = b[j++]!;
  return out.subarray(0, n);
}

type SparseHyperLogLog = Extract<HyperLogLog, { kind: 'sparse' }>;

function toWords(sketch: SparseHyperLogLog): Int32Array {
  const words = new Int32Array(Math.trunc(2 ** sketch.p / REGISTERS_PER_WORD) + 1);
  addHashes(words, sketch);
  return words;
}

function addHashes(words: Int32Array, { p, sp, hashes }: SparseHyperLogLog): void {
  for (const encoded of hashes) {
    const run = encoded & 1 ? ((encoded >>> 1) & 63) ^ 63 : Math.clz32(encoded << (p + 31 - sp)) + 1;
    updateIfGreater(words, sparseIndex(encoded) >>> (sp - p), run);
  }
}

function updateIfGreater(words: Int32Array, register: number, run: number): void {
  // a sixth, by a multiplication where that is exact
  const i = register < 32768 ? (register * 10923) >>> 16 : Math.trunc(register / REGISTERS_PER_WORD);
  const shift = 5 * (register - i * REGISTERS_PER_WORD);
  const word = words[i]!;
  const mask = 0x1f << shift;
  if ((word & mask) < run << shift) words[i] = (word & ~mask) | (run << shift);
}

function greaterRegisters(a: number, b: number): number {
  let word = 0;
  for (let shift = 0; shift < 30; shift += 5) word |= Math.max(a & (0x1f << shift), b & (0x1f << shift));
  return word;
}
