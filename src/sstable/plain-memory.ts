/**
 * The memory of the kernel that merges plain rows (`kernel/plain.as.ts`), which has the same numbers:
 *
 *   –, 1024 state | 4096 marker log, 256 × 80 | deletion log, 2048 × u32 | partition log, 2048 × 32 | hash log, 2048 × 16 | sources, 32 × 256
 *   | histograms, of partitions' sizes 160 × u32 offset and count, of their cells 120 | index, 256 KiB | buffer | windows
 *
 *   state       int32 fields, see {@link FIELD}; 64-bit ones have their lower half first; a deletion is u32 set, –, i64 timestamp, i64 local time
 *   marker      u32 kind, u32 size, 8 × u32 start of a value, 8 × u32 end: addresses in the buffer
 *   deletion    local deletion time, in the order in which they were written
 *   partition   u32 address in the buffer; bytes of key, of all, of key and deletion; u32 cells, u32 address of the index entry, i32 Murmur2 × 2
 *   hash        i32 × 4, Murmur3 of its key; in hashes high halves come first
 *   source      see {@link SOURCE}
 *   index       entries of Index.db
 *   buffer      of the SSTable's writer; behind it and behind each window, of a source's cursor, 64 bytes that are nobody's
 */
import { growTo, instantiate, kernelMemory } from '../bytes/kernel-memory.js';
import type { CqlType } from '../cql/type.js';
import { PLAIN_KERNEL } from './kernel/plain.wasm.js';
import type { DeletionState } from './row-buffer.js';

/** What a call ends with. */
export const SOURCES_ENDED = 0;
export const NEEDS_MORE = 1;
export const IS_FULL = 2;
export const IS_OTHER = 3;
export const BLOCK_ENDED = 4;

export type PlainKernel = { runRows(n: number): number; runPartitions(n: number): number };

export const MAX_SOURCES = 32;
export const MAX_CLUSTERINGS = 8;
export const MAX_COLUMNS = 63;

const STATE = 1024;
const MARKER_LOG = 4096;
const DELETION_LOG = MARKER_LOG + 80 * 256;
const PARTITION_LOG = DELETION_LOG + 4 * 2048;
const HASH_LOG = PARTITION_LOG + 32 * 2048;
const SOURCES = HASH_LOG + 16 * 2048;
const SIZE_OFFSETS = SOURCES + 256 * MAX_SOURCES;
const SIZE_COUNTS = SIZE_OFFSETS + 4 * 160;
const CELL_OFFSETS = SIZE_COUNTS + 4 * 160;
const CELL_COUNTS = CELL_OFFSETS + 4 * 120;
const INDEX = CELL_COUNTS + 4 * 120;
const INDEX_BYTES = 1 << 18;
const SLACK_BYTES = 64;
const BUFFER = Math.ceil((INDEX + INDEX_BYTES + SLACK_BYTES) / 64) * 64;
/** Rows are written until it holds so much, and none that might not fit. */
export const BUFFER_FULL_BYTES = 1 << 17;
const BUFFER_BYTES = 3 << 17;

/** Of the state: indexes of int32. */
export const FIELD = {
  source: 0,
  out: 1,
  outFull: 2,
  outEnd: 3,
  /** i64: what addresses in the buffer are to be added to give positions in the partition. */
  origin: 4,
  /** i64: where the unfiltered before begins, and the block, −1 before its first one; in the partition. */
  previous: 6,
  blockStart: 8,
  blockBytes: 10,
  isAlone: 11,
  /** Deletions: the range that is open in what is written, in what is merged, and the partition's own. */
  open: 12,
  current: 18,
  partition: 24,
  gcBefore: 30,
  rows: 32,
  markers: 33,
  columnsSet: 34,
  unfiltereds: 35,
  hasTimes: 36,
  minTime: 38,
  maxTime: 40,
  liveRows: 42,
  overwritten: 44,
  deleted: 46,
  deletionCount: 48,
  markerCount: 49,
  partitionCount: 50,
  /** Kind or −1, size, 8 starts, 8 ends. */
  last: 51,
  /** Whether there is one, 8 starts, 8 ends. */
  lastRow: 69,
  /** i64: what addresses in the buffer are to be added to give positions in Data.db. */
  dataOrigin: 86,
  /** The next entry of the index, and where they end. */
  index: 88,
  indexEnd: 89,
  outMinTime: 90,
  outMinLocal: 92,
  clusterings: 94,
  columns: 95,
  noColumnsLength: 96,
  usesUInt: 98,
  clusteringFixed: 100,
  clusteringOrder: 108,
  /** 16 bytes. */
  noColumns: 116,
  /** Width of values, −1: stored with their length, −2: of a complex column. */
  columnFixed: 120,
  /** Partitions by the number of sources that had them, from 1. */
  merged: 184,
  /** Of histograms: how many buckets there are, and the last in which anything was counted. */
  sizeBuckets: 216,
  cellBuckets: 218,
  /** Of the block that begins, where one does: as `last`, and the range that is open before it. */
  first: 220,
  openAtStart: 238,
} as const;

