/** Rows and markers written by hand, byte for byte as UnfilteredSerializer has them, and read by the cursor. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../src/bytes/errors.js';
import { ByteWriter } from '../../src/bytes/writer.js';
import { DataCursor } from '../../src/sstable/data-cursor.js';
import { openDataFile } from '../../src/sstable/data-file.js';
import { NO_DELETION_TIME } from '../../src/sstable/deletion-slot.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { partitionsOf } from '../../src/sstable/partition-view.js';
import type { Partition, Row, Unfiltered } from '../../src/sstable/row.js';
import { makeSerializationHeader, type SerializationHeader } from '../../src/sstable/serialization-header.js';
import { END, MARKER, ROW, UnfilteredCursor } from '../../src/sstable/unfiltered-cursor.js';
import { versionOf } from '../../src/sstable/version.js';
import { memoryStorage } from './memory-storage.js';

const MARSHAL = 'org.apache.cassandra.db.marshal.';
const INT = `${MARSHAL}Int32Type`;
const TEXT = `${MARSHAL}UTF8Type`;
const SET = `${MARSHAL}SetType(${TEXT})`;
const MIN_TTL = 100;
const MIN_DELETION = 1_600_000_000;

type Shape = { clustering?: string[]; statics?: [string, string][]; regulars?: [string, string][] };

function headerOf({ clustering = [], statics = [], regulars = [] }: Shape): SerializationHeader {
  const columns = (list: [string, string][]) => list.map(([name, type]) => ({ nameBytes: Buffer.from(name), type }));
  const stored = {
    keyType: TEXT,
    clusteringTypes: clustering,
    staticColumns: columns(statics),
    regularColumns: columns(regulars),
  };
  const stats = {
    minTimestampHi: 0,
    minTimestampLo: 1000,
    minLocalDeletionSeconds: MIN_DELETION,
    minTtlSeconds: MIN_TTL,
  };
  return makeSerializationHeader(stored, stats);
}

type Write = (out: ByteWriter) => void;

function bytesOf(...writes: Write[]): Buffer {
  const out = new ByteWriter(64);
  for (const write of writes) write(out);
  return out.toBytes();
}

const raw =
  (...bytes: number[]): Write =>
  (out) =>
    out.bytes(Uint8Array.from(bytes));
const vint =
  (n: number): Write =>
  (out) =>
    out.uvint(n);
const int =
  (n: number): Write =>
  (out) =>
    out.i32(n);
const text =
  (s: string): Write =>
  (out) => {
    out.uvint(Buffer.byteLength(s));
    out.utf8(s);
  };
const all =
  (...writes: Write[]): Write =>
  (out) => {
    for (const write of writes) write(out);
  };

/** Flags, clustering, then the body after its size. */
function unfiltered(head: Write, ...body: Write[]): Write {
  const bytes = bytesOf(vint(0), ...body);
  return all(head, vint(bytes.length), (out) => out.bytes(bytes));
}

const LIVE = raw(0x80);

function partition(key: string, deletion: Write, ...unfiltereds: Write[]): Write {
  return all((out) => out.javaUtf(key), deletion, ...unfiltereds, raw(1));
}

/** A cell of the row's timestamp. */
const cell = (value: Write) => all(raw(8), value);

async function cursorOf(header: SerializationHeader, bytes: Buffer, version = 'oa', end = bytes.length) {
  const { descriptor } = parseDescriptor(`/d/ks/t-5a1c395e/${version}-1-big-Data.db`);
  const storage = memoryStorage(new Map([[`/d/ks/t-5a1c395e/${version}-1-big-Data.db`, bytes]]));
  const data = await openDataFile(storage, descriptor);
  return new UnfilteredCursor(new DataCursor(data, 0, end), header, versionOf('big', version));
}

type Read = Omit<Partition, 'unfiltereds'> & { readonly unfiltereds: Unfiltered[] };

