/**
 * The fast lane of a walk by the data: partitions of one row as INSERT writes it, their keys, values and entries of Index.db are checked and counted by
 * a kernel of WebAssembly (`kernel/row-walk.as.ts`), as long as nothing is odd; whatever is odd stays with the walk itself. The memory is that of
 * `sstable/plain-memory.ts`: the window of the cursor lies in it, and behind that Data.db as stored; what is written there is the window of Index.db.
 */
import { LsmctlError } from '../../bytes/errors.js';
import { ifThereIsMemory } from '../../bytes/kernel-memory.js';
import { fixedLength } from '../../cql/type-facts.js';
import type { EstimatedHistogramBuilder } from '../../sstable/metadata/estimated-histogram.js';
import type { MetadataCollector } from '../../sstable/metadata/metadata-collector.js';
import { FIELD, IS_FULL, MAX_COLUMNS, NEEDS_MORE, PlainMemory, SOURCE } from '../../sstable/plain-memory.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { KernelPause } from '../kernel-pause.js';
import { type CheckedData, MEMORY_BYTES } from './checked-data.js';
import { BigIndexCursor, type IndexCursor } from './index-cursor.js';
import { ROW_WALK_KERNEL } from './kernel/row-walk.wasm.js';
import type { KeyCheck } from './key-check.js';
import type { RowCheck } from './row-check.js';
import type { SummaryCheck } from './summary-check.js';
import { columnTest, plainTest } from './value-check.js';

const AT_LIMIT = 5;
const NO_INDEX = 6;

/** Of the state, beside those of {@link FIELD}: indexes of int32. */
const INDEX_AT = 600;
const INDEX_END = 601;
const STOP = 602;
const LIMIT = 603;
const KEY = 604;
const KEY_LENGTH = 605;
const SIZE = 606;
const CELLS = 607;
const ORIGIN = 608;
const END = 610;
const TOKEN = 612;
const FUTURE = 614;
const KEY_TEST = 616;
const COLUMN_TESTS = 620;

const KINDS = { any: 0, text: 1, decimal: 2, ascii: 3 } as const;
const EMPTY_IS_VALUE = 16;
const MOST = 0x7fffffff;
/** Partitions below which the kernel is not worth having been asked. */
const FEW = 2;

export type RowLaneParts = {
  /** Of `data`. */
  readonly cursor: UnfilteredCursor;
  readonly data: CheckedData;
  readonly index: IndexCursor | undefined;
  readonly keys: KeyCheck;
  readonly summary: SummaryCheck | undefined;
  readonly sizes: EstimatedHistogramBuilder;
  readonly rows: RowCheck;
  readonly collector: MetadataCollector;
  /** Timestamps above it lie in the future, µs, as halves. */
  readonly future: readonly [hi: number, lo: number];
  readonly onPosition: (position: number) => void;
  /** Where in the plain Data.db partitions begin that are somebody else's. */
  readonly end: number;
};

export class RowLane {
  private readonly parts: RowLaneParts;
  private readonly index: BigIndexCursor;
  private readonly memory: PlainMemory;
  private readonly walk: () => number;
  /** Position in Index.db of the window, and how many bytes it has. */
  private indexBase = 0;
  private indexLength = 0;
  private readonly pause = new KernelPause(FEW);
  /** Of the last partition that was passed: where it begins. */
  lastPosition = 0;

  private constructor(parts: RowLaneParts, index: BigIndexCursor, memory: PlainMemory) {
    this.parts = parts;
    this.index = index;
    this.memory = memory;
    this.walk = memory.instantiate<{ walkRows(): number }>(ROW_WALK_KERNEL).walkRows;
  }

