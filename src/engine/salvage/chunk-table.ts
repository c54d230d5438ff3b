/**
 * CompressionInfo.db made anew from Data.db, where that is whole: chunks lie one after another, each followed by the CRC-32 of its bytes.
 *
 *   chunk | u32 CRC-32 | chunk | u32 | …
 *
 * A chunk ends where the checksum of the bytes since its beginning stands next, and where they decompress to as many plain bytes as a chunk has. The
 * last one, which may be shorter, says itself how long it is. All that must come out even at the end of the file: nothing is guessed.
 */
import { crc32 } from '../../bytes/crc32.js';
import { LsmctlError } from '../../bytes/errors.js';
import type { ByteSource } from '../../bytes/source.js';
import { type Codec, CodecError } from '../../codec/codec.js';
import type { CompressionParams } from '../../codec/compression-params.js';
import { loadCodec } from '../../codec/load.js';
import { plainLengthOf } from '../../codec/plain-length.js';
import type { CompressionInfo } from '../../sstable/compression-info.js';

const CRC_BYTES = 4;
const WINDOW_BYTES = 4 << 20;
const NO_LIMIT = 0x7fffffff;

/** The table, or how far the chunks could be followed. */
export type FoundChunks = { readonly info: CompressionInfo } | { readonly stoppedAt: number };

/** @param file the name that the table goes by */
export async function findChunks(source: ByteSource, params: CompressionParams, file: string): Promise<FoundChunks> {
  const finder = new ChunkFinder(source, params, await loadCodec(params.compressor));
  const offsets: number[] = [];
  let position = 0;
  let lastLength = 0;
  while (position < source.size) {
    const found = finder.next(position);
    if (!found) return { stoppedAt: position };
    offsets.push(position);
    position += found.stored + CRC_BYTES;
    lastLength = found.plain;
  }
  if (offsets.length === 0) return { stoppedAt: 0 };
  const { compressor, options, chunkLength, maxCompressedLength } = params;
  const dataLength = (offsets.length - 1) * chunkLength + lastLength;
  const bytes = new DataView(new ArrayBuffer(offsets.length * 8));
  for (const [i, offset] of offsets.entries()) bytes.setBigInt64(i * 8, BigInt(offset));
  const shape = { file, compressor, options, chunkLength, maxCompressedLength, dataLength, chunkCount: offsets.length };
  return { info: { ...shape, offsets: new Uint8Array(bytes.buffer) } };
}

class ChunkFinder {
  private readonly source: ByteSource;
  private readonly params: CompressionParams;
  private readonly codec: Codec;
  private readonly plain: Uint8Array;
  private readonly mostStored: number;
  private window: Uint8Array;
  private start = 0;
  private length = 0;

  constructor(source: ByteSource, params: CompressionParams, codec: Codec) {
    this.source = source;
    this.params = params;
    this.codec = codec;
    this.plain = new Uint8Array(params.chunkLength);
    // no codec grows a chunk by more
    this.mostStored = Math.floor(params.chunkLength + params.chunkLength / 6 + 1024);
    this.window = new Uint8Array(Math.min(source.size, Math.max(WINDOW_BYTES, 2 * this.mostStored)));
  }

  /** The chunk that begins at `position`. */
  next(position: number): { readonly stored: number; readonly plain: number } | undefined {
    const size = Math.min(this.mostStored + CRC_BYTES, this.source.size - position);
    const from = this.fetch(position, size);
    const bytes = this.window.subarray(from, from + size);
    let guess = -1;
    for (;;) {
      const stored = endOfChunk(bytes, guess + 1);
      if (stored === undefined) return undefined;
      const isLast = position + stored + CRC_BYTES === this.source.size;
      const plain = this.plainLength(bytes.subarray(0, stored), isLast);
      if (plain !== undefined) return { stored, plain };
      guess = stored;
    }
  }

  private fetch(position: number, size: number): number {
    if (position < this.start || position + size > this.start + this.length) {
      this.start = position;
      this.length = this.source.read(position, this.window, 0, Math.min(this.window.length, this.source.size - position)); // biome-ignore format: one line
    }
    return position - this.start;
  }

  /** How many plain bytes a chunk is; `undefined` where it is none. */
  private plainLength(chunk: Uint8Array, isLast: boolean): number | undefined {
    const { chunkLength, maxCompressedLength, compressor } = this.params;
    if (maxCompressedLength !== NO_LIMIT && chunk.length >= maxCompressedLength) {
      if (chunk.length === chunkLength) return chunkLength;
      // a shorter last chunk is stored with zeros behind it; partitions do not end in one
      return isLast && chunk.length <= chunkLength ? lengthWithoutZeros(chunk) : undefined;
    }
    const length = isLast ? plainLengthOf(compressor, chunk, chunkLength) : chunkLength;
    if (length === undefined) return undefined;
    try {
      this.codec.decompress(chunk, 0, chunk.length, this.plain, 0, length);
      return length;
    } catch (error) {
      if (!(error instanceof CodecError) && !(error instanceof LsmctlError)) throw error;
      return undefined;
    }
  }
}

function lengthWithoutZeros(bytes: Uint8Array): number | undefined {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length > 0 ? length : undefined;
}

const TABLE = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** The least length from `least` on after which the CRC-32 of the bytes so far stands. */
function endOfChunk(bytes: Uint8Array, least: number): number | undefined {
  let c = least > 0 ? ~crc32(bytes.subarray(0, least)) : -1;
  const end = bytes.length - CRC_BYTES;
  for (let i = Math.max(least, 0); i <= end; i++) {
    if (i > 0 && i >= least) {
      const stored = (bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!;
      if (~c === stored) return i;
    }
    c = TABLE[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  }
  return undefined;
}
