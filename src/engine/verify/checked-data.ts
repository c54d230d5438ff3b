/**
 * Data.db read once from its beginning to its end, with every chunk held to its checksum on the way and the whole to Digest.crc32:
 *
 *   compressed    chunk, u32 CRC-32 of it, chunk, u32 …     checked as stored; decompressed only where somebody asks for the plain bytes
 *   plain         chunks of CRC.db's size, each against CRC.db
 *
 * A damaged chunk is remembered and passed over, it ends nothing. Which file is wrong is decided once all is read: checksums that differ while
 * the digest of the whole is right put the blame on CompressionInfo.db or CRC.db; a digest that alone differs, on Digest.crc32.
 */
import { crc32, crc32OfInt, crcText } from '../../bytes/crc32.js';
import { combineCrc32 } from '../../bytes/crc32-combine.js';
import { CorruptError, LsmctlError } from '../../bytes/errors.js';
import type { ByteSource } from '../../bytes/source.js';
import { type Codec, CodecError } from '../../codec/codec.js';
import type { ChecksumFile } from '../../sstable/checksum-file.js';
import { type CompressionInfo, chunkOffset } from '../../sstable/compression-info.js';
import type { DataFile } from '../../sstable/data-file.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import type { FindingLog } from './finding.js';

/** Bytes that are read at a time. */
export const BLOCK_BYTES = 1 << 18;
const CRC_BYTES = 4;
/** Runs of damaged chunks that are told apart. */
const MAX_RUNS = 1000;

/** Chunks [first, last] that can't be trusted, one after another. */
export type BadRun = {
  readonly first: number;
  last: number;
  readonly message: string;
  readonly seen: string;
  readonly expected: string;
};

/** Bytes [from, to) of Data.db, and their CRC-32; `to` is short of what was asked for where something is wrong. */
export type CheckedPart = {
  readonly from: number;
  readonly to: number;
  readonly sum: number;
  /** How many chunks they are. */
  readonly chunks: number;
};

export type CheckedData = DataFile & {
  readonly chunkLength: number;
  /** Damaged chunks so far. */
  readonly badRuns: readonly BadRun[];
  readonly chunksChecked: number;
  /** Only the chunks that begin in these plain bytes are to be checked; others are where they are read. To be told first. */
  takePart(start: number, end: number): void;
  /** Checks the part's chunks that have not been, and logs what is wrong of all that have. Returns what is known of the part's bytes. */
  finishPart(log: FindingLog): CheckedPart;
  /** Reads what has not been read, compares the digest and logs what is wrong. `digest`: what Digest.crc32 says, if it could be read. */
  finish(log: FindingLog, digest: number | undefined): void;
  isBad(chunk: number): boolean;
  /** Reads into {@link BLOCK_BYTES} of a kernel's memory at `at` from here on: chunks are decompressed from there to windows in it without a copy. */
  useMemory(memory: WebAssembly.Memory, at: number): void;
  /** That memory is somebody else's from here on. */
  leaveMemory(): void;
};

/** What both forms share: which chunks are bad, and the sum of all bytes so far. */
abstract class CheckedFile {
  readonly file: string;
  readonly storedLength: number;
  readonly windowBytes = BLOCK_BYTES;
  readonly badRuns: BadRun[] = [];
  protected readonly source: ByteSource;
  /** CRC-32 of the bytes up to `summed`. */
  protected sum = 0;
  protected summed = 0;
  /** Where the summed bytes begin, and the chunks [first, end) that are summed. */
  protected summedFrom = 0;
  protected firstChunk = 0;
  protected endChunk = Number.POSITIVE_INFINITY;
  chunksChecked = 0;
  protected raw = new Uint8Array(0);
  protected rawStart = 0;
  protected rawEnd = 0;

  constructor(source: ByteSource) {
    this.source = source;
    this.file = source.path;
    this.storedLength = source.size;
  }

  isBad(chunk: number): boolean {
    return this.badRuns.some(({ first, last }) => chunk >= first && chunk <= last);
  }

