/**
 * LZ4 as Cassandra frames it: u32 little-endian plain length, then one LZ4 block.
 *
 *   block = sequence…   sequence = token (literals << 4 | match − 4) [length bytes 255…] literals [u16 LE distance] [length bytes]
 *
 * Decoded by `lz4-napi` where its prebuilt binary loads, else by the decoder below (about a quarter of its speed). Encoded by the encoder of our
 * own: as fast as that of `lz4-napi`, and its bytes are Cassandra's.
 */
import { createRequire } from 'node:module';
import { UnsupportedError } from '../bytes/errors.js';
import { KeptView } from '../bytes/kept-view.js';
import { type Codec, CodecError, type CodecOptions, checkOptions, checkRoom, integerOption } from './codec.js';
import { encodeLz4Block } from './lz4-encoder.js';
import { Lz4HighEncoder } from './lz4-high-encoder.js';
import { maxLz4BlockLength } from './lz4-sequence.js';

type Native = { uncompressSync(data: Uint8Array): Uint8Array };

function loadNative(): Native | undefined {
  try {
    return createRequire(import.meta.url)('lz4-napi') as Native;
  } catch {
    return undefined; // an optional dependency: no binary for this platform
  }
}

/** @throws CodecError unless the frame's own length is `expected`: a forged one must not decide an allocation */
function checkLength(src: Uint8Array, start: number, end: number, expected: number): void {
  if (end - start < 5) throw new CodecError(`LZ4 chunk of ${end - start} bytes`);
  const length = (src[start]! | (src[start + 1]! << 8) | (src[start + 2]! << 16) | (src[start + 3]! << 24)) >>> 0;
  if (length !== expected) throw new CodecError(`LZ4 chunk says ${length} plain bytes where ${expected} belong`);
}

const sourceView = new KeptView();
const targetView = new KeptView();

/** Literals and matches from which on a copy by the engine costs less than one by words. */
const LONG_COPY = 64;

function malformed(): CodecError {
  return new CodecError('malformed LZ4 block');
}

/**
 * Decodes one block into exactly `dst[dstStart, dstEnd)`. Copies by words write up to 3 bytes too many, never beyond `dstEnd`: what follows
 * is written over them. @throws CodecError
 */
export function decodeLz4Block(
  src: Uint8Array,
  srcStart: number,
  srcEnd: number,
  dst: Uint8Array,
  dstStart: number,
  dstEnd: number,
): void {
  const source = sourceView.of(src);
  const target = targetView.of(dst);
  let s = srcStart;
  let d = dstStart;
  while (s < srcEnd) {
    const token = src[s++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let b = 255;
      while (b === 255) {
        if (s >= srcEnd) throw malformed();
        b = src[s++]!;
        literals += b;
      }
    }
    if (literals > srcEnd - s || literals > dstEnd - d) throw malformed();
    if (literals > LONG_COPY) {
      dst.set(src.subarray(s, s + literals), d);
    } else if (literals + 3 <= srcEnd - s && literals + 3 <= dstEnd - d) {
      for (let i = 0; i < literals; i += 4) target.setInt32(d + i, source.getInt32(s + i));
    } else {
      for (let i = 0; i < literals; i++) dst[d + i] = src[s + i]!;
    }
    s += literals;
    d += literals;
    if (s === srcEnd) break; // the last sequence has literals only
    if (srcEnd - s < 2) throw malformed();
    const distance = src[s]! | (src[s + 1]! << 8);
    s += 2;
    let match = (token & 15) + 4;
    if (match === 19) {
      let b = 255;
      while (b === 255) {
        if (s >= srcEnd) throw malformed();
        b = src[s++]!;
        match += b;
      }
    }
    if (distance === 0 || distance > d - dstStart || match > dstEnd - d) throw malformed();
    let from = d - distance;
    const stop = d + match;
    if (match > LONG_COPY && distance >= match) {
      dst.copyWithin(d, from, from + match);
    } else if (distance >= 4 && stop + 3 <= dstEnd) {
      for (; d < stop; d += 4, from += 4) target.setInt32(d, target.getInt32(from)); // reads only what is written
    } else {
      while (d < stop) dst[d++] = dst[from++]!;
    }
    d = stop;
  }
  if (d !== dstEnd) throw new CodecError('LZ4 block is shorter than its plain length');
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

/** @param native pass `false` to decode with the decoder of this file */
export function lz4Codec(options: CodecOptions = {}, native: boolean = true): Codec {
  const encode = encoderOf(options);
  const lib = native ? loadNative() : undefined;
  return {
    name: 'LZ4Compressor',
    decompress(src, srcStart, srcEnd, dst, dstStart, dstLength) {
      checkLength(src, srcStart, srcEnd, dstLength);
      if (!lib) {
        decodeLz4Block(src, srcStart + 4, srcEnd, dst, dstStart, dstStart + dstLength);
        return;
      }
      let plain: Uint8Array;
      try {
        plain = lib.uncompressSync(src.subarray(srcStart, srcEnd));
      } catch (error) {
        throw new CodecError(`LZ4: ${(error as Error).message}`);
      }
      if (plain.length !== dstLength) throw new CodecError('LZ4 block is shorter than its plain length');
      dst.set(plain, dstStart);
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
  };
}
