/** Small SSTables in memory: written by hand in the notation of notation.ts, merged, and read back. */
import fs from 'node:fs';
import path from 'node:path';
import { memoryOutput } from '../../../src/bytes/sink.js';
import type { Storage } from '../../../src/bytes/source.js';
import { outputHeader } from '../../../src/engine/compaction/output-header.js';
import { overlapEvaluator } from '../../../src/engine/compaction/overlap-purge.js';
import { type Outside, OverlapShadows } from '../../../src/engine/compaction/overlap-shadows.js';
import { readLive } from '../../../src/engine/merge/live-view.js';
import { columnMap, hasSameCells, MergeSource, nameKey } from '../../../src/engine/merge/merge-source.js';
import { type MergeCounts, type MergeSink, PartitionMerge } from '../../../src/engine/merge/partition-merge.js';
import { PlainMerge } from '../../../src/engine/merge/plain-merge.js';
import { type PurgeCounts, type PurgeOptions, Purger } from '../../../src/engine/merge/purge.js';
import type { LostBytes } from '../../../src/engine/merge/row-merge.js';
import { componentPath, type Descriptor, parseDescriptor } from '../../../src/sstable/descriptor.js';
import { compareDecorated, decorate, partitionerOf } from '../../../src/sstable/partitioner.js';
import type { Partition } from '../../../src/sstable/row.js';
import {
  EPOCH_MICROS_HI,
  EPOCH_MICROS_LO,
  EPOCH_SECONDS,
  makeSerializationHeader,
  type SerializationHeader,
} from '../../../src/sstable/serialization-header.js';
import { openDescriptor, type SSTable } from '../../../src/sstable/sstable.js';
import { SSTableWriter } from '../../../src/sstable/sstable-writer.js';
import type { WrittenSSTable } from '../../../src/sstable/writer-options.js';
import { mergeLive } from '../merge-objects.js';
import { bytesOf, liveLines, partitionLines, textOf, writePartition } from './notation.js';

const MARSHAL = 'org.apache.cassandra.db.marshal.';
export const TEXT = `${MARSHAL}UTF8Type`;
export const MAP = `${MARSHAL}MapType(${TEXT},${TEXT})`;
export const COUNTER = `${MARSHAL}CounterColumnType`;
export const DESCENDING = `${MARSHAL}ReversedType(${TEXT})`;

const PARTITIONER = partitionerOf(`org.apache.cassandra.dht.Murmur3Partitioner`);
const DIRECTORY = '/data/ks/t';

export type Shape = {
  readonly clustering?: readonly string[];
  readonly statics?: Readonly<Record<string, string>>;
  readonly regulars?: Readonly<Record<string, string>>;
};

/** Lines by partition key; keys are written in the order of their tokens. */
export type Contents = Readonly<Record<string, readonly string[]>>;

export type Made = { readonly descriptor: Descriptor; readonly written: WrittenSSTable };

export type MergeOptions = Partial<PurgeOptions> & {
  /** Other SSTables of the table. */
  readonly outside?: readonly Made[];
  /** Whether what they hide goes: see Shadows. */
  readonly garbage?: 'row' | 'cell';
  /** Rows as an INSERT writes them are copied, not taken apart. */
  readonly copiesCells?: boolean;
  /** Plain rows are merged by their kernel. */
  readonly plain?: boolean;
  /** Of each input's cursor. */
  readonly windowBytes?: number;
  /** Column name → µs. */
  readonly dropped?: Readonly<Record<string, number>>;
};

export type Merged = {
  /** `undefined` where nothing was left. */
  readonly made: Made | undefined;
  readonly contents: Contents;
  readonly merge: MergeCounts;
  readonly purge: PurgeCounts | undefined;
  readonly lost: LostBytes;
};

function headerOf({ clustering = [TEXT], statics = {}, regulars = { v: TEXT } }: Shape): SerializationHeader {
  const columns = (types: Readonly<Record<string, string>>) =>
    Object.entries(types).map(([name, type]) => ({ nameBytes: Buffer.from(name), type }));
  return makeSerializationHeader(
    {
      keyType: TEXT,
      clusteringTypes: clustering,
      staticColumns: columns(statics),
      regularColumns: columns(regulars),
    },
    {
      minTimestampHi: EPOCH_MICROS_HI,
      minTimestampLo: EPOCH_MICROS_LO,
      minLocalDeletionSeconds: EPOCH_SECONDS,
      minTtlSeconds: 0,
    },
  );
}

