/** The salvage of one SSTable into a new one: same header, same compression, indexes and statistics anew. */
import type { OutputStorage } from '../../bytes/sink.js';
import type { Storage } from '../../bytes/source.js';
import { type LoadedCompression, loadCompression } from '../../codec/compression-params.js';
import type { Table, View } from '../../cql/schema.js';
import { BIG_COLUMN_INDEX_BYTES } from '../../sstable/big-index-writer.js';
import { BTI_BLOCK_BYTES } from '../../sstable/bti/bti-index-writer.js';
import { readCompressionParameters } from '../../sstable/compression-info.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { histogramCount } from '../../sstable/metadata/estimated-histogram.js';
import type { SerializationHeader } from '../../sstable/serialization-header.js';
import { SSTableWriter } from '../../sstable/sstable-writer.js';
import type { SSTableOrigin, TableLayout, WrittenSSTable } from '../../sstable/writer-options.js';
import { restoreComponents } from './restore.js';
import { Salvage, type Salvaged } from './salvage.js';
import { type OpenedSalvage, openSalvage } from './salvage-source.js';

export type SalvageTarget = {
  readonly output: OutputStorage;
  /** Of the new SSTable. */
  readonly descriptor: Descriptor;
};

export type SalvageOptions = {
  readonly definition?: Table | View | undefined;
  /** Also take bytes that no checksum covers. */
  readonly acceptsUnchecked: boolean;
  readonly onProgress?: (position: number, length: number) => void;
  /** Is handed what removes all that was written so far. */
  readonly onAbort?: (abort: () => void) => void;
  /** Runs the work, so that it may be broken off. */
  readonly slice?: <T>(work: () => T) => T;
};

export type SalvageResult = Salvaged & {
  readonly source: Descriptor;
  /** `undefined` where nothing was kept. */
  readonly written: WrittenSSTable | undefined;
  readonly notes: readonly string[];
  /** By which keys and clusterings are told. */
  readonly header: SerializationHeader;
  /** Where something is lost, the output is not marked as repaired, as a scrub leaves it. */
  readonly isRepairDropped: boolean;
};

const DEFAULT_FP_CHANCE = 0.01;
const DEFAULT_MIN_INDEX_INTERVAL = 128;
const NO_LIMIT = 0x7fffffff;
/** Where nothing tells the number of partitions: plain bytes for each, for the size of the filter. */
const BYTES_PER_KEY = 256;

/**
 * Writes what can be kept of an SSTable, and gives the files their names once all are on the disk. Nothing is left where nothing can be kept.
 * @throws CorruptError, UsageError, UnsupportedError where nothing can be read
 */
export async function salvageSSTable(
  disk: Storage,
  source: Descriptor,
  target: SalvageTarget,
  options: SalvageOptions,
): Promise<SalvageResult> {
  const { storage, notes } = await restoreComponents(disk, source, options.definition);
  const opened = await openSalvage(storage, source, options);
  try {
    const origin = originOf(opened);
    const writer = new SSTableWriter({
      output: target.output,
      descriptor: target.descriptor,
      header: opened.source.header,
      partitioner: opened.source.partitioner,
      layout: await layoutOf(storage, source, opened, options.definition),
      origin,
      expectedKeys: expectedKeys(opened),
      isOpenedEarly: false,
    });
    try {
      const { length } = opened.source.data;
      options.onAbort?.(() => writer.abort());
      const slice = options.slice ?? ((work) => work());
      const salvage = new Salvage(opened.source, writer);
      const salvaged = slice(() => salvage.run((position) => options.onProgress?.(position, length)));
      const isRepairDropped = salvaged.losses.length > 0 && isRepaired(origin);
      if (isRepairDropped) Object.assign(origin, UNREPAIRED);
      const written = salvaged.partitions > 0 ? writer.finish() : undefined;
      if (written) writer.publish();
      else writer.abort();
      return {
        ...salvaged,
        source,
        written,
        header: opened.source.header,
        notes: [...notes, ...opened.notes],
        isRepairDropped,
      };
    } catch (error) {
      writer.abort();
      throw error;
    }
  } finally {
    opened.close();
  }
}

const UNREPAIRED: Pick<SSTableOrigin, 'repairedAtMillis' | 'pendingRepair' | 'isTransient'> = {
  repairedAtMillis: 0,
  pendingRepair: undefined,
  isTransient: false,
};

function isRepaired({ repairedAtMillis, pendingRepair }: SSTableOrigin): boolean {
  return repairedAtMillis > 0 || pendingRepair !== undefined;
}

/** As the damaged one says of itself. Intervals of the commit log are left out, so that its replay may bring back what is lost. */
function originOf({ statistics: { stats } }: OpenedSalvage): SSTableOrigin {
  return {
    ...UNREPAIRED,
    level: stats?.sstableLevel ?? 0,
    ...(stats && { repairedAtMillis: stats.repairedAtMillis, pendingRepair: stats.pendingRepair, isTransient: stats.isTransient ?? false }), // biome-ignore format: one line
    commitLogIntervals: [],
    originatingHostId: stats?.originatingHostId,
  };
}

function expectedKeys({ statistics: { stats }, source }: OpenedSalvage): number {
  const counted = stats ? histogramCount(stats.estimatedPartitionSize) : 0;
  return counted > 0 ? counted : Math.ceil(source.data.length / BYTES_PER_KEY);
}

async function layoutOf(
  storage: Storage,
  source: Descriptor,
  { statistics: { validation } }: OpenedSalvage,
  definition: Table | View | undefined,
): Promise<TableLayout> {
  const options = definition?.options;
  return {
    columnIndexBytes: source.format === 'big' ? BIG_COLUMN_INDEX_BYTES : BTI_BLOCK_BYTES,
    bloomFilterFpChance: options?.bloomFilterFpChance ?? validation?.bloomFilterFpChance ?? DEFAULT_FP_CHANCE,
    minIndexInterval: options?.minIndexInterval ?? DEFAULT_MIN_INDEX_INTERVAL,
    compression: await compressionLike(storage, source),
  };
}

async function compressionLike(storage: Storage, source: Descriptor): Promise<LoadedCompression | undefined> {
  const found = readCompressionParameters(storage, source);
  if (!found) return undefined;
  const { compressor, options, chunkLength, maxCompressedLength } = found;
  return loadCompression({ compressor, options, chunkLength, maxCompressedLength: maxCompressedLength ?? NO_LIMIT });
}
