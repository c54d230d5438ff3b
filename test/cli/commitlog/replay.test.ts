/** `commitlog replay`, on segments made here: what is written, what is refused, what is lost. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptError, RefusedError, UsageError } from '../../../src/bytes/errors.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { type ReplayFlags, replayPaths } from '../../../src/cli/commitlog/replay.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import { type ReplayReport, replayJson, replayText } from '../../../src/render/replay-report.js';
import { openDescriptor } from '../../../src/sstable/sstable.js';
import { buildSegment, mutation, TABLE_ID } from '../../commitlog/build-segment.js';

const OTHER_ID = '22222222-5566-1788-99aa-bbccddeeff00';
const SCHEMA = `CREATE TABLE ks.t (k blob PRIMARY KEY, v blob) WITH ID = ${TABLE_ID};
CREATE TABLE ks.u (k blob PRIMARY KEY, v blob) WITH ID = ${OTHER_ID};`;

let home = '';
let dir = '';
beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-replay-')));
  dir = path.join(home, 'node');
  fs.mkdirSync(path.join(dir, 'commitlog'), { recursive: true });
  fs.writeFileSync(path.join(dir, 's.cql'), SCHEMA);
});
afterEach(() => fs.rmSync(home, { recursive: true }));

const EPOCH = 1442880000000000n;
const row = (key: number, micros: number, tableId?: string) =>
  mutation(Buffer.from([key]), Buffer.from([key, micros & 255]), micros, tableId);

async function write(id: number, sections: readonly (readonly Uint8Array[])[], version = 8) {
  const built = await buildSegment({ form: 'plain', id, sections, version });
  fs.writeFileSync(path.join(dir, 'commitlog', built.name), built.bytes);
  return built;
}

const FLAGS: ReplayFlags = {
  'in-place': false,
  'skip-corrupt': false,
  'dry-run': false,
  'memtable-mb': 16,
  jobs: 1,
  yes: true,
  now: 1_700_000_000,
};
const told: string[] = [];
const STAGE = { tell: (line: string) => void told.push(line), show: () => {}, quiet: true };

function replay(more: Partial<ReplayFlags> = {}): Promise<ReplayReport> {
  return replayPaths(
    [dir],
    { ...FLAGS, schema: path.join(dir, 's.cql'), output: path.join(dir, 'out'), ...more },
    STAGE,
  );
}

/** Of each SSTable below `at`: its table, and keys with values and timestamps since the epoch of 2015. */
async function rowsIn(at: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const { place, sstables } of resolvePaths(diskStorage, [at]).directories) {
    for (const { descriptor } of sstables) {
      const sstable = await openDescriptor(diskStorage, descriptor);
      for (const { key, unfiltereds } of sstable.partitions()) {
        const [one] = [...unfiltereds];
        if (one?.kind !== 'row') throw new Error('no row');
        const [cell] = one.cells;
        const line = `${key[0]}=${cell!.value[0]} @${cell!.timestampMicros - EPOCH} ${descriptor.prefix}`;
        found[place.table] = [...(found[place.table] ?? []), line];
      }
      sstable.close();
    }
  }
  for (const lines of Object.values(found)) lines.sort();
  return found;
}

const out = () => rowsIn(path.join(dir, 'out'));

