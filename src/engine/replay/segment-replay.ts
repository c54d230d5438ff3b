/**
 * The mutations of one segment as a replay takes them.
 *
 *   as a node does     up to the first fault at which its start would stop: then a CorruptError
 *   skipping damage    all that can be read, also what a node leaves behind a fault; what nobody can read is told
 */
import { CorruptError } from '../../bytes/errors.js';
import type { LogSchema } from '../../commitlog/log-schema.js';
import { MutationReader } from '../../commitlog/mutation-reader.js';
import { isCutPlain, type LostRange, lookBehind, salvageSegment } from '../../commitlog/salvage.js';
import { behindFault, contentFault, cutFault, laterFault, PassedEntries } from '../../commitlog/segment-check.js';
import type { SegmentFault } from '../../commitlog/segment-fault.js';
import type { FoundSegment } from '../../commitlog/segment-open.js';
import { type Entry, type OpenSegment, readSegment, type SegmentEnd } from '../../commitlog/segment-reader.js';
import { type AtStart, atStart, type SegmentState } from '../commitlog-start.js';
import type { UpdateValues } from '../memtable/update-values.js';
import type { Fate, ReplayFilter } from './replay-filter.js';

export type ReplayFault = SegmentFault & {
  readonly file: string;
  readonly segmentId: number;
  readonly atStart: AtStart;
};

export interface ReplayVisitor {
  /** The update under the reader is to be added; reads it to its end. @param bytes of its mutation. @throws CorruptError */
  add(reader: MutationReader, bytes: number, isSalvaged: boolean): void;
  /** An update that is not replayed. */
  passedOver(reader: MutationReader, fate: Exclude<Fate, 'replayed'>): void;
  /** A mutation that names a table that is not there, and is dropped for it. */
  unknown(tableId: string): void;
  /** A mutation of which something was added, or nothing. */
  mutation(isReplayed: boolean, isSalvaged: boolean): void;
  fault(fault: ReplayFault): void;
  lost(range: LostRange): void;
}

export type SegmentReplaySetup = {
  readonly schema: LogSchema;
  readonly filter: ReplayFilter;
  readonly visitor: ReplayVisitor;
  /** What updates that are not added are held to: those that are, whoever adds them checks. */
  readonly values: UpdateValues;
  readonly skipsDamage: boolean;
};

export class SegmentReplay {
  /** Commit log position behind the last entry. */
  position = 0;
  private readonly setup: SegmentReplaySetup;
  private readonly found: FoundSegment;
  private readonly state: SegmentState;
  private readonly file: string;
  private readonly segmentId: number;
  private readonly reader: MutationReader | undefined;
  private readonly passed = new PassedEntries();
  private sectionEnd: number | undefined;
  private isDamaged = false;

  constructor(setup: SegmentReplaySetup, found: FoundSegment, state: SegmentState, file: string, segmentId: number) {
    this.setup = setup;
    this.found = found;
    this.state = state;
    this.file = file;
    this.segmentId = segmentId;
    if (found.segment) this.reader = new MutationReader(setup.schema, found.segment.descriptor.version, file);
  }

  /** Yields the file position from time to time. @throws CorruptError where a start would stop and damage is not skipped */
  *run(): Generator<number> {
    const { found, setup } = this;
    setup.filter.startSegment(this.segmentId);
    if (found.fault) this.fault(found.fault);
    if (!found.segment) {
      const { fileBytes } = this.state;
      if (setup.skipsDamage) setup.visitor.lost({ from: 0, fileFrom: 0, fileTo: fileBytes });
    } else if (!found.isGuessed) {
      yield* this.read(found.segment);
    } else if (setup.skipsDamage) {
      const { headerBytes } = found.segment.descriptor;
      setup.visitor.lost({ from: 0, fileFrom: 0, fileTo: headerBytes, isUncertain: true });
      yield* this.salvage(found.segment);
    }
  }

  private *read(segment: OpenSegment): Generator<number> {
    const { skipsDamage } = this.setup;
    const end = yield* readSegment(segment, {
      section: ({ fileEnd }) => {
        this.sectionEnd = fileEnd;
      },
      mutation: (entry) => {
        if (skipsDamage) this.passed.add(entry);
        this.take(entry, false);
      },
      fault: (fault) => this.fault(fault),
    });
    this.position = Math.max(this.position, end.position);
    if (!skipsDamage) return;
    yield* this.lookForMore(segment, end);
    if (this.isDamaged) yield* this.salvage(segment);
  }

  /** What a node does not look for: a file that was cut, sections behind zeros. */
  private *lookForMore({ source, descriptor, decoder }: OpenSegment, end: SegmentEnd): Generator<number> {
    const isCut = decoder ? end.filePosition < source.size : isCutPlain(source.size);
    if (end.kind === 'file_end' && isCut) this.fault(cutFault(end, source.size, decoder !== undefined));
    if (end.kind !== 'zeros' || this.isDamaged) return;
    const behind = yield* lookBehind({ source, descriptor, decoder }, end.filePosition);
    if (behind !== 'nothing') this.fault(behindFault(end, behind === 'bytes' && !decoder));
  }

