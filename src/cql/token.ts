/** Tokens of partition keys: what the two hashing partitioners make of a key's bytes. */
import { createRequire } from 'node:module';
import { compare64, MIN_HI } from '../bytes/int64.js';
import { type Hash128, murmur3 } from '../bytes/murmur3.js';

const hash: Hash128 = new Int32Array(4);

/**
 * Murmur3Partitioner's token of `key[start, end)` into `out[0]` (high half) and `out[1]` (low half); returns `out`. The empty key has the
 * minimum, Long.MIN_VALUE, which no other key can have: a hash of that value becomes Long.MAX_VALUE.
 */
export function murmur3Token(key: Uint8Array, start: number, end: number, out: Int32Array): Int32Array {
  if (start < end) murmur3(key, start, end, hash);
  return murmur3TokenOf(hash, end - start, out);
}

/** {@link murmur3Token} of a key of `length` bytes with that hash. */
export function murmur3TokenOf(hash: Hash128, length: number, out: Int32Array): Int32Array {
  if (length === 0) {
    out[0] = MIN_HI;
    out[1] = 0;
    return out;
  }
  const isMinimum = hash[0] === MIN_HI && hash[1] === 0;
  out[0] = isMinimum ? 0x7fffffff : hash[0]!;
  out[1] = isMinimum ? -1 : hash[1]!;
  return out;
}

/** `node:crypto` takes a twentieth of a start, and RandomPartitioner is rare. */
let crypto: typeof import('node:crypto') | undefined;

/** RandomPartitioner's token, 0 to 2^127: the MD5 of the key as a signed number, made positive; -1 for the empty key. */
export function randomToken(key: Uint8Array): bigint {
  if (key.length === 0) return -1n;
  crypto ??= createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
  const value = BigInt.asIntN(128, BigInt(`0x${crypto.createHash('md5').update(key).digest('hex')}`));
  return value < 0n ? -value : value;
}

/** Unsigned bytes, then length, of two ranges. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const n = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < n; i++) {
    const d = a[aStart + i]! - b[bStart + i]!;
    if (d !== 0) return d;
  }
  return aEnd - aStart - (bEnd - bStart);
}

const tokenA = new Int32Array(2);
const tokenB = new Int32Array(2);

/** Order of two keys under Murmur3Partitioner: by token, then by bytes. */
export function compareMurmur3Keys(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  murmur3Token(a, aStart, aEnd, tokenA);
  murmur3Token(b, bStart, bEnd, tokenB);
  const c = compare64(tokenA[0]!, tokenA[1]!, tokenB[0]!, tokenB[1]!);
  return c !== 0 ? c : compareBytes(a, aStart, aEnd, b, bStart, bEnd);
}
