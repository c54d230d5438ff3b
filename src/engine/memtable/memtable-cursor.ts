/** Reads a memtable as though it were an SSTable: partitions by token, each once. */
import { Cursor } from '../../bytes/cursor.js';
import { compare64 } from '../../bytes/int64.js';
import { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { MemoryInput } from './memory-cursor.js';
import { PartitionFold, type Place, type RecordForm } from './partition-fold.js';
import { COVERS, LONE_ROW, type RecordIndex, type RecordOrder } from './record-index.js';

export class MemtableCursor extends UnfilteredCursor {
  private readonly memory: MemoryInput;
  private readonly form: RecordForm;
  private readonly index: RecordIndex;
  private readonly chunks: readonly Uint8Array[];
  private readonly order: RecordOrder;
  private next = 0;
  private fold: PartitionFold | undefined;
  private readonly lone: LoneRow;

  constructor(form: RecordForm, index: RecordIndex, chunks: readonly Uint8Array[], order: RecordOrder) {
    const memory = new MemoryInput();
    super(memory, form.header, form.version);
    this.memory = memory;
    this.form = form;
    this.index = index;
    this.chunks = chunks;
    this.order = order;
    this.lone = new LoneRow(form);
  }

  override nextPartition(): boolean {
    const { index, chunks } = this;
    const { records, begins } = this.order;
    if (this.stopped || this.next >= records.length) return false;
    const first = records[this.next]!;
    let end = this.next + 1;
    while (end < records.length && begins[end] === 0) end++;
    const lone = end === this.next + 1 && index.kind[first] !== COVERS ? first : this.latest(this.next, end);
    if (lone >= 0) {
      this.memory.take(chunks[index.chunk[lone]!]!, index.start[lone]!, index.end[lone]!);
    } else {
      const { buf, start, end: to } = this.folded(this.next, end);
      this.memory.take(buf, start, to);
    }
    this.next = end;
    this.bodyEnd = 0;
    this.inPartition = false;
    this.staticPending = false;
    return super.nextPartition();
  }

  /**
   * The record that is later than all others, where each is one row as an INSERT writes it: nothing is left of the others then. −1 where they must
   * be merged.
   */
  private latest(from: number, to: number): number {
    const { index, chunks } = this;
    const { records } = this.order;
    let latest = -1;
    let hi = 0;
    let lo = 0;
    let isTie = false;
    for (let i = from; i < to; i++) {
      const record = records[i]!;
      if (index.kind[record] !== LONE_ROW) return -1;
      const { lone } = this;
      lone.stand(chunks[index.chunk[record]!]!, index.start[record]!);
      const order = latest < 0 ? 1 : compare64(lone.hi, lone.lo, hi, lo);
      isTie = order === 0 || (isTie && order < 0);
      if (order <= 0) continue;
      ({ hi, lo } = lone);
      latest = record;
    }
    return isTie ? -1 : latest;
  }

  private folded(from: number, to: number): Place {
    const { index, chunks, order } = this;
    const places: Place[] = [];
    let areRows = true;
    for (let i = from; i < to; i++) {
      const record = order.records[i]!;
      if (index.kind[record]! < LONE_ROW) areRows = false;
      places.push({ buf: chunks[index.chunk[record]!]!, start: index.start[record]!, end: index.end[record]! });
    }
    this.fold ??= new PartitionFold(this.form);
    return areRows ? this.fold.foldRows(places) : this.fold.fold(places);
  }
}

/** The timestamp of a record that is one plain row (see unfiltered-cursor.ts): microseconds as halves. */
class LoneRow {
  hi = 0;
  lo = 0;
  private readonly in = new Cursor(new Uint8Array(0));
  private readonly minHi: number;
  private readonly minLo: number;
  /** Bytes between the key and the row's sizes: that there is no deletion, and flags. */
  private readonly headBytes: number;

  constructor({ header, version }: RecordForm) {
    this.minHi = header.encodingStats.minTimestampHi;
    this.minLo = header.encodingStats.minTimestampLo;
    this.headBytes = version.hasUIntDeletionTime ? 2 : 13;
  }

  stand(buf: Uint8Array, start: number): void {
    const { in: c, minLo } = this;
    c.buf = buf;
    c.end = buf.length;
    c.pos = start + 2 + ((buf[start]! << 8) | buf[start + 1]!) + this.headBytes;
    c.uvint();
    c.uvint();
    c.uvint64();
    const lo = (c.lo >>> 0) + (minLo >>> 0);
    this.hi = (c.hi + this.minHi + (lo > 0xffffffff ? 1 : 0)) | 0;
    this.lo = lo | 0;
  }
}
