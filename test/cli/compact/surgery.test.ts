/** compact relevel, reset-level, set-repaired and split, within this process; on copies of the fixtures. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { errorText, reportOf } from '../../../src/cli/exit.js';
import { runRelevel, runResetLevel, runSetRepaired, type SurgeryResult } from '../../../src/cli/surgery/run.js';
import { runSplit, type SplitFlags } from '../../../src/cli/surgery/split.js';
import { COMPONENT, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { readStatistics } from '../../../src/sstable/statistics.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = Number(fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8'));
const WRITE = { now: NOW, 'dry-run': false, yes: true };
const DRY = { ...WRITE, 'dry-run': true, yes: false };

type Ran = { readonly exitCode: number; readonly document: Document; readonly text: string; readonly told: string };
type Document = {
  readonly schema: string;
  readonly outcome: string;
  readonly tables: readonly {
    readonly changes: readonly object[];
    readonly levels: readonly { readonly after: { readonly sstables: number } }[];
    readonly snapshot?: string;
    readonly split: readonly { readonly file: string; readonly outputs: readonly { readonly file: string }[] }[];
    readonly left: readonly object[];
  }[];
};

/** @param run is given the stage */
async function ran(run: (stage: Parameters<typeof runRelevel>[2]) => Promise<SurgeryResult>): Promise<Ran> {
  let text = '';
  let told = '';
  const { document, exitCode } = await run({
    show: (shown) => {
      text += shown;
    },
    tell: (line) => {
      told += `${line}\n`;
    },
    width: 80,
    isQuiet: true,
  });
  return { exitCode, document: document as Document, text, told };
}

async function failure(run: Promise<unknown>): Promise<{ code: number; text: string }> {
  const report = await run.then(
    () => {
      throw new Error('did not fail');
    },
    (error: unknown) => reportOf(error),
  );
  return { code: report.exitCode, text: errorText(report) };
}

/** A data directory with these tables and the schema alone, that may be written to. */
function copyOf(...names: string[]): { data: string; tables: string[] } {
  const data = path.join(temporaryDirectory(), 'data');
  fs.cpSync(path.join(DATA, 'system_schema'), path.join(data, 'system_schema'), { recursive: true });
  const tables = names.map((name) => {
    const [keyspace, table] = name.split('/') as [string, string];
    const directory = fs.readdirSync(path.join(DATA, keyspace)).find((one) => one.startsWith(`${table}-`))!;
    const to = path.join(data, keyspace, directory);
    fs.cpSync(path.join(DATA, keyspace, directory), to, { recursive: true, preserveTimestamps: true });
    return to;
  });
  return { data, tables };
}

/** Names and bytes of all files below. */
function stateOf(directory: string): string[] {
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => fs.statSync(path.join(directory, name)).isFile());
  return files.map((name) => `${name} ${fs.readFileSync(path.join(directory, name), 'base64')}`);
}

function dataFiles(directory: string): string[] {
  const names = fs.readdirSync(directory).filter((name) => name.endsWith('-Data.db'));
  return names.map((name) => path.join(directory, name));
}

function statsOf(directory: string) {
  return dataFiles(directory).map((file) => readStatistics(diskStorage, parseDescriptor(file).descriptor).stats);
}

const levelsOf = (directory: string) => statsOf(directory).map(({ sstableLevel }) => sstableLevel);
const repairsOf = (directory: string) => statsOf(directory).map(({ repairedAtMillis }) => repairedAtMillis);

