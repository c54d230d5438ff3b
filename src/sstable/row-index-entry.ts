/**
 * What stands behind each key in Index.db (BIG): where its partition begins, and for partitions of more than one block the promoted index:
 *
 *   uvint position in Data.db | uvint bytes that follow, 0 for no promoted index
 *   promoted = uvint header length | deletion time of the partition | uvint n | n × IndexInfo | n × i32 offset of the IndexInfo from the first
 *   IndexInfo = first clustering | last clustering | uvint offset | svint width - 65536 | bool, and if so the deletion open at the block's end
 *
 * Offsets of blocks count from the beginning of the partition; the header (key, deletion, static row) lies before the first block.
 */
import type { CursorContext } from '../bytes/cursor.js';
import { toDouble } from '../bytes/int64.js';
import type { ByteSource } from '../bytes/source.js';
import { SourceCursor } from '../bytes/source-cursor.js';
import type { ByteWriter } from '../bytes/writer.js';
import type { ClusteringPrefix } from '../cql/clustering.js';
import type { CqlType } from '../cql/type.js';
import { readClusteringPrefix, writeClusteringPrefix } from './clustering-prefix.js';
import { readDeletionTime, writeDeletionTime } from './deletion-time.js';
import type { DeletionTime } from './row.js';
import type { Version } from './version.js';

const WIDTH_BASE = 64 * 1024;
/** Promoted indexes up to this size are read in one piece, of larger ones what is asked for. */
const WHOLE_BYTES = 1 << 16;
const PIECE_BYTES = 4096;
/** kind, header (twice), offset, width, bool and the i32 offset: no IndexInfo is shorter. */
const MIN_INFO_BYTES = 11;

/** A block of rows and markers. `offset` and `width` in bytes of the plain Data.db, `offset` from the beginning of the partition. */
export type IndexInfo = {
  readonly first: ClusteringPrefix;
  readonly last: ClusteringPrefix;
  readonly offset: number;
  readonly width: number;
  /** Deletion of the range tombstone that is open at the end of the block. */
  readonly endOpenMarker?: DeletionTime | undefined;
};

/** A promoted index, read as far as it is asked for. */
export interface PromotedIndex {
  /** Bytes of key, deletion and static row, before the first block. */
  readonly headerLength: number;
  readonly deletion?: DeletionTime;
  readonly blockCount: number;
  /** @throws CorruptError */
  block(i: number): IndexInfo;
}

/** The promoted index in `source[start, end)`. @throws CorruptError */
export function openPromotedIndex(
  source: ByteSource,
  start: number,
  end: number,
  version: Version,
  types: readonly CqlType[],
  context: CursorContext,
): PromotedIndex {
  const isSmall = end - start <= WHOLE_BYTES;
  const cursor = new SourceCursor(source, context, start, end, isSmall ? end - start : PIECE_BYTES);
  if (isSmall) cursor.need(end - start);
  const headerLength = cursor.uvint();
  const deletion = readDeletionTime(cursor, version);
  const blockCount = cursor.uvint32();
  const infos = cursor.offset;
  if (blockCount < 1 || blockCount * MIN_INFO_BYTES > end - infos) {
    throw cursor.corrupt('number of blocks in the promoted index', {
      seen: blockCount,
      expected: `1 to ${Math.floor((end - infos) / MIN_INFO_BYTES)}`,
    });
  }
  const offsets = end - blockCount * 4;
  return {
    headerLength,
    ...(deletion && { deletion }),
    blockCount,
    block(i) {
      cursor.seek(offsets + i * 4);
      const at = cursor.i32();
      if (at < 0 || infos + at >= offsets) {
        throw cursor.corrupt('offset of a block', {
          offset: offsets + i * 4,
          seen: at,
          expected: `below ${offsets - infos}`,
        });
      }
      cursor.seek(infos + at);
      return readIndexInfo(cursor, version, types);
    },
  };
}

function readIndexInfo(cursor: SourceCursor, version: Version, types: readonly CqlType[]): IndexInfo {
  const first = readClusteringPrefix(cursor, types);
  const last = readClusteringPrefix(cursor, types);
  const offset = cursor.uvint();
  cursor.svint64();
  const width = toDouble(cursor.hi, cursor.lo) + WIDTH_BASE;
  if (width < 0 || !Number.isSafeInteger(width)) throw cursor.corrupt('width of a block', { seen: width });
  const endOpenMarker = cursor.bool() ? readDeletionTime(cursor, version) : undefined;
  return { first, last, offset, width, ...(endOpenMarker && { endOpenMarker }) };
}

/** Appends a promoted index without its length. */
export function writePromotedIndex(
  index: PromotedIndexHeader & { readonly blocks: readonly IndexInfo[] },
  version: Version,
  types: readonly CqlType[],
  out: ByteWriter,
): void {
  writePromotedIndexHeader(index, index.blocks.length, version, out);
  const infos = out.pos;
  const offsets = index.blocks.map((block) => {
    const at = out.pos - infos;
    writeIndexInfo(block, version, types, out);
    return at;
  });
  for (const at of offsets) out.i32(at);
}

export type PromotedIndexHeader = {
  /** Bytes of key, deletion and static row, before the first block. */
  readonly headerLength: number;
  readonly deletion?: DeletionTime | undefined;
};

/** Appends what stands before the blocks of a promoted index. */
export function writePromotedIndexHeader(
  header: PromotedIndexHeader,
  blockCount: number,
  version: Version,
  out: ByteWriter,
): void {
  out.uvint(header.headerLength);
  writeDeletionTime(header.deletion, version, out);
  out.uvint(blockCount);
}

/** Appends one block. */
export function writeIndexInfo(block: IndexInfo, version: Version, types: readonly CqlType[], out: ByteWriter): void {
  writeClusteringPrefix(block.first, types, out);
  writeClusteringPrefix(block.last, types, out);
  out.uvint(block.offset);
  const delta = block.width - WIDTH_BASE;
  out.svint64(Math.floor(delta / 4294967296) | 0, delta | 0);
  out.u8(block.endOpenMarker ? 1 : 0);
  if (block.endOpenMarker) writeDeletionTime(block.endOpenMarker, version, out);
}

/** Appends what stands behind a key: `promoted` is what {@link writePromotedIndex} made, if anything. */
export function writeRowIndexEntry(out: ByteWriter, dataPosition: number, promoted?: Uint8Array): void {
  out.uvint(dataPosition);
  out.uvint(promoted?.length ?? 0);
  if (promoted) out.bytes(promoted);
}

/**
 * The first block that may hold `prefix` or anything after it: the first whose last clustering is not before it. `undefined` past the last.
 */
export function floorBlock(
  index: PromotedIndex,
  prefix: ClusteringPrefix,
  compare: (a: ClusteringPrefix, b: ClusteringPrefix) => number,
): { readonly block: IndexInfo; readonly openDeletion?: DeletionTime } | undefined {
  let low = 0;
  let high = index.blockCount;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (compare(index.block(mid).last, prefix) < 0) low = mid + 1;
    else high = mid;
  }
  if (low === index.blockCount) return undefined;
  const openDeletion = low > 0 ? index.block(low - 1).endOpenMarker : undefined;
  return { block: index.block(low), ...(openDeletion && { openDeletion }) };
}
