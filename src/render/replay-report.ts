/** What a replay of a commit log has done, as text and as the object for `--json`. */
import path from 'node:path';
import { findTable, type Schema } from '../cql/schema.js';
import type { LogReplayResult, LostBytes, TableReplay } from '../engine/replay/log-replay.js';
import type { ReplayFault } from '../engine/replay/segment-replay.js';
import type { WrittenSSTable } from '../sstable/writer-options.js';
import { bytesText, countText } from './bytes.js';
import { AT_START, rangeContent } from './commitlog-verdict.js';
import { plainText } from './plain-text.js';
import { tableText } from './table.js';
import { microsTimeText } from './time.js';
import { plural, wrapHanging, wrapWords } from './words.js';

export type ReplayMode = 'dry' | 'aside' | 'in place';

export type ReplayReport = {
  readonly mode: ReplayMode;
  /** The answer to the question was no; `result` is then what would have been done. */
  readonly isDeclined: boolean;
  /** Directory that was written to. */
  readonly target: string | undefined;
  readonly segments: readonly { readonly file: string; readonly id: number; readonly bytes: number }[];
  readonly hostId: string | undefined;
  readonly untilMicros: bigint | undefined;
  /** Some keys of a table were asked for. */
  readonly hasKeys: boolean;
  readonly schema: Schema;
  readonly result: LogReplayResult;
  /** By table id. */
  readonly written: ReadonlyMap<string, { readonly directory: string; readonly sstables: readonly WrittenSSTable[] }>;
  readonly seconds: number;
};

const MAX_SHOWN = 20;

/** What is about to be done in place. */
export function replayPlanText(report: ReplayReport): string {
  return [tablesText(report), faultsText(report.result.faults), lostText(report.result.lost)]
    .filter((block) => block !== '')
    .join('\n\n');
}

