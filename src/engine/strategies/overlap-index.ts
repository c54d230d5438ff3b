/**
 * SSTables in the order of their first keys, each with the last key of all up to it: those that overlap one are found from the last that begins
 * early enough backwards, until all before end too early.
 */
import { compareDecorated, type DecoratedKey, type Partitioner } from '../../sstable/partitioner.js';
import type { KeySpan } from '../compaction/sstable-facts.js';

export class OverlapIndex<T extends KeySpan> {
  private readonly partitioner: Partitioner;
  private readonly sorted: readonly T[];
  /** Of each place the largest last key up to there. */
  private readonly lasts: readonly DecoratedKey[];

  constructor(sstables: readonly T[], partitioner: Partitioner) {
    this.partitioner = partitioner;
    this.sorted = sstables.toSorted((a, b) => compareDecorated(partitioner, a.first, b.first));
    let largest: DecoratedKey | undefined;
    this.lasts = this.sorted.map(({ last }) => {
      if (largest === undefined || compareDecorated(partitioner, last, largest) > 0) largest = last;
      return largest;
    });
  }

  /** Others that share keys with it, in no order that means anything. */
  *overlapping(sstable: T): Generator<T, undefined> {
    for (let i = this.countUpTo(sstable.last) - 1; i >= 0; i--) {
      if (compareDecorated(this.partitioner, this.lasts[i]!, sstable.first) < 0) return;
      const other = this.sorted[i]!;
      if (other !== sstable && compareDecorated(this.partitioner, other.last, sstable.first) >= 0) yield other;
    }
  }

  /** How many begin at the key or before. */
  private countUpTo(key: DecoratedKey): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareDecorated(this.partitioner, this.sorted[middle]!.first, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
