/**
 * A query for one whole clustering goes from the newest SSTable to older ones and stops once nothing older can change the answer (Cassandra's
 * SinglePartitionReadCommand.queryMemtableAndSSTablesInTimestampOrder): here what it must know of what it has read so far.
 */
import { compare64, hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import { isBoundary, isOpen } from '../../sstable/marker-buffer.js';
import { DeletionState, type RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { MARKER, ROW } from '../../sstable/unfiltered-cursor.js';
import { nameKey } from '../merge/merge-source.js';
import type { ReadSource } from './read-source.js';

/** A timestamp, as two halves. */
type Time = { readonly hi: number; readonly lo: number };

const isAfter = (a: Time, b: Time): boolean => compare64(a.hi, a.lo, b.hi, b.lo) > 0;

function later(map: Map<string, Time>, name: string, time: Time): void {
  const known = map.get(name);
  if (!known || isAfter(time, known)) map.set(name, time);
}

/** Names of columns that a query asks for, as keys of maps. */
export type NameQueryColumns = { readonly statics: readonly string[]; readonly regulars: readonly string[] };

export function columnKeys(columns: SerializationHeader['staticColumns']): string[] {
  return columns.map(({ nameBytes }) => nameKey(nameBytes));
}

export class NameQuery {
  /** The newest deletion of the partition. */
  readonly partition = new DeletionState();
  private readonly range = new DeletionState();
  private readonly row = new DeletionState();
  private liveness: Time | undefined;
  private readonly cells = new Map<string, Time>();
  private readonly staticCells = new Map<string, Time>();
  private readonly columns: NameQueryColumns;
  private readonly isCompact: boolean;

  constructor(columns: NameQueryColumns, isCompact: boolean) {
    this.columns = columns;
    this.isCompact = isCompact;
  }

  /** Reads an opened source, whose columns are mapped to themselves, to its end. @throws CorruptError */
  take(source: ReadSource): void {
    const { cursor } = source;
    if (cursor.hasPartitionDeletion) {
      const { hi, lo, localDeletionSeconds } = cursor.partitionDeletion;
      if (this.partition.isOlderThan(hi, lo, localDeletionSeconds)) this.partition.set(hi, lo, localDeletionSeconds);
    }
    source.readStatic();
    takeCells(source.row, columnKeys(source.sstable.header.staticColumns), this.staticCells);
    const names = columnKeys(source.sstable.header.regularColumns);
    const open = new DeletionState();
    for (source.next(); source.kind === ROW || source.kind === MARKER; source.next()) {
      if (source.kind === MARKER) {
        if (source.isBeforeSlice()) takeMarker(source, open);
        continue;
      }
      source.loadRow();
      if (!source.isBeforeSlice()) this.takeRow(source.row, names);
    }
    if (open.supersedes(this.range)) this.range.copy(open);
  }

  private takeRow(row: RowBuffer, names: readonly string[]): void {
    if (row.deletion.supersedes(this.row)) this.row.copy(row.deletion);
    const liveness = { hi: row.livenessHi, lo: row.livenessLo };
    if (row.hasLiveness && (!this.liveness || isAfter(liveness, this.liveness))) this.liveness = liveness;
    takeCells(row, names, this.cells);
  }

  /** Of a partition that is deleted. */
  get partitionMicros(): bigint {
    return toBigInt(this.partition.hi, this.partition.lo);
  }

  /** What is still to be looked for in SSTables that hold nothing newer than `maxTimestampMicros`. */
  wants(maxTimestampMicros: bigint): { readonly row: boolean; readonly statics: boolean } {
    const max = { hi: hiOf(maxTimestampMicros), lo: loOf(maxTimestampMicros) };
    return {
      row: !this.isRowComplete(max),
      statics: this.columns.statics.length > 0 && !this.columns.statics.every((name) => this.has(this.staticCells, name, max, [this.partition])), // biome-ignore format: one line
    };
  }

  private isRowComplete(max: Time): boolean {
    const { partition, range, row } = this;
    if (range.supersedes(partition) && range.deletes(max.hi, max.lo)) return true;
    if (row.supersedes(range) && row.supersedes(partition) && row.deletes(max.hi, max.lo)) return true;
    const deletions = [partition, range, row];
    if (!this.isCompact) {
      const { liveness } = this;
      if (!liveness || deletions.some((d) => d.deletes(liveness.hi, liveness.lo)) || !isAfter(liveness, max))
        return false;
    } else if (this.columns.regulars.length === 0) return false;
    return this.columns.regulars.every((name) => this.has(this.cells, name, max, deletions));
  }

  private has(cells: ReadonlyMap<string, Time>, name: string, max: Time, over: readonly DeletionState[]): boolean {
    const time = cells.get(name);
    return time !== undefined && isAfter(time, max) && !over.some((deletion) => deletion.deletes(time.hi, time.lo));
  }
}

function takeCells(row: RowBuffer, names: readonly string[], into: Map<string, Time>): void {
  for (let i = 0; i < row.columnCount; i++) {
    const name = names[row.columnIndex[i]!]!;
    for (let at = row.columnStart[i]!; at < row.columnStart[i + 1]!; at++) {
      later(into, name, { hi: row.cellHi[at]!, lo: row.cellLo[at]! });
    }
  }
}

function takeMarker({ cursor }: ReadSource, open: DeletionState): void {
  if (!isOpen(cursor.boundKind)) {
    open.clear();
    return;
  }
  const slot = isBoundary(cursor.boundKind) ? cursor.openDeletion : cursor.deletion;
  open.set(slot.hi, slot.lo, slot.localDeletionSeconds);
}
