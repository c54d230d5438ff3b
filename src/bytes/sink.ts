/**
 * Where bytes go. Writers take an `OutputStorage`, never `node:fs`: tests keep what is written in memory, a dry run counts it.
 * A file is made once and written from its beginning to its end; nothing that is there is ever overwritten.
 */
import fs from 'node:fs';
import path from 'node:path';
import { InvariantError, UsageError } from './errors.js';
import { diskStorage, type FileStat, fileError, memorySource, type Storage } from './source.js';

/** A file being written. */
export interface FileSink {
  readonly path: string;
  /** Bytes written so far, those that are still buffered included. */
  readonly position: number;
  /** Appends all of `bytes[start, end)`; they may be changed afterwards. @throws UsageError, such as for a full disk */
  write(bytes: Uint8Array, start?: number, end?: number): void;
  /** What was written is on the disk when this returns. @throws UsageError */
  sync(): void;
  /** Writes what is buffered, unless a write has failed before; a second call does nothing. It does not sync. @throws UsageError */
  close(): void;
}

/** A storage that is written to as well. */
export interface OutputStorage extends Storage {
  /** A new file. @throws UsageError where something is there already, or it may not be made */
  create(file: string): FileSink;
  /** Within a file system at once; replaces what is at `to`. @throws UsageError */
  rename(from: string, to: string): void;
  /** A file that is not there is no error. @throws UsageError */
  remove(file: string): void;
  /** With those above it; one that is there already is no error. @throws UsageError */
  makeDirectory(directory: string): void;
  /** Names made, changed and removed in it are on the disk when this returns. @throws UsageError */
  syncDirectory(directory: string): void;
  /** Bytes that may still be written to the file system of `directory`; `undefined` where that can't be told. */
  freeBytes(directory: string): number | undefined;
  /** The absolute path of a directory that is there, without symbolic links on the way. @throws UsageError */
  canonicalPath(directory: string): string;
}

/** Bytes that are gathered before they are written. */
const BUFFER_BYTES = 1 << 18;
/** Bytes after which the disk is given what was written so far: it works on that meanwhile, and {@link FileSink.sync} has less to wait for. */
const EARLY_SYNC_BYTES = 1 << 24;

function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing ? new UsageError('no such file or directory', { file }, { cause: error }) : fileError(error, file);
  }
}

/**
 * Brings what is written to the disk in the background. By a descriptor of its own, for an error of the disk is told once to each: that by which the
 * file is written hears of it too.
 */
class EarlySync {
  private readonly path: string;
  private fd = -1;
  private isUnderWay = false;
  private isClosed = false;

  constructor(file: string) {
    this.path = file;
  }

  /** Unless the one before is not done yet. Nothing is promised: what fails here is told by the sync that is waited for. */
  start(): void {
    if (this.isUnderWay) return;
    try {
      if (this.fd < 0) this.fd = fs.openSync(this.path, 'r');
    } catch {
      return;
    }
    this.isUnderWay = true;
    fs.fdatasync(this.fd, () => {
      this.isUnderWay = false;
      if (this.isClosed) this.close();
    });
  }

  close(): void {
    this.isClosed = true;
    if (this.isUnderWay || this.fd < 0) return;
    fs.closeSync(this.fd);
    this.fd = -1;
  }
}

class DiskSink implements FileSink {
  readonly path: string;
  position = 0;
  private fd: number;
  private buffer = new Uint8Array(0);
  private buffered = 0;
  /** A write that failed: the file has a gap, and nothing more is written to it. */
  private failure: UsageError | undefined;
  private readonly early: EarlySync;
  /** Bytes at which it is next asked for. */
  private earlyAt = EARLY_SYNC_BYTES;

  constructor(file: string) {
    this.path = file;
    this.early = new EarlySync(file);
    this.fd = attempt(file, () => fs.openSync(file, 'wx', 0o644));
    try {
      attempt(file, () => giveToOwner(file));
    } catch (error) {
      fs.closeSync(this.fd);
      throw error;
    }
  }

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    if (this.fd < 0) throw new InvariantError('a closed file is written to', { file: this.path });
    if (length > this.buffer.length - this.buffered || this.failure) {
      this.flush();
      if (this.position >= this.earlyAt) {
        this.earlyAt = this.position + EARLY_SYNC_BYTES;
        this.early.start();
      }
      // most files of an SSTable are small: the whole buffer comes with the second write
      if (this.position > 0 && this.buffer.length === 0) this.buffer = new Uint8Array(BUFFER_BYTES);
      if (length > this.buffer.length) {
        this.writeAll(bytes, start, end);
        this.position += length;
        return;
      }
    }
    if (length <= 32) {
      for (let i = start, to = this.buffered; i < end; i++) this.buffer[to++] = bytes[i]!;
    } else {
      this.buffer.set(bytes.subarray(start, end), this.buffered);
    }
    this.buffered += length;
    this.position += length;
  }

  private flush(): void {
    if (this.failure) throw this.failure;
    if (this.buffered === 0) return;
    this.writeAll(this.buffer, 0, this.buffered);
    this.buffered = 0;
  }

  private writeAll(bytes: Uint8Array, start: number, end: number): void {
    try {
      for (let at = start; at < end; ) at += fs.writeSync(this.fd, bytes, at, end - at);
    } catch (error) {
      this.failure = fileError(error, this.path);
      throw this.failure;
    }
  }

  sync(): void {
    this.flush();
    attempt(this.path, () => fs.fsyncSync(this.fd));
  }

  close(): void {
    if (this.fd < 0) return;
    const { fd } = this;
    try {
      if (!this.failure) this.flush();
    } finally {
      this.fd = -1;
      this.early.close();
      attempt(this.path, () => fs.closeSync(fd));
    }
  }
}

