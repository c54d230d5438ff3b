/** Deflate in zlib's frame (RFC 1950), as java.util.zip makes it: level 6, a window of 32 KiB. */
import zlib from 'node:zlib';
import { type Codec, CodecError, type CodecOptions, checkOptions, checkRoom, place } from './codec.js';

/** As zlib's function of this name. */
function deflateBound(length: number): number {
  return length + Math.floor(length / 2 ** 12) + Math.floor(length / 2 ** 14) + Math.floor(length / 2 ** 25) + 13;
}

export function deflateCodec(options: CodecOptions = {}): Codec {
  checkOptions('DeflateCompressor', options);
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
    compress(src, srcStart, srcEnd, dst, dstStart) {
      checkRoom(dst, dstStart, deflateBound(srcEnd - srcStart));
      if (srcStart === srcEnd) return 0; // Cassandra's compressor makes nothing of nothing
      const stored = zlib.deflateSync(src.subarray(srcStart, srcEnd), { level: 6 });
      dst.set(stored, dstStart);
      return stored.length;
    },
    maxCompressedLength: deflateBound,
  };
}
