/** Data.db in memory, in every way that it can be cut into chunks, against its plain bytes; and the window that slides over it. */
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { CorruptError } from '../../src/bytes/errors.js';
import { CountingStorage, type Storage } from '../../src/bytes/source.js';
import { encodeCompressionInfo } from '../../src/sstable/compression-info.js';
import { DataCursor } from '../../src/sstable/data-cursor.js';
import { openDataFile } from '../../src/sstable/data-file.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { randomOf } from '../corrupt.js';
import { memoryStorage } from './memory-storage.js';

const { descriptor } = parseDescriptor('/d/ks/t-5a1c395e/nb-1-big-Data.db');
const file = (component: string) => `${descriptor.directory}/${descriptor.prefix}-${component}`;

function noise(length: number, seed = 1): Buffer {
  const random = randomOf(seed);
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = random() * 256;
  return bytes;
}

/** Half noise, half runs: some chunks shrink, some do not. */
function mixed(length: number): Buffer {
  const bytes = noise(length);
  for (let at = 0; at < length; at += 8192) bytes.fill(at >> 13, at, Math.min(length, at + 5000));
  return bytes;
}

type Layout = { readonly chunkLength: number; readonly maxCompressedLength?: number; readonly emptyChunk?: boolean };

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** As CompressedSequentialWriter stores them: plain from the limit on, and padded up to it. */
function compressed(plain: Buffer, { chunkLength, maxCompressedLength = 0x7fffffff, emptyChunk }: Layout) {
  const pieces: Buffer[] = [];
  const offsets: Buffer[] = [];
  let offset = 0;
  const add = (stored: Buffer) => {
    offsets.push(Buffer.from([0, 0, 0, 0]), u32(offset));
    pieces.push(stored, u32(crc32(stored)));
    offset += stored.length + 4;
  };
  for (let at = 0; at < plain.length; at += chunkLength) {
    const chunk = plain.subarray(at, at + chunkLength);
    const stored = zlib.deflateSync(chunk);
    const padding = () => Buffer.alloc(Math.max(0, maxCompressedLength - chunk.length));
    add(stored.length < maxCompressedLength ? stored : Buffer.concat([chunk, padding()]));
  }
  if (emptyChunk) add(zlib.deflateSync(Buffer.alloc(0)));
  const info = encodeCompressionInfo(
    {
      file: '',
      compressor: 'DeflateCompressor',
      options: [],
      chunkLength,
      maxCompressedLength,
      dataLength: plain.length,
      chunkCount: offsets.length / 2,
      offsets: Buffer.concat(offsets),
    },
    { hasMaxCompressedLength: true },
  );
  return new Map([
    [file('Data.db'), Buffer.concat(pieces)],
    [file('CompressionInfo.db'), Buffer.from(info)],
  ]);
}

function uncompressed(plain: Buffer, chunkSize: number) {
  const sums: Buffer[] = [u32(chunkSize)];
  for (let at = 0; at < plain.length; at += chunkSize) sums.push(u32(crc32(plain.subarray(at, at + chunkSize))));
  return new Map([
    [file('Data.db'), plain],
    [file('CRC.db'), Buffer.concat(sums)],
  ]);
}

/** Reads all, in steps that wander over the chunks' edges, with marks that must survive. */
async function walk(storage: Storage, plain: Buffer, steps: readonly number[]): Promise<void> {
  const data = await openDataFile(storage, descriptor);
  expect(data.length).toBe(plain.length);
  const c = new DataCursor(data);
  for (let i = 0; !c.atEnd; i++) {
    const n = Math.min(steps[i % steps.length]!, plain.length - c.offset);
    const start = c.offset;
    c.mark = c.pos;
    c.need(1);
    c.skip(Math.min(1, n));
    c.need(n - 1);
    expect(c.base + c.mark).toBe(start);
    expect(Buffer.compare(c.buf.subarray(c.mark, c.mark + n), plain.subarray(start, start + n))).toBe(0);
    c.skip(n - 1);
    if (i % 3 === 0) c.mark = -1;
  }
  expect(c.offset).toBe(plain.length);
  expect(() => c.need(1)).toThrow(CorruptError);
  data.close();
}

const STEPS: readonly (readonly [name: string, steps: readonly number[]])[] = [
  ['small steps', [1, 7, 100, 5000]],
  ['steps larger than a window', [1_100_000, 3, 300_000]],
  ['all at once', [1 << 26]],
];

