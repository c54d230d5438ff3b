/** The text of what `compact recover` finds: each log with its records and what becomes of their files, and what else is left. */
import path from 'node:path';
import type { LogRecovery, OrphanRecovery, RecoveryFile, TableRecovery } from '../engine/lifecycle/recovery.js';
import { bytesText, countText } from './bytes.js';
import { tableText } from './table.js';

const STATES = {
  committed: 'committed: its old SSTables go',
  aborted: 'aborted: its new SSTables go',
  unfinished: 'cut off before its commit: its new SSTables go',
} as const;

const WIDTH = 80;

/** @param width of the terminal; 0: nothing is cut */
export function recoveryText(tables: readonly TableRecovery[], width: number): string {
  if (tables.length === 0) return 'Nothing is left of any transaction.\n';
  return `${[...tables.map((table) => tableBlock(table, width)), summary(tables)].join('\n\n')}\n`;
}

function tableBlock(table: TableRecovery, width: number): string {
  const { keyspace, table: name, index, directories, logs, unreadable, temporary, orphans, leftToStart } = table;
  const fate = table.isRefused ? 'kept' : 'delete';
  const lines = [`${keyspace}.${name}${index === undefined ? '' : ` (index ${index})`}`];
  lines.push(...directories.map((directory) => `  ${directory}`));
  for (const log of logs) lines.push(...logLines(log, table.isRefused, width));
  for (const { file, why } of unreadable) {
    lines.push(`  ${path.basename(file)}`, ...wrapped(`can not be read: ${why}`, 4));
  }
  if (temporary.length > 0) lines.push(`  temporary files: ${filesText(temporary)}, ${fate}`, ...names(temporary));
  for (const orphan of orphans) lines.push(`  ${orphanText(orphan)}, ${fate}`);
  for (const file of leftToStart) lines.push(`  ${file}: a start of the node removes it; left alone here`);
  return lines.join('\n');
}

function logLines(log: LogRecovery, isTableRefused: boolean, width: number): string[] {
  const { name, state, refused, records, recordedElsewhere, replicas } = log;
  const copies = replicas.length > 1 ? ` (in ${replicas.length} directories)` : '';
  const verdict = refused ? `refused: ${refused.why}` : STATES[state];
  const lines = [`  ${name}${copies}`, ...wrapped(verdict, 4)];
  if (!refused && isTableRefused) lines.push('    left alone, since a start stops at this table');
  for (const directory of recordedElsewhere) {
    lines.push(...wrapped(`written for ${directory}: a start of Cassandra looks there, not here`, 4));
  }
  const rows = records.map(({ record, files, fate }) => [
    record.type,
    record.absolutePath === undefined ? '' : path.basename(record.absolutePath).replace(/-$/, ''),
    record.absolutePath === undefined ? '' : filesText(files),
    record.absolutePath === undefined ? '' : isTableRefused && fate === 'delete' ? 'kept' : fate,
  ]);
  if (rows.length === 0) return lines;
  const columns = ['record', 'SSTable', 'files', 'fate'].map((title) => ({ title }));
  const [head, ...body] = tableText(columns, rows, { indent: 4, width }).split('\n');
  const errors = records.map(({ error }, i) => {
    return error === undefined || refused?.why.startsWith(`record ${i + 1}: `) ? [] : wrapped(`! ${error}`, 6);
  });
  return [...lines, head!, ...body.flatMap((line, i) => [line, ...errors[i]!])];
}

/** Lines of at most 80 columns; a word that is longer has its own. */
function wrapped(text: string, indent: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH - indent)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => ' '.repeat(indent) + line);
}

function orphanText({ prefix, why, files }: OrphanRecovery): string {
  return `${path.basename(prefix)}: ${why}, ${filesText(files)}`;
}

const MAX_NAMES = 10;

function names(files: readonly RecoveryFile[]): string[] {
  const shown = files.slice(0, MAX_NAMES).map((file) => `    ${path.basename(file.path)}`);
  return files.length > MAX_NAMES ? [...shown, `    and ${countText(files.length - MAX_NAMES)} more`] : shown;
}

function filesText(files: readonly RecoveryFile[]): string {
  if (files.length === 0) return 'none';
  return `${countText(files.length)} ${files.length === 1 ? 'file' : 'files'}, ${bytesText(sizeOf(files))}`;
}

function sizeOf(files: readonly RecoveryFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function summary(tables: readonly TableRecovery[]): string {
  const doomed = tables.flatMap((table) => table.doomed);
  const logs = tables.filter(({ isRefused }) => !isRefused).flatMap((table) => table.logs);
  const refused = tables.filter(({ isRefused }) => isRefused).length;
  const work =
    doomed.length + logs.length === 0
      ? 'Nothing to delete'
      : `To delete: ${filesText(doomed)}, and ${countText(logs.length)} ${logs.length === 1 ? 'log' : 'logs'}`;
  return refused === 0
    ? work
    : `${work}; ${refused === 1 ? '1 table is' : `${countText(refused)} tables are`} left as they are`.replace('is left as they are', 'is left as it is'); // biome-ignore format: one line
}
