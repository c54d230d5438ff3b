/** The readable page of `lsmctl metadata`: one SSTable, grouped, within 80 columns as far as names and keys allow. */
import type { Bar } from './bars.js';
import { barLines, grouped } from './bars.js';
import { bytesText, countText, estimateText, shareText } from './bytes.js';
import type { HistogramReport, Int64, MetadataReport } from './metadata-report.js';
import { plainText } from './plain-text.js';
import { durationText, microsTimeText, secondsTimeText } from './time.js';

type Field = readonly [name: string, value: string];

const NAME_COLUMNS = 18;
const MAX_LINE = 80;
const MAX_BARS = 14;
/** Columns named on the page; the rest are counted. */
const MAX_COLUMNS = 20;

/** Lines of text, the last one ended. */
export function metadataPage(report: MetadataReport): string {
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['Identity', fields(identity(report))],
    ['Size', fields(size(report))],
    ['Time span', fields(timeSpan(report))],
    ['Partitions', fields(partitions(report))],
    ['Deletions', fields(deletions(report))],
    ['Repair', fields(repair(report))],
    ['Tombstones by the time at which they are dead', dropTimeLines(report)],
    ['Partition size', histogramLines(report.partitionSize, bytesText)],
    ['Cells per partition', histogramLines(report.cellsPerPartition, countText)],
    ['Not measured', fields(report.unmeasured.map(({ what, cause }): Field => [what, cause]))],
  ];
  const parts = sections.filter(([, lines]) => lines.length > 0).map(([title, lines]) => [title, ...lines].join('\n'));
  return `${[plainText(report.path), ...parts].join('\n\n')}\n`;
}

function fields(list: readonly Field[]): string[] {
  return list.map(([name, value]) => `  ${name.padEnd(NAME_COLUMNS)}${plainText(value)}`);
}

function identity(report: MetadataReport): Field[] {
  const { header } = report;
  const place = [
    report.index !== null && `index ${report.index}`,
    report.snapshot !== null && `snapshot ${report.snapshot}`,
    report.backup && 'backup',
  ].filter((text) => text !== false);
  const clustering = header.clusteringTypes.map(({ type, isDescending }) => (isDescending ? `${type} desc` : type));
  return [
    ['table', [`${report.keyspace}.${report.table}`, ...place].join(', ')],
    ['version', `${report.version} (${report.format})`],
    ['generation', report.id],
    ['partitioner', report.partitioner.replace(/^.*\./, '')],
    ['written by host', report.originatingHostId ?? 'not recorded'],
    ['partition key', header.keyType],
    ...(clustering.length > 0 ? [['clustering', clustering.join(', ')] as const] : []),
    ...columnFields('static columns', header.staticColumns),
    ...columnFields('columns', header.regularColumns),
  ];
}

function columnFields(name: string, columns: readonly { readonly name: string; readonly type: string }[]): Field[] {
  const shown = columns.slice(0, MAX_COLUMNS).map((column) => `${column.name} ${column.type}`);
  if (columns.length > MAX_COLUMNS) shown.push(`and ${columns.length - MAX_COLUMNS} more (--json has all)`);
  return shown.map((text, i): Field => [i === 0 ? name : '', text]);
}

function size(report: MetadataReport): Field[] {
  const { compression } = report;
  const parameters = compression && [
    compression.compressor.replace(/^.*\./, ''),
    `${bytesText(compression.chunkLength)} chunks`,
    ...(compression.ratio === null ? [] : [`to ${shareText(compression.ratio)}`]),
  ];
  const isUnknown = report.unmeasured.some(({ what }) => what === 'compression');
  return [
    ...(report.bytesOnDisk === null
      ? []
      : [['on disk', `${bytesText(report.bytesOnDisk)} in ${report.files.length} files`] as const]),
    ['uncompressed', report.uncompressedBytes === null ? 'not known' : bytesText(report.uncompressedBytes)],
    ['compression', parameters?.join(', ') ?? (isUnknown ? 'not known' : 'none')],
    ['bloom filter', `${shareText(report.bloomFilterFpChance)} false positives wanted`],
    ['level', String(report.sstableLevel)],
  ];
}

function timeSpan(report: MetadataReport): Field[] {
  const { minTimestampMicros: min, maxTimestampMicros: max, minTtlSeconds, maxTtlSeconds } = report;
  const span = (Number(max) - Number(min)) / 1e6;
  const ttl =
    minTtlSeconds === maxTtlSeconds ? ttlText(maxTtlSeconds) : `${ttlText(minTtlSeconds)} to ${ttlText(maxTtlSeconds)}`;
  return [
    ['oldest write', microsText(min)],
    ['newest write', `${microsText(max)}${span >= 1 ? ` (${durationText(span)} later)` : ''}`],
    ['TTL', ttl],
  ];
}

