/**
 * Writes an SSTable, all components of it, from partitions in order (Cassandra's SortedTableWriter).
 *
 *   rows ─ UnfilteredWriter ─ DataWriter ─ Data.db, CompressionInfo.db or CRC.db, Digest.crc32
 *     │         └ blocks, keys ─ BigIndexWriter ─ Index.db, Summary.db   or   BtiIndexWriter ─ Partitions.db, Rows.db
 *     ├ keys ─ FilterBuilder ─ Filter.db
 *     └ times, sizes ─ MetadataCollector ─ Statistics.db
 *
 * Every file is written as `<name>.tmp`, which a node removes when it starts; once all are on the disk they get their names, Data.db last: files
 * without it are no SSTable, neither to a node, which removes them, nor to lsmctl.
 */
import { InvariantError } from '../bytes/errors.js';
import { toBigInt } from '../bytes/int64.js';
import type { Hash128 } from '../bytes/murmur3.js';
import type { FileSink, OutputStorage } from '../bytes/sink.js';
import { ByteWriter } from '../bytes/writer.js';
import type { LoadedCompression } from '../codec/compression-params.js';
import { BigIndexWriter } from './big-index-writer.js';
import { BtiIndexWriter } from './bti/bti-index-writer.js';
import { BUFFER_BYTES, EARLY_OPENING_BYTES } from './bti/early-opening.js';
import { ClusteringCopy } from './clustering-copy.js';
import type { DataSink, OpenDataSink } from './data-sink.js';
import { DataWriter, type WrittenData } from './data-writer.js';
import { writeDeletionTime } from './deletion-time.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import type { BloomFilter } from './filter.js';
import { type FilterBuilder, makeFilterBuilder } from './filter-builder.js';
import type { IndexWriter } from './index-writer.js';
import { CLUSTERING, isBoundary, isOpen, type MarkerBuffer } from './marker-buffer.js';
import { MetadataCollector } from './metadata/metadata-collector.js';
import type { CommitLogInterval, StatsMetadata } from './metadata/stats.js';
import type { Partitioner } from './partitioner.js';
import { FIELD, PARTITION_FIELDS, type PlainMemory } from './plain-memory.js';
import type { DeletionTime } from './row.js';
import { DeletionState, type RowBuffer } from './row-buffer.js';
import { RowStatistics } from './row-statistics.js';
import type { SerializationHeader } from './serialization-header.js';
import { encodeStatistics } from './statistics.js';
import { encodeToc } from './toc.js';
import { UnfilteredWriter } from './unfiltered-writer.js';
import { TEMPORARY } from './unpublished.js';
import type { Version } from './version.js';

/** What of a table decides how its SSTables are written. */
export type TableLayout = {
  /** 1: without a filter. */
  readonly bloomFilterFpChance: number;
  readonly minIndexInterval: number;
  readonly compression?: LoadedCompression | undefined;
  /** Bytes of rows that a block of the partition's index covers. */
  readonly columnIndexBytes: number;
};

/** What an SSTable says of itself beyond its rows. */
export type SSTableOrigin = {
  readonly level: number;
  /** 0: not repaired. */
  readonly repairedAtMillis: number;
  readonly pendingRepair?: string | undefined;
  readonly isTransient: boolean;
  readonly commitLogIntervals: readonly CommitLogInterval[];
  readonly originatingHostId?: string | undefined;
  /** Of the first and last key; NaN where the table's strategy does not ask for it. */
  readonly tokenSpaceCoverage?: ((firstKey: Uint8Array, lastKey: Uint8Array) => number) | undefined;
};

export type SSTableWriterOptions = {
  readonly output: OutputStorage;
  readonly descriptor: Descriptor;
  readonly header: SerializationHeader;
  readonly partitioner: Partitioner;
  readonly layout: TableLayout;
  readonly origin: SSTableOrigin;
  /** About how many partitions will come: sizes the filter and the summary. */
  readonly expectedKeys: number;
  /** Ends Data.db as Cassandra does where it opens files before they are complete: in every compaction. */
  readonly isOpenedEarly: boolean;
  /** Whether the filter is wanted of what was written: it may have many megabytes. */
  readonly keepsFilter?: boolean | undefined;
  /** Where the bytes of Data.db go instead of a DataWriter of this thread. */
  readonly openData?: OpenDataSink | undefined;
};

