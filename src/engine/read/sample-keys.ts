/** Keys drawn by the size of their partitions: a place of the plain Data.db files is drawn, and the partition that lies there is taken. */
import type { PartitionEntry } from '../../sstable/partition-index.js';
import type { SSTable } from '../../sstable/sstable.js';
import type { ReadCandidate } from './read-candidate.js';

/** A generator of numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** `count` keys; one may come more than once. @param random numbers in [0, 1) @throws CorruptError, UsageError */
export async function sampleKeys(
  candidates: readonly ReadCandidate[],
  count: number,
  random: () => number,
): Promise<Uint8Array[]> {
  const sstables: SSTable[] = [];
  for (const candidate of candidates) sstables.push(await candidate.open());
  const total = sstables.reduce((sum, { data }) => sum + data.length, 0);
  const places = Float64Array.from({ length: count }, () => random() * total).sort();
  const keys: Uint8Array[] = [];
  let before = 0;
  let next = 0;
  sstables.forEach((sstable, i) => {
    const end = before + sstable.data.length;
    const first = next;
    while (next < count && places[next]! < end) next++;
    const own = Array.from(places.subarray(first, next), (place) => place - before);
    keys.push(...keysAt(candidates[i]!, sstable, own));
    before = end;
  });
  return keys;
}

/** The keys of the partitions in which these ascending positions lie. */
function keysAt(candidate: ReadCandidate, sstable: SSTable, positions: readonly number[]): Uint8Array[] {
  const keys: Uint8Array[] = [];
  if (positions.length === 0) return keys;
  let at: PartitionEntry | undefined;
  let i = 0;
  for (const entry of candidate.index(sstable).entries()) {
    for (; at && i < positions.length && positions[i]! < entry.dataPosition; i++) keys.push(keyOf(sstable, at));
    at = entry;
    if (i === positions.length) return keys;
  }
  for (; at && i < positions.length; i++) keys.push(keyOf(sstable, at));
  return keys;
}

function keyOf(sstable: SSTable, { key, dataPosition }: PartitionEntry): Uint8Array {
  return key ? key.slice() : sstable.keyAt(dataPosition);
}