  protected bad(chunk: number, message: string, seen: string, expected: string): void {
    const run = this.badRuns[this.badRuns.length - 1];
    if (run && run.last === chunk - 1 && run.message === message) run.last = chunk;
    else if (this.badRuns.length < MAX_RUNS) this.badRuns.push({ first: chunk, last: chunk, message, seen, expected });
    else run!.last = chunk;
  }

  /** Makes bytes [start, end) of the file at hand; `false` where it ends before. */
  protected fetch(start: number, end: number): boolean {
    if (start >= this.rawStart && end <= this.rawEnd) return true;
    const want = Math.min(Math.max(end - start, BLOCK_BYTES), Math.max(this.storedLength - start, 0));
    if (want < end - start) return false;
    const kept = start >= this.rawStart && start < this.rawEnd ? this.rawEnd - start : 0;
    const next = this.raw.length < want ? new Uint8Array(want) : this.raw;
    if (kept > 0) next.set(this.raw.subarray(start - this.rawStart, this.rawEnd - this.rawStart));
    this.raw = next;
    this.rawStart = start;
    this.rawEnd = start + kept + this.source.read(start + kept, this.raw, kept, want - kept);
    return this.rawEnd >= end;
  }

  useMemory(memory: WebAssembly.Memory, at: number): void {
    this.raw = new Uint8Array(memory.buffer, at, BLOCK_BYTES);
    this.rawEnd = this.rawStart;
  }

  leaveMemory(): void {
    this.raw = new Uint8Array(0);
    this.rawEnd = this.rawStart;
  }

  /** CRC-32 of the whole file; what the chunks' own did not cover is read here. */
  protected digestOf(): number {
    if (this.summed === this.storedLength && this.summedFrom === 0) return this.sum;
    const block = new Uint8Array(BLOCK_BYTES);
    let sum = 0;
    for (let at = 0; at < this.storedLength; ) {
      const n = this.source.read(at, block, 0, block.length);
      if (n === 0) break;
      sum = crc32(block.subarray(0, n), sum);
      at += n;
    }
    return sum;
  }

  close(): void {
    this.source.close();
  }
}

class CheckedCompressedFile extends CheckedFile implements CheckedData {
  readonly length: number;
  readonly chunkLength: number;
  private readonly info: CompressionInfo;
  private readonly ownCodec: Codec;
  private codec: Codec;
  /** Chunks before it have been checked. */
  private next = 0;
  private readonly neededChunks: number;
  /** Whether reads fill the window: where all is decoded anyway. */
  private readonly isEager: boolean;
  private readonly plain: Uint8Array;
  private plainChunk = -1;

  constructor(source: ByteSource, info: CompressionInfo, codec: Codec, isEager: boolean) {
    super(source);
    this.info = info;
    this.ownCodec = codec;
    this.codec = codec;
    this.isEager = isEager;
    this.length = info.dataLength;
    this.chunkLength = info.chunkLength;
    this.neededChunks = Math.ceil(info.dataLength / info.chunkLength);
    this.plain = new Uint8Array(Math.min(info.chunkLength, info.dataLength));
  }

  read(position: number, target: Uint8Array, offset: number, min: number, max: number): number {
    const limit = Math.min(max, this.length - position);
    let done = 0;
    while (done < limit) {
      const chunk = Math.floor((position + done) / this.chunkLength);
      const start = chunk * this.chunkLength;
      const within = position + done - start;
      const plainLength = Math.min(this.chunkLength, this.length - start);
      const room = limit - done;
      if (done >= min && (!this.isEager || room < plainLength || within > 0)) break;
      try {
        if (within === 0 && room >= plainLength) {
          this.decompress(chunk, target, offset + done, plainLength);
          done += plainLength;
          continue;
        }
        if (this.plainChunk !== chunk) {
          this.plainChunk = -1;
          this.decompress(chunk, this.plain, 0, plainLength);
          this.plainChunk = chunk;
        }
        const n = Math.min(plainLength - within, room);
        target.set(this.plain.subarray(within, within + n), offset + done);
        done += n;
      } catch (error) {
        // it is told when somebody needs it
        if (done > 0 && done >= min && error instanceof LsmctlError) break;
        throw error;
      }
    }
    return done;
  }

  override useMemory(memory: WebAssembly.Memory, at: number): void {
    super.useMemory(memory, at);
    this.codec = this.ownCodec.within?.(memory) ?? this.ownCodec;
  }