describe.each(STEPS)('in %s', (_, steps) => {
  it.each([
    ['chunks of 4 KiB', 700_001, { chunkLength: 4096 }],
    ['chunks of 64 KiB', 2_500_000, { chunkLength: 65536 }],
    ['chunks larger than the window', 2_500_000, { chunkLength: 1 << 20 }],
    ['one chunk, much larger than the file', 100, { chunkLength: 1 << 20 }],
    ['whole chunks only', 65536 * 8, { chunkLength: 65536 }],
    ['an empty chunk at the end', 65536 * 8, { chunkLength: 65536, emptyChunk: true }],
    ['chunks kept plain', 300_000, { chunkLength: 16384, maxCompressedLength: 10_000 }],
    ['a last chunk kept plain and padded', 16384 * 3 + 9_995, { chunkLength: 16384, maxCompressedLength: 10_000 }],
  ] as const)('%s', async (_name, length, layout) => {
    const plain = 'maxCompressedLength' in layout ? noise(length) : mixed(length);
    await walk(memoryStorage(compressed(plain, layout)), plain, steps);
  });

  it.each([
    [1_000_000, 65536],
    [1_000_000, 1000],
    [1_000_000, 999_999],
    [300_000, 1 << 20],
    [65536 * 4, 65536],
    [1, 1],
  ])('%s bytes uncompressed, checked in chunks of %s', async (length, chunkSize) => {
    const plain = mixed(length);
    await walk(memoryStorage(uncompressed(plain, chunkSize)), plain, steps);
  });
});

describe('a padded last chunk', () => {
  const layout = { chunkLength: 16384, maxCompressedLength: 10_000 };
  const plain = noise(16384 + 9_995);

  it('is there', () => {
    expect(compressed(plain, layout).get(file('Data.db'))!.length).toBe(16384 + 4 + 10_000 + 4);
  });

  it('is refused where it is longer than the limit', async () => {
    const files = compressed(plain, layout);
    const data = files.get(file('Data.db'))!;
    const last = Buffer.concat([data.subarray(16384 + 4, -4), Buffer.alloc(3)]);
    files.set(file('Data.db'), Buffer.concat([data.subarray(0, 16384 + 4), last, u32(crc32(last))]));
    const c = new DataCursor(await openDataFile(memoryStorage(files), descriptor));
    c.need(16384);
    expect(() => c.need(plain.length)).toThrow(/plain chunk has a wrong length/);
  });
});

describe('damage', () => {
  it('names the chunk and where it lies', async () => {
    const files = compressed(mixed(300_000), { chunkLength: 16384 });
    const data = files.get(file('Data.db'))!;
    const third = files
      .get(file('CompressionInfo.db'))!
      .readUInt32BE(files.get(file('CompressionInfo.db'))!.length - 4);
    data[third + 10]! ^= 1;
    const c = new DataCursor(await openDataFile(memoryStorage(files), descriptor));
    expect(() => c.need(300_000)).toThrow(
      expect.objectContaining({
        facts: expect.objectContaining({ file: file('Data.db'), component: 'Data.db', chunk: 18, offset: third }),
      }),
    );
  });

  it.each(['compressed', 'uncompressed'])(
    'is told when it is reached, however far reads go ahead, %s',
    async (kind) => {
      const plain = mixed(1_000_000);
      const files =
        kind === 'compressed' ? compressed(plain, { chunkLength: 4096 }) : uncompressed(Buffer.from(plain), 4096);
      const data = files.get(file('Data.db'))!;
      const info = files.get(file('CompressionInfo.db'));
      // chunk 200, in which 819,200 lies
      data[info ? info.readUInt32BE(info.length - 8 * (245 - 200) + 4) + 9 : 200 * 4096 + 9]! ^= 1;
      for (const step of [1, 100, 4096, 300_000, 819_200]) {
        const c = new DataCursor(await openDataFile(memoryStorage(files), descriptor));
        const read = () => {
          for (;;) c.skip(Math.min(step, plain.length - c.offset));
        };
        expect(read).toThrow(expect.objectContaining({ facts: expect.objectContaining({ chunk: 200 }) }));
        c.need(200 * 4096 - c.offset); // all before it can be had
        expect(() => c.need(200 * 4096 - c.offset + 1)).toThrow(CorruptError);
      }
    },
  );

  it('in an uncompressed file is told once for each chunk, and read all the same, where that is wanted', async () => {
    const plain = mixed(1_000_000);
    const files = uncompressed(Buffer.from(plain), 65536);
    for (const at of [70_000, 999_999]) files.get(file('Data.db'))![at]! ^= 1;
    const chunks: (number | undefined)[] = [];
    const onBadChunk = (error: CorruptError) => void chunks.push(error.facts.chunk);
    const c = new DataCursor(await openDataFile(memoryStorage(files), descriptor, { onBadChunk }));
    while (!c.atEnd) c.skip(Math.min(100_000, 1_000_000 - c.offset));
    expect([...new Set(chunks)]).toEqual([1, 15]);
  });

  it.each([
    ['a file that was cut', (data: Buffer) => data.subarray(0, -70_000), /cut/],
    ['a file that has grown', (data: Buffer) => Buffer.concat([data, Buffer.alloc(65536, 1)]), /no checksum|differs/],
    ['an empty file', () => Buffer.alloc(0), /empty/],
  ])('%s is refused, uncompressed', async (_, change, message) => {
    const files = uncompressed(mixed(200_000), 65536);
    files.set(file('Data.db'), change(files.get(file('Data.db'))!));
    const read = async () => {
      const data = await openDataFile(memoryStorage(files), descriptor);
      new DataCursor(data).need(data.length);
    };
    await expect(read()).rejects.toThrow(message);
  });

  it('of offsets is refused before a buffer is made for them', async () => {
    for (const bad of ['ffffffffffffffff', '0000000070000000', '001fffffffffffff']) {
      const files = compressed(mixed(100_000), { chunkLength: 16384 });
      const info = files.get(file('CompressionInfo.db'))!;
      Buffer.from(bad, 'hex').copy(info, info.length - 8 * 3);
      const c = new DataCursor(await openDataFile(memoryStorage(files), descriptor));
      expect(() => c.need(100_000)).toThrow(CorruptError);
    }
  });
});

