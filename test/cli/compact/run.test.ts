import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { parseDescriptor, splitName } from '../../../src/sstable/descriptor.js';
import { readStatistics } from '../../../src/sstable/statistics.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { type CliResult, runCli } from '../../run-cli.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8').trim();
const TABLE = table('zoo/statics');

type Output = {
  file: string;
  partitions: number;
  dataBytes: number;
  plainBytes: number;
  bytesOnDisk: number;
  level: number;
};
type Task = { kind: string; inputs: string[]; expired: string[]; outputs: Output[]; merge: object; purge: object };
type Document = {
  schema: string;
  version: number;
  tables: ({
    keyspace: string;
    table: string;
    directory: string;
    target: string;
    mode: string;
    dryRun: boolean;
    tasks: Task[];
  } & Record<
    'gcGraceSeconds' | 'inputs' | 'outputs' | 'inputBytes' | 'outputBytes' | 'partitions' | 'rows' | 'tombstonesPurged',
    number
  >)[];
};

function table(name: string): string {
  const keyspace = path.join(DATA, path.dirname(name));
  return path.join(keyspace, fs.readdirSync(keyspace).find((one) => one.startsWith(`${path.basename(name)}-`))!);
}

function compact(...args: string[]): CliResult {
  return runCli(['compact', 'run', '--now', NOW, ...args]);
}

function document({ stdout }: CliResult): Document {
  return JSON.parse(stdout) as Document;
}

function filesIn(directory: string): string[] {
  return (fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }) as string[])
    .filter((name) => fs.statSync(path.join(directory, name)).isFile())
    .sort();
}

/** What may not change: the names and times of everything. */
function stateOf(directory: string): string[] {
  return filesIn(directory).map((name) => `${name} ${fs.statSync(path.join(directory, name)).mtimeMs}`);
}

