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
import { loadCodec } from '../../codec/load.js';
import type { Table, View } from '../../cql/schema.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { isPresent } from '../../sstable/filter.js';
import { EstimatedHistogramBuilder } from '../../sstable/metadata/estimated-histogram.js';
import { CASSANDRA_P } from '../../sstable/metadata/hyper-log-log.js';
import { MetadataCollector } from '../../sstable/metadata/metadata-collector.js';
import { openSSTable } from '../../sstable/sstable.js';
import type { StatisticsParts } from '../../sstable/statistics.js';
import type { SSTableFiles } from '../sstable-directory.js';
import { type CheckedData, checkedCompressed, checkedPlain } from './checked-data.js';
import { type Finding, FindingLog } from './finding.js';
import { BigIndexCursor, BtiIndexCursor, hexOf, type IndexCursor } from './index-cursor.js';
import { LANE_BYTES } from './index-lane.js';
import { KeyCheck, nameOf } from './key-check.js';
import { checkSizes, type Parts, readParts } from './parts.js';
import { checkEnds, checkFacts } from './quick.js';
import { RowCheck } from './row-check.js';
import { checkSaiComponent, isSaiComponent } from './sai-check.js';
import { checkHeader } from './schema-check.js';
import { type Counted, checkStatistics, sameHistogram } from './statistics-check.js';
import { SummaryCheck } from './summary-check.js';
import { type Walked, type WalkParts, walkData, walkIndex } from './walk.js';

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
};

/** `failed`: findings say why. `incomplete`: something stood in the way; `absent`: there is nothing to check. */
export type CheckState = 'proved' | 'failed' | 'incomplete' | 'absent';

/** What one level of looking came to. */
export type Check = { readonly check: string; readonly state: CheckState; readonly detail: string };

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
    const deep = isDeep && data && parts.header ? deepCheck(parts, data, options, log) : undefined;
    const walked = deep ? walkData({ ...walkParts, data: data! }, deep) : walkIndex(walkParts);
    const keysSeen = keys.partitions > 0;
    if (walked.indexIsSound && keysSeen) summary?.finish(keys.firstKey, keys.key.slice(0, keys.keyLength));
    if (walked.keysAreComplete && keysSeen) checkKeyRange(parts, index, keys, log);
    const { deniesKeys } = keys.finish(walked.keysAreComplete && walked.indexIsSound);
    data?.finish(log, parts.digest);
    if (deniesKeys) await tellDeniedKeys(storage, parts, log);
    if (!isForeign && data) checkSizesOfPartitions(parts, sizes, walked, log);
    checks.push(checksumCheck(parts, data, log), indexCheck(parts, walked, keys, log), filterCheck(parts, keys, log));
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

async function openData(
  storage: Storage,
  parts: Parts,
  isEager: boolean,
  log: FindingLog,
): Promise<CheckedData | undefined> {
  const { descriptor, compression, isCompressed, checksums, sizes } = parts;
  if (!sizes.get(COMPONENT.data) || (isCompressed && !compression)) return undefined;
  try {
    const codec = compression && (await loadCodec(compression.compressor, compression.file));
    const source = storage.open(componentPath(descriptor, COMPONENT.data));
    return compression && codec
      ? checkedCompressed(source, compression, codec, isEager)
      : checkedPlain(source, checksums);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    log.addError('not-verified', error);
    return undefined;
  }
}

function openIndex(storage: Storage, parts: Parts, log: FindingLog): IndexCursor | undefined {
  const { descriptor, partitioner, sizes } = parts;
  const component = descriptor.format === 'big' ? COMPONENT.index : COMPONENT.partitions;
  if (!sizes.get(component)) return undefined;
  try {
    if (descriptor.format === 'big') return new BigIndexCursor(storage, descriptor);
    return new BtiIndexCursor(storage, descriptor, partitioner);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    if (!log.has('index')) log.addError('index', error, { component });
    return undefined;
  }
}

/** Keys of indexes on collections are of a type that the header of 4.x does not tell: neither is their order. */
function hasKnownOrder({ header, partitioner }: Parts): boolean {
  return !(partitioner?.name === 'LocalPartitioner' && header?.keyType.kind === 'map' && header.keyType.multiCell);
}

/** Scylla's files have a sketch of another precision; what their statistics count follows rules of its own. */
export function isForeignWriter({ statistics, sizes }: Parts): boolean {
  if (sizes.has('Scylla.db')) return true;
  try {
    return statistics?.has('compaction') === true && statistics.compaction.cardinalityEstimator.p !== CASSANDRA_P;
  } catch {
    return false;
  }
}