/** A table whose SSTables lie in memory. */
export class TestTable {
  readonly files = new Map<string, Uint8Array>();
  readonly output = memoryOutput(this.files);
  private readonly header: SerializationHeader;
  private readonly version: string;
  /** Of what is written from now on. */
  columnIndexBytes = 1 << 16;
  private generation = 0;

  constructor(shape: Shape, version: 'oa' | 'da' | 'nb' = 'oa') {
    this.version = version;
    this.header = headerOf(shape);
  }

  private nextDescriptor(): Descriptor {
    const format = this.version === 'da' ? 'bti' : 'big';
    return parseDescriptor(`${DIRECTORY}/${this.version}-${++this.generation}-${format}-Data.db`).descriptor;
  }

  /** What has been made, in a directory of the disk. */
  copyTo(directory: string): void {
    fs.mkdirSync(directory, { recursive: true });
    for (const [file, bytes] of this.files) fs.writeFileSync(path.join(directory, path.basename(file)), bytes);
  }

  writer(header: SerializationHeader = this.header): SSTableWriter {
    return new SSTableWriter({
      output: this.output,
      descriptor: this.nextDescriptor(),
      header,
      partitioner: PARTITIONER,
      layout: { bloomFilterFpChance: 0.01, minIndexInterval: 128, columnIndexBytes: this.columnIndexBytes },
      expectedKeys: 16,
      isOpenedEarly: false,
      keepsFilter: true,
      origin: { level: 0, repairedAtMillis: 0, isTransient: false, commitLogIntervals: [] },
    });
  }

  /** An SSTable of these contents, to the letter: nothing is merged or purged. @param shape other columns than the table's */
  make(contents: Contents, shape?: Shape): Made {
    const header = shape ? headerOf(shape) : this.header;
    const writer = this.writer(header);
    const keys = Object.keys(contents).map((key) => decorate(PARTITIONER, bytesOf(key)));
    keys.sort((a, b) => compareDecorated(PARTITIONER, a, b));
    for (const { key } of keys) writePartition(writer, header, key, contents[textOf(key)]!);
    return finish(writer);
  }

  async merge(inputs: readonly (Made | undefined)[], options: MergeOptions = {}): Promise<Merged> {
    const sstables: SSTable[] = [];
    const { windowBytes } = options;
    const reading = windowBytes === undefined ? {} : { windowBytes };
    for (const input of inputs) if (input) sstables.push(await openDescriptor(this.output, input.descriptor, reading));
    const lost = { overwritten: 0, deleted: 0 };
    if (sstables.length === 0) return { made: undefined, contents: {}, merge: noMerge(), purge: undefined, lost };
    const header = outputHeader(
      sstables.map(({ descriptor, header: own, statistics }) => ({
        id: descriptor.id,
        header: own,
        stats: statistics.stats,
      })),
      undefined,
    );
    const dropped = new Map(
      Object.entries(options.dropped ?? {}).map(([name, at]) => [nameKey(Buffer.from(name)), BigInt(at)] as const),
    );
    const purger = options.nowSeconds === undefined ? undefined : new Purger(purgeOptions(options));
    const outside = (options.outside ?? []).map((one) => outsideOf(this.output, one));
    const shadows = options.garbage && (await shadowsOf(outside, sstables, options.garbage));
    const sources = sstables.map((s) => {
      const map = columnMap(s.header, header, dropped);
      const source = new MergeSource(s.cursor(), map, PARTITIONER);
      source.copiesCells = options.copiesCells === true && hasSameCells(s.header, header, map);
      return source;
    });
    const gcBeforeSeconds = options.gcBeforeSeconds ?? -1;
    const plain = options.plain ? PlainMerge.open({ sources, header, gcBeforeSeconds, isOneOutput: true }) : undefined;
    const merge = new PartitionMerge({
      sources,
      plain,
      header,
      purger,
      evaluatorFor: overlapEvaluator(outside, PARTITIONER),
      ...(shadows && { shadows }),
    });
    const writer = this.writer(header);
    let partitions = 0;
    const sink: MergeSink = {
      get plainTarget() {
        return partitions > 0 ? writer : undefined;
      },
      startPartition(source, deletion) {
        partitions++;
        writer.startPartition(source.cursor.key, source.cursor.keyLength, deletion);
      },
      staticRow: (row) => writer.staticRow(row),
      row: (row) => writer.row(row),
      marker: (marker) => writer.marker(marker),
      endPartition: () => writer.endPartition(),
    };
    const counts = merge.run(sink);
    if (partitions === 0) {
      plain?.close();
      writer.abort();
      return { made: undefined, contents: {}, merge: counts, purge: purger?.counts, lost };
    }
    const made = finish(writer);
    plain?.close();
    return { made, contents: await this.read(made), merge: counts, purge: purger?.counts, lost: merge.lost };
  }

