/** One at a time; and a lock that a crash leaves does not count. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { RefusedError } from '../../../src/bytes/errors.js';
import { LOCK_FILE, type LockHolder, lockDirectories, lockHindrance } from '../../../src/cli/guards/directory-lock.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-lock-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

let [one, two] = ['', ''];
beforeEach(() => {
  [one, two] = [fs.mkdtempSync(path.join(root, 'a')), fs.mkdtempSync(path.join(root, 'b'))];
});

const lockOf = (directory: string) => path.join(directory, LOCK_FILE);

/** The lock that this process would have, but for some of its facts. */
function write(directory: string, change: Partial<LockHolder>): void {
  const lock = lockDirectories([directory], 'compact run');
  const own = JSON.parse(fs.readFileSync(lockOf(directory), 'utf8')) as LockHolder;
  lock.release();
  fs.writeFileSync(lockOf(directory), `${JSON.stringify({ ...own, ...change })}\n`);
}

describe('lockDirectories', () => {
  it('keeps others out until it is let go, and leaves nothing', () => {
    const lock = lockDirectories([two, one, one], 'compact run');
    expect(fs.readdirSync(one)).toEqual([LOCK_FILE]);
    expect(() => lockDirectories([two], 'compact run')).toThrow(RefusedError);
    expect(lockHindrance(one)).toBeUndefined(); // our own
    lock.release();
    lock.release();
    expect([...fs.readdirSync(one), ...fs.readdirSync(two)]).toEqual([]);
    lockDirectories([one], 'compact run').release();
  });

  it('locks all or none', () => {
    const lock = lockDirectories([two], 'compact run');
    expect(() => lockDirectories([one, two], 'compact run')).toThrow(RefusedError);
    expect(fs.readdirSync(one)).toEqual([]);
    lock.release();
  });

  it('takes the lock of a process that lives for what it is', () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    try {
      const started = fs.readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!;
      write(one, { pid: child.pid!, started });
      expect(lockHindrance(one)!.message).toContain(`another lsmctl works here: compact run, process ${child.pid}`);
      expect(() => lockDirectories([one], 'compact run')).toThrow('another lsmctl works here');
      write(two, { pid: child.pid!, started: `${Number(started) - 1}` }); // had the number before
      expect(lockHindrance(two)).toBeUndefined();
    } finally {
      child.kill();
    }
  });

  it('takes over what the dead have left', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const left: Partial<LockHolder>[] = [{ pid }, { pid: 1, started: '0' }, { pid: 1, boot: 'another' }];
    for (const change of left) {
      write(one, change);
      expect(lockHindrance(one)).toBeUndefined();
      const lock = lockDirectories([one], 'compact run');
      expect(JSON.parse(fs.readFileSync(lockOf(one), 'utf8'))).toMatchObject({ pid: process.pid });
      lock.release();
      expect(fs.readdirSync(one)).toEqual([]);
    }
  });

  it.each([
    ['another host', { host: 'db7', pid: 1 }],
    ['another container', { pids: 'pid:[1]', pid: 1 }],
  ])('does not judge %s', (what, change) => {
    write(one, change);
    expect(lockHindrance(one)!.message).toContain(what);
    expect(() => lockDirectories([one], 'compact run')).toThrow("can't be seen from here");
  });

  it.each(['', 'text', '{"pid":"1"}'])('does not judge a lock that says %j', (text) => {
    fs.writeFileSync(lockOf(one), text);
    expect(() => lockDirectories([one], 'compact run')).toThrow('says nothing');
    expect(fs.readdirSync(one)).toEqual([LOCK_FILE]);
  });
});
