/**
 * Partitions, rows and cells off the plain bytes of Data.db, with nothing allocated per row or cell.
 *
 *   partition  = u16 key length, key | deletion | [static row, where the header has static columns] | unfiltered … | 0x01
 *   deletion   = before oa: i32 local deletion time, i64 marked for delete at (2^31 − 1, −2^63: none)
 *                from oa:   0x80 (none), or i64 marked for delete at, u32 local deletion time
 *   unfiltered = u8 flags, [u8 extended flags] | row or marker
 *   row        = clustering | vint size of what follows | vint size of the previous unfiltered | [liveness] [deletion] [columns] column …
 *   marker     = u8 bound kind, u16 values, values | vint size of what follows | vint previous size | deletion [deletion: boundaries, close first]
 *   clustering = for each 32 values: vint of two bits a value (1 empty, 2 null), then the values (vint length unless of fixed width)
 *   liveness   = vint timestamp [vint ttl, vint local expiration time]
 *   columns    = vint: below 64 columns a bit for each absent one; else the number absent, then the lesser of the two lists as vints
 *   column     = simple: cell; complex: [deletion, where the row's flag says so] vint count, cells
 *   cell       = u8 flags [vint timestamp] [vint local deletion time] [vint ttl] [vint length, path] [[vint length] value]
 *
 *   flags      0x01 end of partition, 0x02 marker, 0x04 has liveness, 0x08 it expires, 0x10 has deletion, 0x20 all columns,
 *              0x40 complex deletions, 0x80 extended flags: 0x01 static, 0x02 deletion is shadowable
 *   cell flags 0x01 deleted, 0x02 expiring, 0x04 empty value, 0x08 timestamp of the row, 0x10 ttl and expiration of the row
 *
 * Timestamps, deletion times and TTLs are differences to the minima of the serialization header, modulo 2^64 (timestamps).
 */
import type { Cursor } from '../bytes/cursor.js';
import type { CorruptError } from '../bytes/errors.js';
import { fixedLength } from '../cql/type-facts.js';
import type { DataCursor } from './data-file.js';
import type { Column } from './row.js';
import type { SerializationHeader } from './serialization-header.js';
import type { Version } from './version.js';

/** "Never": what Cassandra holds as Long.MAX_VALUE. */
export const NO_DELETION_TIME = Number.POSITIVE_INFINITY;
/** What a local deletion time out of its range reads as: 2106-02-07T06:28:14Z. */
export const INVALID_DELETION_TIME = 4294967294;
const MAX_DELETION_TIME = 4294967293;
/** TTL of liveness that had expired when a row was written (materialized views). */
export const EXPIRED_LIVENESS_TTL = 0x7fffffff;

/** What {@link UnfilteredCursor.nextUnfiltered} stands on. */
export const END = 0;
export const ROW = 1;
export const MARKER = 2;

/** Flags of a row with a timestamp and all columns and nothing else, and of cells with the row's timestamp. */
const PLAIN_ROW = 0x24;
const CELL_OF_ROW = 0x08;
const EMPTY_CELL_OF_ROW = 0x0c;

const LAST_KIND = 7;
const BOUNDARY_KINDS = (1 << 2) | (1 << 5);
const CLUSTERING_KINDS = (1 << 3) | (1 << 4);

/** A timestamp with its local deletion time; a small mutable box that the cursor fills again and again. */
export class DeletionSlot {
  /** Halves of markedForDeleteAt, in microseconds. */
  hi = 0;
  lo = 0;
  /** Seconds, 0 to 2^32 − 2. */
  localDeletionSeconds = 0;
}

/** A column of the header as the cursor steps through it. */
export class ColumnInfo {
  readonly column: Column;
  readonly isComplex: boolean;
  /** Width of values stored without a length, else -1; complex columns always store lengths. */
  readonly fixedLength: number;
  constructor(column: Column) {
    this.column = column;
    this.isComplex = column.isComplex;
    this.fixedLength = column.isComplex ? -1 : fixedLength(column.type);
  }
}

export class UnfilteredCursor {
  readonly in: DataCursor;
  readonly header: SerializationHeader;
  readonly hasStatic: boolean;

