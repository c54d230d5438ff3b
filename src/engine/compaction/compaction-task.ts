/**
 * One compaction: SSTables merged and purged into new ones (Cassandra's CompactionTask). Inputs are only read. Outputs are written under
 * temporary names; {@link CompactionTask.publish} names them all, {@link CompactionTask.abort} removes them.
 */
import { toBigInt } from '../../bytes/int64.js';
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import type { DataFile } from '../../sstable/data-file.js';
import type { OpenDataSink } from '../../sstable/data-sink.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import type { MarkerBuffer } from '../../sstable/marker-buffer.js';
import { mergeIntervals } from '../../sstable/metadata/commit-log-intervals.js';
import type { CommitLogInterval } from '../../sstable/metadata/stats.js';
import type { Partitioner } from '../../sstable/partitioner.js';
import type { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import type { SSTableWriter } from '../../sstable/sstable-writer.js';
import { SSTableWriters } from '../../sstable/sstable-writers.js';
import { readStatistics } from '../../sstable/statistics.js';
import type { TableLayout, WrittenSSTable } from '../../sstable/writer-options.js';
import { columnMap, hasSameCells, MergeSource } from '../merge/merge-source.js';
import { type MergeCounts, type MergeSink, PartitionMerge } from '../merge/partition-merge.js';
import { PlainMerge } from '../merge/plain-merge.js';
import { noPurge, type PurgeCounts, Purger } from '../merge/purge.js';
import type { CompactionParams } from '../strategies/options.js';
import { fullyExpiredSSTables } from './fully-expired.js';
import { type BytesWritten, isCutByStoredSize, type OutputCutter, outputCutter } from './output-cuts.js';
import { droppedTimes, outputHeader } from './output-header.js';
import { overlapEvaluator, type UnflushedSource } from './overlap-purge.js';
import { type Outside, OverlapShadows } from './overlap-shadows.js';
import { outputRepairState, type TaskShape } from './planned-task.js';
import { overlappingSSTables, type SSTableFacts } from './sstable-facts.js';

export type CompactionSetup = {
  readonly storage: Storage;
  readonly output: OutputStorage;
  readonly inputs: readonly SSTableFacts[];
  readonly shape: TaskShape;
  /** The table's other SSTables: they decide what may be purged. */
  readonly others: readonly Outside[];
  readonly definition: Table | View | undefined;
  readonly params: CompactionParams;
  readonly layout: TableLayout;
  /** Where and under what name the next SSTable is written. */
  readonly nextDescriptor: () => Descriptor;
  /** Decides what has expired; seconds since the epoch. */
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  /** The node's own; absent where it is not known: then the output says nothing of the commit log. */
  readonly hostId?: string | undefined;
  /** Where Data.db's bytes go, see SSTableWriterOptions; not used where files are cut by their stored size. */
  readonly openData?: OpenDataSink | undefined;
  /** Whether the outputs are to tell their filters, see SSTableWriterOptions. */
  readonly keepsFilters?: boolean | undefined;
  /** Reads Data.db of the inputs ahead of the merge; absent: it is read when it is needed. */
  readonly readAhead?: ReadAhead | undefined;
  /** Rows live by their liveness alone, see {@link PurgeOptions.strictLiveness}. */
  readonly isStrict: boolean;
  /** The compaction is `nodetool garbagecollect` of one SSTable: what others hide goes. */
  readonly garbageCollect?: 'row' | 'cell' | undefined;
  /** What a node would have in its memtables: it is asked before a tombstone is dropped. */
  readonly unflushed?: UnflushedSource | undefined;
};

/**
 * Begins to read all of these from their beginnings. `files`: in the order of `inputs`, to be read in their stead; `end`: nothing more is wanted of
 * them. `undefined` where that would not pay.
 */
export type ReadAhead = (
  inputs: readonly { readonly descriptor: Descriptor; readonly data: DataFile }[],
) => { readonly files: readonly DataFile[]; readonly end: () => void } | undefined;

export type CompactionResult = {
  readonly outputs: readonly WrittenSSTable[];
  /** Dropped unread: all of theirs has expired. */
  readonly expired: readonly SSTableFacts[];
  readonly merge: MergeCounts;
  readonly purge: PurgeCounts;
  /** Plain bytes by what became of them; `rest` is what rows, keys and headers took more before than after. */
  readonly givenBack: GivenBack;
};

export type GivenBack = {
  readonly overwritten: number;
  readonly deleted: number;
  readonly expired: number;
  readonly tombstones: number;
  /** Of SSTables that were not read: all of theirs has expired. */
  readonly unread: number;
  readonly rest: number;
};

/** What the inputs may read ahead and keep, together and each: thousands of SSTables must not take gigabytes. */
const ALL_WINDOWS_BYTES = 32 << 20;
const MAX_WINDOW_BYTES = 1 << 18;
const MIN_WINDOW_BYTES = 1 << 14;

/** Plain bytes after which progress is told, and others may have a turn: beginning a slice takes a millisecond. */
const SLICE_BYTES = 8 << 20;
/** Partitions between two looks at how much is read. */
const SLICE_CHECK = 64;

/** How a long piece of work is broken into slices, so that it can be interrupted. */
export type Pace = {
  /** Runs a slice. */
  slice<T>(work: () => T): T;
  /** Between two slices. */
  breathe(): Promise<void>;
  /** Plain bytes of the next slice, where it is not to be the usual. */
  readonly sliceBytes?: number;
};

export class CompactionTask {
  private readonly setup: CompactionSetup;
  private readonly sstables: SSTable[] = [];
  private sink: CompactionSink | undefined;
  private shadows: OverlapShadows | undefined;
  private plain: PlainMerge | undefined;
  private ahead: ReturnType<ReadAhead>;

  constructor(setup: CompactionSetup) {
    this.setup = setup;
  }

  /**
   * Merges all inputs and completes the outputs under their temporary names.
   * @param onProgress told now and then of the plain bytes read and those there are
   * @throws CorruptError, UsageError (a full disk, missing files)
   */
  async run(onProgress?: (read: number, total: number) => void, pace?: Pace): Promise<CompactionResult> {
    const { storage, inputs, others, definition, params, nowSeconds, gcGraceSeconds, garbageCollect, unflushed } =
      this.setup;
    const partitioner = inputs[0]!.partitioner;
    const overlapping = overlappingSSTables(inputs, others, partitioner);
    const gcBeforeSeconds = nowSeconds - gcGraceSeconds;
    const expired = fullyExpiredSSTables(inputs, overlapping, {
      gcBeforeSeconds,
      onlyPurgeRepairedTombstones: params.onlyPurgeRepairedTombstones,
      ignoresOverlaps: !garbageCollect && params.strategy.kind === 'TimeWindow' && params.strategy.ignoresOverlaps,
      ...(unflushed?.leastMicros !== undefined && { unflushedMinTimestampMicros: unflushed.leastMicros }),
    });
    const compacted = inputs.filter((input) => !expired.includes(input));
    const purger = new Purger({
      nowSeconds,
      gcBeforeSeconds,
      strictLiveness: this.setup.isStrict,
      never: params.onlyPurgeRepairedTombstones && inputs.some(({ repairedAtMillis }) => repairedAtMillis === 0),
    });
    const unread = expired.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
    if (compacted.length === 0) return withoutReading(expired);
    const windowBytes = Math.max(
      MIN_WINDOW_BYTES,
      Math.min(MAX_WINDOW_BYTES, Math.floor(ALL_WINDOWS_BYTES / compacted.length)),
    );
    for (const { descriptor } of compacted) {
      this.sstables.push(await openDescriptor(storage, descriptor, { windowBytes }));
    }
    const { sstables } = this;
    const header = outputHeader(
      sstables.map(({ descriptor, header: own, statistics }) => ({
        id: descriptor.id,
        header: own,
        stats: statistics.stats,
      })),
      definition,
    );
    const dropped = droppedTimes(definition);
    this.shadows = await this.openShadows(overlapping);
    this.ahead = this.setup.readAhead?.(sstables);
    const sources = sstables.map((sstable, i) => {
      const map = columnMap(sstable.header, header, dropped);
      const source = new MergeSource(sstable.cursor(0, sstable.data.length, this.ahead?.files[i]), map, partitioner);
      source.copiesCells = !this.shadows && hasSameCells(sstable.header, header, map);
      return source;
    });
    const never = params.onlyPurgeRepairedTombstones && inputs.some(({ repairedAtMillis }) => repairedAtMillis === 0);
    if (!this.shadows) {
      this.plain = PlainMerge.open({
        sources,
        header,
        gcBeforeSeconds: never ? -1 : gcBeforeSeconds,
        isOneOutput: this.setup.shape.kind === 'one',
      });
    }
    const merge = new PartitionMerge({
      plain: this.plain,
      sources,
      header,
      purger,
      shadows: this.shadows?.shadows,
      evaluatorFor: overlapEvaluator(overlapping, partitioner, unflushed),
    });
    const sink = new CompactionSink(this.setup, compacted, header);
    this.sink = sink;
    const total = sstables.reduce((sum, { data }) => sum + data.length, 0);
    const readBytes = () => sources.reduce((sum, { cursor }) => sum + cursor.in.offset, 0);
    let read = 0;
    const slice = (): boolean => {
      const stop = read + (pace?.sliceBytes ?? SLICE_BYTES);
      for (let n = 1; merge.next(sink); n++) {
        if (n % SLICE_CHECK === 0 || merge.tookMany) read = readBytes();
        if (read >= stop) return true;
      }
      return false;
    };
    while (pace ? pace.slice(slice) : slice()) {
      onProgress?.(read, total);
      await pace?.breathe();
    }
    await pace?.breathe();
    this.close();
    const outputs = sink.finish();
    this.plain?.close();
    this.plain = undefined;
    const { counts: purge } = purger;
    const { overwritten, deleted } = merge.lost;
    const kept = outputs.reduce((sum, { data }) => sum + data.plainBytes, 0);
    const rest = total - kept - overwritten - deleted - purge.expiredBytes - purge.tombstoneBytes;
    const givenBack = {
      overwritten,
      deleted,
      expired: purge.expiredBytes,
      tombstones: purge.tombstoneBytes,
      unread,
      rest,
    };
    return { outputs, expired, merge: merge.counts, purge, givenBack };
  }

  /** Nothing is hidden where nothing may be purged either: in unrepaired SSTables under only_purge_repaired_tombstones. */
  private async openShadows(overlapping: readonly Outside[]): Promise<OverlapShadows | undefined> {
    const { inputs, params, definition, garbageCollect } = this.setup;
    const level = garbageCollect ?? params.overlappingTombstones;
    if (level === 'none') return undefined;
    if (params.onlyPurgeRepairedTombstones && inputs.some(({ repairedAtMillis }) => repairedAtMillis === 0))
      return undefined;
    return OverlapShadows.open(overlapping, this.sstables, {
      level,
      definition,
      partitioner: inputs[0]!.partitioner,
      minTimestampMicros: leastTimestamp(inputs),
    });
  }

  /** Gives the outputs, or one of them, their names. */
  publish(descriptor?: Descriptor): void {
    this.sink?.publish(descriptor);
  }

  /** Removes what was written. */
  abort(): void {
    this.close();
    this.sink?.abort();
  }

  /** Removes one of the outputs; the others are as before. */
  drop(descriptor: Descriptor): void {
    this.sink?.drop(descriptor);
  }

  /** Lets go of the inputs. */
  close(): void {
    this.ahead?.end();
    this.ahead = undefined;
    for (const sstable of this.sstables.splice(0)) sstable.close();
    this.shadows?.close();
    this.shadows = undefined;
  }
}

function leastTimestamp(inputs: readonly SSTableFacts[]): bigint {
  let least = inputs[0]!.minTimestampMicros;
  for (const { minTimestampMicros: own } of inputs) if (own < least) least = own;
  return least;
}

/** Of a task that reads no row. */
export function withoutReading(expired: readonly SSTableFacts[]): CompactionResult {
  const unread = expired.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  return {
    outputs: [],
    expired,
    merge: { partitionsOut: 0, partitionsGone: 0, rowsOut: 0, markersOut: 0, mergedPartitions: [] },
    purge: noPurge(),
    givenBack: { overwritten: 0, deleted: 0, expired: 0, tombstones: 0, unread, rest: 0 },
  };
}

/** Writes what a merge gives into one SSTable after the other. */
class CompactionSink implements MergeSink {
  private readonly setup: CompactionSetup;
  private readonly compacted: readonly SSTableFacts[];
  private readonly header: SerializationHeader;
  private readonly partitioner: Partitioner;
  private readonly cutter: OutputCutter;
  private readonly openData: OpenDataSink | undefined;
  private readonly intervals: readonly CommitLogInterval[];
  private readonly writers = new SSTableWriters();
  private readonly finished: WrittenSSTable[] = [];
  private writer: SSTableWriter | undefined;
  /** Asked for only where a strategy cuts by size. */
  private readonly written: BytesWritten = (() => {
    const current = () => this.writer!;
    return {
      get plain() {
        return current().position;
      },
      get onDisk() {
        return current().storedPosition;
      },
    };
  })();

  constructor(setup: CompactionSetup, compacted: readonly SSTableFacts[], header: SerializationHeader) {
    this.setup = setup;
    this.compacted = compacted;
    this.header = header;
    this.partitioner = compacted[0]!.partitioner;
    this.cutter = outputCutter(setup.shape, compacted);
    this.openData = isCutByStoredSize(setup.shape) ? undefined : setup.openData;
    const stats = setup.inputs.map(({ descriptor }) => readStatistics(setup.storage, descriptor).stats);
    this.intervals = mergeIntervals(stats, setup.hostId);
  }

  startPartition({ cursor, tokenHi, tokenLo, hash, token }: MergeSource, deletion: DeletionState): void {
    const next = this.cutter.before(tokenHi, tokenLo, this.writer && this.written);
    if (next) {
      this.finishOne();
      this.writer = this.open(next.level, next.keyCount);
    }
    this.writer!.startPartition(cursor.key, cursor.keyLength, deletion, token ? undefined : hash);
  }

  private open(level: number, expectedKeys: number): SSTableWriter {
    const { output, layout, nextDescriptor, hostId } = this.setup;
    const { compacted, cutter, partitioner } = this;
    const repair = outputRepairState(compacted);
    return this.writers.open({
      output,
      descriptor: nextDescriptor(),
      header: this.header,
      partitioner,
      layout,
      expectedKeys,
      isOpenedEarly: true,
      keepsFilter: this.setup.keepsFilters,
      openData: this.openData,
      origin: {
        level,
        repairedAtMillis: repair.repairedAtMillis,
        pendingRepair: repair.pendingRepair,
        isTransient: repair.isTransient,
        commitLogIntervals: this.intervals,
        originatingHostId: hostId,
        tokenSpaceCoverage: (first, last) => {
          const [from, to] = [partitioner.tokenOf(first), partitioner.tokenOf(last)];
          if (from.kind !== 'long' || to.kind !== 'long') return Number.NaN;
          return cutter.tokenSpaceCoverage(toBigInt(from.hi, from.lo), toBigInt(to.hi, to.lo));
        },
      },
    });
  }

  get plainTarget(): SSTableWriter | undefined {
    return this.writer;
  }

  staticRow(row: RowBuffer): void {
    this.writer!.staticRow(row);
  }

  row(row: RowBuffer): void {
    this.writer!.row(row);
  }

  marker(marker: MarkerBuffer): void {
    this.writer!.marker(marker);
  }

  endPartition(): void {
    this.writer!.endPartition();
  }

  private finishOne(): void {
    if (this.writer) this.finished.push(this.writer.finish());
    this.writer = undefined;
  }

  finish(): WrittenSSTable[] {
    this.finishOne();
    return this.finished;
  }

  publish(descriptor?: Descriptor): void {
    this.writers.publish((i) => descriptor === undefined || this.finished[i]?.descriptor.prefix === descriptor.prefix);
  }

  abort(): void {
    this.writers.abort();
  }

  drop({ prefix }: Descriptor): void {
    const at = this.finished.findIndex(({ descriptor }) => descriptor.prefix === prefix);
    this.finished.splice(at, 1);
    this.writers.drop(at);
  }
}
