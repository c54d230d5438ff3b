/**
 * What a drill must know of a commit log before it damages it: where its sections are, and when each mutation was written.
 *
 * A log has no clock of its own. Mutations stand in it in the order in which they came, each with the timestamps of its writes, which are wall-clock
 * time unless a client set others. Those that can't be the time at which the log was written, before the segment was made (its id is that time, in
 * milliseconds) or after its file was last changed, are a client's own and tell nothing; where all are, they are taken as they are.
 */
import { CorruptError } from '../../bytes/errors.js';
import { toBigInt } from '../../bytes/int64.js';
import type { SegmentFile } from '../../commitlog/commit-log-directory.js';
import type { LogSchema } from '../../commitlog/log-schema.js';
import { MutationReader } from '../../commitlog/mutation-reader.js';
import type { SegmentFault } from '../../commitlog/segment-fault.js';
import {
  type Entry,
  type OpenSegment,
  readSegment,
  type Section,
  type SegmentEnd,
} from '../../commitlog/segment-reader.js';
import { isSystemKeyspace } from '../../cql/schema.js';

export type SurveyedSegment = {
  readonly file: SegmentFile;
  /** How its sections are stored. */
  readonly form: 'plain' | 'compressed' | 'encrypted';
  /** Class of the compressor. */
  readonly compressor?: string;
  readonly sections: readonly Section[];
  readonly end: SegmentEnd;
  readonly faults: readonly SegmentFault[];
  /** Number of its first mutation in the whole log, and how many it has. */
  readonly firstMutation: number;
  readonly mutations: number;
};

/** Seconds by which clocks of clients and of the node may differ. */
const SLACK_MICROS = 60_000_000;

export type LogClock = {
  /** Whose times they are: `wall-clock`, or `clients` where no write has a time at which the log can have been written. */
  readonly source: 'wall-clock' | 'clients';
  /** Of the newest write, microseconds; absent where no write has a time. */
  readonly newestMicros?: number;
};

/** All segments of a log, one after the other. */
export class LogSurvey {
  readonly segments: SurveyedSegment[] = [];
  private positions = new Float64Array(1 << 12);
  private sections = new Int32Array(1 << 12);
  /** NaN where a mutation has no time. */
  private micros = new Float64Array(1 << 12);
  private count = 0;
  /** Of each segment, microseconds: when its writes can have come. */
  private readonly ranges: { readonly from: number; readonly to: number }[] = [];
  private known: { readonly clock: LogClock; readonly isOwn: (mutation: number) => boolean } | undefined;

  get mutations(): number {
    return this.count;
  }

  /** Newest timestamp of an update of a table that is not Cassandra's own, microseconds, as clients gave it; none after `latestMicros`. */
  newestOfClients: number | undefined;
  private readonly latestMicros: number;

  constructor(latestMicros: number) {
    this.latestMicros = latestMicros;
  }

  /** Takes the next segment; yields the file position from time to time. @param mtimeMillis when its file was last changed */
  *take(file: SegmentFile, segment: OpenSegment, schema: LogSchema, mtimeMillis: number): Generator<number> {
    const { descriptor } = segment;
    const reader = new MutationReader(schema, descriptor.version, segment.source.path);
    const firstMutation = this.count;
    const sections: Section[] = [];
    const faults: SegmentFault[] = [];
    const end = yield* readSegment(segment, {
      section: (section) => void sections.push(section),
      mutation: (entry) => this.add(entry, this.timeOf(reader, entry)),
      fault: (fault) => void faults.push(fault),
    });
    this.known = undefined;
    this.ranges.push({ from: file.id * 1000 - SLACK_MICROS, to: mtimeMillis * 1000 + SLACK_MICROS });
    this.segments.push({
      file,
      form: descriptor.encryption ? 'encrypted' : descriptor.compression ? 'compressed' : 'plain',
      ...(descriptor.compression && { compressor: descriptor.compression.className }),
      sections,
      end,
      faults,
      firstMutation,
      mutations: this.count - firstMutation,
    });
  }

  /** A segment of which no node reads anything. */
  skip(file: SegmentFile): void {
    const end: SegmentEnd = { kind: 'fault', filePosition: 0, position: 0, sections: 0 };
    this.ranges.push({ from: 0, to: 0 });
    this.segments.push({ file, form: 'plain', sections: [], end, faults: [], firstMutation: this.count, mutations: 0 });
  }

