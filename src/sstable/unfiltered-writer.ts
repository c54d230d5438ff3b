/**
 * Rows and range tombstone markers as bytes, the reverse of `unfiltered-cursor.ts` (Cassandra's UnfilteredSerializer; the format is drawn there).
 * Times are differences to the minima of the header; local deletion times and TTLs are int32 differences, sign-extended where they are negative.
 */
import type { ByteWriter } from '../bytes/writer.js';
import { fixedLength } from '../cql/type-facts.js';
import { NO_DELETION_TIME } from './deletion-slot.js';
import { isBoundary, type MarkerBuffer } from './marker-buffer.js';
import type { RowBuffer } from './row-buffer.js';
import type { SerializationHeader } from './serialization-header.js';
import type { Version } from './version.js';

const END_OF_PARTITION = 0x01;
const IS_MARKER = 0x02;
const HAS_TIMESTAMP = 0x04;
const HAS_TTL = 0x08;
const HAS_DELETION = 0x10;
const HAS_ALL_COLUMNS = 0x20;
const HAS_COMPLEX_DELETION = 0x40;
const EXTENSION_FLAG = 0x80;

const IS_STATIC = 0x01;
const HAS_SHADOWABLE_DELETION = 0x02;

const CELL_IS_DELETED = 0x01;
const CELL_IS_EXPIRING = 0x02;
const CELL_HAS_EMPTY_VALUE = 0x04;
const CELL_USES_ROW_TIMESTAMP = 0x08;
const CELL_USES_ROW_TTL = 0x10;

/** Columns in a header from which on a row lists what it has or lacks instead of giving bits. */
const LARGE_SUBSET = 64;

/** A column of the header as the writer needs it. */
type WrittenColumn = { readonly isComplex: boolean; readonly fixedLength: number };

export class UnfilteredWriter {
  private readonly out: ByteWriter;
  private readonly statics: readonly WrittenColumn[];
  private readonly regulars: readonly WrittenColumn[];
  private readonly clusteringFixed: Int32Array;
  private readonly minTimestampHi: number;
  private readonly minTimestampLo: number;
  private readonly minLocalDeletion: number;
  private readonly minTtl: number;
  /** Where the size of the body being written goes, and where the body begins. */
  private bodySizeAt = 0;
  private bodyAt = 0;
  /** Bytes that the size of the last body took. */
  private sizeBytes = 1;
  /** "Never" as an int32 of this version. */
  private readonly noDeletionTime: number;

  /** Rows are appended to `out`. */
  constructor(header: SerializationHeader, version: Version, out: ByteWriter) {
    this.out = out;
    const columns = (list: SerializationHeader['staticColumns']) =>
      list.map(({ isComplex, type }) => ({ isComplex, fixedLength: isComplex ? -1 : fixedLength(type) }));
    this.statics = columns(header.staticColumns);
    this.regulars = columns(header.regularColumns);
    this.clusteringFixed = Int32Array.from(header.clusteringTypes, fixedLength);
    this.minTimestampHi = header.encodingStats.minTimestampHi;
    this.minTimestampLo = header.encodingStats.minTimestampLo;
    this.minLocalDeletion = header.encodingStats.minLocalDeletionSeconds;
    this.minTtl = header.encodingStats.minTtlSeconds;
    this.noDeletionTime = version.hasUIntDeletionTime ? -1 : 0x7fffffff;
  }

  /** `previousSize`: bytes from the start of the previous unfiltered (of the partition, for the first) to this one; 0 for static rows. */
  row(row: RowBuffer, previousSize: number): void {
    if (row.copiedCells > 0) {
      this.copiedRow(row, previousSize);
      return;
    }
    const { out } = this;
    const columns = row.isStatic ? this.statics : this.regulars;
    let flags = 0;
    let extended = row.isStatic ? IS_STATIC : 0;
    if (row.hasLiveness) flags |= row.livenessTtl === 0 ? HAS_TIMESTAMP : HAS_TIMESTAMP | HAS_TTL;
    if (row.deletion.isSet) {
      flags |= HAS_DELETION;
      if (row.isDeletionShadowable) extended |= HAS_SHADOWABLE_DELETION;
    }
    for (let i = 0; i < row.columnCount; i++) if (row.columnIsDeleted[i] === 1) flags |= HAS_COMPLEX_DELETION;
    if (row.columnCount === columns.length) flags |= HAS_ALL_COLUMNS;
    if (extended !== 0) flags |= EXTENSION_FLAG;
    out.u8(flags);
    if (extended !== 0) out.u8(extended);
    if (!row.isStatic) {
      this.clustering(row.clusteringBuf, row.clusteringStart, row.clusteringEnd, row.clusteringSize);
    }
    this.startBody(previousSize);
    this.rowBody(row, flags, columns);
    this.endBody(previousSize);
  }

