/** Rows that hold nothing but their clustering, written by hand: JSON lines lose nothing, all other texts leave them out as Cassandra does. */
import { describe, expect, it } from 'vitest';
import { makeFilter } from '../../src/engine/unfiltered-filter.js';
import { CqlWriter } from '../../src/render/dump-cql.js';
import { CsvWriter } from '../../src/render/dump-csv.js';
import { NdjsonWriter } from '../../src/render/dump-ndjson.js';
import { TableWriter } from '../../src/render/dump-table.js';
import type { PartitionWriter, TextSink } from '../../src/render/partition-writer.js';
import { SSTableDumpWriter } from '../../src/render/sstabledump.js';
import { SSTableDebugWriter } from '../../src/render/sstabledump-debug.js';
import { DataCursor } from '../../src/sstable/data-cursor.js';
import { openDataFile } from '../../src/sstable/data-file.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { makeSerializationHeader } from '../../src/sstable/serialization-header.js';
import { UnfilteredCursor } from '../../src/sstable/unfiltered-cursor.js';
import { versionOf } from '../../src/sstable/version.js';
import { memoryStorage } from '../sstable/memory-storage.js';

const INT = 'org.apache.cassandra.db.marshal.Int32Type';
const FILE = '/d/ks/t-5a1c395e/oa-1-big-Data.db';
const STATS = { minTimestampHi: 0, minTimestampLo: 1000, minLocalDeletionSeconds: 1_600_000_000, minTtlSeconds: 0 };
const header = makeSerializationHeader(
  {
    keyType: INT,
    clusteringTypes: [INT],
    staticColumns: [{ nameBytes: Buffer.from('s'), type: INT }],
    regularColumns: [{ nameBytes: Buffer.from('v'), type: INT }],
  },
  STATS,
);

const int = (n: number) => [0, 0, 0, n];
/** Flags and extended flags, size of the rest, size of the previous, no column. */
const EMPTY_STATIC = [0x80, 0x01, 2, 0, 1];
/** Flags, clustering, size of the rest, size of the previous, no column. */
const emptyRow = (clustering: number) => [0x00, 0, ...int(clustering), 2, 0, 1];
/** As that, with liveness of the least timestamp. */
const liveRow = (clustering: number) => [0x04, 0, ...int(clustering), 3, 0, 0, 1];
const partition = (key: number, ...rows: number[][]) => [0, 4, ...int(key), 0x80, ...EMPTY_STATIC, ...rows.flat(), 1];

const DATA = Buffer.from([
  ...partition(1, emptyRow(1), liveRow(5), emptyRow(6)),
  ...partition(2, emptyRow(7)),
  ...partition(3),
]);

async function dump(make: (sink: TextSink) => PartitionWriter, filter?: ReturnType<typeof makeFilter>) {
  const data = await openDataFile(memoryStorage(new Map([[FILE, DATA]])), parseDescriptor(FILE).descriptor);
  const cursor = new UnfilteredCursor(new DataCursor(data, 0, DATA.length), header, versionOf('big', 'oa'));
  const parts: Buffer[] = [];
  const writer = make({ write: (bytes) => void parts.push(Buffer.from(bytes)) });
  writer.begin();
  while (cursor.nextPartition()) writer.partition(cursor, filter);
  writer.end();
  writer.flush();
  return Buffer.concat(parts).toString();
}

const context = { keyspace: 'ks', table: 't', sstable: FILE, partitionKey: ['k'], clustering: ['c'], nowSeconds: 0 };
const ndjson = (sink: TextSink) => new NdjsonWriter(header, context, sink);

describe('JSON lines', () => {
  it('have empty rows, in their places, and no empty static rows', async () => {
    const lines = (await dump(ndjson))
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
    const row = (k: number, c: number) => ({ kind: 'row', key: { k }, clustering: { c }, cells: [] });
    expect(lines).toMatchObject([
      row(1, 1),
      { ...row(1, 5), liveness: { timestamp: 1000 } },
      row(1, 6),
      row(2, 7),
      { kind: 'partition', key: { k: 3 } },
    ]);
    for (const at of [0, 2, 3]) {
      const fields = ['sstable', 'keyspace', 'table', 'kind', 'position', 'key', 'clustering', 'cells'];
      expect(Object.keys(lines[at])).toEqual(fields);
    }
    expect(lines.map((line) => line.position)).toEqual([12, 21, 31, 53, 63]);
  });

  it.each([
    ['deletions', { tombstones: true }],
    ['times from', { tombstones: false, sinceMicros: 0n }],
    ['times up to', { tombstones: false, untilMicros: 5000n }],
  ])('leave them out where %s are asked for: they have none', async (_, options) => {
    const text = await dump(ndjson, makeFilter(options));
    expect(text.match(/"kind":"row".*"c":[167]/g)).toBeNull();
  });
});

describe('texts that leave empty rows out', () => {
  const style = { lines: true, rawTimes: true, nowSeconds: 0 };
  it.each<[string, (sink: TextSink) => PartitionWriter]>([
    ['sstabledump', (sink) => new SSTableDumpWriter(header, style, sink)],
    ['sstabledump -d', (sink) => new SSTableDebugWriter(header, sink)],
    ['CQL', (sink) => new CqlWriter(header, context, sink)],
    ['CSV', (sink) => new CsvWriter(header, context, sink)],
    ['a table', (sink) => new TableWriter(header, context, sink)],
  ])('%s', async (_, make) => {
    const text = await dump(make);
    expect(text).toMatch(/\b5\b/); // the live row's clustering
    expect(text).not.toMatch(/\b7\b/); // that of the second partition's only row
  });
});
