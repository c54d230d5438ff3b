/**
 * Every version that the SSTables of a partition hold of every cell, and what became of it:
 *
 *   live        it is the answer                       merged     a counter's part: parts add up
 *   shadowed    another SSTable has a newer one        deleted    by a tombstone of its partition, range, row or column
 *   expired     its time to live is over               tombstone  it is a deletion itself, and the newest word on its cell
 *
 * One row at a time: memory does not grow with the partition.
 */
import { toBigInt } from '../../bytes/int64.js';
import { compareBytes } from '../../cql/token.js';
import { isCounter } from '../../cql/type-facts.js';
import { readMarker, readRow } from '../../sstable/partition-view.js';
import type { Cell, Column, DeletionTime, LivenessInfo, Row } from '../../sstable/row.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, ROW } from '../../sstable/unfiltered-cursor.js';
import { compareUnfiltered } from '../merge/clustering-order.js';
import { nameKey } from '../merge/merge-source.js';
import { SourceHeap } from '../merge/source-heap.js';
import type { ReadSource } from './read-source.js';

export type DeletionScope = 'partition' | 'range' | 'row' | 'column';

/** A deletion, and the SSTable that holds it: its place among the sources. */
export type Tombstone = {
  readonly scope: DeletionScope;
  readonly source: number;
  readonly time: DeletionTime;
  /** Of deletions of a column: its name. */
  readonly column?: string;
};

export type Verdict =
  | { readonly kind: 'live' | 'merged' | 'tombstone' }
  | { readonly kind: 'expired'; readonly atSeconds: number }
  | { readonly kind: 'shadowed'; readonly source: number; readonly timestampMicros: bigint }
  | { readonly kind: 'deleted'; readonly by: Tombstone };

export type CellVersion = {
  readonly source: number;
  readonly cell: Cell;
  readonly verdict: Verdict;
  /** Of tombstones and what has expired: unix seconds from which gc_grace_seconds lets a compaction drop it. */
  readonly purgeableFromSeconds?: number;
};

export type LivenessVersion = {
  readonly source: number;
  readonly liveness: LivenessInfo;
  readonly verdict: Verdict;
  readonly purgeableFromSeconds?: number;
};

export type TombstoneVersion = Tombstone & { readonly verdict: Verdict; readonly purgeableFromSeconds?: number };

/** Versions of one cell, newest first. */
export type CellHistory = {
  readonly column: Column;
  readonly path?: Uint8Array;
  readonly versions: readonly CellVersion[];
};

export type RowHistory = {
  readonly isStatic: boolean;
  readonly clustering: readonly (Uint8Array | null)[];
  readonly liveness: readonly LivenessVersion[];
  /** Deletions of the row, of ranges over it and of its columns; those of the partition are told once. */
  readonly tombstones: readonly TombstoneVersion[];
  readonly cells: readonly CellHistory[];
};

export type VersionOptions = {
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number | undefined;
  /** When columns were dropped, µs by {@link nameKey}: cells up to then are not shown. */
  readonly droppedMicros: ReadonlyMap<string, bigint>;
};

type Version = { readonly source: number; readonly row: Row };

export class VersionWalk {
  /** Deletions of the whole partition. */
  readonly partition: readonly TombstoneVersion[];
  private readonly sources: readonly ReadSource[];
  private readonly options: VersionOptions;
  private readonly types: SerializationHeader['clusteringTypes'];
  private readonly partitionTombstones: readonly Tombstone[];

  /** @param sources opened, newest first; `header` of all of them */
  constructor(sources: readonly ReadSource[], header: SerializationHeader, options: VersionOptions) {
    this.sources = sources;
    this.options = options;
    this.types = header.clusteringTypes;
    this.partitionTombstones = sources.flatMap(({ cursor }, source): Tombstone[] => {
      if (!cursor.hasPartitionDeletion) return [];
      const { hi, lo, localDeletionSeconds } = cursor.partitionDeletion;
      return [
        { scope: 'partition', source, time: { markedForDeleteAtMicros: toBigInt(hi, lo), localDeletionSeconds } },
      ];
    });
    this.partition = this.tombstones(this.partitionTombstones, []);
  }