describe('compact run --major', () => {
  it('--output has complete SSTables, laid out as a data directory; the inputs stay as they are', () => {
    const output = temporaryDirectory();
    const before = stateOf(TABLE);
    const { code, stdout } = compact(TABLE, '--major', '--output', output);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^table +SSTables +Data\.db +after +given back +partitions +rows\nzoo\.statics +2 → 1 /);
    expect(
      stdout.endsWith(
        `\nnew SSTables:\n  zoo.statics: oa-3-big, in ${path.join(output, 'zoo', path.basename(TABLE))}\n`,
      ),
    ).toBe(true);
    expect(stateOf(TABLE)).toEqual(before);
    const place = `zoo/${path.basename(TABLE)}`;
    const components = ['CompressionInfo.db', 'Data.db', 'Digest.crc32', 'Filter.db', 'Index.db', 'Statistics.db'];
    const names = [...components, 'Summary.db', 'TOC.txt'].map((component) => `${place}/oa-3-big-${component}`);
    expect(filesIn(output)).toEqual(names);
    const listed = runCli(['ls', output, '--json']);
    expect((JSON.parse(listed.stdout) as { totals: { sstables: number } }).totals.sstables).toBe(1);
  });

  it('--dry-run counts the very bytes that a real run writes, and writes nothing', () => {
    const output = temporaryDirectory();
    const parent = temporaryDirectory();
    const before = stateOf(DATA);
    const nowhere = path.join(parent, 'not-made');
    const dry = compact(DATA, '--major', '--dry-run', '--output', nowhere, '--json');
    expect(dry.code).toBe(1);
    expect(fs.existsSync(nowhere)).toBe(false);
    const real = compact(DATA, '--major', '--output', output, '--json');
    expect(real.code).toBe(0);
    expect(stateOf(DATA)).toEqual(before);
    // time-based generations are made of random bits, and the Statistics.db of each its own host and ids: all else is the same
    const facts = (run: CliResult) =>
      document(run).tables.map(({ dryRun: _, mode: _mode, target: _target, tasks, ...rest }) => ({
        ...rest,
        tasks: tasks.map(({ outputs, ...task }) => ({
          ...task,
          outputs: outputs.map(({ file: _file, ...bytes }) => bytes),
        })),
      }));
    expect(facts(dry)).toEqual(facts(real));
    expect(document(dry).tables.every(({ dryRun }) => dryRun)).toBe(true);
    expect(document(real).tables.some(({ dryRun }) => dryRun)).toBe(false);
    const outputs = document(real).tables.flatMap(({ tasks }) => tasks.flatMap((task) => task.outputs));
    expect(outputs.length).toBeGreaterThan(40);
    // static rows among them, as lsmctl metadata and verify count
    const totalRows = ({ file }: Output) =>
      readStatistics(diskStorage, parseDescriptor(file).descriptor).stats.totalRows;
    for (const { table: name, rows, tasks } of document(real).tables) {
      const written = tasks.flatMap((task) => task.outputs.map(totalRows));
      expect(rows, name).toBe(written.reduce((sum, count) => sum + count, 0));
    }
    for (const { file, dataBytes, bytesOnDisk } of outputs) {
      const { prefix } = splitName(path.basename(file))!;
      const directory = path.dirname(file);
      const sizes = fs
        .readdirSync(directory)
        .filter((name) => name.startsWith(`${prefix}-`))
        .map((name) => fs.statSync(path.join(directory, name)).size);
      expect(fs.statSync(file).size).toBe(dataBytes);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytesOnDisk);
    }
    expect(filesIn(output).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('--dry-run says that nothing was written', () => {
    const { code, stdout } = compact(TABLE, '--major', '--dry-run');
    expect(stdout).toMatch(/\n\na dry run: nothing was written\n$/);
    expect(code).toBe(1);
  });

  it('--json tells each task with its inputs, outputs and what they gave', () => {
    const { code, stdout } = compact(TABLE, '--major', '--dry-run', '--json');
    expect(code).toBe(1);
    const [one] = (JSON.parse(stdout) as Document).tables;
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'lsmctl.compact-run', version: 2 });
    expect(one).toMatchObject({
      keyspace: 'zoo',
      table: 'statics',
      directory: TABLE,
      dryRun: true,
      gcGraceSeconds: 864_000,
      inputs: 2,
      outputs: 1,
      partitions: 6,
      rows: 21,
    });
    const inputs = ['oa-1-big-Data.db', 'oa-2-big-Data.db'].map((name) => path.join(TABLE, name));
    expect(one!.inputBytes).toBe(inputs.reduce((sum, file) => sum + fs.statSync(file).size, 0));
    expect(one!.tasks).toHaveLength(1);
    expect(one!.tasks[0]).toMatchObject({
      kind: 'major',
      repair: 'unrepaired',
      inputs,
      expired: [],
      outputs: [{ partitions: 6, dataBytes: one!.outputBytes, level: 0 }],
      merge: { partitionsOut: 6, partitionsGone: 0, rowsOut: 21, markersOut: 0 },
      purge: { tombstonesPurged: 0 },
    });
  });

  it('--gc-grace and --now decide what goes', () => {
    const ttl = table('zoo/ttl');
    const count = (...args: string[]) => document(compact(ttl, '--major', '--dry-run', '--json', ...args)).tables[0]!;
    expect(count().gcGraceSeconds).toBe(0);
    expect(compact(ttl, '--major', '--dry-run', '--json').stdout).toBe(
      compact(ttl, '--major', '--dry-run', '--json', '-g', '0').stdout,
    );
    const [kept, gone] = [count('--gc-grace', '3650d'), count('--gc-grace', '0')];
    expect(gone.gcGraceSeconds).toBe(0);
    expect(gone.outputBytes).toBeLessThan(kept.outputBytes);
    const late = document(
      runCli(['compact', 'run', ttl, '--major', '--dry-run', '--json', '--now', '2050-01-01T00:00:00Z']),
    ).tables[0]!;
    expect(late.rows).toBeLessThan(kept.rows);
  });
});