  /** To be asked before the cursor has read anything. `undefined` where the table has what the kernel does not know, and where there is no memory for it. */
  static open(parts: RowLaneParts): RowLane | undefined {
    const { cursor, data, index, keys, sizes, collector, future, end } = parts;
    const { header } = cursor;
    const tests = testsOf(header);
    if (!tests || !(index instanceof BigIndexCursor) || !keys.isMurmur3) return undefined;
    const memory = ifThereIsMemory(() => new PlainMemory([cursor.in.windowBytes, MEMORY_BYTES]));
    if (!memory) return undefined;
    collector.putBuckets(memory);
    if (memory.state[FIELD.sizeBuckets] !== sizes.bucketOffsets.length) {
      memory.release();
      return undefined;
    }
    cursor.in.useWindow(memory.windows[0]!);
    data.useMemory(memory.memory, memory.windowStart(1));
    const { state } = memory;
    state[FIELD.clusterings] = 0;
    state[FIELD.columns] = header.regularColumns.length;
    for (const [i, { type }] of header.regularColumns.entries()) state[FIELD.columnFixed + i] = fixedLength(type);
    for (const [i, test] of tests.columns.entries()) state[COLUMN_TESTS + i] = test;
    state[KEY_TEST] = tests.key;
    memory.put64(FUTURE, ...future);
    memory.putNumber(END, end);
    const fields = memory.source(0);
    const { minTimestampHi, minTimestampLo, minLocalDeletionSeconds } = header.encodingStats;
    fields[SOURCE.minTime] = minTimestampLo;
    fields[SOURCE.minTime + 1] = minTimestampHi;
    fields[SOURCE.minLocal] = minLocalDeletionSeconds;
    fields[SOURCE.minLocal + 1] = Math.floor(minLocalDeletionSeconds / 4294967296);
    fields[SOURCE.usesUInt] = cursor.usesUInt ? 1 : 0;
    return new RowLane(parts, index, memory);
  }

  /**
   * Goes on behind the partition at which the cursor has come to its end, as far as nothing is odd.
   * @param previous where that partition begins. @returns where the next one does
   */
  run(previous: number): number {
    const { memory, index } = this;
    const { cursor, keys, sizes } = this.parts;
    const { in: input } = cursor;
    const start = input.offset;
    const next = index.nextPosition;
    if (!keys.takesRuns || !input.isAtHome || !this.pause.isOver) return start;
    if (!this.hasIndex(next) && !this.fillIndex(next)) return start;
    memory.state[INDEX_AT] = memory.indexAt + next - this.indexBase;
    memory.put64(TOKEN, ...keys.lastToken);
    this.place();
    this.begin();
    const count = this.walkOn();
    this.pause.note(count);
    if (count === 0) return start;
    index.resumeAt(this.indexPosition);
    cursor.goOnAt(memory.source(0)[SOURCE.pos]! - memory.windowStart(0), false);
    // the size of the partition before is known now, that of the last one will be told with the next entry
    const lastSize = memory.state[SIZE]!;
    sizes.add(start - previous);
    sizes.remove(lastSize);
    this.lastPosition = input.offset - lastSize;
    return input.offset;
  }

  /** Its memory is somebody else's from here on. */
  close(): void {
    this.parts.data.leaveMemory();
    this.memory.release();
  }

  /** @returns how many partitions were passed */
  private walkOn(): number {
    let total = 0;
    for (;;) {
      const [count, reason] = this.step();
      total += count;
      if (count > 0 && reason === AT_LIMIT) continue;
      if (reason === IS_FULL) this.flush();
      else if (reason === NEEDS_MORE ? !this.fetch() : reason !== NO_INDEX || !this.fillIndex(this.indexPosition))
        break;
    }
    this.flush();
    return total;
  }

  /** Partitions up to the next that Summary.db has, or that one alone. */
  private step(): readonly [count: number, reason: number] {
    const { summary } = this.parts;
    if (!summary) return this.walkUpTo(MOST, MOST);
    const position = this.indexPosition;
    const { ahead, nextPosition } = summary;
    if (ahead > 0 && nextPosition > position) {
      const [count, reason] = this.walkUpTo(ahead, this.memory.indexAt + nextPosition - this.indexBase);
      summary.pass(count);
      return [count, reason];
    }
    const [count, reason] = this.walkUpTo(1, MOST);
    if (count > 0) summary.entry(position, this.lastKey, this.lastKey.length);
    return [count, reason];
  }