  override leaveMemory(): void {
    super.leaveMemory();
    this.codec = this.ownCodec;
  }

  private chunkEnd(chunk: number): number {
    return chunk + 1 < this.info.chunkCount ? chunkOffset(this.info, chunk + 1) : this.storedLength;
  }

  /** Checks the chunks up to and with `chunk`. */
  private checkThrough(chunk: number): void {
    while (this.next <= chunk) this.check(this.next++);
  }

  private check(chunk: number): void {
    const place = this.placeOf(chunk);
    this.chunksChecked++;
    if (!place) return;
    const { start, end } = place;
    const from = start - this.rawStart;
    const to = from + end - start - CRC_BYTES;
    const { raw } = this;
    const expected = ((raw[to]! << 24) | (raw[to + 1]! << 16) | (raw[to + 2]! << 8) | raw[to + 3]!) >>> 0;
    const seen = crc32(raw.subarray(from, to));
    if (seen !== expected) this.bad(chunk, 'chunk checksum differs', crcText(seen), crcText(expected));
    if (start !== this.summed || chunk < this.firstChunk || chunk >= this.endChunk) return;
    const body = combineCrc32(this.sum, seen, to - from);
    this.sum = crc32OfInt(expected, body);
    this.summed = end;
  }

  /** Where a chunk lies, its bytes at hand; `undefined` for one that can't be. */
  private placeOf(chunk: number): { start: number; end: number } | undefined {
    let start = 0;
    let end = 0;
    try {
      start = chunkOffset(this.info, chunk);
      end = this.chunkEnd(chunk);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      this.bad(chunk, 'chunk offset out of range', 'a negative position, or one beyond 2^53', '');
      return undefined;
    }
    const stored = end - start - CRC_BYTES;
    const plain = Math.min(this.chunkLength, Math.max(this.length - chunk * this.chunkLength, 0));
    const most = Math.floor(plain + plain / 6 + 1024);
    const isPlainPadded = stored === this.info.maxCompressedLength;
    if (stored < 0 || end > this.storedLength || (stored > most && !isPlainPadded) || (chunk === 0 && start !== 0)) {
      this.bad(
        chunk,
        'chunk does not fit its file',
        `bytes ${start} to ${end}`,
        `at most ${most} bytes of ${this.storedLength}`,
      );
      return undefined;
    }
    if (!this.fetch(start, end)) {
      this.bad(chunk, 'file ends within a chunk', `${this.storedLength} bytes`, `${end} bytes`);
      return undefined;
    }
    return { start, end };
  }

  private decompress(chunk: number, target: Uint8Array, offset: number, plainLength: number): void {
    this.checkThrough(chunk);
    if (this.badRuns.length > 0 && this.isBad(chunk)) throw this.unreadable(chunk);
    const place = this.placeOf(chunk);
    if (!place) throw this.unreadable(chunk);
    const from = place.start - this.rawStart;
    const to = from + place.end - place.start - CRC_BYTES;
    if (to - from >= this.info.maxCompressedLength) {
      if (to - from !== Math.max(plainLength, this.info.maxCompressedLength)) {
        this.bad(chunk, 'plain chunk has a wrong length', `${to - from} bytes`, `${plainLength} bytes`);
        throw this.unreadable(chunk);
      }
      target.set(this.raw.subarray(from, from + plainLength), offset);
      return;
    }
    try {
      this.codec.decompress(this.raw, from, to, target, offset, plainLength);
    } catch (error) {
      if (!(error instanceof CodecError) && !(error instanceof LsmctlError)) throw error;
      this.bad(
        chunk,
        `chunk can't be decompressed: ${error.message}`,
        `${to - from} bytes`,
        `${plainLength} plain bytes`,
      );
      throw this.unreadable(chunk);
    }
  }

  private unreadable(chunk: number): CorruptError {
    return new CorruptError('chunk is damaged', { file: this.file, component: COMPONENT.data, chunk });
  }

