/**
 * Verdicts of all versions of random partitions against what a few lines over plain objects say of them, against the merge of objects, and, for the
 * dates from which something may be purged, against compactions right before and at that date.
 */
import { describe, expect, it } from 'vitest';
import { type ClusteringPrefix, compareClustering } from '../../../src/cql/clustering.js';
import type { CqlType } from '../../../src/cql/type.js';
import { WHOLE_PARTITION } from '../../../src/engine/read/clustering-slice.js';
import { ReadCandidate } from '../../../src/engine/read/read-candidate.js';
import { ReadPath } from '../../../src/engine/read/read-path.js';
import { type RowHistory, type Tombstone, type Verdict, VersionWalk } from '../../../src/engine/read/versions.js';
import type { Cell, DeletionTime, Partition, Row, Unfiltered } from '../../../src/sstable/row.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import type { Made, TestTable } from '../merge/build.js';
import { bytesOf } from '../merge/notation.js';
import { mergeLive, reconcile } from '../merge-objects.js';
import { GC_BEFORE, NOW, randomTable } from '../tombstones/random-table.js';

const RUNS = 120;
const GC_GRACE = NOW - GC_BEFORE;
const KEYS = ['k0', 'k1'];

/** One SSTable's partition as objects. */
type Held = {
  readonly sstable: string;
  readonly partition: Omit<Partition, 'unfiltereds'> & { readonly unfiltereds: readonly Unfiltered[] };
};
type Deletion = { readonly sstable: string; readonly scope: Tombstone['scope']; readonly time: DeletionTime };

async function heldOf(table: TestTable, parts: readonly Made[], key: string): Promise<Held[]> {
  const held: Held[] = [];
  for (const { descriptor } of parts) {
    const sstable = await openDescriptor(table.output, descriptor);
    for (const partition of sstable.partitions()) {
      if (Buffer.compare(partition.key, bytesOf(key)) !== 0) continue;
      held.push({ sstable: descriptor.prefix, partition: { ...partition, unfiltereds: [...partition.unfiltereds] } });
    }
  }
  return held;
}

async function walkOf(table: TestTable, parts: readonly Made[], key: string) {
  const candidates = parts.map(({ descriptor }) => new ReadCandidate(table.output, descriptor));
  const path = new ReadPath({ candidates, key: bytesOf(key), slice: WHOLE_PARTITION, definition: undefined, asksAll: true }); // biome-ignore format: one line
  await path.find();
  const header = path.header();
  if (!header) return undefined;
  const sources = path.open(header);
  const names = sources.map(({ sstable }) => sstable.descriptor.prefix);
  const walk = new VersionWalk(sources, header, {
    nowSeconds: NOW,
    gcGraceSeconds: GC_GRACE,
    droppedMicros: new Map(),
  });
  return { walk, rows: [...walk.rows()], names, clusteringTypes: header.clusteringTypes };
}

const compare = compareClustering([{ kind: 'native', name: 'text' }]);

/** Deletions over a row: of the partition, of ranges around it, its own. */
function deletionsOver(held: readonly Held[], row: ClusteringPrefix | 'static'): Deletion[] {
  const found: Deletion[] = [];
  for (const { sstable, partition } of held) {
    if (partition.deletion) found.push({ sstable, scope: 'partition', time: partition.deletion });
    if (row === 'static') continue;
    let open: DeletionTime | undefined;
    for (const one of partition.unfiltereds) {
      const prefix: ClusteringPrefix = one.kind === 'row' ? { kind: 'CLUSTERING', values: one.clustering } : { kind: one.boundKind, values: one.values }; // biome-ignore format: one line
      const order = compare(prefix, row);
      if (order > 0) break;
      if (one.kind === 'marker') open = one.open;
      else if (order === 0 && one.deletion) found.push({ sstable, scope: 'row', time: one.deletion });
    }
    if (open) found.push({ sstable, scope: 'range', time: open });
  }
  return found;
}

function isStronger(a: DeletionTime, b: DeletionTime): boolean {
  if (a.markedForDeleteAtMicros !== b.markedForDeleteAtMicros) return a.markedForDeleteAtMicros > b.markedForDeleteAtMicros; // biome-ignore format: one line
  return a.localDeletionSeconds > b.localDeletionSeconds;
}

function strongest(deletions: readonly Deletion[]): Deletion | undefined {
  return deletions.find((one) => !deletions.some((other) => isStronger(other.time, one.time)));
}

const timeText = ({ markedForDeleteAtMicros, localDeletionSeconds }: DeletionTime) => `${markedForDeleteAtMicros}/${localDeletionSeconds}`; // biome-ignore format: one line