/** Of a source: indexes of int32. */
export const SOURCE = {
  pos: 0,
  end: 1,
  isLast: 2,
  kind: 3,
  minTime: 4,
  minLocal: 6,
  usesUInt: 8,
  open: 48,
  read: 62,
} as const;

/** Each memory takes gigabytes of address space: that of a merge that is done goes to the next. */
let spare: WebAssembly.Memory | undefined;

export class PlainMemory {
  readonly state: Int32Array;
  readonly stateBytes: Uint8Array;
  readonly markerLog: Int32Array;
  readonly deletionLog: Uint32Array;
  readonly partitionLog: Int32Array;
  readonly hashLog: Int32Array;
  readonly sizeCounts: Uint32Array;
  readonly cellCounts: Uint32Array;
  /** Entries of Index.db. */
  readonly index: Uint8Array;
  readonly indexAt = INDEX;
  /** Of the SSTable's writer. */
  readonly buffer: Buffer;
  readonly bufferAt = BUFFER;
  readonly windows: readonly Uint8Array[];
  readonly memory: WebAssembly.Memory;
  private readonly sources: readonly Int32Array[];
  private readonly windowAt: readonly number[];

  /** @param windowBytes of each source. @throws UsageError where there is no such memory */
  constructor(windowBytes: readonly number[]) {
    let end = BUFFER + BUFFER_BYTES + SLACK_BYTES;
    this.windowAt = windowBytes.map((bytes) => {
      const at = end;
      end += Math.ceil((bytes + SLACK_BYTES) / 64) * 64;
      return at;
    });
    this.memory = spare ?? kernelMemory(end);
    spare = undefined;
    growTo(this.memory, end);
    const { buffer } = this.memory;
    new Uint8Array(buffer, STATE, MARKER_LOG - STATE).fill(0);
    new Uint8Array(buffer, SOURCES, BUFFER - SOURCES).fill(0);
    this.state = new Int32Array(buffer, STATE, (MARKER_LOG - STATE) / 4);
    this.stateBytes = new Uint8Array(buffer, STATE, MARKER_LOG - STATE);
    this.markerLog = new Int32Array(buffer, MARKER_LOG, (DELETION_LOG - MARKER_LOG) / 4);
    this.deletionLog = new Uint32Array(buffer, DELETION_LOG, (PARTITION_LOG - DELETION_LOG) / 4);
    this.partitionLog = new Int32Array(buffer, PARTITION_LOG, (HASH_LOG - PARTITION_LOG) / 4);
    this.hashLog = new Int32Array(buffer, HASH_LOG, (SOURCES - HASH_LOG) / 4);
    this.sizeCounts = new Uint32Array(buffer, SIZE_COUNTS, 160);
    this.cellCounts = new Uint32Array(buffer, CELL_COUNTS, 120);
    this.index = new Uint8Array(buffer, INDEX, INDEX_BYTES);
    this.buffer = Buffer.from(buffer, BUFFER, BUFFER_BYTES);
    this.windows = windowBytes.map((bytes, i) => new Uint8Array(buffer, this.windowAt[i]!, bytes));
    this.sources = windowBytes.map((_, i) => new Int32Array(buffer, SOURCES + 256 * i, 64));
  }

  /** The kernel that merges. */
  get kernel(): PlainKernel {
    this.merging ??= this.instantiate<PlainKernel>(PLAIN_KERNEL);
    return this.merging;
  }

  private merging: PlainKernel | undefined;

  /** A kernel that works in this memory. */
  instantiate<T>(base64: string): T {
    return instantiate<T>(base64, this.memory);
  }

  /** A call may write from this place of the buffer on; nothing is tallied yet. */
  begin(bufferPos: number, blockBytes: number): void {
    const { state } = this;
    state[FIELD.out] = BUFFER + bufferPos;
    state[FIELD.outFull] = BUFFER + BUFFER_FULL_BYTES;
    state[FIELD.outEnd] = BUFFER + BUFFER_BYTES;
    state[FIELD.blockBytes] = blockBytes;
    state.fill(0, FIELD.rows, FIELD.last);
    state[FIELD.index] = INDEX;
    state[FIELD.indexEnd] = INDEX + INDEX_BYTES;
    this.sizeCounts.fill(0);
    this.cellCounts.fill(0);
    state[FIELD.last] = -1;
    state[FIELD.first] = -1;
    state[FIELD.lastRow] = 0;
    state.fill(0, FIELD.merged, FIELD.merged + MAX_SOURCES);
  }

