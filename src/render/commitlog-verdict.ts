/** The text of `commitlog verify`, and its object for `--json`. */
import path from 'node:path';
import { ByteWriter } from '../bytes/writer.js';
import type { LogSchema, LogTable } from '../commitlog/log-schema.js';
import type { LostRange } from '../commitlog/salvage.js';
import { stringWriter } from '../cql/values/string.js';
import type { AtStart, WhenIgnored } from '../engine/commitlog-start.js';
import type { FaultReport, LeftMutation, LogReport, LostBytes } from '../engine/commitlog-verify.js';
import { bytesText, countText } from './bytes.js';
import { plainText } from './plain-text.js';
import { tableText } from './table.js';
import { microsTimeText } from './time.js';
import { plural, wrapHanging, wrapWords } from './words.js';

/** Mutations that are left out, counted by table, and the first of them. */
export class LeftMutations {
  count = 0;
  /** Of those, the ones of which all is in SSTables already. */
  safe = 0;
  readonly tables = new Map<string, LeftTable>();
  readonly first: object[] = [];
  private readonly maxShown: number;

  constructor(maxShown = 1000) {
    this.maxShown = maxShown;
  }

  /** @returns the mutation as an object for JSON */
  add(mutation: LeftMutation): object {
    this.count++;
    if (mutation.updates.every(({ isPersisted }) => isPersisted)) this.safe++;
    for (const [i, { tableId, table, leastMicros, greatestMicros, isPersisted }] of mutation.updates.entries()) {
      const known = this.tables.get(tableId) ?? { tableId, table, mutations: 0, bytes: 0, open: 0 };
      this.tables.set(tableId, {
        ...known,
        mutations: known.mutations + 1,
        bytes: known.bytes + (i === 0 ? mutation.bytes : 0),
        open: known.open + (isPersisted ? 0 : 1),
        ...pick('firstMicros', known.firstMicros, leastMicros, (a, b) => a < b),
        ...pick('lastMicros', known.lastMicros, greatestMicros, (a, b) => a > b),
      });
    }
    const object = leftObject(mutation);
    if (this.first.length < this.maxShown) this.first.push(object);
    return object;
  }
}

type LeftTable = {
  readonly tableId: string;
  readonly table: LogTable | undefined;
  readonly mutations: number;
  readonly bytes: number;
  /** Mutations whose update no SSTable holds. */
  readonly open: number;
  readonly firstMicros?: bigint;
  readonly lastMicros?: bigint;
};

function pick<K extends string>(
  name: K,
  a: bigint | undefined,
  b: bigint | undefined,
  wins: (a: bigint, b: bigint) => boolean,
): { [k in K]?: bigint } {
  const value = a === undefined || (b !== undefined && wins(b, a)) ? b : a;
  return value === undefined ? {} : ({ [name]: value } as { [k in K]?: bigint });
}

function leftObject({ segmentId, position, bytes, updates }: LeftMutation): object {
  return {
    segment: segmentId,
    mutation: position,
    bytes,
    updates: updates.map(({ tableId, table, key, leastMicros, greatestMicros, isPersisted }) => ({
      ...(table ? { keyspace: table.keyspace, table: table.name } : { tableId }),
      key: table ? keyText(table, key) : `0x${Buffer.from(key).toString('hex')}`,
      firstWriteMicros: leastMicros,
      lastWriteMicros: greatestMicros,
      inSSTables: isPersisted,
    })),
  };
}

function keyText(table: LogTable, key: Uint8Array): string {
  const out = new ByteWriter(64);
  stringWriter(table.keyType)(key, 0, key.length, out);
  return out.toString();
}

/** What a start does about a fault. */
export const AT_START: Readonly<Record<AtStart, string>> = {
  stops: 'the start fails here',
  tolerates: 'logged as an unfinished write; the start goes on',
  says_nothing: 'nothing is said; the start goes on',
};

const WHEN_IGNORED: Readonly<Record<WhenIgnored, string>> = {
  skips_mutation: 'leaves out this mutation',
  skips_section: 'leaves out the rest of the section',
  skips_segment: 'leaves out the rest of the segment',
  reads_on: 'reads on',
  never_ends: 'reads the marker again and again, for ever (4.1)',
  stops: 'the start fails all the same',
};

const MAX_FAULTS = 20;
const MAX_LOST = 20;

