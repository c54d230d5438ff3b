import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptError, UnsupportedError } from '../../src/bytes/errors.js';
import { native } from '../../src/cql/marshal.js';
import type { CqlType } from '../../src/cql/type.js';
import type { LivePartition } from '../../src/engine/merge/live-view.js';
import type { BoundKind, Cell, Column, DeletionTime, Partition, Row, Unfiltered } from '../../src/sstable/row.js';
import { mergeLive, reconcile } from './merge-objects.js';

const NOW = 1_000;
const text = (value: string) => Buffer.from(value, 'utf8');

function column(name: string, type: CqlType = native('text')): Column {
  return { name, nameBytes: text(name), type, isComplex: 'multiCell' in type && type.multiCell, isStatic: false };
}
const V = column('v');
const W = column('w');
const M = column('m', { kind: 'map', key: native('text'), value: native('text'), multiCell: true });

type CellFacts = { path?: string; ttl?: number; expires?: number; deleted?: number };

function cell(of: Column, timestamp: number, value: string, { path, ttl, expires, deleted }: CellFacts = {}): Cell {
  return {
    column: of,
    ...(path !== undefined && { path: text(path) }),
    timestampMicros: BigInt(timestamp),
    ...(ttl !== undefined && { ttlSeconds: ttl }),
    ...(expires !== undefined && { localDeletionSeconds: expires, ttlSeconds: ttl ?? 60 }),
    ...(deleted !== undefined && { localDeletionSeconds: deleted }),
    isTombstone: deleted !== undefined,
    value: deleted === undefined ? text(value) : new Uint8Array(0),
  };
}

function deletion(timestamp: number, local = 1): DeletionTime {
  return { markedForDeleteAtMicros: BigInt(timestamp), localDeletionSeconds: local };
}

function row(key: string, cells: Cell[], more: Partial<Row> = {}): Row {
  return {
    kind: 'row',
    isStatic: false,
    clustering: [text(key)],
    isDeletionShadowable: false,
    complexDeletions: [],
    cells,
    position: 0,
    ...more,
  };
}

function marker(
  boundKind: BoundKind,
  key: string | undefined,
  more: { open?: DeletionTime; close?: DeletionTime },
): Unfiltered {
  return { kind: 'marker', boundKind, values: key === undefined ? [] : [text(key)], position: 0, ...more };
}

function partition(unfiltereds: Unfiltered[], more: Partial<Partition> = {}): Partition {
  return { key: text('k'), position: 0, unfiltereds, ...more };
}

/** Rows of the merge of one partition's versions as `key: column=value …`. */
function merge(...versions: Partition[]): string[] {
  return show(
    mergeLive(
      versions.map((version) => [version]),
      { clusteringTypes: [native('text')], nowSeconds: NOW },
    ),
  );
}

function show(partitions: LivePartition[]): string[] {
  return partitions.flatMap(({ staticRow, rows }) =>
    [...(staticRow ? [staticRow] : []), ...rows].map(({ clustering, cells }) => {
      const values = [...cells.values()].flatMap((live) =>
        live.cells.map(
          ({ path, value }) => `${live.column.name}${path ? `[${Buffer.from(path)}]` : ''}=${Buffer.from(value)}`,
        ),
      );
      return `${clustering.map((part) => Buffer.from(part ?? [])).join()}: ${values.sort().join(' ')}`.trim();
    }),
  );
}

