/**
 * One scan of all SSTables of a table, or of those of its partitions whose tokens lie in some ranges:
 *
 *   SSTables ─┬─ each by itself ─ VerdictPurger       what goes when it is compacted alone, and what holds the rest
 *             └─ merged ─ ReadPurger ─ ReadCounter    what reads meet, partition by partition
 *
 * What it finds can be sent to another thread and added to what that has found in other ranges.
 */
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import { NO_DELETION_TIME } from '../../sstable/metadata/stats.js';
import type { PartitionIndex } from '../../sstable/partition-index.js';
import { compareDecorated, decorate, type TokenRange } from '../../sstable/partitioner.js';
import type { SSTable } from '../../sstable/sstable.js';
import { droppedTimes, outputHeader } from '../compaction/output-header.js';
import type { SSTableFacts } from '../compaction/sstable-facts.js';
import { columnMap, hasSameCells, MergeSource } from '../merge/merge-source.js';
import { PartitionMerge } from '../merge/partition-merge.js';
import { type OneRowReads, type PassRoom, PlainPass } from '../merge/plain-pass.js';
import type { PurgeEvaluator } from '../merge/purge.js';
import type { CompactionParams } from '../strategies/options.js';
import { openAll, runMerge } from './judge.js';
import { JudgedSource } from './judged-source.js';
import { type PartitionReads, ReadCounter, type ReadCounts, ReadPurger } from './read-counter.js';
import { type PlainTally, Tally } from './tally.js';
import { TopPartitions } from './top-partitions.js';
import { addGroups, type VerdictGroup, type VerdictPurger } from './verdict-purger.js';

export type ScanSetup = {
  readonly storage: Storage;
  /** All of the table; at least one. */
  readonly sstables: readonly SSTableFacts[];
  readonly definition: Table | View | undefined;
  readonly params: CompactionParams;
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  readonly isStrict: boolean;
  /** Of the reads of the first and the last rows. */
  readonly rows: number;
  /** Partitions to tell of one by one. */
  readonly top: number;
  /** A read that meets more warns, and one that meets more fails. */
  readonly warn: number;
  readonly fail: number;
  /** Who judges each SSTable by itself, by its place among them; undefined for those that need no verdict. */
  readonly judges?: readonly (VerdictPurger | undefined)[] | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Every partition is merged here. */
  readonly withoutKernel?: boolean | undefined;
};

export type TableReads = {
  readonly partitions: number;
  /** Partitions whose reads meet a tombstone, or that are deleted. */
  readonly withTombstones: number;
  /** Sums over all partitions. */
  readonly reads: ReadCounts;
  readonly tally: Tally;
  /** Partitions of which a read of the shape warns (and does not fail), and fails. */
  readonly warned: ReadCounts;
  readonly failed: ReadCounts;
  readonly top: readonly PartitionReads[];
};

/** `groups`: of each SSTable; empty for those without a judge. */
export type ScanResult = { readonly reads: TableReads; readonly groups: readonly (readonly VerdictGroup[])[] };

const SHAPES = ['whole', 'first', 'last'] as const;
const none = () => ({ whole: 0, first: 0, last: 0 });
const ALWAYS: PurgeEvaluator = () => true;

/** To be opened once, to scan any number of ranges, and to be closed. */
export class TableScan {
  private readonly setup: ScanSetup;
  private readonly purger: ReadPurger;
  private readonly tally = new Tally();
  private readonly top: TopPartitions;
  private readonly reads = none();
  private readonly warned = none();
  private readonly failed = none();
  private withTombstones = 0;
  private partitions = 0;
  private sstables: readonly SSTable[] = [];
  private sources: readonly MergeSource[] = [];
  /** Where the sources stood when the last scan began, summed up. */
  private startBytes = 0;
  private readonly indexes = new Map<SSTable, PartitionIndex>();
  private readonly room: PassRoom = {};
  private keptFrom: ((source: MergeSource) => number) | undefined;

  private constructor(setup: ScanSetup) {
    const { nowSeconds, gcGraceSeconds, isStrict: strictLiveness } = setup;
    this.setup = setup;
    this.purger = new ReadPurger({ nowSeconds, gcBeforeSeconds: nowSeconds - gcGraceSeconds, strictLiveness });
    this.top = new TopPartitions(setup.top);
  }

  /** @throws CorruptError, UsageError, UnsupportedError */
  static async open(setup: ScanSetup): Promise<TableScan> {
    const scan = new TableScan(setup);
    scan.sstables = await openAll(setup.storage, setup.sstables);
    scan.keptFrom = oldestUnrepaired(setup, scan.sstables);
    return scan;
  }

  /** Scans what lies in a range of tokens; without one the whole table. @throws CorruptError */
  scan(range?: TokenRange): void {
    const { setup, purger } = this;
    const { nowSeconds, isStrict, rows } = setup;
    const { sources, header } = this.begin();
    this.startBytes = 0;
    if (range) {
      for (const [i, { cursor }] of sources.entries()) {
        const [start, end] = this.placesOf(this.sstables[i]!, range);
        cursor.goTo(start, end);
        this.startBytes += start;
      }
    }
    const evaluatorFor = (source: MergeSource) => {
      purger.begin(this.keptFrom?.(source) ?? Number.POSITIVE_INFINITY);
      return ALWAYS;
    };
    const counter = new ReadCounter({ purger, nowSeconds, isStrict, rows, take: (one) => this.take(one) });
    const taker = this.keptFrom
      ? undefined
      : {
          nowSeconds,
          keepFromSeconds: nowSeconds - setup.gcGraceSeconds,
          take: (source: MergeSource, one: OneRowReads) => counter.oneRow(source, one),
        };
    const pass =
      isStrict || setup.withoutKernel
        ? undefined
        : PlainPass.open(sources, header, this.latestMicros, this.room, taker);
    const merge = new PartitionMerge({ sources, header, purger, evaluatorFor, passesPlain: !isStrict, pass });
    runMerge(merge, counter, sources, setup.onProgress);
    this.partitions += merge.counts.mergedPartitions.reduce((sum, count) => sum + count, pass?.passed ?? 0);
  }

