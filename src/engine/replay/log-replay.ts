/**
 * Replays a commit log: the mutations that no SSTable holds go into memtables, one a table, which are flushed when they take more memory than they
 * may, and at the end.
 *
 *   segments ─ SegmentReplay ─ ReplayFilter ─ memtables ─ flush ─ SSTables
 */
import type { Storage } from '../../bytes/source.js';
import { simpleName } from '../../codec/load.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { LogSchema, LogTable } from '../../commitlog/log-schema.js';
import type { MutationReader } from '../../commitlog/mutation-reader.js';
import type { LostRange } from '../../commitlog/salvage.js';
import type { CipherOf } from '../../commitlog/section-decoder.js';
import { openSegment } from '../../commitlog/segment-open.js';
import type { CommitLogInterval, CommitLogPosition } from '../../sstable/metadata/stats.js';
import type { Partitioner } from '../../sstable/partitioner.js';
import type { Version } from '../../sstable/version.js';
import { isEmptySegment } from '../commitlog-verify.js';
import { Memtable } from '../memtable/memtable.js';
import { UpdateValues } from '../memtable/update-values.js';
import { type Fate, ReplayFilter, type ReplayWish } from './replay-filter.js';
import { type ReplayFault, SegmentReplay } from './segment-replay.js';

export type ReplayOptions = ReplayWish & {
  readonly schema: LogSchema;
  readonly cipherOf: CipherOf;
  /** Goes on past damage, and takes all that can be read. */
  readonly skipsDamage: boolean;
  /** How the partitions of a table are ordered, and in which version its SSTables will be. */
  readonly formOf: (table: LogTable) => { readonly partitioner: Partitioner; readonly version: Version };
  /** Memory that all memtables together may take, in bytes; they take somewhat more before they are flushed. Absent: as much as there is. */
  readonly memtableBytes?: number | undefined;
  /**
   * Takes a memtable whose writes are those of its table in `interval`. Absent: memtables are kept, and are in the result.
   */
  readonly flush?: ((memtable: Memtable, interval: CommitLogInterval) => Promise<void>) | undefined;
  /** Nothing is added anywhere: what would be is read and counted. */
  readonly countsOnly?: boolean | undefined;
  /** Runs a walk to its end; it yields positions in the segment from time to time. */
  readonly drive: <T>(walk: Generator<number, T>, segment: SegmentFile) => Promise<T>;
};

export type TableReplay = {
  readonly table: LogTable;
  /** Updates that were added, with the rows in them. */
  updates: number;
  rows: number;
  /** Of their mutations; those of mutations shared with other tables are counted with the first of them. */
  bytes: number;
  /** Of `updates` those that a node would leave behind damage. */
  salvaged: number;
  /** Updates that SSTables hold, or that were truncated; that were not asked for; that are from after the point in time. */
  persisted: number;
  unwanted: number;
  later: number;
};

export type LostBytes = LostRange & { readonly file: string; readonly segmentId: number };

export type LogReplayResult = {
  readonly tables: readonly TableReplay[];
  /** Mutations: all, and those of which something was added. */
  readonly mutations: number;
  readonly replayed: number;
  readonly salvaged: number;
  /** Mutations that were dropped since a table is not there, by its id. */
  readonly unknown: ReadonlyMap<string, number>;
  /** At which no start stops, or that were skipped. */
  readonly faults: readonly ReplayFault[];
  readonly lost: readonly LostBytes[];
  /** By table id, where they are kept. */
  readonly memtables: ReadonlyMap<string, Memtable>;
  /** Behind the last that was read. */
  readonly end: CommitLogPosition | undefined;
};

/**
 * @param segments in the order of their ids
 * @throws CorruptError where a node's start would stop and damage is not skipped; UnsupportedError, UsageError
 */
export async function replayLog(
  storage: Storage,
  segments: readonly SegmentFile[],
  options: ReplayOptions,
): Promise<LogReplayResult> {
  const replay = new LogReplay(options, segments[0]);
  const last = segments.findLast((segment) => !isEmptySegment(storage, segment));
  for (const segment of segments) await replay.segment(storage, segment, segment === last);
  return replay.finish();
}

/** Of a segment, between two looks at whether somebody waits: beginning a slice takes a millisecond. */
const SLICE_BYTES = 16 << 20;

class LogReplay {
  private readonly options: ReplayOptions;
  private readonly filter: ReplayFilter;
  private readonly values = new UpdateValues();
  private readonly tables = new Map<string, TableReplay>();
  private readonly memtables = new Map<string, Memtable>();
  /** Up to where a table's writes have been flushed. */
  private readonly flushed = new Map<string, CommitLogPosition>();
  private readonly start: CommitLogPosition;
  private at: CommitLogPosition | undefined;
  private mutations = 0;
  private replayed = 0;
  private salvaged = 0;
  private readonly unknown = new Map<string, number>();
  private readonly faults: ReplayFault[] = [];
  private readonly lost: LostBytes[] = [];

