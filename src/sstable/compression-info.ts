/**
 * CompressionInfo.db, integers big-endian:
 *
 *   utf compressor | i32 n, n × (utf key, utf value) | i32 chunkLength | i32 maxCompressedLength (na and later) | i64 dataLength | i32 count | count × i64 offset
 *
 * `utf` is a u16 length and that many bytes. A chunk lies at its offset in Data.db, its compressed length is up to the next offset (or the end
 * of the file) less 4 for the CRC-32 that follows it. A chunk whose stored length is not below maxCompressedLength is stored plain.
 * Some writers list one chunk more than the data needs: it is empty and never read.
 */
import { Cursor } from '../bytes/cursor.js';
import { CorruptError, UnsupportedError } from '../bytes/errors.js';
import { readStart, readWhole, type Storage } from '../bytes/source.js';
import { ByteWriter } from '../bytes/writer.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';

/** What stands before the chunk offsets. */
export type CompressionParameters = {
  readonly file: string;
  /** Class name as stored, usually without package. */
  readonly compressor: string;
  readonly options: readonly (readonly [key: string, value: string])[];
  /** Plain bytes in a chunk (the last may be shorter). */
  readonly chunkLength: number;
  /** Stored lengths from here on are plain chunks; 2^31 − 1 where the version or table has no such limit. */
  readonly maxCompressedLength: number;
  /** Plain bytes in all. */
  readonly dataLength: number;
  readonly chunkCount: number;
};

export type CompressionInfo = CompressionParameters & {
  /** `chunkCount` big-endian i64, as in the file: decoded when asked, a table may have millions. */
  readonly offsets: Uint8Array;
};

/** Larger chunks than any table can be set to in practice; above it a length is taken for damage. */
const MAX_CHUNK_LENGTH = 1 << 28;

/** More than any class name and options take. */
const PARAMETERS_BYTES = 4096;

/** @throws CorruptError, UnsupportedError */
export function decodeCompressionInfo(
  bytes: Uint8Array,
  file: string,
  features: { readonly hasMaxCompressedLength: boolean },
): CompressionInfo {
  const c = new Cursor(bytes, { file, component: COMPONENT.compressionInfo });
  const parameters = readParameters(c, file, features);
  const { chunkLength, dataLength, chunkCount } = parameters;
  c.count(chunkCount, 8, 'chunks');
  const neededChunks = Math.ceil(dataLength / chunkLength);
  if (dataLength <= 0 || neededChunks > chunkCount || neededChunks < chunkCount - 1) {
    throw c.corrupt('data length does not fit its chunks', {
      seen: `${dataLength} bytes`,
      expected: `${chunkCount} chunks of ${chunkLength} bytes`,
    });
  }
  return { ...parameters, offsets: c.view(chunkCount * 8) };
}

function readParameters(
  c: Cursor,
  file: string,
  features: { readonly hasMaxCompressedLength: boolean },
): CompressionParameters {
  const compressor = c.javaUtf();
  const options: [string, string][] = [];
  for (let n = c.count(c.i32(), 4, 'options'); n > 0; n--) options.push([c.javaUtf(), c.javaUtf()]);
  const chunkLength = c.i32();
  if (chunkLength <= 0 || (chunkLength & (chunkLength - 1)) !== 0) {
    throw c.corrupt('chunk length is not a power of two', { seen: chunkLength, offset: c.offset - 4 });
  }
  if (chunkLength > MAX_CHUNK_LENGTH) {
    throw new UnsupportedError('chunk length above 256 MiB', { file, seen: chunkLength, expected: MAX_CHUNK_LENGTH });
  }
  const maxCompressedLength = features.hasMaxCompressedLength ? c.i32() : 0x7fffffff;
  const dataLength = c.i64AsNumber();
  const chunkCount = c.i32();
  if (chunkCount <= 0) throw c.corrupt('no chunks', { seen: chunkCount, expected: 'at least 1', offset: c.offset - 4 });
  return {
    file,
    compressor,
    options,
    chunkLength,
    maxCompressedLength,
    dataLength,
    chunkCount,
  };
}

export function encodeCompressionInfo(
  info: CompressionInfo,
  features: { readonly hasMaxCompressedLength: boolean },
): Uint8Array {
  const out = new ByteWriter(64 + info.offsets.length);
  out.javaUtf(info.compressor);
  out.i32(info.options.length);
  for (const [key, value] of info.options) {
    out.javaUtf(key);
    out.javaUtf(value);
  }
  out.i32(info.chunkLength);
  if (features.hasMaxCompressedLength) out.i32(info.maxCompressedLength);
  out.i64FromNumber(info.dataLength);
  out.i32(info.chunkCount);
  out.bytes(info.offsets);
  return out.toBytes();
}

/** `undefined` where the SSTable is not compressed (it has no CompressionInfo.db). */
export function readCompressionInfo(storage: Storage, descriptor: Descriptor): CompressionInfo | undefined {
  const file = componentPath(descriptor, COMPONENT.compressionInfo);
  if (!storage.stat(file)) return undefined;
  return decodeCompressionInfo(readWhole(storage, file, 1 << 30), file, descriptor.version);
}

/** As {@link readCompressionInfo}, without the chunk offsets, of which a large table has megabytes. */
export function readCompressionParameters(storage: Storage, descriptor: Descriptor): CompressionParameters | undefined {
  const file = componentPath(descriptor, COMPONENT.compressionInfo);
  if (!storage.stat(file)) return undefined;
  return readParameters(
    new Cursor(readStart(storage, file, PARAMETERS_BYTES), { file, component: COMPONENT.compressionInfo }),
    file,
    descriptor.version,
  );
}

/** Position in Data.db of the last chunk that is listed, of all offsets the only one read. @throws CorruptError where the list is cut short */
export function readLastChunkOffset(storage: Storage, descriptor: Descriptor): number {
  const file = componentPath(descriptor, COMPONENT.compressionInfo);
  const context = { file, component: COMPONENT.compressionInfo };
  const head = new Cursor(readStart(storage, file, PARAMETERS_BYTES), context);
  const { chunkCount } = readParameters(head, file, descriptor.version);
  const position = head.offset + (chunkCount - 1) * 8;
  const source = storage.open(file);
  try {
    const offset = new Uint8Array(8);
    return new Cursor(offset, context, 0, source.read(position, offset, 0, 8), position).i64AsNumber();
  } finally {
    source.close();
  }
}

/** Position in Data.db of chunk `index`. @throws CorruptError when it is negative or beyond 2^53 */
export function chunkOffset(info: CompressionInfo, index: number): number {
  const o = info.offsets;
  const p = index * 8;
  const hi = (o[p]! << 24) | (o[p + 1]! << 16) | (o[p + 2]! << 8) | o[p + 3]!;
  const lo = ((o[p + 4]! << 24) | (o[p + 5]! << 16) | (o[p + 6]! << 8) | o[p + 7]!) >>> 0;
  if (hi < 0 || hi >= 0x200000) {
    throw new CorruptError('chunk offset out of range', {
      file: info.file,
      component: COMPONENT.compressionInfo,
      chunk: index,
    });
  }
  return hi * 4294967296 + lo;
}
