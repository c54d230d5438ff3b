/** Each refusal by itself, with what it says; and a directory that none speaks against. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { RefusedError } from '../../../src/bytes/errors.js';
import { diskOutput, type OutputStorage } from '../../../src/bytes/sink.js';
import { guardInPlace, type InPlaceWork, refuseAny } from '../../../src/cli/guards/guard.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import { FIXTURES } from '../../fixtures.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-guard-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

let data: string;
let directory: string;
let count = 0;

/** A data directory of its own with a copy of one table of the fixtures. */
function copyTable(release: string, table: string): void {
  const from = path.join(FIXTURES, release, 'data/zoo');
  const name = fs.readdirSync(from).find((one) => one.startsWith(`${table}-`))!;
  data = path.join(root, String(count++));
  directory = path.join(data, 'zoo', name);
  fs.cpSync(path.join(from, name), directory, { recursive: true });
}

/** An empty /proc, but for this process' own. */
function emptyProc(): string {
  const proc = path.join(root, `proc${count++}`);
  fs.mkdirSync(path.join(proc, '1'), { recursive: true });
  return proc;
}

function look(more: Partial<InPlaceWork> = {}, paths = [data]) {
  const directories = resolvePaths(diskOutput, paths, { snapshots: true }).directories;
  const procRoot = more.procRoot ?? emptyProc();
  const work: InPlaceWork = { output: diskOutput, paths, directories, change: 'data', ...more, procRoot };
  return guardInPlace(work);
}

/** The one refusal, which names `file`. */
function refusal(file: string, result = look()) {
  expect(result.refusals).toHaveLength(1);
  const [one] = result.refusals;
  expect(one!.file).toBe(file);
  expect(one!.hint).not.toBe('');
  return { kind: one!.kind, message: one!.message };
}

const at = (name: string) => path.join(directory, name);
const isRoot = process.getuid?.() === 0;
const canMount = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;

beforeEach(() => copyTable('oa-5.0', 'ranges'));

describe('nothing speaks against', () => {
  it.each([
    ['oa-5.0', 'ranges'],
    ['nb-4.1', 'ranges'],
    ['da-5.0', 'ranges'],
  ])('%s %s', (release, table) => {
    copyTable(release, table);
    expect(look()).toEqual({ refusals: [], notes: [] });
    expect(() => refuseAny([])).not.toThrow();
  });
});

