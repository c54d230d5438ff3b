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

/**
 * Blocks of sequences that no encoder would choose: any lengths, and distances from 1 on, the short ones most of all. `plain` is what they say;
 * the last sequence has no match.
 */
const sequences = fc
  .array(
    fc.tuple(
      fc.oneof(fc.nat(16), fc.nat(300)),
      fc.oneof(fc.integer({ min: 4, max: 24 }), fc.integer({ min: 4, max: 600 })),
      fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4000 })),
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) => {
    const block: number[] = [];
    const plain: number[] = [];
    const putLength = (extra: number) => {
      for (; extra >= 255; extra -= 255) block.push(255);
      block.push(extra);
    };
    for (const [i, [some, match, back]] of list.entries()) {
      const literals = i === 0 ? some + 1 : some;
      const isLast = i === list.length - 1;
      block.push((Math.min(literals, 15) << 4) | (isLast ? 0 : Math.min(match - 4, 15)));
      if (literals >= 15) putLength(literals - 15);
      for (let n = 0; n < literals; n++) {
        block.push((plain.length * 7) & 255);
        plain.push((plain.length * 7) & 255);
      }
      if (isLast) break;
      const distance = Math.min(back, plain.length);
      block.push(distance & 255, distance >>> 8);
      if (match - 4 >= 15) putLength(match - 4 - 15);
      for (let n = 0; n < match; n++) plain.push(plain[plain.length - distance]!);
    }
    return { block: Uint8Array.from(block), plain: Uint8Array.from(plain) };
  });

/** The format as it is drawn in `lz4.ts`, a byte at a time; `undefined` where the block is malformed or of another length. */
function decodeByBytes(block: Uint8Array, length: number): Uint8Array | undefined {
  const plain: number[] = [];
  let at = 0;
  const lengthFrom = (nibble: number) => {
    let sum = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; sum += byte) byte = block[at++] ?? Number.NaN;
    return sum;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = lengthFrom(token >>> 4);
    if (!(literals <= block.length - at && literals <= length - plain.length)) return undefined;
    for (let n = 0; n < literals; n++) plain.push(block[at++]!);
    if (at === block.length) break;
    const distance = block[at]! + block[at + 1]! * 256;
    at += 2;
    if (!(distance >= 1 && distance <= plain.length)) return undefined;
    const match = lengthFrom(token & 15) + 4;
    if (!(match <= length - plain.length)) return undefined;
    for (let n = 0; n < match; n++) plain.push(plain[plain.length - distance]!);
  }
  return plain.length === length ? Uint8Array.from(plain) : undefined;
}

/** Both decoders give these bytes, or refuse the block. */
function expectSame(block: Uint8Array, length: number): void {
  expect(hexOf(decodeByKernel(block, length))).toBe(hexOf(decodeByBytes(block, length)));
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex');
}

/** What the codec makes of a block, `undefined` where it refuses it. */
function decodeByKernel(block: Uint8Array, length: number): Uint8Array | undefined {
  const stored = Buffer.concat([Buffer.alloc(4), block]);
  stored.writeUInt32LE(length, 0);
  try {
    return new Uint8Array(decompress(stored, length));
  } catch (error) {
    expect(error).toEqual(new CodecError('malformed LZ4 block, or one of another plain length'));
    return undefined;
  }
}

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

  it('decodes sequences of all lengths and distances', () => {
    fc.assert(
      fc.property(sequences, ({ block, plain }) => {
        expect(hexOf(decodeByBytes(block, plain.length))).toBe(hexOf(plain));
        expectSame(block, plain.length);
      }),
      { numRuns: 200 },
    );
  });

  it('takes and refuses what a decoder of single bytes does, whatever is flipped, cut off or of another length', () => {
    const harm = fc.record({
      at: fc.nat(),
      xor: fc.integer({ min: 0, max: 255 }),
      cut: fc.oneof(fc.constant(0), fc.nat(40)),
      longer: fc.oneof(fc.constant(0), fc.integer({ min: -60, max: 60 })),
    });
    fc.assert(
      fc.property(sequences, harm, ({ block, plain }, { at, xor, cut, longer }) => {
        const harmed = block.slice(0, Math.max(1, block.length - cut));
        harmed[at % harmed.length]! ^= xor;
        const length = Math.max(1, plain.length + longer);
        expectSame(harmed, length);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes and refuses what a decoder of single bytes does at each cut and length', () => {
    const plain = Buffer.concat([
      Buffer.from('one two three, one two three: '.repeat(4)),
      Buffer.from(Array.from({ length: 200 }, (_, i) => (i * i) >>> 3)),
      Buffer.from('abcabcabcabcabcabcabcabcabc'),
    ]);
    const block = compress(fast, plain).subarray(4);
    for (let n = 1; n <= block.length; n++) {
      const cut = block.subarray(0, n);
      expectSame(cut, plain.length);
    }
    for (let length = 1; length < plain.length + 80; length++) {
      expectSame(block, length);
    }
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