  private copiedRow(row: RowBuffer, previousSize: number): void {
    const { out } = this;
    out.u8(HAS_TIMESTAMP | HAS_ALL_COLUMNS);
    this.clustering(row.clusteringBuf, row.clusteringStart, row.clusteringEnd, row.clusteringSize);
    this.startBody(previousSize);
    this.timestamp(row.livenessHi, row.livenessLo);
    out.bytes(row.copiedBuf, row.copiedStart, row.copiedEnd);
    this.endBody(previousSize);
  }

  /**
   * A body stands after its size, which nobody knows before it is written. Most rows of a table have sizes of as many bytes: as many as the last
   * one took are left free, and where that was wrong, the body moves.
   */
  private startBody(previousSize: number): void {
    const { out } = this;
    this.bodySizeAt = out.pos;
    out.reserve(18);
    out.pos += this.sizeBytes;
    out.uvint(previousSize);
    this.bodyAt = out.pos;
  }

  private endBody(previousSize: number): void {
    const { out, bodySizeAt } = this;
    const size = out.pos - this.bodyAt + uvintSize(previousSize);
    const needed = uvintSize(size);
    let end = out.pos;
    if (needed !== this.sizeBytes) {
      out.reserve(9);
      out.buf.copyWithin(bodySizeAt + needed, bodySizeAt + this.sizeBytes, end);
      end += needed - this.sizeBytes;
      this.sizeBytes = needed;
    }
    out.pos = bodySizeAt;
    out.uvint(size);
    out.pos = end;
  }

  private rowBody(row: RowBuffer, flags: number, columns: readonly WrittenColumn[]): void {
    if (flags & HAS_TIMESTAMP) this.timestamp(row.livenessHi, row.livenessLo);
    if (flags & HAS_TTL) {
      this.ttl(row.livenessTtl);
      this.localDeletion(row.livenessLocalExpiration);
    }
    if (flags & HAS_DELETION) {
      this.timestamp(row.deletion.hi, row.deletion.lo);
      this.localDeletion(row.deletion.localDeletionSeconds);
    }
    if ((flags & HAS_ALL_COLUMNS) === 0) this.subset(row, columns.length);
    for (let i = 0; i < row.columnCount; i++) {
      const { isComplex, fixedLength: fixed } = columns[row.columnIndex[i]!]!;
      const first = row.columnStart[i]!;
      const stop = row.columnStart[i + 1]!;
      if (!isComplex) {
        this.cell(row, first, fixed, false);
        continue;
      }
      if (flags & HAS_COMPLEX_DELETION) this.columnDeletion(row, i);
      this.out.uvint(stop - first);
      for (let k = first; k < stop; k++) this.cell(row, k, fixed, true);
    }
  }

  private columnDeletion(row: RowBuffer, column: number): void {
    if (row.columnIsDeleted[column] === 1) {
      this.timestamp(row.columnDeletionHi[column]!, row.columnDeletionLo[column]!);
      this.localDeletion(row.columnDeletionLocal[column]!);
    } else {
      this.timestamp(-0x80000000, 0);
      this.localDeletion(NO_DELETION_TIME);
    }
  }

  private cell(row: RowBuffer, i: number, fixed: number, isComplex: boolean): void {
    const { out } = this;
    const hi = row.cellHi[i]!;
    const lo = row.cellLo[i]!;
    const ttl = row.cellTtl[i]!;
    const localDeletion = row.cellLocalDeletion[i]!;
    const start = row.valueStart[i]!;
    const end = row.valueEnd[i]!;
    const isDeleted = ttl === 0 && localDeletion !== NO_DELETION_TIME;
    let flags = isDeleted ? CELL_IS_DELETED : 0;
    if (ttl !== 0) flags |= CELL_IS_EXPIRING;
    if (end <= start) flags |= CELL_HAS_EMPTY_VALUE;
    if (row.hasLiveness && hi === row.livenessHi && lo === row.livenessLo) flags |= CELL_USES_ROW_TIMESTAMP;
    if (ttl !== 0 && row.hasLiveness && ttl === row.livenessTtl && localDeletion === row.livenessLocalExpiration) {
      flags |= CELL_USES_ROW_TTL;
    }
    out.u8(flags);
    if ((flags & CELL_USES_ROW_TIMESTAMP) === 0) this.timestamp(hi, lo);
    if ((flags & CELL_USES_ROW_TTL) === 0) {
      if (flags & (CELL_IS_DELETED | CELL_IS_EXPIRING)) this.localDeletion(localDeletion);
      if (flags & CELL_IS_EXPIRING) this.ttl(ttl);
    }
    const buf = row.cellBuf[i]!;
    if (isComplex) {
      const pathStart = row.pathStart[i]!;
      const pathEnd = row.pathEnd[i]!;
      out.uvint(pathEnd - pathStart);
      out.bytes(buf, pathStart, pathEnd);
    }
    if (end > start) {
      if (fixed < 0) out.uvint(end - start);
      out.bytes(buf, start, end);
    }
  }

