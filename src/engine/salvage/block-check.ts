/**
 * Whether rows may be read from a place that nothing but an index names. Rows have no mark by which one can be told from the middle of another; but
 * each says how long the one before it is. So some are read ahead, and must say the lengths that they were found to have.
 */
import { CorruptError } from '../../bytes/errors.js';
import { BOUND_KINDS, type ClusteringPrefix, compareClustering } from '../../cql/clustering.js';
import { DataCursor } from '../../sstable/data-cursor.js';
import type { DataFile } from '../../sstable/data-file.js';
import { isBoundary, isOpen } from '../../sstable/marker-buffer.js';
import { DeletionState } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, MARKER, ROW, UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import type { Version } from '../../sstable/version.js';

/** Rows that are read ahead at least, where the partition has so many. */
const LINKS = 8;
/** How far the bound is looked for that tells which range deletion is open. */
const MAX_AHEAD_BYTES = 64 << 20;

export type CheckedBlock = {
  /** Of the first row or marker. */
  readonly first: ClusteringPrefix;
  /** The range deletion that is open there, as the next bound in the data tells (not set: none); `undefined` where damage hides that bound. */
  readonly open: DeletionState | undefined;
};

/** Clustering or bound under a cursor, in memory of its own. */
export function placeOf(c: UnfilteredCursor, kind: number): ClusteringPrefix {
  const values = Array.from({ length: c.clusteringSize }, (_, i) =>
    c.clusteringStart[i]! < 0 ? null : c.in.buf.slice(c.clusteringStart[i]!, c.clusteringEnd[i]!),
  );
  return { kind: kind === ROW ? 'CLUSTERING' : BOUND_KINDS[c.boundKind]!, values };
}

export class BlockCheck {
  private readonly cursor: UnfilteredCursor;
  private readonly length: number;
  private readonly compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number;

  constructor(data: DataFile, header: SerializationHeader, version: Version) {
    this.cursor = new UnfilteredCursor(new DataCursor(data), header, version);
    this.length = data.length;
    this.compare = compareClustering(header.clusteringTypes);
  }

  /**
   * The rows from `position` on; `undefined` where they can't be read or told for rows.
   * @param after what was kept before them in the partition
   * @param isEnd whether a partition may end at a position
   */
  check(
    position: number,
    after: ClusteringPrefix | undefined,
    isEnd: (position: number) => boolean,
  ): CheckedBlock | undefined {
    const c = this.cursor;
    let first: ClusteringPrefix | undefined;
    let links = 0;
    let before = after;
    let previous = -1;
    let open: DeletionState | undefined;
    let isCertain = false;
    try {
      c.resumeAt(position, Math.min(this.length, position + MAX_AHEAD_BYTES));
      while (!isCertain || !open) {
        const kind = c.nextUnfiltered();
        if (kind === END) {
          // of a single row that is all there is to tell by
          if (links === 0 && !isEnd(c.in.offset)) return undefined;
          return first && { first, open: open ?? new DeletionState() };
        }
        if (previous >= 0) {
          if (c.previousSize !== c.position - previous) return undefined;
          links++;
        }
        previous = c.position;
        isCertain ||= links >= LINKS;
        if (!isCertain) {
          const place = placeOf(c, kind);
          if (before && this.compare(before, place) >= 0) return undefined;
          before = place;
          first ??= place;
          if (kind === ROW) readCells(c);
        }
        if (kind === MARKER) open ??= openBefore(c);
      }
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      if (links === 0) return undefined;
    }
    return first && { first, open };
  }
}

function readCells(c: UnfilteredCursor): void {
  while (c.nextColumn()) while (c.nextCell());
}

/** What is open before the marker on which the cursor stands. */
function openBefore(c: UnfilteredCursor): DeletionState {
  const state = new DeletionState();
  if (isOpen(c.boundKind) && !isBoundary(c.boundKind)) return state;
  state.set(c.deletion.hi, c.deletion.lo, c.deletion.localDeletionSeconds);
  return state;
}
