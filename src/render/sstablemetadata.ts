/**
 * The text of Cassandra 5.0's `sstablemetadata`, line for line, in UTC. Its habits are kept: times of 0 have no date, percentiles are of bucket
 * offsets counted into other buckets, columns come in the order of a Java HashMap. Of `-s` the progress, which the tool writes into its text, is
 * left out.
 */
import { toBigInt } from '../bytes/int64.js';
import { ByteWriter } from '../bytes/writer.js';
import { marshalTypeName } from '../cql/marshal.js';
import type { CqlType } from '../cql/type.js';
import { stringWriter } from '../cql/values/string.js';
import { textOf } from '../cql/values/value-writer.js';
import type { Leader, ScanOverview } from '../engine/scan-overview.js';
import type { SSTableMetadata } from '../engine/sstable-metadata.js';
import type { EstimatedHistogram } from '../sstable/metadata/estimated-histogram.js';
import { cardinality } from '../sstable/metadata/hyper-log-log.js';
import type { Slice } from '../sstable/metadata/slice.js';
import type { CommitLogInterval, CommitLogPosition, StatsMetadata } from '../sstable/metadata/stats.js';
import { partitionerOf } from '../sstable/partitioner.js';
import type { Column } from '../sstable/row.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { droppableTombstoneRatio } from '../sstable/statistics.js';
import { dateText, doubleText, durationWords, hashMapOrder, oneDecimal } from './java-text.js';
import { ANSI, quiet, type TermStyle, termHistogram } from './term-histogram.js';

export type SSTableMetadataTextOptions = TermStyle & {
  /** Seconds since the epoch. */
  readonly nowSeconds: number;
  /** `-g`: tombstones are droppable so long after their deletion time. */
  readonly gcGraceSeconds: number;
};

/** Long.MAX_VALUE: what 5.0 makes of "no deletion time". */
const NO_DELETION_TIME_TEXT = '9223372036854775807';
const MAX_INT = 0x7fffffff;
const COMPRESSORS = 'org.apache.cassandra.io.compress.';

/**
 * @param name what follows `SSTable: `: the path up to the component's name
 * @param scan what `-s` found
 */
export function sstablemetadataText(
  metadata: SSTableMetadata,
  name: string,
  options: SSTableMetadataTextOptions,
  scan?: ScanOverview,
): string {
  const { statistics } = metadata;
  const fields = new Fields(options.color);
  fields.add('SSTable', name);
  if (scan) addScan(fields, scan, statistics.header.keyType, options.color);
  if (statistics.has('validation')) {
    fields.add('Partitioner', statistics.validation.partitioner);
    fields.add('Bloom Filter FP chance', doubleText(statistics.validation.bloomFilterFpChance));
  }
  if (statistics.has('stats')) addStats(fields, metadata, options);
  if (statistics.has('compaction')) {
    fields.add('Estimated cardinality', String(cardinality(statistics.compaction.cardinalityEstimator)));
  }
  if (statistics.has('header')) {
    addHeader(fields, statistics.header);
    if (statistics.has('stats')) fields.add('IsTransient', String(statistics.stats.isTransient));
  }
  return fields.lines.map((line) => `${line}\n`).join('');
}

/** Lines of a name, a value and a comment. */
class Fields {
  readonly lines: string[] = [];
  private readonly color: boolean;

  constructor(color: boolean) {
    this.color = color;
  }

  add(name: string, value: string | undefined, comment?: string): void {
    const [blue, cyan, white, reset] = this.color ? [ANSI.blue, ANSI.cyan, ANSI.white, ANSI.reset] : ['', '', '', ''];
    const end = comment === undefined ? '' : `${white} (${comment})${reset}`;
    this.lines.push(`${blue}${name}${cyan}: ${reset}${value ?? '--'}${end}`);
  }
}

function addScan(fields: Fields, scan: ScanOverview, keyType: CqlType, color: boolean): void {
  const [cyan, white, reset] = color ? [ANSI.cyan, ANSI.white, ANSI.reset] : ['', '', ''];
  const line = ({ key, value }: Leader) => `  ${cyan}[${reset}${valueText(keyType, key)}${cyan}] ${reset}${value}`;
  const sizeNote = ({ value }: Leader) => `${white} (${sizeText(value) ?? 'null'})${reset}`;
  fields.add('Size', String(scan.plainBytes));
  fields.add('Partitions', String(scan.partitions));
  fields.add('Rows', String(scan.rows));
  fields.add('Tombstones', String(scan.tombstones));
  fields.add('Cells', String(scan.cells));
  fields.add('Widest Partitions', '');
  fields.lines.push(...scan.widest.map(line));
  fields.add('Largest Partitions', '');
  fields.lines.push(...scan.largest.map((leader) => line(leader) + sizeNote(leader)));
  const dead = scan.mostTombstones.filter(({ value }) => value > 0).map(line);
  // the tool takes a text this short for none
  if (dead.map((text) => `${text}\n`).join('').length <= 10) return;
  fields.add('Tombstone Leaders', '');
  fields.lines.push(...dead);
}

