/**
 * The way of a read of one partition through the SSTables of its table, as Cassandra goes it:
 *
 *   memtable ─ key between first and last key? ─ newest first by max timestamp ─ a newer deletion of the partition? ─ clustering range ─ Filter.db
 *     ─ index ─ block ─ Data.db
 *
 * A whole clustering is looked for by name: from the newest SSTable on, until nothing older can change the answer. That holds where the table has
 * neither counters nor multi-cell columns. Everything else asks all SSTables that a newer deletion of the whole partition does not make needless.
 */
import { hiOf, loOf, toBigInt } from '../../bytes/int64.js';
import { columnNameBytes, columnsOfKind, isCompactTable, type Table, type View } from '../../cql/schema.js';
import { isCounter, isMultiCell } from '../../cql/type-facts.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import type { Slice } from '../../sstable/metadata/slice.js';
import type { PartitionEntry, RowBlock } from '../../sstable/partition-index.js';
import { type DecoratedKey, decorate, type Partitioner, partitionerOf } from '../../sstable/partitioner.js';
import type { ColumnMap } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { SSTable } from '../../sstable/sstable.js';
import { droppedTimes, outputHeader } from '../compaction/output-header.js';
import { columnMap, nameKey } from '../merge/merge-source.js';
import { intersection, type ReadSlice } from './clustering-slice.js';
import type { FilterAnswer } from './filter-probe.js';
import { columnKeys, NameQuery, type NameQueryColumns } from './name-query.js';
import type { BytesRead, ReadCandidate } from './read-candidate.js';
import { ReadSource } from './read-source.js';

export type ReadPathSetup = {
  /** The SSTables of one table, and behind them what is not flushed yet; at least one. May serve other reads before and after. */
  readonly candidates: readonly ReadCandidate[];
  readonly key: Uint8Array;
  readonly slice: ReadSlice;
  readonly definition: Table | View | undefined;
  /** The answer is that of this write time: all SSTables are asked, what is newer is left out. */
  readonly untilMicros?: bigint | undefined;
  /** Asks all SSTables around the key, those too that have no part in the answer: for all versions of it. */
  readonly asksAll?: boolean | undefined;
};

/**
 * What became of an SSTable:
 *   outside          the key is not between its first and last key: not looked at
 *   newer-deletion   the partition was deleted after all that it holds
 *   complete         SSTables before it have newer values of all that is asked for
 *   clustering       it holds nothing in the range of clusterings that is asked for
 *   filtered         its Bloom filter tells that it does not have the key
 *   false-positive   its filter let the key pass, its index does not have it
 *   read             it has the partition
 */
export type ReadOutcome =
  | 'outside'
  | 'newer-deletion'
  | 'complete'
  | 'clustering'
  | 'filtered'
  | 'false-positive'
  | 'read';

export type ReadStep = {
  readonly descriptor: Descriptor;
  readonly isMemtable: boolean;
  readonly outcome: ReadOutcome;
  /** Not known of those outside. */
  readonly maxTimestampMicros?: bigint;
  /** `not-asked`: the key is the SSTable's last, which BIG looks up at once. */
  readonly filter?: FilterAnswer | 'not-asked';
  /** How the index knows partitions: by Summary.db and Index.db, or by the trie of Partitions.db. */
  readonly index?: 'summary' | 'trie';
  /** Of the partition in the plain Data.db. */
  readonly position?: number;
  /** Blocks that the index has of the partition; 1 where it has none. */
  readonly blocks?: number;
  /** Where reading of the slice began, from the partition's beginning; absent where that is the beginning. */
  readonly blockOffset?: number;
  /** Only the partition's deletion and static row were wanted. */
  readonly isStaticOnly?: boolean;
  /** Filled as the partition is read. */
  readonly cost: ReadCost;
};

export type ReadCost = {
  readonly bytes: BytesRead;
  chunks: number;
  /** Rows and bounds of range tombstones. */
  unfiltereds: number;
  tombstones: number;
};

