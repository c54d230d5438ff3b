/** `lsmctl drill`: a copy, a crash, a recovery, and what that cost. */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findSegments, type SegmentFile } from '../../commitlog/commit-log-directory.js';
import { type Persisted, readPersisted } from '../../engine/commitlog-persisted.js';
import { type LogReport, verifyLog } from '../../engine/commitlog-verify.js';
import { type Base, backupBase, liveBase, missingTables, newestWrite, snapshotBase } from '../../engine/drill/base.js';
import { type Damage, resolveDamage, seededRandom, type UsedSegment } from '../../engine/drill/crash.js';
import type { LogSurvey } from '../../engine/drill/log-survey.js';
import { LossTally, type LostWrite } from '../../engine/drill/loss.js';
import { type BaseReport, type CutReport, type DrillReport, judge, type LossCounts, type Phase } from '../../engine/drill/report.js'; // biome-ignore format: one line
import { addDamage, bytesAfter, cutGrain, type LogEdits } from '../../engine/drill/segment-edits.js';
import { TimelineCount } from '../../engine/drill/timeline.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { cipherOfFlags } from '../commitlog/cipher.js';
import { drive } from '../commitlog/log-context.js';
import { withCleanUp } from '../interrupt.js';
import { verifyPaths } from '../verify/run.js';
import { compareSides, type TableAnswers } from './compare.js';
import { copyBase, copyLog, crashLog } from './copy.js';
import { editsFor, type LogSide, surveyLog, survivingOf, tallyLoss } from './log.js';
import { type NodePlaces, nodePlaces } from './places.js';
import { type DrillReplayed, replayInto } from './replay.js';
import { crashRequests, type DrillFlags, limitsOf, parseSeconds } from './request.js';
import { type CopySchema, copySchema } from './schema.js';
import { WorkDirectory } from './work.js';

/** Where things are in the work directory. */
const DATA = 'node/data';
const RECOVERED = 'node/recovered';
const CRASHED = 'node/commitlog';
const WHOLE = 'log';
const REFERENCE = 'reference';

export type DrillTell = {
  readonly notice: (line: string) => void;
  readonly isQuiet: boolean;
  /** Each write that is lost. */
  readonly lost?: ((write: LostWrite) => void) | undefined;
};

/** @throws UsageError, UnsupportedError, CorruptError */
export async function runDrill(given: string | undefined, flags: DrillFlags, tell: DrillTell): Promise<DrillReport> {
  const places = nodePlaces(given, flags.commitlog);
  const requests = crashRequests(flags);
  const limits = limitsOf(flags);
  if (given === undefined && flags.backup === undefined) throw new UsageError('name the directory of a node, or a backup with --backup'); // biome-ignore format: one line
  if (requests.length > 0 && places.segments.length === 0) {
    throw new UsageError('there is no commit log to damage', {
      ...(given !== undefined && { file: given }),
      expected: 'segments in its directory commitlog, or in that of --commitlog DIR',
    });
  }
  const originals = [...(given === undefined ? [] : [given]), ...(flags.backup === undefined ? [] : [flags.backup])];
  const work = new WorkDirectory(flags.work, originals);
  let isKept = false;
  try {
    const drill = new Drill(work, given, places, flags, tell);
    const report = await withCleanUp(
      () => work.remove(),
      () => drill.run(requests, limits),
    );
    isKept = flags.keep;
    return report;
  } finally {
    if (!isKept) work.remove();
  }
}

class Drill {
  private readonly work: WorkDirectory;
  private readonly given: string | undefined;
  private readonly places: NodePlaces;
  private readonly flags: DrillFlags;
  private readonly tell: DrillTell;
  private readonly phases = new Map<Phase['name'], { seconds: number; what: string }>();

  constructor(work: WorkDirectory, given: string | undefined, places: NodePlaces, flags: DrillFlags, tell: DrillTell) {
    this.work = work;
    this.given = given;
    this.places = places;
    this.flags = flags;
    this.tell = tell;
  }

