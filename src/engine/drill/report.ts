/** What a drill found, and whether that is good enough. Times are microseconds since 1970 unless their names say otherwise. */
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import type { FaultReport } from '../commitlog-verify.js';
import type { Finding } from '../verify/finding.js';
import type { BaseKind, BaseProblem } from './base.js';
import type { Damage } from './crash.js';
import type { LogClock } from './log-survey.js';
import type { CutGrain } from './segment-edits.js';

/** The log's end as it would be had the node synced last so many seconds before. */
export type CutReport = {
  readonly seconds: number;
  readonly segmentId: number;
  /** Commit log position behind the last write that is kept. */
  readonly position: number;
  readonly grain: CutGrain;
};

export type LossCounts = {
  /** Mutations with something lost in them, those of Cassandra's own tables apart. */
  readonly writes: number;
  readonly systemWrites: number;
  readonly bytes: number;
  readonly tables: number;
  readonly keys: number;
  readonly firstMicros: number | undefined;
  readonly lastMicros: number | undefined;
  /** From the first lost write to the newest of the log: older writes are all there. */
  readonly seconds: number;
};

export type AnswerLoss = {
  /** Rows that are not answered any more, that are answered with older values, that are back although deleted. */
  readonly gone: number;
  readonly older: number;
  readonly back: number;
  /** Partitions with any such row. */
  readonly keys: number;
  /** Of these rows, those in partitions of which the log has lost nothing: they were in SSTables. */
  readonly notInLog: number;
};

export type DrillTable = {
  readonly tableId: string | undefined;
  readonly keyspace: string;
  readonly table: string;
  readonly isSystem: boolean;
  readonly log: LogTable | undefined;
  readonly writes: number;
  readonly keys: ReadonlySet<string>;
  readonly firstMicros: number | undefined;
  readonly lastMicros: number | undefined;
  /** Absent of Cassandra's own tables, and where there is nothing to compare with. */
  readonly answers?: AnswerLoss;
  /** Why the answers could not be compared. */
  readonly unmeasured?: string;
};

export type BaseReport = {
  readonly kind: BaseKind;
  readonly path: string;
  readonly name?: string;
  readonly sstables: number;
  readonly bytes: number;
  readonly linkedFiles: number;
  readonly copiedFiles: number;
  readonly isComplete: boolean;
  readonly problems: readonly BaseProblem[];
  readonly createdAt?: string;
  /** Newest write of a client's table in its SSTables, and in what it is held against. */
  readonly newestMicros?: number;
  readonly against?: { readonly what: 'live' | 'clock'; readonly newestMicros: number };
  /** Seconds between the two. */
  readonly staleSeconds?: number;
};

export type Phase = {
  readonly name: 'copy' | 'open' | 'replay' | 'verify';
  readonly seconds: number;
  readonly what: string;
};

export type StartReport = {
  readonly verdict: 'clean' | 'tolerates' | 'stops' | 'no-log';
  readonly stopsAt?: FaultReport;
  readonly faults: readonly FaultReport[];
  /** How the log was replayed: as a node does, or past all damage, with what can be read behind it. */
  readonly replayedAs: 'node' | 'skip-corrupt';
  /** Of the lost writes, those that could still be read by `commitlog replay --skip-corrupt`. */
  readonly stillReadable: number;
};

export type ResultReport = {
  readonly isSound: boolean;
  readonly sstables: number;
  readonly partitions: number;
  readonly rows: number;
  readonly errors: number;
  readonly warnings: number;
  readonly findings: readonly Finding[];
  readonly replayedMutations: number;
  readonly replayedUpdates: number;
  readonly writtenSSTables: number;
  /** Why the log could not be replayed into it. */
  readonly replayFailed?: string;
};

export type Compared = {
  readonly sync: 'as-asked' | 'periodic' | 'batch';
  /** Seconds that periodic sync leaves unsynced at most. */
  readonly periodSeconds?: number;
  readonly loss: LossCounts;
};

export type Limit =
  | { readonly kind: 'max-loss-seconds'; readonly limit: number }
  | { readonly kind: 'max-loss-writes'; readonly limit: number }
  | { readonly kind: 'max-time'; readonly limit: number };

export type JudgedLimit = Limit & { readonly seen: number; readonly isKept: boolean };

/** Mutations of the log by the time at which they were written, in equal parts of its span; without those that have no time. */
export type Timeline = {
  readonly fromMicros: number;
  readonly toMicros: number;
  readonly buckets: readonly { readonly mutations: number; readonly lost: number }[];
};

export type DrillReport = {
  readonly directory: string | undefined;
  readonly nowSeconds: number;
  readonly seed: number;
  readonly base: BaseReport;
  readonly log: {
    readonly segments: number;
    readonly bytes: number;
    readonly mutations: number;
    readonly clock: LogClock;
    /** Faults that it had before the drill. */
    readonly faults: number;
    readonly timeline: Timeline | undefined;
  };
  readonly crash: {
    readonly cut: CutReport | undefined;
    readonly damage: readonly Damage[];
    readonly dropped: readonly SegmentFile[];
  };
  readonly start: StartReport;
  readonly loss: LossCounts;
  readonly tables: readonly DrillTable[];
  /** `undefined` where they were not compared. */
  readonly answers: AnswerLoss | undefined;
  /** Why they were not. */
  readonly unmeasured: string | undefined;
  readonly compared: readonly Compared[];
  readonly phases: readonly Phase[];
  readonly result: ResultReport;
  readonly limits: readonly JudgedLimit[];
  readonly isPassed: boolean;
  /** Why not. */
  readonly reasons: readonly string[];
  /** Where the copy is, if it was kept. */
  readonly kept: string | undefined;
};

/** Seconds that the recovery took, all phases. */
export function recoverySeconds(phases: readonly Phase[]): number {
  return phases.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Lost writes; rows that only SSTables held count as a write each. */
export function lostWrites({ loss, answers }: Pick<DrillReport, 'loss' | 'answers'>): number {
  return loss.writes + (answers?.notInLog ?? 0);
}

export function judge(
  limits: readonly Limit[],
  found: Pick<DrillReport, 'loss' | 'answers' | 'phases' | 'result' | 'base'>,
  lostSeconds: number,
): Pick<DrillReport, 'limits' | 'isPassed' | 'reasons'> {
  const seenOf = {
    'max-loss-seconds': lostSeconds,
    'max-loss-writes': lostWrites(found),
    'max-time': recoverySeconds(found.phases),
  };
  const judged = limits.map((limit): JudgedLimit => {
    const seen = seenOf[limit.kind];
    return { ...limit, seen, isKept: seen <= limit.limit };
  });
  const reasons = [
    ...(found.base.isComplete
      ? []
      : [`the ${found.base.kind === 'live' ? 'directory' : found.base.kind} is not complete`]),
    ...(found.result.isSound ? [] : ['the result is not sound']),
    ...judged.filter(({ isKept }) => !isKept).map(({ kind }) => REASON[kind]),
  ];
  return { limits: judged, isPassed: reasons.length === 0, reasons };
}

const REASON: Readonly<Record<Limit['kind'], string>> = {
  'max-loss-seconds': 'more seconds are lost than --max-loss allows',
  'max-loss-writes': 'more writes are lost than --max-loss allows',
  'max-time': 'the recovery takes longer than --max-time allows',
};