function partitions(report: MetadataReport): Field[] {
  const clusterings = report.coveredClusterings;
  return [
    ['partitions', report.estimatedPartitions === null ? 'not known' : estimateText(report.estimatedPartitions)],
    ['rows', countText(report.totalRows)],
    ['cells', countText(report.totalColumnsSet)],
    ...keyFields('first key', report.firstKey),
    ...keyFields('last key', report.lastKey),
    ...(report.header.clusteringTypes.length > 0
      ? ([['clusterings', clusterings ? sliceText(clusterings) : 'not known']] as const)
      : []),
    ...(report.tokenSpaceCoverage === null ? [] : [['token range', shareText(report.tokenSpaceCoverage)] as const]),
  ];
}

/** On one line where it has room. */
function keyFields(name: string, at: MetadataReport['firstKey']): Field[] {
  if (!at) return [[name, 'not known']];
  const [key, token] = [at.key, `(token ${at.token})`];
  const isShort = 2 + NAME_COLUMNS + plainText(key).length + 1 + token.length <= MAX_LINE;
  if (isShort) return [[name, `${key} ${token}`]];
  return [
    [name, key],
    ['', token],
  ];
}

function sliceText({ start, end }: NonNullable<MetadataReport['coveredClusterings']>): string {
  const side = ({ values, inclusive }: typeof start, open: string) =>
    values.length === 0
      ? open
      : `${values.map((value) => (value === '' ? '(empty)' : (value ?? 'null'))).join(':')}${inclusive ? '' : ' (without)'}`;
  return `${side(start, 'the beginning')} to ${side(end, 'the end')}`;
}

function deletions(report: MetadataReport): Field[] {
  const { minLocalDeletionSeconds: min, maxLocalDeletionSeconds: max, droppableTombstones: droppable } = report;
  const share = droppable.estimatedRatio === 0 ? '0 %' : `~${shareText(droppable.estimatedRatio)}`;
  const recorded = ['oa', 'da'].includes(report.version);
  return [
    ['first dead', min === null ? 'nothing is deleted or expires' : secondsTimeText(min)],
    ['last dead', max === null ? 'some live for ever' : secondsTimeText(max)],
    [
      'droppable',
      `${share} of cells at ${secondsTimeText(droppable.nowSeconds)}, gc grace ${durationText(droppable.gcGraceSeconds)}`,
    ],
    ['of partitions', report.hasPartitionLevelDeletions ? (recorded ? 'yes' : 'not ruled out') : 'none'],
    ...(report.hasLegacyCounterShards ? [['counters', 'with legacy shards'] as const] : []),
  ];
}

function repair(report: MetadataReport): Field[] {
  const { repairedAtMillis: at, commitLogIntervals } = report;
  return [
    ['repaired', at === 0 ? 'no' : secondsTimeText(Math.floor(at / 1000))],
    ['pending repair', report.pendingRepair ?? 'none'],
    ...(report.isTransient ? [['transient', 'yes'] as const] : []),
    ...commitLogIntervals.map(
      ({ start, end }, i): Field => [
        i === 0 ? 'commit log' : '',
        `${start.segmentId}:${start.position} to ${end.segmentId}:${end.position}`,
      ],
    ),
  ];
}

function dropTimeLines({ tombstoneDropTimes: bins }: MetadataReport): string[] {
  const times = bins.map(({ pointSeconds, count }) => ({ from: pointSeconds, to: pointSeconds, count }));
  return barLines(
    grouped(times, MAX_BARS, joined).map(({ from, to, count }): Bar => {
      const [first, last] = [secondsTimeText(from), secondsTimeText(to)];
      return { label: from === to ? first : `${first.slice(0, 16)} – ${last.slice(0, 16)}`, count };
    }),
  );
}

function histogramLines(histogram: HistogramReport, text: (value: number) => string): string[] {
  if (histogram.count === 0) return [];
  const bars = grouped(histogram.buckets, MAX_BARS, joined).map(
    ({ from, to, count }): Bar => ({ label: from === to ? text(to) : `${text(from)} – ${text(to)}`, count }),
  );
  const { p50, p95, p99, max, overflow } = histogram;
  const summary = `  half up to ${text(p50)}, 95 % ${text(p95)}, 99 % ${text(p99)}, all ${text(max)}`;
  return [
    ...barLines(bars),
    summary,
    ...(overflow > 0 ? [`  and ${countText(overflow)} beyond what the buckets reach`] : []),
  ];
}

function joined<T extends { readonly from: number; readonly to: number; readonly count: number }>(a: T, b: T): T {
  return { ...a, to: b.to, count: a.count + b.count };
}

function microsText(micros: Int64): string {
  return microsTimeText(BigInt(micros));
}

function ttlText(seconds: number): string {
  return seconds <= 0 ? 'none' : durationText(seconds);
}
