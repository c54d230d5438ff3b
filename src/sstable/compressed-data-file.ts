/**
 * Data.db of a compressed table: chunk, u32 CRC-32 of the stored chunk, chunk, u32, …, at the offsets of CompressionInfo.db.
 *
 * Reads go forward most of the time: read-ahead starts at one chunk and grows to the window while they do, so that a point read costs a chunk
 * and a scan costs few system calls.
 */
import { crc32, crcText } from '../bytes/crc32.js';
import { CorruptError, withFacts } from '../bytes/errors.js';
import type { ByteSource } from '../bytes/source.js';
import type { Codec } from '../codec/codec.js';
import { CodecError } from '../codec/codec.js';
import { type CompressionInfo, chunkOffset } from './compression-info.js';
import type { DataFile } from './data-file.js';
import { COMPONENT } from './descriptor.js';

/** Stored bytes of a chunk of nothing, with its checksum, in any codec. */
const EMPTY_CHUNK_BYTES = 24;

/** @param windowBytes see DataFile @throws CorruptError where CompressionInfo.db contradicts itself */
export function compressedFile(source: ByteSource, info: CompressionInfo, codec: Codec, windowBytes: number): DataFile {
  const needed = Math.ceil(info.dataLength / info.chunkLength);
  // the one chunk too many that some writers list holds nothing
  if (info.chunkCount > needed && source.size - chunkOffset(info, needed) > EMPTY_CHUNK_BYTES) {
    throw new CorruptError('data length ends before the last chunk', {
      file: info.file,
      component: COMPONENT.compressionInfo,
      seen: `${info.dataLength} bytes`,
      expected: `more than ${needed} chunks of ${info.chunkLength} bytes`,
    });
  }
  return new CompressedDataFile(source, info, codec, windowBytes);
}

class CompressedDataFile implements DataFile {
  readonly file: string;
  readonly length: number;
  readonly storedLength: number;
  readonly windowBytes: number;
  private readonly source: ByteSource;
  private readonly info: CompressionInfo;
  private readonly codec: Codec;
  /** Stored bytes [rawStart, rawEnd) of Data.db. */
  private raw = new Uint8Array(0);
  private rawStart = 0;
  private rawEnd = 0;
  private readAhead: number;
  /** The one chunk kept plain, for reads that begin or end within it. */
  private plain = new Uint8Array(0);
  private plainChunk = -1;
  chunksRead = 0;

  constructor(source: ByteSource, info: CompressionInfo, codec: Codec, windowBytes: number) {
    this.windowBytes = windowBytes;
    this.file = source.path;
    this.source = source;
    this.info = info;
    this.codec = codec;
    this.length = info.dataLength;
    this.storedLength = source.size;
    this.readAhead = info.chunkLength;
  }

  read(position: number, target: Uint8Array, offset: number, min: number, max: number): number {
    const { chunkLength } = this.info;
    const limit = Math.min(max, this.length - position);
    let done = 0;
    while (done < limit) {
      const chunk = Math.floor((position + done) / chunkLength);
      // with room left, whole chunks that are at hand come along, up to a damaged one: that is told when it is asked for
      const isExtra = done > 0 && done >= min;
      if (isExtra && !this.isAtHand(chunk, limit - done)) break;
      try {
        done += this.copyChunk(chunk, position + done, target, offset + done, limit - done);
      } catch (error) {
        if (isExtra && error instanceof CorruptError) break;
        throw error;
      }
    }
    return done;
  }

  /** Copies what of `chunk` is from `position` on, at most `room` bytes. */
  private copyChunk(chunk: number, position: number, target: Uint8Array, offset: number, room: number): number {
    const start = chunk * this.info.chunkLength;
    const within = position - start;
    const plainLength = Math.min(this.info.chunkLength, this.length - start);
    if (within === 0 && room >= plainLength) {
      this.decompress(chunk, target, offset, plainLength);
      return plainLength;
    }
    this.keepPlain(chunk, plainLength);
    const n = Math.min(plainLength - within, room);
    target.set(this.plain.subarray(within, within + n), offset);
    return n;
  }