function addStats(fields: Fields, metadata: SSTableMetadata, options: SSTableMetadataTextOptions): void {
  const { stats } = metadata.statistics;
  addTimes(fields, stats);
  fields.add('Compressor', compressorClass(metadata));
  if (metadata.compression) fields.add('Compression ratio', doubleText(stats.compressionRatio));
  fields.add('TTL min', String(stats.minTtlSeconds), ttlText(stats.minTtlSeconds));
  fields.add('TTL max', String(stats.maxTtlSeconds), ttlText(stats.maxTtlSeconds));
  addTokens(fields, metadata);
  if (metadata.statistics.has('header')) {
    fields.add('Covered clusterings', sliceText(stats.coveredClustering, metadata.statistics.header.clusteringTypes));
  }
  const gcBefore = ((options.nowSeconds | 0) - options.gcGraceSeconds) | 0;
  fields.add('Estimated droppable tombstones', doubleText(droppableTombstoneRatio(stats, gcBefore)));
  fields.add('SSTable Level', String(stats.sstableLevel));
  fields.add('Repaired at', String(stats.repairedAtMillis), dateUnlessZero(BigInt(stats.repairedAtMillis)));
  fields.add('Originating host id', stats.originatingHostId);
  fields.add('Pending repair', stats.pendingRepair);
  fields.add('Replay positions covered', intervalsText(stats.commitLogIntervals));
  fields.add('totalColumnsSet', String(stats.totalColumnsSet));
  fields.add('totalRows', String(stats.totalRows));
  addHistograms(fields, stats, options);
  fields.add('Local token space coverage', doubleText(stats.tokenSpaceCoverage));
}

function addTimes(fields: Fields, stats: StatsMetadata): void {
  const { minTimestampMicros: min, maxTimestampMicros: max } = stats;
  fields.add('Minimum timestamp', microsText(min), String(min));
  fields.add('Maximum timestamp', microsText(max), String(max));
  fields.add('Duration', spanText(BigInt.asIntN(64, max - min)));
  for (const [end, seconds] of [
    ['min', stats.minLocalDeletionSeconds],
    ['max', stats.maxLocalDeletionSeconds],
  ] as const) {
    const isNone = seconds === Number.POSITIVE_INFINITY;
    const text = isNone || seconds === 0 ? 'no tombstones' : dateText(BigInt(seconds) * 1000n);
    fields.add(`SSTable ${end} local deletion time`, text, isNone ? NO_DELETION_TIME_TEXT : String(seconds));
  }
}

function addTokens(fields: Fields, { statistics, keyRange }: SSTableMetadata): void {
  if (!keyRange || !statistics.has('validation') || !statistics.has('header')) return;
  const { keyType } = statistics.header;
  const partitioner = partitionerOf(statistics.validation.partitioner, keyType);
  for (const [name, key] of [
    ['First token', keyRange.first],
    ['Last token', keyRange.last],
  ] as const) {
    // A token of LocalPartitioner is a value of the key's type.
    const isLocal = partitioner.name === 'LocalPartitioner';
    const text = valueText(keyType, key);
    fields.add(name, isLocal ? text : partitioner.tokenText(partitioner.tokenOf(key)), text);
  }
}

function addHistograms(fields: Fields, stats: StatsMetadata, options: SSTableMetadataTextOptions): void {
  const add = (
    title: string,
    unit: string,
    bins: readonly (readonly [number, number])[],
    name: (offset: number) => string,
  ): void => {
    fields.add(title, '');
    fields.lines.push(...termHistogram(bins, unit, name, options));
  };
  const withNote = (note: (offset: number) => string | undefined) => (offset: number) =>
    `${offset} ${quiet(note(offset), options.color)}`;
  const dropTimes = stats.estimatedTombstoneDropTime.bins.map((bin) => [bin.pointSeconds, bin.count] as const);
  add(
    'Estimated tombstone drop times',
    'Drop Time',
    dropTimes,
    withNote((s) => dateUnlessZero(BigInt(s) * 1000n)),
  );
  add('Partition Size', 'Size (bytes)', binsOf(stats.estimatedPartitionSize), withNote(sizeText));
  add('Column Count', 'Columns', binsOf(stats.estimatedCellPerPartitionCount), String);
}

