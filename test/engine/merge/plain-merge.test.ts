/**
 * The kernel of plain rows against the merge itself, on random tables: the same bytes in every component, the same counts.
 * `SEED=… npx vitest run test/engine/merge/plain-merge.test.ts` looks further.
 */
import { describe, expect, it, vi } from 'vitest';
import type { CorruptError } from '../../../src/bytes/errors.js';
import { comparator } from '../../../src/cql/compare.js';
import { parseMarshalType } from '../../../src/cql/marshal.js';
import { PlainMerge } from '../../../src/engine/merge/plain-merge.js';
import { componentPath } from '../../../src/sstable/descriptor.js';
import {
  COUNTER,
  type Contents,
  DESCENDING,
  MAP,
  type Made,
  type MergeOptions,
  type Shape,
  TEXT,
  TestTable,
} from './build.js';
import { bytesOf } from './notation.js';

const MARSHAL = 'org.apache.cassandra.db.marshal.';
const SEED = Number(process.env.SEED ?? 0);
const NOW = 2000;

/** 0 ≤ x < n, the same for the same seed. */
function dice(seed: number): (n: number) => number {
  let state = (seed * 2654435761 + 12345) | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}

type Roll = ReturnType<typeof dice>;

const hex = (bytes: number, value: number | bigint) =>
  `0x${BigInt.asUintN(bytes * 8, BigInt(value))
    .toString(16)
    .padStart(bytes * 2, '0')}`;
const uuid = (version: number) => (roll: Roll) =>
  `0x${hex(4, roll(3)).slice(2)}${hex(2, roll(2)).slice(2)}${version === 0 ? 1 + 3 * roll(2) : version}${hex(2, roll(20)).slice(3)}${hex(8, roll(2) === 0 ? roll(4) : -roll(4)).slice(2)}`;

/** Clustering types with values of theirs. */
const CLUSTERINGS: Readonly<Record<string, readonly (readonly [type: string, value: (roll: Roll) => string])[]>> = {
  none: [],
  text: [[TEXT, (roll) => `${'abcdefghij'[roll(10)]}${roll(30)}${roll(40) === 0 ? 'x'.repeat(300) : ''}`]],
  'int and descending text': [
    [`${MARSHAL}Int32Type`, (roll) => hex(4, roll(12) - 6)],
    [DESCENDING, (roll) => (roll(30) === 0 ? "''" : 'abcdefghijklmnop'.slice(0, 1 + roll(12)))],
  ],
  'timeuuid, descending bigint': [
    [`${MARSHAL}TimeUUIDType`, uuid(1)],
    [`${MARSHAL}ReversedType(${MARSHAL}LongType)`, (roll) => hex(8, roll(5) - 2)],
  ],
  uuid: [[`${MARSHAL}UUIDType`, uuid(0)]],
  'timestamp, tinyint, blob': [
    [`${MARSHAL}TimestampType`, (roll) => hex(8, roll(4))],
    [`${MARSHAL}ByteType`, (roll) => hex(1, roll(4) - 2)],
    [`${MARSHAL}BytesType`, (roll) => `0x${'0aff80'.slice(0, 2 + 2 * roll(3))}`],
  ],
};

const COLUMNS: Readonly<Record<string, string>> = { a: `${MARSHAL}Int32Type`, t: TEXT, v: TEXT };

/** How often something else than an INSERT comes, in a hundred. */
type Mix = { readonly odd: number; readonly deletes: number; readonly ranges: number };