export function replayText(report: ReplayReport): string {
  const { result } = report;
  const blocks = [
    tablesText(report),
    faultsText(result.faults),
    lostText(result.lost),
    unknownText(result.unknown),
    summaryText(report),
    ...replayNotes(report).map((note) => wrapWords(note, 0).join('\n')),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function replayedTables({ result }: ReplayReport): TableReplay[] {
  return result.tables
    .filter(({ updates }) => updates > 0)
    .sort((a, b) => b.bytes - a.bytes || (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf({ table }: TableReplay): string {
  return `${table.keyspace}.${table.name}`;
}

function tablesText(report: ReplayReport): string {
  const tables = replayedTables(report);
  if (tables.length === 0) return '';
  const isPlan = report.written.size === 0;
  const right = 'right' as const;
  const columns = [
    { title: 'table' },
    { title: 'updates', align: right },
    { title: 'held already', align: right },
    ...(isPlan
      ? [{ title: 'size', align: right }]
      : [
          { title: 'partitions', align: right },
          { title: 'SSTables', align: right },
          { title: 'size', align: right },
        ]),
  ];
  const rows = tables.map((table) => {
    const sstables = report.written.get(table.table.id)?.sstables ?? [];
    const first = [nameOf(table), countText(table.updates), countText(table.persisted)];
    if (isPlan) return [...first, bytesText(table.bytes)];
    const sum = (of: (one: WrittenSSTable) => number) => sstables.reduce((all, one) => all + of(one), 0);
    const partitions = countText(sum((one) => one.partitions));
    return [...first, partitions, countText(sstables.length), bytesText(sum((one) => one.bytesOnDisk))];
  });
  return tableText(columns, rows, { width: 80 });
}

function faultsText(faults: readonly ReplayFault[]): string {
  const lines = faults.slice(0, MAX_SHOWN).flatMap(({ file, section, position, message, atStart }) => {
    const where = `${section === undefined ? '' : `section ${section}, `}position ${position}`;
    return [
      plainText(`${path.basename(file)}, ${where}`),
      wrapHanging(plainText(message), 2),
      `  at the start of a node: ${AT_START[atStart]}`,
    ];
  });
  const more = faults.length - MAX_SHOWN;
  if (more > 0) lines.push(`and ${countText(more)} more (--json has all)`);
  return lines.join('\n');
}

function lostText(lost: readonly LostBytes[]): string {
  if (lost.length === 0) return '';
  const lines = lost.slice(0, MAX_SHOWN).map((range) => {
    const { file, from, to, fileFrom, fileTo } = range;
    const bytes = fileTo > fileFrom ? `, bytes ${fileFrom} to ${fileTo} of the file` : '';
    const where = `${path.basename(file)}: positions ${from} to ${to ?? '?'}${bytes}`;
    return wrapHanging(plainText(`${where}: ${rangeContent(range)}`), 2);
  });
  const more = lost.length - MAX_SHOWN;
  if (more > 0) lines.push(`  and ${countText(more)} more (--json has all)`);
  return ['Lost, nobody can read it:', ...lines].join('\n');
}

function unknownText(unknown: ReadonlyMap<string, number>): string {
  if (unknown.size === 0) return '';
  const lines = [...unknown].map(([id, count]) => `  ${id}: ${plural(count, 'mutation')}`);
  return ['Dropped, as a node does: of tables that the schema does not have', ...lines].join('\n');
}

function summaryText(report: ReplayReport): string {
  const { mode, result, segments, target, isDeclined } = report;
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const read = `${plural(segments.length, 'segment')}, ${bytesText(bytes)}, ${plural(result.mutations, 'mutation')} read`;
  const tables = replayedTables(report).length;
  if (tables === 0) return `${read}; nothing to replay: SSTables hold all that was asked for.`;
  const what = `${plural(result.replayed, 'mutation')} of ${plural(tables, 'table')}`;
  const salvaged = result.salvaged > 0 ? `, ${countText(result.salvaged)} of them behind damage` : '';
  const later = result.tables.reduce((sum, table) => sum + table.later, 0);
  const left =
    later > 0 ? ` ${plural(later, 'update')} from after ${microsTimeText(report.untilMicros!)} left out.` : '';
  if (isDeclined) return `${read}; nothing was written.`;
  const done =
    mode === 'dry' ? `would replay ${what}${salvaged}` : `replayed ${what}${salvaged} into ${plainText(target ?? '')}`;
  return wrapWords(`${read}; ${done}.${left}`, 0).join('\n');
}

/** What is to be known before a node is started on the result. */
export function replayNotes(report: ReplayReport): string[] {
  const { mode, isDeclined, hostId, hasKeys, untilMicros, result } = report;
  if (mode === 'dry' || isDeclined || replayedTables(report).length === 0) return [];
  const notes: string[] = [];
  if (mode === 'in place') {
    if (untilMicros !== undefined || result.lost.length > 0 || result.salvaged > 0) {
      notes.push(
        'Next: move the segments out of the commitlog directory before the node is started, else it reads them too: it replays what is in them of tables without new SSTables, and stops where they are damaged.',
      );
    } else if (hostId === undefined || hasKeys) {
      notes.push(
        'The new SSTables say nothing of the commit log: a node replays it all once more, which does no harm.',
      );
    }
  }
  return [...notes, ...indexNotes(report)];
}

function indexNotes(report: ReplayReport): string[] {
  const notes: string[] = [];
  const { schema } = report;
  for (const { table } of replayedTables(report)) {
    const definition = findTable(schema, table.keyspace, table.name);
    const indexes = definition && 'indexes' in definition ? definition.indexes : [];
    const legacy = indexes.filter(({ kind }) => kind !== 'CUSTOM').map(({ name }) => name);
    if (legacy.length > 0) {
      notes.push(
        `${table.keyspace}.${table.name}: the rows are not in ${legacy.length === 1 ? 'its index' : 'its indexes'} ${legacy.join(', ')} yet: run \`nodetool rebuild_index ${table.keyspace} ${table.name} ${legacy.join(' ')}\` on the node, or bring the SSTables in by \`nodetool import\`, which does it too.`,
      );
    }
  }
  return notes;
}

export function replayJson(report: ReplayReport): object {
  const { mode, isDeclined, target, segments, untilMicros, result, written, seconds } = report;
  return {
    mode,
    isDeclined,
    ...(target !== undefined && { target }),
    ...(untilMicros !== undefined && { untilMicros }),
    segments,
    mutations: result.mutations,
    replayed: result.replayed,
    salvaged: result.salvaged,
    tables: result.tables.map(({ table, ...counts }) => {
      const { directory, sstables = [] } = written.get(table.id) ?? {};
      return {
        keyspace: table.keyspace,
        table: table.name,
        tableId: table.id,
        ...counts,
        ...(directory !== undefined && { directory }),
        sstables: sstables.map(({ descriptor, partitions, bytesOnDisk }) => {
          return { name: descriptor.prefix, partitions, bytes: bytesOnDisk };
        }),
      };
    }),
    unknownTables: result.unknown,
    faults: result.faults,
    lost: result.lost,
    notes: replayNotes(report),
    seconds,
  };
}