  /** Offsets of the buckets in which partitions are counted, by their bytes and by their cells. */
  putBuckets(sizes: readonly number[], cells: readonly number[]): void {
    const { buffer } = this.memory;
    new Uint32Array(buffer, SIZE_OFFSETS, 160).set(sizes.map((offset) => Math.min(offset, 0xffffffff)));
    new Uint32Array(buffer, CELL_OFFSETS, 120).set(cells.map((offset) => Math.min(offset, 0xffffffff)));
    this.state[FIELD.sizeBuckets] = sizes.length;
    this.state[FIELD.cellBuckets] = cells.length;
  }

  putDeletion(at: number, { isSet, hi, lo, localDeletionSeconds }: DeletionState): void {
    putDeletion(this.state, at, isSet, hi, lo, localDeletionSeconds);
  }

  takeDeletion(at: number, into: DeletionState): void {
    takeDeletion(this.state, at, into);
  }

  private readonly starts = new Int32Array(MAX_CLUSTERINGS);
  private readonly ends = new Int32Array(MAX_CLUSTERINGS);

  /** Where the values of a clustering lie in the buffer. Good until the next is asked for. */
  place(at: number, from: Int32Array = this.state): { readonly starts: Int32Array; readonly ends: Int32Array } {
    const { starts, ends } = this;
    for (let i = 0; i < MAX_CLUSTERINGS; i++) {
      starts[i] = from[at + i]! - BUFFER;
      ends[i] = from[at + MAX_CLUSTERINGS + i]! - BUFFER;
    }
    return { starts, ends };
  }

  /** A marker that was written. */
  marker(i: number) {
    const { markerLog } = this;
    const at = i * 20;
    return { kind: markerLog[at]!, size: markerLog[at + 1]!, ...this.place(at + 2, markerLog) };
  }

  /** The key of the partition of which the log tells at `at`: a view. */
  keyOf(at: number): Uint8Array {
    const start = this.partitionLog[at]! - BUFFER + 2;
    return this.buffer.subarray(start, start + this.partitionLog[at + 1]!);
  }

  /** The i-th of those that a call goes through. */
  source(i: number): Int32Array {
    return this.sources[i]!;
  }

  /** Where the window of a source begins, by its number in the merge. */
  windowStart(source: number): number {
    return this.windowAt[source]!;
  }

  put64(at: number, hi: number, lo: number): void {
    this.state[at] = lo;
    this.state[at + 1] = hi;
  }

  /** An integral double within ±2^53. */
  putNumber(at: number, value: number): void {
    this.state[at] = value;
    this.state[at + 1] = Math.floor(value / 4294967296);
  }

  number(at: number): number {
    return this.state[at + 1]! * 4294967296 + (this.state[at]! >>> 0);
  }

  /** Nothing of this is used any more. */
  release(): void {
    if (this.memory.buffer.byteLength <= MAX_SPARE_BYTES) spare = this.memory;
  }
}

/** int32 of a record of the partition log. */
export const PARTITION_FIELDS = 8;

export function putDeletion(
  target: Int32Array,
  at: number,
  isSet: boolean,
  hi: number,
  lo: number,
  local: number,
): void {
  target[at] = isSet ? 1 : 0;
  target[at + 2] = lo;
  target[at + 3] = hi;
  target[at + 4] = local;
  target[at + 5] = Math.floor(local / 4294967296);
}

export function takeDeletion(source: Int32Array, at: number, into: DeletionState): void {
  if (source[at] === 0) into.clear();
  else into.set(source[at + 3]!, source[at + 2]!, source[at + 4]! >>> 0);
}

/** Memory above this is not kept for the next. */
const MAX_SPARE_BYTES = 16 << 20;

/** How the kernel compares values of a clustering column: 0 bytes, 1 signed, 2 timeuuid, 3 uuid, and 16 for the reverse; −1: it can't. */
export function orderOf(type: CqlType): number {
  if (type.kind === 'reversed') {
    const order = orderOf(type.of);
    return order < 0 ? -1 : order ^ 16;
  }
  if (type.kind !== 'native' || type.className === 'DateType' || type.className === 'LexicalUUIDType') return -1;
  switch (type.name) {
    case 'int':
    case 'bigint':
    case 'smallint':
    case 'tinyint':
    case 'timestamp':
      return 1;
    case 'timeuuid':
      return 2;
    case 'uuid':
      return 3;
    case 'ascii':
    case 'text':
    case 'blob':
    case 'date':
    case 'time':
    case 'inet':
      return 0;
    default:
      return -1;
  }
}
