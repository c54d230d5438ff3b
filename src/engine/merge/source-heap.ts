/** A binary heap of merge sources, the least on top; the order is an argument, and nothing is allocated per step. */
import type { MergeSource } from './merge-source.js';

export class SourceHeap {
  /** The first {@link size} are in the heap. An array that shrinks would be allocated anew. */
  private readonly items: MergeSource[] = [];
  private count = 0;
  private readonly compare: (a: MergeSource, b: MergeSource) => number;

  constructor(compare: (a: MergeSource, b: MergeSource) => number) {
    this.compare = compare;
  }

  get size(): number {
    return this.count;
  }

  get top(): MergeSource {
    return this.items[0]!;
  }

  /** One of the {@link size}, in no order. */
  at(i: number): MergeSource {
    return this.items[i]!;
  }

  push(source: MergeSource): void {
    const { items } = this;
    let at = this.count++;
    if (at === items.length) items.push(source);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.compare(items[parent]!, source) <= 0) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = source;
  }

  pop(): MergeSource {
    const { items } = this;
    const top = items[0]!;
    const last = items[--this.count]!;
    if (this.count > 0) this.sink(last);
    return top;
  }

  clear(): void {
    this.count = 0;
  }

  private sink(source: MergeSource): void {
    const { items, count: n } = this;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= n) break;
      if (child + 1 < n && this.compare(items[child + 1]!, items[child]!) < 0) child++;
      if (this.compare(source, items[child]!) <= 0) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = source;
  }
}
