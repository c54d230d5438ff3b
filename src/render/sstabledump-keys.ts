/**
 * The text of Cassandra 5.0's `sstabledump -e`, the keys alone: `[ [ "a" ], [ "b", "c" ]` and `]` on the next line; `[ ]` where there are none.
 * It is the same with `-l`, `-t` and `-d`, and `-k` and `-x` don't count.
 */
import { ByteWriter } from '../bytes/writer.js';
import { quotedStringWriter } from '../cql/values/json.js';
import type { ValueWriter } from '../cql/values/value-writer.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import type { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';
import { KeyColumns } from './partition-key.js';
import { FLUSH_BYTES, type PartitionWriter, type TextSink } from './partition-writer.js';

export class SSTableKeysWriter implements PartitionWriter {
  private readonly out: ByteWriter;
  private readonly sink: TextSink;
  private readonly columns: KeyColumns;
  private readonly writers: readonly ValueWriter[];
  private keys = 0;

  constructor(header: SerializationHeader, sink: TextSink, out: ByteWriter = new ByteWriter(FLUSH_BYTES + 65536 * 8)) {
    this.out = out;
    this.sink = sink;
    this.columns = new KeyColumns(header.keyType);
    this.writers = this.columns.types.map(quotedStringWriter);
  }

  begin(): void {
    this.out.u8(0x5b);
  }

  end(): void {
    this.out.ascii(this.keys === 0 ? ' ]' : '\n]');
  }

  continueAfter(partitions: number): void {
    this.keys = partitions;
  }

  flush(): void {
    if (this.out.pos > 0) this.sink.write(this.out.view());
    this.out.pos = 0;
  }

  /** The key of the partition on which the cursor stands; nothing else of it is read. */
  partition(c: UnfilteredCursor): boolean {
    this.key(c.key, c.keyLength);
    return true;
  }

  /** A key from wherever it comes: the index holds them all. @throws CorruptError where its bytes are no value of their type */
  key(key: Uint8Array, length: number): void {
    const { out, columns } = this;
    out.ascii(this.keys++ > 0 ? ', [ ' : ' [ ');
    columns.split(key, length);
    for (let i = 0; i < columns.count; i++) {
      if (i > 0) out.ascii(', ');
      this.writers[i]!(key, columns.start[i]!, columns.end[i]!, out);
    }
    out.ascii(' ]');
    if (out.pos >= FLUSH_BYTES) this.flush();
  }
}
