/** Chunk compressors behind one interface. A codec is loaded on first use. */
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
}

/** Bytes that a codec refuses; the reader adds file, chunk and offset. */
export class CodecError extends Error {
  override name = 'CodecError';
}
