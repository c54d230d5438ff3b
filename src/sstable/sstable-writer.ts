/**
 * Writes an SSTable, all components of it, from partitions in order (Cassandra's SortedTableWriter).
 *
 *   rows ─ UnfilteredWriter ─ DataWriter ─ Data.db, CompressionInfo.db or CRC.db, Digest.crc32
 *     │         └ blocks, keys ─ BigIndexWriter ─ Index.db, Summary.db   or   BtiIndexWriter ─ Partitions.db, Rows.db
 *     ├ keys ─ FilterBuilder ─ Filter.db
 *     └ times, sizes ─ MetadataCollector ─ Statistics.db
 */
import { InvariantError } from '../bytes/errors.js';
import type { Hash128 } from '../bytes/murmur3.js';
import { ByteWriter } from '../bytes/writer.js';
import { BigIndexWriter } from './big-index-writer.js';
import { BtiIndexWriter } from './bti/bti-index-writer.js';
import { BUFFER_BYTES, EARLY_OPENING_BYTES } from './bti/early-opening.js';
import { ComponentFiles } from './component-files.js';
import type { DataSink } from './data-sink.js';
import { DataWriter } from './data-writer.js';
import { writeDeletionTime } from './deletion-time.js';
import { COMPONENT } from './descriptor.js';
import type { BloomFilter } from './filter.js';
import { type FilterBuilder, makeFilterBuilder } from './filter-builder.js';
import type { IndexWriter } from './index-writer.js';
import { CLUSTERING, isBoundary, isOpen, type MarkerBuffer } from './marker-buffer.js';
import { MetadataCollector } from './metadata/metadata-collector.js';
import { deletionTime, PartitionBlocks } from './partition-blocks.js';
import { FIELD, PARTITION_FIELDS, type PlainMemory } from './plain-memory.js';
import { DeletionState, type RowBuffer } from './row-buffer.js';
import { RowStatistics } from './row-statistics.js';
import { encodeStatistics } from './statistics.js';
import { encodeToc } from './toc.js';
import { UnfilteredWriter } from './unfiltered-writer.js';
import type { Version } from './version.js';
import type { SSTableWriterOptions, WrittenSSTable } from './writer-options.js';

/** Bytes of rows that are gathered before they go to Data.db. */
const FLUSH_BYTES = 1 << 16;

export class SSTableWriter {
  private readonly options: SSTableWriterOptions;
  private readonly out = new ByteWriter(FLUSH_BYTES * 2);
  private readonly rows: UnfilteredWriter;
  private readonly data: DataSink;
  private readonly index: IndexWriter;
  private readonly filter: FilterBuilder | undefined;
  private readonly metadata: MetadataCollector;
  private readonly rowStatistics: RowStatistics;
  private readonly files: ComponentFiles;
  private plain: PlainMemory | undefined;
  private partitions = 0;
  private firstKey: Uint8Array | undefined;

  // ---- the partition; positions are in the plain data, counted from its start
  private key = new Uint8Array(256);
  private keyLength = 0;
  private partitionStart = 0;
  private readonly deletion = new DeletionState();
  private headerLength = 0;
  private readonly blocks: PartitionBlocks;

