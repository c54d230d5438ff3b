/** Tells an index writer of the partitions and blocks of an SSTable, as whoever writes its Data.db would. */
import { toBigInt } from '../../src/bytes/int64.js';
import { BOUND_KINDS, type BoundKind, type ClusteringPrefix } from '../../src/cql/clustering.js';
import type { DeletionSlot } from '../../src/sstable/deletion-slot.js';
import type { IndexWriter, WrittenBlock } from '../../src/sstable/index-writer.js';
import type { DeletionTime } from '../../src/sstable/row.js';
import type { SSTable } from '../../src/sstable/sstable.js';
import { END, MARKER, type UnfilteredCursor } from '../../src/sstable/unfiltered-cursor.js';

function deletionOf(slot: DeletionSlot): DeletionTime {
  return { markedForDeleteAtMicros: toBigInt(slot.hi, slot.lo), localDeletionSeconds: slot.localDeletionSeconds };
}

/** What the cursor stands on: its clustering or bound, copied. */
function prefixOf(cursor: UnfilteredCursor, kind: BoundKind): ClusteringPrefix {
  const values = Array.from({ length: cursor.clusteringSize }, (_, i) => {
    const start = cursor.clusteringStart[i]!;
    return start < 0 ? null : new Uint8Array(cursor.in.buf.subarray(start, cursor.clusteringEnd[i]!));
  });
  return { kind, values };
}

/** The deletion that is open after the marker of `kind`. */
function openAfter(cursor: UnfilteredCursor, kind: BoundKind): DeletionTime | undefined {
  if (kind.endsWith('BOUNDARY')) return deletionOf(cursor.openDeletion);
  return kind.endsWith('START_BOUND') ? deletionOf(cursor.deletion) : undefined;
}

/**
 * The blocks of the partition on which the cursor stands: one is complete as soon as it has `blockBytes`; what is left over makes a last one,
 * but only after others.
 */
function tellPartition(cursor: UnfilteredCursor, writer: IndexWriter, blockBytes: number): void {
  const start = cursor.partitionPosition;
  let open: DeletionTime | undefined;
  let block: (Omit<WrittenBlock, 'last' | 'width' | 'openAtEnd'> & { last: ClusteringPrefix }) | undefined;
  let told = 0;
  const tell = (position: number): void => {
    if (!block) return;
    writer.addBlock({ ...block, width: position - block.offset, openAtEnd: open });
    block = undefined;
    told++;
  };
  let headerLength: number | undefined;
  let unfiltered = -1;
  while (unfiltered !== END) {
    unfiltered = cursor.nextUnfiltered();
    const position = cursor.position - start; // where the one before it ends
    headerLength ??= position;
    if (block && position - block.offset >= blockBytes) tell(position);
    if (unfiltered === END) break;
    const kind = unfiltered === MARKER ? BOUND_KINDS[cursor.boundKind]! : 'CLUSTERING';
    const prefix = prefixOf(cursor, kind);
    block ??= { first: prefix, last: prefix, offset: position, openAtStart: open };
    block.last = prefix;
    if (unfiltered === MARKER) open = openAfter(cursor, kind);
  }
  const endPosition = cursor.position - start;
  if (told > 0) tell(endPosition + 1); // after the end marker: Cassandra writes it before it completes the block
  writer.endPartition(
    headerLength!,
    cursor.hasPartitionDeletion ? deletionOf(cursor.partitionDeletion) : undefined,
    endPosition,
  );
}

/** Every partition of the SSTable, its rows cut into blocks of `blockBytes`, then the end. `onKey` gets each key as the writer does. */
export function replayIndex(
  sstable: SSTable,
  writer: IndexWriter,
  blockBytes: number,
  onKey?: (key: Uint8Array, keyLength: number) => void,
): void {
  const cursor = sstable.cursor();
  while (cursor.nextPartition()) {
    writer.startPartition(cursor.key, cursor.keyLength, cursor.partitionPosition);
    onKey?.(cursor.key, cursor.keyLength);
    tellPartition(cursor, writer, blockBytes);
  }
  writer.finish();
}
