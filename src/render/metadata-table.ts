/** The summary of `lsmctl metadata --format table`: a line an SSTable, under the directory it lies in. */
import path from 'node:path';
import { bytesText, countText, estimateText, shareText } from './bytes.js';
import type { Int64, MetadataReport } from './metadata-report.js';
import { plainText } from './plain-text.js';
import { type TableColumn, tableText } from './table.js';
import { microsTimeText } from './time.js';

const COLUMNS: readonly TableColumn[] = [
  { title: 'SSTABLE' },
  { title: 'LEVEL', align: 'right' },
  { title: 'DATA', align: 'right' },
  { title: 'PARTITIONS', align: 'right' },
  { title: 'ROWS', align: 'right' },
  { title: 'OLDEST' },
  { title: 'NEWEST' },
  { title: 'DROPPABLE', align: 'right' },
  { title: 'REPAIRED' },
];

/** @param width columns of the terminal, 0: never cut */
export function metadataTable(reports: readonly MetadataReport[], width = 0): string {
  const byDirectory = new Map<string, MetadataReport[]>();
  for (const report of reports) {
    const directory = path.dirname(report.path);
    const list = byDirectory.get(directory);
    if (list) list.push(report);
    else byDirectory.set(directory, [report]);
  }
  return [...byDirectory]
    .map(([directory, list]) => `${plainText(directory)}\n${tableText(COLUMNS, list.map(row), { width, indent: 2 })}\n`)
    .join('\n');
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
