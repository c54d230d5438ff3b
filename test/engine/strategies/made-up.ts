/** SSTables that are only told of, for tests that read what strategies say. */
import { hiOf, loOf } from '../../../src/bytes/int64.js';
import type { Candidate } from '../../../src/engine/strategies/strategy.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { type DecoratedKey, partitionerOf } from '../../../src/sstable/partitioner.js';

export const NOW_MILLIS = Date.UTC(2026, 10, 21, 12);
export const MIB = 1_048_576;

const HOUR_MILLIS = 3_600_000;

export type MadeUp = Partial<Omit<Candidate, 'first' | 'last'>> & {
  readonly mib: number;
  /** Hours before now that its newest write and Data.db have. */
  readonly ageHours?: number;
  readonly tokens?: readonly [number, number];
  readonly droppable?: number;
  /** Seconds before now at which the last of it expires; without, it lives for ever. */
  readonly expiredSeconds?: number;
};

let generation = 0;

export function madeUp({
  mib,
  ageHours = 0,
  tokens = [-1000, 1000],
  droppable = 0,
  expiredSeconds,
  ...rest
}: MadeUp): Candidate {
  const writtenMillis = NOW_MILLIS - ageHours * HOUR_MILLIS;
  return {
    descriptor: parseDescriptor(`/made/up/oa-${++generation}-big-Data.db`).descriptor,
    partitioner: partitionerOf('org.apache.cassandra.dht.Murmur3Partitioner'),
    onDiskBytes: mib * MIB,
    componentBytes: mib * MIB,
    plainBytes: mib * MIB,
    createdMillis: writtenMillis,
    level: 0,
    first: keyOf(tokens[0]),
    last: keyOf(tokens[1]),
    minTimestampMicros: BigInt(writtenMillis) * 1000n,
    maxTimestampMicros: BigInt(writtenMillis) * 1000n,
    maxLocalDeletionSeconds:
      expiredSeconds === undefined ? Number.POSITIVE_INFINITY : NOW_MILLIS / 1000 - expiredSeconds,
    droppableRatio: () => droppable,
    estimatedKeys: () => 1000,
    estimatedKeysIn: () => 900,
    cellsPerPartition: { count: 1000, mean: 10 },
    isEstimationInformative: true,
    repairedAtMillis: 0,
    isTransient: false,
    tokenSpaceCoverage: undefined,
    sketch: undefined,
    ...rest,
  };
}

function keyOf(token: number): DecoratedKey {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigInt64(0, BigInt(token));
  return { token: { kind: 'long', hi: hiOf(BigInt(token)), lo: loOf(BigInt(token)) }, key };
}