describe('what is read', () => {
  const plain = noise(1_000_000);

  it('is a chunk for a row that lies in one', async () => {
    const storage = new CountingStorage(memoryStorage(compressed(plain, { chunkLength: 16384 })));
    const data = await openDataFile(storage, descriptor);
    storage.bytesRead = 0;
    new DataCursor(data, 500_000, 500_100).need(100);
    expect(storage.bytesRead).toBeLessThan(2 * 16500);
  });

  it('grows while reads go forward, so that a scan takes few of them', async () => {
    const inner = memoryStorage(compressed(plain, { chunkLength: 16384 }));
    let reads = 0;
    const storage: Storage = {
      ...inner,
      open(name) {
        const source = inner.open(name);
        return {
          ...source,
          read: (...args: Parameters<typeof source.read>) => {
            reads++;
            return source.read(...args);
          },
        };
      },
    };
    const data = await openDataFile(storage, descriptor);
    reads = 0;
    const c = new DataCursor(data);
    while (!c.atEnd) c.skip(Math.min(100, plain.length - c.offset));
    expect(reads).toBeLessThan(12);
  });
});

describe('a window', () => {
  it('gives back what a huge row took', async () => {
    const plain = mixed(6_000_000);
    const c = new DataCursor(await openDataFile(memoryStorage(compressed(plain, { chunkLength: 65536 })), descriptor));
    c.mark = 0;
    c.need(5_000_000);
    expect(c.buf.length).toBeGreaterThanOrEqual(5_000_000);
    c.skip(5_000_000);
    c.mark = -1;
    while (!c.atEnd) c.skip(Math.min(1000, plain.length - c.offset));
    expect(c.buf.length).toBeLessThan(1 << 20);
  });

  it('does not fetch beyond its fence or its limit', async () => {
    const data = await openDataFile(memoryStorage(uncompressed(mixed(1000), 100)), descriptor);
    const c = new DataCursor(data, 10, 500);
    c.fence = 20;
    expect(() => c.need(11)).toThrow(/ends too early/);
    c.fence = Number.POSITIVE_INFINITY;
    c.need(490);
    expect(() => c.need(491)).toThrow(/ends too early/);
  });

  it('goes back and forth', async () => {
    const plain = mixed(1_000_000);
    const c = new DataCursor(await openDataFile(memoryStorage(compressed(plain, { chunkLength: 4096 })), descriptor));
    const random = randomOf(3);
    for (let i = 0; i < 300; i++) {
      const at = Math.floor(random() * 999_000);
      c.seek(at);
      expect(Buffer.compare(c.view(1000), plain.subarray(at, at + 1000))).toBe(0);
    }
  });
});
