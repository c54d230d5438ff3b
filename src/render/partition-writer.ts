/** What a dump's format is: something that writes the partition under a cursor. Formats keep no more of a partition than its current row. */
import type { ByteWriter } from '../bytes/writer.js';
import type { UnfilteredFilter } from '../engine/unfiltered-filter.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import type { UnfilteredCursor } from '../sstable/unfiltered-cursor.js';

/** Takes the bytes of a text as they come. */
export type TextSink = {
  /** Must have used `bytes` when it returns. */
  write(bytes: Uint8Array): void;
  /** Instead of `write`, where there is one: keeps `full`, of which `length` bytes (0 too) are text, and gives other memory for what follows. */
  take?(full: Buffer, length: number): Buffer;
};

/** A writer hands its text to the sink in pieces of about this size. */
export const FLUSH_BYTES = 1 << 18;

/** Hands what `out` holds to `sink`. */
export function drain(out: ByteWriter, sink: TextSink): void {
  if (sink.take) out.replace(sink.take(out.buf, out.pos));
  else if (out.pos > 0) sink.write(out.view());
  out.pos = 0;
}

export interface PartitionWriter {
  /** What stands before the first partition. */
  begin(): void;
  /**
   * The partition on which the cursor stands (its `readStaticRow` not asked yet), to its end, or what `filter` wants of it.
   * @returns whether anything was written. @throws CorruptError
   */
  partition(c: UnfilteredCursor, filter?: UnfilteredFilter): boolean;
  /** Tells under which cursor partitions come from now on, where it is to go on with many at a time. Nothing has been read from it. */
  prepare?(c: UnfilteredCursor): void;
  /**
   * Writes partitions in whole from where the cursor stands, between two, as long as they begin before the position `end`, and as far as that is
   * quicker than one by one. @returns how many. @throws CorruptError
   */
  partitions?(c: UnfilteredCursor, end: number): number;
  /** What stands after the last partition. */
  end(): void;
  /** Hands what is written to the sink. */
  flush(): void;
  /** Tells that another writer wrote this many partitions of the same text before; `begin` is not called then. */
  continueAfter(partitions: number): void;
}

/** What a native format tells of where its rows come from. Plain data: it crosses to worker threads. */
export type DumpContext = {
  readonly keyspace: string;
  readonly table: string;
  /** Path of Data.db as the operator gave it. */
  readonly sstable: string;
  /** Names of the key columns, in their order; from the schema, else Cassandra's defaults for unnamed ones. */
  readonly partitionKey: readonly string[];
  readonly clustering: readonly string[];
  /** Names of all columns that the table has today, where its schema is at hand: others have been dropped. */
  readonly columns?: readonly string[];
  /** The text goes on under a heading that stands already: `begin` is left out. */
  readonly continues?: boolean;
  /** Decides "expired"; seconds since the epoch. */
  readonly nowSeconds: number;
};

/** Names for key columns where no schema is at hand, as Cassandra's tools name them: key, key2 …; column1, column2 … */
export function defaultKeyNames(header: SerializationHeader): { partitionKey: string[]; clustering: string[] } {
  const keys = header.keyType.kind === 'composite' ? header.keyType.components.length : 1;
  return {
    partitionKey: Array.from({ length: keys }, (_, i) => (i === 0 ? 'key' : `key${i + 1}`)),
    clustering: header.clusteringTypes.map((_, i) => `column${i + 1}`),
  };
}
