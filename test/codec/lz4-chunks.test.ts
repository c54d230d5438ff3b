/** Runs of chunks as Data.db has them: what comes out is what went in, up to the first that is not as it should be; LSMCTL_SEED. */
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { CHUNK_RUNNER_BYTES } from '../../src/codec/codec.js';
import { lz4Codec } from '../../src/codec/lz4.js';
import { randomOf } from '../corrupt.js';
import { seed } from '../seed.js';

const codec = lz4Codec();
const SRC = 1 << 14;
const DST = 1 << 20;
const BEFORE = 0x1234abcd;
/** Of the file before the first byte at hand. */
const POSITION = 5_000_000_000;

type Chunks = { readonly plain: Buffer; readonly stored: Buffer; readonly ends: readonly number[] };

/** Chunks of `chunkLength`, the last of `lastLength`; what does not become shorter than `limit` stays as it is, filled up to `limit`. */
function makeChunks(
  count: number,
  chunkLength: number,
  lastLength: number,
  limit: number,
  random: () => number,
): Chunks {
  const plains: Buffer[] = [];
  const stored: Buffer[] = [];
  const ends: number[] = [];
  let end = 0;
  for (let i = 0; i < count; i++) {
    const length = i + 1 < count ? chunkLength : lastLength;
    const kinds = random() < 0.3 ? 256 : 3;
    const plain = Buffer.from(Array.from({ length }, () => Math.floor(random() * kinds)));
    const out = Buffer.alloc(codec.maxCompressedLength(length));
    const packed = out.subarray(0, codec.compress(plain, 0, length, out, 0));
    const bytes = packed.length < limit ? packed : Buffer.concat([plain, Buffer.alloc(Math.max(0, limit - length))]);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(bytes));
    plains.push(plain);
    stored.push(bytes, checksum);
    end += bytes.length + 4;
    ends.push(end);
  }
  return { plain: Buffer.concat(plains), stored: Buffer.concat(stored), ends };
}

function run({ stored, ends }: Chunks, chunkLength: number, lastLength: number, limit: number, atHand = stored.length) {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const bytes = Buffer.from(memory.buffer);
  const runner = codec.runsWithin!(memory, 64);
  stored.copy(bytes, SRC);
  const positions = Buffer.alloc((ends.length + 1) * 8);
  for (const [i, end] of [0, ...ends].entries()) positions.writeBigInt64BE(BigInt(POSITION + end), i * 8);
  runner.positions.set(positions);
  const wanted = {
    count: ends.length,
    src: SRC,
    srcEnd: SRC + atHand,
    srcPosition: POSITION,
    dst: DST,
    chunkLength,
    lastLength,
    maxCompressedLength: limit,
  };
  const done = runner.run(wanted, BEFORE);
  return { done, runner, bytes, read: runner.end - SRC };
}

describe(`runs of chunks (seed ${seed})`, () => {
  const shapes = [
    [1, 16384, 16384],
    [5, 4096, 17],
    [16, 16384, 9000],
    [128, 512, 512],
    [2, 65536, 65536],
    [3, 131072, 70000],
  ] as const;

  it.each(shapes)('%i of %i plain bytes, the last of %i', (count, chunkLength, lastLength) => {
    const random = randomOf(seed ^ chunkLength ^ count);
    for (const limit of [chunkLength, 0x7fffffff, Math.floor(chunkLength / 2), chunkLength * 2]) {
      const chunks = makeChunks(count, chunkLength, lastLength, limit, random);
      const { done, runner, bytes, read } = run(chunks, chunkLength, lastLength, limit);
      expect(done).toBe(count);
      expect(Buffer.compare(bytes.subarray(DST, DST + chunks.plain.length), chunks.plain)).toBe(0);
      expect(read).toBe(chunks.stored.length);
      expect(runner.sum).toBe(crc32(chunks.stored, BEFORE));
    }
  });

  it('ends before a chunk that is not at hand as a whole', () => {
    const chunks = makeChunks(8, 4096, 4096, 4096, randomOf(seed));
    for (const [i, end] of chunks.ends.entries()) {
      const { done, read, runner } = run(chunks, 4096, 4096, 4096, end - 1);
      expect(done).toBe(i);
      if (i === 0) continue;
      expect(read).toBe(chunks.ends[i - 1]);
      expect(runner.sum).toBe(crc32(chunks.stored.subarray(0, read), BEFORE));
    }
  });

  it('tells another sum where any bit is another, or ends before that chunk', () => {
    const random = randomOf(seed);
    const chunks = makeChunks(6, 2048, 900, 2048, random);
    for (let n = 0; n < 3000; n++) {
      const bad = Buffer.from(chunks.stored);
      const at = Math.floor(random() * bad.length);
      bad[at]! ^= 1 << Math.floor(random() * 8);
      const { done, runner, read } = run({ ...chunks, stored: bad }, 2048, 900, 2048);
      const chunk = chunks.ends.findIndex((end) => end > at);
      if (done <= chunk) continue;
      expect(runner.sum, `byte ${at}`).not.toBe(crc32(bad.subarray(0, read), BEFORE));
    }
  });

  it('takes no block of another length than its place, and none of another than it says', () => {
    const chunks = makeChunks(2, 4096, 4096, 0x7fffffff, randomOf(seed));
    expect(run(chunks, 4096, 4095, 0x7fffffff).done).toBe(1);
    expect(run(chunks, 4096, 4097, 0x7fffffff).done).toBe(1);
    const bad = Buffer.from(chunks.stored);
    bad.writeUInt32LE(4095, 0);
    expect(run({ ...chunks, stored: bad }, 4096, 4096, 0x7fffffff).done).toBe(0);
  });

  it('follows no position that goes backwards, or before what is at hand', () => {
    const chunks = makeChunks(3, 1024, 1024, 0x7fffffff, randomOf(seed));
    const [a, b, c] = chunks.ends as [number, number, number];
    expect(run({ ...chunks, ends: [a, a, c] }, 1024, 1024, 0x7fffffff).done).toBe(1);
    expect(run({ ...chunks, ends: [a, a - 9, c] }, 1024, 1024, 0x7fffffff).done).toBe(1);
    expect(run({ ...chunks, ends: [-1, b, c] }, 1024, 1024, 0x7fffffff).done).toBe(0);
    expect(run({ ...chunks, ends: [a, b, c + 2 ** 40] }, 1024, 1024, 0x7fffffff).done).toBe(2);
  });

  it('does nothing where there is no room behind', () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const runner = codec.runsWithin!(memory, 64);
    const wanted = { count: 1, src: SRC, srcEnd: SRC + 100, srcPosition: 0, chunkLength: 1024, lastLength: 1024 };
    expect(runner.run({ ...wanted, dst: 131072 - 1024, maxCompressedLength: 1024 }, 0)).toBe(0);
    expect(runner.positions.byteOffset + runner.positions.length).toBeLessThanOrEqual(64 + CHUNK_RUNNER_BYTES);
  });
});