describe('compact run refuses', () => {
  const refusals: [name: string, args: string[], message: RegExp][] = [
    ['two things at once', [TABLE, '--major', '--key', '1', '--dry-run'], /only one of these .*--major and --key/],
    ['--split-output without --major', [TABLE, '--split-output', '--dry-run'], /--split-output goes with --major/],
    [
      'SSTables that are not there',
      [TABLE, '--sstables', '1,9', '--dry-run'],
      /zoo\.statics has no such SSTable.*seen 9/,
    ],
    ['a range of one token', [TABLE, '--token-range', '5', '--dry-run'], /takes two tokens \(seen 5/],
    ['a rate of nothing', [TABLE, '--major', '--dry-run', '--max-rate', '0'], /--max-rate is no rate/],
    ['an option that no strategy has', [TABLE, '--option', 'min=3', '--dry-run'], /no such compaction option/],
    ['a path that is not there', ['/not/there', '--major', '--dry-run'], /\/not\/there: no such file or directory/],
    ['a keyspace without tables', [DATA, '--major', '--dry-run', '-K', 'nosuch'], /there is no table to work on/],
    ['flags that it does not know', [TABLE, '--major', '--in-place'], /in-place/],
  ];
  it.each(refusals)('%s', (_, args, message) => {
    const { code, stdout, stderr } = runCli(['compact', 'run', ...args]);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('an output directory that has SSTables already, even its own', () => {
    const output = temporaryDirectory();
    expect(compact(TABLE, '--major', '--output', output).code).toBe(0);
    const before = stateOf(output);
    const again = compact(TABLE, '--major', '--output', output);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(
      /oa-3-big-Data\.db: the output directory has SSTables already\nhint: give an empty directory/,
    );
    expect(stateOf(output)).toEqual(before);
  });

  it('the directory of its inputs', () => {
    const copy = path.join(temporaryDirectory(), 'data');
    fs.cpSync(TABLE, path.join(copy, 'zoo', path.basename(TABLE)), { recursive: true });
    fs.cpSync(path.join(DATA, 'system_schema'), path.join(copy, 'system_schema'), { recursive: true });
    const before = stateOf(copy);
    expect(compact(copy, '--major', '--output', copy).code).toBe(2);
    expect(stateOf(copy)).toEqual(before);
  });
});

describe('what a run that was stopped leaves', () => {
  it('is no SSTable to ls, which tells of it', () => {
    const output = temporaryDirectory();
    expect(compact(TABLE, '--major', '--output', output).code).toBe(0);
    const directory = path.join(output, 'zoo', path.basename(TABLE));
    for (const name of fs.readdirSync(directory)) {
      fs.renameSync(path.join(directory, name), path.join(directory, `${name}.tmp`));
    }
    const { stdout, code } = runCli(['ls', output, '--json']);
    const { totals } = JSON.parse(stdout) as { totals: { sstables: number; diskBytes: number } };
    expect([totals.sstables, totals.diskBytes, code]).toEqual([0, 0, 1]);
    expect(runCli(['ls', output]).stdout).toMatch(/oa-3-big-Data\.db\.tmp\n +temporary: /);
  });

  it('is not overwritten or removed by the next', () => {
    const output = temporaryDirectory();
    const directory = path.join(output, 'zoo', path.basename(TABLE));
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(path.join(directory, 'oa-3-big-Data.db.tmp'), 'of somebody else');
    const { code, stderr } = compact(TABLE, '--major', '--output', output);
    expect(code).toBe(2);
    expect(stderr).toMatch(/oa-3-big-Data\.db\.tmp: the output directory has files of a run that was killed/);
    expect(filesIn(directory)).toEqual(['oa-3-big-Data.db.tmp']);
    expect(fs.readFileSync(path.join(directory, 'oa-3-big-Data.db.tmp'), 'utf8')).toBe('of somebody else');
  });

  it('is nothing where an input is damaged', () => {
    const copy = path.join(temporaryDirectory(), 'data');
    const to = path.join(copy, 'zoo', path.basename(TABLE));
    fs.cpSync(TABLE, to, { recursive: true });
    fs.cpSync(path.join(DATA, 'system_schema'), path.join(copy, 'system_schema'), { recursive: true });
    const data = path.join(to, 'oa-2-big-Data.db');
    const bytes = fs.readFileSync(data);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    fs.writeFileSync(data, bytes);
    const output = path.join(temporaryDirectory(), 'out');
    const { code, stderr } = compact(copy, '--major', '--output', output);
    expect(stderr).toMatch(/oa-2-big-Data\.db/);
    expect(code).toBe(3);
    expect(fs.existsSync(output) ? filesIn(output) : []).toEqual([]);
  });
});