describe('cells', () => {
  const live = (timestamp: number) => ({ liveness: { timestampMicros: BigInt(timestamp) } });
  it.each<[string, Cell, Cell, string]>([
    ['the later one', cell(V, 2, 'a'), cell(V, 1, 'b'), 'v=a'],
    ['a later tombstone', cell(V, 1, 'a'), cell(V, 2, '', { deleted: 5 }), ''],
    ['a later value', cell(V, 3, 'a'), cell(V, 2, '', { deleted: 5 }), 'v=a'],
    ['at a tie the tombstone', cell(V, 1, 'zzz'), cell(V, 1, '', { deleted: 5 }), ''],
    [
      'at a tie the tombstone, not what expires later',
      cell(V, 1, 'a', { expires: 9_000 }),
      cell(V, 1, '', { deleted: 5 }),
      '',
    ],
    ['at a tie what expires, not what stays', cell(V, 1, 'zzz'), cell(V, 1, 'a', { expires: 9_000 }), 'v=a'],
    ['at a tie what expires, even when it has', cell(V, 1, 'zzz'), cell(V, 1, 'a', { expires: 999 }), ''],
    ['at a tie what expires last', cell(V, 1, 'zzz', { expires: 8_000 }), cell(V, 1, 'a', { expires: 9_000 }), 'v=a'],
    ['at a tie the larger value', cell(V, 1, 'a'), cell(V, 1, 'b'), 'v=b'],
    ['at a tie the longer value', cell(V, 1, 'a'), cell(V, 1, 'aa'), 'v=aa'],
    ['at a tie the larger value, bytes unsigned', cell(V, 1, 'z'), cell(V, 1, 'é'), 'v=é'],
    ['negative timestamps count', cell(V, -2, 'a'), cell(V, -1, 'b'), 'v=b'],
  ])('%s', (_, a, b, expected) => {
    const versions = [partition([row('r', [a], live(0))]), partition([row('r', [b], live(0))])];
    expect(merge(...versions)).toEqual([`r: ${expected}`.trim()]);
    expect(merge(...versions.reverse())).toEqual([`r: ${expected}`.trim()]);
  });

  it('expire at the second they say, not before', () => {
    expect(merge(partition([row('r', [cell(V, 1, 'a', { expires: NOW + 1 })])]))).toEqual(['r: v=a']);
    expect(merge(partition([row('r', [cell(V, 1, 'a', { expires: NOW })])]))).toEqual([]);
  });

  it('reconcile is the same in any order', () => {
    const anyCell = fc.record({
      ts: fc.integer({ min: 0, max: 2 }),
      kind: fc.constantFrom('live', 'expiring', 'tombstone'),
      at: fc.integer({ min: 1, max: 3 }),
      value: fc.constantFrom('a', 'b'),
    });
    const make = ({ ts, kind, at, value }: { ts: number; kind: string; at: number; value: string }) =>
      cell(V, ts, value, kind === 'live' ? {} : kind === 'expiring' ? { expires: at } : { deleted: at });
    const facts = ({ column: _, ...rest }: Cell) => rest;
    fc.assert(
      fc.property(anyCell, anyCell, anyCell, (x, y, z) => {
        const [a, b, c] = [make(x), make(y), make(z)];
        expect(facts(reconcile(a, b))).toEqual(facts(reconcile(b, a)));
        expect(facts(reconcile(reconcile(a, b), c))).toEqual(facts(reconcile(a, reconcile(b, c))));
      }),
    );
  });
});

