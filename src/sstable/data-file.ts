/**
 * Data.db as its plain bytes, whatever the compression:
 *
 *   compressed    chunk, u32 CRC-32 of the stored chunk, chunk, u32, …       (offsets in CompressionInfo.db)
 *   uncompressed  the bytes; CRC.db beside: i32 chunk size, then a u32 CRC-32 for each chunk
 *
 * Reads go forward most of the time: read-ahead starts at one chunk and grows to 256 KiB while they do, so that a point read costs a chunk
 * and a scan costs few system calls.
 */
import { crc32 } from '../bytes/crc32.js';
import { Cursor } from '../bytes/cursor.js';
import { CorruptError, withFacts } from '../bytes/errors.js';
import { type ByteSource, readWhole, type Storage } from '../bytes/source.js';
import type { Codec } from '../codec/codec.js';
import { CodecError } from '../codec/codec.js';
import { loadCodec } from '../codec/load.js';
import { type CompressionInfo, chunkOffset, readCompressionInfo } from './compression-info.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
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
      throw this.corrupt(chunk, start, 'chunk checksum differs', { seen: hex(seen), expected: hex(expected) });
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

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

class PlainDataFile implements DataFile {
  readonly file: string;
  readonly length: number;
  readonly storedLength: number;
  readonly windowBytes: number;
  private readonly source: ByteSource;
  private readonly checker: ((position: number, bytes: Uint8Array, offset: number, length: number) => void) | undefined;
  private next = 0;
  private readAhead = 16384;

  constructor(
    source: ByteSource,
    windowBytes: number,
    checker?: (position: number, bytes: Uint8Array, offset: number, length: number) => void,
  ) {
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

/** CRC.db: the chunk size and one CRC-32 for each chunk of an uncompressed Data.db. */
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

/**
 * Checks the chunks of an uncompressed Data.db as a forward scan passes them. Chunks that a scan enters or leaves in the middle are read again
 * on their own.
 */
function chunkChecker(source: ByteSource, crc: ChecksumFile, onBad: OnBadChunk) {
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
            seen: hex(seen),
            expected: hex(expected),
          }),
        );
    }
  };
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
  const source = storage.open(componentPath(descriptor, COMPONENT.data));
  try {
    if (info && codec) return compressedFile(source, info, codec, options.windowBytes ?? WINDOW_BYTES);
    return plainFile(source, crc, options);
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

function compressedFile(source: ByteSource, info: CompressionInfo, codec: Codec, windowBytes: number): DataFile {
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

function plainFile(source: ByteSource, crc: ChecksumFile | undefined, options: OpenDataOptions): DataFile {
  if (source.size === 0) {
    throw new CorruptError('file is empty', { file: source.path, component: COMPONENT.data, seen: '0 bytes' });
  }
  const onBad: OnBadChunk =
    options.onBadChunk ??
    ((error) => {
      throw error;
    });
  const windowBytes = options.windowBytes ?? WINDOW_BYTES;
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

/** Stored bytes of a chunk of nothing, with its checksum, in any codec. */
const EMPTY_CHUNK_BYTES = 24;

/**
 * A cursor that slides over a DataFile. Bytes from `mark` on (or from `pos`, where `mark` is -1) survive a fetch, at another index: keep
 * offsets relative to `mark`, or take them anew after `need`.
 */
export class DataCursor extends Cursor {
  private readonly data: DataFile;
  /** First index that a fetch must keep, or -1. */
  mark = -1;
  /** Absolute position at which the data ends for this cursor. */
  limit: number;
  /** Absolute position beyond which nothing is fetched for now: the end of a row whose bytes are all at hand. */
  fence = Number.POSITIVE_INFINITY;

  constructor(data: DataFile, position = 0, limit: number = data.length, component: string = COMPONENT.data) {
    super(
      new Uint8Array(Math.min(data.windowBytes, Math.max(64, limit - position))),
      { file: data.file, component },
      0,
      0,
      position,
    );
    this.data = data;
    this.limit = limit;
  }

  /** Whether nothing is left up to `limit`. */
  get atEnd(): boolean {
    return this.base + this.pos >= this.limit;
  }

  /** The window lies in `bytes`, as long as rows fit; to be told before anything is read. */
  useWindow(bytes: Uint8Array): void {
    this.home = bytes;
    this.buf = bytes;
    this.end = 0;
  }

  private home: Uint8Array | undefined;

  /** Whether the window is where {@link useWindow} wants it. */
  get isAtHome(): boolean {
    return this.buf === this.home;
  }

  /** Bytes that the window takes at first, and mostly. */
  get windowBytes(): number {
    return this.buf.length;
  }

  /** Whether there is more before `limit` than what is at hand. */
  get hasMore(): boolean {
    return this.base + this.end < this.limit;
  }

  /** Fetches more than is at hand from `pos` on; what is before it goes. @throws CorruptError */
  fetchMore(): void {
    this.mark = -1;
    this.fence = Number.POSITIVE_INFINITY;
    this.refill(this.end - this.pos + 1);
  }

  /** Continues at another position. */
  seek(position: number): void {
    const p = position - this.base;
    this.mark = -1;
    this.fence = Number.POSITIVE_INFINITY;
    if (p >= 0 && p <= this.end) {
      this.pos = p;
      return;
    }
    this.base = position;
    this.pos = 0;
    this.end = 0;
  }

  protected override refill(n: number): void {
    const left = Math.min(this.limit, this.fence) - this.base - this.pos;
    if (n > left) {
      throw this.corrupt('ends too early', { seen: `${Math.max(0, left)} bytes left`, expected: `${n} bytes` });
    }
    const keep = this.mark >= 0 ? this.mark : this.pos;
    const kept = this.end - keep;
    const needed = this.pos - keep + n;
    if (keep > 0) this.shiftTo(keep, needed);
    else if (needed > this.buf.length) this.shiftTo(0, needed);
    while (this.end - this.pos < n) {
      const at = this.base + this.end;
      const room = Math.min(this.buf.length - this.end, this.limit - at);
      const got = this.data.read(at, this.buf, this.end, Math.min(room, n - (this.end - this.pos)), room);
      if (got <= 0) throw this.corrupt('ends too early', { seen: `${kept} bytes left`, expected: `${n} bytes` });
      this.end += got;
    }
  }

  /** Moves the bytes from index `keep` to the front of a window of at least `needed` bytes. */
  private shiftTo(keep: number, needed: number): void {
    const { windowBytes } = this.data;
    if (needed > this.buf.length) {
      const next = new Uint8Array(Math.max(needed, Math.min(this.buf.length * 2, needed + windowBytes)));
      next.set(this.buf.subarray(keep, this.end));
      this.buf = next;
    } else if (
      this.home &&
      this.buf !== this.home &&
      this.end - keep <= this.home.length &&
      needed <= this.home.length
    ) {
      this.home.set(this.buf.subarray(keep, this.end));
      this.buf = this.home;
    } else if (this.buf.length > windowBytes * 8 && needed <= windowBytes) {
      const next = new Uint8Array(windowBytes); // a row of many megabytes is behind us
      if (this.end - keep > next.length) this.buf.copyWithin(0, keep, this.end);
      else {
        next.set(this.buf.subarray(keep, this.end));
        this.buf = next;
      }
    } else {
      this.buf.copyWithin(0, keep, this.end);
    }
    this.base += keep;
    this.pos -= keep;
    this.end -= keep;
    if (this.mark >= 0) this.mark -= keep;
  }
}
