/**
 * The rows of one partition update, under the cursor that reads SSTables. What differs in messages (UnfilteredRowIteratorSerializer):
 *
 *   update     = table id (16 bytes) | vint key length, key | u8 flags | unless empty:
 *                stats | [static columns] | regular columns | [deletion] | [static row] | [vint estimate of rows] | unfiltered … | 0x01
 *   flags      0x01 empty, 0x02 reversed, 0x04 has deletion, 0x08 has static columns and a static row, 0x10 has an estimate
 *   stats      = vint least timestamp, vint least local deletion time, vint least TTL: differences to 2015-09-22
 *   columns    = vint count, count × (vint length, name)
 *   deletion   = vint timestamp, vint local deletion time: differences to the stats
 *
 * Rows and markers have no sizes: a row is passed over by reading it.
 */
import { DataCursor } from '../sstable/data-cursor.js';
import type { DataFile } from '../sstable/data-file.js';
import {
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  type SerializationHeader,
} from '../sstable/serialization-header.js';
import { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { type Version, versionOf } from '../sstable/version.js';

const UINT_DELETION_TIMES = versionOf('big', 'oa');
const INT_DELETION_TIMES = versionOf('big', 'nb');

/** The SSTable version whose deletion times rows have in a commit log of `version`. */
export function rowVersion(version: number): Version {
  return version >= 8 ? UINT_DELETION_TIMES : INT_DELETION_TIMES;
}

const NO_FILE: Omit<DataFile, 'file'> = { length: 0, storedLength: 0, windowBytes: 64, read: () => 0, close: () => {} };

/** A mutation's bytes as the cursor of its updates: all at hand, nothing is fetched. */
export class MutationCursor extends DataCursor {
  constructor(file: string) {
    super({ ...NO_FILE, file }, 0, 0, 'mutation');
  }

  /** Goes to `buf[start, end)`, whose first byte has the commit log position `position`. */
  take(buf: Uint8Array, start: number, end: number, position: number): void {
    this.buf = buf;
    this.pos = start;
    this.end = end;
    this.base = position - start;
    this.limit = position + end - start;
    this.mark = -1;
    this.fence = Number.POSITIVE_INFINITY;
  }
}

const IS_EMPTY = 0x01;
const IS_REVERSED = 0x02;
const HAS_DELETION = 0x04;
const HAS_STATIC_ROW = 0x08;
const HAS_ESTIMATE = 0x10;

/** Flags of an update that are followed by something only where it is not empty. */
export const hasStaticRow = (flags: number): boolean => (flags & (HAS_STATIC_ROW | IS_EMPTY)) === HAS_STATIC_ROW;
export const isEmptyUpdate = (flags: number): boolean => (flags & IS_EMPTY) !== 0;
export const isReversed = (flags: number): boolean => (flags & IS_REVERSED) !== 0;
export const hasDeletion = (flags: number): boolean => (flags & (HAS_DELETION | IS_EMPTY)) === HAS_DELETION;

/** Reads the updates that have one header's columns, one after the other. */
export class UpdateCursor extends UnfilteredCursor {
  private hasEstimate = false;

  constructor(input: MutationCursor, header: SerializationHeader, version: Version) {
    super(input, header, version);
  }

  /**
   * Takes the update whose columns have just been read: goes on with its deletion, static row and rows.
   * @param keyStart where the key is in the bytes of the mutation
   * @param stats as stored: least timestamp (halves), local deletion time and TTL
   */
  begin(position: number, keyStart: number, keyLength: number, flags: number, stats: UpdateStats): void {
    this.partitionPosition = position;
    this.setKey(keyStart, keyLength);
    this.minTimestampHi = stats.timestampHi;
    this.minTimestampLo = stats.timestampLo;
    this.minLocalDeletion = stats.localDeletionSeconds;
    this.minTtl = stats.ttlSeconds;
    this.bodyEnd = 0;
    this.stopped = false;
    this.inPartition = !isEmptyUpdate(flags);
    this.hasPartitionDeletion = hasDeletion(flags);
    if (this.hasPartitionDeletion) this.readDeletion(this.in, this.partitionDeletion);
    this.staticPending = hasStaticRow(flags);
    this.hasEstimate = this.inPartition && (flags & HAS_ESTIMATE) !== 0;
    if (!this.staticPending) this.passEstimate();
  }

  private setKey(start: number, length: number): void {
    if (length > this.key.length) this.key = new Uint8Array(Math.max(length, this.key.length * 2));
    const {
      key,
      in: { buf },
    } = this;
    for (let i = 0; i < length; i++) key[i] = buf[start + i]!;
    this.keyLength = length;
  }

  /** The estimate stands behind the static row. */
  private passEstimate(): void {
    if (!this.hasEstimate) return;
    this.hasEstimate = false;
    this.in.uvint32();
  }

  /** There is one partition, and {@link begin} went to it. */
  override nextPartition(): boolean {
    return false;
  }

  /** Reads what is left of the update, so that its end is known. @throws CorruptError */
  finish(): void {
    if (this.inPartition) this.skipPartition();
  }

  protected override readSizes(): void {
    this.bodyEnd = this.in.end;
  }

  protected override finishMarker(): void {}

  protected override finishRow(): void {
    while (this.nextColumn());
    this.bodyEnd = 0;
    this.passEstimate();
  }

  protected override skipBody(): number {
    return this.bodyEnd;
  }

  override plainCells(): number {
    return -1;
  }

  /**
   * As {@link UnfilteredCursor.plainCells}, but of rows without a size: the cells are passed over. −1 for all other rows, which are as before.
   */
  takePlainCells(): number {
    const c = this.in;
    const start = c.pos;
    const n = this.passPlainCells();
    if (n < 0) {
      c.pos = start;
      return -1;
    }
    this.plainStart = start;
    this.plainEnd = c.pos;
    this.nextColumnIndex = this.columns.length;
    return n;
  }
}

/** Minima that an update's times are stored against. */
export class UpdateStats {
  timestampHi = 0;
  timestampLo = 0;
  localDeletionSeconds = 0;
  ttlSeconds = 0;
  /** Whether the least timestamp is that of an update with any; without one Cassandra stores the epoch. */
  hasTimestamp = false;

  read(c: MutationCursor): void {
    this.readTimestamp(c);
    this.hasTimestamp = this.timestampHi !== EPOCH_MICROS_HI || this.timestampLo !== EPOCH_MICROS_LO;
    c.uvint64();
    this.localDeletionSeconds = (c.lo + EPOCH_SECONDS) | 0;
    c.uvint64();
    this.ttlSeconds = c.lo;
  }

  /** A timestamp stored against the epoch. */
  readTimestamp(c: MutationCursor): void {
    c.uvint64();
    const lo = (c.lo >>> 0) + (EPOCH_MICROS_LO >>> 0);
    this.timestampHi = (c.hi + EPOCH_MICROS_HI + (lo > 0xffffffff ? 1 : 0)) | 0;
    this.timestampLo = lo | 0;
  }
}
