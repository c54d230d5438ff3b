/**
 * The mutations of a segment, by the rules of Cassandra's CommitLogReader and CommitLogSegmentReader.
 *
 *   segment  = descriptor | section … | zeros, or the end of the file
 *   section  = sync marker: i32 position of the next one, u32 CRC-32 over segment id and own position | entries, or their stored form
 *   entry    = i32 size | u32 CRC-32 of the size | mutation | u32 CRC-32 of size and mutation
 *
 * The marker's checksum does not cover the position that it points to. A commit log position is that of an entry's end: in plain segments in the
 * file, in others as though sections were stored plain, each after its marker. A marker of zeros ends a segment; so does a size of zero, or less
 * than four bytes before the section's end.
 *
 * After a fault the reader goes on as Cassandra does when it tolerates or is told to ignore it: behind a mutation whose own checksum differs with
 * the next one, behind one whose size can't be trusted with the next section, behind a marker not at all.
 */
import { crc32, crc32OfInt } from '../bytes/crc32.js';
import { Cursor } from '../bytes/cursor.js';
import { CorruptError } from '../bytes/errors.js';
import type { ByteSource } from '../bytes/source.js';
import { SourceCursor } from '../bytes/source-cursor.js';
import type { SectionDecoder } from './section-decoder.js';
import { type SegmentDescriptor, syncMarkerChecksum } from './segment-descriptor.js';
import type { FaultKind, SegmentFault } from './segment-fault.js';

export const SYNC_MARKER_BYTES = 8;
/** Of an entry beside its mutation. */
export const ENTRY_OVERHEAD_BYTES = 12;
/** Cassandra takes no mutation that is shorter. */
export const MIN_MUTATION_BYTES = 10;
/** Read ahead in plain segments. */
const BLOCK_BYTES = 1 << 20;
/** Bytes between two looks at whether somebody waits. */
const SLICE_BYTES = 4 << 20;

/** An open segment: file, descriptor, and what turns its sections into plain bytes, where they are stored otherwise. */
export type OpenSegment = {
  readonly source: ByteSource;
  readonly descriptor: SegmentDescriptor;
  readonly decoder: SectionDecoder | undefined;
};

/** A mutation as it is passed on; the object and the bytes are good until the next. */
export class Entry {
  buf: Uint8Array = new Uint8Array(0);
  /** The mutation is `buf[start, end)`. */
  start = 0;
  end = 0;
  /** Commit log position at which the entry begins, and the one that names it: where it ends. */
  startPosition = 0;
  position = 0;
  section = 0;
  /** Of compressed and encrypted segments: where the marker of its section is in the file, and the position at which its entries begin. */
  sectionFilePosition = 0;
  sectionStart = 0;
}

export type Section = {
  readonly number: number;
  /** Of its marker. */
  readonly filePosition: number;
  /** Where the next marker belongs. */
  readonly fileEnd: number;
  /** Commit log positions between which its entries lie. */
  readonly start: number;
  readonly end: number;
};

export interface SegmentVisitor {
  section?(section: Section): void;
  mutation(entry: Entry): void;
  fault(fault: SegmentFault): void;
}

/** How a segment ends: `position` and `filePosition` of the first byte that holds nothing. */
export type SegmentEnd = {
  readonly kind: 'zeros' | 'file_end' | 'fault' | 'until';
  readonly filePosition: number;
  readonly position: number;
  readonly sections: number;
};

export type ReadOptions = {
  /** Whether the checksums of mutations are checked; those of their sizes always are. */
  readonly checksums?: boolean;
  /** Only sections that end at or before this commit log position: what is on disk for sure, as a CDC index says. */
  readonly until?: number | undefined;
  /** Where an earlier read ended: only sections that have come since. */
  readonly resume?: Pick<SegmentEnd, 'filePosition' | 'position' | 'sections'> | undefined;
};

