/**
 * Where the partitions of an SSTable are, and where in a large one a clustering is: one way to ask, over BIG's Index.db with Summary.db and over
 * BTI's Partitions.db with Rows.db. Data.db is not opened, but for the keys that BTI keeps nowhere else; Filter.db is asked apart (filter.ts).
 */
import type { Storage } from '../bytes/source.js';
import { clusteringByteComparable } from '../cql/byte-comparable.js';
import { type ClusteringPrefix, compareClustering } from '../cql/clustering.js';
import type { CqlType } from '../cql/type.js';
import { type PartitionPointer, PartitionsFile } from './bti/partitions-file.js';
import { type RowsEntry, RowsFile } from './bti/rows-file.js';
import { COMPONENT, componentPath, type Descriptor } from './descriptor.js';
import { type IndexEntry, type IndexFile, openIndexFile } from './index-file.js';
import {
  decorate,
  decoratedKeyForm,
  type Partitioner,
  placeInRange,
  type TokenBound,
  type TokenRange,
  tokenBoundForm,
} from './partitioner.js';
import type { DeletionTime } from './row.js';
import { floorBlock, type PromotedIndex } from './row-index-entry.js';
import { type IndexSummary, readSummary } from './summary.js';

export type PartitionEntry = {
  /** Position of the partition in the plain Data.db. */
  readonly dataPosition: number;
  /** Not there where only Data.db has it (BTI, partitions of one block): read it at `dataPosition`. */
  readonly key?: Uint8Array;
  /** What the partition's blocks are; `undefined` where it has one only. @throws CorruptError */
  rowIndex(): RowIndex | undefined;
};

/** Positions are those of the plain Data.db. */
export type RowBlock = {
  readonly position: number;
  /** The range tombstone that is open where the block begins. */
  readonly openDeletion?: DeletionTime;
};

/** The blocks of one partition. */
export interface RowIndex {
  readonly blockCount: number;
  /** Deletion of the whole partition. */
  readonly deletion?: DeletionTime;
  /**
   * Where to begin reading for what is at or after `prefix`: what comes earlier in the partition is before it. `undefined` where nothing of the
   * partition is at or after it, as far as the index knows.
   */
  blockFor(prefix: ClusteringPrefix): RowBlock | undefined;
  blocks(): Iterable<RowBlock>;
}

export interface PartitionIndex {
  readonly partitioner: Partitioner;
  /** Exact. @throws CorruptError, UnsupportedError (partitioner) */
  find(key: Uint8Array): PartitionEntry | undefined;
  /** Partitions in the order of the SSTable, those whose tokens are in `range`. @throws CorruptError */
  entries(range?: TokenRange): Iterable<PartitionEntry>;
  /** Bytes of the index's files. */
  readonly size: number;
  close(): void;
}

export type PartitionIndexOptions = {
  readonly partitioner: Partitioner;
  readonly clusteringTypes: readonly CqlType[];
  /** The partition key at a position of the plain Data.db; asked for BTI only, of candidates. */
  readonly keyAt: (dataPosition: number) => Uint8Array;
};

/** Opens Index.db and reads Summary.db where there is one; or opens Partitions.db, and Rows.db once it is needed. @throws UsageError, CorruptError */
export function openPartitionIndex(
  storage: Storage,
  descriptor: Descriptor,
  options: PartitionIndexOptions,
): PartitionIndex {
  if (descriptor.format === 'bti') return new BtiPartitionIndex(storage, descriptor, options);
  const summary = readSummary(storage, descriptor);
  return new BigPartitionIndex(openIndexFile(storage, descriptor, options.clusteringTypes), summary, options);
}

class BigPartitionIndex implements PartitionIndex {
  readonly partitioner: Partitioner;
  readonly size: number;
  private readonly index: IndexFile;
  private readonly summary: IndexSummary | undefined;
  private readonly compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number;

  constructor(index: IndexFile, summary: IndexSummary | undefined, options: PartitionIndexOptions) {
    this.index = index;
    this.size = index.size;
    this.summary = summary;
    this.partitioner = options.partitioner;
    this.compare = compareClustering(options.clusteringTypes);
  }

  find(key: Uint8Array): PartitionEntry | undefined {
    const entry = this.index.find(this.partitioner, decorate(this.partitioner, key), this.summary);
    return entry && this.entry(entry);
  }

  *entries(range: TokenRange = {}): Generator<PartitionEntry> {
    for (const entry of this.index.entriesInRange(this.partitioner, range, this.summary)) yield this.entry(entry);
  }

