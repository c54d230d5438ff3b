/**
 * A memtable as a read meets it: flushed into memory, as a node would flush it to disk, so that it is read as SSTables are. It has no filter, and it is
 * asked before all of them.
 */
import { memoryOutput } from '../../bytes/sink.js';
import { BIG_COLUMN_INDEX_BYTES } from '../../sstable/big-index-writer.js';
import { type Descriptor, parseDescriptor } from '../../sstable/descriptor.js';
import { SSTableWriter } from '../../sstable/sstable-writer.js';
import { writeMemtable } from '../memtable/flush-memtable.js';
import type { FrozenMemtable } from '../memtable/memtable.js';
import { ReadCandidate } from './read-candidate.js';

const NAME = 'memtable';

/** `undefined` where nothing is in it. @throws CorruptError */
export function memtableCandidate(memtable: FrozenMemtable | undefined): ReadCandidate | undefined {
  if (!memtable || memtable.partitions === 0) return undefined;
  const output = memoryOutput();
  const descriptor: Descriptor = { ...parseDescriptor('/memtable/oa-1-big-Data.db').descriptor, prefix: NAME };
  const writer = new SSTableWriter({
    output,
    descriptor,
    header: memtable.flushHeader,
    partitioner: memtable.partitioner,
    layout: { bloomFilterFpChance: 1, minIndexInterval: 128, columnIndexBytes: BIG_COLUMN_INDEX_BYTES },
    origin: { level: 0, repairedAtMillis: 0, isTransient: false, commitLogIntervals: [] },
    expectedKeys: memtable.partitions,
    isOpenedEarly: false,
  });
  const flush = writeMemtable(memtable, writer);
  let step = flush.next();
  while (!step.done) step = flush.next();
  if (step.value === 0) {
    writer.abort();
    return undefined;
  }
  writer.finish();
  writer.publish();
  return new ReadCandidate(output, descriptor, true);
}
