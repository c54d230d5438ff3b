/**
 * Partitions, rows and cells off the plain bytes of Data.db, with nothing allocated per row or cell.
 *
 *   partition  = u16 key length, key | deletion | [static row, where the header has static columns] | unfiltered … | 0x01
 *   deletion   = before oa: i32 local deletion time, i64 marked for delete at (2^31 − 1, −2^63: none)
 *                from oa:   0x80 (none), or i64 marked for delete at, u32 local deletion time
 *   unfiltered = u8 flags, [u8 extended flags] | row or marker
 *   row        = clustering | sizes, liveness, deletion, columns and cells as `row-cursor.ts` draws them
 *   marker     = u8 bound kind, u16 values, values | vint size of what follows | vint previous size | deletion [deletion: boundaries, close first]
 *   clustering = for each 32 values: vint of two bits a value (1 empty, 2 null), then the values (vint length unless of fixed width)
 *
 *   flags      0x01 end of partition, 0x02 marker, 0x04 has liveness, 0x08 it expires, 0x10 has deletion, 0x20 all columns,
 *              0x40 complex deletions, 0x80 extended flags: 0x01 static, 0x02 deletion is shadowable
 */
import { fixedLength } from '../cql/type-facts.js';
import type { DataCursor } from './data-cursor.js';
import { DeletionSlot, INVALID_DELETION_TIME, validDeletionTime } from './deletion-slot.js';
import { afterPlainRow, MOST_PASSED_ROWS, PLAIN_ROW } from './plain-pass.js';
import { NO_COLUMNS, RowCursor } from './row-cursor.js';
import type { SerializationHeader } from './serialization-header.js';
import type { Version } from './version.js';

/** What {@link UnfilteredCursor.nextUnfiltered} stands on. */
export const END = 0;
export const ROW = 1;
export const MARKER = 2;

const LAST_KIND = 7;
const BOUNDARY_KINDS = (1 << 2) | (1 << 5);
const CLUSTERING_KINDS = (1 << 3) | (1 << 4);

export class UnfilteredCursor extends RowCursor {
  readonly hasStatic: boolean;

  // ---- the partition
  /** Absolute position of the partition in the plain data. */
  partitionPosition = 0;
  hasPartitionDeletion = false;
  readonly partitionDeletion = new DeletionSlot();

  // ---- the marker
  /** Ordinal of BOUND_KINDS, for markers; `deletion` is that of the bound (of the closed side for boundaries), `openDeletion` of the opened side. */
  boundKind = 0;
  readonly openDeletion = new DeletionSlot();

  private readonly clusteringFixed: Int32Array;
  private readonly canPass: boolean;
  protected inPartition = false;

  constructor(input: DataCursor, header: SerializationHeader, version: Version) {
    super(input, header, version);
    this.hasStatic = this.statics.length > 0;
    const n = header.clusteringTypes.length;
    this.clusteringFixed = Int32Array.from(header.clusteringTypes, fixedLength);
    // with minima near the least of all times a difference of less than eight bytes might stand for none
    const isUsual = header.encodingStats.minTimestampHi > -0x40000000;
    this.canPass = isUsual && !this.hasStatic && n <= 32 && this.regulars.length > 0 && !this.regulars.some((c) => c.isComplex); // biome-ignore format: one line
  }

  /** Goes to the next partition, past what is left of this one; `false` at the end. @throws CorruptError */
  nextPartition(): boolean {
    if (this.stopped) return false;
    if (this.inPartition) this.skipPartition();
    const c = this.in;
    c.mark = -1;
    this.keyLength = 0; // an error in the next key is not one of this partition
    if (c.atEnd) return false;
    this.partitionPosition = c.offset;
    const length = c.u16();
    c.need(length);
    if (length > this.key.length) this.key = new Uint8Array(Math.max(length, this.key.length * 2));
    const { key, in: input } = this;
    const b = input.buf;
    const p = c.pos;
    for (let i = 0; i < length; i++) key[i] = b[p + i]!;
    this.keyLength = length;
    c.pos = p + length;
    this.readPartitionDeletion();
    this.inPartition = true;
    this.staticPending = this.hasStatic;
    return true;
  }

  /** Continues with the partitions of plain positions [start, end), whatever became of those before. `start` must be where a partition begins. */
  goTo(start: number, end: number): void {
    this.in.seek(start);
    this.in.limit = end;
    this.bodyEnd = 0;
    this.inPartition = false;
    this.staticPending = false;
    this.stopped = false;
  }

