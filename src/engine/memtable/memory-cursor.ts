/** Bytes at hand, such as those of a memtable, as the input of a cursor that reads SSTables: nothing is fetched. */
import { DataCursor } from '../../sstable/data-cursor.js';
import type { DataFile } from '../../sstable/data-file.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { UnfilteredCursor } from '../../sstable/unfiltered-cursor.js';
import type { Version } from '../../sstable/version.js';

const NO_FILE: DataFile = {
  file: 'memtable',
  length: 0,
  storedLength: 0,
  windowBytes: 64,
  read: () => 0,
  close: () => {},
};

export class MemoryInput extends DataCursor {
  constructor() {
    super(NO_FILE, 0, 0, 'memtable');
  }

  /** Goes to `buf[start, end)`. */
  take(buf: Uint8Array, start: number, end: number): void {
    this.buf = buf;
    this.pos = start;
    this.end = end;
    this.base = 0;
    this.limit = end;
    this.mark = -1;
    this.fence = Number.POSITIVE_INFINITY;
  }
}

/** Reads partitions that lie in memory, each for itself. */
export class RecordCursor extends UnfilteredCursor {
  private readonly memory: MemoryInput;

  constructor(header: SerializationHeader, version: Version) {
    const memory = new MemoryInput();
    super(memory, header, version);
    this.memory = memory;
  }

  /** Stands at the partition in `buf[start, end)`, whatever became of the one before. */
  stand(buf: Uint8Array, start: number, end: number): void {
    this.memory.take(buf, start, end);
    this.bodyEnd = 0;
    this.inPartition = false;
    this.staticPending = false;
    this.stopped = false;
    this.nextPartition();
  }
}