/** Walks a segment to its end; yields the file position from time to time. */
export function* readSegment(
  { source, descriptor, decoder }: OpenSegment,
  visitor: SegmentVisitor,
  { checksums = true, until = Number.POSITIVE_INFINITY, resume }: ReadOptions = {},
): Generator<number, SegmentEnd> {
  const context = { file: source.path, component: 'commit log' };
  const c = new SourceCursor(source, context, 0, source.size, BLOCK_BYTES);
  const reader = new EntryReader(visitor, checksums);
  let { filePosition: marker, position } = resume ?? {
    filePosition: descriptor.headerBytes,
    position: descriptor.headerBytes,
  };
  for (let number = resume?.sections ?? 0; ; number++) {
    const at = { filePosition: marker, position, section: number };
    const endOf = (kind: SegmentEnd['kind']): SegmentEnd => ({
      kind,
      filePosition: marker,
      position,
      sections: number,
    });
    if (marker > source.size - SYNC_MARKER_BYTES) return endOf('file_end');
    c.seek(marker);
    const next = c.i32();
    const seen = c.u32();
    const fault = checkMarker(descriptor.id, marker, next, seen, source.size);
    if (fault === 'zeros') return endOf('zeros');
    if (fault) {
      visitor.fault({ ...fault, ...at });
      return endOf('fault');
    }
    const start = position + SYNC_MARKER_BYTES;
    if (!decoder) {
      if (next > until) return endOf('until');
      visitor.section?.({ number, filePosition: marker, fileEnd: next, start, end: next });
      reader.begin(c, number, next);
      while (reader.read(SLICE_BYTES)) yield c.offset;
      position = next;
    } else {
      const length = readStored(c, next);
      const plain = decodeSection(decoder, c.buf.subarray(c.pos, c.pos + length), marker, source.path);
      const stated = decoder.plainLength(c.buf.subarray(c.pos, c.pos + length));
      if (start + Math.max(0, stated) > until) return endOf('until');
      position = start + Math.max(0, stated);
      visitor.section?.({ number, filePosition: marker, fileEnd: next, start, end: position });
      if (plain instanceof CorruptError) visitor.fault(sectionFault(plain, at));
      else {
        reader.beginMemory(plain.buf, plain.length, number, start, marker);
        while (reader.read(SLICE_BYTES)) yield next;
        const behind = { ...at, position: start + plain.length };
        if (plain.damage) visitor.fault(sectionFault(plain.damage, behind));
        else if (plain.length < stated) visitor.fault(shortFault(behind, plain.length, stated));
      }
    }
    if (reader.isOver) return endOf(reader.endKind);
    marker = next;
    yield marker;
  }
}

type MarkerFault = Pick<SegmentFault, 'kind' | 'message' | 'seen' | 'expected'>;

/** What is wrong with a marker, or `zeros` for the one that ends a segment; `undefined` for good ones. */
function checkMarker(
  id: number,
  position: number,
  next: number,
  checksum: number,
  fileBytes: number,
): MarkerFault | 'zeros' | undefined {
  const expected = syncMarkerChecksum(id, position);
  if (checksum !== expected) {
    if (next === 0 && checksum === 0) return 'zeros';
    return { kind: 'marker_checksum', message: 'checksum of a sync marker differs', seen: checksum, expected };
  }
  if (next >= position && next <= fileBytes) return undefined;
  const message =
    next < position ? 'sync marker points before itself' : 'sync marker points beyond the end of the file';
  return { kind: 'marker_position', message, seen: next, expected: `${position} to ${fileBytes}` };
}

/** Has the stored bytes up to file position `end` at hand from `c.pos` on. @returns how many */
function readStored(c: SourceCursor, end: number): number {
  const length = Math.max(0, end - c.offset);
  c.need(length);
  return length;
}

function decodeSection(decoder: SectionDecoder, stored: Uint8Array, filePosition: number, file: string) {
  try {
    return decoder.decode(stored, filePosition, file);
  } catch (error) {
    if (error instanceof CorruptError) return error;
    throw error;
  }
}

function sectionFault(
  error: CorruptError,
  at: Pick<SegmentFault, 'filePosition' | 'position' | 'section'>,
): SegmentFault {
  const { offset, seen, expected } = error.facts;
  return {
    kind: 'section',
    message: error.message,
    ...at,
    ...(offset !== undefined && { filePosition: offset }),
    ...(seen !== undefined && { seen }),
    ...(expected !== undefined && { expected }),
  };
}

function shortFault(
  at: Pick<SegmentFault, 'filePosition' | 'position' | 'section'>,
  seen: number,
  expected: number,
): SegmentFault {
  return { kind: 'section_short', message: 'section gives less than it says that it holds', ...at, seen, expected };
}

