/**
 * Every Data.db that Cassandra wrote, read and written anew: the same files, byte for byte, where the codec's bytes are Cassandra's; else the same
 * chunks. And tables made here, in pieces of every length, read back.
 */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/bytes/crc32.js';
import { InvariantError, UsageError } from '../../src/bytes/errors.js';
import { CountingOutput, memoryOutput } from '../../src/bytes/sink.js';
import { diskStorage, type Storage } from '../../src/bytes/source.js';
import { type CompressionParams, compressionParams, loadCompression } from '../../src/codec/compression-params.js';
import { readChecksumFile } from '../../src/sstable/checksum-file.js';
import { readCompressionInfo } from '../../src/sstable/compression-info.js';
import { openDataFile } from '../../src/sstable/data-file.js';
import { type DataPaths, DataWriter, type WrittenData } from '../../src/sstable/data-writer.js';
import { COMPONENT, componentPath, type Descriptor, parseDescriptor } from '../../src/sstable/descriptor.js';
import { readDigest } from '../../src/sstable/digest.js';
import { type Version, versionOf } from '../../src/sstable/version.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS } from '../corpus.js';
import { randomOf } from '../corrupt.js';
import { FIXTURES } from '../fixtures.js';

const TARGET = '/d/ks/t-5a1c395e';
const NO_LIMIT = 0x7fffffff;

const CORPUS_FOLDERS = [...KITCHENS.map((kitchen) => `${kitchen}/data`), 'public/sstables/apache'];

function targetOf(version: Version): { descriptor: Descriptor; paths: DataPaths } {
  const { descriptor } = parseDescriptor(`${TARGET}/${version.name}-1-${version.format}-Data.db`);
  return { descriptor, paths: pathsOf(descriptor) };
}

function pathsOf(descriptor: Descriptor): DataPaths {
  return {
    data: componentPath(descriptor, COMPONENT.data),
    digest: componentPath(descriptor, COMPONENT.digest),
    compressionInfo: componentPath(descriptor, COMPONENT.compressionInfo),
    crc: componentPath(descriptor, COMPONENT.crc),
  };
}

type Written = {
  readonly files: Map<string, Uint8Array>;
  readonly result: WrittenData;
  readonly descriptor: Descriptor;
};

/** Writes `plain` in pieces of changing length, from an array that is written over each time. */
async function write(
  plain: Uint8Array,
  version: Version,
  params: CompressionParams | undefined,
  options: { early?: boolean; pieces?: readonly number[] } = {},
): Promise<Written> {
  const { early = false, pieces = [1, 70_000, 7, 300, 31, 33, 16384, 4, 9000] } = options;
  const { descriptor, paths } = targetOf(version);
  const files = new Map<string, Uint8Array>();
  const output = memoryOutput(files);
  const compression = params && (await loadCompression(params));
  const writer = new DataWriter(output, paths, version, compression);
  const scratch = new Uint8Array(70_003);
  for (let at = 0, i = 0; at < plain.length; i++) {
    const n = Math.min(pieces[i % pieces.length]!, plain.length - at);
    scratch.set(plain.subarray(at, at + n), 3);
    writer.write(scratch, 3, 3 + n);
    at += n;
    expect(writer.position).toBe(at);
  }
  if (early) writer.sync();
  const result = writer.finish();
  expect(writer.storedPosition).toBe(result.storedBytes);
  return { files, result, descriptor };
}

async function readPlain(storage: Storage, descriptor: Descriptor): Promise<Uint8Array> {
  const data = await openDataFile(storage, descriptor);
  try {
    const plain = new Uint8Array(data.length);
    for (let at = 0; at < plain.length; ) at += data.read(at, plain, at, 1, plain.length - at);
    return plain;
  } finally {
    data.close();
  }
}

/** How an SSTable on disk was written: what a writer must be told to write it again. */
function recipeOf(descriptor: Descriptor, plainBytes: number): { params?: CompressionParams; early: boolean } {
  const info = readCompressionInfo(diskStorage, descriptor);
  if (info) {
    const { compressor, chunkLength, maxCompressedLength, chunkCount } = info;
    // an option of every compressor in older versions, of no matter for what is written
    const options = info.options.filter(([key]) => key !== 'crc_check_chance');
    const params = { compressor, options, chunkLength, maxCompressedLength };
    return { params, early: chunkCount > Math.ceil(plainBytes / chunkLength) };
  }
  const crc = readChecksumFile(diskStorage, descriptor);
  return { early: crc !== undefined && crc.checksums.length / 4 > Math.ceil(plainBytes / crc.chunkSize) };
}

