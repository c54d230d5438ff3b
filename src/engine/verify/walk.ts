/**
 * One pass over an SSTable's partitions, index and data side by side.
 *
 *   by the index   each entry in turn: the key that it leads to is read from Data.db, and nothing else of the partition (default level)
 *   by the data    each partition in turn, all of it decoded, with the index entry that should lead to it (deep level)
 *
 * A partition that can't be read is passed over to the next one that the index knows. Memory is flat.
 */
import { CorruptError, LsmctlError } from '../../bytes/errors.js';
import { DataCursor } from '../../sstable/data-cursor.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import type { EstimatedHistogramBuilder } from '../../sstable/metadata/estimated-histogram.js';
import type { MetadataCollector } from '../../sstable/metadata/metadata-collector.js';
import { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import type { CheckedData } from './checked-data.js';
import type { FindingLog } from './finding.js';
import { BigIndexCursor, hexOf, type IndexCursor } from './index-cursor.js';
import { IndexLane } from './index-lane.js';
import { type KeyCheck, nameOf } from './key-check.js';
import type { Parts } from './parts.js';
import type { RowCheck } from './row-check.js';
import { type PartitionIndexCheck, rowIndexCheck } from './row-index-check.js';
import { RowLane } from './row-lane.js';
import type { SummaryCheck } from './summary-check.js';

export type WalkParts = {
  readonly parts: Parts;
  readonly log: FindingLog;
  /** Absent where it can't be opened. */
  index: IndexCursor | undefined;
  readonly data: CheckedData | undefined;
  readonly keys: KeyCheck;
  readonly summary: SummaryCheck | undefined;
  /** Sizes of partitions, as far as the index tells them. */
  readonly sizes: EstimatedHistogramBuilder;
  /** Told how much of Data.db is done, in plain bytes. */
  readonly onPosition: (position: number) => void;
  /** Whether entries that are as they should be may take the fast lane. */
  readonly hasLane: boolean;
  /** Partitions that begin in these plain bytes of Data.db alone; the index stands before the first of them. Absent: all. */
  readonly range?: WalkRange;
};

export type WalkRange = { readonly start: number; readonly end: number };

export type Walked = {
  /** Every entry of the index was read, and leads where it should. */
  readonly indexIsSound: boolean;
  /** Every key was seen. */
  readonly keysAreComplete: boolean;
  /** Partitions that could not be read, or not to their end. */
  readonly unread: number;
  /** Where the walk ended: the next partition, if the walk was of a range. */
  readonly position: number;
};

class Walk {
  readonly parts: WalkParts;
  readonly log: FindingLog;
  isIndexSound = true;
  isComplete = true;
  unread = 0;
  /** Whether `parts.index` stands on an entry. */
  hasEntry = false;
  private previousPosition: number;
  private hasPrevious = false;
  private readonly isFirst: boolean;

  constructor(parts: WalkParts) {
    this.parts = parts;
    this.log = parts.log;
    this.previousPosition = (parts.range?.start ?? 0) - 1;
    this.isFirst = parts.range === undefined || parts.range.start === 0;
    if (!parts.index) this.loseIndex();
  }

  private loseIndex(): void {
    this.isIndexSound = false;
    this.isComplete = false;
    this.hasEntry = false;
  }

  /** Goes to the next entry that can be one: those that point backwards are told and passed over. */
  advance(): boolean {
    const { index, summary, sizes } = this.parts;
    this.hasEntry = false;
    if (!index) return false;
    try {
      while (index.next()) {
        if (index instanceof BigIndexCursor) summary?.entry(index.position, index.key, index.keyLength);
        const { dataPosition } = index;
        if (dataPosition <= this.previousPosition || dataPosition >= this.length) {
          this.tellIndex(
            'index',
            'entry points before the one before it, or behind the data',
            dataPosition,
            this.previousPosition + 1,
          );
          continue;
        }
        if (this.hasPrevious) sizes.add(dataPosition - this.previousPosition);
        else if (dataPosition !== 0 && this.isFirst) {
          this.tellIndex('index-incomplete', 'first entry does not lead to the first partition', dataPosition, 0);
        }
        this.previousPosition = dataPosition;
        this.hasPrevious = true;
        this.hasEntry = true;
        return true;
      }
      if (this.hasPrevious && Number.isFinite(this.length)) sizes.add(this.length - this.previousPosition);
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      this.log.addError('index', error, { component: error.facts.component ?? index.component });
      this.loseIndex();
      this.parts.index = undefined;
    }
    return false;
  }

  /** Where entries are read one by one from here on, after those that `lane` has passed. */
  passBy(lane: IndexLane): void {
    if (this.hasPrevious && this.parts.index) this.previousPosition = lane.run(this.previousPosition);
  }

  /** Where partitions are read one by one from here on, after those that `lane` has passed. */
  passRowsBy(lane: RowLane, position: number): number {
    if (!this.hasPrevious || !this.parts.index || !this.hasEntry) return position;
    const next = lane.run(this.previousPosition);
    if (next > position) this.previousPosition = lane.lastPosition;
    return next;
  }

  get length(): number {
    return this.parts.data?.length ?? Number.POSITIVE_INFINITY;
  }

  tellIndex(
    rule: 'index' | 'index-incomplete',
    message: string,
    seen: string | number,
    expected: string | number,
  ): void {
    const index = this.parts.index!;
    this.isIndexSound = false;
    this.log.add(rule, message, { component: index.component, offset: index.position, seen, expected });
  }

  /** The entry's own key, where Index.db has it: data that can't be read hides it from nobody. */
  addIndexKey(): void {
    const { index, keys } = this.parts;
    if (index instanceof BigIndexCursor) keys.add(index.key, index.keyLength, index.dataPosition);
    else this.isComplete = false;
  }

  /** Whether a failure in reading is told with its chunk. */
  isOfBadChunk(error: LsmctlError, position: number): boolean {
    const { data } = this.parts;
    if (!data) return true;
    if (error.facts.chunk !== undefined) return data.isBad(error.facts.chunk);
    return (
      data.isBad(Math.floor((error.facts.offset ?? position) / data.chunkLength)) ||
      data.isBad(Math.floor(position / data.chunkLength))
    );
  }

  finish(position: number): Walked {
    return { indexIsSound: this.isIndexSound, keysAreComplete: this.isComplete, unread: this.unread, position };
  }
}

/** By the index. */
export function walkIndex(parts: WalkParts): Walked {
  const lane = laneOf(parts);
  try {
    return walkEntries(parts, lane);
  } finally {
    lane?.close();
  }
}

function walkEntries(parts: WalkParts, lane: IndexLane | undefined): Walked {
  const walk = new Walk(parts);
  const { data, keys } = parts;
  const cursor = data && new DataCursor(data);
  let key = new Uint8Array(256);
  const end = parts.range?.end ?? Number.POSITIVE_INFINITY;
  for (;;) {
    if (lane) walk.passBy(lane);
    if (!walk.advance()) break;
    const index = parts.index!;
    const position = index.dataPosition;
    if (position >= end) return walk.finish(position);
    if (!cursor) {
      walk.addIndexKey();
      continue;
    }
    let length = 0;
    try {
      cursor.seek(position);
      length = cursor.u16();
      cursor.need(length);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      walk.unread++;
      walk.addIndexKey();
      if (walk.isOfBadChunk(error, position)) continue;
      walk.tellIndex('index', 'no partition begins where the entry points', position, 'a partition');
      continue;
    }
    if (length > key.length) key = new Uint8Array(length * 2);
    const { buf, pos } = cursor;
    for (let i = 0; i < length; i++) key[i] = buf[pos + i]!;
    const other = index.contradiction(key, length);
    if (other === undefined) {
      keys.add(key, length, position);
      continue;
    }
    walk.addIndexKey();
    if (!data!.isBad(Math.floor(position / data!.chunkLength))) {
      walk.tellIndex('index', 'entry is not that of the partition where it points', other, `0x${hexOf(key, length)}`);
    }
  }
  return walk.finish(walk.length);
}

function laneOf({ index, data, keys, summary, sizes, onPosition, hasLane, range }: WalkParts): IndexLane | undefined {
  if (!hasLane || !data || !(index instanceof BigIndexCursor) || !keys.isMurmur3) return undefined;
  const end = range?.end ?? data.length;
  return new IndexLane({ index, data, keys, summary, sizes, onPosition, end });
}

export type RowWalk = {
  readonly rows: RowCheck;
  readonly collector: MetadataCollector;
  /** See {@link RowLaneParts.future}. */
  readonly future: readonly [hi: number, lo: number];
};

/** Plain bytes after which somebody wants to hear how far it is. */
const TOLD_BYTES = 1 << 20;

type DataParts = WalkParts & { readonly data: CheckedData };

/** By the data, all of it. */
export function walkData(parts: DataParts, deep: RowWalk): Walked {
  const { header, descriptor } = parts.parts;
  const cursor = new UnfilteredCursor(new DataCursor(parts.data), header!, descriptor.version);
  const { index, keys, summary, sizes, onPosition, hasLane, range } = parts;
  const end = range?.end ?? parts.data.length;
  const lane = hasLane
    ? RowLane.open({ ...deep, cursor, data: parts.data, index, keys, summary, sizes, onPosition, end })
    : undefined;
  try {
    return walkPartitions(parts, deep, cursor, lane);
  } finally {
    lane?.close();
  }
}

function walkPartitions(
  parts: DataParts,
  { rows, collector }: RowWalk,
  cursor: UnfilteredCursor,
  lane: RowLane | undefined,
): Walked {
  const own: WalkParts = parts;
  const walk = new Walk(own);
  const { data, keys, log, onPosition } = parts;
  const { header, descriptor, partitioner } = parts.parts;
  const types = header!.clusteringTypes;
  walk.advance();
  const { start, end } = parts.range ?? { start: 0, end: data.length };
  let position = start;
  let told = start;
  if (start > 0) cursor.goTo(start, data.length);
  while (position < Math.min(end, data.length)) {
    const index = own.index;
    while (walk.hasEntry && index!.dataPosition < position) {
      walk.tellIndex('index', 'entry points into a partition', index!.dataPosition, position);
      walk.advance();
    }
    const isIndexed = walk.hasEntry && index!.dataPosition === position;
    let isKeyRead = false;
    try {
      if (!cursor.nextPartition()) break;
      const { key, keyLength } = cursor;
      const other = isIndexed ? index!.contradiction(key, keyLength) : undefined;
      keys.add(key, keyLength, position);
      isKeyRead = true;
      let check: PartitionIndexCheck | undefined;
      if (other !== undefined) {
        walk.tellIndex(
          'index',
          'entry is not that of the partition where it points',
          other,
          `0x${hexOf(key, keyLength)}`,
        );
      } else if (isIndexed) {
        check = rowIndexCheck(index!, descriptor, types, log, () => nameOf(partitioner, key, keyLength));
      } else if (index && own.index) {
        walk.isIndexSound = false;
        log.add('index-incomplete', 'partition is not in the index', {
          component: index.component,
          partition: nameOf(partitioner, key, keyLength),
          seen: walk.hasEntry ? `next entry leads to ${index.dataPosition}` : 'no more entries',
          expected: `an entry that leads to ${position}`,
        });
      }
      const last = rows.partition(cursor, check);
      const end = cursor.in.offset;
      check?.finish(end - position, last);
      collector.addPartitionSize(end - position);
      collector.addKey(cursor.key, cursor.keyLength);
      collector.addCellsPerPartition();
      position = end;
      if (lane && isIndexed && other === undefined && !check) position = walk.passRowsBy(lane, end);
      if (isIndexed && own.index) walk.advance();
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      walk.unread++;
      if (!walk.isOfBadChunk(error, position)) {
        const partition = isKeyRead ? { partition: nameOf(partitioner, cursor.key, cursor.keyLength) } : {};
        const offset = error.facts.offset ?? position;
        log.addError('row', error, {
          component: COMPONENT.data,
          offset,
          ...partition,
          plainRange: [position, Math.max(offset, position + 1)],
        });
      }
      if (!isKeyRead && isIndexed) walk.addIndexKey();
      else if (!isKeyRead) walk.isComplete = false;
      while (walk.hasEntry && own.index!.dataPosition <= position) walk.advance();
      if (!walk.hasEntry) {
        walk.isComplete = false;
        break;
      }
      position = own.index!.dataPosition;
      cursor.goTo(position, data.length);
    }
    if (position - told >= TOLD_BYTES) {
      told = position;
      onPosition(position);
    }
  }
  if (end < data.length) {
    const next = walk.hasEntry ? own.index!.dataPosition : undefined;
    if (walk.isComplete && next !== position && position < data.length) {
      const seen = next === undefined ? 'no more entries' : `next entry leads to ${next}`;
      walk.tellIndex('index-incomplete', 'partition is not in the index', seen, `an entry that leads to ${position}`);
    }
    return walk.finish(position);
  }
  while (walk.hasEntry) {
    walk.tellIndex('index', 'entry leads to no partition', own.index!.dataPosition, `below ${position}`);
    walk.advance();
  }
  return walk.finish(position);
}
