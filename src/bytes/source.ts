/**
 * Where bytes come from. Readers take a `Storage`, never `node:fs`: tests count what was opened and read, and hand in bytes of their own.
 * Reads are synchronous: measured, an async call per chunk costs more than the read.
 */
import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from './errors.js';

/** An open file of fixed length. */
export interface ByteSource {
  readonly path: string;
  /** Bytes, as it was when opened. */
  readonly size: number;
  /** Reads up to `length` bytes at `position`; returns how many (fewer only at the end of the file). */
  read(position: number, target: Uint8Array, offset: number, length: number): number;
  close(): void;
}

export type FileStat = {
  readonly size: number;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  /** Whole milliseconds since 1970, as Java gives them. */
  readonly mtimeMillis: number;
  /** Device and inode as one text, and the number of names: how hard links are told. */
  readonly inode: string;
  readonly links: number;
};

export interface Storage {
  /**
   * @param ahead room for small files: where the whole file and a byte more would fit in, it may be read at once, and lies there as long as the
   * source is used. Saves calls where thousands are opened.
   * @throws UsageError when missing, not permitted or not a file
   */
  open(file: string, ahead?: Uint8Array): ByteSource;
  /** Names in a directory, sorted. @throws UsageError */
  list(directory: string): string[];
  /** `undefined` when nothing is there. @throws UsageError when it can't be looked at */
  stat(file: string): FileStat | undefined;
}

const WRITE_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'is on a read-only file system',
  EEXIST: 'is there already',
  EXDEV: 'lies on another file system',
};

/** A file-system error in the words of an operator. */
export function fileError(error: unknown, file: string): UsageError {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === 'ENOENT'
      ? 'no such file or directory (a running node may have removed it: take a snapshot and point lsmctl at that)'
      : code === 'EACCES' || code === 'EPERM'
        ? 'permission denied (run as the user that owns the data directory, often cassandra)'
        : code === 'EISDIR'
          ? 'is a directory'
          : code === 'ENOTDIR'
            ? 'is not a directory'
            : code === 'EMFILE' || code === 'ENFILE'
              ? 'too many open files (raise ulimit -n)'
              : (WRITE_FAILURES[code ?? ''] ?? (error as Error).message ?? String(error));
  return new UsageError(why, { file }, { cause: error });
}

class FileSource implements ByteSource {
  readonly path: string;
  readonly size: number;
  private fd: number;
  /** All that is in the file. */
  private readonly held: Uint8Array | undefined;

  constructor(file: string, ahead?: Uint8Array) {
    this.path = file;
    try {
      this.fd = fs.openSync(file, 'r');
    } catch (error) {
      throw fileError(error, file);
    }
    const length = ahead ? readAll(this.fd, ahead) : 0;
    if (ahead && length > 0) {
      this.held = ahead;
      this.size = length;
      this.close();
      return;
    }
    const stat = fs.fstatSync(this.fd);
    if (!stat.isFile()) {
      this.close();
      throw new UsageError(stat.isDirectory() ? 'is a directory, a file was expected' : 'is not a regular file', {
        file,
      });
    }
    this.size = stat.size;
  }

  read(position: number, target: Uint8Array, offset: number, length: number): number {
    if (this.held) return copyOf(this.held, this.size, position, target, offset, length);
    let done = 0;
    try {
      while (done < length) {
        const n = fs.readSync(this.fd, target, offset + done, length - done, position + done);
        if (n === 0) break;
        done += n;
      }
    } catch (error) {
      throw fileError(error, this.path);
    }
    return done;
  }

  close(): void {
    if (this.fd >= 0) fs.closeSync(this.fd);
    this.fd = -1;
  }
}

/** Bytes of a file that lie in `target` now; 0 where that is not all of them, or it is no file: then it is looked at as ever, which tells. */
function readAll(fd: number, target: Uint8Array): number {
  try {
    for (let done = 0; done < target.length; ) {
      const n = fs.readSync(fd, target, done, target.length - done, done);
      if (n === 0) return done;
      done += n;
    }
  } catch {}
  return 0;
}