  private walkUpTo(limit: number, stop: number): readonly [count: number, reason: number] {
    const { state } = this.memory;
    const before = state[FIELD.partitionCount]!;
    state[LIMIT] = Math.min(before + limit, MOST);
    state[STOP] = Math.min(stop, MOST);
    const reason = this.walk();
    const count = state[FIELD.partitionCount]! - before;
    if (count > 0) this.parts.keys.addRun(count, this.lastKey, state[TOKEN + 1]!, state[TOKEN]!);
    return [count, reason];
  }

  private begin(): void {
    const { memory } = this;
    memory.begin(0, 0);
    memory.state[CELLS] = 0;
  }

  /** What was counted goes to those who count. */
  private flush(): void {
    const { memory } = this;
    const { rows, collector, keys, sizes } = this.parts;
    const count = memory.state[FIELD.partitionCount]!;
    if (count === 0) return;
    collector.addPlainRows(memory);
    collector.addPlainPartitions(memory, count);
    sizes.addCounts(memory.sizeCounts);
    keys.addHashes(memory.hashLog, count);
    rows.rows += count;
    rows.cells += memory.state[CELLS]!;
    this.begin();
  }

  private get indexPosition(): number {
    return this.indexBase + this.memory.state[INDEX_AT]! - this.memory.indexAt;
  }

  /** Of the last partition, as long as its window is the one that it was found in. */
  private get lastKey(): Uint8Array {
    const { state, windows } = this.memory;
    const at = state[KEY]! - this.memory.windowStart(0);
    return windows[0]!.subarray(at, at + state[KEY_LENGTH]!);
  }

  private hasIndex(position: number): boolean {
    return position >= this.indexBase && position < this.indexBase + this.indexLength;
  }

  /** Reads the window of Index.db that begins at `position`; `false` where it is the one at hand, or nothing is there. */
  private fillIndex(position: number): boolean {
    const { memory } = this;
    const { source } = this.index;
    const length = Math.min(memory.index.length, source.size - position);
    if (length <= 0 || (position === this.indexBase && this.indexLength > 0)) return false;
    this.indexBase = position;
    this.indexLength = source.read(position, memory.index, 0, length);
    memory.state[INDEX_AT] = memory.indexAt;
    memory.state[INDEX_END] = memory.indexAt + this.indexLength;
    return this.indexLength > 0;
  }

  /** Where the kernel goes on in the window. */
  private place(): void {
    const { memory } = this;
    const { in: input } = this.parts.cursor;
    const fields = memory.source(0);
    const start = memory.windowStart(0);
    fields[SOURCE.pos] = start + input.pos;
    fields[SOURCE.end] = start + input.end;
    fields[SOURCE.isLast] = input.hasMore ? 0 : 1;
    memory.putNumber(ORIGIN, input.base - start);
  }

  /** Gets more of Data.db. What can't be read is told by who asks for it again. @returns whether the kernel can go on */
  private fetch(): boolean {
    const { memory } = this;
    const { cursor, onPosition } = this.parts;
    const { in: input } = cursor;
    input.pos = memory.source(0)[SOURCE.pos]! - memory.windowStart(0);
    if (!input.hasMore || input.end - input.pos >= input.windowBytes) return false;
    onPosition(input.offset);
    try {
      input.fetchMore();
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      this.place();
      return false;
    }
    this.place();
    return input.isAtHome;
  }
}

/** What the kernel holds keys and values to; `undefined` where it can't. */
function testsOf({ keyType, clusteringTypes, staticColumns, regularColumns }: SerializationHeader) {
  const isOther = clusteringTypes.length > 0 || staticColumns.length > 0;
  if (isOther || regularColumns.length === 0 || regularColumns.length > MAX_COLUMNS) return undefined;
  const columns: number[] = [];
  for (const { type, isComplex } of regularColumns) {
    const test = isComplex ? undefined : plainTest(type);
    if (!test) return undefined;
    columns.push(KINDS[test] + (columnTest(type).emptyIsValue ? EMPTY_IS_VALUE : 0));
  }
  const test = plainTest(keyType);
  if (test !== 'any' && test !== 'text') return undefined;
  return { columns, key: test === 'text' ? -2 : fixedLength(keyType) };
}
