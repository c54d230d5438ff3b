/** What a whole run of `verify` tells. */
import path from 'node:path';
import type { Schema } from '../../cql/schema.js';
import type { PathProblem } from '../data-directory.js';
import type { SSTableFiles } from '../sstable-directory.js';
import { type Finding, isWrong } from './finding.js';
import { RULES } from './rules.js';
import { isDropped, tableFindings } from './table-rules.js';
import type { Level, SSTableReport } from './verify-sstable.js';

export type TableReport = {
  readonly keyspace: string;
  readonly table: string;
  readonly index?: string;
  readonly snapshot?: string;
  readonly isBackup?: boolean;
  readonly directories: readonly string[];
  readonly sstables: readonly SSTableReport[];
  /** Of the table as a whole. */
  readonly findings: readonly Finding[];
};

export type VerifyTotals = {
  readonly sstables: number;
  readonly bytes: number;
  readonly partitions: number;
  readonly rows: number;
  readonly errors: number;
  readonly warnings: number;
  readonly notes: number;
};

export type VerifyReport = {
  readonly level: Level;
  readonly tables: readonly TableReport[];
  /** Of paths that are no SSTable: orphans, transaction logs, versions that are not read. */
  readonly findings: readonly Finding[];
  readonly totals: VerifyTotals;
};

/** @param schema with all tables of the node, where there is such a one */
export function makeReport(
  level: Level,
  verified: readonly { readonly files: SSTableFiles; readonly report: SSTableReport }[],
  problems: readonly PathProblem[],
  schema: Schema | undefined,
): VerifyReport {
  const groups = new Map<string, (typeof verified)[number][]>();
  for (const one of verified) {
    const { keyspace, table, tableId = '', index = '', snapshot = '', backup } = one.files.place;
    const key = JSON.stringify([keyspace, table, tableId, index, snapshot, backup]);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  const tables = [...groups.values()].map((group) => tableReport(group, schema));
  const findings = problems.map(problemFinding);
  return { level, tables, findings, totals: totalsOf(tables, findings) };
}

function tableReport(
  group: readonly { readonly files: SSTableFiles; readonly report: SSTableReport }[],
  schema: Schema | undefined,
): TableReport {
  const { place } = group[0]!.files;
  const isLive = place.snapshot === undefined && !place.backup && place.index === undefined;
  const members = group.map(({ files, report }) => ({ files, ...(report.facts && { facts: report.facts }) }));
  const findings = isLive ? tableFindings(members) : [];
  const directories = [...new Set(group.map(({ files }) => files.descriptor.directory))];
  if (isLive && schema && isDropped(schema, place)) {
    const rule = 'table-not-in-schema';
    const message = `the schema has no table ${place.keyspace}.${place.table} with this id`;
    findings.push({ rule, severity: RULES[rule].severity, message, file: directories[0]! });
  }
  return {
    keyspace: place.keyspace,
    table: place.table,
    ...(place.index !== undefined && { index: place.index }),
    ...(place.snapshot !== undefined && { snapshot: place.snapshot }),
    ...(place.backup && { isBackup: true }),
    directories,
    sstables: group.map(({ report }) => report),
    findings,
  };
}

function problemFinding({ kind, path: file, message, hint }: PathProblem): Finding {
  const rule =
    kind === 'unsupported' || kind === 'unreadable' ? 'not-verified' : kind === 'orphan' ? 'orphan' : kind === 'leftover' ? 'leftover' : 'transaction'; // biome-ignore format: one line
  return {
    rule,
    severity: RULES[rule].severity,
    message: hint === undefined ? message : `${message}: ${hint}`,
    file: path.normalize(file),
  };
}

function totalsOf(tables: readonly TableReport[], others: readonly Finding[]): VerifyTotals {
  const sstables = tables.flatMap((table) => table.sstables);
  const findings = allFindings({ tables, findings: others });
  const count = (severity: Finding['severity']) =>
    findings.reduce((sum, finding) => sum + (finding.severity === severity ? 1 + (finding.more ?? 0) : 0), 0);
  const sum = (of: (report: SSTableReport) => number | undefined) =>
    sstables.reduce((total, one) => total + (of(one) ?? 0), 0);
  return {
    sstables: sstables.length,
    bytes: sum(({ bytes }) => bytes),
    partitions: sum(({ partitions }) => partitions),
    rows: sum(({ rows }) => rows),
    errors: count('error'),
    warnings: count('warning'),
    notes: count('note'),
  };
}

export function allFindings({ tables, findings }: Pick<VerifyReport, 'tables' | 'findings'>): Finding[] {
  return [
    ...tables.flatMap((table) => [...table.sstables.flatMap((sstable) => sstable.findings), ...table.findings]),
    ...findings,
  ];
}

export function hasFindings(report: VerifyReport): boolean {
  return allFindings(report).some(isWrong);
}
