/** Data.db as it is, its chunks held to CRC.db; see `checked-data.ts`. */
import { crc32, crcText } from '../../bytes/crc32.js';
import { combineCrc32 } from '../../bytes/crc32-combine.js';
import type { ByteSource } from '../../bytes/source.js';
import type { ChecksumFile } from '../../sstable/checksum-file.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import { type CheckedData, CheckedFile, type CheckedPart, CRC_BYTES, tellWrongDigest } from './checked-data.js';
import type { FindingLog } from './finding.js';

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

export function checkedPlain(source: ByteSource, crc: ChecksumFile | undefined): CheckedData {
  return new CheckedPlainFile(source, crc);
}
