/** Writes a memtable as an SSTable, as a node's flush does: merged, nothing purged. */

import type { MarkerBuffer } from '../../sstable/marker-buffer.js';
import type { DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SSTableWriter } from '../../sstable/sstable-writer.js';
import { columnMap, hasSameCells, MergeSource } from '../merge/merge-source.js';
import { type MergeSink, PartitionMerge } from '../merge/partition-merge.js';
import type { FrozenMemtable } from './memtable.js';

/** Partitions between two looks at whether somebody waits. */
const SLICE_CHECK = 64;
const SLICE_BYTES = 16 << 20;

/**
 * Yields the plain bytes written, from time to time. @param writer of the memtable's `flushHeader`
 * @returns how many partitions came of it
 */
export function* writeMemtable(memtable: FrozenMemtable, writer: SSTableWriter): Generator<number, number> {
  const { flushHeader: header } = memtable;
  const map = columnMap(memtable.header, header);
  const source = new MergeSource(memtable.cursor(), map, memtable.partitioner);
  source.copiesCells = hasSameCells(memtable.header, header, map);
  const merge = new PartitionMerge({ sources: [source], header });
  const sink = new WriterSink(writer);
  let pause = SLICE_BYTES;
  for (let n = 1; merge.next(sink); n++) {
    if (n % SLICE_CHECK !== 0 || writer.position < pause) continue;
    yield writer.position;
    pause = writer.position + SLICE_BYTES;
  }
  return merge.counts.partitionsOut;
}

class WriterSink implements MergeSink {
  private readonly writer: SSTableWriter;

  constructor(writer: SSTableWriter) {
    this.writer = writer;
  }

  startPartition({ cursor, hash, token }: MergeSource, deletion: DeletionState): void {
    this.writer.startPartition(cursor.key, cursor.keyLength, deletion, token ? undefined : hash);
  }

  staticRow(row: RowBuffer): void {
    this.writer.staticRow(row);
  }

  row(row: RowBuffer): void {
    this.writer.row(row);
  }

  marker(marker: MarkerBuffer): void {
    this.writer.marker(marker);
  }

  endPartition(): void {
    this.writer.endPartition();
  }
}
