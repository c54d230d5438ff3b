/**
 * The index within a partition, held to its rows as they pass: each block begins at a row or bound, has the clusterings that its entry gives at
 * its ends, and the deletion that is open there.
 *
 *   BIG   blocks of the promoted index in Index.db: first and last clustering, offset, width, deletion open at the end
 *   BTI   tries in Rows.db: separators that lie between the blocks, offset, deletion open at the beginning
 */
import { LsmctlError } from '../../bytes/errors.js';
import { compare64, toBigInt } from '../../bytes/int64.js';
import { clusteringByteComparable } from '../../cql/byte-comparable.js';
import { type ClusteringPrefix, compareClustering } from '../../cql/clustering.js';
import type { CqlType } from '../../cql/type.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { COMPONENT } from '../../sstable/descriptor.js';
import type { DeletionTime } from '../../sstable/row.js';
import type { DeletionState } from '../../sstable/row-buffer.js';
import { type IndexInfo, openPromotedIndex, type PromotedIndex } from '../../sstable/row-index-entry.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { type PreviousClustering, prefixUnder } from './clustering-check.js';
import type { FindingLog, PartitionName } from './finding.js';
import { type BigIndexCursor, BtiIndexCursor, type IndexCursor } from './index-cursor.js';
import type { UnfilteredWatcher } from './row-check.js';
import { TrieCursor } from './trie-cursor.js';

export interface PartitionIndexCheck extends UnfilteredWatcher {
  /** At the end of the partition, which has `bytes` with its end marker. */
  finish(bytes: number, previous: PreviousClustering): void;
}

/** `undefined` where the entry on which `index` stands has no index within its partition, or one that can't be read, which is told. */
export function rowIndexCheck(
  index: IndexCursor,
  descriptor: Descriptor,
  types: readonly CqlType[],
  log: FindingLog,
  nameOf: () => PartitionName,
): PartitionIndexCheck | undefined {
  const component = index instanceof BtiIndexCursor ? COMPONENT.rows : COMPONENT.index;
  try {
    if (index instanceof BtiIndexCursor) return index.rowsEntry && new RowsCheck(index, types, log, nameOf());
    const { source, promotedStart, promotedEnd } = index as BigIndexCursor;
    if (promotedStart === promotedEnd) return undefined;
    const context = { file: source.path, component };
    const promoted = openPromotedIndex(source, promotedStart, promotedEnd, descriptor.version, types, context);
    return new PromotedCheck(promoted, promotedStart, types, log, nameOf());
  } catch (error) {
    if (!(error instanceof LsmctlError)) throw error;
    log.addError('row-index', error, { component, partition: nameOf() });
    return undefined;
  }
}

class PromotedCheck implements PartitionIndexCheck {
  private readonly promoted: PromotedIndex;
  private readonly compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number;
  private readonly log: FindingLog;
  private readonly partition: PartitionName;
  private readonly offset: number;
  private next = 0;
  private block: IndexInfo | undefined;
  private before: IndexInfo | undefined;
  private isBroken = false;

  constructor(
    promoted: PromotedIndex,
    offset: number,
    types: readonly CqlType[],
    log: FindingLog,
    partition: PartitionName,
  ) {
    this.promoted = promoted;
    this.offset = offset;
    this.compare = compareClustering(types);
    this.log = log;
    this.partition = partition;
    this.advance();
  }

  unfiltered(
    c: UnfilteredCursor,
    kind: number,
    offset: number,
    previous: PreviousClustering,
    open: DeletionState,
  ): void {
    const { block } = this;
    if (this.isBroken) return;
    if (!previous.isSet) this.checkHeader(c, offset);
    if (!block || offset < block.offset) return;
    if (offset > block.offset) {
      this.tell('block does not begin at a row', block.offset, offset);
      return;
    }
    if (this.compare(block.first, prefixUnder(c, kind)) !== 0)
      this.tell('first clustering of a block is not that of its first row');
    if (this.before) {
      const { offset: from, width, last, endOpenMarker } = this.before;
      if (from + width !== offset) this.tell('block does not end where the next one begins', from + width, offset);
      if (this.compare(last, previous.toPrefix()) !== 0)
        this.tell('last clustering of a block is not that of its last row');
      if (!sameDeletion(endOpenMarker, open))
        this.tell('deletion open at the end of a block is not the one that is open');
    } else if (this.next !== 1 || previous.isSet) {
      this.tell('first block does not begin at the first row', block.offset, offset);
    }
    this.advance();
  }

  private checkHeader(c: UnfilteredCursor, offset: number): void {
    const { headerLength, deletion } = this.promoted;
    if (headerLength !== offset) this.tell('length of what stands before the rows', headerLength, offset);
    if (!sameTimes(deletion, c)) this.tell('deletion of the partition is another in the index');
  }

  finish(bytes: number, previous: PreviousClustering): void {
    if (this.isBroken) return;
    const last = this.before;
    if (this.block) this.tell('block lies behind the end of the partition', this.block.offset, `below ${bytes}`);
    else if (last) {
      const end = last.offset + last.width;
      // 3.x left the end marker out of the last block
      if (end !== bytes && end !== bytes - 1) this.tell('last block does not end with the partition', end, bytes);
      if (previous.isSet && this.compare(last.last, previous.toPrefix()) !== 0)
        this.tell('last clustering of the last block is not that of the last row');
      if (last.endOpenMarker) this.tell('deletion is open at the end of the partition');
    }
  }

