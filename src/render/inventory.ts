/** The text of an inventory: 80 columns, no colour, `~` before every estimate. */
import path from 'node:path';
import type {
  Inventory,
  InventoryKeyspace,
  InventorySnapshot,
  InventoryTable,
  InventoryTotals,
  SnapshotTotal,
} from '../engine/inventory.js';
import { type Finding, isWrong } from '../engine/inventory-finding.js';
import { type InventorySSTable, isMeasured, type RepairState } from '../engine/inventory-sstable.js';
import type { UsageBytes } from '../engine/snapshot-usage.js';
import { bytesText, countText, estimateText, shareText } from './bytes.js';
import { microsTimeText } from './time.js';
import { plural, wrapParts, wrapWords } from './words.js';

export type InventoryTextOptions = {
  /** Each SSTable of each table. */
  readonly sstables?: boolean;
  /** Each table's snapshots, not only their sums. */
  readonly snapshots?: boolean;
  /** Paths are shown relative to it. */
  readonly root?: string;
};

const WIDTH = 80;
const MAX_SHOWN = 20;
const UNMEASURED = 'unmeasured';

export function inventoryText(inventory: Inventory, options: InventoryTextOptions = {}): string {
  const blocks = [
    ...inventory.keyspaces.map((keyspace) => keyspaceText(keyspace, options)),
    ...snapshotBlocks(inventory, options),
    ...findingBlocks('Looks wrong', inventory.findings.filter(isWrong), options),
    ...findingBlocks('Good to know', inventory.findings.filter((finding) => !isWrong(finding)), options), // biome-ignore format: one line
    summaryText(inventory),
  ];
  return blocks.join('\n\n');
}

function keyspaceText(keyspace: InventoryKeyspace, options: InventoryTextOptions): string {
  const tables = keyspace.tables;
  const sstables = tables.reduce((sum, table) => sum + table.totals.sstables, 0);
  const bytes = tables.reduce((sum, table) => sum + table.totals.diskBytes, 0);
  const title = `${keyspace.name}: ${plural(tables.length, 'table')}, ${plural(sstables, 'SSTable')}, ${bytesText(bytes)}`;
  if (options.sstables) return [title, ...tables.map((table) => tableBlock(table, options))].join('\n\n');
  const head = ['table', '', 'sstables', 'disk', 'plain', 'partitions', 'tombstones'];
  return `${title}\n${grid([head, ...tables.map(tableRow)], 2, [1])}`;
}

/** STCS, LCS, TWCS, UCS: what operators call them. */
function shortStrategy(name: string): string {
  const known: Readonly<Record<string, string>> = {
    SizeTieredCompactionStrategy: 'STCS',
    LeveledCompactionStrategy: 'LCS',
    TimeWindowCompactionStrategy: 'TWCS',
    DateTieredCompactionStrategy: 'DTCS',
    UnifiedCompactionStrategy: 'UCS',
  };
  return known[name] ?? name.replace(/CompactionStrategy$/, '');
}

function tableRow(table: InventoryTable): string[] {
  const { totals, compaction } = table;
  const strategy = compaction?.class === undefined ? '' : shortStrategy(compaction.class);
  const known = isKnown(totals);
  return [
    table.table,
    table.isDropped ? 'dropped' : strategy,
    countText(totals.sstables),
    bytesText(totals.diskBytes),
    known ? bytesText(totals.uncompressedBytes) : UNMEASURED,
    known ? partitionsText(totals) : UNMEASURED,
    known ? zeroOr(totals.tombstonesEstimate) : UNMEASURED,
  ];
}

/** Whether any of the SSTables could be measured, or there is none to measure. */
function isKnown({ sstables, unmeasured }: InventoryTotals): boolean {
  return sstables > unmeasured || sstables === 0;
}

/** Where it is only a bound, `≤` says so. */
function partitionsText(totals: InventoryTotals): string {
  if (totals.partitionsEstimate === 0) return '0';
  return `${totals.partitionsEstimateIsBound ? '≤' : ''}${estimateText(totals.partitionsEstimate)}`;
}

/** That a histogram has nothing is no estimate. */
function zeroOr(estimate: number): string {
  return estimate === 0 ? '0' : estimateText(estimate);
}

