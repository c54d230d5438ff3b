/**
 * Looks for the next partition in the bytes alone, where no index helps. A place is taken for the beginning of one where a key stands that comes after
 * all keys so far, and the whole partition can be decoded: rows in order, each with the size of the one before it, values that their types allow, and
 * behind the end another such key, or the end of the data.
 */
import { CorruptError } from '../../bytes/errors.js';
import { type ClusteringPrefix, compareClustering } from '../../cql/clustering.js';
import type { CqlType } from '../../cql/type.js';
import { fixedLength } from '../../cql/type-facts.js';
import { validateValue } from '../../cql/values/validate.js';
import { DataCursor } from '../../sstable/data-cursor.js';
import type { DataFile } from '../../sstable/data-file.js';
import { isBoundary, isOpen } from '../../sstable/marker-buffer.js';
import { compareDecorated, type DecoratedKey, decorate, type Partitioner } from '../../sstable/partitioner.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, ROW, UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import type { Version } from '../../sstable/version.js';
import { placeOf } from './block-check.js';

/** Partitions larger than this are not looked for: a wrong length among the bytes must not decide how much is read. */
const MAX_PARTITION_BYTES = 64 << 20;
/** Keys that are looked for are at most this long, or some times as long as the last one kept. */
const MAX_KEY_BYTES = 1024;
const KEY_GROWTH = 4;

export class PartitionScan {
  private readonly heads: DataCursor;
  private readonly cursor: UnfilteredCursor;
  private readonly header: SerializationHeader;
  private readonly version: Version;
  private readonly partitioner: Partitioner;
  private readonly length: number;
  private readonly keyLength: number;
  private readonly compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number;

  constructor(data: DataFile, header: SerializationHeader, version: Version, partitioner: Partitioner) {
    this.heads = new DataCursor(data);
    this.cursor = new UnfilteredCursor(new DataCursor(data), header, version);
    this.header = header;
    this.version = version;
    this.partitioner = partitioner;
    this.length = data.length;
    this.keyLength = header.keyType.kind === 'composite' ? -1 : fixedLength(header.keyType);
    this.compare = compareClustering(header.clusteringTypes);
  }

  /**
   * Position of the first partition at or behind `from`; `undefined` where there is none.
   * @param next the first position behind a chunk that can't be read
   */
  find(from: number, after: DecoratedKey | undefined, next: (position: number) => number): number | undefined {
    let position = from;
    while (position < this.length) {
      try {
        if (this.isHead(position, after) && this.isPartition(position, after)) return position;
        position++;
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error;
        position = Math.max(position + 1, next(position));
      }
    }
    return undefined;
  }

  /** Whether a key of the right type and order stands there, and a deletion behind it. @throws CorruptError where its bytes can't be read */
  private isHead(position: number, after: DecoratedKey | undefined): boolean {
    const c = this.heads;
    c.seek(position);
    if (this.length - position < 3) return false;
    const length = c.u16();
    // an empty key is rare, two zeros are not
    if (length === 0) return false;
    if (this.keyLength >= 0 && length !== this.keyLength) return false;
    if (length + 2 > this.length - position || length > Math.max(MAX_KEY_BYTES, KEY_GROWTH * (after?.key.length ?? 0))) return false; // biome-ignore format: one line
    const key = this.peek(length);
    if (!key || !this.isKey(key)) return false;
    if (after && compareDecorated(this.partitioner, decorate(this.partitioner, key), after) <= 0) return false;
    return !this.version.hasUIntDeletionTime || (c.u8() & 0x80) === 0 || c.buf[c.pos - 1] === 0x80;
  }

  /** Of long keys nothing is believed that reaches into damage. */
  private peek(length: number): Uint8Array | undefined {
    try {
      return this.heads.bytes(length);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      return undefined;
    }
  }

  private isKey(key: Uint8Array): boolean {
    const { keyType } = this.header;
    if (keyType.kind !== 'composite') return isValid(keyType, key, 0, key.length);
    let at = 0;
    for (const type of keyType.components) {
      if (at + 3 > key.length) return false;
      const end = at + 2 + ((key[at]! << 8) | key[at + 1]!);
      if (end >= key.length || key[end] !== 0 || !isValid(type, key, at + 2, end)) return false;
      at = end + 1;
    }
    return at === key.length;
  }

  private isPartition(position: number, after: DecoratedKey | undefined): boolean {
    const c = this.cursor;
    try {
      c.goTo(position, Math.min(this.length, position + MAX_PARTITION_BYTES));
      if (!c.nextPartition()) return false;
      const key = decorate(this.partitioner, c.key.slice(0, c.keyLength));
      if (after && compareDecorated(this.partitioner, key, after) <= 0) return false;
      let isEmpty = !c.hasPartitionDeletion;
      if (c.readStaticRow()) {
        if (!c.isEmptyRow()) isEmpty = false;
        if (!this.areCells(c)) return false;
      }
      let before: ClusteringPrefix | undefined;
      // the first row's distance is from the beginning of its partition
      let previous = position;
      let isOpenRange = false;
      for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
        if (c.previousSize !== c.position - previous) return false;
        previous = c.position;
        const place = placeOf(c, kind);
        if (before && this.compare(before, place) >= 0) return false;
        if (!place.values.every((value, i) => value === null || isValid(this.header.clusteringTypes[i]!, value, 0, value.length))) return false; // biome-ignore format: one line
        if (kind === ROW) {
          if (!this.areCells(c)) return false;
        } else {
          const isClosing = isBoundary(c.boundKind) || !isOpen(c.boundKind);
          if (isClosing !== isOpenRange) return false;
          isOpenRange = isOpen(c.boundKind);
        }
        before = place;
        isEmpty = false;
      }
      const end = c.in.offset;
      return !isEmpty && !isOpenRange && (end === this.length || this.isHead(end, key));
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      return false;
    }
  }

  private areCells(c: UnfilteredCursor): boolean {
    while (c.nextColumn()) {
      const { type } = c.column;
      while (c.nextCell()) {
        if (c.column.isComplex || c.cellIsDeleted) continue;
        if (!isValid(type, c.in.buf, c.valueStart, c.valueEnd)) return false;
      }
    }
    return true;
  }
}

function isValid(type: CqlType, bytes: Uint8Array, start: number, end: number): boolean {
  return validateValue(type, bytes, start, end) === undefined;
}
