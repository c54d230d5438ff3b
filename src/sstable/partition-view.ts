/** Objects from the cursor: `Partition`, `Row`, `Cell` and `RangeTombstoneMarker` of `row.ts`, each a copy that lives as long as it is wanted. */
import { toBigInt } from '../bytes/int64.js';
import { type DeletionSlot, NO_DELETION_TIME } from './deletion-slot.js';
import {
  BOUND_KINDS,
  type Cell,
  type DeletionTime,
  type Partition,
  type RangeTombstoneMarker,
  type Row,
  type Unfiltered,
} from './row.js';
import { END, ROW, type UnfilteredCursor } from './unfiltered-cursor.js';

function deletionOf(slot: DeletionSlot): DeletionTime {
  return { markedForDeleteAtMicros: toBigInt(slot.hi, slot.lo), localDeletionSeconds: slot.localDeletionSeconds };
}

function clusteringOf(c: UnfilteredCursor): (Uint8Array | null)[] {
  const values: (Uint8Array | null)[] = [];
  for (let i = 0; i < c.clusteringSize; i++) {
    const start = c.clusteringStart[i]!;
    values.push(start < 0 ? null : c.in.buf.slice(start, c.clusteringEnd[i]!));
  }
  return values;
}

function cellOf(c: UnfilteredCursor): Cell {
  const buf = c.in.buf;
  return {
    column: c.column,
    ...(c.column.isComplex && { path: buf.slice(c.pathStart, c.pathEnd) }),
    timestampMicros: toBigInt(c.cellHi, c.cellLo),
    ...(c.cellTtl !== 0 && { ttlSeconds: c.cellTtl }),
    ...(c.cellLocalDeletion !== NO_DELETION_TIME && { localDeletionSeconds: c.cellLocalDeletion }),
    isTombstone: c.cellIsDeleted,
    value: buf.slice(c.valueStart, c.valueEnd),
  };
}

/** The row on which the cursor stands, read to its end. */
export function readRow(c: UnfilteredCursor): Row {
  const clustering = clusteringOf(c);
  const cells: Cell[] = [];
  const complexDeletions: { column: Row['cells'][number]['column']; deletion: DeletionTime }[] = [];
  const row = {
    kind: 'row' as const,
    isStatic: c.isStatic,
    clustering,
    ...(c.hasLiveness && {
      liveness: {
        timestampMicros: toBigInt(c.livenessHi, c.livenessLo),
        ...(c.livenessTtl !== 0 && { ttlSeconds: c.livenessTtl, localExpirationSeconds: c.livenessLocalExpiration }),
      },
    }),
    ...(c.hasDeletion && { deletion: deletionOf(c.deletion) }),
    isDeletionShadowable: c.hasDeletion && c.isDeletionShadowable,
    complexDeletions,
    cells,
    position: c.position,
  };
  while (c.nextColumn()) {
    if (c.hasComplexDeletion) complexDeletions.push({ column: c.column, deletion: deletionOf(c.complexDeletion) });
    while (c.nextCell()) cells.push(cellOf(c));
  }
  return row;
}

/** The marker on which the cursor stands. */
export function readMarker(c: UnfilteredCursor): RangeTombstoneMarker {
  const boundKind = BOUND_KINDS[c.boundKind]!;
  const first = deletionOf(c.deletion);
  const marker = { kind: 'marker' as const, boundKind, values: clusteringOf(c), position: c.position };
  if (boundKind.endsWith('BOUNDARY')) return { ...marker, close: first, open: deletionOf(c.openDeletion) };
  return boundKind.endsWith('START_BOUND') ? { ...marker, open: first } : { ...marker, close: first };
}

function* unfilteredsOf(c: UnfilteredCursor, position: number): Generator<Unfiltered> {
  while (c.partitionPosition === position) {
    const kind = c.nextUnfiltered();
    if (kind === END) return;
    if (kind === ROW) {
      if (c.isEmptyRow()) continue; // holds dropped columns at most: no reader of Cassandra shows it
      yield readRow(c);
    } else {
      yield readMarker(c);
    }
  }
}

/** The partition on which the cursor stands; its `unfiltereds` are read from the cursor as they are asked for. */
export function readPartition(c: UnfilteredCursor): Partition {
  const partition = {
    key: c.key.slice(0, c.keyLength),
    position: c.partitionPosition,
    ...(c.hasPartitionDeletion && { deletion: deletionOf(c.partitionDeletion) }),
  };
  const staticRow = c.readStaticRow() && !c.isEmptyRow() ? readRow(c) : undefined;
  return { ...partition, ...(staticRow && { staticRow }), unfiltereds: unfilteredsOf(c, c.partitionPosition) };
}

/** Every partition from where the cursor stands. What of a partition is not read is passed over. @throws CorruptError */
export function* partitionsOf(c: UnfilteredCursor): Generator<Partition> {
  while (c.nextPartition()) yield readPartition(c);
}