describe('commitlog replay', () => {
  it('writes the newest of each key, by table, in the version of the log', async () => {
    await write(1700000000001, [
      [row(1, 5), row(2, 7)],
      [row(1, 9), row(7, 3, OTHER_ID)],
    ]);
    await write(1700000000002, [[row(2, 6)]]);
    const { result } = await replay();
    expect(await out()).toEqual({ t: ['1=1 @9 oa-1-big', '2=2 @7 oa-1-big'], u: ['7=7 @3 oa-1-big'] });
    expect([result.mutations, result.replayed, result.lost.length]).toEqual([5, 5, 0]);
    expect(fs.readdirSync(path.join(dir, 'out/ks'))).toEqual([
      `t-${TABLE_ID.replaceAll('-', '')}`,
      `u-${OTHER_ID.replaceAll('-', '')}`,
    ]);
  });

  it.each([
    [6, 'me'],
    [7, 'nb'],
    [8, 'oa'],
  ])('of a log of version %i writes %s', async (version, name) => {
    await write(1700000000001, [[row(1, 5)]], version);
    await replay();
    expect(await out()).toEqual({ t: [`1=1 @5 ${name}-1-big`] });
  });

  it('flushes in parts where memory is short', async () => {
    const value = new Uint8Array(60_000);
    const many = Array.from({ length: 300 }, (_, i) => mutation(Buffer.from([i & 255, i >> 8]), value, i + 1));
    const built = await buildSegment({ form: 'plain', id: 1700000000001, sections: [many], fileBytes: 32 << 20 });
    fs.writeFileSync(path.join(dir, 'commitlog', built.name), built.bytes);
    const { written } = await replay({ 'memtable-mb': 4 });
    const { sstables } = written.get(TABLE_ID)!;
    expect(sstables.length).toBeGreaterThan(2);
    expect(sstables.reduce((sum, { partitions }) => sum + partitions, 0)).toBe(300);
  });

  it('takes only the tables and keys that are asked for', async () => {
    await write(1700000000001, [[row(1, 5), row(2, 7), row(3, 3, OTHER_ID)]]);
    await replay({ tables: ['ks.t'], keys: ['0x02'] });
    expect(await out()).toEqual({ t: ['2=2 @7 oa-1-big'] });
    await expect(replay({ output: path.join(dir, 'o2'), keys: ['0x02'] })).rejects.toThrow('needs one table');
    await expect(replay({ output: path.join(dir, 'o2'), tables: ['ks.nope'] })).rejects.toThrow('names none');
    await expect(replay({ output: path.join(dir, 'o2'), tables: ['ks'], keys: ['0x02'] })).rejects.toThrow('one table');
  });

  it('goes back to a point in time, mutation by mutation', async () => {
    await write(1700000000001, [[row(1, 5), row(2, 9), row(3, 4)]]);
    const { result } = await replay({ until: String(EPOCH + 5n) });
    expect(await out()).toEqual({ t: ['1=1 @5 oa-1-big', '3=3 @4 oa-1-big'] });
    expect(result.tables[0]).toMatchObject({ updates: 2, later: 1 });
  });

  it('drops mutations of tables that are not there, and says so', async () => {
    await write(1700000000001, [[row(1, 5, '99999999-5566-1788-99aa-bbccddeeff00'), row(2, 5)]]);
    const report = await replay();
    expect(Object.fromEntries(report.result.unknown)).toEqual({ '99999999-5566-1788-99aa-bbccddeeff00': 1 });
    expect(replayText(report)).toContain('99999999-5566-1788-99aa-bbccddeeff00: 1 mutation');
  });

  it('writes nothing in a dry run, and counts what it would write', async () => {
    await write(1700000000001, [[row(1, 5), row(1, 6)]]);
    const report = await replay({ 'dry-run': true });
    expect(fs.existsSync(path.join(dir, 'out'))).toBe(false);
    expect(replayJson(report)).toMatchObject({ mode: 'dry', replayed: 2, tables: [{ sstables: [{ partitions: 1 }] }] });
    expect(replayText(report)).toContain('would replay 2 mutations of 1 table');
  });

  it('refuses an output directory with something in it', async () => {
    await write(1700000000001, [[row(1, 5)]]);
    fs.mkdirSync(path.join(dir, 'out'));
    fs.writeFileSync(path.join(dir, 'out/x'), '');
    await expect(replay()).rejects.toThrow(UsageError);
  });
});

