/** The page of `lsmctl drill`: 80 columns, no colour. */
import path from 'node:path';
import type { Damage } from '../engine/drill/crash.js';
import {
  type BaseReport,
  type Compared,
  type DrillReport,
  type JudgedLimit,
  recoverySeconds,
} from '../engine/drill/report.js';
import { bytesText, countText } from './bytes.js';
import { plainText } from './plain-text.js';
import { tableText } from './table.js';
import { durationText, microsTimeText, secondsTimeText } from './time.js';
import { plural, wrapWords } from './words.js';

const WIDTH = 80;
const MOST_TABLES = 20;
const MOST_PROBLEMS = 10;
const right = 'right' as const;

export function drillText(report: DrillReport): string {
  const blocks = [
    headText(report),
    baseText(report.base),
    crashText(report),
    startText(report),
    lossText(report),
    report.log.segments === 0 ? '' : comparedText(report.compared),
    phasesText(report),
    resultText(report),
    verdictText(report),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function lines(text: string, indent = 2): string {
  return wrapWords(plainText(text), indent, WIDTH).join('\n');
}

function headText({ directory, base, nowSeconds, seed }: DrillReport): string {
  const what = directory ?? base.path;
  return [
    wrapWords(plainText(`Recovery drill of ${what}`), 0, WIDTH).join('\n'),
    `at ${secondsTimeText(nowSeconds)}, seed ${seed}; all of it on a copy`,
  ].join('\n');
}

export function baseName({ kind, name, path: file }: BaseReport): string {
  if (kind === 'live') return 'the live SSTables';
  if (kind === 'snapshot') return `snapshot ${name}`;
  return `backup ${file}${name === undefined ? '' : `, snapshot ${name}`}`;
}

function baseText(base: BaseReport): string {
  const { sstables, bytes, isComplete, problems, createdAt } = base;
  const head = `Started from ${baseName(base)}: ${plural(sstables, 'SSTable')}, ${bytesText(bytes)}, ${isComplete ? 'complete' : 'NOT COMPLETE'}`;
  const shown = problems.toSorted((a, b) => Number(b.isWrong) - Number(a.isWrong)).slice(0, MOST_PROBLEMS);
  const more = problems.length - shown.length;
  return [
    wrapWords(plainText(head), 0, WIDTH).join('\n'),
    ...(createdAt === undefined ? [] : [`  taken ${plainText(createdAt)}`]),
    ...staleLines(base),
    ...shown.map(({ file, message, isWrong }) => lines(`${isWrong ? '!' : '-'} ${message}: ${file}`)),
    ...(more > 0 ? [`  and ${countText(more)} more (--json has all)`] : []),
  ].join('\n');
}

function staleLines({ kind, newestMicros, against, staleSeconds }: BaseReport): string[] {
  if (newestMicros === undefined || !against)
    return kind === 'live' ? [] : ['  how stale it is is not known: no write in it has a time'];
  const newest = `newest write in it ${timeText(newestMicros)}`;
  if (kind === 'live' && against.what === 'live') return [];
  const than =
    against.what === 'live'
      ? `the newest of the live directory and its log, ${timeText(against.newestMicros)}`
      : 'the clock';
  return [lines(`${newest}: ${secondsText(staleSeconds ?? 0)} behind ${than}`)];
}

export function damageText(damage: Damage): string {
  const segment = path.basename(damage.segment.file);
  switch (damage.kind) {
    case 'tear-at':
      return `tear-at: ${segment} is cut at byte ${countText(damage.offset)} of ${countText(damage.segment.bytes)}`;
    case 'drop-segment':
      return `drop-segment: ${segment} is gone, ${bytesText(damage.segment.bytes)}`;
    case 'flip':
      return `flip: bit ${damage.bit} of ${segment} (bit ${damage.bit % 8} of byte ${countText(Math.floor(damage.bit / 8))})`;
    default:
      return damage satisfies never;
  }
}

export function crashLines({ crash, log }: DrillReport): string[] {
  const { cut, damage, dropped } = crash;
  const found = [];
  if (cut) {
    const grain = cut.grain === 'write' ? '' : ', at the end of a whole section since the segment is encrypted';
    const clock = log.clock.source === 'clients' ? "clients' own times" : 'the times of the writes';
    found.push(
      `lose-last: what was written in the last ${secondsText(cut.seconds)} is gone, by ${clock}: the log ends in segment ${cut.segmentId} at position ${cut.position}, as if synced last there${grain}`,
    );
    if (dropped.length > 0)
      found.push(
        `${plural(dropped.length, 'later segment')} was not there yet`.replace('segments was', 'segments were'),
      );
  }
  return [...found, ...damage.map(damageText)];
}

function crashText(report: DrillReport): string {
  const found = crashLines(report);
  const { log } = report;
  const head = `Commit log: ${plural(log.segments, 'segment')}, ${bytesText(log.bytes)}, ${plural(log.mutations, 'mutation')}`;
  const before = log.faults > 0 ? [lines(`- it had ${plural(log.faults, 'fault')} before the drill`)] : [];
  if (log.segments === 0) return 'Commit log: none';
  if (found.length === 0)
    return [head, ...before, '  nothing of it was damaged, as when a process is killed'].join('\n');
  return [head, ...before, ...found.map((text) => lines(text))].join('\n');
}

export function startSentence({ start }: DrillReport): string {
  switch (start.verdict) {
    case 'no-log':
      return 'A node starts on it, with an empty commit log.';
    case 'clean':
      return 'A node starts on it.';
    case 'tolerates':
      return 'A node starts on it: it takes the damage for a write that was not finished.';
    case 'stops': {
      const at = start.stopsAt
        ? `${path.basename(start.stopsAt.file)}, position ${start.stopsAt.position}: ${start.stopsAt.message}`
        : 'the damage';
      return `A node does NOT start on it by itself: it stops at ${at}.`;
    }
    default:
      return start.verdict satisfies never;
  }
}

function startText(report: DrillReport): string {
  const { start } = report;
  const how =
    start.replayedAs === 'skip-corrupt' ? ['Replayed with --skip-corrupt: all that can be read, past the damage.'] : [];
  const more =
    start.stillReadable > 0 && start.replayedAs === 'node'
      ? [`${plural(start.stillReadable, 'lost write')} can still be read: lsmctl commitlog replay --skip-corrupt`]
      : [];
  return [startSentence(report), ...how, ...more].map((text) => lines(text, 0)).join('\n');
}

function lossText({ loss, answers, unmeasured, tables, log }: DrillReport): string {
  const { writes, systemWrites, keys, seconds, firstMicros, lastMicros } = loss;
  const head = `Lost (RPO): ${lostSummary({ loss, answers })}`;
  const details = [];
  if (writes > 0) {
    details.push(
      `${plural(writes, 'write')} of ${plural(keys, 'key')} in ${plural(loss.tables, 'table')}, ${bytesText(loss.bytes)}`,
    );
    if (firstMicros !== undefined && lastMicros !== undefined) {
      details.push(`written ${timeText(firstMicros)} to ${timeText(lastMicros)}`);
      const newest = log.clock.newestMicros;
      if (newest !== undefined)
        details.push(
          `${secondsText(seconds)} from the first of them to the newest write of the log, ${timeText(newest)}`,
        );
    }
  }
  if (answers && answers.gone + answers.older + answers.back > 0) {
    details.push(
      `answers: ${plural(answers.gone, 'row')} gone, ${countText(answers.older)} with older values, ${countText(answers.back)} back that were deleted`,
    );
    if (answers.notInLog > 0)
      details.push(
        `of these rows, ${countText(answers.notInLog)} of keys of which the log lost nothing: they were in SSTables`,
      );
  } else if (answers && writes > 0) details.push('answers: the same, since other writes stand over all that is lost');
  const blind = tables.filter(({ unmeasured }) => unmeasured !== undefined);
  for (const { keyspace, table, unmeasured } of blind.slice(0, MOST_PROBLEMS)) {
    details.push(`answers of ${keyspace}.${table}: not compared, ${unmeasured}`);
  }
  if (!answers) details.push(`answers: not compared: ${unmeasured}`);
  if (systemWrites > 0) details.push(`and ${plural(systemWrites, 'write')} of Cassandra's own tables`);
  return [head, ...details.map((text) => lines(text)), ...tableLines(tables)].join('\n');
}

export function lostSummary({ loss, answers }: Pick<DrillReport, 'loss' | 'answers'>): string {
  const rows = answers ? answers.gone + answers.older + answers.back : 0;
  if (loss.writes === 0 && rows === 0) return 'nothing';
  if (loss.writes === 0) return `${plural(rows, 'row')} that only SSTables held`;
  return `${plural(loss.writes, 'write')}, ${secondsText(loss.seconds)}`;
}

function tableLines(tables: DrillReport['tables']): string[] {
  const shown = tables.filter(({ isSystem }) => !isSystem);
  if (shown.length === 0) return [];
  const rows = shown
    .slice(0, MOST_TABLES)
    .map(({ keyspace, table, writes, keys, firstMicros, answers }) => [
      plainText(`${keyspace}.${table}`),
      countText(writes),
      countText(keys.size),
      answers ? countText(answers.gone) : '',
      answers ? countText(answers.older) : '',
      answers ? countText(answers.back) : '',
      firstMicros === undefined ? '' : timeText(firstMicros).slice(11),
    ]);
  const columns = [
    { title: 'table' },
    { title: 'writes', align: right },
    { title: 'keys', align: right },
    { title: 'gone', align: right },
    { title: 'older', align: right },
    { title: 'back', align: right },
    { title: 'from' },
  ];
  const more = shown.length - MOST_TABLES;
  return [
    '',
    tableText(columns, rows, { width: WIDTH, indent: 2 }),
    ...(more > 0 ? [`  and ${plural(more, 'table')} more (--json has all)`] : []),
  ];
}

export function syncName({ sync, periodSeconds }: Compared): string {
  return sync === 'as-asked' ? 'as asked' : sync === 'batch' ? 'batch' : `periodic, ${secondsText(periodSeconds ?? 0)}`;
}

function comparedText(compared: readonly Compared[]): string {
  const rows = compared.map((one) => [
    syncName(one),
    countText(one.loss.writes),
    countText(one.loss.keys),
    countText(one.loss.tables),
    one.loss.writes === 0 ? '-' : secondsText(one.loss.seconds),
  ]);
  const columns = [
    { title: 'commitlog_sync' },
    { title: 'writes', align: right },
    { title: 'keys', align: right },
    { title: 'tables', align: right },
    { title: 'RPO', align: right },
  ];
  return `The same damage, by how the node syncs\n${tableText(columns, rows, { width: WIDTH, indent: 2 })}`;
}

function phasesText({ phases }: DrillReport): string {
  const total = recoverySeconds(phases);
  const rows = phases.map(({ name, seconds, what }) => [name, secondsText(seconds), bar(seconds / total), what]);
  const columns = [{ title: 'phase' }, { title: 'took', align: right }, { title: '' }, { title: '' }];
  return `Time to recover (RTO): ${secondsText(total)}\n${tableText(columns, rows, { width: WIDTH, indent: 2 })}`;
}

function bar(share: number): string {
  return '█'.repeat(Math.max(Number.isFinite(share) && share > 0 ? 1 : 0, Math.round(share * 20)));
}

function resultText({ result }: DrillReport): string {
  const { isSound, sstables, partitions, rows, errors, warnings, findings } = result;
  const head = `Result: ${isSound ? 'sound' : 'NOT SOUND'}: ${plural(sstables, 'SSTable')}, ${plural(partitions, 'partition')}, ${plural(rows, 'row')} verified deeply`;
  const counts = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
  const wrong = findings.filter(({ severity }) => severity === 'error').slice(0, MOST_PROBLEMS);
  return [
    wrapWords(head, 0, WIDTH).join('\n'),
    ...(errors + warnings > 0 ? [`  ${counts} (lsmctl verify --deep tells them)`] : []),
    ...(result.replayFailed === undefined ? [] : [lines(`! the log could not be replayed: ${result.replayFailed}`)]),
    ...wrong.map(({ rule, message, file }) => lines(`! ${rule}: ${message}: ${path.basename(file)}`)),
  ].join('\n');
}

export function limitText({ kind, limit, seen, isKept }: JudgedLimit): readonly [string, string, string] {
  const kept = isKept ? 'kept' : 'NOT KEPT';
  if (kind === 'max-time') return [`--max-time ${secondsText(limit)}`, `${secondsText(seen)} to recover`, kept];
  if (kind === 'max-loss-seconds') return [`--max-loss ${secondsText(limit)}`, `${secondsText(seen)} lost`, kept];
  return [`--max-loss ${plural(limit, 'write')}`, `${plural(seen, 'write')} lost`, kept];
}

function verdictText({ limits, isPassed, reasons, kept }: DrillReport): string {
  const width = Math.max(0, ...limits.map((limit) => limitText(limit)[0].length));
  const judged = limits.map((limit) => {
    const [asked, seen, is] = limitText(limit);
    return `  ${asked.padEnd(width)}  ${seen}: ${is}`;
  });
  const why = reasons.length > 0 ? `: ${reasons.join('; ')}` : '';
  return [
    ...judged,
    wrapWords(`${isPassed ? 'PASS' : 'FAIL'}${why}`, 0, WIDTH).join('\n'),
    ...(kept === undefined ? [] : [`the copy is kept: ${plainText(kept)}`]),
  ].join('\n');
}

/** To the second, without the zone: all times are UTC. */
export function timeText(micros: number): string {
  return microsTimeText(BigInt(Math.round(micros)))
    .slice(0, 19)
    .replace('T', ' ');
}

/** "0.012 s", "9.90 s", "42.0 s", "3 min 20 s". */
export function secondsText(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'an unknown time';
  if (seconds >= 100) return durationText(seconds);
  if (Number.isInteger(seconds)) return `${seconds} s`;
  return `${seconds < 1 ? seconds.toFixed(3) : seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
}
