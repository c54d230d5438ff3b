/**
 * Lets a kernel (`sstable/pass-memory.ts`) go through the partitions of a merge, for who only asks for what is deleted and what expires: partitions of
 * rows as INSERT writes them are counted, however many SSTables have them. The kernel tells where the others are, which are merged as ever, once it has
 * come to the end of a window; so cursors, and the heap, are only touched for those. Partitions that are longer than a window are left to the merge.
 */
import { InvariantError } from '../../bytes/errors.js';
import { hiOf, loOf } from '../../bytes/int64.js';
import { ifThereIsMemory } from '../../bytes/kernel-memory.js';
import { isCounter } from '../../cql/type-facts.js';
import {
  ACTION,
  canPass,
  MAX_PASS_SOURCES,
  PASS,
  PASS_HEAD,
  PASS_ITEM,
  PASS_MEMBER,
  PASS_RESULT,
  PassMemory,
  SOURCE_MAX_TIME,
  SOURCE_MIN_TTL,
  SOURCE_TELLS_ALL,
} from '../../sstable/pass-memory.js';
import { IS_FULL, NEEDS_MORE, SOURCE } from '../../sstable/plain-memory.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { KernelPause } from '../kernel-pause.js';
import { hasSameClustering, type MergeSource } from './merge-source.js';
import type { SourceHeap } from './source-heap.js';

/** Windows after which others have a turn. */
const TURN_WINDOWS = 32;

/** Partitions, and as many again for each source that must be put in its place, below which the kernel is not worth having been asked. */
const FEW = 6;

/** Of an SSTable that does not tell: nothing is later. */
const MAX_MICROS = (1n << 63n) - 1n;

/** Merges the partition on which the first `n` of the group stand. */
export type MergeGroup = (group: readonly MergeSource[], n: number) => void;

/** The memory of scans of the same SSTables, one after the other. */
export type PassRoom = { memory?: PassMemory | undefined };

/** What a read of a partition of one row at most meets, as the kernel has merged it. */
export type OneRowReads = {
  isDeleted: boolean;
  deletedCells: number;
  expiredCells: number;
  /** ROW_DELETION or EXPIRED_ROW for a row without such cells that does not live; −1 for others. */
  rowKind: number;
  isLive: boolean;
  oldestSeconds: number;
  newestSeconds: number;
};

/** Who takes what the kernel tells of partitions of one row at most. */
export type OneRowTaker = {
  readonly nowSeconds: number;
  /** Reads meet deletions from this time on. */
  readonly keepFromSeconds: number;
  /** A read meets something of the partition whose key the source has. The reads are overwritten by the next. */
  readonly take: (source: MergeSource, reads: OneRowReads) => void;
};

export class PlainPass {
  private readonly memory: PassMemory;
  private readonly sources: readonly MergeSource[];
  private readonly group: MergeSource[] = [];
  private readonly pause: KernelPause;
  /** Partitions passed over. */
  passed = 0;

  private readonly taker: OneRowTaker | undefined;
  private readonly reads: OneRowReads = {
    isDeleted: false,
    deletedCells: 0,
    expiredCells: 0,
    rowKind: -1,
    isLive: false,
    oldestSeconds: 0,
    newestSeconds: 0,
  };

  private constructor(memory: PassMemory, sources: readonly MergeSource[], taker: OneRowTaker | undefined) {
    this.taker = taker;
    this.memory = memory;
    this.sources = sources;
    this.pause = new KernelPause(FEW + sources.length);
  }

