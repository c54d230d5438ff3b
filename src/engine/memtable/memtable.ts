/**
 * The writes of one table that no SSTable holds, by token (Cassandra's Memtable). Each partition update becomes a record as it comes: its partition as
 * an SSTable holds one, with the columns of one header. Records of one partition are merged when they are read, by the one merge that there is.
 *
 *   add ─ record, record, … in chunks of memory ─ freeze ─ order by token ─ MemtableCursor ─ merge, flush
 *
 *   record = partition as in Data.db (see unfiltered-cursor.ts), times as differences to the minima of the memtable's own header
 */
import { type Hash128, murmur3 } from '../../bytes/murmur3.js';
import { ByteWriter } from '../../bytes/writer.js';
import type { LogTable } from '../../commitlog/log-schema.js';
import type { UpdateCursor, UpdateStats } from '../../commitlog/update-cursor.js';
import { murmur3TokenOf } from '../../cql/token.js';
import { MarkerBuffer } from '../../sstable/marker-buffer.js';
import type { Partitioner, Token } from '../../sstable/partitioner.js';
import { type ColumnMap, DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { EncodingStats, SerializationHeader } from '../../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { UnfilteredWriter } from '../../sstable/unfiltered-writer.js';
import { type Version, versionOf } from '../../sstable/version.js';
import { droppedTimes } from '../compaction/output-header.js';
import { columnMap, hasSameCells, MergeSource, nameKey } from '../merge/merge-source.js';
import { MemtableCursor } from './memtable-cursor.js';
import { flushHeader, MinimumStats, memtableHeader } from './memtable-header.js';
import { type RecordForm, writePartitionHead } from './partition-fold.js';
import { COVERS, LONE_ROW, ONE_ROW, RecordIndex, type RecordOrder } from './record-index.js';
import { RowValues } from './row-values.js';

/** Records of a chunk lie one behind the other, the last of them beyond this size. The first chunk of a memtable grows up to it. */
const CHUNK_BYTES = 1 << 20;
const CHUNK_ROOM = CHUNK_BYTES + (CHUNK_BYTES >> 3);
const FIRST_BYTES = 1 << 12;

export type MemtableOptions = {
  readonly table: LogTable;
  readonly partitioner: Partitioner;
  /** Whose rows the records are like: deletion times of the SSTables that will come of them. */
  readonly version?: Version;
};

export class Memtable {
  readonly table: LogTable;
  readonly partitioner: Partitioner;
  /** Updates and rows that were added. */
  updates = 0;
  rows = 0;
  private readonly version: Version;
  private readonly isMurmur3: boolean;
  private readonly dropped: ReadonlyMap<string, bigint>;
  private readonly index = new RecordIndex();
  private readonly chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  private readonly out = new ByteWriter(FIRST_BYTES);
  private readonly stats = new MinimumStats();
  /** Of the columns that updates have named. */
  private readonly named = new Set<string>();
  private open: OpenMemtable | undefined;
  private readonly layouts = new WeakMap<UpdateCursor, Layout>();
  private last: Layout | undefined;
  private readonly row = new RowBuffer();
  private readonly marker = new MarkerBuffer();
  private readonly deletion = new DeletionState();
  private readonly hash: Hash128 = new Int32Array(4);
  private readonly token = new Int32Array(2);

  constructor({ table, partitioner, version = versionOf('big', 'oa') }: MemtableOptions) {
    this.table = table;
    this.partitioner = partitioner;
    this.version = version;
    this.isMurmur3 = partitioner.name === 'Murmur3Partitioner';
    this.dropped = droppedTimes(table.definition);
  }

  /** Of memory that it takes, about. */
  get bytes(): number {
    return this.chunkBytes + this.out.pos + this.index.count * RecordIndex.RECORD_BYTES;
  }

  get isEmpty(): boolean {
    return this.index.count === 0;
  }

  /**
   * Adds the update under the cursor, which is read to its end. @param stats of the update. @returns how many rows it has
   * @throws CorruptError, also for values that a node would not take: nothing of it is added then
   */
  add(update: UpdateCursor, stats: UpdateStats): number {
    const { out, row, deletion } = this;
    this.open ??= this.openWith(stats);
    const { writer, values } = this.open;
    const { map, copiesCells } = this.last?.cursor === update ? this.last : this.layoutOf(update);
    if (out.pos >= CHUNK_BYTES) this.closeChunk();
    const start = out.pos;
    let rows = 0;
    let covers = update.hasPartitionDeletion;
    let plainRows = 0;
    let hasStatic = false;
    let isEmpty = !covers;
    try {
      const { hi, lo, localDeletionSeconds } = update.partitionDeletion;
      if (covers) deletion.set(hi, lo, localDeletionSeconds);
      else deletion.clear();
      writePartitionHead(out, update.key, update.keyLength, deletion, this.version);
      if (update.readStaticRow()) row.load(update, map);
      else row.clearStatic();
      if (this.open.hasStatic) writer.row(row, 0);
      if (!row.isEmpty) {
        isEmpty = false;
        hasStatic = true;
        rows++;
      }
      for (let kind = update.nextUnfiltered(); kind !== END; kind = update.nextUnfiltered()) {
        if (kind === ROW) {
          const cells = copiesCells ? update.takePlainCells() : -1;
          if (cells > 0) {
            row.loadPlain(update, cells);
            plainRows++;
          } else row.load(update, map);
          if (row.isEmpty) continue;
          values.check(update, row);
          writer.row(row, 0);
          rows++;
        } else {
          this.marker.load(update);
          writer.marker(this.marker, 0);
          covers = true;
        }
        isEmpty = false;
      }
      writer.endOfPartition();
    } catch (error) {
      out.pos = start;
      throw error;
    }
    if (isEmpty) {
      out.pos = start;
      return 0;
    }
    this.stats.add(stats);
    this.updates++;
    this.rows += rows;
    const single = this.open.hasLoneRows && plainRows === 1 ? LONE_ROW : ONE_ROW;
    this.keep(update, start, covers ? COVERS : rows === 1 && !hasStatic ? single : 0);
    return rows;
  }

  private keep(update: UnfilteredCursor, start: number, kind: number): void {
    const { out, token } = this;
    if (this.isMurmur3) {
      murmur3TokenOf(murmur3(update.key, 0, update.keyLength, this.hash), update.keyLength, token);
    }
    this.index.add(token[0]!, token[1]!, this.chunks.length, start, out.pos, kind);
  }

  private openWith(stats: UpdateStats): OpenMemtable {
    const header = memtableHeader(this.table, encodingStatsOf(stats));
    const form = { header, partitioner: this.partitioner, version: this.version };
    return {
      form,
      hasStatic: header.staticColumns.length > 0,
      hasLoneRows: header.staticColumns.length === 0 && header.clusteringTypes.length === 0,
      values: new RowValues(header),
      writer: new UnfilteredWriter(header, this.version, this.out),
    };
  }

  private layoutOf(update: UpdateCursor): Layout {
    let layout = this.layouts.get(update);
    if (!layout) {
      const { header } = this.open!.form;
      const map = columnMap(update.header, header, this.dropped);
      if ([...map.statics, ...map.regulars].includes(-1)) {
        throw update.corruptHere(`update names a column that ${this.table.keyspace}.${this.table.name} does not have`);
      }
      layout = { cursor: update, map, copiesCells: hasSameCells(update.header, header, map) };
      this.layouts.set(update, layout);
      for (const { nameBytes } of [...update.header.staticColumns, ...update.header.regularColumns]) {
        this.named.add(nameKey(nameBytes));
      }
    }
    this.last = layout;
    return layout;
  }

  private closeChunk(): void {
    const { out } = this;
    this.chunks.push(out.buf);
    this.chunkBytes += out.pos;
    out.replace(Buffer.allocUnsafeSlow(CHUNK_ROOM));
  }

  /**
   * Its partitions by token, for one reader or several, each with what was added until now. @returns `undefined` where nothing was
   */
  freeze(): FrozenMemtable | undefined {
    if (!this.open || this.isEmpty) return undefined;
    const chunks = [...this.chunks, this.out.buf];
    const order = this.isMurmur3 ? this.index.sortByToken(chunks) : this.sortByTokens(chunks);
    return new FrozenMemtable(this.open.form, this.index, chunks, order, (header) =>
      flushHeader(header, this.named, this.stats),
    );
  }

  private sortByTokens(chunks: readonly Uint8Array[]): RecordOrder {
    const { index, partitioner } = this;
    const tokens: Token[] = [];
    for (let i = 0; i < index.count; i++) {
      const chunk = chunks[index.chunk[i]!]!;
      const at = index.start[i]!;
      tokens.push(partitioner.tokenOf(chunk.slice(at + 2, at + 2 + ((chunk[at]! << 8) | chunk[at + 1]!))));
    }
    return index.sortBy(chunks, (a, b) => partitioner.compareTokens(tokens[a]!, tokens[b]!));
  }
}

/** Of updates with the same columns. */
type Layout = {
  readonly cursor: UpdateCursor;
  readonly map: ColumnMap;
  /** Whether cells of plain rows can be copied as they stand. */
  readonly copiesCells: boolean;
};

type OpenMemtable = {
  readonly form: RecordForm;
  readonly hasStatic: boolean;
  readonly hasLoneRows: boolean;
  readonly values: RowValues;
  readonly writer: UnfilteredWriter;
};

/** Times of a table's writes are near each other: differences to the first one's are short. */
function encodingStatsOf({ timestampHi, timestampLo, localDeletionSeconds, ttlSeconds }: UpdateStats): EncodingStats {
  return {
    minTimestampHi: timestampHi,
    minTimestampLo: timestampLo,
    minLocalDeletionSeconds: localDeletionSeconds,
    minTtlSeconds: ttlSeconds,
  };
}

/** A memtable as it is read. */
export class FrozenMemtable {
  readonly partitioner: Partitioner;
  /** Of its rows: all columns of the table. */
  readonly header: SerializationHeader;
  /** As an SSTable of it has: the columns that its updates named, the least times of all. */
  readonly flushHeader: SerializationHeader;
  private readonly form: RecordForm;
  private readonly index: RecordIndex;
  private readonly chunks: readonly Uint8Array[];
  private readonly order: RecordOrder;
  private distinct: number | undefined;

  constructor(
    form: RecordForm,
    index: RecordIndex,
    chunks: readonly Uint8Array[],
    order: RecordOrder,
    makeFlushHeader: (header: SerializationHeader) => SerializationHeader,
  ) {
    this.form = form;
    this.header = form.header;
    this.partitioner = form.partitioner;
    this.flushHeader = makeFlushHeader(form.header);
    this.index = index;
    this.chunks = chunks;
    this.order = order;
  }

  /** Distinct keys. */
  get partitions(): number {
    if (this.distinct === undefined) {
      let count = 0;
      for (const begin of this.order.begins) count += begin;
      this.distinct = count;
    }
    return this.distinct;
  }

  /** Reads all partitions from the first on; cursors do not disturb each other. */
  cursor(): MemtableCursor {
    return new MemtableCursor(this.form, this.index, this.chunks, this.order);
  }

  /** As a source of a merge whose rows have the columns of `header`. */
  source(header: SerializationHeader, wants?: (key: Uint8Array) => boolean): MergeSource {
    return new MergeSource(this.cursor(), columnMap(this.header, header), this.partitioner, wants);
  }
}
