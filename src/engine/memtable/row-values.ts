/**
 * What a node checks in every mutation of its log as it reads it (CommitLogReader calls PartitionUpdate.validate), before it knows whether it
 * replays it: the clustering and cells of each row but static ones, held to the types of its schema. One that fails stops its start. Keys, static
 * rows and deletions are not looked at.
 */
import type { CorruptError } from '../../bytes/errors.js';
import type { CqlType } from '../../cql/type.js';
import { pathType, udtFieldIndex } from '../../cql/type-facts.js';
import { validateAsNode } from '../../cql/values/validate.js';
import { INVALID_DELETION_TIME, NO_DELETION_TIME } from '../../sstable/deletion-slot.js';
import type { RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import type { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import {
  type CellWatcher,
  type ColumnTest,
  columnTest,
  testPlainCells,
  type ValueTest,
  valueTest,
} from '../verify/value-check.js';

type ClusteringTest = { readonly type: CqlType; readonly value: ValueTest | undefined; readonly emptyIsValue: boolean };

export class RowValues implements CellWatcher {
  private readonly header: SerializationHeader;
  private readonly columns: readonly ColumnTest[];
  private readonly clusterings: readonly ClusteringTest[];
  private c!: UnfilteredCursor;

  /** @param header whose columns rows have */
  constructor(header: SerializationHeader) {
    this.header = header;
    this.columns = header.regularColumns.map(({ type }) => columnTest(type));
    this.clusterings = header.clusteringTypes.map((type) => ({
      type,
      value: valueTest(type),
      emptyIsValue: validateAsNode(type, NO_BYTES, 0, 0) === undefined,
    }));
  }

  /** @param row of the header's columns, as it was loaded from under the cursor. @throws CorruptError */
  check(c: UnfilteredCursor, row: RowBuffer): void {
    this.c = c;
    this.clustering(c);
    if (row.copiedCells > 0) testPlainCells(this.columns, row.copiedBuf, row.copiedStart, this);
    else this.cells(c, row);
  }

  private clustering(c: UnfilteredCursor): void {
    const { clusterings } = this;
    const { buf } = c.in;
    for (let i = 0; i < clusterings.length; i++) {
      const { type, value, emptyIsValue } = clusterings[i]!;
      const start = c.clusteringStart[i]!;
      const end = c.clusteringEnd[i]!;
      if (start < 0) continue;
      if (start === end ? emptyIsValue : !value || value(buf, start, end)) continue;
      const reason = validateAsNode(type, buf, start, end);
      if (reason !== undefined) throw c.corruptHere(`clustering ${i + 1} is no value of its type: ${reason}`);
    }
  }

  /** The value of a cell that is copied as it stands: see UnfilteredCursor.plainCells. */
  failed(test: ColumnTest, column: number, start: number, end: number): void {
    this.value(this.c, column, test.type, this.c.in.buf, start, end);
  }

  private cells(c: UnfilteredCursor, row: RowBuffer): void {
    for (let k = 0; k < row.columnCount; k++) {
      const column = row.columnIndex[k]!;
      const test = this.columns[column]!;
      for (let i = row.columnStart[k]!; i < row.columnStart[k + 1]!; i++) {
        if (row.cellTtl[i] !== 0 || row.cellLocalDeletion[i] !== NO_DELETION_TIME) this.times(c, column, row, i);
        if (row.isTombstone(i)) this.tombstone(c, column, row, i);
        else this.cell(c, column, test, row, i);
        if (test.isComplex) this.path(c, column, test, row, i);
      }
    }
  }

  private times(c: UnfilteredCursor, column: number, row: RowBuffer, i: number): void {
    const deletion = row.cellLocalDeletion[i];
    if (deletion === INVALID_DELETION_TIME) throw this.corrupt(c, column, 'a cell is deleted at no time that can be');
    if (deletion === NO_DELETION_TIME) throw this.corrupt(c, column, 'a cell with a TTL expires never');
  }

  private tombstone(c: UnfilteredCursor, column: number, row: RowBuffer, i: number): void {
    if (row.valueEnd[i]! > row.valueStart[i]!) throw this.corrupt(c, column, 'a tombstone has a value');
  }

  private cell(c: UnfilteredCursor, column: number, test: ColumnTest, row: RowBuffer, i: number): void {
    const buf = row.cellBuf[i]!;
    const start = row.valueStart[i]!;
    const end = row.valueEnd[i]!;
    if (test.isComplex && test.type.kind === 'udt') {
      const field = udtFieldIndex(test.type, buf.subarray(row.pathStart[i], row.pathEnd[i]));
      this.value(c, column, test.type.fields[field]!.type, buf, start, end);
    } else if (start === end ? !test.emptyIsValue : test.isCounter || (test.value && !test.value(buf, start, end))) {
      this.value(c, column, test.cellType, buf, start, end);
    }
  }

  private path(c: UnfilteredCursor, column: number, test: ColumnTest, row: RowBuffer, i: number): void {
    const buf = row.cellBuf[i]!;
    const start = row.pathStart[i]!;
    const end = row.pathEnd[i]!;
    if (test.path?.(buf, start, end)) return;
    const reason = validateAsNode(pathType(test.type), buf, start, end);
    if (reason !== undefined) throw this.corrupt(c, column, `path of a cell: ${reason}`);
  }

  private value(c: UnfilteredCursor, column: number, type: CqlType, buf: Uint8Array, start: number, end: number): void {
    const reason = validateAsNode(type, buf, start, end);
    if (reason !== undefined) throw this.corrupt(c, column, `value is none of its type: ${reason}`);
  }

  private corrupt(c: UnfilteredCursor, column: number, what: string): CorruptError {
    return c.corruptHere(`column ${this.header.regularColumns[column]!.name}: ${what}`);
  }
}

const NO_BYTES = new Uint8Array(0);