export type WrittenSSTable = {
  readonly descriptor: Descriptor;
  readonly data: WrittenData;
  readonly partitions: number;
  readonly partitioner: Partitioner;
  readonly statistics: {
    readonly stats: StatsMetadata & { readonly firstKey: Uint8Array; readonly lastKey: Uint8Array };
  };
  /** Where the table wants one and it is to be kept. */
  readonly filter: BloomFilter | undefined;
  /** Bytes of all components. */
  readonly bytesOnDisk: number;
};

/** Bytes of rows that are gathered before they go to Data.db. */
const FLUSH_BYTES = 1 << 16;

export class SSTableWriter {
  private readonly options: SSTableWriterOptions;
  private readonly out = new ByteWriter(FLUSH_BYTES * 2);
  private readonly rows: UnfilteredWriter;
  private readonly data: DataSink;
  private readonly index: IndexWriter;
  private readonly indexSinks: FileSink[] = [];
  private readonly filter: FilterBuilder | undefined;
  private readonly metadata: MetadataCollector;
  private readonly rowStatistics: RowStatistics;
  private readonly components: string[] = [];
  private plain: PlainMemory | undefined;
  private partitions = 0;
  private firstKey: Uint8Array | undefined;

  // ---- the partition; positions are in the plain data, counted from its start
  private key = new Uint8Array(256);
  private keyLength = 0;
  private partitionStart = 0;
  private readonly deletion = new DeletionState();
  private headerLength = 0;
  private previousRowStart = 0;
  private rowsInPartition = 0;
  private blocks = 0;
  private blockStart = -1;
  private readonly open = new DeletionState();
  private readonly openAtStart = new DeletionState();
  private readonly first = new ClusteringCopy();
  private readonly last = new ClusteringCopy();

  /** @throws UsageError where a file can't be made */
  constructor(options: SSTableWriterOptions) {
    const { output, descriptor, header, layout, expectedKeys } = options;
    const { version } = descriptor;
    this.options = options;
    this.rows = new UnfilteredWriter(header, version, this.out);
    const paths = {
      data: this.path(COMPONENT.data),
      digest: this.path(COMPONENT.digest),
      compressionInfo: this.path(COMPONENT.compressionInfo),
      crc: this.path(COMPONENT.crc),
    };
    this.data =
      options.openData?.(paths, version, layout.compression) ??
      new DataWriter(output, paths, version, layout.compression);
    this.components.push(COMPONENT.data, COMPONENT.digest);
    this.components.push(layout.compression ? COMPONENT.compressionInfo : COMPONENT.crc);
    try {
      this.index = this.openIndex();
    } catch (error) {
      this.abort();
      throw error;
    }
    this.filter = makeFilterBuilder(expectedKeys, layout.bloomFilterFpChance);
    this.metadata = new MetadataCollector(header.clusteringTypes, version);
    this.rowStatistics = new RowStatistics(this.metadata, header);
  }

  private openIndex(): IndexWriter {
    const { descriptor, header, partitioner, layout, expectedKeys, isOpenedEarly } = this.options;
    const { version } = descriptor;
    const { clusteringTypes } = header;
    if (descriptor.format === 'big') {
      return new BigIndexWriter({
        version,
        clusteringTypes,
        expectedKeys,
        minIndexInterval: layout.minIndexInterval,
        index: this.indexSink(COMPONENT.index),
        summary: this.indexSink(COMPONENT.summary),
      });
    }
    return new BtiIndexWriter({
      partitions: this.indexSink(COMPONENT.partitions),
      rows: this.indexSink(COMPONENT.rows),
      version,
      partitioner,
      clusteringTypes,
      ...(isOpenedEarly && {
        earlyOpening: {
          intervalBytes: EARLY_OPENING_BYTES,
          dataBufferBytes: layout.compression?.chunkLength ?? BUFFER_BYTES,
        },
      }),
    });
  }

  private path(component: string): string {
    return componentPath(this.options.descriptor, component) + TEMPORARY;
  }

  private indexSink(component: string): FileSink {
    const sink = this.options.output.create(this.path(component));
    this.indexSinks.push(sink);
    this.components.push(component);
    return sink;
  }

  get version(): Version {
    return this.options.descriptor.version;
  }

  /** Plain bytes so far. */
  get position(): number {
    return this.data.position + this.out.pos;
  }

  /** Bytes of Data.db so far, by which Cassandra cuts files: of a compressed one those of complete chunks. */
  get storedPosition(): number {
    this.flush();
    return this.data.storedPosition;
  }

