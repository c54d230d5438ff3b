import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LsmctlError, UnsupportedError, UsageError } from '../../src/bytes/errors.js';
import { diskStorage, type Storage } from '../../src/bytes/source.js';
import { resolvePaths, resolveSSTables } from '../../src/engine/data-directory.js';
import { makeFileRecord, makeFinalRecord } from '../../src/engine/lifecycle/transaction-log.js';
import { makeSSTable, temporaryDirectory } from './directories.js';

const ID = '1b6e4fa0e54e11f198cdd3aa1f4bbca0';
const UUIDS = ['3h5p_06cn_1y35m25pbdezahvg1t', '3h5p_06d0_0xglm25pbdezahvg1t', '3h5q_0000_0000025pbdezahvg1t'];
const node = temporaryDirectory();
const data = path.join(node, 'data');
const table = path.join(data, 'shop', `orders-${ID}`);
const index = path.join(table, '.by_user');
const snapshot = path.join(table, 'snapshots', 'before');

beforeAll(() => {
  for (const id of ['10', '9', '100', ...[...UUIDS].reverse()]) makeSSTable(table, `oa-${id}-big`);
  makeSSTable(index, 'oa-1-big');
  makeSSTable(snapshot, 'oa-7-big');
  makeSSTable(path.join(snapshot, '.by_user'), 'oa-6-big');
  makeSSTable(path.join(table, 'backups'), 'oa-5-big');
  makeSSTable(path.join(data, 'system', `local-${ID}`), 'da-1-bti', ['Data.db', 'Partitions.db', 'Rows.db', 'TOC.txt']);
  fs.writeFileSync(path.join(snapshot, 'manifest.json'), '{"files":["oa-7-big-Data.db"]}');
  fs.mkdirSync(path.join(node, 'commitlog'));
  fs.writeFileSync(path.join(node, 'commitlog', 'CommitLog-8-1.log'), '');
});

function found(...paths: string[]): string[] {
  const { sstables } = resolveSSTables(diskStorage, paths);
  return sstables.map(({ descriptor }) => path.relative(node, path.join(descriptor.directory, descriptor.prefix)));
}

const OWN = ['9', '10', '100', ...UUIDS].map((id) => `data/shop/orders-${ID}/oa-${id}-big`);
const INDEXED = [...OWN, `data/shop/orders-${ID}/.by_user/oa-1-big`];
const SNAPSHOT = ['oa-7-big', '.by_user/oa-6-big'].map((name) => `data/shop/orders-${ID}/snapshots/before/${name}`);

describe('a path leads to SSTables, in order of generation', () => {
  it.each([
    ['the node', node, [...INDEXED, `data/system/local-${ID}/da-1-bti`]],
    ['the data directory', data, [...INDEXED, `data/system/local-${ID}/da-1-bti`]],
    ['a keyspace', path.dirname(table), INDEXED],
    ['a table', table, INDEXED],
    ['a table with a slash', `${table}/`, INDEXED],
    ['an index', index, INDEXED.slice(-1)],
    ['a snapshot', snapshot, SNAPSHOT],
    ['all snapshots', path.dirname(snapshot), SNAPSHOT],
    ['backups', path.join(table, 'backups'), [`data/shop/orders-${ID}/backups/oa-5-big`]],
    ['a component', path.join(table, 'oa-10-big-TOC.txt'), [OWN[1]]],
    ['the name before the component', path.join(table, 'oa-10-big'), [OWN[1]]],
    ['the same with its dash', path.join(table, 'oa-10-big-'), [OWN[1]]],
  ])('%s', (_, given, expected) => expect(found(given)).toEqual(expected));

  it('several, each SSTable once', () => {
    expect(found(table, data, path.join(table, 'oa-9-big-Data.db'))).toEqual(found(data));
    const files = ['oa-100-big-Data.db', 'oa-9-big-Data.db', 'oa-100-big-Index.db'].map((f) => path.join(table, f));
    expect(found(...files)).toEqual([OWN[2], OWN[0]]);
  });

  it('tells what each directory is', () => {
    const { directories } = resolvePaths(diskStorage, [table], { snapshots: true });
    expect(directories.map(({ kind, place }) => [kind, place.table, place.index, place.snapshot])).toEqual([
      ['live', 'orders', undefined, undefined],
      ['live', 'orders', 'by_user', undefined],
      ['backup', 'orders', undefined, undefined],
      ['snapshot', 'orders', undefined, 'before'],
      ['snapshot', 'orders', 'by_user', 'before'],
    ]);
    expect(directories[3]!.snapshotFiles).toEqual(['manifest.json']);
    expect(directories.every((directory) => directory.place.tableId === ID)).toBe(true);
  });

  it('follows links, and loops end', () => {
    const other = temporaryDirectory();
    fs.symlinkSync(table, path.join(other, `orders-${ID}`));
    fs.mkdirSync(path.join(other, 'ks'));
    fs.symlinkSync(other, path.join(other, 'ks', 'loop'));
    expect(resolveSSTables(diskStorage, [other]).sstables).toHaveLength(INDEXED.length);
  });
});

