/**
 * Drops from merged SSTables what others, outside of the merge, hide (Cassandra's GarbageSkipper): data under their deletions, with `cell` also
 * cells that they overwrite, and deletions that theirs supersede. Nothing of theirs is added: merged with them, what is left reads as before.
 *
 *   merged SSTables ── UnfilteredMerge ─┬─ GarbageSkipper ─ what is left
 *   SSTables outside ─ UnfilteredMerge ─┘
 *
 * Both are walked in the order of clusterings. Three deletions are kept account of: `dataOpen` and `tombOpen`, the range that is open on either side,
 * and `open`, the one that was handed on and not closed yet. A range of the data's that is superseded where it begins is handed on from where that
 * ends; one that begins to be superseded later is left open, which may save a close and an open.
 */
import {
  EXCL_END_BOUND,
  EXCL_START_BOUND,
  INCL_END_BOUND,
  INCL_START_BOUND,
  isBeforeClustering,
  isBoundary,
  isOpen,
  MarkerBuffer,
} from '../../sstable/marker-buffer.js';
import { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, MARKER, ROW } from '../../sstable/unfiltered-cursor.js';
import type { MergeSource } from './merge-source.js';
import type { LostBytes } from './row-merge.js';
import { RowShadow } from './row-shadow.js';
import { type PartitionStream, UnfilteredMerge } from './unfiltered-merge.js';

/** What hides data of a merge. */
export type Shadows = {
  /** `row`: deletions of partitions, ranges and rows; `cell`: those of columns and cells too, and newer cells. */
  readonly level: 'row' | 'cell';
  /** To which the sources map their columns. */
  readonly header: SerializationHeader;
  /** Those that have the partition under `source`, each standing at it, and have anything to it. */
  readonly at: (source: MergeSource) => readonly MergeSource[];
};

export class GarbageSkipper implements PartitionStream {
  readonly deletion = new DeletionState();
  staticRow = new RowBuffer();
  row = new RowBuffer();
  marker = new MarkerBuffer();
  private readonly shadows: Shadows;
  private readonly hasStatic: boolean;
  private readonly data: UnfilteredMerge;
  private readonly tombs: UnfilteredMerge;
  private readonly rowShadow: RowShadow;
  private dataKind = END;
  private tombKind = END;
  /** Whether that side goes on at the next step. What it stands on is needed until then. */
  private passesData = true;
  private passesTomb = true;
  private readonly dataOpen = new DeletionState();
  private readonly tombOpen = new DeletionState();
  private readonly open = new DeletionState();
  private readonly partitionDeletion = new DeletionState();
  /** What hides data at this point: the partition's deletion or the open range, of the tombs. */
  private readonly active = new DeletionState();
  private readonly rowDeletion = new DeletionState();
  private readonly bound = new MarkerBuffer();

  /** @param data what is filtered, rows and deletion of which have the columns of `header`; what goes is counted in `lost` */
  constructor(data: UnfilteredMerge, header: SerializationHeader, shadows: Shadows, lost: LostBytes) {
    this.data = data;
    this.shadows = shadows;
    this.hasStatic = header.staticColumns.length > 0;
    this.tombs = new UnfilteredMerge(shadows.header);
    this.rowShadow = new RowShadow(header, shadows.header, lost);
  }

  /** The partition that the data has begun, under `source`. @returns what is left of it: the data as it is where nothing can hide any. @throws CorruptError */
  begin(source: MergeSource): PartitionStream {
    const found = this.shadows.at(source);
    const { data, tombs } = this;
    if (found.length === 0) return data;
    tombs.begin(found);
    this.partitionDeletion.copy(tombs.deletion);
    this.active.copy(tombs.deletion);
    if (data.deletion.supersedes(tombs.deletion)) this.deletion.copy(data.deletion);
    else this.deletion.clear();
    this.staticRow = data.staticRow;
    if (this.hasStatic && !this.filterRow(this.staticRow, tombs.staticRow)) this.staticRow.clearStatic();
    this.dataOpen.clear();
    this.tombOpen.clear();
    this.open.clear();
    this.passesData = true;
    this.passesTomb = true;
    return this;
  }

