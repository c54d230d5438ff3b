/**
 * What the fast lane of a deep verification finds is what the walk finds row by row, whatever is odd or damaged; LSMCTL_SEED, LSMCTL_TRIALS.
 */
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { diskStorage, type Storage } from '../../../src/bytes/source.js';
import { resolveSSTables } from '../../../src/engine/data-directory.js';
import type { SSTableFiles } from '../../../src/engine/sstable-directory.js';
import { RowLane } from '../../../src/engine/verify/row-lane.js';
import { openSlices, type SliceReader } from '../../../src/engine/verify/slice-reader.js';
import { verifySSTable } from '../../../src/engine/verify/verify-sstable.js';
import { componentPath } from '../../../src/sstable/descriptor.js';
import { corrupt, damages, randomOf } from '../../corrupt.js';
import { FIXTURES } from '../../fixtures.js';
import { seed } from '../../seed.js';
import { type Contents, type Made, type Shape, TEXT, TestTable } from '../merge/build.js';

const MARSHAL = 'org.apache.cassandra.db.marshal.';
const NOW_SECONDS = 1_900_000_000;
const trials = Number(process.env.LSMCTL_TRIALS ?? 12);

async function both(storage: Storage, files: SSTableFiles) {
  const options = { level: 'deep', nowSeconds: NOW_SECONDS } as const;
  return [
    await verifySSTable(storage, files, options),
    await verifySSTable(storage, files, { ...options, isSlow: true }),
  ] as const;
}

/** Of more partitions than the lane leaves to the walk. */
function subjects(): SSTableFiles[] {
  const roots = ['oa-5.0', 'nb-4.1', 'da-5.0'].map((name) => path.join(FIXTURES, name, 'data'));
  return resolveSSTables(diskStorage, roots).sstables.filter(({ descriptor, place }) => {
    const stat = diskStorage.stat(componentPath(descriptor, 'Data.db'));
    return stat !== undefined && stat.size > 2048 && place.keyspace !== 'system_schema' && place.table !== 'large';
  });
}

const SHAPES: Readonly<Record<string, Shape>> = {
  'of many types': {
    clustering: [],
    regulars: {
      a: `${MARSHAL}AsciiType`,
      b: `${MARSHAL}BytesType`,
      d: `${MARSHAL}DecimalType`,
      i: `${MARSHAL}Int32Type`,
      t: TEXT,
    },
  },
  'with one that the lane does not know': { clustering: [], regulars: { t: TEXT, u: `${MARSHAL}TimeUUIDType` } },
  'with clusterings': { clustering: [TEXT], regulars: { t: TEXT } },
};

const VALUES: Readonly<Record<string, readonly string[]>> = {
  a: ['x', 'plain-ascii-text', '0xc3a4', ''],
  b: ['0xff00', 'x', ''],
  d: ['0x0000000201', '0x000000027fffffff', '0x00000002', '0x', ''],
  i: ['0x00000001', ''],
  t: ['text', '0xc3a4c3b6c3bc', '0xe282ac20f09f9880', '0xff', '0xc080', '0xeda080', '0xf4908080', '0xe282', 'long'.repeat(60), ''], // biome-ignore format: one line
  u: ['0x00000000000010008000000000000000', '0x00000000000040008000000000000000', ''],
};

/** Mostly good rows; `odd` of a hundred are not as an INSERT writes them, or have values of another type, or come from the future. */
function contents(random: () => number, { clustering, regulars = {} }: Shape, odd: number): Contents {
  const below = (n: number) => Math.floor(random() * n);
  const place = clustering?.length === 0 ? '' : 'c';
  const rows: Record<string, string[]> = {};
  for (let n = 0; n < 700; n++) {
    const isOdd = below(100) < odd;
    const at = isOdd && below(4) === 0 ? 1_900_000_000_000_000 + below(2) * 200_000_000_000 : 1 + below(1e9);
    const cells = Object.keys(regulars)
      .filter(() => below(12) > 0)
      .map((name) => `${name}=${VALUES[name]![isOdd ? below(VALUES[name]!.length) : 0]}@${isOdd && below(5) === 0 ? at + 1 : at}`); // biome-ignore format: one line
    const key = `key ${n}${below(200) === 0 ? 'k'.repeat(3000) : ''}`;
    const kind = isOdd ? below(12) : 9;
    if (kind === 0) rows[key] = [`deletion ${at}/950`];
    else if (kind === 1) rows[key] = [`${place}: -${at}/950`];
    else if (kind === 2) rows[key] = [`${place}: @${at}+50=${NOW_SECONDS} ${cells.join(' ')}`];
    else if (kind === 3) rows[key] = [`${place}: t-@${at}/890`];
    else if (kind === 4) rows[key] = [`deletion ${at}/950`, `${place}: @${at + 1} ${cells.join(' ')}`];
    else rows[key] = [`${place}: @${at} ${cells.join(' ')}`];
  }
  return rows;
}

