/**
 * Chunks of Data.db that LZ4 has compressed, many at a call of a kernel (`kernel/lz4-chunks.as.ts`), which works beside others in a memory of the
 * caller's:
 *
 *   u32 CRC-32, u32 end of the last run | – | powers of x, 3 × 256 × u32 | positions of chunks in Data.db, 129 × i64 big-endian
 */
import { instantiate } from '../bytes/kernel-memory.js';
import type { ChunkRun, ChunkRunner } from './codec.js';
import { LZ4_CHUNKS_KERNEL } from './kernel/lz4-chunks.wasm.js';

type Exports = {
  prepare(state: number): void;
  run(
    state: number,
    count: number,
    raw: number,
    rawEnd: number,
    base: number,
    target: number,
    chunkLength: number,
    lastLength: number,
    limit: number,
    sum: number,
  ): number;
};

const MOST_CHUNKS = 128;
const OFFSETS = 16 + 3 * 1024;
/** Plain bytes of a chunk above which powers do not reach. */
const MAX_CHUNK_LENGTH = 1 << 20;
/** At least so many behind what is read and behind what is written: copies go by words. */
const SLACK_BYTES = 64;

/** See {@link Codec.runsWithin}. */
export function lz4ChunksWithin(memory: WebAssembly.Memory, at: number): ChunkRunner {
  const { prepare, run } = instantiate<Exports>(LZ4_CHUNKS_KERNEL, memory);
  const { buffer } = memory;
  const result = new Uint32Array(buffer, at, 2);
  const positions = new Uint8Array(buffer, at + OFFSETS, (MOST_CHUNKS + 1) * 8);
  prepare(at);
  return {
    mostChunks: MOST_CHUNKS,
    positions,
    run(wanted: ChunkRun, sum: number): number {
      const { count, src, srcEnd, srcPosition, dst, chunkLength, lastLength, maxCompressedLength } = wanted;
      const end = dst + chunkLength * count;
      if (chunkLength > MAX_CHUNK_LENGTH || Math.max(end, srcEnd) + SLACK_BYTES > buffer.byteLength) return 0;
      return run(at, count, src, srcEnd, srcPosition, dst, chunkLength, lastLength, maxCompressedLength, sum);
    },
    get sum() {
      return result[0]!;
    },
    get end() {
      return result[1]!;
    },
  };
}