async function read(header: SerializationHeader, bytes: Buffer, version = 'oa'): Promise<Read[]> {
  const list: Read[] = [];
  for (const p of partitionsOf(await cursorOf(header, bytes, version)))
    list.push({ ...p, unfiltereds: [...p.unfiltereds] });
  return list;
}

async function readRow(header: SerializationHeader, row: Write, version = 'oa', deletion = LIVE): Promise<Row> {
  const [p] = await read(header, bytesOf(partition('k', deletion, row)), version);
  expect(p!.unfiltereds).toHaveLength(1);
  return p!.unfiltereds[0] as Row;
}

const LIVE_BEFORE_OA = all(int(0x7fffffff), (out) => out.i64(-0x80000000, 0));

describe('columns of a row', () => {
  const names = (n: number) => Array.from({ length: n }, (_, i) => `c${String(i).padStart(3, '0')}`);
  const header = (n: number) => headerOf({ regulars: names(n).map((name) => [name, INT]) });
  const valuesOf = (row: Row) => row.cells.map((c) => [c.column.name, Buffer.from(c.value).readInt32BE()]);
  const cells = (columns: readonly number[]) => all(...columns.map((i) => cell(int(i))));

  /** The bitmap of the absent below 64 columns, else the lesser list. */
  function subset(present: readonly number[], n: number): Write {
    const absent = Array.from({ length: n }, (_, i) => i).filter((i) => !present.includes(i));
    if (absent.length === 0) return vint(0);
    if (n < 64) {
      const bits = absent.reduce((sum, i) => sum | (1n << BigInt(i)), 0n);
      return (out) => out.uvint64(Number(bits >> 32n), Number(BigInt.asIntN(32, bits)));
    }
    const list = present.length < Math.floor(n / 2) ? present : absent;
    return all(vint(absent.length), ...list.map(vint));
  }

  it.each([1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200])('any part of %i', async (n) => {
    const h = header(n);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 1 }), { minLength: n, maxLength: n }),
        fc.double({ min: 0, max: 1 }),
        async (dice, share) => {
          const present = names(n).flatMap((_, i) => (dice[i]! <= share ? [i] : []));
          const row = unfiltered(raw(0x04), vint(5), subset(present, n), cells(present));
          expect(valuesOf(await readRow(h, row))).toEqual(present.map((i) => [`c${String(i).padStart(3, '0')}`, i]));
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each([
    [31, [0]],
    [63, [62]],
    [64, []],
    [64, [0, 63]],
    [65, Array.from({ length: 31 }, (_, i) => i)], // fewer than half: a list of the present
    [65, Array.from({ length: 32 }, (_, i) => i)], // half of an odd number: a list of the absent
    [130, Array.from({ length: 129 }, (_, i) => i)],
  ])('of %i, some', async (n, present) => {
    const row = unfiltered(raw(0x04), vint(5), subset(present, n), cells(present));
    expect(valuesOf(await readRow(header(n), row)).map(([, value]) => value)).toEqual(present);
  });

  const bad: readonly (readonly [name: string, n: number, columns: Write])[] = [
    ['a bit beyond three columns', 3, vint(8)],
    ['a bit beyond 32 columns', 32, (out) => out.uvint64(1, 0)],
    ['a bit beyond 40 columns', 40, (out) => out.uvint64(1 << 8, 0)],
    ['a bit beyond 63 columns', 63, (out) => out.uvint64(-0x80000000, 0)],
    ['more absent than there are', 64, vint(65)],
    ['an absent column beyond the last', 64, all(vint(1), vint(64))],
    ['a present column beyond the last', 64, all(vint(63), vint(64))],
  ];
  it.each(bad)('%s is refused', async (_, n, columns) => {
    await expect(readRow(header(n), unfiltered(raw(0x04), vint(5), columns))).rejects.toThrow(CorruptError);
  });
});