/** A verdict as text, and checks that a tombstone it names is where it says. */
function told(verdict: Verdict, names: readonly string[], over: readonly Deletion[]): string {
  if (verdict.kind === 'shadowed') return `shadowed ${names[verdict.source]} ${verdict.timestampMicros}`;
  if (verdict.kind === 'expired') return `expired ${verdict.atSeconds}`;
  if (verdict.kind !== 'deleted') return verdict.kind;
  const { scope, source, time } = verdict.by;
  const named = over.filter((one) => one.scope === scope && one.sstable === names[source] && timeText(one.time) === timeText(time)); // biome-ignore format: one line
  expect(named.length).toBeGreaterThan(0);
  return `deleted ${timeText(time)}`;
}

type VersionOf = { readonly sstable: string; readonly cell: Cell };

/** What each version of one cell is, by the rules in a few lines. */
function expectedOf(versions: readonly VersionOf[], over: readonly Deletion[]): Map<VersionOf, string> {
  const found = new Map<VersionOf, string>();
  const left: VersionOf[] = [];
  for (const version of versions) {
    const { cell, sstable } = version;
    const by = over.filter(({ scope, sstable: from, time: { markedForDeleteAtMicros: at } }) =>
      scope === 'column' && from === sstable ? cell.timestampMicros < at : cell.timestampMicros <= at,
    );
    const killer = strongest(by);
    if (killer) found.set(version, `deleted ${timeText(killer.time)}`);
    else left.push(version);
  }
  if (left.length === 0) return found;
  const winner = left.reduce((a, b) => (reconcile(a.cell, b.cell) === a.cell ? a : b));
  for (const version of left) {
    const { isTombstone, localDeletionSeconds: at } = version.cell;
    if (version !== winner) found.set(version, `shadowed ${winner.sstable} ${winner.cell.timestampMicros}`);
    else if (isTombstone) found.set(version, 'tombstone');
    else found.set(version, at !== undefined && at <= NOW ? `expired ${at}` : 'live');
  }
  return found;
}

const pathText = (path: Uint8Array | undefined) => (path ? Buffer.from(path).toString() : '');

/** What lives of a partition, by the merge of objects. */
function livingOf(held: readonly Held[], clusteringTypes: readonly CqlType[]): string[] {
  const sources = held.map(({ partition }) => [partition]);
  return mergeLive(sources, { clusteringTypes, nowSeconds: NOW }).flatMap(({ staticRow, rows }) =>
    [...(staticRow ? [staticRow] : []), ...rows].flatMap(({ clustering, cells }) =>
      [...cells.values()].flatMap(({ cells: own }) => own.map((cell) => cellText(clustering, cell))),
    ),
  );
}

function cellText(clustering: Row['clustering'], { column, path, value, timestampMicros }: Cell): string {
  return `${clustering.map((one) => pathText(one ?? undefined))} ${column.name}[${pathText(path)}]=${pathText(value)}@${timestampMicros}`;
}

describe('verdicts of all versions', () => {
  it('are those of the rules, and what they call live is the answer', async () => {
    const seen: Record<string, number> = { live: 0, shadowed: 0, deleted: 0, expired: 0, tombstone: 0 };
    for (let seed = 1; seed <= RUNS; seed++) {
      const { table, parts } = await randomTable(seed, 2 + (seed % 4), true);
      for (const key of KEYS) {
        const held = await heldOf(table, parts, key);
        const read = await walkOf(table, parts, key);
        expect(read === undefined, `seed ${seed}`).toBe(held.length === 0);
        if (!read) continue;
        const alive = read.rows.flatMap((row) => judged(row, held, read.names, seen, `seed ${seed} ${key}`));
        expect(alive.toSorted(), `seed ${seed}`).toEqual(livingOf(held, read.clusteringTypes).toSorted());
        const cells = held.reduce((sum, { partition }) => sum + cellsIn(partition), 0);
        const shown = read.rows.flatMap((row) => row.cells.flatMap(({ versions }) => versions));
        expect(shown.length, `seed ${seed}`).toBe(cells);
      }
    }
    for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(50);
  });

  it('name the date from which a compaction lets it go: not a second before', async () => {
    let checked = 0;
    for (let seed = 1; seed <= RUNS / 3; seed++) {
      const { table, parts } = await randomTable(seed, 2 + (seed % 3), true);
      for (const key of KEYS) {
        const read = await walkOf(table, parts, key);
        if (!read) continue;
        const dated = read.rows.flatMap((row) =>
          row.cells.flatMap(({ column, path, versions }) => {
            const { verdict, purgeableFromSeconds: from, cell } = versions[0]!;
            if (from === undefined || (verdict.kind !== 'tombstone' && verdict.kind !== 'expired')) return [];
            return [{ row, column: column.name, path, from, cell }];
          }),
        );
        for (const { row, column, path, from, cell } of dated.slice(0, 2)) {
          const isLeft = async (nowSeconds: number) => {
            const { made } = await table.merge(parts, { nowSeconds, gcBeforeSeconds: nowSeconds - GC_GRACE });
            const [merged] = made ? await heldOf(table, [made], key) : [];
            const rows = row.isStatic ? [merged?.partition.staticRow] : (merged?.partition.unfiltereds ?? []);
            return rows.some(
              (one) =>
                one?.kind === 'row' &&
                String(one.clustering) === String(row.clustering) &&
                one.cells.some((own) => own.column.name === column && pathText(own.path) === pathText(path) && own.timestampMicros === cell.timestampMicros), // biome-ignore format: one line
            );
          };
          expect([await isLeft(from - 1), await isLeft(from)], `seed ${seed} ${key} ${column}`).toEqual([true, false]);
          checked++;
        }
      }
    }
    expect(checked).toBeGreaterThan(60);
  });
});