  private at(...names: string[]): string {
    return path.join(this.work.path, ...names);
  }

  /** Adds what `action` takes to a phase of the recovery. */
  private async timed<T>(name: Phase['name'], action: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await action();
    } finally {
      const seconds = (performance.now() - started) / 1000;
      const known = this.phases.get(name);
      this.phases.set(name, { seconds: (known?.seconds ?? 0) + seconds, what: known?.what ?? '' });
    }
  }

  private describe(name: Phase['name'], what: string): void {
    const known = this.phases.get(name);
    if (known) known.what = what;
  }

  async run(requests: ReturnType<typeof crashRequests>, limits: ReturnType<typeof limitsOf>): Promise<DrillReport> {
    const { work, flags, places } = this;
    const base = await this.timed('copy', () => copyBase(work, () => this.lookAtBase(), DATA));
    const whole = await this.timed('copy', () => copyLog(work, places.segments, WHOLE));
    const { linked, copied, copiedBytes } = work.counts;
    const live =
      this.given === undefined || base.kind === 'live' ? base : liveBase(diskStorage, places.dataDirectories);
    const cipherOf = await cipherOfFlags(flags);
    const schema = await this.timed('open', () => copySchema(work, DATA, live, flags, this.tell.notice));
    const side = { segments: whole, schema: schema.log, cipherOf };
    const survey = await surveyLog(side, flags.now);

    const seed = flags.seed ?? flags.now;
    const crash = await this.crash(requests, survey, side, seed);
    const crashed = await this.timed('open', () => this.segmentsIn(CRASHED));
    const persisted = await this.timed('open', () => readPersisted(diskStorage, [this.at(DATA)], flags.now));
    const damagedSide = { segments: crashed, schema: schema.log, cipherOf };
    const start = await this.startOf(damagedSide, persisted);
    const takesAll = flags['skip-corrupt'] || start.verdict === 'stops';
    const replayed = await this.timed('replay', () => this.replay(damagedSide, persisted, takesAll, RECOVERED));
    const verified = await this.timed('verify', () => this.verify(schema));

    const surviving = await survivingOf(damagedSide);
    const survivingDamage =
      crash.cut === undefined
        ? surviving
        : crash.damage.length === 0
          ? undefined
          : await survivingOf({ ...damagedSide, segments: this.segmentsIn(crash.damageOnly!) });
    const periodSeconds = parseSeconds(flags['sync-period'], '--sync-period');
    const tallies = { asked: new LossTally(), batch: new LossTally(), periodic: new LossTally() };
    const timeline = new TimelineCount(survey);
    let stillReadable = 0;
    await tallyLoss(side, tallies, {
      persisted,
      survey,
      surviving,
      survivingDamage,
      takesAll,
      periodSeconds,
      onLost: (write) => {
        timeline.addLost(write.micros);
        this.tell.lost?.(write);
      },
      onReadable: () => {
        stillReadable++;
      },
    });
    const compared = await this.compare(base, live, side, schema, tallies.asked);
    const newest = survey.clock.newestMicros;
    const counts = (tally: LossTally): LossCounts => lossCounts(tally, newest);
    const tables = tablesOf(tallies.asked, compared);
    const answers = compared && sumAnswers(compared);
    const loss = counts(tallies.asked);
    const baseReport = this.baseReport(base, live, survey, { linked, copied });
    this.describe(
      'copy',
      `${linked + copied} files, ${copied === 0 ? 'all linked' : `${copied} copied (${copiedBytes} bytes)`}`,
    );
    this.describe('open', `schema, ${persisted.sstables} SSTables, ${crashed.length} segments`);
    this.describe('replay', `${replayed.replayed} mutations into ${replayed.sstables} SSTables`);
    this.describe('verify', `${verified.sstables} SSTables, every row`);
    const phases = [...this.phases].map(([name, phase]) => ({ name, ...phase }));
    const found = { loss, answers, phases, result: { ...verified, replayedMutations: replayed.replayed, replayedUpdates: replayed.tables.reduce((sum, { updates }) => sum + updates, 0), writtenSSTables: replayed.sstables }, base: baseReport }; // biome-ignore format: one line
    return {
      directory: this.given,
      nowSeconds: flags.now,
      seed,
      log: {
        segments: whole.length,
        bytes: whole.reduce((sum, { bytes }) => sum + bytes, 0),
        mutations: survey.mutations,
        clock: survey.clock,
        faults: survey.segments.reduce((sum, { faults }) => sum + faults.length, 0),
        timeline: timeline.timeline(),
      },
      crash: { cut: crash.cut, damage: crash.damage, dropped: crash.neverWritten },
      start: {
        verdict: crashed.length === 0 ? 'no-log' : start.verdict,
        ...(start.stopsAt && { stopsAt: start.stopsAt }),
        faults: start.faults,
        replayedAs: takesAll ? 'skip-corrupt' : 'node',
        stillReadable,
      },
      tables,
      compared: [
        { sync: 'as-asked', loss },
        { sync: 'periodic', periodSeconds, loss: counts(tallies.periodic) },
        { sync: 'batch', loss: counts(tallies.batch) },
      ],
      ...found,
      ...judge(limits, found, lostSeconds(loss, compared, newestKnown(survey, baseReport))),
      kept: flags.keep ? work.path : undefined,
    };
  }

  private lookAtBase(): Base {
    const { flags, places } = this;
    if (flags.backup !== undefined) return backupBase(diskStorage, flags.backup, flags.snapshot);
    if (flags.snapshot !== undefined) return snapshotBase(diskStorage, places.dataDirectories, flags.snapshot);
    if (places.dataDirectories.length === 0) return { kind: 'live', tables: [], problems: [] };
    return liveBase(diskStorage, places.dataDirectories);
  }

  private segmentsIn(name: string): SegmentFile[] {
    const directory = this.at(name);
    const { list, stat } = diskStorage;
    return stat(directory) && list(directory).length > 0 ? findSegments(diskStorage, [directory]) : [];
  }

  /** Makes the crashed log. */
  private async crash(
    requests: ReturnType<typeof crashRequests>,
    survey: LogSurvey,
    { segments, cipherOf }: LogSide,
    seed: number,
  ): Promise<{
    readonly cut: CutReport | undefined;
    readonly damage: readonly Damage[];
    readonly neverWritten: readonly SegmentFile[];
    /** Directory of the log with the damage, but with all that was written. */
    readonly damageOnly: string | undefined;
  }> {
    const loses = requests.find(({ kind }) => kind === 'lose-last') as { seconds: number } | undefined;
    const edits: LogEdits = loses ? await editsFor(survey, loses.seconds, cipherOf) : new Map();
    const cut = loses && survey.cutBefore(loses.seconds);
    const neverWritten = segments.filter(({ id }) => edits.get(id)?.some(({ kind }) => kind === 'remove'));
    const damage = resolveDamage(requests, usedSegments(survey, cut), seededRandom(seed));
    const bytesOf = (id: number) => bytesAfter(segments.find((one) => one.id === id)!.bytes, edits.get(id) ?? []);
    addDamage(edits, damage, bytesOf);
    crashLog(this.work, segments, edits, CRASHED);
    let damageOnly: string | undefined;
    if (cut && damage.length > 0) {
      const alone: LogEdits = new Map();
      addDamage(alone, damage, (id) => segments.find((one) => one.id === id)!.bytes);
      damageOnly = 'damage-alone';
      crashLog(this.work, segments, alone, damageOnly);
    }
    const segment = cut && survey.segments[cut.segment]!;
    return {
      cut: cut && segment && { seconds: loses!.seconds, segmentId: segment.file.id, position: cut.position, grain: cutGrain(segment) }, // biome-ignore format: one line
      damage,
      neverWritten,
      damageOnly,
    };
  }

  private async startOf({ segments, schema, cipherOf }: LogSide, persisted: Persisted): Promise<LogReport> {
    return verifyLog(diskStorage, segments, {
      schema,
      persisted,
      cipherOf,
      drive: (walk) => drive(walk),
      onLeft() {},
    });
  }

  private replay(side: LogSide, persisted: Persisted, skipsDamage: boolean, target: string): Promise<DrillReplayed> {
    const { now: nowSeconds } = this.flags;
    return replayInto({ ...side, persisted, skipsDamage, data: this.at(DATA), target: this.work.directory(target), nowSeconds }); // biome-ignore format: one line
  }

  private async verify({
    file,
  }: CopySchema): Promise<
    Pick<DrillReport['result'], 'isSound' | 'sstables' | 'partitions' | 'rows' | 'errors' | 'warnings' | 'findings'>
  > {
    const { now, jobs } = this.flags;
    const paths = [DATA, RECOVERED].map((name) => this.at(name)).filter((one) => diskStorage.stat(one) && diskStorage.list(one).length > 0); // biome-ignore format: one line
    if (paths.length === 0) return { isSound: true, sstables: 0, partitions: 0, rows: 0, errors: 0, warnings: 0, findings: [] }; // biome-ignore format: one line
    const report = await verifyPaths(
      paths,
      { deep: true, now, ...(jobs !== undefined && { jobs }), ...(file !== undefined && { schema: file }) },
      { notice() {}, isQuiet: this.tell.isQuiet },
    );
    const { allFindings } = await import('../../engine/verify/report.js');
    const { isWrong } = await import('../../engine/verify/finding.js');
    const { sstables, partitions, rows, errors, warnings } = report.totals;
    return { isSound: errors === 0, sstables, partitions, rows, errors, warnings, findings: allFindings(report).filter(isWrong) }; // biome-ignore format: one line
  }

  /** `undefined` where there is nothing to compare with. */
  private async compare(
    base: Base,
    live: Base,
    side: LogSide,
    { schema }: CopySchema,
    lost: LossTally,
  ): Promise<TableAnswers[] | undefined> {
    if (this.given === undefined) return undefined;
    const { now: nowSeconds } = this.flags;
    const isSameBase = base.kind === 'live';
    const lostKeys = new Map(
      lost.tables().map(({ table, keys }) => [`${table.keyspace}.${table.name}`, keys] as const),
    );
    const data = isSameBase ? [this.at(DATA)] : this.places.dataDirectories;
    if (isSameBase && lost.writes === 0) return [];
    const persisted = live.tables.length === 0 ? await readPersisted(diskStorage, [this.at(DATA)], nowSeconds) : await readPersisted(diskStorage, data, nowSeconds); // biome-ignore format: one line
    const ids = new Set(lost.tables().map(({ tableId }) => tableId));
    await replayInto({
      ...side,
      persisted,
      // as a node reads it that goes on behind faults: what the log had before the drill
      skipsDamage: true,
      data: this.at(DATA),
      target: this.work.directory(REFERENCE),
      nowSeconds,
      ...(isSameBase && { wantsTable: ({ id }) => ids.has(id) }),
    });
    return compareSides({
      before: [...data, this.at(REFERENCE)],
      after: [this.at(DATA), this.at(RECOVERED)],
      schema,
      nowSeconds,
      lostKeys,
      isSameBase,
    });
  }

  private baseReport(
    base: Base,
    live: Base,
    survey: LogSurvey,
    counts: { readonly linked: number; readonly copied: number },
  ): BaseReport {
    const latest = (this.flags.now + 86_400) * 1e6;
    const isLive = base.kind === 'live';
    const problems = [...base.problems, ...(isLive || this.given === undefined ? [] : missingTables(base, live))];
    const newestMicros = newestWrite(diskStorage, base, latest);
    const newestLive = greatest(newestWrite(diskStorage, live, latest), survey.newestOfClients);
    const against =
      this.given !== undefined && newestLive !== undefined
        ? ({ what: 'live', newestMicros: newestLive } as const)
        : ({ what: 'clock', newestMicros: this.flags.now * 1e6 } as const);
    const descriptors = base.tables.flatMap(({ sstables }) => sstables.map(({ descriptor }) => descriptor));
    return {
      kind: base.kind,
      path: path.resolve(this.flags.backup ?? this.given ?? '.'),
      ...(base.name !== undefined && { name: base.name }),
      sstables: descriptors.length,
      bytes: descriptors.reduce((sum, one) => sum + (diskStorage.stat(componentPath(one, COMPONENT.data))?.size ?? 0), 0), // biome-ignore format: one line
      linkedFiles: counts.linked,
      copiedFiles: counts.copied,
      isComplete: !problems.some(({ isWrong }) => isWrong),
      problems,
      ...(base.createdAt !== undefined && { createdAt: base.createdAt }),
      ...(newestMicros !== undefined && { newestMicros }),
      against,
      ...(newestMicros !== undefined && { staleSeconds: Math.max(0, (against.newestMicros - newestMicros) / 1e6) }),
    };
  }
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