describe('compact relevel', () => {
  it('shows what the tool shows, what levels hold and what changes; a dry run writes nothing and is a finding', async () => {
    const { tables, data } = copyOf('zoo/leveled');
    const before = stateOf(data);
    const { exitCode, document, text } = await ran((stage) => runRelevel(tables, DRY, stage));
    expect(text).toBe(`For sstables in ${tables[0]}:
Current leveling:
L0=2
Potential leveling:
L0=1
L1=1

level  SSTables  after  Data.db  after  may hold
L0            2      1    166 B   83 B
L1            0      1      0 B   83 B  5.00 MiB

SSTable   level  after
oa-2-big  L0     L1
1 of 2 SSTables to change
`);
    expect(exitCode).toBe(1);
    expect(document).toMatchObject({ schema: 'lsmctl.compact-relevel', outcome: 'dry-run' });
    expect(stateOf(data)).toEqual(before);
  });

  it('writes Statistics.db alone, and finds nothing to do the second time', async () => {
    const { tables, data } = copyOf('zoo/leveled');
    const before = new Set(stateOf(data));
    const first = await ran((stage) => runRelevel(tables, WRITE, stage));
    expect([first.exitCode, first.document.outcome]).toEqual([0, 'done']);
    expect(first.told).toMatch(/1 SSTable changed/);
    expect(levelsOf(tables[0]!)).toEqual([0, 1]);
    const changed = stateOf(data).filter((file) => !before.has(file));
    expect(changed.map((file) => file.split(' ')[0]!.split('/').at(-1))).toEqual(['oa-2-big-Statistics.db']);
    const second = await ran((stage) => runRelevel(tables, WRITE, stage));
    expect([second.exitCode, second.document.outcome]).toEqual([0, 'unchanged']);
  });

  it('does leveled tables, tells of others, and refuses where there are none, or not all SSTables of one', async () => {
    const { tables, data } = copyOf('zoo/leveled', 'zoo/statics');
    const both = await ran((stage) => runRelevel([path.join(data, 'zoo')], DRY, stage));
    expect(both.document.tables).toHaveLength(1);
    expect(both.told).toMatch(/statics-\w+: left as it is: it is not leveled but has SizeTieredCompactionStrategy/);
    const none = await failure(ran((stage) => runRelevel([tables[1]!], WRITE, stage)));
    expect(none.text).toMatch(/statics-\w+: it is not leveled but has SizeTieredCompactionStrategy/);
    expect(none.code).toBe(4);
    const some = await failure(ran((stage) => runRelevel(dataFiles(tables[0]!).slice(0, 1), WRITE, stage)));
    expect(some.text).toMatch(/all SSTables of a table are leveled together/);
    expect(some.code).toBe(2);
  });
});

describe('compact reset-level', () => {
  it('puts what is not on level 0 there, of a table or of one SSTable', async () => {
    const { tables } = copyOf('shop/sensors');
    expect(levelsOf(tables[0]!)).toEqual([1, 0]);
    const [high, low] = dataFiles(tables[0]!);
    const none = await ran((stage) => runResetLevel([low!], WRITE, stage));
    expect([none.exitCode, none.document.outcome]).toEqual([0, 'unchanged']);
    const { exitCode, text } = await ran((stage) => runResetLevel([high!], WRITE, stage));
    expect(exitCode).toBe(0);
    expect(text).toMatch(/oa-3-big {2}L1 {5}L0/);
    expect(levelsOf(tables[0]!)).toEqual([0, 0]);
  });
});

describe('compact set-repaired', () => {
  it('takes the time of each Data.db, one time for all, or the mark away', async () => {
    const { tables } = copyOf('zoo/repaired');
    const [table] = tables as [string];
    const times = dataFiles(table).map((file, i) => {
      fs.utimesSync(file, 0, 1_717_243_200 + i);
      return (1_717_243_200 + i) * 1000;
    });
    await ran((stage) => runSetRepaired(tables, { ...WRITE, repaired: true }, stage));
    expect(repairsOf(table)).toEqual(times);
    const { text } = await ran((stage) => runSetRepaired(tables, { ...WRITE, 'repaired-at': 1_700_000_000 }, stage));
    expect(text).toMatch(/oa-2-big {2}2024-06-01T12:00:01Z {2}2023-11-14T22:13:20Z/);
    expect(repairsOf(table)).toEqual(times.map(() => 1_700_000_000_000));
    await ran((stage) => runSetRepaired(tables, { ...WRITE, unrepaired: true }, stage));
    expect(repairsOf(table)).toEqual(times.map(() => 0));
    const again = await ran((stage) => runSetRepaired(tables, { ...WRITE, unrepaired: true }, stage));
    expect([again.exitCode, again.text]).toEqual([0, 'nothing to change in 1 table\n']);
  });

  const unclear: [string, object, RegExp][] = [
    ['nothing', {}, /what to set is not said/],
    ['two things', { repaired: true, unrepaired: true }, /only one can be set/],
    ['a time that is none', { 'repaired-at': 0 }, /a time after 1970/],
  ];
  it.each(unclear)('refuses %s', async (_, flags, message) => {
    const { tables } = copyOf('zoo/repaired');
    const { text, code } = await failure(ran((stage) => runSetRepaired(tables, { ...WRITE, ...flags }, stage)));
    expect(text).toMatch(message);
    expect(code).toBe(2);
  });
});

