/** Which positions of Data.db a dump reads: all of it, single keys, or ranges of tokens; and where a long stretch can be cut for workers. */
import { LsmctlError } from '../../bytes/errors.js';
import { hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import type { Storage } from '../../bytes/source.js';
import { openIndexFile } from '../../sstable/index-file.js';
import { readKeyRange } from '../../sstable/key-range.js';
import type { SSTable } from '../../sstable/sstable.js';
import { readSummary } from '../../sstable/summary.js';

/** Plain positions [start, end), at partition boundaries. */
export type PositionRange = {
  readonly start: number;
  readonly end: number;
  /** Only the partition at `start`: where it ends is not known. */
  readonly single?: boolean;
  /** End of the stretch that this range was cut from. */
  readonly stretchEnd: number;
};

/** Plain bytes of a range for a worker: a megabyte of text, say. */
const RANGE_BYTES = 1 << 17;

/** The whole file, cut where it is long. */
export function wholeFile(storage: Storage, sstable: SSTable): PositionRange[] {
  const { length } = sstable.data;
  return length === 0 ? [] : cut({ start: 0, end: length, stretchEnd: length }, splitPositions(storage, sstable));
}

/** `range` cut at those of the ascending `positions` that make pieces of a good size. */
export function cut(range: PositionRange, positions: readonly number[]): PositionRange[] {
  const ranges: PositionRange[] = [];
  let start = range.start;
  for (const position of positions) {
    if (position >= range.end) break;
    if (position - start < RANGE_BYTES) continue;
    ranges.push({ start, end: position, stretchEnd: range.end });
    start = position;
  }
  ranges.push({ start, end: range.end, stretchEnd: range.end });
  return ranges;
}

/**
 * Positions at which partitions begin, ascending, roughly a range apart; none where the index does not give them cheaply. They are hints: a
 * damaged index must not spoil the dump of a sound Data.db, so whoever uses them checks that each range ends where the next begins.
 */
function splitPositions(storage: Storage, sstable: SSTable): number[] {
  if (sstable.data.length < RANGE_BYTES * 3) return [];
  try {
    return sstable.descriptor.format === 'big' ? bigPositions(storage, sstable) : btiPositions(storage, sstable);
  } catch (error) {
    if (error instanceof LsmctlError) return [];
    throw error;
  }
}

function bigPositions(storage: Storage, sstable: SSTable): number[] {
  const summary = readSummary(storage, sstable.descriptor);
  if (!summary) return [];
  const { entries } = summary;
  const index = openIndexFile(storage, sstable.descriptor, sstable.header.clusteringTypes);
  try {
    const wanted = Math.min(entries.length, Math.ceil(sstable.data.length / RANGE_BYTES));
    const positions: number[] = [];
    for (let i = 1; i < wanted; i++) {
      const position = entries.position(Math.floor((i * entries.length) / wanted));
      for (const entry of index.entries(position, position + 1, 512)) positions.push(entry.dataPosition);
    }
    return positions.sort((a, b) => a - b);
  } finally {
    index.close();
  }
}

/** What lies at evenly spaced tokens between the first key's and the last's. */
function btiPositions(storage: Storage, sstable: SSTable): number[] {
  const range = readKeyRange(storage, sstable.descriptor, sstable.statistics);
  const { partitioner } = sstable;
  if (!range || partitioner.name !== 'Murmur3Partitioner') return [];
  const [first, last] = [partitioner.tokenOf(range.first), partitioner.tokenOf(range.last)];
  if (first.kind !== 'long' || last.kind !== 'long') return [];
  const from = toBigInt(first.hi, first.lo);
  const wanted = BigInt(Math.ceil(sstable.data.length / RANGE_BYTES) * 2);
  const step = (toBigInt(last.hi, last.lo) - from) / wanted;
  const index = sstable.openIndex(storage);
  try {
    const positions: number[] = [];
    for (let i = 1n; step > 0n && i < wanted; i++) {
      const at = from + step * i;
      const token = { kind: 'long' as const, hi: hiOf(at), lo: loOf(at) };
      for (const { dataPosition } of index.entries({ from: { token, inclusive: true } })) {
        positions.push(dataPosition);
        break;
      }
    }
    return positions.sort((a, b) => a - b);
  } finally {
    index.close();
  }
}
