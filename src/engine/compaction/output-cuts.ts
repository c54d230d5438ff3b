/**
 * Where a compaction begins a new SSTable, and with what it makes it (Cassandra's CompactionAwareWriters).
 *
 *   one              DefaultCompactionWriter             one SSTable
 *   leveled          MaxSSTableSizeWriter                a new one once this one has more than the size
 *   majorLeveled     MajorLeveledCompactionWriter        the same; levels fill from 1 up, each a fanout larger
 *   sizeTieredSplit  SplittingSizeTieredCompactionWriter a half of the inputs' size, a quarter, … ; all that is left goes into the last
 *   sharded, byDensity  ShardedCompactionWriter          a new one at each shard boundary, if anything was written before it
 *   cutAt            none of Cassandra's: as leveled, but at the tokens of a plan
 *
 * All cut between partitions only, before the next one is written.
 */
import { compare64, hiOf, loOf } from '../../bytes/int64.js';
import { approximateKeyCount } from '../../sstable/metadata/hyper-log-log-builder.js';
import { type TokenRange, tokenSpaceCoverage } from '../../sstable/metadata/token-space-coverage.js';
import type { TaskShape } from './planned-task.js';
import { localDensity, type Ownership, ownershipOf, ShardTracker, shardCount } from './shards.js';
import type { SSTableFacts } from './sstable-facts.js';

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

/** Whether a shape is cut by bytes on disk, which only the thread that writes them knows. */
export function isCutByStoredSize({ kind }: TaskShape): boolean {
  return kind === 'leveled' || kind === 'majorLeveled' || kind === 'sizeTieredSplit';
}

/**
 * @param inputs what is compacted, without what is dropped unread; at least one
 * @param localRanges what the node owns, ascending; the whole ring where it is not known
 */
export function outputCutter(
  shape: TaskShape,
  inputs: readonly SSTableFacts[],
  localRanges?: readonly TokenRange[],
): OutputCutter {
  const keys = approximateKeyCount(inputs);
  const ownership = () => ownershipOf(inputs[0]!.partitioner, localRanges);
  switch (shape.kind) {
    case 'one':
      return oneOutput(shape.level, keys);
    case 'leveled':
      return leveledCutter(shape, inputs, keys);
    case 'majorLeveled':
      return majorLeveledCutter(shape, inputs, keys);
    case 'sizeTieredSplit':
      return splittingCutter(shape.minSSTableBytes, inputs, keys);
    case 'cutAt':
      return plannedCutter(shape, keys);
    case 'sharded':
      return shardCutter(shape.shards, inputs, keys, ownership());
    case 'byDensity': {
      const owned = ownership();
      return shardCutter(shardCount(localDensity(inputs, owned), shape.options), inputs, keys, owned);
    }
  }
}

const noCoverage = () => Number.NaN;

function oneOutput(level: number, keyCount: number): OutputCutter {
  return {
    before: (_hi, _lo, written) => (written ? undefined : { level, keyCount }),
    tokenSpaceCoverage: noCoverage,
  };
}

function leveledCutter(
  { level, maxSSTableBytes }: Extract<TaskShape, { kind: 'leveled' }>,
  inputs: readonly SSTableFacts[],
  totalKeys: number,
): OutputCutter {
  const keysBefore = inputs.reduce((sum, { estimatedKeys }) => sum + estimatedKeys(), 0);
  const bytes = Math.round((totalKeys / Math.max(1, keysBefore)) * totalBytes(inputs));
  const parameters = { level, keyCount: Math.floor(totalKeys / Math.max(1, Math.floor(bytes / maxSSTableBytes))) };
  return {
    before: (_hi, _lo, written) => (!written || written.onDisk > maxSSTableBytes ? parameters : undefined),
    tokenSpaceCoverage: noCoverage,
  };
}

function plannedCutter({ level, upTo }: Extract<TaskShape, { kind: 'cutAt' }>, totalKeys: number): OutputCutter {
  const parameters = { level, keyCount: Math.ceil(totalKeys / (upTo.length + 1)) };
  const ends = upTo.map((token) => [hiOf(token), loOf(token)] as const);
  let next = 0;
  return {
    before(hi, lo, written) {
      const before = next;
      while (next < ends.length && compare64(hi, lo, ends[next]![0], ends[next]![1]) > 0) next++;
      return !written || (next > before && written.plain > 0) ? parameters : undefined;
    },
    tokenSpaceCoverage: noCoverage,
  };
}

/** Files of a half of the inputs' bytes, a quarter and so on; the first that would be smaller than the least size takes all that is left. */
function splittingCutter(minSSTableBytes: number, inputs: readonly SSTableFacts[], totalKeys: number): OutputCutter {
  const bytes = totalBytes(inputs);
  const ratios = splitRatios(bytes, minSSTableBytes);
  let index = 0;
  const parameters = () => ({ level: 0, keyCount: Math.round(ratios[index]! * totalKeys) });
  return {
    before(_hi, _lo, written) {
      if (!written) return parameters();
      if (written.onDisk <= Math.round(bytes * ratios[index]!) || index === ratios.length - 1) return undefined;
      index++;
      return parameters();
    },
    tokenSpaceCoverage: noCoverage,
  };
}

const MAX_SPLITS = 20;

/** Shares of the whole that `--split-output` aims at, the largest first. */
export function splitRatios(bytes: number, minSSTableBytes: number): number[] {
  const ratios: number[] = [];
  for (let ratio = 0.5; ratios.length < MAX_SPLITS; ratio /= 2) {
    ratios.push(ratio);
    if (ratio * bytes < minSSTableBytes) break;
  }
  return ratios;
}

function totalBytes(inputs: readonly SSTableFacts[]): number {
  return inputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
}

/** Bytes that a level above 0 holds. */
export function maxBytesForLevel(level: number, fanoutSize: number, maxSSTableBytes: number): number {
  return Math.trunc(fanoutSize ** level * maxSSTableBytes);
}

function majorLeveledCutter(
  { maxSSTableBytes, fanoutSize }: Extract<TaskShape, { kind: 'majorLeveled' }>,
  inputs: readonly SSTableFacts[],
  totalKeys: number,
): OutputCutter {
  const keyCount = Math.floor(totalKeys / Math.max(1, Math.floor(totalBytes(inputs) / maxSSTableBytes)));
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
    tokenSpaceCoverage: noCoverage,
  };
}

function shardCutter(
  shards: number,
  inputs: readonly SSTableFacts[],
  uniqueKeys: number,
  ownership: Ownership,
): OutputCutter {
  const tracker = new ShardTracker(shards, ownership);
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