type Found = {
  readonly candidate: ReadCandidate;
  readonly sstable: SSTable;
  readonly entry: PartitionEntry;
  readonly block: RowBlock | 'nothing' | undefined;
  readonly isStaticOnly: boolean;
  readonly step: ReadStep;
};

export class ReadPath {
  /** In the order in which SSTables were thought of; those outside last. */
  readonly steps: ReadStep[] = [];
  readonly partitioner: Partitioner;
  private readonly setup: ReadPathSetup;
  private readonly candidates: readonly ReadCandidate[];
  private readonly key: DecoratedKey;
  /** Whether what an SSTable covers has anything of the slice. */
  private readonly covers: (covered: Slice | undefined) => boolean;
  private readonly columns: NameQueryColumns;
  private readonly found: Found[] = [];
  private sources: { readonly source: ReadSource; readonly found: Found }[] = [];

  constructor(setup: ReadPathSetup) {
    this.setup = setup;
    this.candidates = setup.candidates;
    const { statistics } = this.candidates[0]!;
    this.partitioner = partitionerOf(statistics.validation.partitioner, statistics.header.keyType);
    this.key = decorate(this.partitioner, setup.key);
    this.covers = intersection(setup.slice, statistics.header.clusteringTypes);
    this.columns = this.queriedColumns(statistics.header);
  }

  /** Whether a clustering is asked for by name: see above. */
  get isByName(): boolean {
    const { slice, definition, untilMicros } = this.setup;
    const { header } = this.candidates[0]!.statistics;
    if (untilMicros !== undefined) return false;
    if (!slice.isName && header.clusteringTypes.length > 0) return false;
    const types = definition
      ? definition.columns.map(({ type }) => type)
      : [...header.staticColumns, ...header.regularColumns].map(({ type }) => type);
    return !types.some((type) => isCounter(type) || isMultiCell(type));
  }

  /** Asks the SSTables. @throws CorruptError, UsageError, UnsupportedError */
  async find(): Promise<void> {
    const inside: ReadCandidate[] = [];
    const outside: ReadCandidate[] = [];
    for (const candidate of this.candidates) {
      const place = candidate.place(this.key, this.partitioner);
      (place === 'outside' ? outside : inside).push(candidate);
    }
    const sorted = newestFirst(inside);
    if (this.setup.asksAll) for (const candidate of sorted) await this.look(candidate, false);
    else await (this.isByName ? this.findByName(sorted) : this.findBySlice(sorted));
    for (const { descriptor, isMemtable } of outside) {
      if (!isMemtable) this.steps.push({ descriptor, isMemtable, outcome: 'outside', cost: noCost() });
    }
  }

  private async findBySlice(inside: readonly ReadCandidate[]): Promise<void> {
    let deletion: bigint | undefined;
    for (const candidate of inside) {
      if (deletion !== undefined && candidate.maxTimestampMicros < deletion) {
        this.pass(candidate, 'newer-deletion');
        continue;
      }
      const wants = this.wantsOf(candidate);
      if (!wants.rows && !wants.statics && !wants.deletion) {
        this.pass(candidate, 'clustering');
        continue;
      }
      const found = await this.look(candidate, !wants.rows);
      if (!found || !candidate.bounds.hasPartitionLevelDeletions) continue;
      const time = this.deletionTime(found);
      if (time !== undefined && (deletion === undefined || time > deletion)) deletion = time;
    }
  }