/** First and last key in Statistics.db (from oa on) and in Partitions.db. */
function checkKeyRange({ stats }: Parts, index: IndexCursor | undefined, keys: KeyCheck, log: FindingLog): void {
  const first = keys.firstKey!;
  const last = keys.key.slice(0, keys.keyLength);
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
  if (keyCount === keys.partitions) return;
  const place = { component: COMPONENT.partitions, seen: keyCount, expected: keys.partitions };
  log.add('index', 'number of keys is not that of the partitions', place);
}

/** The distances between entries of the index are the sizes of partitions, which Statistics.db has counted: a lost entry shows. */
function checkSizesOfPartitions(
  { stats, descriptor }: Parts,
  sizes: EstimatedHistogramBuilder,
  walked: Walked,
  log: FindingLog,
): void {
  if (!stats || !walked.indexIsSound) return;
  const seen = sizes.build();
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

type Deep = {
  readonly rows: RowCheck;
  readonly collector: MetadataCollector;
};

/** A day: clocks differ. */
const FUTURE_SECONDS = 86400;

function deepCheck(parts: Parts, _data: CheckedData, options: VerifyOptions, log: FindingLog): Deep {
  const header = parts.header!;
  const collector = new MetadataCollector(header.clusteringTypes, parts.descriptor.version);
  const future = BigInt(options.nowSeconds + FUTURE_SECONDS) * 1000000n;
  const rows = new RowCheck({
    header,
    collector,
    log,
    futureHi: Number(BigInt.asIntN(32, future >> 32n)),
    futureLo: Number(BigInt.asIntN(32, future)),
    nameOf: (key, length) => nameOf(parts.partitioner, key, length),
  });
  return { rows, collector };
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
  const counted = collector.finish({
    partitioner: parts.partitioner?.className ?? '',
    bloomFilterFpChance: 0,
    repairedAtMillis: 0,
    isTransient: false,
    level: 0,
    commitLogIntervals: [],
    compressionRatio: parts.stats.compressionRatio,
    tokenSpaceCoverage: Number.NaN,
    firstKey: keys.firstKey,
    lastKey: keys.key.slice(0, keys.keyLength),
    header: parts.header!,
  }) as Counted;
  checkStatistics(storedParts(parts), counted, parts.descriptor.version, isForeign, log);
  checks.push({
    check: 'statistics',
    state: log.wrong > before ? 'failed' : 'proved',
    detail: `counted from ${data.length} bytes`,
  });
}

function storedParts({ statistics, stats }: Parts): StatisticsParts & Counted {
  try {
    return { stats: stats!, ...(statistics!.has('compaction') && { compaction: statistics!.compaction }) };
  } catch {
    return { stats: stats! };
  }
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

function checksumCheck(
  { digest, checksums, isCompressed }: Parts,
  data: CheckedData | undefined,
  log: FindingLog,
): Check {
  if (!data) return { check: 'checksums', state: 'incomplete', detail: 'Data.db can not be read' };
  const isWrong = (
    ['data-chunk', 'data-digest', 'data-length', 'digest', 'crc-file', 'compression-info'] as const
  ).some((rule) => log.has(rule));
  const chunks = isCompressed || checksums ? `${data.chunksChecked} chunks` : '';
  const detail = [chunks, digest === undefined ? '' : 'digest'].filter((text) => text !== '').join(', ');
  if (detail === '') return { check: 'checksums', state: 'absent', detail: 'neither Digest.crc32 nor CRC.db' };
  return { check: 'checksums', state: isWrong ? 'failed' : 'proved', detail };
}

function indexCheck({ summary }: Parts, walked: Walked, keys: KeyCheck, log: FindingLog): Check {
  const rules = ['index', 'index-incomplete', 'key-order', 'partitioner', 'summary', 'key-range'] as const;
  const isWrong = !walked.indexIsSound || rules.some((rule) => log.has(rule));
  const state = isWrong ? 'failed' : walked.unread > 0 ? 'incomplete' : 'proved';
  return {
    check: 'index',
    state,
    detail: `${keys.partitions} partitions${summary ? `, ${summary.entries.length} samples` : ''}`,
  };
}

function filterCheck({ filter }: Parts, keys: KeyCheck, log: FindingLog): Check {
  if (!filter) return { check: 'filter', state: log.has('filter') ? 'failed' : 'absent', detail: 'no filter' };
  const isWrong = log.has('filter-denies') || log.has('filter-extra');
  return {
    check: 'filter',
    state: isWrong ? 'failed' : 'proved',
    detail: `${keys.partitions} keys, ${filter.bits.length * 8} bits`,
  };
}

export type { WalkParts };