describe('deletions', () => {
  it.each<[string, Partition[], string[]]>([
    [
      'a partition deletion covers what is as old',
      [partition([row('r', [cell(V, 5, 'a'), cell(W, 6, 'b')])]), partition([], { deletion: deletion(5) })],
      ['r: w=b'],
    ],
    [
      'a row deletion covers cells and liveness',
      [
        partition([row('r', [cell(V, 5, 'a')], { liveness: { timestampMicros: 5n } })]),
        partition([row('r', [], { deletion: deletion(5) })]),
      ],
      [],
    ],
    [
      'a row written after its deletion lives',
      [partition([row('r', [cell(V, 6, 'a')])]), partition([row('r', [], { deletion: deletion(5) })])],
      ['r: v=a'],
    ],
    [
      'of two deletions the later counts',
      [
        partition([row('r', [cell(V, 6, 'a')], { deletion: deletion(4) })]),
        partition([row('r', [], { deletion: deletion(7) })]),
      ],
      [],
    ],
    [
      'an older row deletion does not replace the partition deletion',
      [partition([row('r', [cell(V, 6, 'a')], { deletion: deletion(2) })], { deletion: deletion(6) })],
      [],
    ],
    ['liveness alone makes a row', [partition([row('r', [], { liveness: { timestampMicros: 5n } })])], ['r:']],
    [
      'expired liveness makes none',
      [partition([row('r', [], { liveness: { timestampMicros: 5n, ttlSeconds: 1, localExpirationSeconds: NOW } })])],
      [],
    ],
    [
      'at a tie expiring liveness supersedes',
      [
        partition([row('r', [], { liveness: { timestampMicros: 5n } })]),
        partition([row('r', [], { liveness: { timestampMicros: 5n, ttlSeconds: 1, localExpirationSeconds: 9 } })]),
      ],
      [],
    ],
    [
      'a tombstone leaves the row its liveness',
      [partition([row('r', [cell(V, 9, '', { deleted: 1 })], { liveness: { timestampMicros: 5n } })])],
      ['r:'],
    ],
    [
      'a shadowable deletion holds while the row is older',
      [
        partition([row('r', [cell(V, 5, 'a')], { liveness: { timestampMicros: 5n } })]),
        partition([row('r', [], { deletion: deletion(5), isDeletionShadowable: true })]),
      ],
      [],
    ],
    [
      'a shadowable deletion is void once the row is newer',
      [
        partition([row('r', [cell(V, 4, 'a')], { liveness: { timestampMicros: 6n } })]),
        partition([row('r', [], { deletion: deletion(5), isDeletionShadowable: true })]),
      ],
      ['r: v=a'],
    ],
  ])('%s', (_, versions, expected) => {
    expect(merge(...versions)).toEqual(expected);
    expect(merge(...versions.reverse())).toEqual(expected);
  });

  it.each<[string, Unfiltered[], string]>([
    [
      '[b, d]',
      [marker('INCL_START_BOUND', 'b', { open: deletion(5) }), marker('INCL_END_BOUND', 'd', { close: deletion(5) })],
      'ae',
    ],
    [
      '(b, d)',
      [marker('EXCL_START_BOUND', 'b', { open: deletion(5) }), marker('EXCL_END_BOUND', 'd', { close: deletion(5) })],
      'abde',
    ],
    [
      'all',
      [
        marker('INCL_START_BOUND', undefined, { open: deletion(5) }),
        marker('INCL_END_BOUND', undefined, { close: deletion(5) }),
      ],
      '',
    ],
    [
      'older than the rows',
      [marker('INCL_START_BOUND', 'b', { open: deletion(4) }), marker('INCL_END_BOUND', 'd', { close: deletion(4) })],
      'abcde',
    ],
    [
      '[b, c) old, [c, e] new',
      [
        marker('INCL_START_BOUND', 'b', { open: deletion(4) }),
        marker('EXCL_END_INCL_START_BOUNDARY', 'c', { close: deletion(4), open: deletion(5) }),
        marker('INCL_END_BOUND', 'e', { close: deletion(5) }),
      ],
      'ab',
    ],
    [
      '[b, c] new, (c, e] old',
      [
        marker('INCL_START_BOUND', 'b', { open: deletion(5) }),
        marker('INCL_END_EXCL_START_BOUNDARY', 'c', { close: deletion(5), open: deletion(4) }),
        marker('INCL_END_BOUND', 'e', { close: deletion(4) }),
      ],
      'ade',
    ],
  ])('range tombstone %s', (_, markers, left) => {
    const rows = [...'abcde'].map((key) => row(key, [cell(V, 5, 'x')]));
    const expected = [...left].map((key) => `${key}: v=x`);
    expect(merge(partition(rows), partition(markers))).toEqual(expected);
    expect(merge(partition(markers), partition(rows))).toEqual(expected);
  });

  it('a static row is not covered by ranges', () => {
    const staticRow = row('', [cell(V, 5, 's')], { isStatic: true, clustering: [] });
    const range = [
      marker('INCL_START_BOUND', undefined, { open: deletion(9) }),
      marker('INCL_END_BOUND', undefined, { close: deletion(9) }),
    ];
    expect(merge(partition([row('a', [cell(V, 5, 'x')])], { staticRow }), partition(range))).toEqual([': v=s']);
    expect(merge(partition([], { staticRow }), partition([], { deletion: deletion(5) }))).toEqual([]);
  });
});

