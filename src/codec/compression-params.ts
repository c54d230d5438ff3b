/**
 * A table's `compression` as its files need it (Cassandra's CompressionParams).
 *
 *   class                 of the compressor, with or without package; absent in an empty map: not compressed
 *   enabled               'false': not compressed; no other option may stand beside it
 *   chunk_length_in_kb    KiB, a power of two; 16 unless given
 *   min_compress_ratio    chunks that shrink by less are stored plain; 0 (the preset): none
 *   all others            are the compressor's
 */
import { UnsupportedError, UsageError } from '../bytes/errors.js';
import type { Codec, CodecOptions } from './codec.js';
import { loadCompressor, simpleName } from './load.js';

export type CompressionParams = {
  /** Class name without package, as CompressionInfo.db has it. */
  readonly compressor: string;
  /** The compressor's own, in the order in which Cassandra writes them. */
  readonly options: readonly (readonly [key: string, value: string])[];
  /** Plain bytes in a chunk. */
  readonly chunkLength: number;
  /** Compressed lengths from here on are stored plain; 2^31 − 1 where there is no such limit. */
  readonly maxCompressedLength: number;
};

/** The parameters, and the codec that compresses with them. */
export type LoadedCompression = CompressionParams & { readonly codec: Codec };

const DEFAULT_CHUNK_KIB = 16;
const MAX_INT = 0x7fffffff;

/** What a compressor has more than one of, in the order of Java's HashMap; options that are not here come behind, as they stand. */
const OPTION_ORDER = ['lz4_compressor_type', 'lz4_high_compressor_level'];

/** `undefined`: the table is not compressed. @throws UsageError for values that Cassandra refuses too */
export function compressionParams(compression: Readonly<Record<string, string>>): CompressionParams | undefined {
  const { class: className, enabled, chunk_length_in_kb: chunkKib, min_compress_ratio: ratio, ...rest } = compression;
  if (enabled !== undefined && enabled.toLowerCase() !== 'true') return undefined;
  if (className === undefined || className === '') {
    if (Object.keys(compression).length === 0) return undefined;
    throw new UsageError("compression has no 'class'", { seen: Object.keys(compression).join(', ') });
  }
  const chunkLength = parseChunkLength(chunkKib);
  return {
    compressor: simpleName(className),
    options: Object.entries(rest).sort(([a], [b]) => rankOf(a) - rankOf(b)),
    chunkLength,
    maxCompressedLength: parseMaxCompressedLength(ratio, chunkLength),
  };
}

function rankOf(option: string): number {
  const rank = OPTION_ORDER.indexOf(option);
  return rank < 0 ? OPTION_ORDER.length : rank;
}

function parseChunkLength(text: string | undefined): number {
  const kib = text === undefined ? DEFAULT_CHUNK_KIB : /^[+]?[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (kib > 0 && kib <= MAX_INT / 1024 && (kib & (kib - 1)) === 0) return kib * 1024;
  throw new UsageError("compression has an invalid 'chunk_length_in_kb'", {
    seen: text ?? '',
    expected: 'a power of two',
  });
}

function parseMaxCompressedLength(text: string | undefined, chunkLength: number): number {
  const ratio =
    text === undefined
      ? 0
      : /^\s*[+-]?[0-9.]+(e[+-]?[0-9]+)?[fd]?\s*$/i.test(text)
        ? Number.parseFloat(text)
        : Number.NaN;
  const length = ratio === 0 ? MAX_INT : Math.ceil(Math.min(chunkLength / ratio, MAX_INT));
  if (length >= 0 && (length <= chunkLength || length === MAX_INT)) return length;
  throw new UsageError("compression has an invalid 'min_compress_ratio'", {
    seen: text ?? '',
    expected: '0, or 1 and above',
  });
}

/** @throws UnsupportedError for a class, an option or a value that the codecs do not know */
export async function loadCompression(params: CompressionParams): Promise<LoadedCompression> {
  const options: CodecOptions = Object.fromEntries(params.options);
  if (params.chunkLength > 1 << 28) {
    throw new UnsupportedError('chunk length above 256 MiB', { seen: params.chunkLength, expected: 1 << 28 });
  }
  return { ...params, codec: await loadCompressor(params.compressor, options) };
}
