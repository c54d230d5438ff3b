/** How long a chunk is once it is decompressed, as far as the chunk itself tells. */
import zlib from 'node:zlib';
import { simpleName } from './load.js';

/**
 * Plain bytes of the chunk `bytes`, at most `most`; `undefined` where it does not tell, or is none of that compressor's.
 *
 *   LZ4       u32 little-endian, then the block
 *   Snappy    varint, then its elements
 *   Zstd      content size in the header of the frame, which Cassandra's writer always stores
 *   Deflate   only what comes of it
 */
export function plainLengthOf(compressor: string, bytes: Uint8Array, most: number): number | undefined {
  const length = lengthOf(simpleName(compressor), bytes, most);
  return length !== undefined && length > 0 && length <= most ? length : undefined;
}

function lengthOf(name: string, b: Uint8Array, most: number): number | undefined {
  switch (name) {
    case 'LZ4Compressor':
      return b.length > 4 ? littleEndian(b, 0, 4) : undefined;
    case 'SnappyCompressor':
      return varint(b);
    case 'ZstdCompressor':
      return zstdContentSize(b);
    case 'DeflateCompressor':
      return inflatedLength(b, most);
    case 'NoopCompressor':
      return b.length;
    default:
      return undefined;
  }
}

function littleEndian(b: Uint8Array, at: number, count: number): number | undefined {
  if (at + count > b.length) return undefined;
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + b[at + i]!;
  return value;
}

function varint(b: Uint8Array): number | undefined {
  let value = 0;
  for (let i = 0; i < 5 && i < b.length; i++) {
    value += (b[i]! & 0x7f) * 2 ** (7 * i);
    if (b[i]! < 0x80) return value;
  }
  return undefined;
}

const ZSTD_MAGIC = 0xfd2fb528;
const DICTIONARY_BYTES = [0, 1, 2, 4];

/** u32 magic | u8 descriptor | [u8 window] | [dictionary] | content size of 0, 1, 2, 4 or 8 bytes. */
function zstdContentSize(b: Uint8Array): number | undefined {
  if (littleEndian(b, 0, 4) !== ZSTD_MAGIC || b.length < 6) return undefined;
  const descriptor = b[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? littleEndian(b, at, 1) : undefined;
    case 1: {
      const size = littleEndian(b, at, 2);
      return size === undefined ? undefined : size + 256;
    }
    case 2:
      return littleEndian(b, at, 4);
    default:
      return littleEndian(b, at, 8);
  }
}

function inflatedLength(b: Uint8Array, most: number): number | undefined {
  try {
    return zlib.inflateSync(b, { maxOutputLength: most }).length;
  } catch {
    return undefined;
  }
}