describe('multi-cell columns', () => {
  it('merge element by element, in the order of their paths', () => {
    const a = partition([row('r', [cell(M, 1, 'old', { path: 'x' }), cell(M, 1, '1', { path: 'z' })])]);
    const b = partition([row('r', [cell(M, 2, 'new', { path: 'x' }), cell(M, 2, '2', { path: 'b' })])]);
    const [merged] = mergeLive([[a], [b]], { clusteringTypes: [native('text')], nowSeconds: NOW });
    expect(
      merged!.rows[0]!.cells.get('m')!.cells.map((c) => `${Buffer.from(c.path!)}=${Buffer.from(c.value)}`),
    ).toEqual(['b=2', 'x=new', 'z=1']);
  });

  it('are cleared by a complex deletion, up to its time', () => {
    const a = partition([
      row('r', [cell(M, 1, 'gone', { path: 'x' }), cell(M, 3, 'stays', { path: 'y' }), cell(V, 1, 'v')]),
    ]);
    const b = partition([row('r', [], { complexDeletions: [{ column: M, deletion: deletion(2) }] })]);
    expect(merge(a, b)).toEqual(['r: m[y]=stays v=v']);
    const older = partition([
      row('r', [], { complexDeletions: [{ column: M, deletion: deletion(0) }], deletion: deletion(3) }),
    ]);
    expect(merge(a, older)).toEqual([]);
  });
});

describe('many sources', () => {
  it('partitions come in the order of their keys, those of which nothing lives not at all', () => {
    const of = (key: string, cells: Cell[]) => ({ ...partition([row('r', cells)]), key: text(key) });
    const merged = mergeLive(
      [[of('z', [cell(V, 1, '1')]), of('gone', [cell(V, 1, '', { deleted: 1 })])], [of('a', [cell(V, 1, '2')])]],
      {
        clusteringTypes: [native('text')],
        nowSeconds: NOW,
      },
    );
    expect(merged.map(({ key }) => Buffer.from(key).toString())).toEqual(['a', 'z']);
  });

  it('any split of the writes merges to the same', () => {
    const write = fc.record({
      to: fc.integer({ min: 0, max: 3 }),
      key: fc.constantFrom('a', 'b', 'c'),
      ts: fc.integer({ min: 0, max: 4 }),
      what: fc.constantFrom('v', 'w', 'row', 'dead'),
      value: fc.constantFrom('x', 'y'),
    });
    const source = (writes: { key: string; ts: number; what: string; value: string }[]): Partition => {
      const rows = [...new Set(writes.map(({ key }) => key))].sort().map((key) => {
        const mine = writes.filter((w) => w.key === key);
        const best = (of: Column, what: string) =>
          mine
            .filter((w) => w.what === what)
            .map((w) => cell(of, w.ts, w.value))
            .reduce<Cell | undefined>((x, y) => (x ? reconcile(x, y) : y), undefined);
        const last = (what: string) =>
          mine
            .filter((w) => w.what === what)
            .map((w) => w.ts)
            .sort()
            .at(-1);
        const [v, w, liveAt, deadAt] = [best(V, 'v'), best(W, 'w'), last('row'), last('dead')];
        return row(key, [...(v ? [v] : []), ...(w ? [w] : [])], {
          ...(liveAt !== undefined && { liveness: { timestampMicros: BigInt(liveAt) } }),
          ...(deadAt !== undefined && { deletion: deletion(deadAt) }),
        });
      });
      return partition(rows);
    };
    fc.assert(
      fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
        const split = [0, 1, 2, 3].map((to) => source(writes.filter((w) => w.to === to)));
        expect(merge(...split)).toEqual(merge(source(writes)));
      }),
    );
  });
});

describe('refuses', () => {
  it('rows that are out of order or twice there', () => {
    expect(() => merge(partition([row('b', [cell(V, 1, 'x')]), row('a', [cell(V, 1, 'x')])]))).toThrow(CorruptError);
    expect(() => merge(partition([row('a', [cell(V, 1, 'x')]), row('a', [cell(V, 1, 'x')])]))).toThrow(CorruptError);
  });

  it('counters, and a column that is multi-cell in one source only', () => {
    expect(() => merge(partition([row('a', [cell(column('n', native('counter')), 1, 'x')])]))).toThrow(
      UnsupportedError,
    );
    expect(() =>
      merge(
        partition([row('a', [cell(M, 1, 'x', { path: 'p' })])]),
        partition([row('a', [cell(column('m'), 1, 'x')])]),
      ),
    ).toThrow(/multi-cell in one SSTable/);
  });
});