  private entry(entry: IndexEntry): PartitionEntry {
    const { key, dataPosition } = entry;
    return {
      key,
      dataPosition,
      rowIndex: () => {
        const promoted = this.index.promotedIndex(entry);
        return promoted && this.rowIndex(promoted, dataPosition);
      },
    };
  }

  private rowIndex(promoted: PromotedIndex, dataPosition: number): RowIndex {
    const { blockCount, deletion } = promoted;
    return {
      blockCount,
      ...(deletion && { deletion }),
      blockFor: (prefix) => {
        const found = floorBlock(promoted, prefix, this.compare);
        return found && rowBlock(dataPosition + found.block.offset, found.openDeletion);
      },
      *blocks() {
        let openDeletion: DeletionTime | undefined;
        for (let i = 0; i < blockCount; i++) {
          const block = promoted.block(i);
          yield rowBlock(dataPosition + block.offset, openDeletion);
          openDeletion = block.endOpenMarker;
        }
      },
    };
  }

  close(): void {
    this.index.close();
  }
}

function rowBlock(position: number, openDeletion: DeletionTime | undefined): RowBlock {
  return { position, ...(openDeletion && { openDeletion }) };
}

class BtiPartitionIndex implements PartitionIndex {
  readonly partitioner: Partitioner;
  readonly size: number;
  private readonly partitions: PartitionsFile;
  private openedRows: RowsFile | undefined;
  private readonly openRows: () => RowsFile;
  private readonly keyAt: (dataPosition: number) => Uint8Array;
  private readonly form: (prefix: ClusteringPrefix) => Uint8Array;

  constructor(storage: Storage, descriptor: Descriptor, options: PartitionIndexOptions) {
    const rowsPath = componentPath(descriptor, COMPONENT.rows);
    const source = storage.open(componentPath(descriptor, COMPONENT.partitions));
    this.partitioner = options.partitioner;
    this.keyAt = options.keyAt;
    this.form = clusteringByteComparable(options.clusteringTypes);
    this.openRows = () => new RowsFile(storage.open(rowsPath), descriptor.version);
    this.size = source.size + (storage.stat(rowsPath)?.size ?? 0);
    try {
      this.partitions = new PartitionsFile(source);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  private get rows(): RowsFile {
    this.openedRows ??= this.openRows();
    return this.openedRows;
  }

  find(key: Uint8Array): PartitionEntry | undefined {
    const form = decoratedKeyForm(this.partitioner, decorate(this.partitioner, key));
    const pointer = this.partitions.candidate(form, key);
    const entry = pointer && this.entry(pointer);
    return entry && Buffer.compare(this.keyOf(entry), key) === 0 ? entry : undefined;
  }

  *entries(range: TokenRange = {}): Generator<PartitionEntry> {
    const start = range.from && this.boundForm(range.from, true);
    const end = range.to && this.boundForm(range.to, false);
    for (const { pointer, isOnEdge } of this.partitions.pointers(start, end)) {
      const entry = this.entry(pointer);
      if (isOnEdge && placeInRange(this.partitioner, this.partitioner.tokenOf(this.keyOf(entry)), range) !== 0)
        continue;
      yield entry;
    }
  }

  private boundForm({ token, inclusive }: TokenBound, isStart: boolean): Uint8Array {
    return tokenBoundForm(this.partitioner, token, inclusive === isStart ? 'before' : 'after');
  }

  private keyOf(entry: PartitionEntry): Uint8Array {
    return entry.key ?? this.keyAt(entry.dataPosition);
  }

  private entry(pointer: PartitionPointer): PartitionEntry {
    if (pointer.kind === 'data') return { dataPosition: pointer.position, rowIndex: () => undefined };
    const entry = this.rows.entry(pointer.position);
    return { key: entry.key, dataPosition: entry.dataPosition, rowIndex: () => this.rowIndex(entry) };
  }

  private rowIndex(entry: RowsEntry): RowIndex {
    const { rows, form } = this;
    const { blockCount, deletion, dataPosition } = entry;
    return {
      blockCount,
      ...(deletion && { deletion }),
      blockFor: (prefix) => {
        const found = rows.floor(entry, form(prefix));
        return found && rowBlock(dataPosition + found.offset, found.openDeletion);
      },
      *blocks() {
        for (const block of rows.blocks(entry)) yield rowBlock(dataPosition + block.offset, block.openDeletion);
      },
    };
  }

  close(): void {
    this.partitions.close();
    this.openedRows?.close();
  }
}
