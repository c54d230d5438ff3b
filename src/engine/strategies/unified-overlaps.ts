/**
 * Where SSTables overlap: the keys cut into sections, each the SSTables that share some key, and sections put together into buckets that are
 * compacted each by itself (Cassandra's Overlaps).
 *
 *   A ──────            sections AB, BC, CD       (what is less than a section, as A alone, is left out)
 *   B     ──────
 *   C          ──────   of these those with `threshold` SSTables or more begin a bucket, to which is added, by overlap_inclusion_method
 *   D               ──    none: nothing   single: sections that share an SSTable with it   transitive: and those that share one with these, …
 */
import { compareDecorated, type DecoratedKey } from '../../sstable/partitioner.js';
import type { Candidate } from './strategy.js';
import type { UnifiedOptions } from './unified-options.js';

/** SSTables of which any two share a key. */
export type Section<T> = ReadonlySet<T>;

/** An SSTable from its first key to its last, both as places in the order of all first and last keys: equal keys have the same place. */
type Span<T> = { readonly sstable: T; readonly first: number; readonly last: number };

/** In the order of keys. Every key's SSTables are together in some section, and an SSTable is in sections that follow one another. */
export function sectionsOf<T extends Candidate>(sstables: readonly T[]): Section<T>[] {
  const sections: Section<T>[] = [];
  // By their last keys.
  const active: Span<T>[] = [];
  for (const span of spansOf(sstables)) {
    if (active.length > 0 && span.first > active[0]!.last) {
      sections.push(new Set(active.map(({ sstable }) => sstable)));
      active.splice(0, firstAbove(active, span.first - 1));
    }
    active.splice(firstAbove(active, span.last), 0, span);
  }
  if (active.length > 0) sections.push(new Set(active.map(({ sstable }) => sstable)));
  return sections;
}

/** Sections in groups that no chain of overlaps connects, in their order. */
export function connectedSections<T>(sections: readonly Section<T>[]): Section<T>[][] {
  const groups: Section<T>[][] = [];
  for (const section of sections) {
    const before = groups.at(-1);
    if (before && intersect(section, before.at(-1)!)) before.push(section);
    else groups.push([section]);
  }
  return groups;
}

/** The sections of each bucket. A section that does not reach the threshold is in none, or in that of its neighbours. */
export function bucketsOf<T>(
  sections: readonly Section<T>[],
  threshold: number,
  inclusion: UnifiedOptions['overlapInclusion'],
): Section<T>[][] {
  const buckets: Section<T>[][] = [];
  let free = 0;
  for (let i = 0; i < sections.length; i++) {
    if (sections[i]!.size < threshold) continue;
    const [start, end] = inclusion === 'none' ? [i, i + 1] : reach(sections, i, free, inclusion);
    buckets.push(sections.slice(start, end));
    i = end - 1;
    free = end;
  }
  return buckets;
}

/** From where to where a bucket that begins with section `i` goes; sections before `free` belong to others. */
function reach<T>(
  sections: readonly Section<T>[],
  i: number,
  free: number,
  inclusion: 'single' | 'transitive',
): [start: number, end: number] {
  const target = new Set(sections[i]);
  const joins = (at: number): boolean => {
    const section = sections[at];
    if (!section || !intersect(section, target)) return false;
    if (inclusion === 'transitive') for (const sstable of section) target.add(sstable);
    return true;
  };
  let start = i;
  while (start > free && joins(start - 1)) start--;
  let end = i + 1;
  while (joins(end)) end++;
  return [start, end];
}

/** @param oldestLast of these as many from the end as bring no section above `limit`; all where none would be */
export function lastWithinLimit<T>(oldestLast: readonly T[], sections: readonly Section<T>[], limit: number): T[] {
  const firstSection = new Map<T, number>();
  for (const [i, section] of sections.entries()) {
    for (const sstable of section) if (!firstSection.has(sstable)) firstSection.set(sstable, i);
  }
  const chosen: T[] = [];
  const counts = new Array<number>(sections.length).fill(0);
  for (const sstable of oldestLast.toReversed()) {
    for (let i = firstSection.get(sstable)!; sections[i]?.has(sstable); i++) if (++counts[i]! > limit) return chosen;
    chosen.push(sstable);
  }
  return chosen;
}

/** The SSTables of sections that follow one another. */
export function membersOf<T>(sections: readonly Section<T>[]): T[] {
  return sections.flatMap((section, i) => {
    const before = sections[i - 1];
    return before ? [...section].filter((sstable) => !before.has(sstable)) : [...section];
  });
}

function intersect<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  for (const element of small) if (large.has(element)) return true;
  return false;
}

/** In the order of first keys. */
function spansOf<T extends Candidate>(sstables: readonly T[]): Span<T>[] {
  const partitioner = sstables[0]?.partitioner;
  if (!partitioner) return [];
  type End = { readonly key: DecoratedKey; readonly sstable: number; readonly side: 0 | 1 };
  const ends = sstables.flatMap(({ first, last }, sstable): End[] => [
    { key: first, sstable, side: 0 },
    { key: last, sstable, side: 1 },
  ]);
  ends.sort((a, b) => compareDecorated(partitioner, a.key, b.key));
  const places = sstables.map(() => [0, 0] as [number, number]);
  let place = 0;
  for (const [i, { key, sstable, side }] of ends.entries()) {
    if (i > 0 && compareDecorated(partitioner, ends[i - 1]!.key, key) !== 0) place++;
    places[sstable]![side] = place;
  }
  const spans = sstables.map((sstable, i) => ({ sstable, first: places[i]![0], last: places[i]![1] }));
  return spans.sort((a, b) => a.first - b.first);
}

/** Index of the first of `active` that ends after `place`. */
function firstAbove<T>(active: readonly Span<T>[], place: number): number {
  let low = 0;
  let high = active.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (active[middle]!.last > place) high = middle;
    else low = middle + 1;
  }
  return low;
}
