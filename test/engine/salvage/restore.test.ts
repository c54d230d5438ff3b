/** What a salvage has again that was lost: CompressionInfo.db from the chunks themselves, Statistics.db from a copy. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryOutput } from '../../../src/bytes/sink.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { findChunks } from '../../../src/engine/salvage/chunk-table.js';
import { encodeCompressionInfo, readCompressionInfo } from '../../../src/sstable/compression-info.js';
import { componentPath, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { CORPUS, hasCorpus } from '../../corpus.js';
import { randomOf } from '../../corrupt.js';
import { fixtureSSTables } from '../../fixtures.js';
import { temporaryDirectory } from '../directories.js';
import { fromDisk } from './campaign.js';
import { contentsOf, judge, salvageInMemory } from './judge.js';

const seed = Number(process.env.LSMCTL_SEED ?? 61);

const isThere = (file: string, component: string) => fs.existsSync(file.replace(/Data\.db$/, component));
const compressed = fixtureSSTables().filter(({ file }) => isThere(file, 'CompressionInfo.db'));
const corpus = hasCorpus()
  ? fs
      .readdirSync(path.join(CORPUS, 'public/sstables'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('-Data.db'))
      .map((name) => ({ name, file: path.join(CORPUS, 'public/sstables', name) }))
      .filter(({ file }) => isThere(file, 'CompressionInfo.db') && fs.statSync(file).size > 0)
  : [];

describe('CompressionInfo.db is made anew from Data.db', () => {
  it('byte for byte, of each codec and version', async () => {
    const codecs = new Set<string>();
    const versions = new Set<string>();
    for (const { name, file } of [...compressed, ...corpus]) {
      const { descriptor } = parseDescriptor(file);
      const info = readCompressionInfo(diskStorage, descriptor)!;
      // some of Scylla's list an empty chunk more
      const isPlain = Math.ceil(info.dataLength / info.chunkLength) === info.chunkCount;
      const source = diskStorage.open(file);
      const found = await findChunks(source, info, info.file);
      source.close();
      if (!isPlain) continue;
      expect('info' in found, name).toBe(true);
      if (!('info' in found)) continue;
      const original = fs.readFileSync(componentPath(descriptor, 'CompressionInfo.db'));
      expect(Buffer.from(encodeCompressionInfo(found.info, descriptor.version)).equals(original), name).toBe(true);
      codecs.add(info.compressor);
      versions.add(descriptor.version.name);
    }
    expect([...codecs].map((name) => name.replace(/.*\./, '')).sort()).toEqual(expect.arrayContaining(['DeflateCompressor', 'LZ4Compressor', 'SnappyCompressor', 'ZstdCompressor'])); // biome-ignore format: one line
    expect(versions.size).toBeGreaterThan(2);
  });

  it('or not at all', async () => {
    const random = randomOf(seed);
    for (const { name, file } of compressed.slice(0, 40)) {
      const { descriptor, files } = fromDisk(file);
      const info = readCompressionInfo(diskStorage, descriptor)!;
      const bad = files.get(file)!.slice();
      bad[Math.floor(random() * bad.length)]! ^= 1 << Math.floor(random() * 8);
      const found = await findChunks(memoryOutput(new Map(files).set(file, bad)).open(file), info, info.file);
      if ('info' in found) expect(found.info, name).toEqual(info);
      expect('stoppedAt' in found, name).toBe(true);
    }
  });
});

describe('a salvage', () => {
  const subjects = compressed.filter(({ name }) => /orders_by_id|wide-|many|c_zstd|c_snappy|c_deflate/.test(name)).slice(0, 12); // biome-ignore format: one line
  const chunkTable = (file: string) => file.replace(/Data\.db$/, 'CompressionInfo.db');

  async function judged(
    name: string,
    file: string,
    change: (files: Map<string, Uint8Array>) => void,
  ): Promise<string[]> {
    const { descriptor, files } = fromDisk(file);
    const original = await contentsOf(diskStorage, descriptor);
    const sstable = await openDescriptor(diskStorage, descriptor);
    const types = sstable.header.clusteringTypes;
    sstable.close();
    const bad = new Map(files);
    change(bad);
    const run = await salvageInMemory(memoryOutput(bad), descriptor);
    expect(run.result.losses, name).toEqual([]);
    expect(await judge(original, run, types), name).toEqual([]);
    return [...run.result.notes];
  }

  it.each(subjects)('keeps all of $name without offsets of chunks', async ({ name, file }) => {
    const table = chunkTable(file);
    const cut = await judged(name, file, (files) => files.set(table, files.get(table)!.slice(0, -3)));
    expect(cut.join()).toContain('CompressionInfo.db: is damaged; the ');
    const flipped = await judged(name, file, (files) => {
      const bad = files.get(table)!.slice();
      bad[bad.length - 2]! ^= 0x40;
      files.set(table, bad);
    });
    expect(flipped.join()).toContain('found by their checksums');
  });

  it('takes the parameters of other SSTables of the table', async () => {
    const { name, file } = subjects.find((one) => /orders_by_id/.test(one.name))!;
    const { descriptor } = parseDescriptor(file);
    const other = fs.readdirSync(descriptor.directory).find((one) => one.endsWith('-CompressionInfo.db') && !one.startsWith(descriptor.prefix))!; // biome-ignore format: one line
    const notes = await judged(name, file, (files) => {
      files.delete(chunkTable(file));
      files.set(path.join(descriptor.directory, other), fs.readFileSync(path.join(descriptor.directory, other)));
    });
    expect(notes.join()).toMatch(/CompressionInfo.db: is missing; .* with the parameters of /);
  });

  it('refuses where Data.db is damaged too, and says so', async () => {
    const { descriptor, files } = fromDisk(subjects[0]!.file);
    const bad = files.get(subjects[0]!.file)!.slice();
    bad[40]! ^= 1;
    const table = chunkTable(subjects[0]!.file);
    const storage = memoryOutput(new Map(files).set(subjects[0]!.file, bad).set(table, files.get(table)!.slice(0, -3)));
    await expect(salvageInMemory(storage, descriptor)).rejects.toThrow('Data.db is damaged too');
  });

  it('takes the header of a copy of the very SSTable, and of no other', async () => {
    const from = path.dirname(subjects[0]!.file);
    const directory = path.join(temporaryDirectory(), path.basename(from));
    fs.cpSync(from, directory, { recursive: true });
    const copy = path.join(directory, 'snapshots', 'before');
    fs.mkdirSync(copy, { recursive: true });
    const { descriptor } = parseDescriptor(path.join(directory, path.basename(subjects[0]!.file)));
    const nameOf = (component: string) => path.basename(componentPath(descriptor, component));
    const copied = ['Data.db', 'Digest.crc32', 'Statistics.db'].map(nameOf);
    for (const name of copied) fs.copyFileSync(path.join(directory, name), path.join(copy, name));
    fs.truncateSync(componentPath(descriptor, 'Statistics.db'), 100);
    const { result } = await salvageInMemory(diskStorage, descriptor);
    expect(result.losses).toEqual([]);
    expect(result.notes.join()).toContain('snapshots/before');
    fs.writeFileSync(path.join(copy, nameOf('Digest.crc32')), '1');
    await expect(salvageInMemory(diskStorage, descriptor)).rejects.toThrow('no other SSTable has');
  });
});
