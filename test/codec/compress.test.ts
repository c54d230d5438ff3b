/** Every compressor: what it writes comes back, fits its bound, and is what the real libraries write where that is promised. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { InvariantError, UnsupportedError } from '../../src/bytes/errors.js';
import type { Codec, CodecOptions } from '../../src/codec/codec.js';
import { loadCodec, loadCompressor } from '../../src/codec/load.js';
import { decodeLz4Block } from '../../src/codec/lz4-block.js';
import { REFERENCE, referenceInput } from './reference-input.js';

const CODECS: readonly (readonly [name: string, options: CodecOptions])[] = [
  ['LZ4Compressor', {}],
  ['LZ4Compressor', { lz4_compressor_type: 'high', lz4_high_compressor_level: '9' }],
  ['LZ4Compressor', { lz4_compressor_type: 'high', lz4_high_compressor_level: '4' }],
  ['SnappyCompressor', {}],
  ['DeflateCompressor', {}],
  ['ZstdCompressor', {}],
  ['ZstdCompressor', { compression_level: '9' }],
  ['NoopCompressor', {}],
];

/** Bytes of few kinds and in runs, so that there are matches: short, long, far and over themselves. */
const compressible = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 400 })), { maxLength: 60 })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));
const random = fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes));
const plainBytes = fc.oneof(compressible, random, fc.tuple(compressible, random, compressible).map(Buffer.concat));

/** `plain` compressed from the middle of one array to the middle of another, whose edges must stay as they are. */
function compress(codec: Codec, plain: Uint8Array): Buffer {
  const src = Buffer.concat([Buffer.from([1, 2, 3]), plain, Buffer.from([1, 2, 3, 4, 5])]);
  const bound = codec.maxCompressedLength(plain.length);
  const whole = Buffer.alloc(bound + 12, 0xee);
  const dst = whole.subarray(0, bound + 7);
  const length = codec.compress(src, 3, 3 + plain.length, dst, 7);
  expect(length).toBeLessThanOrEqual(bound);
  expect(whole.toString('hex', 0, 7) + whole.toString('hex', bound + 7)).toBe('ee'.repeat(12));
  expect(src.subarray(3, 3 + plain.length).equals(plain)).toBe(true);
  return Buffer.from(dst.subarray(7, 7 + length));
}

describe.each(CODECS)('%s %j', (name, options) => {
  it('gives back what it wrote', async () => {
    const codec = await loadCompressor(`org.apache.cassandra.io.compress.${name}`, options);
    const reader = await loadCodec(name);
    expect(codec.name).toBe(name);
    fc.assert(
      fc.property(plainBytes, (plain) => {
        const stored = compress(codec, plain);
        expect(stored.equals(compress(codec, plain))).toBe(true); // what it keeps between chunks does no harm
        if (plain.length === 0) return; // no reader asks for an empty chunk
        const back = Buffer.alloc(plain.length);
        reader.decompress(stored, 0, stored.length, back, 0, plain.length);
        expect(back.equals(plain)).toBe(true);
      }),
      { numRuns: name === 'ZstdCompressor' ? 60 : 150 },
    );
  });

  it('gives back what is longer than its window', async () => {
    const codec = await loadCompressor(name, options);
    const plain = Buffer.concat([referenceInput('mixed', 70_000), referenceInput('words', 70_001)]);
    const stored = compress(codec, plain);
    const back = Buffer.alloc(plain.length);
    codec.decompress(stored, 0, stored.length, back, 0, plain.length);
    expect(back.equals(plain)).toBe(true);
    if (name !== 'NoopCompressor') expect(stored.length).toBeLessThan(plain.length * 0.75);
  });

  it('refuses to write where there may be no room', async () => {
    const codec = await loadCompressor(name, options);
    const dst = new Uint8Array(codec.maxCompressedLength(1000) + 4);
    expect(() => codec.compress(new Uint8Array(1000), 0, 1000, dst, 5)).toThrow(InvariantError);
    expect(dst.every((byte) => byte === 0)).toBe(true);
    codec.compress(new Uint8Array(1000), 0, 1000, dst, 4);
  });
});

/** Stored bytes of a chunk of nothing, as Cassandra's compressors make them. */
const EMPTY: readonly (readonly [string, string])[] = [
  ['LZ4Compressor', '0000000000'],
  ['SnappyCompressor', '00'],
  ['DeflateCompressor', ''],
  ['NoopCompressor', ''],
];

describe('the bytes are those of the real libraries', () => {
  it.each(REFERENCE)('%s of %i bytes', async (kind, length, fast, high3, high9, snappy) => {
    const plain = referenceInput(kind, length);
    const lz4 = async (options: CodecOptions) => {
      const stored = compress(await loadCompressor('LZ4Compressor', options), plain);
      expect(stored.readUInt32LE(0)).toBe(length);
      return crc32(stored.subarray(4)).toString(16);
    };
    expect(await lz4({})).toBe(fast);
    expect(await lz4({ lz4_compressor_type: 'high', lz4_high_compressor_level: '3' })).toBe(high3);
    expect(await lz4({ lz4_compressor_type: 'high' })).toBe(high9);
    expect(crc32(compress(await loadCompressor('SnappyCompressor'), plain)).toString(16)).toBe(snappy);
  });

  it.each(EMPTY)('%s of nothing', async (name, hex) => {
    expect(compress(await loadCompressor(name), new Uint8Array(0)).toString('hex')).toBe(hex);
  });

  it('LZ4 ends with literals, and no match begins near the end', async () => {
    const codec = await loadCompressor('LZ4Compressor');
    for (let length = 1; length < 40; length++) {
      const stored = compress(codec, Buffer.alloc(length, 7));
      const back = Buffer.alloc(length);
      decodeLz4Block(stored, 4, stored.length, back, 0, length);
      expect(back.equals(Buffer.alloc(length, 7))).toBe(true);
      expect(stored.length - 4 < length).toBe(length >= 13);
    }
  });
});

describe('options', () => {
  it.each<readonly [string, CodecOptions]>([
    ['LZ4Compressor', { lz4_compressor_type: 'fast' }],
    ['LZ4Compressor', { lz4_compressor_type: 'fast', lz4_high_compressor_level: '17' }],
    ['LZ4Compressor', { lz4_compressor_type: 'high' }],
    ['ZstdCompressor', { compression_level: '22' }],
    ['ZstdCompressor', { compression_level: '0' }],
  ])('%s takes %j', async (name, options) => {
    const codec = await loadCompressor(name, options);
    expect(compress(codec, referenceInput('words', 5000)).length).toBeLessThan(4000);
  });

  it.each<readonly [string, CodecOptions]>([
    ['LZ4Compressor', { lz4_compressor_type: 'highest' }],
    ['LZ4Compressor', { lz4_high_compressor_level: '18' }],
    ['LZ4Compressor', { lz4_high_compressor_level: '0' }],
    ['LZ4Compressor', { lz4_high_compressor_level: '9.5' }],
    ['LZ4Compressor', { compression_level: '3' }],
    ['ZstdCompressor', { compression_level: '23' }],
    ['ZstdCompressor', { compression_level: 'best' }],
    ['ZstdCompressor', { level: '3' }],
    ['SnappyCompressor', { level: '3' }],
    ['DeflateCompressor', { level: '3' }],
    ['NoopCompressor', { level: '3' }],
    ['NoopCompressor', { crc_check_chance: '1.0' }],
    ['LZMACompressor', {}],
  ])('%s refuses %j', async (name, options) => {
    await expect(async () => loadCompressor(name, options)).rejects.toThrow(UnsupportedError);
  });
});
