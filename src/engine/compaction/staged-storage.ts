/** A storage in which SSTables that are complete but not named yet are read as if they were. */
import path from 'node:path';
import type { ByteSource, FileStat, Storage } from '../../bytes/source.js';
import { type Descriptor, splitName } from '../../sstable/descriptor.js';
import { TEMPORARY } from '../../sstable/unpublished.js';

export class StagedStorage implements Storage {
  private readonly inner: Storage;
  private readonly staged = new Set<string>();

  constructor(inner: Storage) {
    this.inner = inner;
  }

  /** From here on its files are those with the temporary names. */
  stage({ directory, prefix }: Descriptor): void {
    this.staged.add(path.join(directory, prefix));
  }

  /** It has its names, or is gone. */
  unstage({ directory, prefix }: Descriptor): void {
    this.staged.delete(path.join(directory, prefix));
  }

  open(file: string): ByteSource {
    return this.inner.open(this.nameOf(file));
  }

  stat(file: string): FileStat | undefined {
    return this.inner.stat(this.nameOf(file));
  }

  list(directory: string): string[] {
    return this.inner.list(directory);
  }

  private nameOf(file: string): string {
    if (this.staged.size === 0) return file;
    const parts = splitName(path.basename(file));
    return parts && this.staged.has(path.join(path.dirname(file), parts.prefix)) ? file + TEMPORARY : file;
  }
}
