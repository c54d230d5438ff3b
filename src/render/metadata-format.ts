/** The forms of `lsmctl metadata` behind one interface: what is made of each SSTable, and when it is printed. */
import path from 'node:path';
import type { ScanOverview } from '../engine/scan-overview.js';
import type { SSTableMetadata } from '../engine/sstable-metadata.js';
import type { MetadataReport } from './metadata-report.js';
import type { TermStyle } from './term-histogram.js';

export type MetadataFormatOptions = TermStyle & {
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  /** The directory that relative paths start from: `sstablemetadata` prints absolute ones. */
  readonly root: string;
};

export type MetadataRenderer = {
  /** Pure; what it throws is the SSTable's fault. `scan`: of sstablemetadata's `-s`. */
  readonly make: (metadata: SSTableMetadata, scan?: ScanOverview) => string | MetadataReport;
  /** Prints it or keeps it for the end. */
  readonly take: (made: string | MetadataReport) => void;
  readonly end: () => void;
  /** What was kept. */
  readonly reports: readonly MetadataReport[];
};

/** Loads what the format needs, and no more: a start is short. */
export async function metadataRenderer(
  format: 'json' | 'page' | 'table' | 'sstablemetadata',
  options: MetadataFormatOptions,
  print: (text: string) => void,
): Promise<MetadataRenderer> {
  const reports: MetadataReport[] = [];
  let pages = 0;
  const keep = (made: string | MetadataReport): void => {
    if (typeof made !== 'string') reports.push(made);
  };
  const printPage = (made: string | MetadataReport): void => {
    if (typeof made === 'string') print(format === 'page' && pages++ > 0 ? `\n${made}` : made);
  };
  const base = { reports, take: keep, end: () => {} };
  if (format === 'sstablemetadata') {
    const { sstablemetadataText } = await import('./sstablemetadata.js');
    const make = (metadata: SSTableMetadata, scan?: ScanOverview) => {
      const { directory, prefix } = metadata.descriptor;
      return sstablemetadataText(metadata, path.resolve(options.root, directory, prefix), options, scan);
    };
    return { ...base, take: printPage, make };
  }
  const { metadataReport } = await import('./metadata-report.js');
  const report = (metadata: SSTableMetadata) => metadataReport(metadata, options);
  if (format === 'json') return { ...base, make: report };
  if (format === 'page') {
    const { metadataPage } = await import('./metadata-page.js');
    return { ...base, take: printPage, make: (metadata) => metadataPage(report(metadata)) };
  }
  const { metadataTable } = await import('./metadata-table.js');
  const end = () => {
    if (reports.length > 0) print(metadataTable(reports));
  };
  return { ...base, make: report, end };
}
