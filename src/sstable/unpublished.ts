/** SSTables that are written but not named yet: each of their files has a suffix to its name, which a node takes for temporary. */
import type { Storage } from '../bytes/source.js';

export const TEMPORARY = '.tmp';

/** Reads files that are to be named as asked for. */
export function unpublished(storage: Storage): Storage {
  return {
    open: (file) => storage.open(file + TEMPORARY),
    stat: (file) => storage.stat(file + TEMPORARY),
    list: (directory) =>
      storage
        .list(directory)
        .filter((name) => name.endsWith(TEMPORARY))
        .map((name) => name.slice(0, -TEMPORARY.length)),
  };
}
