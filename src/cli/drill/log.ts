/** Walks over the two logs of a drill: the one as it was, and the one as it crashed. */
import { diskStorage } from '../../bytes/source.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { LogSchema, LogTable } from '../../commitlog/log-schema.js';
import type { CipherOf } from '../../commitlog/section-decoder.js';
import { openSegment } from '../../commitlog/segment-open.js';
import type { Entry, OpenSegment } from '../../commitlog/segment-reader.js';
import type { Persisted } from '../../engine/commitlog-persisted.js';
import { type LogCut, LogSurvey } from '../../engine/drill/log-survey.js';
import { type LossTally, LossWalk, type LostWrite, SurvivingLog } from '../../engine/drill/loss.js';
import { cutEdits, type LogEdits } from '../../engine/drill/segment-edits.js';
import { drive } from '../commitlog/log-context.js';

export type LogSide = {
  readonly segments: readonly SegmentFile[];
  readonly schema: LogSchema;
  readonly cipherOf: CipherOf;
};

/** @throws what opening a segment throws but for damage: UnsupportedError, UsageError */
async function withSegment<T>(
  { file, id, version }: SegmentFile,
  cipherOf: CipherOf,
  use: (segment: OpenSegment | undefined, isGuessed: boolean) => Promise<T>,
): Promise<T> {
  const source = diskStorage.open(file);
  try {
    const { segment, isGuessed } = await openSegment(source, { id, version, isCdcIndex: false }, cipherOf);
    return await use(segment, isGuessed);
  } finally {
    source.close();
  }
}

export async function surveyLog({ segments, schema, cipherOf }: LogSide, nowSeconds: number): Promise<LogSurvey> {
  const survey = new LogSurvey((nowSeconds + 86_400) * 1e6);
  for (const file of segments) {
    await withSegment(file, cipherOf, async (segment, isGuessed) => {
      const mtime = diskStorage.stat(file.file)!.mtimeMillis;
      if (segment && !isGuessed) await drive(survey.take(file, segment, schema, mtime));
      else survey.skip(file);
    });
  }
  return survey;
}

/** The log had the node synced last before the cut. */
export async function editsFor(survey: LogSurvey, cut: LogCut, cipherOf: CipherOf): Promise<LogEdits> {
  const { file } = survey.segments[cut.segment]!;
  return withSegment(file, cipherOf, async (segment) =>
    cutEdits(survey, cut, { source: segment!.source, decoder: segment!.decoder }),
  );
}

export async function survivingOf({ segments, schema, cipherOf }: LogSide): Promise<SurvivingLog> {
  const surviving = new SurvivingLog();
  for (const file of segments) {
    await withSegment(file, cipherOf, async (segment, isGuessed) => {
      if (segment) await drive(surviving.take(file.id, segment, isGuessed, schema));
    });
  }
  return surviving;
}

export type Tallies = {
  /** What the crash took. */
  readonly asked: LossTally;
  /** What it would have taken with batch sync, and with periodic sync. */
  readonly batch: LossTally;
  readonly periodic: LossTally;
};

export type TallySetup = {
  readonly persisted: Persisted;
  readonly survey: LogSurvey;
  readonly surviving: SurvivingLog;
  /** Of the damage alone, without what was never synced; `undefined`: nothing else was damaged. */
  readonly survivingDamage: SurvivingLog | undefined;
  readonly takesAll: boolean;
  readonly periodSeconds: number;
  readonly wantsTable: (table: LogTable) => boolean;
  readonly onLost: (write: LostWrite) => void;
  /** A lost write that could be read behind damage. */
  readonly onReadable: () => void;
};

/** Walks the log as it was, for what the crashed one does not give back. */
export async function tallyLoss(
  { segments, schema, cipherOf }: LogSide,
  tallies: Tallies,
  setup: TallySetup,
): Promise<void> {
  const { persisted, survey, surviving, survivingDamage, takesAll, periodSeconds, wantsTable, onLost, onReadable } =
    setup;
  const cut = survey.cutBefore(periodSeconds)?.mutation ?? Number.POSITIVE_INFINITY;
  const has = (log: SurvivingLog | undefined, id: number, entry: Entry) =>
    !log || (takesAll ? log.isReadable(id, entry) : log.isPassed(id, entry));
  const walk = new LossWalk({
    schema,
    persisted,
    wantsTable,
    times: survey.times(),
    wants: (id, entry, mutation) => mutation >= cut || !has(surviving, id, entry) || !has(survivingDamage, id, entry),
    each: (write, entry, mutation) => {
      const isDamaged = !has(survivingDamage, write.segmentId, entry);
      if (isDamaged) tallies.batch.add(write);
      if (isDamaged || mutation >= cut) tallies.periodic.add(write);
      if (has(surviving, write.segmentId, entry)) return;
      tallies.asked.add(write);
      if (surviving.isReadable(write.segmentId, entry)) onReadable();
      onLost(write);
    },
  });
  for (const file of segments) {
    await withSegment(file, cipherOf, async (segment, isGuessed) => {
      if (segment && !isGuessed) await drive(walk.take(file.id, segment));
    });
  }
}
