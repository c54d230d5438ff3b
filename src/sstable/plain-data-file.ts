/** Data.db of an uncompressed table: the bytes as they are, which a scan holds to CRC.db as it passes. */
import { CorruptError } from '../bytes/errors.js';
import type { ByteSource } from '../bytes/source.js';
import { type ChecksumFile, type ChunkChecker, chunkChecker, type OnBadChunk } from './checksum-file.js';
import type { DataFile } from './data-file.js';
import { COMPONENT } from './descriptor.js';

/** @param windowBytes see DataFile @throws CorruptError where there are no bytes, and where `onBad` does */
export function plainFile(
  source: ByteSource,
  windowBytes: number,
  crc: ChecksumFile | undefined,
  onBad: OnBadChunk = refuse,
): DataFile {
  if (source.size === 0) {
    throw new CorruptError('file is empty', { file: source.path, component: COMPONENT.data, seen: '0 bytes' });
  }
  if (!crc) return new PlainDataFile(source, windowBytes);
  const chunks = Math.ceil(source.size / crc.chunkSize);
  // Scylla adds the checksum of a chunk of nothing, which is 0
  if (crc.checksums.subarray(chunks * 4).some((byte) => byte !== 0)) {
    const facts = { file: source.path, component: COMPONENT.data, offset: source.size, chunk: chunks };
    const sizes = {
      seen: `${source.size} bytes`,
      expected: `${crc.checksums.length / 4} chunks of ${crc.chunkSize} bytes`,
    };
    onBad(new CorruptError('file is cut: CRC.db has checksums for more chunks', { ...facts, ...sizes }));
  }
  return new PlainDataFile(source, windowBytes, chunkChecker(source, crc, onBad));
}

function refuse(error: CorruptError): never {
  throw error;
}

class PlainDataFile implements DataFile {
  readonly file: string;
  readonly length: number;
  readonly storedLength: number;
  readonly windowBytes: number;
  private readonly source: ByteSource;
  private readonly checker: ChunkChecker | undefined;
  private next = 0;
  private readAhead = 16384;

  constructor(source: ByteSource, windowBytes: number, checker?: ChunkChecker) {
    this.windowBytes = windowBytes;
    this.file = source.path;
    this.source = source;
    this.length = source.size;
    this.storedLength = source.size;
    this.checker = checker;
  }

  read(position: number, target: Uint8Array, offset: number, min: number, max: number): number {
    this.readAhead = position === this.next ? Math.min(this.windowBytes, this.readAhead * 4) : 16384;
    const want = Math.min(max, this.length - position, Math.max(min, this.readAhead));
    const n = this.checked(position, target, offset, this.source.read(position, target, offset, want), min);
    this.next = position + n;
    return n;
  }

  /** How many of `n` bytes read are good. @throws CorruptError for a damaged chunk within the first `min` */
  private checked(position: number, target: Uint8Array, offset: number, n: number, min: number): number {
    try {
      this.checker?.(position, target, offset, n);
      return n;
    } catch (error) {
      const good = error instanceof CorruptError ? (error.facts.offset ?? 0) - position : 0;
      if (good > 0 && good >= min) return good;
      throw error;
    }
  }

  close(): void {
    this.source.close();
  }
}
