/** What a read of one key cost, as the object of `--json`, and as text of 80 columns. */
import type { ReadOutcome, ReadStep } from '../engine/read/read-path.js';
import { bytesText, countText } from './bytes.js';
import { tableText } from './table.js';
import { microsTimeText } from './time.js';

export type ReadThresholds = { readonly warn: number; readonly fail: number };

export type StepReport = {
  /** Or `memtable`: what is not flushed yet. */
  readonly sstable: string;
  readonly isMemtable: boolean;
  readonly outcome: ReadOutcome;
  readonly maxTimestampMicros: bigint | undefined;
  readonly filter: ReadStep['filter'];
  readonly index: ReadStep['index'];
  readonly position: number | undefined;
  readonly blocks: number | undefined;
  readonly blockOffset: number | undefined;
  readonly staticOnly: boolean | undefined;
  readonly bytesRead: { readonly filter: number; readonly index: number; readonly data: number };
  readonly chunks: number;
  readonly unfiltereds: number;
  readonly tombstones: number;
};

export type ReadReport = {
  readonly keyspace: string;
  readonly table: string;
  readonly key: string;
  readonly token: string;
  readonly slice: string | undefined;
  readonly nowSeconds: number;
  readonly asOfMicros: bigint | undefined;
  /** How Cassandra would ask: newest first until the row is complete, or all SSTables. */
  readonly query: 'by-name' | 'by-range';
  readonly answer: {
    /** Rows that CQL returns. */
    readonly rows: number;
    /** "Read N live rows and M tombstone cells": static rows count. */
    readonly liveRows: number;
    readonly tombstones: number;
  };
  readonly thresholds: ReadThresholds & { readonly crossed: 'none' | 'warn' | 'failure' };
  readonly sstables: {
    readonly total: number;
    readonly outside: number;
    /** Left out by timestamp, clustering range, or as the row was complete. */
    readonly skipped: number;
    readonly filtered: number;
    readonly falsePositives: number;
    readonly read: number;
  };
  /** Whether anything of the partition is in no SSTable yet; unmeasured: no commit log was read. */
  readonly memtable: 'read' | 'nothing' | 'unmeasured';
  readonly cost: { readonly bytesRead: number; readonly chunks: number; readonly unfiltereds: number };
  readonly path: readonly StepReport[];
};

export type ReadFacts = Pick<
  ReadReport,
  'keyspace' | 'table' | 'key' | 'token' | 'slice' | 'nowSeconds' | 'asOfMicros' | 'query' | 'answer'
> & { readonly steps: readonly ReadStep[]; readonly thresholds: ReadThresholds; readonly isCommitLogRead: boolean };

export function readReport({ steps, thresholds, isCommitLogRead, ...facts }: ReadFacts): ReadReport {
  const path = steps.map(stepReport);
  const sstables = path.filter(({ isMemtable }) => !isMemtable);
  const count = (...outcomes: ReadOutcome[]) => sstables.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const sum = (of: (step: StepReport) => number) => path.reduce((total, step) => total + of(step), 0);
  const { tombstones } = facts.answer;
  const crossed = tombstones > thresholds.fail ? 'failure' : tombstones > thresholds.warn ? 'warn' : 'none';
  return {
    ...facts,
    thresholds: { ...thresholds, crossed },
    sstables: {
      total: sstables.length,
      outside: count('outside'),
      skipped: count('newer-deletion', 'complete', 'clustering'),
      filtered: count('filtered'),
      falsePositives: count('false-positive'),
      read: count('read'),
    },
    memtable: !isCommitLogRead ? 'unmeasured' : path.some(({ isMemtable }) => isMemtable) ? 'read' : 'nothing',
    cost: {
      bytesRead: sum(({ bytesRead: { filter, index, data } }) => filter + index + data),
      chunks: sum(({ chunks }) => chunks),
      unfiltereds: sum(({ unfiltereds }) => unfiltereds),
    },
    path,
  };
}

function stepReport(step: ReadStep): StepReport {
  const { descriptor, isMemtable, outcome, maxTimestampMicros, filter, index, position, blocks, blockOffset, cost } =
    step;
  const { bytes } = cost;
  return {
    sstable: descriptor.prefix,
    isMemtable,
    outcome,
    maxTimestampMicros,
    filter,
    index,
    position,
    blocks,
    blockOffset,
    staticOnly: step.isStaticOnly,
    bytesRead: { filter: bytes.filter, index: bytes.index, data: bytes.data },
    chunks: cost.chunks,
    unfiltereds: cost.unfiltereds,
    tombstones: cost.tombstones,
  };
}