  // ---- the partition
  /** The key's bytes are `key[0, keyLength)`; the array is reused. */
  key: Uint8Array = new Uint8Array(64);
  keyLength = 0;
  /** Absolute position of the partition in the plain data. */
  partitionPosition = 0;
  hasPartitionDeletion = false;
  readonly partitionDeletion = new DeletionSlot();

  // ---- the row or marker; indexes are into `in.buf`, valid until the next unfiltered is asked for
  /** Absolute position of its flags. */
  position = 0;
  flags = 0;
  extendedFlags = 0;
  /** Bytes from the unfiltered before to this one, as stored; of the first in a partition, from the partition's own beginning. */
  previousSize = 0;
  isStatic = false;
  /** Clustering values, as many as `clusteringSize`: [start, end) in `in.buf`; start -1 is null. */
  clusteringSize = 0;
  readonly clusteringStart: Int32Array;
  readonly clusteringEnd: Int32Array;
  hasLiveness = false;
  livenessHi = 0;
  livenessLo = 0;
  /** 0: does not expire. */
  livenessTtl = 0;
  livenessLocalExpiration = NO_DELETION_TIME;
  hasDeletion = false;
  isDeletionShadowable = false;
  readonly deletion = new DeletionSlot();
  /** Ordinal of BOUND_KINDS, for markers; `deletion` is that of the bound (of the closed side for boundaries), `openDeletion` of the opened side. */
  boundKind = 0;
  readonly openDeletion = new DeletionSlot();

  // ---- the column and cell
  column!: Column;
  /** Index of the column in the header's list (static or regular). */
  columnIndex = -1;
  hasComplexDeletion = false;
  readonly complexDeletion = new DeletionSlot();
  /** Cells of the column not read yet. */
  cellsLeft = 0;
  cellHi = 0;
  cellLo = 0;
  cellTtl = 0;
  cellLocalDeletion = NO_DELETION_TIME;
  cellIsDeleted = false;
  pathStart = 0;
  pathEnd = 0;
  valueStart = 0;
  valueEnd = 0;

  protected readonly statics: readonly ColumnInfo[];
  protected readonly regulars: readonly ColumnInfo[];
  private readonly clusteringFixed: Int32Array;
  /** Deletion times are unsigned, and absent ones take a byte. */
  readonly usesUInt: boolean;
  protected minTimestampHi: number;
  protected minTimestampLo: number;
  protected minLocalDeletion: number;
  protected minTtl: number;
  protected columns: readonly ColumnInfo[];
  private info!: ColumnInfo;
  protected nextColumnIndex = 0;
  /** Absent columns of the row: none, a bit set (below 64), or a flag a column. */
  private subset = 0;
  private absentLo = 0;
  private absentHi = 0;
  private readonly absent: Uint8Array;
  private readonly canPass: boolean;
  /** Index in `in.buf` at which the row's body ends. */
  protected bodyEnd = 0;
  /** Where the row's columns begin, from `in.mark`. */
  private columnsOffset = 0;
  protected inPartition = false;

