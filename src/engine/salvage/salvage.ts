/**
 * Keeps of a damaged SSTable what can be read, partition by partition and row by row.
 *
 *   a partition that ends where the next begins is followed without any index
 *   damage within one: what is before it is kept; the rows go on at the next block that the partition's index names and the data confirms
 *   behind it: the next partition that the index names and the data confirms; without an index, the next that can be told from the bytes
 *
 * Bytes that fail a checksum are never looked at. What is kept is unchanged, but for range tombstones that are cut short (partition-output.ts).
 */
import { CorruptError } from '../../bytes/errors.js';
import { hiOf, loOf } from '../../bytes/int64.js';
import { type ClusteringPrefix, compareClustering } from '../../cql/clustering.js';
import { DataCursor } from '../../sstable/data-cursor.js';
import type { DataFile } from '../../sstable/data-file.js';
import { COMPONENT, type Descriptor } from '../../sstable/descriptor.js';
import { MarkerBuffer } from '../../sstable/marker-buffer.js';
import { compareDecorated, type DecoratedKey, decorate, type Partitioner } from '../../sstable/partitioner.js';
import type { DeletionTime } from '../../sstable/row.js';
import { type ColumnMap, DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { SSTableWriter } from '../../sstable/sstable-writer.js';
import { END, ROW, UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { columnMap } from '../merge/merge-source.js';
import { BlockCheck, type CheckedBlock, placeOf } from './block-check.js';
import type { Hint, IndexHints } from './index-hints.js';
import { causeOf, type KeyName, type Loss, type LossCause, MAX_KEYS } from './loss.js';
import { PartitionOutput } from './partition-output.js';
import { PartitionScan } from './partition-scan.js';

export type SalvageSource = {
  readonly descriptor: Descriptor;
  readonly header: SerializationHeader;
  readonly partitioner: Partitioner;
  readonly data: DataFile;
  /** Plain bytes of a chunk, of which one checksum covers all; the length of the data where nothing is checked. */
  readonly chunkLength: number;
  readonly hints: IndexHints;
  /** The last key, as another component knows it. */
  readonly lastKey?: Uint8Array | undefined;
};

export type Salvaged = {
  /** Partitions, rows and range tombstone bounds kept. */
  readonly partitions: number;
  readonly rows: number;
  readonly markers: number;
  readonly losses: readonly Loss[];
};

/** A stretch of partitions that is lost so far. */
type Gap = {
  readonly cause: LossCause;
  readonly start: number;
  readonly keys: KeyName[];
  count: number;
  isCounted: boolean;
  readonly after: KeyName | undefined;
  /** The last key that is lost, where the index tells it. */
  end: Uint8Array | undefined;
};

/** A block of a partition's rows at which its reading goes on. */
type Entry = { readonly position: number; readonly first: ClusteringPrefix; readonly open: DeletionState };

export class Salvage {
  private readonly source: SalvageSource;
  private readonly cursor: UnfilteredCursor;
  private readonly keys: DataCursor;
  private readonly output: PartitionOutput;
  private readonly blocks: BlockCheck;
  private readonly map: ColumnMap;
  private readonly row = new RowBuffer();
  private readonly marker = new MarkerBuffer();
  private readonly deletion = new DeletionState();
  private readonly compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number;
  private readonly losses: Loss[] = [];
  private scan: PartitionScan | undefined;
  private last: DecoratedKey | undefined;
  private gap: Gap | undefined;
  private counts = { partitions: 0, rows: 0, markers: 0 };

  constructor(source: SalvageSource, writer: SSTableWriter) {
    const { data, header, descriptor } = source;
    this.source = source;
    this.cursor = new UnfilteredCursor(new DataCursor(data), header, descriptor.version);
    this.keys = new DataCursor(data);
    this.blocks = new BlockCheck(data, header, descriptor.version);
    this.map = columnMap(header, header);
    const empty = new RowBuffer();
    empty.clearStatic();
    this.output = new PartitionOutput(writer, header.staticColumns.length > 0, empty);
    this.compare = compareClustering(header.clusteringTypes);
  }

  /** @param onProgress is told the position in the plain data now and then */
  run(onProgress: (position: number) => void = () => {}): Salvaged {
    const { length } = this.source.data;
    let position = 0;
    while (position < length) {
      position = this.partitionAt(position);
      onProgress(Math.min(position, length));
    }
    this.loseBehind(length);
    this.closeGap(undefined, length);
    return { ...this.counts, losses: this.losses };
  }

  /** Keeps what can be of the partition that begins at `position`. @returns where to go on */
  private partitionAt(position: number): number {
    const { cursor: c } = this;
    try {
      c.goTo(position, this.source.data.length);
      c.nextPartition();
      const key = this.decorated(c.key.slice(0, c.keyLength));
      if (!this.isNext(key)) throw c.corruptHere('partition is out of order');
      this.deletion.clear();
      if (c.hasPartitionDeletion) {
        const { hi, lo, localDeletionSeconds } = c.partitionDeletion;
        this.deletion.set(hi, lo, localDeletionSeconds);
      }
      this.begin(key, position);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      return this.nextPartition(position, position, error);
    }
    return this.keepRows(position, false);
  }

  private begin(key: DecoratedKey, position: number): void {
    this.closeGap(key, position);
    this.last = key;
    this.output.begin(key.key, key.key.length, this.deletion);
  }

  /** Rows from where the cursor stands to the end of the partition, past what is lost of them. @returns where to go on */
  private keepRows(start: number, isStaticLost: boolean): number {
    const { cursor: c, output } = this;
    let missesStatic = isStaticLost;
    for (;;) {
      let isInStatic = c.hasStatic && !missesStatic && output.lastPlace === undefined;
      try {
        if (isInStatic && c.readStaticRow()) {
          if (!c.isEmptyRow()) {
            this.row.load(c, this.map);
            output.staticRow(this.row);
          }
        }
        isInStatic = false;
        this.copyRows();
        if (output.end()) this.counts.partitions++;
        return c.in.offset;
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error;
        const lostAt = Math.max(c.position, start);
        missesStatic ||= isInStatic;
        const isRangeCut = output.cut();
        const entry = this.nextBlock(start, lostAt);
        this.losses.push({
          kind: 'rows',
          cause: causeOf(error),
          partition: this.nameOf(this.last!),
          start: lostAt,
          end: entry?.position ?? lostAt,
          ...(output.lastPlace && { after: output.lastPlace }),
          ...(entry && { before: entry.first }),
          isHeaderLost: false,
          isStaticLost: isInStatic,
          isRangeCut: isRangeCut || entry?.open.isSet === true,
        });
        if (!entry) {
          if (output.end()) this.counts.partitions++;
          const next = this.nextPartition(lostAt + 1, lostAt, error);
          this.losses[this.losses.length - 1] = { ...this.losses.at(-1)!, ...(this.losses.at(-1)!.kind === 'rows' && { end: next }) } as Loss; // biome-ignore format: one line
          return next;
        }
        output.resume(entry.open);
        c.resumeAt(entry.position, this.source.data.length);
        missesStatic = true;
      }
    }
  }

  /** @throws CorruptError */
  private copyRows(): void {
    const { cursor: c, output } = this;
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind === ROW && c.isEmptyRow()) continue;
      const before = output.lastPlace;
      if (before && this.compare(before, placeOf(c, kind)) >= 0) throw c.corruptHere('row is out of order');
      if (kind === ROW) {
        this.row.load(c, this.map);
        output.row(this.row);
        this.counts.rows++;
      } else {
        this.marker.load(c);
        output.marker(this.marker);
        this.counts.markers++;
      }
    }
  }

  /** The first block of the partition behind `lostAt` that can be read. */
  private nextBlock(start: number, lostAt: number): Entry | undefined {
    const hint = this.source.hints.from(start);
    if (!hint || hint.dataPosition !== start) return undefined;
    if (hint.key && Buffer.compare(hint.key, this.last!.key) !== 0) return undefined;
    return this.blockBehind(hint, lostAt, this.output.lastPlace);
  }

  private blockBehind(hint: Hint, lostAt: number, after: ClusteringPrefix | undefined): Entry | undefined {
    for (const { position, openDeletion } of hint.rows().blocks) {
      if (position <= lostAt) continue;
      const found: CheckedBlock | undefined = this.blocks.check(position, after, (end) => this.isPartitionEnd(end));
      if (found) return { position, first: found.first, open: found.open ?? stateOf(openDeletion) };
    }
    return undefined;
  }

  /** Whether the data ends there, or a partition with a later key begins. */
  private isPartitionEnd(position: number): boolean {
    if (position === this.source.data.length) return true;
    const key = this.keyAt(position);
    return key !== undefined && this.isNext(key);
  }

  /**
   * The next partition that can be read, or read in part, at or behind `from`. What is passed over is lost.
   * @param lostAt where reading failed
   */
  private nextPartition(from: number, lostAt: number, error: CorruptError): number {
    const { hints, data } = this.source;
    this.gap ??= this.gapFrom(lostAt, causeOf(error));
    for (let hint = hints.from(from); hint; hint = hints.from(hint.dataPosition + 1)) {
      // what could not be read at its beginning the first time is no other partition
      const key = hint.dataPosition === lostAt ? undefined : this.confirmed(hint);
      if (key) return hint.dataPosition;
      const next = this.headless(hint);
      if (next !== undefined) return next;
      this.lose(hint);
    }
    if (hints.isSound && this.reachesLastKey()) return data.length;
    this.gap.isCounted = false;
    const { header, descriptor, partitioner } = this.source;
    this.scan ??= new PartitionScan(data, header, descriptor.version, partitioner);
    return this.scan.find(lostAt + 1, this.last, (at) => this.chunkBehind(at)) ?? data.length;
  }

  private chunkBehind(position: number): number {
    const { chunkLength } = this.source;
    return (Math.floor(position / chunkLength) + 1) * chunkLength;
  }

  /** What the index and the last key tell of partitions behind the end of a file that was cut. */
  private loseBehind(length: number): void {
    const { hints, lastKey } = this.source;
    const hint = hints.from(length);
    const end = lastKey ?? hint?.key;
    if (!end || !this.isNext(this.decorated(end))) return;
    this.gap ??= this.gapFrom(length, { message: 'the data ends before', component: COMPONENT.data });
    for (let next = hint; next; next = hints.from(next.dataPosition + 1)) this.lose(next);
    if (!hints.isSound || !this.reachesLastKey()) this.gap.isCounted = false;
  }

  private gapFrom(start: number, cause: LossCause): Gap {
    const after = this.last && this.nameOf(this.last);
    return { cause, start, keys: [], count: 0, isCounted: true, after, end: undefined };
  }

  /** An Index.db that was cut between two entries tells nothing of it. */
  private reachesLastKey(): boolean {
    const { lastKey, descriptor } = this.source;
    if (!lastKey || descriptor.format === 'bti') return true;
    const known = this.gap?.end ?? this.last?.key;
    return known !== undefined && Buffer.compare(known, lastKey) === 0;
  }

  /** The key of the partition that a hint leads to, where the data has it there. */
  private confirmed(hint: Hint): DecoratedKey | undefined {
    const key = this.keyAt(hint.dataPosition);
    if (!key || !this.isNext(key)) return undefined;
    const isSame = hint.key ? Buffer.compare(hint.key, key.key) === 0 : this.source.hints.leadsTo(key.key, hint.dataPosition); // biome-ignore format: one line
    return isSame ? key : undefined;
  }

  /** Keeps the rows of a partition whose beginning is lost, under the key that its index has. @returns where to go on, `undefined` where none can be */
  private headless(hint: Hint): number | undefined {
    if (!hint.key || this.keyAt(hint.dataPosition)) return undefined;
    const key = this.decorated(hint.key);
    if (!this.isNext(key)) return undefined;
    const before = this.last;
    this.last = key;
    const entry = this.blockBehind(hint, hint.dataPosition, undefined);
    this.last = before;
    if (!entry) return undefined;
    const cause = this.gap!.cause;
    this.deletion.copy(stateOf(hint.rows().deletion));
    this.begin(key, hint.dataPosition);
    const { cursor: c, output } = this;
    this.losses.push({
      kind: 'rows',
      cause,
      partition: this.nameOf(key),
      start: hint.dataPosition,
      end: entry.position,
      before: entry.first,
      isHeaderLost: true,
      isStaticLost: c.hasStatic,
      isRangeCut: entry.open.isSet,
    });
    output.resume(entry.open);
    c.resumeAt(entry.position, this.source.data.length);
    return this.keepRows(hint.dataPosition, true);
  }

  private lose(hint: Hint): void {
    const gap = this.gap!;
    const key = hint.key && this.decorated(hint.key);
    // an entry that leads astray, of a partition that was kept
    if (key && !this.isNext(key)) {
      gap.isCounted = false;
      return;
    }
    gap.count++;
    gap.end = hint.key;
    if (key && gap.keys.length < MAX_KEYS) gap.keys.push(this.nameOf(key));
  }

  /** Partitions were lost up to the one that begins at `end`. */
  private closeGap(before: DecoratedKey | undefined, end: number): void {
    const { gap } = this;
    this.gap = undefined;
    if (!gap) return;
    const isCounted = gap.isCounted && this.source.hints.isSound;
    if (isCounted && gap.count === 0) return;
    this.losses.push({
      kind: 'partitions',
      cause: gap.cause,
      start: gap.start,
      end,
      ...(gap.after && { after: gap.after }),
      ...(before && { before: this.nameOf(before) }),
      keys: gap.keys,
      ...(isCounted && { count: gap.count }),
    });
  }

  private keyAt(position: number): DecoratedKey | undefined {
    try {
      this.keys.seek(position);
      return this.decorated(this.keys.bytes(this.keys.u16()));
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      return undefined;
    }
  }

  private decorated(key: Uint8Array): DecoratedKey {
    return decorate(this.source.partitioner, key);
  }

  /** Whether a key comes after all that were kept. */
  private isNext(key: DecoratedKey): boolean {
    return !this.last || compareDecorated(this.source.partitioner, key, this.last) > 0;
  }

  private nameOf({ key, token }: DecoratedKey): KeyName {
    return { key, token: this.source.partitioner.tokenText(token) };
  }
}

function stateOf(deletion: DeletionTime | undefined): DeletionState {
  const state = new DeletionState();
  if (deletion) {
    const { markedForDeleteAtMicros: at, localDeletionSeconds } = deletion;
    state.set(hiOf(at), loOf(at), localDeletionSeconds);
  }
  return state;
}
