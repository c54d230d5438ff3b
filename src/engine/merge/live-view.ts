/**
 * What a read would see of several SSTables of one small table, such as those of the schema: merged, without what is deleted or has expired, as
 * objects.
 */

import { toBigInt } from '../../bytes/int64.js';
import { EXPIRED_LIVENESS_TTL, NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import type { Cell, Column } from '../../sstable/row.js';
import type { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { SSTable } from '../../sstable/sstable.js';
import { type LeastTimes, outputHeader } from '../compaction/output-header.js';
import { columnMap, MergeSource } from './merge-source.js';
import { type MergeSink, PartitionMerge } from './partition-merge.js';

/** A row's living cells by the name of their column; columns that have none are left out. */
export type LiveRow = {
  readonly clustering: readonly (Uint8Array | null)[];
  readonly cells: ReadonlyMap<string, LiveColumn>;
};

export type LiveColumn = {
  readonly column: Column;
  /** One for a simple column, else one an element, in the order of their paths. */
  readonly cells: readonly Cell[];
};

export type LivePartition = {
  readonly key: Uint8Array;
  readonly staticRow?: LiveRow;
  /** In clustering order. */
  readonly rows: readonly LiveRow[];
};

/** Nothing is written, so nobody asks for the least times; each Statistics.db would have to be decoded for them. */
const NO_TIMES: LeastTimes = { minTimestampMicros: 0n, minLocalDeletionSeconds: NO_DELETION_TIME, minTtlSeconds: 0 };

/**
 * The living rows of `sstables`, all of one table, in the order of their keys' bytes.
 * @param nowSeconds cells that expire then or before are gone
 * @param wants which partitions, by key; all by default
 * @throws CorruptError
 */
export function readLive(
  sstables: readonly SSTable[],
  nowSeconds: number,
  wants?: (key: Uint8Array) => boolean,
): LivePartition[] {
  if (sstables.length === 0) return [];
  const header = outputHeader(
    sstables.map(({ descriptor, header }) => ({ id: descriptor.id, header, stats: NO_TIMES })),
    undefined,
  );
  const { partitioner } = sstables[0]!;
  const sources = sstables.map(
    (sstable) => new MergeSource(sstable.cursor(), columnMap(sstable.header, header), partitioner, wants),
  );
  const sink = new LiveSink(header, nowSeconds);
  new PartitionMerge({ sources, header }).run(sink);
  return sink.partitions.sort((a, b) => Buffer.compare(a.key, b.key));
}

class LiveSink implements MergeSink {
  readonly partitions: LivePartition[] = [];
  private readonly header: SerializationHeader;
  private readonly nowSeconds: number;
  private key: Uint8Array = new Uint8Array(0);
  private staticLive: LiveRow | undefined;
  private rows: LiveRow[] = [];

  constructor(header: SerializationHeader, nowSeconds: number) {
    this.header = header;
    this.nowSeconds = nowSeconds;
  }

  startPartition({ cursor }: MergeSource, _deletion: DeletionState): void {
    this.key = cursor.key.slice(0, cursor.keyLength);
    this.staticLive = undefined;
    this.rows = [];
  }

  staticRow(row: RowBuffer): void {
    this.staticLive = this.live(row);
  }

  row(row: RowBuffer): void {
    const live = this.live(row);
    if (live) this.rows.push(live);
  }

  marker(): void {}

  endPartition(): void {
    const { key, staticLive: staticRow, rows } = this;
    if (staticRow || rows.length > 0) this.partitions.push({ key, ...(staticRow && { staticRow }), rows });
  }

  private live(row: RowBuffer): LiveRow | undefined {
    const columns = row.isStatic ? this.header.staticColumns : this.header.regularColumns;
    const cells = new Map<string, LiveColumn>();
    for (let i = 0; i < row.columnCount; i++) {
      const column = columns[row.columnIndex[i]!]!;
      const living: Cell[] = [];
      for (let at = row.columnStart[i]!; at < row.columnStart[i + 1]!; at++) {
        const cell = this.cell(row, at, column);
        if (cell) living.push(cell);
      }
      if (living.length > 0) cells.set(column.name, { column, cells: living });
    }
    const { livenessTtl: ttl, livenessLocalExpiration: expiration } = row;
    const lives = row.hasLiveness && (ttl === 0 || (ttl !== EXPIRED_LIVENESS_TTL && this.nowSeconds < expiration));
    return lives || cells.size > 0 ? { clustering: clusteringOf(row), cells } : undefined;
  }

  private cell(row: RowBuffer, i: number, column: Column): Cell | undefined {
    const ttlSeconds = row.cellTtl[i]!;
    const localDeletionSeconds = row.cellLocalDeletion[i]!;
    const ends = localDeletionSeconds !== NO_DELETION_TIME;
    if (ends && (ttlSeconds === 0 || this.nowSeconds >= localDeletionSeconds)) return undefined;
    const buf = row.cellBuf[i]!;
    return {
      column,
      ...(column.isComplex && { path: buf.slice(row.pathStart[i]!, row.pathEnd[i]!) }),
      timestampMicros: toBigInt(row.cellHi[i]!, row.cellLo[i]!),
      ...(ttlSeconds !== 0 && { ttlSeconds }),
      ...(ends && { localDeletionSeconds }),
      isTombstone: false,
      value: buf.slice(row.valueStart[i]!, row.valueEnd[i]!),
    };
  }
}

function clusteringOf(row: RowBuffer): (Uint8Array | null)[] {
  const { clusteringBuf, clusteringStart, clusteringEnd, clusteringSize } = row;
  const values: (Uint8Array | null)[] = [];
  for (let i = 0; i < clusteringSize; i++) {
    const start = clusteringStart[i]!;
    values.push(start < 0 ? null : clusteringBuf.slice(start, clusteringEnd[i]!));
  }
  return values;
}