function copyOf(
  held: Uint8Array,
  size: number,
  position: number,
  target: Uint8Array,
  offset: number,
  length: number,
): number {
  const n = Math.max(0, Math.min(length, size - position));
  if (n === 1) target[offset] = held[position]!;
  else if (target !== held || position !== offset) target.set(held.subarray(position, position + n), offset);
  return n;
}

export const diskStorage: Storage = {
  open: (file, ahead) => new FileSource(file, ahead),
  list(directory) {
    try {
      return fs.readdirSync(directory).sort();
    } catch (error) {
      throw fileError(error, directory);
    }
  },
  stat(file) {
    try {
      const s = fs.statSync(file, { bigint: true });
      return {
        size: Number(s.size),
        isDirectory: s.isDirectory(),
        isFile: s.isFile(),
        mtimeMillis: wholeMillis(s.mtimeNs),
        inode: `${s.dev}:${s.ino}`,
        links: Number(s.nlink),
      };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw fileError(error, file);
    }
  },
};

/** Not Node's own milliseconds: these are a double, which the last hundred nanoseconds of a millisecond round up to the next. */
function wholeMillis(nanos: bigint): number {
  return Number((nanos - (((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array, name = 'memory'): ByteSource {
  return {
    path: name,
    size: bytes.length,
    read(position, target, offset, length) {
      return copyOf(bytes, bytes.length, position, target, offset, length);
    },
    close() {},
  };
}

/** `storage` with some files replaced by bytes in memory (key: the full path). */
export function overlayStorage(storage: Storage, files: ReadonlyMap<string, Uint8Array>): Storage {
  return {
    open(file, ahead) {
      const bytes = files.get(file);
      return bytes ? memorySource(bytes, file) : storage.open(file, ahead);
    },
    list: (directory) => storage.list(directory),
    stat(file) {
      const bytes = files.get(file);
      const s = storage.stat(file);
      return bytes && s ? { ...s, size: bytes.length } : s;
    },
  };
}

class CountedSource implements ByteSource {
  readonly path: string;
  readonly size: number;
  private readonly source: ByteSource;
  private readonly by: CountingStorage;

  constructor(source: ByteSource, by: CountingStorage) {
    this.path = source.path;
    this.size = source.size;
    this.source = source;
    this.by = by;
  }

  read(position: number, target: Uint8Array, offset: number, length: number): number {
    const n = this.source.read(position, target, offset, length);
    this.by.bytesRead += n;
    return n;
  }

  close(): void {
    this.source.close();
  }
}

/** Counts what is opened and read, as far as it was asked for: the proof of a command's cost. */
export class CountingStorage implements Storage {
  readonly opened: string[] = [];
  bytesRead = 0;
  private readonly inner: Storage;

  constructor(inner: Storage = diskStorage) {
    this.inner = inner;
  }

  open(file: string, ahead?: Uint8Array): ByteSource {
    this.opened.push(file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf(path.sep)) + 1));
    return new CountedSource(this.inner.open(file, ahead), this);
  }

  list(directory: string): string[] {
    return this.inner.list(directory);
  }

  stat(file: string): FileStat | undefined {
    return this.inner.stat(file);
  }
}

/**
 * The whole of a small component.
 * @param scratch where it fits in, the bytes lie in it: they hold until it is used again
 * @throws UsageError above `maxBytes`: no real file of its kind is that large
 */
export function readWhole(storage: Storage, file: string, maxBytes = 1 << 28, scratch?: Uint8Array): Uint8Array {
  const source = storage.open(file, scratch);
  try {
    if (source.size > maxBytes) throw new UsageError(`is larger than ${maxBytes} bytes`, { file, seen: source.size });
    const { size } = source;
    const bytes = scratch && size <= scratch.length ? scratch : new Uint8Array(size);
    const n = source.read(0, bytes, 0, size);
    return n === bytes.length ? bytes : bytes.subarray(0, n);
  } finally {
    source.close();
  }
}

/** The first `length` bytes of a file, or all where it has fewer. */
export function readStart(storage: Storage, file: string, length: number): Uint8Array {
  const source = storage.open(file);
  try {
    const bytes = new Uint8Array(Math.min(length, source.size));
    return bytes.subarray(0, source.read(0, bytes, 0, bytes.length));
  } finally {
    source.close();
  }
}
