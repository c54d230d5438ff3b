/**
 * The memory of the kernel that passes over partitions in which nothing is deleted (`kernel/plain-pass.as.ts`):
 *
 *   –, 1024 state | 4096 list, 1024 × u32 address of a source | log, 64 KiB | sources, 256 bytes each | windows, each with 64 bytes that are nobody's
 *
 *   state       as in `plain-memory.ts`, of which it takes the clusterings and columns; and {@link PASS}
 *   log         for each partition that was not passed over: u32 SSTables that are told of, u32 {@link ACTION}, i32 × 4 Murmur3 of its key, then for each
 *               u32 address of the source, u32 where the partition begins, u32 where it ends: addresses in its window. Where nothing is to be done,
 *               a result stands before, and for where it ends there is a count of items, which follow: see `kernel/one-row.lib.as.ts`
 *   source      as in `plain-memory.ts`, but for its `open`
 */
import { growTo, instantiate, kernelMemory } from '../bytes/kernel-memory.js';
import { fixedLength } from '../cql/type-facts.js';
import { PLAIN_PASS_KERNEL } from './kernel/plain-pass.wasm.js';
import { FIELD, MAX_CLUSTERINGS, MAX_COLUMNS, SOURCE } from './plain-memory.js';
import type { SerializationHeader } from './serialization-header.js';

export const MAX_PASS_SOURCES = 1024;

const STATE = 1024;
const LIST = 4096;
const LOG = LIST + 4 * MAX_PASS_SOURCES;
const LOG_BYTES = 1 << 16;
const SOURCES = LOG + LOG_BYTES;
const SOURCE_BYTES = 256;
const SLACK_BYTES = 64;

/** Of the state: indexes of int32. */
export const PASS = {
  unread: 600,
  ordered: 601,
  listEnd: 602,
  passed: 603,
  log: 604,
  logEnd: 605,
  hasOneRow: 606,
  /** Whether partitions of one row at most are told; and for that, f64: now, and from when on reads meet deletions, in seconds. */
  tells: 607,
  now: 608,
  keepFrom: 610,
} as const;

/**
 * What is to be done with a partition: to merge what the SSTables have of it; or only to look what is deleted in each of them, since a later row hides
 * all of that; or that, but for the first, a later deletion of the whole partition, which is what the merge of all would give; or nothing, for the log has
 * what a read meets and what is deleted in each.
 */
export const ACTION = { merge: 0, passOver: 1, firstAlone: 2, nothing: 3 } as const;

/** int32 of a record's head, and of each SSTable's place in it. */
export const PASS_HEAD = 6;
export const PASS_MEMBER = 3;

/** int32 of what a read meets of a partition, and of an item. */
export const PASS_RESULT = 8;
export const PASS_ITEM = 4;

/** Each memory takes gigabytes of address space: that of a scan that is done goes to the next. */
let spare: WebAssembly.Memory | undefined;
/** Memory above this is not kept for the next. */
const MAX_SPARE_BYTES = 48 << 20;

export class PassMemory {
  readonly windows: readonly Uint8Array[];
  readonly state: Int32Array;
  /** From {@link logAt} on, as int32. */
  readonly log: Int32Array;
  private readonly memory: WebAssembly.Memory;
  private readonly list: Int32Array;
  private readonly sources: readonly Int32Array[];
  private readonly windowAt: readonly number[];
  private readonly kernel: { pass(): number };

  /** @param windowBytes of each source. @throws UsageError where there is no such memory */
  constructor(windowBytes: readonly number[]) {
    let end = SOURCES + SOURCE_BYTES * windowBytes.length;
    this.windowAt = windowBytes.map((bytes) => {
      const at = end;
      end += Math.ceil((bytes + SLACK_BYTES) / 64) * 64;
      return at;
    });
    const memory = spare ?? kernelMemory(end);
    spare = undefined;
    growTo(memory, end);
    this.memory = memory;
    this.kernel = instantiate<{ pass(): number }>(PLAIN_PASS_KERNEL, memory);
    const { buffer } = memory;
    new Uint8Array(buffer, STATE, LIST - STATE).fill(0);
    this.state = new Int32Array(buffer, STATE, (LIST - STATE) / 4);
    this.list = new Int32Array(buffer, LIST, MAX_PASS_SOURCES);
    this.log = new Int32Array(buffer, LOG, LOG_BYTES / 4);
    this.sources = windowBytes.map((_, i) => new Int32Array(buffer, SOURCES + SOURCE_BYTES * i, SOURCE_BYTES / 4));
    this.windows = windowBytes.map((bytes, i) => new Uint8Array(buffer, this.windowAt[i]!, bytes));
  }

  /** The columns of rows that it is to know. */
  putHeader({ clusteringTypes, regularColumns, staticColumns }: SerializationHeader): void {
    const { state } = this;
    state[PASS.tells] = 0;
    state[PASS.hasOneRow] = clusteringTypes.length === 0 && staticColumns.length === 0 ? 1 : 0;
    state[FIELD.clusterings] = clusteringTypes.length;
    state[FIELD.columns] = regularColumns.length;
    for (const [i, type] of clusteringTypes.entries()) state[FIELD.clusteringFixed + i] = fixedLength(type);
    for (const [i, { isComplex, type }] of regularColumns.entries()) {
      state[FIELD.columnFixed + i] = isComplex ? -2 : fixedLength(type);
    }
  }

  /** Partitions of one row at most are told, where they have nothing odd. */
  tellOneRows(nowSeconds: number, keepFromSeconds: number): void {
    const times = new Float64Array(this.memory.buffer, STATE + 4 * PASS.now, 2);
    times[0] = nowSeconds;
    times[1] = keepFromSeconds;
    this.state[PASS.tells] = 1;
  }

  /** All of these sources are to be read. */
  begin(numbers: readonly number[]): void {
    const { list, state } = this;
    for (const [i, number] of numbers.entries()) list[i] = SOURCES + SOURCE_BYTES * number;
    state[PASS.unread] = 0;
    state[PASS.ordered] = numbers.length;
    state[PASS.listEnd] = numbers.length;
    this.clearLog();
  }

  clearLog(): void {
    const { state } = this;
    state[PASS.passed] = 0;
    state[PASS.log] = LOG;
    state[PASS.logEnd] = LOG + LOG_BYTES;
  }

  /** int32 of the log that are written. */
  get logLength(): number {
    return (this.state[PASS.log]! - LOG) / 4;
  }

  /** Nothing of this is used any more. */
  release(): void {
    if (this.memory.buffer.byteLength <= MAX_SPARE_BYTES) spare = this.memory;
  }

  /** What ends a call, as in `plain-memory.ts`. */
  run(): number {
    return this.kernel.pass();
  }

  source(number: number): Int32Array {
    return this.sources[number]!;
  }

  /** The number of the source at an address. */
  numberAt(address: number): number {
    return (address - SOURCES) / SOURCE_BYTES;
  }

  windowStart(number: number): number {
    return this.windowAt[number]!;
  }
}

/** Whether it knows tables with such a header. */
export function canPass({ clusteringTypes, regularColumns }: SerializationHeader): boolean {
  return clusteringTypes.length <= MAX_CLUSTERINGS && regularColumns.length <= MAX_COLUMNS;
}

/** Of a source: the least TTL in it. */
export const SOURCE_MIN_TTL = 63;

/** Of a source: whether all of its partitions are to be told; i64, the latest timestamp in it. */
export const SOURCE_TELLS_ALL = SOURCE.open;
export const SOURCE_MAX_TIME = SOURCE.open + 2;
