/** Snappy blocks: decoded by `hysnappy`, encoded by the encoder of our own. */
import { type Codec, CodecError, type CodecOptions, checkOptions, checkRoom, place } from './codec.js';
import { encodeSnappy, maxSnappyLength } from './snappy-encoder.js';

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

export async function snappyCodec(options: CodecOptions = {}): Promise<Codec> {
  checkOptions('SnappyCompressor', options);
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
    compress(src, srcStart, srcEnd, dst, dstStart) {
      checkRoom(dst, dstStart, maxSnappyLength(srcEnd - srcStart));
      return encodeSnappy(src, srcStart, srcEnd, dst, dstStart) - dstStart;
    },
    maxCompressedLength: maxSnappyLength,
  };
}
