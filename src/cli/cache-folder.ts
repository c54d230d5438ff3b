import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** `$XDG_CACHE_HOME/lsmctl`, by default ~/.cache/lsmctl; `undefined` for a user without a home. What is in it may be deleted at any time. */
export function cacheFolder(): string | undefined {
  try {
    return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'lsmctl');
  } catch {
    return undefined; // the uid has no entry among the system's users, and HOME is not set
  }
}

/**
 * Makes a folder below it, and what is missing on the way from the user's cache folder on, for this user alone.
 * Not by `recursive`: where the system answers ENOENT whatever is there, as in /proc, Node tries for ever.
 *
 * @throws what `mkdir` throws
 */
export function makeFolder(folder: string): void {
  const parent = path.dirname(folder);
  for (const one of [path.dirname(path.dirname(parent)), path.dirname(parent), parent, folder]) {
    if (!fs.existsSync(one)) fs.mkdirSync(one, { mode: 0o700 });
  }
}
