/**
 * Whether a deletion may go although other SSTables of the table are not in the compaction: only where none of those that may hold the partition
 * has data as old as it (CompactionController.getPurgeEvaluator). Their filters are asked, as a node does; one without a filter may hold any key.
 */
import { compare64, hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import type { Hash128 } from '../../bytes/murmur3.js';
import type { Storage } from '../../bytes/source.js';
import { type BloomFilter, isHashPresent, isPresent, readFilter } from '../../sstable/filter.js';
import { compareDecorated, type DecoratedKey, decorate, type Partitioner } from '../../sstable/partitioner.js';
import type { WrittenSSTable } from '../../sstable/writer-options.js';
import type { MergeSource } from '../merge/merge-source.js';
import type { PurgeEvaluator } from '../merge/purge.js';
import type { ExpiryFacts, KeySpan, SSTableFacts } from './sstable-facts.js';

const ALWAYS: PurgeEvaluator = () => true;

/** An SSTable outside of a compaction, as far as the compaction must know it. */
export type OverlapSource = KeySpan & ExpiryFacts & { readonly filter: () => BloomFilter | undefined };

export function overlapOf(storage: Storage, sstable: SSTableFacts): OverlapSource {
  let filter: { readonly read: BloomFilter | undefined } | undefined;
  return {
    ...sstable,
    filter: () => {
      filter ??= { read: readFilter(storage, sstable.descriptor) };
      return filter.read;
    },
  };
}

/** Of an SSTable that has no name yet. */
export function overlapOfWritten({ statistics, filter }: WrittenSSTable, partitioner: Partitioner): OverlapSource {
  const { stats } = statistics;
  return {
    first: decorate(partitioner, stats.firstKey),
    last: decorate(partitioner, stats.lastKey),
    repairedAtMillis: stats.repairedAtMillis,
    minTimestampMicros: stats.minTimestampMicros,
    maxTimestampMicros: stats.maxTimestampMicros,
    maxLocalDeletionSeconds: stats.maxLocalDeletionSeconds,
    filter: () => filter,
  };
}

/** Whether an SSTable may have a partition: by its range and its filter. @param hash of the key, where it is known */
export function mayHold(sstable: OverlapSource, key: DecoratedKey, partitioner: Partitioner, hash?: Hash128): boolean {
  if (compareDecorated(partitioner, key, sstable.first) < 0) return false;
  if (compareDecorated(partitioner, key, sstable.last) > 0) return false;
  const filter = sstable.filter();
  if (!filter) return true;
  return hash ? isHashPresent(filter, hash) : isPresent(filter, key.key);
}

/** Writes of a table that no SSTable holds yet: those of a commit log, which a node has in its memtables. */
export type UnflushedSource = {
  /** The least timestamp of a partition's, microseconds in two halves; `undefined` where there is none. */
  leastOf(key: Uint8Array, length: number): { readonly hi: number; readonly lo: number } | undefined;
  /** The least of all. */
  readonly leastMicros: bigint | undefined;
};

/** @param overlapping those outside of the compaction that reach into its keys */
export function overlapEvaluator(
  overlapping: readonly OverlapSource[],
  partitioner: Partitioner,
  unflushed?: UnflushedSource,
): (source: MergeSource) => PurgeEvaluator {
  if (overlapping.length === 0 && !unflushed) return () => ALWAYS;
  return ({ cursor }) => {
    let least: bigint | undefined;
    let isAsked = false;
    return (hi, lo) => {
      if (!isAsked) {
        isAsked = true;
        const key = decorate(partitioner, cursor.key.slice(0, cursor.keyLength));
        for (const sstable of overlapping) {
          if (!mayHold(sstable, key, partitioner)) continue;
          if (least === undefined || sstable.minTimestampMicros < least) least = sstable.minTimestampMicros;
        }
        const written = unflushed?.leastOf(cursor.key, cursor.keyLength);
        const writtenMicros = written && toBigInt(written.hi, written.lo);
        if (writtenMicros !== undefined && (least === undefined || writtenMicros < least)) least = writtenMicros;
      }
      return least === undefined || compare64(hi, lo, hiOf(least), loOf(least)) < 0;
    };
  };
}
