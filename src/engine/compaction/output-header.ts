/**
 * The serialization header of what a compaction writes (Cassandra's SerializationHeader.make): the columns of all inputs, dropped ones too, with
 * the types that the schema gives them today, and the least times that the inputs' statistics tell. Those are known before a row is read; what is
 * purged may leave them lower than they need be.
 */
import { hiOf, loOf } from '../../bytes/int64.js';
import { marshalTypeName } from '../../cql/marshal.js';
import { columnNameBytes, columnsOfKind, type Table, type View } from '../../cql/schema.js';
import type { CqlType } from '../../cql/type.js';
import type { StatsMetadata } from '../../sstable/metadata/stats.js';
import { NO_DELETION_TIME } from '../../sstable/metadata/stats.js';
import {
  compareColumns,
  type EncodingStats,
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  makeSerializationHeader,
  type SerializationHeader,
  type StoredColumn,
} from '../../sstable/serialization-header.js';
import { compareIds } from '../../sstable/sstable-id.js';
import { nameKey } from '../merge/merge-source.js';

export type HeaderInput = {
  /** Generation: the latest decides where types differ and the schema does not tell. */
  readonly id: string;
  readonly header: SerializationHeader;
  readonly stats: LeastTimes;
};

export type LeastTimes = Pick<StatsMetadata, 'minTimestampMicros' | 'minLocalDeletionSeconds' | 'minTtlSeconds'>;

/** @param definition today's schema of the table, where it is known */
export function outputHeader(
  inputs: readonly HeaderInput[],
  definition: Table | View | undefined,
): SerializationHeader {
  const latestFirst = inputs.toSorted((a, b) => compareIds(b.id, a.id));
  const newest = latestFirst[0]!.header.stored;
  const types = definition ? schemaTypes(definition) : new Map<string, CqlType>();
  const columnsOf = (pick: (header: SerializationHeader) => readonly StoredColumn[]): StoredColumn[] => {
    const byName = new Map<string, StoredColumn>();
    for (const { header } of latestFirst) {
      for (const column of pick(header))
        if (!byName.has(nameKey(column.nameBytes))) byName.set(nameKey(column.nameBytes), column);
    }
    return [...byName.values()].map(({ nameBytes, type }) => {
      const today = types.get(nameKey(nameBytes));
      return { nameBytes, type: today ? marshalTypeName(today) : type };
    });
  };
  const stored = {
    keyType: newest.keyType,
    clusteringTypes: newest.clusteringTypes,
    staticColumns: columnsOf(({ stored: { staticColumns } }) => staticColumns),
    regularColumns: columnsOf(({ stored: { regularColumns } }) => regularColumns),
  };
  const made = makeSerializationHeader(stored, encodingStats(inputs.map(({ stats }) => stats)));
  // Cassandra stores the columns in the order in which rows hold them
  const textOf = new Map([...stored.staticColumns, ...stored.regularColumns].map((c) => [nameKey(c.nameBytes), c]));
  const inOrder = (columns: SerializationHeader['staticColumns']) =>
    columns.toSorted(compareColumns).map(({ nameBytes }) => textOf.get(nameKey(nameBytes))!);
  return {
    ...made,
    stored: { ...stored, staticColumns: inOrder(made.staticColumns), regularColumns: inOrder(made.regularColumns) },
  };
}

/** Types of all columns that the schema knows, those of dropped ones last. */
function schemaTypes(definition: Table | View): Map<string, CqlType> {
  const types = new Map<string, CqlType>();
  if ('droppedColumns' in definition) {
    for (const { name, type } of definition.droppedColumns) types.set(nameKey(Buffer.from(name)), type);
  }
  for (const kind of ['static', 'regular'] as const) {
    for (const column of columnsOfKind(definition, kind)) types.set(nameKey(columnNameBytes(column)), column.type);
  }
  return types;
}

/** When the columns that were dropped were dropped; those that are back keep the time, it is of their former cells. */
export function droppedTimes(definition: Table | View | undefined): Map<string, bigint> {
  const dropped = definition && 'droppedColumns' in definition ? definition.droppedColumns : [];
  return new Map(dropped.map(({ name, droppedTimeMicros }) => [nameKey(Buffer.from(name)), droppedTimeMicros]));
}

const MIN_INT64 = -(2n ** 63n);

function encodingStats(stats: readonly LeastTimes[]): EncodingStats {
  let timestamp = stats[0]!.minTimestampMicros;
  let localDeletion = NO_DELETION_TIME;
  let ttl = 0x7fffffff;
  for (const { minTimestampMicros, minLocalDeletionSeconds, minTtlSeconds } of stats) {
    if (minTimestampMicros < timestamp) timestamp = minTimestampMicros;
    localDeletion = Math.min(localDeletion, minLocalDeletionSeconds);
    ttl = Math.min(ttl, minTtlSeconds);
  }
  const hasTimestamp = timestamp !== MIN_INT64;
  return {
    minTimestampHi: hasTimestamp ? hiOf(timestamp) : EPOCH_MICROS_HI,
    minTimestampLo: hasTimestamp ? loOf(timestamp) : EPOCH_MICROS_LO,
    minLocalDeletionSeconds: localDeletion === NO_DELETION_TIME ? EPOCH_SECONDS : localDeletion | 0,
    minTtlSeconds: ttl,
  };
}
