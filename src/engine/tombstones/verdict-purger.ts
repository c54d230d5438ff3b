/**
 * Purges as a compaction does, and says of every deletion and all expired data why it goes or stays.
 *
 *   droppable   gc_grace is over, and no SSTable outside of the compaction that may have the partition has data as old
 *   later       gc_grace is not over; nothing else holds it
 *   blocked     by SSTables outside that may have the partition and data as old, or by writes that are in no SSTable yet; or nothing is purged at
 *               all: unrepaired under only_purge_repaired_tombstones
 */
import { compare64, hiOf, loOf } from '../../bytes/int64.js';
import { type DeletionSlot, EXPIRED_LIVENESS_TTL, NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import type { Partitioner } from '../../sstable/partitioner.js';
import type { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import { OverlapProbe } from '../compaction/overlap-probe.js';
import type { OverlapSource } from '../compaction/overlap-purge.js';
import type { MergeSource } from '../merge/merge-source.js';
import {
  CELL_DELETION,
  COLUMN_DELETION,
  EXPIRED_CELL,
  EXPIRED_ROW,
  type PurgeEvaluator,
  type PurgeOptions,
  Purger,
  ROW_DELETION,
} from '../merge/purge.js';
import { Tally } from './tally.js';

export type Verdict = 'droppable' | 'later' | 'blocked';

/** Deletions and expired data with the same verdict for the same reason. */
export type VerdictGroup = {
  readonly verdict: Verdict;
  /** SSTables that hold them back, as indexes of `outside`; {@link UNFLUSHED}: writes that are in none. By their oldest data, the oldest first. */
  readonly by: readonly number[];
  /** Blocked by what is not repaired, whatever else. */
  readonly isUnrepaired: boolean;
  /** Blocked, and gc_grace is not over either. */
  readonly isEarly: boolean;
  /** Their timestamps are after now: whatever is written until then is older. */
  readonly isFuture: boolean;
  readonly tally: Tally;
};

export const UNFLUSHED = -1;

/** Least timestamp, in microseconds, of a partition's writes that are in no SSTable; undefined where there are none. */
export type Unflushed = (key: Uint8Array, length: number) => { readonly hi: number; readonly lo: number } | undefined;

export type VerdictOptions = PurgeOptions & {
  /** SSTables outside of the compaction that reach into its keys. */
  readonly outside: readonly OverlapSource[];
  readonly partitioner: Partitioner;
  readonly unflushed?: Unflushed | undefined;
  /** Keys of partitions, as {@link keyOf} gives them, whose groups are kept apart, too. */
  readonly wanted?: ReadonlySet<string> | undefined;
};

/** `bit`: a power of two of its own, as long as they are few. */
type Holder = { readonly index: number; readonly bit: number; readonly hi: number; readonly lo: number };

/** So many bits, and two more, are exact in a double. */
const FEW_HOLDERS = 48;

const ALWAYS: PurgeEvaluator = () => true;

/** A partition's key as a key of maps. */
export function keyOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

export class VerdictPurger extends Purger {
  private readonly options: VerdictOptions;
  private readonly byName = new Map<string, VerdictGroup>();
  private readonly byPartition = new Map<string, Map<VerdictGroup, Tally>>();
  private readonly nowHi: number;
  private readonly nowLo: number;
  /** All that may hold anything back, those with the oldest data first. */
  private readonly all: readonly (Holder & { readonly probe: OverlapProbe })[];
  private readonly hasFew: boolean;
  private source: MergeSource | undefined;
  /** Those that may have the partition at hand; undefined as long as nobody has asked. */
  private holders: readonly Holder[] | undefined;
  /** Groups by the bits of those that they are blocked by, and flags. */
  private readonly byId = new Map<number, VerdictGroup>();
  private apart: Map<VerdictGroup, Tally> | undefined;
  /** Of the deletion before in this partition: cells of a row are mostly written and deleted together. */
  private last: VerdictGroup | undefined;
  private lastHi = 0;
  private lastLo = 0;
  private lastLocal = 0;

  constructor(options: VerdictOptions) {
    super(options);
    this.options = options;
    const nowMicros = BigInt(Math.trunc(options.nowSeconds) + 1) * 1_000_000n;
    this.nowHi = hiOf(nowMicros);
    this.nowLo = loOf(nowMicros);
    this.hasFew = options.outside.length < FEW_HOLDERS;
    this.all = options.outside
      .map((sstable, index) => {
        const { minTimestampMicros: least } = sstable;
        const bit = this.hasFew ? 2 ** (index + 1) : 0;
        const probe = new OverlapProbe(sstable, options.partitioner);
        return { probe, index, bit, hi: hiOf(least), lo: loOf(least) };
      })
      .sort(byLeast);
  }

  /** For PartitionMerge. */
  readonly evaluatorFor = (source: MergeSource): PurgeEvaluator => {
    this.begin(source);
    return ALWAYS;
  };

  /** The partition under a source begins. */
  begin(source: MergeSource): void {
    this.source = source;
    this.holders = undefined;
    this.last = undefined;
    const { wanted } = this.options;
    if (!wanted) return;
    const { key, keyLength } = source.cursor;
    const name = keyOf(key.subarray(0, keyLength));
    this.apart = wanted.has(name) ? new Map() : undefined;
    if (this.apart) this.byPartition.set(name, this.apart);
  }

  /** Judges a deletion, and leaves it alone. @returns whether it would go */
  look(kind: number, { hi, lo, localDeletionSeconds }: DeletionSlot | DeletionState): boolean {
    return this.shouldPurge(kind, hi, lo, localDeletionSeconds);
  }

  lookAt(kind: number, hi: number, lo: number, localDeletionSeconds: number): void {
    this.shouldPurge(kind, hi, lo, localDeletionSeconds);
  }

  /** Judges what {@link Purger.row} would, and leaves the row alone. */
  lookAtRow(row: RowBuffer): void {
    if (row.copiedCells > 0) return;
    const { nowSeconds, strictLiveness } = this.options;
    let hasLiveness = row.hasLiveness;
    const ttl = row.livenessTtl;
    if (hasLiveness && ttl !== 0 && (ttl === EXPIRED_LIVENESS_TTL || row.livenessLocalExpiration <= nowSeconds)) {
      hasLiveness = !this.shouldPurge(EXPIRED_ROW, row.livenessHi, row.livenessLo, row.livenessLocalExpiration);
    }
    let hasDeletion = row.deletion.isSet;
    if (hasDeletion) hasDeletion = !this.look(ROW_DELETION, row.deletion);
    if (strictLiveness && !hasDeletion && !hasLiveness) return;
    for (let i = 0; i < row.columnCount; i++) {
      if (row.columnIsDeleted[i] === 1) {
        const [hi, lo] = [row.columnDeletionHi[i]!, row.columnDeletionLo[i]!];
        this.shouldPurge(COLUMN_DELETION, hi, lo, row.columnDeletionLocal[i]!);
      }
    }
    for (let i = 0; i < row.cellCount; i++) {
      const local = row.cellLocalDeletion[i]!;
      if (local === NO_DELETION_TIME) continue;
      const own = row.cellTtl[i]!;
      if (own !== 0 && nowSeconds < local) continue;
      const kind = own === 0 ? CELL_DELETION : EXPIRED_CELL;
      this.shouldPurge(kind, row.cellHi[i]!, row.cellLo[i]!, Math.min(local, local - own));
    }
  }

  /** What can go first, then by how many hold it. */
  get verdicts(): readonly VerdictGroup[] {
    return [...this.byName.values()].sort(byVerdict);
  }

  /** Of the partitions that were wanted and are there. */
  get partitions(): ReadonlyMap<string, readonly VerdictGroup[]> {
    return new Map(
      [...this.byPartition].map(([key, groups]) => [
        key,
        [...groups].map(([group, tally]) => ({ ...group, tally })).sort(byVerdict),
      ]),
    );
  }

  protected override shouldPurge(kind: number, hi: number, lo: number, localDeletionSeconds: number): boolean {
    const group = this.groupOf(hi, lo, localDeletionSeconds);
    group.tally.add(kind, localDeletionSeconds);
    if (this.apart) {
      let tally = this.apart.get(group);
      if (!tally) {
        tally = new Tally();
        this.apart.set(group, tally);
      }
      tally.add(kind, localDeletionSeconds);
    }
    return group.verdict === 'droppable';
  }

  private groupOf(hi: number, lo: number, localDeletionSeconds: number): VerdictGroup {
    const { last } = this;
    if (last && hi === this.lastHi && lo === this.lastLo && localDeletionSeconds === this.lastLocal) return last;
    this.lastHi = hi;
    this.lastLo = lo;
    this.lastLocal = localDeletionSeconds;
    this.last = this.findGroup(hi, lo, localDeletionSeconds);
    return this.last;
  }

  private findGroup(hi: number, lo: number, localDeletionSeconds: number): VerdictGroup {
    this.holders ??= this.findHolders();
    const { holders } = this;
    let n = 0;
    let id = 0;
    while (n < holders.length && compare64(hi, lo, holders[n]!.hi, holders[n]!.lo) >= 0) id += holders[n++]!.bit;
    const isEarly = localDeletionSeconds >= this.options.gcBeforeSeconds;
    const isFuture = n > 0 && compare64(hi, lo, this.nowHi, this.nowLo) >= 0;
    id = id * 4 + (isEarly ? 2 : 0) + (isFuture ? 1 : 0);
    const known = this.hasFew ? this.byId.get(id) : undefined;
    if (known) return known;
    const group = this.intern(holders.slice(0, n).map(({ index }) => index), isEarly, isFuture); // biome-ignore format: one line
    if (this.hasFew) this.byId.set(id, group);
    return group;
  }

  private intern(by: readonly number[], isEarly: boolean, isFuture: boolean): VerdictGroup {
    const isUnrepaired = this.options.never === true;
    const name = `${by.join()} ${isEarly} ${isFuture}`;
    let group = this.byName.get(name);
    if (!group) {
      const verdict = isUnrepaired || by.length > 0 ? 'blocked' : isEarly ? 'later' : 'droppable';
      group = { verdict, by, isUnrepaired, isEarly, isFuture, tally: new Tally() };
      this.byName.set(name, group);
    }
    return group;
  }

  private findHolders(): readonly Holder[] {
    const { unflushed } = this.options;
    const source = this.source!;
    const { key: bytes, keyLength } = source.cursor;
    const holders: Holder[] = [];
    for (const holder of this.all) if (holder.probe.mayHold(source)) holders.push(holder);
    const least = unflushed?.(bytes, keyLength);
    if (!least) return holders;
    holders.push({ index: UNFLUSHED, bit: 1, ...least });
    return holders.sort(byLeast);
  }
}

function byLeast(a: Holder, b: Holder): number {
  return compare64(a.hi, a.lo, b.hi, b.lo);
}

/** Groups of the same verdict for the same reason as one; of one SSTable, found in different partitions. */
export function addGroups(lists: readonly (readonly VerdictGroup[])[]): VerdictGroup[] {
  const byName = new Map<string, VerdictGroup>();
  for (const group of lists.flat()) {
    const name = `${group.by.join()} ${group.isEarly} ${group.isFuture}`;
    const known = byName.get(name);
    if (known) known.tally.addAll(group.tally);
    else byName.set(name, { ...group, tally: Tally.of(group.tally) });
  }
  return [...byName.values()].sort(byVerdict);
}

const ORDER: readonly Verdict[] = ['droppable', 'later', 'blocked'];

function byVerdict(a: VerdictGroup, b: VerdictGroup): number {
  const order = ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict) || a.by.length - b.by.length;
  if (order !== 0) return order;
  const i = a.by.findIndex((index, at) => index !== b.by[at]);
  if (i >= 0) return a.by[i]! - b.by[i]!;
  return Number(a.isEarly) - Number(b.isEarly) || Number(a.isFuture) - Number(b.isFuture);
}
