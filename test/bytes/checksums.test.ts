import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { combineCrc32 } from '../../src/bytes/crc32-combine.js';
import { crc32c } from '../../src/bytes/crc32c.js';

const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 2654435761) >>> 24);

describe('combineCrc32', () => {
  it.each([
    [0, 0],
    [0, 5],
    [5, 0],
    [1, 1],
    [9, 4],
    [1000, 65536],
    [65536, 16389],
  ])('of %i and %i bytes is that of both', (a, b) => {
    const all = bytes(a + b);
    const [first, second] = [all.subarray(0, a), all.subarray(a)];
    expect(combineCrc32(crc32(first), crc32(second), b)).toBe(crc32(all));
  });
});

describe('crc32c', () => {
  // the check value of the catalogue of CRCs
  it('is Castagnoli', () => expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283));
  it.each([0, 1, 7, 8, 9, 63, 1000])('of %i bytes does not depend on pieces', (n) => {
    const all = bytes(n);
    const at = n >> 1;
    expect(crc32c(all.subarray(at), crc32c(all.subarray(0, at)))).toBe(crc32c(all));
  });
});
