/** Against the definition in bigints, signed last bytes and all. Tokens hold it to Cassandra (`test/cql/token.test.ts`). */
import { expect, test } from 'vitest';
import { murmur3 } from '../../src/bytes/murmur3.js';
import { sequence16 } from '../sequence.js';

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

const u64 = (n: bigint) => BigInt.asUintN(64, n);
const rotated = (n: bigint, by: bigint) => u64((n << by) | (u64(n) >> (64n - by)));
const mix1 = (k: bigint) => u64(rotated(u64(k * C1), 31n) * C2);
const mix2 = (k: bigint) => u64(rotated(u64(k * C2), 33n) * C1);

function finalMix(k: bigint): bigint {
  const first = u64((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn);
  const second = u64((first ^ (first >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return second ^ (second >> 33n);
}

function tail(bytes: Uint8Array): bigint {
  return bytes.reduce((word, byte, i) => word ^ u64(BigInt((byte << 24) >> 24) << BigInt(8 * i)), 0n);
}

function defined(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [h1, h2, p] = [0n, 0n, 0];
  for (; p + 16 <= bytes.length; p += 16) {
    h1 = u64((rotated(h1 ^ mix1(view.getBigUint64(p, true)), 27n) + h2) * 5n + 0x52dce729n);
    h2 = u64((rotated(h2 ^ mix2(view.getBigUint64(p + 8, true)), 31n) + h1) * 5n + 0x38495ab5n);
  }
  if (bytes.length - p > 8) h2 ^= mix2(tail(bytes.subarray(p + 8)));
  if (bytes.length > p) h1 ^= mix1(tail(bytes.subarray(p, p + 8)));
  h1 ^= BigInt(bytes.length);
  h2 ^= BigInt(bytes.length);
  h1 = u64(h1 + h2);
  h2 = u64(h2 + h1);
  h1 = finalMix(h1);
  h2 = finalMix(h2);
  h1 = u64(h1 + h2);
  return [h1, u64(h2 + h1)].map((half) => half.toString(16).padStart(16, '0')).join('');
}

test.each([...Array.from({ length: 70 }, (_, i) => i), 65_535, 70_000, 200_001, 5])('%i bytes', (length) => {
  const next = sequence16(length + 3);
  const bytes = Uint8Array.from({ length: length + 6 }, (_, i) => (i < 3 || i >= length + 3 ? 0xee : next()));
  const hash = murmur3(bytes, 3, length + 3, new Int32Array(4));
  const hex = [...hash].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  expect(hex).toBe(defined(bytes.subarray(3, length + 3)));
});
