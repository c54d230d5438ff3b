/**
 * What a scan of a whole SSTable counts, by the rules of sstablemetadata's `-s`: static rows are rows, but their cells do not count; tombstones
 * are partition deletions, bounds and boundaries of ranges, and cells of rows, but no row deletions. Sizes are those of Cassandra's objects:
 *
 *   row              clustering values + 13, the liveness' 8 (20 where it expires)
 *   cell             20 + its value and path
 *   complex column   12 + its cells, less those that the column's own deletion shadows
 */
import { compare64 } from '../bytes/int64.js';
import type { SSTable } from '../sstable/sstable.js';
import { END, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';

export type ScanOverview = {
  /** Of Data.db before compression. */
  readonly plainBytes: number;
  readonly partitions: number;
  readonly rows: number;
  readonly tombstones: number;
  readonly cells: number;
  /** Partitions with most rows, in the tool's order. */
  readonly widest: readonly Leader[];
  /** By bytes. */
  readonly largest: readonly Leader[];
  readonly mostTombstones: readonly Leader[];
};

export type Leader = { readonly key: Uint8Array; readonly value: number };

const ROW_BYTES = 13;
const LIVENESS_BYTES = 8;
const EXPIRING_LIVENESS_BYTES = 20;
const CELL_BYTES = 20;
const COMPLEX_BYTES = 12;

/** Of the partition in hand. */
type Counts = { rows: number; bytes: number; tombstones: number; cells: number };

/** @param onPartition is told the position in the plain data now and then. @throws CorruptError */
export function scanOverview(sstable: SSTable, onPartition: (position: number) => void = () => {}): ScanOverview {
  const c = sstable.cursor();
  const [widest, largest, mostTombstones] = [new Leaders(), new Leaders(), new Leaders()];
  const sums = { partitions: 0, rows: 0, tombstones: 0, cells: 0 };
  while (c.nextPartition()) {
    const counts = countPartition(c);
    sums.partitions++;
    sums.rows += counts.rows;
    sums.tombstones += counts.tombstones;
    sums.cells += counts.cells;
    widest.add(c, counts.rows);
    largest.add(c, counts.bytes);
    mostTombstones.add(c, counts.tombstones);
    onPartition(c.partitionPosition);
  }
  return {
    plainBytes: sstable.data.length,
    ...sums,
    widest: widest.sorted(),
    largest: largest.sorted(),
    mostTombstones: mostTombstones.sorted(),
  };
}

function countPartition(c: UnfilteredCursor): Counts {
  const counts: Counts = { rows: 0, bytes: 0, tombstones: c.hasPartitionDeletion ? 1 : 0, cells: 0 };
  if (c.readStaticRow() && !c.isEmptyRow()) {
    counts.rows++;
    countRow(c, counts, false);
  }
  for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
    if (kind !== ROW) {
      counts.tombstones++;
    } else if (!c.isEmptyRow()) {
      counts.rows++;
      countRow(c, counts, true);
    }
  }
  return counts;
}

function countRow(c: UnfilteredCursor, counts: Counts, withCells: boolean): void {
  let bytes = ROW_BYTES;
  for (let i = 0; i < c.clusteringSize; i++) {
    if (c.clusteringStart[i]! >= 0) bytes += c.clusteringEnd[i]! - c.clusteringStart[i]!;
  }
  bytes += c.hasLiveness && c.livenessTtl !== 0 ? EXPIRING_LIVENESS_BYTES : LIVENESS_BYTES;
  const d = c.complexDeletion;
  while (c.nextColumn()) {
    const { isComplex } = c.column;
    if (isComplex) bytes += COMPLEX_BYTES;
    while (c.nextCell()) {
      if (isComplex && c.hasComplexDeletion && compare64(c.cellHi, c.cellLo, d.hi, d.lo) < 0) continue;
      bytes += CELL_BYTES + (c.valueEnd - c.valueStart) + (isComplex ? c.pathEnd - c.pathStart : 0);
      if (!withCells) continue;
      counts.cells++;
      if (c.cellIsDeleted) counts.tombstones++;
    }
  }
  counts.bytes += bytes;
}

const LEADERS = 5;

/**
 * The five partitions with the highest values. Which of equal ones are kept, and in what order they come out, is what the tool's double-ended
 * heap makes of them: entry 0 is the highest; 1 and 2 are the lowest of their branches, 3 and 4 (with 5 for a moment) stand below 1 and 2.
 */
class Leaders {
  private readonly heap: Leader[] = [];

  add(c: UnfilteredCursor, value: number): void {
    const { heap } = this;
    if (heap.length === LEADERS && value < heap[1]!.value && value < heap[2]!.value) return;
    this.rise(heap.length, { key: c.key.slice(0, c.keyLength), value });
    if (heap.length > LEADERS) this.dropLowest();
  }

  /** Highest first; equal ones as they stand in the heap. */
  sorted(): Leader[] {
    return [...this.heap].sort((a, b) => b.value - a.value);
  }

  /** Puts `leader` at the end, and from there to where it belongs. */
  private rise(at: number, leader: Leader): void {
    const { heap } = this;
    heap[at] = leader;
    if (at === 0) return;
    if (at <= 2) {
      if (leader.value > heap[0]!.value) this.swap(at, 0);
      return;
    }
    let parent = at === 5 ? 2 : 1;
    // entry 2 has nobody below it yet, so it stands in for its neighbour where it is higher
    if (parent === 1 && heap[2]!.value > heap[1]!.value) parent = 2;
    if (leader.value < heap[parent]!.value) this.swap(at, parent);
    else if (leader.value > heap[0]!.value) this.swap(at, 0);
  }

  private dropLowest(): void {
    const { heap } = this;
    const lowest = heap[1]!.value <= heap[2]!.value ? 1 : 2;
    heap[lowest] = heap.pop()!;
    if (lowest === 1) {
      const below = heap[4]!.value < heap[3]!.value ? 4 : 3;
      if (heap[below]!.value < heap[1]!.value) {
        this.swap(below, 1);
        if (heap[below]!.value > heap[0]!.value) this.swap(below, 0);
        return;
      }
    }
    if (heap[lowest]!.value > heap[0]!.value) this.swap(lowest, 0);
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  }
}
