/** A compaction that reads and writes in threads of their own gives what one without them gives, damage included. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { diskOutput } from '../../../src/bytes/sink.js';
import { loadCompression } from '../../../src/codec/compression-params.js';
import { parseDescriptor } from '../../../src/sstable/descriptor.js';
import { compareDecorated, decorate, partitionerOf } from '../../../src/sstable/partitioner.js';
import { DeletionState, RowBuffer } from '../../../src/sstable/row-buffer.js';
import { makeSerializationHeader } from '../../../src/sstable/serialization-header.js';
import { SSTableWriter } from '../../../src/sstable/sstable-writer.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { runCli } from '../../run-cli.js';

const BLOB = 'org.apache.cassandra.db.marshal.BytesType';
const PARTITIONER = partitionerOf('org.apache.cassandra.dht.Murmur3Partitioner');
const PARTITIONS = 24_000;
const VALUE_BYTES = 160;

/** Every third partition is in the SSTable before it as well. */
async function makeSSTable(directory: string, generation: number): Promise<string> {
  const file = path.join(directory, `oa-${generation}-big-Data.db`);
  const writer = new SSTableWriter({
    output: diskOutput,
    descriptor: parseDescriptor(file).descriptor,
    header: makeSerializationHeader(
      {
        keyType: BLOB,
        clusteringTypes: [],
        staticColumns: [],
        regularColumns: [{ nameBytes: Buffer.from('v'), type: BLOB }],
      },
      { minTimestampHi: 0, minTimestampLo: 1000, minLocalDeletionSeconds: 0, minTtlSeconds: 0 },
    ),
    partitioner: PARTITIONER,
    layout: {
      bloomFilterFpChance: 0.01,
      minIndexInterval: 128,
      columnIndexBytes: 1 << 16,
      compression: await loadCompression({
        compressor: 'LZ4Compressor',
        options: [],
        chunkLength: 16384,
        maxCompressedLength: 0x7fffffff,
      }),
    },
    origin: { level: 0, repairedAtMillis: 0, isTransient: false, commitLogIntervals: [] },
    expectedKeys: PARTITIONS,
    isOpenedEarly: false,
  });
  const keys = Array.from({ length: PARTITIONS }, (_, i) => {
    const key = Buffer.alloc(4);
    key.writeInt32BE(i % 3 === 0 ? i : generation * 1_000_000 + i);
    return decorate(PARTITIONER, key);
  }).sort((a, b) => compareDecorated(PARTITIONER, a, b));
  const value = Buffer.alloc(VALUE_BYTES);
  for (const [i, { key }] of keys.entries()) {
    value.writeInt32BE(Math.imul(i, 2654435761), (i * 4) % (VALUE_BYTES - 4));
    writer.startPartition(key, key.length, new DeletionState());
    writer.row(rowOf(value, 2000 + generation));
    writer.endPartition();
  }
  writer.finish();
  writer.publish();
  return file;
}

function rowOf(value: Buffer, micros: number): RowBuffer {
  const row = new RowBuffer();
  row.setLiveness(0, micros, 0, Number.POSITIVE_INFINITY);
  row.startColumn(0);
  row.cellBuf[0] = value;
  row.cellLo[0] = micros;
  row.cellLocalDeletion[0] = Number.POSITIVE_INFINITY;
  row.valueEnd[0] = value.length;
  row.cellCount = 1;
  row.endColumn();
  return row;
}

describe('a compaction with threads', () => {
  const directory = path.join(temporaryDirectory(), 'shop/orders');
  let files: string[] = [];

  beforeAll(async () => {
    fs.mkdirSync(directory, { recursive: true });
    files = [await makeSSTable(directory, 1), await makeSSTable(directory, 2)];
  });

  function compact(jobs: number) {
    const output = path.join(temporaryDirectory(), String(jobs));
    const args = ['--major', '--output', output, '--now', '1800000000', '--jobs', String(jobs), '--json'];
    const { code, stderr } = runCli(['compact', 'run', directory, ...args]);
    const written = path.join(output, 'shop/orders');
    const names = fs.existsSync(written) ? fs.readdirSync(written).sort() : [];
    return { code, stderr, files: names.map((name) => [name, fs.readFileSync(path.join(written, name), 'hex')]) };
  }

  it('gives the same files', () => {
    const one = compact(1);
    expect(one.code).toBe(0);
    expect(one.files.map(([name]) => name)).toContain('oa-3-big-Data.db');
    expect(compact(2)).toEqual(one);
  });

  it('tells of damage as one without them, and leaves nothing', () => {
    const bytes = fs.readFileSync(files[1]!);
    const damaged = Buffer.from(bytes);
    damaged[Math.floor(bytes.length * 0.7)]! ^= 0x55;
    fs.writeFileSync(files[1]!, damaged);
    const one = compact(1);
    expect(one).toMatchObject({ code: 3, files: [], stderr: expect.stringContaining('chunk') });
    expect(compact(2)).toEqual(one);
    fs.writeFileSync(files[1]!, bytes);
  });
});
