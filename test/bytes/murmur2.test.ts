import { expect, test } from 'vitest';
import { murmur2 } from '../../src/bytes/murmur2.js';
import { sequence16 } from '../sequence.js';

/** By Cassandra's MurmurHash.hash2_64. */
const HASHES: readonly (readonly [length: number, hash: string])[] = [
  [0, '0000000000000000'],
  [1, '531a739865ed73d1'],
  [2, '3394fa812a4e4b67'],
  [3, '3357a3681ecc24d8'],
  [4, '5cfe82a88c5c84bb'],
  [5, '13d582b53d9f29c5'],
  [6, 'cbfc04542a56cdfb'],
  [7, '58a29b4618dfdc68'],
  [8, 'cc3d470e7676b061'],
  [9, '9fd2630a1df3869b'],
  [15, 'e5b411bd73517966'],
  [16, 'd1b3117a5a8dbf08'],
  [17, 'ebc38b323f31f694'],
  [31, '376a95561c976455'],
  [64, '6487a9bb3eacbfc6'],
  [1000, 'a022cc3794453e72'],
];

test.each(HASHES)('hash of %i pseudo-random bytes', (length, hash) => {
  const next = sequence16(length + 7);
  const bytes = Uint8Array.from({ length: length + 6 }, (_, i) => (i < 3 || i >= length + 3 ? 0xee : next()));
  const [hi, lo] = murmur2(bytes, 3, length + 3, new Int32Array(2));
  const hex = [hi!, lo!].map((half) => (half >>> 0).toString(16).padStart(8, '0'));
  expect(hex.join('')).toBe(hash);
});