describe('refused', () => {
  it('a log of a transaction', () => {
    const name = 'oa_txn_flush_04c284b0-833b-11ee-9234-56789abcdef0.log';
    fs.writeFileSync(at(name), '');
    expect(refusal(at(name)).kind).toBe('transaction');
    expect(look({ change: 'component' }).refusals).toHaveLength(1);
    expect(look({ change: 'recover' }).refusals).toEqual([]);
  });

  it.each([
    ['a temporary file', 'oa-7-big-Data.db.tmp'],
    ['a component without a Data.db', 'oa-7-big-Filter.db'],
  ])('%s', (_what, name) => {
    fs.writeFileSync(at(name), 'x');
    expect(refusal(at(name)).kind).toBe('leftovers');
    expect(look({ change: 'recover' }).refusals).toEqual([]);
  });

  it('a snapshot and a backup', () => {
    const snapshot = at('snapshots/before');
    const backup = at('backups');
    for (const target of [snapshot, backup]) {
      fs.mkdirSync(target, { recursive: true });
      for (const name of fs.readdirSync(directory)) {
        if (name.startsWith('oa-1-')) fs.linkSync(at(name), path.join(target, name));
      }
    }
    const { refusals } = look();
    expect(refusals.map(({ kind, file }) => [kind, file]).sort()).toEqual([
      ['copy', backup],
      ['copy', snapshot],
    ]);
    expect(refusal(snapshot, look({}, [snapshot])).message).toContain('hard links');
  });

  it.each([
    ['pa-9-big', 'version'],
    ['ea-9-bti', 'version'],
    ['jb-9-big', 'version'],
  ])('an SSTable of version %s among them', (prefix) => {
    for (const component of ['Data.db', 'Statistics.db', 'TOC.txt'])
      fs.writeFileSync(at(`${prefix}-${component}`), 'x');
    expect(refusal(at(prefix)).kind).toBe('version');
    expect(look({ change: 'component' }).refusals).toHaveLength(1);
  });

  it.each([
    ['mc', 'me'],
    ['md', 'me'],
  ])('SSTables of version %s, which would become %s', (version, written) => {
    for (const name of fs.readdirSync(directory)) {
      if (/^oa-/.test(name)) fs.renameSync(at(name), at(name.replace(/^oa/, version)));
    }
    expect(refusal(at(`${version}-1-big-Data.db`)).message).toContain(`written anew as ${written}`);
    expect(look({ change: 'component' }).refusals).toEqual([]);
  });

  it('not na, which becomes nb: it is told', () => {
    for (const name of fs.readdirSync(directory)) {
      if (/^oa-/.test(name)) fs.renameSync(at(name), at(name.replace(/^oa/, 'na')));
    }
    const { refusals, notes } = look();
    expect(refusals).toEqual([]);
    expect(notes.join()).toContain('written anew as nb');
  });

  it('a table directory that is a link out of the given path', () => {
    const elsewhere = path.join(root, `elsewhere${count++}`);
    fs.renameSync(directory, elsewhere);
    fs.symlinkSync(elsewhere, directory);
    expect(refusal(directory).message).toContain(elsewhere);
    expect(look({}, [elsewhere]).refusals).toEqual([]);
  });

  it('not a given path that is itself a link', () => {
    const link = path.join(root, `link${count++}`);
    fs.symlinkSync(data, link);
    expect(look({}, [link]).refusals).toEqual([]);
  });

  it('a component that is a link', () => {
    const elsewhere = path.join(root, `file${count++}`);
    fs.renameSync(at('oa-1-big-Filter.db'), elsewhere);
    fs.symlinkSync(elsewhere, at('oa-1-big-Filter.db'));
    expect(refusal(at('oa-1-big-Filter.db'))).toEqual({ kind: 'link', message: `is a symbolic link, to ${elsewhere}` });
  });

  it.each(['../../system/local/oa-1-big-Data.db', '/etc/passwd', '..'])('a TOC.txt that names %s', (name) => {
    fs.appendFileSync(at('oa-2-big-TOC.txt'), `${name}\n`);
    expect(refusal(at('oa-2-big-TOC.txt'))).toEqual({
      kind: 'name',
      message: `names a component that is no file of this directory: ${name}`,
    });
  });

  it('too little room', () => {
    const output: OutputStorage = { ...diskOutput, freeBytes: () => 999 };
    const neededBytes = new Map([[directory, 1000]]);
    expect(refusal(directory, look({ output, neededBytes })).message).toContain('1000 bytes may be written');
    expect(look({ output, neededBytes: new Map([[directory, 999]]) }).refusals).toEqual([]);
  });

  it.skipIf(isRoot && !canMount)('a directory that may not be written to', () => {
    if (isRoot) {
      // nothing else keeps root from writing
      execFileSync('mount', ['--bind', directory, directory]);
      execFileSync('mount', ['-o', 'remount,bind,ro', directory]);
    } else fs.chmodSync(directory, 0o555);
    try {
      expect(refusal(directory).kind).toBe('read-only');
    } finally {
      if (isRoot) execFileSync('umount', [directory]);
      else fs.chmodSync(directory, 0o755);
    }
    expect(look().refusals).toEqual([]);
  });

  it('several at once, in one error', () => {
    fs.writeFileSync(at('oa-7-big-Data.db.tmp'), 'x');
    fs.appendFileSync(at('oa-2-big-TOC.txt'), '/x\n');
    const { refusals } = look();
    const error = (() => {
      try {
        refuseAny(refusals);
      } catch (thrown) {
        return thrown as RefusedError;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(RefusedError);
    expect(error!.facts.reasons!.map(({ file }) => file)).toEqual([at('oa-7-big-Data.db.tmp'), at('oa-2-big-TOC.txt')]);
  });
});

describe('indexes', () => {
  it('SAI components, unless they may go', () => {
    copyTable('oa-5.0', 'sai');
    const { kind, message } = refusal(
      at(
        fs
          .readdirSync(directory)
          .filter((name) => name.includes('SAI+'))
          .sort()[0]!,
      ),
    );
    expect(kind).toBe('index');
    expect(message).toContain('SAI index');
    expect(look({ change: 'component' }).refusals).toEqual([]);
    const { refusals, notes } = look({ dropIndexes: true });
    expect(refusals).toEqual([]);
    expect(notes.join()).toContain('dropped');
  });

  it('SASI components', () => {
    fs.writeFileSync(at('oa-1-big-SI_names.db'), 'x');
    expect(refusal(at('oa-1-big-SI_names.db')).message).toContain('SASI index');
  });
});

describe('a running node', () => {
  /** A process that is taken for a Cassandra by its arguments. */
  function start(script: string, name = 'org.apache.cassandra.service.CassandraDaemon') {
    const child = spawn(process.execPath, ['-e', script, name], { stdio: ['pipe', 'pipe', 'ignore'] });
    return new Promise<typeof child>((resolve) => child.stdout.once('data', () => resolve(child)));
  }
  const holding = (file: string) =>
    `require('fs').openSync(${JSON.stringify(file)}, 'r'); process.stdin.resume(); process.stdin.on('end', () => process.exit()); console.log('up')`;

  it.runIf(process.platform === 'linux')('that has a file open', async () => {
    const child = await start(holding(at('oa-2-big-Data.db')));
    try {
      const { kind, message } = refusal(at('oa-2-big-Data.db'), look({ procRoot: '/proc' }));
      expect(kind).toBe('running');
      expect(message).toContain(`process ${child.pid} (`);
      expect(message).toContain('CassandraDaemon');
      expect(look({ procRoot: '/proc', change: 'recover' }).refusals).toHaveLength(1);
    } finally {
      child.kill();
    }
  });

  it.runIf(process.platform === 'linux')('that has a file of its system tables open', async () => {
    const local = path.join(data, 'system/local-7ad54392bcdd35a684174e047860b377');
    fs.mkdirSync(local, { recursive: true });
    fs.writeFileSync(path.join(local, 'oa-1-big-Data.db'), 'x');
    const child = await start(holding(path.join(local, 'oa-1-big-Data.db')));
    try {
      expect(refusal(path.join(local, 'oa-1-big-Data.db'), look({ procRoot: '/proc' }, [directory])).kind).toBe(
        'running',
      );
    } finally {
      child.kill();
    }
  });

  it.runIf(process.platform === 'linux')('but any other process that reads is told of only', async () => {
    const child = await start(holding(at('oa-2-big-Data.db')), 'backup');
    try {
      const { refusals, notes } = look({ procRoot: '/proc' });
      expect(refusals).toEqual([]);
      expect(notes.join()).toContain(`process ${child.pid}`);
    } finally {
      child.kill();
    }
  });

  /** A /proc with one process, as a reader of its own user sees it. */
  function procOf(maps: string, fd: 'none' | string): string {
    const proc = emptyProc();
    const home = path.join(proc, '4711');
    fs.mkdirSync(path.join(home, 'fd'), { recursive: true });
    fs.writeFileSync(path.join(home, 'cmdline'), 'java\0-Xmx8G\0org.apache.cassandra.service.CassandraDaemon\0');
    fs.writeFileSync(path.join(home, 'maps'), maps);
    if (fd !== 'none') fs.symlinkSync(fd, path.join(home, 'fd/77'));
    return proc;
  }

  it('that has a file mapped', () => {
    const file = at('oa-1-big-Index.db');
    const { ino } = fs.statSync(file);
    const line = (inode: number) =>
      `7f0000000000-7f0000001000 r--s 00000000 fe:01 ${inode}   /other/root/oa-1-big-Index.db\n`;
    expect(refusal(file, look({ procRoot: procOf(line(ino), 'none') })).kind).toBe('running');
    expect(look({ procRoot: procOf(line(ino + 1), 'none') }).refusals).toEqual([]);
  });

  it('that has another file of the same name open does not matter', () => {
    const other = path.join(root, `other${count++}`);
    fs.mkdirSync(other);
    fs.writeFileSync(path.join(other, 'oa-1-big-Data.db'), 'x');
    expect(look({ procRoot: procOf('', path.join(other, 'oa-1-big-Data.db')) }).refusals).toEqual([]);
    expect(look({ procRoot: procOf('', at('oa-1-big-Data.db')) }).refusals).toHaveLength(1);
  });

  it('that can not be looked for is told', () => {
    const { refusals, notes } = look({ procRoot: path.join(root, 'nowhere') });
    expect(refusals).toEqual([]);
    expect(notes.join()).toContain('there is no /proc');
  });

  it('whose files can not be seen', () => {
    const proc = procOf('', 'none');
    fs.chmodSync(path.join(proc, '4711/fd'), 0);
    const { kind, message } = refusal(directory, asUser(() => look({ procRoot: proc }))); // biome-ignore format: one line
    expect(kind).toBe('running');
    expect(message).toContain('process 4711');
  });

  /** With the rights of nobody in particular, where the tests run as root, who sees all. */
  function asUser<T>(action: () => T): T {
    if (!isRoot) return action();
    fs.chmodSync(root, 0o755);
    fs.chmodSync(directory, 0o777);
    process.seteuid!(65_534);
    try {
      return action();
    } finally {
      process.seteuid!(0);
    }
  }
});