describe('clusterings', () => {
  it('of more than 32 columns have a header for each 32', async () => {
    const types = Array.from({ length: 70 }, (_, i) => (i % 2 ? TEXT : INT));
    const value = (i: number): Write => (i % 2 ? text(`v${i}`) : int(i));
    const group = (from: number, to: number, bits: bigint): Write[] => [
      (out) => out.uvint64(Number(BigInt.asIntN(32, bits >> 32n)), Number(BigInt.asIntN(32, bits))),
      ...Array.from({ length: to - from }, (_, i) => from + i).flatMap((i) =>
        (bits >> BigInt(2 * (i - from))) & 3n ? [] : [value(i)],
      ),
    ];
    const h = headerOf({ clustering: types });
    // value 31 is null (the top bits), 40 is empty, 69 is null
    const head = all(raw(0x24), ...group(0, 32, 2n << 62n), ...group(32, 64, 1n << 16n), ...group(64, 70, 2n << 10n));
    const { clustering } = await readRow(h, unfiltered(head, vint(0)));
    const texts = clustering.map((v, i) =>
      v === null ? null : i % 2 ? Buffer.from(v).toString() : v.length ? Buffer.from(v).readInt32BE() : '',
    );
    expect(texts).toEqual(types.map((_, i) => (i === 31 || i === 69 ? null : i === 40 ? '' : i % 2 ? `v${i}` : i)));
  });

  it('of a length that lies are refused', async () => {
    const h = headerOf({ clustering: [TEXT] });
    for (const length of [1000, 0x7fffffff, 2 ** 40]) {
      await expect(readRow(h, unfiltered(all(raw(0x24), vint(0), vint(length)), vint(0)))).rejects.toThrow(
        CorruptError,
      );
    }
  });
});

describe('range tombstones', () => {
  const h = headerOf({ clustering: [INT, INT], regulars: [['v', INT]] });
  const deletion = (timestamp: number, seconds: number) => all(vint(timestamp - 1000), vint(seconds - MIN_DELETION));
  const marker = (kind: number, values: number[], ...deletions: Write[]) =>
    unfiltered(
      all(raw(2, kind, 0, values.length), ...(values.length ? [vint(0)] : []), ...values.map(int)),
      ...deletions,
    );
  const one = deletion(5000, MIN_DELETION + 5);
  const two = deletion(7000, MIN_DELETION + 7);
  const first = { markedForDeleteAtMicros: 5000n, localDeletionSeconds: MIN_DELETION + 5 };
  const second = { markedForDeleteAtMicros: 7000n, localDeletionSeconds: MIN_DELETION + 7 };

  it.each([
    [0, 'EXCL_END_BOUND', { close: first }],
    [1, 'INCL_START_BOUND', { open: first }],
    [2, 'EXCL_END_INCL_START_BOUNDARY', { close: first, open: second }],
    [5, 'INCL_END_EXCL_START_BOUNDARY', { close: first, open: second }],
    [6, 'INCL_END_BOUND', { close: first }],
    [7, 'EXCL_START_BOUND', { open: first }],
  ])('of kind %i', async (kind, boundKind, sides) => {
    const isBoundary = kind === 2 || kind === 5;
    for (const values of [[], [1], [1, 2]]) {
      const bytes = bytesOf(partition('k', LIVE, marker(kind, values, one, ...(isBoundary ? [two] : []))));
      const [p] = await read(h, bytes);
      const bound = values.map((v) => Uint8Array.from(bytesOf(int(v))));
      expect(p!.unfiltereds).toEqual([{ kind: 'marker', boundKind, values: bound, position: 4, ...sides }]);
    }
  });

  const bad: readonly (readonly [name: string, write: Write])[] = [
    ['an unknown kind', marker(8, [1], one)],
    ['the kind of a row', marker(4, [1], one)],
    ['the kind of a static row', marker(3, [], one)],
    ['too many values', marker(1, [1, 2, 3], one)],
    ['bytes left over', marker(1, [1], one, raw(0))],
    ['half a boundary', marker(2, [1], one)],
  ];
  it.each(bad)('with %s are refused', async (_, write) => {
    await expect(read(h, bytesOf(partition('k', LIVE, write, raw(0, 0, 0))))).rejects.toThrow(CorruptError);
  });
});

