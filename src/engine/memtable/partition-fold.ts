/**
 * The records of one partition as one, by the merge that compactions use: rows that deletions of the partition or of ranges cover go, as they do
 * when a node flushes. Many records are merged by 64 at a time, and what comes of that again.
 */

import { toBigInt } from '../../bytes/int64.js';
import { ByteWriter } from '../../bytes/writer.js';
import { writeDeletionTime } from '../../sstable/deletion-time.js';
import type { Partitioner } from '../../sstable/partitioner.js';
import { type DeletionState, RowBuffer } from '../../sstable/row-buffer.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { END, ROW } from '../../sstable/unfiltered-cursor.js';
import { UnfilteredWriter } from '../../sstable/unfiltered-writer.js';
import type { Version } from '../../sstable/version.js';
import { compareUnfiltered, type UnfilteredComparator } from '../merge/clustering-order.js';
import { columnMap, hasSameCells, MergeSource } from '../merge/merge-source.js';
import { UnfilteredMerge } from '../merge/unfiltered-merge.js';
import { RecordCursor } from './memory-cursor.js';

/** Records that are merged at a time. */
const FAN = 64;
/** Flags of what ends a record. */
const END_OF_PARTITION = 0x01;

/** How records are read and written. */
export type RecordForm = {
  readonly header: SerializationHeader;
  readonly partitioner: Partitioner;
  readonly version: Version;
};

export type Place = { readonly buf: Uint8Array; readonly start: number; readonly end: number };

class RecordSource extends MergeSource {
  readonly record: RecordCursor;

  constructor({ header, partitioner, version }: RecordForm) {
    const record = new RecordCursor(header, version);
    const map = columnMap(header, header);
    super(record, map, partitioner);
    this.record = record;
    this.copiesCells = hasSameCells(header, header, map);
  }
}

export class PartitionFold {
  private readonly form: RecordForm;
  private readonly merge: UnfilteredMerge;
  private readonly sources: RecordSource[] = [];
  private readonly group: RecordSource[] = [];
  /** Two outputs: what one holds is merged into the other. */
  private readonly outs: readonly FoldOutput[];
  private empty: Uint8Array | undefined;
  /** Runs of rows, and cursors on two that are next to each other. */
  private readonly joined = new ByteWriter(1 << 12);
  private readonly rowCursors: readonly RecordCursor[];
  private readonly compareRows: UnfilteredComparator;

  constructor(form: RecordForm) {
    this.form = form;
    this.rowCursors = [new RecordCursor(form.header, form.version), new RecordCursor(form.header, form.version)];
    this.compareRows = compareUnfiltered(form.header.clusteringTypes);
    this.merge = new UnfilteredMerge(form.header);
    this.outs = [new FoldOutput(form), new FoldOutput(form)];
  }

  /** @param records of one partition, at least one. @returns where the merged one is, good until the next call */
  fold(records: readonly Place[]): Place {
    let current = records.length === 1 ? [records[0]!, this.nothing()] : records;
    for (let round = 0; ; round++) {
      const out = this.outs[round & 1]!;
      out.bytes.pos = 0;
      const ends: number[] = [];
      for (let from = 0; from < current.length; from += FAN) {
        this.mergeInto(out, current, from, Math.min(current.length, from + FAN));
        ends.push(out.bytes.pos);
      }
      const { buf } = out.bytes;
      current = ends.map((end, i) => ({ buf, start: ends[i - 1] ?? 0, end }));
      if (current.length === 1) return current[0]!;
    }
  }

  /**
   * The same of records that are one row each and nothing else: those that came in the order of their rows, as measurements do, are joined to runs,
   * and runs are merged.
   */
  foldRows(records: readonly Place[]): Place {
    const runs = this.runsOf(records);
    if (!runs) return this.fold(records);
    return runs.length === 1 ? runs[0]! : this.fold(runs);
  }

  /** `undefined` where records come in no order, so that it is not worth it. */
  private runsOf(records: readonly Place[]): Place[] | undefined {
    const { joined: out, rowCursors, compareRows } = this;
    const starts: number[] = [];
    out.pos = 0;
    for (let i = 0; i < records.length; i++) {
      const { buf, start, end } = records[i]!;
      const cursor = rowCursors[i & 1]!;
      cursor.stand(buf, start, end);
      cursor.nextUnfiltered();
      if (i === 0 || compareRows(rowCursors[(i + 1) & 1]!, ROW, cursor, ROW) >= 0) {
        if (starts.length * 2 > FAN) return undefined;
        if (i > 0) out.u8(END_OF_PARTITION);
        starts.push(out.pos);
        out.bytes(buf, start, cursor.position);
      }
      out.bytes(buf, cursor.position, end - 1);
    }
    out.u8(END_OF_PARTITION);
    const { buf, pos } = out;
    return starts.map((start, i) => ({ buf, start, end: starts[i + 1] ?? pos }));
  }

  private mergeInto(out: FoldOutput, records: readonly Place[], from: number, to: number): void {
    const { group, merge } = this;
    const n = to - from;
    for (let i = 0; i < n; i++) {
      const { buf, start, end } = records[from + i]!;
      let source = this.sources[i];
      if (!source) {
        source = new RecordSource(this.form);
        this.sources[i] = source;
      }
      source.record.stand(buf, start, end);
      group[i] = source;
    }
    merge.begin(group, n);
    const { cursor } = group[0]!;
    writePartitionHead(out.bytes, cursor.key, cursor.keyLength, merge.deletion, this.form.version);
    if (cursor.hasStatic) out.rows.row(merge.staticRow, 0);
    for (let kind = merge.step(); kind !== END; kind = merge.step()) {
      if (kind === ROW) out.rows.row(merge.row, 0);
      else out.rows.marker(merge.marker, 0);
    }
    out.rows.endOfPartition();
  }

  /** A partition with nothing in it: merged with it, a record's own deletions take effect. */
  private nothing(): Place {
    if (!this.empty) {
      const out = new FoldOutput(this.form);
      const row = new RowBuffer();
      row.clearStatic();
      writePartitionHead(out.bytes, NO_KEY, 0, row.deletion, this.form.version);
      if (this.form.header.staticColumns.length > 0) out.rows.row(row, 0);
      out.rows.endOfPartition();
      this.empty = out.bytes.toBytes();
    }
    return { buf: this.empty, start: 0, end: this.empty.length };
  }
}

const NO_KEY = new Uint8Array(0);

class FoldOutput {
  readonly bytes = new ByteWriter(1 << 12);
  readonly rows: UnfilteredWriter;

  constructor({ header, version }: RecordForm) {
    this.rows = new UnfilteredWriter(header, version, this.bytes);
  }
}

/** What a partition begins with: its key and its deletion. */
export function writePartitionHead(
  out: ByteWriter,
  key: Uint8Array,
  keyLength: number,
  deletion: DeletionState,
  version: Version,
): void {
  out.u16(keyLength);
  out.bytes(key, 0, keyLength);
  const { hi, lo, localDeletionSeconds } = deletion;
  const time = deletion.isSet ? { markedForDeleteAtMicros: toBigInt(hi, lo), localDeletionSeconds } : undefined;
  writeDeletionTime(time, version, out);
}