function cellsIn({ staticRow, unfiltereds }: Held['partition']): number {
  const rows = [...(staticRow ? [staticRow] : []), ...unfiltereds.filter((one): one is Row => one.kind === 'row')];
  return rows.reduce((sum, { cells }) => sum + cells.length, 0);
}

/** Compares one row's verdicts with those of the rules. @returns what lives of it */
function judged(
  row: RowHistory,
  held: readonly Held[],
  names: readonly string[],
  seen: Record<string, number>,
  where: string,
): string[] {
  const place: ClusteringPrefix | 'static' = row.isStatic ? 'static' : { kind: 'CLUSTERING', values: row.clustering };
  const own = held.flatMap(({ sstable, partition }) => {
    const rows = row.isStatic ? [partition.staticRow] : partition.unfiltereds.filter((one): one is Row => one.kind === 'row' && compare({ kind: 'CLUSTERING', values: one.clustering }, place as ClusteringPrefix) === 0); // biome-ignore format: one line
    return rows.flatMap((one) => (one ? [{ sstable, row: one }] : []));
  });
  const over = deletionsOver(held, place);
  const alive: string[] = [];
  for (const { column, path, versions } of row.cells) {
    const columnDeletions = own.flatMap(
      ({ sstable, row: { complexDeletions } }) =>
      complexDeletions.filter((one) => one.column.name === column.name).map(({ deletion }): Deletion => ({ sstable, scope: 'column', time: deletion })), // biome-ignore format: one line
    );
    const all = own.flatMap(
      ({ sstable, row: { cells } }) =>
      cells.filter((cell) => cell.column.name === column.name && pathText(cell.path) === pathText(path)).map((cell) => ({ sstable, cell })), // biome-ignore format: one line
    );
    const deletions = [...over, ...columnDeletions];
    // of equal ones any may win: the first in the order of the walk
    all.sort((a, b) => names.indexOf(a.sstable) - names.indexOf(b.sstable));
    const expected = [...expectedOf(all, deletions)].map(([{ sstable }, text]) => `${sstable}: ${text}`).toSorted();
    const got = versions
      .map(({ source, verdict }) => `${names[source]}: ${told(verdict, names, deletions)}`)
      .toSorted();
    expect(got, `${where} ${column.name}`).toEqual(expected);
    for (const { verdict, cell } of versions) {
      seen[verdict.kind]!++;
      if (verdict.kind === 'live') alive.push(cellText(row.clustering, cell));
    }
    expect(versions.filter(({ verdict: { kind } }) => kind === 'live').length, where).toBeLessThanOrEqual(1);
  }
  for (const { verdict, liveness } of row.liveness) {
    const by = strongest(over.filter(({ time }) => liveness.timestampMicros <= time.markedForDeleteAtMicros));
    const text = told(verdict, names, over);
    if (by) expect(text, where).toBe(`deleted ${timeText(by.time)}`);
    else expect(text, where).not.toMatch(/^deleted/);
  }
  for (const { verdict, time } of row.tombstones) {
    const isBeaten = [...over, ...row.tombstones].some((other) => isStronger(other.time, time));
    if (row.tombstones.every(({ scope }) => scope !== 'column'))
      expect(verdict.kind === 'deleted', where).toBe(isBeaten);
  }
  return alive;
}
