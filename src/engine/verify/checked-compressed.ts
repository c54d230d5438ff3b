/** Data.db of chunks that a codec has compressed, each with its checksum behind it; see `checked-data.ts`. */
import { crc32, crc32OfInt, crcText } from '../../bytes/crc32.js';
import { combineCrc32 } from '../../bytes/crc32-combine.js';
import { CorruptError, LsmctlError } from '../../bytes/errors.js';
import type { ByteSource } from '../../bytes/source.js';
import { type ChunkRun, type ChunkRunner, type Codec, CodecError } from '../../codec/codec.js';
import { type CompressionInfo, chunkOffset } from '../../sstable/compression-info.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import {
  BLOCK_BYTES,
  type CheckedData,
  CheckedFile,
  type CheckedPart,
  CRC_BYTES,
  SLACK_BYTES,
  tellWrongDigest,
} from './checked-data.js';
import type { FindingLog } from './finding.js';

class CheckedCompressedFile extends CheckedFile implements CheckedData {
  readonly length: number;
  readonly chunkLength: number;
  private readonly info: CompressionInfo;
  private readonly ownCodec: Codec;
  private codec: Codec;
  /** Where windows lie in a kernel's memory, and the codec knows how. */
  private runner: ChunkRunner | undefined;
  /** Chunks before it have been checked. */
  private next = 0;
  private readonly neededChunks: number;
  /** Whether reads fill the window: where all is decoded anyway. */
  private readonly isEager: boolean;
  private readonly plain: Uint8Array;
  private plainChunk = -1;
  /** Whether the last chunk has come out as long as CompressionInfo.db says. */
  private isLengthProved = false;

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
          const many = this.runFrom(chunk, target, offset + done, room);
          if (many > 0) {
            done += many;
            continue;
          }
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
    this.runner = this.ownCodec.runsWithin?.(memory, at + BLOCK_BYTES + SLACK_BYTES);
  }

  override leaveMemory(): void {
    super.leaveMemory();
    this.codec = this.ownCodec;
    this.runner = undefined;
  }

  /**
   * Checks and decompresses chunks from `first` on, which nobody has asked for yet, as many at a time as are at hand and fit into `room`. Returns how
   * many plain bytes they are: 0 where one of them is not as it should be, which is told when they are looked at one by one.
   */
  private runFrom(first: number, target: Uint8Array, offset: number, room: number): number {
    const { runner, info, length, chunkLength } = this;
    if (!runner || first !== this.next || first < this.firstChunk || this.badRuns.length > 0) return 0;
    const start = this.summed;
    const end = this.boundaryOf(first + 1);
    if (this.boundaryOf(first) !== start || (first === 0 && start > 0) || info.maxCompressedLength < 0) return 0;
    if (end === undefined || end <= start || end - start > BLOCK_BYTES || end > this.storedLength) return 0;
    if (!this.fetch(start, end)) return 0;
    const { raw } = this;
    const { buffer } = runner.positions;
    if (raw.buffer !== buffer || target.buffer !== buffer) return 0;
    const position = first * chunkLength;
    const reached = Math.min(position + room, length);
    const whole =
      Math.floor((reached - position) / chunkLength) + (reached === length && length % chunkLength > 0 ? 1 : 0);
    const left = Math.min(this.endChunk, info.chunkCount) - first;
    const count = Math.min(whole, runner.mostChunks, left);
    this.putPositions(runner.positions, first, count);
    const src = raw.byteOffset;
    const wanted: ChunkRun = {
      count,
      src,
      srcEnd: src + this.rawEnd - this.rawStart,
      srcPosition: this.rawStart,
      dst: target.byteOffset + offset,
      chunkLength,
      lastLength: Math.min(chunkLength, length - (first + count - 1) * chunkLength),
      maxCompressedLength: info.maxCompressedLength,
    };
    const done = runner.run(wanted, this.sum);
    if (done === 0) return 0;
    const from = start - this.rawStart;
    const to = runner.end - src;
    const sum = crc32(raw.subarray(from, to), this.sum);
    if (sum !== runner.sum) return 0;
    this.sum = sum;
    this.summed += to - from;
    this.next += done;
    this.chunksChecked += done;
    this.isLengthProved ||= this.next === this.neededChunks;
    return Math.min(done * chunkLength, length - position);
  }

  /** Where `count` chunks begin, and where the last one ends. */
  private putPositions(positions: Uint8Array, first: number, count: number): void {
    const { offsets, chunkCount } = this.info;
    positions.set(offsets.subarray(first * 8, (first + count + 1) * 8));
    if (first + count < chunkCount) return;
    const end = new DataView(positions.buffer, positions.byteOffset + count * 8);
    end.setBigInt64(0, BigInt(this.storedLength));
  }

  /** Where a chunk begins, or the last one ends. @throws CorruptError where that can't be */
  private boundary(chunk: number): number {
    return chunk < this.info.chunkCount ? chunkOffset(this.info, chunk) : this.storedLength;
  }

  private boundaryOf(chunk: number): number | undefined {
    try {
      return this.boundary(chunk);
    } catch {
      return undefined;
    }
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
      start = this.boundary(chunk);
      end = this.boundary(chunk + 1);
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
      this.isLengthProved ||= chunk === this.neededChunks - 1;
      return;
    }
    try {
      this.codec.decompress(this.raw, from, to, target, offset, plainLength);
      this.isLengthProved ||= chunk === this.neededChunks - 1;
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
    this.summed = this.boundaryOf(this.firstChunk) ?? 0;
    this.summedFrom = this.summed;
  }

  finishPart(log: FindingLog): CheckedPart {
    this.checkThrough(this.endChunk - 1);
    if (this.endChunk === this.info.chunkCount) this.checkLength(log);
    this.tellBadRuns(log, false);
    const chunks = this.endChunk - this.firstChunk;
    return { from: this.summedFrom, to: this.summed, sum: this.sum, chunks };
  }

  finish(log: FindingLog, digest: number | undefined): void {
    this.checkThrough(this.info.chunkCount - 1);
    this.checkLength(log);
    const sum = digest === undefined ? undefined : this.digestOf();
    const isWhole = sum !== undefined && sum === digest;
    this.tellBadRuns(log, isWhole);
    if (sum !== undefined && !isWhole && this.badRuns.length === 0) tellWrongDigest(log, sum, digest!);
  }

  /** The length of the plain data ends in the last chunk, which has perhaps no partition that anybody looked for. */
  private checkLength(log: FindingLog): void {
    if (this.info.chunkCount < this.neededChunks) {
      log.add('compression-info', 'has fewer chunks than the data needs', { component: COMPONENT.compressionInfo });
      return;
    }
    const last = this.neededChunks - 1;
    if (this.isLengthProved || last < 0 || this.isBad(last)) return;
    this.plainChunk = -1;
    try {
      this.decompress(last, this.plain, 0, this.length - last * this.chunkLength);
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error; // told as a bad chunk
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
      const offset = this.boundaryOf(first);
      log.add('data-chunk', `${chunks}${message}`, {
        component: COMPONENT.data,
        ...range,
        ...(offset !== undefined && { offset }),
        seen,
        expected,
      });
    }
  }
}

export function checkedCompressed(
  source: ByteSource,
  info: CompressionInfo,
  codec: Codec,
  isEager: boolean,
): CheckedData {
  return new CheckedCompressedFile(source, info, codec, isEager);
}