/**
 * What root makes belongs to the owner of the directory that it is made in: a node, which runs as a user of its own, must be able to read,
 * compact and remove it.
 */
function giveToOwner(made: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = fs.statSync(path.dirname(made));
  if (uid !== 0 || gid !== 0) fs.chownSync(made, uid, gid);
}

/** The file system. */
export const diskOutput: OutputStorage = {
  ...diskStorage,
  create: (file) => new DiskSink(file),
  rename: (from, to) => attempt(to, () => fs.renameSync(from, to)),
  remove: (file) => attempt(file, () => fs.rmSync(file, { force: true })),
  makeDirectory(directory) {
    attempt(directory, () => {
      const first = fs.mkdirSync(directory, { recursive: true });
      if (first === undefined) return;
      giveToOwner(first);
      const below = path.relative(first, path.resolve(directory)).split(path.sep);
      for (let i = 1; below[0] !== '' && i <= below.length; i++) giveToOwner(path.join(first, ...below.slice(0, i)));
    });
  },
  syncDirectory(directory) {
    attempt(directory, () => {
      const fd = fs.openSync(directory, 'r');
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  },
  freeBytes(directory) {
    try {
      const { bavail, bsize } = fs.statfsSync(directory);
      return bavail * bsize;
    } catch {
      return undefined; // not there, or a file system that does not tell
    }
  },
  canonicalPath: (directory) => attempt(directory, () => fs.realpathSync(directory)),
};

class MemorySink implements FileSink {
  path: string;
  position = 0;
  private readonly files: Map<string, Uint8Array>;
  private bytes = new Uint8Array(256);

  constructor(file: string, files: Map<string, Uint8Array>) {
    this.path = file;
    this.files = files;
    this.sync();
  }

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    if (this.position + length > this.bytes.length) {
      const next = new Uint8Array(Math.max(this.bytes.length * 2, this.position + length));
      next.set(this.bytes.subarray(0, this.position));
      this.bytes = next;
    }
    this.bytes.set(bytes.subarray(start, end), this.position);
    this.position += length;
  }

  sync(): void {
    this.files.set(this.path, this.bytes.subarray(0, this.position));
  }

  close(): void {
    this.sync();
  }

  /** The file has another name now. */
  move(to: string): void {
    this.path = to;
  }
}

/** Files in memory, by path: those of `files`, and those that are written to it. A file has its bytes when it is synced or closed. */
export function memoryOutput(files: Map<string, Uint8Array> = new Map()): OutputStorage {
  const sinks = new Map<string, MemorySink>();
  const need = (file: string) => {
    const bytes = files.get(file);
    if (!bytes) throw new UsageError('no such file or directory', { file });
    return bytes;
  };
  return {
    open: (file) => memorySource(need(file), file),
    list: (directory) =>
      [...files.keys()]
        .filter((file) => path.dirname(file) === directory)
        .map((file) => path.basename(file))
        .sort(),
    stat: (file) => memoryStat(file, files.get(file)?.length),
    create(file) {
      if (files.has(file)) throw new UsageError('is there already', { file });
      const sink = new MemorySink(file, files);
      sinks.set(file, sink);
      return sink;
    },
    rename(from, to) {
      files.set(to, need(from));
      files.delete(from);
      const sink = sinks.get(from);
      sinks.delete(from);
      if (sink) sinks.set(to, sink);
      sink?.move(to);
    },
    remove: (file) => void files.delete(file),
    makeDirectory() {},
    syncDirectory() {},
    freeBytes: () => undefined,
    canonicalPath: (directory) => path.resolve(directory),
  };
}

function memoryStat(file: string, size: number | undefined): FileStat | undefined {
  if (size === undefined) return undefined;
  return { size, isDirectory: false, isFile: true, mtimeMillis: 0, inode: file, links: 1 };
}

/** Keeps the sizes of what is written and nothing else: a dry run. Reads come from `inner`. */
export class CountingOutput implements OutputStorage {
  /** Path → bytes. */
  readonly sizes = new Map<string, number>();
  private readonly inner: Storage;

  constructor(inner: Storage = diskStorage) {
    this.inner = inner;
  }

  /** Bytes of all files that were written and not removed. */
  get bytesWritten(): number {
    let sum = 0;
    for (const size of this.sizes.values()) sum += size;
    return sum;
  }

  open(file: string) {
    return this.inner.open(file);
  }

  list(directory: string): string[] {
    return this.inner.list(directory);
  }

  /** Files that were written count as there. */
  stat(file: string): FileStat | undefined {
    return memoryStat(file, this.sizes.get(file)) ?? this.inner.stat(file);
  }

  create(file: string): FileSink {
    if (this.sizes.has(file)) throw new UsageError('is there already', { file });
    const { sizes } = this;
    sizes.set(file, 0);
    return {
      path: file,
      get position() {
        return sizes.get(file) ?? 0;
      },
      write(bytes, start = 0, end = bytes.length) {
        sizes.set(file, (sizes.get(file) ?? 0) + end - start);
      },
      sync() {},
      close() {},
    };
  }

  rename(from: string, to: string): void {
    this.sizes.set(to, this.sizes.get(from) ?? 0);
    this.sizes.delete(from);
  }

  remove(file: string): void {
    this.sizes.delete(file);
  }

  makeDirectory(): void {}
  syncDirectory(): void {}
  freeBytes(): number | undefined {
    return undefined;
  }

  canonicalPath(directory: string): string {
    return path.resolve(directory);
  }
}
