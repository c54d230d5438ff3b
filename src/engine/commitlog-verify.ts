/** What is wrong with a commit log, what a node would do about it, and what it costs: the mutations, and which of them SSTables hold already. */
import type { ByteSource, Storage } from '../bytes/source.js';
import { simpleName } from '../codec/load.js';
import type { SegmentFile } from '../commitlog/commit-log-directory.js';
import type { LogSchema } from '../commitlog/log-schema.js';
import type { UpdateFacts } from '../commitlog/mutation-facts.js';
import type { LostRange } from '../commitlog/salvage.js';
import type { CipherOf } from '../commitlog/section-decoder.js';
import { type CheckVisitor, checkSalvage, checkSegment } from '../commitlog/segment-check.js';
import { decodeDescriptor, type SegmentDescriptor } from '../commitlog/segment-descriptor.js';
import type { SegmentFault } from '../commitlog/segment-fault.js';
import { type FoundSegment, openSegment, readHead } from '../commitlog/segment-open.js';
import { type Section, SYNC_MARKER_BYTES } from '../commitlog/segment-reader.js';
import { isInside, type Persisted, persistedInSegment } from './commitlog-persisted.js';
import { type AtStart, atStart, type SegmentState, type WhenIgnored, whenIgnored } from './commitlog-start.js';
import { UpdateValues } from './memtable/update-values.js';

export type FaultReport = SegmentFault & {
  readonly file: string;
  readonly segmentId: number;
  readonly atStart: AtStart;
  readonly whenIgnored: WhenIgnored;
};

/** A mutation that can be read, and that a node which goes on behind the faults leaves out all the same. */
export type LeftMutation = {
  readonly segmentId: number;
  readonly position: number;
  readonly bytes: number;
  readonly updates: readonly (UpdateFacts & { readonly isPersisted: boolean })[];
};

export type LostBytes = LostRange & {
  readonly file: string;
  readonly segmentId: number;
  /** Ids of the tables whose SSTables hold everything of this range, and of those with writes in the segment that do not. */
  readonly persistedTables: readonly string[];
  readonly openTables: readonly string[];
};

export type SegmentReport = {
  readonly file: string;
  readonly segmentId: number;
  readonly version: number;
  readonly bytes: number;
  readonly sections: number;
  /** That a node's reader passes on where nothing stops it. */
  readonly mutations: number;
  readonly left: number;
  /** Nothing but a descriptor: a node passes over it. */
  readonly isEmpty: boolean;
  readonly isLast: boolean;
  /** A cut exactly between two sections leaves no trace: the stored form has no end of its own. */
  readonly hasProvenEnd: boolean;
};

export type LogReport = {
  readonly segments: readonly SegmentReport[];
  readonly faults: readonly FaultReport[];
  /** The start: `stops` at the first fault that says so. */
  readonly verdict: 'clean' | 'tolerates' | 'stops';
  readonly stopsAt: FaultReport | undefined;
  readonly lost: readonly LostBytes[];
  /** Mutations that a node drops since it has no table of their id, by id. */
  readonly unknown: ReadonlyMap<string, number>;
};

export type VerifyOptions = {
  readonly schema: LogSchema;
  readonly persisted: Persisted;
  readonly cipherOf: CipherOf;
  /** Runs a walk to its end; it yields positions in the file from time to time. */
  readonly drive: <T>(walk: Generator<number, T>, segment: SegmentFile) => Promise<T>;
  /** Each mutation left out, as it is found. */
  readonly onLeft: (mutation: LeftMutation) => void;
};

/** @param segments in the order of their ids. @throws UnsupportedError, UsageError (a key that is missing) */
export async function verifyLog(
  storage: Storage,
  segments: readonly SegmentFile[],
  options: VerifyOptions,
): Promise<LogReport> {
  const log = new LogCheck(storage, segments, options);
  for (const segment of segments) await log.segment(segment);
  return log.report();
}

class LogCheck {
  private readonly storage: Storage;
  private readonly options: VerifyOptions;
  private readonly lastNonEmpty: SegmentFile | undefined;
  private readonly segments: SegmentReport[] = [];
  private readonly faults: FaultReport[] = [];
  private readonly lost: LostBytes[] = [];
  private readonly unknown = new Map<string, number>();
  private readonly values = new UpdateValues();

  constructor(storage: Storage, segments: readonly SegmentFile[], options: VerifyOptions) {
    this.storage = storage;
    this.options = options;
    this.lastNonEmpty = segments.findLast((segment) => !isEmptySegment(storage, segment));
  }

  report(): LogReport {
    const { segments, faults, lost, unknown } = this;
    const stopsAt = faults.find((fault) => fault.atStart === 'stops');
    const verdict = stopsAt ? 'stops' : faults.length > 0 ? 'tolerates' : 'clean';
    return { segments, faults, verdict, stopsAt, lost, unknown };
  }