function tableBlock(table: InventoryTable, options: InventoryTextOptions): string {
  const { totals } = table;
  const measured = [
    `${bytesText(totals.uncompressedBytes)} plain`,
    `${partitionsText(totals)} partitions`,
    `${zeroOr(totals.tombstonesEstimate)} tombstones`,
    totals.sstables > 0 ? repairShares(totals) : '',
  ];
  const facts = [
    table.versions.join(' '),
    table.isDropped ? 'dropped' : (table.compaction?.class ?? ''),
    `${bytesText(totals.diskBytes)} on disk`,
    ...(isKnown(totals) ? measured : []),
    table.levels ? `levels ${levelsText(table.levels)}` : '',
    totals.unmeasured > 0 ? `without ${plural(totals.unmeasured, 'SSTable')} that could not be read` : '',
    spanText(totals.minTimestampMicros, totals.maxTimestampMicros),
  ];
  const where = table.directories.map((directory) => `    ${relative(directory, options)}`);
  const lines = [`  ${table.table}`, ...where, ...wrapFacts(facts, 4)];
  if (table.sstables.length === 0) return [...lines, '    no SSTables'].join('\n');
  return [...lines, sstableGrid(table.sstables)].join('\n');
}

function levelsText(levels: readonly number[]): string {
  return levels.map((count, level) => `L${level}:${count}`).filter((text) => !text.endsWith(':0')).join(' '); // biome-ignore format: one line
}