  /** What of the header's columns the row has: bits of those absent, or a list for {@link LARGE_SUBSET} and more. */
  private subset(row: RowBuffer, total: number): void {
    const { out } = this;
    const present = row.columnCount;
    if (total >= LARGE_SUBSET) {
      out.uvint(total - present);
      if (present < total >>> 1) {
        for (let i = 0; i < present; i++) out.uvint(row.columnIndex[i]!);
        return;
      }
      let next = 0;
      for (let i = 0; i <= present; i++) {
        const stop = i < present ? row.columnIndex[i]! : total;
        for (; next < stop; next++) out.uvint(next);
        next = stop + 1;
      }
      return;
    }
    let lo = total >= 32 ? -1 : (1 << total) - 1;
    let hi = total > 32 ? (1 << (total - 32)) - 1 : 0;
    for (let i = 0; i < present; i++) {
      const column = row.columnIndex[i]!;
      if (column < 32) lo &= ~(1 << column);
      else hi &= ~(1 << (column - 32));
    }
    out.uvint64(hi, lo);
  }

  /** Values in groups of 32, each group after two bits a value: 1 empty, 2 null. */
  private clustering(buf: Uint8Array, start: Int32Array, end: Int32Array, size: number): void {
    const { out } = this;
    for (let from = 0; from < size; from += 32) {
      const stop = Math.min(from + 32, size);
      let lo = 0;
      let hi = 0;
      for (let i = from; i < stop; i++) {
        const bits = start[i]! < 0 ? 2 : end[i] === start[i] ? 1 : 0;
        const shift = (i - from) * 2;
        if (shift < 32) lo |= bits << shift;
        else hi |= bits << (shift - 32);
      }
      out.uvint64(hi, lo);
      for (let i = from; i < stop; i++) {
        const s = start[i]!;
        const length = end[i]! - s;
        if (s < 0 || length === 0) continue;
        if (this.clusteringFixed[i]! < 0) out.uvint(length);
        out.bytes(buf, s, s + length);
      }
    }
  }

  marker(marker: MarkerBuffer, previousSize: number): void {
    const { out } = this;
    out.u8(IS_MARKER);
    out.u8(marker.kind);
    out.u16(marker.clusteringSize);
    this.clustering(marker.clusteringBuf, marker.clusteringStart, marker.clusteringEnd, marker.clusteringSize);
    this.startBody(previousSize);
    this.timestamp(marker.deletion.hi, marker.deletion.lo);
    this.localDeletion(marker.deletion.localDeletionSeconds);
    if (isBoundary(marker.kind)) {
      this.timestamp(marker.openDeletion.hi, marker.openDeletion.lo);
      this.localDeletion(marker.openDeletion.localDeletionSeconds);
    }
    this.endBody(previousSize);
  }

  endOfPartition(): void {
    this.out.u8(END_OF_PARTITION);
  }

  /** Difference to the minimum, modulo 2^64. */
  private timestamp(hi: number, lo: number): void {
    const low = (lo >>> 0) - (this.minTimestampLo >>> 0);
    this.out.uvint64((hi - this.minTimestampHi - (low < 0 ? 1 : 0)) | 0, low | 0);
  }

  private localDeletion(seconds: number): void {
    const int = seconds === NO_DELETION_TIME ? this.noDeletionTime : seconds | 0;
    this.signedInt((int - this.minLocalDeletion) | 0);
  }

  private ttl(seconds: number): void {
    this.signedInt((seconds - this.minTtl) | 0);
  }

  private signedInt(value: number): void {
    if (value >= 0 && value < 0x80) this.out.u8(value);
    else this.out.uvint64(value >> 31, value);
  }
}

/** Bytes of an unsigned vint, 0 ≤ value ≤ 2^53. */
export function uvintSize(value: number): number {
  let size = 1;
  for (let limit = 0x80; value >= limit && size < 9; limit *= 0x80) size++;
  return size;
}
