/** Reads an SSTable's partitions through row buffers and writes them anew with its own header, as plain Data.db bytes. */
import { ByteWriter } from '../../src/bytes/writer.js';
import { writeDeletionTime } from '../../src/sstable/deletion-time.js';
import { MarkerBuffer } from '../../src/sstable/marker-buffer.js';
import { type ColumnMap, RowBuffer } from '../../src/sstable/row-buffer.js';
import type { SSTable } from '../../src/sstable/sstable.js';
import { END, ROW } from '../../src/sstable/unfiltered-cursor.js';
import { UnfilteredWriter } from '../../src/sstable/unfiltered-writer.js';

export function identityMap({ header }: SSTable): ColumnMap {
  return {
    statics: Int32Array.from(header.staticColumns, (_, i) => i),
    regulars: Int32Array.from(header.regularColumns, (_, i) => i),
  };
}

/** Calls `onPartition` with the stored position and the new bytes of each partition. */
export function rewrite(sstable: SSTable, onPartition: (position: number, bytes: Uint8Array) => void): void {
  const { header, descriptor } = sstable;
  const out = new ByteWriter(1 << 16);
  const writer = new UnfilteredWriter(header, descriptor.version, out);
  const row = new RowBuffer();
  const marker = new MarkerBuffer();
  const map = identityMap(sstable);
  const c = sstable.cursor();
  while (c.nextPartition()) {
    const { partitionPosition } = c;
    out.pos = 0;
    out.u16(c.keyLength);
    out.bytes(c.key, 0, c.keyLength);
    const d = c.partitionDeletion;
    const deletion = c.hasPartitionDeletion
      ? {
          markedForDeleteAtMicros: (BigInt(d.hi) << 32n) | BigInt(d.lo >>> 0),
          localDeletionSeconds: d.localDeletionSeconds,
        }
      : undefined;
    writeDeletionTime(deletion, descriptor.version, out);
    if (header.staticColumns.length > 0) {
      if (c.readStaticRow()) row.load(c, map);
      else row.clearStatic();
      writer.row(row, 0);
    }
    let previous = 0;
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      const at = out.pos;
      if (kind === ROW) {
        row.load(c, map);
        writer.row(row, at - previous);
      } else {
        marker.load(c);
        writer.marker(marker, at - previous);
      }
      previous = at;
    }
    writer.endOfPartition();
    onPartition(partitionPosition, out.view());
  }
}
