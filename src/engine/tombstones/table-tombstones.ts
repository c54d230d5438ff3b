/**
 * Everything that is to be told of the tombstones of one table.
 *
 *   all SSTables merged          what reads meet, the worst partitions           count-reads.ts
 *   each SSTable by itself       what goes when it is compacted alone, and what holds the rest       judge.ts
 *   sets of SSTables             what goes when they are compacted together       remedy.ts, judge.ts again
 *   expired SSTables, windows    from metadata; of blockers the rows       expiry-blockers.ts, time-windows.ts
 *
 * SSTables in which Statistics.db says that nothing is deleted and nothing expires are not read for verdicts.
 */
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import { NO_DELETION_TIME } from '../../sstable/metadata/stats.js';
import { readStatistics } from '../../sstable/statistics.js';
import { chosenTasks } from '../compaction/forced-tasks.js';
import { overlapOf } from '../compaction/overlap-purge.js';
import type { Outside } from '../compaction/overlap-shadows.js';
import type { PlannedTask } from '../compaction/planned-task.js';
import type { CompactionParams } from '../strategies/options.js';
import type { Candidate } from '../strategies/strategy.js';
import { countReads, type TableReads } from './count-reads.js';
import { type Culprits, culpritsOf, type Expiry, expiryOf } from './expiry-blockers.js';
import { type Judgement, judgeCompaction } from './judge.js';
import { type Freeable, type RemedyStep, remedySets } from './remedy.js';
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

export type Remedy = {
  readonly sstables: readonly Candidate[];
  readonly task: PlannedTask<Candidate>;
  /** Deletions and expired data in them, less what of it compacting them together leaves: exact. */
  readonly freed: number;
  /** Of Data.db of the inputs. */
  readonly rewrittenBytes: number;
  /** Of Data.db before compression: all that is read, and of it what the compaction gives back in tombstones, expired and overwritten data. */
  readonly plainBytes: number;
  readonly freedPlainBytes: number;
  /** Bytes rewritten for each byte given back; an estimate, for compression; undefined where none is. */
  readonly bytesPerByte: number | undefined;
  readonly steps: readonly {
    readonly sstables: readonly Candidate[];
    readonly frees: number;
    readonly bytes: number;
  }[];
};

export type BlockerCulprits = Expiry['blockers'][number] & { readonly culprits: Culprits };

export type TableTombstones = {
  /** Absent where nothing is deleted and nothing expires in any SSTable. */
  readonly reads: TableReads | undefined;
  readonly sstables: readonly SSTableFates[];
  /** By keyOf: where the worst partitions' tombstones lie, SSTable by SSTable. */
  readonly partitions: ReadonlyMap<string, readonly PartitionFates[]>;
  /** Cheapest for what they free first. */
  readonly remedies: readonly Remedy[];
  /** Of SSTables that have expired as a whole. */
  readonly expiry: Omit<Expiry, 'blockers'> & { readonly blockers: readonly BlockerCulprits[] };
  /** Of TimeWindowCompactionStrategy. */
  readonly windows: readonly WindowState[] | undefined;
};

/** Blockers whose rows are read, and rows that are told of each. */
const MAX_BLOCKERS = 5;
const MAX_EXAMPLES = 5;
/** Sets whose effect is counted exactly. */
const MAX_REMEDIES = 5;

