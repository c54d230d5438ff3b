/** What only all keys and partitions of an SSTable together can be held to, and what checks come to. */
import { COMPONENT } from '../../sstable/descriptor.js';
import type { EstimatedHistogram } from '../../sstable/metadata/estimated-histogram.js';
import type { FindingLog } from './finding.js';
import { BtiIndexCursor, hexOf, type IndexCursor } from './index-cursor.js';
import type { Parts } from './parts.js';
import { sameHistogram } from './statistics-check.js';
import type { Walked } from './walk.js';

/** `failed`: findings say why. `incomplete`: something stood in the way; `absent`: there is nothing to check. */
export type CheckState = 'proved' | 'failed' | 'incomplete' | 'absent';

/** What one level of looking came to. */
export type Check = { readonly check: string; readonly state: CheckState; readonly detail: string };

export type KeyRange = { readonly first: Uint8Array; readonly last: Uint8Array; readonly partitions: number };

/** First and last key in Statistics.db (from oa on) and in Partitions.db. */
export function checkKeyRange(
  { stats }: Parts,
  index: IndexCursor | undefined,
  { first, last, partitions }: KeyRange,
  log: FindingLog,
): void {
  const check = (component: string, name: string, seen: Uint8Array | undefined, expected: Uint8Array) => {
    if (!seen || Buffer.compare(seen, expected) === 0) return;
    log.add('key-range', `${name} key of ${component} is not that of the data`, {
      component,
      seen: `0x${hexOf(seen, seen.length)}`,
      expected: `0x${hexOf(expected, expected.length)}`,
    });
  };
  check(COMPONENT.statistics, 'first', stats?.firstKey, first);
  check(COMPONENT.statistics, 'last', stats?.lastKey, last);
  if (!(index instanceof BtiIndexCursor)) return;
  const { firstKey, lastKey, keyCount } = index.file;
  check(COMPONENT.partitions, 'first', firstKey, first);
  check(COMPONENT.partitions, 'last', lastKey, last);
  if (keyCount === partitions) return;
  const place = { component: COMPONENT.partitions, seen: keyCount, expected: partitions };
  log.add('index', 'number of keys is not that of the partitions', place);
}

/** The distances between entries of the index are the sizes of partitions, which Statistics.db has counted: a lost entry shows. */
export function checkSizesOfPartitions({ stats, descriptor }: Parts, seen: EstimatedHistogram, log: FindingLog): void {
  if (!stats) return;
  if (sameHistogram(stats.estimatedPartitionSize, seen)) return;
  const { counts, overflow } = stats.estimatedPartitionSize;
  const sum = (list: readonly number[]) => list.reduce((total, count) => total + count, 0);
  const component = descriptor.format === 'big' ? COMPONENT.index : COMPONENT.partitions;
  log.add('index-incomplete', 'sizes of partitions by the index are not those that Statistics.db counted', {
    component,
    seen: `${sum(seen.counts) + seen.overflow} partitions`,
    expected: `${sum(counts) + overflow} partitions`,
  });
}

export function checksumCheck(
  { digest, checksums, isCompressed }: Parts,
  chunksChecked: number | undefined,
  log: FindingLog,
): Check {
  if (chunksChecked === undefined)
    return { check: 'checksums', state: 'incomplete', detail: 'Data.db can not be read' };
  const isWrong = (
    ['data-chunk', 'data-digest', 'data-length', 'digest', 'crc-file', 'compression-info'] as const
  ).some((rule) => log.has(rule));
  const chunks = isCompressed || checksums ? `${chunksChecked} chunks` : '';
  const detail = [chunks, digest === undefined ? '' : 'digest'].filter((text) => text !== '').join(', ');
  if (detail === '') return { check: 'checksums', state: 'absent', detail: 'neither Digest.crc32 nor CRC.db' };
  return { check: 'checksums', state: isWrong ? 'failed' : 'proved', detail };
}

export function indexCheck(
  { summary }: Parts,
  walked: Pick<Walked, 'indexIsSound' | 'unread'>,
  partitions: number,
  log: FindingLog,
): Check {
  const rules = ['index', 'index-incomplete', 'key-order', 'partitioner', 'summary', 'key-range'] as const;
  const isWrong = !walked.indexIsSound || rules.some((rule) => log.has(rule));
  const state = isWrong ? 'failed' : walked.unread > 0 ? 'incomplete' : 'proved';
  return {
    check: 'index',
    state,
    detail: `${partitions} partitions${summary ? `, ${summary.entries.length} samples` : ''}`,
  };
}

export function filterCheck({ filter }: Parts, partitions: number, log: FindingLog): Check {
  if (!filter) return { check: 'filter', state: log.has('filter') ? 'failed' : 'absent', detail: 'no filter' };
  const isWrong = log.has('filter-denies') || log.has('filter-extra');
  return {
    check: 'filter',
    state: isWrong ? 'failed' : 'proved',
    detail: `${partitions} keys, ${filter.bits.length * 8} bits`,
  };
}
