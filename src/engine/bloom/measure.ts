/**
 * How often a filter errs, by asking it for keys that the SSTable certainly does not hold: all of a length that none of its keys has. What a
 * filter makes of a key depends on the key's hash alone, so that any absent keys do.
 */
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import { type BloomFilter, isHashPresent } from '../../sstable/filter.js';
import { confidenceInterval } from './filter-arithmetic.js';

export type MeasuredRate = {
  readonly draws: number;
  readonly passed: number;
  readonly seed: number;
  /** Bytes of the keys drawn. */
  readonly keyBytes: number;
  /** Share that passed, and the ends of the 95 % confidence interval around it, 0–1. */
  readonly rate: number;
  readonly low: number;
  readonly high: number;
};

/** Shorter keys than this would repeat themselves among a million. */
const MIN_KEY_BYTES = 12;
const MAX_KEY_BYTES = 0xffff;

/** Collects the lengths that keys have. */
export class KeyLengths {
  private readonly seen = new Uint8Array(MAX_KEY_BYTES + 1);

  add(length: number): void {
    this.seen[length] = 1;
  }

  /** A length that no key has; `undefined` where every one from 12 bytes on is taken. */
  unused(): number | undefined {
    const at = this.seen.indexOf(0, MIN_KEY_BYTES);
    return at < 0 ? undefined : at;
  }
}

/** Asks for `draws` keys of `keyBytes` bytes, drawn by `seed` (an int32). */
export function measureRate(filter: BloomFilter, keyBytes: number, draws: number, seed: number): MeasuredRate {
  const key = new Uint8Array(keyBytes);
  const next = xorshift(seed);
  const hash: Hash128 = new Int32Array(4);
  let passed = 0;
  for (let i = 0; i < draws; i++) {
    for (let at = 0; at < keyBytes; at += 4) {
      const bits = next();
      key[at] = bits;
      key[at + 1] = bits >>> 8;
      key[at + 2] = bits >>> 16;
      key[at + 3] = bits >>> 24;
    }
    if (isHashPresent(filter, murmur3(key, 0, keyBytes, hash))) passed++;
  }
  return { draws, passed, seed, keyBytes, rate: passed / draws, ...confidenceInterval(passed, draws) };
}

/** Marsaglia's xorshift128: int32s with a period of 2^128 − 1. */
function xorshift(seed: number): () => number {
  let x = seed | 0;
  let y = 0x159a55e5;
  let z = 0x1f123bb5;
  let w = 0x05491333;
  const next = () => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return w;
  };
  for (let i = 0; i < 20; i++) next(); // seeds that differ in a bit begin alike
  return next;
}
