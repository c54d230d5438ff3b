/**
 * Data.db read once from its beginning to its end, with every chunk held to its checksum on the way and the whole to Digest.crc32:
 *
 *   compressed    chunk, u32 CRC-32 of it, chunk, u32 …     checked as stored; decompressed only where somebody asks for the plain bytes
 *   plain         chunks of CRC.db's size, each against CRC.db
 *
 * A damaged chunk is remembered and passed over, it ends nothing. Which file is wrong is decided once all is read: checksums that differ while
 * the digest of the whole is right put the blame on CompressionInfo.db or CRC.db; a digest that alone differs, on Digest.crc32.
 */
import { crc32 } from '../../bytes/crc32.js';
import type { ByteSource } from '../../bytes/source.js';
import { CHUNK_RUNNER_BYTES } from '../../codec/codec.js';
import type { DataFile } from '../../sstable/data-file.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import type { FindingLog } from './finding.js';

/** Bytes that are read at a time. */
export const BLOCK_BYTES = 1 << 19;
/** Behind windows in a kernel's memory: codecs copy by words. */
export const SLACK_BYTES = 64;
/** What {@link CheckedData.useMemory} takes of a kernel's memory: what is read, and what a codec needs for many chunks at a call. */
export const MEMORY_BYTES = BLOCK_BYTES + SLACK_BYTES + CHUNK_RUNNER_BYTES;
/** Of a checksum. */
export const CRC_BYTES = 4;
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
  /**
   * Reads into {@link MEMORY_BYTES} of a kernel's memory at `at`, a multiple of 16, from here on: chunks are decompressed from there to windows in it
   * without a copy.
   */
  useMemory(memory: WebAssembly.Memory, at: number): void;
  /** That memory is somebody else's from here on. */
  leaveMemory(): void;
};

/** What both forms share: which chunks are bad, and the sum of all bytes so far. */
export abstract class CheckedFile {
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

/** Digest.crc32 is wrong, not Data.db. */
export function tellWrongDigest(log: FindingLog, sum: number, digest: number): void {
  log.add('digest', 'is not the checksum of Data.db, every chunk of which is right', {
    component: COMPONENT.digest,
    seen: String(digest),
    expected: String(sum),
  });
}
