/** What `compact split` would split, and has: text for people, and the object of `--json`. */
import path from 'node:path';
import type { Candidate } from '../engine/strategies/strategy.js';
import { COMPONENT, componentPath } from '../sstable/descriptor.js';
import { bytesText, countText, estimateText } from './bytes.js';
import type { CompactedTable, ReportedTask } from './compaction-report.js';
import type { EditOutcome } from './surgery.js';
import { tableText } from './table.js';

export type SplitTable = {
  readonly keyspace: string;
  readonly name: string;
  readonly directory: string;
  /** Those that are split. */
  readonly large: readonly Candidate[];
  /** Those that are small enough. */
  readonly small: readonly Candidate[];
  /** Where hard links of the old ones stay; absent where none are made. */
  readonly snapshot?: string;
};

export type SplitOutcome = { readonly outcome: EditOutcome; readonly maxBytes: number };

/** Before the question. */
export function splitPlanText(tables: readonly SplitTable[], maxBytes: number, width: number): string {
  const blocks = tables
    .filter(({ large }) => large.length > 0)
    .map(({ directory, large, small, snapshot }) =>
      [
        directory,
        tableText(
          [{ title: 'SSTable' }, { title: 'Data.db', align: 'right' }, { title: 'becomes', align: 'right' }],
          large.map(({ descriptor, onDiskBytes }) => [
            descriptor.prefix,
            bytesText(onDiskBytes),
            estimateText(Math.ceil(onDiskBytes / maxBytes)),
          ]),
          { width },
        ),
        `${countText(large.length)} of ${sstablesText(large.length + small.length)} to split, into some of about ${bytesText(maxBytes)}`,
        ...(snapshot === undefined ? [] : [`hard links of the old ones stay in snapshots/${path.basename(snapshot)}`]),
      ].join('\n'),
    );
  const rest = tables.length - blocks.length;
  if (rest > 0) {
    blocks.push(
      `nothing is larger than ${bytesText(maxBytes)} in ${rest === 1 ? '1 table' : `${countText(rest)} tables`}`,
    );
  }
  return `${blocks.join('\n\n')}\n`;
}

/** After the work, or what would have come of it. */
export function splitText(planned: readonly SplitTable[], done: readonly CompactedTable[], width: number): string {
  const blocks = done.map((table) => {
    const isDry = table.mode === 'dry';
    const rows = table.results.map(({ task, outputs, merge }) => [
      task.inputs[0]!.descriptor.prefix,
      countText(outputs.length),
      bytesText(Math.max(0, ...outputs.map(({ data }) => data.storedBytes))),
      bytesText(outputs.reduce((sum, { data }) => sum + data.storedBytes, 0)),
      countText(merge.partitionsOut),
    ]);
    const { snapshot } = planned.find(({ directory }) => directory === table.directory) ?? {};
    return [
      `${table.target}: ${isDry ? 'would be split' : 'split'}`,
      tableText(
        [
          { title: 'SSTable' },
          { title: 'into', align: 'right' },
          { title: 'largest', align: 'right' },
          { title: 'together', align: 'right' },
          { title: 'partitions', align: 'right' },
        ],
        rows,
        { width },
      ),
      ...(isDry || snapshot === undefined ? [] : [`the old ones: snapshots/${path.basename(snapshot)}`]),
    ].join('\n');
  });
  return blocks.length === 0 ? '' : `\n${blocks.join('\n\n')}\n`;
}

export function splitReport(
  planned: readonly SplitTable[],
  done: readonly CompactedTable[],
  { outcome, maxBytes }: SplitOutcome,
): object {
  return {
    outcome,
    maxSSTableBytes: maxBytes,
    tables: planned.map(({ keyspace, name, directory, large, small, snapshot }) => {
      const results = done.find((table) => table.directory === directory)?.results ?? [];
      return {
        keyspace,
        table: name,
        directory,
        snapshot: outcome === 'done' ? snapshot : undefined,
        split: large.map((sstable) => ({ ...fileOf(sstable), outputs: outputsOf(sstable, results) })),
        left: small.map(fileOf),
      };
    }),
  };
}

function fileOf({ descriptor, onDiskBytes }: Candidate) {
  return { file: componentPath(descriptor, COMPONENT.data), dataBytes: onDiskBytes };
}

function outputsOf({ descriptor: { prefix } }: Candidate, results: readonly ReportedTask[]) {
  const result = results.find(({ task }) => task.inputs[0]!.descriptor.prefix === prefix);
  return result?.outputs.map(({ descriptor, data, partitions }) => ({
    file: componentPath(descriptor, COMPONENT.data),
    dataBytes: data.storedBytes,
    partitions,
  }));
}

function sstablesText(count: number): string {
  return count === 1 ? '1 SSTable' : `${countText(count)} SSTables`;
}
