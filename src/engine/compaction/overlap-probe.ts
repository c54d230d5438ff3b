/**
 * Whether an SSTable outside of a compaction may have the partition that a merge stands on, asked of thousands of partitions: what `mayHold` answers,
 * but that keys are told by their tokens where these suffice, and a filter that lets every key pass (those of CQLSSTableWriter do) is not asked.
 */
import { compare64 } from '../../bytes/int64.js';
import { type BloomFilter, isHashPresent } from '../../sstable/filter.js';
import { decorate, type Partitioner } from '../../sstable/partitioner.js';
import type { MergeSource } from '../merge/merge-source.js';
import { mayHold, type OverlapSource } from './overlap-purge.js';

/** Tokens of the first and the last key. */
type TokenSpan = {
  readonly firstHi: number;
  readonly firstLo: number;
  readonly lastHi: number;
  readonly lastLo: number;
};

export class OverlapProbe {
  private readonly sstable: OverlapSource;
  private readonly partitioner: Partitioner;
  /** Under Murmur3Partitioner. */
  private readonly span: TokenSpan | undefined;
  /** Absent until it is asked for; `undefined` as well where every key passes. */
  private filter: { readonly asked: BloomFilter | undefined } | undefined;

  constructor(sstable: OverlapSource, partitioner: Partitioner) {
    this.sstable = sstable;
    this.partitioner = partitioner;
    this.span = partitioner.name === 'Murmur3Partitioner' ? spanOf(sstable) : undefined;
  }

  /** @throws CorruptError, UsageError (a filter that can't be read) */
  mayHold(source: MergeSource): boolean {
    const { span, sstable, partitioner } = this;
    if (span) {
      const { tokenHi, tokenLo } = source;
      const first = compare64(tokenHi, tokenLo, span.firstHi, span.firstLo);
      const last = compare64(tokenHi, tokenLo, span.lastHi, span.lastLo);
      if (first < 0 || last > 0) return false;
      if (first > 0 && last < 0) {
        this.filter ??= { asked: unlessFull(sstable.filter()) };
        return !this.filter.asked || isHashPresent(this.filter.asked, source.hash);
      }
    }
    const { key, keyLength } = source.cursor;
    return mayHold(sstable, decorate(partitioner, key.slice(0, keyLength)), partitioner);
  }
}

function spanOf({ first: { token: first }, last: { token: last } }: OverlapSource): TokenSpan | undefined {
  if (first.kind !== 'long' || last.kind !== 'long') return undefined;
  return { firstHi: first.hi, firstLo: first.lo, lastHi: last.hi, lastLo: last.lo };
}

function unlessFull(filter: BloomFilter | undefined): BloomFilter | undefined {
  return filter?.bits.every((byte) => byte === 0xff) ? undefined : filter;
}
