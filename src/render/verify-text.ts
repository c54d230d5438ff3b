/** The text of `verify`: a line a table, then each finding with its chain, then what was proved. 80 columns, no colour. */
import path from 'node:path';
import type { Chain, Elsewhere } from '../engine/verify/chain.js';
import { type Finding, isWrong } from '../engine/verify/finding.js';
import { allFindings, type TableReport, type VerifyReport } from '../engine/verify/report.js';
import { LEVELS, type Level, type SSTableReport } from '../engine/verify/verify-sstable.js';
import type { Check } from '../engine/verify/whole-check.js';
import { bytesText, countText } from './bytes.js';
import { tableText } from './table.js';
import { plural, wrapWords } from './words.js';

const WIDTH = 80;

export type VerifyTextOptions = {
  /** Paths are shown relative to it. */
  readonly root?: string;
  /** Also every SSTable, and what was checked of it. */
  readonly sstables?: boolean;
  /** Also notes. */
  readonly notes?: boolean;
};

export function verifyText(report: VerifyReport, options: VerifyTextOptions = {}): string {
  const blocks = [overview(report)];
  if (options.sstables) blocks.push(...report.tables.map((table) => sstablesBlock(table, options)));
  const wrong = allFindings(report).filter(isWrong);
  const notes = allFindings(report).filter((finding) => !isWrong(finding));
  if (wrong.length > 0) blocks.push(`Findings (${countText(report.totals.errors + report.totals.warnings)})`);
  blocks.push(...wrong.map((finding) => findingText(finding, options)));
  if (options.notes && notes.length > 0) {
    blocks.push(`Notes (${countText(report.totals.notes)})`, ...notes.map((finding) => findingText(finding, options)));
  }
  blocks.push(conclusion(report, options));
  return blocks.join('\n\n');
}

function overview({ tables }: VerifyReport): string {
  const rows = tables.map((table) => {
    const sum = (of: (one: SSTableReport) => number | undefined) =>
      table.sstables.reduce((total, one) => total + (of(one) ?? 0), 0);
    const hasRows = table.sstables.some(({ rows: n }) => n !== undefined);
    const hasPartitions = table.sstables.some(({ partitions }) => partitions !== undefined);
    return [
      tableName(table),
      countText(table.sstables.length),
      bytesText(sum(({ bytes }) => bytes)),
      hasPartitions ? countText(sum(({ partitions }) => partitions)) : '-',
      hasRows ? countText(sum(({ rows: n }) => n)) : '-',
      verdict([...table.sstables.flatMap(({ findings }) => findings), ...table.findings]),
    ];
  });
  return tableText(
    [
      { title: 'table' },
      { title: 'sstables', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'partitions', align: 'right' },
      { title: 'rows', align: 'right' },
      { title: 'result' },
    ],
    rows,
    { width: WIDTH },
  );
}

function tableName({ keyspace, table, index, snapshot, isBackup }: TableReport): string {
  const place = snapshot !== undefined ? ` (snapshot ${snapshot})` : isBackup ? ' (backups)' : '';
  return `${keyspace}.${table}${index === undefined ? '' : `.${index}`}${place}`;
}

function verdict(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']) =>
    findings.reduce((sum, finding) => sum + (finding.severity === severity ? 1 + (finding.more ?? 0) : 0), 0);
  const parts = [plural(count('error'), 'error'), plural(count('warning'), 'warning')].filter(
    (text) => !text.startsWith('0 '),
  );
  return parts.length > 0 ? parts.join(', ') : 'sound';
}

function sstablesBlock(table: TableReport, options: VerifyTextOptions): string {
  const lines = [tableName(table)];
  for (const { sstable, bytes, checks, findings } of table.sstables) {
    lines.push(`  ${relative(sstable, options)}  ${bytesText(bytes)}  ${verdict(findings)}`);
    for (const { check, state, detail } of checks) lines.push(`    ${check.padEnd(11)} ${state.padEnd(10)} ${detail}`);
  }
  return lines.join('\n');
}

function findingText(finding: Finding, options: VerifyTextOptions): string {
  const { rule, severity, message, seen, expected, more } = finding;
  const compared = [
    seen === undefined ? '' : `seen ${seen}`,
    expected === undefined ? '' : `expected ${expected}`,
  ].filter(Boolean);
  const place = placeText(finding);
  const lines = [
    `${severity} ${rule}`,
    `  ${relative(finding.file, options)}`,
    ...(place === '' ? [] : [`    ${place}`]),
    ...wrapWords(compared.length > 0 ? `${message} (${compared.join(', ')})` : message, 4),
  ];
  if (more !== undefined) lines.push(`    and ${countText(more)} more of this kind in this file`);
  if (finding.chain) lines.push(...chainLines(finding.chain, options));
  return lines.join('\n');
}

function chainLines({ partitions, rows, asked = 0, elsewhere, next }: Chain, options: VerifyTextOptions): string[] {
  const lines: string[] = [];
  if (partitions) {
    const { count, first, last, tokens } = partitions;
    const names =
      first && last && first.key !== last.key
        ? `0x${shortKey(first.key)} to 0x${shortKey(last.key)}`
        : first
          ? `0x${shortKey(first.key)}`
          : '';
    lines.push(...wrapWords(`${plural(count, 'partition')}${names === '' ? '' : `: ${names}`}`, 4));
    if (tokens) lines.push(`    tokens above ${tokens.after}, up to ${tokens.upTo}`);
  }
  if (rows)
    lines.push(
      `    ${rows.isExact ? 'all' : 'about'} ${rows.isExact ? '' : '~'}${countText(rows.estimate)} of ${plural(rows.of, 'row')} at risk`,
    );
  if (partitions) lines.push(...elsewhereLines(elsewhere, asked, options));
  for (const command of next) lines.push(`    $ ${command}`);
  return lines;
}

