/** How a table's SSTables are laid out on disk: by its options in the schema, or as those that are there, where the schema has none. */
import { UnsupportedError } from '../../bytes/errors.js';
import type { Storage } from '../../bytes/source.js';
import { compressionParams, loadCompression } from '../../codec/compression-params.js';
import type { Table, View } from '../../cql/schema.js';
import { BIG_COLUMN_INDEX_BYTES } from '../../sstable/big-index-writer.js';
import { BTI_BLOCK_BYTES } from '../../sstable/bti/bti-index-writer.js';
import { readCompressionParameters } from '../../sstable/compression-info.js';
import type { Descriptor } from '../../sstable/descriptor.js';
import { readStatistics } from '../../sstable/statistics.js';
import { readSummary } from '../../sstable/summary.js';
import type { SSTableFormat } from '../../sstable/version.js';
import type { TableLayout } from '../../sstable/writer-options.js';

const DEFAULT_MIN_INDEX_INTERVAL = 128;
const NO_LIMIT = 0x7fffffff;
const DEFAULT_COMPRESSION = { class: 'org.apache.cassandra.io.compress.LZ4Compressor', chunk_length_in_kb: '16' };

export type LayoutOptions = {
  readonly format: SSTableFormat;
  /** cassandra.yaml's column_index_size in bytes, where it is set. */
  readonly columnIndexBytes?: number | undefined;
};

/**
 * @param definition with options; without any, `like` decides: an SSTable of the table; without that, Cassandra's defaults
 * @throws UsageError, UnsupportedError (compression), CorruptError
 */
export async function tableLayout(
  storage: Storage,
  definition: Table | View | undefined,
  like: Descriptor | undefined,
  { format, columnIndexBytes }: LayoutOptions,
): Promise<TableLayout> {
  const options = definition?.options;
  const isLeveled = /LeveledCompactionStrategy$/.test(options?.compaction?.class ?? '');
  return {
    columnIndexBytes: columnIndexBytes ?? (format === 'big' ? BIG_COLUMN_INDEX_BYTES : BTI_BLOCK_BYTES),
    bloomFilterFpChance:
      options?.bloomFilterFpChance ??
      (options?.compaction || !like
        ? isLeveled
          ? 0.1
          : 0.01
        : readStatistics(storage, like).validation.bloomFilterFpChance),
    minIndexInterval:
      options?.minIndexInterval ?? (like && readSummary(storage, like)?.minIndexInterval) ?? DEFAULT_MIN_INDEX_INTERVAL,
    compression: options?.compression
      ? await compressionOf(options.compression)
      : like
        ? await compressionLike(storage, like)
        : await compressionOf(DEFAULT_COMPRESSION),
  };
}

async function compressionOf(options: Readonly<Record<string, string>>): Promise<TableLayout['compression']> {
  const params = compressionParams(options);
  return params && (await loadCompression(params));
}

async function compressionLike(storage: Storage, like: Descriptor): Promise<TableLayout['compression']> {
  const found = readCompressionParameters(storage, like);
  if (!found) return undefined;
  const { compressor, options, chunkLength, maxCompressedLength } = found;
  if (chunkLength <= 0) throw new UnsupportedError('chunk length of CompressionInfo.db', { seen: chunkLength });
  return loadCompression({ compressor, options, chunkLength, maxCompressedLength: maxCompressedLength ?? NO_LIMIT });
}