describe('what is passed over is told', () => {
  it('unsupported versions, components without data, temporary and foreign files', () => {
    const directory = path.join(temporaryDirectory(), 'ks', `t-${ID}`);
    makeSSTable(directory, 'oa-1-big');
    makeSSTable(directory, 'oa-2-big', ['Index.db', 'TOC.txt']);
    makeSSTable(directory, 'la-3-big');
    makeSSTable(directory, 'pa-4-big');
    for (const name of [
      'oa-1-big-Statistics.db.tmp',
      'oa-5-big-Data.db.8ad5a3f0-e54e-11f1-98cd-d3aa1f4bbca0.tmp',
      'ks-t-tmp-ka-1-Data.db',
      'notes.md',
      'oa-1-big-Data.db.new',
    ]) {
      fs.writeFileSync(path.join(directory, name), '');
    }
    const { sstables, problems } = resolveSSTables(diskStorage, [directory]);
    expect(sstables.map((s) => s.descriptor.prefix)).toEqual(['oa-1-big']);
    expect(problems.map((p) => [p.kind, path.basename(p.path)])).toEqual([
      ['unsupported', 'la-3-big'],
      ['unsupported', 'pa-4-big'],
      ['orphan', 'oa-2-big'],
    ]);
    expect(problems[0]!.hint).toContain('2.2');
    const [own] = resolvePaths(diskStorage, [directory]).directories;
    expect(own!.temporary).toHaveLength(3);
    expect(own!.foreign).toEqual(['notes.md', 'oa-1-big-Data.db.new']);
  });

  it.each([
    ['under way', false, ['oa-1-big', 'oa-2-big'], 'oa-3-big'],
    ['committed', true, ['oa-3-big'], 'oa-1-big'],
  ])('SSTables that a transaction takes out: %s', (_, isCommitted, expected, leftover) => {
    const directory = path.join(temporaryDirectory(), 'ks', `t-${ID}`);
    for (const id of [1, 2, 3]) makeSSTable(directory, `oa-${id}-big`);
    const newest = (id: number) =>
      Math.max(...fs.readdirSync(directory).filter((n) => n.startsWith(`oa-${id}-`)).map((n) => fs.statSync(path.join(directory, n)).mtimeMs)); // biome-ignore format: one line
    const records = [
      makeFileRecord('ADD', `${directory}/oa-3-big-`, 0, 6),
      makeFileRecord('REMOVE', `${directory}/oa-1-big-`, newest(1), 6),
      makeFileRecord('REMOVE', `${directory}/oa-2-big-`, newest(2), 6),
      ...(isCommitted ? [makeFinalRecord('COMMIT')] : []),
    ];
    const log = 'oa_txn_compaction_8ad5a3f0-e54e-11f1-98cd-d3aa1f4bbca0.log';
    fs.writeFileSync(path.join(directory, log), records.map((record) => `${record.raw}\n`).join(''));
    const { sstables, problems } = resolveSSTables(diskStorage, [directory]);
    expect(sstables.map((s) => s.descriptor.prefix)).toEqual(expected);
    expect(problems[0]).toMatchObject({ kind: 'leftover', path: path.join(directory, leftover) });
    // By name it can be read all the same.
    expect(resolveSSTables(diskStorage, [path.join(directory, `${leftover}-Data.db`)]).sstables).toHaveLength(1);
  });

  it('a directory below the path that may not be read', () => {
    const closed: Storage = {
      ...diskStorage,
      list(directory) {
        if (directory === index) throw new UsageError('permission denied', { file: directory });
        return diskStorage.list(directory);
      },
    };
    const { sstables, problems } = resolveSSTables(closed, [table]);
    expect(sstables).toHaveLength(OWN.length);
    expect(problems).toEqual([{ kind: 'unreadable', path: index, message: 'permission denied' }]);
  });
});