const MOST_ELSEWHERE = 4;

function elsewhereLines(elsewhere: readonly Elsewhere[], asked: number, options: VerifyTextOptions): string[] {
  if (asked === 0) return ['    where else they are is not known: no key could be read'];
  const useful = elsewhere.filter(({ readable, sharesBytes }) => readable > 0 || sharesBytes);
  if (useful.length === 0) return ['    in no other SSTable, snapshot or backup of the table here'];
  const lines = useful.slice(0, MOST_ELSEWHERE).flatMap((one) => wrapWords(elsewhereText(one, asked, options), 4));
  if (useful.length > MOST_ELSEWHERE)
    lines.push(`    and in ${plural(useful.length - MOST_ELSEWHERE, 'other SSTable')}`);
  return lines;
}

function elsewhereText(
  { sstable, isCopy, place, sharesBytes, readable }: Elsewhere,
  asked: number,
  options: VerifyTextOptions,
): string {
  const where = `${relative(sstable, options)} (${place})`;
  if (sharesBytes) return `of no use: ${where} is a hard link to the same bytes`;
  const share =
    readable === asked ? (asked === 1 ? 'it' : `all ${asked} asked for`) : `${readable} of ${asked} asked for`;
  return isCopy ? `the same rows of ${share}: readable in ${where}` : `other writes of ${share}: readable in ${where}`;
}

function shortKey(key: string): string {
  return key.length > 24 ? `${key.slice(0, 24)}…` : key;
}

function placeText({ chunk, offset, partition, plainRange }: Finding): string {
  const parts: string[] = [];
  if (chunk !== undefined) parts.push(`chunk ${countText(chunk)}`);
  if (offset !== undefined) parts.push(`byte ${countText(offset)}`);
  if (plainRange && chunk !== undefined)
    parts.push(`plain bytes ${countText(plainRange[0])} to ${countText(plainRange[1])}`);
  if (partition) {
    const key = partition.key.length > 40 ? `${partition.key.slice(0, 40)}…` : partition.key;
    parts.push(`partition 0x${key}${partition.token === undefined ? '' : `, token ${partition.token}`}`);
  }
  return parts.join(', ');
}

const PROVES: Readonly<Record<Level, readonly string[]>> = {
  quick: [
    'components are complete and agree with each other: TOC, sizes, headers, checksums of Statistics.db, ends of the index',
  ],
  default: [
    'components are complete and agree with each other',
    'every byte of Data.db has its checksum',
    'every index entry leads to its partition, keys are in order of their tokens, none is missing',
    'Summary.db samples what it says, Filter.db denies no key and has no bit too many',
  ],
  deep: [
    'components are complete and agree with each other',
    'every byte of Data.db has its checksum',
    'every index entry leads to its partition, keys are in order of their tokens, none is missing; blocks within partitions too',
    'Summary.db samples what it says, Filter.db denies no key and has no bit too many',
    'every row, bound and cell is decoded, in order, of its type, with possible times',
    'Statistics.db is what the rows give when counted anew',
  ],
};
const BEYOND: Readonly<Record<Level, string>> = {
  quick: 'not looked at: Data.db, most of the index (without --quick), rows (--deep)',
  default: 'not looked at: rows within partitions and what Statistics.db counts of them (--deep)',
  deep: '',
};

function conclusion(report: VerifyReport, options: VerifyTextOptions): string {
  const { totals, level } = report;
  const all = report.tables.flatMap(({ sstables }) => sstables);
  const sound = all.filter(({ findings }) => !findings.some(isWrong));
  const lines = [
    `${plural(totals.sstables, 'SSTable')}, ${bytesText(totals.bytes)}: ${countText(sound.length)} sound, ${countText(totals.sstables - sound.length)} with findings`,
  ];
  for (const one of LEVELS) {
    const ofLevel = sound.filter((sstable) => sstable.level === one);
    if (ofLevel.length === 0) continue;
    const whom = ofLevel.length === totals.sstables ? 'all' : ofLevel.length === sound.length ? 'the sound ones' : `${plural(ofLevel.length, 'sound one')} (${one})`; // biome-ignore format: one line
    lines.push(`proved of ${whom}:`, ...PROVES[one].flatMap((text) => bullet(text)));
  }
  for (const [detail, count] of missing(sound))
    lines.push(...bullet(`not proved of ${plural(count, 'SSTable')}: ${detail}`));
  if (BEYOND[level] !== '') lines.push(...wrapWords(BEYOND[level], 0));
  if (!options.notes && totals.notes > 0) lines.push(`${plural(totals.notes, 'note')} not shown (--notes)`);
  if (totals.errors + totals.warnings > 0) lines.push('lsmctl explain RULE tells what a rule means and what to do');
  return lines.join('\n');
}

/** What could not be checked of SSTables in which nothing is wrong. */
function missing(sound: readonly SSTableReport[]): Map<string, number> {
  const counts = new Map<string, number>();
  const isOpen = ({ state }: Check) => state === 'absent' || state === 'incomplete';
  for (const { check, detail } of sound.flatMap(({ checks }) => checks.filter(isOpen))) {
    const key = `${check} (${detail})`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function bullet(text: string): string[] {
  const [first = '', ...rest] = wrapWords(text, 4);
  return [`  - ${first.trimStart()}`, ...rest];
}

function relative(file: string, { root }: VerifyTextOptions): string {
  if (root === undefined) return file;
  const below = path.relative(root, file);
  return below === '' ? '.' : below.startsWith('..') ? file : below;
}