  takePart(start: number, end: number): void {
    const { chunkCount } = this.info;
    this.next = Math.min(Math.floor(start / this.chunkLength), chunkCount);
    this.firstChunk = Math.min(Math.ceil(start / this.chunkLength), chunkCount);
    this.endChunk = end >= this.length ? chunkCount : Math.min(Math.ceil(end / this.chunkLength), chunkCount);
    this.summed = this.firstChunk < chunkCount ? (this.offsetOf(this.firstChunk) ?? 0) : this.storedLength;
    this.summedFrom = this.summed;
  }

  finishPart(log: FindingLog): CheckedPart {
    this.checkThrough(this.endChunk - 1);
    this.tellBadRuns(log, false);
    const chunks = this.endChunk - this.firstChunk;
    return { from: this.summedFrom, to: this.summed, sum: this.sum, chunks };
  }

  finish(log: FindingLog, digest: number | undefined): void {
    this.checkThrough(this.info.chunkCount - 1);
    const sum = digest === undefined ? undefined : this.digestOf();
    const isWhole = sum !== undefined && sum === digest;
    this.tellBadRuns(log, isWhole);
    if (sum !== undefined && !isWhole && this.badRuns.length === 0) tellWrongDigest(log, sum, digest!);
    if (this.info.chunkCount < this.neededChunks) {
      log.add('compression-info', 'has fewer chunks than the data needs', { component: COMPONENT.compressionInfo });
    }
  }

  private tellBadRuns(log: FindingLog, isWhole: boolean): void {
    for (const { first, last, message, seen, expected } of this.badRuns) {
      const plainRange = [first * this.chunkLength, Math.min((last + 1) * this.chunkLength, this.length)] as const;
      const range = { chunk: first, plainRange };
      const chunks = last > first ? `chunks ${first} to ${last}: ` : '';
      if (isWhole) {
        const place = { component: COMPONENT.compressionInfo, ...range, seen, expected };
        log.add(
          'compression-info',
          `${chunks}${message}, though Data.db is what was written: its chunks are told wrongly`,
          place,
        );
        continue;
      }
      const offset = this.offsetOf(first);
      log.add('data-chunk', `${chunks}${message}`, {
        component: COMPONENT.data,
        ...range,
        ...(offset !== undefined && { offset }),
        seen,
        expected,
      });
    }
  }

  private offsetOf(chunk: number): number | undefined {
    try {
      return chunkOffset(this.info, chunk);
    } catch {
      return undefined;
    }
  }
}

class CheckedPlainFile extends CheckedFile implements CheckedData {
  readonly length: number;
  readonly chunkLength: number;
  private readonly crc: ChecksumFile | undefined;
  private readonly chunkCount: number;
  private next = 0;

  constructor(source: ByteSource, crc: ChecksumFile | undefined) {
    super(source);
    this.length = source.size;
    this.crc = crc;
    this.chunkLength = crc?.chunkSize ?? 65536;
    this.chunkCount = Math.ceil(this.length / this.chunkLength);
  }

  read(position: number, target: Uint8Array, offset: number, min: number, max: number): number {
    const limit = Math.min(max, this.length - position);
    let done = 0;
    while (done < limit) {
      const chunk = Math.floor((position + done) / this.chunkLength);
      const start = chunk * this.chunkLength;
      const end = Math.min(start + this.chunkLength, this.length);
      const n = Math.min(end - position - done, limit - done);
      if (done >= min && n < limit - done && end < this.length && n < this.chunkLength) break;
      while (this.next <= chunk) this.check(this.next++);
      if (!this.fetch(start, end)) break;
      const from = position + done - this.rawStart;
      target.set(this.raw.subarray(from, from + n), offset + done);
      done += n;
    }
    return done;
  }

  private check(chunk: number): void {
    const start = chunk * this.chunkLength;
    const end = Math.min(start + this.chunkLength, this.length);
    if (!this.fetch(start, end)) return;
    const bytes = this.raw.subarray(start - this.rawStart, end - this.rawStart);
    const seen = crc32(bytes);
    if (chunk >= this.firstChunk && chunk < this.endChunk) {
      this.sum = combineCrc32(this.sum, seen, bytes.length);
      this.summed = end;
    }
    this.chunksChecked++;
    if (!this.crc) return;
    const { checksums } = this.crc;
    const at = chunk * CRC_BYTES;
    if (at + CRC_BYTES > checksums.length) {
      this.bad(
        chunk,
        'chunk has no checksum in CRC.db',
        `${checksums.length / CRC_BYTES} checksums`,
        `${this.chunkCount}`,
      );
      return;
    }
    const expected =
      ((checksums[at]! << 24) | (checksums[at + 1]! << 16) | (checksums[at + 2]! << 8) | checksums[at + 3]!) >>> 0;
    if (seen !== expected) this.bad(chunk, 'chunk checksum differs from CRC.db', crcText(seen), crcText(expected));
  }

