/**
 * One SSTable, verified at a level:
 *
 *   quick     the small components, each for itself and against each other; ends of the index. Data.db is not opened
 *   default   and every byte of Data.db against its checksums, every entry of the index against the partition that it leads to, every key
 *             against order, token, Summary.db and Filter.db, sizes of partitions against Statistics.db
 *   deep      and every row, bound and cell decoded, and Statistics.db counted anew
 */
import { InvariantError, LsmctlError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import type { Table, View } from '../../cql/schema.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { isPresent } from '../../sstable/filter.js';
import { EstimatedHistogramBuilder } from '../../sstable/metadata/estimated-histogram.js';
import { openSSTable } from '../../sstable/sstable.js';
import type { SSTableFiles } from '../sstable-directory.js';
import type { CheckedData } from './checked-data.js';
import { countedOf, type Deep, deepCheck, storedParts } from './deep-check.js';
import { type Finding, FindingLog } from './finding.js';
import { LANE_BYTES } from './index-lane.js';
import { joinSlices } from './join-slices.js';
import { KeyCheck, nameOf } from './key-check.js';
import { hasKnownOrder, isForeignWriter, openData, openIndex } from './opening.js';
import { checkSizes, type Parts, readParts } from './parts.js';
import { checkEnds, checkFacts } from './quick.js';
import { checkSaiComponent, isSaiComponent } from './sai-check.js';
import { checkHeader } from './schema-check.js';
import type { GatheredWhole, Slice } from './slice-reader.js';
import { checkStatistics } from './statistics-check.js';
import { SummaryCheck } from './summary-check.js';
import { type Walked, walkData, walkIndex } from './walk.js';
import {
  type Check,
  checkKeyRange,
  checkSizesOfPartitions,
  checksumCheck,
  filterCheck,
  indexCheck,
  type KeyRange,
} from './whole-check.js';

export const LEVELS = ['quick', 'default', 'deep'] as const;
export type Level = (typeof LEVELS)[number];

export type VerifyOptions = {
  readonly level: Level;
  readonly nowSeconds: number;
  /** What the schema says of the table, if it is known. */
  readonly table?: Table | View;
  /** Told how much of Data.db is done, in plain bytes. */
  readonly onPosition?: (position: number) => void;
  /** Entries of Index.db one by one, without the fast lane: to hold the one to the other. */
  readonly isSlow?: boolean;
  /** Has all its slices seen by several at a time. What they saw is taken where it leaves no doubt; else the SSTable is read as ever. */
  readonly gather?: (parts: Parts) => Promise<GatheredWhole | undefined>;
};

/** What is compared between the SSTables of a table. */
export type TableFacts = {
  readonly partitioner: string;
  readonly firstKey: Uint8Array;
  readonly lastKey: Uint8Array;
  readonly level: number;
  readonly repairedAtMillis: number;
  readonly pendingRepair?: string;
};

export type SSTableReport = {
  /** Path up to the component's name. */
  readonly sstable: string;
  readonly level: Level;
  readonly checks: readonly Check[];
  readonly findings: readonly Finding[];
  /** Of all components. */
  readonly bytes: number;
  readonly partitions?: number;
  readonly unreadPartitions?: number;
  readonly rows?: number;
  readonly cells?: number;
  /** Verified deeply, of an SSTable that else was quickly; partitions, rows and cells are theirs. */
  readonly slices?: readonly Slice[];
  readonly facts?: TableFacts;
};

/** Never throws for what an SSTable holds: all of that is findings. */
export async function verifySSTable(
  storage: Storage,
  files: SSTableFiles,
  options: VerifyOptions,
): Promise<SSTableReport> {
  const { descriptor, components } = files;
  const prefix = componentPath(descriptor, '').slice(0, -1);
  const log = new FindingLog(prefix);
  const checks: Check[] = [];
  const parts = readParts(storage, descriptor, components, log);
  const own: Partial<SSTableReport> = {};
  try {
    checkSizes(parts, log);
    if (parts.header && options.table && files.place.index === undefined) checkHeader(parts.header, options.table, log);
    checkFacts(parts, options.nowSeconds, log);
    const facts = checkEnds(storage, parts, options.level === 'quick', log);
    if (facts) Object.assign(own, { facts });
    checks.push(quickCheck(parts, log));
    if (options.level !== 'quick') Object.assign(own, await verifyContents(storage, parts, options, log, checks));
  } catch (error) {
    // a file that went away meanwhile, a codec that can't be loaded
    if (!(error instanceof LsmctlError) || error instanceof InvariantError) throw error;
    log.addError('not-verified', error);
  }
  let bytes = 0;
  for (const size of parts.sizes.values()) bytes += size;
  return { sstable: prefix, level: options.level, checks, findings: log.finish(), bytes, ...own };
}

function quickCheck({ sizes }: Parts, log: FindingLog): Check {
  return { check: 'components', state: log.wrong > 0 ? 'failed' : 'proved', detail: `${sizes.size} files` };
}

async function verifyContents(
  storage: Storage,
  parts: Parts,
  options: VerifyOptions,
  log: FindingLog,
  checks: Check[],
): Promise<Partial<SSTableReport>> {
  checkIndexes(storage, parts, log, checks);
  const gathered = await options.gather?.(parts);
  const joined = gathered && joinSlices(storage, parts, options.level, gathered);
  if (joined) {
    checks.push(...joined.checks);
    return joined.report;
  }
  const isDeep = options.level === 'deep';
  const data = await openData(storage, parts, isDeep, log);
  const index = openIndex(storage, parts, log);
  try {
    const keys = new KeyCheck(hasKnownOrder(parts) ? parts.partitioner : undefined, parts.filter, log, LANE_BYTES);
    const isForeign = isForeignWriter(parts);
    const summary = parts.summary && new SummaryCheck(parts.summary, parts, isForeign, log);
    if (!isForeign) summary?.checkHeader();
    const buckets = parts.stats?.estimatedPartitionSize.offsets.length ?? 155;
    const sizes = new EstimatedHistogramBuilder(Math.min(buckets, 1000));
    const { onPosition = () => {} } = options;
    const hasLane = !options.isSlow;
    const walkParts = { parts, log, index, data, keys, summary, sizes, onPosition, hasLane };
    const deep = isDeep && data && parts.header ? deepCheck(parts, options, log) : undefined;
    const walked = deep ? walkData({ ...walkParts, data: data! }, deep) : walkIndex(walkParts);
    const keysSeen = keys.partitions > 0;
    if (walked.indexIsSound && keysSeen) summary?.finish(keys.firstKey, keys.key.slice(0, keys.keyLength));
    if (walked.keysAreComplete && keysSeen) checkKeyRange(parts, index, keyRangeOf(keys), log);
    const { deniesKeys } = keys.finish(walked.keysAreComplete && walked.indexIsSound);
    data?.finish(log, parts.digest);
    if (deniesKeys) await tellDeniedKeys(storage, parts, log);
    if (!isForeign && data && walked.indexIsSound) checkSizesOfPartitions(parts, sizes.build(), log);
    const { partitions: count } = keys;
    checks.push(
      checksumCheck(parts, data?.chunksChecked, log),
      indexCheck(parts, walked, count, log),
      filterCheck(parts, count, log),
    );
    if (deep && data) finishDeep(parts, deep, data, walked, keys, isForeign, log, checks);
    else if (isDeep) checks.push({ check: 'rows', state: 'incomplete', detail: 'Data.db can not be read' });
    const partitions = { partitions: keys.partitions, unreadPartitions: walked.unread };
    return deep ? { ...partitions, rows: deep.rows.rows, cells: deep.rows.cells } : partitions;
  } finally {
    data?.close();
    index?.close();
  }
}

function checkIndexes(storage: Storage, parts: Parts, log: FindingLog, checks: Check[]): void {
  const sai = [...parts.sizes.keys()].filter(isSaiComponent);
  const before = log.wrong;
  for (const component of sai) checkSaiComponent(storage, parts.descriptor, component, log);
  const sasi = [...parts.sizes.keys()].filter((component) => component.startsWith('SI_'));
  if (sai.length > 0) {
    checks.push({ check: 'sai', state: log.wrong > before ? 'failed' : 'proved', detail: `${sai.length} checksums` });
  }
  if (sasi.length > 0) checks.push({ check: 'sasi', state: 'incomplete', detail: `${sasi.length} files, not decoded` });
}

function keyRangeOf({ firstKey, key, keyLength, partitions }: KeyCheck): KeyRange {
  return { first: firstKey!, last: key.slice(0, keyLength), partitions };
}

function finishDeep(
  parts: Parts,
  { rows, collector }: Deep,
  data: CheckedData,
  walked: Walked,
  keys: KeyCheck,
  isForeign: boolean,
  log: FindingLog,
  checks: Check[],
): void {
  const failed = ['row', 'row-order', 'range-tombstone', 'cell', 'value', 'deletion-time', 'row-index'] as const;
  const isWrong = failed.some((rule) => log.has(rule)) || walked.unread > 0;
  const detail = `${rows.rows} rows, ${rows.cells} cells${walked.unread > 0 ? `; ${walked.unread} partitions could not be read` : ''}`;
  checks.push({ check: 'rows', state: isWrong ? 'failed' : 'proved', detail });
  if (!parts.stats || walked.unread > 0 || !keys.firstKey) {
    checks.push({ check: 'statistics', state: 'incomplete', detail: 'not all rows could be counted' });
    return;
  }
  const before = log.wrong;
  const counted = countedOf(parts, { collector }, keys.firstKey, keys.key.slice(0, keys.keyLength));
  checkStatistics(storedParts(parts), counted, parts.descriptor.version, isForeign, log);
  checks.push({
    check: 'statistics',
    state: log.wrong > before ? 'failed' : 'proved',
    detail: `counted from ${data.length} bytes`,
  });
}

/** Names the keys that Filter.db denies, by another pass over the index. */
async function tellDeniedKeys(storage: Storage, parts: Parts, log: FindingLog): Promise<void> {
  let denied = 0;
  let keys = 0;
  let example: Uint8Array | undefined;
  try {
    const sstable = await openSSTable(storage, componentPath(parts.descriptor, COMPONENT.data));
    const index = sstable.openIndex(storage);
    try {
      for (const { key, dataPosition } of index.entries()) {
        const bytes = key ?? sstable.keyAt(dataPosition);
        keys++;
        if (isPresent(parts.filter!, bytes)) continue;
        denied++;
        example ??= bytes.slice();
      }
    } finally {
      index.close();
      sstable.close();
    }
  } catch (error) {
    // what could be counted is told
    if (!(error instanceof LsmctlError)) throw error;
  }
  log.add('filter-denies', 'Filter.db says that keys are not here which are', {
    component: COMPONENT.filter,
    ...(example && { partition: nameOf(parts.partitioner, example) }),
    seen: denied === 0 ? 'some keys denied' : `${denied} of ${keys} keys denied`,
    expected: 'none',
  });
}
