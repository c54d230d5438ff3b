/**
 * The entries of a damaged segment, found by their checksums wherever they lie: what can be read of it at all, and the ranges of bytes that can't.
 * Sync markers are known by their checksums too, which cover their position; where those are damaged, by what points to them.
 *
 * An entry is taken for one when the checksums of its size and of its mutation are right. Bytes between two entries are lost, unless there are
 * too few for an entry: then they were a marker.
 */
import { crc32, crc32OfInt } from '../bytes/crc32.js';
import { Cursor } from '../bytes/cursor.js';
import { CorruptError } from '../bytes/errors.js';
import { SourceCursor } from '../bytes/source-cursor.js';
import { syncMarkerChecksum } from './segment-descriptor.js';
import {
  ENTRY_OVERHEAD_BYTES,
  Entry,
  MIN_MUTATION_BYTES,
  type OpenSegment,
  SYNC_MARKER_BYTES,
} from './segment-reader.js';

/** Bytes that hold, or held, mutations which nobody can read. */
export type LostRange = {
  /** Commit log positions; in compressed and encrypted segments as far as sections before can be read. */
  readonly from: number;
  /** Exclusive; absent where it can't be known. */
  readonly to?: number;
  /** The file was cut here: all that came after is lost too. */
  readonly isOpen?: boolean;
  /** Zeros, up to where a marker says that its section ends: mutations, unless the marker is what is damaged. */
  readonly isUncertain?: boolean;
  /** In the file; of compressed and encrypted segments those of the section. */
  readonly fileFrom: number;
  readonly fileTo: number;
  /** How many mutations; absent where that can't be known: at least one. */
  readonly mutations?: number;
  readonly section?: number;
  /** Of compressed and encrypted segments: the position at which the entries of the section begin, in the same count. */
  readonly sectionStart?: number;
};

export interface SalvageVisitor {
  entry(entry: Entry): void;
  lost(range: LostRange): void;
}

const MIN_ENTRY_BYTES = MIN_MUTATION_BYTES + ENTRY_OVERHEAD_BYTES;
const BLOCK_BYTES = 1 << 20;
const SLICE_BYTES = 1 << 20;
/** Of a section; whole segments have 32 MiB unless configured otherwise. */
const MAX_STORED_BYTES = 1 << 28;

/** Every entry that can be read, in the order of the file. Yields the file position from time to time. */
export function* salvageSegment(segment: OpenSegment, visitor: SalvageVisitor): Generator<number> {
  const { source, descriptor, decoder } = segment;
  const context = { file: source.path, component: 'commit log' };
  if (!decoder) {
    const c = new SourceCursor(source, context, descriptor.headerBytes, source.size, BLOCK_BYTES);
    const scan = new EntryScan(visitor, (position) => (isMarker(c, descriptor.id, position) ? nextOf(c) : -1));
    yield* scan.run(c, {});
    const { size } = source;
    if (isCutPlain(size)) visitor.lost({ from: size, fileFrom: size, fileTo: size, isOpen: true });
    return;
  }
  yield* salvageStored(segment, visitor);
}

/** Plain segments are as long as commitlog_segment_size says, which is given in MiB, or grow by blocks of the file system (direct I/O). */
export function isCutPlain(fileBytes: number): boolean {
  return fileBytes % 4096 !== 0;
}

/** What lies behind the zeros that end a segment for Cassandra. */
export type Behind = 'nothing' | 'bytes' | 'sections';

/** Yields the file position from time to time. */
export function* lookBehind({ source, descriptor }: OpenSegment, filePosition: number): Generator<number, Behind> {
  const context = { file: source.path, component: 'commit log' };
  const c = new SourceCursor(source, context, filePosition, source.size, BLOCK_BYTES);
  let behind: Behind = 'nothing';
  let pause = c.offset + SLICE_BYTES;
  while (c.left > 0) {
    if (c.offset >= pause) {
      yield c.offset;
      pause = c.offset + SLICE_BYTES;
    }
    c.need(Math.min(SYNC_MARKER_BYTES, c.left));
    if (passZeros(c)) continue;
    if (c.left >= SYNC_MARKER_BYTES && isMarker(c, descriptor.id, c.offset)) return 'sections';
    if (c.u8() !== 0) behind = 'bytes';
  }
  return behind;
}

