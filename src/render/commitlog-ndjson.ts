/**
 * Mutations of a commit log as JSON lines: those of dump-ndjson.ts, which begin otherwise:
 *
 *   {"segment":name,"mutation":p,"keyspace":…,"table":…,"kind":KIND,"position":…,"key":{…}, …}
 *
 * `mutation` is the commit log position that names the mutation: where its entry ends. Lines with the same are of one mutation, which is written
 * as a whole or not at all. `position` is that of the row. An update of a table that the schema does not have is one line:
 *
 *   {"segment":name,"mutation":p,"kind":"unknown_table","table_id":uuid,"key":hex[,"least_timestamp":µs],"bytes":of the mutation,"unread_updates":n}
 */
import type { ByteWriter } from '../bytes/writer.js';
import type { SerializationHeader } from '../sstable/serialization-header.js';
import { NdjsonWriter } from './dump-ndjson.js';
import { jsonLine } from './json.js';
import type { DumpContext, TextSink } from './partition-writer.js';

export class MutationNdjsonWriter extends NdjsonWriter {
  private readonly names: string;

  constructor(header: SerializationHeader, context: DumpContext, sink: TextSink, out: ByteWriter) {
    super(header, context, sink, out);
    const { keyspace, table } = context;
    this.names = `${JSON.stringify({ keyspace, table }).slice(1, -1)},"kind":"`;
  }

  /** What follows is of this mutation. */
  at(segment: string, position: number): void {
    this.lineStart = Buffer.from(`{"segment":${JSON.stringify(segment)},"mutation":${position},${this.names}`);
  }
}

export type UnknownUpdate = {
  readonly tableId: string;
  readonly key: Uint8Array;
  /** Microseconds. */
  readonly leastTimestamp?: bigint;
  /** Of the whole mutation. */
  readonly bytes: number;
  /** Updates behind this one, which can't be read. */
  readonly unread: number;
};

export function unknownUpdateLine(segment: string, position: number, update: UnknownUpdate): string {
  return jsonLine({
    segment,
    mutation: position,
    kind: 'unknown_table',
    table_id: update.tableId,
    key: Buffer.from(update.key).toString('hex'),
    least_timestamp: update.leastTimestamp,
    bytes: update.bytes,
    unread_updates: update.unread,
  });
}
