/**
 * One Zstd frame a chunk: by `node:zlib` where it knows Zstd (22.15 and later), else by the `zstd-codec` package.
 *
 *   u32 LE magic | u8 descriptor | [u8 window] | [dictionary id] | plain length in 0, 1, 2, 4 or 8 bytes LE | blocks | [u32 LE checksum]
 */
import zlib from 'node:zlib';
import type { Simple, Streaming } from 'zstd-codec';
import { UnsupportedError } from '../bytes/errors.js';
import { type Codec, CodecError, type CodecOptions, checkOptions, checkRoom, integerOption, place } from './codec.js';

const MAGIC = 0xfd2fb528;
const LEVEL_OPTION = 'compression_level';
const DEFAULT_LEVEL = 3;
const MIN_LEVEL = -131072;
const MAX_LEVEL = 22;

/** Plain length in a Zstd frame header, or -1 where it has none. @throws CodecError where there is no frame */
export function contentSize(src: Uint8Array, start: number, end: number): number {
  const u32 = (at: number) => (src[at]! | (src[at + 1]! << 8) | (src[at + 2]! << 16) | (src[at + 3]! << 24)) >>> 0;
  if (end - start < 6 || u32(start) !== MAGIC) throw new CodecError('not a Zstd frame');
  const descriptor = src[start + 4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  const at = start + 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  if (at + sizeBytes > end) throw new CodecError('Zstd frame ends in its header');
  switch (sizeBytes) {
    case 0:
      return -1;
    case 1:
      return src[at]!;
    case 2:
      return (src[at]! | (src[at + 1]! << 8)) + 256;
    case 4:
      return u32(at);
    default:
      return u32(at) + u32(at + 4) * 4294967296;
  }
}

/** What of `node:zlib` its types for Node 20 do not know. */
type ZlibWithZstd = {
  zstdDecompressSync?: (data: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
  zstdCompressSync?: (data: Uint8Array, options: { params: Record<number, number> }) => Uint8Array;
  constants: { ZSTD_c_compressionLevel: number; ZSTD_c_checksumFlag: number };
};

/** Both directions for one whole frame; `null` for what the library refuses. */
type Library = {
  decompress(src: Uint8Array, length: number): Uint8Array | null;
  compress(src: Uint8Array, level: number): Uint8Array | null;
};

/**
 * Stored and plain bytes that `zstd-codec` has room for together: its memory of 16 MiB never grows, and where that is used up it prints to the
 * console and fails. (Chunks of 5 + 5, 2 + 8 and 0 + 10 MiB pass, 6 + 6 and 0 + 12 do not.)
 */
const PACKAGE_ROOM_BYTES = 10 << 20;

async function loadLibrary(): Promise<Library> {
  const { zstdDecompressSync, zstdCompressSync, constants } = zlib as unknown as ZlibWithZstd;
  if (zstdDecompressSync && zstdCompressSync) {
    return {
      decompress: (src, length) => zstdDecompressSync(src, { maxOutputLength: Math.max(1, length) }),
      compress: (src, level) =>
        zstdCompressSync(src, {
          params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
        }),
    };
  }
  const { ZstdCodec } = (await import('zstd-codec')).default;
  const [simple, streaming] = await new Promise<[Simple, Streaming]>((done) =>
    ZstdCodec.run((zstd) => done([new zstd.Simple(), new zstd.Streaming()])),
  );
  return {
    decompress(src, length) {
      if (src.length + length <= PACKAGE_ROOM_BYTES) return simple.decompress(src);
      if (windowBytes(src) <= MAX_WINDOW_BYTES) return streaming.decompressChunks(piecesOf(src), length);
      throw new UnsupportedError(`a Zstd chunk of ${length} bytes is too large for this version of Node`, {
        seen: `${src.length} bytes, ${length} decompressed`,
        expected: `at most ${PACKAGE_ROOM_BYTES} together, or a window of at most ${MAX_WINDOW_BYTES}`,
        hint: 'Node 22.15 or later reads it: it brings a Zstd of its own',
      });
    },
    compress: (src, level) =>
      src.length + compressBound(src.length) <= PACKAGE_ROOM_BYTES ? simple.compress(src, level) : null,
  };
}

/** What goes through the package's memory at a time, where a frame as a whole does not fit (sections of commit logs). */
const PIECE_BYTES = 1 << 16;
/** The window is held in that memory: 2 MiB at level 3, 8 MiB at the highest. */
const MAX_WINDOW_BYTES = 8 << 20;

/** Bytes that a frame looks back on. */
function windowBytes(src: Uint8Array): number {
  if (((src[4] ?? 0) & 0x20) !== 0) return contentSize(src, 0, src.length);
  const log = 10 + ((src[5] ?? 0) >>> 3);
  return 2 ** log + (2 ** log / 8) * ((src[5] ?? 0) & 7);
}

function* piecesOf(src: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < src.length; at += PIECE_BYTES) yield src.subarray(at, at + PIECE_BYTES);
}

/** As libzstd's ZSTD_compressBound. */
function compressBound(length: number): number {
  return length + Math.floor(length / 256) + (length < 131072 ? Math.floor((131072 - length) / 2048) : 0);
}

export async function zstdCodec(options: CodecOptions = {}): Promise<Codec> {
  checkOptions('ZstdCompressor', options, [LEVEL_OPTION]);
  const level = integerOption(options, LEVEL_OPTION, DEFAULT_LEVEL, MIN_LEVEL, MAX_LEVEL);
  const library = await loadLibrary();
  return {
    name: 'ZstdCompressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      const length = contentSize(src, srcStart, srcEnd);
      if (length !== -1 && length !== dstLength) {
        throw new CodecError(`Zstd chunk says ${length} plain bytes where ${dstLength} belong`);
      }
      let plain: Uint8Array | null;
      try {
        plain = library.decompress(src.subarray(srcStart, srcEnd), dstLength);
      } catch (error) {
        if (error instanceof UnsupportedError) throw error;
        throw new CodecError(`Zstd: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (!plain) throw new CodecError('malformed Zstd frame');
      place(plain, dst, dstStart, dstLength, 'Zstd');
    },
    compress(src, srcStart, srcEnd, dst, dstStart) {
      checkRoom(dst, dstStart, compressBound(srcEnd - srcStart));
      const stored = library.compress(src.subarray(srcStart, srcEnd), level);
      if (!stored) {
        throw new UnsupportedError('the Zstd library refused to compress a chunk', {
          seen: `${srcEnd - srcStart} bytes at level ${level}`,
          hint: 'Node 22.15 and later bring a Zstd of their own',
        });
      }
      dst.set(stored, dstStart);
      return stored.length;
    },
    maxCompressedLength: compressBound,
  };
}