/** @throws CorruptError, UsageError, UnsupportedError */
export async function tableTombstones(setup: TombstonesSetup): Promise<TableTombstones> {
  const { storage, sstables, params, nowSeconds, gcGraceSeconds } = setup;
  const outside = new Map(sstables.map((one) => [one, outsideOf(storage, one)]));
  const isFree = sstables.map(({ descriptor }) => {
    return readStatistics(storage, descriptor).stats.minLocalDeletionSeconds === NO_DELETION_TIME;
  });
  const progress = progressOf(setup.onProgress);
  const reads = isFree.every((free) => free) ? undefined : await progress((onProgress) => countReads({ ...setup, onProgress }), sstables); // biome-ignore format: one line
  const wanted = new Set((reads?.top ?? []).map(({ key }) => keyOf(key)));
  const judge = (inputs: readonly Candidate[]) =>
    progress((onProgress) => {
      const others = sstables.filter((one) => !inputs.includes(one)).map((one) => outside.get(one)!);
      return judgeCompaction({ ...setup, inputs, others, wanted, onProgress });
    }, inputs);
  const fates: SSTableFates[] = [];
  const partitions = new Map<string, PartitionFates[]>();
  const freeables: Freeable[] = [];
  const indexOf = new Map(sstables.map((one, i) => [one.descriptor.prefix, i]));
  for (const [i, sstable] of sstables.entries()) {
    if (isFree[i]) {
      fates.push(fatesOf(sstable, undefined, [], setup));
      continue;
    }
    const judgement = await judge([sstable]);
    const bySource = (group: VerdictGroup) => fateOf(group, sstable, judgement, sstables, indexOf, gcGraceSeconds);
    const own = judgement.groups.map(bySource);
    fates.push(fatesOf(sstable, judgement, own, setup));
    for (const [key, groups] of judgement.partitions) {
      const known = partitions.get(key) ?? [];
      known.push({ sstable, fates: groups.map(bySource) });
      partitions.set(key, known);
    }
    freeables.push(...freeablesOf(i, judgement, own, indexOf));
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
  return {
    reads,
    sstables: fates,
    partitions,
    remedies: await remediesOf(freeables, setup, judge, fates),
    expiry: { droppable: expiry.droppable, held: expiry.held, blockers },
    windows: windows && windowStates(sstables, windows, gcGraceSeconds),
  };
}

function newestOf(sstables: readonly Candidate[]): bigint {
  let newest = sstables[0]!.maxTimestampMicros;
  for (const { maxTimestampMicros } of sstables) if (maxTimestampMicros > newest) newest = maxTimestampMicros;
  return newest;
}

/** Bytes that the scans of a table read, but for remedies and culprits. */
export function scanBytes(sstables: readonly Candidate[]): number {
  return 2 * sstables.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
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
  judgement: Judgement | undefined,
  fates: readonly Fate[],
  { nowSeconds, gcGraceSeconds }: TombstonesSetup,
): SSTableFates {
  const isExpired = (judgement?.expired.length ?? 0) > 0;
  const estimatedRatio = sstable.droppableRatio(nowSeconds - gcGraceSeconds);
  const { count, mean } = sstable.cellsPerPartition;
  const all = isExpired ? [...fates, expiredFate(judgement!.expiredTally)] : fates;
  const droppable = all.filter(({ verdict }) => verdict === 'droppable');
  return {
    sstable,
    isFree: judgement === undefined,
    fates: all,
    isExpired,
    estimatedRatio,
    estimatedTombstones: estimatedRatio * count * mean,
    droppable: droppable.reduce((sum, { tally }) => sum + tally.total, 0),
  };
}

function expiredFate(tally: Tally): Fate {
  return { verdict: 'droppable', cause: undefined, by: [], byUnflushed: false, tally, from: undefined };
}

function fateOf(
  { verdict, by, isUnrepaired, isEarly, isFuture, tally }: VerdictGroup,
  sstable: Candidate,
  { outside }: Judgement,
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
  { expired, expiredTally }: Judgement,
  fates: readonly Fate[],
  indexOf: ReadonlyMap<string, number>,
): Freeable[] {
  const own = fates
    .filter(({ verdict, from, byUnflushed }) => verdict !== 'later' && from === undefined && !byUnflushed)
    .filter(({ cause }) => cause === undefined || cause === 'overlap' || cause === 'future_timestamp')
    .map(({ by, tally }) => ({
      sstable: index,
      with: by.map((one) => indexOf.get(one.descriptor.prefix)!),
      count: tally.total,
    }));
  if (expired.length > 0) own.push({ sstable: index, with: [], count: Math.max(1, expiredTally.total) });
  return own;
}

async function remediesOf(
  freeables: readonly Freeable[],
  { sstables, params }: TombstonesSetup,
  judge: (inputs: readonly Candidate[]) => Promise<Judgement>,
  fates: readonly SSTableFates[],
): Promise<Remedy[]> {
  const bytes = sstables.map(({ onDiskBytes }) => onDiskBytes);
  const remedies: Remedy[] = [];
  for (const { sstables: indexes, steps } of remedySets(freeables, bytes).slice(0, MAX_REMEDIES)) {
    const inputs = indexes.map((i) => sstables[i]!);
    const [task] = chosenTasks(inputs, params.strategy); // of one repair state: causes set the others apart
    const before = sum(indexes, (i) => sum(fates[i]!.fates, ({ tally }) => tally.total));
    const remedy = remedyOf(inputs, task!, await judge(inputs), steps, sstables, before);
    if (remedy.freed > 0 || remedy.freedPlainBytes > 0) remedies.push(remedy);
  }
  return remedies.sort((a, b) => (a.bytesPerByte ?? Infinity) - (b.bytesPerByte ?? Infinity));
}

function remedyOf(
  inputs: readonly Candidate[],
  task: PlannedTask<Candidate>,
  { groups, expired, purge, lost, plainBytes: read }: Judgement,
  steps: readonly RemedyStep[],
  sstables: readonly Candidate[],
  before: number,
): Remedy {
  const unread = expired as readonly Candidate[];
  const rewrittenBytes = sum(inputs, ({ onDiskBytes }) => onDiskBytes) - sum(unread, ({ onDiskBytes }) => onDiskBytes);
  const unreadPlain = sum(unread, ({ plainBytes }) => plainBytes);
  const plainBytes = read + unreadPlain;
  const freedPlainBytes = unreadPlain + lost.overwritten + lost.deleted + purge.tombstoneBytes + purge.expiredBytes;
  const freedOnDisk = plainBytes > 0 ? (freedPlainBytes * sum(inputs, (one) => one.onDiskBytes)) / plainBytes : 0;
  const kept = groups.filter(({ verdict }) => verdict !== 'droppable');
  return {
    sstables: inputs,
    task,
    freed: before - sum(kept, ({ tally }) => tally.total),
    rewrittenBytes,
    plainBytes,
    freedPlainBytes,
    bytesPerByte: freedOnDisk > 0 ? rewrittenBytes / freedOnDisk : undefined,
    steps: steps.map((step) => ({ ...step, sstables: step.sstables.map((i) => sstables[i]!) })),
  };
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}
