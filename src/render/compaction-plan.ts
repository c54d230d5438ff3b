/** A compaction plan for people: what is compacted, in which order and why; why the rest is left; what it costs and gives. */
import type { PlannedTask, TaskShape } from '../engine/compaction/planned-task.js';
import { type PlanTotals, planTotals } from '../engine/plan/plan-totals.js';
import type { PlanStep, TablePlan } from '../engine/plan/planner.js';
import type { Candidate } from '../engine/strategies/strategy.js';
import { bytesText, countText } from './bytes.js';
import { durationText } from './time.js';
import { plural } from './words.js';

export type PlanToShow = {
  readonly name: string;
  readonly directory: string;
  /** Class of the strategy. */
  readonly strategy: string;
  readonly sstables: readonly Candidate[];
  readonly plan: TablePlan;
  readonly freeBytes: number | undefined;
};

export type ShownRate = { readonly bytesPerSecond: number; readonly at: string } | undefined;

/** Tasks and causes that are shown in full; more are counted. */
const MAX_TASKS = 40;
const MAX_LEFT = 40;
const MIN_WIDTH = 40;

/** @param width columns; 0: 80 */
export function planText(tables: readonly PlanToShow[], rate: ShownRate, width: number): string {
  const columns = Math.max(MIN_WIDTH, width || 80);
  const lines = tables.flatMap((table, i) => [...(i > 0 ? [''] : []), ...tableLines(table, rate, columns)]);
  const pending = tables.filter(({ plan }) => plan.steps.length > 0);
  if (pending.length > 1) lines.push('', ...allLines(pending, tables.length, rate, columns));
  return `${lines.join('\n')}\n`;
}

function tableLines(one: PlanToShow, rate: ShownRate, width: number): string[] {
  const { name, strategy, sstables, plan } = one;
  const bytes = sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  const heading = `${name}: ${countOf(sstables.length)}, ${bytesText(bytes)}, ${strategy.replace(/^.*\./, '')}`;
  const lines = wrap(heading, width, 0, 2);
  const names = new Names(sstables, plan.steps);
  const byRepair = new Set([...plan.steps.map(({ task }) => task.repair), ...plan.left.map(({ repair }) => repair)]);
  const showsRepair = byRepair.size > 1;
  if (plan.steps.length === 0) lines.push('  nothing is pending');
  plan.steps.slice(0, MAX_TASKS).forEach((step, i) => {
    lines.push('', ...stepLines(step, i + 1, names, showsRepair, width));
  });
  const more = plan.steps.length - MAX_TASKS;
  if (more > 0) lines.push('', `  … and ${countText(more)} more tasks (--json has all)`);
  if (plan.cut !== undefined) lines.push('', ...wrap(`not planned to the end: ${plan.cut}`, width, 2, 2));
  lines.push(...leftLines(plan, names, showsRepair, width));
  if (plan.steps.length > 0) lines.push('', ...totalLines(one, planTotals(plan.steps), rate, width));
  return lines;
}

const KINDS: Readonly<Record<PlannedTask['kind'], string>> = {
  compaction: 'compact',
  tombstones: 'compact for its tombstones',
  expired: 'drop unread',
  uplevel: 'set the level of',
  major: 'compact',
  garbagecollect: 'collect garbage of',
  forced: 'compact',
};

function stepLines(step: PlanStep, number: number, names: Names, showsRepair: boolean, width: number): string[] {
  const { task, reason, expired, outputs, estimate } = step;
  const indent = Math.max(5, String(number).length + 4);
  const lead = `  ${number}`.padEnd(indent);
  const what = `${KINDS[task.kind]} ${countOf(task.inputs.length)}${showsRepair ? `, ${task.repair}` : ''}`;
  const sizes =
    task.kind === 'uplevel' || estimate.readBytes === 0
      ? ''
      : `: ${exactness(estimate.isReadExact)}${bytesText(estimate.readBytes)} → ~${bytesText(estimate.writtenBytes)}`;
  const lines = wrap(`${what}${sizes}${shapeText(task.output, outputs.length, task.kind)}`, width, indent, indent + 2);
  lines[0] = lead + lines[0]!.trimStart();
  lines.push(...wrap(names.listOf(task.inputs), width, indent, indent));
  lines.push(...wrap(reason, width, indent, indent));
  if (expired.length > 0 && expired.length < task.inputs.length) {
    lines.push(...wrap(`dropped unread: ${names.listOf(expired)}`, width, indent, indent));
  }
  return lines;
}

function shapeText(shape: TaskShape, outputs: number, kind: PlannedTask['kind']): string {
  if (kind === 'uplevel') return ` to L${'level' in shape ? shape.level : 0}`;
  if (outputs === 0) return '';
  const count = outputs === 1 ? '' : ` in ~${countText(outputs)} SSTables`;
  const level = 'level' in shape && shape.level > 0 ? ` of L${shape.level}` : '';
  return `${count}${level}`;
}

function leftLines({ left }: TablePlan, names: Names, showsRepair: boolean, width: number): string[] {
  if (left.length === 0) return [];
  const lines = ['', '  left as they are:'];
  for (const { sstables, why, repair } of left.slice(0, MAX_LEFT)) {
    const state = showsRepair ? ` (${repair})` : '';
    lines.push(...wrap(`${names.listOf(sstables)}${state}: ${why}`, width, 4, 6));
  }
  if (left.length > MAX_LEFT)
    lines.push(`    … and for ${countText(left.length - MAX_LEFT)} more causes (--json has all)`);
  return lines;
}

