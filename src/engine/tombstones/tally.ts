/** Deletions and expired data, counted by kind. */
import {
  CELL_DELETION,
  COLUMN_DELETION,
  EXPIRED_CELL,
  EXPIRED_ROW,
  PARTITION_DELETION,
  RANGE_DELETION,
  ROW_DELETION,
  TOMBSTONE_KINDS,
} from '../merge/purge.js';

export type TombstoneCounts = {
  readonly partition: number;
  /** Bounds of ranges: a range has two, and where one range ends as the next begins they count once each. */
  readonly range: number;
  readonly row: number;
  /** Of whole collections and UDTs, as every INSERT of one makes them. */
  readonly collection: number;
  readonly cell: number;
  /** Cells and rows whose TTL is over. */
  readonly expired: number;
};

/** What is left of a tally on its way between threads. */
export type PlainTally = Pick<Tally, 'counts' | 'oldestSeconds' | 'newestSeconds'>;

export class Tally {
  /** By kind, as Purger numbers them. */
  readonly counts = new Float64Array(TOMBSTONE_KINDS);
  /** Seconds since the epoch: when deleted; of expired cells when written, of expired rows when expired. Infinite where nothing is counted. */
  oldestSeconds = Number.POSITIVE_INFINITY;
  newestSeconds = Number.NEGATIVE_INFINITY;

  get total(): number {
    let sum = 0;
    for (const count of this.counts) sum += count;
    return sum;
  }

  add(kind: number, seconds: number): void {
    this.counts[kind]!++;
    this.time(seconds);
  }

  /** Without counting. */
  time(seconds: number): void {
    if (seconds < this.oldestSeconds) this.oldestSeconds = seconds;
    if (seconds > this.newestSeconds) this.newestSeconds = seconds;
  }

  addAll({ counts, oldestSeconds, newestSeconds }: PlainTally): void {
    for (let kind = 0; kind < TOMBSTONE_KINDS; kind++) this.counts[kind]! += counts[kind]!;
    if (oldestSeconds > newestSeconds) return; // it is empty
    this.time(oldestSeconds);
    this.time(newestSeconds);
  }

  clear(): void {
    for (let kind = 0; kind < TOMBSTONE_KINDS; kind++) this.counts[kind] = 0; // short: a call of fill takes longer
    this.oldestSeconds = Number.POSITIVE_INFINITY;
    this.newestSeconds = Number.NEGATIVE_INFINITY;
  }

  copy(): Tally {
    return Tally.of(this);
  }

  /** One that another thread has sent. */
  static of(plain: PlainTally): Tally {
    const tally = new Tally();
    tally.addAll(plain);
    return tally;
  }

  get byKind(): TombstoneCounts {
    const { counts } = this;
    return {
      partition: counts[PARTITION_DELETION]!,
      range: counts[RANGE_DELETION]!,
      row: counts[ROW_DELETION]!,
      collection: counts[COLUMN_DELETION]!,
      cell: counts[CELL_DELETION]!,
      expired: counts[EXPIRED_CELL]! + counts[EXPIRED_ROW]!,
    };
  }
}