/** The entries of one section after the other. */
class EntryReader {
  /** The segment ends here, whatever follows. */
  isOver = false;
  endKind: SegmentEnd['kind'] = 'zeros';
  private readonly visitor: SegmentVisitor;
  private readonly checksums: boolean;
  private readonly entry = new Entry();
  private c: Cursor = new Cursor(new Uint8Array(0));
  private sectionEnd = 0;
  private section = 0;
  private sectionFilePosition: number | undefined;

  constructor(visitor: SegmentVisitor, checksums: boolean) {
    this.visitor = visitor;
    this.checksums = checksums;
  }

  /** A plain section, which begins at the cursor: its entries may reach beyond it, as Cassandra lets them. */
  begin(c: Cursor, section: number, end: number): void {
    this.c = c;
    this.section = section;
    this.entry.section = section;
    this.sectionEnd = end;
    this.sectionFilePosition = undefined;
  }

  /** A section whose plain bytes are the first `length` of `buf`. */
  beginMemory(buf: Uint8Array, length: number, section: number, start: number, filePosition: number): void {
    this.begin(new Cursor(buf, { component: 'section' }, 0, length, start), section, start + length);
    this.sectionFilePosition = filePosition;
    this.entry.sectionFilePosition = filePosition;
    this.entry.sectionStart = start;
  }

  /** Reads on, for about `bytes`. @returns whether the section has more */
  read(bytes: number): boolean {
    const { c, visitor, entry, sectionEnd } = this;
    const pause = c.offset + bytes;
    while (c.offset < sectionEnd) {
      const at = c.offset;
      if (at >= pause) return true;
      if (sectionEnd - at < 4) return this.endsEarly(at, sectionEnd - at);
      if (c.left < 4) return this.leave(at, 'mutation_end', 'section ends within an entry');
      const size = c.i32();
      if (size === 0) return this.endsEarly(at, 0);
      if (size < MIN_MUTATION_BYTES) {
        return this.leave(
          at,
          'mutation_size',
          'mutation has a size that can not be',
          size,
          `at least ${MIN_MUTATION_BYTES}`,
        );
      }
      if (c.left < 4) return this.leave(at, 'mutation_end', 'section ends within an entry');
      const sizeChecksum = c.u32();
      const expected = crc32OfInt(size);
      if (sizeChecksum !== expected) {
        return this.leave(
          at,
          'mutation_size_checksum',
          "checksum of a mutation's size differs",
          sizeChecksum,
          expected,
        );
      }
      if (c.left < size + 4) {
        const text = `${size + ENTRY_OVERHEAD_BYTES} bytes`;
        return this.leave(at, 'mutation_end', 'section ends within a mutation', `${c.left + 8} bytes left`, text);
      }
      c.need(size + 4);
      const start = c.pos;
      c.pos += size;
      const checksum = c.u32();
      const payload = this.checksums ? crc32(c.buf.subarray(start, start + size), sizeChecksum) : checksum;
      if (checksum !== payload) {
        const fault = { kind: 'mutation_checksum', message: 'checksum of a mutation differs' } as const;
        this.tell({ ...fault, entryBytes: size + ENTRY_OVERHEAD_BYTES, seen: checksum, expected: payload }, at);
        continue;
      }
      entry.buf = c.buf;
      entry.start = start;
      entry.end = start + size;
      entry.startPosition = at;
      entry.position = c.offset;
      visitor.mutation(entry);
    }
    return false;
  }

  private tell(fault: Omit<SegmentFault, 'filePosition' | 'position'>, at: number): void {
    this.visitor.fault({
      ...fault,
      filePosition: this.sectionFilePosition ?? at,
      position: at,
      section: this.section,
    });
  }

  /** A fault after which the rest of the section can't be read. */
  private leave(
    at: number,
    kind: FaultKind,
    message: string,
    seen?: string | number,
    expected?: string | number,
  ): false {
    this.tell({ kind, message, ...(seen !== undefined && { seen }), ...(expected !== undefined && { expected }) }, at);
    return false;
  }

  private endsEarly(at: number, bytes: number): false {
    this.isOver = true;
    const seen = bytes === 0 ? 'a size of 0' : `${bytes} bytes`;
    this.tell({ kind: 'early_end', message: 'segment ends within a section', seen, expected: 'an entry' }, at);
    return false;
  }
}
