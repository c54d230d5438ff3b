/** Reads a memtable as though it were an SSTable: partitions by token, each once. */
import { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import { MemoryInput } from './memory-cursor.js';
import { PartitionFold, type Place, type RecordForm } from './partition-fold.js';
import type { RecordIndex, RecordOrder } from './record-index.js';

export class MemtableCursor extends UnfilteredCursor {
  private readonly memory: MemoryInput;
  private readonly form: RecordForm;
  private readonly index: RecordIndex;
  private readonly chunks: readonly Uint8Array[];
  private readonly order: RecordOrder;
  private next = 0;
  private fold: PartitionFold | undefined;

  constructor(form: RecordForm, index: RecordIndex, chunks: readonly Uint8Array[], order: RecordOrder) {
    const memory = new MemoryInput();
    super(memory, form.header, form.version);
    this.memory = memory;
    this.form = form;
    this.index = index;
    this.chunks = chunks;
    this.order = order;
  }

  /** Records passed so far, of all. */
  get recordsPassed(): number {
    return this.next;
  }

  override nextPartition(): boolean {
    const { index, chunks } = this;
    const { records, begins } = this.order;
    if (this.stopped || this.next >= records.length) return false;
    const first = records[this.next]!;
    let end = this.next + 1;
    while (end < records.length && begins[end] === 0) end++;
    if (end === this.next + 1 && index.covers[first] === 0) {
      this.memory.take(chunks[index.chunk[first]!]!, index.start[first]!, index.end[first]!);
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

  private folded(from: number, to: number): Place {
    const { index, chunks, order } = this;
    const places: Place[] = [];
    for (let i = from; i < to; i++) {
      const record = order.records[i]!;
      places.push({ buf: chunks[index.chunk[record]!]!, start: index.start[record]!, end: index.end[record]! });
    }
    this.fold ??= new PartitionFold(this.form);
    return this.fold.fold(places);
  }
}