  private get latestMicros(): readonly bigint[] {
    return this.sstables.map(({ statistics }) => statistics.stats.maxTimestampMicros);
  }

  private begin() {
    const { definition, judges } = this.setup;
    const inputs = this.sstables.map((one) => ({ id: one.descriptor.id, header: one.header, stats: one.statistics.stats })); // biome-ignore format: one line
    const header = outputHeader(inputs, definition);
    const dropped = droppedTimes(definition);
    const sources = this.sstables.map((sstable, i) => {
      const map = columnMap(sstable.header, header, dropped);
      const judge = judges?.[i];
      const source = judge
        ? new JudgedSource(sstable.cursor(), map, sstable.partitioner, { judge, header })
        : new MergeSource(sstable.cursor(), map, sstable.partitioner);
      source.copiesCells = hasSameCells(sstable.header, header, map);
      return source;
    });
    this.sources = sources;
    return { sources, header };
  }

  /** Plain bytes that the last scan has read. */
  get bytesRead(): number {
    return this.sources.reduce((sum, { cursor }) => sum + cursor.in.offset, -this.startBytes);
  }

  /** From where to where in the plain Data.db the partitions of a range are. */
  private placesOf(sstable: SSTable, range: TokenRange): [start: number, end: number] {
    let index = this.indexes.get(sstable);
    if (!index) {
      index = sstable.openIndex(this.setup.storage);
      this.indexes.set(sstable, index);
    }
    const { length } = sstable.data;
    const firstIn = (one: TokenRange): number => {
      for (const { dataPosition } of index.entries(one)) return dataPosition;
      return length;
    };
    const { from, to } = range;
    const start = from ? firstIn({ from }) : 0;
    const end = to ? firstIn({ from: { token: to.token, inclusive: !to.inclusive } }) : length;
    return [start, end];
  }

  private take(one: PartitionReads): void {
    const { reads, failed, warned } = this;
    const { warn, fail } = this.setup;
    this.withTombstones++;
    this.tally.addAll(one.tally);
    for (const shape of SHAPES) {
      const count = one.reads[shape];
      reads[shape] += count;
      if (count > fail) failed[shape]++;
      else if (count > warn) warned[shape]++;
    }
    this.top.offer(one);
  }

  get result(): ScanResult {
    const { partitions, withTombstones, reads, tally, warned, failed, setup } = this;
    const groups = setup.sstables.map((_, i) => setup.judges?.[i]?.verdicts ?? []);
    return { reads: { partitions, withTombstones, reads, tally, warned, failed, top: this.top.sorted }, groups };
  }

  close(): void {
    this.room.memory?.release();
    delete this.room.memory;
    for (const index of this.indexes.values()) index.close();
    for (const sstable of this.sstables) sstable.close();
  }
}

/** The whole table. @throws CorruptError, UsageError, UnsupportedError */
export async function scanTable(setup: ScanSetup): Promise<ScanResult> {
  const scan = await TableScan.open(setup);
  try {
    scan.scan();
    return scan.result;
  } finally {
    scan.close();
  }
}

/** Adds up what was found in different ranges of one table; tallies may have come from other threads. @param top how many partitions to keep */
export function addScans(parts: readonly ScanResult[], top: number): ScanResult {
  const best = new TopPartitions(top);
  const tally = new Tally();
  const all = { partitions: 0, withTombstones: 0, reads: none(), warned: none(), failed: none() };
  for (const { reads } of parts) {
    all.partitions += reads.partitions;
    all.withTombstones += reads.withTombstones;
    tally.addAll(reads.tally);
    for (const sums of ['reads', 'warned', 'failed'] as const) {
      for (const shape of SHAPES) all[sums][shape] += reads[sums][shape];
    }
    for (const one of reads.top) best.offer({ ...one, tally: Tally.of(one.tally as PlainTally) });
  }
  const groups = parts[0]!.groups.map((_, i) => addGroups(parts.map((part) => part.groups[i]!)));
  return { reads: { ...all, tally, top: best.sorted }, groups };
}

/**
 * Under only_purge_repaired_tombstones a read leaves out no deletion that is at or after the oldest one of the unrepaired SSTables it looks into:
 * those around the key by their first and last keys. `undefined` where that holds nothing back.
 */
function oldestUnrepaired(
  { sstables: facts, params }: ScanSetup,
  sstables: readonly SSTable[],
): ((source: MergeSource) => number) | undefined {
  const unrepaired = facts
    .map((one, i) => ({ ...one, oldest: sstables[i]!.statistics.stats.minLocalDeletionSeconds }))
    .filter(({ repairedAtMillis, oldest }) => repairedAtMillis === 0 && oldest !== NO_DELETION_TIME);
  if (!params.onlyPurgeRepairedTombstones || unrepaired.length === 0) return undefined;
  const { partitioner } = facts[0]!;
  return ({ cursor }) => {
    const key = decorate(partitioner, cursor.key.slice(0, cursor.keyLength));
    let least = Number.POSITIVE_INFINITY;
    for (const { first, last, oldest } of unrepaired) {
      const isAround = compareDecorated(partitioner, key, first) >= 0 && compareDecorated(partitioner, key, last) <= 0;
      if (isAround && oldest < least) least = oldest;
    }
    return least;
  };
}
