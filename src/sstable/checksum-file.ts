/** CRC.db of an uncompressed table: i32 chunk size, then a u32 CRC-32 for each chunk of Data.db. */
import { crc32, crcText } from '../bytes/crc32.js';
import { Cursor } from '../bytes/cursor.js';
import { CorruptError } from '../bytes/errors.js';
import { type ByteSource, readWhole, type Storage } from '../bytes/source.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';

export type ChecksumFile = { readonly chunkSize: number; readonly checksums: Uint8Array; readonly file: string };

/** `undefined` where there is none (compressed tables, some tools). @throws CorruptError */
export function readChecksumFile(storage: Storage, descriptor: Descriptor): ChecksumFile | undefined {
  const file = componentPath(descriptor, COMPONENT.crc);
  if (!storage.stat(file)) return undefined;
  const c = new Cursor(readWhole(storage, file, 1 << 30), { file, component: COMPONENT.crc });
  const chunkSize = c.i32();
  if (chunkSize <= 0 || chunkSize > MAX_CHECKED_CHUNK) {
    throw c.corrupt('chunk size out of range', { seen: chunkSize, expected: `1 to ${MAX_CHECKED_CHUNK}`, offset: 0 });
  }
  if (c.left % 4 !== 0) throw c.corrupt('ends within a checksum', { seen: `${c.left} bytes` });
  return { chunkSize, checksums: c.view(c.left), file };
}

const MAX_CHECKED_CHUNK = 1 << 26;

/** What a scan of an uncompressed Data.db does with a chunk that fails its CRC.db. */
export type OnBadChunk = (error: CorruptError) => void;

/** Told of each piece that was read: plain bytes from `position`, which are `bytes[offset, offset + length)`. */
export type ChunkChecker = (position: number, bytes: Uint8Array, offset: number, length: number) => void;

/**
 * Checks the chunks of an uncompressed Data.db as a forward scan passes them. Chunks that a scan enters or leaves in the middle are read again
 * on their own.
 */
export function chunkChecker(source: ByteSource, crc: ChecksumFile, onBad: OnBadChunk): ChunkChecker {
  const { chunkSize, checksums } = crc;
  const count = checksums.length / 4;
  let good = -1; // the chunk found good last: small reads come back to it
  let scratch: Uint8Array | undefined;
  return (position: number, bytes: Uint8Array, offset: number, length: number) => {
    const first = Math.floor(position / chunkSize);
    const last = Math.floor((position + length - 1) / chunkSize);
    for (let chunk = first; chunk <= last; chunk++) {
      if (chunk === good) continue;
      const start = chunk * chunkSize;
      const size = Math.min(chunkSize, source.size - start);
      let view: Uint8Array;
      if (start >= position && start + size <= position + length) {
        view = bytes.subarray(offset + start - position, offset + start - position + size);
      } else {
        scratch ??= new Uint8Array(Math.min(chunkSize, source.size));
        view = scratch.subarray(0, source.read(start, scratch, 0, size));
      }
      const at = chunk * 4;
      const facts = { file: source.path, component: COMPONENT.data, offset: start, chunk };
      if (chunk >= count) {
        onBad(new CorruptError('chunk has no checksum in CRC.db', { ...facts, seen: `${count} checksums` }));
        continue;
      }
      const expected =
        ((checksums[at]! << 24) | (checksums[at + 1]! << 16) | (checksums[at + 2]! << 8) | checksums[at + 3]!) >>> 0;
      const seen = crc32(view);
      if (seen === expected) good = chunk;
      else
        onBad(
          new CorruptError('chunk checksum differs from CRC.db', {
            ...facts,
            seen: crcText(seen),
            expected: crcText(expected),
          }),
        );
    }
  };
}