function contents(roll: Roll, shape: keyof typeof CLUSTERINGS, mix: Mix, source: number, hasStatic: boolean): Contents {
  const columns = CLUSTERINGS[shape]!;
  const made: Record<string, string[]> = {};
  let time = 100 + source * 3;
  const at = () => {
    time += roll(3);
    return roll(60) === 0 ? 150 : time;
  };
  const partitions = columns.length === 0 ? 400 : 6;
  for (let i = 0; i < partitions; i++) {
    if (roll(4) === 0) continue;
    const lines: string[] = [];
    const key = columns.length === 0 ? `key ${i}${roll(200) === 0 ? 'k'.repeat(2000) : ''}` : `p${i}`;
    if (roll(20) < mix.deletes / 10) lines.push(`deletion ${at()}/${900 + roll(200)}`);
    if (hasStatic && roll(3) === 0) lines.push(`static: s=x@${at()}`);
    const rows = columns.length === 0 ? [''] : clusterings(roll, columns, [3, 40, 700][roll(3)]!);
    let open = '';
    for (const [n, row] of rows.entries()) {
      const isLast = n === rows.length - 1;
      if (columns.length > 0 && roll(100) < mix.ranges && open === '') {
        open = `${at()}/${900 + roll(200)}`;
        lines.push(`[${row} ${open}`);
      }
      lines.push(rowLine(roll, row, mix, at));
      if (open !== '' && (isLast || roll(3) === 0)) {
        const next = !isLast && roll(3) === 0 ? `${at()}/${900 + roll(200)}` : '';
        lines.push(next === '' ? `${row}] ${open}` : `${row}]( ${open} ${next}`);
        open = next;
      }
    }
    made[key] = lines;
  }
  return made;
}

function clusterings(roll: Roll, columns: (typeof CLUSTERINGS)[string], count: number): string[] {
  const order = columns.map(([type]) => comparator(parseMarshalType(type)));
  const rows = new Set(Array.from({ length: count }, () => columns.map(([, value]) => value(roll)).join(' ')));
  const parts = [...rows].map((row) => ({ row, bytes: row.split(' ').map(bytesOf) }));
  parts.sort((a, b) => {
    for (const [i, compare] of order.entries()) {
      const c = compare(a.bytes[i]!, 0, a.bytes[i]!.length, b.bytes[i]!, 0, b.bytes[i]!.length);
      if (c !== 0) return c;
    }
    return 0;
  });
  return parts.map(({ row }) => row);
}

function rowLine(roll: Roll, row: string, mix: Mix, at: () => number): string {
  const ts = at();
  const number = hex(4, roll(1000));
  const text = 'value '.replace(' ', '-').repeat(1 + roll(roll(50) === 0 ? 60 : 6));
  if (roll(100) < mix.deletes) return `${row}: -${ts}/${900 + roll(200)}`;
  if (roll(100) >= mix.odd)
    return `${row}: @${ts} a=${number}@${ts} t=${text}@${ts} v=${roll(9) === 0 ? '' : 'w'}@${ts}`;
  switch (roll(6)) {
    case 0:
      return `${row}: @${ts} a=${number}@${ts}`;
    case 1:
      return `${row}: t=${text}@${ts}`;
    case 2:
      return `${row}: @${ts}+10=${1990 + roll(20)} v=x@${ts}+10=${1990 + roll(20)}`;
    case 3:
      return `${row}: @${ts} a=${number}@${ts} t-@${ts}/${900 + roll(200)} v=x@${ts - 1}`;
    case 4:
      return `${row}: @${ts}`;
    default:
      return `${row}: -${ts - 1}/${900 + roll(200)} @${ts} v=x@${ts}`;
  }
}

/** Every component but for its name, as text that shows where two differ. */
function components(table: TestTable, made: Made | undefined): Record<string, string> {
  if (!made) return {};
  const names = ['Data', 'Index', 'Partitions', 'Rows', 'Summary', 'Filter', 'Statistics', 'CRC'].map(
    (name) => `${name}.db`,
  );
  return Object.fromEntries(
    names.map((name) => [
      name,
      Buffer.from(table.files.get(componentPath(made.descriptor, name)) ?? '').toString('hex'),
    ]),
  );
}

async function both(table: TestTable, inputs: readonly Made[], options: MergeOptions) {
  const by = async (plain: boolean) => {
    const { made, merge, purge, lost } = await table.merge(inputs, { ...options, copiesCells: true, plain });
    return { ...components(table, made), merge, purge, lost, stats: made?.written.statistics.stats };
  };
  return [await by(true), await by(false)] as const;
}