  /** Continues the partition at another of its rows or markers, or its end, whatever became of those before. */
  resumeAt(position: number, end: number): void {
    this.goTo(position, end);
    this.inPartition = true;
  }

  /** Nothing more is wanted after the row or marker on which the cursor stands. */
  stop(): void {
    this.stopped = true;
  }

  protected stopped = false;
  protected staticPending = false;

  private readPartitionDeletion(): void {
    const c = this.in;
    const d = this.partitionDeletion;
    if (!this.usesUInt) {
      const ldt = c.i32();
      c.i64();
      d.hi = c.hi;
      d.lo = c.lo;
      this.hasPartitionDeletion = !(ldt === 0x7fffffff && c.hi === -0x80000000 && c.lo === 0);
      d.localDeletionSeconds = ldt < 0 ? INVALID_DELETION_TIME : ldt;
      return;
    }
    c.need(1);
    const first = c.buf[c.pos]!;
    if (first & 0x80) {
      if (first !== 0x80) throw c.corrupt('bad flags of a partition deletion', { seen: first, expected: 0x80 });
      c.pos++;
      this.hasPartitionDeletion = false;
      return;
    }
    c.i64();
    d.hi = c.hi;
    d.lo = c.lo;
    d.localDeletionSeconds = validDeletionTime(c.u32());
    this.hasPartitionDeletion = true;
  }

  /**
   * Reads the partition's static row, where the header has static columns: `true` when there is one to look at. It may be empty
   * ({@link isEmptyRow}). Ask before {@link nextUnfiltered}, which passes over it.
   */
  readStaticRow(): boolean {
    if (!this.staticPending) return false;
    this.staticPending = false;
    const c = this.in;
    c.mark = c.pos;
    this.position = c.offset;
    this.flags = c.u8();
    if ((this.flags & 0x83) !== 0x80) {
      throw c.corrupt('no static row where one must be', { seen: `flags ${this.flags}`, offset: this.position });
    }
    this.extendedFlags = this.readExtendedFlags();
    if ((this.extendedFlags & 1) === 0) throw c.corrupt('no static row where one must be', { offset: this.position });
    this.clusteringSize = 0;
    this.readRowBody(true);
    return true;
  }

  private readExtendedFlags(): number {
    const extended = this.in.u8();
    if (extended & ~3) {
      throw this.in.corrupt('unknown extended flags of a row', {
        seen: `0x${extended.toString(16)}`,
        expected: '0x01, 0x02',
      });
    }
    return extended;
  }

  /** Goes to the partition's next row or marker. @returns ROW, MARKER, or END. @throws CorruptError */
  nextUnfiltered(): number {
    if (!this.inPartition || this.stopped) return END;
    if (this.staticPending) this.readStaticRow();
    const c = this.in;
    if (this.bodyEnd > 0) this.finishRow();
    c.fence = Number.POSITIVE_INFINITY;
    c.mark = c.pos;
    this.position = c.base + c.pos;
    const flags = c.u8();
    this.flags = flags;
    if (flags & 1) {
      this.inPartition = false;
      c.mark = -1;
      return END;
    }
    this.extendedFlags = flags & 0x80 ? this.readExtendedFlags() : 0;
    if (flags & 2) {
      this.readMarker();
      return MARKER;
    }
    if (this.extendedFlags & 1) throw c.corrupt('static row among the rows', { offset: this.position });
    this.clusteringSize = this.clusteringFixed.length;
    this.readClustering();
    this.readRowBody(false);
    return ROW;
  }

  /** Reads `clusteringSize` values, their indexes relative to `in.mark`. */
  private readClustering(): void {
    const c = this.in;
    const n = this.clusteringSize;
    for (let i = 0; i < n; ) {
      c.uvint64();
      let lo = c.lo;
      let hi = c.hi;
      const stop = Math.min(i + 32, n);
      for (; i < stop; i++) {
        const bits = lo & 3;
        lo = (lo >>> 2) | (hi << 30);
        hi >>>= 2;
        if (bits & 2) {
          this.clusteringStart[i] = -1;
          this.clusteringEnd[i] = -1;
          continue;
        }
        let length = 0;
        if (bits === 0) {
          length = this.clusteringFixed[i]!;
          if (length < 0) length = c.uvint32();
          c.need(length);
        }
        this.clusteringStart[i] = c.pos - c.mark;
        c.pos += length;
        this.clusteringEnd[i] = c.pos - c.mark;
      }
    }
  }

