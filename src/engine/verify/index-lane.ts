/**
 * The fast lane of a walk by the index: entries of Index.db are held to their partitions by a kernel of WebAssembly (`kernel/index-walk.as.ts`), as
 * long as nothing is odd; whatever is odd stays with the walk itself. In memory, behind the bits of the filter:
 *
 *   state | offsets of the histogram, f64 each | its buckets of small values, u16 each | its counts, u32 each | hashes of keys, 16 bytes each |
 *   offsets of samples, i32 each | samples of Summary.db | window of Index.db | window of the plain Data.db | Data.db as stored
 */
import { LsmctlError } from '../../bytes/errors.js';
import { instantiate } from '../../bytes/kernel-memory.js';
import type { EstimatedHistogramBuilder } from '../../sstable/metadata/estimated-histogram.js';
import { type CheckedData, MEMORY_BYTES, SLACK_BYTES } from './checked-data.js';
import type { BigIndexCursor } from './index-cursor.js';
import { INDEX_WALK_KERNEL } from './kernel/index-walk.wasm.js';
import type { KeyCheck } from './key-check.js';
import type { SummaryCheck } from './summary-check.js';

const STATE_BYTES = 160;
const MAX_BUCKETS = 1001;
const SMALL_SIZES = 4096;
const HASHES_BYTES = 256 * 16;
/** Samples at hand, and their bytes: those of the longest key at least. */
const SAMPLES = 1023;
const SAMPLES_BYTES = (1 << 16) + 16;
const INDEX_BYTES = 1 << 17;
const DATA_BYTES = 1 << 19;

/** Memory that a lane wants behind the bits of a filter. */
export const LANE_BYTES =
  STATE_BYTES +
  MAX_BUCKETS * 12 +
  SMALL_SIZES * 2 +
  HASHES_BYTES +
  (SAMPLES + 1) * 4 +
  SAMPLES_BYTES +
  INDEX_BYTES +
  DATA_BYTES +
  MEMORY_BYTES +
  SLACK_BYTES * 3;

// u32 fields by their places, then those of 64 bits
const INDEX_AT = 0;
const INDEX_END = 1;
const DATA_START = 2;
const DATA_END = 3;
const SAMPLES_AT = 4;
const BITS = 5;
const WORDS = 6;
const HASH_COUNT = 7;
const OFFSETS = 8;
const COUNTS = 9;
const BUCKETS = 10;
const KEY_AT = 11;
const KEY_LENGTH = 12;
const REASON = 13;
const NEEDED = 14;
const SAMPLE = 15;
const HASHES = 16;
const SMALL = 17;
const TOKEN_LO = 20;
const TOKEN_HI = 21;
const DATA_BASE = 11;
const PREVIOUS = 12;
const DATA_LENGTH = 13;
const REST = 14;
const WANTED = 15;
const INDEX_BASE = 16;
const INDEX_START = 34;
const SAMPLE_COUNT = 35;
const SAMPLE_BASE = 36;
const HAS_MORE = 37;
const INTERVAL = 38;
const DUE = 39;

const NO_INDEX = 1;
const NO_DATA = 2;
const ODD = 3;
const NO_SAMPLES = 4;

export type LaneParts = {
  readonly index: BigIndexCursor;
  readonly data: CheckedData;
  readonly keys: KeyCheck;
  readonly summary: SummaryCheck | undefined;
  readonly sizes: EstimatedHistogramBuilder;
  /** Told how much of Data.db is done, in plain bytes. */
  readonly onPosition: (position: number) => void;
  /** Where in the plain Data.db partitions begin that are somebody else's. */
  readonly end: number;
};

export class IndexLane {
  private readonly parts: LaneParts;
  private readonly walk: (state: number) => number;
  private readonly state: number;
  private readonly bytes: Uint8Array;
  private readonly fields: Uint32Array;
  private readonly numbers: Float64Array;
  private readonly counts: Uint32Array;
  /** Of the offsets of samples, and of the samples. */
  private readonly samplesAt: number;
  /** The first sample at hand. */
  private firstSample = -1;
  private readonly offsets: Uint32Array;
  private readonly indexStart: number;
  private readonly dataStart: number;
  /** Position in Index.db of the window, and how many bytes it has. */
  private indexBase = 0;
  private indexLength = 0;
  private dataBase = 0;
  private dataLength = 0;
  /** Entries since the window of Data.db was filled. */
  private entriesInWindow = 0;
  private heldKey: Uint8Array | undefined;