const plural = (n: number, one: string, many = `${one}s`) => `${countText(n)} ${n === 1 ? one : many}`;

const rateText = (rate: number) => (rate < 100 ? rate.toFixed(1) : countText(Math.round(rate)));

/** The lines under the rows. */
export function costText(report: ReadReport): string {
  const { sstables: s, cost, answer, thresholds } = report;
  const lines: string[] = [];
  const hasNone = s.read === 0 && report.memtable !== 'read';
  if (hasNone) lines.push(`no SSTable here has the partition ${report.key}`);
  const least = [
    plural(answer.rows, 'row'),
    `read ${plural(answer.liveRows, 'live row')} and ${plural(answer.tombstones, 'tombstone cell')}`,
  ];
  lines.push(least.join('; '));
  if (answer.tombstones > 0) {
    lines.push(`a node warns above ${countText(thresholds.warn)} tombstones and fails above ${countText(thresholds.fail)}`); // biome-ignore format: one line
  }
  if (thresholds.crossed === 'warn') lines.push('WARNING: Cassandra logs this read: above tombstone_warn_threshold');
  if (thresholds.crossed === 'failure') {
    lines.push('FAILURE: Cassandra refuses this read: above tombstone_failure_threshold');
  }
  const rest = [
    s.outside > 0 ? `${countText(s.outside)} outside of its keys` : '',
    s.filtered > 0 ? `${countText(s.filtered)} filtered` : '',
    s.falsePositives > 0 ? plural(s.falsePositives, 'false positive') : '',
    s.skipped > 0 ? `${countText(s.skipped)} skipped` : '',
  ].filter(Boolean);
  const unflushed = { read: 'memtable and ', nothing: '', unmeasured: '' }[report.memtable];
  const others = rest.length > 0 ? `; ${rest.join(', ')}` : '';
  lines.push(`${unflushed}${countText(s.read)} of ${plural(s.total, 'SSTable')} read${others}`);
  const perRow = answer.rows > 0 ? `, ${rateText(cost.unfiltereds / answer.rows)} a row` : '';
  lines.push(`read amplification ${s.read}: ${plural(cost.unfiltereds, 'row')} and bounds visited${perRow}`);
  lines.push(`${bytesText(cost.bytesRead)} read, ${plural(cost.chunks, 'chunk')} decompressed`);
  return `${lines.join('\n')}\n`;
}

const WORDS: Readonly<Record<ReadOutcome, string>> = {
  outside: 'outside',
  'newer-deletion': 'skipped: deleted later',
  complete: 'skipped: row complete',
  clustering: 'skipped: clusterings',
  filtered: 'filter: absent',
  'false-positive': 'filter erred',
  read: 'read',
};

/** `--trace`: a line an SSTable that was thought of, in that order. */
export function traceText({ path, sstables }: ReadReport): string {
  const shown = path.filter(({ outcome }) => outcome !== 'outside');
  const rows = shown.map((step) => [
    step.sstable,
    step.maxTimestampMicros === undefined ? '' : microsTimeText(step.maxTimestampMicros).slice(0, 19),
    step.staticOnly ? 'read: static only' : WORDS[step.outcome],
    step.blocks === undefined ? '' : `${step.blocks}${step.blockOffset ? '*' : ''}`,
    step.outcome === 'read' ? countText(step.chunks) : '',
    bytesText(step.bytesRead.filter + step.bytesRead.index + step.bytesRead.data),
    step.outcome === 'read' ? countText(step.unfiltereds) : '',
    step.outcome === 'read' ? countText(step.tombstones) : '',
  ]);
  const titles = ['SSTABLE', 'NEWEST WRITE', 'OUTCOME', 'BLOCKS', 'CHUNKS', 'READ', 'ROWS', 'TOMBST.'];
  const columns = titles.map((title, i) => ({ title, align: i < 3 ? ('left' as const) : ('right' as const) }));
  const table = shown.length > 0 ? `${tableText(columns, rows, { width: 80 })}\n` : '';
  const jumped = shown.some(({ blockOffset }) => blockOffset)
    ? '* the index led to a later block of the partition\n'
    : '';
  return `${table}${jumped}${sstables.outside > 0 ? `${countText(sstables.outside)} more do not span the key\n` : ''}`;
}
