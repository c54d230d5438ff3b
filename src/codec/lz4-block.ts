/**
 * LZ4 blocks (the format is drawn in `lz4.ts`), encoded and decoded by a kernel of WebAssembly (`kernel/lz4.as.ts`): faster than the same in
 * JavaScript, and without an allocation a chunk. A thread has one kernel, with memory for the largest block that it has met:
 *
 *   16 KiB hashes of the encoder | input, slack | output, slack
 */
import { growTo, instantiate, kernelMemory, PAGE_BYTES } from '../bytes/kernel-memory.js';
import { CodecError } from './codec.js';
import { LZ4_KERNEL } from './kernel/lz4.wasm.js';

type Exports = {
  decode(src: number, srcEnd: number, dst: number, dstEnd: number): number;
  encode(src: number, srcEnd: number, dst: number, table: number): number;
};

const INPUT = 16384;
/** After an area; copies by words go up to 7 bytes beyond it. */
const SLACK_BYTES = 16;
/** At least so many behind an area in a memory of the caller's. */
const SLACK_WITHIN = 64;

class Lz4Kernel {
  private readonly memory = kernelMemory(PAGE_BYTES);
  private readonly exports = instantiate<Exports>(LZ4_KERNEL, this.memory);
  private bytes = new Uint8Array(this.memory.buffer);

  decode(
    src: Uint8Array,
    srcStart: number,
    srcEnd: number,
    dst: Uint8Array,
    dstStart: number,
    dstEnd: number,
  ): boolean {
    const inputEnd = INPUT + srcEnd - srcStart;
    const output = inputEnd + SLACK_BYTES;
    const outputEnd = output + dstEnd - dstStart;
    this.reserve(outputEnd + SLACK_BYTES);
    this.bytes.set(src.subarray(srcStart, srcEnd), INPUT);
    if (this.exports.decode(INPUT, inputEnd, output, outputEnd) === 0) return false;
    dst.set(this.bytes.subarray(output, outputEnd), dstStart);
    return true;
  }

  encode(src: Uint8Array, srcStart: number, srcEnd: number, dst: Uint8Array, dstStart: number): number {
    const inputEnd = INPUT + srcEnd - srcStart;
    const output = inputEnd + SLACK_BYTES;
    this.reserve(output + maxLz4BlockLength(srcEnd - srcStart) + SLACK_BYTES);
    this.bytes.set(src.subarray(srcStart, srcEnd), INPUT);
    const outputEnd = this.exports.encode(INPUT, inputEnd, output, 0);
    dst.set(this.bytes.subarray(output, outputEnd), dstStart);
    return dstStart + outputEnd - output;
  }

  private reserve(end: number): void {
    if (end <= this.bytes.length) return;
    growTo(this.memory, end);
    this.bytes = new Uint8Array(this.memory.buffer);
  }
}

let shared: Lz4Kernel | undefined;

function kernel(): Lz4Kernel {
  shared ??= new Lz4Kernel();
  return shared;
}

/** Longest block that `length` bytes can become. */
export function maxLz4BlockLength(length: number): number {
  return length + Math.floor(length / 255) + 16;
}

/** Decodes one block into exactly `dst[dstStart, dstEnd)`; where it can't, `dst` stays as it was. @throws CodecError */
export function decodeLz4Block(
  src: Uint8Array,
  srcStart: number,
  srcEnd: number,
  dst: Uint8Array,
  dstStart: number,
  dstEnd: number,
): void {
  if (!kernel().decode(src, srcStart, srcEnd, dst, dstStart, dstEnd)) throw malformed();
}

function malformed(): CodecError {
  return new CodecError('malformed LZ4 block, or one of another plain length');
}

/** {@link decodeLz4Block} in a memory of the caller's, see {@link Codec.within}. */
export function lz4DecoderWithin(memory: WebAssembly.Memory): typeof decodeLz4Block {
  const { decode } = instantiate<Exports>(LZ4_KERNEL, memory);
  const { buffer } = memory;
  return (src, srcStart, srcEnd, dst, dstStart, dstEnd) => {
    const isWithin = src.buffer === buffer && dst.buffer === buffer && buffer.byteLength > 0;
    const to = dst.byteOffset + dstEnd;
    const hasSlack = isWithin && Math.max(to, src.byteOffset + srcEnd) + SLACK_WITHIN <= buffer.byteLength;
    if (!hasSlack) return decodeLz4Block(src, srcStart, srcEnd, dst, dstStart, dstEnd);
    const from = src.byteOffset;
    if (decode(from + srcStart, from + srcEnd, dst.byteOffset + dstStart, to) === 0) throw malformed();
  };
}

/**
 * Encodes `src[srcStart, srcEnd)` as one block at `dst[dstStart…]`, which must have room for {@link maxLz4BlockLength}: the very bytes that
 * Cassandra's fast LZ4 compressor stores. Returns where the block ends.
 */
export function encodeLz4Block(
  src: Uint8Array,
  srcStart: number,
  srcEnd: number,
  dst: Uint8Array,
  dstStart: number,
): number {
  return kernel().encode(src, srcStart, srcEnd, dst, dstStart);
}
