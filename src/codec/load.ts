/** Finds the codec of a compressor class and loads it on first use. */
import zlib from 'node:zlib';
import { UnsupportedError } from '../bytes/errors.js';
import { type Codec, CodecError } from './codec.js';

/** `dst` gets `plain`, which must have exactly the length that the chunk table promises. */
function place(plain: Uint8Array, dst: Uint8Array, dstStart: number, dstLength: number, name: string): void {
  if (plain.length !== dstLength) {
    throw new CodecError(`${name} chunk gives ${plain.length} plain bytes where ${dstLength} belong`);
  }
  dst.set(plain, dstStart);
}

function noopCodec(): Codec {
  return {
    name: 'NoopCompressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      place(src.subarray(srcStart, srcEnd), dst, dstStart, dstLength, 'Noop');
    },
  };
}

function deflateCodec(): Codec {
  return {
    name: 'DeflateCompressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      let plain: Uint8Array;
      try {
        plain = zlib.inflateSync(src.subarray(srcStart, srcEnd), { maxOutputLength: Math.max(1, dstLength) });
      } catch (error) {
        throw new CodecError(`Deflate: ${(error as Error).message}`);
      }
      place(plain, dst, dstStart, dstLength, 'Deflate');
    },
  };
}

/** The plain length that a Snappy block begins with (a little-endian base-128 number). */
function snappyLength(src: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = 0; i < 5 && start + i < end; i++) {
    const b = src[start + i]!;
    value += (b & 0x7f) * 2 ** (7 * i);
    if (b < 0x80) return value;
  }
  throw new CodecError('Snappy block without a length');
}

async function snappyCodec(): Promise<Codec> {
  const { snappyUncompressor } = await import('hysnappy');
  const uncompress = snappyUncompressor();
  return {
    name: 'SnappyCompressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      const length = snappyLength(src, srcStart, srcEnd);
      if (length !== dstLength)
        throw new CodecError(`Snappy chunk says ${length} plain bytes where ${dstLength} belong`);
      let plain: Uint8Array;
      try {
        plain = uncompress(src.subarray(srcStart, srcEnd), dstLength);
      } catch (error) {
        throw new CodecError(`Snappy: ${(error as Error).message}`);
      }
      place(plain, dst, dstStart, dstLength, 'Snappy');
    },
  };
}

const ZSTD_MAGIC = 0xfd2fb528;

/** Plain length in a Zstd frame header, or -1 where it has none. */
function zstdContentSize(src: Uint8Array, start: number, end: number): number {
  const u32 = (at: number) => (src[at]! | (src[at + 1]! << 8) | (src[at + 2]! << 16) | (src[at + 3]! << 24)) >>> 0;
  if (end - start < 6 || u32(start) !== ZSTD_MAGIC) throw new CodecError('not a Zstd frame');
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

type ZlibWithZstd = { zstdDecompressSync?: (data: Uint8Array, options: { maxOutputLength: number }) => Uint8Array };

/** A function that decompresses one frame: `node:zlib` where it knows Zstd (22.15 and later), else the `zstd-codec` package. */
async function zstdDecompressor(): Promise<(src: Uint8Array, length: number) => Uint8Array | null> {
  const native = (zlib as unknown as ZlibWithZstd).zstdDecompressSync;
  if (native) return (src, length) => native(src, { maxOutputLength: Math.max(1, length) });
  const { ZstdCodec } = (await import('zstd-codec')).default;
  const simple = await new Promise<{ decompress(src: Uint8Array): Uint8Array | null }>((resolve) => {
    ZstdCodec.run((zstd) => resolve(new zstd.Simple()));
  });
  return (src) => simple.decompress(src);
}

async function zstdCodec(): Promise<Codec> {
  const decompress = await zstdDecompressor();
  return {
    name: 'ZstdCompressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      const length = zstdContentSize(src, srcStart, srcEnd);
      if (length !== -1 && length !== dstLength) {
        throw new CodecError(`Zstd chunk says ${length} plain bytes where ${dstLength} belong`);
      }
      let plain: Uint8Array | null;
      try {
        plain = decompress(src.subarray(srcStart, srcEnd), dstLength);
      } catch (error) {
        throw new CodecError(`Zstd: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (!plain) throw new CodecError('malformed Zstd frame');
      place(plain, dst, dstStart, dstLength, 'Zstd');
    },
  };
}

const LOADERS: Readonly<Record<string, () => Codec | Promise<Codec>>> = {
  LZ4Compressor: async () => (await import('./lz4.js')).lz4Codec(),
  SnappyCompressor: snappyCodec,
  DeflateCompressor: deflateCodec,
  ZstdCompressor: zstdCodec,
  NoopCompressor: noopCodec,
};

const loaded = new Map<string, Promise<Codec>>();

/** @param compressor class name, with or without package. @throws UnsupportedError naming it */
export function loadCodec(compressor: string, file?: string): Promise<Codec> {
  const name = compressor.slice(compressor.lastIndexOf('.') + 1);
  const loader = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined; // a name like 'constructor' is no codec
  if (!loader) {
    throw new UnsupportedError(`compressor '${compressor}' is not supported`, {
      ...(file !== undefined && { file }),
      expected: Object.keys(LOADERS).join(', '),
    });
  }
  let codec = loaded.get(name);
  if (!codec) {
    codec = Promise.resolve(loader());
    loaded.set(name, codec);
  }
  return codec;
}