  /** `hash`: Murmur3 of the key, where the caller has it already. */
  startPartition(key: Uint8Array, keyLength: number, deletion: DeletionState, hash?: Hash128): void {
    const { out } = this;
    this.keepKey(key, keyLength);
    if (hash) this.filter?.addHash(hash);
    else this.filter?.add(key, keyLength);
    this.partitionStart = this.position;
    this.previousRowStart = 0;
    this.rowsInPartition = 0;
    this.blocks = 0;
    this.blockStart = -1;
    this.open.clear();
    this.deletion.copy(deletion);
    this.index.startPartition(key, keyLength, this.partitionStart);
    out.u16(keyLength);
    out.bytes(this.key, 0, keyLength);
    writeDeletionTime(deletionTime(deletion), this.options.descriptor.version, out);
    if (deletion.isSet) this.metadata.updatePartitionDeletion(deletion.hi, deletion.lo, deletion.localDeletionSeconds);
    this.headerLength = this.position - this.partitionStart;
  }

  /** To be called once a partition where the header has static columns. */
  staticRow(row: RowBuffer): void {
    this.rows.row(row, 0);
    if (!row.isEmpty) this.rowStatistics.collect(row);
    this.headerLength = this.position - this.partitionStart;
  }

  row(row: RowBuffer): void {
    const at = this.startUnfiltered(
      row.clusteringBuf,
      row.clusteringStart,
      row.clusteringEnd,
      row.clusteringSize,
      CLUSTERING,
    );
    this.rows.row(row, at - this.previousRowStart);
    if (this.rowsInPartition++ === 0) {
      this.metadata.updateClustering(row.clusteringBuf, row.clusteringStart, row.clusteringEnd);
    }
    this.rowStatistics.collect(row);
    this.endUnfiltered(at);
    this.metadata.updateLastClustering(row.clusteringBuf, row.clusteringStart, row.clusteringEnd);
  }

  marker(marker: MarkerBuffer): void {
    const { kind, clusteringBuf, clusteringStart, clusteringEnd, clusteringSize, deletion, openDeletion } = marker;
    const at = this.startUnfiltered(clusteringBuf, clusteringStart, clusteringEnd, clusteringSize, kind);
    this.rows.marker(marker, at - this.previousRowStart);
    const { metadata } = this;
    metadata.updateBound(kind, clusteringBuf, clusteringStart, clusteringEnd, clusteringSize);
    metadata.updateDeletion(deletion.hi, deletion.lo, deletion.localDeletionSeconds);
    if (isBoundary(kind)) {
      metadata.updateDeletion(openDeletion.hi, openDeletion.lo, openDeletion.localDeletionSeconds);
      this.open.copy(openDeletion);
    } else if (isOpen(kind)) {
      this.open.copy(deletion);
    } else {
      this.open.clear();
    }
    this.endUnfiltered(at);
  }

  /** @returns where it begins in the partition */
  private startUnfiltered(buf: Uint8Array, start: Int32Array, end: Int32Array, size: number, kind: number): number {
    const at = this.position - this.partitionStart;
    if (this.blockStart < 0) {
      this.blockStart = at;
      this.openAtStart.copy(this.open);
      this.first.take(buf, start, end, size, kind);
    }
    this.last.take(buf, start, end, size, kind);
    return at;
  }

  private endUnfiltered(at: number): void {
    this.previousRowStart = at;
    if (this.position - this.partitionStart - this.blockStart >= this.options.layout.columnIndexBytes) this.endBlock();
    if (this.out.pos >= FLUSH_BYTES) this.flush();
  }

  private endBlock(): void {
    this.index.addBlock({
      first: this.first.toPrefix(),
      last: this.last.toPrefix(),
      offset: this.blockStart,
      width: this.position - this.partitionStart - this.blockStart,
      openAtStart: deletionTime(this.openAtStart),
      openAtEnd: deletionTime(this.open),
    });
    this.blocks++;
    this.blockStart = -1;
  }

  endPartition(): void {
    const { key, keyLength, metadata } = this;
    const end = this.position - this.partitionStart;
    this.rows.endOfPartition();
    // a partition of one block has no use for it; the last one has the end marker within it
    if (this.blocks > 0 && this.blockStart >= 0) this.endBlock();
    metadata.addPartitionSize(end + 1);
    metadata.addKey(key, keyLength);
    metadata.addCellsPerPartition();
    this.index.endPartition(this.headerLength, deletionTime(this.deletion), end);
    this.firstKey ??= key.slice(0, keyLength);
    this.partitions++;
    if (this.out.pos >= FLUSH_BYTES) this.flush();
  }