  private readMarker(): void {
    const c = this.in;
    const kind = c.u8();
    if (kind > LAST_KIND || CLUSTERING_KINDS & (1 << kind)) {
      throw c.corrupt('unknown kind of range tombstone bound', { seen: kind, offset: c.offset - 1 });
    }
    this.boundKind = kind;
    const size = c.u16();
    if (size > this.clusteringFixed.length) {
      throw c.corrupt('range tombstone bound has too many values', {
        seen: size,
        expected: `at most ${this.clusteringFixed.length}`,
      });
    }
    this.clusteringSize = size;
    this.readClustering();
    this.readSizes();
    this.settleClustering();
    this.readDeletion(c, this.deletion);
    if (BOUNDARY_KINDS & (1 << kind)) this.readDeletion(c, this.openDeletion);
    this.finishMarker();
    this.bodyEnd = 0;
    this.columns = NO_COLUMNS;
    this.nextColumnIndex = 0;
    this.cellsLeft = 0;
  }

  /** Checks that the marker just read filled its size. */
  protected finishMarker(): void {
    const off = this.in.pos - this.bodyEnd;
    if (off !== 0) throw this.in.corrupt('range tombstone bound does not fill its size', { seen: `${off} bytes off` });
  }

  /**
   * Leaves the row or marker on which the cursor stands. @returns the index in `in.buf` at which the partition goes on, for whoever reads it in the
   * cursor's stead; −1 where no rows come next. @throws CorruptError
   */
  leave(): number {
    if (!this.inPartition || this.stopped || this.staticPending) return -1;
    if (this.bodyEnd > 0) this.finishRow();
    this.in.fence = Number.POSITIVE_INFINITY;
    this.in.mark = -1;
    return this.in.pos;
  }

  /** Stands before the row or marker at an index of `in.buf`, or, unless within a partition, before the partition there. */
  goOnAt(index: number, isInPartition: boolean): void {
    this.in.pos = index;
    this.in.fence = Number.POSITIVE_INFINITY;
    this.in.mark = -1;
    this.bodyEnd = 0;
    this.inPartition = isInPartition;
    this.staticPending = false;
  }

  /** As {@link leave}, between partitions: the index in `in.buf` at which the next begins; −1 within one, and where nothing more is wanted. */
  get nextPartitionIndex(): number {
    return this.inPartition || this.stopped ? -1 : this.in.pos;
  }

  /** Takes the key of the partition at an index of `in.buf`, and stands where it stood. */
  takeKey(index: number): void {
    const { buf } = this.in;
    const length = (buf[index]! << 8) | buf[index + 1]!;
    if (length > this.key.length) this.key = new Uint8Array(Math.max(length, this.key.length * 2));
    const { key } = this;
    for (let i = 0; i < length; i++) key[i] = buf[index + 2 + i]!;
    this.keyLength = length;
  }

  /** Stands before the row or marker at an index of `in.buf`, in a partition without a deletion whose head somebody else has read there. */
  goOnIn(index: number, partitionIndex: number): void {
    const { buf, base } = this.in;
    const length = (buf[partitionIndex]! << 8) | buf[partitionIndex + 1]!;
    const start = partitionIndex + 2;
    if (length > this.key.length) this.key = new Uint8Array(Math.max(length, this.key.length * 2));
    this.key.set(buf.subarray(start, start + length));
    this.keyLength = length;
    this.partitionPosition = base + partitionIndex;
    this.hasPartitionDeletion = false;
    this.goOnAt(index, true);
  }

  /**
   * Passes over the partition whose head has just been read, where it is short and at hand as a whole, and all of its rows are as an INSERT writes
   * them (see {@link plainCells}): nothing in it is deleted or expires. @returns whether it did; else nothing has moved
   */
  passPlainPartition(): boolean {
    if (!this.canPass || this.hasPartitionDeletion || this.stopped || !this.inPartition) return false;
    const c = this.in;
    const { buf, end } = c;
    let p = c.pos;
    for (let rows = 0; rows <= MOST_PASSED_ROWS; rows++) {
      if (p >= end) return false;
      const flags = buf[p++]!;
      if (flags === 1) {
        c.pos = p;
        c.mark = -1;
        this.inPartition = false;
        return true;
      }
      if (flags !== PLAIN_ROW) return false;
      p = afterPlainRow(buf, p, end, this.clusteringFixed, this.regulars);
      if (p < 0) return false;
    }
    return false;
  }

  protected skipPartition(): void {
    while (this.nextUnfiltered() !== END) this.bodyEnd = this.skipBody();
  }

  /** Leaves the row at once: its size is known. */
  protected skipBody(): number {
    if (this.bodyEnd > 0) this.in.pos = this.bodyEnd;
    return 0;
  }
}
