/**
 * The filters of a table together: what they cost in memory, and what a read of a key that is nowhere costs by them. A node asks the filter of every
 * SSTable whose first and last key lie around the key; each one that errs costs a read of its index (Index.db, or a path through Partitions.db),
 * from which it learns that the key is not there.
 */
import { toBigInt } from '../../bytes/int64.js';
import type { Partitioner, Token } from '../../sstable/partitioner.js';
import { partitionerOf } from '../../sstable/partitioner.js';
import { type PlannedFilter, plannedFilter } from './filter-arithmetic.js';
import type { FilterInspection } from './filter-inspection.js';

/** What filters of one false positive chance would come to. */
export type Alternative = {
  readonly fpChance: number;
  /** 0: no filter. */
  readonly hashCount: number;
  readonly bitsPerKey: number;
  readonly memoryBytes: number;
  /** Index reads for each read of an absent key. */
  readonly indexReads: number;
};

export type TableBloom = {
  readonly memoryBytes: number;
  /** Filters that a read of an absent key asks on average: SSTables around the key. */
  readonly probes: number;
  /** That is what it is at most: the SSTables' keys are not known to lie apart. */
  readonly isProbesBound: boolean;
  /** Index reads for each read of an absent key, with the filters as they are. */
  readonly indexReads: number;
  /** In ascending order of the chance. */
  readonly alternatives: readonly Alternative[];
};

/** Chances that are always shown. */
const USUAL = [0.001, 0.01, 0.1, 1];

/** @param chances further ones to look at */
export function tableBloom(inspections: readonly FilterInspection[], chances: readonly number[]): TableBloom {
  const { shares, isBound } = coverage(inspections);
  const sum = (of: (inspection: FilterInspection, share: number) => number) =>
    inspections.reduce((total, inspection, i) => total + of(inspection, shares[i]!), 0);
  const all = [...new Set([...USUAL, ...chances])].sort((a, b) => a - b);
  return {
    memoryBytes: sum(({ filter }) => filter?.memoryBytes ?? 0),
    probes: sum((_, share) => share),
    isProbesBound: isBound,
    indexReads: sum(({ filter }, share) => share * (filter?.rate ?? 1)),
    alternatives: all.map((fpChance) => {
      const planned = inspections.map(({ keys }) => plannedFilter(keys ?? 0, fpChance));
      const { hashCount, bitsPerKey } = planned[0]! satisfies PlannedFilter;
      return {
        fpChance,
        hashCount,
        bitsPerKey,
        memoryBytes: planned.reduce((total, { bytes }) => total + bytes, 0),
        indexReads: planned.reduce((total, { rate }, i) => total + rate * shares[i]!, 0),
      };
    }),
  };
}

/** Share of the table's tokens between each SSTable's first and last; 1 for each where tokens are no numbers or not known. */
function coverage(inspections: readonly FilterInspection[]): { shares: number[]; isBound: boolean } {
  const ranges = inspections.map(({ keyRange, statistics }) => {
    if (!keyRange) return undefined;
    const partitioner = partitionerOf(statistics.validation.partitioner);
    const [first, last] = [keyRange.first, keyRange.last].map((key) => position(partitioner, key));
    return first === undefined || last === undefined ? undefined : { first, last };
  });
  const known = ranges.filter((range) => range !== undefined);
  const all = inspections.map(() => 1);
  if (inspections.length === 1) return { shares: all, isBound: false };
  if (known.length < ranges.length) return { shares: all, isBound: true };
  const first = Math.min(...known.map((range) => range.first));
  const last = Math.max(...known.map((range) => range.last));
  if (!(last > first)) return { shares: all, isBound: true };
  return { shares: known.map((range) => (range.last - range.first) / (last - first)), isBound: false };
}

function position(partitioner: Partitioner, key: Uint8Array): number | undefined {
  if (partitioner.name !== 'Murmur3Partitioner' && partitioner.name !== 'RandomPartitioner') return undefined;
  const token: Token = partitioner.tokenOf(key);
  if (token.kind === 'long') return Number(toBigInt(token.hi, token.lo));
  return token.kind === 'big' ? Number(token.value) : undefined;
}