describe('before anything is written', () => {
  it('a question must be answered', async () => {
    const { tables, data } = copyOf('zoo/leveled');
    const before = stateOf(data);
    const { text, code } = await failure(ran((stage) => runRelevel(tables, { ...WRITE, yes: false }, stage)));
    expect(text).toMatch(/there is no terminal to ask: Write the Statistics\.db of 1 SSTable anew\?/);
    expect(code).toBe(2);
    expect(stateOf(data)).toEqual(before);
  });

  it('an unfinished transaction is refused, by a dry run told', async () => {
    const { tables, data } = copyOf('zoo/leveled');
    const log = 'oa_txn_compaction_1f2e3d40-8c5e-11ef-8000-0123456789ab.log';
    fs.writeFileSync(path.join(tables[0]!, log), '');
    const before = stateOf(data);
    const { text, code } = await failure(ran((stage) => runRelevel(tables, WRITE, stage)));
    expect(text).toMatch(/is the log of a transaction that did not end/);
    expect(code).toBe(4);
    const dry = await ran((stage) => runRelevel(tables, DRY, stage));
    expect(dry.told).toMatch(/would be refused: .*\.log: is the log of a transaction/);
    expect(stateOf(data)).toEqual(before);
  });

  it('tables in which nothing changes are not asked', async () => {
    const { tables, data } = copyOf('shop/sensors', 'shop/carts');
    const log = path.join(tables[1]!, 'oa_txn_compaction_1f2e3d40-8c5e-11ef-8000-0123456789ab.log');
    fs.writeFileSync(log, '');
    const { document } = await ran((stage) => runResetLevel([path.join(data, 'shop')], WRITE, stage));
    expect([document.outcome, document.tables.length]).toEqual(['done', 2]);
  });

  it('a damaged Statistics.db stops all', async () => {
    const { tables, data } = copyOf('zoo/repaired');
    const file = dataFiles(tables[0]!)[2]!.replace('Data.db', COMPONENT.statistics);
    const bytes = fs.readFileSync(file);
    bytes[200]! ^= 1;
    fs.writeFileSync(file, bytes);
    const before = stateOf(data);
    const { code } = await failure(ran((stage) => runSetRepaired(tables, { ...WRITE, repaired: true }, stage)));
    expect(code).toBe(3);
    expect(stateOf(data)).toEqual(before);
  });
});

