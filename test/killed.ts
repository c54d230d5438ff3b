/** Runs lsmctl and kills it (SIGKILL) at some moment; tells tables before, after and in between by the bytes of their files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from '../src/bytes/crc32.js';
import { diskOutput } from '../src/bytes/sink.js';
import { LOCK_FILE } from '../src/cli/guards/directory-lock.js';
import { planRecovery, recover, type TableRecovery } from '../src/engine/lifecycle/recovery.js';
import { classifyDirectory } from '../src/engine/sstable-directory.js';
import { plainEnvironment, ROOT } from './run-cli.js';

/** Another build than that of the checkout, where it is given. */
export const LSMCTL = process.env.LSMCTL ?? path.join(ROOT, 'bin/run.js');

export type Kill = {
  /** Counted from the first transaction log in one of these directories, else from the start. */
  readonly directories?: readonly string[];
  readonly afterMillis: number;
};

/** @returns whether it was killed; false where it came to its end before, with exit code 0. @throws Error where it failed */
export async function runAndKill(args: readonly string[], { directories, afterMillis }: Kill): Promise<boolean> {
  const child = spawn(process.execPath, [LSMCTL, ...args], {
    env: plainEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const text: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => text.push(chunk.toString('utf8')));
  const closed = once(child, 'close');
  let isOver = false;
  void closed.then(() => {
    isOver = true;
  });
  if (directories) await Promise.race([firstLog(directories, () => isOver), closed]);
  await Promise.race([sleep(afterMillis), closed]);
  child.kill('SIGKILL');
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  if (signal === 'SIGKILL') return true;
  if (code !== 0) throw new Error(`lsmctl ${args.join(' ')} ended with ${code}:\n${text.join('')}`);
  return false;
}

function firstLog(directories: readonly string[], isOver: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const watchers = directories.map((directory) =>
      fs.watch(directory, (_event, name) => {
        if (!name?.includes('_txn_')) return;
        for (const watcher of watchers) watcher.close();
        resolve();
      }),
    );
    const timer = setInterval(() => {
      if (!isOver()) return;
      clearInterval(timer);
      for (const watcher of watchers) watcher.close();
      resolve();
    }, 20);
  });
}

/** What the files of a table's directory hold, by name; the lock of a process that is gone is nothing. */
export function tableContents(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory).filter((name) => name !== LOCK_FILE);
  const files = names.filter((name) => fs.statSync(path.join(directory, name)).isFile());
  return Object.fromEntries(
    files.map((name) => {
      const bytes = fs.readFileSync(path.join(directory, name));
      return [name, `${bytes.length} bytes, ${crc32(bytes)}`];
    }),
  );
}

/** What `compact recover` would do there, done. */
export function recoverDirectories(directories: readonly string[]): TableRecovery[] {
  const classified = directories.map((directory) => classifyDirectory(directory, fs.readdirSync(directory).sort()));
  const tables = planRecovery(diskOutput, classified);
  for (const table of tables) recover(diskOutput, table);
  return tables;
}