/** Passes over zeros that are at hand, up to three bytes before the first other byte. @returns whether there were any to pass */
function passZeros(c: Cursor): boolean {
  const { buf, pos, end } = c;
  let p = pos;
  while (p < end && buf[p] === 0) p++;
  const next = p - 3;
  if (next <= pos) return false;
  c.pos = next;
  return true;
}

/** Whether a sync marker is at the cursor, of whose bytes at least eight are at hand. */
function isMarker(c: Cursor, id: number, position: number): boolean {
  const { buf, pos } = c;
  const checksum = ((buf[pos + 4]! << 24) | (buf[pos + 5]! << 16) | (buf[pos + 6]! << 8) | buf[pos + 7]!) >>> 0;
  return checksum !== 0 && checksum === syncMarkerChecksum(id, position);
}

/** The position that the marker at the cursor points to. */
function nextOf({ buf, pos }: Cursor): number {
  return Math.max(0, (buf[pos]! << 24) | (buf[pos + 1]! << 16) | (buf[pos + 2]! << 8) | buf[pos + 3]!);
}

/** Where a scan's bytes lie, when they are not those of the file. */
type Place = Partial<Pick<LostRange, 'fileFrom' | 'fileTo' | 'section' | 'sectionStart'>>;

class EntryScan {
  private readonly visitor: SalvageVisitor;
  /** Where the marker at the cursor says that its section ends; −1 where there is none. */
  private readonly atMarker: (position: number) => number;
  private readonly entry = new Entry();
  private section = -1;
  /** Behind the last entry or marker, and the first and last bytes since then that are not zero; −1 where there are none. */
  private known = 0;
  private firstByte = -1;
  private lastByte = -1;
  /** Where the last marker says that its section ends. */
  private sectionEnd = -1;
  private place: Place = {};

  constructor(visitor: SalvageVisitor, atMarker: (position: number) => number) {
    this.visitor = visitor;
    this.atMarker = atMarker;
  }

  *run(c: Cursor, place: Place): Generator<number> {
    this.place = place;
    this.section = place.section ?? -1;
    this.known = c.offset;
    this.firstByte = -1;
    this.sectionEnd = place.sectionStart === undefined ? -1 : c.offset + c.left;
    let pause = c.offset + SLICE_BYTES;
    while (c.left > 0) {
      const at = c.offset;
      if (at >= pause) {
        yield at;
        pause = at + SLICE_BYTES;
      }
      const bytes = c.left < SYNC_MARKER_BYTES ? 0 : this.step(c, at);
      if (bytes > 0) {
        c.skip(bytes);
        this.known = at + bytes;
        this.firstByte = -1;
      } else if (passZeros(c)) {
        // the next entry or marker has a byte that is not zero among its first four
      } else if (c.u8() !== 0) {
        if (this.firstByte < 0) this.firstByte = at;
        this.lastByte = at;
      }
    }
    this.tellTail(c.offset);
  }

  /** Bytes of the entry or marker at the cursor, 0 where there is none. */
  private step(c: Cursor, at: number): number {
    c.need(SYNC_MARKER_BYTES);
    const { buf, pos } = c;
    const size = (buf[pos]! << 24) | (buf[pos + 1]! << 16) | (buf[pos + 2]! << 8) | buf[pos + 3]!;
    if (size >= MIN_MUTATION_BYTES) {
      const checksum = ((buf[pos + 4]! << 24) | (buf[pos + 5]! << 16) | (buf[pos + 6]! << 8) | buf[pos + 7]!) >>> 0;
      if (checksum === crc32OfInt(size)) {
        const bytes = size + ENTRY_OVERHEAD_BYTES;
        if (bytes <= c.left) return this.take(c, at, size, checksum) ? bytes : 0;
        this.tellGap(at);
        this.tellLost(at, at + c.left, 1);
        return c.left;
      }
    }
    const sectionEnd = this.atMarker(at);
    if (sectionEnd < 0) return 0;
    this.tellGap(at);
    this.section++;
    this.sectionEnd = sectionEnd;
    return SYNC_MARKER_BYTES;
  }