  /**
   * To be asked before anything is read from the sources. `undefined` where the table has what the kernel does not know, and where there is no
   * memory for it.
   * @param header of the merge
   * @param latestMicros the latest timestamp in each of the sources
   * @param taker of what is told of partitions of one row at most; without it they are merged
   */
  static open(
    sources: readonly MergeSource[],
    header: SerializationHeader,
    latestMicros: readonly bigint[],
    room: PassRoom,
    taker?: OneRowTaker,
  ): PlainPass | undefined {
    if (sources.length > MAX_PASS_SOURCES || !canPass(header)) return undefined;
    if (!sources.some(({ copiesCells }) => copiesCells)) return undefined;
    if (sources.some(({ isMurmur3, cursor }) => !isMurmur3 || !hasSameClustering(cursor.header, header))) {
      return undefined;
    }
    room.memory ??= ifThereIsMemory(() => new PassMemory(sources.map(({ cursor }) => cursor.in.windowBytes)));
    const { memory } = room;
    if (!memory) return undefined;
    memory.putHeader(header);
    if (taker && !header.regularColumns.some(({ isComplex, type }) => isComplex || isCounter(type))) {
      memory.tellOneRows(taker.nowSeconds, taker.keepFromSeconds);
    }
    for (const [i, source] of sources.entries()) {
      const { cursor } = source;
      const fields = memory.source(i);
      const { minTimestampHi, minTimestampLo, minLocalDeletionSeconds } = cursor.header.encodingStats;
      fields.fill(0);
      fields[SOURCE.minTime] = minTimestampLo;
      fields[SOURCE.minTime + 1] = minTimestampHi;
      fields[SOURCE.minLocal] = minLocalDeletionSeconds;
      fields[SOURCE.minLocal + 1] = Math.floor(minLocalDeletionSeconds / 4294967296);
      fields[SOURCE_MIN_TTL] = cursor.header.encodingStats.minTtlSeconds;
      fields[SOURCE.usesUInt] = cursor.usesUInt ? 1 : 0;
      const latest = latestMicros[i] ?? MAX_MICROS;
      fields[SOURCE_MAX_TIME] = loOf(latest);
      fields[SOURCE_MAX_TIME + 1] = hiOf(latest);
      fields[SOURCE_TELLS_ALL] = source.copiesCells && !cursor.hasStatic ? 0 : 1;
      source.plainNumber = i;
      cursor.in.useWindow(memory.windows[i]!);
    }
    return new PlainPass(memory, sources, taker);
  }

  /**
   * Goes on with the partitions of all sources in the heap, up to one that is not the kernel's, or for a turn.
   * @returns how many partitions were passed over or merged. @throws CorruptError
   */
  run(heap: SourceHeap, mergeGroup: MergeGroup): number {
    const { memory, pause } = this;
    if (!pause.isOver) return 0;
    const numbers: number[] = [];
    for (let i = 0; i < heap.size; i++) {
      const source = heap.at(i);
      const index = source.cursor.partitionPosition - source.cursor.in.base;
      if (index < 0 || !source.cursor.in.isAtHome) return 0;
      this.place(source, index);
      memory.source(source.plainNumber)[SOURCE.read] = 0;
      numbers.push(source.plainNumber);
    }
    memory.begin(numbers);
    let done = 0;
    for (let windows = 0; ; windows++) {
      const reason = memory.run();
      done += memory.state[PASS.passed]! + this.mergeNoted(mergeGroup);
      this.passed += memory.state[PASS.passed]!;
      memory.clearLog();
      if (reason === IS_FULL) continue;
      if (reason !== NEEDS_MORE || !this.fetch() || windows >= TURN_WINDOWS) break;
    }
    heap.clear();
    for (const number of numbers) {
      const source = this.sources[number]!;
      const fields = memory.source(number);
      source.partitions += fields[SOURCE.read]! - 1; // that at which it stands has been counted, and will be again
      source.cursor.goOnAt(fields[SOURCE.pos]! - memory.windowStart(number), false);
      if (source.nextPartition()) heap.push(source);
    }
    pause.note(done);
    return done;
  }

