/**
 * Everything that is to be told of the tombstones of one table.
 *
 *   all SSTables merged          what reads meet, the worst partitions                               table-scan.ts
 *   each SSTable by itself       what goes when it is compacted alone, and what holds the rest       table-scan.ts, in the same scan
 *   sets of SSTables             what goes when they are compacted together       table-remedies.ts, judge.ts again
 *   expired SSTables, windows    from metadata; of blockers the rows       expiry-blockers.ts, time-windows.ts
 *
 * SSTables in which Statistics.db says that nothing is deleted and nothing expires are not read for verdicts.
 */
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import { NO_DELETION_TIME } from '../../sstable/metadata/stats.js';
import type { SSTable } from '../../sstable/sstable.js';
import { readStatistics } from '../../sstable/statistics.js';
import { droppedTimes } from '../compaction/output-header.js';
import { overlapOf } from '../compaction/overlap-purge.js';
import type { Outside } from '../compaction/overlap-shadows.js';
import { columnMap, type MergeSource } from '../merge/merge-source.js';
import type { CompactionParams } from '../strategies/options.js';
import type { Candidate } from '../strategies/strategy.js';
import { type Culprits, culpritsOf, type Expiry, expiryOf } from './expiry-blockers.js';
import { judgeCompaction, type LoneJudge, loneJudge, openAll, sourcesOf } from './judge.js';
import { JudgedSource } from './judged-source.js';
import type { Freeable } from './remedy.js';
import { byWindow, type Remedy, remediesOf } from './table-remedies.js';
import { type ScanResult, type TableReads, TableScan } from './table-scan.js';
import type { Tally } from './tally.js';
import { type WindowState, windowStates } from './time-windows.js';
import { keyOf, UNFLUSHED, type Unflushed, type Verdict, type VerdictGroup } from './verdict-purger.js';

