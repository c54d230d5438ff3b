/**
 * A disk in memory that loses what was not synced. Bytes of a file are safe after its sync(), names of a directory after syncDirectory(); what a
 * crash leaves of the rest is up to the mode:
 *
 *   everything   all that was done: the process was killed, the machine went on
 *   synced       only what was synced
 *   some         any part of it: changes of names each kept or lost, unsynced files cut anywhere
 *
 * Operations are counted; at a chosen one the disk fails, or the process dies: then nothing works any more.
 */
import path from 'node:path';
import { UsageError } from '../../../src/bytes/errors.js';
import type { FileSink, OutputStorage } from '../../../src/bytes/sink.js';
import { memorySource } from '../../../src/bytes/source.js';

export type CrashMode = 'everything' | 'synced' | 'some';

/** An operation that changes the disk; `read` does not. */
export type Operation = 'create' | 'write' | 'sync' | 'rename' | 'remove' | 'syncDirectory' | 'open' | 'read';

export class Killed extends Error {}

type Inode = { bytes: Uint8Array; safe: Uint8Array; mtimeMillis: number };
type Change =
  | { readonly kind: 'set'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string };
type Directory = { names: Map<string, Inode>; safe: Map<string, Inode>; changes: Change[] };

/** Files by path, with their modification times. */
export type DiskImage = ReadonlyMap<string, { readonly bytes: Uint8Array; readonly mtimeMillis: number }>;

export class CrashDisk implements OutputStorage {
  /** Called before each operation, with its number from 0; may throw. */
  onOperation: (n: number, operation: Operation, file: string) => void = () => {};
  operations = 0;
  private clock: number;
  private readonly directories = new Map<string, Directory>();

  constructor(image: DiskImage) {
    this.clock = 1_700_000_000_000;
    for (const [file, { bytes, mtimeMillis }] of image) {
      const { names, safe } = this.directory(path.dirname(file), true);
      const inode = { bytes, safe: bytes, mtimeMillis };
      names.set(path.basename(file), inode);
      safe.set(path.basename(file), inode);
      this.clock = Math.max(this.clock, mtimeMillis);
    }
  }

  private step(operation: Operation, file: string): void {
    this.clock += 700;
    this.onOperation(this.operations++, operation, file);
  }

  private directory(name: string, make = false): Directory {
    let directory = this.directories.get(name);
    if (!directory) {
      if (!make) throw new UsageError('no such file or directory', { file: name });
      directory = { names: new Map(), safe: new Map(), changes: [] };
      this.directories.set(name, directory);
    }
    return directory;
  }

  private inode(file: string): Inode | undefined {
    return this.directories.get(path.dirname(file))?.names.get(path.basename(file));
  }

  open(file: string) {
    this.step('open', file);
    const inode = this.inode(file);
    if (!inode) throw new UsageError('no such file or directory', { file });
    const source = memorySource(inode.bytes, file);
    return {
      ...source,
      read: (position: number, target: Uint8Array, offset: number, length: number) => {
        this.step('read', file);
        return source.read(position, target, offset, length);
      },
    };
  }

  list(directory: string): string[] {
    return [...this.directory(directory).names.keys()].sort();
  }

  stat(file: string) {
    const facts = { links: 1, inode: file };
    if (this.directories.has(file)) return { ...facts, size: 0, isDirectory: true, isFile: false, mtimeMillis: 0 };
    const inode = this.inode(file);
    if (!inode) return undefined;
    const { bytes, mtimeMillis } = inode;
    return { ...facts, size: bytes.length, isDirectory: false, isFile: true, mtimeMillis };
  }

  create(file: string): FileSink {
    this.step('create', file);
    const directory = this.directory(path.dirname(file));
    const name = path.basename(file);
    if (directory.names.has(name)) throw new UsageError('is there already', { file });
    const inode: Inode = { bytes: new Uint8Array(0), safe: new Uint8Array(0), mtimeMillis: this.clock };
    directory.names.set(name, inode);
    directory.changes.push({ kind: 'set', name, inode });
    return {
      path: file,
      get position() {
        return inode.bytes.length;
      },
      write: (bytes, start = 0, end = bytes.length) => {
        this.step('write', file);
        const longer = new Uint8Array(inode.bytes.length + end - start);
        longer.set(inode.bytes);
        longer.set(bytes.subarray(start, end), inode.bytes.length);
        inode.bytes = longer;
        inode.mtimeMillis = this.clock;
      },
      sync: () => {
        this.step('sync', file);
        inode.safe = inode.bytes;
      },
      close() {},
    };
  }

  rename(from: string, to: string): void {
    this.step('rename', to);
    const directory = this.directory(path.dirname(from));
    const [name, target] = [path.basename(from), path.basename(to)];
    const inode = directory.names.get(name);
    if (!inode) throw new UsageError('no such file or directory', { file: from });
    directory.names.delete(name);
    directory.names.set(target, inode);
    directory.changes.push({ kind: 'rename', name, to: target });
  }

  remove(file: string): void {
    this.step('remove', file);
    const directory = this.directory(path.dirname(file));
    const name = path.basename(file);
    if (directory.names.delete(name)) directory.changes.push({ kind: 'remove', name });
  }

  makeDirectory(directory: string): void {
    this.directory(directory, true);
  }

  syncDirectory(name: string): void {
    this.step('syncDirectory', name);
    const directory = this.directory(name);
    directory.safe = new Map(directory.names);
    directory.changes = [];
  }

  freeBytes(): undefined {
    return undefined;
  }

  canonicalPath(directory: string): string {
    this.directory(directory);
    return directory;
  }

  /** What is there when the machine is up again. @param random from 0 to 1 */
  afterCrash(mode: CrashMode, random: () => number): DiskImage {
    const image = new Map<string, { bytes: Uint8Array; mtimeMillis: number }>();
    for (const [where, directory] of this.directories) {
      const names = mode === 'everything' ? directory.names : new Map(directory.safe);
      if (mode === 'some') for (const change of directory.changes) if (random() < 0.5) apply(names, change);
      for (const [name, { bytes, safe, mtimeMillis }] of names) {
        const kept =
          mode === 'everything'
            ? bytes
            : mode === 'synced'
              ? safe
              : bytes.subarray(0, safe.length + Math.floor(random() * (bytes.length - safe.length + 1)));
        image.set(path.join(where, name), { bytes: kept, mtimeMillis });
      }
    }
    return image;
  }
}

function apply(names: Map<string, Inode>, change: Change): void {
  if (change.kind === 'remove') names.delete(change.name);
  else if (change.kind === 'set') names.set(change.name, change.inode);
  else {
    const inode = names.get(change.name);
    if (inode) names.set(change.to, inode);
    names.delete(change.name);
  }
}
