/** What compactions did, or would do: a table for people, and the object of `--json`. */
import type { SSTableFacts } from '../engine/compaction/sstable-facts.js';
import type { TableCompactionMode, TaskResult } from '../engine/compaction/table-compaction.js';
import type { PlanLeft } from '../engine/plan/strategy-rounds.js';
import { COMPONENT, componentPath } from '../sstable/descriptor.js';
import { bytesText, countText, shareText } from './bytes.js';
import { type TableColumn, tableText } from './table.js';
import { plural } from './words.js';

export type ReportedTask = TaskResult & { readonly reason: string };

export type CompactedTable = {
  readonly keyspace: string;
  readonly table: string;
  readonly directory: string;
  /** Where the new SSTables are. */
  readonly target: string;
  readonly mode: TableCompactionMode;
  readonly gcGraceSeconds: number;
  readonly results: readonly ReportedTask[];
  /** What the strategy leaves as it is, and why. */
  readonly left: readonly PlanLeft[];
  /** Why not all was done, or counted. */
  readonly cut?: string | undefined;
};

/** Of a table's tasks together. */
function totals({ results }: CompactedTable) {
  const sum = (of: (result: TaskResult) => number) => results.reduce((all, result) => all + of(result), 0);
  return {
    inputs: sum(({ task }) => task.inputs.length),
    outputs: sum(({ outputs }) => outputs.length),
    inputBytes: sum(({ task }) => task.inputs.reduce((all, { onDiskBytes }) => all + onDiskBytes, 0)),
    outputBytes: sum(({ outputs }) => outputs.reduce((all, { data }) => all + data.storedBytes, 0)),
    expiredSSTables: sum(({ expired }) => expired.length),
    partitions: sum(({ merge }) => merge.partitionsOut),
    partitionsGone: sum(({ merge }) => merge.partitionsGone),
    rows: sum(({ merge }) => merge.rowsOut),
    rangeTombstoneMarkers: sum(({ merge }) => merge.markersOut),
    tombstonesPurged: sum(({ purge }) => purge.tombstonesPurged),
    expiredPurged: sum(({ purge }) => purge.expiredPurged),
    expiredToTombstones: sum(({ purge }) => purge.expiredToTombstones),
    overwrittenBytes: sum(({ givenBack }) => givenBack.overwritten),
    deletedBytes: sum(({ givenBack }) => givenBack.deleted),
    expiredBytes: sum(({ givenBack }) => givenBack.expired),
    tombstoneBytes: sum(({ givenBack }) => givenBack.tombstones),
    unreadBytes: sum(({ givenBack }) => givenBack.unread),
    restBytes: sum(({ givenBack }) => givenBack.rest),
  };
}

export function compactionReport(tables: readonly CompactedTable[]): object {
  return {
    tables: tables.map((table) => ({
      keyspace: table.keyspace,
      table: table.table,
      directory: table.directory,
      target: table.target,
      mode: table.mode,
      dryRun: table.mode === 'dry',
      gcGraceSeconds: table.gcGraceSeconds,
      ...totals(table),
      cut: table.cut,
      left: table.left.map(({ repair, why, sstables }) => ({
        repair,
        why,
        sstables: sstables.map(({ descriptor }) => descriptor.prefix),
      })),
      tasks: table.results.map(({ task, reason, outputs, expired, merge, purge, givenBack }) => ({
        kind: task.kind,
        repair: task.repair,
        reason,
        level: 'level' in task.output ? task.output.level : undefined,
        inputs: task.inputs.map(({ descriptor }) => componentPath(descriptor, COMPONENT.data)),
        expired: expired.map(({ descriptor }) => componentPath(descriptor, COMPONENT.data)),
        outputs: outputs.map(({ descriptor, data, partitions, bytesOnDisk, statistics }) => ({
          file: componentPath(descriptor, COMPONENT.data),
          partitions,
          dataBytes: data.storedBytes,
          plainBytes: data.plainBytes,
          bytesOnDisk,
          level: statistics.stats.sstableLevel,
        })),
        merge,
        purge,
        givenBackPlainBytes: givenBack,
      })),
    })),
  };
}

