/** The summary of `lsmctl metadata --format table`: an SSTable a line or two, under the directory it lies in. */
import path from 'node:path';
import { bytesText, countText, estimateText, shareText } from './bytes.js';
import type { Int64, MetadataReport } from './metadata-report.js';
import { plainText } from './plain-text.js';
import { type TableColumn, tableText } from './table.js';
import { microsTimeText } from './time.js';

const MAX_WIDTH = 80;

const FIGURES: readonly TableColumn[] = [
  { title: 'lvl', align: 'right' },
  { title: 'data', align: 'right' },
  { title: 'keys', align: 'right' },
  { title: 'rows', align: 'right' },
  { title: 'oldest' },
  { title: 'newest' },
  { title: 'drop', align: 'right' },
  { title: 'repair' },
];

/** Lines of at most 80 columns, but for names: where it takes more, the names stand on lines of their own. */
export function metadataTable(reports: readonly MetadataReport[]): string {
  const byDirectory = new Map<string, MetadataReport[]>();
  for (const report of reports) {
    const directory = path.dirname(report.path);
    const list = byDirectory.get(directory);
    if (list) list.push(report);
    else byDirectory.set(directory, [report]);
  }
  return [...byDirectory].map(([directory, list]) => `${plainText(directory)}\n${block(list)}\n`).join('\n');
}

function block(reports: readonly MetadataReport[]): string {
  const rows = reports.map(row);
  const inOne = tableText([{ title: 'sstable' }, ...FIGURES], rows, { indent: 2 });
  if (inOne.split('\n').every((line) => line.length <= MAX_WIDTH)) return inOne;
  const [head = '', ...figures] = tableText(
    FIGURES,
    rows.map((cells) => cells.slice(1)),
    { indent: 4 },
  ).split('\n');
  return [head, ...figures.flatMap((line, i) => [`  ${rows[i]![0]}`, line])].join('\n');
}

function row(report: MetadataReport): string[] {
  const { estimatedRatio } = report.droppableTombstones;
  const data = report.files.find(({ component }) => component === 'Data.db');
  return [
    path.basename(report.path),
    String(report.sstableLevel),
    data ? bytesText(data.bytes) : '?',
    report.estimatedPartitions === null ? '?' : estimateText(report.estimatedPartitions),
    countText(report.totalRows),
    dayText(report.minTimestampMicros),
    dayText(report.maxTimestampMicros),
    estimatedRatio === 0 ? '0 %' : `~${shareText(estimatedRatio)}`,
    report.pendingRepair !== null ? 'pending' : report.repairedAtMillis > 0 ? 'yes' : 'no',
  ];
}

function dayText(micros: Int64): string {
  return microsTimeText(BigInt(micros)).replace(/T.*$/, '');
}
