/** A writer that fails leaves nothing; one that is stopped leaves nothing that is taken for an SSTable. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvariantError, UsageError } from '../../src/bytes/errors.js';
import { diskOutput, memoryOutput, type OutputStorage } from '../../src/bytes/sink.js';
import { diskStorage } from '../../src/bytes/source.js';
import { compressionParams, loadCompression } from '../../src/codec/compression-params.js';
import { resolvePaths } from '../../src/engine/data-directory.js';
import { parseDescriptor } from '../../src/sstable/descriptor.js';
import { partitionerOf } from '../../src/sstable/partitioner.js';
import { DeletionState, RowBuffer } from '../../src/sstable/row-buffer.js';
import { makeSerializationHeader } from '../../src/sstable/serialization-header.js';
import { openDescriptor } from '../../src/sstable/sstable.js';
import { SSTableWriter } from '../../src/sstable/sstable-writer.js';
import { decodeToc } from '../../src/sstable/toc.js';
import { temporaryDirectory } from '../engine/directories.js';

const TEXT = 'org.apache.cassandra.db.marshal.UTF8Type';
const LONG = 'org.apache.cassandra.db.marshal.LongType';
const FORMATS = ['oa-7-big', 'da-7-bti', 'nb-7-big'] as const;
type Format = (typeof FORMATS)[number];

const header = makeSerializationHeader(
  {
    keyType: LONG,
    clusteringTypes: [],
    staticColumns: [],
    regularColumns: [{ nameBytes: Buffer.from('v'), type: TEXT }],
  },
  { minTimestampHi: 0, minTimestampLo: 0, minLocalDeletionSeconds: 0, minTtlSeconds: 0 },
);

async function open(output: OutputStorage, directory: string, prefix: Format, isCompressed = true) {
  const compression = isCompressed
    ? await loadCompression(compressionParams({ class: 'LZ4Compressor', chunk_length_in_kb: '4' })!)
    : undefined;
  return new SSTableWriter({
    output,
    descriptor: parseDescriptor(path.join(directory, `${prefix}-Data.db`)).descriptor,
    header,
    partitioner: partitionerOf('org.apache.cassandra.dht.LocalPartitioner', header.keyType),
    layout: { bloomFilterFpChance: 0.01, minIndexInterval: 128, columnIndexBytes: 4096, compression },
    expectedKeys: 1000,
    isOpenedEarly: true,
    origin: { level: 0, repairedAtMillis: 0, isTransient: false, commitLogIntervals: [] },
  });
}

/** Partitions of a hundred bytes or so, that do not compress well. */
function write(writer: SSTableWriter, partitions: number): void {
  const key = Buffer.alloc(8);
  const row = new RowBuffer();
  const holder = new RowBuffer();
  const value = Buffer.alloc(100);
  let random = 1;
  for (let n = 0; n < partitions; n++) {
    for (let i = 0; i < value.length; i++) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      value[i] = random >>> 24;
    }
    key.writeBigInt64BE(BigInt(n));
    writer.startPartition(key, 8, new DeletionState());
    holder.cellBuf[0] = value;
    holder.cellLo[0] = n;
    holder.cellLocalDeletion[0] = Number.POSITIVE_INFINITY;
    holder.valueEnd[0] = value.length;
    row.clear();
    row.startColumn(0);
    row.copyCell(holder, 0);
    row.endColumn();
    writer.row(row);
    writer.endPartition();
  }
}

/** An output that lets `bytes` through and fails from then on, whatever is written; closing writes what is buffered, and fails as well. */
function fullAfter(inner: OutputStorage, bytes: number): OutputStorage {
  let left = bytes;
  const full = (file: string) => new UsageError('no space left on the device', { file });
  return {
    ...inner,
    create(file) {
      if (left <= 0) throw full(file);
      const sink = inner.create(file);
      return {
        path: file,
        get position() {
          return sink.position;
        },
        write(data, start = 0, end = data.length) {
          left -= end - start;
          if (left <= 0) throw full(file);
          sink.write(data, start, end);
        },
        sync() {
          if (left <= 0) throw full(file);
          sink.sync();
        },
        close() {
          sink.close();
          if (left <= 0) throw full(file);
        },
      };
    },
  };
}

