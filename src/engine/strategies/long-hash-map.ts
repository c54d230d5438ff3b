/**
 * A map in whose order Java's HashMap<Long, V> would be walked: which bucket an SSTable joins where several would do, and which of equal buckets is
 * taken, hangs on it.
 *
 *   table of 2^n bins, 16 at first; bin of a key: h ^ h >>> 16 of h = high half ^ low half, of which the lowest n bits count
 *   a bin keeps its keys in the order of their coming; beyond 3/4 of the table, or at a ninth key in a bin of fewer than 64, the table doubles
 *
 * (A bin of nine in a larger table becomes a tree in Java, and its order another. That is not followed.)
 */
type Entry<V> = { readonly key: number; readonly hash: number; value: V };

const MIN_TREE_TABLE = 64;
const MAX_BIN = 8;

export class LongHashMap<V> {
  private bins: Entry<V>[][] = emptyBins(16);
  private size = 0;

  /** @param key 0 to 2^53 */
  put(key: number, value: V): void {
    const hash = hashOf(key);
    const bin = this.bins[hash & (this.bins.length - 1)]!;
    const there = bin.find((entry) => entry.key === key);
    if (there) {
      there.value = value;
      return;
    }
    bin.push({ key, hash, value });
    if (bin.length > MAX_BIN && this.bins.length < MIN_TREE_TABLE) this.grow();
    if (++this.size > this.bins.length * 0.75) this.grow();
  }

  remove(key: number): void {
    const bin = this.bins[hashOf(key) & (this.bins.length - 1)]!;
    const at = bin.findIndex((entry) => entry.key === key);
    if (at < 0) return;
    bin.splice(at, 1);
    this.size--;
  }

  /** Whether a key that is there is the last of its bin: to take it out and put it in again would change nothing. */
  isLast(key: number): boolean {
    return this.bins[hashOf(key) & (this.bins.length - 1)]!.at(-1)?.key === key;
  }

  find(test: (key: number) => boolean): { readonly key: number; readonly value: V } | undefined {
    for (const bin of this.bins) for (const entry of bin) if (test(entry.key)) return entry;
    return undefined;
  }

  values(): V[] {
    return this.bins.flatMap((bin) => bin.map(({ value }) => value));
  }

  private grow(): void {
    const before = this.bins;
    this.bins = emptyBins(before.length * 2);
    for (const bin of before) for (const entry of bin) this.bins[entry.hash & (this.bins.length - 1)]!.push(entry);
  }
}

function emptyBins<V>(count: number): Entry<V>[][] {
  return Array.from({ length: count }, () => []);
}

function hashOf(key: number): number {
  const h = (key | 0) ^ Math.floor(key / 0x1_0000_0000);
  return h ^ (h >>> 16);
}
