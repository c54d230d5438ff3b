/** Tables of text columns on disk, written by hand in the notation of engine/merge/notation.ts, with the schema.cql of a snapshot beside their SSTables. */
import fs from 'node:fs';
import path from 'node:path';
import { diskOutput } from '../src/bytes/sink.js';
import { loadCompression } from '../src/codec/compression-params.js';
import { parseDescriptor } from '../src/sstable/descriptor.js';
import { compareDecorated, decorate, partitionerOf } from '../src/sstable/partitioner.js';
import {
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  makeSerializationHeader,
} from '../src/sstable/serialization-header.js';
import { SSTableWriter } from '../src/sstable/sstable-writer.js';
import { writePartition } from './engine/merge/notation.js';

const TEXT = 'org.apache.cassandra.db.marshal.UTF8Type';
const PARTITIONER = partitionerOf('org.apache.cassandra.dht.Murmur3Partitioner');
const LZ4 = { compressor: 'LZ4Compressor', options: [], chunkLength: 1 << 14, maxCompressedLength: 0x7fffffff };

export type DiskTableOptions = {
  /** Directory of the keyspace. */
  readonly keyspace: string;
  readonly name: string;
  readonly key: string;
  readonly clustering?: string;
  readonly columns: readonly string[];
  /** What stands behind WITH. */
  readonly options: string;
};

export class DiskTable {
  readonly directory: string;
  private readonly hasClustering: boolean;
  private readonly columns: readonly string[];
  private generation = 0;

  constructor({ keyspace, name, key, clustering, columns, options }: DiskTableOptions) {
    this.directory = path.join(keyspace, name);
    this.hasClustering = clustering !== undefined;
    this.columns = columns;
    fs.mkdirSync(this.directory, { recursive: true });
    const names = [key, ...(clustering === undefined ? [] : [clustering]), ...columns].map((one) => `${one} text`);
    const primary = clustering === undefined ? key : `${key}, ${clustering}`;
    const table = `${path.basename(keyspace)}.${name}`;
    fs.writeFileSync(
      path.join(this.directory, 'schema.cql'),
      `CREATE TABLE ${table} (${names.join(', ')}, PRIMARY KEY (${primary})) WITH ${options};\n`,
    );
  }

  /** An SSTable of these partitions, to the letter. */
  async write(contents: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const file = path.join(this.directory, `oa-${++this.generation}-big-Data.db`);
    const header = makeSerializationHeader(
      {
        keyType: TEXT,
        clusteringTypes: this.hasClustering ? [TEXT] : [],
        staticColumns: [],
        regularColumns: this.columns.map((name) => ({ nameBytes: Buffer.from(name), type: TEXT })),
      },
      {
        minTimestampHi: EPOCH_MICROS_HI,
        minTimestampLo: EPOCH_MICROS_LO,
        minLocalDeletionSeconds: EPOCH_SECONDS,
        minTtlSeconds: 0,
      },
    );
    const compression = await loadCompression(LZ4);
    const writer = new SSTableWriter({
      output: diskOutput,
      descriptor: parseDescriptor(file).descriptor,
      header,
      partitioner: PARTITIONER,
      layout: { bloomFilterFpChance: 0.01, minIndexInterval: 128, columnIndexBytes: 1 << 16, compression },
      expectedKeys: contents.size,
      isOpenedEarly: false,
      origin: { level: 0, repairedAtMillis: 0, isTransient: false, commitLogIntervals: [] },
    });
    const keys = [...contents.keys()].map((name) => decorate(PARTITIONER, Buffer.from(name)));
    keys.sort((a, b) => compareDecorated(PARTITIONER, a, b));
    for (const { key } of keys) writePartition(writer, header, key, contents.get(Buffer.from(key).toString())!);
    writer.finish();
    writer.publish();
  }
}
