/**
 * A byte that is wrong where a CRC-32 covers it. A change of one byte changes the checksum by what that byte alone contributes, so that all places
 * and values can be tried against the difference between the checksum that is stored and the one that is seen. Where exactly one fits, it is put
 * right: of some hundred bytes, other damage passes for such a byte once in some ten thousand times.
 */
import { crc32 } from '../../bytes/crc32.js';

const POLYNOMIAL = 0xedb88320;

/** Longer pieces have too many candidates to believe in one. */
const MAX_BYTES = 1 << 14;

export type RepairedByte = { readonly offset: number; readonly value: number } | 'sound' | 'checksum';

/**
 * The one byte of `bytes` that makes its CRC-32 `expected`; `sound` where it is that already, `checksum` where the bytes are right and one byte of the
 * checksum is not. `undefined` where no byte does it, or more than one.
 */
export function repairByte(bytes: Uint8Array, expected: number): RepairedByte | undefined {
  const difference = (crc32(bytes) ^ expected) | 0;
  if (difference === 0) return 'sound';
  if (bytes.length > MAX_BYTES) return undefined;
  const found: RepairedByte[] = [];
  for (let shift = 0; shift < 32; shift += 8) if ((difference & ~(0xff << shift)) === 0) found.push('checksum');
  // what each bit of a byte contributes, from the last byte backwards
  const bits = new Int32Array(8);
  for (let b = 0; b < 8; b++) bits[b] = step(1 << b);
  for (let offset = bytes.length - 1; offset >= 0; offset--) {
    for (let value = 1; value < 256; value++) {
      let sum = 0;
      for (let b = 0; b < 8; b++) if (value & (1 << b)) sum ^= bits[b]!;
      if (sum === difference) found.push({ offset, value: bytes[offset]! ^ value });
    }
    for (let b = 0; b < 8; b++) bits[b] = step(bits[b]! & 0xff) ^ (bits[b]! >>> 8);
  }
  return found.length === 1 ? found[0] : undefined;
}

function step(byte: number): number {
  let c = byte;
  for (let i = 0; i < 8; i++) c = (c & 1) === 0 ? c >>> 1 : (c >>> 1) ^ POLYNOMIAL;
  return c | 0;
}
