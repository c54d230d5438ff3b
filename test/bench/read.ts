/**
 * `lsmctl read` of one key in a table of 1,000 SSTables, all of which span it: filters that Cassandra would write, LZ4, each key in some two of them.
 * Made by lsmctl's own writer, once: CQLSSTableWriter's filters let every key pass.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { diskOutput } from '../../src/bytes/sink.js';
import { loadCompression } from '../../src/codec/compression-params.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { compareDecorated, decorate, partitionerOf } from '../../src/sstable/partitioner.js';
import {
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  makeSerializationHeader,
} from '../../src/sstable/serialization-header.js';
import { SSTableWriter } from '../../src/sstable/sstable-writer.js';
import { writePartition } from '../engine/merge/notation.js';
import { sequence16 } from '../sequence.js';
import { benchDirectory } from './bulk.js';
import { type Command, compare, type Figures } from './measure.js';
import { show, target } from './report.js';

const SSTABLES = 1000;
const KEYS_EACH = 400;
const KEYS = 200_000;
const TEXT = 'org.apache.cassandra.db.marshal.UTF8Type';
const PARTITIONER = partitionerOf('org.apache.cassandra.dht.Murmur3Partitioner');
const MOST_SECONDS = 0.5;
const PEAK_MEGABYTES = 300;

/** @param bin lsmctl's bin/run.js */
export async function benchRead(bin: string, rounds: number): Promise<void> {
  const directory = await manySSTables();
  const commands: Command[] = [
    { label: 'lsmctl read, one key', program: process.execPath, args: [bin, 'read', directory, 'key77'] },
    { label: 'lsmctl read, no such key', program: process.execPath, args: [bin, 'read', directory, 'nobody'] },
    { label: 'lsmctl --version', program: process.execPath, args: [bin, '--version'] },
  ];
  const figures = (await compare(commands, rounds)) as [Figures, Figures, Figures];
  show(`read of one key in a table of ${SSTABLES} SSTables`, figures);
  for (const one of figures.slice(0, 2)) {
    target(`wall time, all told, of ${one.label}`, one.seconds, MOST_SECONDS, 's');
    target('peak memory', one.peakMegabytes, PEAK_MEGABYTES, 'MB');
  }
}

/** The directory of the table; made where it is not there. */
async function manySSTables(): Promise<string> {
  const root = path.join(benchDirectory, 'many-sstables');
  const directory = path.join(root, 'shop', 'orders_by_user');
  if (existsSync(directory)) return directory;
  const made = `${root}.part`;
  rmSync(made, { recursive: true, force: true });
  const into = path.join(made, 'shop', 'orders_by_user');
  mkdirSync(into, { recursive: true });
  const compression = await loadCompression({
    compressor: 'LZ4Compressor',
    options: [],
    chunkLength: 1 << 14,
    maxCompressedLength: 0x7fffffff,
  });
  const column = (name: string) => ({ nameBytes: Buffer.from(name), type: TEXT });
  const header = makeSerializationHeader(
    { keyType: TEXT, clusteringTypes: [TEXT], staticColumns: [], regularColumns: [column('status'), column('total')] },
    {
      minTimestampHi: EPOCH_MICROS_HI,
      minTimestampLo: EPOCH_MICROS_LO,
      minLocalDeletionSeconds: EPOCH_SECONDS,
      minTtlSeconds: 0,
    },
  );
  const next = sequence16(8);
  for (let generation = 1; generation <= SSTABLES; generation++) {
    const names = new Set(Array.from({ length: KEYS_EACH }, () => `key${(next() * 65_536 + next()) % KEYS}`));
    if (generation === 500) names.add('key77');
    const keys = [...names].map((name) => decorate(PARTITIONER, Buffer.from(name)));
    keys.sort((a, b) => compareDecorated(PARTITIONER, a, b));
    const writer = new SSTableWriter({
      output: diskOutput,
      descriptor: parseDescriptor(path.join(into, `oa-${generation}-big-Data.db`)).descriptor,
      header,
      partitioner: PARTITIONER,
      layout: { bloomFilterFpChance: 0.01, minIndexInterval: 128, columnIndexBytes: 1 << 16, compression },
      expectedKeys: keys.length,
      isOpenedEarly: false,
      origin: { level: 0, repairedAtMillis: 0, isTransient: false, commitLogIntervals: [] },
    });
    const at = 1_700_000_000_000_000 + generation * 1_000_000;
    for (const { key } of keys) {
      const lines = Array.from({ length: 4 }, (_, i) => `order${i}: @${at} status=shipped@${at} total=${next()}@${at}`);
      writePartition(writer, header, key, lines);
    }
    writer.finish();
    writer.publish();
  }
  renameSync(made, root);
  return directory;
}
