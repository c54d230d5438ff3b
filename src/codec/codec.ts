/** Chunk compressors behind one interface. A codec is loaded on first use. */
import { InvariantError, UnsupportedError } from '../bytes/errors.js';

/**
 * What a codec writes, any reader of its format takes. Whether the stored bytes are also those that Cassandra 5.0 stores for the same chunk is the
 * codec's own freedom, and this is how they use it:
 *
 *   NoopCompressor                     the same bytes
 *   LZ4Compressor, type fast           the same bytes: its encoder makes the choices of the reference encoder
 *   SnappyCompressor                   the same bytes, likewise
 *   LZ4Compressor, type high           levels 3 to 9 (9 is the preset): the same bytes, likewise; others: valid LZ4 of about the same size
 *   DeflateCompressor                  a valid zlib stream of about the same size; the same bytes only where Node and the JVM bring the same zlib
 *   ZstdCompressor                     a valid frame; the same bytes only where node:zlib brings the same libzstd. The `zstd-codec` package that
 *                                      stands in for it brings an older one, and its frames lack the optional checksum of the content
 */
export interface Codec {
  /** Cassandra's class name without its package: LZ4Compressor, SnappyCompressor, DeflateCompressor, ZstdCompressor, NoopCompressor. */
  readonly name: string;
  /**
   * Decompresses `src[srcStart, srcEnd)` into `dst[dstStart, dstStart + dstLength)`; the result must fill that range exactly.
   * @throws CodecError when the bytes are not what the codec makes, or their plain length is another
   */
  decompress(
    src: Uint8Array,
    srcStart: number,
    srcEnd: number,
    dst: Uint8Array,
    dstStart: number,
    dstLength: number,
  ): void;
  /**
   * Compresses `src[srcStart, srcEnd)` to `dst[dstStart…]` and returns how many bytes it wrote.
   * @throws InvariantError, with nothing written, where `dst` has less room than {@link maxCompressedLength}
   */
  compress(src: Uint8Array, srcStart: number, srcEnd: number, dst: Uint8Array, dstStart: number): number;
  /** The most bytes that a chunk of `plainLength` can become. */
  maxCompressedLength(plainLength: number): number;
  /**
   * The same codec, which decompresses what lies in `memory` to where it goes in `memory` without a copy; up to 64 bytes behind `dst` may then be
   * overwritten, and all of `dst` before it throws. For other bytes it is as ever, and where `memory` has grown.
   */
  within?(memory: WebAssembly.Memory): Codec;
  /** For many chunks at a call, with {@link CHUNK_RUNNER_BYTES} of `memory` from `at` on as its own, a multiple of 16. Absent: it has no such way. */
  runsWithin?(memory: WebAssembly.Memory, at: number): ChunkRunner;
}

/** Room for what any codec's {@link Codec.runsWithin} wants. */
export const CHUNK_RUNNER_BYTES = 1 << 13;

/** Chunks one after another, as Data.db has them, each with its checksum behind it. */
export type ChunkRun = {
  /** At most {@link ChunkRunner.mostChunks}. */
  readonly count: number;
  /** Addresses of the stored bytes that are at hand, and the position of the first in Data.db. */
  readonly src: number;
  readonly srcEnd: number;
  readonly srcPosition: number;
  /** Address of the plain bytes; there is room for `count` chunks, and 64 bytes more that are nobody's. */
  readonly dst: number;
  /** Plain bytes of each chunk, and of the last of the run. */
  readonly chunkLength: number;
  readonly lastLength: number;
  /** Stored bytes from which on a chunk is stored as it was. */
  readonly maxCompressedLength: number;
};

export interface ChunkRunner {
  readonly mostChunks: number;
  /** For the caller to fill: where each chunk of a run begins in Data.db, i64 big-endian, and where the last one's checksum ends. */
  readonly positions: Uint8Array;
  /**
   * Decompresses as many as are at hand and as they should be, but for their checksums, and returns how many.
   * @param sum CRC-32 of the bytes before them
   */
  run(wanted: ChunkRun, sum: number): number;
  /** CRC-32 of all bytes up to `end`, an address, if the checksum of each of the chunks is right: who has read them has yet to compare it. */
  readonly sum: number;
  readonly end: number;
}

/** Options of a compressor, as in a table's `compression`: without class, chunk_length_in_kb and min_compress_ratio. */
export type CodecOptions = Readonly<Record<string, string>>;

/** Bytes that a codec refuses; the reader adds file, chunk and offset. */
export class CodecError extends Error {
  override name = 'CodecError';
}

/** @throws InvariantError where `dst` has fewer than `needed` bytes from `dstStart` on */
export function checkRoom(dst: Uint8Array, dstStart: number, needed: number): void {
  const room = dst.length - dstStart;
  if (room < needed) throw new InvariantError('no room for a compressed chunk', { seen: room, expected: needed });
}

/** `dst` gets `plain`, which must have exactly the length that the chunk table promises. */
export function place(plain: Uint8Array, dst: Uint8Array, dstStart: number, dstLength: number, name: string): void {
  if (plain.length !== dstLength) {
    throw new CodecError(`${name} chunk gives ${plain.length} plain bytes where ${dstLength} belong`);
  }
  dst.set(plain, dstStart);
}

/** @throws UnsupportedError for an option that `compressor` does not have */
export function checkOptions(compressor: string, options: CodecOptions, known: readonly string[] = []): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new UnsupportedError(`${compressor} has no option '${key}'`, {
      seen: key,
      expected: known.length > 0 ? known.join(', ') : 'no options',
    });
  }
}

/** An option that is a whole number. @throws UnsupportedError unless it is one from `min` to `max` */
export function integerOption(options: CodecOptions, key: string, preset: number, min: number, max: number): number {
  const text = options[key];
  if (text === undefined) return preset;
  const value = /^[+-]?[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UnsupportedError(`compression option '${key}' is out of range`, {
    seen: text,
    expected: `${min} to ${max}`,
  });
}
