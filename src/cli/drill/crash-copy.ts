/** Makes the crashed log of a drill. */
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import {
  type CrashRequest,
  type Damage,
  resolveDamage,
  seededRandom,
  type UsedSegment,
} from '../../engine/drill/crash.js';
import type { LogCut, LogSurvey } from '../../engine/drill/log-survey.js';
import type { CutReport } from '../../engine/drill/report.js';
import { addDamage, bytesAfter, cutGrain, type LogEdits } from '../../engine/drill/segment-edits.js';
import { crashLog } from './copy.js';
import { editsFor, type LogSide } from './log.js';
import type { WorkDirectory } from './work.js';

/** Where the log is that has the damage, but all that was written. */
const DAMAGE_ALONE = 'damage-alone';

export type Crashed = {
  readonly cut: CutReport | undefined;
  readonly damage: readonly Damage[];
  /** Segments that came after the cut. */
  readonly neverWritten: readonly SegmentFile[];
  /** Directory of the log as batch sync would have left it, where that is another than the crashed one, and has damage. */
  readonly damageAlone: string | undefined;
};

/** @throws UsageError for damage that can't be done */
export async function crashCopy(
  work: WorkDirectory,
  requests: readonly CrashRequest[],
  survey: LogSurvey,
  { segments, cipherOf }: LogSide,
  seed: number,
  target: string,
): Promise<Crashed> {
  const loses = requests.find((request) => request.kind === 'lose-last');
  const cut = loses && survey.cutBefore(loses.seconds);
  const edits: LogEdits = cut ? await editsFor(survey, cut, cipherOf) : new Map();
  const neverWritten = segments.filter(({ id }) => edits.get(id)?.some(({ kind }) => kind === 'remove'));
  const damage = resolveDamage(requests, usedSegments(survey, cut), seededRandom(seed));
  const bytesOf = (id: number) => segments.find((one) => one.id === id)!.bytes;
  const cutEdits = new Map([...edits].map(([id, list]) => [id, [...list]] as const));
  addDamage(edits, damage, (id) => bytesAfter(bytesOf(id), cutEdits.get(id) ?? []));
  crashLog(work, segments, edits, target);
  const damageAlone = cut && damage.length > 0 ? DAMAGE_ALONE : undefined;
  if (damageAlone !== undefined) {
    const alone: LogEdits = new Map();
    addDamage(alone, damage, bytesOf);
    crashLog(work, segments, alone, damageAlone);
  }
  return { cut: cut && cutReport(survey, cut, loses.seconds), damage, neverWritten, damageAlone };
}

function cutReport(survey: LogSurvey, { segment, position, section }: LogCut, seconds: number): CutReport {
  const surveyed = survey.segments[segment]!;
  const grain = cutGrain(surveyed);
  return { seconds, segmentId: surveyed.file.id, position: grain === 'write' ? position : section.start, grain };
}

/** What of each segment is there once the log is cut. */
function usedSegments({ segments }: LogSurvey, cut: LogCut | undefined): UsedSegment[] {
  const kept = cut ? segments.slice(0, cut.segment + 1) : segments;
  return kept.map(({ file, end, mutations, form, firstMutation }, i) => {
    const isCut = cut !== undefined && i === cut.segment;
    const usedBytes = !isCut ? end.filePosition : form === 'plain' ? cut.position : cut.section.filePosition;
    return { file, usedBytes, mutations: isCut ? cut.mutation - firstMutation : mutations };
  });
}