export type TombstonesSetup = {
  readonly storage: Storage;
  /** All of the table; at least one. */
  readonly sstables: readonly Candidate[];
  readonly definition: Table | View | undefined;
  readonly params: CompactionParams;
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  readonly isStrict: boolean;
  readonly unflushed?: Unflushed | undefined;
  /** Least timestamp of all that is in no SSTable. */
  readonly unflushedMicros?: bigint | undefined;
  readonly rows: number;
  readonly top: number;
  readonly warn: number;
  readonly fail: number;
  /** How the table is scanned; by default from its beginning to its end on this thread. */
  readonly scan?: ((options: ScanOptions) => Promise<ScanResult>) | undefined;
  /** Plain bytes read so far; at most those of `scanBytes`, but for remedies and culprits. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
};

export type BlockCause =
  /** An SSTable outside may have the partition, and data as old. */
  | 'overlap'
  /** An overlap with one that is never compacted with it: one is repaired, the other is not. */
  | 'repair_apart'
  /** As before: one is part of a repair that is not finished. Or it is unrepaired for the time being, under only_purge_repaired_tombstones. */
  | 'pending_repair'
  /** only_purge_repaired_tombstones, and the SSTable is not repaired. */
  | 'unrepaired'
  /** An overlap, and the tombstone's own timestamp is after now: what is written until then is older. */
  | 'future_timestamp'
  /** Writes of the partition that are in no SSTable yet are as old. */
  | 'unflushed';

/** Tombstones of an SSTable, or of a partition in it, that share their fate when it is compacted by itself. */
export type Fate = {
  readonly verdict: Verdict;
  readonly cause: BlockCause | undefined;
  readonly by: readonly Candidate[];
  readonly byUnflushed: boolean;
  readonly tally: Tally;
  /** When gc_grace is over for the first and the last of them: seconds; undefined where it is over for all. */
  readonly from: { readonly firstSeconds: number; readonly lastSeconds: number } | undefined;
};

export type SSTableFates = {
  readonly sstable: Candidate;
  /** Nothing is deleted and nothing expires in it, by Statistics.db: not read. */
  readonly isFree: boolean;
  readonly fates: readonly Fate[];
  /** It is dropped unread. */
  readonly isExpired: boolean;
  /** Statistics.db's share of droppable tombstones among the cells, and what it would come to. */
  readonly estimatedRatio: number;
  readonly estimatedTombstones: number;
  /** What goes when it is compacted by itself. */
  readonly droppable: number;
};

export type PartitionFates = { readonly sstable: Candidate; readonly fates: readonly Fate[] };

export type BlockerCulprits = Expiry['blockers'][number] & { readonly culprits: Culprits };

export type TableTombstones = {
  /** Absent where nothing is deleted and nothing expires in any SSTable. */
  readonly reads: TableReads | undefined;
  readonly sstables: readonly SSTableFates[];
  /** By keyOf: where the worst partitions' tombstones lie, SSTable by SSTable. */
  readonly partitions: ReadonlyMap<string, readonly PartitionFates[]>;
  /** Cheapest for what they free first. */
  readonly remedies: readonly Remedy[];
  /** Tombstones that would go only by compacting SSTables of several time windows together, which makes one window of them: no remedy. */
  readonly acrossWindows: number;
  /** Of SSTables that have expired as a whole. */
  readonly expiry: Omit<Expiry, 'blockers'> & { readonly blockers: readonly BlockerCulprits[] };
  /** Of TimeWindowCompactionStrategy. */
  readonly windows: readonly WindowState[] | undefined;
};

/** Blockers whose rows are read, and rows that are told of each. */
const MAX_BLOCKERS = 5;
const MAX_EXAMPLES = 5;
/** @throws CorruptError, UsageError, UnsupportedError */
export async function tableTombstones(given: TombstonesSetup): Promise<TableTombstones> {
  const setup = prepare(given);
  const { storage, sstables, params, nowSeconds, gcGraceSeconds } = setup;
  const progress = progressOf(setup.onProgress);
  const found = await verdictsOf(setup, progress);
  const indexOf = new Map(sstables.map((one, i) => [one.descriptor.prefix, i]));
  const fates: SSTableFates[] = [];
  const partitions = new Map<string, PartitionFates[]>();
  const freeables: Freeable[] = [];
  for (const [i, sstable] of sstables.entries()) {
    const one = found.verdicts[i];
    const toFate = (group: VerdictGroup) => fateOf(group, sstable, one!.outside, sstables, indexOf, gcGraceSeconds);
    const own = one ? one.groups.map(toFate) : [];
    fates.push(fatesOf(sstable, one, own, setup));
    if (!one) continue;
    for (const [key, groups] of one.partitions) {
      const known = partitions.get(key) ?? [];
      known.push({ sstable, fates: groups.map(toFate) });
      partitions.set(key, known);
    }
    freeables.push(...freeablesOf(i, one, own, indexOf));
  }
  const expiry = expiryOf(sstables, params, nowSeconds - gcGraceSeconds, setup.unflushedMicros);
  const windows = params.strategy.kind === 'TimeWindow' ? params.strategy : undefined;
  const blockers: BlockerCulprits[] = [];
  for (const blocker of expiry.blockers.slice(0, MAX_BLOCKERS)) {
    const newest = newestOf(blocker.holds);
    const culprits = await progress(
      (onProgress) => culpritsOf(storage, blocker.sstable, newest, { definition: setup.definition, windows, examples: MAX_EXAMPLES, onProgress }), // biome-ignore format: one line
      [blocker.sstable],
    );
    blockers.push({ ...blocker, culprits });
  }
  const { within, across } = byWindow(freeables, sstables, windows);
  const judge = (inputs: readonly Candidate[]) =>
    progress(
      (onProgress) => judgeCompaction({ ...setup, inputs, others: othersOf(setup, inputs), onProgress }),
      inputs,
    );
  return {
    reads: found.reads,
    sstables: fates,
    partitions,
    remedies: await remediesOf(within, setup, judge, fates.map(tombstonesIn)),
    acrossWindows: across.reduce((sum, { count }) => sum + count, 0),
    expiry: { droppable: expiry.droppable, held: expiry.held, blockers },
    windows: windows && windowStates(sstables, windows, gcGraceSeconds),
  };
}

/** With every SSTable as others see it: filters are read once. */
type Prepared = TombstonesSetup & { readonly outsides: ReadonlyMap<Candidate, Outside> };

function prepare(setup: TombstonesSetup): Prepared {
  return { ...setup, outsides: new Map(setup.sstables.map((one) => [one, outsideOf(setup.storage, one)])) };
}

/** What is said of one SSTable when it is compacted by itself. */
type LoneVerdicts = {
  readonly outside: readonly Outside[];
  readonly groups: readonly VerdictGroup[];
  /** By partition, of the worst ones. */
  readonly partitions: ReadonlyMap<string, readonly VerdictGroup[]>;
  readonly isExpired: boolean;
};

type Progress = ReturnType<typeof progressOf>;

/** One scan for what reads meet and what becomes of each SSTable, then a look at the worst partitions; undefined for SSTables that nothing is said of. */
async function verdictsOf(
  setup: Prepared,
  progress: Progress,
): Promise<{ readonly reads: TableReads | undefined; readonly verdicts: readonly (LoneVerdicts | undefined)[] }> {
  const { storage, sstables, params } = setup;
  const isFree = sstables.map(({ descriptor }) => readStatistics(storage, descriptor).stats.minLocalDeletionSeconds === NO_DELETION_TIME); // biome-ignore format: one line
  if (isFree.every((free) => free)) return { reads: undefined, verdicts: sstables.map(() => undefined) };
  const isApart = params.overlappingTombstones !== 'none';
  const judged = sstables.map((_, i) => !isFree[i] && !isApart);
  const scan = setup.scan ?? ((options) => scanWith(setup, options));
  const { reads, groups } = await progress((onProgress) => scan({ judged, onProgress }), sstables);
  const wanted = new Set(reads.top.map(({ key }) => keyOf(key)));
  const verdicts: (LoneVerdicts | undefined)[] = [];
  for (const [i, sstable] of sstables.entries()) {
    if (isFree[i]) verdicts.push(undefined);
    else if (isApart) verdicts.push(await judgedApart(sstable, wanted, setup, progress));
    else {
      const { outside, isExpired } = judgeOf(setup, i);
      const partitions = isExpired ? new Map() : await worstPartitions(i, reads, wanted, setup);
      verdicts.push({ outside, groups: groups[i]!, partitions, isExpired });
    }
  }
  return { reads, verdicts };
}

/** Where deletions of other SSTables take effect in a compaction, no scan of all can tell what one of them does: it is gone through as it would be. */
async function judgedApart(
  sstable: Candidate,
  wanted: ReadonlySet<string>,
  setup: Prepared,
  progress: Progress,
): Promise<LoneVerdicts> {
  const inputs = [sstable];
  const { outside, groups, partitions, expired, expiredTally } = await progress(
    (onProgress) => judgeCompaction({ ...setup, inputs, others: othersOf(setup, inputs), wanted, onProgress }),
    inputs,
  );
  const isExpired = expired.length > 0;
  return { outside, groups: isExpired ? [droppableGroup(expiredTally)] : groups, partitions, isExpired };
}

function droppableGroup(tally: Tally): VerdictGroup {
  return { verdict: 'droppable', by: [], isUnrepaired: false, isEarly: false, isFuture: false, tally };
}

/** @param judged which of the SSTables are to be judged by themselves */
export type ScanOptions = {
  readonly judged: readonly boolean[];
  readonly onProgress: (bytes: number) => void;
};

/** The scan of this thread, to be given ranges or none. */
export function openScan(given: TombstonesSetup, { judged, onProgress }: ScanOptions): Promise<TableScan> {
  const setup = prepare(given);
  const judges = judged.map((isJudged, i) => (isJudged ? judgeOf(setup, i).purger : undefined));
  return TableScan.open({ ...setup, judges, onProgress });
}

async function scanWith(setup: Prepared, options: ScanOptions): Promise<ScanResult> {
  const scan = await openScan(setup, options);
  try {
    scan.scan();
    return scan.result;
  } finally {
    scan.close();
  }
}

function judgeOf(setup: Prepared, index: number, wanted?: ReadonlySet<string>): LoneJudge {
  const inputs = [setup.sstables[index]!];
  return loneJudge({ ...setup, inputs, others: othersOf(setup, inputs), wanted });
}

/** The worst partitions of one SSTable, found by its index and judged once more, each by itself. */
async function worstPartitions(
  index: number,
  { top }: TableReads,
  wanted: ReadonlySet<string>,
  setup: Prepared,
): Promise<ReadonlyMap<string, readonly VerdictGroup[]>> {
  if (top.length === 0) return new Map();
  const { purger } = judgeOf(setup, index, wanted);
  const [sstable] = (await openAll(setup.storage, [setup.sstables[index]!])) as [SSTable];
  const partitions = sstable.openIndex(setup.storage);
  try {
    const { sources, header } = sourcesOf([sstable], setup.definition, false);
    const [{ cursor }] = sources as [MergeSource];
    const source = new JudgedSource(cursor, columnMap(sstable.header, header, droppedTimes(setup.definition)), sstable.partitioner, { judge: purger, header }); // biome-ignore format: one line
    for (const { key } of top) {
      const found = partitions.find(key);
      if (!found) continue;
      cursor.goTo(found.dataPosition, sstable.data.length);
      source.walk();
    }
    return purger.partitions;
  } finally {
    partitions.close();
    sstable.close();
  }
}

function othersOf({ sstables, outsides }: Prepared, inputs: readonly Candidate[]): Outside[] {
  return sstables.filter((one) => !inputs.includes(one)).map((one) => outsides.get(one)!);
}

function newestOf(sstables: readonly Candidate[]): bigint {
  let newest = sstables[0]!.maxTimestampMicros;
  for (const { maxTimestampMicros } of sstables) if (maxTimestampMicros > newest) newest = maxTimestampMicros;
  return newest;
}

/** Bytes that the scan of a table reads, but for remedies and culprits. */
export function scanBytes(sstables: readonly Candidate[]): number {
  return sstables.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
}

/** Adds up what one scan after the other has read. */
function progressOf(tell: ((bytes: number) => void) | undefined) {
  let before = 0;
  return async <T>(
    scan: (onProgress: (bytes: number) => void) => Promise<T>,
    read: readonly Candidate[],
  ): Promise<T> => {
    const result = await scan((bytes) => tell?.(before + bytes));
    before += read.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
    tell?.(before);
    return result;
  };
}

function outsideOf(storage: Storage, sstable: Candidate): Outside {
  return { ...overlapOf(storage, sstable), files: [{ storage, descriptor: sstable.descriptor }] };
}

function fatesOf(
  sstable: Candidate,
  verdicts: LoneVerdicts | undefined,
  fates: readonly Fate[],
  { nowSeconds, gcGraceSeconds }: TombstonesSetup,
): SSTableFates {
  const estimatedRatio = sstable.droppableRatio(nowSeconds - gcGraceSeconds);
  const { count, mean } = sstable.cellsPerPartition;
  const droppable = fates.filter(({ verdict }) => verdict === 'droppable');
  return {
    sstable,
    isFree: verdicts === undefined,
    fates,
    isExpired: verdicts?.isExpired ?? false,
    estimatedRatio,
    estimatedTombstones: estimatedRatio * count * mean,
    droppable: droppable.reduce((sum, { tally }) => sum + tally.total, 0),
  };
}

function tombstonesIn({ fates }: SSTableFates): number {
  return fates.reduce((sum, { tally }) => sum + tally.total, 0);
}

function fateOf(
  { verdict, by, isUnrepaired, isEarly, isFuture, tally }: VerdictGroup,
  sstable: Candidate,
  outside: readonly Outside[],
  sstables: readonly Candidate[],
  indexOf: ReadonlyMap<string, number>,
  gcGraceSeconds: number,
): Fate {
  const candidateOf = (i: number) => sstables[indexOf.get(outside[i]!.files[0]!.descriptor.prefix)!]!;
  const holders = by.filter((i) => i !== UNFLUSHED).map(candidateOf);
  const byUnflushed = by.includes(UNFLUSHED);
  const due = (seconds: number) => seconds + gcGraceSeconds + 1;
  return {
    verdict,
    cause: verdict === 'blocked' ? causeOf(sstable, holders, { isUnrepaired, isFuture }) : undefined,
    by: holders,
    byUnflushed,
    tally,
    from: isEarly ? { firstSeconds: due(tally.oldestSeconds), lastSeconds: due(tally.newestSeconds) } : undefined,
  };
}

function causeOf(
  sstable: Candidate,
  holders: readonly Candidate[],
  { isUnrepaired, isFuture }: { readonly isUnrepaired: boolean; readonly isFuture: boolean },
): BlockCause {
  if (isUnrepaired) return sstable.pendingRepair === undefined ? 'unrepaired' : 'pending_repair';
  if (holders.length === 0) return 'unflushed';
  const apart = holders.filter((one) => !canMeet(sstable, one));
  if (apart.length === 0) return isFuture ? 'future_timestamp' : 'overlap';
  return [sstable, ...apart].some(({ pendingRepair }) => pendingRepair !== undefined)
    ? 'pending_repair'
    : 'repair_apart';
}

/** Whether a compaction may take both. */
function canMeet(a: Candidate, b: Candidate): boolean {
  if (a.pendingRepair !== b.pendingRepair || a.isTransient !== b.isTransient) return false;
  return a.pendingRepair !== undefined || (a.repairedAtMillis === 0) === (b.repairedAtMillis === 0);
}

/** What goes with the help of SSTables that may be compacted with this one. */
function freeablesOf(
  index: number,
  { isExpired }: LoneVerdicts,
  fates: readonly Fate[],
  indexOf: ReadonlyMap<string, number>,
): Freeable[] {
  const tombstones = fates.reduce((sum, { tally }) => sum + tally.total, 0);
  if (isExpired) return [{ sstable: index, with: [], count: Math.max(1, tombstones) }];
  return fates
    .filter(({ verdict, from, byUnflushed }) => verdict !== 'later' && from === undefined && !byUnflushed)
    .filter(({ cause }) => cause === undefined || cause === 'overlap' || cause === 'future_timestamp')
    .map(({ by, tally }) => ({
      sstable: index,
      with: by.map((one) => indexOf.get(one.descriptor.prefix)!),
      count: tally.total,
    }));
}