function repairShares({ repair, diskBytes }: InventoryTotals): string {
  const { repairedBytes, pendingBytes } = repair;
  if (repairedBytes + pendingBytes === 0) return 'unrepaired';
  const parts = [
    repairedBytes > 0 ? `repaired ${shareText(repairedBytes / diskBytes)}` : '',
    pendingBytes > 0 ? `pending ${shareText(pendingBytes / diskBytes)}` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function sstableGrid(sstables: readonly InventorySSTable[]): string {
  const head = ['sstable', 'level', 'disk', 'plain', 'partitions', 'tombstones', 'repair'];
  const rows: (readonly string[])[] = [head];
  for (const sstable of sstables) {
    const { statistics: s, uncompressedBytes } = sstable;
    const measured = isMeasured(s);
    const known = (text: (statistics: Extract<typeof s, { level: number }>) => string) =>
      measured ? text(s) : UNMEASURED;
    rows.push([
      sstable.index === undefined ? sstable.name : `.${sstable.index}/${sstable.name}`,
      measured ? String(s.level) : '-',
      bytesText(sstable.diskBytes),
      isMeasured(uncompressedBytes) ? bytesText(uncompressedBytes) : UNMEASURED,
      known((statistics) => estimateText(statistics.partitionsEstimate)),
      measured ? zeroOr(s.tombstonesEstimate) : '-',
      measured ? repairText(s.repair) : '-',
    ]);
    const below = [measured ? spanText(s.minTimestampMicros, s.maxTimestampMicros) : s.unmeasured];
    rows.push([`  ${below.filter((text) => text !== '').join(', ') || 'nothing has a timestamp'}`]);
  }
  return grid(rows, 4, [6]);
}

function repairText(repair: RepairState): string {
  return repair.kind === 'unrepaired' ? 'no' : repair.kind === 'pending' ? 'pending' : 'yes';
}

function spanText(min: bigint | undefined, max: bigint | undefined): string {
  if (min === undefined || max === undefined) return '';
  const [from, to] = [min, max].map((micros) => microsTimeText(micros).replace(/\.\d+Z$/, 'Z'));
  return from === to ? `written ${from}` : `written ${from} to ${to}`;
}

function snapshotBlocks(inventory: Inventory, options: InventoryTextOptions): string[] {
  if (inventory.snapshots.length === 0) return [];
  const head = ['', 'tables', 'total', 'unique', 'with live', 'with others', 'elsewhere'];
  const rows = inventory.snapshots.map((snapshot: SnapshotTotal) => [
    snapshotName(snapshot),
    countText(snapshot.tables),
    ...usageCells(snapshot.usage),
  ]);
  const note = '  unique: what removing it frees; the rest is hard-linked from other places';
  const blocks = [`Snapshots and backups\n${grid([head, ...rows], 2, [])}\n${note}`];
  if (!options.snapshots) return blocks;
  for (const table of inventory.keyspaces.flatMap((keyspace) => keyspace.tables)) {
    if (table.snapshots.length === 0) continue;
    const own = table.snapshots.map((s) => [snapshotName(s), countText(s.sstables), ...usageCells(s.usage)]);
    const title = `  ${table.keyspace}.${table.table}`;
    blocks.push(`${title}\n${grid([['', 'sstables', ...head.slice(2)], ...own], 4, [])}`);
  }
  return blocks;
}

function snapshotName(snapshot: Pick<InventorySnapshot, 'kind' | 'tag'>): string {
  return snapshot.kind === 'backup' ? 'backups' : (snapshot.tag ?? '');
}

function usageCells(usage: UsageBytes): string[] {
  const { totalBytes, uniqueBytes, sharedWithLiveBytes, sharedWithOthersBytes, sharedElsewhereBytes } = usage;
  return [totalBytes, uniqueBytes, sharedWithLiveBytes, sharedWithOthersBytes, sharedElsewhereBytes].map((bytes) =>
    bytes === 0 ? '0' : bytesText(bytes),
  );
}

function findingBlocks(title: string, findings: readonly Finding[], options: InventoryTextOptions): string[] {
  if (findings.length === 0) return [];
  const lines = [`${title} (${countText(findings.length)})`];
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = `${finding.kind} ${finding.hint ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  // findings of a kind together, each under its own hint
  const kinds = [...new Set(findings.map(({ kind }) => kind))];
  const ordered = kinds.flatMap((kind) => [...groups.values()].filter((own) => own[0]!.kind === kind));
  for (const own of ordered) {
    const { kind, hint } = own[0]!;
    for (const finding of own.slice(0, MAX_SHOWN)) {
      const at = finding.offset === undefined ? '' : ` at ${countText(finding.offset)}`;
      lines.push(`  ${relative(finding.path, options)}${at}`);
      lines.push(...wrapWords(`${kind}: ${finding.message}`, 4));
    }
    if (own.length > MAX_SHOWN) lines.push(`  and ${countText(own.length - MAX_SHOWN)} more: ${kind} (--json has all)`);
    if (hint !== undefined) lines.push(...wrapWords(`→ ${hint}`, 4));
  }
  return [lines.join('\n')];
}

function summaryText({ totals, keyspaces, hiddenKeyspaces, findings }: Inventory): string {
  const tables = keyspaces.reduce((sum, keyspace) => sum + keyspace.tables.length, 0);
  const facts = [
    `${plural(keyspaces.length, 'keyspace')}, ${plural(tables, 'table')}, ${plural(totals.sstables, 'SSTable')}`,
    `${bytesText(totals.diskBytes)} on disk`,
    hiddenKeyspaces.length > 0 ? `${plural(hiddenKeyspaces.length, 'system keyspace')} hidden (--system)` : '',
    findings.some(isWrong) ? '' : 'nothing looks wrong',
  ];
  return wrapFacts(facts, 0).join('\n');
}

function relative(file: string, { root }: InventoryTextOptions): string {
  if (root === undefined) return file;
  const below = path.relative(root, file);
  return below === '' ? '.' : below.startsWith('..') ? file : below;
}

function wrapFacts(facts: readonly string[], indent: number): string[] {
  return wrapParts(
    facts.filter((fact) => fact !== ''),
    ', ',
    indent,
  );
}

/**
 * Rows in columns two spaces apart: the first and those of `left` to the left, the others to the right. A name that leaves the others no room
 * stands on a line of its own; so does a row of one cell.
 */
function grid(rows: readonly (readonly string[])[], indent: number, left: readonly number[]): string {
  const full = rows.filter((row) => row.length > 1);
  const count = Math.max(0, ...full.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...full.map((row) => row[i]?.length ?? 0)));
  const others = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(8, WIDTH - indent - others);
  widths[0] = Math.max(0, ...full.map((row) => row[0]!.length).filter((width) => width <= room));
  const cell = (text: string, i: number) =>
    i === 0 || left.includes(i) ? text.padEnd(widths[i]!) : text.padStart(widths[i]!);
  const lines = rows.flatMap((row) => {
    if (row.length === 1) return [row[0]!];
    const line = (cells: readonly string[]) => cells.map(cell).join('  ');
    return row[0]!.length > widths[0]! ? [row[0]!, line(['', ...row.slice(1)])] : [line(row)];
  });
  return lines.map((line) => (' '.repeat(indent) + line).trimEnd()).join('\n');
}