  constructor(input: DataCursor, header: SerializationHeader, version: Version) {
    this.in = input;
    this.header = header;
    this.statics = header.staticColumns.map((c) => new ColumnInfo(c));
    this.regulars = header.regularColumns.map((c) => new ColumnInfo(c));
    this.columns = this.regulars;
    this.hasStatic = this.statics.length > 0;
    const n = header.clusteringTypes.length;
    this.clusteringStart = new Int32Array(n);
    this.clusteringEnd = new Int32Array(n);
    this.clusteringFixed = Int32Array.from(header.clusteringTypes, fixedLength);
    // with minima near the least of all times a difference of less than eight bytes might stand for none
    const isUsual = header.encodingStats.minTimestampHi > -0x40000000;
    this.canPass = isUsual && !this.hasStatic && n <= 32 && this.regulars.length > 0 && !this.regulars.some((c) => c.isComplex); // biome-ignore format: one line
    this.absent = new Uint8Array(Math.max(this.statics.length, this.regulars.length));
    this.usesUInt = version.hasUIntDeletionTime;
    this.minTimestampHi = header.encodingStats.minTimestampHi;
    this.minTimestampLo = header.encodingStats.minTimestampLo;
    this.minLocalDeletion = header.encodingStats.minLocalDeletionSeconds;
    this.minTtl = header.encodingStats.minTtlSeconds;
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

  /** Makes clustering indexes absolute, once everything of the unfiltered is in the window. */
  private settleClustering(): void {
    const mark = this.in.mark;
    for (let i = 0; i < this.clusteringSize; i++) {
      if (this.clusteringStart[i]! >= 0) {
        this.clusteringStart[i] = this.clusteringStart[i]! + mark;
        this.clusteringEnd[i] = this.clusteringEnd[i]! + mark;
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

  /** Reads the sizes before the body of a row or marker: all of it is then at hand, up to `bodyEnd`. */
  protected readSizes(): void {
    const c = this.in;
    const bodySize = c.uvint();
    c.need(bodySize);
    this.bodyEnd = c.pos + bodySize;
    c.fence = c.base + this.bodyEnd; // a fetch within the row would move the bytes that indexes point at
    this.previousSize = c.uvint();
  }

  /** Checks that the marker just read filled its size. */
  protected finishMarker(): void {
    const off = this.in.pos - this.bodyEnd;
    if (off !== 0) throw this.in.corrupt('range tombstone bound does not fill its size', { seen: `${off} bytes off` });
  }

  private readRowBody(isStatic: boolean): void {
    const c = this.in;
    const flags = this.flags;
    this.isStatic = isStatic;
    this.readSizes();
    this.settleClustering();
    this.readLiveness(c);
    this.hasDeletion = (flags & 0x10) !== 0;
    if (flags & 0x10) {
      this.readDeletion(c, this.deletion);
      this.isDeletionShadowable = (this.extendedFlags & 2) !== 0;
    }
    this.columns = isStatic ? this.statics : this.regulars;
    this.readSubset();
    this.columnsOffset = c.pos - c.mark;
    this.nextColumnIndex = 0;
    this.cellsLeft = 0;
  }

  private readLiveness(c: Cursor): void {
    // cells may refer to liveness that is not there: then they get these
    this.hasLiveness = false;
    this.livenessHi = -0x80000000;
    this.livenessLo = 0;
    this.livenessTtl = 0;
    this.livenessLocalExpiration = NO_DELETION_TIME;
    if ((this.flags & 4) === 0) return;
    this.readTimestamp(c);
    this.livenessHi = c.hi;
    this.livenessLo = c.lo;
    // -2^63 stands for "none"
    this.hasLiveness = c.hi !== -0x80000000 || c.lo !== 0;
    if ((this.flags & 8) === 0) return;
    const ttl = this.readTtl(c);
    const localExpiration = this.readLocalDeletion(c);
    if (ttl === 0) return;
    this.livenessTtl = ttl;
    this.livenessLocalExpiration = this.decodeLocalDeletion(localExpiration, ttl);
  }

  private readSubset(): void {
    this.subset = 0;
    if (this.flags & 0x20) return;
    const c = this.in;
    const n = this.columns.length;
    c.uvint64();
    if (c.hi === 0 && c.lo === 0) return;
    if (n >= 64) {
      this.readLargeSubset(c.lo, n);
      return;
    }
    this.subset = 1;
    this.absentLo = c.lo;
    this.absentHi = c.hi;
    const beyond = n < 32 ? c.hi !== 0 || c.lo >>> n !== 0 : c.hi >>> (n - 32) !== 0;
    if (beyond) throw c.corrupt('row names columns that the header does not have', { expected: `${n} columns` });
  }

  private readLargeSubset(absentCount: number, n: number): void {
    const c = this.in;
    if (c.hi !== 0 || absentCount < 0 || absentCount > n) {
      throw c.corrupt('row lacks more columns than there are', { seen: absentCount, expected: `at most ${n}` });
    }
    this.subset = 2;
    const present = n - absentCount;
    const listsPresent = present < Math.trunc(n / 2);
    this.absent.fill(listsPresent ? 1 : 0, 0, n);
    for (let i = listsPresent ? present : absentCount; i > 0; i--) {
      const index = c.uvint();
      if (index >= n)
        throw c.corrupt('row names a column that the header does not have', { seen: index, expected: `below ${n}` });
      this.absent[index] = listsPresent ? 0 : 1;
    }
  }

  private isAbsent(index: number): boolean {
    if (this.subset === 0) return false;
    if (this.subset === 2) return this.absent[index] === 1;
    return index < 32 ? ((this.absentLo >>> index) & 1) === 1 : ((this.absentHi >>> (index - 32)) & 1) === 1;
  }

  /** Where the cells of a row begin and end in `in.buf`, once {@link plainCells} has counted them. */
  plainStart = 0;
  plainEnd = 0;

  /**
   * How many cells the row on which the cursor stands has, where it is as an INSERT writes it: liveness that does not expire, no deletion, a cell
   * of the liveness' own time in every column, none of them complex. Such cells are the same bytes under any header with the same columns. −1 for
   * all other rows, and where there are no columns. Ask before any column.
   */
  plainCells(): number {
    const c = this.in;
    const start = c.pos;
    const n = this.passPlainCells();
    const isWhole = n > 0 && c.pos === this.bodyEnd;
    c.pos = start;
    this.plainStart = start;
    this.plainEnd = this.bodyEnd;
    return isWhole ? n : -1;
  }

  /** Goes behind the cells of a row as {@link plainCells} wants them, and returns how many there are; −1, somewhere among them, for others. */
  protected passPlainCells(): number {
    const { columns } = this;
    const n = columns.length;
    if (n === 0 || this.flags !== PLAIN_ROW || !this.hasLiveness) return -1;
    const c = this.in;
    const { buf } = c;
    const end = this.bodyEnd;
    for (let i = 0; i < n; i++) {
      const info = columns[i]!;
      const flags = c.pos < end ? buf[c.pos++]! : -1;
      let length = 0;
      if (flags === CELL_OF_ROW && !info.isComplex) {
        length = info.fixedLength;
        if (length < 0) length = c.pos < end ? c.uvint() : 1;
      } else if (flags !== EMPTY_CELL_OF_ROW || info.isComplex) {
        return -1;
      }
      if (length > end - c.pos) return -1;
      c.pos += length;
    }
    return n;
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
      p = this.afterPlainRow(buf, p, end);
      if (p < 0) return false;
    }
    return false;
  }

  /** @returns the index after a plain row whose flags were before `p`; −1 where it is none, is not at hand or has long values */
  private afterPlainRow(buf: Uint8Array, from: number, end: number): number {
    let p = from;
    const { clusteringFixed, regulars } = this;
    const clusterings = clusteringFixed.length;
    if (clusterings > 0 && buf[p++] !== 0) return -1;
    for (let i = 0; i < clusterings; i++) {
      let length = clusteringFixed[i]!;
      if (length < 0) {
        length = shortVint(buf, p, end);
        p += length < 0x80 ? 1 : 2;
        if (length < 0) return -1;
      }
      p += length;
      if (p >= end) return -1;
    }
    const size = shortVint(buf, p, end);
    if (size < 0) return -1;
    p += size < 0x80 ? 1 : 2;
    const bodyEnd = p + size;
    if (bodyEnd >= end || size < 2) return -1;
    for (let i = 0; i < 2; i++) {
      // the size of the row before, then the timestamp: of eight bytes behind the first it may be that of no liveness
      const first = buf[p]!;
      if (first === 0xff) return -1;
      p += 1 + (first < 0x80 ? 0 : Math.clz32(~(first << 24)));
    }
    for (let i = 0; i < regulars.length; i++) {
      if (p >= bodyEnd) return -1;
      const flags = buf[p++]!;
      if (flags === EMPTY_CELL_OF_ROW) continue;
      if (flags !== CELL_OF_ROW) return -1;
      let length = regulars[i]!.fixedLength;
      if (length < 0) {
        length = shortVint(buf, p, bodyEnd);
        if (length < 0) return -1;
        p += length < 0x80 ? 1 : 2;
      }
      p += length;
    }
    return p === bodyEnd ? p : -1;
  }

  /** Absolute position after the row on which the cursor stands. */
  get endOfRow(): number {
    return this.in.base + this.bodyEnd;
  }

  /** Whether the row holds nothing at all (possible for static rows). Rows of Cassandra's own readers skip such. Ask before any column. */
  isEmptyRow(): boolean {
    if (this.hasLiveness || this.hasDeletion) return false;
    let empty = true;
    while (empty && this.nextColumn()) empty = this.cellsLeft === 0 && !this.hasComplexDeletion;
    this.rewindRow();
    return empty;
  }

  /** Back to before the row's first column. */
  rewindRow(): void {
    this.in.pos = this.in.mark + this.columnsOffset;
    this.nextColumnIndex = 0;
    this.cellsLeft = 0;
  }

  /** Goes to the row's next column, past cells of this one not read. For complex columns, their deletion is read. `false` at the end. */
  nextColumn(): boolean {
    while (this.cellsLeft > 0) this.nextCell();
    const columns = this.columns;
    let i = this.nextColumnIndex;
    while (i < columns.length && this.isAbsent(i)) i++;
    if (i >= columns.length) {
      this.nextColumnIndex = i;
      return false;
    }
    this.nextColumnIndex = i + 1;
    this.columnIndex = i;
    const info = columns[i]!;
    this.info = info;
    this.column = info.column;
    this.hasComplexDeletion = false;
    if (!info.isComplex) {
      this.cellsLeft = 1;
      return true;
    }
    const c = this.in;
    if (this.flags & 0x40) {
      this.readDeletion(c, this.complexDeletion);
      const d = this.complexDeletion;
      this.hasComplexDeletion = !(d.hi === -0x80000000 && d.lo === 0);
    }
    const count = c.uvint();
    if (count > this.bodyEnd - c.pos) {
      throw c.corrupt('column has more cells than fit in its row', {
        seen: count,
        expected: `at most ${this.bodyEnd - c.pos}`,
      });
    }
    this.cellsLeft = count;
    return true;
  }

  /** Goes to the column's next cell. `false` at the end. @throws CorruptError */
  nextCell(): boolean {
    if (this.cellsLeft <= 0) return false;
    this.cellsLeft--;
    const c = this.in;
    const flags = c.u8();
    if (flags > 0x1f)
      throw c.corrupt('unknown flags of a cell', { seen: `0x${flags.toString(16)}`, offset: c.offset - 1 });
    if (flags & 8) {
      this.cellHi = this.livenessHi;
      this.cellLo = this.livenessLo;
    } else {
      this.readTimestamp(c);
      this.cellHi = c.hi;
      this.cellLo = c.lo;
    }
    if (flags & 0x13) this.readCellExpiry(c, flags);
    else {
      this.cellIsDeleted = false;
      this.cellTtl = 0;
      this.cellLocalDeletion = NO_DELETION_TIME;
    }
    const info = this.info;
    if (info.isComplex) {
      const length = c.uvint();
      if (length > this.bodyEnd - c.pos) throw this.tooLong('path of a cell', length);
      this.pathStart = c.pos;
      c.pos += length;
      this.pathEnd = c.pos;
    }
    let length = 0;
    if ((flags & 4) === 0) {
      length = info.fixedLength;
      if (length < 0) length = c.uvint();
      if (length > this.bodyEnd - c.pos) throw this.tooLong('value of a cell', length);
    }
    this.valueStart = c.pos;
    c.pos += length;
    this.valueEnd = c.pos;
    return true;
  }

  private readCellExpiry(c: Cursor, flags: number): void {
    let localDeletion: number;
    let ttl: number;
    if (flags & 0x10) {
      localDeletion = this.livenessLocalExpiration;
      ttl = this.livenessTtl;
    } else {
      localDeletion = flags & 3 ? this.readLocalDeletion(c) : NO_DELETION_TIME;
      ttl = flags & 2 ? this.readTtl(c) : 0;
    }
    this.cellTtl = ttl;
    this.cellLocalDeletion =
      localDeletion === NO_DELETION_TIME ? localDeletion : this.decodeLocalDeletion(localDeletion, ttl);
    this.cellIsDeleted = this.cellLocalDeletion !== NO_DELETION_TIME && ttl === 0;
  }

  private tooLong(what: string, length: number): CorruptError {
    return this.in.corrupt(`${what} is longer than its row`, {
      seen: length,
      expected: `at most ${this.bodyEnd - this.in.pos}`,
      ...this.columnFact(),
    });
  }

  private columnFact(): { partition: string } {
    const hex = Buffer.from(this.key.subarray(0, Math.min(64, this.keyLength))).toString('hex');
    return { partition: `0x${hex}${this.keyLength > 64 ? '…' : ''}` };
  }

  /** Passes over what is left of the row, and checks that it filled its size. */
  protected finishRow(): void {
    const c = this.in;
    if (this.cellsLeft > 0 || this.nextColumnIndex < this.columns.length) {
      c.pos = this.bodyEnd; // not read to its end
    } else if (c.pos !== this.bodyEnd) {
      throw c.corrupt('row does not fill its size', {
        seen: `${c.pos - this.bodyEnd} bytes off`,
        ...this.columnFact(),
      });
    }
    this.bodyEnd = 0;
  }

  protected skipPartition(): void {
    while (this.nextUnfiltered() !== END) this.bodyEnd = this.skipBody();
  }

  /** Leaves the row at once: its size is known. */
  protected skipBody(): number {
    if (this.bodyEnd > 0) this.in.pos = this.bodyEnd;
    return 0;
  }

  private readTimestamp(c: Cursor): void {
    c.uvint64();
    const lo = (c.lo >>> 0) + (this.minTimestampLo >>> 0);
    c.hi = (c.hi + this.minTimestampHi + (lo > 4294967295 ? 1 : 0)) | 0;
    c.lo = lo | 0;
  }

  /** An int32 in an unsigned vint: sign-extended to 64 bits by Cassandra, with other upper halves by Scylla. */
  private readInt(c: Cursor): number {
    c.uvint64();
    return c.lo;
  }

  private readTtl(c: Cursor): number {
    const ttl = (this.readInt(c) + this.minTtl) | 0;
    if (ttl < 0) throw c.corrupt('negative TTL', { seen: ttl });
    return ttl;
  }

  private readLocalDeletion(c: Cursor): number {
    return this.readInt(c) + this.minLocalDeletion;
  }

  /** Cassandra's Cell.decodeLocalDeletionTime: negative ones wrapped around 2038, others are impossible. */
  private decodeLocalDeletion(localDeletion: number, ttl: number): number {
    if (localDeletion >= ttl) return localDeletion;
    if (localDeletion < 0) {
      if (!this.usesUInt) return INVALID_DELETION_TIME;
      const unsigned = localDeletion >>> 0;
      return unsigned === 0xffffffff ? NO_DELETION_TIME : unsigned;
    }
    return ttl === EXPIRED_LIVENESS_TTL ? localDeletion : INVALID_DELETION_TIME;
  }

  protected readDeletion(c: Cursor, into: DeletionSlot): void {
    this.readTimestamp(c);
    into.hi = c.hi;
    into.lo = c.lo;
    into.localDeletionSeconds = validDeletionTime(this.readLocalDeletion(c));
  }

  /** `error` with this partition's key in it. */
  corruptHere(message: string): CorruptError {
    return this.in.corrupt(message, this.columnFact());
  }
}

/** Partitions with more rows are read as others. */
const MOST_PASSED_ROWS = 16;

/** An unsigned vint of one or two bytes; −1 for longer ones and beyond `end`. */
function shortVint(buf: Uint8Array, p: number, end: number): number {
  if (p + 1 >= end) return -1;
  const first = buf[p]!;
  if (first < 0x80) return first;
  if (first >= 0xc0) return -1;
  const value = ((first & 0x3f) << 8) | buf[p + 1]!;
  return value < 0x80 ? -1 : value; // a short number in two bytes: not as Cassandra writes it
}

const NO_COLUMNS: readonly ColumnInfo[] = [];

/** Cassandra's DeletionTime.build: what is out of range becomes the one invalid value. */
function validDeletionTime(seconds: number): number {
  return seconds < 0 || seconds > MAX_DELETION_TIME ? INVALID_DELETION_TIME : seconds;
}