  /** What is in it, as text. */
  async read(made: Made): Promise<Contents> {
    const sstable = await openDescriptor(this.output, made.descriptor);
    const contents: Record<string, string[]> = {};
    for (const partition of sstable.partitions()) contents[textOf(partition.key)] = partitionLines(partition);
    return contents;
  }

  /** The same by the merge itself. */
  async readLive(inputs: readonly (Made | undefined)[], nowSeconds: number): Promise<string[]> {
    const sstables: SSTable[] = [];
    for (const input of inputs) if (input) sstables.push(await openDescriptor(this.output, input.descriptor));
    return liveLines(readLive(sstables, nowSeconds));
  }

  /** What a read of all of them at `nowSeconds` sees. */
  async live(inputs: readonly (Made | undefined)[], nowSeconds: number): Promise<string[]> {
    const sources: Partition[][] = [];
    for (const input of inputs) {
      if (!input) continue;
      const sstable = await openDescriptor(this.output, input.descriptor);
      const partitions: Partition[] = [];
      for (const { unfiltereds, ...rest } of sstable.partitions()) {
        partitions.push({ ...rest, unfiltereds: [...unfiltereds] });
      }
      sources.push(partitions);
    }
    return liveLines(mergeLive(sources, { clusteringTypes: this.header.clusteringTypes, nowSeconds }));
  }

  /** The bytes of a component; tables are not compressed. */
  bytes({ descriptor }: Made, component = 'Data.db'): Buffer {
    return Buffer.from(this.files.get(componentPath(descriptor, component))!);
  }
}

function finish(writer: SSTableWriter): Made {
  const written = writer.finish();
  writer.publish();
  return { descriptor: written.descriptor, written };
}

function noMerge(): MergeCounts {
  return { partitionsOut: 0, partitionsGone: 0, rowsOut: 0, markersOut: 0, mergedPartitions: [] };
}

function purgeOptions({ nowSeconds = 0, gcBeforeSeconds = nowSeconds, never, strictLiveness }: MergeOptions) {
  return {
    nowSeconds,
    gcBeforeSeconds,
    ...(never !== undefined && { never }),
    ...(strictLiveness !== undefined && { strictLiveness }),
  };
}

function outsideOf(storage: Storage, { descriptor, written }: Made): Outside {
  const { stats } = written.statistics;
  return {
    first: decorate(PARTITIONER, stats.firstKey),
    last: decorate(PARTITIONER, stats.lastKey),
    repairedAtMillis: 0,
    minTimestampMicros: stats.minTimestampMicros,
    maxTimestampMicros: stats.maxTimestampMicros,
    maxLocalDeletionSeconds: stats.maxLocalDeletionSeconds,
    filter: () => written.filter,
    files: [{ storage, descriptor }],
  };
}

async function shadowsOf(outside: readonly Outside[], sstables: readonly SSTable[], level: 'row' | 'cell') {
  const timestamps = sstables.map(({ statistics }) => statistics.stats.minTimestampMicros);
  const { shadows } = await OverlapShadows.open(outside, sstables, {
    level,
    partitioner: PARTITIONER,
    definition: undefined,
    minTimestampMicros: timestamps.toSorted((a, b) => Number(a - b))[0]!,
  });
  return shadows;
}
