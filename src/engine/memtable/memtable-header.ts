/** The headers of a memtable: that of its records, with all columns of the table, and that of the SSTable that it becomes. */
import { compare64 } from '../../bytes/int64.js';
import { keyTexts, type LogTable } from '../../commitlog/log-schema.js';
import type { UpdateStats } from '../../commitlog/update-cursor.js';
import { marshalTypeName } from '../../cql/marshal.js';
import { columnNameBytes, columnsOfKind } from '../../cql/schema.js';
import type { Column } from '../../sstable/row.js';
import {
  compareColumns,
  type EncodingStats,
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  makeSerializationHeader,
  type SerializationHeader,
  type StoredColumn,
  type StoredHeader,
} from '../../sstable/serialization-header.js';
import { nameKey } from '../merge/merge-source.js';

/** All columns of a table, those that were dropped too: updates from before name them. */
export function memtableHeader(table: LogTable, stats: EncodingStats): SerializationHeader {
  const { definition, columnTypes, laterTypes } = table;
  const columns = { static: new Map<string, Uint8Array>(), regular: new Map<string, Uint8Array>() };
  const dropped = 'droppedColumns' in definition ? definition.droppedColumns : [];
  for (const { name, kind } of dropped) columns[kind].set(nameKey(Buffer.from(name)), Buffer.from(name));
  for (const kind of ['static', 'regular'] as const) {
    const other = kind === 'static' ? columns.regular : columns.static;
    for (const column of columnsOfKind(definition, kind)) {
      const nameBytes = columnNameBytes(column);
      columns[kind].set(nameKey(nameBytes), nameBytes);
      other.delete(nameKey(nameBytes));
    }
  }
  const stored = (names: ReadonlyMap<string, Uint8Array>): StoredColumn[] =>
    [...names].map(([key, nameBytes]) => {
      return { nameBytes, type: marshalTypeName((columnTypes.get(key) ?? laterTypes.get(key))!) };
    });
  return inOrder(
    { ...keyTexts(table), staticColumns: stored(columns.static), regularColumns: stored(columns.regular) },
    stats,
  );
}

/** With the columns that updates named, as a node's flush has them. */
export function flushHeader(
  { stored }: SerializationHeader,
  named: ReadonlySet<string>,
  stats: MinimumStats,
): SerializationHeader {
  const those = (columns: readonly StoredColumn[]) => columns.filter(({ nameBytes }) => named.has(nameKey(nameBytes)));
  const { staticColumns, regularColumns } = stored;
  return inOrder(
    { ...stored, staticColumns: those(staticColumns), regularColumns: those(regularColumns) },
    stats.encodingStats(),
  );
}

/** Cassandra stores the columns in the order in which rows hold them. */
function inOrder(stored: StoredHeader, stats: EncodingStats): SerializationHeader {
  const made = makeSerializationHeader(stored, stats);
  const typeOf = new Map(
    [...stored.staticColumns, ...stored.regularColumns].map((column) => [nameKey(column.nameBytes), column]),
  );
  const sorted = (columns: readonly Column[]) =>
    columns.toSorted(compareColumns).map(({ nameBytes }) => typeOf.get(nameKey(nameBytes))!);
  const inRows = { ...stored, staticColumns: sorted(made.staticColumns), regularColumns: sorted(made.regularColumns) };
  return { ...made, stored: inRows };
}

/** The least times of updates (EncodingStats.mergeWith): what is the epoch, or 0 for TTLs, is none. */
export class MinimumStats {
  private hasTimestamp = false;
  private hi = EPOCH_MICROS_HI;
  private lo = EPOCH_MICROS_LO;
  private localDeletion = EPOCH_SECONDS;
  private ttl = 0;

  add({ hasTimestamp, timestampHi, timestampLo, localDeletionSeconds, ttlSeconds }: UpdateStats): void {
    if (hasTimestamp && (!this.hasTimestamp || compare64(timestampHi, timestampLo, this.hi, this.lo) < 0)) {
      this.hasTimestamp = true;
      this.hi = timestampHi;
      this.lo = timestampLo;
    }
    if (localDeletionSeconds !== EPOCH_SECONDS) {
      if (this.localDeletion === EPOCH_SECONDS) this.localDeletion = localDeletionSeconds;
      else this.localDeletion = Math.min(this.localDeletion, localDeletionSeconds);
    }
    if (ttlSeconds !== 0) this.ttl = this.ttl === 0 ? ttlSeconds : Math.min(this.ttl, ttlSeconds);
  }

  encodingStats(): EncodingStats {
    return {
      minTimestampHi: this.hi,
      minTimestampLo: this.lo,
      minLocalDeletionSeconds: this.localDeletion,
      minTtlSeconds: this.ttl,
    };
  }
}
