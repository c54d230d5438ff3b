/**
 * What any merge must keep to, on random tables. A failure prints its seed: `SEED=… RUNS=… npx vitest run
 * test/engine/merge/properties.test.ts` repeats it, or looks further.
 *
 * SSTables are made of single writes by merging them, as a memtable would. Left out is what Cassandra itself does not keep to:
 * - Shadowable deletions: void once the row is newer, but what they covered until then depends on who met whom first.
 * - Two cells or liveness of the same timestamp, expiry and value but of different TTLs: whichever comes first stays.
 * - Of two expiring cells of the same timestamp the one that expires last wins, unless the other has become a tombstone by then.
 * So here the timestamp of what expires decides its expiry and TTL.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DESCENDING, MAP, type Made, type Shape, TEXT, TestTable } from './build.js';

const NOW = 1000;
const SEED = process.env.SEED === undefined ? undefined : Number(process.env.SEED);

const SHAPE: Shape = {
  clustering: [TEXT, DESCENDING],
  statics: { s: TEXT, sm: MAP },
  regulars: { m: MAP, v: TEXT, w: TEXT },
};

/** A write as the lines of an SSTable that holds nothing else. */
type Write = { readonly key: string; readonly lines: readonly string[] };

const key = fc.constantFrom('k', 'l', 'm');
const ts = fc.integer({ min: -1, max: 6 });
const local = fc.constantFrom(880, 899, 900, 950);
const first = fc.constantFrom("''", 'a', 'b');
const second = fc.constantFrom("''", 'x', 'y');
const path = fc.constantFrom("''", 'p', 'q');
const value = fc.constantFrom('', 'A', 'B', 'BB');
const clustering = fc.tuple(first, second).map((parts) => parts.join(' '));

/** Of what expires: some long ago, some in gc_grace, some not yet. */
const expiry = (at: number) => `@${at}+${20 + at}=${[850, 899, 910, 950, 1000, 1001, 1500, 860][at + 1]}`;

const cellAt = (name: string) =>
  fc.oneof(
    fc.tuple(value, ts).map(([text, at]) => `${name}=${text}@${at}`),
    fc.tuple(value, ts).map(([text, at]) => `${name}=${text}${expiry(at)}`),
    fc.tuple(ts, local).map(([at, when]) => `${name}-@${at}/${when}`),
  );
const elementAt = (name: string) => path.chain((of) => cellAt(`${name}[${of}]`));
const columnDeletion = (name: string) => fc.tuple(ts, local).map(([at, when]) => `${name}-${at}/${when}`);
const liveness = fc.oneof(
  ts.map((at) => `@${at}`),
  ts.map((at) => expiry(at)),
);
const rowDeletion = fc.tuple(ts, local).map(([at, when]) => `-${at}/${when}`);

const row = fc
  .tuple(
    clustering,
    fc.oneof(
      { weight: 2, arbitrary: liveness },
      { weight: 1, arbitrary: rowDeletion },
      { weight: 4, arbitrary: fc.constantFrom('v', 'w').chain(cellAt) },
      { weight: 3, arbitrary: elementAt('m') },
      { weight: 1, arbitrary: columnDeletion('m') },
    ),
  )
  .map(([at, item]) => [`${at}: ${item}`]);
const staticRow = fc.oneof(cellAt('s'), elementAt('sm'), columnDeletion('sm')).map((item) => [`static: ${item}`]);
const partitionDeletion = fc.tuple(fc.nat({ max: 6 }), local).map(([at, when]) => [`deletion ${at}/${when}`]);

/** Ends of ranges in the order of the table: the second column descends. Each is a start or an end at one side of a prefix. */
const PLACES = ['', "''", "'' y", "'' x", "'' ''", 'a', 'a y', 'a x', "a ''", 'b', 'b y', 'b x', "b ''"];
type Bound = { readonly values: string; readonly rank: number };
/** Before and after each place; those after a prefix come behind all that begin so. */
function bounds(): Bound[] {
  const sides = PLACES.flatMap((values, i) => {
    const within = PLACES.filter((other) => values === '' || other === values || other.startsWith(`${values} `));
    const last = PLACES.indexOf(within.at(-1)!);
    return [
      { values, rank: i * 100 - within.length, isBefore: true },
      { values, rank: last * 100 + 50 + within.length, isBefore: false },
    ];
  });
  return sides.sort((a, b) => a.rank - b.rank).map((one, rank) => ({ ...one, rank }));
}
const BOUNDS = bounds() as (Bound & { readonly isBefore: boolean })[];

