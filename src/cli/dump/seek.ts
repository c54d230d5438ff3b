/**
 * Finds partitions by the index and lets Data.db have the last word. No index has checksums: a flipped bit in one makes a key vanish, and a
 * dump that prints nothing for a key that is there would be wrong. So the index only names a partition shortly before what is sought; from
 * there Data.db's own keys are walked, which costs a chunk or two.
 */
import { CorruptError } from '../../bytes/errors.js';
import { hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import { histogramCount } from '../../sstable/metadata/estimated-histogram.js';
import type { PartitionIndex } from '../../sstable/partition-index.js';
import { placeInRange, type Token, type TokenRange } from '../../sstable/partitioner.js';
import type { SSTable } from '../../sstable/sstable.js';

/** Where a partition of the range would have to be walked to over more plain bytes than this, the index is believed. */
const MAX_WALK_BYTES = 16 << 20;

/** Position of the first partition whose token is in `range`; `undefined` where there is none. @throws CorruptError where the index misleads */
export function seekRange(sstable: SSTable, index: PartitionIndex, range: TokenRange): number | undefined {
  let indexed: number | undefined;
  for (const { dataPosition } of index.entries(range)) {
    indexed = dataPosition;
    break;
  }
  if (indexed !== undefined) checkPlace(sstable, indexed, range);
  const anchor = range.from ? anchorBefore(sstable, index, range.from.token) : 0;
  const walkTo = indexed ?? sstable.data.length;
  if (walkTo - anchor > MAX_WALK_BYTES) return indexed;
  return walk(sstable, anchor, range);
}

/** Position of the partition of `key`, `undefined` where Data.db has none. @throws CorruptError where the index misleads */
export function seekKey(sstable: SSTable, index: PartitionIndex, key: Uint8Array): number | undefined {
  const { partitioner } = sstable;
  const entry = index.find(key);
  if (entry) {
    if (Buffer.compare(sstable.keyAt(entry.dataPosition), key) !== 0) throw misled(sstable, entry.dataPosition);
    return entry.dataPosition;
  }
  const bound = { token: partitioner.tokenOf(key), inclusive: true };
  const range = { from: bound, to: bound };
  const start = seekRange(sstable, index, range);
  if (start === undefined) return undefined;
  const c = sstable.cursor(start);
  while (c.nextPartition()) {
    const found = c.key.subarray(0, c.keyLength);
    if (Buffer.compare(found, key) === 0) return c.partitionPosition;
    if (placeInRange(partitioner, partitioner.tokenOf(found), range) > 0) return undefined;
  }
  return undefined;
}

function walk(sstable: SSTable, from: number, range: TokenRange): number | undefined {
  const { partitioner } = sstable;
  const c = sstable.cursor(from);
  while (c.nextPartition()) {
    const place = placeInRange(partitioner, partitioner.tokenOf(c.key.subarray(0, c.keyLength)), range);
    if (place === 0) return c.partitionPosition;
    if (place > 0) return undefined;
  }
  return undefined;
}

/** Position of some partition before `token`, by the index, and near it as a rule; 0 where there is none. */
function anchorBefore(sstable: SSTable, index: PartitionIndex, token: Token): number {
  if (token.kind !== 'long') return lastBefore(sstable, index, token);
  const target = toBigInt(token.hi, token.lo);
  const keys = BigInt(Math.max(1, histogramCount(sstable.statistics.stats.estimatedPartitionSize)));
  for (let width = (16n * 2n ** 64n) / keys; ; width *= 64n) {
    const from = target - width;
    if (from <= -(2n ** 63n)) return 0;
    const bound = { token: { kind: 'long' as const, hi: hiOf(from), lo: loOf(from) }, inclusive: true };
    const range: TokenRange = { from: bound, to: { token, inclusive: false } };
    for (const { dataPosition } of index.entries(range)) {
      checkPlace(sstable, dataPosition, range);
      return dataPosition;
    }
  }
}

function lastBefore(sstable: SSTable, index: PartitionIndex, token: Token): number {
  const range: TokenRange = { to: { token, inclusive: false } };
  let last = 0;
  for (const { dataPosition } of index.entries(range)) last = dataPosition;
  if (last > 0) checkPlace(sstable, last, range);
  return last;
}

function checkPlace(sstable: SSTable, position: number, range: TokenRange): void {
  const { partitioner } = sstable;
  const token = partitioner.tokenOf(sstable.keyAt(position));
  if (placeInRange(partitioner, token, range) !== 0) throw misled(sstable, position);
}

function misled(sstable: SSTable, position: number): CorruptError {
  return new CorruptError('index names another partition than Data.db has there', {
    file: sstable.data.file,
    component: COMPONENT.data,
    offset: position,
  });
}
