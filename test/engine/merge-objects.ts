/**
 * A merge of a few small SSTables as objects, written apart from `src/engine/merge` to check it: what a read of the whole table gives at
 * `nowSeconds`. The rules are Cassandra's (Row.Merger, Cells.reconcile, LivenessInfo.supersedes, UnfilteredRowIterators.merge):
 *
 * - A deletion covers what was written at its timestamp or before. Of the deletions of partition, range, row and complex column the latest counts.
 * - Of two cells the later one stays; of equally late ones a tombstone or expiring cell before a plain one, a tombstone before an expiring cell,
 *   the later deletion or expiry, then the larger value.
 * - A shadowable row deletion is void once the row's own liveness is later.
 */
import { CorruptError, UnsupportedError } from '../../src/bytes/errors.js';
import { type ClusteringPrefix, compareClustering } from '../../src/cql/clustering.js';
import { compareValues } from '../../src/cql/compare.js';
import type { CqlType } from '../../src/cql/type.js';
import { pathType } from '../../src/cql/type-facts.js';
import type { LiveColumn, LivePartition, LiveRow } from '../../src/engine/merge/live-view.js';
import type { Cell, Column, DeletionTime, LivenessInfo, Partition, Row, Unfiltered } from '../../src/sstable/row.js';

export type MergeOptions = {
  /** Of the table, descending ones `reversed`. */
  readonly clusteringTypes: readonly CqlType[];
  /** Cells that expire then or before are gone. */
  readonly nowSeconds: number;
};

/** TTL of the liveness of a row that is known to have expired (LivenessInfo.EXPIRED_LIVENESS_TTL). */
const EXPIRED_LIVENESS_TTL = 0x7fffffff;

/** A version of one partition, all of it in memory. */
type Version = {
  readonly deletion: DeletionTime | undefined;
  readonly staticRow: Row | undefined;
  readonly unfiltereds: readonly Unfiltered[];
};

/**
 * Merges all partitions of all `sources` (one an SSTable, each of the same table) and keeps what lives. Partitions come in the order of the
 * bytes of their keys. @throws UnsupportedError for counters, CorruptError where the sources contradict each other or themselves
 */
export function mergeLive(sources: Iterable<Iterable<Partition>>, options: MergeOptions): LivePartition[] {
  const byKey = new Map<string, { readonly key: Uint8Array; readonly versions: Version[] }>();
  for (const source of sources) {
    for (const partition of source) {
      const id = Buffer.from(partition.key).toString('hex');
      const entry = byKey.get(id) ?? { key: partition.key, versions: [] };
      byKey.set(id, entry);
      const { deletion, staticRow } = partition;
      entry.versions.push({ deletion, staticRow, unfiltereds: [...partition.unfiltereds] });
    }
  }
  const compare = compareClustering(options.clusteringTypes);
  return [...byKey.values()]
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ key, versions }) => mergePartition(key, versions, compare, options.nowSeconds))
    .filter((partition) => partition.staticRow !== undefined || partition.rows.length > 0);
}

type Compare = (a: ClusteringPrefix, b: ClusteringPrefix) => number;

function mergePartition(
  key: Uint8Array,
  versions: readonly Version[],
  compare: Compare,
  nowSeconds: number,
): LivePartition {
  const deletion = versions.reduce<DeletionTime | undefined>(
    (latest, version) => later(latest, version.deletion),
    undefined,
  );
  const statics = versions.flatMap(({ staticRow }) => staticRow ?? []);
  const staticRow = statics.length > 0 ? mergeRows(statics, deletion, nowSeconds) : undefined;
  const rows = mergeUnfiltereds(versions, deletion, compare, nowSeconds);
  return { key, ...(staticRow && { staticRow }), rows };
}

/** One list of unfiltereds, and the range deletion that is open at the place reached. */
type Head = { readonly list: readonly Unfiltered[]; at: number; open: DeletionTime | undefined };

