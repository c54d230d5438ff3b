/**
 * About how many keys of an SSTable lie in spans of tokens, by its index alone (SSTableReader.estimatedKeysForRanges):
 *
 *   BIG   samples of the summary in the spans, each for an index interval; at least 1
 *   BTI   bytes of Data.db in the spans by the mean size of a partition. Of a partition at an edge Partitions.db does not always tell on which side
 *         it lies: it is taken for the first of its side
 */
import type { PartitionsFile } from '../../sstable/bti/partitions-file.js';
import type { RowsFile } from '../../sstable/bti/rows-file.js';
import { type DecoratedKey, type Partitioner, type Token, tokenBoundForm } from '../../sstable/partitioner.js';
import { BASE_SAMPLING_LEVEL, type IndexSummary } from '../../sstable/summary.js';
import type { TokenSpan } from '../strategies/strategy.js';

/** Without overlaps, ascending. `upTo` undefined: to the end of the ring. */
type Stretch = { readonly after: Token | undefined; readonly upTo: Token | undefined };

export function bigKeysInSpans(summary: IndexSummary, spans: readonly TokenSpan[], partitioner: Partitioner): number {
  const { entries, minIndexInterval, samplingLevel } = summary;
  const tokens = Array.from(entries, ({ key }) => partitioner.tokenOf(key));
  let samples = 0;
  for (const { after, upTo } of stretchesOf(spans, partitioner)) {
    const from = after === undefined ? 0 : countUpTo(tokens, after, partitioner);
    const to = upTo === undefined ? tokens.length : countUpTo(tokens, upTo, partitioner);
    if (to > from) samples += to - from;
  }
  return Math.max(1, Math.floor((samples * BASE_SAMPLING_LEVEL * minIndexInterval) / samplingLevel));
}

export type BtiKeys = {
  readonly partitions: PartitionsFile;
  readonly rows: RowsFile;
  readonly partitioner: Partitioner;
  readonly plainBytes: number;
  readonly meanPartitionBytes: number;
  readonly first: DecoratedKey;
  readonly last: DecoratedKey;
};

export function btiKeysInSpans(sstable: BtiKeys, spans: readonly TokenSpan[]): number {
  const { partitions, partitioner, plainBytes, meanPartitionBytes, first, last } = sstable;
  const before = (a: Token, b: Token) => partitioner.compareTokens(a, b) < 0;
  let bytes = 0;
  for (const { after, upTo } of stretchesOf(spans, partitioner)) {
    if (after && before(last.token, after)) continue;
    if (upTo && before(upTo, first.token)) continue;
    const left = after && before(first.token, after) ? after : undefined;
    const right = upTo && before(upTo, last.token) ? upTo : undefined;
    if (!left && !right) return partitions.keyCount;
    bytes += (right ? positionAt(sstable, right) : plainBytes) - (left ? positionAt(sstable, left) : 0);
  }
  return meanPartitionBytes > 0 ? Math.round(bytes / meanPartitionBytes) : 0;
}

/** Where the first partition begins whose token is not before this one. */
function positionAt({ partitions, rows, partitioner, plainBytes }: BtiKeys, token: Token): number {
  for (const { pointer } of partitions.pointers(tokenBoundForm(partitioner, token, 'before'))) {
    return pointer.kind === 'data' ? pointer.position : rows.entry(pointer.position).dataPosition;
  }
  return plainBytes;
}

/** Tokens of an ascending list that are not after this one. */
function countUpTo(tokens: readonly Token[], token: Token, partitioner: Partitioner): number {
  let [low, high] = [0, tokens.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (partitioner.compareTokens(tokens[middle]!, token) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Spans unwrapped, in order, those that touch or overlap as one (Range.normalize). */
function stretchesOf(spans: readonly TokenSpan[], partitioner: Partitioner): Stretch[] {
  const compare = (a: Token, b: Token) => partitioner.compareTokens(a, b);
  const unwrapped = spans.flatMap(({ after, upTo }): Stretch[] => {
    const order = compare(after, upTo);
    if (order < 0) return [{ after, upTo }];
    if (order === 0) return [{ after: undefined, upTo: undefined }];
    return [
      { after: undefined, upTo },
      { after, upTo: undefined },
    ];
  });
  unwrapped.sort((a, b) => (!a.after ? (b.after ? -1 : 0) : !b.after ? 1 : compare(a.after, b.after)));
  const merged: Stretch[] = [];
  for (const { after, upTo } of unwrapped) {
    const last = merged.at(-1);
    const touches = last && (last.upTo === undefined || after === undefined || compare(after, last.upTo) <= 0);
    if (!touches) merged.push({ after, upTo });
    else if (last.upTo && (upTo === undefined || compare(upTo, last.upTo) > 0)) {
      merged[merged.length - 1] = { after: last.after, upTo };
    }
  }
  return merged;
}