const MIXES: readonly Mix[] = [
  { odd: 0, deletes: 0, ranges: 0 },
  { odd: 2, deletes: 2, ranges: 2 },
  { odd: 25, deletes: 20, ranges: 20 },
];

describe.each(['oa', 'da', 'nb'] as const)('%s', (version) => {
  describe.each(Object.keys(CLUSTERINGS))('clustering: %s', (shape) => {
    it.each(version === 'oa' || SEED > 0 ? [0, 1, 2, 3] : [2])('gives the same as the merge itself (%i)', async (n) => {
      const seed = SEED * 1000 + n * 7 + shape.length * 31 + version.charCodeAt(0);
      const roll = dice(seed);
      const hasStatic = n === 3 && shape !== 'none';
      const layout: Shape = {
        clustering: CLUSTERINGS[shape]!.map(([type]) => type),
        regulars: COLUMNS,
        ...(hasStatic && { statics: { s: TEXT } }),
      };
      const table = new TestTable(layout, version);
      table.columnIndexBytes = [1 << 16, 1024][roll(2)]!;
      const mix = MIXES[n % 3]!;
      const inputs: Made[] = [];
      for (let source = 0; source < 1 + roll(4); source++) {
        inputs.push(table.make(contents(roll, shape, mix, source, hasStatic)));
      }
      const windowBytes = [1 << 18, 2048][roll(2)]!;
      for (const purge of [{}, { nowSeconds: NOW, gcBeforeSeconds: 100 }, { nowSeconds: NOW, gcBeforeSeconds: 1000 }]) {
        const asked = vi.spyOn(PlainMerge.prototype, shape === 'none' ? 'partitions' : 'rows');
        const [kernel, itself] = await both(table, inputs, { windowBytes, ...purge });
        expect(kernel, `seed ${seed}`).toEqual(itself);
        expect(asked).toHaveBeenCalled();
      }
    });
  });
});

it('leaves tables alone that it does not know', async () => {
  for (const regulars of [{ c: COUNTER }, { m: MAP, v: TEXT }]) {
    const table = new TestTable({ regulars });
    const lines = 'c' in regulars ? ['a: @5'] : ['a: @5 m[p]=x@5 v=y@5', 'b: @6 v=z@6', 'c: @7', 'd: @8'];
    const inputs = [table.make({ k: lines }), table.make({ k: lines, l: lines })];
    const [kernel, itself] = await both(table, inputs, {});
    expect(kernel).toEqual(itself);
  }
});

it('tells of damage as the merge itself', async () => {
  for (const shape of ['none', 'int and descending text'] as const) {
    const roll = dice(SEED + 99);
    const clustering = CLUSTERINGS[shape]!.map(([type]) => type);
    const table = new TestTable({ clustering, regulars: COLUMNS });
    const inputs = [0, 1].map((n) => table.make(contents(roll, shape, MIXES[1]!, n, false)));
    const file = componentPath(inputs[0]!.descriptor, 'Data.db');
    table.files.delete(componentPath(inputs[0]!.descriptor, 'CRC.db'));
    const whole = table.files.get(file)!;
    for (let i = 0; i < 40; i++) {
      const bytes = Buffer.from(whole.subarray(0, i % 8 === 7 ? roll(whole.length) : whole.length));
      bytes[roll(Math.min(bytes.length, 20_000))]! ^= 1 << roll(8);
      table.files.set(file, bytes);
      const outcome = async (plain: boolean) => {
        try {
          const { made, merge, lost } = await table.merge(inputs, { copiesCells: true, plain, windowBytes: 4096 });
          // of rows out of their order, the extremes are those that one happens to see
          return { ...components(table, made), 'Statistics.db': '', merge, lost };
        } catch (error) {
          for (const name of table.files.keys()) if (name.endsWith('.tmp')) table.files.delete(name);
          return { message: (error as Error).message, facts: (error as CorruptError).facts };
        }
      };
      expect(await outcome(true), `${shape} ${i}`).toEqual(await outcome(false));
    }
  }
});