  /** The static row, where there is one, then the rows in their order. @throws CorruptError */
  *rows(): Generator<RowHistory> {
    const statics = this.sources.flatMap(({ cursor }, source) =>
      cursor.readStaticRow() && !cursor.isEmptyRow() ? [{ source, row: readRow(cursor) }] : [],
    );
    if (statics.length > 0) yield this.history(statics, []);
    const compare = compareUnfiltered(this.types);
    const heap = new SourceHeap((a, b) => compare(a.cursor, a.kind, b.cursor, b.kind));
    const open: (DeletionTime | undefined)[] = this.sources.map(() => undefined);
    this.sources.forEach((source, slot) => {
      source.slot = slot;
      source.next();
      if (source.kind !== END) heap.push(source);
    });
    while (heap.size > 0) {
      const level = [heap.pop() as ReadSource];
      const first = level[0]!;
      while (heap.size > 0 && compare(heap.top.cursor, heap.top.kind, first.cursor, first.kind) === 0) {
        level.push(heap.pop() as ReadSource);
      }
      if (first.kind === ROW) {
        const isInside = !first.isBeforeSlice();
        const versions = level
          .map((source) => ({ source: source.slot, row: readRow(source.cursor) }))
          .sort((a, b) => a.source - b.source);
        if (isInside) yield this.history(versions, rangesOf(open));
      } else {
        for (const source of level) open[source.slot] = readMarker(source.cursor).open;
      }
      for (const source of level) {
        source.next();
        if (source.kind !== END) heap.push(source);
      }
    }
  }

  private history(versions: readonly Version[], ranges: readonly Tombstone[]): RowHistory {
    const { row } = versions[0]!;
    const rowTombstones = versions.flatMap(({ source, row: { deletion } }): Tombstone[] =>
      deletion ? [{ scope: 'row', source, time: deletion }] : [],
    );
    const over = [...this.partitionTombstones, ...ranges, ...rowTombstones];
    const columns = this.columns(versions, over);
    return {
      isStatic: row.isStatic,
      clustering: row.clustering,
      liveness: this.liveness(versions, over),
      tombstones: [...this.tombstones([...ranges, ...rowTombstones], over), ...columns.flatMap((c) => c.tombstones)],
      cells: columns.flatMap((c) => c.cells),
    };
  }

  private liveness(versions: readonly Version[], over: readonly Tombstone[]): LivenessVersion[] {
    const all = versions.flatMap(({ source, row: { liveness } }) => (liveness ? [{ source, liveness }] : []));
    all.sort((a, b) => compareBig(b.liveness.timestampMicros, a.liveness.timestampMicros));
    const newest = all.find(({ liveness }) => !killer(liveness.timestampMicros, over));
    return all.map((version) => {
      const { liveness } = version;
      const by = killer(liveness.timestampMicros, over);
      if (by) return { ...version, verdict: { kind: 'deleted', by } };
      if (version !== newest)
        return { ...version, verdict: shadowedBy(newest!.source, newest!.liveness.timestampMicros) };
      const at = liveness.localExpirationSeconds;
      if (at !== undefined && at <= this.options.nowSeconds)
        return { ...version, verdict: { kind: 'expired', atSeconds: at }, ...this.purgeable(at) };
      return { ...version, verdict: { kind: 'live' } };
    });
  }

  private columns(versions: readonly Version[], over: readonly Tombstone[]) {
    const byColumn = new Map<string, { column: Column; tombstones: Tombstone[]; cells: Map<string, CellOf[]> }>();
    const at = (column: Column) => {
      const name = nameKey(column.nameBytes);
      const known = byColumn.get(name) ?? { column, tombstones: [], cells: new Map<string, CellOf[]>() };
      byColumn.set(name, known);
      return known;
    };
    for (const { source, row } of versions) {
      for (const { column, deletion } of row.complexDeletions) {
        if (this.isDropped(column, deletion.markedForDeleteAtMicros)) continue;
        at(column).tombstones.push({ scope: 'column', source, time: deletion, column: column.name });
      }
      for (const cell of row.cells) {
        if (this.isDropped(cell.column, cell.timestampMicros)) continue;
        const { cells } = at(cell.column);
        const path = cell.path ? Buffer.from(cell.path).toString('latin1') : '';
        cells.set(path, [...(cells.get(path) ?? []), { source, cell }]);
      }
    }
    return [...byColumn.values()].map(({ column, tombstones, cells }) => ({
      tombstones: this.tombstones(tombstones, over),
      cells: [...cells.values()].map((list): CellHistory => {
        const { path } = list[0]!.cell;
        return { column, ...(path && { path }), versions: this.cells(list, [...over, ...tombstones]) };
      }),
    }));
  }

  private isDropped(column: Column, timestampMicros: bigint): boolean {
    const dropped = this.options.droppedMicros.get(nameKey(column.nameBytes));
    return dropped !== undefined && timestampMicros <= dropped;
  }