/** What of each segment is there once it is cut. */
function usedSegments(survey: LogSurvey, cut: ReturnType<LogSurvey['cutBefore']>): UsedSegment[] {
  const kept = cut ? survey.segments.slice(0, cut.segment + 1) : survey.segments;
  return kept.map(({ file, end, mutations, form, firstMutation }, i) => {
    const isCut = cut !== undefined && i === cut.segment;
    const usedBytes = !isCut ? end.filePosition : form === 'plain' ? cut.position : cut.section.filePosition;
    return { file, usedBytes, mutations: isCut ? cut.mutation - firstMutation : mutations };
  });
}

function lossCounts(tally: LossTally, newestMicros: number | undefined): LossCounts {
  const { writes, systemWrites, bytes, keys, firstMicros, lastMicros } = tally;
  const tables = tally.tables().filter(({ isSystem }) => !isSystem).length;
  const seconds = firstMicros === undefined || newestMicros === undefined ? 0 : Math.max(0, newestMicros - firstMicros) / 1e6; // biome-ignore format: one line
  return { writes, systemWrites, bytes, tables, keys, firstMicros, lastMicros, seconds };
}

function newestKnown(survey: LogSurvey, { against }: BaseReport): number | undefined {
  return against?.newestMicros ?? survey.newestOfClients;
}

