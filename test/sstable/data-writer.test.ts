/**
 * Every Data.db that Cassandra wrote, read and written anew: the same files, byte for byte, where the codec's bytes are Cassandra's; else the same
 * chunks. And tables made here, in pieces of every length, read back.
 */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/bytes/errors.js';
import { CountingOutput, memoryOutput } from '../../src/bytes/sink.js';
import { diskStorage } from '../../src/bytes/source.js';
import { type CompressionParams, compressionParams, loadCompression } from '../../src/codec/compression-params.js';
import { readCompressionInfo } from '../../src/sstable/compression-info.js';
import { openDataFile, readChecksumFile } from '../../src/sstable/data-file.js';
import { type DataPaths, DataWriter, type WrittenData } from '../../src/sstable/data-writer.js';
import { COMPONENT, componentPath, type Descriptor, parseDescriptor } from '../../src/sstable/descriptor.js';
import type { Version } from '../../src/sstable/version.js';
import { CORPUS, corpusFiles, KITCHENS } from '../corpus.js';
import { randomOf } from '../corrupt.js';
import { FIXTURES } from '../fixtures.js';

const TARGET = '/d/ks/t-5a1c395e';

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

async function readPlain(storage: typeof diskStorage, descriptor: Descriptor): Promise<Uint8Array> {
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

  const kitchens = KITCHENS.filter(() => corpusFiles('README.md', []) && fs.existsSync(CORPUS));
  it.skipIf(kitchens.length === 0).each(kitchens)('are written again, byte for byte: %s', async (kitchen) => {
    for (const file of corpusFiles('-Data.db', [`${kitchen}/data`])) {
      const { written, real } = await rewrite(path.join(CORPUS, file));
      expect(differences(real, written), file).toEqual([]);
    }
  });
});
