/** The text of `lsmctl tombstones`, within 80 columns but for names and keys. */
import { bytesText, countText, estimateText } from './bytes.js';
import { type TableColumn, tableText } from './table.js';
import { durationText } from './time.js';
import type { FateReport, RemedyReport, TallyReport, TombstonesReport } from './tombstones-report.js';
import { plural } from './words.js';

const WIDTH = 80;
const MAX_NAMES = 3;
const MAX_WINDOWS = 20;
const SHAPES = ['whole', 'first', 'last'] as const;

const right = (title: string): TableColumn => ({ title, align: 'right' });

/** Blocks of text, the last line ended. */
export function tombstonesText(tables: readonly TombstonesReport[]): string {
  return `${tables.map(tableBlocks).join('\n\n\n')}\n`;
}

function tableBlocks(table: TombstonesReport): string {
  if (!table.reads) return heading(table);
  const blocks = [heading(table), readsBlock(table), ...topBlock(table), sstablesBlock(table)];
  if (table.windows) blocks.push(windowsBlock(table));
  if (table.expired.droppable.length > 0 || table.expired.held.length > 0) blocks.push(expiredBlock(table));
  blocks.push(remediesBlock(table));
  return blocks.join('\n\n');
}

function heading({ table, reads, sstables, strategy, now, gcGraceSeconds, isCommitLogRead }: TombstonesReport): string {
  const bytes = sstables.reduce((sum, { dataBytes }) => sum + dataBytes, 0);
  const name = strategy.slice(strategy.lastIndexOf('.') + 1);
  const lines = [
    `${table}: ${plural(sstables.length, 'SSTable')}, ${bytesText(bytes)}${name === '' ? '' : `, ${name}`}`,
  ];
  if (!reads) return `${lines[0]}\n  nothing is deleted and nothing expires, by Statistics.db: no Data.db was read`;
  lines.push(`as of ${now}, gc_grace ${durationText(gcGraceSeconds)}`);
  if (!isCommitLogRead) lines.push('unflushed writes are not known (--commitlog): they may hold back more');
  return lines.join('\n');
}

function readsBlock({ reads, rows, warn, fail }: TombstonesReport): string {
  if (!reads) return '';
  const line = (title: string, counts: Readonly<Record<(typeof SHAPES)[number], number>>) => [
    title,
    ...SHAPES.map((shape) => countText(counts[shape])),
  ];
  const table = tableText(
    [
      { title: 'reads' },
      right('whole partition'),
      right(`first ${countText(rows)} rows`),
      right(`last ${countText(rows)} rows`),
    ],
    [
      line('tombstones, one read each', reads.tombstones),
      line(`partitions that warn (> ${countText(warn)})`, reads.warned),
      line(`partitions that fail (> ${countText(fail)})`, reads.failed),
    ],
    { width: WIDTH },
  );
  const share = `${countText(reads.withTombstones)} of ${plural(reads.partitions, 'partition')} have any: ${kindsText(reads.tally)}`;
  return `${table}\n${wrapped(share, '')}`;
}

function topBlock({ reads }: TombstonesReport): string[] {
  if (!reads || reads.top.length === 0) return [];
  const rows = reads.top.map((one) => [
    one.key,
    ...SHAPES.map((shape) => countText(one.tombstones[shape])),
    countText(one.liveRows),
  ]);
  const columns = [{ title: 'worst partitions' }, right('whole'), right('first'), right('last'), right('live rows')];
  const table = tableText(columns, rows, { width: WIDTH });
  const details = reads.top.map(({ key, tally, sstables }) => {
    const lines = [wrapped(`${key}: ${kindsText(tally)}${spanText(tally)}`, '')];
    for (const { sstable, fates } of sstables) {
      for (const fate of fates) lines.push(wrapped(`${sstable}: ${fateText(fate)}`, '  '));
    }
    return lines.join('\n');
  });
  return [table, details.join('\n')];
}

function sstablesBlock({ sstables }: TombstonesReport): string {
  const rows = sstables.map((one) => {
    const sum = (verdict: FateReport['verdict']) =>
      one.fates.filter((fate) => fate.verdict === verdict).reduce((total, fate) => total + fate.total, 0);
    return [
      one.sstable,
      countText(one.tombstones),
      countText(one.droppable),
      countText(sum('later')),
      countText(sum('blocked')),
      estimateText(one.estimatedDroppable),
    ];
  });
  const columns = [
    { title: 'compacted by itself' },
    right('tombstones'),
    right('droppable'),
    right('later'),
    right('blocked'),
    right('by Statistics.db'),
  ];
  const lines: string[] = [];
  for (const { sstable, fates, isFullyExpired } of sstables) {
    if (isFullyExpired) lines.push(`  ${sstable}: all of it has expired: it goes unread`);
    for (const fate of fates) {
      if (fate.verdict !== 'droppable') lines.push(wrapped(`${sstable}: ${fateText(fate)}`, '  '));
    }
  }
  const table = tableText(columns, rows, { width: WIDTH });
  return lines.length > 0 ? `${table}\n${lines.join('\n')}` : table;
}

const CAUSES: Readonly<Record<string, string>> = {
  overlap: 'may hold older data',
  repair_apart: 'may hold older data; never compacted together, one is repaired',
  pending_repair: 'may hold older data, and a repair is under way',
  unrepaired: 'not repaired, and only_purge_repaired_tombstones is set',
  future_timestamp: 'its timestamps are after now: newer data is "older" too',
  unflushed: 'unflushed writes are as old',
};

