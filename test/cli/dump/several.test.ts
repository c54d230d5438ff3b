/** Dumps of several SSTables in one text, and what of a dump's flags does not go together. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES, fixtureSSTables } from '../../fixtures.js';
import { runCli } from '../../run-cli.js';

const TABLE = path.dirname(fixtureSSTables().find(({ name }) => name.startsWith('oa-5.0/data/zoo/c_none-'))!.file);
const OTHER = path.dirname(fixtureSSTables().find(({ name }) => name.startsWith('oa-5.0/data/zoo/statics-'))!.file);

/** An SSTable so many times, in a directory without a schema near; the first one is cut short by `cutBytes`. */
function copies(from: string, times: number, cutBytes = 0): string {
  const directory = path.join(temporaryDirectory(), 'zoo', path.basename(from));
  fs.mkdirSync(directory, { recursive: true });
  for (const name of fs.readdirSync(from)) {
    const component = /^oa-1-big-(.*)$/.exec(name)?.[1];
    if (component === undefined || component === 'CRC.db') continue; // without it, the place of the cut is the rows' affair
    for (let n = 1; n <= times; n++)
      fs.copyFileSync(path.join(from, name), path.join(directory, `oa-${n}-big-${component}`));
  }
  const file = path.join(directory, 'oa-1-big-Data.db');
  fs.truncateSync(file, fs.statSync(file).size - cutBytes);
  return directory;
}

describe('several SSTables', () => {
  it('have one CSV heading where their columns are alike', () => {
    const one = runCli(['dump', '--format', 'csv', copies(TABLE, 1)]).stdout;
    const two = runCli(['dump', '--format', 'csv', copies(TABLE, 2)]).stdout;
    const heading = one.slice(0, one.indexOf('\n') + 1);
    expect(two).toBe(one + one.slice(heading.length));
  });

  it('have a heading each where they are not', () => {
    const both = runCli(['dump', '--format', 'csv', TABLE, OTHER]).stdout;
    expect(both).toBe(
      ['csv'].flatMap((f) => [TABLE, OTHER].map((p) => runCli(['dump', '--format', f, p]).stdout)).join(''),
    );
  });

  it.each(['ndjson', 'csv', 'cql'])('do not run into each other where one is cut: %s', (format) => {
    const { stdout, stderr, code } = runCli(['dump', '--format', format, copies(TABLE, 2, 20)]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/Data.*at offset \d+/);
    const whole = runCli(['dump', '--format', format, copies(TABLE, 1)]).stdout;
    const lines = whole.split('\n').filter((line) => line !== '' && !/"kind":"schema"|^--/.test(line));
    const seen = stdout.split('\n').map((line) => line.replaceAll(/"sstable":"[^"]*"/g, ''));
    for (const line of lines) expect(seen).toContain(line.replaceAll(/"sstable":"[^"]*"/g, ''));
  });
});

describe('flags that do not go together', () => {
  it.each([
    [['--json', '-t'], /--raw-times belongs to the sstabledump format/],
    [['--format', 'csv', '-e'], /--keys-only belongs to the sstabledump format/],
    [['-e', '--limit', '1'], /--limit does not go with it/],
    [['-e', '--token', '1,2'], /--token does not go with it/],
    [['-e', '--tombstones'], /--tombstones does not go with it/],
    [['--json', '--format', 'csv'], /cannot also be provided|format/],
    [['--limit', '0'], /limit/],
    [['--token', '1'], /takes two tokens/],
    [['--token', 'a,b'], /token/],
    [['--since', 'yesterday'], /--since is not a time/],
    [['--until', '9223372036854775808'], /beyond the range of timestamps/],
    [['--since', '-9223372036854775809'], /beyond the range of timestamps|since/],
    [['--clustering', '1,2,3,4,5,6,7,8,9'], /more values than the table has clustering columns/],
  ])('%j', (flags, message) => {
    const { code, stdout, stderr } = runCli(['dump', TABLE, ...flags]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it.each([
    [['-d', '-l'], ['-d']],
    [['-l', '-d', '-t'], ['-d']],
    [['-e', '-d', '-l'], ['-e']],
  ])('%j is %j, as sstabledump has it', (given, winner) => {
    const { stdout, stderr, code } = runCli(['dump', TABLE, ...given]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(runCli(['dump', TABLE, ...winner]).stdout);
  });

  it('-e takes -k and -x and lists all keys, as sstabledump does', () => {
    const all = runCli(['dump', TABLE, '-e']).stdout;
    expect(runCli(['dump', TABLE, '-e', '-k', '1']).stdout).toBe(all);
  });
});

describe('tokens', () => {
  it('A,A is the whole ring, and A,B with B,A', () => {
    const lines = (...args: string[]) => runCli(['dump', TABLE, '-l', ...args]).stdout.split('\n');
    const all = lines();
    expect(lines('--token', '0,0')).toEqual(all);
    const [some, rest] = [lines('--token', '0,4000000000000000000'), lines('--token', '4000000000000000000,0')];
    expect([...some, ...rest].filter((line) => line !== '').sort()).toEqual(all.filter((line) => line !== '').sort());
    expect(some.length).toBeGreaterThan(1);
    expect(lines('--token=-9223372036854775808,9223372036854775807')).toEqual(all);
  });
});

it('has its fixtures', () => expect(fs.existsSync(FIXTURES)).toBe(true));

it('no path asks for one', () => {
  expect(runCli(['dump']).stderr).toBe(
    'lsmctl: no SSTable given (expected a PATH)\nhint: give any file of an SSTable, or a directory: of a table, a keyspace or a snapshot\n',
  );
  expect(runCli(['dump', '-k', '1']).stderr).toMatch(/hint: name the SSTable before -k and -x/);
});

describe('what is passed over', () => {
  it('is told with a hint, and the exit code says that rows are not in the dump', () => {
    const directory = copies(TABLE, 1);
    fs.writeFileSync(path.join(directory, 'la-1-big-Data.db'), 'x');
    const { stdout, stderr, code } = runCli(['dump', directory]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).not.toEqual([]);
    expect(stderr).toMatch(/la-1-big: SSTable version 'la' .*not supported\nhint: written by Cassandra 2\.2.*\n$/);
    expect(runCli(['dump', '--table', 'c_none', directory]).code).toBe(2);
  });

  it('does not count where it was not asked for', () => {
    const [asked, other] = [copies(TABLE, 1), copies(OTHER, 1)];
    fs.writeFileSync(path.join(other, 'la-1-big-Data.db'), 'x');
    expect(runCli(['dump', '--table', 'c_none', asked, other]).code).toBe(0);
  });
});

describe('values of flags that are not of the type', () => {
  it('are told once a table, with nothing on stdout', () => {
    const { stdout, stderr, code } = runCli(['dump', copies(TABLE, 3), copies(OTHER, 2), '--token', 'a,b']);
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr.match(/--token: is not a token/g)).toHaveLength(2);
  });

  it.each([
    [['--token', 'a,b'], /--token: is not a token/],
    [['--key', 'x'], /--key: not a value of type int/],
    [['--since', 'x'], /expected unix microseconds or ISO 8601/],
  ])('%j', (flags, message) => {
    const { stdout, stderr, code } = runCli(['dump', path.join(TABLE, 'oa-1-big-Data.db'), ...flags]);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