  /** Where the kernel goes on in a source's window. */
  private place({ plainNumber, cursor: { in: input } }: MergeSource, index: number): void {
    const fields = this.memory.source(plainNumber);
    const start = this.memory.windowStart(plainNumber);
    fields[SOURCE.pos] = start + index;
    fields[SOURCE.end] = start + input.end;
    fields[SOURCE.isLast] = input.hasMore ? 0 : 1;
  }

  /** The source that needs more gets it. @returns whether the kernel can go on. @throws CorruptError */
  private fetch(): boolean {
    const { memory } = this;
    const source = this.sources[memory.numberAt(memory.state[0]!)]!;
    const { in: input } = source.cursor;
    input.pos = memory.source(source.plainNumber)[SOURCE.pos]! - memory.windowStart(source.plainNumber);
    if (!input.hasMore || input.end - input.pos >= input.windowBytes) return false;
    input.fetchMore();
    this.place(source, input.pos);
    return input.isAtHome;
  }

  /** Merges the partitions that the log tells. @returns how many */
  private mergeNoted(mergeGroup: MergeGroup): number {
    const { memory, group, sources } = this;
    const { log, logLength } = memory;
    let count = 0;
    for (let at = 0; at < logLength; count++) {
      const n = log[at]!;
      if (log[at + 1] === ACTION.nothing) {
        at = this.takeOneRow(at, n);
        continue;
      }
      const members = at + PASS_HEAD;
      for (let i = 0, p = members; i < n; i++, p += PASS_MEMBER) {
        const source = sources[memory.numberAt(log[p]!)]!;
        group[i] = source;
        source.standAt(log[p + 1]! - memory.windowStart(source.plainNumber), log, at + 2);
      }
      const merged = this.take(log[at + 1]!, n, mergeGroup);
      for (let i = 0, p = members; i < merged; i++, p += PASS_MEMBER) {
        const { cursor, plainNumber } = group[i]!;
        const end = log[p + 2]! - memory.windowStart(plainNumber);
        if (cursor.in.pos !== end) throw new InvariantError('a partition ends elsewhere than the kernel says', { seen: cursor.in.pos, expected: end }); // biome-ignore format: one line
      }
      at = members + n * PASS_MEMBER;
    }
    return count;
  }

  /** Hands on what the log tells of a partition of which `n` SSTables have anything deleted or expired. @returns where the next record is */
  private takeOneRow(record: number, n: number): number {
    const { memory, sources, reads, taker } = this;
    const { log } = memory;
    const result = record + PASS_HEAD;
    let source: MergeSource | undefined;
    let at = result + PASS_RESULT;
    for (let i = 0; i < n; i++) {
      source = sources[memory.numberAt(log[at]!)]!;
      source.takeKey(log[at + 1]! - memory.windowStart(source.plainNumber), log, record + 2);
      source.startItems();
      const end = at + PASS_MEMBER + PASS_ITEM * log[at + 2]!;
      for (at += PASS_MEMBER; at < end; at += PASS_ITEM) {
        source.takeItem(log[at]!, log[at + 3]!, log[at + 2]!, log[at + 1]!);
      }
    }
    this.passed++;
    if (log[result] === 0 || !source) return at;
    reads.isDeleted = log[result + 1] === 1;
    reads.deletedCells = log[result + 2]!;
    reads.expiredCells = log[result + 3]!;
    reads.rowKind = log[result + 4]!;
    reads.isLive = log[result + 5] === 1;
    reads.oldestSeconds = log[result + 6]!;
    reads.newestSeconds = log[result + 7]!;
    taker!.take(source, reads);
    return at;
  }

  /** The partition on which the first `n` of the group stand. @returns how many of these were merged */
  private take(action: number, n: number, mergeGroup: MergeGroup): number {
    const { group } = this;
    const merged = action === ACTION.merge ? n : action === ACTION.firstAlone ? 1 : 0;
    if (merged > 0) mergeGroup(group, merged);
    else this.passed++;
    for (let i = merged; i < n; i++) group[i]!.passOver();
    return merged;
  }
}