  private async findByName(inside: readonly ReadCandidate[]): Promise<void> {
    const query = new NameQuery(this.columns, this.isCompact());
    let hasResult = false;
    let isOver: ReadOutcome | undefined;
    for (const candidate of inside) {
      const max = candidate.maxTimestampMicros;
      if (!isOver && hasResult && query.partition.isSet && max < query.partitionMicros) isOver = 'newer-deletion';
      const left = hasResult ? query.wants(max) : { row: true, statics: this.columns.statics.length > 0 };
      if (!isOver && !left.row && !left.statics) isOver = 'complete';
      if (isOver) {
        this.pass(candidate, isOver);
        continue;
      }
      const wants = this.wantsOf(candidate);
      const wantsRows = wants.rows && left.row;
      if (!wantsRows && !wants.statics && !wants.deletion) {
        this.pass(candidate, wants.rows ? 'complete' : 'clustering');
        continue;
      }
      const found = await this.look(candidate, !wantsRows);
      if (!found) continue;
      const source = this.sourceOf(found, identity(found.sstable.header, this.setup.definition));
      query.take(source.open(this.setup.key));
      takeCost(found, source);
      hasResult = true;
    }
  }

  /** What an SSTable may have of the answer. Its header is decoded only where the table has static columns. */
  private wantsOf(candidate: ReadCandidate) {
    const { coveredClustering, hasPartitionLevelDeletions } = candidate.bounds;
    return {
      rows: this.covers(coveredClustering),
      statics: this.columns.statics.length > 0 && candidate.statistics.header.staticColumns.length > 0,
      deletion: hasPartitionLevelDeletions,
    };
  }

  private pass(candidate: ReadCandidate, outcome: ReadOutcome): void {
    const { descriptor, isMemtable, maxTimestampMicros } = candidate;
    this.steps.push({
      descriptor,
      isMemtable,
      outcome,
      maxTimestampMicros,
      cost: { ...noCost(), bytes: candidate.bytes },
    });
  }

  /** Asks the filter, then the index. */
  private async look(candidate: ReadCandidate, isStaticOnly: boolean): Promise<Found | undefined> {
    const { descriptor, isMemtable, maxTimestampMicros, bytes } = candidate;
    if (isMemtable) return this.lookInMemtable(candidate, isStaticOnly);
    const { key } = this.setup;
    const isLast = descriptor.format === 'big' && candidate.place(this.key, this.partitioner) === 'last';
    const filter: FilterAnswer | 'not-asked' = isLast ? 'not-asked' : candidate.askFilter(key);
    const cost: ReadCost = { ...noCost(), bytes };
    const base = { descriptor, isMemtable, maxTimestampMicros, filter, cost };
    if (filter === 'absent') {
      this.steps.push({ ...base, outcome: 'filtered' });
      return undefined;
    }
    const index = descriptor.format === 'bti' ? 'trie' : 'summary';
    const sstable = await candidate.open();
    const entry = candidate.find(sstable, key);
    if (!entry) {
      this.steps.push({ ...base, index, outcome: 'false-positive' });
      return undefined;
    }
    const { blocks, block } = candidate.counted('index', () => this.blockOf(entry));
    const offset = block !== undefined && block !== 'nothing' ? block.position - entry.dataPosition : 0;
    const step: ReadStep = {
      ...base,
      index,
      outcome: 'read',
      position: entry.dataPosition,
      blocks,
      ...(offset > 0 && { blockOffset: offset }),
      ...(isStaticOnly && { isStaticOnly }),
    };
    candidate.startData();
    const found = { candidate, sstable, entry, block, isStaticOnly, step };
    this.steps.push(step);
    this.found.push(found);
    return found;
  }

  /** No filter, no index, no blocks. */
  private async lookInMemtable(candidate: ReadCandidate, isStaticOnly: boolean): Promise<Found | undefined> {
    const sstable = await candidate.open();
    const entry = candidate.find(sstable, this.setup.key);
    if (!entry) return undefined;
    const { descriptor, isMemtable, maxTimestampMicros } = candidate;
    const step: ReadStep = { descriptor, isMemtable, maxTimestampMicros, outcome: 'read', cost: noCost() };
    const found = { candidate, sstable, entry, block: undefined, isStaticOnly, step };
    this.steps.push(step);
    this.found.push(found);
    return found;
  }

  private blockOf(entry: PartitionEntry): {
    readonly blocks: number;
    readonly block: RowBlock | 'nothing' | undefined;
  } {
    const rows = entry.rowIndex();
    const { start } = this.setup.slice;
    if (!rows) return { blocks: 1, block: undefined };
    const block = start.values.length > 0 ? (rows.blockFor(start) ?? 'nothing') : undefined;
    return { blocks: rows.blockCount, block };
  }

