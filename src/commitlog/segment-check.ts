/**
 * What a segment's damage costs: what Cassandra's reader meets, which mutations it passes on, which it leaves although they can be read, and which
 * bytes nobody can read.
 */
import { CorruptError } from '../bytes/errors.js';
import type { LogSchema } from './log-schema.js';
import { mutationFacts, type UpdateFacts } from './mutation-facts.js';
import { MutationReader } from './mutation-reader.js';
import { isCutPlain, type LostRange, lookBehind, salvageSegment } from './salvage.js';
import type { SegmentFault } from './segment-fault.js';
import { type Entry, type OpenSegment, readSegment, type Section, type SegmentEnd } from './segment-reader.js';

export interface CheckVisitor {
  section(section: Section): void;
  /** An update of a mutation that Cassandra's reader passes on. */
  passed(entry: Entry, tableId: string): void;
  /** The update under the reader, of a known table, as a node checks it: may read it to its end. @throws CorruptError where a node would not take it */
  check?(reader: MutationReader): void;
  /** In the order of the file. */
  fault(fault: SegmentFault): void;
  /** A mutation that Cassandra's reader does not get to, behind a fault, or that it refuses although it can be read. */
  left(entry: Entry, updates: readonly UpdateFacts[]): void;
  /** One that it reads and drops: it has no table of this id. */
  unknown(entry: Entry, tableId: string): void;
  /** Bytes that nobody can read. */
  lost(range: LostRange): void;
  /** A mutation with right checksums whose bytes are none of its tables. */
  unreadable(entry: Entry, fault: SegmentFault): void;
}

export type SegmentCheck = {
  readonly end: Pick<SegmentEnd, 'sections'>;
  readonly mutations: number;
  /** Mutations with right checksums that Cassandra leaves, because it ends or skips a section, or refuses what is in them. */
  readonly left: number;
};

/** What Cassandra's reader passed on: by section, as ascending offsets [from, to). Plain segments count as one section. */
export class PassedEntries {
  private readonly sections = new Map<number, number[]>();

  add({ sectionFilePosition, sectionStart, startPosition, position }: Entry): void {
    let bounds = this.sections.get(sectionFilePosition);
    if (!bounds) {
      bounds = [];
      this.sections.set(sectionFilePosition, bounds);
    }
    const from = startPosition - sectionStart;
    const to = position - sectionStart;
    if (bounds.length > 0 && bounds[bounds.length - 1] === from) bounds[bounds.length - 1] = to;
    else bounds.push(from, to);
  }