describe('times', () => {
  const h = headerOf({
    regulars: [
      ['a', INT],
      ['s', SET],
    ],
  });
  const simple = raw(2); // column s is absent
  const expiring = (ttl: number, at: number) => all(vint(0), vint(ttl - MIN_TTL), vint(at - MIN_DELETION));

  it('of an expiring row go to the cells that share them', async () => {
    const row = await readRow(h, unfiltered(raw(0x0c), expiring(300, MIN_DELETION + 9), simple, raw(0x1a), int(1)));
    expect(row.liveness).toEqual({ timestampMicros: 1000n, ttlSeconds: 300, localExpirationSeconds: MIN_DELETION + 9 });
    expect(row.cells).toMatchObject([{ ttlSeconds: 300, localDeletionSeconds: MIN_DELETION + 9, isTombstone: false }]);
  });

  it('of a row without liveness are not those of the row before', async () => {
    const withTtl = unfiltered(raw(0x0c), expiring(300, MIN_DELETION + 9), simple, raw(0x1a), int(1));
    const without = unfiltered(raw(0x00), simple, raw(0x1a), int(2)); // its cell refers to liveness that is not there
    const [p] = await read(h, bytesOf(partition('k', LIVE, withTtl, without)));
    const { cells, liveness } = p!.unfiltereds[1] as Row;
    expect(liveness).toBeUndefined();
    expect(cells).toMatchObject([{ timestampMicros: -(2n ** 63n), isTombstone: false }]);
    expect(cells[0]).not.toHaveProperty('ttlSeconds');
  });

  it('keep the expiry of liveness that had expired when written', async () => {
    const row = await readRow(h, unfiltered(raw(0x0c), expiring(0x7fffffff, MIN_DELETION + 9), raw(3)));
    expect(row.liveness).toMatchObject({ ttlSeconds: 0x7fffffff, localExpirationSeconds: MIN_DELETION + 9 });
  });

  it('of a TTL that is negative are refused', async () => {
    const ttl: Write = (out) => out.uvint64(-1, -1000);
    await expect(readRow(h, unfiltered(raw(0x0c), vint(0), ttl, vint(0), raw(3)))).rejects.toThrow(/negative TTL/);
  });

  it.each([
    ['nb', 'what Cassandra takes for invalid', 4294967294],
    ['oa', 'unsigned', 4294967294 - 1000],
  ])('below zero in %s read as %s', async (version, _, seconds) => {
    // −1002 as a difference to the header's least
    const difference: Write = (out) => out.uvint64(-1, (-1002 - MIN_DELETION) | 0);
    const live = version === 'oa' ? LIVE : LIVE_BEFORE_OA;
    const row = await readRow(h, unfiltered(raw(0x04), vint(0), simple, raw(0x0d), difference), version, live);
    expect(row.cells).toMatchObject([{ isTombstone: true, localDeletionSeconds: seconds }]);
  });

  it.each(['nb', 'oa'])('beyond 2038 in %s', async (version) => {
    const live = version === 'oa' ? LIVE : LIVE_BEFORE_OA;
    const body = [vint(0), simple, raw(0x0d), vint(2 ** 31 + 100 - MIN_DELETION)];
    const row = await readRow(h, unfiltered(raw(0x04), ...body), version, live);
    expect(row.cells).toMatchObject([{ isTombstone: true, localDeletionSeconds: 2 ** 31 + 100 }]);
  });

  it('of partitions: none, some, and beyond 2038', async () => {
    const deleted = (version: string, micros: number, seconds: number): Write =>
      version === 'oa'
        ? (out) => {
            out.i64FromNumber(micros);
            out.i32(seconds);
          }
        : (out) => {
            out.i32(seconds);
            out.i64FromNumber(micros);
          };
    const of = async (version: string, deletion: Write) =>
      (await read(h, bytesOf(partition('k', deletion)), version))[0]!.deletion;
    expect(await of('oa', LIVE)).toBeUndefined();
    expect(await of('nb', LIVE_BEFORE_OA)).toBeUndefined();
    for (const version of ['oa', 'nb']) {
      const expected = { markedForDeleteAtMicros: 42n, localDeletionSeconds: 1234 };
      expect(await of(version, deleted(version, 42, 1234))).toEqual(expected);
    }
    expect((await of('oa', deleted('oa', 42, -5000)))?.localDeletionSeconds).toBe(2 ** 32 - 5000);
    expect((await of('oa', deleted('oa', 42, -1)))?.localDeletionSeconds).toBe(4294967294);
    expect((await of('nb', deleted('nb', 42, -5000)))?.localDeletionSeconds).toBe(4294967294);
    await expect(of('oa', raw(0x81))).rejects.toThrow(/bad flags of a partition deletion/);
  });
});