function fateText(fate: FateReport): string {
  const { verdict, total, cause, by = [], firstDroppable, lastDroppable } = fate;
  const count = countText(total);
  const dates = firstDroppable === lastDroppable ? firstDroppable : `${firstDroppable} … ${lastDroppable}`;
  if (verdict === 'droppable') return `${count} droppable now`;
  if (verdict === 'later') return `${count} droppable from ${dates}`;
  const early = firstDroppable === undefined ? '' : `, and gc_grace not over before ${dates}`;
  const whom = by.length > 0 ? ` by ${namesText(by)}` : '';
  return `${count} blocked${whom}: ${CAUSES[cause!]}${early}`;
}

function windowsBlock({ windows = [], now }: TombstonesReport): string {
  const rows = windows
    .slice(0, MAX_WINDOWS)
    .map(({ start, sstables, expected, bytes, expires }) => [
      start,
      countText(sstables),
      expected === null ? '(newest)' : countText(expected),
      bytesText(bytes),
      expires === null ? 'never: something has no TTL' : expires <= now ? `expired ${expires}` : expires,
    ]);
  const columns = [
    { title: 'window from' },
    right('SSTables'),
    right('expected'),
    right('size'),
    { title: 'goes from' },
  ];
  const table = tableText(columns, rows, { width: WIDTH });
  const more = windows.length - rows.length;
  return more > 0 ? `${table}\n  and ${countText(more)} older windows (--json has them all)` : table;
}

const CULPRITS: Readonly<Record<string, string>> = {
  no_ttl: 'no TTL',
  late_write: 'a late write',
  older_write: 'an older write',
  deletion: 'a deletion',
};

function expiredBlock({ expired }: TombstonesReport): string {
  const { droppable, held, blockers } = expired;
  const lines: string[] = [];
  if (droppable.length > 0) {
    lines.push(wrapped(`Expired, and dropped unread by the next compaction: ${namesText(droppable, 6)}`, ''));
  }
  if (held.length > 0) {
    const bytes = held.reduce((sum, { dataBytes }) => sum + dataBytes, 0);
    lines.push(`Expired but held back: ${plural(held.length, 'SSTable')}, ${bytesText(bytes)}`);
  }
  for (const one of blockers) {
    const alone = one.aloneBytes > 0 ? `, ${bytesText(one.aloneBytes)} of it alone` : '';
    lines.push(wrapped(`${one.sstable} holds back ${namesText(one.holds)}: ${bytesText(one.bytes)}${alone}`, '  '));
    const causes = Object.entries(one.asOld).filter(([, count]) => count > 0);
    const parts = causes.map(([cause, count]) => `${countText(count)} ${CULPRITS[cause]}`);
    const without = one.rowsWithoutTtl > 0 ? `; ${plural(one.rowsWithoutTtl, 'row')} without TTL in all` : '';
    lines.push(wrapped(`rows as old as these: ${parts.join(', ') || 'none'}${without}`, '    '));
    for (const { key, row, written, cause } of one.examples) {
      lines.push(`    ${written}  ${CULPRITS[cause]}: ${key}${row === null || row === '' ? '' : ` / ${row}`}`);
    }
  }
  return lines.join('\n');
}

function remediesBlock({ remedies, acrossWindows }: TombstonesReport): string {
  const across = acrossWindows > 0 ? [wrapped(`${countText(acrossWindows)} more would go only if SSTables of several time windows were compacted together, which makes one window of them: not proposed.`, '')] : []; // biome-ignore format: one line
  if (remedies.length === 0) return ['No compaction frees a tombstone now.', ...across].join('\n');
  const lines = ['What to compact, the cheapest for what it frees first (--out FILE, then compact\napply FILE):'];
  remedies.forEach((remedy, i) => {
    lines.push(wrapped(`${i + 1}. ${remedyText(remedy)}`, '  '));
    if (remedy.steps.length > 1) {
      const [step] = remedy.steps;
      const cheap = `${countText(step!.tombstones)} of them go with ${namesText(step!.sstables)} alone`;
      lines.push(wrapped(`${cheap}: ${bytesText(step!.bytes)} to rewrite`, '     '));
    }
  });
  return [...lines, ...across].join('\n');
}

function remedyText(one: RemedyReport): string {
  const together = one.sstables.length > 1 ? ' together' : ' by itself';
  const rate = one.estimatedBytesRewrittenPerByteFreed;
  const cost = rate === null ? '' : `, ~${rate.toPrecision(3)} bytes rewritten per byte freed`;
  const freed = `${plural(one.freedTombstones, 'tombstone')} and ${bytesText(one.freedPlainBytes)} (uncompressed)`;
  return `${namesText(one.sstables, 8)}${together}: frees ${freed}, reads ${bytesText(one.rewrittenBytes)}${cost}`;
}

function kindsText({ kinds }: TallyReport): string {
  const parts = Object.entries(kinds)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${countText(count)}`);
  return parts.length > 0 ? parts.join(', ') : 'none';
}

function spanText({ oldest, newest }: TallyReport): string {
  if (oldest === null) return '';
  return oldest === newest ? `, of ${oldest}` : `, ${oldest} … ${newest}`;
}

function namesText(names: readonly string[], max = MAX_NAMES): string {
  if (names.length <= max + 1) return names.join(', ');
  return `${names.slice(0, max).join(', ')} and ${countText(names.length - max)} more`;
}

/** Broken between words; lines after the first stand two further in. */
function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}  `;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}