/** Tables are compacted one after the other: what one needs it gives back before the next begins. */
function allLines(pending: readonly PlanToShow[], count: number, rate: ShownRate, width: number): string[] {
  const totals = planTotals(pending.flatMap(({ plan }) => plan.steps));
  const needs = ({ plan }: PlanToShow) => planTotals(plan.steps).peakBytes;
  const largest = pending.reduce((most, one) => (needs(one) > needs(most) ? one : most));
  const heading = `all: ${plural(totals.steps, 'task')} in ${countText(pending.length)} of ${plural(count, 'table')}`;
  const peakBytes = needs(largest);
  return [...wrap(heading, width, 0, 2), ...totalLines(largest, { ...totals, peakBytes }, rate, width)];
}

function totalLines(one: PlanToShow, totals: PlanTotals, rate: ShownRate, width: number): string[] {
  const { readBytes, isReadExact, writtenBytes, peakBytes } = totals;
  const free = one.freeBytes === undefined ? 'free space unmeasured' : `${bytesText(one.freeBytes)} free`;
  const short = one.freeBytes !== undefined && one.freeBytes < peakBytes ? ': too little' : '';
  const rows: [string, string][] = [
    ['reads', `${exactness(isReadExact)}${bytesText(readBytes)}, writes ~${bytesText(writtenBytes)}`],
    ['gives back', givenText(totals)],
    ['needs', `up to ${exactness(isReadExact)}${bytesText(peakBytes)} of disk while it runs, ${free}${short}`],
    ['takes', timeText(readBytes, rate)],
  ];
  return rows.flatMap(([label, text]) => wrap(`${label.padEnd(11)}${text}`, width, 2, 13));
}

/** Keys that SSTables have in common may have different rows: what is overwritten is at most as much, and so are tombstones that may go. */
function givenText({ overwrittenBytes, tombstoneBytes, expiredBytes, isReadExact }: PlanTotals): string {
  const estimates: [number, string][] = [
    [overwrittenBytes, 'overwritten'],
    [tombstoneBytes, 'tombstones'],
  ];
  const causes = estimates.flatMap(([bytes, cause]) => (bytes > 0 ? [`up to ~${bytesText(bytes)} of ${cause}`] : []));
  if (expiredBytes > 0) causes.push(`${exactness(isReadExact)}${bytesText(expiredBytes)} of expired SSTables`);
  return causes.length > 0 ? causes.join(', ') : 'nothing that can be told from metadata';
}

function timeText(readBytes: number, rate: ShownRate): string {
  if (!rate) return 'unmeasured: no compaction of 32 MiB or more was run here yet';
  const seconds = Math.max(1, Math.ceil(readBytes / rate.bytesPerSecond));
  const day = rate.at.slice(0, 10);
  return `~${durationText(seconds)} at ${bytesText(rate.bytesPerSecond)}/s, the rate of the last run here (${day})`;
}

function exactness(isExact: boolean): string {
  return isExact ? '' : '~';
}

function countOf(count: number): string {
  return `${countText(count)} ${count === 1 ? 'SSTable' : 'SSTables'}`;
}

/** How SSTables are called: `oa-7` where it is there; `2` for all that task 2 writes, `2.1` for the first of that. */
class Names {
  private readonly names = new Map<Candidate, string>();
  private readonly there: ReadonlySet<Candidate>;
  private readonly order: ReadonlyMap<Candidate, number>;

  constructor(sstables: readonly Candidate[], steps: readonly PlanStep[]) {
    this.there = new Set(sstables);
    this.order = new Map([...sstables, ...steps.flatMap(({ outputs }) => outputs)].map((one, i) => [one, i]));
    steps.forEach(({ outputs, task }, i) => {
      outputs.forEach((one, k) => {
        if (task.kind === 'uplevel') this.names.set(one, `${shortName(one)} of task ${i + 1}`);
        else this.names.set(one, outputs.length === 1 ? `[${i + 1}]` : `[${i + 1}.${k + 1}]`);
      });
    });
  }

  listOf(sstables: readonly Candidate[]): string {
    const inOrder = sstables.toSorted((a, b) => (this.order.get(a) ?? 0) - (this.order.get(b) ?? 0));
    const shown = inOrder.slice(0, MAX_NAMES).map((one) => this.nameOf(one));
    const more = sstables.length - shown.length;
    return `${shown.join(' ')}${more > 0 ? ` … and ${countText(more)} more` : ''}`;
  }

  private nameOf(sstable: Candidate): string {
    return this.there.has(sstable) ? shortName(sstable) : (this.names.get(sstable) ?? shortName(sstable));
  }
}

const MAX_NAMES = 12;

/** `oa-7`, or the whole of a time-based generation. */
function shortName({ descriptor: { version, id } }: Candidate): string {
  return `${version.name}-${id}`;
}

/** Words in lines of a width, the first line after `first` spaces, the others after `rest`. */
function wrap(text: string, width: number, first: number, rest: number): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(first);
  let isEmpty = true;
  for (const word of words(text)) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(rest);
      isEmpty = true;
    }
    line += (isEmpty ? '' : ' ') + word;
    isEmpty = false;
  }
  lines.push(line);
  return lines;
}

/** A number stays with its unit. */
function words(text: string): string[] {
  return text.split(/(?<!\d) | (?!(?:B|[KMGTPE]iB|%)(?:[^\w]|$))/);
}