  /** @throws UsageError where a file can't be made */
  constructor(options: SSTableWriterOptions) {
    const { output, descriptor, header, layout, expectedKeys } = options;
    const { version } = descriptor;
    this.options = options;
    this.rows = new UnfilteredWriter(header, version, this.out);
    this.files = new ComponentFiles(output, descriptor);
    const paths = {
      data: this.files.path(COMPONENT.data),
      digest: this.files.path(COMPONENT.digest),
      compressionInfo: this.files.path(COMPONENT.compressionInfo),
      crc: this.files.path(COMPONENT.crc),
    };
    this.data =
      options.openData?.(paths, version, layout.compression) ??
      new DataWriter(output, paths, version, layout.compression);
    this.files.count(COMPONENT.data, COMPONENT.digest);
    this.files.count(layout.compression ? COMPONENT.compressionInfo : COMPONENT.crc);
    try {
      this.index = this.openIndex();
    } catch (error) {
      this.abort();
      throw error;
    }
    this.blocks = new PartitionBlocks(this.index, layout.columnIndexBytes);
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
        index: this.files.create(COMPONENT.index),
        summary: this.files.create(COMPONENT.summary),
      });
    }
    return new BtiIndexWriter({
      partitions: this.files.create(COMPONENT.partitions),
      rows: this.files.create(COMPONENT.rows),
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
    this.blocks.startPartition();
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
    const { blocks, metadata } = this;
    const { clusteringBuf: buf, clusteringStart: starts, clusteringEnd: ends } = row;
    const at = this.position - this.partitionStart;
    blocks.startUnfiltered(at, buf, starts, ends, row.clusteringSize, CLUSTERING);
    this.rows.row(row, at - blocks.previousStart);
    if (blocks.rows++ === 0) metadata.updateClustering(buf, starts, ends);
    this.rowStatistics.collect(row);
    this.endUnfiltered(at);
    metadata.updateLastClustering(buf, starts, ends);
  }

  marker(marker: MarkerBuffer): void {
    const { kind, clusteringBuf, clusteringStart, clusteringEnd, clusteringSize, deletion, openDeletion } = marker;
    const { blocks, metadata } = this;
    const at = this.position - this.partitionStart;
    blocks.startUnfiltered(at, clusteringBuf, clusteringStart, clusteringEnd, clusteringSize, kind);
    this.rows.marker(marker, at - blocks.previousStart);
    metadata.updateBound(kind, clusteringBuf, clusteringStart, clusteringEnd, clusteringSize);
    metadata.updateDeletion(deletion.hi, deletion.lo, deletion.localDeletionSeconds);
    if (isBoundary(kind)) {
      metadata.updateDeletion(openDeletion.hi, openDeletion.lo, openDeletion.localDeletionSeconds);
      blocks.open.copy(openDeletion);
    } else if (isOpen(kind)) {
      blocks.open.copy(deletion);
    } else {
      blocks.open.clear();
    }
    this.endUnfiltered(at);
  }

  private endUnfiltered(at: number): void {
    this.blocks.endUnfiltered(at, this.position - this.partitionStart);
    if (this.out.pos >= FLUSH_BYTES) this.flush();
  }

  endPartition(): void {
    const { key, keyLength, metadata } = this;
    const end = this.position - this.partitionStart;
    this.rows.endOfPartition();
    this.blocks.endPartition(end + 1);
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
    if (this.blocks.rows === 0 || !this.beginPlain(memory)) return false;
    this.blocks.putTo(memory, this.position - this.partitionStart - this.out.pos - memory.bufferAt);
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
    this.blocks.takeFrom(memory, this.position - this.partitionStart, isBlockEnded);
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
    this.files.sync();
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
    this.files.write(COMPONENT.statistics, encodeStatistics(statistics, descriptor.version));
    this.files.write(COMPONENT.toc, encodeToc([...this.files.names, COMPONENT.toc]));
    return {
      descriptor,
      data,
      partitions: this.partitions,
      partitioner,
      statistics: { stats: { ...statistics.stats!, firstKey, lastKey } },
      filter,
      bytesOnDisk: this.files.bytesOnDisk,
    };
  }

  private finishFilter(): BloomFilter | undefined {
    if (!this.filter) return undefined;
    const { descriptor, keepsFilter } = this.options;
    this.files.write(COMPONENT.filter, ...this.filter.pieces(descriptor.version));
    const kept = keepsFilter ? this.filter.filter.copy() : undefined;
    this.filter.filter.release();
    return kept;
  }

  /** Gives the finished files their names, Data.db last. @throws UsageError */
  publish(): void {
    this.files.publish();
  }

  /** Removes what was written, named or not. */
  abort(): void {
    this.files.remove(this.data);
  }
}
