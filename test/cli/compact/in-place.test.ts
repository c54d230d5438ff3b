/** compact run and apply where the new SSTables take the place of the old; on copies of the fixtures. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { diskStorage } from '../../../src/bytes/source.js';
import { type ApplyFlags, applyPlan } from '../../../src/cli/compact/apply.js';
import { type Planned, planTables } from '../../../src/cli/compact/plan.js';
import { type RunFlags, runCompactions } from '../../../src/cli/compact/run.js';
import { planDocument, shownPlan } from '../../../src/cli/compact/show-plan.js';
import { errorText, reportOf } from '../../../src/cli/exit.js';
import { jsonText } from '../../../src/render/json.js';
import { openSSTable } from '../../../src/sstable/sstable.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { plainEnvironment, ROOT, runCli } from '../../run-cli.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8').trim();

const NOTHING: RunFlags = { now: Number(NOW), major: false, 'dry-run': false, yes: true, 'drop-indexes': false };

/** Runs it within this process; what was shown and told comes along. */
async function compact(table: string, flags: Partial<RunFlags>) {
  const shown: string[] = [];
  const stage = { show: (planned: Planned) => void shown.push(shownPlan(planned, 80)), tell: () => {}, quiet: true };
  const result = await runCompactions([table], { ...NOTHING, ...flags }, stage);
  return { ...result, shown: shown.join('') };
}

async function plan(table: string, flags: Partial<RunFlags> = {}): Promise<string> {
  const file = path.join(temporaryDirectory(), 'plan.json');
  const planned = await planTables([table], { ...NOTHING, ...flags }, () => {});
  fs.writeFileSync(file, jsonText(planDocument(planned)));
  return file;
}

async function apply(file: string, flags: Partial<ApplyFlags> = {}) {
  return applyPlan(file, { ...NOTHING, ...flags }, { show: () => {}, tell: () => {}, quiet: true });
}

/** What a shell would see of a command that fails. */
async function failure(work: Promise<unknown>): Promise<{ code: number; text: string }> {
  const report = await work.then(
    () => {
      throw new Error('did not fail');
    },
    (error: unknown) => reportOf(error),
  );
  return { code: report.exitCode, text: errorText(report) };
}

/** A data directory with that table and the schema alone, that may be written to. */
function copyOf(name: string): { data: string; table: string } {
  const data = path.join(temporaryDirectory(), 'data');
  const keyspace = path.join(DATA, path.dirname(name));
  const directory = fs.readdirSync(keyspace).find((one) => one.startsWith(`${path.basename(name)}-`))!;
  const table = path.join(data, path.dirname(name), directory);
  fs.cpSync(path.join(keyspace, directory), table, { recursive: true });
  fs.cpSync(path.join(DATA, 'system_schema'), path.join(data, 'system_schema'), { recursive: true });
  return { data, table };
}

function names(directory: string): string[] {
  return fs.readdirSync(directory).sort();
}

/** Names, times and bytes. */
function stateOf(directory: string): string[] {
  return names(directory).map((name) => {
    const file = path.join(directory, name);
    const stat = fs.statSync(file);
    return stat.isDirectory() ? name : `${name} ${stat.mtimeMs} ${fs.readFileSync(file).toString('base64')}`;
  });
}

/** What the SSTables below a directory hold, in order of generation. */
async function rows(directory: string): Promise<unknown[]> {
  const files = (fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }) as string[]).sort();
  const all: unknown[] = [];
  for (const name of files.filter((one) => one.endsWith('-Data.db'))) {
    const sstable = await openSSTable(diskStorage, path.join(directory, name));
    all.push([...sstable.partitions()]);
    sstable.close();
  }
  return all;
}

const dataFiles = (directory: string) => names(directory).filter((name) => name.endsWith('-Data.db'));

/** The same files under another generation. */
function copySSTable(table: string, from: string, to: string): void {
  for (const name of names(table).filter((one) => one.startsWith(`oa-${from}-`))) {
    fs.copyFileSync(path.join(table, name), path.join(table, name.replace(`oa-${from}-`, `oa-${to}-`)));
  }
}

