/**
 * Data.db as its plain bytes, whatever the compression:
 *
 *   compressed    chunk, u32 CRC-32 of the stored chunk, chunk, u32, …       (offsets in CompressionInfo.db)
 *   uncompressed  the bytes; CRC.db beside: i32 chunk size, then a u32 CRC-32 for each chunk
 */
import { CorruptError } from '../bytes/errors.js';
import type { Storage } from '../bytes/source.js';
import { loadCodec } from '../codec/load.js';
import { type OnBadChunk, readChecksumFile } from './checksum-file.js';
import { compressedFile } from './compressed-data-file.js';
import { readCompressionInfo } from './compression-info.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import { plainFile } from './plain-data-file.js';
import { readToc } from './toc.js';

/** Bytes that are read ahead, and that a cursor keeps, at most: less where many files are open at a time. */
const WINDOW_BYTES = 1 << 18;

export interface DataFile {
  readonly file: string;
  /** Plain bytes. */
  readonly length: number;
  /** Bytes of Data.db itself. */
  readonly storedLength: number;
  /** Bytes read ahead at most, and kept by a cursor. */
  readonly windowBytes: number;
  /**
   * Copies plain bytes from `position` to `target[offset…]`: at least `min` unless the data ends before, at most `max`.
   * @throws CorruptError for a chunk that is cut, fails its checksum or its codec
   */
  read(position: number, target: Uint8Array, offset: number, min: number, max: number): number;
  /** Chunks decompressed so far; absent where the file is not compressed. */
  readonly chunksRead?: number;
  close(): void;
}

export type OpenDataOptions = {
  /** Called for chunks of uncompressed tables that fail CRC.db; the default throws. Compressed chunks always throw: they can't be read. */
  readonly onBadChunk?: OnBadChunk;
  /** See {@link DataFile.windowBytes}; 256 KiB by default. */
  readonly windowBytes?: number;
};

/**
 * Opens Data.db.
 * @throws UsageError when it is missing, CorruptError (damaged companions, no bytes), UnsupportedError for an unknown codec
 */
export async function openDataFile(
  storage: Storage,
  descriptor: Descriptor,
  options: OpenDataOptions = {},
): Promise<DataFile> {
  const info = readCompressionInfo(storage, descriptor);
  const codec = info && (await loadCodec(info.compressor, info.file));
  const crc = info ? undefined : readChecksumFile(storage, descriptor);
  if (!info) refuseLostCompressionInfo(storage, descriptor);
  const windowBytes = options.windowBytes ?? WINDOW_BYTES;
  const source = storage.open(componentPath(descriptor, COMPONENT.data));
  try {
    if (info && codec) return compressedFile(source, info, codec, windowBytes);
    return plainFile(source, windowBytes, crc, options.onBadChunk);
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Without CompressionInfo.db a compressed file would be read as though it were plain. TOC.txt tells which it is. */
function refuseLostCompressionInfo(storage: Storage, descriptor: Descriptor): void {
  if (!storage.stat(componentPath(descriptor, COMPONENT.toc))) return;
  if (!readToc(storage, descriptor).includes(COMPONENT.compressionInfo)) return;
  throw new CorruptError('is missing, though TOC.txt names it: Data.db is compressed', {
    file: componentPath(descriptor, COMPONENT.compressionInfo),
    component: COMPONENT.compressionInfo,
    hint: "restore the file from a snapshot or backup; without it the chunks can't be found",
  });
}
