/**
 * The segments that lie at paths: segment files, directories that hold them (commitlog, cdc_raw, archives), or a directory above a `commitlog`.
 *
 *   cdc_raw/CommitLog-<v>-<id>.log       hard link to the segment, once it has a mutation of a table with cdc
 *   cdc_raw/CommitLog-<v>-<id>_cdc.idx   decimal position up to which the segment is synced, and, once it is full, a line COMPLETED
 */
import path from 'node:path';
import { CorruptError, UsageError } from '../bytes/errors.js';
import { readWhole, type Storage } from '../bytes/source.js';
import { parseSegmentName } from './segment-descriptor.js';

export type SegmentFile = {
  readonly file: string;
  /** Off the name; the descriptor inside may say otherwise, which is a fault. */
  readonly id: number;
  readonly version: number;
  readonly bytes: number;
  /** Where its CDC index is, if there is one beside it. */
  readonly cdcIndex?: string;
};

export type CdcIndex = {
  /** Commit log position up to which everything is on disk. */
  readonly position: number;
  readonly isComplete: boolean;
};

/** Segments in the order of their ids, each once however many names it has. @throws UsageError where there are none */
export function findSegments(storage: Storage, paths: readonly string[]): SegmentFile[] {
  const found = new Map<string, SegmentFile>();
  for (const given of paths) {
    for (const segment of segmentsAt(storage, given)) {
      const known = found.get(path.basename(segment.file));
      if (!known || (known.cdcIndex === undefined && segment.cdcIndex !== undefined)) {
        found.set(path.basename(segment.file), segment);
      }
    }
  }
  return [...found.values()].sort((a, b) => a.id - b.id || a.version - b.version);
}

function segmentsAt(storage: Storage, given: string): SegmentFile[] {
  const stat = storage.stat(given);
  if (!stat) throw new UsageError('no such file or directory', { file: given });
  if (!stat.isDirectory) {
    const segment = segmentFile(storage, given);
    if (segment) return [segment];
    throw new UsageError('is no commit log segment', { file: given, expected: 'CommitLog-<version>-<id>.log' });
  }
  const names = storage.list(given);
  const directory = names.some((name) => parseSegmentName(name)) ? given : path.join(given, 'commitlog');
  if (directory !== given && !storage.stat(directory)?.isDirectory) {
    throw new UsageError('holds no commit log', {
      file: given,
      expected: 'CommitLog-*.log, or a directory commitlog with such',
    });
  }
  const list = directory === given ? names : storage.list(directory);
  return list.flatMap((name) => segmentFile(storage, path.join(directory, name)) ?? []);
}

function segmentFile(storage: Storage, file: string): SegmentFile | undefined {
  const name = parseSegmentName(path.basename(file));
  if (!name || name.isCdcIndex) return undefined;
  const stat = storage.stat(file);
  if (!stat?.isFile) return undefined;
  const cdcIndex = file.replace(/\.log$/, '_cdc.idx');
  return {
    file,
    id: name.id,
    version: name.version,
    bytes: stat.size,
    ...(storage.stat(cdcIndex)?.isFile && { cdcIndex }),
  };
}

/** @throws CorruptError; a running node writes the file anew at each sync, so that it may be empty for a moment: then `undefined` */
export function readCdcIndex(storage: Storage, file: string): CdcIndex | undefined {
  const text = Buffer.from(readWhole(storage, file, 1 << 10)).toString('latin1');
  if (text === '') return undefined;
  const match = /^(\d{1,10})(?:\r?\n(COMPLETED)?\s*)?$/.exec(text);
  if (match) return { position: Number(match[1]), isComplete: match[2] !== undefined };
  throw new CorruptError('is no CDC index', { file, seen: text.slice(0, 40), expected: 'a position, and COMPLETED' });
}
