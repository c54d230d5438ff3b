/**
 * The sketch of an SSTable's partition keys (HyperLogLog++ as stream-lib 2.5.2 stores it). `var` is LEB128: seven bits a byte, lowest first.
 *
 *   i32 −2 | var p | var sp | var 0 | var n, n bytes              normal: big-endian words of six 5-bit registers each, lowest bits first
 *   i32 −2 | var p | var sp | var 1 | var n, n × var              sparse: hashes of sp bits, ascending, each as the difference to the one before
 *
 * Cassandra makes it with p = 13 and sp = 25; it is sparse up to 6,144 hashes. Scylla writes p = 4 and sp = 0 (never sparse).
 */
import type { Cursor } from '../../bytes/cursor.js';
import { UnsupportedError } from '../../bytes/errors.js';
import type { ByteWriter } from '../../bytes/writer.js';
import { BIAS, type Bias } from './hyper-log-log-bias.js';

export type HyperLogLog = {
  /** 2^p registers. */
  readonly p: number;
  /** Bits of the hashes in the sparse form; 0: it has none. */
  readonly sp: number;
} & (
  | { readonly kind: 'normal' /** Six registers a word. */; readonly words: Int32Array }
  | { readonly kind: 'sparse' /** Encoded hashes, ascending. */; readonly hashes: Int32Array }
);

export const CASSANDRA_P = 13;
export const CASSANDRA_SP = 25;

const VERSION = -2;
const REGISTERS_PER_WORD = 6;
const NEIGHBOURS = 6;

/** The estimate that Cassandra prints. @throws UnsupportedError for a precision that neither Cassandra nor Scylla uses */
export function cardinality(sketch: HyperLogLog): number {
  if (sketch.kind === 'sparse') {
    const size = 2 ** sketch.sp;
    return Math.round(linearCounting(size, size - sketch.hashes.length));
  }
  const bias = BIAS.get(sketch.p);
  if (!bias) {
    throw new UnsupportedError('cardinality sketch of another precision', { seen: sketch.p, expected: '13 or 4' });
  }
  return estimateNormal(sketch.words, sketch.p, bias);
}

/** @throws CorruptError */
export function readHyperLogLog(cursor: Cursor): HyperLogLog {
  const at = cursor.offset;
  const version = cursor.i32();
  if (version !== VERSION) {
    throw cursor.corrupt('cardinality sketch of an unknown version', { offset: at, seen: version, expected: VERSION });
  }
  const p = readVar(cursor);
  const sp = readVar(cursor);
  if (p < 4 || p > 24 || (p > sp && sp !== 0) || sp > 32) {
    throw cursor.corrupt('precision of the cardinality sketch', { offset: at + 4, seen: `${p}, ${sp}` });
  }
  const format = readVar(cursor);
  if (format === 0) return { kind: 'normal', p, sp, words: readWords(cursor, p) };
  if (format === 1) return { kind: 'sparse', p, sp, hashes: readHashes(cursor) };
  throw cursor.corrupt('form of the cardinality sketch', { seen: format, expected: '0 or 1' });
}

export function writeHyperLogLog(sketch: HyperLogLog, out: ByteWriter): void {
  out.i32(VERSION);
  writeVar(sketch.p, out);
  writeVar(sketch.sp, out);
  if (sketch.kind === 'normal') {
    writeVar(0, out);
    writeVar(sketch.words.length * 4, out);
    for (const word of sketch.words) out.i32(word);
    return;
  }
  writeVar(1, out);
  writeVar(sketch.hashes.length, out);
  let previous = 0;
  for (const hash of sketch.hashes) {
    writeVar(hash - previous, out);
    previous = hash;
  }
}

function linearCounting(size: number, empty: number): number {
  return size * Math.log(size / empty);
}

function estimateNormal(words: Int32Array, p: number, bias: Bias): number {
  const m = 2 ** p;
  let sum = 0;
  let empty = 0;
  for (let i = 0; i < m; i++) {
    const register = (words[Math.trunc(i / REGISTERS_PER_WORD)]! >>> (5 * (i % REGISTERS_PER_WORD))) & 0x1f;
    sum += 1 / (1 << register);
    if (register === 0) empty++;
  }
  const alpha = p === 4 ? 0.673 : 0.7213 / (1 + 1.079 / m);
  const raw = alpha * m * m * (1 / sum);
  const corrected = raw <= 5 * m ? raw - biasOf(raw, bias) : raw;
  const linear = empty > 0 ? linearCounting(m, empty) : corrected;
  return Math.round(linear < bias.threshold ? linear : corrected);
}

/** Mean bias of the six nearest raw estimates; of two at the same distance the later one counts. */
function biasOf(raw: number, { rawEstimates, biases }: Bias): number {
  const indexByDistance = new Map(rawEstimates.map((estimate, i) => [(raw - estimate) ** 2, i]));
  const nearest = [...indexByDistance].sort((a, b) => a[0] - b[0]).slice(0, NEIGHBOURS);
  let sum = 0;
  for (const [, index] of nearest) sum += biases[index]!;
  return sum / NEIGHBOURS;
}

function readWords(cursor: Cursor, p: number): Int32Array {
  const at = cursor.offset;
  const bytes = readVar(cursor);
  const least = Math.ceil(2 ** p / REGISTERS_PER_WORD) * 4;
  if (bytes < least || bytes % 4 !== 0) {
    throw cursor.corrupt('length of the registers', { offset: at, seen: bytes, expected: least });
  }
  cursor.need(bytes);
  const words = new Int32Array(bytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = cursor.i32();
  return words;
}

function readHashes(cursor: Cursor): Int32Array {
  const n = cursor.count(readVar(cursor), 1, 'hashes');
  const hashes = new Int32Array(n);
  let previous = 0;
  for (let i = 0; i < n; i++) {
    previous = (previous + readVar(cursor)) | 0;
    hashes[i] = previous;
  }
  return hashes;
}

/** An int32. */
function readVar(cursor: Cursor): number {
  const at = cursor.offset;
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = cursor.u8();
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw cursor.corrupt('number of more than five bytes', { offset: at });
}

function writeVar(value: number, out: ByteWriter): void {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    out.u8((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.u8(rest);
}
