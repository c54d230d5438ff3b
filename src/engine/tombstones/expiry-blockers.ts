/**
 * Expired SSTables that can't go, and what holds them: an SSTable goes unread once all in it has expired and gc_grace is over, and nothing that has
 * not expired is as old as its newest write (CompactionController.getFullyExpiredSSTables).
 *
 *   blocker    not expired, and its oldest write is not after the newest of the expired one
 *   culprits   what in a blocker is as old: without a TTL, late (of a time window before that of its SSTable), or merely an older write
 */
import { compare64, hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import type { MarkerBuffer } from '../../sstable/marker-buffer.js';
import type { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import { fullyExpiredSSTables } from '../compaction/fully-expired.js';
import { repairGroups } from '../compaction/planned-task.js';
import { overlappingSSTables } from '../compaction/sstable-facts.js';
import type { MergeSource } from '../merge/merge-source.js';
import { type MergeSink, PartitionMerge } from '../merge/partition-merge.js';
import type { CompactionParams } from '../strategies/options.js';
import type { Candidate } from '../strategies/strategy.js';
import { windowStartMillis } from '../strategies/time-window.js';
import type { TimeWindowOptions } from '../strategies/time-window-options.js';
import { openAll, runMerge, sourcesOf } from './judge.js';

export type HeldSSTable = { readonly sstable: Candidate; readonly by: readonly Candidate[] };

export type Expiry = {
  /** The next compaction drops them unread. */
  readonly droppable: readonly Candidate[];
  readonly held: readonly HeldSSTable[];
  /** Whoever holds any, with what it holds: by their bytes, the most first. */
  readonly blockers: readonly Blocker[];
};

export type Blocker = {
  readonly sstable: Candidate;
  readonly holds: readonly Candidate[];
  /** Of Data.db of those it holds; of those that nobody else holds as well. */
  readonly bytes: number;
  readonly aloneBytes: number;
};

/**
 * @param sstables all of the table
 * @param unflushedMicros least timestamp of what is in no SSTable
 */
export function expiryOf(
  sstables: readonly Candidate[],
  params: CompactionParams,
  gcBeforeSeconds: number,
  unflushedMicros?: bigint,
): Expiry {
  const { onlyPurgeRepairedTombstones, strategy } = params;
  const ignoresOverlaps = strategy.kind === 'TimeWindow' && strategy.ignoresOverlaps;
  const droppable: Candidate[] = [];
  const held: HeldSSTable[] = [];
  const isExpired = ({ maxLocalDeletionSeconds }: Candidate) => maxLocalDeletionSeconds < gcBeforeSeconds;
  for (const { sstables: group } of repairGroups(sstables)) {
    const others = sstables.filter((one) => !group.includes(one));
    const overlapping = overlappingSSTables(group, others, group[0]!.partitioner);
    const options = {
      gcBeforeSeconds,
      onlyPurgeRepairedTombstones,
      ignoresOverlaps,
      ...(unflushedMicros !== undefined && { unflushedMinTimestampMicros: unflushedMicros }),
    };
    const goes = new Set(fullyExpiredSSTables(group, overlapping, options));
    droppable.push(...goes);
    for (const sstable of group) {
      if (!isExpired(sstable) || goes.has(sstable)) continue;
      const by = [...group, ...overlapping].filter(
        (one) => !isExpired(one) && one.minTimestampMicros <= sstable.maxTimestampMicros,
      );
      held.push({ sstable, by });
    }
  }
  return { droppable, held, blockers: blockersOf(held) };
}

function blockersOf(held: readonly HeldSSTable[]): Blocker[] {
  const holds = new Map<Candidate, HeldSSTable[]>();
  for (const one of held) {
    for (const blocker of one.by) {
      const known = holds.get(blocker);
      if (known) known.push(one);
      else holds.set(blocker, [one]);
    }
  }
  const bytesOf = (list: readonly HeldSSTable[]) => list.reduce((sum, { sstable }) => sum + sstable.onDiskBytes, 0);
  return [...holds]
    .map(([sstable, list]) => ({
      sstable,
      holds: list.map((one) => one.sstable),
      bytes: bytesOf(list),
      aloneBytes: bytesOf(list.filter(({ by }) => by.length === 1)),
    }))
    .sort((a, b) => b.bytes - a.bytes || b.aloneBytes - a.aloneBytes);
}

export type CulpritCause = 'no_ttl' | 'late_write' | 'older_write' | 'deletion';

export type Culprit = {
  readonly key: Uint8Array;
  /** Of a row; undefined for deletions of partitions and ranges. Null where a value is. */
  readonly clustering: readonly (Uint8Array | null)[] | undefined;
  readonly isStatic: boolean;
  readonly timestampMicros: bigint;
  readonly cause: CulpritCause;
};

export type Culprits = {
  /** Rows and deletions that are as old as what is held, by what they are. */
  readonly counts: Readonly<Record<CulpritCause, number>>;
  /** Rows of the whole SSTable that have anything without a TTL: they never expire. */
  readonly rowsWithoutTtl: number;
  /** Those first that hold the longest, by their cause; of one cause the oldest. */
  readonly examples: readonly Culprit[];
};

/**
 * @param blocker is read as a whole
 * @param newestHeldMicros newest write of what it holds
 * @throws CorruptError
 */
export async function culpritsOf(
  storage: Storage,
  blocker: Candidate,
  newestHeldMicros: bigint,
  setup: {
    readonly definition: Table | View | undefined;
    readonly windows: TimeWindowOptions | undefined;
    readonly examples: number;
    readonly onProgress?: ((bytes: number) => void) | undefined;
  },
): Promise<Culprits> {
  const sstables = await openAll(storage, [blocker]);
  try {
    const { sources, header } = sourcesOf(sstables, setup.definition, true);
    const { windows } = setup;
    const own = windows && windowStartMillis(blocker.maxTimestampMicros, windows);
    const isLate = (micros: bigint) => windows !== undefined && windowStartMillis(micros, windows) < own!;
    const sink = new CulpritSink(newestHeldMicros, isLate, setup.examples);
    runMerge(new PartitionMerge({ sources, header }), sink, sources, setup.onProgress);
    return { counts: sink.counts, rowsWithoutTtl: sink.rowsWithoutTtl, examples: sink.worst };
  } finally {
    for (const sstable of sstables) sstable.close();
  }
}

/** What never goes by itself comes first. */
const RANK: Readonly<Record<CulpritCause, number>> = { no_ttl: 0, late_write: 1, older_write: 2, deletion: 3 };

class CulpritSink implements MergeSink {
  readonly counts: Record<CulpritCause, number> = { no_ttl: 0, late_write: 0, older_write: 0, deletion: 0 };
  rowsWithoutTtl = 0;
  readonly worst: Culprit[] = [];
  private readonly isLate: (micros: bigint) => boolean;
  private readonly examples: number;
  private readonly heldHi: number;
  private readonly heldLo: number;
  private key: Uint8Array = new Uint8Array(0);
  private leastHi = 0;
  private leastLo = 0;
  private hasAny = false;
  private hasNoTtl = false;
  private isOldWithoutTtl = false;

  constructor(newestHeldMicros: bigint, isLate: (micros: bigint) => boolean, examples: number) {
    this.heldHi = hiOf(newestHeldMicros);
    this.heldLo = loOf(newestHeldMicros);
    this.isLate = isLate;
    this.examples = examples;
  }

  startPartition({ cursor }: MergeSource, deletion: DeletionState): void {
    this.key = cursor.key.subarray(0, cursor.keyLength);
    if (deletion.isSet) this.deletion(deletion);
  }

  staticRow(row: RowBuffer): void {
    if (!row.isEmpty) this.row(row);
  }

  row(row: RowBuffer): void {
    this.hasAny = false;
    this.hasNoTtl = false;
    this.isOldWithoutTtl = false;
    if (row.hasLiveness) this.write(row.livenessHi, row.livenessLo, row.livenessTtl !== 0);
    for (let i = 0; i < row.cellCount; i++) {
      this.write(row.cellHi[i]!, row.cellLo[i]!, row.cellLocalDeletion[i] !== Number.POSITIVE_INFINITY);
    }
    if (this.hasNoTtl) this.rowsWithoutTtl++;
    if (row.deletion.isSet) this.deletion(row.deletion, row);
    if (!this.hasAny || compare64(this.leastHi, this.leastLo, this.heldHi, this.heldLo) > 0) return;
    const micros = toBigInt(this.leastHi, this.leastLo);
    const cause = this.isOldWithoutTtl ? 'no_ttl' : this.isLate(micros) ? 'late_write' : 'older_write';
    this.note(cause, micros, row);
  }

  marker(marker: MarkerBuffer): void {
    this.deletion(marker.deletion);
  }

  endPartition(): void {}

  private write(hi: number, lo: number, ends: boolean): void {
    if (!this.hasAny || compare64(hi, lo, this.leastHi, this.leastLo) < 0) {
      this.hasAny = true;
      this.leastHi = hi;
      this.leastLo = lo;
    }
    if (ends) return;
    this.hasNoTtl = true;
    if (compare64(hi, lo, this.heldHi, this.heldLo) <= 0) this.isOldWithoutTtl = true;
  }

  private deletion({ hi, lo }: DeletionState, row?: RowBuffer): void {
    if (compare64(hi, lo, this.heldHi, this.heldLo) <= 0) this.note('deletion', toBigInt(hi, lo), row);
  }

  private note(cause: CulpritCause, timestampMicros: bigint, row: RowBuffer | undefined): void {
    this.counts[cause]++;
    const { worst, examples } = this;
    const rank = RANK[cause];
    const isBefore = (one: Culprit) => rank < RANK[one.cause] || (rank === RANK[one.cause] && timestampMicros < one.timestampMicros); // biome-ignore format: one line
    if (worst.length === examples && !isBefore(worst.at(-1)!)) return;
    const at = worst.findIndex(isBefore);
    const isStatic = row?.isStatic ?? false;
    const one = { key: this.key.slice(), clustering: row && clusteringOf(row), isStatic, timestampMicros, cause };
    worst.splice(at < 0 ? worst.length : at, 0, one);
    if (worst.length > examples) worst.pop();
  }
}

function clusteringOf({ clusteringBuf, clusteringStart, clusteringEnd, clusteringSize }: RowBuffer) {
  const values: (Uint8Array | null)[] = [];
  for (let i = 0; i < clusteringSize; i++) {
    const start = clusteringStart[i]!;
    values.push(start < 0 ? null : clusteringBuf.slice(start, clusteringEnd[i]!));
  }
  return values;
}
