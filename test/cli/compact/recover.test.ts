/** `compact recover` as its users run it: what it says, what it asks, what it leaves. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeRecords, makeFileRecord, makeFinalRecord } from '../../../src/engine/lifecycle/transaction-log.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { runCli } from '../../run-cli.js';

const LOG = 'oa_txn_compaction_04c284b0-833b-11ee-9234-56789abcdef0.log';
const FROM = path.join(FIXTURES, 'oa-5.0/data/zoo');
const NAME = fs.readdirSync(FROM).find((one) => one.startsWith('ranges-'))!;

let data: string;
let directory: string;
beforeEach(() => {
  data = temporaryDirectory();
  directory = path.join(data, 'zoo', NAME);
  fs.cpSync(path.join(FROM, NAME), directory, { recursive: true });
});

const at = (name: string) => path.join(directory, name);
const files = () => fs.readdirSync(directory).sort();
const without = (prefix: string, names: readonly string[]) => names.filter((name) => !name.startsWith(prefix));
const recover = (...args: string[]) => runCli(['compact', 'recover', data, ...args]);

/** 3 is new, 1 old. */
function writeLog(end: 'COMMIT' | 'nothing', mtimeMillis?: number): void {
  const old = files().filter((name) => name.startsWith('oa-1-'));
  const newest = mtimeMillis ?? Math.max(...old.map((name) => fs.statSync(at(name)).mtimeMs));
  const records = [
    makeFileRecord('ADD', at('oa-3-big-'), 0, 8),
    makeFileRecord('REMOVE', at('oa-1-big-'), newest, old.length),
    ...(end === 'COMMIT' ? [makeFinalRecord('COMMIT')] : []),
  ];
  fs.writeFileSync(at(LOG), encodeRecords(records));
}

describe('compact recover', () => {
  it('has nothing to do in a sound directory', () => {
    const before = files();
    const { stdout, stderr, code } = recover();
    expect({ stdout, stderr, code }).toEqual({ stdout: 'Nothing is left of any transaction.\n', stderr: '', code: 0 });
    expect(files()).toEqual(before);
  });

  it('--dry-run says record by record what would become of it, and does nothing', () => {
    const sound = files();
    writeLog('COMMIT');
    fs.writeFileSync(at('oa-7-big-Data.db.tmp'), 'x');
    fs.writeFileSync(at('oa-9-big-Filter.db'), 'x');
    const before = files();
    const { stdout, stderr, code } = recover('--dry-run');
    expect({ stderr, code }).toEqual({ stderr: '', code: 1 });
    const sizes = / *\d+ files, [\d.]+ \w+ */g;
    expect(stdout.replaceAll(directory, 'DIR').replaceAll(sizes, ' N ')).toBe(
      `zoo.ranges
  DIR
  ${LOG}
    committed: its old SSTables go
    record  SSTable   files              fate
    ADD     oa-3-big N keep
    REMOVE  oa-1-big N delete
    COMMIT
  temporary files: 1 file, 1 B, delete
    oa-7-big-Data.db.tmp
  oa-9-big: no Data.db, 1 file, 1 B, delete

To delete: N , and 1 log
`,
    );
    for (const line of stdout.split('\n').filter((one) => !one.includes(directory)))
      expect(line.length).toBeLessThan(81);
    expect(files()).toEqual(before);
    const done = recover('--yes');
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/\nTo delete: .*\nDone: nothing of these is left\.\n$/);
    expect(files()).toEqual(without('oa-1-', sound));
    expect(recover().stdout).toBe('Nothing is left of any transaction.\n');
  });

  it('removes the new SSTables where there is no COMMIT', () => {
    const sound = files();
    writeLog('nothing');
    const { stdout, code } = recover('--yes', '--json');
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as {
      schema: string;
      isDone: boolean;
      tables: { logs: { state: string; records: { fate: string; files: { path: string }[] }[] }[] }[];
    };
    expect(document).toMatchObject({ schema: 'lsmctl.compact-recover', version: 1, isDry: false, isDone: true });
    const [log] = document.tables[0]!.logs;
    expect(log!.state).toBe('unfinished');
    expect(log!.records.map(({ fate }) => fate)).toEqual(['delete', 'keep']);
    expect(log!.records[0]!.files.map((file) => path.basename(file.path)).sort()).toEqual(
      sound.filter((name) => name.startsWith('oa-3-')),
    );
    expect(files()).toEqual(without('oa-3-', sound));
  });

  it('asks before it deletes', () => {
    writeLog('nothing');
    const before = files();
    const { stderr, code } = recover();
    expect(code).toBe(2);
    expect(stderr).toContain('there is no terminal to ask');
    expect(files()).toEqual(before);
  });

  it('refuses a log that does not hold, and the table with it', () => {
    writeLog('COMMIT', 1_500_000_000_000);
    fs.writeFileSync(at('oa-7-big-Data.db.tmp'), 'x');
    const before = files();
    for (const args of [['--yes'], ['--dry-run']]) {
      const { stdout, stderr, code } = recover(...args);
      expect(code).toBe(4);
      expect(stdout).toContain('refused: record 2: files were modified at');
      expect(stderr).toContain('the record says 2017-07-14T02:40:00.000Z');
      expect(stderr).toContain('a start of Cassandra stops here too');
    }
    const { stdout, stderr, code } = recover('--dry-run', '--json');
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'lsmctl.compact-recover', tables: [{ isRefused: true }] });
    expect(JSON.parse(stderr)).toMatchObject({ schema: 'lsmctl.error', error: { code: 'REFUSED' } });
    expect(files()).toEqual(before);
  });

  it('does the tables it can, and still refuses the others', () => {
    writeLog('COMMIT', 1_500_000_000_000);
    const other = path.join(data, 'zoo', fs.readdirSync(FROM).find((one) => one.startsWith('statics-'))!);
    fs.cpSync(path.join(FROM, path.basename(other)), other, { recursive: true });
    fs.writeFileSync(path.join(other, 'oa-7-big-Data.db.tmp'), 'x');
    const before = files();
    expect(recover('--yes').code).toBe(4);
    expect(files()).toEqual(before);
    expect(fs.readdirSync(other).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('keeps to --keyspace and --table', () => {
    writeLog('nothing');
    const before = files();
    expect(recover('--yes', '--table', 'statics').code).toBe(0);
    expect(recover('--yes', '--keyspace', 'shop').code).toBe(0);
    expect(files()).toEqual(before);
  });

  it('wants a directory', () => {
    const { stderr, code } = runCli(['compact', 'recover', at('oa-1-big-Data.db')]);
    expect(code).toBe(2);
    expect(stderr).toContain('is a file');
  });
});