describe('compact run in place', () => {
  it('puts the very files in the place of the old that --output writes elsewhere, and leaves nothing beside them', async () => {
    const { table } = copyOf('zoo/statics');
    const output = temporaryDirectory();
    await compact(table, { major: true, output });
    const aside = path.join(output, 'zoo', path.basename(table));
    const { code, stdout, stderr } = runCli(['compact', 'run', '--now', NOW, table, '--major', '--yes']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^table .*\nzoo\.statics +2 → 1 /);
    expect(stderr).toMatch(
      /^zoo\.statics: 2 SSTables, .*, SizeTieredCompactionStrategy\n\n {2}1 {2}compact 2 SSTables: /,
    );
    expect(names(table)).toEqual(names(aside));
    expect(dataFiles(table)).toEqual(['oa-3-big-Data.db']);
    for (const name of names(table)) {
      expect(fs.readFileSync(path.join(table, name)).equals(fs.readFileSync(path.join(aside, name)))).toBe(true);
    }
  });

  it('does what the strategy wants, task by task, until nothing is pending', async () => {
    const { table } = copyOf('zoo/statics');
    for (const id of ['4', '5']) copySSTable(table, '1', id);
    const option = ['min_threshold=2', 'max_threshold=2'];
    const { tables } = await compact(table, { option });
    expect(tables[0]!.mode).toBe('in place');
    expect(tables[0]!.results.map(({ task, live }) => [task.kind, task.inputs.length, live.length])).toEqual([
      ['compaction', 2, 1],
      ['compaction', 2, 1],
      ['compaction', 2, 1],
    ]);
    expect(tables[0]!.results[0]!.reason).toMatch(/^bucket 1: 2 SSTables of .*, min_threshold 2, the 2 smallest of 4/);
    expect(tables[0]!.left.map(({ sstables }) => sstables.map(({ descriptor }) => descriptor.prefix))).toEqual([
      ['oa-8-big'],
    ]);
    expect(dataFiles(table)).toEqual(['oa-8-big-Data.db']);
    const whole = copyOf('zoo/statics').table;
    await compact(whole, { major: true });
    expect(await rows(table)).toEqual(await rows(whole));
    expect((await compact(table, { option })).tables[0]!.results).toEqual([]);
    expect(dataFiles(table)).toEqual(['oa-8-big-Data.db']);
  });

  it('writes with --output only what the last tasks give, and leaves the inputs', async () => {
    const { table } = copyOf('zoo/statics');
    for (const id of ['4', '5']) copySSTable(table, '1', id);
    const before = stateOf(table);
    const output = temporaryDirectory();
    const option = ['min_threshold=2', 'max_threshold=2'];
    const { tables } = await compact(table, { option, output });
    expect(tables[0]!.results).toHaveLength(3);
    expect(stateOf(table)).toEqual(before);
    const aside = path.join(output, 'zoo', path.basename(table));
    expect(dataFiles(aside)).toEqual(['oa-8-big-Data.db']);
    expect(names(aside)).toHaveLength(8);
    await compact(table, { option });
    expect(fs.readFileSync(path.join(aside, 'oa-8-big-Data.db'))).toEqual(
      fs.readFileSync(path.join(table, 'oa-8-big-Data.db')),
    );
  });

  it('counts in a dry run the tasks whose inputs are there, and says so of the others', async () => {
    const { table } = copyOf('zoo/statics');
    for (const id of ['4', '5']) copySSTable(table, '1', id);
    const before = stateOf(table);
    const option = ['min_threshold=2', 'max_threshold=2'];
    const { tables } = await compact(table, { option, 'dry-run': true });
    expect(tables[0]!.results.map(({ outputs }) => outputs.length)).toEqual([1]);
    expect(tables[0]!.cut).toBe('not counted: 2 further tasks read what these write');
    expect(stateOf(table)).toEqual(before);
  });

  it.each<[flag: string, flags: Partial<RunFlags>, inputs: number[]]>([
    ['--key of all', { key: '1' }, [2]],
    ['--key of none', { key: '12345' }, []],
    ['--token-range of the whole ring', { 'token-range': '-9223372036854775808,9223372036854775807' }, [2]],
    ['--token-range beyond the last token', { 'token-range': '9223372036854775806,9223372036854775807' }, []],
    ['--sstables by file name', { sstables: 'oa-2-big-Data.db, 1' }, [2]],
    ['--split-output', { major: true, 'split-output': true }, [2]],
  ])('%s', async (_, flags, inputs) => {
    const { table } = copyOf('zoo/statics');
    const { tables } = await compact(table, { ...flags, 'dry-run': true });
    expect(tables[0]!.results.map(({ task }) => task.inputs.length)).toEqual(inputs);
  });

  it('takes only the SSTables that are asked for', async () => {
    const { table } = copyOf('zoo/statics');
    await compact(table, { sstables: '2' });
    expect(dataFiles(table)).toEqual(['oa-1-big-Data.db', 'oa-3-big-Data.db']);
    const whole = copyOf('zoo/statics').table;
    await compact(whole, { major: true });
    await compact(table, { major: true });
    expect(await rows(table)).toEqual(await rows(whole));
  });

  it('asks where it may not go ahead, and touches nothing meanwhile', () => {
    const { table } = copyOf('zoo/statics');
    const before = stateOf(table);
    const { code, stderr } = runCli(['compact', 'run', '--now', NOW, table, '--major']);
    expect(stderr).toMatch(
      /there is no terminal to ask: Compact zoo\.statics in place: 1 task, .* to read\?\nhint: add --yes/,
    );
    expect(code).toBe(2);
    expect(stateOf(table)).toEqual(before);
  });

  it('says that there is nothing to do', () => {
    const { table } = copyOf('zoo/statics');
    const before = stateOf(table);
    const { code, stdout, stderr } = runCli(['compact', 'run', '--now', NOW, table, '--yes']);
    expect([code, stdout]).toEqual([0, 'zoo.statics: nothing to compact\n']);
    expect(stderr).toMatch(
      /nothing is pending\n\n {2}left as they are:\n {4}oa-1 oa-2: bucket 1: 2 SSTables of .* are fewer than/,
    );
    expect(stateOf(table)).toEqual(before);
  });

  it('leaves the directory as it was where an input is damaged', async () => {
    const { table } = copyOf('zoo/statics');
    const data = path.join(table, 'oa-2-big-Data.db');
    const bytes = fs.readFileSync(data);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    fs.writeFileSync(data, bytes);
    const before = stateOf(table);
    const { code, text } = await failure(compact(table, { major: true }));
    expect(text).toMatch(/oa-2-big-Data\.db/);
    expect(code).toBe(3);
    expect(stateOf(table)).toEqual(before);
  });

  it('refuses a snapshot', async () => {
    const { table } = copyOf('zoo/statics');
    const directory = path.join(table, 'snapshots/tag');
    fs.mkdirSync(directory, { recursive: true });
    for (const name of names(table)) {
      if (name.startsWith('oa-')) fs.linkSync(path.join(table, name), path.join(directory, name));
    }
    const before = stateOf(directory);
    const { code, text } = await failure(compact(directory, { major: true }));
    expect(text).toMatch(/is a snapshot/);
    expect(code).toBe(4);
    expect(stateOf(directory)).toEqual(before);
  });

  it('is held to --max-rate, and Ctrl-C leaves the directory as it was', async () => {
    const { table } = copyOf('shop/carts');
    const before = stateOf(table);
    const args = ['compact', 'run', table, '--major', '--yes', '--now', NOW, '--max-rate', '2k'];
    const child = spawn(process.execPath, [path.join(ROOT, 'bin/run.js'), ...args], {
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const end = once(child, 'close');
    for (let i = 0; i < 2000 && !names(table).some((name) => name.endsWith('.log')); i++) await sleep(5);
    await sleep(300);
    expect(names(table).some((name) => name.includes('_txn_compaction_'))).toBe(true);
    expect(child.exitCode).toBe(null);
    child.kill('SIGINT');
    expect(await end).toEqual([null, 'SIGINT']);
    expect(stateOf(table)).toEqual(before);
  });
});

describe('compact apply', () => {
  it('does the tasks of the plan, as compact run would have', async () => {
    const [a, b] = [copyOf('zoo/statics').table, copyOf('zoo/statics').table];
    const file = await plan(a, { major: true });
    const dry = (await apply(file, { 'dry-run': true })).tables[0]!;
    const { code, stdout, stderr } = runCli(['compact', 'apply', file, '--yes', '--json']);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as { tables: { outputBytes: number }[] };
    expect(report).toMatchObject({ schema: 'lsmctl.compact-apply', version: 1, isDeclined: false });
    expect(dry.results[0]!.outputs[0]!.data.storedBytes).toBe(report.tables[0]!.outputBytes);
    await compact(b, { major: true });
    expect(names(a)).toEqual(names(b));
    expect(fs.readFileSync(path.join(a, 'oa-3-big-Data.db'))).toEqual(
      fs.readFileSync(path.join(b, 'oa-3-big-Data.db')),
    );
  });

  it('goes by the clock, the options and the gc_grace_seconds of the plan, into another directory too', async () => {
    const { table } = copyOf('zoo/ttl');
    const file = await plan(table, { major: true, 'gc-grace': 3650 * 86_400 });
    const [output, direct, other] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
    const before = stateOf(table);
    await apply(file, { output });
    expect(stateOf(table)).toEqual(before);
    await compact(table, { major: true, 'gc-grace': 3650 * 86_400, output: direct });
    await compact(table, { major: true, 'gc-grace': 0, output: other });
    expect(await rows(output)).toEqual(await rows(direct));
    expect(await rows(output)).not.toEqual(await rows(other));
  });

  it('compacts what an earlier task has written', async () => {
    const { table } = copyOf('zoo/statics');
    for (const id of ['4', '5']) copySSTable(table, '1', id);
    const file = await plan(table, { option: ['min_threshold=2', 'max_threshold=2'] });
    const { tables } = JSON.parse(fs.readFileSync(file, 'utf8')) as { tables: { tasks: { inputs: object[] }[] }[] };
    expect(tables[0]!.tasks.length).toBe(3);
    expect(tables[0]!.tasks.at(-1)!.inputs).toContainEqual({ task: 2 });
    await apply(file);
    expect(dataFiles(table)).toEqual(['oa-8-big-Data.db']);
    const whole = copyOf('zoo/statics').table;
    await compact(whole, { major: true });
    expect(await rows(table)).toEqual(await rows(whole));
  });

  it.each<[name: string, change: (table: string) => void, message: RegExp]>([
    ['is gone', (table) => fs.rmSync(path.join(table, 'oa-2-big-Data.db')), /oa-2-big: .*it is not there any more/],
    [
      'has another size',
      (table) => fs.appendFileSync(path.join(table, 'oa-2-big-Filter.db'), 'x'),
      /oa-2-big: .*Filter\.db had \d+ bytes and has \d+/,
    ],
    [
      'was written anew',
      (table) => fs.utimesSync(path.join(table, 'oa-2-big-Index.db'), 1, 1),
      /oa-2-big: .*Index\.db was written .* and is of 1970-01-01T00:00:01\.000Z/,
    ],
    [
      'has another digest under the same time',
      (table) => {
        const file = path.join(table, 'oa-2-big-Digest.crc32');
        const { atime, mtime } = fs.statSync(file);
        const digits = fs.readFileSync(file, 'utf8');
        fs.writeFileSync(
          file,
          digits.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)),
        );
        fs.utimesSync(file, atime, mtime);
      },
      /oa-2-big: .*Digest\.crc32 (said|was written)/,
    ],
  ])('refuses where an input %s', async (_, change, message) => {
    const { table } = copyOf('zoo/statics');
    const file = await plan(table, { major: true });
    change(table);
    const before = stateOf(table);
    const { code, text } = await failure(apply(file));
    expect(text).toMatch(message);
    expect(text).toMatch(/the plan is stale/);
    expect(code).toBe(4);
    expect(stateOf(table)).toEqual(before);
  });

  it('takes no notice of SSTables that are new', async () => {
    const { table } = copyOf('zoo/statics');
    const file = await plan(table, { major: true });
    copySSTable(table, '1', '7');
    await apply(file);
    expect(dataFiles(table)).toEqual(['oa-7-big-Data.db', 'oa-8-big-Data.db']);
  });

  it.each<[name: string, change: (plan: Record<string, unknown>) => unknown, message: RegExp]>([
    ['another document', () => ({ schema: 'lsmctl.ls', version: 1 }), /is no plan \(seen lsmctl\.ls/],
    ['another version', (plan) => ({ ...plan, version: 9 }), /is a plan of another version \(seen 9/],
    ['a plan without tables', ({ tables: _, ...plan }) => plan, /is a plan that is not complete/],
    ['an array', () => [], /is no plan/],
  ])('takes %s for no plan', async (_, change, message) => {
    const { table } = copyOf('zoo/statics');
    const file = await plan(table, { major: true });
    fs.writeFileSync(
      file,
      JSON.stringify(change(JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>)),
    );
    const { code, text } = await failure(apply(file));
    expect(text).toMatch(message);
    expect(code).toBe(2);
  });
});
