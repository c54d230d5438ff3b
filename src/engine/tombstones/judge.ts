/**
 * What a compaction of some SSTables would do to each deletion and all expired data in them: the compaction itself, but that nothing is written.
 */
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import { fullyExpiredSSTables } from '../compaction/fully-expired.js';
import { droppedTimes, outputHeader } from '../compaction/output-header.js';
import { type Outside, OverlapShadows } from '../compaction/overlap-shadows.js';
import { overlappingSSTables, type SSTableFacts } from '../compaction/sstable-facts.js';
import { columnMap, hasSameCells, MergeSource } from '../merge/merge-source.js';
import { type MergeSink, PartitionMerge } from '../merge/partition-merge.js';
import { noPurge, type PurgeCounts } from '../merge/purge.js';
import type { LostBytes } from '../merge/row-merge.js';
import type { CompactionParams } from '../strategies/options.js';
import { Tally } from './tally.js';
import { type Unflushed, type VerdictGroup, VerdictPurger } from './verdict-purger.js';

export type JudgeSetup = {
  readonly storage: Storage;
  /** At least one. */
  readonly inputs: readonly SSTableFacts[];
  /** The table's other SSTables. */
  readonly others: readonly Outside[];
  readonly definition: Table | View | undefined;
  readonly params: CompactionParams;
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  /** See {@link PurgeOptions.strictLiveness}. */
  readonly isStrict: boolean;
  readonly unflushed?: Unflushed | undefined;
  /** Least timestamp of all that is in no SSTable. */
  readonly unflushedMicros?: bigint | undefined;
  /** See {@link VerdictOptions.wanted}. */
  readonly wanted?: ReadonlySet<string> | undefined;
  /** Told now and then of plain bytes read. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
};

export type Judgement = {
  /** SSTables that `by` of the groups points to. */
  readonly outside: readonly Outside[];
  readonly groups: readonly VerdictGroup[];
  /** By partition (keyOf), of those wanted. */
  readonly partitions: ReadonlyMap<string, readonly VerdictGroup[]>;
  /** Dropped unread, and what of deletions and expired data is in them. */
  readonly expired: readonly SSTableFacts[];
  readonly expiredTally: Tally;
  /** Without those of `expired`. */
  readonly purge: PurgeCounts;
  /** Plain bytes of the inputs that are read, and those of them that lose to others or to deletions. */
  readonly plainBytes: number;
  readonly lost: LostBytes;
};

/** Judges one SSTable by itself, while something else reads it. */
export type LoneJudge = {
  readonly purger: VerdictPurger;
  /** SSTables that `by` of its groups points to. */
  readonly outside: readonly Outside[];
  /** It is dropped unread: everything in it goes. */
  readonly isExpired: boolean;
};

export function loneJudge(setup: JudgeSetup): LoneJudge {
  const { outside, expired, options } = judgeOptions(setup);
  const isExpired = expired.length > 0;
  return { purger: new VerdictPurger(isExpired ? { ...options, never: false, outside: [], unflushed: undefined } : { ...options, outside }), outside, isExpired }; // biome-ignore format: one line
}

/** By metadata: who is outside, who is dropped unread, and how the others are judged. */
function judgeOptions(setup: JudgeSetup) {
  const { inputs, others, params, nowSeconds, gcGraceSeconds, unflushed, wanted, unflushedMicros } = setup;
  const { partitioner } = inputs[0]!;
  const outside = overlappingSSTables(inputs, others, partitioner);
  const gcBeforeSeconds = nowSeconds - gcGraceSeconds;
  const { onlyPurgeRepairedTombstones, strategy } = params;
  const expired = fullyExpiredSSTables(inputs, outside, {
    gcBeforeSeconds,
    onlyPurgeRepairedTombstones,
    ignoresOverlaps: strategy.kind === 'TimeWindow' && strategy.ignoresOverlaps,
    ...(unflushedMicros !== undefined && { unflushedMinTimestampMicros: unflushedMicros }),
  });
  const never = onlyPurgeRepairedTombstones && inputs.some(({ repairedAtMillis }) => repairedAtMillis === 0);
  const options = {
    nowSeconds,
    gcBeforeSeconds,
    strictLiveness: setup.isStrict,
    partitioner,
    never,
    unflushed,
    wanted,
  };
  return { outside, expired, options };
}

const NO_SINK: MergeSink = { startPartition() {}, staticRow() {}, row() {}, marker() {}, endPartition() {} };