describe('a path that leads nowhere', () => {
  it.each([
    ['is not there', () => path.join(node, 'nope'), /no such file/],
    ['is empty', () => temporaryDirectory(), /no SSTables found/],
    ['has no SSTables', () => temporaryDirectory(), /no SSTables found/],
    ['holds commit logs alone', () => path.join(node, 'commitlog'), /commit log segments.*not read yet/],
    ['is a commit log', () => path.join(node, 'commitlog', 'CommitLog-8-1.log'), /commit log segment/],
    ['is no component', () => path.join(snapshot, 'manifest.json'), /not named like/],
    ['names an SSTable that is not there', () => path.join(table, 'oa-4711-big'), /no such SSTable/],
  ])('%s', (_, given, message) => {
    expect(() => resolveSSTables(diskStorage, [given()])).toThrow(UsageError);
    expect(() => resolveSSTables(diskStorage, [given()])).toThrow(message);
  });

  it('has only snapshots: says where', () => {
    const directory = path.join(temporaryDirectory(), 'ks', `t-${ID}`);
    makeSSTable(path.join(directory, 'snapshots', 'dropped'), 'oa-1-big');
    try {
      resolveSSTables(diskStorage, [directory]);
      expect.unreachable();
    } catch (error) {
      expect((error as LsmctlError).facts.hint).toContain('snapshots');
    }
  });

  it('is itself of an unsupported version', () => {
    const directory = temporaryDirectory();
    makeSSTable(directory, 'la-3-big');
    expect(() => resolveSSTables(diskStorage, [path.join(directory, 'la-3-big-Data.db')])).toThrow(UnsupportedError);
    expect(() => resolveSSTables(diskStorage, [directory])).toThrow(/no SSTables found \(passed over: .*'la'/);
  });
});

it('ten thousand SSTables cost one listing of their directory and a handful of stats', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => ['Data.db', 'Index.db', 'Statistics.db'].map((c) => `oa-${i + 1}-big-${c}`)).flat(); // biome-ignore format: one line
  const counts = { list: 0, stat: 0 };
  const storage: Storage = {
    open: (file) => diskStorage.open(file),
    list() {
      counts.list++;
      return names;
    },
    stat(file) {
      counts.stat++;
      const isDirectory = !file.endsWith('.db');
      return { size: 1, isDirectory, isFile: !isDirectory, mtimeMillis: 0, inode: file, links: 1 };
    },
  };
  const directory = `/data/ks/t-${ID}`;
  expect(resolveSSTables(storage, [directory]).sstables).toHaveLength(10_000);
  expect(counts).toEqual({ list: 1, stat: 2 });
  const files = names.filter((name) => name.endsWith('-Data.db')).map((name) => path.join(directory, name));
  expect(resolveSSTables(storage, files).sstables).toHaveLength(10_000);
  expect(counts.list).toBe(2);
});
