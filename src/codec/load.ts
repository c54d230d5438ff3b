/** Finds the codec of a compressor class and loads it on first use. */
import { UnsupportedError } from '../bytes/errors.js';
import { type Codec, type CodecOptions, checkOptions, checkRoom, place } from './codec.js';
import { deflateCodec } from './deflate.js';

function noopCodec(options: CodecOptions): Codec {
  checkOptions('NoopCompressor', options);
  return {
    name: 'NoopCompressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      place(src.subarray(srcStart, srcEnd), dst, dstStart, dstLength, 'Noop');
    },
    compress(src, srcStart, srcEnd, dst, dstStart) {
      checkRoom(dst, dstStart, srcEnd - srcStart);
      dst.set(src.subarray(srcStart, srcEnd), dstStart);
      return srcEnd - srcStart;
    },
    maxCompressedLength: (length) => length,
  };
}

const LOADERS: Readonly<Record<string, (options: CodecOptions) => Codec | Promise<Codec>>> = {
  LZ4Compressor: async (options) => (await import('./lz4.js')).lz4Codec(options),
  SnappyCompressor: async (options) => (await import('./snappy.js')).snappyCodec(options),
  DeflateCompressor: deflateCodec,
  ZstdCompressor: async (options) => (await import('./zstd.js')).zstdCodec(options),
  NoopCompressor: noopCodec,
};

const loaded = new Map<string, Promise<Codec>>();

/** A class name without its package. */
export function simpleName(compressor: string): string {
  return compressor.slice(compressor.lastIndexOf('.') + 1);
}

function loaderOf(compressor: string, file: string | undefined) {
  const name = simpleName(compressor);
  const loader = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined; // a name like 'constructor' is no codec
  if (loader) return { name, loader };
  throw new UnsupportedError(`compressor '${compressor}' is not supported`, {
    ...(file !== undefined && { file }),
    expected: Object.keys(LOADERS).join(', '),
  });
}

/**
 * A codec for reading: what was written with any options, it decompresses; it compresses with the presets.
 * @param compressor class name, with or without package. @throws UnsupportedError naming it
 */
export function loadCodec(compressor: string, file?: string): Promise<Codec> {
  const { name, loader } = loaderOf(compressor, file);
  let codec = loaded.get(name);
  if (!codec) {
    codec = Promise.resolve(loader({}));
    loaded.set(name, codec);
  }
  return codec;
}

/**
 * A codec for writing with a table's options.
 * @param compressor class name, with or without package. @throws UnsupportedError for a class, an option or a value that it does not know
 */
export async function loadCompressor(compressor: string, options: CodecOptions = {}): Promise<Codec> {
  return loaderOf(compressor, undefined).loader(options);
}
