/**
 * `commitlog dump --follow`: mutations as they are synced. In cdc_raw the index beside each segment says up to where it is on disk; elsewhere the
 * sync markers do. A segment is read section by section, each once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LsmctlError, UsageError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { findSegments, readCdcIndex, type SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { SegmentFault } from '../../commitlog/segment-fault.js';
import type { SegmentEnd } from '../../commitlog/segment-reader.js';

const PAUSE_MILLIS = 200;

export type Follower = {
  readonly isDone: () => boolean;
  /** Reads on in a segment. @returns where it ended; `undefined` where no more is wanted */
  readonly read: (
    segment: SegmentFile,
    from: SegmentEnd | undefined,
    until: number | undefined,
    onFault: (fault: SegmentFault) => void,
  ) => Promise<SegmentEnd | undefined>;
  readonly fault: (segment: SegmentFile, fault: SegmentFault) => void;
  /** What was read is to be shown. */
  readonly flush: () => void;
  readonly tell: (line: string) => void;
};

/** Goes on until no more is wanted, or a signal comes. @throws UsageError where there is nothing to follow */
export async function followLog(storage: Storage, paths: readonly string[], follower: Follower): Promise<void> {
  const ends = new Map<string, SegmentEnd>();
  const told = new Set<string>();
  for (const given of paths) {
    if (!storage.stat(given)?.isDirectory) throw new UsageError('--follow takes directories', { file: given });
  }
  while (!follower.isDone()) {
    const segments = segmentsNow(storage, paths);
    const last = segments.at(-1);
    for (const segment of segments) {
      if (follower.isDone()) break;
      try {
        await readOn(storage, segment, segment === last, ends, follower);
      } catch (error) {
        if (!(error instanceof LsmctlError)) throw error;
        // a segment that is being made, or has just been removed
        const line = `${segment.file}: ${error.message}`;
        if (segment !== last && storage.stat(segment.file) && !told.has(line)) follower.tell(line);
        told.add(line);
      }
    }
    follower.flush();
    await sleep(PAUSE_MILLIS);
  }
}

function segmentsNow(storage: Storage, paths: readonly string[]): SegmentFile[] {
  return paths.flatMap((given) => {
    try {
      return findSegments(storage, [given]);
    } catch (error) {
      if (error instanceof UsageError) return []; // none yet
      throw error;
    }
  });
}

async function readOn(
  storage: Storage,
  segment: SegmentFile,
  isLast: boolean,
  ends: Map<string, SegmentEnd>,
  follower: Follower,
): Promise<void> {
  const before = ends.get(segment.file);
  const index = segment.cdcIndex === undefined ? undefined : readCdcIndex(storage, segment.cdcIndex);
  if (segment.cdcIndex !== undefined && (!index || (before && index.position <= before.position))) return;
  const end = await follower.read(segment, before, index?.position, (fault) => {
    // where the node still writes, a marker may be half there
    const isTail = isLast && (fault.kind === 'marker_checksum' || fault.kind === 'marker_position');
    if (!isTail) follower.fault(segment, fault);
  });
  if (end) ends.set(segment.file, end);
}
