/** Tells a MetadataCollector of rows (Cassandra's Rows.collectStats). */
import { isCounter } from '../cql/type-facts.js';
import { hasLegacyShards } from '../cql/values/counter.js';
import type { MetadataCollector } from './metadata/metadata-collector.js';
import type { RowBuffer } from './row-buffer.js';
import type { SerializationHeader } from './serialization-header.js';

export class RowStatistics {
  private readonly metadata: MetadataCollector;
  private readonly isCounterColumn: { readonly statics: readonly boolean[]; readonly regulars: readonly boolean[] };
  private readonly hasCounters: boolean;

  constructor(metadata: MetadataCollector, header: SerializationHeader) {
    this.metadata = metadata;
    this.isCounterColumn = {
      statics: header.staticColumns.map(({ type }) => isCounter(type)),
      regulars: header.regularColumns.map(({ type }) => isCounter(type)),
    };
    this.hasCounters = [...this.isCounterColumn.statics, ...this.isCounterColumn.regulars].includes(true);
  }

  collect(row: RowBuffer): void {
    const { metadata } = this;
    if (row.hasLiveness) {
      metadata.updateLiveness(row.livenessHi, row.livenessLo, row.livenessTtl, row.livenessLocalExpiration);
    }
    if (row.copiedCells > 0) {
      metadata.addCells(row.copiedCells);
      metadata.updateRow(row.copiedCells);
      return;
    }
    const { deletion } = row;
    if (deletion.isSet) metadata.updateDeletion(deletion.hi, deletion.lo, deletion.localDeletionSeconds);
    let columnsSet = 0;
    for (let i = 0; i < row.columnCount; i++) {
      if (row.columnIsDeleted[i] === 1) {
        metadata.updateDeletion(row.columnDeletionHi[i]!, row.columnDeletionLo[i]!, row.columnDeletionLocal[i]!);
      }
      const stop = row.columnStart[i + 1]!;
      const from = row.columnStart[i]!;
      if (stop > from) columnsSet++;
      for (let cell = from; cell < stop; cell++) {
        metadata.updateCell(row.cellHi[cell]!, row.cellLo[cell]!, row.cellTtl[cell]!, row.cellLocalDeletion[cell]!);
      }
      if (this.hasCounters && stop > from) this.collectCounter(row, i, from);
    }
    metadata.updateRow(columnsSet);
  }

  private collectCounter(row: RowBuffer, column: number, cell: number): void {
    const isCounterColumn = row.isStatic ? this.isCounterColumn.statics : this.isCounterColumn.regulars;
    const start = row.valueStart[cell]!;
    const end = row.valueEnd[cell]!;
    if (!isCounterColumn[row.columnIndex[column]!] || row.isTombstone(cell) || end - start < 2) return;
    if (hasLegacyShards(row.cellBuf[cell]!, start, end)) this.metadata.setHasLegacyCounterShards();
  }
}