function mergeUnfiltereds(
  versions: readonly Version[],
  partitionDeletion: DeletionTime | undefined,
  compare: Compare,
  nowSeconds: number,
): LiveRow[] {
  const heads: Head[] = versions.map(({ unfiltereds }) => ({ list: unfiltereds, at: 0, open: undefined }));
  const merged: LiveRow[] = [];
  let last: ClusteringPrefix | undefined;
  for (;;) {
    const waiting = heads.filter((head) => head.at < head.list.length);
    if (waiting.length === 0) return merged;
    const first = waiting
      .map((head) => prefixOf(head.list[head.at]!))
      .reduce((least, prefix) => (compare(prefix, least) < 0 ? prefix : least));
    if (last && compare(first, last) <= 0) throw new CorruptError('rows are not in clustering order');
    last = first;
    const rows: Row[] = [];
    for (const head of waiting) {
      const unfiltered = head.list[head.at]!;
      if (compare(prefixOf(unfiltered), first) !== 0) continue;
      head.at++;
      if (unfiltered.kind === 'marker') head.open = unfiltered.open;
      else rows.push(unfiltered);
    }
    if (rows.length === 0) continue;
    const active = heads.reduce((latest, head) => later(latest, head.open), partitionDeletion);
    const row = mergeRows(rows, active, nowSeconds);
    if (row) merged.push(row);
  }
}

function prefixOf(unfiltered: Unfiltered): ClusteringPrefix {
  return unfiltered.kind === 'row'
    ? { kind: 'CLUSTERING', values: unfiltered.clustering }
    : { kind: unfiltered.boundKind, values: unfiltered.values };
}

/** Versions of one row as the one that a read sees; `undefined` where nothing of it lives. */
function mergeRows(rows: readonly Row[], active: DeletionTime | undefined, nowSeconds: number): LiveRow | undefined {
  let liveness: LivenessInfo | undefined;
  let rowDeletion: DeletionTime | undefined;
  let isShadowable = false;
  for (const row of rows) {
    if (row.liveness && (!liveness || livenessSupersedes(row.liveness, liveness))) liveness = row.liveness;
    if (row.deletion && later(rowDeletion, row.deletion) === row.deletion) {
      rowDeletion = row.deletion;
      isShadowable = row.isDeletionShadowable;
    }
  }
  const isShadowed =
    isShadowable && rowDeletion && liveness && liveness.timestampMicros > rowDeletion.markedForDeleteAtMicros;
  const deletion = later(active, isShadowed ? undefined : rowDeletion);
  const cells = mergeColumns(rows, deletion, nowSeconds);
  const lives = liveness && !deletes(deletion, liveness.timestampMicros) && livenessLives(liveness, nowSeconds);
  return lives || cells.size > 0 ? { clustering: rows[0]!.clustering, cells } : undefined;
}

/** What is known of one column over all versions of the row. */
type ColumnVersions = { readonly column: Column; deletion: DeletionTime | undefined; readonly cells: Cell[] };

function mergeColumns(
  rows: readonly Row[],
  active: DeletionTime | undefined,
  nowSeconds: number,
): Map<string, LiveColumn> {
  const columns = new Map<string, ColumnVersions>();
  const versionsOf = (column: Column): ColumnVersions => {
    const known = columns.get(column.name);
    if (known && known.column.isComplex === column.isComplex) return known;
    if (known) {
      throw new CorruptError(`column '${column.name}' is multi-cell in one SSTable and not in another`);
    }
    const added: ColumnVersions = { column, deletion: active, cells: [] };
    columns.set(column.name, added);
    return added;
  };
  for (const row of rows) {
    for (const { column, deletion } of row.complexDeletions) {
      const versions = versionsOf(column);
      versions.deletion = later(versions.deletion, deletion);
    }
    for (const cell of row.cells) versionsOf(cell.column).cells.push(cell);
  }
  const live = new Map<string, LiveColumn>();
  for (const [name, { column, deletion, cells }] of columns) {
    const merged = mergeCells(column, cells, deletion).filter((cell) => cellLives(cell, nowSeconds));
    if (merged.length > 0) live.set(name, { column, cells: merged });
  }
  return live;
}

