/** Zstd chunks that are large: `zstd-codec` has 16 MiB of memory, Node 22.15 and later a Zstd without that limit. */
import zlib from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { CorruptError, UnsupportedError } from '../../src/bytes/errors.js';
import { loadCodec } from '../../src/codec/load.js';
import { encodeCompressionInfo } from '../../src/sstable/compression-info.js';
import { DataCursor } from '../../src/sstable/data-cursor.js';
import { openDataFile } from '../../src/sstable/data-file.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { memoryStorage } from '../sstable/memory-storage.js';

const MIB = 1 << 20;
const BLOCK = 1 << 17;
const isUnlimited = 'zstdDecompressSync' in zlib;

/** A frame of blocks that are stored as they are (`isStored`) or of one byte repeated: of known length, and made without a compressor. */
function frame(length: number, isStored: boolean): Buffer {
  const parts = [Buffer.from('28b52ffda0', 'hex'), Buffer.alloc(4)];
  parts[1]!.writeUInt32LE(length);
  for (let at = 0; at < length; at += BLOCK) {
    const size = Math.min(BLOCK, length - at);
    const head = Buffer.alloc(3);
    head.writeUIntLE((at + size === length ? 1 : 0) | (isStored ? 0 : 2) | (size << 3), 0, 3);
    parts.push(head, Buffer.alloc(isStored ? size : 1, 0x61));
  }
  return Buffer.concat(parts);
}

afterEach(() => vi.restoreAllMocks());

describe('a frame', () => {
  const printed = () => [vi.spyOn(console, 'log'), vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')];

  async function decompress(length: number, isStored: boolean): Promise<void> {
    const codec = await loadCodec('ZstdCompressor');
    const stored = frame(length, isStored);
    const plain = Buffer.alloc(length);
    codec.decompress(stored, 0, stored.length, plain, 0, length);
    expect(plain.equals(Buffer.alloc(length, 0x61))).toBe(true);
  }

  it.each([
    [1, true],
    [4, true],
    [8, false],
    [8, true],
    [1, true],
  ])('of %i MiB (stored: %s) is read by any Node', (mib, isStored) => decompress(mib * MIB, isStored));

  it('of 64 MiB with a small window is read by any Node', async () => {
    const length = 64 * MIB;
    const single = frame(length, false);
    // a window of 2 MiB in place of the whole content: flags without "single segment", and a byte for the window
    const stored = Buffer.concat([single.subarray(0, 4), Buffer.from([0x80, 11 << 3]), single.subarray(5)]);
    const codec = await loadCodec('ZstdCompressor');
    const plain = Buffer.alloc(length);
    codec.decompress(stored, 0, stored.length, plain, 0, length);
    expect(plain.equals(Buffer.alloc(length, 0x61))).toBe(true);
  });

  it.each([
    [16, false],
    [64, false],
  ])('of %i MiB (stored: %s) is read, or names what can read it', async (mib, isStored) => {
    const spies = printed();
    const reading = decompress(mib * MIB, isStored);
    if (isUnlimited) {
      await reading;
    } else {
      await expect(reading).rejects.toThrow(UnsupportedError);
      await expect(reading).rejects.toMatchObject({
        message: `a Zstd chunk of ${mib * MIB} bytes is too large for this version of Node`,
        facts: { hint: expect.stringContaining('Node 22.15 or later') },
      });
    }
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    await decompress(MIB, true); // the library still works
  });
});

it('is told with its file and chunk', async () => {
  const plain = 16 * MIB;
  const stored = frame(plain, false);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(stored));
  const info = {
    file: '',
    compressor: 'ZstdCompressor',
    options: [],
    chunkLength: plain,
    maxCompressedLength: 0x7fffffff,
    dataLength: plain,
    chunkCount: 1,
    offsets: Buffer.alloc(8),
  };
  const file = '/d/ks/t-5a1c395e/oa-1-big-Data.db';
  const files = new Map([
    [file, Buffer.concat([stored, crc])],
    [
      file.replace('Data', 'CompressionInfo'),
      Buffer.from(encodeCompressionInfo(info, { hasMaxCompressedLength: true })),
    ],
  ]);
  const data = await openDataFile(memoryStorage(files), parseDescriptor(file).descriptor);
  const read = () => new DataCursor(data).need(1);
  if (isUnlimited) return read();
  expect(read).toThrow(UnsupportedError);
  expect(read).not.toThrow(CorruptError);
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ facts: { file, component: 'Data.db', chunk: 0 } });
  }
});