describe('rows', () => {
  const h = headerOf({
    regulars: [
      ['a', INT],
      ['s', SET],
    ],
  });

  it('have empty values, tombstones, paths and a complex deletion', async () => {
    const body = [
      vint(0),
      vint(0), // all columns
      raw(0x0c), // a: empty
      all(vint(500), vint(7)), // s: its deletion
      vint(2),
      all(raw(0x0c), text('x')),
      all(raw(0x05), vint(700), vint(8), text('y')),
    ];
    const row = await readRow(h, unfiltered(raw(0x44), ...body));
    expect(row.complexDeletions).toMatchObject([
      { column: { name: 's' }, deletion: { markedForDeleteAtMicros: 1500n, localDeletionSeconds: MIN_DELETION + 7 } },
    ]);
    expect(
      row.cells.map((c) => [
        c.column.name,
        c.path && Buffer.from(c.path).toString(),
        c.isTombstone,
        c.value.length,
        c.timestampMicros,
      ]),
    ).toEqual([
      ['a', undefined, false, 0, 1000n],
      ['s', 'x', false, 0, 1000n],
      ['s', 'y', true, 0, 1700n],
    ]);
  });

  it('have a shadowable deletion', async () => {
    const row = await readRow(h, unfiltered(raw(0x94, 0x02), vint(0), all(vint(9), vint(9)), raw(3)));
    expect(row).toMatchObject({ isDeletionShadowable: true, deletion: { markedForDeleteAtMicros: 1009n } });
  });

  it('that hold nothing are passed over', async () => {
    const empty = unfiltered(raw(0x00), raw(3));
    const [p] = await read(h, bytesOf(partition('k', LIVE, empty, unfiltered(raw(0x04), vint(1), raw(3)), empty)));
    expect(p!.unfiltereds).toHaveLength(1);
  });

  it('may be read in part', async () => {
    const c = await cursorOf(
      h,
      bytesOf(
        partition(
          'k',
          LIVE,
          unfiltered(raw(0x24), vint(0), cell(int(1)), vint(0)),
          unfiltered(raw(0x24), vint(2), cell(int(3)), vint(0)),
        ),
        partition('l', LIVE),
      ),
    );
    expect(c.nextPartition()).toBe(true);
    expect([c.nextUnfiltered(), c.nextColumn()]).toEqual([ROW, true]); // neither its cell nor its second column
    expect(c.nextUnfiltered()).toBe(ROW);
    expect(c.livenessLo).toBe(1002);
    expect(c.nextPartition()).toBe(true);
    expect([c.nextUnfiltered(), c.nextUnfiltered(), c.nextPartition()]).toEqual([END, END, false]);
  });

  it('are judged, put back and read again', async () => {
    const c = await cursorOf(
      h,
      bytesOf(partition('k', LIVE, unfiltered(raw(0x20), all(raw(0), vint(4), int(1)), vint(0)))),
    );
    c.nextPartition();
    c.nextUnfiltered();
    for (let i = 0; i < 3; i++) {
      expect(c.isEmptyRow()).toBe(false);
      expect([c.nextColumn(), c.nextCell(), c.cellLo, c.cellLocalDeletion]).toEqual([
        true,
        true,
        1004,
        NO_DELETION_TIME,
      ]);
      c.rewindRow();
    }
  });

  const bad: readonly (readonly [name: string, write: Write])[] = [
    ['a size beyond the data', all(raw(0x24), vint(1000), vint(0))],
    ['a size of many gigabytes', all(raw(0x24), vint(2 ** 45), vint(0))],
    ['bytes left over', unfiltered(raw(0x24), vint(0), cell(int(1)), vint(0), raw(9))],
    ['a cell that is cut', all(raw(0x24), vint(4), vint(0), vint(0), cell(int(1)), vint(0))],
    ['unknown cell flags', unfiltered(raw(0x24), vint(0), raw(0x20), int(1), vint(0))],
    ['more cells than fit', unfiltered(raw(0x24), vint(0), cell(int(1)), vint(1e6))],
    ['a path that is too long', unfiltered(raw(0x24), vint(0), cell(int(1)), vint(1), raw(0x0c), vint(500))],
    ['unknown extended flags', unfiltered(raw(0xa4, 0x04), vint(0), cell(int(1)), vint(0))],
    ['a static row among them', unfiltered(raw(0xa4, 0x01), vint(0), cell(int(1)), vint(0))],
  ];
  it.each(bad)('with %s are refused', async (_, write) => {
    await expect(read(h, bytesOf(partition('k', LIVE, write)))).rejects.toThrow(CorruptError);
  });

  it('that reach beyond their size do not move what was read of them', async () => {
    // the last cell's value reaches over the row's end, which is also the end of the window
    const value = Buffer.alloc((1 << 18) - 200, 7);
    const wide = headerOf({
      clustering: [TEXT],
      regulars: [
        ['b', `${MARSHAL}BytesType`],
        ['z', INT],
      ],
    });
    const body = bytesOf(vint(0), vint(0), raw(8), vint(value.length), (out) => out.bytes(value), raw(0));
    const row = all(raw(0x24), vint(0), text('clustering'), vint(body.length), (out) => out.bytes(body));
    const bytes = bytesOf(partition('k', LIVE, row, raw(...Array(5000).fill(0xff))));
    await expect(read(wide, bytes)).rejects.toThrow(CorruptError);
  });
});