  has({ sectionFilePosition, sectionStart, startPosition }: Entry): boolean {
    const bounds = this.sections.get(sectionFilePosition) ?? [];
    const position = startPosition - sectionStart;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bounds[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low % 2 === 1;
  }
}

/** Yields the file position from time to time. */
export function* checkSegment(
  segment: OpenSegment,
  schema: LogSchema,
  visitor: CheckVisitor,
): Generator<number, SegmentCheck> {
  const { source, descriptor, decoder } = segment;
  const reader = new MutationReader(schema, descriptor.version, source.path);
  const passed = new PassedEntries();
  let mutations = 0;
  let refused = 0;
  let isDamaged = false;
  /** The reader has told already that there is more. */
  let isOver = false;
  const end = yield* readSegment(segment, {
    section: (section) => visitor.section(section),
    mutation(entry) {
      mutations++;
      passed.add(entry);
      let isRefused = false;
      const isReadable = readable(visitor, entry, () => {
        reader.begin(entry);
        while (reader.next()) {
          visitor.passed(entry, reader.tableId);
          if (!reader.cursor || reader.table?.origin === 'log') visitor.unknown(entry, reader.tableId);
          else visitor.check?.(reader);
          if (reader.laterColumn === undefined) continue;
          visitor.unreadable(entry, laterFault(reader, entry));
          isRefused = true;
        }
      });
      if ((isRefused || !isReadable) && tellLeft(visitor, reader, entry)) refused++;
    },
    fault(fault) {
      isDamaged = true;
      if (fault.kind === 'early_end') isOver = true;
      visitor.fault(fault);
    },
  });
  const isCut = decoder ? end.filePosition < source.size : isCutPlain(source.size);
  if (end.kind === 'file_end' && isCut) {
    isDamaged = true;
    visitor.fault(cutFault(end, source.size, decoder !== undefined));
  }
  const behind = end.kind === 'zeros' && !isOver ? yield* lookBehind(segment, end.filePosition) : 'nothing';
  if (behind !== 'nothing') {
    isDamaged = true;
    visitor.fault(behindFault(end, behind === 'bytes' && !decoder));
  }
  const left = isDamaged ? yield* salvageLeft(segment, reader, visitor, (entry) => passed.has(entry)) : 0;
  return { end, mutations, left: left + refused };
}

/** A mutation that a node refuses. @returns whether its bytes are those of a mutation all the same */
function tellLeft(visitor: CheckVisitor, reader: MutationReader, entry: Entry): boolean {
  try {
    visitor.left(entry, mutationFacts(reader, entry));
    return true;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    return false;
  }
}

/** A segment that no node reads, as its descriptor is damaged: all of it is left. `segment` has the descriptor that was put together. */
export function* checkSalvage(
  segment: OpenSegment,
  schema: LogSchema,
  visitor: CheckVisitor,
): Generator<number, SegmentCheck> {
  const reader = new MutationReader(schema, segment.descriptor.version, segment.source.path);
  const { headerBytes } = segment.descriptor;
  // the first marker that can be found need not be the first that was written
  visitor.lost({ from: 0, fileFrom: 0, fileTo: headerBytes, isUncertain: true });
  const left = yield* salvageLeft(segment, reader, visitor, () => false);
  return { end: { sections: 0 }, mutations: 0, left };
}

function* salvageLeft(
  segment: OpenSegment,
  reader: MutationReader,
  visitor: CheckVisitor,
  isPassed: (entry: Entry) => boolean,
): Generator<number, number> {
  let left = 0;
  yield* salvageSegment(segment, {
    entry(entry) {
      if (isPassed(entry)) return;
      left++;
      readable(visitor, entry, () => visitor.left(entry, mutationFacts(reader, entry)));
    },
    lost: (range) => visitor.lost(range),
  });
  return left;
}

function readable(visitor: CheckVisitor, entry: Entry, read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    visitor.unreadable(entry, contentFault(error, entry));
    return false;
  }
}

export function contentFault(error: CorruptError, entry: Entry): SegmentFault {
  const { seen, expected } = error.facts;
  return {
    kind: 'mutation_content',
    message: error.message,
    filePosition: entry.startPosition,
    position: entry.startPosition,
    section: entry.section,
    ...(seen !== undefined && { seen }),
    ...(expected !== undefined && { expected }),
  };
}

export function laterFault({ table, laterColumn }: MutationReader, entry: Entry): SegmentFault {
  const { startPosition: position, section } = entry;
  const message = `update names the column ${laterColumn} of ${table?.keyspace}.${table?.name}, which only the log knows`;
  return { kind: 'mutation_content', message, filePosition: position, position, section };
}

export function behindFault({ filePosition, position, sections }: SegmentEnd, isUnsynced: boolean): SegmentFault {
  const at = { filePosition, position, section: sections };
  if (isUnsynced)
    return { kind: 'unsynced', message: 'writes behind the last sync, which a node does not replay', ...at };
  return { kind: 'early_end', message: 'zeros where a sync marker belongs, with sections behind', ...at };
}

export function cutFault(
  { filePosition, position, sections }: SegmentEnd,
  fileBytes: number,
  isStored: boolean,
): SegmentFault {
  return {
    kind: 'cut',
    message: isStored ? 'file is cut in a sync marker' : 'file is cut between two sections',
    filePosition,
    position,
    section: sections,
    seen: `${fileBytes} bytes`,
    ...(!isStored && { expected: 'whole MiB, as segments are' }),
  };
}