  private advance(): void {
    this.before = this.block;
    this.block = undefined;
    if (this.next >= this.promoted.blockCount) return;
    try {
      this.block = this.promoted.block(this.next++);
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      this.isBroken = true;
      this.log.addError('row-index', error, { component: COMPONENT.index, partition: this.partition });
    }
  }

  private tell(message: string, seen?: number, expected?: number | string): void {
    this.isBroken = true; // one is enough: what follows is told wrongly too
    this.log.add('row-index', message, {
      component: COMPONENT.index,
      offset: this.offset,
      partition: this.partition,
      ...(seen !== undefined && { seen }),
      ...(expected !== undefined && { expected }),
    });
  }
}

class RowsCheck implements PartitionIndexCheck {
  private readonly trie: TrieCursor;
  private readonly index: BtiIndexCursor;
  private readonly form: (prefix: ClusteringPrefix) => Uint8Array;
  private readonly log: FindingLog;
  private readonly partition: PartitionName;
  private readonly root: number;
  private readonly blockCount: number;
  private readonly deletion: DeletionTime | undefined;
  private blocks = 0;
  private offset = -1;
  private openDeletion: DeletionTime | undefined;
  private separator = new Uint8Array(0);
  private isBroken = false;

  constructor(index: BtiIndexCursor, types: readonly CqlType[], log: FindingLog, partition: PartitionName) {
    const entry = index.rowsEntry!;
    this.index = index;
    this.root = entry.root;
    this.blockCount = entry.blockCount;
    this.deletion = entry.deletion;
    this.trie = new TrieCursor(index.rows.pages, entry.root);
    this.form = clusteringByteComparable(types);
    this.log = log;
    this.partition = partition;
    this.advance();
  }

  unfiltered(
    c: UnfilteredCursor,
    kind: number,
    offset: number,
    previous: PreviousClustering,
    open: DeletionState,
  ): void {
    if (this.isBroken) return;
    if (!previous.isSet && !sameTimes(this.deletion, c)) this.tell('deletion of the partition is another in Rows.db');
    if (this.offset < 0 || offset < this.offset || this.blocks > this.blockCount) return;
    if (offset > this.offset) {
      this.tell('block does not begin at a row', this.offset, offset);
      return;
    }
    if (!sameDeletion(this.openDeletion, open)) this.tell('deletion open at a block is not the one that is open');
    if (isAfter(this.separator, this.form(prefixUnder(c, kind))))
      this.tell('separator lies after the first row of its block');
    if (previous.isSet && !isAfter(this.separator, this.form(previous.toPrefix()))) {
      this.tell('separator does not lie after the block before');
    }
    this.advance();
  }

  finish(bytes: number, previous: PreviousClustering): void {
    if (this.isBroken) return;
    if (this.offset < 0 || this.blocks !== this.blockCount + 1) {
      this.tell('has another number of blocks', this.blocks - 1, this.blockCount);
      return;
    }
    if (this.offset !== bytes && this.offset !== bytes - 1)
      this.tell('last separator does not tell the end', this.offset, bytes);
    if (previous.isSet && !isAfter(this.separator, this.form(previous.toPrefix())))
      this.tell('last separator does not lie after the last row');
    this.advance();
    if (this.offset >= 0) this.tell('has more blocks than it says', this.blocks - 1, this.blockCount);
  }

  private advance(): void {
    this.offset = -1;
    try {
      if (!this.trie.next()) return;
      const block = this.index.rows.block(this.trie.walker);
      this.blocks++;
      this.offset = block.offset;
      this.openDeletion = block.openDeletion;
      this.separator = this.trie.path.slice(0, this.trie.depth);
    } catch (error) {
      if (!(error instanceof LsmctlError)) throw error;
      this.isBroken = true;
      this.log.addError('row-index', error, { component: COMPONENT.rows, partition: this.partition });
    }
  }

  private tell(message: string, seen?: number, expected?: number): void {
    this.isBroken = true;
    this.log.add('row-index', message, {
      component: COMPONENT.rows,
      offset: this.root,
      partition: this.partition,
      ...(seen !== undefined && { seen }),
      ...(expected !== undefined && { expected }),
    });
  }
}

function isAfter(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) > 0;
}

function sameDeletion(a: DeletionTime | undefined, b: DeletionState): boolean {
  if (!a || !b.isSet) return !a === !b.isSet;
  return a.markedForDeleteAtMicros === toBigInt(b.hi, b.lo) && a.localDeletionSeconds === b.localDeletionSeconds;
}

function sameTimes(a: DeletionTime | undefined, c: UnfilteredCursor): boolean {
  if (!a || !c.hasPartitionDeletion) return !a === !c.hasPartitionDeletion;
  const { hi, lo, localDeletionSeconds } = c.partitionDeletion;
  const micros = a.markedForDeleteAtMicros;
  return (
    compare64(Number(BigInt.asIntN(32, micros >> 32n)), Number(BigInt.asIntN(32, micros)), hi, lo) === 0 &&
    a.localDeletionSeconds === localDeletionSeconds
  );
}