describe.each(FORMATS)('%s', (format) => {
  it('names nothing before all is complete, and Data.db last', async () => {
    const files = new Map<string, Uint8Array>();
    const inner = memoryOutput(files);
    const renamed: string[] = [];
    const output: OutputStorage = {
      ...inner,
      rename(from, to) {
        expect(from).toBe(`${to}.tmp`);
        renamed.push(path.basename(to));
        inner.rename(from, to);
      },
    };
    const writer = await open(output, '/t', format);
    write(writer, 500);
    expect([...files.keys()].every((file) => file.endsWith('.tmp'))).toBe(true);
    writer.finish();
    expect([...files.keys()].every((file) => file.endsWith('.tmp'))).toBe(true);
    expect(renamed).toEqual([]);
    writer.publish();
    expect(renamed.at(-1)).toBe(`${format}-Data.db`);
    expect([...files.keys()].filter((file) => file.endsWith('.tmp'))).toEqual([]);
    const toc = decodeToc(files.get(`/t/${format}-TOC.txt`)!);
    expect(renamed.map((name) => name.slice(format.length + 1)).sort()).toEqual(toc.toSorted());
    const sstable = await openDescriptor(output, parseDescriptor(`/t/${format}-Data.db`).descriptor);
    expect([...sstable.partitions()]).toHaveLength(500);
    sstable.close();
  });

  it.each([true, false])('leaves nothing when the disk is full at any point (compressed: %s)', async (isCompressed) => {
    const whole = new Map<string, Uint8Array>();
    const complete = await open(memoryOutput(whole), '/t', format, isCompressed);
    write(complete, 900);
    complete.finish();
    const total = [...whole.values()].reduce((sum, { length }) => sum + length, 0);
    for (const part of [0, 1e-9, 0.1, 0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]) {
      const files = new Map<string, Uint8Array>();
      const output = fullAfter(memoryOutput(files), Math.ceil(total * part));
      let writer: SSTableWriter | undefined;
      let failure: unknown;
      try {
        writer = await open(output, '/t', format, isCompressed);
        write(writer, 900);
        writer.finish();
      } catch (error) {
        failure = error;
      }
      expect(failure, `full after ${part}`).toBeInstanceOf(UsageError);
      writer?.abort();
      expect([...files.keys()], `full after ${part}`).toEqual([]);
    }
  });

  it('leaves nothing when a file beside can not be made', async () => {
    for (let allowed = 0; allowed < 10; allowed++) {
      const files = new Map<string, Uint8Array>();
      const inner = memoryOutput(files);
      let made = 0;
      const create: OutputStorage['create'] = (file) => {
        if (made++ >= allowed) throw new UsageError('too many open files', { file });
        return inner.create(file);
      };
      const attempt = async () => {
        let writer: SSTableWriter | undefined;
        try {
          writer = await open({ ...inner, create }, '/t', format);
          write(writer, 10);
          writer.finish();
          return false;
        } catch {
          writer?.abort();
          return true;
        }
      };
      if (await attempt()) expect([...files.keys()], `${allowed} files`).toEqual([]);
      else expect(allowed).toBeGreaterThanOrEqual(files.size);
    }
  });

  it('takes back what has its name when publishing fails', async () => {
    for (let allowed = 0; allowed < 7; allowed++) {
      const files = new Map<string, Uint8Array>();
      const inner = memoryOutput(files);
      let renamed = 0;
      const rename: OutputStorage['rename'] = (from, to) => {
        if (renamed++ >= allowed) throw new UsageError('is on a read-only file system', { file: to });
        inner.rename(from, to);
      };
      const writer = await open({ ...inner, rename }, '/t', format);
      write(writer, 10);
      writer.finish();
      expect(() => writer.publish()).toThrow(UsageError);
      expect(files.has(`/t/${format}-Data.db`)).toBe(false);
      writer.abort();
      expect([...files.keys()]).toEqual([]);
    }
  });

  it('stopped at any point, leaves files that nobody takes for an SSTable', async () => {
    for (const stop of ['begun', 'written', 'finished', 'half named'] as const) {
      const directory = path.join(temporaryDirectory(), 'ks', 't-0123456789abcdef0123456789abcdef');
      fs.mkdirSync(directory, { recursive: true });
      let renames = 0;
      const rename: OutputStorage['rename'] = (from, to) => {
        if (renames++ >= 3) throw new Error('stopped');
        diskOutput.rename(from, to);
      };
      const writer = await open({ ...diskOutput, rename }, directory, format);
      if (stop !== 'begun') write(writer, 500);
      if (stop === 'finished' || stop === 'half named') writer.finish();
      if (stop === 'half named') expect(() => writer.publish()).toThrow('stopped');
      expect(fs.readdirSync(directory).length).toBeGreaterThan(2);
      const found = resolvePaths(diskStorage, [directory]);
      expect(found.directories.flatMap(({ sstables }) => sstables)).toEqual([]);
      writer.abort();
      expect(fs.readdirSync(directory)).toEqual([]);
    }
  });

  it('without partitions is not finished', async () => {
    const files = new Map<string, Uint8Array>();
    const writer = await open(memoryOutput(files), '/t', format);
    expect(() => writer.finish()).toThrow(InvariantError);
    writer.abort();
    expect([...files.keys()]).toEqual([]);
  });
});