describe('static rows', () => {
  const h = headerOf({ clustering: [INT], statics: [['st', INT]], regulars: [['a', INT]] });
  const empty = unfiltered(raw(0x80, 0x01), vint(1));
  const full = unfiltered(raw(0xa4, 0x01), vint(3), cell(int(7)));
  const row = unfiltered(all(raw(0x24), vint(0), int(5)), vint(0), cell(int(1)));

  it('are there, or empty', async () => {
    const [one, two] = await read(h, bytesOf(partition('k', LIVE, full, row), partition('l', LIVE, empty, row)));
    expect(one!.staticRow).toMatchObject({ isStatic: true, clustering: [], liveness: { timestampMicros: 1003n } });
    expect(two!.staticRow).toBeUndefined();
    expect([one!.unfiltereds.length, two!.unfiltereds.length]).toEqual([1, 1]);
    expect((one!.unfiltereds[0] as Row).isStatic).toBe(false);
  });

  it('are passed over by whoever does not ask', async () => {
    const c = await cursorOf(
      h,
      bytesOf(partition('k', LIVE, full, row), partition('l', LIVE, full), partition('m', LIVE, empty)),
    );
    expect([
      c.nextPartition(),
      c.nextUnfiltered(),
      c.nextPartition(),
      c.nextPartition(),
      c.nextUnfiltered(),
      c.nextPartition(),
    ]).toEqual([true, ROW, true, true, END, false]);
  });

  it.each([
    ['a row in its place', row],
    ['the end of the partition', raw()],
    ['a marker', raw(0x82, 1)],
  ])('%s is refused', async (_, write) => {
    await expect(read(h, bytesOf(partition('k', LIVE, write)))).rejects.toThrow(/no static row/);
  });
});

