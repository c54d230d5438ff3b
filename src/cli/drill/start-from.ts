/** What a drill's recovery starts from, and how good that is. */
import path from 'node:path';
import { diskStorage } from '../../bytes/source.js';
import { isSystemKeyspace } from '../../cql/schema.js';
import { type Base, backupBase, liveBase, missingTables, newestWrite, snapshotBase } from '../../engine/drill/base.js';
import type { LogSurvey } from '../../engine/drill/log-survey.js';
import type { BaseReport } from '../../engine/drill/report.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import type { DrillFlags } from './request.js';

/** Clocks of clients may be ahead of ours by this. */
const SLACK_SECONDS = 86_400;

const NOTHING: Base = { kind: 'live', tables: [], problems: [] };

/** @throws UsageError */
export function baseOf(flags: DrillFlags, dataDirectories: readonly string[]): Base {
  const { backup, snapshot } = flags;
  if (backup !== undefined) return chosen(backupBase(diskStorage, backup, snapshot), flags);
  if (snapshot !== undefined) return chosen(snapshotBase(diskStorage, dataDirectories, snapshot), flags);
  return liveOf(flags, dataDirectories);
}

export function liveOf(flags: DrillFlags, dataDirectories: readonly string[]): Base {
  return dataDirectories.length === 0 ? NOTHING : chosen(liveBase(diskStorage, dataDirectories), flags);
}

export function isChosen(flags: Pick<DrillFlags, 'keyspace' | 'table'>, keyspace: string, table: string): boolean {
  return (
    (flags.keyspace === undefined || keyspace === flags.keyspace) &&
    (flags.table === undefined || table === flags.table)
  );
}

/** Cassandra's own tables stay: the schema is in them, and whose node it is. */
function chosen(base: Base, flags: DrillFlags): Base {
  const tables = base.tables.filter(
    ({ place: { keyspace, table } }) => isSystemKeyspace(keyspace) || isChosen(flags, keyspace, table),
  );
  return { ...base, tables };
}

export function baseReport(
  base: Base,
  live: Base | undefined,
  survey: LogSurvey,
  flags: DrillFlags,
  place: { readonly path: string; readonly linked: number; readonly copied: number },
): BaseReport {
  const latest = (flags.now + SLACK_SECONDS) * 1e6;
  const problems = [...base.problems, ...(live && base.kind !== 'live' ? missingTables(base, live) : [])];
  const newestMicros = newestWrite(diskStorage, base, latest);
  const newestLive = live && greatest(newestWrite(diskStorage, live, latest), survey.newestOfClients);
  const against =
    newestLive === undefined
      ? ({ what: 'clock', newestMicros: flags.now * 1e6 } as const)
      : ({ what: 'live', newestMicros: newestLive } as const);
  const descriptors = base.tables.flatMap(({ sstables }) => sstables.map(({ descriptor }) => descriptor));
  const bytesOf = (one: (typeof descriptors)[number]) =>
    diskStorage.stat(componentPath(one, COMPONENT.data))?.size ?? 0;
  return {
    kind: base.kind,
    path: path.resolve(place.path),
    ...(base.name !== undefined && { name: base.name }),
    sstables: descriptors.length,
    bytes: descriptors.reduce((sum, one) => sum + bytesOf(one), 0),
    linkedFiles: place.linked,
    copiedFiles: place.copied,
    isComplete: !problems.some(({ isWrong }) => isWrong),
    problems,
    ...(base.createdAt !== undefined && { createdAt: base.createdAt }),
    ...(newestMicros !== undefined && { newestMicros }),
    against,
    ...(newestMicros !== undefined && { staleSeconds: Math.max(0, (against.newestMicros - newestMicros) / 1e6) }),
  };
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}
