/**
 * One lsmctl at a time changes a table's directory. `lsmctl.lock` in it says which: JSON, one line.
 *
 *   { "pid": 4711, "started": "123456", "boot": "<uuid>", "pids": "pid:[4026531836]", "host": "db1", "command": "compact run", "since": "<ISO 8601>" }
 *
 * It outlives a crash and does no harm then: it counts only while that very process lives. `started` (clock ticks since the boot) tells it from a
 * later process of the same number, `boot` from one before the last boot, `pids` says whose numbers these are: another container counts its own.
 * Cassandra passes the file over.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type ErrorReason, RefusedError } from '../../bytes/errors.js';
import { fileError } from '../../bytes/source.js';

export const LOCK_FILE = 'lsmctl.lock';

export type LockHolder = {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
  readonly pids: string;
  readonly host: string;
  readonly command: string;
  readonly since: string;
};

export type DirectoryLock = {
  /** Removes the lock files; a second call does nothing. */
  release(): void;
};

const PROC = '/proc';

/**
 * Locks the directories, in order of their paths.
 * @param command words of the command, for whoever meets the lock
 * @throws RefusedError where another process holds one; UsageError where a lock can't be made
 */
export function lockDirectories(directories: readonly string[], command: string): DirectoryLock {
  const own: LockHolder = { ...thisProcess(), command, since: new Date().toISOString() };
  const held: string[] = [];
  const release = () => {
    for (const file of held.splice(0)) fs.rmSync(file, { force: true });
  };
  try {
    for (const directory of [...new Set(directories)].sort()) {
      const file = path.join(directory, LOCK_FILE);
      takeLock(file, own);
      held.push(file);
    }
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

/** Why another process, which lives or may live, has the directory to itself; undefined where none has, or this one. */
export function lockHindrance(directory: string): ErrorReason | undefined {
  const file = path.join(directory, LOCK_FILE);
  const text = readText(file);
  if (text === undefined || parse(text)?.pid === process.pid) return undefined;
  return hindranceOf(file, text);
}

function takeLock(file: string, own: LockHolder): void {
  for (let attempt = 0; attempt < 10; attempt++) {
    if (tryCreate(file, own)) return;
    const text = readText(file);
    if (text === undefined) continue; // let go meanwhile
    const hindrance = hindranceOf(file, text);
    if (hindrance) throw refusal(hindrance);
    removeDead(file, text, own.pid);
  }
  throw refusal({ file, message: 'other lsmctl processes keep taking the directory', hint: 'try again' });
}

function refusal({ message, ...facts }: ErrorReason): RefusedError {
  return new RefusedError(message, facts);
}

/** The file appears with its text in it: by a link where the file system has them. */
function tryCreate(file: string, own: LockHolder): boolean {
  const text = `${JSON.stringify(own)}\n`;
  const beside = `${file}.${own.pid}.tmp`;
  try {
    fs.writeFileSync(beside, text);
    try {
      fs.linkSync(beside, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      fs.writeFileSync(file, text, { flag: 'wx' });
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileError(error, file);
  } finally {
    fs.rmSync(beside, { force: true });
  }
}

/** Moves the lock away, and back where it turns out to be another than the one that was looked at. */
function removeDead(file: string, text: string, pid: number): void {
  const aside = `${file}.${pid}.dead.tmp`;
  try {
    fs.renameSync(file, aside);
    if (readText(aside) !== text) fs.linkSync(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw fileError(error, file);
  } finally {
    fs.rmSync(aside, { force: true });
  }
}

function hindranceOf(file: string, text: string): ErrorReason | undefined {
  const holder = parse(text);
  if (!holder) {
    return {
      file,
      message: 'is a lock that says nothing',
      hint: 'make sure that no lsmctl works here, then remove it',
    };
  }
  const own = thisProcess();
  const { pid, command, since, host } = holder;
  if (host !== own.host || holder.pids !== own.pids) {
    return {
      file,
      message: `lsmctl ${command} has locked the directory since ${since}, from another ${host === own.host ? 'container' : 'host'} (${host}, process ${pid}): whether it still runs can't be seen from here`,
      hint: 'make sure that it has ended, then remove the lock',
    };
  }
  if (holder.boot !== own.boot || startOf(pid) !== holder.started) return undefined;
  return {
    file,
    message: `another lsmctl works here: ${command}, process ${pid}, since ${since}`,
    hint: 'wait until it has ended, or end it',
  };
}

function parse(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<LockHolder>;
    const isWhole = (['started', 'boot', 'pids', 'host', 'command', 'since'] as const).every(
      (name) => typeof holder[name] === 'string',
    );
    return isWhole && Number.isInteger(holder.pid) ? (holder as LockHolder) : undefined;
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, file);
  }
}

function thisProcess(): Omit<LockHolder, 'command' | 'since'> {
  const { pid } = process;
  return {
    pid,
    started: startOf(pid) ?? '',
    boot: proc('sys/kernel/random/boot_id') ?? '',
    pids: namespaceOfPids(),
    host: os.hostname(),
  };
}

/** Field 22 of <pid>/stat; undefined for a process that is not there. Without a /proc, `''` for one that is. */
function startOf(pid: number): string | undefined {
  const stat = proc(`${pid}/stat`);
  if (stat !== undefined) {
    // the name of the program, in parentheses, may hold anything
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  }
  if (fs.existsSync(path.join(PROC, 'self'))) return undefined;
  try {
    process.kill(pid, 0);
    return '';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '' : undefined;
  }
}

function namespaceOfPids(): string {
  try {
    return fs.readlinkSync(path.join(PROC, 'self/ns/pid'));
  } catch {
    return '';
  }
}

function proc(file: string): string | undefined {
  try {
    return fs.readFileSync(path.join(PROC, file), 'utf8').trim();
  } catch {
    return undefined;
  }
}