  /** @returns whether the entry's size can be trusted: its checksum is right, or what is behind it is */
  private take(c: Cursor, at: number, size: number, sizeChecksum: number): boolean {
    c.need(Math.min(c.left, size + ENTRY_OVERHEAD_BYTES + SYNC_MARKER_BYTES));
    const { buf, pos } = c;
    const start = pos + 8;
    const end = start + size;
    const checksum = ((buf[end]! << 24) | (buf[end + 1]! << 16) | (buf[end + 2]! << 8) | buf[end + 3]!) >>> 0;
    if (checksum !== crc32(buf.subarray(start, end), sizeChecksum)) {
      if (!this.isBoundary(c, at, size + ENTRY_OVERHEAD_BYTES)) return false;
      this.tellGap(at);
      this.tellLost(at, at + size + ENTRY_OVERHEAD_BYTES, 1);
      return true;
    }
    this.tellGap(at);
    const { entry } = this;
    entry.buf = buf;
    entry.start = start;
    entry.end = end;
    entry.startPosition = at;
    entry.position = at + size + ENTRY_OVERHEAD_BYTES;
    entry.sectionFilePosition = this.place.fileFrom ?? 0;
    entry.sectionStart = this.place.sectionStart ?? 0;
    entry.section = this.section;
    this.visitor.entry(entry);
    return true;
  }

  /** Whether an entry, a marker or nothing more is `bytes` behind the cursor, which is at position `at`. */
  private isBoundary(c: Cursor, at: number, bytes: number): boolean {
    if (c.left - bytes < SYNC_MARKER_BYTES) return c.left === bytes;
    const here = c.pos;
    c.pos += bytes;
    const { buf, pos } = c;
    const size = (buf[pos]! << 24) | (buf[pos + 1]! << 16) | (buf[pos + 2]! << 8) | buf[pos + 3]!;
    const checksum = ((buf[pos + 4]! << 24) | (buf[pos + 5]! << 16) | (buf[pos + 6]! << 8) | buf[pos + 7]!) >>> 0;
    const found = (size === 0 && checksum === 0) || checksum === crc32OfInt(size) || this.atMarker(at + bytes) >= 0;
    c.pos = here;
    return found;
  }

  /** Bytes before an entry or marker are lost, zeros too, unless they are too few for an entry. */
  private tellGap(end: number): void {
    if (end - this.known >= MIN_ENTRY_BYTES) this.tellLost(this.known, end);
  }

  /**
   * Zeros at the end hold nothing, unless the last marker says that its section goes on. What is not zero began behind the last entry, or, after
   * many zeros, with the size of an entry.
   */
  private tellTail(end: number): void {
    const { known, firstByte, lastByte } = this;
    const sectionEnd = Math.min(this.sectionEnd, end);
    if (firstByte >= 0) {
      const from = firstByte - known <= 8 || firstByte < sectionEnd ? known : firstByte - 3;
      const to = Math.max(lastByte + 1, from < sectionEnd ? sectionEnd : 0);
      if (to - from >= MIN_ENTRY_BYTES) this.tellLost(from, to);
    } else if (sectionEnd - known >= MIN_ENTRY_BYTES) {
      this.tellLost(known, sectionEnd, undefined, true);
    }
  }

  private tellLost(from: number, to: number, mutations?: number, isUncertain = false): void {
    const { fileFrom = from, fileTo = to, sectionStart } = this.place;
    this.visitor.lost({
      from,
      to,
      fileFrom,
      fileTo,
      // what damage did to a compressed block may have moved whole entries
      ...(mutations !== undefined && sectionStart === undefined && { mutations }),
      ...(isUncertain && { isUncertain }),
      ...(this.section >= 0 && { section: this.section }),
      ...(sectionStart !== undefined && { sectionStart }),
    });
  }
}

