/**
 * The directory that a drill works in, and the copies it makes there. Files are hard links where the file system allows it, so that a large node costs
 * nothing; what is to be changed, and what a running node may still change, is copied. Nothing here ever writes to a file that has another name.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { fileError } from '../../bytes/source.js';
import type { SegmentEdit } from '../../engine/drill/segment-edits.js';

export type CopyCounts = {
  linked: number;
  copied: number;
  /** Of copied files. */
  copiedBytes: number;
};

export class WorkDirectory {
  readonly path: string;
  readonly counts: CopyCounts = { linked: 0, copied: 0, copiedBytes: 0 };
  private canLink = true;

  /** @param parent where it is made; by default the system's directory for temporary files. @throws UsageError */
  constructor(parent: string | undefined, originals: readonly string[]) {
    const place = path.resolve(parent ?? tmpdir());
    for (const original of originals) {
      const below = path.relative(realPath(original), realPath(place));
      if (below === '' || (!below.startsWith('..') && !path.isAbsolute(below))) {
        throw new UsageError('--work lies within what is drilled', { file: place, hint: `name a directory outside of ${original}` }); // biome-ignore format: one line
      }
    }
    try {
      this.path = fs.mkdtempSync(path.join(place, 'lsmctl-drill-'));
    } catch (error) {
      throw fileError(error, place);
    }
  }

  /** A directory in it, made. */
  directory(...names: string[]): string {
    const made = path.join(this.path, ...names);
    fs.mkdirSync(made, { recursive: true });
    return made;
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }

  /** @throws UsageError where the files would have to be copied, and there is too little room for it */
  needRoom(files: readonly string[]): void {
    const [first] = files;
    if (first === undefined || this.tryLink(first)) return;
    let bytes = 0;
    for (const file of files) bytes += fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const { bavail, bsize } = fs.statfsSync(this.path);
    if (bytes <= bavail * bsize * 0.95) return;
    throw new UsageError('has too little room for a copy', {
      file: this.path,
      seen: `${bavail * bsize} bytes free`,
      expected: `${bytes} bytes`,
      hint: 'name a directory on the file system of the data with --work DIR: there files are linked, not copied',
    });
  }

  private tryLink(file: string): boolean {
    const name = path.join(this.path, '.link');
    this.canLink = link(file, name);
    if (this.canLink) fs.unlinkSync(name);
    return this.canLink;
  }

  /** A second name for a file, or a copy of it where that can't be. @throws UsageError */
  link(from: string, to: string): void {
    if (!this.canLink || !link(from, to)) this.copy(from, to);
    else this.counts.linked++;
  }

  /** A file of its own. @throws UsageError */
  copy(from: string, to: string): void {
    try {
      fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
      const { atime, mtime, size } = fs.statSync(from);
      fs.chmodSync(to, 0o644);
      fs.utimesSync(to, atime, mtime);
      this.counts.copied++;
      this.counts.copiedBytes += size;
    } catch (error) {
      throw fileError(error, from);
    }
  }
}

function realPath(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}

/** Not across file systems, not for another user's files where links to those are protected, not where a file has all the names it can have. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

function link(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (NO_LINK.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw fileError(error, from);
  }
}

/** Changes a file that has this one name. @throws UsageError where it has others */
export function editFile(file: string, edits: readonly SegmentEdit[]): void {
  if (fs.statSync(file).nlink > 1) throw new UsageError('has another name: it would be changed there too', { file });
  for (const edit of edits) {
    if (edit.kind === 'remove') {
      fs.unlinkSync(file);
      return;
    }
    editOnce(file, edit);
  }
}

function editOnce(file: string, edit: Exclude<SegmentEdit, { kind: 'remove' }>): void {
  const fd = fs.openSync(file, 'r+');
  try {
    const { size } = fs.fstatSync(fd);
    if (edit.kind === 'truncate') fs.ftruncateSync(fd, edit.bytes);
    else if (edit.kind === 'zero') {
      fs.ftruncateSync(fd, edit.from);
      fs.ftruncateSync(fd, size);
    } else if (edit.kind === 'write') fs.writeSync(fd, edit.bytes, 0, edit.bytes.length, edit.at);
    else {
      const byte = new Uint8Array(1);
      fs.readSync(fd, byte, 0, 1, edit.at);
      byte[0] = byte[0]! ^ edit.mask;
      fs.writeSync(fd, byte, 0, 1, edit.at);
    }
  } finally {
    fs.closeSync(fd);
  }
}
