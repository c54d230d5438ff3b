/**
 * Which SSTables to compact together so that the most tombstones go: one goes where its SSTable is compacted with all that hold it back. Sets that
 * have an SSTable in common become one.
 */

/** Deletions and expired data of an SSTable that go once it is compacted with certain others. */
export type Freeable = {
  readonly sstable: number;
  /** None: it goes when the SSTable is compacted by itself. */
  readonly with: readonly number[];
  readonly count: number;
};

export type RemedySet = {
  /** In ascending order. */
  readonly sstables: readonly number[];
  /** As they lie in their SSTables: what is in several is counted in each. */
  readonly frees: number;
  /** Smaller sets that free some of it, each with those before: the cheapest for what it frees first. One alone where nothing smaller frees anything. */
  readonly steps: readonly RemedyStep[];
};

export type RemedyStep = { readonly sstables: readonly number[]; readonly frees: number; readonly bytes: number };

/** Beyond so many ways to begin, those that free the least are not looked at. */
const MAX_CANDIDATES = 128;

/** @param bytes of each SSTable, what compacting it costs */
export function remedySets(freeables: readonly Freeable[], bytes: readonly number[]): RemedySet[] {
  const parent = bytes.map((_, i) => i);
  const rootOf = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  for (const { sstable, with: others } of freeables) {
    for (const other of others) parent[rootOf(other)] = rootOf(sstable);
  }
  const byRoot = new Map<number, Freeable[]>();
  for (const one of freeables) {
    if (one.count === 0) continue;
    const root = rootOf(one.sstable);
    const known = byRoot.get(root);
    if (known) known.push(one);
    else byRoot.set(root, [one]);
  }
  const sets = [...byRoot.values()].map((own) => {
    const sstables = [...new Set(own.flatMap(membersOf))].sort((a, b) => a - b);
    const frees = own.reduce((sum, { count }) => sum + count, 0);
    return { sstables, frees, steps: stepsOf(own, bytes) };
  });
  const costOf = ({ sstables, frees }: RemedySet) => bytesOf(sstables, bytes) / frees;
  return sets.sort((a, b) => costOf(a) - costOf(b));
}

function membersOf({ sstable, with: others }: Freeable): number[] {
  return [sstable, ...others];
}

function bytesOf(sstables: Iterable<number>, bytes: readonly number[]): number {
  let sum = 0;
  for (const i of sstables) sum += bytes[i]!;
  return sum;
}

/** Greedily: what frees the most for the bytes that it adds. */
function stepsOf(freeables: readonly Freeable[], bytes: readonly number[]): RemedyStep[] {
  const chosen = new Set<number>();
  const steps: RemedyStep[] = [];
  let left = freeables.toSorted((a, b) => b.count - a.count);
  while (left.length > 0) {
    let best: { readonly cost: number; readonly added: readonly number[] } | undefined;
    for (const candidate of left.slice(0, MAX_CANDIDATES)) {
      const added = membersOf(candidate).filter((i) => !chosen.has(i));
      const all = new Set([...chosen, ...added]);
      const frees = left.filter((one) => isIn(one, all)).reduce((sum, { count }) => sum + count, 0);
      const cost = bytesOf(added, bytes) / frees;
      if (!best || cost < best.cost) best = { cost, added };
    }
    for (const i of best!.added) chosen.add(i);
    left = left.filter((one) => !isIn(one, chosen));
    const frees = freeables.filter((one) => isIn(one, chosen)).reduce((sum, { count }) => sum + count, 0);
    steps.push({ sstables: [...chosen].sort((a, b) => a - b), frees, bytes: bytesOf(chosen, bytes) });
  }
  return steps;
}

function isIn(one: Freeable, chosen: ReadonlySet<number>): boolean {
  return chosen.has(one.sstable) && one.with.every((i) => chosen.has(i));
}