describe('a damaged log', () => {
  async function damaged(isLast: boolean) {
    const built = await write(1700000000001, [[row(1, 5), row(2, 6), row(3, 7)], [row(4, 8)]]);
    if (!isLast) await write(1700000000002, [[row(5, 9)]]);
    const file = path.join(dir, 'commitlog', built.name);
    const bytes = fs.readFileSync(file);
    bytes[built.entries[1]!.start + 30]! ^= 1;
    fs.writeFileSync(file, bytes);
    return built;
  }

  it('stops the replay where it stops a node, and nothing is written', async () => {
    await damaged(false);
    await expect(replay()).rejects.toThrow(CorruptError);
    expect(fs.existsSync(path.join(dir, 'out'))).toBe(false);
  });

  it('is tolerated at the end of the log, as a node does', async () => {
    await damaged(true);
    const { result } = await replay();
    expect(await out()).toEqual({ t: ['1=1 @5 oa-1-big', '3=3 @7 oa-1-big', '4=4 @8 oa-1-big'] });
    expect(result.faults.map(({ atStart, kind }) => [atStart, kind])).toEqual([['tolerates', 'mutation_checksum']]);
  });

  it('gives all that can be read with --skip-corrupt, and the list of what is lost', async () => {
    const built = await damaged(false);
    const report = await replay({ 'skip-corrupt': true });
    expect((await out()).t).toEqual(['1=1 @5 oa-1-big', '3=3 @7 oa-1-big', '4=4 @8 oa-1-big', '5=5 @9 oa-1-big']);
    const { start, end } = built.entries[1]!;
    expect(report.result.lost).toMatchObject([{ from: start, to: end, segmentId: 1700000000001, mutations: 1 }]);
    expect(replayText(report)).toContain(`positions ${start} to ${end}`);
  });

  it('is searched behind a marker that a node can not read', async () => {
    const built = await write(1700000000001, [[row(1, 5)], [row(2, 6)], [row(3, 7)]]);
    await write(1700000000002, [[row(5, 9)]]);
    const file = path.join(dir, 'commitlog', built.name);
    const bytes = fs.readFileSync(file);
    bytes[built.markers[1]! + 5]! ^= 1;
    fs.writeFileSync(file, bytes);
    await expect(replay()).rejects.toThrow('sync marker');
    const { result } = await replay({ 'skip-corrupt': true });
    expect((await out()).t?.map((line) => line.slice(0, 3))).toEqual(['1=1', '2=2', '3=3', '5=5']);
    expect([result.salvaged, result.lost]).toEqual([2, []]);
  });
});

describe('in place', () => {
  const data = () => path.join(dir, 'data');
  const table = () => path.join(data(), 'ks', `t-${TABLE_ID.replaceAll('-', '')}`);
  const inPlace = (more: Partial<ReplayFlags> = {}) =>
    replayPaths([dir], { ...FLAGS, 'in-place': true, schema: path.join(dir, 's.cql'), data: [data()], ...more }, STAGE);

  beforeEach(() => fs.mkdirSync(table(), { recursive: true }));

  it('adds to the table, and leaves neither transaction log nor lock', async () => {
    await write(1700000000001, [[row(1, 5), row(3, 3, OTHER_ID)]]);
    await inPlace();
    expect(await rowsIn(data())).toEqual({ t: ['1=1 @5 oa-1-big'], u: ['3=3 @3 oa-1-big'] });
    expect(fs.readdirSync(table()).filter((name) => !name.startsWith('oa-1-big-'))).toEqual([]);
    await write(1700000000002, [[row(1, 6)]]);
    await inPlace({ tables: ['ks.t'] });
    expect((await rowsIn(data())).t).toEqual(['1=1 @5 oa-1-big', '1=1 @6 oa-2-big']);
  });

  it('is refused over what another run has left, and without --yes where nobody can be asked', async () => {
    await write(1700000000001, [[row(1, 5)]]);
    await expect(inPlace({ yes: false })).rejects.toThrow(UsageError);
    fs.writeFileSync(path.join(table(), 'oa-9-big-Data.db.tmp'), '');
    await expect(inPlace()).rejects.toThrow(RefusedError);
  });

  it('tells of a damaged log before it asks', async () => {
    const built = await write(1700000000001, [[row(1, 5)]]);
    await write(1700000000002, [[row(2, 5)]]);
    const file = path.join(dir, 'commitlog', built.name);
    const bytes = fs.readFileSync(file);
    bytes[built.entries[0]!.start + 30]! ^= 1;
    fs.writeFileSync(file, bytes);
    await expect(inPlace({ yes: false })).rejects.toThrow(CorruptError);
    expect(fs.readdirSync(table())).toEqual([]);
  });
});
