/** What is cleared away by logs, against what Cassandra 5.0.9 deleted (golden/transaction-logs.json), and where lsmctl stops though Cassandra goes on. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { planRecovery, recover } from '../../../src/engine/lifecycle/recovery.js';
import { encodeRecords, makeFileRecord, makeFinalRecord } from '../../../src/engine/lifecycle/transaction-log.js';
import { classifyDirectory } from '../../../src/engine/sstable-directory.js';
import { CrashDisk } from './crash-disk.js';

type Case = {
  readonly name: string;
  readonly base: string;
  readonly files: Readonly<Record<string, number>>;
  readonly logs: Readonly<Record<string, string>>;
  readonly accepted: boolean;
  readonly deleted: readonly string[];
};
const cases = JSON.parse(
  readFileSync(new URL('../../golden/transaction-logs.json', import.meta.url), 'utf8'),
) as readonly Case[];

type Files = Readonly<Record<string, { readonly text?: string | Buffer; readonly mtimeMillis?: number }>>;

function diskOf(files: Files): CrashDisk {
  const image = Object.entries(files).map(([file, { text = 'x', mtimeMillis = 1_700_000_000_000 }]) => {
    return [file, { bytes: Buffer.from(text), mtimeMillis }] as const;
  });
  return new CrashDisk(new Map(image));
}

const filesOf = (disk: CrashDisk) => [...disk.afterCrash('synced', () => 0).keys()].sort();

function run(disk: CrashDisk, directories: readonly string[]) {
  const tables = planRecovery(disk, directories.map((where) => classifyDirectory(where, disk.list(where)))); // biome-ignore format: one line
  for (const table of tables) recover(disk, table);
  return tables;
}

describe('logs as Cassandra takes them', () => {
  const stopped: string[] = [];

  it.each(cases)('$name', (c) => {
    const at = (name: string) => path.join(c.base, name);
    const files: Files = {
      ...Object.fromEntries(Object.entries(c.files).map(([name, mtimeMillis]) => [at(name), { mtimeMillis }])),
      ...Object.fromEntries(
        Object.entries(c.logs).map(([name, text]) => [at(name), { text: Buffer.from(text, 'base64') }]),
      ),
    };
    const disk = diskOf(files);
    const directories = [...new Set(Object.keys(files).map(path.dirname))];
    const tables = run(disk, directories);
    const refusals = tables.flatMap(({ logs }) => logs.flatMap(({ refused }) => refused ?? []));
    if (c.accepted && refusals.length > 0) {
      stopped.push(c.name);
      expect(refusals[0]!.why).toContain('its new SSTables would go, but of an old one only');
    }
    if (!c.accepted || refusals.length > 0) {
      expect(filesOf(disk)).toEqual(Object.keys(files).sort());
      expect(tables.some(({ isRefused }) => isRefused)).toBe(true);
      return;
    }
    // the later steps of a start were not part of what was recorded
    const later = tables.flatMap(({ temporary, orphans }) => [...temporary, ...orphans.flatMap((one) => one.files)]);
    const gone = new Set([...c.deleted.map(at), ...later.map((file) => file.path)]);
    expect(filesOf(disk)).toEqual(Object.keys(files).filter((file) => !gone.has(file)).sort()); // biome-ignore format: one line
  });

  it('but for those by which data would be lost', () => {
    expect(stopped.length).toBeLessThan(10);
    for (const name of stopped) expect(cases.find((c) => c.name === name)!.deleted.length).toBeGreaterThan(1);
  });
});

const HERE = '/data/shop/orders-5a1c395e9f3911e5bd5f3b6f0e6f2c11';
const THERE = HERE.replace('/data', '/other');
const LOG = 'oa_txn_compaction_04c284b0-833b-11ee-9234-56789abcdef0.log';

function sstable(directory: string, id: number): Files {
  const names = ['Data.db', 'Index.db', 'Statistics.db', 'TOC.txt'].map((name) => `${directory}/oa-${id}-big-${name}`);
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function log(directory: string, isCommitted: boolean): string {
  return encodeRecords([
    makeFileRecord('ADD', `${directory}/oa-2-big-`, 0, 4),
    makeFileRecord('REMOVE', `${directory}/oa-1-big-`, 1_700_000_000_000, 4),
    ...(isCommitted ? [makeFinalRecord('COMMIT')] : []),
  ]);
}

describe('planRecovery', () => {
  it('has nothing to say of a sound directory, a snapshot or a backup', () => {
    const files = { ...sstable(HERE, 1), ...sstable(`${HERE}/snapshots/a`, 1), ...sstable(`${HERE}/backups`, 1) };
    const leftovers = { [`${HERE}/snapshots/a/${LOG}`]: { text: log(HERE, true) }, [`${HERE}/backups/x.tmp`]: {} };
    const disk = diskOf({ ...files, ...leftovers });
    expect(run(disk, [HERE, `${HERE}/snapshots/a`, `${HERE}/backups`])).toEqual([]);
    expect(filesOf(disk)).toHaveLength(14);
  });

  it('removes temporary files and components without data, too', () => {
    const extra = ['oa-1-big-Statistics.db.tmp', 'oa-5-big-Filter.db', 'oa-6-big-Index.db', 'oa-6-big-Data.db'];
    const disk = diskOf({
      ...sstable(HERE, 1),
      ...Object.fromEntries(extra.map((name) => [`${HERE}/${name}`, { text: name.endsWith('Data.db') ? '' : 'x' }])),
      [`${HERE}/notes.txt`]: {},
    });
    const [table] = run(disk, [HERE]);
    expect(table!.doomed.map((file) => path.basename(file.path)).sort()).toEqual([...extra].sort());
    expect(table!.orphans.map(({ why }) => why)).toEqual(['no Data.db', 'empty Data.db']);
    expect(filesOf(disk)).toEqual([...Object.keys(sstable(HERE, 1)), `${HERE}/notes.txt`].sort());
  });

  it('takes the log of a copied directory for the copy, and says that a start would not', () => {
    const files = { ...sstable(HERE, 1), ...sstable(HERE, 2), ...sstable(THERE, 1), ...sstable(THERE, 2) };
    for (const isCommitted of [false, true]) {
      const disk = diskOf({ ...files, [`${HERE}/${LOG}`]: { text: log(THERE, isCommitted) } });
      const [table] = run(disk, [HERE]);
      expect(table!.logs[0]!.recordedElsewhere).toEqual([THERE]);
      const left = { ...sstable(HERE, isCommitted ? 2 : 1), ...sstable(THERE, 1), ...sstable(THERE, 2) };
      expect(filesOf(disk)).toEqual(Object.keys(left).sort());
    }
  });

  it('touches no file of a directory that was not given', () => {
    const disk = diskOf({ ...sstable(HERE, 9), ...sstable(THERE, 1), [`${HERE}/${LOG}`]: { text: log(THERE, true) } });
    const before = filesOf(disk);
    const [table] = run(disk, [HERE]);
    expect(table!.logs[0]!.refused!.why).toContain(`a directory that was not given: ${THERE}/oa-1-big-`);
    expect(filesOf(disk)).toEqual(before);
    run(disk, [HERE, THERE]);
    expect(filesOf(disk)).toEqual(Object.keys(sstable(HERE, 9)).sort());
  });

  it('does not remove new SSTables where the old are not whole', () => {
    const files: Files = { ...sstable(HERE, 1), ...sstable(HERE, 2), [`${HERE}/${LOG}`]: { text: log(HERE, false) } };
    const { [`${HERE}/oa-1-big-Index.db`]: _, ...rest } = files;
    const disk = diskOf(rest);
    const [table] = run(disk, [HERE]);
    expect(table!.logs[0]!.refused!.why).toContain('only 3 of 4 files are there');
    expect(filesOf(disk)).toEqual(Object.keys(rest).sort());
  });
});