/** What SSTables may read ahead and keep, together and each. */
const ALL_WINDOWS_BYTES = 32 << 20;
const MAX_WINDOW_BYTES = 1 << 18;
const MIN_WINDOW_BYTES = 1 << 14;
const PROGRESS_PARTITIONS = 256;

/** @throws CorruptError, UsageError, UnsupportedError */
export async function judgeCompaction(setup: JudgeSetup): Promise<Judgement> {
  const { inputs } = setup;
  const { outside, expired, options } = judgeOptions(setup);
  const compacted = inputs.filter((input) => !expired.includes(input));
  const expiredTally = new Tally();
  if (expired.length > 0) {
    const all = new VerdictPurger({ ...options, never: false, outside: [], unflushed: undefined, wanted: undefined });
    await merge(expired, all, setup, []);
    for (const { tally } of all.verdicts) expiredTally.addAll(tally);
  }
  const purger = new VerdictPurger({ ...options, outside });
  const { plainBytes, lost } =
    compacted.length > 0
      ? await merge(compacted, purger, setup, options.never ? [] : outside)
      : { plainBytes: 0, lost: { overwritten: 0, deleted: 0 } };
  return {
    outside,
    groups: purger.verdicts,
    partitions: purger.partitions,
    expired,
    expiredTally,
    purge: compacted.length > 0 ? purger.counts : noPurge(),
    plainBytes,
    lost,
  };
}

/** @param outside SSTables whose deletions take effect, where the table provides overlapping tombstones */
async function merge(
  inputs: readonly SSTableFacts[],
  purger: VerdictPurger,
  { storage, definition, params, onProgress }: JudgeSetup,
  outside: readonly Outside[],
): Promise<{ plainBytes: number; lost: LostBytes }> {
  const sstables: SSTable[] = [];
  let shadows: OverlapShadows | undefined;
  try {
    sstables.push(...(await openAll(storage, inputs)));
    const { partitioner } = inputs[0]!;
    const level = params.overlappingTombstones;
    if (level !== 'none') {
      const [{ minTimestampMicros }] = inputs.toSorted(byOldest) as [SSTableFacts];
      shadows = await OverlapShadows.open(outside, sstables, { level, definition, partitioner, minTimestampMicros });
    }
    const { sources, header } = sourcesOf(sstables, definition, !shadows);
    const run = new PartitionMerge({
      sources,
      header,
      purger,
      evaluatorFor: purger.evaluatorFor,
      shadows: shadows?.shadows,
    });
    runMerge(run, NO_SINK, sources, onProgress);
    return { plainBytes: sstables.reduce((sum, { data }) => sum + data.length, 0), lost: run.lost };
  } finally {
    shadows?.close();
    for (const sstable of sstables) sstable.close();
  }
}

function byOldest(a: SSTableFacts, b: SSTableFacts): number {
  return a.minTimestampMicros < b.minTimestampMicros ? -1 : 1;
}

/** Reading windows shrink as they become more. */
export async function openAll(storage: Storage, inputs: readonly SSTableFacts[]): Promise<SSTable[]> {
  const each = Math.floor(ALL_WINDOWS_BYTES / inputs.length);
  const windowBytes = Math.max(MIN_WINDOW_BYTES, Math.min(MAX_WINDOW_BYTES, each));
  const sstables: SSTable[] = [];
  try {
    for (const { descriptor } of inputs) sstables.push(await openDescriptor(storage, descriptor, { windowBytes }));
  } catch (error) {
    for (const sstable of sstables) sstable.close();
    throw error;
  }
  return sstables;
}

/** @param copiesCells rows that need no merge are not taken apart */
export function sourcesOf(sstables: readonly SSTable[], definition: Table | View | undefined, copiesCells: boolean) {
  const header = outputHeader(
    sstables.map((one) => ({ id: one.descriptor.id, header: one.header, stats: one.statistics.stats })),
    definition,
  );
  const dropped = droppedTimes(definition);
  const sources = sstables.map((sstable) => {
    const map = columnMap(sstable.header, header, dropped);
    const source = new MergeSource(sstable.cursor(), map, sstable.partitioner);
    source.copiesCells = copiesCells && hasSameCells(sstable.header, header, map);
    return source;
  });
  return { sources, header };
}

export function runMerge(
  merge: PartitionMerge,
  sink: MergeSink,
  sources: readonly MergeSource[],
  onProgress: ((bytes: number) => void) | undefined,
): void {
  for (let n = 1; merge.next(sink); n++) {
    if (merge.tookMany || n % PROGRESS_PARTITIONS === 0)
      onProgress?.(sources.reduce((sum, { cursor }) => sum + cursor.in.offset, 0));
  }
}