  takePart(start: number, end: number): void {
    this.next = Math.min(Math.floor(start / this.chunkLength), this.chunkCount);
    this.firstChunk = Math.min(Math.ceil(start / this.chunkLength), this.chunkCount);
    this.endChunk = Math.min(Math.ceil(end / this.chunkLength), this.chunkCount);
    this.summed = Math.min(this.firstChunk * this.chunkLength, this.length);
    this.summedFrom = this.summed;
  }

  finishPart(log: FindingLog): CheckedPart {
    while (this.next < this.endChunk) this.check(this.next++);
    this.tellBadRuns(log, false);
    const chunks = this.endChunk - this.firstChunk;
    return { from: this.summedFrom, to: this.summed, sum: this.sum, chunks };
  }

  finish(log: FindingLog, digest: number | undefined): void {
    while (this.next < this.chunkCount) this.check(this.next++);
    const isWhole = digest !== undefined && this.sum === digest;
    this.tellBadRuns(log, isWhole);
    this.checkCount(log);
    if (digest === undefined || isWhole || this.badRuns.length > 0) return;
    if (this.crc) tellWrongDigest(log, this.sum, digest);
    else {
      log.add('data-digest', 'the checksum of the whole file differs from Digest.crc32', {
        component: COMPONENT.data,
        plainRange: [0, this.length],
        seen: crcText(this.sum),
        expected: crcText(digest),
      });
    }
  }

  private tellBadRuns(log: FindingLog, isWhole: boolean): void {
    for (const { first, last, message, seen, expected } of this.badRuns) {
      const start = first * this.chunkLength;
      const plainRange = [start, Math.min((last + 1) * this.chunkLength, this.length)] as const;
      const chunks = last > first ? `chunks ${first} to ${last}: ` : '';
      if (isWhole) {
        const place = {
          component: COMPONENT.crc,
          offset: CRC_BYTES + first * CRC_BYTES,
          chunk: first,
          seen: expected,
          expected: seen,
        };
        log.add('crc-file', `${chunks}checksum is wrong: Data.db is what was written, as Digest.crc32 tells`, place);
        continue;
      }
      const place = { component: COMPONENT.data, offset: start, chunk: first, plainRange, seen, expected };
      log.add('data-chunk', `${chunks}${message}`, place);
    }
  }

  /** A file cut at a chunk's end has right chunks. Scylla adds the checksum of a chunk of nothing, which is 0. */
  private checkCount(log: FindingLog): void {
    const rest = this.crc?.checksums.subarray(this.chunkCount * CRC_BYTES);
    if (!rest?.some((byte) => byte !== 0)) return;
    log.add('data-length', 'file is cut: CRC.db has checksums for more chunks', {
      component: COMPONENT.data,
      offset: this.length,
      chunk: this.chunkCount,
      seen: `${this.length} bytes`,
      expected: `${this.crc!.checksums.length / CRC_BYTES} chunks of ${this.chunkLength} bytes`,
    });
  }
}

function tellWrongDigest(log: FindingLog, sum: number, digest: number): void {
  log.add('digest', 'is not the checksum of Data.db, every chunk of which is right', {
    component: COMPONENT.digest,
    seen: String(digest),
    expected: String(sum),
  });
}

export function checkedCompressed(
  source: ByteSource,
  info: CompressionInfo,
  codec: Codec,
  isEager: boolean,
): CheckedData {
  return new CheckedCompressedFile(source, info, codec, isEager);
}

export function checkedPlain(source: ByteSource, crc: ChecksumFile | undefined): CheckedData {
  return new CheckedPlainFile(source, crc);
}
