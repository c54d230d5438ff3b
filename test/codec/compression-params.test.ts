/** A table's compression options, and what its files get of them. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError, UsageError } from '../../src/bytes/errors.js';
import { type CompressionParams, compressionParams, loadCompression } from '../../src/codec/compression-params.js';

const NO_LIMIT = 0x7fffffff;
type Options = Readonly<Record<string, string>>;

describe('compressionParams', () => {
  it.each<readonly [Options]>([[{}], [{ enabled: 'false' }], [{ enabled: 'no' }]])('%j: not compressed', (options) => {
    expect(compressionParams(options)).toBeUndefined();
  });

  it.each<readonly [Options, CompressionParams]>([
    [
      { chunk_length_in_kb: '16', class: 'org.apache.cassandra.io.compress.LZ4Compressor' },
      { compressor: 'LZ4Compressor', options: [], chunkLength: 16384, maxCompressedLength: NO_LIMIT },
    ],
    [
      { class: 'SnappyCompressor', enabled: 'true' },
      { compressor: 'SnappyCompressor', options: [], chunkLength: 16384, maxCompressedLength: NO_LIMIT },
    ],
    [
      { class: 'NoopCompressor', chunk_length_in_kb: '64', min_compress_ratio: '0.0' },
      { compressor: 'NoopCompressor', options: [], chunkLength: 65536, maxCompressedLength: NO_LIMIT },
    ],
    [
      { class: 'LZ4Compressor', chunk_length_in_kb: '4', min_compress_ratio: '1.5' },
      { compressor: 'LZ4Compressor', options: [], chunkLength: 4096, maxCompressedLength: 2731 },
    ],
    [
      { class: 'DeflateCompressor', min_compress_ratio: '1' },
      { compressor: 'DeflateCompressor', options: [], chunkLength: 16384, maxCompressedLength: 16384 },
    ],
    [
      { class: 'LZ4Compressor', lz4_high_compressor_level: '12', lz4_compressor_type: 'high' },
      {
        compressor: 'LZ4Compressor',
        options: [
          ['lz4_compressor_type', 'high'],
          ['lz4_high_compressor_level', '12'],
        ],
        chunkLength: 16384,
        maxCompressedLength: NO_LIMIT,
      },
    ],
    [
      { class: 'ZstdCompressor', compression_level: '5' },
      {
        compressor: 'ZstdCompressor',
        options: [['compression_level', '5']],
        chunkLength: 16384,
        maxCompressedLength: NO_LIMIT,
      },
    ],
  ])('%j', (options, expected) => {
    expect(compressionParams(options)).toEqual(expected);
  });

  it.each<readonly [Options]>([
    [{ chunk_length_in_kb: '16' }],
    [{ class: '' }],
    [{ class: 'LZ4Compressor', chunk_length_in_kb: '0' }],
    [{ class: 'LZ4Compressor', chunk_length_in_kb: '12' }],
    [{ class: 'LZ4Compressor', chunk_length_in_kb: '-16' }],
    [{ class: 'LZ4Compressor', chunk_length_in_kb: '4194304' }],
    [{ class: 'LZ4Compressor', chunk_length_in_kb: '16k' }],
    [{ class: 'LZ4Compressor', min_compress_ratio: '0.5' }],
    [{ class: 'LZ4Compressor', min_compress_ratio: '-1' }],
    [{ class: 'LZ4Compressor', min_compress_ratio: 'much' }],
  ])('refuses %j', (options) => {
    expect(() => compressionParams(options)).toThrow(UsageError);
  });
});

describe('loadCompression', () => {
  it('brings the codec', async () => {
    const loaded = await loadCompression(compressionParams({ class: 'LZ4Compressor' })!);
    expect(loaded.codec.name).toBe('LZ4Compressor');
    expect(loaded.chunkLength).toBe(16384);
  });

  it.each<readonly [Options]>([
    [{ class: 'LZMACompressor' }],
    [{ class: 'LZ4Compressor', level: '3' }],
    [{ class: 'LZ4Compressor', chunk_length_in_kb: '1048576' }],
  ])('refuses %j', async (options) => {
    await expect(loadCompression(compressionParams(options)!)).rejects.toThrow(UnsupportedError);
  });
});
