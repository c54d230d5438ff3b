/** What `compact relevel`, `reset-level` and `set-repaired` would change, or have: text for people, and the object of `--json`. */
import type { RepairState } from '../engine/compaction/sstable-facts.js';
import type { Leveling } from '../engine/surgery/relevel.js';
import type { StatisticsEdit, StatisticsState } from '../engine/surgery/statistics-edits.js';
import { COMPONENT, componentPath } from '../sstable/descriptor.js';
import { bytesText, countText } from './bytes.js';
import { tableText } from './table.js';
import { secondsTimeText } from './time.js';

export type EditedTable = {
  readonly keyspace: string;
  readonly table: string;
  readonly directory: string;
  /** How many there are, changed or not. */
  readonly sstables: number;
  readonly edits: readonly StatisticsEdit[];
};

export type ReleveledTable = EditedTable & {
  readonly before: Leveling<LeveledSSTable>;
  readonly after: Leveling<LeveledSSTable>;
  readonly maxSSTableBytes: number;
  readonly fanoutSize: number;
};

type LeveledSSTable = { readonly onDiskBytes: number };

/** `declined`: asked, and answered with No. */
export type EditOutcome = 'dry-run' | 'unchanged' | 'declined' | 'done';

export type EditKind = 'level' | 'repair';

/** More changes than these are told by `--json` alone. */
const MAX_SHOWN = 50;

export function editsReport(tables: readonly EditedTable[], outcome: EditOutcome): object {
  return { outcome, tables: tables.map((table) => tableReport(table)) };
}

export function relevelReport(tables: readonly ReleveledTable[], outcome: EditOutcome): object {
  return {
    outcome,
    tables: tables.map((table) => ({
      ...tableReport(table),
      maxSSTableBytes: table.maxSSTableBytes,
      fanoutSize: table.fanoutSize,
      levels: levelsOf(table),
    })),
  };
}

function tableReport({ keyspace, table, directory, sstables, edits }: EditedTable) {
  return {
    keyspace,
    table,
    directory,
    sstables,
    changes: edits.map(({ descriptor, before, after }) => ({
      file: componentPath(descriptor, COMPONENT.data),
      before: stateReport(before),
      after: stateReport(after),
    })),
  };
}

function stateReport({ level, repairedAtMillis, pendingRepair, isTransient }: StatisticsState) {
  return { level, repairedAtMillis, pendingRepair, isTransient };
}

/** The SSTables that change, below the names of their directories. */
export function editsText(tables: readonly EditedTable[], kind: EditKind, width: number): string {
  const changed = tables.filter(({ edits }) => edits.length > 0);
  const blocks = changed.map((table) => [table.directory, ...changeLines(table, kind, width)].join('\n'));
  const rest = tables.length - changed.length;
  if (rest > 0) blocks.push(`nothing to change in ${rest === 1 ? '1 table' : `${countText(rest)} tables`}`);
  return `${blocks.join('\n\n')}\n`;
}

/** As sstableofflinerelevel tells it, then what a level holds and may hold, and what changes. */
export function relevelText(tables: readonly ReleveledTable[], isDry: boolean, width: number): string {
  const blocks = tables.map((table) => {
    const levels = levelsOf(table);
    const counts = (of: 'before' | 'after') => {
      const last = levels.findLastIndex((level) => level[of].sstables > 0);
      return levels.slice(0, Math.max(0, last) + 1).map((level) => `L${level.level}=${level[of].sstables}`);
    };
    return [
      `For sstables in ${table.directory}:`,
      'Current leveling:',
      ...counts('before'),
      isDry ? 'Potential leveling:' : 'New leveling:',
      ...counts('after'),
      '',
      levelTable(levels),
      ...levels.flatMap(tooMuch),
      '',
      ...changeLines(table, 'level', width),
    ].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}

type LevelSums = { readonly sstables: number; readonly dataBytes: number };

type LevelChange = {
  readonly level: number;
  readonly before: LevelSums;
  readonly after: LevelSums;
  /** What the strategy lets it hold; none for level 0. */
  readonly maxBytes: number | undefined;
};

function levelsOf({ before, after, maxSSTableBytes, fanoutSize }: ReleveledTable): LevelChange[] {
  const sums = (sstables: readonly LeveledSSTable[] = []) => ({
    sstables: sstables.length,
    dataBytes: sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0),
  });
  return Array.from({ length: Math.max(before.length, after.length) }, (_, level) => ({
    level,
    before: sums(before[level]),
    after: sums(after[level]),
    maxBytes: level === 0 ? undefined : fanoutSize ** level * maxSSTableBytes,
  }));
}

function levelTable(levels: readonly LevelChange[]): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  return tableText(
    [{ title: 'level' }, right('SSTables'), right('after'), right('Data.db'), right('after'), right('may hold')],
    levels.map(({ level, before, after, maxBytes }) => [
      `L${level}`,
      countText(before.sstables),
      countText(after.sstables),
      bytesText(before.dataBytes),
      bytesText(after.dataBytes),
      maxBytes === undefined ? '' : bytesText(maxBytes),
    ]),
  );
}

function tooMuch({ level, after, maxBytes }: LevelChange): string[] {
  if (maxBytes === undefined || after.dataBytes <= maxBytes) return [];
  return [`L${level} then holds more than it may: the node will compact what is too much into L${level + 1}.`];
}

function changeLines({ sstables, edits }: EditedTable, kind: EditKind, width: number): string[] {
  if (edits.length === 0) return ['nothing to change'];
  const shown = edits.slice(0, MAX_SHOWN);
  const more = edits.length - shown.length;
  const state = kind === 'level' ? ({ level }: StatisticsState) => `L${level}` : repairText;
  const rows = shown.map(({ descriptor, before, after }) => [descriptor.prefix, state(before), state(after)]);
  const title = kind === 'level' ? 'level' : 'repaired';
  return [
    tableText([{ title: 'SSTable' }, { title }, { title: 'after' }], rows, { width }),
    ...(more > 0 ? [`… and ${countText(more)} more: --json names them all`] : []),
    `${countText(edits.length)} of ${countText(sstables)} ${sstables === 1 ? 'SSTable' : 'SSTables'} to change`,
    ...warnings(edits),
  ];
}

function warnings(edits: readonly StatisticsEdit[]): string[] {
  const leaving = edits.filter(
    ({ before, after }) => before.pendingRepair !== undefined && !after.pendingRepair,
  ).length;
  const whole = edits.filter(({ before, after }) => before.isTransient && !after.isTransient).length;
  return [
    ...(leaving > 0 ? [`${countText(leaving)} of them leave the repair session that they are pending in`] : []),
    ...(whole > 0 ? [`${countText(whole)} of them are transient replicas and count as full ones after`] : []),
  ];
}

function repairText({ repairedAtMillis, pendingRepair }: RepairState): string {
  if (pendingRepair !== undefined) return 'pending';
  return repairedAtMillis === 0 ? 'no' : secondsTimeText(Math.floor(repairedAtMillis / 1000));
}