describe('sizes', () => {
  const h = headerOf({ clustering: [TEXT], regulars: [['b', `${MARSHAL}BytesType`]] });

  it('of keys up to 65,535 bytes, and none', async () => {
    const keys = ['', 'k', 'x'.repeat(200), 'y'.repeat(65535)];
    const partitions = await read(h, bytesOf(...keys.map((key) => partition(key, LIVE))));
    expect(partitions.map(({ key }) => Buffer.from(key).toString())).toEqual(keys);
    expect(partitions.map(({ unfiltereds }) => unfiltereds.length)).toEqual([0, 0, 0, 0]);
  });

  it('of rows beyond the window, with small ones between', async () => {
    const sizes = [10, 3_000_000, 20, 262_144, 262_143, 0, 1_048_577, 5];
    const rows = sizes.map((size, i) =>
      unfiltered(all(raw(0x24), vint(0), text(`c${i}`)), vint(i), raw(8), vint(size), (out) =>
        out.bytes(Buffer.alloc(size, i)),
      ),
    );
    for (const [p] of [
      await read(h, bytesOf(partition('k', LIVE, ...rows))),
      await read(h, bytesOf(partition('k', LIVE, ...rows, ...rows))),
    ]) {
      for (const [i, u] of p!.unfiltereds.entries()) {
        const { clustering, cells } = u as Row;
        const n = i % sizes.length;
        expect(Buffer.from(clustering[0]!).toString()).toBe(`c${n}`);
        expect(Buffer.compare(cells[0]!.value, Buffer.alloc(sizes[n]!, n))).toBe(0);
      }
    }
  });

  it('of clusterings that reach over many fetches', async () => {
    const long = 'clustering '.repeat(60_000);
    const row = (i: number) =>
      unfiltered(all(raw(0x24), vint(0), text(`${i}${long}`)), vint(0), raw(8), vint(3), raw(1, 2, 3));
    const [p] = await read(h, bytesOf(partition('k', LIVE, row(1), row(2), row(3))));
    expect(p!.unfiltereds.map((u) => Buffer.from((u as Row).clustering[0]!).toString())).toEqual(
      [1, 2, 3].map((i) => `${i}${long}`),
    );
  });
});

describe('errors', () => {
  const h = headerOf({ regulars: [['a', INT]] });
  const row = unfiltered(raw(0x24), vint(0), cell(int(1)));

  it('come wherever the data is cut, and never a hang', async () => {
    const bytes = bytesOf(partition('k', LIVE, row, row), partition('l', LIVE, row));
    for (let n = 1; n < bytes.length; n++) {
      const whole = n === bytesOf(partition('k', LIVE, row, row)).length;
      const reading = read(h, bytes.subarray(0, n));
      if (whole) await expect(reading).resolves.toHaveLength(1);
      else await expect(reading).rejects.toThrow(CorruptError);
    }
  });

  it('in a key are not told as the partition before', async () => {
    const c = await cursorOf(h, bytesOf(partition('first', LIVE, row), raw(0x7f, 0xff, 0x61)));
    c.nextPartition();
    expect(() => c.nextPartition()).toThrow(CorruptError);
    expect(c.keyLength).toBe(0);
  });

  it('stop where a range of positions ends', async () => {
    const first = bytesOf(partition('k', LIVE, row));
    const bytes = Buffer.concat([first, bytesOf(partition('l', LIVE, row))]);
    const exact = await cursorOf(h, bytes, 'oa', first.length);
    expect([exact.nextPartition(), exact.nextPartition()]).toEqual([true, false]);
    const short = await cursorOf(h, bytes, 'oa', first.length - 1);
    short.nextPartition();
    expect(() => short.nextPartition()).toThrow(/ends too early/);
  });

  it('does not go on once told to stop', async () => {
    const c = await cursorOf(h, bytesOf(partition('k', LIVE, row, row), partition('l', LIVE, row)));
    c.nextPartition();
    c.nextUnfiltered();
    c.stop();
    expect([c.nextUnfiltered(), c.nextPartition()]).toEqual([END, false]);
    expect(MARKER).not.toBe(END);
  });
});
