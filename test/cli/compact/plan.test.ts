import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { runCli } from '../../run-cli.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8').trim();

function directoryOf(name: string): string {
  const keyspace = path.join(DATA, path.dirname(name));
  return path.join(keyspace, fs.readdirSync(keyspace).find((one) => one.startsWith(`${path.basename(name)}-`))!);
}

/** Without a cache there is no rate of an earlier run. */
function plan(...args: string[]) {
  return runCli(['compact', 'plan', '--now', NOW, ...args], { env: { XDG_CACHE_HOME: '/nonexistent' } });
}

describe('compact plan', () => {
  it('says what would be compacted and why, what it costs and gives', () => {
    const { code, stdout, stderr } = plan(directoryOf('zoo/statics'), '--option', 'min_threshold=2');
    expect(stderr).toBe('');
    expect(stdout.replace(/[\d.]+ [KMGT]iB free/, 'X free')).toBe(
      `zoo.statics: 2 SSTables, 460 B, SizeTieredCompactionStrategy

  1  compact 2 SSTables: 460 B → ~230 B
     oa-1 oa-2
     bucket 1: 2 SSTables of 228–232 B, min_threshold 2

  left as they are:
    [1]: bucket 1: 1 SSTable of 230 B is fewer than min_threshold 2

  reads      460 B, writes ~230 B
  gives back up to ~230 B of overwritten
  needs      up to 11.2 KiB of disk while it runs, X free
  takes      unmeasured: no compaction of 32 MiB or more was run here yet
`,
    );
    expect(code).toBe(1);
  });

  it('says why nothing is to be done, and ends with 0', () => {
    const { code, stdout } = plan(directoryOf('zoo/statics'));
    expect(stdout).toBe(
      `zoo.statics: 2 SSTables, 460 B, SizeTieredCompactionStrategy
  nothing is pending

  left as they are:
    oa-1 oa-2: bucket 1: 2 SSTables of 228–232 B are fewer than min_threshold 4
`,
    );
    expect(code).toBe(0);
  });

  it('--json and --out have the same', () => {
    const file = path.join(temporaryDirectory(), 'plan.json');
    const { code, stdout } = plan(directoryOf('zoo/statics'), '--major', '--json', '--out', file);
    expect(code).toBe(1);
    const document = JSON.parse(stdout) as { tables: { files: object; tasks: object[] }[] };
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual(document);
    expect(document).toMatchObject({ schema: 'lsmctl.compact-plan', version: 2, nowSeconds: Number(NOW) });
    const [table] = document.tables;
    expect(table).toMatchObject({
      keyspace: 'zoo',
      table: 'statics',
      directory: directoryOf('zoo/statics'),
      gcGraceSeconds: 864_000,
      sstables: 2,
      left: [],
    });
    expect(table!.tasks).toMatchObject([
      {
        task: 1,
        kind: 'major',
        repair: 'unrepaired',
        inputs: [{ sstable: 'oa-1-big' }, { sstable: 'oa-2-big' }],
        output: { kind: 'one', level: 0 },
      },
    ]);
    expect(Object.keys(table!.files)).toEqual(['oa-1-big', 'oa-2-big']);
  });

  it('stays within the terminal', () => {
    const { stdout } = plan(DATA, '--strategy', 'lcs', '--option', 'sstable_size_in_mb=1');
    const wide = stdout.split('\n').filter((line) => line.length > 80);
    expect(wide).toEqual([]);
    expect(stdout).toContain('LeveledCompactionStrategy');
    expect(stdout).toMatch(/\n\nall: \d+ tasks in \d+ of \d+ tables\n {2}reads .*\n {2}gives back /);
  });

  it.each<[name: string, args: string[], message: RegExp]>([
    ['a strategy that is none', ['--strategy', 'fastest'], /'fastest' is not supported/],
    ['an option without a value', ['--option', 'min_threshold'], /--option takes a name and a value/],
    ['a value that Cassandra would refuse', ['--option', 'min_threshold=1'], /min_threshold/],
    ['a key that is none of the table', ['--key', 'x y'], /x y/],
  ])('refuses %s', (_, args, message) => {
    const { code, stdout, stderr } = plan(directoryOf('zoo/statics'), ...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });
});
