/** The order of sizes, which strategies ask for again and again, of thousands of SSTables. */
type Sized = { readonly onDiskBytes: number };

/** Smallest first; of one size in the order given. */
export function bySize<T extends Sized>(sstables: readonly T[]): T[] {
  const count = sstables.length;
  const largest = sstables.reduce((most, { onDiskBytes }) => Math.max(most, onDiskBytes), 0);
  if ((largest + 1) * count > Number.MAX_SAFE_INTEGER)
    return sstables.toSorted((a, b) => a.onDiskBytes - b.onDiskBytes);
  // numbers of size and place are sorted some times faster than objects are by a function
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = sstables[i]!.onDiskBytes * count + i;
  keys.sort();
  return Array.from(keys, (key) => sstables[key % count]!);
}

/** Wanted SSTables above which sorting all is quicker than finding places for them one by one. */
const FEW = 64;

/** The first `most` by size; of one size in the order given. */
export function smallest<T extends Sized>(sstables: readonly T[], most: number): T[] {
  if (most > FEW) return bySize(sstables).slice(0, most);
  const found: T[] = [];
  for (const sstable of sstables) {
    const size = sstable.onDiskBytes;
    if (found.length === most && size >= found[most - 1]!.onDiskBytes) continue;
    let at = found.length;
    while (at > 0 && found[at - 1]!.onDiskBytes > size) at--;
    found.splice(at, 0, sstable);
    if (found.length > most) found.pop();
  }
  return found;
}

/** Largest first; of one size in the order given. */
export function byFallingSize<T extends Sized>(sstables: readonly T[]): T[] {
  return bySize(sstables.toReversed()).reverse();
}
