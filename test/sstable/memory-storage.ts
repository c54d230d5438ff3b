/** Files that are in memory alone. */
import { UsageError } from '../../src/bytes/errors.js';
import { memorySource, type Storage } from '../../src/bytes/source.js';

export function memoryStorage(files: ReadonlyMap<string, Uint8Array>): Storage {
  return {
    open(file) {
      const bytes = files.get(file);
      if (!bytes) throw new UsageError('no such file', { file });
      return memorySource(bytes, file);
    },
    list: () => [...files.keys()].sort(),
    stat(file) {
      const bytes = files.get(file);
      if (!bytes) return undefined;
      return { size: bytes.length, isDirectory: false, isFile: true, mtimeMillis: 0, inode: file, links: 1 };
    },
  };
}