  private *salvage(segment: OpenSegment): Generator<number> {
    yield* salvageSegment(segment, {
      entry: (entry) => {
        if (!this.passed.has(entry)) this.take(entry, true);
      },
      lost: (range) => this.setup.visitor.lost(range),
    });
  }

  private fault(fault: SegmentFault): void {
    const { setup, file, segmentId, state, sectionEnd } = this;
    // writes behind the last sync are no damage: no node replays them
    if (fault.kind !== 'unsynced') this.isDamaged = true;
    const does = atStart(fault, state, sectionEnd);
    if (does === 'stops' && !setup.skipsDamage) throw stop(fault, file);
    setup.visitor.fault({ ...fault, file, segmentId, atStart: does });
  }

  private take(entry: Entry, isSalvaged: boolean): void {
    const reader = this.reader!;
    try {
      this.mutation(reader, entry, isSalvaged);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      const fault = contentFault(error, entry);
      if (!this.setup.skipsDamage) throw stop(fault, this.file, error);
      this.tellUnreadable(fault);
    }
    if (entry.position > this.position) this.position = entry.position;
  }

  private mutation(reader: MutationReader, entry: Entry, isSalvaged: boolean): void {
    const { filter, visitor, values } = this.setup;
    reader.begin(entry);
    const isChecked = reader.count > 1 || filter.looksAhead;
    if (isChecked) {
      if (!this.lookAhead(reader, entry)) return;
      if (filter.looksAhead && this.isLater(reader, entry)) {
        this.passOver(reader, entry);
        return;
      }
      reader.begin(entry);
    }
    let isReplayed = false;
    while (reader.next()) {
      if (!isChecked && !this.isKnown(reader, entry)) return;
      const fate = filter.fateOf(reader, entry.position);
      if (fate === 'replayed') {
        visitor.add(reader, entry.end - entry.start, isSalvaged);
        isReplayed = true;
        continue;
      }
      if (!isChecked) values.check(reader.cursor!, reader.table!);
      visitor.passedOver(reader, fate);
    }
    visitor.mutation(isReplayed, isSalvaged);
  }

  /** Whether a node takes all of the mutation, and all of its tables are there: it drops it else. @throws CorruptError */
  private lookAhead(reader: MutationReader, entry: Entry): boolean {
    while (reader.next()) {
      if (!this.isKnown(reader, entry)) return false;
      this.setup.values.check(reader.cursor!, reader.table!);
    }
    return true;
  }

  private isLater(reader: MutationReader, entry: Entry): boolean {
    const { filter } = this.setup;
    filter.startMutation();
    reader.begin(entry);
    while (reader.next()) filter.lookAt(reader.cursor!);
    return filter.isLater;
  }

  private passOver(reader: MutationReader, entry: Entry): void {
    const { visitor } = this.setup;
    reader.begin(entry);
    while (reader.next()) visitor.passedOver(reader, 'later');
    visitor.mutation(false, false);
  }

  /** A table that only the log tells of is none to a node: it has loaded its schema before. @throws CorruptError for such a column */
  private isKnown(reader: MutationReader, entry: Entry): boolean {
    if (!reader.cursor || reader.table?.origin === 'log') {
      this.setup.visitor.unknown(reader.tableId);
      return false;
    }
    if (reader.laterColumn !== undefined) throw new CorruptError(laterFault(reader, entry).message, {});
    return true;
  }

  /** The rest of the segment can be read: this is no reason to search it. */
  private tellUnreadable(fault: SegmentFault): void {
    const { file, segmentId, state, setup } = this;
    setup.visitor.fault({ ...fault, file, segmentId, atStart: atStart(fault, state, this.sectionEnd) });
    const { position: from, filePosition, entryBytes = 0, section } = fault;
    const at = { from, to: from + entryBytes, fileFrom: filePosition, fileTo: filePosition + entryBytes };
    setup.visitor.lost({ ...at, mutations: 1, ...(section !== undefined && { section }) });
  }
}

function stop(fault: SegmentFault, file: string, cause?: CorruptError): CorruptError {
  const { message, filePosition: offset, seen, expected, section } = fault;
  const hint =
    cause?.facts.hint ??
    'a node stops here at its start. `lsmctl commitlog verify` tells what is lost; --skip-corrupt replays all that can be read and lists the rest';
  return new CorruptError(message, {
    file,
    component: section === undefined ? 'commit log' : `commit log, section ${section}`,
    offset,
    ...(seen !== undefined && { seen }),
    ...(expected !== undefined && { expected }),
    hint,
  });
}