function addHeader(fields: Fields, header: SerializationHeader): void {
  const { minTtlSeconds, minLocalDeletionSeconds, minTimestampHi, minTimestampLo } = header.encodingStats;
  const minTimestamp = toBigInt(minTimestampHi, minTimestampLo);
  fields.add('EncodingStats minTTL', String(minTtlSeconds), ttlText(minTtlSeconds));
  fields.add(
    'EncodingStats minLocalDeletionTime',
    dateUnlessZero(BigInt(minLocalDeletionSeconds) * 1000n),
    String(minLocalDeletionSeconds),
  );
  fields.add('EncodingStats minTimestamp', microsText(minTimestamp), String(minTimestamp));
  fields.add('KeyType', marshalTypeName(header.keyType));
  fields.add('ClusteringTypes', `[${header.clusteringTypes.map(marshalTypeName).join(', ')}]`);
  fields.add('StaticColumns', columnsText(header.staticColumns, header.stored.staticColumns));
  fields.add('RegularColumns', columnsText(header.regularColumns, header.stored.regularColumns));
}

function compressorClass({ compression, unmeasured }: SSTableMetadata): string {
  if (!compression) return unmeasured.some(({ what }) => what === 'compression') ? 'unmeasured' : '-';
  return compression.compressor.includes('.') ? compression.compressor : COMPRESSORS + compression.compressor;
}

function binsOf({ offsets, counts }: EstimatedHistogram): (readonly [number, number])[] {
  return counts.flatMap((count, i) => (count > 0 ? [[offsets[i]!, count] as const] : []));
}

function microsText(micros: bigint): string | undefined {
  return micros === 0n ? undefined : dateText(micros / 1000n);
}

function dateUnlessZero(millis: bigint): string | undefined {
  return millis === 0n ? undefined : dateText(millis);
}

function ttlText(seconds: number): string | undefined {
  if (seconds <= 0) return undefined;
  return seconds === MAX_INT ? 'never' : durationWords(seconds);
}

function spanText(micros: bigint): string {
  const seconds = micros / 1000000n;
  return `Days: ${seconds / 86400n} Hours: ${(seconds / 3600n) % 24n} Minutes: ${(seconds / 60n) % 60n} Seconds: ${seconds % 60n}`;
}

/** Decimal kilo, binary steps: as Cassandra does it. */
function sizeText(bytes: number): string | undefined {
  if (bytes === 0) return undefined;
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.trunc(Math.log(bytes) / Math.log(1024));
  return `${oneDecimal(bytes / 1024 ** power)} ${'kMGTP'[power - 1]}B`;
}

function sliceText(slice: Slice | undefined, types: readonly CqlType[]): string {
  if (!slice) return 'ALL';
  const values = (bound: Slice['start']) =>
    bound.values.map((value, i) => (value === null ? 'null' : valueText(types[i]!, value))).join(':');
  const open = slice.start.kind.startsWith('INCL') ? '[' : '(';
  const close = slice.end.kind.startsWith('INCL') ? ']' : ')';
  return `${open}${values(slice.start)}, ${values(slice.end)}${close}`;
}

function valueText(type: CqlType, value: Uint8Array): string {
  return textOf(stringWriter(type), value, new ByteWriter(64));
}

function intervalsText(intervals: readonly CommitLogInterval[]): string {
  const byStart = new Map(intervals.map(({ start, end }) => [positionText(start), { start, end }]));
  const sorted = [...byStart.values()].sort((a, b) => comparePositions(a.start, b.start));
  return `{${sorted.map(({ start, end }) => `${positionText(start)}=${positionText(end)}`).join(', ')}}`;
}

function positionText({ segmentId, position }: CommitLogPosition): string {
  return `CommitLogPosition(segmentId=${segmentId}, position=${position})`;
}

function comparePositions(a: CommitLogPosition, b: CommitLogPosition): number {
  return a.segmentId === b.segmentId ? a.position - b.position : a.segmentId < b.segmentId ? -1 : 1;
}

/** In the order of the file they go into the map that decides the order in which they come out. */
function columnsText(columns: readonly Column[], stored: readonly { readonly nameBytes: Uint8Array }[]): string {
  const byName = new Map(columns.map((column) => [Buffer.from(column.nameBytes).toString('hex'), column]));
  const inFile = stored.map(({ nameBytes }) => byName.get(Buffer.from(nameBytes).toString('hex'))!);
  const typeOf = new Map(inFile.map((column) => [column.name, marshalTypeName(column.type)]));
  return hashMapOrder([...typeOf.keys()])
    .map((name) => `${name}:${typeOf.get(name)}`)
    .join(', ');
}
