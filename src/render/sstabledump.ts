/**
 * The text of Cassandra 5.0's `sstabledump`, byte for byte: pretty JSON (the default), `-l` (a partition a line), `-t` (raw times).
 *
 * Its layout has habits of its own that are kept: a cell's fields stay on one line until a `deletion_info` has been printed, after which they
 * break; `position` of a partition is that of its first row; cells that a complex deletion of their own row shadows are left out; counters
 * print as the first bytes of their context.
 *
 * The text is made as bytes from templates that are encoded once: this is the hot path of `lsmctl dump`.
 */

import { compare64 } from '../bytes/int64.js';
import { ByteWriter } from '../bytes/writer.js';
import { udtFieldIndex } from '../cql/type-facts.js';
import { jsonWriter, quotedStringWriter } from '../cql/values/json.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import { KernelPause } from '../engine/kernel-pause.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import { type DeletionSlot, NO_DELETION_TIME } from '../sstable/deletion-slot.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { END, ROW, type UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { DumpMemory, IS_FULL } from './dump-memory.js';
import { InstantWriter } from './instant.js';
import { drain, FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';
import {
  CELLS,
  type ColumnWriter,
  columnWriter,
  type DumpStyle,
  type DumpTexts,
  kernelSetup,
  MARKER,
  NO_CELLS,
  NOTHING,
  templates,
} from './sstabledump-texts.js';

/** Partitions, rows and markers that make it worth having asked the kernel. */
const FEW_STEPS = 6;

/** Writes partitions as they stand under a cursor. */
export class SSTableDumpWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly style: DumpStyle;
  private readonly t: DumpTexts;
  private readonly header: SerializationHeader;
  readonly keyComponents: readonly ValueWriter[];
  private readonly isComposite: boolean;
  readonly clustering: readonly ValueWriter[];
  private readonly statics: readonly ColumnWriter[];
  readonly regulars: readonly ColumnWriter[];
  private readonly instant = new InstantWriter();
  private count = 0;
  /** What was written last: NOTHING of the partition yet, a row with CELLS or NO_CELLS, a MARKER. Its end is written with what follows. */
  private after = NOTHING;
  /** Writes what it knows of what comes under its cursor. */
  private kernel: DumpMemory | undefined;
  private readonly partitionPause = new KernelPause(FEW_STEPS);
  private readonly rowPause = new KernelPause(FEW_STEPS);

  /** @param out filled, and emptied into `sink` now and then; call {@link flush} at the end */
  constructor(
    header: SerializationHeader,
    style: DumpStyle,
    sink: TextSink,
    out: ByteWriter = new ByteWriter(FLUSH_BYTES * 2),
  ) {
    this.out = out;
    this.sink = sink;
    this.style = style;
    this.t = templates(style);
    this.header = header;
    const { keyType } = header;
    this.isComposite = keyType.kind === 'composite';
    this.keyComponents = (keyType.kind === 'composite' ? keyType.components : [keyType]).map((type) =>
      quotedStringWriter(type),
    );
    this.clustering = header.clusteringTypes.map((type) => jsonWriter(type));
    this.statics = header.staticColumns.map((c) => columnWriter(c, style.lines));
    this.regulars = header.regularColumns.map((c) => columnWriter(c, style.lines));
  }

  /** What stands before the first partition. */
  begin(): void {
    if (!this.style.lines) this.out.u8(0x5b);
  }

  /** What stands after the last. */
  end(): void {
    if (!this.style.lines) this.out.ascii(this.count === 0 ? ' ]' : '\n]');
  }

  flush(): void {
    const { out, sink, kernel } = this;
    if (!kernel) {
      drain(out, sink);
      return;
    }
    if (out.pos > 0) sink.write(out.view());
    // a large value may have asked for other memory
    if (out.buf !== kernel.buffer) out.replace(kernel.buffer);
    out.pos = 0;
  }

  /** Whether partitions were written before this writer began (a part of a dump): the first gets its separator. */
  continueAfter(partitions: number): void {
    this.count = partitions;
  }

  /** The partition on which the cursor stands, to its end, or what `filter` wants of it. @throws CorruptError */
  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean {
    if (filter) return this.filtered(c, filter);
    const hasStaticRow = c.readStaticRow();
    const position = hasStaticRow ? c.endOfRow : c.in.offset;
    this.partitionHead(c, position);
    if (hasStaticRow && !c.isEmptyRow()) this.row(c, position);
    this.unfiltereds(c, true);
    return true;
  }

  /** What is left of a partition. @param mayAsk whether the kernel may know what comes next */
  private unfiltereds(c: UnfilteredCursor, mayAsk: boolean): void {
    if (mayAsk && this.kernelRows(c)) return;
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind !== ROW) this.marker(c);
      else if (c.hasLiveness || c.hasDeletion || !c.isEmptyRow()) this.row(c, c.position);
      if (this.out.pos >= FLUSH_BYTES) this.flush();
      if (this.kernelRows(c)) return;
    }
    this.partitionTail();
  }

  // ---- with the kernel

  prepare(c: UnfilteredCursor): void {
    this.flush();
    this.kernel = DumpMemory.open(c, kernelSetup(this.t, this.header, this.style, this));
    if (this.kernel) this.out.replace(this.kernel.buffer);
  }

  partitions(c: UnfilteredCursor, end: number): number {
    const { kernel, partitionPause } = this;
    if (kernel?.cursor !== c) return 0;
    const before = this.count;
    while (c.in.isAtHome && c.nextPartitionIndex >= 0 && partitionPause.isOver) {
      partitionPause.note(this.run(kernel, c.nextPartitionIndex, false, end));
      if (!kernel.isWithin) break;
      this.unfiltereds(c, false);
    }
    return this.count - before;
  }

  /** Lets the kernel go on in a partition. @returns whether that has ended */
  private kernelRows(c: UnfilteredCursor): boolean {
    const { kernel, rowPause } = this;
    if (kernel?.cursor !== c || !c.in.isAtHome || !rowPause.isOver) return false;
    const index = c.leave();
    if (index < 0) return false;
    const steps = this.run(kernel, index, true, 0);
    rowPause.note(kernel.isWithin ? steps : FEW_STEPS);
    return !kernel.isWithin;
  }

  /** @returns how many partitions, rows and markers were written */
  private run(kernel: DumpMemory, index: number, isWithin: boolean, stop: number): number {
    const { out } = this;
    if (out.buf !== kernel.buffer) this.flush();
    kernel.isWithin = isWithin;
    kernel.after = this.after;
    kernel.partitions = this.count;
    kernel.pos = out.pos;
    let steps = 0;
    for (let at = index; ; at = kernel.cursor.in.pos) {
      const reason = kernel.run(at, stop);
      steps += kernel.steps;
      out.pos = kernel.pos;
      if (reason !== IS_FULL) break;
      this.flush();
      kernel.pos = 0;
    }
    this.after = kernel.after;
    this.count = kernel.partitions;
    return steps;
  }

  /** A partition of which the filter wants nothing is left out. */
  private filtered(c: UnfilteredCursor, filter: UnfilteredFilter): boolean {
    const hasStaticRow = c.readStaticRow();
    const position = hasStaticRow ? c.endOfRow : c.in.offset;
    let started = false; // the head is written with the first thing wanted
    const start = () => {
      if (!started) this.partitionHead(c, position);
      started = true;
    };
    if (filter.wantsPartition(c)) start();
    if (hasStaticRow && !c.isEmptyRow() && filter.wantsRow(c)) {
      start();
      this.row(c, position);
    }
    for (let kind = c.nextUnfiltered(); kind !== END; kind = c.nextUnfiltered()) {
      if (kind === ROW) {
        if (c.isEmptyRow() || !filter.wantsRow(c)) continue;
        start();
        this.row(c, c.position);
      } else if (filter.wantsMarker(c)) {
        start();
        this.marker(c);
      }
      if (this.out.pos >= FLUSH_BYTES) this.flush();
    }
    if (started) this.partitionTail();
    return started;
  }

  private partitionHead(c: UnfilteredCursor, position: number): void {
    const { out, t } = this;
    out.template(this.count++ > 0 ? t.nextPartition : t.partition);
    this.key(c.key, c.keyLength);
    out.template(t.position);
    out.decimal(position);
    if (c.hasPartitionDeletion) {
      out.template(t.partitionDeletion);
      this.deletion(c.partitionDeletion);
    }
    out.template(t.rows);
    this.after = NOTHING;
  }

  private partitionTail(): void {
    this.out.template(this.t.endRows[this.after]!);
    if (this.out.pos >= FLUSH_BYTES) this.flush();
  }

  /** A key alone, as `-e` lists them. */
  keyOnly(key: Uint8Array): void {
    const { out } = this;
    out.ascii(this.count++ > 0 ? ', [ ' : ' [ ');
    this.key(key, key.length);
    out.ascii(' ]');
    if (out.pos >= FLUSH_BYTES) this.flush();
  }

  /** The inside of a key's array. */
  private key(key: Uint8Array, length: number): void {
    const { out } = this;
    if (!this.isComposite) {
      this.keyComponents[0]!(key, 0, length, out);
      return;
    }
    // u16 length, value, u8 end-of-component for each; 0xffff first marks the static data of old composites
    let p = length >= 2 && key[0] === 0xff && key[1] === 0xff ? 2 : 0;
    for (let i = 0; i < this.keyComponents.length && p < length; i++) {
      const size = (key[p]! << 8) | key[p + 1]!;
      if (i > 0) out.template(this.t.keySeparator);
      this.keyComponents[i]!(key, p + 2, Math.min(length, p + 2 + size), out);
      p += 2 + size;
      if (key[p++] !== 0) break;
    }
  }

  private row(c: UnfilteredCursor, position: number): void {
    const { out, t } = this;
    out.template(c.isStatic ? t.staticRow : t.row[this.after]!);
    out.decimal(position);
    if (!c.isStatic && c.clusteringSize > 0) {
      out.template(t.clustering);
      this.clusteringValues(c);
      out.template(t.endClustering);
    }
    if (c.hasLiveness && c.livenessTtl === 0 && !c.hasDeletion) {
      out.template(t.liveness);
      this.micros(c.livenessHi, c.livenessLo);
      out.template(t.endTimeAndCells);
    } else {
      if (c.hasLiveness) this.liveness(c);
      if (c.hasDeletion) {
        out.template(t.rowDeletion);
        this.deletion(c.deletion);
      }
      out.template(t.cells);
    }
    const columns = c.isStatic ? this.statics : this.regulars;
    let further = 0;
    while (c.nextColumn()) {
      const writer = columns[c.columnIndex]!;
      if (writer.column.isComplex) {
        further = this.complexColumn(c, writer, further);
      } else {
        c.nextCell();
        this.simpleCell(c, writer, further);
        further = 1;
      }
    }
    this.after = further > 0 ? CELLS : NO_CELLS;
  }

  /** @param further 1 where the row has cells already. @returns whether it has now */
  private complexColumn(c: UnfilteredCursor, writer: ColumnWriter, further: number): number {
    const { out, t } = this;
    const d = c.complexDeletion;
    let more = further;
    if (c.hasComplexDeletion) {
      out.template(writer.name[more]!);
      out.template(t.complexDeletion);
      this.deletion(d);
      out.template(t.endInline);
      more = 1;
    }
    while (c.nextCell()) {
      if (c.hasComplexDeletion && compare64(c.cellHi, c.cellLo, d.hi, d.lo) < 0) continue;
      this.complexCell(c, writer, more);
      more = 1;
    }
    return more;
  }

  private clusteringValues(c: UnfilteredCursor): void {
    const { out, t } = this;
    const { buf } = c.in;
    for (let i = 0; i < this.clustering.length; i++) {
      if (i > 0) out.template(t.keySeparator);
      if (i >= c.clusteringSize) out.template(t.star);
      else if (c.clusteringStart[i]! < 0) out.template(t.null);
      else this.clustering[i]!(buf, c.clusteringStart[i]!, c.clusteringEnd[i]!, out);
    }
  }

  private liveness(c: UnfilteredCursor): void {
    const { out, t } = this;
    out.template(t.liveness);
    this.micros(c.livenessHi, c.livenessLo);
    if (c.livenessTtl === 0) {
      out.template(t.endTime);
      return;
    }
    out.template(t.ttl);
    out.decimal(c.livenessTtl);
    out.template(t.expiresAt);
    this.seconds(c.livenessLocalExpiration);
    out.template(c.livenessLocalExpiration < this.style.nowSeconds ? t.expired : t.notExpired);
  }

  private simpleCell(c: UnfilteredCursor, writer: ColumnWriter, further: number): void {
    const { out } = this;
    if (c.cellIsDeleted) {
      out.template(writer.name[further]!);
      this.deletedCell(c);
      return;
    }
    out.template(writer.nameAndValue[further]!);
    writer.value(c.in.buf, c.valueStart, c.valueEnd, out);
    this.cellTimes(c);
  }

  private complexCell(c: UnfilteredCursor, writer: ColumnWriter, further: number): void {
    const { out, t } = this;
    const { buf } = c.in;
    out.template(writer.name[further]!);
    out.template(t.path);
    let value = writer.value;
    if (writer.udt) {
      const field = writer.fields[udtFieldIndex(writer.udt, buf.subarray(c.pathStart, c.pathEnd))]!;
      out.template(field.name);
      value = field.value;
    } else {
      writer.path!(buf, c.pathStart, c.pathEnd, out);
    }
    out.template(t.endPath);
    if (c.cellIsDeleted) {
      this.deletedCell(c);
      return;
    }
    out.template(t.value);
    value(buf, c.valueStart, c.valueEnd, out);
    this.cellTimes(c);
  }

  /** After the name (and path) of a tombstone: the fields after `deletion_info` each break the line. */
  private deletedCell(c: UnfilteredCursor): void {
    const { out, t } = this;
    out.template(t.cellDeletion);
    this.seconds(c.cellLocalDeletion);
    out.template(t.endTime);
    if (this.differsFromRow(c)) {
      out.template(t.tstampBroken);
      this.micros(c.cellHi, c.cellLo);
      out.template(t.quote);
    }
    out.template(t.endBroken);
  }

  private cellTimes(c: UnfilteredCursor): void {
    const { out, t } = this;
    const differs = this.differsFromRow(c);
    if (differs) {
      out.template(t.tstamp);
      this.micros(c.cellHi, c.cellLo);
    }
    if (c.cellTtl === 0 || (c.hasLiveness && c.cellTtl === c.livenessTtl)) {
      out.template(differs ? t.endTime : t.endInline);
      return;
    }
    out.template(differs ? t.ttl : t.cellTtl);
    out.decimal(c.cellTtl);
    out.template(t.expiresAt);
    this.seconds(c.cellLocalDeletion);
    out.template(this.style.nowSeconds < c.cellLocalDeletion ? t.notExpired : t.expired);
  }

  private differsFromRow(c: UnfilteredCursor): boolean {
    return !c.hasLiveness || c.cellLo !== c.livenessLo || c.cellHi !== c.livenessHi;
  }

  private marker(c: UnfilteredCursor): void {
    const { out, t } = this;
    // ordinals of BOUND_KINDS: 0 excl end, 1 incl start, 2 excl end/incl start, 5 incl end/excl start, 6 incl end, 7 excl start
    const kind = c.boundKind;
    if (kind === 2 || kind === 5) {
      out.template(t.boundary[this.after]!);
      this.bound(c, true, kind === 2, c.openDeletion);
      this.bound(c, false, kind === 5, c.deletion);
    } else {
      out.template(t.bound[this.after]!);
      this.bound(c, kind === 1 || kind === 7, kind === 1 || kind === 6, c.deletion);
    }
    this.after = MARKER;
  }

  private bound(c: UnfilteredCursor, isStart: boolean, isInclusive: boolean, deletion: DeletionSlot): void {
    const { out, t } = this;
    out.template(isStart ? t.start : t.end);
    out.template(isInclusive ? t.inclusive : t.exclusive);
    if (c.clusteringSize > 0) {
      out.template(t.boundClustering);
      this.clusteringValues(c);
      out.template(t.endClustering);
    }
    out.template(t.boundDeletion);
    this.deletion(deletion);
    out.template(t.endBound);
  }

  private deletion(d: DeletionSlot): void {
    const { out, t } = this;
    out.template(t.markedDeleted);
    this.micros(d.hi, d.lo);
    out.template(t.localDeleteTime);
    this.seconds(d.localDeletionSeconds);
    out.template(t.endTime);
  }

  /** A time, without the quotes around it. */
  private micros(hi: number, lo: number): void {
    if (this.style.rawTimes) this.out.decimal64(hi, lo);
    else this.instant.micros(this.out, hi, lo);
  }

  private seconds(seconds: number): void {
    const { out } = this;
    if (!this.style.rawTimes) this.instant.seconds(out, seconds);
    else if (seconds === NO_DELETION_TIME) out.ascii('9223372036854775807');
    else out.decimal(seconds);
  }
}
