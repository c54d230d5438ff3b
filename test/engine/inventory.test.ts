import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/bytes/errors.js';
import { CountingStorage, diskStorage, type Storage } from '../../src/bytes/source.js';
import { EMPTY_SCHEMA, type Schema, type Table } from '../../src/cql/schema.js';
import { resolvePaths } from '../../src/engine/data-directory.js';
import { type InventoryOptions, type InventoryTable, takeInventory } from '../../src/engine/inventory.js';
import { isWrong } from '../../src/engine/inventory-finding.js';
import { isMeasured } from '../../src/engine/inventory-sstable.js';
import { makeFileRecord } from '../../src/engine/lifecycle/transaction-log.js';
import { inventoryText } from '../../src/render/inventory.js';
import { CORPUS, corpusFiles, hasCorpus, KITCHENS, readCorpus } from '../corpus.js';
import { corrupt } from '../corrupt.js';
import { fixtureSSTables } from '../fixtures.js';
import { linkAll, makeSSTable, temporaryDirectory } from './directories.js';

const ID = '1b6e4fa0e54e11f198cdd3aa1f4bbca0';
const UUID = '1b6e4fa0-e54e-11f1-98cd-d3aa1f4bbca0';

function inventoryOf(paths: readonly string[], options: InventoryOptions = {}) {
  return takeInventory(diskStorage, resolvePaths(diskStorage, paths, { snapshots: true }), options);
}

function schemaWith(name: string, id: string): Schema {
  const table: Table = {
    keyspace: 'ks',
    name,
    id,
    flags: ['compound'],
    columns: [],
    options: { compaction: { class: 'org.apache.cassandra.db.compaction.LeveledCompactionStrategy' } },
    droppedColumns: [],
    indexes: [],
    triggers: [],
  };
  const empty = { types: [], functions: [], aggregates: [], views: [] };
  return { ...EMPTY_SCHEMA, keyspaces: [{ name: 'ks', ...empty, tables: [table] }] };
}

