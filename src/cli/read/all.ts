/** `lsmctl read PATH --all`: the whole table, merged, as `SELECT JSON *` prints it, a row a line. */
import { toBigInt } from '../../bytes/int64.js';
import { diskStorage } from '../../bytes/source.js';
import { droppedTimes, type HeaderInput, outputHeader } from '../../engine/compaction/output-header.js';
import type { FrozenMemtable } from '../../engine/memtable/memtable.js';
import { columnMap, MergeSource } from '../../engine/merge/merge-source.js';
import { type MergeSink, PartitionMerge } from '../../engine/merge/partition-merge.js';
import { hasLiveData } from '../../engine/read/row-liveness.js';
import { JsonRows } from '../../render/read-rows.js';
import type { RowBuffer } from '../../sstable/row-buffer.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import type { Sink } from '../output.js';
import { nothingThere, type ReadTable } from './read-table.js';

/** Bytes read ahead in all SSTables together, and the least of one. */
const WINDOWS_BYTES = 1 << 25;
const LEAST_WINDOW_BYTES = 1 << 14;

/** @returns rows written. @throws CorruptError, UsageError, UnsupportedError */
export async function readAll(
  table: ReadTable,
  nowSeconds: number,
  limit: number,
  sink: Sink,
  memtable?: FrozenMemtable,
): Promise<number> {
  if (table.descriptors.length === 0 && !memtable) throw nothingThere(table);
  const { descriptors, definition, isStrict } = table;
  const windowBytes = Math.max(
    LEAST_WINDOW_BYTES,
    Math.min(1 << 18, Math.floor(WINDOWS_BYTES / Math.max(1, descriptors.length))),
  );
  const sstables: SSTable[] = [];
  try {
    for (const descriptor of descriptors) sstables.push(await openDescriptor(diskStorage, descriptor, { windowBytes }));
    const inputs: HeaderInput[] = sstables.map(({ descriptor: { id }, header, statistics: { stats } }) => ({ id, header, stats })); // biome-ignore format: one line
    if (memtable) inputs.push(inputOf(memtable));
    const header = outputHeader(inputs, definition);
    const dropped = droppedTimes(definition);
    const sources = sstables.map(
      (sstable) => new MergeSource(sstable.cursor(), columnMap(sstable.header, header, dropped), sstable.partitioner),
    );
    if (memtable) sources.push(memtable.source(header));
    const rows = new LineSink(new JsonRows(header, definition, nowSeconds), sink, { nowSeconds, isStrict, limit });
    const merge = new PartitionMerge({ sources, header });
    while (rows.written < limit && merge.next(rows));
    return rows.written;
  } finally {
    for (const sstable of sstables) sstable.close();
  }
}

/** As an SSTable of it would be: the oldest, whose types count for nothing where others or the schema tell. */
function inputOf({ flushHeader: header }: FrozenMemtable): HeaderInput {
  const { minTimestampHi, minTimestampLo, minLocalDeletionSeconds, minTtlSeconds } = header.encodingStats;
  const minTimestampMicros = toBigInt(minTimestampHi, minTimestampLo);
  return { id: '0', header, stats: { minTimestampMicros, minLocalDeletionSeconds, minTtlSeconds } };
}

type LineOptions = { readonly nowSeconds: number; readonly isStrict: boolean; readonly limit: number };

class LineSink implements MergeSink {
  written = 0;
  private readonly rows: JsonRows;
  private readonly sink: Sink;
  private readonly options: LineOptions;

  constructor(rows: JsonRows, sink: Sink, options: LineOptions) {
    this.rows = rows;
    this.sink = sink;
    this.options = options;
  }

  startPartition({ cursor }: MergeSource): void {
    this.rows.partition(cursor.key, cursor.keyLength);
  }

  staticRow(row: RowBuffer): void {
    this.rows.staticRow(row, this.isLive(row));
  }

  row(row: RowBuffer): void {
    if (this.isLive(row)) this.write(this.rows.row(row));
  }

  marker(): void {}

  endPartition(): void {
    this.write(this.rows.staticOnly());
  }

  private isLive(row: RowBuffer): boolean {
    return hasLiveData(row, this.options.nowSeconds, this.options.isStrict && !row.isStatic);
  }

  private write(line: Uint8Array | undefined): void {
    if (!line || this.written >= this.options.limit) return;
    this.sink.write(line);
    this.written++;
  }
}
