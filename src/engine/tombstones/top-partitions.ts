/** The partitions with the most of something, in a heap of bounded size: a table has more partitions than memory. */
import type { PartitionReads } from './read-counter.js';

export class TopPartitions {
  /** The least on top. */
  private readonly heap: PartitionReads[] = [];
  private readonly size: number;
  /** The least when its tally was summed up last. */
  private weighed: PartitionReads | undefined;
  private leastTotal = 0;

  /** @param size how many to keep, 0 or more */
  constructor(size: number) {
    this.size = size;
  }

  /** Keeps a copy where it is among the greatest so far. */
  offer(one: PartitionReads): void {
    const { heap, size } = this;
    if (size === 0 || this.isLess(one)) return;
    if (heap.length < size) {
      heap.push(copyOf(one));
      this.rise(heap.length - 1);
    } else if (compare(one, heap[0]!) > 0) {
      heap[0] = copyOf(one);
      this.sink(0);
    }
  }

  /** Whether it is less than all of as many as are kept, as far as its reads tell. */
  private isLess({ reads, tally }: PartitionReads): boolean {
    const { heap, size } = this;
    if (heap.length < size) return false;
    const least = heap[0]!;
    if (reads.whole !== least.reads.whole) return reads.whole < least.reads.whole;
    if (this.weighed !== least) {
      this.weighed = least;
      this.leastTotal = least.tally.total;
    }
    return tally.total < this.leastTotal;
  }

  /** The greatest first. */
  get sorted(): readonly PartitionReads[] {
    return this.heap.toSorted((a, b) => compare(b, a));
  }

  private rise(from: number): void {
    const { heap } = this;
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (compare(heap[parent]!, heap[at]!) <= 0) return;
      [heap[parent], heap[at]] = [heap[at]!, heap[parent]!];
      at = parent;
    }
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let at = from; ; ) {
      let child = at * 2 + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && compare(heap[child + 1]!, heap[child]!) < 0) child++;
      if (compare(heap[at]!, heap[child]!) <= 0) return;
      [heap[child], heap[at]] = [heap[at]!, heap[child]!];
      at = child;
    }
  }
}

function copyOf({ key, reads, tally, liveRows }: PartitionReads): PartitionReads {
  return { key: key.slice(), reads: { ...reads }, tally: tally.copy(), liveRows };
}

/** By what the whole partition costs, then by deletions that a read does not count, then by key. */
function compare(a: PartitionReads, b: PartitionReads): number {
  return a.reads.whole - b.reads.whole || a.tally.total - b.tally.total || Buffer.compare(b.key, a.key);
}