const range = fc
  .tuple(
    fc.integer({ min: 0, max: BOUNDS.length - 1 }),
    fc.integer({ min: 0, max: BOUNDS.length - 1 }),
    fc.tuple(ts, local),
  )
  .filter(([a, b]) => a !== b)
  .map(([a, b, [at, when]]) => {
    const [start, end] = [BOUNDS[Math.min(a, b)]!, BOUNDS[Math.max(a, b)]!];
    const time = `${at}/${when}`;
    return [`${start.isBefore ? '[' : '('}${start.values} ${time}`, `${end.values}${end.isBefore ? ')' : ']'} ${time}`];
  });

const write = fc.record({
  key,
  lines: fc.oneof(
    { weight: 8, arbitrary: row },
    { weight: 2, arbitrary: staticRow },
    { weight: 3, arbitrary: range },
    { weight: 1, arbitrary: partitionDeletion },
  ),
});

/** Writes, and which SSTable of five each goes to: some to several. */
const workload = fc.array(
  fc.record({ write, to: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 2 }) }),
  { minLength: 1, maxLength: 14 },
);
type Workload = readonly { readonly write: Write; readonly to: readonly number[] }[];

async function build(table: TestTable, writes: Workload) {
  await new Promise(setImmediate); // lets the test runner speak in between
  const singles = writes.map(({ write: { key: of, lines } }) => table.make({ [of]: lines }));
  const parts: (Made | undefined)[] = [];
  for (let n = 0; n < 5; n++) {
    parts.push((await table.merge(singles.filter((_, i) => writes[i]!.to.includes(n)))).made);
  }
  return { singles, parts: parts.filter((part) => part !== undefined) };
}

const options = { numRuns: Number(process.env.RUNS ?? 30), ...(SEED !== undefined && { seed: SEED }) };

describe.each(['oa', 'da'] as const)('%s', (version) => {
  it('any split of the writes over SSTables merges to the same whole, in any order', async () => {
    await fc.assert(
      fc.asyncProperty(workload, fc.boolean(), async (writes, reversed) => {
        const table = new TestTable(SHAPE, version);
        const { singles, parts } = await build(table, writes);
        const whole = await table.merge(singles);
        expect((await table.merge(reversed ? parts.toReversed() : parts)).contents).toEqual(whole.contents);
        // what each write says on its own is what the whole says
        expect(await table.live([whole.made], NOW)).toEqual(await table.live(singles, NOW));
        expect(await table.readLive(parts, NOW)).toEqual(await table.live(singles, NOW));
      }),
      options,
    );
  });

  it('a merge is associative and idempotent', async () => {
    await fc.assert(
      fc.asyncProperty(workload, async (writes) => {
        const table = new TestTable(SHAPE, version);
        const { parts } = await build(table, writes);
        const whole = await table.merge(parts);
        let step: Made | undefined;
        for (const part of parts) step = (await table.merge([step, part])).made;
        expect(step ? await table.read(step) : {}).toEqual(whole.contents);
        expect((await table.merge([whole.made])).contents).toEqual(whole.contents);
        expect((await table.merge([whole.made, whole.made])).contents).toEqual(whole.contents);
      }),
      options,
    );
  });
});

