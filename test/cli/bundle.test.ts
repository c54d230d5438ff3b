/** What V8 made of the bundle is kept between starts: whatever lies there, a start does the same, and nobody else's code is run. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { plainEnvironment, ROOT } from '../run-cli.js';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-bundle-'));
const FIXTURE = path.join(ROOT, 'fixtures/oa-5.0');
const HEADER = 20;
let cache = '';
let n = 0;

beforeEach(() => {
  cache = path.join(scratch, String(n++));
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

function start(words: readonly string[], env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []) {
  const run = path.join(ROOT, 'bin/run.js');
  return spawnSync(process.execPath, [...flags, run, ...words], {
    encoding: 'utf8',
    timeout: 30_000,
    env: plainEnvironment({ XDG_CACHE_HOME: cache, ...env }),
  });
}

const LS = ['ls', FIXTURE, '--json'];
const plain = start(LS, { NODE_DISABLE_COMPILE_CACHE: '1' });

function expectAsEver(done: ReturnType<typeof start>) {
  expect(done.stderr).toBe('');
  expect(done.stdout).toBe(plain.stdout);
  expect(done.status).toBe(plain.status);
}

const folder = () => path.join(cache, 'lsmctl/compiled');
const START = `ls.${process.version}-${process.arch}.`;
const kept = () =>
  path.join(folder(), fs.readdirSync(folder()).find((name) => name.startsWith(START) && !name.endsWith('.elsewhere'))!);
/** A file that is taken stays the file it is; any other is put away by a new one. */
const identity = () => fs.statSync(kept()).ino;