  private flush(): void {
    this.data.write(this.out.buf, 0, this.out.pos);
    this.out.pos = 0;
    if (this.plain && this.out.buf !== this.plain.buffer) this.out.replace(this.plain.buffer);
  }

  // ---- rows that the kernel of plain rows writes into this writer's buffer

  /** The buffer is that of the kernel's memory from now on. */
  share(memory: PlainMemory): void {
    this.flush();
    this.plain = memory;
    this.metadata.putBuckets(memory);
    this.out.replace(memory.buffer);
  }

  /** Whether rows of the partition may be written by the kernel: it is told where. The first of a partition may not. */
  beginPlainRows(memory: PlainMemory): boolean {
    if (this.rowsInPartition === 0 || !this.beginPlain(memory)) return false;
    const { open } = this;
    memory.putNumber(FIELD.origin, this.position - this.partitionStart - this.out.pos - memory.bufferAt);
    memory.putNumber(FIELD.previous, this.previousRowStart);
    memory.putNumber(FIELD.blockStart, this.blockStart);
    memory.putDeletion(FIELD.open, open);
    return true;
  }

  private beginPlain(memory: PlainMemory): boolean {
    const { out } = this;
    if (out.buf !== memory.buffer) this.flush();
    if (out.buf !== memory.buffer) return false;
    memory.begin(out.pos, this.options.layout.columnIndexBytes);
    return true;
  }

  /** Takes over what the kernel has written, and makes room for more. */
  takePlainRows(memory: PlainMemory, isBlockEnded: boolean): void {
    const { state, buffer } = memory;
    this.out.pos = state[FIELD.out]! - memory.bufferAt;
    this.previousRowStart = memory.number(FIELD.previous);
    this.rowsInPartition += state[FIELD.rows]!;
    memory.takeDeletion(FIELD.open, this.open);
    const firstKind = state[FIELD.first]!;
    if (firstKind >= 0) {
      this.blockStart = memory.number(FIELD.blockStart);
      memory.takeDeletion(FIELD.openAtStart, this.openAtStart);
      const { starts, ends } = memory.place(FIELD.first + 2);
      this.first.take(buffer, starts, ends, state[FIELD.first + 1]!, firstKind);
    }
    const kind = state[FIELD.last]!;
    if (kind >= 0) {
      const { starts, ends } = memory.place(FIELD.last + 2);
      this.last.take(buffer, starts, ends, state[FIELD.last + 1]!, kind);
    }
    if (state[FIELD.lastRow] === 1) {
      const { starts, ends } = memory.place(FIELD.lastRow + 1);
      this.metadata.updateLastClustering(buffer, starts, ends);
    }
    for (let i = 0; i < state[FIELD.markerCount]!; i++) {
      const { kind: bound, size, starts, ends } = memory.marker(i);
      this.metadata.updateBound(bound, buffer, starts, ends, size);
    }
    this.metadata.addPlainRows(memory);
    this.metadata.addCells(state[FIELD.columnsSet]!);
    if (isBlockEnded) this.endBlock();
    this.flush();
  }

  /** Whether whole partitions may be written by the kernel, one having been written before. */
  beginPlainPartitions(memory: PlainMemory): boolean {
    if (!this.firstKey || !this.beginPlain(memory)) return false;
    memory.putNumber(FIELD.origin, 0);
    memory.putNumber(FIELD.dataOrigin, this.data.position - memory.bufferAt);
    return true;
  }

  /** Takes over partitions of one row each, without clustering, and makes room for more. */
  takePlainPartitions(memory: PlainMemory): void {
    const { out, filter, index, metadata } = this;
    const count = memory.state[FIELD.partitionCount]!;
    if (count > 0) {
      filter?.addHashes(memory.hashLog, count);
      if (index instanceof BigIndexWriter) index.addPlainPartitions(memory, count);
      else this.indexOneByOne(memory, count);
      metadata.addPlainPartitions(memory, count);
      const last = memory.keyOf((count - 1) * PARTITION_FIELDS);
      this.keepKey(last, last.length);
      this.partitions += count;
    }
    metadata.addPlainRows(memory);
    out.pos = memory.state[FIELD.out]! - memory.bufferAt;
    this.flush();
  }

  private indexOneByOne(memory: PlainMemory, count: number): void {
    const { index } = this;
    const { partitionLog: log } = memory;
    const base = this.data.position - memory.bufferAt;
    for (let i = 0, at = 0; i < count; i++, at += PARTITION_FIELDS) {
      index.startPartition(memory.keyOf(at), log[at + 1]!, base + log[at]!);
      index.endPartition(log[at + 3]!, undefined, log[at + 2]! - 1);
    }
  }

