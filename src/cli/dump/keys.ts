/** sstabledump's `-e`: the partition keys of an SSTable, from its index. */
import { CorruptError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import type { TextSink } from '../../render/partition-writer.js';
import { SSTableDumpWriter } from '../../render/sstabledump.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { readKeyRange } from '../../sstable/key-range.js';
import type { PartitionIndex } from '../../sstable/partition-index.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import { interruptible } from '../interrupt.js';

/** Data.db is read only where the index does not hold the keys (BTI). */
export async function dumpKeys(storage: Storage, descriptor: Descriptor, sink: TextSink): Promise<void> {
  const sstable = await openDescriptor(storage, descriptor);
  try {
    const index = sstable.openIndex(storage);
    const writer = new SSTableDumpWriter(sstable.header, { lines: false, rawTimes: false, nowSeconds: 0 }, sink);
    try {
      writer.begin();
      const last = interruptible(() => writeKeys(sstable, index, writer));
      checkLast(last, readKeyRange(storage, descriptor, sstable.statistics)?.last, descriptor);
      writer.end();
      writer.flush();
    } finally {
      index.close();
    }
  } finally {
    sstable.close();
  }
}

/** @returns the last key */
function writeKeys(sstable: SSTable, index: PartitionIndex, writer: SSTableDumpWriter): Uint8Array | undefined {
  let last: Uint8Array | undefined;
  for (const entry of index.entries()) {
    last = entry.key ?? sstable.keyAt(entry.dataPosition);
    writer.keyOnly(last);
  }
  return last;
}

/** An index that was cut off where an entry ends tells nothing of it: another component knows the last key. */
function checkLast(seen: Uint8Array | undefined, expected: Uint8Array | undefined, descriptor: Descriptor): void {
  if (expected === undefined || (seen !== undefined && Buffer.compare(seen, expected) === 0)) return;
  const component = descriptor.format === 'bti' ? COMPONENT.partitions : COMPONENT.index;
  throw new CorruptError('the index does not end with the last key', {
    file: componentPath(descriptor, component),
    component,
    seen: seen === undefined ? 'no key' : keyText(seen),
    expected: keyText(expected),
  });
}

function keyText(key: Uint8Array): string {
  return `0x${Buffer.from(key).toString('hex')}`;
}