/** A line a table, what was given back, and which SSTables are new. @param width columns; 0: 80 */
export function compactionText(tables: readonly CompactedTable[], width: number): string {
  const compacted = tables.filter(({ results }) => results.length > 0);
  if (compacted.length === 0) return tables.map((one) => `${one.keyspace}.${one.table}: nothing to compact\n`).join('');
  const rows = compacted.map((table) => {
    const { inputs, outputs, inputBytes, outputBytes, partitions, rows: count } = totals(table);
    const given = inputBytes - outputBytes;
    return [
      `${table.keyspace}.${table.table}`,
      `${inputs} → ${outputs}`,
      bytesText(inputBytes),
      bytesText(outputBytes),
      inputBytes > 0 ? shareText(given / inputBytes) : '',
      countText(partitions),
      countText(count),
    ];
  });
  const lines = [figuresText(rows, width || 80)];
  const all = compacted.map(totals);
  const sum = (key: keyof ReturnType<typeof totals>) => all.reduce((total, one) => total + one[key], 0);
  const toTombstones = sum('expiredToTombstones');
  const became = toTombstones > 0 ? `; ${countText(toTombstones)} became tombstones` : '';
  const causes: [string, number, string][] = [
    ['overwritten', sum('overwrittenBytes'), ''],
    ['deleted', sum('deletedBytes'), `${plural(sum('partitionsGone'), 'partition')} of which nothing is left`],
    ['expired', sum('expiredBytes'), `${countText(sum('expiredPurged'))} cells and rows${became}`],
    ['tombstones', sum('tombstoneBytes'), `${countText(sum('tombstonesPurged'))} purged`],
    ['unread', sum('unreadBytes'), `${plural(sum('expiredSSTables'), 'SSTable')} of which all has expired`],
    ['rest', sum('restBytes'), 'keys, rows and headers that are written once'],
  ];
  lines.push(
    '',
    'given back, before compression:',
    tableText(
      [{ title: '' }, { title: '', align: 'right' }, { title: '' }],
      causes.map(([cause, bytes, note]) => [cause, bytesText(bytes), note]),
      { indent: 2 },
    ).replace(/^.*\n/, ''),
  );
  for (const { keyspace, table, cut } of tables) if (cut !== undefined) lines.push('', `${keyspace}.${table}: ${cut}`);
  lines.push('', ...outcomeText(compacted));
  return `${lines.join('\n')}\n`;
}

const FIGURES: readonly TableColumn[] = [
  { title: 'table' },
  { title: 'SSTables', align: 'right' },
  { title: 'Data.db', align: 'right' },
  { title: 'after', align: 'right' },
  { title: 'given back', align: 'right' },
  { title: 'partitions', align: 'right' },
  { title: 'rows', align: 'right' },
];

/** Where names are too long for the terminal, each has a line of its own: cut, they might look the same. */
function figuresText(rows: readonly (readonly string[])[], width: number): string {
  const inOne = tableText(FIGURES, rows);
  if (inOne.split('\n').every((line) => line.length <= width)) return inOne;
  const nameless = rows.map(([, ...figures]) => ['', ...figures]);
  const [head = '', ...lines] = tableText(FIGURES, nameless, { width }).split('\n');
  return [head, ...rows.flatMap(([name = ''], i) => [name, lines[i] ?? ''])].join('\n');
}

const SHOWN_TABLES = 10;
const SHOWN_SSTABLES = 5;

/** What became of it: a dry run would else look as one that has written. */
function outcomeText(compacted: readonly CompactedTable[]): string[] {
  if (compacted.some(({ mode }) => mode === 'dry')) return ['a dry run: nothing was written'];
  const more = compacted.length - SHOWN_TABLES;
  return [
    'new SSTables:',
    ...compacted.slice(0, SHOWN_TABLES).map(newText),
    ...(more > 0 ? [`  and those of ${plural(more, 'more table')}`] : []),
  ];
}

function newText(table: CompactedTable): string {
  const fresh = newNames(table);
  const more = fresh.length - SHOWN_SSTABLES;
  const names = [...fresh.slice(0, SHOWN_SSTABLES), ...(more > 0 ? [`and ${countText(more)} more`] : [])];
  const place = table.mode === 'aside' ? `, in ${table.target}` : '';
  return `  ${table.keyspace}.${table.table}: ${names.length > 0 ? names.join(' ') : 'none'}${place}`;
}

/** Of those that no later task has taken. */
function newNames({ results }: CompactedTable): string[] {
  const fresh = new Map<SSTableFacts, string>();
  for (const { task, live } of results) {
    for (const input of task.inputs) fresh.delete(input);
    for (const one of live) fresh.set(one, one.descriptor.prefix);
  }
  return [...fresh.values()];
}