  private isAtHand(chunk: number, room: number): boolean {
    if (chunk >= this.info.chunkCount || room < this.info.chunkLength) return false;
    const start = chunkOffset(this.info, chunk);
    return start >= this.rawStart && this.chunkEnd(chunk) <= this.rawEnd;
  }

  private chunkEnd(chunk: number): number {
    return chunk + 1 < this.info.chunkCount ? chunkOffset(this.info, chunk + 1) : this.storedLength;
  }

  private keepPlain(chunk: number, plainLength: number): void {
    if (this.plainChunk === chunk) return;
    this.plainChunk = -1;
    if (this.plain.length < plainLength) this.plain = new Uint8Array(plainLength);
    this.decompress(chunk, this.plain, 0, plainLength);
    this.plainChunk = chunk;
  }

  private decompress(chunk: number, target: Uint8Array, offset: number, plainLength: number): void {
    this.chunksRead++;
    const start = chunkOffset(this.info, chunk);
    const end = this.chunkEnd(chunk);
    const stored = end - start - 4;
    if (stored < 0 || end > this.storedLength) {
      throw this.corrupt(chunk, start, 'chunk does not fit its file', {
        seen: `${this.storedLength} bytes in the file`,
        expected: `${Math.max(end, start + 4)} bytes`,
      });
    }
    // No codec grows a chunk by more than a sixth and some bytes: a longer one is a lie, and must not decide the size of a buffer.
    if (stored > plainLength + plainLength / 6 + 1024) {
      throw this.corrupt(chunk, start, 'stored chunk is longer than its codec can make', {
        seen: `${stored} bytes`,
        expected: `at most ${Math.floor(plainLength + plainLength / 6 + 1024)} bytes`,
      });
    }
    this.fetch(start, end);
    const from = start - this.rawStart;
    const to = from + stored;
    const raw = this.raw;
    const expected = ((raw[to]! << 24) | (raw[to + 1]! << 16) | (raw[to + 2]! << 8) | raw[to + 3]!) >>> 0;
    const seen = crc32(raw.subarray(from, to));
    if (seen !== expected)
      throw this.corrupt(chunk, start, 'chunk checksum differs', { seen: crcText(seen), expected: crcText(expected) });
    if (stored >= this.info.maxCompressedLength) {
      // a last chunk shorter than the limit is padded up to it, so that its length says that it is plain
      if (stored !== Math.max(plainLength, this.info.maxCompressedLength))
        throw this.corrupt(chunk, start, 'plain chunk has a wrong length', { seen: stored, expected: plainLength });
      target.set(raw.subarray(from, from + plainLength), offset);
      return;
    }
    try {
      this.codec.decompress(raw, from, to, target, offset, plainLength);
    } catch (error) {
      if (error instanceof CodecError) throw this.corrupt(chunk, start, error.message, {});
      throw withFacts(error, { file: this.file, component: COMPONENT.data, chunk });
    }
  }

  private fetch(start: number, end: number): void {
    if (start >= this.rawStart && end <= this.rawEnd) return;
    // a read-ahead ends within a chunk as a rule: the next one then begins before it
    const isNext = start > this.rawStart && start <= this.rawEnd;
    this.readAhead = isNext ? Math.min(this.windowBytes, this.readAhead * 4) : this.info.chunkLength;
    const want = Math.min(Math.max(end - start, this.readAhead), this.storedLength - start);
    if (this.raw.length < want)
      this.raw = new Uint8Array(Math.max(want, Math.min(this.windowBytes, this.storedLength)));
    this.rawStart = start;
    this.rawEnd = start;
    this.rawEnd = start + this.source.read(start, this.raw, 0, want);
    if (this.rawEnd < end) {
      throw new CorruptError('file ends within a chunk', { file: this.file, component: COMPONENT.data, offset: start });
    }
  }

  private corrupt(
    chunk: number,
    offset: number,
    message: string,
    facts: { seen?: string | number; expected?: string | number },
  ) {
    return new CorruptError(message, { file: this.file, component: COMPONENT.data, offset, chunk, ...facts });
  }

  close(): void {
    this.source.close();
  }
}
