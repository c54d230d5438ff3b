/** Dumps of fixtures in one of the formats, as text. */
import fs from 'node:fs';
import path from 'node:path';
import { diskStorage } from '../../src/bytes/source.js';
import { columnsOfKind, findTable, type Schema } from '../../src/cql/schema.js';
import { loadSchema } from '../../src/engine/schema-loader.js';
import type { UnfilteredFilter } from '../../src/engine/unfiltered-filter.js';
import { CqlWriter } from '../../src/render/dump-cql.js';
import { CsvWriter } from '../../src/render/dump-csv.js';
import { NdjsonWriter } from '../../src/render/dump-ndjson.js';
import { TableWriter } from '../../src/render/dump-table.js';
import {
  type DumpContext,
  defaultKeyNames,
  type PartitionWriter,
  type TextSink,
} from '../../src/render/partition-writer.js';
import { SSTableDebugWriter } from '../../src/render/sstabledump-debug.js';
import type { SerializationHeader } from '../../src/sstable/serialization-header.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { FIXTURES } from '../fixtures.js';

type Make = (header: SerializationHeader, context: DumpContext, sink: TextSink) => PartitionWriter;

export const FORMATS = {
  ndjson: (...args) => new NdjsonWriter(...args),
  cql: (...args) => new CqlWriter(...args),
  csv: (...args) => new CsvWriter(...args),
  table: (...args) => new TableWriter(...args),
  debug: (header, _, sink) => new SSTableDebugWriter(header, sink),
} satisfies Record<string, Make>;
export type Format = keyof typeof FORMATS;

const schemas = new Map<string, Promise<Schema>>();

/** The schema of a fixture, from its own system_schema. */
function schemaOf(fixture: string): Promise<Schema> {
  const data = path.join(FIXTURES, fixture, 'data');
  const known = schemas.get(fixture) ?? loadSchema(diskStorage, [data], { nowSeconds: 0 }).then(({ schema }) => schema);
  schemas.set(fixture, known);
  return known;
}

/** When the fixture was made: its short TTLs are over. */
export function clockOf(fixture: string): number {
  return Number(fs.readFileSync(path.join(FIXTURES, fixture, 'clock'), 'utf8'));
}

export type DumpOptions = {
  readonly filter?: UnfilteredFilter;
  readonly nowSeconds?: number;
  /** Stop after that many partitions. */
  readonly partitions?: number;
};

/** @param name of a Data.db, relative to the fixtures: FIXTURE/data/KEYSPACE/TABLE-ID/SSTABLE */
export async function dumpText(format: Format, name: string, options: DumpOptions = {}): Promise<string> {
  const [fixture, , keyspace, folder] = name.split('/') as [string, string, string, string];
  const table = folder.replace(/-[0-9a-f]{32}$/, '');
  const sstable = await openSSTable(diskStorage, path.join(FIXTURES, name));
  try {
    const schema = findTable(await schemaOf(fixture), keyspace, table);
    const names = defaultKeyNames(sstable.header);
    const columns = (kind: 'partition_key' | 'clustering', otherwise: readonly string[]) => {
      const known = schema ? columnsOfKind(schema, kind).map((column) => column.name) : [];
      return known.length === otherwise.length ? known : otherwise;
    };
    const context: DumpContext = {
      keyspace,
      table,
      sstable: `${table}/${path.basename(name)}`,
      partitionKey: columns('partition_key', names.partitionKey),
      clustering: columns('clustering', names.clustering),
      ...(schema && { columns: schema.columns.map((column) => column.name) }),
      nowSeconds: options.nowSeconds ?? clockOf(fixture),
    };
    const parts: Buffer[] = [];
    const writer = FORMATS[format](sstable.header, context, { write: (bytes) => void parts.push(Buffer.from(bytes)) });
    const cursor = sstable.cursor();
    writer.begin();
    for (let n = 0; n < (options.partitions ?? Number.POSITIVE_INFINITY) && cursor.nextPartition(); n++) {
      writer.partition(cursor, options.filter);
    }
    writer.end();
    writer.flush();
    return Buffer.concat(parts).toString();
  } finally {
    sstable.close();
  }
}