  private deletionTime({ sstable, entry }: Found): bigint | undefined {
    const cursor = sstable.cursor(entry.dataPosition);
    if (!cursor.nextPartition() || !cursor.hasPartitionDeletion) return undefined;
    const micros = toBigInt(cursor.partitionDeletion.hi, cursor.partitionDeletion.lo);
    const { untilMicros } = this.setup;
    return untilMicros !== undefined && micros > untilMicros ? undefined : micros;
  }

  /** The columns of all SSTables that have the partition, `undefined` where none has it. */
  header(): SerializationHeader | undefined {
    const { found } = this;
    if (found.length === 0) return undefined;
    const inputs = found.map(({ sstable: { descriptor, header, statistics } }) => ({
      id: descriptor.id,
      header,
      stats: statistics.stats,
    }));
    return outputHeader(inputs, this.setup.definition);
  }

  /** The partition in each SSTable that has it, newest first, opened at its beginning. Can be asked for again. @throws CorruptError */
  open(header: SerializationHeader): ReadSource[] {
    const dropped = droppedTimes(this.setup.definition);
    this.sources = this.found.map((found) => {
      const map = columnMap(found.sstable.header, header, dropped);
      return { found, source: this.sourceOf(found, map).open(this.setup.key) };
    });
    return this.sources.map(({ source }) => source);
  }

  /** Takes the cost of what was read from the sources; not where a query by name has taken it before. */
  settle(): void {
    for (const { found, source } of this.sources) {
      if (this.isByName) continue;
      takeCost(found, source);
    }
  }

  private sourceOf({ sstable, entry, block, isStaticOnly }: Found, map: ColumnMap): ReadSource {
    const { slice, untilMicros } = this.setup;
    const until = untilMicros === undefined ? undefined : { hi: hiOf(untilMicros), lo: loOf(untilMicros) };
    return new ReadSource({ sstable, map, position: entry.dataPosition, slice, block, isStaticOnly, until });
  }

  private queriedColumns(header: SerializationHeader): NameQueryColumns {
    const { definition } = this.setup;
    if (!definition) {
      return { statics: columnKeys(header.staticColumns), regulars: columnKeys(header.regularColumns) };
    }
    const keysOf = (kind: 'static' | 'regular') =>
      columnsOfKind(definition, kind).map((c) => nameKey(columnNameBytes(c)));
    return { statics: keysOf('static'), regulars: keysOf('regular') };
  }

  private isCompact(): boolean {
    const { definition } = this.setup;
    return definition !== undefined && 'flags' in definition && isCompactTable(definition);
  }
}

function noCost(): ReadCost {
  return { bytes: { filter: 0, index: 0, data: 0 }, chunks: 0, unfiltereds: 0, tombstones: 0 };
}

function takeCost({ candidate, sstable, step }: Found, source: ReadSource): void {
  const { cost } = step;
  if (!candidate.isMemtable) cost.bytes.data = candidate.dataBytes;
  cost.chunks = sstable.data.chunksRead ?? 0;
  cost.unfiltereds = source.unfiltereds;
  cost.tombstones = source.tombstones;
}

function identity(header: SerializationHeader, definition: Table | View | undefined): ColumnMap {
  return columnMap(header, header, droppedTimes(definition));
}

/** Memtables, then SSTables by their newest write. */
function newestFirst(candidates: readonly ReadCandidate[]): ReadCandidate[] {
  const timed = candidates.map((candidate) => ({ candidate, micros: candidate.maxTimestampMicros }));
  timed.sort(
    (a, b) =>
      Number(b.candidate.isMemtable) - Number(a.candidate.isMemtable) ||
      (a.micros > b.micros ? -1 : a.micros < b.micros ? 1 : 0),
  );
  return timed.map(({ candidate }) => candidate);
}
