/** One SSTable of a merge: its cursor with the token of the partition under it. */
import { compare64, hiOf, loOf } from '../../bytes/int64.js';
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import { compareBytes, murmur3TokenOf } from '../../cql/token.js';
import { isCounter } from '../../cql/type-facts.js';
import type { Partitioner, Token } from '../../sstable/partitioner.js';
import { type ColumnMap, type DropTime, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, type UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { clearsLocal, withoutLocal } from './counter-context.js';

const token = new Int32Array(2);

export class MergeSource {
  readonly cursor: UnfilteredCursor;
  readonly row = new RowBuffer();
  /** What the cursor stands on: ROW, MARKER or END. */
  kind = END;
  /** Token of the partition's key, under Murmur3Partitioner. */
  tokenHi = 0;
  tokenLo = 0;
  /** Murmur3 hash of the key, of which the token is a part. */
  readonly hash: Hash128 = new Int32Array(4);
  /** The token under other partitioners. */
  token: Token | undefined;
  /** Place among the sources of the partition being merged. */
  slot = 0;
  /** Whether whoever takes the rows can do with cells that are to be copied; set where the columns are those of the output. */
  copiesCells = false;
  /** Its number in a merge whose plain rows a kernel takes. */
  plainNumber = -1;
  /** Partitions, rows and markers read. */
  partitions = 0;
  unfiltereds = 0;
  private readonly wants: ((key: Uint8Array) => boolean) | undefined;
  private readonly map: ColumnMap;
  private readonly partitioner: Partitioner;
  readonly isMurmur3: boolean;
  private readonly hasCounters: boolean;

  /** @param wants partitions whose keys it refuses are passed over; the key is the cursor's own */
  constructor(
    cursor: UnfilteredCursor,
    map: ColumnMap,
    partitioner: Partitioner,
    wants?: (key: Uint8Array) => boolean,
  ) {
    this.wants = wants;
    this.cursor = cursor;
    this.map = map;
    this.partitioner = partitioner;
    this.isMurmur3 = partitioner.name === 'Murmur3Partitioner';
    this.hasCounters = cursor.header.regularColumns.concat(cursor.header.staticColumns).some((c) => isCounter(c.type));
  }

  /** @throws CorruptError */
  nextPartition(): boolean {
    const { cursor } = this;
    const { wants } = this;
    do {
      if (!cursor.nextPartition()) return false;
    } while (wants && !wants(cursor.key.subarray(0, cursor.keyLength)));
    this.partitions++;
    if (this.isMurmur3) {
      murmur3(cursor.key, 0, cursor.keyLength, this.hash);
      this.takeToken();
    } else {
      this.token = this.partitioner.tokenOf(cursor.key.slice(0, cursor.keyLength));
    }
    return true;
  }

  /**
   * Stands on a partition at an index of the cursor's window, of which `hashes` has the key's hash from `at` on. It is not counted.
   * @throws CorruptError
   */
  standAt(index: number, hashes: Int32Array, at: number): void {
    const { cursor } = this;
    cursor.goOnAt(index, false);
    cursor.nextPartition();
    this.takeHash(hashes, at);
  }

  /** Takes the key and its hash of a partition at an index of the cursor's window. Somebody else reads the rest of it. */
  takeKey(index: number, hashes: Int32Array, at: number): void {
    this.cursor.takeKey(index);
    this.takeHash(hashes, at);
  }

  private takeHash(hashes: Int32Array, at: number): void {
    const { hash } = this;
    for (let i = 0; i < 4; i++) hash[i] = hashes[at + i]!;
    this.takeToken();
  }

  /** The token of the key, from its hash. */
  private takeToken(): void {
    murmur3TokenOf(this.hash, this.cursor.keyLength, token);
    this.tokenHi = token[0]!;
    this.tokenLo = token[1]!;
  }

  /** What is deleted and what has expired in the partition whose key was taken is told next, one by one. */
  startItems(): void {}

  /** @param seconds when it was deleted; of an expired cell when it was written, of an expired row when it expired */
  takeItem(_kind: number, _hi: number, _lo: number, _seconds: number): void {}

  /** The partition on which it stands is merged from here on. */
  enter(): void {}

  /** Nothing of the partition on which it stands has a part in the merge. It stands somewhere in that afterwards. */
  passOver(): void {}

  /** Order of the partitions under two sources. */
  comparePartition(other: MergeSource): number {
    const c = this.isMurmur3
      ? compare64(this.tokenHi, this.tokenLo, other.tokenHi, other.tokenLo)
      : this.partitioner.compareTokens(this.token!, other.token!);
    if (c !== 0) return c;
    const { cursor } = this;
    return compareBytes(cursor.key, 0, cursor.keyLength, other.cursor.key, 0, other.cursor.keyLength);
  }

  /** Loads the partition's static row, an empty one where there is none. Rows and markers come after it. */
  readStatic(): void {
    if (this.cursor.readStaticRow()) this.loadRow();
    else this.row.clearStatic();
  }

  /** Loads the row, its cells only where they can't be copied as they stand. */
  takeRow(): void {
    const cells = this.copiesCells ? this.cursor.plainCells() : -1;
    if (cells > 0) this.row.loadPlain(this.cursor, cells);
    else this.loadRow();
  }

  loadRow(): void {
    const { row } = this;
    row.load(this.cursor, this.map);
    if (this.hasCounters) clearLocalShards(row);
  }

  /** Goes to the next row or marker. */
  next(): void {
    this.kind = this.cursor.nextUnfiltered();
    if (this.kind !== END) this.unfiltereds++;
  }
}

/** Counter contexts that were streamed from elsewhere ask to forget the shards that were local there. */
function clearLocalShards(row: RowBuffer): void {
  for (let i = 0; i < row.cellCount; i++) {
    const slice = { buf: row.cellBuf[i]!, start: row.valueStart[i]!, end: row.valueEnd[i]! };
    if (slice.end - slice.start < 2 || row.isTombstone(i) || !clearsLocal(slice.buf, slice.start)) continue;
    const cleared = withoutLocal(slice, (length) => ({ buf: new Uint8Array(length), start: 0 }));
    row.cellBuf[i] = cleared.buf;
    row.valueStart[i] = cleared.start;
    row.valueEnd[i] = cleared.end;
  }
}

/** Whether clusterings are the same bytes under both headers. */
export function hasSameClustering({ stored: a }: SerializationHeader, { stored: b }: SerializationHeader): boolean {
  return (
    a.clusteringTypes.length === b.clusteringTypes.length &&
    a.clusteringTypes.every((type, i) => type === b.clusteringTypes[i])
  );
}

/** Whether cells of regular columns are the same bytes under both headers, where their times are. Counters are looked into, not copied. */
export function hasSameCells(from: SerializationHeader, to: SerializationHeader, map: ColumnMap): boolean {
  const [a, b] = [from.stored.regularColumns, to.stored.regularColumns];
  if (a.length !== b.length || map.dropped?.regulars.some((time) => time !== undefined)) return false;
  if (from.regularColumns.some(({ type }) => isCounter(type))) return false;
  const typeOf = new Map(b.map(({ nameBytes, type }) => [nameKey(nameBytes), type]));
  return a.every(({ nameBytes, type }) => typeOf.get(nameKey(nameBytes)) === type);
}

/**
 * How the columns of `from` stand in `to`, and since when those that `droppedMicros` names are dropped. The headers' columns are in the order
 * of rows both times, so the indexes ascend.
 */
export function columnMap(
  from: SerializationHeader,
  to: SerializationHeader,
  droppedMicros: ReadonlyMap<string, bigint> = new Map(),
): ColumnMap {
  const indexesOf = (source: SerializationHeader['staticColumns'], target: SerializationHeader['staticColumns']) => {
    const byName = new Map(target.map((column, i) => [nameKey(column.nameBytes), i]));
    return Int32Array.from(source, (column) => byName.get(nameKey(column.nameBytes)) ?? -1);
  };
  const timesOf = (columns: SerializationHeader['staticColumns']): (DropTime | undefined)[] =>
    columns.map(({ nameBytes }) => {
      const micros = droppedMicros.get(nameKey(nameBytes));
      if (micros === undefined) return undefined;
      return { hi: hiOf(micros), lo: loOf(micros) };
    });
  const statics = timesOf(from.staticColumns);
  const regulars = timesOf(from.regularColumns);
  const hasDropped = statics.some((t) => t !== undefined) || regulars.some((t) => t !== undefined);
  return {
    statics: indexesOf(from.staticColumns, to.staticColumns),
    regulars: indexesOf(from.regularColumns, to.regularColumns),
    ...(hasDropped && { dropped: { statics, regulars } }),
  };
}

/** A column's stored name as a key of maps. */
export function nameKey(nameBytes: Uint8Array): string {
  return Buffer.from(nameBytes).toString('latin1');
}
