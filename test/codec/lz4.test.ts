/** Blocks there and back, and blocks that lie. What is encoded is held to Cassandra's own in `compress.test.ts`. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Codec, CodecError } from '../../src/codec/codec.js';
import { lz4Codec } from '../../src/codec/lz4.js';
import { decodeLz4Block } from '../../src/codec/lz4-block.js';

const fast = lz4Codec();
const high = lz4Codec({ lz4_compressor_type: 'high' });

function compress(codec: Codec, plain: Uint8Array): Buffer {
  const stored = Buffer.alloc(codec.maxCompressedLength(plain.length));
  return stored.subarray(0, codec.compress(plain, 0, plain.length, stored, 0));
}

/** Bytes of few kinds and in runs, so that there are matches: short, long, and over themselves. */
const compressible = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 60 })), { maxLength: 30 })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));
const random = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes));
const plainBytes = fc.oneof(compressible, random).filter((bytes) => bytes.length > 0);

/** What becomes of `stored`, between guards that must stay as they are. */
function decompress(stored: Uint8Array, length: number): Buffer {
  const src = Buffer.concat([Buffer.from([1, 2, 3]), stored, Buffer.from([4, 5])]);
  const dst = Buffer.alloc(length + 8, 0xee);
  try {
    fast.decompress(src, 3, 3 + stored.length, dst, 4, length);
  } finally {
    expect(dst.subarray(0, 4).toString('hex') + dst.subarray(length + 4).toString('hex')).toBe('ee'.repeat(8));
  }
  return dst.subarray(4, 4 + length);
}

describe('LZ4', () => {
  it('decodes what it encodes, fast and high', () => {
    fc.assert(
      fc.property(plainBytes, (plain) => {
        expect(decompress(compress(fast, plain), plain.length).equals(plain)).toBe(true);
        expect(decompress(compress(high, plain), plain.length).equals(plain)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the right bytes or an error where some are flipped, and never writes beyond', () => {
    fc.assert(
      fc.property(plainBytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, at, xor) => {
        const stored = compress(fast, plain);
        stored[4 + (at % (stored.length - 4))]! ^= xor;
        try {
          decompress(stored, plain.length);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('refuses every block that is cut', () => {
    const plain = Buffer.from('abcabcabcabcabcabcabcabcabcabc, and then something else'.repeat(3));
    const stored = compress(fast, plain);
    for (let n = 0; n < stored.length; n++) {
      expect(() => decompress(stored.subarray(0, n), plain.length)).toThrow(CodecError);
    }
  });

  it('takes blocks of any length, one after the other', () => {
    for (const length of [1, 65_546, 65_547, 1_000_000, 3_000_000, 10]) {
      const plain = Buffer.from(Array.from({ length }, (_, i) => (i * i) >>> 7));
      expect(decompress(compress(fast, plain), length).equals(plain)).toBe(true);
    }
  });

  it.each([0, 5, 29, 31, 0x7fffffff, 0xffffffff])('refuses a plain length of %s where 30 is right', (length) => {
    const stored = compress(fast, Buffer.alloc(30, 'ab'));
    stored.writeUInt32LE(length, 0);
    expect(() => decompress(stored, 30)).toThrow(/says .* where 30 belong/);
  });

  it.each([
    ['a distance of 0', '10 61 00 00 00'],
    ['a distance to before the block', '10 61 02 00 00'],
    ['literals beyond the source', 'f0 ff 61'],
    ['literals beyond the target', 'f0 10 61616161616161616161616161616161616161616161616161616161616161'],
    ['a match beyond the target', '1f 61 01 00 ff ff 00'],
    ['a length without an end', 'f0 ff ff'],
    ['half a distance', '10 61 01'],
    ['less than the plain length', '10 61'],
  ])('refuses %s', (_, hex) => {
    const block = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(() => decodeLz4Block(block, 0, block.length, new Uint8Array(20), 0, 20)).toThrow(CodecError);
  });
});