function filesOf(table: TestTable, { descriptor }: Made): SSTableFiles {
  const start = componentPath(descriptor, '');
  const components = [...table.files.keys()].filter((file) => file.startsWith(start)).map((file) => file.slice(start.length)); // biome-ignore format: one line
  return { descriptor, components: components.sort(), place: { keyspace: 'ks', table: 't' } as SSTableFiles['place'] };
}

describe(`the fast lane of rows (seed ${seed})`, () => {
  it('finds what the walk finds in the fixtures', async () => {
    const random = randomOf(seed);
    for (const files of subjects()) {
      const [fast, slow] = await both(diskStorage, files);
      expect(fast, files.descriptor.prefix).toEqual(slow);
      for (const component of ['Data.db', 'Index.db'].filter((one) => files.components.includes(one))) {
        const file = componentPath(files.descriptor, component);
        for (const damage of damages(diskStorage.stat(file)!.size, 1, random).slice(-2)) {
          const [one, other] = await both(corrupt(file, damage), files);
          expect(one, `${files.place.table} ${component} ${JSON.stringify(damage)}`).toEqual(other);
        }
      }
    }
  }, 60_000);

  describe.each(['oa', 'nb', 'da'] as const)('%s', (version) => {
    it.each(Object.keys(SHAPES))('finds what the walk finds in rows %s', async (name) => {
      const shape = SHAPES[name]!;
      const random = randomOf(seed ^ name.length);
      for (const odd of [0, 3, 30]) {
        const table = new TestTable(shape, version);
        const made = table.make(contents(random, shape, odd));
        const files = filesOf(table, made);
        const asked = vi.spyOn(RowLane.prototype, 'run');
        const [fast, slow] = await both(table.output, files);
        expect(fast, `${odd}`).toEqual(slow);
        expect(asked.mock.calls.length > 0).toBe(name === 'of many types' && version !== 'da');
        asked.mockRestore();
      }
    });
  });

  it('finds what the walk finds by slices', async () => {
    const shape = SHAPES['of many types']!;
    for (const odd of [0, 5]) {
      const table = new TestTable(shape);
      const files = filesOf(table, table.make(contents(randomOf(seed + 5), shape, odd)));
      const options = { level: 'deep', nowSeconds: NOW_SECONDS } as const;
      for (const index of [0, 1, 2]) {
        const gather = async (reader: SliceReader) => ({
          slice: await reader.gather({ index, of: 3 }),
          bits: reader.finishBits(),
        });
        const fast = await gather(openSlices(table.output, files, options, true));
        const slow = await gather(openSlices(table.output, files, { ...options, isSlow: true }, true));
        expect(fast).toEqual(slow);
        expect(fast.bits!.some((byte) => byte !== 0)).toBe(true);
        expect(fast.slice!.partitions).toBeGreaterThan(100);
      }
    }
  });

  it('finds what the walk finds in damaged files', async () => {
    const shape = SHAPES['of many types']!;
    const random = randomOf(seed + 1);
    const table = new TestTable(shape);
    const made = table.make(contents(random, shape, 2));
    table.files.delete(componentPath(made.descriptor, 'CRC.db')); // else chunks tell of it all
    const files = filesOf(table, made);
    const kinds = new Set<string>();
    for (const component of ['Data.db', 'Data.db', 'Data.db', 'Index.db', 'Summary.db', 'Filter.db']) {
      const file = componentPath(made.descriptor, component);
      const good = Buffer.from(table.files.get(file)!);
      for (const damage of damages(good.length, trials, random)) {
        const bad = damage.kind === 'cut' ? good.subarray(0, damage.length) : Buffer.from(good);
        if (damage.kind === 'flip') bad[damage.offset]! ^= damage.xor;
        table.files.set(file, bad);
        const [fast, slow] = await both(table.output, files);
        expect(fast, `${component} ${JSON.stringify(damage)}`).toEqual(slow);
        for (const { rule } of fast.findings) kinds.add(rule);
      }
      table.files.set(file, good);
    }
    expect([...kinds]).toEqual(expect.arrayContaining(['value', 'index', 'row']));
  });
});
