/** Where a node keeps what a drill is about: its data directories, and its commit log. */
import path from 'node:path';
import { LsmctlError, UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findSegments, type SegmentFile } from '../../commitlog/commit-log-directory.js';
import { parseSegmentName } from '../../commitlog/segment-descriptor.js';
import { resolvePaths } from '../../engine/data-directory.js';

export type NodePlaces = {
  /** <data>, those that hold <keyspace>/<table>-<id>. */
  readonly dataDirectories: readonly string[];
  readonly segments: readonly SegmentFile[];
};

/**
 * @param given the node's directory or its data directory; `undefined`: there is none
 * @param logs directories of segments, or `none`; by default `commitlog` in the directory or beside a data directory
 * @throws UsageError
 */
export function nodePlaces(given: string | undefined, logs: readonly string[] | undefined): NodePlaces {
  const dataDirectories = given === undefined ? [] : dataBelow(given);
  if (logs?.includes('none')) return { dataDirectories, segments: [] };
  if (logs) return { dataDirectories, segments: findSegments(diskStorage, logs) };
  const around = given === undefined ? [] : [given, ...dataDirectories.flatMap((data) => [data, path.dirname(data)])];
  const found = [...new Set(around.map((place) => path.join(path.resolve(place), 'commitlog')))].filter(hasSegments);
  return { dataDirectories, segments: found.length > 0 ? findSegments(diskStorage, found) : [] };
}

function dataBelow(given: string): string[] {
  if (!diskStorage.stat(given)?.isDirectory) {
    throw new UsageError('no such directory', {
      file: given,
      expected: 'the directory of a node, or its data directory',
    });
  }
  try {
    const { directories } = resolvePaths(diskStorage, [given]);
    const roots = directories
      .filter(({ kind, place }) => kind === 'live' && place.index === undefined)
      .map(({ path: table }) => path.dirname(path.dirname(path.resolve(table))));
    return [...new Set(roots)];
  } catch (error) {
    if (!(error instanceof LsmctlError) || !hasSegments(path.join(given, 'commitlog'))) throw error;
    return []; // a commit log alone
  }
}

function hasSegments(directory: string): boolean {
  if (diskStorage.stat(directory)?.isDirectory !== true) return false;
  return diskStorage.list(directory).some((name) => parseSegmentName(name) !== undefined);
}