/** Of the log's lost writes, and of rows that only SSTables held. */
function lostSeconds(
  loss: LossCounts,
  compared: readonly TableAnswers[] | undefined,
  newest: number | undefined,
): number {
  const firsts = (compared ?? []).flatMap(({ firstMicros }) => firstMicros ?? []);
  if (firsts.length === 0 || newest === undefined) return loss.seconds;
  return Math.max(loss.seconds, (newest - Math.min(...firsts)) / 1e6);
}

function sumAnswers(compared: readonly TableAnswers[]): NonNullable<DrillReport['answers']> {
  const sum = { gone: 0, older: 0, back: 0, keys: 0, notInLog: 0 };
  for (const { answers } of compared) for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += answers[name]; // biome-ignore format: one line
  return sum;
}

function tablesOf(lost: LossTally, compared: readonly TableAnswers[] | undefined): DrillReport['tables'] {
  const answersOf = new Map((compared ?? []).map((one) => [`${one.keyspace}.${one.table}`, one]));
  const tables = lost.tables().map(({ table: log, ...rest }) => {
    const name = `${log.keyspace}.${log.name}`;
    const answers = answersOf.get(name)?.answers;
    answersOf.delete(name);
    return { ...rest, log, keyspace: log.keyspace, table: log.name, ...(answers && { answers }) };
  });
  const others = [...answersOf.values()]
    .filter(({ answers: { gone, older, back } }) => gone + older + back > 0)
    .map(({ keyspace, table, answers }) => ({ tableId: undefined, keyspace, table, isSystem: false, log: undefined, writes: 0, keys: new Set<string>(), firstMicros: undefined, lastMicros: undefined, answers })); // biome-ignore format: one line
  return [...tables, ...others];
}
