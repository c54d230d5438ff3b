/** sstabledump's `-e`: the partition keys of an SSTable, from its index. */
import type { Storage } from '../../bytes/source.js';
import type { TextSink } from '../../render/partition-writer.js';
import { SSTableDumpWriter } from '../../render/sstabledump.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { openDescriptor } from '../../sstable/sstable.js';

/** Data.db is read only where the index does not hold the keys (BTI). */
export async function dumpKeys(storage: Storage, descriptor: Descriptor, sink: TextSink): Promise<void> {
  const sstable = await openDescriptor(storage, descriptor);
  try {
    const index = sstable.openIndex(storage);
    const writer = new SSTableDumpWriter(sstable.header, { lines: false, rawTimes: false, nowSeconds: 0 }, sink);
    try {
      writer.begin();
      for (const entry of index.entries()) writer.keyOnly(entry.key ?? sstable.keyAt(entry.dataPosition));
      writer.end();
      writer.flush();
    } finally {
      index.close();
    }
  } finally {
    sstable.close();
  }
}
