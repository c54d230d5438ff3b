/**
 * What of a commit log is in SSTables already: the intervals of commit log positions that the Statistics.db of live SSTables tell, and the positions
 * at which tables were truncated. A node counts only SSTables that it wrote itself: they name its host id.
 */
import type { Storage } from '../bytes/source.js';
import { comparePositions } from '../sstable/metadata/commit-log-intervals.js';
import type { CommitLogInterval } from '../sstable/metadata/stats.js';
import { readStatistics } from '../sstable/statistics.js';
import { resolvePaths } from './data-directory.js';
import { readLocalNode } from './local-node.js';

export type Persisted = {
  /** Of each table by its id (UUID in its usual form): closed intervals, ascending. */
  readonly intervals: ReadonlyMap<string, readonly CommitLogInterval[]>;
  /** Whose SSTables count; `undefined` where the data directories have no system.local: then all do. */
  readonly hostId: string | undefined;
  /** Whose log it is: `hostId`, else the one host that wrote all of the SSTables, where it is one. */
  readonly logHostId: string | undefined;
  readonly sstables: number;
  /** SSTables that another host wrote, or that do not say: what they hold says nothing of this log. */
  readonly foreign: number;
};

export const NOTHING_PERSISTED: Persisted = {
  intervals: new Map(),
  hostId: undefined,
  logHostId: undefined,
  sstables: 0,
  foreign: 0,
};

/**
 * @param untilMicros a point in time that is gone back to: truncations after it are as though they had not been (CASSANDRA-9195)
 * @throws CorruptError, UnsupportedError, UsageError of an SSTable whose Statistics.db can't be read
 */
export async function readPersisted(
  storage: Storage,
  dataDirectories: readonly string[],
  nowSeconds: number,
  untilMicros?: bigint,
): Promise<Persisted> {
  if (dataDirectories.length === 0) return NOTHING_PERSISTED;
  const { hostId, truncatedAt } = await readLocalNode(storage, dataDirectories, nowSeconds);
  const intervals = new Map<string, CommitLogInterval[]>();
  const add = (id: string, list: readonly CommitLogInterval[]) => {
    const known = intervals.get(id);
    if (known) known.push(...list);
    else intervals.set(id, [...list]);
  };
  const origins = new Set<string | undefined>();
  let sstables = 0;
  let foreign = 0;
  for (const { place, sstables: files } of resolvePaths(storage, dataDirectories).directories) {
    if (place.tableId === undefined || place.index !== undefined) continue;
    const id = place.tableId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    for (const { descriptor } of files) {
      const { stats } = readStatistics(storage, descriptor);
      sstables++;
      origins.add(stats.originatingHostId);
      const isForeign = hostId !== undefined && stats.originatingHostId !== hostId;
      if (isForeign) foreign++;
      else add(id, stats.commitLogIntervals);
    }
  }
  for (const [id, { segmentId, position, atMillis }] of truncatedAt) {
    if (untilMicros !== undefined && atMillis !== undefined && BigInt(atMillis) * 1000n > untilMicros) continue;
    add(id, [{ start: { segmentId: -1n, position: 0 }, end: { segmentId, position } }]);
  }
  for (const list of intervals.values()) list.sort((a, b) => comparePositions(a.start, b.start));
  const logHostId = hostId ?? (origins.size === 1 ? [...origins][0] : undefined);
  return { intervals, hostId, logHostId, sstables, foreign };
}

/** The positions of one segment that a table has in SSTables, as closed [from, to] pairs. */
export function persistedInSegment(persisted: Persisted, tableId: string, segmentId: number): readonly number[] {
  const id = BigInt(segmentId);
  const pairs: number[] = [];
  for (const { start, end } of persisted.intervals.get(tableId) ?? []) {
    if (start.segmentId > id || end.segmentId < id) continue;
    pairs.push(start.segmentId < id ? 0 : start.position, end.segmentId > id ? Number.MAX_SAFE_INTEGER : end.position);
  }
  return pairs;
}

export function isInside(pairs: readonly number[], position: number): boolean {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i]! <= position && position <= pairs[i + 1]!) return true;
  return false;
}