/** Components that differ from those on disk. */
function differences(real: Descriptor, { files, descriptor }: Written): string[] {
  const names = [COMPONENT.data, COMPONENT.digest, COMPONENT.compressionInfo, COMPONENT.crc];
  return names.filter((name) => {
    const theirs = componentPath(real, name);
    const ours = files.get(componentPath(descriptor, name));
    if (!fs.existsSync(theirs)) return ours !== undefined;
    return ours === undefined || !fs.readFileSync(theirs).equals(ours);
  });
}

async function rewrite(file: string): Promise<{ written: Written; real: Descriptor; plain: Uint8Array }> {
  const { descriptor: real } = parseDescriptor(file);
  const plain = await readPlain(diskStorage, real);
  const { params, early } = recipeOf(real, plain.length);
  return { written: await write(plain, real.version, params, { early }), real, plain };
}

/** Every Data.db in a folder, with those of system tables and indexes. */
function dataFiles(folder: string): string[] {
  return (fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }) as string[])
    .filter((name) => name.endsWith('-Data.db') && !name.includes('golden'))
    .sort()
    .map((name) => path.join(folder, name));
}

describe('files of Cassandra 4.1 and 5.0', () => {
  const folders = ['oa-5.0', 'da-5.0', 'nb-4.1'].map((name) => path.join(FIXTURES, name));
  it.each(folders)('are written again, byte for byte: %s', async (folder) => {
    const files = dataFiles(folder);
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const { written, real } = await rewrite(file);
      expect(differences(real, written), file).toEqual([]);
    }
  });

  it.each(hasCorpus() ? CORPUS_FOLDERS : [])('are written again, byte for byte: %s', async (folder) => {
    const files = corpusFiles('-Data.db', [folder]);
    expect(files.length).toBeGreaterThan(40);
    for (const file of files) {
      const { written, real } = await rewrite(path.join(CORPUS, file));
      expect(differences(real, written), file).toEqual([]);
    }
  });

  it('have among them tables of every kind', () => {
    const kinds = new Set<string>();
    for (const file of folders.flatMap(dataFiles)) {
      const { descriptor } = parseDescriptor(file);
      const { params, early } = recipeOf(descriptor, fs.statSync(file).size);
      kinds.add(params?.compressor ?? 'plain');
      if (params && params.maxCompressedLength !== NO_LIMIT) kinds.add('limit');
      if (early) kinds.add('early');
    }
    expect([...kinds]).toEqual(
      expect.arrayContaining(['LZ4Compressor', 'SnappyCompressor', 'NoopCompressor', 'plain', 'limit']),
    );
  });
});

describe('files of ScyllaDB', () => {
  const files = hasCorpus() ? corpusFiles('-Data.db', ['public/sstables/scylla']) : [];
  it.skipIf(files.length === 0)('are written again, with the same chunks', async () => {
    for (const file of files) {
      const { written, real, plain } = await rewrite(path.join(CORPUS, file));
      expect(Buffer.from(plain).equals(await readPlain(memoryOutput(written.files), written.descriptor)), file).toBe(
        true,
      );
      const theirs = readCompressionInfo(diskStorage, real);
      const ours = readCompressionInfo(memoryOutput(written.files), written.descriptor);
      expect(ours?.chunkCount, file).toBe(theirs?.chunkCount);
      expect(ours?.dataLength, file).toBe(theirs?.dataLength);
    }
  });
});

/** Half words that shrink, half noise that does not. */
function plainOf(length: number, seed = 1): Buffer {
  const random = randomOf(seed);
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i >> 12) & 1 ? random() * 256 : (i * i) >> 7;
  return bytes;
}

const NB = versionOf('big', 'nb');
const ME = versionOf('big', 'me');

const TABLES: readonly Readonly<Record<string, string>>[] = [
  {},
  { class: 'NoopCompressor', chunk_length_in_kb: '4' },
  { class: 'LZ4Compressor', chunk_length_in_kb: '4', min_compress_ratio: '1.5' },
  { class: 'LZ4Compressor', lz4_high_compressor_level: '3', lz4_compressor_type: 'high' },
  { class: 'org.apache.cassandra.io.compress.SnappyCompressor', chunk_length_in_kb: '1', min_compress_ratio: '1' },
  { class: 'DeflateCompressor', chunk_length_in_kb: '64' },
  { class: 'ZstdCompressor', chunk_length_in_kb: '4', min_compress_ratio: '1.1', compression_level: '5' },
];

