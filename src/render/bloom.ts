/** The text of `lsmctl bloom`, within 80 columns but for names. */
import path from 'node:path';
import type { BloomFinding } from '../engine/bloom/bloom-findings.js';
import type { FilterReport, TableReport } from './bloom-report.js';
import { bytesText, countText, shareText } from './bytes.js';
import { plainText } from './plain-text.js';
import { type TableColumn, tableText } from './table.js';

const MAX_WIDTH = 80;
/** Above this number of tables, what other filters would cost is left out. */
const MAX_WHOLE = 4;
/** Findings of one rule in one table that are told one by one. */
const MAX_TOLD = 3;

/** Lines of text, the last one ended. */
export function bloomText(tables: readonly TableReport[]): string {
  const isWhole = tables.length <= MAX_WHOLE;
  const rest = isWhole ? '' : '\nname a table for what other filters would cost\n';
  return tables.map((table) => tableSection(table, isWhole)).join('\n') + rest;
}

function tableSection(table: TableReport, isWhole: boolean): string {
  const findings = table.sstables.flatMap((sstable) => sstable.findings);
  return [
    plainText(headline(table)),
    filters(table.sstables),
    '',
    ...proofLines(table.sstables),
    ...measuredLines(table.sstables),
    ...(isWhole ? [''] : []),
    ...absentRead(table, isWhole),
    ...(findings.length > 0 ? ['', ...findingLines(findings, table.directory)] : []),
    '',
  ].join('\n');
}