  private cells(list: readonly CellOf[], over: readonly Tombstone[]): CellVersion[] {
    const sorted = list.toSorted((a, b) => compareCells(b.cell, a.cell));
    const alive = sorted.filter(({ cell, source }) => !killer(cell.timestampMicros, over, source));
    const counts = isCounter(list[0]!.cell.column.type) && !alive.some(({ cell }) => cell.isTombstone);
    return sorted.map(({ source, cell }) => {
      const by = killer(cell.timestampMicros, over, source);
      if (by) return { source, cell, verdict: { kind: 'deleted', by } };
      if (counts && alive.length > 1) return { source, cell, verdict: { kind: 'merged' } };
      const newest = alive[0]!;
      if (newest.cell !== cell)
        return { source, cell, verdict: shadowedBy(newest.source, newest.cell.timestampMicros) };
      return { source, cell, ...this.newest(cell) };
    });
  }

  private newest(cell: Cell): Pick<CellVersion, 'verdict' | 'purgeableFromSeconds'> {
    const at = cell.localDeletionSeconds;
    if (cell.isTombstone) return { verdict: { kind: 'tombstone' }, ...this.purgeable(at!) };
    if (at === undefined || at > this.options.nowSeconds) return { verdict: { kind: 'live' } };
    // what has expired counts as deleted since it was written, but goes no earlier than it expires
    const from = this.purgeable(at - (cell.ttlSeconds ?? 0)).purgeableFromSeconds;
    return {
      verdict: { kind: 'expired', atSeconds: at },
      ...(from !== undefined && { purgeableFromSeconds: Math.max(at, from) }),
    };
  }

  private tombstones(own: readonly Tombstone[], over: readonly Tombstone[]): TombstoneVersion[] {
    return own.map((tombstone) => {
      const { time } = tombstone;
      const stronger = strongest(
        [...over, ...own].filter((other) => other !== tombstone && supersedes(other.time, time)),
      );
      const verdict: Verdict = stronger ? { kind: 'deleted', by: stronger } : { kind: 'tombstone' };
      return { ...tombstone, verdict, ...this.purgeable(time.localDeletionSeconds) };
    });
  }

  private purgeable(localDeletionSeconds: number): { readonly purgeableFromSeconds?: number } {
    const { gcGraceSeconds } = this.options;
    if (gcGraceSeconds === undefined) return {};
    return { purgeableFromSeconds: localDeletionSeconds + gcGraceSeconds + 1 };
  }
}

type CellOf = { readonly source: number; readonly cell: Cell };

function rangesOf(open: readonly (DeletionTime | undefined)[]): Tombstone[] {
  return open.flatMap((time, source): Tombstone[] => (time ? [{ scope: 'range', source, time }] : []));
}

function shadowedBy(source: number, timestampMicros: bigint): Verdict {
  return { kind: 'shadowed', source, timestampMicros };
}

/**
 * The strongest deletion of what was written at a time. Of a column's own cells in the same SSTable, those of the deletion's own time stay.
 */
function killer(timestampMicros: bigint, over: readonly Tombstone[], source = -1): Tombstone | undefined {
  return strongest(
    over.filter(({ scope, source: from, time: { markedForDeleteAtMicros: at } }) =>
      scope === 'column' && from === source ? timestampMicros < at : timestampMicros <= at,
    ),
  );
}

function strongest(tombstones: readonly Tombstone[]): Tombstone | undefined {
  let found: Tombstone | undefined;
  for (const tombstone of tombstones) if (!found || supersedes(tombstone.time, found.time)) found = tombstone;
  return found;
}

function supersedes(a: DeletionTime, b: DeletionTime): boolean {
  const c = compareBig(a.markedForDeleteAtMicros, b.markedForDeleteAtMicros);
  return c > 0 || (c === 0 && a.localDeletionSeconds > b.localDeletionSeconds);
}

/** Positive where `a` wins: the later; then what ends before what lives; tombstones before what expires; the later end; the greater value. */
function compareCells(a: Cell, b: Cell): number {
  const time = compareBig(a.timestampMicros, b.timestampMicros);
  if (time !== 0) return time;
  const [aEnd, bEnd] = [a.localDeletionSeconds, b.localDeletionSeconds];
  if ((aEnd === undefined) !== (bEnd === undefined)) return aEnd === undefined ? -1 : 1;
  if (a.isTombstone !== b.isTombstone) return a.isTombstone ? 1 : -1;
  if (aEnd !== undefined && aEnd !== bEnd) return aEnd - bEnd!;
  return compareBytes(a.value, 0, a.value.length, b.value, 0, b.value.length);
}

function compareBig(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