describe.each(TABLES)('%j', (table) => {
  const params = compressionParams(table);
  const chunk = params?.chunkLength ?? 65536;

  it('comes back, whatever its length and the pieces it is written in', async () => {
    const lengths = fc.oneof(
      fc.integer({ min: 1, max: 3 * chunk }),
      fc.constantFrom(chunk - 1, chunk, chunk + 1, 2 * chunk),
    );
    const pieces = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        lengths,
        pieces,
        fc.boolean(),
        fc.constantFrom(NB, ME),
        async (length, sizes, early, version) => {
          const plain = plainOf(length, length);
          const { files, result, descriptor } = await write(plain, version, params, {
            early,
            pieces: [...sizes, 1000],
          });
          const storage = memoryOutput(files);
          expect(plain.equals(await readPlain(storage, descriptor))).toBe(true);
          expect(readDigest(storage, descriptor)).toBe(crc32(files.get(pathsOf(descriptor).data)!));
          expect(result).toMatchObject({
            plainBytes: length,
            storedBytes: files.get(pathsOf(descriptor).data)!.length,
            digest: readDigest(storage, descriptor),
          });
        },
      ),
      { numRuns: 12 },
    );
  });

  it('has one chunk more where it was synced before its end', async () => {
    for (const length of [1, chunk - 1, chunk, chunk + 1]) {
      const counts = [false, true].map(async (early) => {
        const { files, descriptor } = await write(plainOf(length), NB, params, { early });
        const storage = memoryOutput(files);
        const info = readCompressionInfo(storage, descriptor);
        return info?.chunkCount ?? readChecksumFile(storage, descriptor)!.checksums.length / 4;
      });
      const expected = Math.ceil(length / chunk);
      expect(await Promise.all(counts)).toEqual([expected, expected + 1]);
    }
  });

  it('is counted as it would be written', async () => {
    const plain = plainOf(100_000);
    const { files, result } = await write(plain, NB, params);
    const output = new CountingOutput(memoryOutput());
    const { paths } = targetOf(NB);
    const writer = new DataWriter(output, paths, NB, params && (await loadCompression(params)));
    writer.write(plain);
    expect(writer.finish()).toEqual(result);
    expect(output.sizes).toEqual(new Map([...files].map(([name, bytes]) => [name, bytes.length])));
  });
});

describe('a writer', () => {
  const params = compressionParams({ class: 'LZ4Compressor', chunk_length_in_kb: '4', min_compress_ratio: '1.5' })!;

  it('knows its ratio without the checksums, plain and filled up chunks as they are stored', async () => {
    const random = randomOf(3);
    const noise = Buffer.from(Array.from({ length: 4096 + 10 }, () => random() * 256));
    const { result, files, descriptor } = await write(noise, NB, params);
    const limit = Math.ceil(4096 / 1.5);
    expect(params.maxCompressedLength).toBe(limit);
    // ten bytes of noise still take fewer than the limit
    const last = result.storedBytes - 4096 - 8;
    expect(last).toBeLessThan(40);
    expect(result.compressionRatio).toBe((4096 + last) / 4106);
    const cut = await write(noise.subarray(0, 2725), NB, params);
    expect(cut.result).toMatchObject({ storedBytes: limit + 4, compressionRatio: limit / 2725 });
    const data = cut.files.get(pathsOf(descriptor).data)!;
    expect(noise.subarray(0, 2725).equals(data.subarray(0, 2725))).toBe(true);
    expect(data.subarray(2725, limit).every((byte) => byte === 0)).toBe(true);
    expect(files.size).toBe(3);
  });

  it('has no place for a limit in versions before na: all chunks are compressed', async () => {
    const { files, descriptor } = await write(plainOf(20_000), ME, params);
    const info = readCompressionInfo(memoryOutput(files), descriptor)!;
    expect(info.maxCompressedLength).toBe(NO_LIMIT);
    expect(info.chunkCount).toBe(5);
  });

  it('tells its position on disk in whole chunks, that of plain data in bytes', async () => {
    const { paths } = targetOf(NB);
    const writer = new DataWriter(memoryOutput(), paths, NB, await loadCompression(params));
    writer.write(Buffer.alloc(4096));
    expect([writer.position, writer.storedPosition]).toEqual([4096, 0]);
    writer.write(Buffer.alloc(1));
    expect(writer.position).toBe(4097);
    expect(writer.storedPosition).toBeGreaterThan(20);
    const plain = new DataWriter(memoryOutput(), paths, NB);
    plain.write(Buffer.alloc(5));
    expect([plain.position, plain.storedPosition]).toEqual([5, 5]);
  });

  it('takes no bytes after its end', async () => {
    const { paths } = targetOf(NB);
    const writer = new DataWriter(memoryOutput(), paths, NB, await loadCompression(params));
    writer.write(Buffer.from('x'));
    writer.sync();
    writer.write(Buffer.from('y'));
    expect(() => writer.finish()).toThrow(InvariantError);
  });

  it('never writes over a file that is there', () => {
    const { paths } = targetOf(NB);
    const files = new Map([[paths.data, Buffer.from('theirs')]]);
    expect(() => new DataWriter(memoryOutput(files), paths, NB)).toThrow(UsageError);
    expect(files.get(paths.data)?.toString()).toBe('theirs');
  });
});