  async segment(file: SegmentFile): Promise<void> {
    const source = this.storage.open(file.file);
    try {
      const name = { id: file.id, version: file.version, isCdcIndex: false };
      await this.check(file, source, await openSegment(source, name, this.options.cipherOf));
    } finally {
      source.close();
    }
  }

  private async check(
    file: SegmentFile,
    source: ByteSource,
    { segment, fault, isGuessed }: FoundSegment,
  ): Promise<void> {
    const state: SegmentState = {
      version: file.version,
      isLast: file === this.lastNonEmpty,
      form: formOf(segment?.descriptor),
      fileBytes: source.size,
    };
    const tables = new Set<string>();
    const lost: LostRange[] = [];
    const visitor = this.visitor(file, state, tables, lost);
    if (fault) visitor.fault(fault);
    let result = { end: { sections: 0 }, mutations: 0, left: 0 };
    if (segment && isGuessed)
      result = await this.options.drive(checkSalvage(segment, this.options.schema, visitor), file);
    else if (segment) result = await this.options.drive(checkSegment(segment, this.options.schema, visitor), file);
    else lost.push({ from: 0, fileFrom: 0, fileTo: source.size });
    for (const range of lost) this.lost.push(this.lostBytes(file, range, tables));
    this.segments.push({
      file: file.file,
      segmentId: file.id,
      version: file.version,
      bytes: source.size,
      sections: result.end.sections,
      mutations: result.mutations,
      left: result.left,
      isEmpty: isEmptySegment(this.storage, file),
      isLast: state.isLast,
      hasProvenEnd: state.form === 'plain',
    });
  }

  private visitor(file: SegmentFile, state: SegmentState, tables: Set<string>, lost: LostRange[]): CheckVisitor {
    const pairs = new Map<string, readonly number[]>();
    const isPersisted = (tableId: string, position: number) => {
      let known = pairs.get(tableId);
      if (!known) {
        known = persistedInSegment(this.options.persisted, tableId, file.id);
        pairs.set(tableId, known);
      }
      return isInside(known, position);
    };
    let sectionEnd: number | undefined;
    const tell = (fault: SegmentFault) => {
      this.faults.push({
        ...fault,
        file: file.file,
        segmentId: file.id,
        atStart: atStart(fault, state, sectionEnd),
        whenIgnored: whenIgnored(fault, state),
      });
    };
    return {
      section: (section: Section) => {
        sectionEnd = section.fileEnd;
      },
      fault: tell,
      unreadable: (_entry, fault) => tell(fault),
      passed: (_entry, tableId) => void tables.add(tableId),
      check: ({ cursor, table }) => void this.values.check(cursor!, table!),
      unknown: (_entry, tableId) => void this.unknown.set(tableId, (this.unknown.get(tableId) ?? 0) + 1),
      left: (entry, updates) => {
        this.options.onLeft({
          segmentId: file.id,
          position: entry.position,
          bytes: entry.end - entry.start,
          updates: updates.map((update) => ({ ...update, isPersisted: isPersisted(update.tableId, entry.position) })),
        });
      },
      lost: (range) => void lost.push(range),
    };
  }

  private lostBytes(file: SegmentFile, range: LostRange, tables: ReadonlySet<string>): LostBytes {
    const { persisted, schema } = this.options;
    const holds = (id: string) => {
      const pairs = persistedInSegment(persisted, id, file.id);
      // the whole range in one interval; an open end needs one that goes on into the next segment
      for (let i = 0; i < pairs.length; i += 2) {
        if (pairs[i]! <= range.from && (range.to ?? Number.MAX_SAFE_INTEGER) <= pairs[i + 1]!) return true;
      }
      return false;
    };
    const all = new Set([...tables, ...[...schema.all()].map(({ id }) => id)]);
    return {
      ...range,
      file: file.file,
      segmentId: file.id,
      persistedTables: [...all].filter(holds),
      openTables: [...tables].filter((id) => !holds(id)),
    };
  }
}

function formOf(descriptor: SegmentDescriptor | undefined): string {
  if (descriptor?.encryption) return 'encrypted';
  return descriptor?.compression ? simpleName(descriptor.compression.className) : 'plain';
}

/** As a node judges before it replays: a descriptor and then eight zeros; what can't be read is not empty. */
export function isEmptySegment(storage: Storage, { file }: SegmentFile): boolean {
  const source = storage.open(file);
  try {
    const bytes = readHead(source);
    const { headerBytes } = decodeDescriptor(bytes, file);
    const marker = bytes.subarray(headerBytes, headerBytes + SYNC_MARKER_BYTES);
    return marker.length === SYNC_MARKER_BYTES && marker.every((byte) => byte === 0);
  } catch {
    return false;
  } finally {
    source.close();
  }
}
