/**
 * Which processes have files of a directory open, by what Linux tells in /proc:
 *
 *   <pid>/cmdline   arguments, each with a NUL after it; readable for everybody
 *   <pid>/fd/<n>    link to what is open; readable for the process' own user and root
 *   <pid>/maps      `from-to perms offset major:minor inode   path`, files mapped into memory; as fd
 *
 * Files are told by device and inode where their names match: a process in a container sees them under another path.
 */
import fs from 'node:fs';
import path from 'node:path';

export type OpenProcess = {
  readonly pid: number;
  /** Program and arguments, as far as they tell what it is. */
  readonly command: string;
  readonly isCassandra: boolean;
  /** One of the files that it has open. */
  readonly file: string;
};

/** A Cassandra whose open files can't be looked at. */
export type HiddenProcess = { readonly pid: number; readonly command: string; readonly userId: number };

export type ProcessSearch = {
  readonly open: readonly OpenProcess[];
  readonly hidden: readonly HiddenProcess[];
  /** False where there is no /proc to look in: then nothing is known. */
  readonly isKnown: boolean;
};

const CASSANDRA = /\borg\.apache\.cassandra\.|\bCassandraDaemon\b|\bDseDaemon\b/;

/**
 * @param directories where to look for open files, not below them
 * @param procRoot `/proc`
 * @param ownPid is passed over
 */
export function findOpenFiles(directories: readonly string[], procRoot: string, ownPid: number): ProcessSearch {
  const pids = numbersIn(procRoot);
  if (pids.length === 0) return { open: [], hidden: [], isKnown: false };
  const wanted = filesOf(directories);
  const open: OpenProcess[] = [];
  const hidden: HiddenProcess[] = [];
  for (const pid of pids) {
    if (pid === ownPid) continue;
    const home = path.join(procRoot, String(pid));
    const args = commandLine(home);
    if (args.length === 0) continue; // a kernel thread, or gone meanwhile
    const isCassandra = args.some((arg) => CASSANDRA.test(arg));
    const found = openFile(home, wanted);
    if (found === 'hidden') {
      if (isCassandra) hidden.push({ pid, command: commandText(args), userId: ownerOf(home) });
    } else if (found !== undefined) {
      open.push({ pid, command: commandText(args), isCassandra, file: found });
    }
  }
  return { open, hidden, isKnown: true };
}

function numbersIn(directory: string): number[] {
  try {
    return fs.readdirSync(directory).filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b); // biome-ignore format: one line
  } catch {
    return [];
  }
}

/** File name → paths, of all files in the directories. */
function filesOf(directories: readonly string[]): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const directory of directories) {
    for (const name of fs.readdirSync(directory)) {
      const paths = byName.get(name) ?? [];
      paths.push(path.join(directory, name));
      byName.set(name, paths);
    }
  }
  return byName;
}

function commandLine(home: string): string[] {
  try {
    return fs.readFileSync(path.join(home, 'cmdline'), 'utf8').split('\0').filter((arg) => arg !== ''); // biome-ignore format: one line
  } catch {
    return [];
  }
}

/** The program, and the class where it is a JVM: its command line is long. */
function commandText(args: readonly string[]): string {
  const mainClass = args.slice(1).find((arg) => CASSANDRA.test(arg) && !arg.startsWith('-'));
  return [path.basename(args[0]!), ...(mainClass === undefined ? [] : [mainClass])].join(' ');
}

function ownerOf(home: string): number {
  try {
    return fs.statSync(home).uid;
  } catch {
    return -1;
  }
}

/** One of `wanted` that the process has open; `hidden` where it can't be looked at. */
function openFile(home: string, wanted: ReadonlyMap<string, readonly string[]>): string | 'hidden' | undefined {
  const descriptors = path.join(home, 'fd');
  let numbers: string[];
  try {
    numbers = fs.readdirSync(descriptors);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'hidden' : undefined;
  }
  for (const number of numbers) {
    const link = path.join(descriptors, number);
    const found = wanted.get(path.basename(linkTarget(link)))?.find((file) => isSame(link, file));
    if (found !== undefined) return found;
  }
  return mappedFile(home, wanted);
}

function linkTarget(link: string): string {
  try {
    return fs.readlinkSync(link);
  } catch {
    return '';
  }
}

function isSame(link: string, file: string): boolean {
  try {
    const [a, b] = [fs.statSync(link), fs.statSync(file)];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}

/** The inode alone is compared, beside the name: file systems such as Btrfs give another device here than stat does. */
function mappedFile(home: string, wanted: ReadonlyMap<string, readonly string[]>): string | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path.join(home, 'maps'), 'latin1');
  } catch {
    return undefined;
  }
  for (const [, inode, mapped] of text.matchAll(/^\S+ \S+ \S+ \S+ ([1-9]\d*) +(\/.*)$/gm)) {
    const paths = wanted.get(path.basename(mapped!)) ?? [];
    const found = paths.find((file) => String(fs.statSync(file, { throwIfNoEntry: false })?.ino) === inode);
    if (found !== undefined) return found;
  }
  return undefined;
}