  constructor(options: ReplayOptions, first: SegmentFile | undefined) {
    this.options = options;
    this.filter = new ReplayFilter(options);
    this.start = { segmentId: BigInt(first?.id ?? 0), position: 0 };
  }

  async segment(storage: Storage, file: SegmentFile, isLast: boolean): Promise<void> {
    const { cipherOf, schema, skipsDamage, drive, memtableBytes = Number.POSITIVE_INFINITY } = this.options;
    const source = storage.open(file.file);
    try {
      const name = { id: file.id, version: file.version, isCdcIndex: false };
      const found = await openSegment(source, name, cipherOf);
      const { encryption, compression } = found.segment?.descriptor ?? {};
      const form = encryption ? 'encrypted' : compression ? simpleName(compression.className) : 'plain';
      const state = { version: file.version, isLast, form, fileBytes: source.size };
      const visitor = {
        add: (reader: MutationReader, bytes: number, isSalvaged: boolean) => this.add(reader, bytes, isSalvaged),
        passedOver: (reader: MutationReader, fate: Exclude<Fate, 'replayed'>) => void this.countsOf(reader)[fate]++,
        unknown: (tableId: string) => {
          this.mutations++;
          this.unknown.set(tableId, (this.unknown.get(tableId) ?? 0) + 1);
        },
        mutation: (isReplayed: boolean, isSalvaged: boolean) => {
          this.mutations++;
          if (isReplayed) this.replayed++;
          if (isReplayed && isSalvaged) this.salvaged++;
        },
        fault: (fault: ReplayFault) => void this.faults.push(fault),
        lost: (range: LostRange) => void this.lost.push({ ...range, file: file.file, segmentId: file.id }),
      };
      const replay = new SegmentReplay(
        { schema, filter: this.filter, visitor, values: this.values, skipsDamage },
        found,
        state,
        file.file,
        file.id,
      );
      const walk = replay.run();
      while (!(await drive(this.readOn(walk, replay, file), file))) await this.flushDownTo(memtableBytes / 2);
    } finally {
      source.close();
    }
  }

  /** @returns whether the segment has been read: else there is something to flush */
  private *readOn(walk: Generator<number>, replay: SegmentReplay, { id }: SegmentFile): Generator<number, boolean> {
    const { memtableBytes = Number.POSITIVE_INFINITY } = this.options;
    let pause = SLICE_BYTES;
    for (;;) {
      const step = walk.next();
      this.at = { segmentId: BigInt(id), position: replay.position };
      if (step.done) return true;
      const isFull = this.memoryBytes() > memtableBytes;
      if (isFull || step.value >= pause) {
        yield step.value;
        pause = step.value + SLICE_BYTES;
      }
      if (isFull) return false;
    }
  }

  async finish(): Promise<LogReplayResult> {
    if (this.options.flush) await this.flushDownTo(-1);
    const { mutations, replayed, salvaged, unknown, faults, lost, memtables } = this;
    const tables = [...this.tables.values()];
    return { tables, mutations, replayed, salvaged, unknown, faults, lost, memtables, end: this.at };
  }

  private add(reader: MutationReader, bytes: number, isSalvaged: boolean): void {
    const { index, cursor, table, stats } = reader;
    const rows = this.options.countsOnly
      ? this.values.check(cursor!, table!)
      : this.memtableOf(reader).add(cursor!, stats);
    const counts = this.countsOf(reader);
    counts.rows += rows;
    counts.updates++;
    if (index === 0) counts.bytes += bytes;
    if (isSalvaged) counts.salvaged++;
  }

  private memtableOf({ tableId, table }: MutationReader): Memtable {
    let memtable = this.memtables.get(tableId);
    if (!memtable) {
      memtable = new Memtable({ table: table!, ...this.options.formOf(table!) });
      this.memtables.set(tableId, memtable);
    }
    return memtable;
  }

  private countsOf({ tableId, table }: MutationReader): TableReplay {
    let counts = this.tables.get(tableId);
    if (!counts) {
      counts = { table: table!, updates: 0, rows: 0, bytes: 0, salvaged: 0, persisted: 0, unwanted: 0, later: 0 };
      this.tables.set(tableId, counts);
    }
    return counts;
  }

  private memoryBytes(): number {
    let sum = 0;
    for (const memtable of this.memtables.values()) sum += memtable.bytes;
    return sum;
  }

  /** The largest first, until what is left takes no more than that. */
  private async flushDownTo(bytes: number): Promise<void> {
    const { flush } = this.options;
    if (!flush) return;
    const largestFirst = [...this.memtables].sort(([, a], [, b]) => b.bytes - a.bytes);
    let left = this.memoryBytes();
    for (const [id, memtable] of largestFirst) {
      if (left <= bytes) return;
      left -= memtable.bytes;
      this.memtables.delete(id);
      if (memtable.isEmpty) continue;
      const end = this.at ?? this.start;
      await flush(memtable, { start: this.flushed.get(id) ?? this.start, end });
      this.flushed.set(id, end);
    }
  }
}
