/**
 * Which updates of a log are to be replayed, as a node decides (CommitLogReplayer): those of tables that are there, behind what SSTables hold of
 * their table, and not from after the point in time that is asked for.
 */
import { compare64, hiOf, loOf } from '../../bytes/int64.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import { Times, updateTimes } from '../../commitlog/mutation-facts.js';
import type { MutationReader } from '../../commitlog/mutation-reader.js';
import type { UpdateCursor } from '../../commitlog/update-cursor.js';
import { isInside, type Persisted, persistedInSegment } from '../commitlog-persisted.js';

export type ReplayWish = {
  readonly persisted: Persisted;
  /** All by default. */
  readonly wantsTable?: ((table: LogTable) => boolean) | undefined;
  /** The only keys that are wanted, as latin1; all by default. */
  readonly keys?: ReadonlySet<string> | undefined;
  /** Mutations with anything written later are left out, whole. */
  readonly untilMicros?: bigint | undefined;
};

/** What becomes of an update. */
export type Fate = 'replayed' | 'persisted' | 'unwanted' | 'later';

export class ReplayFilter {
  /** Whether a mutation must be read to its end before it is known what becomes of its updates. */
  readonly looksAhead: boolean;
  private readonly wish: ReplayWish;
  private readonly until: { readonly hi: number; readonly lo: number } | undefined;
  private segmentId = -1;
  private pairs = new Map<string, readonly number[]>();
  private readonly wanted = new Map<string, boolean>();
  private readonly times = new Times();

  constructor(wish: ReplayWish) {
    this.wish = wish;
    const { untilMicros } = wish;
    this.until = untilMicros === undefined ? undefined : { hi: hiOf(untilMicros), lo: loOf(untilMicros) };
    this.looksAhead = this.until !== undefined;
  }

  startSegment(segmentId: number): void {
    if (this.segmentId !== segmentId) this.pairs = new Map();
    this.segmentId = segmentId;
  }

  startMutation(): void {
    this.times.clear();
  }

  /** Reads an update of the mutation to its end, for its times. @throws CorruptError */
  lookAt(cursor: UpdateCursor): void {
    updateTimes(cursor, this.times);
  }

  /** Whether the mutation that was looked at has anything from after the point in time. */
  get isLater(): boolean {
    const { until, times } = this;
    return until !== undefined && times.has && compare64(times.greatestHi, times.greatestLo, until.hi, until.lo) > 0;
  }

  /** Of the update under the reader, in a mutation at `position`. */
  fateOf({ tableId, table, key }: MutationReader, position: number): Fate {
    if (!this.wantsTable(tableId, table!)) return 'unwanted';
    const { keys } = this.wish;
    if (keys && !keys.has(Buffer.from(key).toString('latin1'))) return 'unwanted';
    return isInside(this.pairsOf(tableId), position) ? 'persisted' : 'replayed';
  }

  private wantsTable(tableId: string, table: LogTable): boolean {
    const { wantsTable } = this.wish;
    if (!wantsTable) return true;
    let wanted = this.wanted.get(tableId);
    if (wanted === undefined) {
      wanted = wantsTable(table);
      this.wanted.set(tableId, wanted);
    }
    return wanted;
  }

  private pairsOf(tableId: string): readonly number[] {
    let pairs = this.pairs.get(tableId);
    if (!pairs) {
      pairs = persistedInSegment(this.wish.persisted, tableId, this.segmentId);
      this.pairs.set(tableId, pairs);
    }
    return pairs;
  }
}