  private add({ startPosition, section }: Entry, micros: number): void {
    const { count } = this;
    if (count === this.micros.length) {
      const grown = <T extends Float64Array | Int32Array>(from: T, to: T): T => {
        to.set(from);
        return to;
      };
      this.positions = grown(this.positions, new Float64Array(count * 2));
      this.micros = grown(this.micros, new Float64Array(count * 2));
      this.sections = grown(this.sections, new Int32Array(count * 2));
    }
    this.positions[count] = startPosition;
    this.sections[count] = section;
    this.micros[count] = micros;
    this.count++;
  }

  /** The greatest of the updates' least timestamps, microseconds. */
  private timeOf(reader: MutationReader, entry: Entry): number {
    let micros = Number.NaN;
    try {
      reader.begin(entry);
      while (reader.nextHead()) {
        const { stats, table } = reader;
        if (!stats.hasTimestamp) continue;
        const time = Number(toBigInt(stats.timestampHi, stats.timestampLo));
        if (!(time <= micros)) micros = time;
        if (!table || isSystemKeyspace(table.keyspace) || time > this.latestMicros) continue;
        if (!(time <= this.newestOfClients!)) this.newestOfClients = time;
      }
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error; // told by who verifies the log
    }
    return micros;
  }

  get clock(): LogClock {
    return this.judge().clock;
  }

  /** When a mutation was written, by its own time or else by that of those before it; `undefined` where none has one. */
  *times(): Generator<number | undefined> {
    const { isOwn } = this.judge();
    let latest: number | undefined;
    for (let i = 0; i < this.count; i++) {
      if (isOwn(i)) {
        latest = Math.max(latest ?? this.micros[i]!, this.micros[i]!);
        yield this.micros[i]!;
      } else yield latest;
    }
  }

  private judge() {
    this.known ??= this.makeClock();
    return this.known;
  }

  private makeClock() {
    const { micros, segments, ranges } = this;
    const isPossible = new Uint8Array(this.count);
    let newest = Number.NEGATIVE_INFINITY;
    let newestOfAny = Number.NEGATIVE_INFINITY;
    for (const [i, { firstMutation, mutations }] of segments.entries()) {
      const { from, to } = ranges[i]!;
      for (let m = firstMutation; m < firstMutation + mutations; m++) {
        const time = micros[m]!;
        if (time > newestOfAny) newestOfAny = time;
        if (!(time >= from && time <= to)) continue;
        isPossible[m] = 1;
        if (time > newest) newest = time;
      }
    }
    const hasWallClock = newest > Number.NEGATIVE_INFINITY;
    const newestMicros = hasWallClock ? newest : newestOfAny;
    const clock: LogClock = {
      source: hasWallClock ? 'wall-clock' : 'clients',
      ...(Number.isFinite(newestMicros) && { newestMicros }),
    };
    const isOwn = (i: number) => (hasWallClock ? isPossible[i] === 1 : !Number.isNaN(micros[i]!));
    return { clock, isOwn };
  }

  /** The first mutation that was written in the last `seconds`: its number, and where it stands. `undefined` where there is none. */
  cutBefore(seconds: number): LogCut | undefined {
    const { clock, isOwn } = this.judge();
    if (clock.newestMicros === undefined) return undefined;
    const limit = clock.newestMicros - seconds * 1e6;
    for (let i = 0; i < this.count; i++) {
      if (!isOwn(i) || this.micros[i]! <= limit) continue;
      const segment = this.segments.findIndex((s) => i < s.firstMutation + s.mutations);
      const { sections } = this.segments[segment]!;
      const section = sections.find(({ number }) => number === this.sections[i])!;
      return { mutation: i, segment, section, position: this.positions[i]!, micros: this.micros[i]! };
    }
    return undefined;
  }
}

/** A place between two mutations. */
export type LogCut = {
  /** Number of the first mutation behind it. */
  readonly mutation: number;
  /** Index of the segment. */
  readonly segment: number;
  readonly section: Section;
  /** Commit log position at which the first entry behind it begins. */
  readonly position: number;
  /** When that was written. */
  readonly micros: number;
};