function headline({ keyspace, table, index, snapshot, backup, sstables, fpChance }: TableReport): string {
  const parts = [
    `${keyspace}.${table}`,
    index !== null && `index ${index}`,
    snapshot !== null && `snapshot ${snapshot}`,
    backup && 'backup',
    sstables.length === 1 ? '1 SSTable' : `${countText(sstables.length)} SSTables`,
    fpChance === null ? 'no schema' : `bloom_filter_fp_chance ${fpChance}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

const FIGURES: readonly TableColumn[] = [
  { title: 'keys', align: 'right' },
  { title: 'bits', align: 'right' },
  { title: 'hashes', align: 'right' },
  { title: 'set', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'wanted', align: 'right' },
  { title: 'passes', align: 'right' },
];

/** Names stand on lines of their own where a line would be too long. */
function filters(sstables: readonly FilterReport[]): string {
  const names = sstables.map((sstable) => path.basename(sstable.path));
  const rows = sstables.map(figures);
  const whole = tableText(
    [{ title: 'sstable' }, ...FIGURES],
    rows.map((row, i) => [names[i]!, ...row]),
    { indent: 2 },
  );
  if (whole.split('\n').every((line) => line.length <= MAX_WIDTH)) return whole;
  const [head = '', ...lines] = tableText(FIGURES, rows, { indent: 4 }).split('\n');
  return [head, ...lines.flatMap((line, i) => [`  ${names[i]}`, line])].join('\n');
}

function figures({ keys, state, filter, madeWithFpChance, measured }: FilterReport): string[] {
  const known = keys === null ? '?' : countText(keys);
  if (!filter) {
    const word = { none: 'none', empty: 'empty', unreadable: 'damaged', loaded: '' }[state];
    return [known, word, '', '', '', rateText(madeWithFpChance), state === 'unreadable' ? '?' : '100 %'];
  }
  const rate = measured ? rateText(measured.falsePositiveRate) : `~${rateText(filter.estimatedFalsePositiveRate)}`;
  return [
    known,
    countText(filter.bits),
    String(filter.hashCount),
    rateText(filter.setRatio),
    bytesText(filter.memoryBytes),
    rateText(madeWithFpChance),
    filter.bitsSet === filter.bits ? '100 %' : rate,
  ];
}

function rateText(rate: number): string {
  const percent = rate * 100;
  return percent > 0 && percent < 1 ? `${percent.toPrecision(2)} %` : shareText(rate);
}

/** What was held against the filters, in as few lines as say it. */
function proofLines(sstables: readonly FilterReport[]): string[] {
  const loaded = sstables.filter(({ state }) => state === 'loaded');
  if (loaded.length === 0) return [];
  const lines: string[] = [];
  const whole = loaded.filter(({ proof }) => proof.kind === 'all');
  const part = loaded.filter(({ proof }) => proof.kind !== 'all');
  if (whole.length > 0) {
    const asked = sum(whole, ({ proof }) => proof.keysAsked);
    const denied = sum(whole, ({ proof }) => proof.keysDenied);
    const result = denied === 0 ? 'proved: none is denied' : `${countText(denied)} are denied`;
    lines.push(`  asked for all keys of ${counted(whole.length)} (${countText(asked)}): ${result}`);
  }
  if (part.length > 0) {
    const asked = sum(part, ({ proof }) => proof.keysAsked);
    const keys = sum(part, ({ keys }) => keys ?? 0);
    const denied = sum(part, ({ proof }) => proof.keysDenied);
    const result = denied === 0 ? 'none of these is denied' : `${countText(denied)} are denied`;
    lines.push(`  asked for ${countText(asked)} of ${countText(keys)} keys of ${counted(part.length)}: ${result}`);
    if (part.some(({ proof }) => proof.problem === null && proof.kind === 'few')) {
      lines.push('  (--prove asks for every key)');
    }
  }
  return lines;
}

function measuredLines(sstables: readonly FilterReport[]): string[] {
  const measured = sstables.filter((sstable) => sstable.measured !== null);
  return measured.flatMap(({ path: where, measured: m }, i) => {
    if (!m) return [];
    const [low, high] = m.interval95;
    const name = path.basename(where);
    const head =
      i === 0
        ? [
            `  measured with ${countText(m.absentKeys)} absent keys of ${m.keyBytes} bytes, --seed ${m.seed}; 95 % interval:`,
          ]
        : [];
    return [
      ...head,
      `    ${name}: ${countText(m.passed)} pass, ${percent(m.falsePositiveRate)} (${percent(low)} to ${percent(high)})`,
    ];
  });
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(4)} %`;
}

const ALTERNATIVES: readonly TableColumn[] = [
  { title: 'fp_chance', align: 'right' },
  { title: 'bits a key', align: 'right' },
  { title: 'hashes', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'against now', align: 'right' },
  { title: 'index reads', align: 'right' },
];

function absentRead({ absentKeyRead, alternatives, memoryBytes, fpChance }: TableReport, isWhole: boolean): string[] {
  const { filtersAsked, isUpperBound, estimatedIndexReads } = absentKeyRead;
  const asked = isUpperBound ? `up to ${decimals(filtersAsked)}` : `~${decimals(filtersAsked)}`;
  const rows = alternatives.map((alternative) => [
    `${alternative.fpChance === fpChance ? '* ' : ''}${alternative.fpChance}`,
    alternative.hashCount === 0 ? 'no filter' : String(alternative.bitsPerKey),
    alternative.hashCount === 0 ? '' : String(alternative.hashCount),
    bytesText(alternative.memoryBytes),
    difference(alternative.memoryBytes - memoryBytes),
    `~${decimals(alternative.estimatedIndexReads)}`,
  ]);
  const now = `  a read of an absent key: ${asked} filters asked, ~${decimals(estimatedIndexReads)} indexes read; ${bytesText(memoryBytes)} held`;
  if (!isWhole) return wrap(now.trim(), '  ');
  return [
    ...wrap(now.trim(), '  '),
    '  other filters for these SSTables (an index read is one disk read or more):',
    tableText(ALTERNATIVES, rows, { indent: 4 }),
  ];
}

function difference(bytes: number): string {
  return bytes === 0 ? 'same' : `${bytes > 0 ? '+' : ''}${bytesText(bytes)}`;
}

/** Three figures, never an exponent. */
function decimals(value: number): string {
  if (value === 0 || value >= 100) return countText(Math.round(value));
  const digits = value >= 10 ? 1 : value >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(value)));
  return value.toFixed(digits).replace(/\.?0+$/, '');
}

/** One of each rule by itself; several of one rule together, with what to do for all. */
function findingLines(findings: readonly BloomFinding[], directory: string): string[] {
  const rules = new Map<string, BloomFinding[]>();
  for (const finding of findings) rules.set(finding.rule, [...(rules.get(finding.rule) ?? []), finding]);
  return [...rules.values()].flatMap((list) => {
    const told = list.slice(0, MAX_TOLD).flatMap(({ severity, file, message }) => {
      return wrap(`${severity}: ${plainText(path.basename(file))} ${message}`, '  ');
    });
    const rest = list.length > MAX_TOLD ? [`    and ${countText(list.length - MAX_TOLD)} more of the same`] : [];
    const { next, file } = list[0]!;
    const all = list.length > 1 ? next.replace(file.replace(/Filter\.db$/, 'Data.db'), directory) : next;
    return [...told, ...rest, `    ${plainText(all)}`];
  });
}

/** Breaks at spaces. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > MAX_WIDTH) {
      lines.push(line);
      line = `${indent}  ${word}`;
    } else {
      line += line.trim() === '' ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}

function counted(count: number): string {
  return count === 1 ? '1 SSTable' : `${countText(count)} SSTables`;
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0);
}
