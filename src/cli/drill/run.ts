/** `lsmctl drill`: a copy, a crash, a recovery, and what that cost. */
import path from 'node:path';
import { CorruptError, UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findSegments, type SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import { isSystemKeyspace } from '../../cql/schema.js';
import { NOTHING_PERSISTED, type Persisted, readPersisted } from '../../engine/commitlog-persisted.js';
import { type LogReport, verifyLog } from '../../engine/commitlog-verify.js';
import type { Base } from '../../engine/drill/base.js';
import type { CrashRequest } from '../../engine/drill/crash.js';
import type { LogSurvey } from '../../engine/drill/log-survey.js';
import { LossTally, type LostWrite } from '../../engine/drill/loss.js';
import { type DrillReport, judge, type Limit, type Phase, type StartReport } from '../../engine/drill/report.js';
import { TimelineCount } from '../../engine/drill/timeline.js';
import { bytesText, countText } from '../../render/bytes.js';
import { plural } from '../../render/words.js';
import { cipherOfFlags } from '../commitlog/cipher.js';
import { drive } from '../commitlog/log-context.js';
import { withCleanUp } from '../interrupt.js';
import { compareSides, type TableAnswers } from './compare.js';
import { copyBase, copyLog } from './copy.js';
import { drillTables, lossCounts, lostSeconds, sumAnswers } from './counts.js';
import { type Crashed, crashCopy } from './crash-copy.js';
import { type LogSide, surveyLog, survivingOf, type Tallies, tallyLoss } from './log.js';
import { type NodePlaces, nodePlaces } from './places.js';
import { type DrillReplayed, MEMTABLE_BYTES, replayInto } from './replay.js';
import { crashRequests, type DrillFlags, limitsOf, parseSeconds } from './request.js';
import { type CopySchema, copySchema } from './schema.js';
import { baseOf, baseReport, isChosen, liveOf } from './start-from.js';
import { verifyCopy } from './verify.js';
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
  if (given === undefined && flags.backup === undefined) {
    throw new UsageError('nothing to drill', { expected: 'the directory of a node, or a backup: --backup DIR' });
  }
  const requests = crashRequests(flags);
  const limits = limitsOf(flags);
  const places = nodePlaces(given, flags.commitlog);
  if (requests.length > 0 && places.segments.length === 0) {
    throw new UsageError('there is no commit log to damage', {
      ...(given !== undefined && { file: given }),
      expected: 'segments in its directory commitlog, or in that of --commitlog DIR',
    });
  }
  const logs = places.segments.map(({ file }) => path.dirname(file));
  const work = new WorkDirectory(
    flags.work,
    [given, flags.backup, ...new Set(logs)].flatMap((one) => one ?? []),
  );
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

/** What there is once the copy has crashed and been recovered. */
type Recovered = {
  readonly base: Base;
  /** `undefined` where only a backup was given. */
  readonly live: Base | undefined;
  readonly schema: CopySchema;
  readonly side: LogSide;
  readonly survey: LogSurvey;
  readonly crash: Crashed;
  readonly damaged: LogSide;
  readonly persisted: Persisted;
  readonly start: LogReport;
  readonly takesAll: boolean;
  readonly replayed: DrillReplayed | { readonly failed: string };
  readonly verified: Awaited<ReturnType<typeof verifyCopy>>;
  readonly files: { readonly linked: number; readonly copied: number };
};

class Drill {
  private readonly work: WorkDirectory;
  private readonly given: string | undefined;
  private readonly places: NodePlaces;
  private readonly flags: DrillFlags;
  private readonly tell: DrillTell;
  private readonly phases: Phase[] = [];

  constructor(work: WorkDirectory, given: string | undefined, places: NodePlaces, flags: DrillFlags, tell: DrillTell) {
    this.work = work;
    this.given = given;
    this.places = places;
    this.flags = flags;
    this.tell = tell;
  }

  async run(requests: readonly CrashRequest[], limits: readonly Limit[]): Promise<DrillReport> {
    const recovered = await this.recover(requests);
    const { tallies, timeline, stillReadable } = await this.tally(recovered);
    const { compared, unmeasured } = await this.tryCompare(recovered, tallies.asked);
    const { base, live, survey, side, crash, damaged, start, takesAll, replayed, verified, files } = recovered;
    const newest = survey.clock.newestMicros;
    const loss = lossCounts(tallies.asked, newest);
    const place = { path: this.flags.backup ?? this.given ?? '.', ...files };
    const report = baseReport(base, live, survey, this.flags, place);
    const found = {
      loss,
      answers: compared && sumAnswers(compared),
      phases: this.phases,
      result: { ...verified, ...replayCounts(replayed) },
      base: report,
    };
    const newestOfAll = report.against?.newestMicros ?? survey.newestOfClients;
    return {
      directory: this.given,
      nowSeconds: this.flags.now,
      seed: this.seed,
      log: {
        segments: side.segments.length,
        bytes: side.segments.reduce((sum, { bytes }) => sum + bytes, 0),
        mutations: survey.mutations,
        clock: survey.clock,
        faults: survey.segments.reduce((sum, { faults }) => sum + faults.length, 0),
        timeline,
      },
      crash: { cut: crash.cut, damage: crash.damage, dropped: crash.neverWritten },
      start: startReport(start, damaged.segments.length, takesAll, stillReadable),
      unmeasured,
      tables: drillTables(tallies.asked, compared),
      compared: [
        { sync: 'as-asked', loss },
        { sync: 'periodic', periodSeconds: this.periodSeconds, loss: lossCounts(tallies.periodic, newest) },
        { sync: 'batch', loss: lossCounts(tallies.batch, newest) },
      ],
      ...found,
      ...judge(limits, found, lostSeconds(loss, compared, newestOfAll)),
      kept: this.flags.keep ? this.work.path : undefined,
    };
  }

  private get seed(): number {
    return this.flags.seed ?? this.flags.now;
  }

  private get periodSeconds(): number {
    return parseSeconds(this.flags['sync-period'], '--sync-period');
  }

  /** The recovery itself, phase by phase; what only the drill does is in between. */
  private async recover(requests: readonly CrashRequest[]): Promise<Recovered> {
    const { work, flags, places } = this;
    const copied = await this.timed('copy', () => {
      const base = copyBase(work, () => baseOf(flags, places.dataDirectories), DATA);
      return { base, segments: copyLog(work, places.segments, WHOLE), files: { ...work.counts } };
    });
    const { base, segments, files } = copied;
    const all = files.linked + files.copied;
    const how =
      files.copied === 0 ? 'hard links' : `${countText(files.copied)} copied, ${bytesText(files.copiedBytes)}`;
    this.describe(`${plural(all, 'file')}, ${how}`);

    const live =
      this.given === undefined ? undefined : base.kind === 'live' ? base : liveOf(flags, places.dataDirectories);
    const cipherOf = await cipherOfFlags(flags);
    const schema = await copySchema(work, DATA, live, flags, this.tell.notice);
    const side = { segments, schema: schema.log, cipherOf };
    const survey = await surveyLog(side, flags.now);
    const crash = await crashCopy(work, requests, survey, side, this.seed, CRASHED);

    const opened = await this.timed('open', async () => {
      const { log } = await copySchema(work, DATA, live, flags, () => {});
      const persisted = await this.persistedIn(this.dataIn(DATA));
      return { persisted, damaged: { segments: this.segmentsIn(CRASHED), schema: log, cipherOf } };
    });
    const { persisted, damaged } = opened;
    this.describe(`schema, ${plural(persisted.sstables, 'SSTable')}, ${plural(damaged.segments.length, 'segment')}`);

    const start = await verifyLog(diskStorage, damaged.segments, {
      schema: damaged.schema,
      persisted,
      cipherOf,
      drive: (walk) => drive(walk),
      onLeft() {},
    });
    const takesAll = flags['skip-corrupt'] || start.verdict === 'stops';
    const replayed = await this.timed('replay', () => this.tryReplay(damaged, persisted, takesAll));
    this.describe(
      'failed' in replayed
        ? `failed: ${replayed.failed}`
        : `${plural(replayed.replayed, 'mutation')} into ${plural(replayed.sstables, 'SSTable')}`,
    );

    const verified = await this.timed('verify', () =>
      verifyCopy([...this.dataIn(DATA), ...this.dataIn(RECOVERED)], flags, this.tell.isQuiet),
    );
    this.describe(`${plural(verified.sstables, 'SSTable')}, every row`);
    return { base, live, schema, side, survey, crash, damaged, persisted, start, takesAll, replayed, verified, files };
  }

  private async timed<T>(name: Phase['name'], action: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await action();
    this.phases.push({ name, seconds: (performance.now() - started) / 1000, what: '' });
    return result;
  }

  /** Says what the last phase was about. */
  private describe(what: string): void {
    this.phases.push({ ...this.phases.pop()!, what });
  }

  /** As a list of data directories: none where nothing is in it. */
  private dataIn(name: string): string[] {
    const directory = path.join(this.work.path, name);
    return diskStorage.stat(directory)?.isDirectory && diskStorage.list(directory).length > 0 ? [directory] : [];
  }

  private segmentsIn(name: string): SegmentFile[] {
    return this.dataIn(name).flatMap((directory) => findSegments(diskStorage, [directory]));
  }

  /** What can't be told is replayed anew: that does no harm, and the verification finds what is wrong. */
  private async persistedIn(data: readonly string[]): Promise<Persisted> {
    try {
      return await readPersisted(diskStorage, data, this.flags.now);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      this.tell.notice(
        `what SSTables hold is not known, the whole log is replayed: ${error.facts.file}: ${error.message}`,
      );
      return NOTHING_PERSISTED;
    }
  }

  /** An SSTable that is damaged may keep the log from being replayed: then the result is not sound. */
  private async tryReplay(
    side: LogSide,
    persisted: Persisted,
    takesAll: boolean,
  ): Promise<DrillReplayed | { readonly failed: string }> {
    try {
      return await this.replay(side, persisted, takesAll, RECOVERED);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      return { failed: `${path.basename(error.facts.file ?? '')}: ${error.message}` };
    }
  }

  private replay(
    side: LogSide,
    persisted: Persisted,
    skipsDamage: boolean,
    target: string,
    wants: (table: LogTable) => boolean = () => true,
  ): Promise<DrillReplayed> {
    return replayInto({
      ...side,
      // nobody times the reference, and by then there is more that takes memory
      memtableBytes: target === RECOVERED ? MEMTABLE_BYTES : MEMTABLE_BYTES / 2,
      persisted,
      skipsDamage,
      data: this.dataIn(DATA),
      target: this.work.directory(target),
      nowSeconds: this.flags.now,
      wantsTable: (table) => this.isWanted(table) && wants(table),
    });
  }

  private isWanted({ keyspace, name }: LogTable): boolean {
    return isSystemKeyspace(keyspace) || isChosen(this.flags, keyspace, name);
  }

  private async tally({ side, survey, crash, damaged, persisted, takesAll }: Recovered) {
    const surviving = await survivingOf(damaged);
    const alone = crash.damageAlone;
    const survivingDamage =
      crash.cut === undefined
        ? surviving
        : alone !== undefined
          ? await survivingOf({ ...damaged, segments: this.segmentsIn(alone) })
          : undefined;
    const tallies: Tallies = { asked: new LossTally(), batch: new LossTally(), periodic: new LossTally() };
    const timeline = new TimelineCount(survey);
    let stillReadable = 0;
    await tallyLoss(side, tallies, {
      persisted,
      survey,
      surviving,
      survivingDamage,
      takesAll,
      periodSeconds: this.periodSeconds,
      wantsTable: (table) => this.isWanted(table),
      onLost: (write) => {
        if (!write.updates.every(({ table }) => isSystemKeyspace(table.keyspace))) timeline.addLost(write.micros);
        this.tell.lost?.(write);
      },
      onReadable: () => {
        stillReadable++;
      },
    });
    return { tallies, timeline: timeline.timeline(), stillReadable };
  }

  private async tryCompare(
    recovered: Recovered,
    lost: LossTally,
  ): Promise<{ readonly compared: TableAnswers[] | undefined; readonly unmeasured: string | undefined }> {
    if (!recovered.live) return { compared: undefined, unmeasured: 'there is no live directory to compare with' };
    try {
      return { compared: await this.compare(recovered, lost), unmeasured: undefined };
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      return { compared: undefined, unmeasured: `${path.basename(error.facts.file ?? '')}: ${error.message}` };
    }
  }

  /** What the log as it was comes to, by the same rules; past its damage where a start would have stopped at it before the drill. */
  private async reference(
    side: LogSide,
    persisted: Persisted,
    takesAll: boolean,
    wants: (table: LogTable) => boolean,
  ): Promise<string[]> {
    try {
      await this.replay(side, persisted, takesAll, REFERENCE, wants);
      return this.dataIn(REFERENCE);
    } catch (error) {
      if (!(error instanceof CorruptError) || takesAll) throw error;
      await this.replay(side, persisted, true, `${REFERENCE}-salvaged`, wants);
      return this.dataIn(`${REFERENCE}-salvaged`);
    }
  }

  private async compare(
    { base, side, schema, takesAll, persisted: ofCopy }: Recovered,
    lost: LossTally,
  ): Promise<TableAnswers[]> {
    const { now: nowSeconds } = this.flags;
    const isSameBase = base.kind === 'live';
    if (isSameBase && lost.writes === 0) return [];
    const lostTables = lost.tables();
    const data = isSameBase ? this.dataIn(DATA) : this.places.dataDirectories;
    const persisted = isSameBase ? ofCopy : await this.persistedIn(data);
    const ids = new Set(lostTables.map(({ tableId }) => tableId));
    const reference = await this.reference(side, persisted, takesAll, ({ id }) => !isSameBase || ids.has(id));
    return compareSides({
      before: [...data, ...reference],
      after: [...this.dataIn(DATA), ...this.dataIn(RECOVERED)],
      schema: schema.schema,
      nowSeconds,
      lostKeys: new Map(lostTables.map(({ table, keys }) => [`${table.keyspace}.${table.name}`, keys])),
      isSameBase,
      wants: (keyspace, table) => isChosen(this.flags, keyspace, table),
    });
  }
}

function replayCounts(replayed: Recovered['replayed']) {
  if ('failed' in replayed) {
    return {
      isSound: false,
      replayFailed: replayed.failed,
      replayedMutations: 0,
      replayedUpdates: 0,
      writtenSSTables: 0,
    };
  }
  const replayedUpdates = replayed.tables.reduce((sum, { updates }) => sum + updates, 0);
  return { replayedMutations: replayed.replayed, replayedUpdates, writtenSSTables: replayed.sstables };
}

function startReport(start: LogReport, segments: number, takesAll: boolean, stillReadable: number): StartReport {
  return {
    verdict: segments === 0 ? 'no-log' : start.verdict,
    ...(start.stopsAt && { stopsAt: start.stopsAt }),
    faults: start.faults,
    replayedAs: takesAll ? 'skip-corrupt' : 'node',
    stillReadable,
  };
}
