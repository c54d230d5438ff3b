/**
 * Purges as a compaction does, and says of every deletion and all expired data why it goes or stays.
 *
 *   droppable   gc_grace is over, and no SSTable outside of the compaction that may have the partition has data as old
 *   later       gc_grace is not over; nothing else holds it
 *   blocked     by SSTables outside that may have the partition and data as old, or by writes that are in no SSTable yet; or nothing is purged at
 *               all: unrepaired under only_purge_repaired_tombstones
 */
import { compare64, hiOf, loOf } from '../../bytes/int64.js';
import { decorate, type Partitioner } from '../../sstable/partitioner.js';
import { mayHold, type OverlapSource } from '../compaction/overlap-purge.js';
import type { MergeSource } from '../merge/merge-source.js';
import { type PurgeEvaluator, type PurgeOptions, Purger } from '../merge/purge.js';
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

type Holder = { readonly index: number; readonly hi: number; readonly lo: number };

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
  private readonly leasts: readonly { readonly hi: number; readonly lo: number }[];
  private source: MergeSource | undefined;
  /** Those that may have the partition at hand; undefined as long as nobody has asked. */
  private holders: readonly Holder[] | undefined;
  /** Groups of the partition at hand, by how many of its holders they are blocked by, and flags. */
  private readonly groups = new Map<number, VerdictGroup>();
  private apart: Map<VerdictGroup, Tally> | undefined;

  constructor(options: VerdictOptions) {
    super(options);
    this.options = options;
    const nowMicros = BigInt(Math.trunc(options.nowSeconds) + 1) * 1_000_000n;
    this.nowHi = hiOf(nowMicros);
    this.nowLo = loOf(nowMicros);
    this.leasts = options.outside.map(({ minTimestampMicros: least }) => ({ hi: hiOf(least), lo: loOf(least) }));
  }

  /** For PartitionMerge. */
  readonly evaluatorFor = (source: MergeSource): PurgeEvaluator => {
    this.source = source;
    this.holders = undefined;
    this.groups.clear();
    const { wanted } = this.options;
    this.apart = undefined;
    if (!wanted || wanted.size === 0) return ALWAYS;
    const { key, keyLength } = source.cursor;
    const name = keyOf(key.subarray(0, keyLength));
    if (wanted.has(name)) {
      this.apart = new Map();
      this.byPartition.set(name, this.apart);
    }
    return ALWAYS;
  };

  get verdicts(): readonly VerdictGroup[] {
    return [...this.byName.values()];
  }

  /** Of the partitions that were wanted and are there. */
  get partitions(): ReadonlyMap<string, readonly VerdictGroup[]> {
    return new Map(
      [...this.byPartition].map(([key, groups]) => [key, [...groups].map(([group, tally]) => ({ ...group, tally }))]),
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
    this.holders ??= this.findHolders();
    const { holders } = this;
    let n = 0;
    while (n < holders.length && compare64(hi, lo, holders[n]!.hi, holders[n]!.lo) >= 0) n++;
    const isEarly = localDeletionSeconds >= this.options.gcBeforeSeconds;
    const isFuture = n > 0 && compare64(hi, lo, this.nowHi, this.nowLo) >= 0;
    const id = n * 4 + (isEarly ? 2 : 0) + (isFuture ? 1 : 0);
    let group = this.groups.get(id);
    if (!group) {
      group = this.intern(
        holders.slice(0, n).map(({ index }) => index),
        isEarly,
        isFuture,
      );
      this.groups.set(id, group);
    }
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
    const { outside, partitioner, unflushed } = this.options;
    const { key: bytes, keyLength } = this.source!.cursor;
    const holders: Holder[] = [];
    if (outside.length > 0) {
      const key = decorate(partitioner, bytes.slice(0, keyLength));
      outside.forEach((one, index) => {
        if (mayHold(one, key, partitioner)) holders.push({ index, ...this.leasts[index]! });
      });
    }
    const least = unflushed?.(bytes, keyLength);
    if (least) holders.push({ index: UNFLUSHED, ...least });
    return holders.sort((a, b) => compare64(a.hi, a.lo, b.hi, b.lo));
  }
}