export function verdictText(report: LogReport, left: LeftMutations, schema: LogSchema): string {
  const blocks = [
    faultsText(report.faults),
    leftText(left),
    lostText(report.lost, schema),
    unknownText(report),
    summaryText(report, left),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function faultsText(faults: readonly FaultReport[]): string {
  const lines = faults.slice(0, MAX_FAULTS).flatMap((fault) => {
    const { file, section, position, message, seen, expected } = fault;
    const where = `${section === undefined ? '' : `section ${section}, `}position ${position}`;
    const compared = [seen === undefined ? '' : `seen ${seen}`, expected === undefined ? '' : `expected ${expected}`];
    const detail = compared.filter((text) => text !== '').join(', ');
    return [
      plainText(`${path.basename(file)}, ${where}`),
      wrapHanging(`${plainText(message)}${detail === '' ? '' : ` (${plainText(detail)})`}`, 2),
      `  at start: ${AT_START[fault.atStart]}`,
      `  ${fault.atStart === 'stops' ? 'told to ignore errors, a node' : 'the node'} ${WHEN_IGNORED[fault.whenIgnored]}`,
    ];
  });
  const more = faults.length - MAX_FAULTS;
  if (more > 0) lines.push(`and ${countText(more)} more (--json has all)`);
  return lines.join('\n');
}

function leftText({ count, safe, tables }: LeftMutations): string {
  if (count === 0) return '';
  const rows = [...tables.values()].map(({ tableId, table, mutations, bytes, open, firstMicros, lastMicros }) => [
    table ? `${table.keyspace}.${table.name}` : tableId,
    countText(mutations),
    bytesText(bytes),
    countText(open),
    firstMicros === undefined ? '' : microsTimeText(firstMicros).slice(0, 19),
    lastMicros === undefined ? '' : microsTimeText(lastMicros).slice(0, 19),
  ]);
  const right = 'right' as const;
  const columns = [
    { title: 'table' },
    { title: 'mutations', align: right },
    { title: 'size', align: right },
    { title: 'not held', align: right },
    { title: 'first write' },
    { title: 'last write' },
  ];
  const head = `Can be read, but a node that goes on leaves it out: ${plural(count, 'mutation')}, ${countText(safe)} of them held by SSTables already`;
  return `${wrapWords(head, 0).join('\n')}\n${tableText(columns, rows, { width: 80, indent: 2 })}`;
}

function lostText(lost: readonly LostBytes[], schema: LogSchema): string {
  if (lost.length === 0) return '';
  const nameOf = new Map([...schema.all()].map(({ id, keyspace, name }) => [id, `${keyspace}.${name}`]));
  const lines = lost.slice(0, MAX_LOST).map((range) => wrapHanging(plainText(rangeText(range, nameOf)), 2));
  const more = lost.length - MAX_LOST;
  if (more > 0) lines.push(`  and ${countText(more)} more (--json has all)`);
  return ['Lost, nobody can read it:', ...lines].join('\n');
}

function rangeText(range: LostBytes, nameOf: ReadonlyMap<string, string>): string {
  const { file, from, to, fileFrom, fileTo, openTables, persistedTables } = range;
  const bytes = fileTo > fileFrom ? `, bytes ${fileFrom} to ${fileTo} of the file` : '';
  const what = rangeContent(range);
  const held =
    openTables.length === 0
      ? 'SSTables hold it'
      : persistedTables.length === 0
        ? 'no SSTable holds it'
        : `SSTables hold it if it is of ${listOf(persistedTables, nameOf)}, not if of ${listOf(openTables, nameOf)}`;
  return `${path.basename(file)}: positions ${from} to ${to ?? '?'}${bytes}: ${what}; ${held}`;
}

/** What bytes that nobody can read held. */
export function rangeContent({ mutations, isOpen, isUncertain }: LostRange): string {
  if (isOpen) return 'and all that came after';
  if (isUncertain) return 'maybe no mutation, maybe some';
  return mutations === undefined ? 'at least one mutation' : plural(mutations, 'mutation');
}

function listOf(ids: readonly string[], nameOf: ReadonlyMap<string, string>): string {
  const names = ids.map((id) => nameOf.get(id) ?? id).sort(systemLast);
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` or ${names.length - 3} more` : ''}`;
}

function systemLast(a: string, b: string): number {
  return Number(/^system[._]/.test(a)) - Number(/^system[._]/.test(b)) || (a < b ? -1 : 1);
}

function unknownText({ unknown }: LogReport): string {
  if (unknown.size === 0) return '';
  const lines = [...unknown].map(([id, count]) => `  ${id}: ${plural(count, 'mutation')}`);
  return ['Of tables that the schema does not have (a node drops such mutations as a whole):', ...lines].join('\n');
}

function summaryText({ segments, faults, verdict, stopsAt }: LogReport, left: LeftMutations): string {
  const mutations = segments.reduce((sum, segment) => sum + segment.mutations, 0);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const read = `${plural(segments.length, 'segment')}, ${bytesText(bytes)}, ${plural(mutations, 'mutation')} read`;
  if (verdict === 'clean') return `${read}: no fault`;
  const lines = [`${read}: ${plural(faults.length, 'fault')}`];
  if (stopsAt) {
    const { file, section } = stopsAt;
    lines.push(
      `A node does not start on it: it stops at ${path.basename(file)}${section === undefined ? '' : `, section ${section}`}.`,
    );
  } else lines.push('A node starts on it, without what is told above.');
  if (left.count > left.safe) {
    lines.push('Keep the files: what can be read and no SSTable holds is in `lsmctl commitlog verify --left FILE`.');
  }
  return lines.join('\n');
}

export function verdictJson(report: LogReport, left: LeftMutations): object {
  return {
    verdict: report.verdict,
    ...(report.stopsAt && { stopsAt: { segment: report.stopsAt.segmentId, position: report.stopsAt.position } }),
    segments: report.segments,
    faults: report.faults,
    left: {
      mutations: left.count,
      inSSTables: left.safe,
      tables: [...left.tables.values()].map(({ table, tableId, open, ...rest }) => ({
        ...(table ? { keyspace: table.keyspace, table: table.name } : { tableId }),
        ...rest,
        notInSSTables: open,
      })),
      first: left.first,
    },
    lost: report.lost,
    unknownTables: report.unknown,
  };
}