describe('rows as INSERTs write them', () => {
  const plainRow = fc
    .tuple(clustering, ts, value, value, fc.boolean())
    .map(([at, time, v, w, isWhole]) => [`${at}: @${time} v=${v}@${time}${isWhole ? ` w=${w}@${time}` : ''}`]);
  const other = fc.oneof(
    rowDeletion.chain((item) => clustering.map((at) => [`${at}: ${item}`])),
    fc.tuple(clustering, cellAt('w')).map(([at, item]) => [`${at}: ${item}`]),
    range,
    partitionDeletion,
    ts.map((time) => [`a x: ${expiry(time)}`]),
  );
  const plainWorkload = fc.array(
    fc.record({
      write: fc.record({
        key,
        lines: fc.oneof({ weight: 8, arbitrary: plainRow }, { weight: 1, arbitrary: other }),
      }),
      to: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 14 },
  );

  it('are the same bytes whether they are copied or taken apart', async () => {
    await fc.assert(
      fc.asyncProperty(plainWorkload, fc.boolean(), async (writes, purges) => {
        const table = new TestTable({ clustering: [TEXT, DESCENDING], regulars: { v: TEXT, w: TEXT } });
        const { parts } = await build(table, writes);
        const times = purges ? { nowSeconds: NOW, gcBeforeSeconds: 900 } : {};
        const apart = await table.merge(parts, times);
        const copied = await table.merge(parts, { ...times, copiesCells: true });
        expect(copied.contents).toEqual(apart.contents);
        expect(copied.merge).toEqual(apart.merge);
        if (!apart.made || !copied.made) return;
        for (const component of ['Data.db', 'Index.db', 'Statistics.db', 'Filter.db']) {
          expect(table.bytes(copied.made, component), component).toEqual(table.bytes(apart.made, component));
        }
      }),
      options,
    );
  });
});

describe('a purge', () => {
  const purge = { nowSeconds: NOW, gcBeforeSeconds: 900 };

  it('of everything never changes what a read answers, now or later', async () => {
    await fc.assert(
      fc.asyncProperty(workload, fc.constantFrom(0, 899, 900, 901, NOW), async (writes, gcBeforeSeconds) => {
        const table = new TestTable(SHAPE);
        const { parts } = await build(table, writes);
        const purged = await table.merge(parts, { nowSeconds: NOW, gcBeforeSeconds });
        for (const now of [NOW, NOW + 1, 2000]) {
          expect(await table.live([purged.made], now)).toEqual(await table.live(parts, now));
        }
        // and does all there is to do, but for what a converted cell's own time lets go
        const again = await table.merge([purged.made], { nowSeconds: NOW, gcBeforeSeconds });
        expect(again.contents).toEqual(purged.contents);
      }),
      options,
    );
  });

  it('of some SSTables never changes what a read of all answers', async () => {
    await fc.assert(
      fc.asyncProperty(workload, fc.integer({ min: 1, max: 4 }), async (writes, count) => {
        const table = new TestTable(SHAPE);
        const { parts } = await build(table, writes);
        const [inside, outside] = [parts.slice(0, count), parts.slice(count)];
        const purged = await table.merge(inside, { ...purge, outside });
        for (const now of [NOW, NOW + 1, 2000]) {
          expect(await table.live([purged.made, ...outside], now)).toEqual(await table.live(parts, now));
        }
      }),
      options,
    );
  });

  it('with what others hide never changes what a read of all answers', async () => {
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(
        workload,
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('row' as const, 'cell' as const),
        fc.boolean(),
        async (writes, count, garbage, purges) => {
          const table = new TestTable(SHAPE);
          const { parts } = await build(table, writes);
          const [inside, outside] = [parts.slice(0, count), parts.slice(count)];
          const plain = await table.merge(inside, purges ? { ...purge, outside } : {});
          const left = await table.merge(inside, { ...(purges && purge), outside, garbage });
          if (JSON.stringify(left.contents) !== JSON.stringify(plain.contents)) dropped++;
          for (const now of [NOW, NOW + 1, 2000]) {
            expect(await table.live([left.made, ...outside], now)).toEqual(await table.live(parts, now));
          }
        },
      ),
      options,
    );
    expect(dropped).toBeGreaterThan(0);
  });

  it('that asks no other SSTable lets data come back: the property above can fail', async () => {
    const found = await fc.check(
      fc.asyncProperty(workload, async (writes) => {
        const table = new TestTable(SHAPE);
        const { parts } = await build(table, writes);
        const purged = await table.merge(parts.slice(0, 2), purge);
        const left = [purged.made, ...parts.slice(2)];
        return JSON.stringify(await table.live(left, NOW)) === JSON.stringify(await table.live(parts, NOW));
      }),
      { numRuns: 400, seed: 1, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });

  it('under strict liveness leaves no row that has lost its liveness', async () => {
    await fc.assert(
      fc.asyncProperty(workload, async (writes) => {
        const table = new TestTable(SHAPE);
        const { parts } = await build(table, writes);
        const { contents } = await table.merge(parts, { ...purge, strictLiveness: true });
        for (const line of Object.values(contents).flat()) {
          const items = /^(?!static)[^@[\](]*: (.*)$/.exec(line)?.[1]?.split(' ');
          const hasTombstone = items?.some((item) => /-@|^m-/.test(item));
          if (hasTombstone) expect(items!.some((item) => /^[@-]/.test(item))).toBe(true);
        }
      }),
      options,
    );
  });
});
