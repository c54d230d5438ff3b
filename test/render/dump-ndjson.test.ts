/** What the JSON lines say is what Cassandra's own sstabledump said of the same file. */
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FIXTURES, fixtureSSTables } from '../fixtures.js';
import { dumpText } from './dump-text.js';

type Deletion = { marked_deleted: string; local_delete_time: string };
type Liveness = { tstamp: string; ttl?: number; expires_at?: string };
type GoldenCell = {
  name: string;
  path?: string[];
  value?: unknown;
  tstamp?: string;
  ttl?: number;
  expires_at?: string;
  deletion_info?: Partial<Deletion>;
};
type GoldenRow = {
  type: string;
  clustering?: unknown[];
  liveness_info?: Liveness;
  deletion_info?: Deletion;
  cells?: GoldenCell[];
  start?: { type: string; clustering?: unknown[]; deletion_info: Deletion };
  end?: { type: string; clustering?: unknown[]; deletion_info: Deletion };
};
type GoldenPartition = { partition: { key: string[]; deletion_info?: Deletion }; rows: GoldenRow[] };

type Times = { timestamp: number; local_deletion_time: number };
type Line = {
  kind: string;
  key: Record<string, unknown>;
  clustering?: Record<string, unknown>;
  liveness?: { timestamp: number; ttl?: number; expires?: number };
  deletion?: Times;
  cells?: (Partial<Times> & {
    column: string;
    path?: unknown;
    value?: unknown;
    ttl?: number;
    expires?: number;
    deleted?: true;
  })[];
  complex_deletions?: Record<string, Times>;
  start?: { inclusive: boolean; clustering: Record<string, unknown>; deletion: Times };
  end?: { inclusive: boolean; clustering: Record<string, unknown>; deletion: Times };
};

/** Of these types, values look alike in both texts. */
const ALIKE = new Set([
  'text',
  'ascii',
  'int',
  'bigint',
  'smallint',
  'tinyint',
  'boolean',
  'blob',
  'uuid',
  'date',
  'varint',
]);

const seconds = (instant: string) => Math.floor(Date.parse(`${instant.slice(0, 19)}Z`) / 1000);
const micros = (instant: string) =>
  seconds(instant) * 1e6 + Number((/\.(\d+)Z/.exec(instant)?.[1] ?? '').padEnd(6, '0'));
/** The tool prints other times than these wrongly: with fractions before 1970, and beyond 64-bit nanoseconds. */
const time = (microseconds: number | undefined) =>
  microseconds !== undefined && microseconds > 1e6 && microseconds < 7e15 ? microseconds : 'far';
const golden = (d: Deletion) => [time(micros(d.marked_deleted)), seconds(d.local_delete_time)];
const ours = (d: Times) => [time(d.timestamp), d.local_deletion_time];
const unquoted = (name: string) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

/** A row of the golden dump as plain facts. */
function goldenFacts(row: GoldenRow, alike: ReadonlySet<string>): unknown {
  if (row.start || row.end) {
    const bound = (b: GoldenRow['start']) =>
      b && [
        b.type === 'inclusive',
        (b.clustering ?? []).filter((value) => value !== '*').length,
        golden(b.deletion_info),
      ];
    return { kind: row.type, start: bound(row.start), end: bound(row.end) };
  }
  const { liveness_info: live, deletion_info: deletion } = row;
  const complex = (row.cells ?? []).filter((cell) => cell.deletion_info?.marked_deleted !== undefined);
  return {
    kind: row.type === 'static_block' ? 'static' : 'row',
    clustering: (row.clustering ?? []).length,
    liveness: live && [time(micros(live.tstamp)), live.ttl, live.expires_at && seconds(live.expires_at)],
    deletion: deletion && golden(deletion),
    complex: complex.map((cell) => [unquoted(cell.name), ...golden(cell.deletion_info as Deletion)]),
    cells: (row.cells ?? [])
      .filter((cell) => !complex.includes(cell))
      .map((cell) => [
        unquoted(cell.name),
        cell.path?.length,
        alike.has(unquoted(cell.name)) ? cell.value : undefined,
        time(micros(cell.tstamp ?? live?.tstamp ?? '')),
        // the tool leaves out a TTL that is the row's
        cell.deletion_info ? undefined : (cell.ttl ?? live?.ttl),
        cell.deletion_info && seconds(cell.deletion_info.local_delete_time!),
      ]),
  };
}

function ourFacts(line: Line, alike: ReadonlySet<string>): unknown {
  if (line.start || line.end) {
    const bound = (b: Line['start']) => b && [b.inclusive, Object.keys(b.clustering).length, ours(b.deletion)];
    return { kind: line.kind, start: bound(line.start), end: bound(line.end) };
  }
  const { liveness: live, complex_deletions: complex = {} } = line;
  return {
    kind: line.kind,
    clustering: Object.keys(line.clustering ?? {}).length,
    liveness: live && [time(live.timestamp), live.ttl, live.expires],
    deletion: line.deletion && ours(line.deletion),
    complex: Object.entries(complex).map(([name, deletion]) => [name, ...ours(deletion)]),
    cells: (line.cells ?? [])
      // the tool leaves out what the column's deletion shadows
      .filter((cell) => cell.timestamp! >= (complex[cell.column]?.timestamp ?? Number.NEGATIVE_INFINITY))
      .map((cell) => [
        cell.column,
        cell.path === undefined ? undefined : 1,
        alike.has(cell.column) ? cell.value : undefined,
        time(cell.timestamp),
        // where a row expires, cells of other rows' TTL are told apart by their own
        cell.deleted ? undefined : (cell.ttl ?? (live?.ttl === undefined ? undefined : live.ttl)),
        cell.deleted && cell.local_deletion_time,
      ]),
  };
}

function goldenOf(name: string): GoldenPartition[] | undefined {
  const base = path.join(FIXTURES, name.replace('/data/', '/golden/').replace('-Data.db', '.dump.json'));
  if (fs.existsSync(base)) return JSON.parse(fs.readFileSync(base, 'utf8')) as GoldenPartition[];
  if (!fs.existsSync(`${base}.gz`)) return undefined;
  return JSON.parse(gunzipSync(fs.readFileSync(`${base}.gz`)).toString()) as GoldenPartition[];
}

const recorded = fixtureSSTables().filter(({ name }) => goldenOf(name) !== undefined);

describe('JSON lines', () => {
  it.each(recorded.map(({ name }) => name))('%s', async (name) => {
    const [schema, ...lines] = (await dumpText('ndjson', name))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const columns = [...schema.static, ...schema.regular] as { name: string; type: string }[];
    const alike = new Set(columns.filter(({ type }) => ALIKE.has(type)).map((column) => column.name));
    const expected = goldenOf(name)!.flatMap(({ partition, rows }) => [
      ...(partition.deletion_info ? [{ kind: 'partition_deletion', deletion: golden(partition.deletion_info) }] : []),
      ...(!partition.deletion_info && rows.length === 0 ? [{ kind: 'partition' }] : []),
      ...rows.map((row) => goldenFacts(row, alike)),
    ]);
    const facts = (lines as Line[]).map((line) => {
      if (line.kind === 'partition') return { kind: line.kind };
      if (line.kind === 'partition_deletion') return { kind: line.kind, deletion: ours(line.deletion!) };
      return ourFacts(line, alike);
    });
    expect(facts).toEqual(expected);
    const keys = new Set((lines as Line[]).map((line) => JSON.stringify(line.key)));
    expect(keys.size).toBe(goldenOf(name)!.length);
  });

  it('covers every fixture that the tool could print', () => {
    expect(recorded.length).toBeGreaterThan(200);
  });
});
