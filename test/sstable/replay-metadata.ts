/** Tells a collector of an SSTable what the writer of it did: for proofs that what it finishes is what Cassandra wrote. */
import { hasLegacyShards } from '../../src/cql/values/counter.js';
import { MetadataCollector, type MetadataFacts } from '../../src/sstable/metadata/metadata-collector.js';
import type { SSTable } from '../../src/sstable/sstable.js';
import type { StatisticsParts } from '../../src/sstable/statistics.js';
import { END, MARKER, ROW, type UnfilteredCursor } from '../../src/sstable/unfiltered-cursor.js';

const BOUNDARY_KINDS = (1 << 2) | (1 << 5);

/** The parts of Statistics.db for the content of `sstable`; what only the writer knew is taken from the file there. */
export function replayMetadata(sstable: SSTable, known: Partial<MetadataFacts> = {}): StatisticsParts {
  const { header, statistics, descriptor } = sstable;
  const { stats, validation } = statistics;
  const collector = new MetadataCollector(header.clusteringTypes, descriptor.version);
  const { firstKey, lastKey } = replayPartitions(sstable, collector);
  return collector.finish({ ...stats, ...validation, level: stats.sstableLevel, header, firstKey, lastKey, ...known });
}

function replayPartitions(sstable: SSTable, collector: MetadataCollector) {
  const cursor = sstable.cursor();
  let firstKey: Uint8Array | undefined;
  let more = cursor.nextPartition();
  while (more) {
    const { partitionPosition } = cursor;
    const key = cursor.key.slice(0, cursor.keyLength);
    firstKey ??= key;
    replayPartition(cursor, collector);
    more = cursor.nextPartition();
    collector.addPartitionSize((more ? cursor.partitionPosition : sstable.data.length) - partitionPosition);
    collector.addKey(key, key.length);
    collector.addCellsPerPartition();
    if (!more) return { firstKey, lastKey: key };
  }
  return { firstKey: new Uint8Array(0), lastKey: new Uint8Array(0) };
}

function replayPartition(cursor: UnfilteredCursor, collector: MetadataCollector): void {
  if (cursor.hasPartitionDeletion) {
    const { hi, lo, localDeletionSeconds } = cursor.partitionDeletion;
    collector.updatePartitionDeletion(hi, lo, localDeletionSeconds);
  }
  if (cursor.readStaticRow() && !cursor.isEmptyRow()) replayRow(cursor, collector);
  for (let kind = cursor.nextUnfiltered(); kind !== END; kind = cursor.nextUnfiltered()) {
    const { clusteringStart, clusteringEnd, clusteringSize } = cursor;
    if (kind === ROW) {
      collector.updateClustering(cursor.in.buf, clusteringStart, clusteringEnd);
      replayRow(cursor, collector);
    } else if (kind === MARKER) {
      collector.updateBound(cursor.boundKind, cursor.in.buf, clusteringStart, clusteringEnd, clusteringSize);
      const isBoundary = BOUNDARY_KINDS & (1 << cursor.boundKind);
      for (const { hi, lo, localDeletionSeconds } of isBoundary
        ? [cursor.deletion, cursor.openDeletion]
        : [cursor.deletion]) {
        collector.updateDeletion(hi, lo, localDeletionSeconds);
      }
    }
  }
}

function replayRow(cursor: UnfilteredCursor, collector: MetadataCollector): void {
  if (cursor.hasLiveness) {
    const { livenessHi, livenessLo, livenessTtl, livenessLocalExpiration } = cursor;
    collector.updateLiveness(livenessHi, livenessLo, livenessTtl, livenessLocalExpiration);
  }
  if (cursor.hasDeletion) {
    const { hi, lo, localDeletionSeconds } = cursor.deletion;
    collector.updateDeletion(hi, lo, localDeletionSeconds);
  }
  let columnsSet = 0;
  while (cursor.nextColumn()) {
    const { type } = cursor.column;
    const isCounter = type.kind === 'native' && type.name === 'counter';
    if (cursor.hasComplexDeletion) {
      const { hi, lo, localDeletionSeconds } = cursor.complexDeletion;
      collector.updateDeletion(hi, lo, localDeletionSeconds);
    }
    if (cursor.cellsLeft > 0) columnsSet++;
    while (cursor.nextCell()) {
      collector.updateCell(cursor.cellHi, cursor.cellLo, cursor.cellTtl, cursor.cellLocalDeletion);
      if (isCounter && !cursor.cellIsDeleted && hasLegacyShards(cursor.in.buf, cursor.valueStart, cursor.valueEnd)) {
        collector.setHasLegacyCounterShards();
      }
    }
  }
  collector.updateRow(columnsSet);
}