describe('compact split', () => {
  const FLAGS: SplitFlags = { ...WRITE, size: 0.01, 'no-snapshot': false, 'drop-indexes': false };

  function rowsOf(directory: string): number {
    return statsOf(directory).reduce((sum, { totalRows }) => sum + totalRows, 0);
  }

  it('writes each large SSTable anew as several, leaves small ones, and keeps links of the old', async () => {
    const { tables } = copyOf('zoo/many');
    const [table] = tables as [string];
    const rows = rowsOf(table);
    const files = dataFiles(table);
    const large = files.filter((file) => fs.statSync(file).size > 0.01 * 2 ** 20);
    expect(large.length).toBeGreaterThan(0);
    const inodes = new Set(large.map((file) => fs.statSync(file).ino));
    const { exitCode, document, text } = await ran((stage) => runSplit(tables, FLAGS, stage));
    expect(exitCode).toBe(0);
    const [one] = document.tables;
    expect(one!.split.map(({ file }) => file)).toEqual(large);
    expect(one!.left).toHaveLength(files.length - large.length);
    for (const { outputs } of one!.split) expect(outputs.length).toBeGreaterThan(1);
    expect(dataFiles(table).sort()).toEqual([...files.filter((file) => !large.includes(file)), ...one!.split.flatMap(({ outputs }) => outputs.map(({ file }) => file))].sort()); // biome-ignore format: one line
    expect(rowsOf(table)).toBe(rows);
    expect(levelsOf(table).every((level) => level === 0)).toBe(true);
    for (const file of dataFiles(table)) (await openSSTable(diskStorage, file)).close();
    expect(one!.snapshot).toBe(path.join(table, 'snapshots', `pre-split-${NOW * 1000}`));
    expect(new Set(dataFiles(one!.snapshot!).map((file) => fs.statSync(file).ino))).toEqual(inodes);
    expect(text).toMatch(/SSTable +Data\.db +becomes\noa-\d+-big +[\d.]+ KiB +~\d+\n/);
    for (const line of text.split('\n')) if (!line.includes(table)) expect(line.length).toBeLessThanOrEqual(80);
    expect(fs.readdirSync(table).filter((name) => /\.(log|tmp|lock)$/.test(name))).toEqual([]);
  });

  it('a dry run counts what would come out; --output leaves the inputs; both find the same', async () => {
    const { tables, data } = copyOf('zoo/many');
    const before = stateOf(data);
    const dry = await ran((stage) => runSplit(tables, { ...FLAGS, 'dry-run': true }, stage));
    expect([dry.exitCode, dry.document.outcome]).toEqual([1, 'dry-run']);
    const output = path.join(temporaryDirectory(), 'out');
    const aside = await ran((stage) => runSplit(tables, { ...FLAGS, output }, stage));
    expect(aside.document.outcome).toBe('done');
    expect(stateOf(data)).toEqual(before);
    const counts = ({ document }: Ran) => document.tables[0]!.split.map(({ outputs }) => outputs.length);
    expect(counts(dry)).toEqual(counts(aside));
    expect(dataFiles(path.join(output, 'zoo', path.basename(tables[0]!)))).toHaveLength(counts(aside).reduce((a, b) => a + b, 0)); // biome-ignore format: one line
  });

  it('takes no snapshot where none is wanted, and finds nothing to do where all is small', async () => {
    const { tables, data } = copyOf('zoo/many');
    const before = stateOf(data);
    const none = await ran((stage) => runSplit(tables, { ...FLAGS, size: 50 }, stage));
    expect([none.exitCode, none.document.outcome, none.text]).toEqual([0, 'unchanged', 'nothing is larger than 50.0 MiB in 1 table\n']); // biome-ignore format: one line
    expect(stateOf(data)).toEqual(before);
    await ran((stage) => runSplit(tables, { ...FLAGS, 'no-snapshot': true }, stage));
    expect(fs.existsSync(path.join(tables[0]!, 'snapshots'))).toBe(false);
  });

  it('a damaged input leaves the table as it was', async () => {
    const { tables, data } = copyOf('zoo/many');
    const file = dataFiles(tables[0]!).reduce((a, b) => (fs.statSync(a).size > fs.statSync(b).size ? a : b));
    const bytes = fs.readFileSync(file);
    bytes[Math.floor(bytes.length * 0.9)]! ^= 1;
    fs.writeFileSync(file, bytes);
    const before = stateOf(data);
    const flags = { ...FLAGS, 'no-snapshot': true };
    const { code } = await failure(ran((stage) => runSplit([file], flags, stage)));
    expect(code).toBe(3);
    expect(stateOf(data)).toEqual(before);
  });
});
