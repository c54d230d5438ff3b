/** The commit log that a compaction heeds: writes of it that no SSTable holds keep the tombstones that they are older than. */
import path from 'node:path';
import { LsmctlError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { parseSegmentName } from '../../commitlog/segment-descriptor.js';
import { UnflushedWrites } from '../../engine/commitlog-unflushed.js';
import { readUnflushed } from '../commitlog/unflushed.js';

export type CommitLogFlags = {
  /** Directories of segments, or `none`. */
  readonly commitlog?: readonly string[] | undefined;
  readonly schema?: string | undefined;
  readonly now: number;
};

/**
 * Of the log that is given, else of `commitlog` beside the data directories, as nodes have it; `undefined` where there is none.
 * @throws UsageError, UnsupportedError, CorruptError where the log that is given can't be read
 */
export async function unflushedWrites(
  dataDirectories: readonly string[],
  flags: CommitLogFlags,
  tell: (line: string) => void,
): Promise<UnflushedWrites | undefined> {
  if (flags.commitlog?.includes('none')) return undefined;
  if (flags.commitlog !== undefined) return readUnflushed(flags.commitlog, flags, dataDirectories, tell);
  const logs = [...new Set(dataDirectories.map((data) => path.join(path.dirname(path.resolve(data)), 'commitlog')))];
  const beside = logs.filter(hasSegments);
  if (beside.length === 0) return undefined;
  try {
    return await readUnflushed(beside, flags, dataDirectories, tell);
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    tell(
      `${error.facts.file ?? beside[0]}: ${error.message}: no tombstone is dropped, since a write in the commit log may be older (--commitlog none drops them)`,
    );
    const writes = new UnflushedWrites();
    writes.addUnknown();
    return writes;
  }
}

function hasSegments(directory: string): boolean {
  if (diskStorage.stat(directory)?.isDirectory !== true) return false;
  return diskStorage.list(directory).some((name) => parseSegmentName(name) !== undefined);
}