  constructor(parts: LaneParts) {
    this.parts = parts;
    const { keys, sizes, data, end } = parts;
    const room = keys.roomOfRuns(LANE_BYTES);
    const offsets = sizes.bucketOffsets;
    const state = (room.beyondAt + 15) & ~15;
    const offsetsAt = state + STATE_BYTES;
    const smallAt = offsetsAt + offsets.length * 8;
    const countsAt = smallAt + SMALL_SIZES * 2;
    const hashesAt = (countsAt + (offsets.length + 1) * 4 + 15) & ~15;
    const { buffer } = room.memory;
    this.walk = instantiate<{ walk(state: number): number }>(INDEX_WALK_KERNEL, room.memory).walk;
    this.state = state;
    this.bytes = new Uint8Array(buffer);
    this.bytes.fill(0, state, hashesAt + HASHES_BYTES); // whoever had the memory before
    this.fields = new Uint32Array(buffer, state, STATE_BYTES / 4);
    this.numbers = new Float64Array(buffer, state, STATE_BYTES / 8);
    new Float64Array(buffer, offsetsAt, offsets.length).set(offsets);
    new Uint16Array(buffer, smallAt, SMALL_SIZES).set(bucketsOf(offsets));
    this.counts = new Uint32Array(buffer, countsAt, offsets.length + 1);
    this.samplesAt = hashesAt + HASHES_BYTES;
    this.offsets = new Uint32Array(buffer, this.samplesAt, SAMPLES + 1);
    this.indexStart = this.samplesAt + (SAMPLES + 1) * 4 + SAMPLES_BYTES;
    this.dataStart = this.indexStart + INDEX_BYTES;
    data.useMemory(room.memory, this.dataStart + DATA_BYTES + SLACK_BYTES);
    const { fields } = this;
    fields[BITS] = room.bitsAt;
    fields[WORDS] = room.words;
    fields[HASH_COUNT] = room.hashCount;
    fields[OFFSETS] = offsetsAt;
    fields[COUNTS] = countsAt;
    fields[BUCKETS] = offsets.length;
    fields[SMALL] = smallAt;
    fields[HASHES] = hashesAt;
    fields[DATA_START] = this.dataStart;
    fields[INDEX_START] = this.indexStart;
    fields[SAMPLES_AT] = this.samplesAt;
    fields[INTERVAL] = parts.summary?.keysASample ?? 0;
    this.numbers[DATA_LENGTH] = Math.min(data.length, end);
    this.tellData();
  }

  /** Goes as far as nothing is odd, from behind the partition at `previous`. Returns the position of the last partition. */
  run(previous: number): number {
    const { index, keys, sizes } = this.parts;
    const start = index.nextPosition;
    if (!keys.takesRuns || !(this.hasIndex(start) || this.fillIndex(start))) return previous;
    const { fields, numbers } = this;
    const [hi, lo] = keys.lastToken;
    fields[INDEX_AT] = this.indexStart + start - this.indexBase;
    fields[TOKEN_HI] = hi;
    fields[TOKEN_LO] = lo;
    numbers[PREVIOUS] = previous;
    this.counts.fill(0);
    this.takeSamples();
    const count = this.walkOn();
    this.tellSamples(count);
    index.resumeAt(this.indexPosition);
    if (count === 0) return previous;
    sizes.addCounts(this.counts);
    keys.addRun(count, this.lastKey, fields[TOKEN_HI]! | 0, fields[TOKEN_LO]! | 0);
    return numbers[PREVIOUS]!;
  }

  /** Its memory is somebody else's from here on. */
  close(): void {
    this.parts.data.leaveMemory();
  }

  private walkOn(): number {
    const { fields, numbers } = this;
    let total = 0;
    for (;;) {
      const count = this.walk(this.state);
      if (count > 0) this.heldKey = undefined;
      this.entriesInWindow += count;
      total += count;
      const reason = fields[REASON]!;
      if (reason === ODD) return total;
      if (reason === NO_INDEX && !this.fillIndex(this.indexPosition)) return total;
      if (reason === NO_DATA && !this.fillData(numbers[WANTED]!, fields[NEEDED]!)) return total;
      if (reason === NO_SAMPLES && !this.fillSamples(this.firstSample + fields[SAMPLE]!)) return total;
    }
  }

  /** Tells the kernel which sample comes next, and after how many entries. */
  private takeSamples(): void {
    const { fields } = this;
    const { summary } = this.parts;
    if (!summary) return;
    const { ahead, state } = summary;
    const { next } = state;
    const at = next - this.firstSample;
    if (at >= 0 && at <= fields[SAMPLE_COUNT]!) fields[SAMPLE] = at;
    else this.fillSamples(next);
    fields[DUE] = Number.isFinite(ahead) ? ahead : 0;
  }

  /** Tells Summary.db's check which samples the kernel has passed, and how many entries. */
  private tellSamples(count: number): void {
    const { summary } = this.parts;
    if (!summary) return;
    summary.resume({ next: this.firstSample + this.fields[SAMPLE]!, keys: summary.state.keys + count });
  }