describe('compiled code', () => {
  it('is kept for the user alone, and taken by the next start', () => {
    expect(JSON.parse(plain.stdout)).toBeTruthy();
    expectAsEver(start(LS));
    expect(fs.readdirSync(folder())).toEqual([path.basename(kept())]);
    expect(fs.statSync(kept()).mode & 0o777).toBe(0o600);
    expect(fs.statSync(folder()).mode & 0o777).toBe(0o700);
    const first = identity();
    expectAsEver(start(LS));
    expect(identity()).toBe(first);
  });

  it('is written anew when a later start came to need much more, not after an error', () => {
    expect(start(['ls', path.join(scratch, 'nothing')]).status).toBe(2);
    expect(fs.existsSync(folder())).toBe(false);
    const shop = path.join(FIXTURE, 'data/shop');
    const compact = (...words: readonly string[]) => {
      expect(start(['compact', ...words, shop]).status).toBeLessThan(2);
      const [name] = fs.readdirSync(folder());
      return fs.statSync(path.join(folder(), name!)).ino;
    };
    const few = compact('recover', '--dry-run');
    expect(compact('recover', '--dry-run')).toBe(few);
    const many = compact('plan');
    expect(many).not.toBe(few);
    expect(compact('plan')).toBe(many);
    expect(compact('recover', '--dry-run')).toBe(many);
  });

  it.each<[string, (file: string) => void]>([
    ['a flipped bit', (file) => flip(file, HEADER + 5000)],
    ['code of another bundle', (file) => flip(file, 4)],
    ['another format', (file) => flip(file, 0)],
    ['a file cut short', (file) => fs.truncateSync(file, fs.statSync(file).size >> 1)],
    ['an empty file', (file) => fs.truncateSync(file, 0)],
    ['a file that others may write', (file) => fs.chmodSync(file, 0o622)],
    ['a link', linked],
  ])('is not taken from %s', (_, damage) => {
    start(LS);
    const first = identity();
    damage(kept());
    expectAsEver(start(LS));
    expect(identity()).not.toBe(first);
    expect(fs.lstatSync(kept()).isFile()).toBe(true);
    expect(fs.statSync(kept()).mode & 0o777).toBe(0o600);
    expectAsEver(start(LS));
  });

  it('of versions that are gone goes in time', () => {
    start(LS);
    const put = (name: string, days: number) => {
      const file = path.join(folder(), name);
      fs.writeFileSync(file, '');
      const seconds = Date.now() / 1000 - days * 86_400;
      fs.utimesSync(file, seconds, seconds);
      return file;
    };
    const old = [put('ls.v18.0.0-x64.1', 61), put('ls.v18.0.0-x64.1.4711.tmp', 61)];
    const others = [put('ls.v20.0.0-x64.2', 59), put('notes.txt', 61)];
    fs.truncateSync(kept(), 0);
    expectAsEver(start(LS));
    expect(old.map((file) => fs.existsSync(file))).toEqual([false, false]);
    expect(others.map((file) => fs.existsSync(file))).toEqual([true, true]);
  });

  it('is looked at again after a day, not at every start from then on', () => {
    start(LS);
    const first = identity();
    const seconds = Math.floor(Date.now() / 1000 - 2 * 86_400);
    fs.utimesSync(kept(), seconds, seconds);
    expectAsEver(start(LS));
    expect(identity()).toBe(first);
    expect(fs.statSync(kept()).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
    const now = fs.statSync(kept()).mtimeMs;
    expectAsEver(start(LS));
    expect(fs.statSync(kept()).mtimeMs).toBe(now);
  });

  it.runIf(process.getuid?.() === 0)('is not taken from another user', () => {
    start(LS);
    const first = identity();
    fs.chownSync(kept(), 1, 1);
    expectAsEver(start(LS));
    expect(identity()).not.toBe(first);
    expect(fs.statSync(kept()).uid).toBe(0);
  });

  it('that V8 refuses is compiled again', () => {
    start(LS);
    const first = identity();
    expectAsEver(start(LS, {}, ['--no-lazy-feedback-allocation', '--stack-size=900']));
    expect(identity()).not.toBe(first);
  });

  it('can be turned off, or kept elsewhere', () => {
    expectAsEver(start(LS, { NODE_DISABLE_COMPILE_CACHE: '1' }));
    expect(fs.existsSync(cache)).toBe(false);
    const elsewhere = path.join(scratch, 'elsewhere');
    expectAsEver(start(LS, { NODE_COMPILE_CACHE: elsewhere }));
    expect(fs.existsSync(cache)).toBe(false);
    expect(fs.readdirSync(path.join(elsewhere, 'compiled'))).toHaveLength(1);
  });

  it('is done without where nothing can be written', () => {
    const file = path.join(scratch, 'a-file');
    fs.writeFileSync(file, '');
    expectAsEver(start(LS, { XDG_CACHE_HOME: file }));
    expectAsEver(start(LS, { XDG_CACHE_HOME: '/proc/1/nowhere' }));
  });

  it('of threads comes from the same file, and damage to it is harmless there too', () => {
    const verify = ['verify', FIXTURE, '--jobs', '2', '--json'];
    const off = start(verify, { NODE_DISABLE_COMPILE_CACHE: '1' });
    const one = start(verify);
    const two = start(verify);
    flip(path.join(folder(), fs.readdirSync(folder())[0]!), HEADER + 5000);
    const three = start(verify);
    const timeless = (text: string) => text.replace(/"(seconds|millis|elapsed\w*)": ?[\d.]+/g, '');
    for (const done of [one, two, three]) expect(timeless(done.stdout)).toBe(timeless(off.stdout));
    expect(off.stdout.length).toBeGreaterThan(1000);
  });
});

it('runs from the modules where there is no bundle', () => {
  const alone = fs.mkdtempSync(path.join(scratch, 'modules-'));
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json']) {
    fs.cpSync(path.join(ROOT, name), path.join(alone, name), { recursive: true });
  }
  fs.rmSync(path.join(alone, 'dist/lsmctl.cjs'));
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(alone, 'node_modules'));
  const done = spawnSync(process.execPath, [path.join(alone, 'bin/run.js'), ...LS], {
    encoding: 'utf8',
    env: plainEnvironment(),
  });
  expectAsEver(done);
});

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at]! ^= 1;
  fs.writeFileSync(file, bytes);
}

function linked(file: string): void {
  fs.renameSync(file, `${file}.elsewhere`);
  fs.symlinkSync(`${file}.elsewhere`, file);
}