  private keepKey(key: Uint8Array, keyLength: number): void {
    if (keyLength > this.key.length) this.key = new Uint8Array(keyLength * 2);
    for (let i = 0; i < keyLength; i++) this.key[i] = key[i]!;
    this.keyLength = keyLength;
  }

  /**
   * Completes all components under their temporary names, on the disk. {@link publish} names them.
   * @throws UsageError, such as for a full disk
   */
  finish(): WrittenSSTable {
    const { options } = this;
    const { descriptor, header, partitioner, layout, origin } = options;
    if (!this.firstKey)
      throw new InvariantError('an SSTable without partitions is finished', { file: descriptor.prefix });
    this.flush();
    if (options.isOpenedEarly) this.data.sync(); // which another thread may be at for a while
    this.index.finish();
    for (const sink of this.indexSinks) {
      sink.sync();
      sink.close();
    }
    const filter = this.finishFilter();
    const data = this.data.finish();
    const firstKey = this.firstKey;
    const lastKey = this.key.slice(0, this.keyLength);
    const statistics = this.metadata.finish({
      partitioner: partitioner.className,
      bloomFilterFpChance: layout.bloomFilterFpChance,
      repairedAtMillis: origin.repairedAtMillis,
      pendingRepair: origin.pendingRepair,
      isTransient: origin.isTransient,
      level: origin.level,
      commitLogIntervals: origin.commitLogIntervals,
      originatingHostId: origin.originatingHostId,
      compressionRatio: data.compressionRatio,
      tokenSpaceCoverage: origin.tokenSpaceCoverage?.(firstKey, lastKey) ?? Number.NaN,
      firstKey,
      lastKey,
      header,
    });
    this.component(COMPONENT.statistics, encodeStatistics(statistics, descriptor.version));
    this.component(COMPONENT.toc, encodeToc([...this.components, COMPONENT.toc]));
    return {
      descriptor,
      data,
      partitions: this.partitions,
      partitioner,
      statistics: { stats: { ...statistics.stats!, firstKey, lastKey } },
      filter,
      bytesOnDisk: this.bytesOnDisk(),
    };
  }

  private finishFilter(): BloomFilter | undefined {
    if (!this.filter) return undefined;
    const { descriptor, keepsFilter } = this.options;
    this.component(COMPONENT.filter, ...this.filter.pieces(descriptor.version));
    const kept = keepsFilter ? this.filter.filter.copy() : undefined;
    this.filter.filter.release();
    return kept;
  }

  private bytesOnDisk(): number {
    const { output } = this.options;
    return this.components.reduce((sum, name) => sum + (output.stat(this.path(name))?.size ?? 0), 0);
  }

  private component(name: string, ...pieces: readonly Uint8Array[]): void {
    const sink = this.options.output.create(this.path(name));
    try {
      for (const bytes of pieces) sink.write(bytes);
      sink.sync();
    } finally {
      sink.close();
    }
    this.components.push(name);
  }

  /** Gives the finished files their names, Data.db last. @throws UsageError */
  publish(): void {
    const { output, descriptor } = this.options;
    const rest = this.components.filter((component) => component !== COMPONENT.data);
    for (const component of rest) output.rename(this.path(component), componentPath(descriptor, component));
    output.syncDirectory(descriptor.directory);
    output.rename(this.path(COMPONENT.data), componentPath(descriptor, COMPONENT.data));
    output.syncDirectory(descriptor.directory);
  }

  /** Removes what was written, named or not. */
  abort(): void {
    const { output, descriptor } = this.options;
    for (const sink of [this.data, ...this.indexSinks]) {
      try {
        sink.close();
      } catch {
        // what is buffered can't be written to a full disk: it is not wanted any more
      }
    }
    const names = new Set([...this.components, ...Object.values(COMPONENT)]);
    for (const component of [COMPONENT.data, ...names]) {
      output.remove(this.path(component));
      if (this.components.includes(component)) output.remove(componentPath(descriptor, component));
    }
  }
}

function deletionTime(state: DeletionState): DeletionTime | undefined {
  if (!state.isSet) return undefined;
  const markedForDeleteAtMicros = toBigInt(state.hi, state.lo);
  return { markedForDeleteAtMicros, localDeletionSeconds: state.localDeletionSeconds };
}
