/** The forms of `lsmctl metadata` behind one interface: what is made of each SSTable, and when it is printed. */
import path from 'node:path';
import type { SSTableMetadata } from '../engine/sstable-metadata.js';
import { metadataPage } from './metadata-page.js';
import { type MetadataReport, metadataReport } from './metadata-report.js';
import { metadataTable } from './metadata-table.js';
import { sstablemetadataText } from './sstablemetadata.js';
import type { TermStyle } from './term-histogram.js';

export type MetadataFormatOptions = TermStyle & {
  readonly nowSeconds: number;
  readonly gcGraceSeconds: number;
  /** Columns of the terminal, 0 where there is none. */
  readonly width: number;
  /** The directory that relative paths start from: `sstablemetadata` prints absolute ones. */
  readonly root: string;
};

export type MetadataRenderer = {
  /** Pure; what it throws is the SSTable's fault. */
  readonly make: (metadata: SSTableMetadata) => string | MetadataReport;
  /** Prints it or keeps it for the end. */
  readonly take: (made: string | MetadataReport) => void;
  readonly end: () => void;
  /** What was kept. */
  readonly reports: readonly MetadataReport[];
};

export function metadataRenderer(
  format: 'json' | 'page' | 'table' | 'sstablemetadata',
  options: MetadataFormatOptions,
  print: (text: string) => void,
): MetadataRenderer {
  const reports: MetadataReport[] = [];
  let pages = 0;
  const keep = (made: string | MetadataReport): void => {
    if (typeof made !== 'string') reports.push(made);
  };
  const printPage = (made: string | MetadataReport): void => {
    if (typeof made === 'string') print(format === 'page' && pages++ > 0 ? `\n${made}` : made);
  };
  const base = { reports, take: keep, end: () => {} };
  switch (format) {
    case 'json':
      return { ...base, make: (metadata) => metadataReport(metadata, options) };
    case 'table':
      return {
        ...base,
        make: (metadata) => metadataReport(metadata, options),
        end: () => {
          if (reports.length > 0) print(metadataTable(reports, options.width));
        },
      };
    case 'page':
      return { ...base, take: printPage, make: (metadata) => metadataPage(metadataReport(metadata, options)) };
    case 'sstablemetadata':
      return {
        ...base,
        take: printPage,
        make: (metadata) => {
          const { directory, prefix } = metadata.descriptor;
          return sstablemetadataText(metadata, path.resolve(options.root, directory, prefix), options);
        },
      };
  }
}