  /** As many samples from `first` on as there is room for; `false` where that is for none, though there are some. */
  private fillSamples(first: number): boolean {
    const { fields, samplesAt } = this;
    const { entries } = this.parts.summary!;
    const start = entries.start(first);
    let end = Math.min(first + SAMPLES, entries.length);
    while (entries.start(end) - start > SAMPLES_BYTES) end = first + ((end - first) >> 1);
    const bytes = samplesAt + (SAMPLES + 1) * 4;
    this.bytes.set(entries.table.subarray(first * 4, end * 4), samplesAt);
    this.offsets[end - first] = entries.start(end);
    this.bytes.set(entries.table.subarray(start, entries.start(end)), bytes);
    this.firstSample = first;
    fields[SAMPLE] = 0;
    fields[SAMPLE_COUNT] = end - first;
    fields[SAMPLE_BASE] = bytes - start;
    fields[HAS_MORE] = end < entries.length ? 1 : 0;
    return end > first || first === entries.length;
  }

  private get indexPosition(): number {
    return this.indexBase + this.fields[INDEX_AT]! - this.indexStart;
  }

  /** Of the last entry; its window may be another since. */
  private get lastKey(): Uint8Array {
    const at = this.fields[KEY_AT]!;
    return this.heldKey ?? this.bytes.subarray(at, at + this.fields[KEY_LENGTH]!);
  }

  private hasIndex(position: number): boolean {
    return position >= this.indexBase && position < this.indexBase + this.indexLength;
  }

  /** Reads the window of Index.db that begins at `position`; `false` where it is the one at hand, or nothing is there. */
  private fillIndex(position: number): boolean {
    const { source } = this.parts.index;
    const length = Math.min(INDEX_BYTES, source.size - position);
    if (length <= 0 || (position === this.indexBase && this.indexLength > 0)) return false;
    this.heldKey = this.lastKey.slice();
    this.indexBase = position;
    this.indexLength = source.read(position, this.bytes, this.indexStart, length);
    this.fields[INDEX_AT] = this.indexStart;
    this.fields[INDEX_END] = this.indexStart + this.indexLength;
    this.numbers[INDEX_BASE] = position;
    this.numbers[REST] = source.size - position - this.indexLength;
    return this.indexLength > 0;
  }

  /**
   * Makes `needed` plain bytes at `position` be in the window; `false` where they can't be read. It is filled where the partitions before were so small
   * that all chunks are wanted: else those that have none's beginning need not be decompressed.
   */
  private fillData(position: number, needed: number): boolean {
    const { data, onPosition } = this.parts;
    const isDense = this.entriesInWindow * data.chunkLength >= this.dataLength && this.dataLength > 0;
    this.entriesInWindow = 0;
    onPosition(position);
    this.keepFrom(position);
    const at = this.dataBase + this.dataLength;
    const room = Math.min(DATA_BYTES - this.dataLength, data.length - at);
    const wanted = position + needed - at;
    if (wanted > room) return false;
    const most = Math.max(wanted, Math.min(room, data.chunkLength));
    const whole = wholeChunks(at, room, data);
    return (isDense && whole >= wanted && this.readData(at, whole, whole)) || this.readData(at, wanted, most);
  }

  /** Moves what the window has from `position` on to its front; where it has nothing of that, it begins with the chunk that has. */
  private keepFrom(position: number): void {
    const { chunkLength } = this.parts.data;
    const from = position - this.dataBase;
    const isThere = from >= 0 && from < this.dataLength;
    if (isThere) this.bytes.copyWithin(this.dataStart, this.dataStart + from, this.dataStart + this.dataLength);
    this.dataLength = isThere ? this.dataLength - from : 0;
    // a chunk of which only the end is wanted would be decompressed elsewhere first
    this.dataBase = isThere || chunkLength > DATA_BYTES / 2 ? position : position - (position % chunkLength);
    this.tellData();
  }

  private tellData(): void {
    this.fields[DATA_END] = this.dataStart + this.dataLength;
    this.numbers[DATA_BASE] = this.dataBase;
  }

  private readData(at: number, min: number, max: number): boolean {
    let count = 0;
    try {
      count = this.parts.data.read(at, this.bytes, this.dataStart + this.dataLength, min, max);
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
    }
    this.dataLength += count;
    this.tellData();
    return count >= min;
  }
}

/** Up to `room` bytes from `at` on that end with a chunk. */
function wholeChunks(at: number, room: number, { length, chunkLength }: CheckedData): number {
  const end = at + room;
  return end >= length || room < chunkLength ? room : end - (end % chunkLength) - at;
}

let lastBuckets: { readonly size: number; readonly buckets: Uint16Array } | undefined;

/** Of each small value, the first offset that is not below it. Series of offsets differ in their length alone. */
function bucketsOf(offsets: readonly number[]): Uint16Array {
  if (lastBuckets?.size === offsets.length) return lastBuckets.buckets;
  const buckets = new Uint16Array(SMALL_SIZES);
  let bucket = 0;
  for (let value = 0; value < buckets.length; value++) {
    while (bucket < offsets.length && offsets[bucket]! < value) bucket++;
    buckets[value] = bucket;
  }
  lastBuckets = { size: offsets.length, buckets };
  return buckets;
}
