/**
 * Where a major compaction begins a new SSTable, and with what it makes it (Cassandra's CompactionAwareWriters).
 *
 *   DefaultCompactionWriter        SizeTiered, TimeWindow: one SSTable
 *   MajorLeveledCompactionWriter   Leveled: a new one once this one has more than the size; levels fill from 1 up, each a fanout larger
 *   ShardedCompactionWriter        Unified: a new one at each shard boundary, if anything was written before it
 *
 * All cut between partitions only, before the next one is written.
 */
import { approximateKeyCount } from '../../sstable/metadata/hyper-log-log-builder.js';
import { type TokenRange, tokenSpaceCoverage } from '../../sstable/metadata/token-space-coverage.js';
import { localDensity, type Ownership, ownershipOf, ShardTracker, shardCount } from './shards.js';
import type { SSTableFacts } from './sstable-facts.js';
import type { CompactionStrategy, ShardOptions } from './strategy.js';

export type OutputParameters = {
  readonly level: number;
  /** Keys that its filter and its summary are laid out for. */
  readonly keyCount: number;
};

/** Of the SSTable that is being written. */
export type BytesWritten = {
  readonly plain: number;
  /** Of complete chunks with their checksums; of plain files all bytes. */
  readonly onDisk: number;
};

export interface OutputCutter {
  /**
   * Asked before each partition. `written`: of the current SSTable, `undefined` before the first partition. Answers with what the SSTable
   * that begins with this partition is made with, `undefined` where the current one goes on.
   */
  before(tokenHi: number, tokenLo: number, written: BytesWritten | undefined): OutputParameters | undefined;
  /** For Statistics.db: the share of the token range between its first and last token; NaN: not recorded. */
  tokenSpaceCoverage(first: bigint, last: bigint): number;
}

/**
 * @param inputs what is compacted, without what is dropped unread; at least one
 * @param localRanges what the node owns, ascending; the whole ring where it is not known
 */
export function outputCutter(
  strategy: CompactionStrategy,
  inputs: readonly SSTableFacts[],
  localRanges?: readonly TokenRange[],
): OutputCutter {
  switch (strategy.kind) {
    case 'Leveled':
      return leveledCutter(strategy, inputs, approximateKeyCount(inputs));
    case 'Unified':
      return shardCutter(
        strategy,
        inputs,
        approximateKeyCount(inputs),
        ownershipOf(inputs[0]!.partitioner, localRanges),
      );
    default:
      return oneOutput(inputs, 0);
  }
}

/** All goes into one SSTable, whatever the strategy. */
export function oneOutput(inputs: readonly SSTableFacts[], level: number): OutputCutter {
  const keyCount = approximateKeyCount(inputs);
  return {
    before: (_hi, _lo, written) => (written ? undefined : { level, keyCount }),
    tokenSpaceCoverage: () => Number.NaN,
  };
}

/** Bytes that a level above 0 holds. */
export function maxBytesForLevel(level: number, fanoutSize: number, maxSSTableBytes: number): number {
  return Math.trunc(fanoutSize ** level * maxSSTableBytes);
}

function leveledCutter(
  { maxSSTableBytes, fanoutSize }: Extract<CompactionStrategy, { kind: 'Leveled' }>,
  inputs: readonly SSTableFacts[],
  totalKeys: number,
): OutputCutter {
  const bytes = inputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  const keyCount = Math.floor(totalKeys / Math.max(1, Math.floor(bytes / maxSSTableBytes)));
  let level = 1;
  let writtenInLevel = 0;
  return {
    before(_hi, _lo, written) {
      if (!written) return { level, keyCount };
      if (written.onDisk <= maxSSTableBytes) return undefined;
      writtenInLevel += written.onDisk;
      if (writtenInLevel > maxBytesForLevel(level, fanoutSize, maxSSTableBytes)) {
        writtenInLevel = 0;
        level++;
      }
      return { level, keyCount };
    },
    tokenSpaceCoverage: () => Number.NaN,
  };
}

function shardCutter(
  options: ShardOptions,
  inputs: readonly SSTableFacts[],
  uniqueKeys: number,
  ownership: Ownership,
): OutputCutter {
  const tracker = new ShardTracker(shardCount(localDensity(inputs, ownership), options), ownership);
  const allKeys = inputs.reduce((sum, { estimatedKeys }) => sum + estimatedKeys(), 0);
  const parameters = () => ({ level: 0, keyCount: Math.round(tracker.keysInShard(inputs) * (uniqueKeys / allKeys)) });
  return {
    before(hi, lo, written) {
      const isCrossed = ownership !== undefined && tracker.advanceTo(hi, lo);
      return !written || (isCrossed && written.plain > 0) ? parameters() : undefined;
    },
    tokenSpaceCoverage: (first, last) => (ownership ? tokenSpaceCoverage(first, last, ownership.ranges) : 1),
  };
}