function mergeCells(column: Column, cells: readonly Cell[], deletion: DeletionTime | undefined): Cell[] {
  if (column.type.kind === 'native' && column.type.name === 'counter') {
    throw new UnsupportedError(`counter column '${column.name}' can't be merged as an object`);
  }
  const byPath = new Map<string, Cell>();
  for (const cell of cells) {
    if (deletes(deletion, cell.timestampMicros)) continue;
    const path = cell.path === undefined ? '' : Buffer.from(cell.path).toString('hex');
    const other = byPath.get(path);
    byPath.set(path, other ? reconcile(other, cell) : cell);
  }
  const merged = [...byPath.values()];
  if (!column.isComplex || merged.length < 2) return merged;
  const compare = compareValues(pathType(column.type));
  return merged.sort((a, b) => compare(a.path!, b.path!));
}

/** The one of two versions of a cell that counts (Cells.reconcile). */
export function reconcile(a: Cell, b: Cell): Cell {
  if (a.timestampMicros !== b.timestampMicros) return a.timestampMicros > b.timestampMicros ? a : b;
  const isPlainA = a.localDeletionSeconds === undefined;
  const isPlainB = b.localDeletionSeconds === undefined;
  if (isPlainA !== isPlainB) return isPlainA ? b : a;
  if (!isPlainA) {
    if (a.isTombstone !== b.isTombstone) return a.isTombstone ? a : b;
    if (a.localDeletionSeconds !== b.localDeletionSeconds) {
      return a.localDeletionSeconds! > b.localDeletionSeconds! ? a : b;
    }
  }
  return Buffer.compare(a.value, b.value) >= 0 ? a : b;
}

function livenessSupersedes(a: LivenessInfo, b: LivenessInfo): boolean {
  if (a.timestampMicros !== b.timestampMicros) return a.timestampMicros > b.timestampMicros;
  const isExpiredA = a.ttlSeconds === EXPIRED_LIVENESS_TTL;
  if (isExpiredA !== (b.ttlSeconds === EXPIRED_LIVENESS_TTL)) return isExpiredA;
  const isExpiringA = a.localExpirationSeconds !== undefined;
  if (isExpiringA !== (b.localExpirationSeconds !== undefined)) return isExpiringA;
  return isExpiringA && a.localExpirationSeconds! > b.localExpirationSeconds!;
}

function livenessLives({ ttlSeconds, localExpirationSeconds }: LivenessInfo, nowSeconds: number): boolean {
  if (ttlSeconds === EXPIRED_LIVENESS_TTL) return false;
  return localExpirationSeconds === undefined || nowSeconds < localExpirationSeconds;
}

function cellLives({ isTombstone, localDeletionSeconds }: Cell, nowSeconds: number): boolean {
  return !isTombstone && (localDeletionSeconds === undefined || nowSeconds < localDeletionSeconds);
}

/** The deletion of the two that supersedes the other; `a` where they are equal. */
function later(a: DeletionTime | undefined, b: DeletionTime | undefined): DeletionTime | undefined {
  if (!a || !b) return a ?? b;
  if (a.markedForDeleteAtMicros !== b.markedForDeleteAtMicros) {
    return a.markedForDeleteAtMicros > b.markedForDeleteAtMicros ? a : b;
  }
  return b.localDeletionSeconds > a.localDeletionSeconds ? b : a;
}

function deletes(deletion: DeletionTime | undefined, timestampMicros: bigint): boolean {
  return deletion !== undefined && timestampMicros <= deletion.markedForDeleteAtMicros;
}
