/**
 * Filter.db, a Bloom filter over partition keys:
 *
 *   i32 hash count | i32 n | n × 8 bytes of bits
 *
 * Bit i is bit i % 8 of byte i / 8 (na+). Before na each eight bytes stand in reverse order, as a big-endian int64. A table with
 * bloom_filter_fp_chance 1 has no file.
 *
 * The bits of a key: with h1, h2 the two halves of its Murmur3 hash, |(h2 + k · h1) % bits| for k = 0 … hash count - 1, in wrapping int64.
 */
import { Cursor, type CursorContext } from '../bytes/cursor.js';
import { type Hash128, murmur3 } from '../bytes/murmur3.js';
import { readWhole, type Storage } from '../bytes/source.js';
import { ByteWriter } from '../bytes/writer.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import type { Version } from './version.js';

/** Above any filter that Cassandra sizes by its own tables; a bound on the work of one look-up in a hostile file. */
const MAX_HASH_COUNT = 128;
const MAX_FILTER_BYTES = 0x7fffffff;

export type BloomFilter = {
  readonly hashCount: number;
  /** Bits in the order of na+, whole 64-bit words. Mutable: a FilterBuilder sets them. */
  readonly bits: Uint8Array;
};

/** `undefined` where the SSTable has none. @throws CorruptError, UsageError */
export function readFilter(storage: Storage, descriptor: Descriptor): BloomFilter | undefined {
  const file = componentPath(descriptor, COMPONENT.filter);
  if (!storage.stat(file)) return undefined;
  const bytes = readWhole(storage, file, MAX_FILTER_BYTES);
  return decodeFilter(bytes, descriptor.version, { file, component: COMPONENT.filter });
}

/** The bits may be those of `bytes` themselves: megabytes that nobody changes need no copy. @throws CorruptError */
export function decodeFilter(bytes: Uint8Array, version: Version, context: CursorContext = {}): BloomFilter {
  const cursor = new Cursor(bytes, context);
  const hashCount = cursor.i32();
  if (hashCount < 1 || hashCount > MAX_HASH_COUNT) {
    throw cursor.corrupt('hash count', { offset: 0, seen: hashCount, expected: `1 to ${MAX_HASH_COUNT}` });
  }
  const words = cursor.i32();
  if (words < 1 || words * 8 !== cursor.left) {
    throw cursor.corrupt('length of the bit set', { offset: 4, seen: words, expected: `${cursor.left / 8} words` });
  }
  if (!version.hasOldBfFormat) return { hashCount, bits: cursor.view(words * 8) };
  const bits = cursor.bytes(words * 8);
  reverseWords(bits);
  return { hashCount, bits };
}

export function encodeFilter(filter: BloomFilter, version: Version): Buffer {
  return Buffer.concat(filterPieces(filter, version));
}

/** Filter.db in pieces that follow each other; the bits are the filter's own where they stand as they are to be stored. */
export function filterPieces({ hashCount, bits }: BloomFilter, version: Version): readonly Uint8Array[] {
  const head = new ByteWriter(8);
  head.i32(hashCount);
  head.i32(bits.length / 8);
  if (!version.hasOldBfFormat) return [head.view(), bits];
  const reversed = bits.slice();
  reverseWords(reversed);
  return [head.view(), reversed];
}

function reverseWords(bits: Uint8Array): void {
  for (let i = 0; i < bits.length; i += 8) bits.subarray(i, i + 8).reverse();
}

/** An empty filter, sized as Cassandra does: `keys` · `bucketsPerElement` + 20 bits, rounded up to words. */
export function makeFilter(keys: number, bucketsPerElement: number, hashCount: number): BloomFilter {
  return { hashCount, bits: new Uint8Array(filterWords(keys, bucketsPerElement) * 8) };
}

/** Words of 64 bits of a filter for so many keys. */
export function filterWords(keys: number, bucketsPerElement: number): number {
  return Math.floor((keys * bucketsPerElement + 20 - 1) / 64) + 1;
}

/** Whether the filter admits that the SSTable holds `key`; `false` is certain. */
export function isPresent(filter: BloomFilter, key: Uint8Array): boolean {
  return isHashPresent(filter, murmur3(key, 0, key.length, keyHash));
}

/** {@link isPresent} for a key's Murmur3 hash; FilterBits answers many of them faster. */
export function isHashPresent({ hashCount, bits }: BloomFilter, hash: Hash128): boolean {
  return isHashIn(hashCount, bits.length * 8, hash, (at) => bits[at]!);
}

/** {@link isHashPresent} in a filter of `capacity` bits, of which no more bytes are asked for than the answer needs. */
export function isHashIn(hashCount: number, capacity: number, hash: Hash128, byteAt: (at: number) => number): boolean {
  let hi = hash[2]!;
  let lo = hash[3]!;
  for (let k = 0; k < hashCount; k++) {
    const bit = absoluteRemainder(hi, lo, capacity);
    if (!(byteAt(Math.floor(bit / 8)) & (1 << (bit & 7)))) return false;
    const sum = (lo >>> 0) + (hash[1]! >>> 0);
    hi = (hi + hash[0]! + (sum > 0xffffffff ? 1 : 0)) | 0;
    lo = sum | 0;
  }
  return true;
}

/** The bits of a key's Murmur3 hash, in the order in which they are asked; one may occur twice. */
export function hashBits({ hashCount, bits }: BloomFilter, hash: Hash128): number[] {
  const capacity = bits.length * 8;
  const list: number[] = [];
  let hi = hash[2]!;
  let lo = hash[3]!;
  for (let k = 0; k < hashCount; k++) {
    list.push(absoluteRemainder(hi, lo, capacity));
    const sum = (lo >>> 0) + (hash[1]! >>> 0);
    hi = (hi + hash[0]! + (sum > 0xffffffff ? 1 : 0)) | 0;
    lo = sum | 0;
  }
  return list;
}

/** How many bits are set: with the count of keys, how often the filter errs. */
export function bitsSet({ bits }: BloomFilter): number {
  const aligned = bits.byteOffset % 4 === 0 ? bits : bits.slice();
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    let w = words[i]!;
    w -= (w >>> 1) & 0x55555555;
    w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
    count += Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

const keyHash: Hash128 = new Int32Array(4);

/** |n % m| of a signed 64-bit n, 0 < m < 2^37. */
function absoluteRemainder(hi: number, lo: number, m: number): number {
  let high = hi;
  let low = lo;
  if (hi < 0) {
    low = -lo | 0;
    high = low === 0 ? -hi : ~hi;
  }
  return unsignedRemainder(high, low, m);
}

/** n % m of an unsigned 64-bit n, 0 < m < 2^37: sixteen bits at a time, so that every product stays below 2^53. */
function unsignedRemainder(hi: number, lo: number, m: number): number {
  let r = remainder(hi >>> 0, m);
  r = remainder(r * 65536 + (lo >>> 16), m);
  return remainder(r * 65536 + (lo & 0xffff), m);
}

/** n % m of integral doubles below 2^53, without the slow path that `%` takes for doubles. */
function remainder(n: number, m: number): number {
  if (n < m) return n;
  let r = n - Math.floor(n / m) * m;
  if (r < 0) r += m;
  else if (r >= m) r -= m;
  return r;
}
