/**
 * Components without which nothing of an SSTable can be read, had again where that can be done exactly:
 *
 *   CompressionInfo.db   from Data.db, see chunk-table.ts
 *   Statistics.db        from a copy of the very SSTable in a snapshot or backup of the table here. From another SSTable it can't be: times are stored as
 *                        differences to the least of their SSTable, which stand in its own Statistics.db alone
 *
 * What is had again is laid over the storage: nothing is written.
 */
import path from 'node:path';
import { crc32 } from '../../bytes/crc32.js';
import { CorruptError, LsmctlError } from '../../bytes/errors.js';
import { memorySource, readWhole, type Storage } from '../../bytes/source.js';
import { type CompressionParams, compressionParams } from '../../codec/compression-params.js';
import type { Table, View } from '../../cql/schema.js';
import {
  type CompressionInfo,
  chunkOffset,
  encodeCompressionInfo,
  readCompressionInfo,
  readCompressionParameters,
} from '../../sstable/compression-info.js';
import { COMPONENT, componentPath, type Descriptor, parseDescriptor, parseTableDirectory } from '../../sstable/descriptor.js'; // biome-ignore format: one line
import { readDigest } from '../../sstable/digest.js';
import { readStatistics } from '../../sstable/statistics.js';
import { readToc } from '../../sstable/toc.js';
import { findChunks } from './chunk-table.js';

export type Restored = { readonly storage: Storage; readonly notes: readonly string[] };

/** @throws CorruptError where CompressionInfo.db is lost and can't be had again */
export async function restoreComponents(
  storage: Storage,
  descriptor: Descriptor,
  definition: Table | View | undefined,
): Promise<Restored> {
  const files = new Map<string, Uint8Array>();
  const notes: string[] = [];
  const statistics = statisticsCopy(storage, descriptor, notes);
  if (statistics) files.set(componentPath(descriptor, COMPONENT.statistics), statistics);
  const table = await chunkTable(storage, descriptor, definition, notes);
  if (table) files.set(componentPath(descriptor, COMPONENT.compressionInfo), table);
  return { storage: files.size === 0 ? storage : laidOver(storage, descriptor, files), notes };
}

function laidOver(storage: Storage, descriptor: Descriptor, files: ReadonlyMap<string, Uint8Array>): Storage {
  return {
    list: (directory) => storage.list(directory),
    open: (file) => (files.has(file) ? memorySource(files.get(file)!, file) : storage.open(file)),
    stat: (file) => {
      const bytes = files.get(file);
      if (!bytes) return storage.stat(file);
      const like = storage.stat(file) ?? storage.stat(componentPath(descriptor, COMPONENT.data));
      return like && { ...like, size: bytes.length };
    },
  };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return undefined;
  }
}

/** CompressionInfo.db anew; `undefined` where the one there is serves, or there is none to be. */
async function chunkTable(
  storage: Storage,
  descriptor: Descriptor,
  definition: Table | View | undefined,
  notes: string[],
): Promise<Uint8Array | undefined> {
  const file = componentPath(descriptor, COMPONENT.compressionInfo);
  if (!storage.stat(componentPath(descriptor, COMPONENT.data))?.size || !isCompressed(storage, descriptor)) return undefined; // biome-ignore format: one line
  const known = attempt(() => readCompressionInfo(storage, descriptor));
  if (known && (isRight(storage, descriptor, known) || !isWhole(storage, descriptor))) return undefined;
  const source = storage.open(componentPath(descriptor, COMPONENT.data));
  let reached = 0;
  try {
    for (const { params, from } of candidates(storage, descriptor, definition)) {
      const found = await findChunks(source, params, file);
      if ('info' in found) {
        const { chunkCount } = found.info;
        const was = known ? 'is wrong' : storage.stat(file) ? 'is damaged' : 'is missing';
        notes.push(
          `${COMPONENT.compressionInfo}: ${was}; the ${chunkCount} chunks of Data.db were found by their checksums, with the parameters ${from}`,
        );
        return encodeCompressionInfo(found.info, descriptor.version);
      }
      reached = Math.max(reached, found.stoppedAt);
    }
  } finally {
    source.close();
  }
  if (known) return undefined;
  throw new CorruptError('is lost, and can not be made anew: Data.db is damaged too, or was compressed otherwise', {
    file,
    component: COMPONENT.compressionInfo,
    seen: `chunks up to byte ${reached} of Data.db`,
    hint: 'put back CompressionInfo.db of a snapshot or backup of this very SSTable, or tell how the table is compressed with --schema',
  });
}

function isCompressed(storage: Storage, descriptor: Descriptor): boolean {
  const has = (component: string) => storage.stat(componentPath(descriptor, component)) !== undefined;
  if (has(COMPONENT.compressionInfo)) return true;
  const named = attempt(() => readToc(storage, descriptor));
  if (named && named.length > 0) return named.includes(COMPONENT.compressionInfo);
  return !has(COMPONENT.crc);
}