  step(): number {
    const { data, tombs } = this;
    for (;;) {
      if (this.passesData) this.dataKind = data.step();
      if (this.dataKind === END) return END;
      if (this.passesTomb) this.tombKind = tombs.step();
      const order = this.tombKind === END ? -1 : this.compare();
      this.passesData = order <= 0;
      this.passesTomb = order >= 0;
      const kind = order > 0 ? this.tombAlone() : this.dataKind === ROW ? this.dataRow(order) : this.dataMarker(order);
      if (kind === MARKER) updateOpen(this.open, this.marker);
      if (kind !== END) return kind;
    }
  }

  private compare(): number {
    const { data, tombs } = this;
    const [a, b] = [data.at!, tombs.at!];
    return data.compareClusterings(a.cursor, a.kind, b.cursor, b.kind);
  }

  /** @returns ROW, END where nothing is left of it */
  private dataRow(order: number): number {
    const { data, tombs, active } = this;
    this.row = data.row;
    const isLeft = order === 0 ? this.filterRow(data.row, tombs.row) : this.rowShadow.filter(data.row, active);
    return isLeft ? ROW : END;
  }

  private filterRow(row: RowBuffer, tomb: RowBuffer): boolean {
    const { active, rowDeletion, rowShadow } = this;
    if (this.shadows.level === 'cell') return rowShadow.subtract(row, tomb, active);
    rowDeletion.copy(active.supersedes(tomb.deletion) ? active : tomb.deletion);
    return rowShadow.filter(row, rowDeletion);
  }

  /** A marker of the data: whole, one side of it, or nothing (END), as what it ends was handed on and what it begins is not superseded. */
  private dataMarker(order: number): number {
    const { marker } = this.data;
    if (order === 0) this.updateTomb();
    updateOpen(this.dataOpen, marker);
    const closes = this.open.isSet;
    const opens = this.dataOpen.supersedes(this.active);
    if (closes && opens) {
      this.marker = marker;
      return MARKER;
    }
    if (closes)
      return this.handBound(marker, isBeforeClustering(marker.kind) ? EXCL_END_BOUND : INCL_END_BOUND, marker.deletion);
    if (opens) return this.handBound(marker, startKind(marker), this.dataOpen);
    return END;
  }

  /** A row or marker that only the tombs have: where their range ends, the data's may have to be opened. */
  private tombAlone(): number {
    if (this.tombKind !== MARKER) return END;
    this.updateTomb();
    if (this.open.isSet || !this.dataOpen.supersedes(this.active)) return END;
    const { marker } = this.tombs;
    return this.handBound(marker, startKind(marker), this.dataOpen);
  }

  private updateTomb(): void {
    const { tombOpen, partitionDeletion, active } = this;
    updateOpen(tombOpen, this.tombs.marker);
    active.copy(tombOpen.supersedes(partitionDeletion) ? tombOpen : partitionDeletion);
  }

  private handBound(place: MarkerBuffer, kind: number, deletion: DeletionState): number {
    const { bound } = this;
    bound.kind = kind;
    bound.clusteringBuf = place.clusteringBuf;
    bound.clusteringStart = place.clusteringStart;
    bound.clusteringEnd = place.clusteringEnd;
    bound.clusteringSize = place.clusteringSize;
    bound.deletion.copy(deletion);
    this.marker = bound;
    return MARKER;
  }
}

/** A range that begins at the place of a marker. */
function startKind({ kind }: MarkerBuffer): number {
  return isBeforeClustering(kind) ? INCL_START_BOUND : EXCL_START_BOUND;
}

function updateOpen(state: DeletionState, marker: MarkerBuffer): void {
  if (!isOpen(marker.kind)) state.clear();
  else state.copy(isBoundary(marker.kind) ? marker.openDeletion : marker.deletion);
}
