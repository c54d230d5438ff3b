/**
 * LZ4 as Cassandra frames it: u32 little-endian plain length, then one LZ4 block.
 *
 *   block = sequence…   sequence = token (literals << 4 | match − 4) [length bytes 255…] literals [u16 LE distance] [length bytes]
 *
 * What the encoders write are Cassandra's own bytes, see `codec.ts`.
 */
import { UnsupportedError } from '../bytes/errors.js';
import { type Codec, CodecError, type CodecOptions, checkOptions, checkRoom, integerOption } from './codec.js';
import { decodeLz4Block, encodeLz4Block, lz4DecoderWithin, maxLz4BlockLength } from './lz4-block.js';
import { lz4ChunksWithin } from './lz4-chunks.js';
import { Lz4HighEncoder } from './lz4-high-encoder.js';

/** @throws CodecError unless the frame's own length is `expected`: a forged one must not decide an allocation */
function checkLength(src: Uint8Array, start: number, end: number, expected: number): void {
  if (end - start < 5) throw new CodecError(`LZ4 chunk of ${end - start} bytes`);
  const length = (src[start]! | (src[start + 1]! << 8) | (src[start + 2]! << 16) | (src[start + 3]! << 24)) >>> 0;
  if (length !== expected) throw new CodecError(`LZ4 chunk says ${length} plain bytes where ${expected} belong`);
}

const TYPE_OPTION = 'lz4_compressor_type';
const LEVEL_OPTION = 'lz4_high_compressor_level';

type Encode = typeof encodeLz4Block;

/** The encoder that the options ask for. @throws UnsupportedError */
function encoderOf(options: CodecOptions): Encode {
  checkOptions('LZ4Compressor', options, [TYPE_OPTION, LEVEL_OPTION]);
  const type = options[TYPE_OPTION] ?? 'fast';
  const level = integerOption(options, LEVEL_OPTION, 9, 1, 17);
  if (type === 'fast') return encodeLz4Block; // the level has no say in it
  if (type === 'high') {
    const encoder = new Lz4HighEncoder(level);
    return (src, srcStart, srcEnd, dst, dstStart) => encoder.encode(src, srcStart, srcEnd, dst, dstStart);
  }
  const facts = { seen: type, expected: 'fast or high' };
  throw new UnsupportedError(`compression option '${TYPE_OPTION}' is not known`, facts);
}

function maxLength(plainLength: number): number {
  return 4 + maxLz4BlockLength(plainLength);
}

export function lz4Codec(options: CodecOptions = {}): Codec {
  const encode = encoderOf(options);
  const codec: Codec = {
    name: 'LZ4Compressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      checkLength(src, srcStart, srcEnd, dstLength);
      decodeLz4Block(src, srcStart + 4, srcEnd, dst, dstStart, dstStart + dstLength);
    },
    compress(src, srcStart, srcEnd, dst, dstStart) {
      const length = srcEnd - srcStart;
      checkRoom(dst, dstStart, maxLength(length));
      dst[dstStart] = length;
      dst[dstStart + 1] = length >>> 8;
      dst[dstStart + 2] = length >>> 16;
      dst[dstStart + 3] = length >>> 24;
      return encode(src, srcStart, srcEnd, dst, dstStart + 4) - dstStart;
    },
    maxCompressedLength: maxLength,
    within(memory) {
      const decode = lz4DecoderWithin(memory);
      return {
        ...codec,
        decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
          checkLength(src, srcStart, srcEnd, dstLength);
          decode(src, srcStart + 4, srcEnd, dst, dstStart, dstStart + dstLength);
        },
      };
    },
    runsWithin: lz4ChunksWithin,
  };
  return codec;
}