/** Sections that are stored compressed or encrypted: each is decoded up to whatever may be its end. */
function* salvageStored({ source, descriptor, decoder }: OpenSegment, visitor: SalvageVisitor): Generator<number> {
  const context = { file: source.path, component: 'commit log' };
  const c = new SourceCursor(source, context, 0, source.size, BLOCK_BYTES);
  const scan = new EntryScan(visitor, () => -1);
  let marker = descriptor.headerBytes;
  let position = marker;
  for (let section = 0; marker + SYNC_MARKER_BYTES <= source.size; section++) {
    const stored = storedSection(c, descriptor.id, marker, source.size);
    if (stored === 'zeros') return;
    const start = position + SYNC_MARKER_BYTES;
    const from = marker + SYNC_MARKER_BYTES;
    let found: number | undefined;
    for (const end of stored.ends) {
      if (end - from > MAX_STORED_BYTES) continue;
      c.seek(from);
      c.need(end - from);
      const bytes = c.buf.subarray(c.pos, c.pos + end - from);
      const plain = decodeOr(() => decoder!.decode(bytes, marker, source.path, true));
      if (plain === undefined) continue;
      // half a section is taken only where nothing better is known
      if (plain.damage && end !== stored.ends.at(-1)) continue;
      const memory = new Cursor(plain.buf, context, 0, plain.length, start);
      yield* scan.run(memory, { fileFrom: marker, fileTo: end, section, sectionStart: start });
      const length = Math.max(plain.length, stored.statedLength);
      if (plain.damage) {
        // how much there was is what the section said, which may be damaged too
        const lost = { from: start + plain.length, ...(stored.isCut && { isOpen: true }) };
        visitor.lost({
          ...lost,
          fileFrom: plain.damage.facts.offset ?? marker,
          fileTo: end,
          section,
          sectionStart: start,
        });
      } else if (stored.isCut || length - plain.length >= MIN_ENTRY_BYTES) {
        const to = stored.isCut ? { isOpen: true } : { to: start + length, isUncertain: true };
        const lost = { from: start + plain.length, ...to };
        visitor.lost({ ...lost, fileFrom: marker, fileTo: end, section, sectionStart: start });
      }
      found = end;
      break;
    }
    const end = found ?? stored.ends.at(-1)!;
    if (found === undefined && (end > from || stored.isCut)) {
      const isOpen = stored.isCut && { isOpen: true };
      visitor.lost({ from: start, fileFrom: marker, fileTo: end, section, ...isOpen });
    }
    position = start + Math.max(0, stored.statedLength);
    marker = end;
    yield marker;
  }
  // a marker that was cut had a section behind it
  if (marker < source.size) visitor.lost({ from: position, fileFrom: marker, fileTo: source.size, isOpen: true });
}

type StoredSection = {
  /** Where it may end, ascending: where its marker says, and where the next marker is that has its checksum. */
  readonly ends: readonly number[];
  /** Plain bytes as it says itself; −1 where that can not be. Not to be trusted where the section can't be read. */
  readonly statedLength: number;
  /** Its marker points beyond the end of the file. */
  readonly isCut: boolean;
};

function storedSection(c: SourceCursor, id: number, marker: number, fileBytes: number): StoredSection | 'zeros' {
  c.seek(marker);
  const next = c.i32();
  const checksum = c.u32();
  if (next === 0 && checksum === 0 && isZeroFrom(c, fileBytes)) return 'zeros';
  const from = marker + SYNC_MARKER_BYTES;
  c.seek(from);
  const stated = fileBytes - from >= 4 ? c.i32() : -1;
  const following = nextMarker(c, id, from, fileBytes) ?? fileBytes;
  const isCut = next > fileBytes && checksum === syncMarkerChecksum(id, marker) && following === fileBytes;
  const ends = next >= from && next < following ? [next, following] : [following];
  return { ends, statedLength: stated >= 0 && stated <= 1 << 30 ? stated : -1, isCut };
}

/** The first position from `from` on at which a sync marker has its checksum. */
function nextMarker(c: SourceCursor, id: number, from: number, fileBytes: number): number | undefined {
  c.seek(from);
  while (c.left >= SYNC_MARKER_BYTES) {
    c.need(SYNC_MARKER_BYTES);
    const at = c.offset;
    if (isMarker(c, id, at)) {
      const next = nextOf(c);
      if (next >= at && next <= fileBytes) return at;
    }
    c.pos++;
  }
  return undefined;
}

function isZeroFrom(c: SourceCursor, fileBytes: number): boolean {
  while (c.offset < fileBytes) if (c.u8() !== 0) return false;
  return true;
}

function decodeOr<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CorruptError) return undefined;
    throw error;
  }
}
