/**
 * What rows and markers hold behind their clustering, off the plain bytes of Data.db: sizes, times, columns and cells.
 *
 *   row        = flags, clustering | vint size of what follows | vint size of the previous unfiltered | [liveness] [deletion] [columns] column …
 *   liveness   = vint timestamp [vint ttl, vint local expiration time]
 *   columns    = vint: below 64 columns a bit for each absent one; else the number absent, then the lesser of the two lists as vints
 *   column     = simple: cell; complex: [deletion, where the row's flag says so] vint count, cells
 *   cell       = u8 flags [vint timestamp] [vint local deletion time] [vint ttl] [vint length, path] [[vint length] value]
 *
 *   cell flags 0x01 deleted, 0x02 expiring, 0x04 empty value, 0x08 timestamp of the row, 0x10 ttl and expiration of the row
 *
 * Flags of rows, and what comes before, are drawn in `unfiltered-cursor.ts`. Timestamps, deletion times and TTLs are differences to the minima of the
 * serialization header, modulo 2^64 (timestamps).
 */
import type { Cursor } from '../bytes/cursor.js';
import type { CorruptError } from '../bytes/errors.js';
import { fixedLength } from '../cql/type-facts.js';
import type { DataCursor } from './data-cursor.js';
import {
  DeletionSlot,
  EXPIRED_LIVENESS_TTL,
  INVALID_DELETION_TIME,
  NO_DELETION_TIME,
  validDeletionTime,
} from './deletion-slot.js';
import { CELL_OF_ROW, EMPTY_CELL_OF_ROW, PLAIN_ROW } from './plain-pass.js';
import type { Column } from './row.js';
import type { SerializationHeader } from './serialization-header.js';
import type { Version } from './version.js';

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

export class RowCursor {
  readonly in: DataCursor;
  readonly header: SerializationHeader;

  // ---- the partition
  /** The key's bytes are `key[0, keyLength)`; the array is reused. */
  key: Uint8Array = new Uint8Array(64);
  keyLength = 0;

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
  /** Index in `in.buf` at which the row's body ends. */
  protected bodyEnd = 0;
  /** Where the row's columns begin, from `in.mark`. */
  private columnsOffset = 0;

  constructor(input: DataCursor, header: SerializationHeader, version: Version) {
    this.in = input;
    this.header = header;
    this.statics = header.staticColumns.map((c) => new ColumnInfo(c));
    this.regulars = header.regularColumns.map((c) => new ColumnInfo(c));
    this.columns = this.regulars;
    const n = header.clusteringTypes.length;
    this.clusteringStart = new Int32Array(n);
    this.clusteringEnd = new Int32Array(n);
    this.absent = new Uint8Array(Math.max(this.statics.length, this.regulars.length));
    this.usesUInt = version.hasUIntDeletionTime;
    this.minTimestampHi = header.encodingStats.minTimestampHi;
    this.minTimestampLo = header.encodingStats.minTimestampLo;
    this.minLocalDeletion = header.encodingStats.minLocalDeletionSeconds;
    this.minTtl = header.encodingStats.minTtlSeconds;
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

  /** Makes clustering indexes absolute, once everything of the unfiltered is in the window. */
  protected settleClustering(): void {
    const mark = this.in.mark;
    for (let i = 0; i < this.clusteringSize; i++) {
      if (this.clusteringStart[i]! >= 0) {
        this.clusteringStart[i] = this.clusteringStart[i]! + mark;
        this.clusteringEnd[i] = this.clusteringEnd[i]! + mark;
      }
    }
  }

  protected readRowBody(isStatic: boolean): void {
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

export const NO_COLUMNS: readonly ColumnInfo[] = [];