/** Whether each chunk of the table is where its checksum is. */
function isRight(storage: Storage, descriptor: Descriptor, info: CompressionInfo): boolean {
  const source = storage.open(componentPath(descriptor, COMPONENT.data));
  try {
    let buffer = new Uint8Array(info.chunkLength + 4);
    for (let chunk = 0; chunk < info.chunkCount; chunk++) {
      const start = chunkOffset(info, chunk);
      const end = chunk + 1 < info.chunkCount ? chunkOffset(info, chunk + 1) : source.size;
      const length = end - start;
      if (length < 4 || end > source.size || length > 2 * info.chunkLength + 4096) return false;
      if (length > buffer.length) buffer = new Uint8Array(length);
      if (source.read(start, buffer, 0, length) < length) return false;
      const stored = new DataView(buffer.buffer).getUint32(length - 4);
      if (crc32(buffer.subarray(0, length - 4)) !== stored) return false;
    }
    return true;
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    return false;
  } finally {
    source.close();
  }
}

const BLOCK_BYTES = 1 << 20;

/** Whether Data.db is what Digest.crc32 says, or nobody says what it is. */
function isWhole(storage: Storage, descriptor: Descriptor): boolean {
  const digest = attempt(() => readDigest(storage, descriptor));
  if (digest === undefined) return true;
  const source = storage.open(componentPath(descriptor, COMPONENT.data));
  try {
    const buffer = new Uint8Array(BLOCK_BYTES);
    let crc = 0;
    for (let at = 0, n = 1; at < source.size && n > 0; at += n) {
      n = source.read(at, buffer, 0, Math.min(buffer.length, source.size - at));
      crc = crc32(buffer.subarray(0, n), crc);
    }
    return crc === digest;
  } finally {
    source.close();
  }
}

type Candidate = { readonly params: CompressionParams; readonly from: string };

/** How the data may be compressed: as the damaged file itself says, as other SSTables of the table are, as the schema has it. */
function candidates(storage: Storage, descriptor: Descriptor, definition: Table | View | undefined): Candidate[] {
  const list: Candidate[] = [];
  const add = (params: CompressionParams | undefined, from: string) => {
    if (!params) return;
    const key = ({ compressor, chunkLength, maxCompressedLength }: CompressionParams) =>
      `${compressor} ${chunkLength} ${maxCompressedLength}`;
    if (!list.some((one) => key(one.params) === key(params))) list.push({ params, from });
  };
  add(attempt(() => readCompressionParameters(storage, descriptor)), 'that it still tells'); // biome-ignore format: one line
  for (const name of storage
    .list(descriptor.directory)
    .filter((one) => one.endsWith(`-${COMPONENT.compressionInfo}`))) {
    const other = attempt(() => parseDescriptor(path.join(descriptor.directory, name)).descriptor);
    if (!other || other.prefix === descriptor.prefix) continue;
    add(attempt(() => readCompressionParameters(storage, other)), `of ${other.prefix}`); // biome-ignore format: one line
  }
  const options = definition?.options?.compression;
  add(options && attempt(() => compressionParams(options)), 'of the schema');
  return list;
}

/** Statistics.db of a copy, where that here has lost its header. */
function statisticsCopy(storage: Storage, descriptor: Descriptor, notes: string[]): Uint8Array | undefined {
  const headerOf = (one: Descriptor) => attempt(() => readStatistics(storage, one).header);
  if (headerOf(descriptor)) return undefined;
  for (const copy of copiesOf(storage, descriptor)) {
    if (!isSameData(storage, descriptor, copy) || !headerOf(copy)) continue;
    const file = componentPath(copy, COMPONENT.statistics);
    notes.push(`${COMPONENT.statistics}: the header is lost; that of ${file} is taken, which is of the same data`);
    return readWhole(storage, file, 1 << 26);
  }
  return undefined;
}

/** The same generation in snapshots and backups of the table, and beside them. */
function copiesOf(storage: Storage, descriptor: Descriptor): Descriptor[] {
  const place = parseTableDirectory(descriptor.directory);
  let root = descriptor.directory;
  if (place.index !== undefined) return [];
  for (let up = place.snapshot !== undefined ? 2 : place.backup ? 1 : 0; up > 0; up--) root = path.dirname(root);
  const snapshots = path.join(root, 'snapshots');
  const names = storage.stat(snapshots)?.isDirectory ? storage.list(snapshots) : [];
  const directories = [root, path.join(root, 'backups'), ...names.map((name) => path.join(snapshots, name))];
  return directories
    .filter((directory) => path.resolve(directory) !== path.resolve(descriptor.directory))
    .map((directory) => ({ ...descriptor, directory }))
    .filter((copy) => storage.stat(componentPath(copy, COMPONENT.statistics)) !== undefined);
}

/** Whether two Data.db are one file, or of one length with one digest. */
function isSameData(storage: Storage, a: Descriptor, b: Descriptor): boolean {
  const [x, y] = [a, b].map((one) => storage.stat(componentPath(one, COMPONENT.data)));
  if (!x || !y || x.size !== y.size) return false;
  if (x.inode !== undefined && x.inode === y.inode) return true;
  const [p, q] = [a, b].map((one) => attempt(() => readDigest(storage, one)));
  return p !== undefined && p === q;
}