describe.skipIf(!hasCorpus())('the kitchens', () => {
  it.each(KITCHENS)('%s: nothing looks wrong, and Data.db is not opened', (kitchen) => {
    const counting = new CountingStorage();
    const root = path.join(CORPUS, kitchen, 'data');
    const inventory = takeInventory(counting, resolvePaths(counting, [root], { snapshots: true }));
    expect(counting.opened.filter((name) => /Data\.db$|Index\.db$|Partitions\.db$|Filter\.db$/.test(name))).toEqual([]);
    expect(counting.opened.some((name) => name.endsWith('-Statistics.db'))).toBe(true);
    expect(inventory.findings).toEqual([]);
    expect(inventory.hiddenKeyspaces).toEqual(['system_schema']);
    expect(inventory.totals.unmeasured).toBe(0);
  });

  it.each(KITCHENS)('%s: figures of each SSTable are those of sstablemetadata', (kitchen) => {
    const { keyspaces } = inventoryOf([path.join(CORPUS, kitchen, 'data')]);
    const sstables = keyspaces.flatMap((keyspace) => keyspace.tables).flatMap((table) => table.sstables);
    const golden = new Map(
      corpusFiles('.metadata.txt', [`${kitchen}/golden`]).map((file) => [
        path.relative(`${kitchen}/golden`, file),
        file,
      ]),
    );
    let compared = 0;
    for (const sstable of sstables) {
      const file = golden.get(`${path.basename(sstable.directory)}/${sstable.name}.metadata.txt`);
      if (!file || !isMeasured(sstable.statistics)) continue;
      const text = readCorpus(file).toString();
      const field = (name: string) => new RegExp(`^${name}: (?:.*\\()?(-?[0-9]+)\\)?$`, 'm').exec(text)?.[1];
      const { level, rows, cells, minTimestampMicros, maxTimestampMicros } = sstable.statistics;
      expect([level, rows, cells].map(String)).toEqual([field('SSTable Level'), field('totalRows'), field('totalColumnsSet')]); // biome-ignore format: one line
      expect(String(minTimestampMicros)).toBe(field('Minimum timestamp'));
      expect(String(maxTimestampMicros)).toBe(field('Maximum timestamp'));
      compared++;
    }
    expect(compared).toBe(sstables.length);
    expect(compared).toBeGreaterThan(60);
  });

  it('text fits 80 columns but for paths', () => {
    const root = path.join(CORPUS, 'public');
    const inventory = inventoryOf([root]);
    const kinds = new Set(inventory.findings.filter(isWrong).map((finding) => finding.kind));
    expect(kinds).toEqual(new Set(['unsupported', 'empty-component', 'missing-component', 'unnamed-component', 'damaged'])); // biome-ignore format: one line
    for (const sstables of [false, true]) {
      const lines = inventoryText(inventory, { root, sstables }).split('\n');
      expect(lines.filter((line) => line.length > 80 && !/\/|^ {2}\S+$|^ {4}\S+$/.test(line))).toEqual([]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is the point
      expect(lines.join('\n')).not.toMatch(/\u001b/);
    }
  });

  it('a table that Cassandra wrote', () => {
    const kitchen = path.join(CORPUS, 'kitchen-oa-1', 'data');
    const text = inventoryText(inventoryOf([kitchen], { keyspace: 'kitchen', table: 'wide' }), { root: kitchen, sstables: true }); // biome-ignore format: one line
    expect(text).toContain('~5 partitions'); // 5 keys, some in several of three SSTables
    expect(text).toMatch(/oa-1-big +0 +\d+ KiB +\d+ KiB +~3 +\S+ +no\n {6}written 20\d\d-/);
    expect(text).toContain('nothing looks wrong');
  });
});

describe('snapshots and backups', () => {
  const data = temporaryDirectory();
  const table = path.join(data, 'ks', `t-${ID}`);
  const tag = (name: string) => path.join(table, 'snapshots', name);
  makeSSTable(table, 'oa-1-big', ['Data.db']); // 10 bytes
  makeSSTable(table, 'oa-2-big', ['Data.db', 'Index.db']); // 20 bytes, only in snapshots later
  linkAll(table, tag('old'));
  linkAll(tag('old'), tag('older'));
  for (const name of ['oa-2-big-Data.db', 'oa-2-big-Index.db']) fs.unlinkSync(path.join(table, name));
  makeSSTable(tag('old'), 'oa-3-big', ['Data.db']); // 10 bytes of its own
  makeSSTable(path.join(table, 'backups'), 'oa-4-big', ['Data.db']);
  fs.linkSync(path.join(table, 'backups', 'oa-4-big-Data.db'), path.join(temporaryDirectory(), 'elsewhere'));

  it('bytes are unique or shared by inode', () => {
    const { keyspaces, snapshots } = inventoryOf([data]);
    const own = keyspaces[0]!.tables[0]!.snapshots;
    const usage = new Map(own.map((snapshot) => [snapshot.tag ?? snapshot.kind, Object.values(snapshot.usage)]));
    // total, unique, with live, with others, elsewhere
    expect(usage.get('old')).toEqual([40, 10, 10, 20, 0]);
    expect(usage.get('older')).toEqual([30, 0, 10, 20, 0]);
    expect(usage.get('backup')).toEqual([10, 0, 0, 0, 10]);
    expect(snapshots.map((snapshot) => [snapshot.tag, snapshot.tables, snapshot.sstables])).toEqual([
      [undefined, 1, 1],
      ['old', 1, 3],
      ['older', 1, 2],
    ]);
    expect(keyspaces[0]!.tables[0]!.totals.diskBytes).toBe(10);
  });

  it('are shown with what removing them frees', () => {
    const text = inventoryText(inventoryOf([data]), { root: data, snapshots: true });
    expect(text).toMatch(/^ {2}old +1 +40 B +10 B +10 B +20 B +0$/m);
    expect(text).toMatch(/^ {2}ks\.t$/m);
  });

  it('a manifest that names what is not there', () => {
    fs.writeFileSync(path.join(tag('old'), 'manifest.json'), '{"files":["oa-1-big-Data.db","oa-9-big-Data.db"]}');
    fs.writeFileSync(path.join(tag('older'), 'manifest.json'), '{"files":');
    const found = inventoryOf([data]).findings.filter((finding) => finding.path.endsWith('manifest.json'));
    expect(found.map(({ kind, message }) => [kind, message])).toEqual([
      ['incomplete-snapshot', 'names 1 of 2 files that are not there: oa-9-big-Data.db'],
      ['damaged', 'is not JSON'],
    ]);
  });

  it('of a table that is given alone are its SSTables', () => {
    expect(inventoryOf([tag('old')]).totals.sstables).toBe(3);
  });
});

describe('what looks wrong', () => {
  function kindsOf(make: (directory: string) => void, options: InventoryOptions = {}): string[] {
    const data = temporaryDirectory();
    const directory = path.join(data, 'ks', `t-${ID}`);
    fs.mkdirSync(directory, { recursive: true });
    make(directory);
    const { findings } = inventoryOf([data], options);
    // Statistics.db of hand-made SSTables is no such thing.
    return findings.filter((f) => f.kind !== 'damaged').map((f) => `${f.kind} ${path.basename(f.path)}`);
  }
  const in_ =
    (name: string, text = '') =>
    (directory: string) =>
      fs.writeFileSync(path.join(directory, name), text);
  const sound = (directory: string) => makeSSTable(directory, 'oa-1-big');

  it.each<[string, (directory: string) => void, string[]]>([
    ['nothing', () => {}, []],
    [
      'a required component missing',
      (d) => fs.rmSync(path.join(d, 'oa-1-big-Index.db')),
      ['missing-component oa-1-big-Index.db'],
    ],
    [
      'a component that TOC.txt names missing',
      (d) => fs.rmSync(path.join(d, 'oa-1-big-Filter.db')),
      ['missing-component oa-1-big-Filter.db'],
    ],
    ['a component that TOC.txt does not name', in_('oa-1-big-CRC.db', 'x'), ['unnamed-component oa-1-big-CRC.db']],
    ['an empty component', in_('oa-1-big-Filter.db'), ['empty-component oa-1-big-Filter.db']],
    ['no TOC.txt', (d) => fs.rmSync(path.join(d, 'oa-1-big-TOC.txt')), ['no-toc oa-1-big-TOC.txt']],
    ['no Data.db', (d) => fs.rmSync(path.join(d, 'oa-1-big-Data.db')), ['orphan oa-1-big']],
    ['a temporary file', in_('oa-1-big-Summary.db.tmp'), ['temporary oa-1-big-Summary.db.tmp']],
    ['an older version', (d) => makeSSTable(d, 'la-1-big'), ['unsupported la-1-big']],
    ['a foreign file', in_('README'), ['foreign README']],
  ])('%s', (_, change, expected) => {
    expect(kindsOf((directory) => { sound(directory); change(directory); })).toEqual(expected); // biome-ignore format: one line
  });

  it('a transaction that did not finish, and one that does not hold', () => {
    const log = 'oa_txn_compaction_8ad5a3f0-e54e-11f1-98cd-d3aa1f4bbca0.log';
    const add = (directory: string) => makeFileRecord('ADD', `${directory}/oa-1-big-`, 0, 6).raw;
    const unfinished = kindsOf((d) => { sound(d); in_(log, `${add(d)}\n`)(d); }); // biome-ignore format: one line
    expect(unfinished).toEqual([`transaction ${log}`, 'leftover oa-1-big']);
    const broken = kindsOf((d) => { sound(d); in_(log, `rubbish\n${add(d)}\n`)(d); }); // biome-ignore format: one line
    expect(broken).toEqual([`transaction ${log}`]);
  });

  it('a directory whose table is not in a whole schema', () => {
    const kinds = (schema: Schema, schemaIsWhole = true) => kindsOf(sound, { schema, schemaIsWhole });
    expect(kinds(schemaWith('t', UUID))).toEqual([]);
    const dropped = [`dropped-table t-${ID}`];
    expect(kinds(schemaWith('t', UUID.replace('1b', '1c')))).toEqual(dropped);
    expect(kinds(schemaWith('other', UUID))).toEqual(dropped);
    expect(kinds(EMPTY_SCHEMA)).toEqual(dropped);
    expect(kinds(EMPTY_SCHEMA, false)).toEqual([]);
  });

  it('damaged Statistics.db leaves its figures unmeasured, never 0', () => {
    const data = temporaryDirectory();
    makeSSTable(path.join(data, 'ks', `t-${ID}`), 'oa-1-big');
    const inventory = inventoryOf([data], { schema: schemaWith('t', UUID) });
    const [table] = inventory.keyspaces[0]!.tables;
    expect(isMeasured(table!.sstables[0]!.statistics)).toBe(false);
    expect(table!.totals.unmeasured).toBe(1);
    expect(inventoryText(inventory)).toMatch(/^ {2}t +LCS +1 +\S+ B +unmeasured +unmeasured +unmeasured$/m);
  });
});

describe('SSTables of versions that are not read', () => {
  const data = temporaryDirectory();
  const table = path.join(data, 'ks', `t-${ID}`);
  makeSSTable(table, 'la-1-big', ['Data.db', 'Index.db']);
  makeSSTable(table, 'ks-t-ka-2', ['Data.db', 'Index.db', 'Statistics.db']);
  makeSSTable(table, 'ms-3-big', ['Data.db']);
  fs.mkdirSync(path.join(table, 'snapshots'));
  linkAll(table, path.join(table, 'snapshots', 's'));
  const inventory = inventoryOf([data], { schema: schemaWith('t', UUID) });

  it('count with the sizes of their files, and with nothing else', () => {
    const [{ sstables, totals, snapshots }] = inventory.keyspaces[0]!.tables as [InventoryTable];
    const seen = sstables.map(({ name, version, format, id, diskBytes }) => [name, version, format, id, diskBytes]);
    expect(seen).toEqual([
      ['ks-t-ka-2', 'ka', 'big', '2', 30],
      ['la-1-big', 'la', 'big', '1', 20],
      ['ms-3-big', 'ms', 'big', '3', 10],
    ]);
    for (const { statistics, uncompressedBytes } of sstables) {
      expect(statistics).toEqual({ unmeasured: expect.stringMatching(/SSTable version '..' .*is not supported/) });
      expect(isMeasured(uncompressedBytes)).toBe(false);
    }
    expect(totals).toMatchObject({ sstables: 3, unmeasured: 3, diskBytes: 60 });
    expect(snapshots.map((snapshot) => snapshot.sstables)).toEqual([3]);
  });

  it('are shown so, each version with its own hint', () => {
    const text = inventoryText(inventory, { root: data });
    expect(text).toMatch(/^ks: 1 table, 3 SSTables, 60 B$/m);
    expect(text).toMatch(/^ {2}t +LCS +3 +60 B +unmeasured +unmeasured +unmeasured$/m);
    expect(text).toMatch(/la-1-big\n.*la.*\n +→ .*2\.2.*\n(.*\n)*.*ms-3-big\n.*\n +→ ScyllaDB/);
    const listed = inventoryText(inventory, { root: data, sstables: true });
    expect(listed).toMatch(/60 B on disk,\s+without 3 SSTables that could not be read$/m);
    expect(listed).not.toMatch(/ 0 partitions| 0 B /);
  });
});

describe('filters', () => {
  const data = temporaryDirectory();
  for (const [keyspace, table] of [['ks', 'a'], ['ks', 'b'], ['system', 'local']]) makeSSTable(path.join(data, keyspace!, `${table}-${ID}`), 'oa-1-big'); // biome-ignore format: one line
  const tablesOf = (options: InventoryOptions, paths = [data]) =>
    inventoryOf(paths, options).keyspaces.flatMap((keyspace) => keyspace.tables.map((table) => table.table));

  it('leave keyspaces, tables and what is not system', () => {
    expect(tablesOf({})).toEqual(['a', 'b']);
    expect(tablesOf({ system: true })).toEqual(['a', 'b', 'local']);
    expect(tablesOf({ keyspace: 'system' })).toEqual(['local']);
    expect(tablesOf({ table: 'b' })).toEqual(['b']);
    expect(tablesOf({}, [path.join(data, 'system')])).toEqual(['local']);
    expect(inventoryText(inventoryOf([data]))).toContain('1 system keyspace hidden (--system)');
  });

  it('that leave nothing say what there is', () => {
    expect(() => tablesOf({ keyspace: 'nope' })).toThrow(UsageError);
    expect(() => tablesOf({ keyspace: 'ks', table: 'nope' })).toThrow('no table nope here');
  });
});

describe('what is told of components', () => {
  const FILE = fixtureSSTables().find(({ name }) => name.startsWith('oa-5.0/data/zoo/c_lz4_4k-'))!.file;
  const findingsOf = (storage: Storage) => takeInventory(storage, resolvePaths(storage, [FILE])).findings;

  it('not to be allowed to look is no damage', () => {
    const storage: Storage = {
      ...diskStorage,
      open(file) {
        if (file.endsWith('-Statistics.db')) throw new UsageError('permission denied', { file });
        return diskStorage.open(file);
      },
    };
    expect(findingsOf(storage)).toEqual([
      expect.objectContaining({ kind: 'unreadable', path: FILE.replace('Data.db', 'Statistics.db') }),
    ]);
  });

  it('a file that vanishes between listing and reading is no damage', () => {
    const storage: Storage = {
      ...diskStorage,
      open: (file) => diskStorage.open(file.endsWith('-Statistics.db') ? `${file}.gone` : file),
    };
    expect(findingsOf(storage)).toEqual([
      expect.objectContaining({ kind: 'unreadable', message: expect.stringContaining('no such file') }),
    ]);
  });

  it('a Data.db cut within its last chunks is found by its size alone', () => {
    expect(findingsOf(diskStorage)).toEqual([]);
    const length = Math.floor(fs.statSync(FILE).size / 2);
    expect(findingsOf(corrupt(FILE, { kind: 'cut', length }))).toEqual([
      expect.objectContaining({ kind: 'damaged', path: FILE, offset: length }),
    ]);
  });

  it('a list of chunks that is cut short is found', () => {
    const file = FILE.replace('Data.db', 'CompressionInfo.db');
    expect(findingsOf(corrupt(file, { kind: 'cut', length: fs.statSync(file).size - 1 }))).toEqual([
      expect.objectContaining({ kind: 'damaged', path: file }),
    ]);
  });
});
