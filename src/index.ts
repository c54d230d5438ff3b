/**
 * The library: open a directory, its tables, an SSTable; walk what it holds, as objects or with the cursor; read each component.
 *
 *   const directory = await openDataDirectory('/var/lib/cassandra/data');
 *   for (const table of directory.tables) for (const files of table.sstables) { const sstable = await directory.open(files); … sstable.close(); }
 *
 * Everything but opening is synchronous. Functions that take a `Storage` read through it; `diskStorage` is the disk.
 */
import { diskStorage, type Storage } from './bytes/source.js';
import { type DataDirectory, type OpenDirectoryOptions, openDirectory } from './engine/open-directory.js';
import { openSSTable as openOn, type SSTable } from './sstable/sstable.js';

/**
 * Opens a data, keyspace, table, snapshot or backup directory (or several).
 * @param options `nowSeconds` decides which cells of the schema's own tables are expired (none has a TTL: 0 will do)
 * @throws UsageError, UnsupportedError, CorruptError
 */
export function openDataDirectory(
  paths: string | readonly string[],
  options: Partial<OpenDirectoryOptions> & { readonly storage?: Storage } = {},
): Promise<DataDirectory> {
  const { storage = diskStorage, ...rest } = options;
  return openDirectory(storage, typeof paths === 'string' ? [paths] : paths, { nowSeconds: 0, ...rest });
}

/** Opens an SSTable by the path of any of its components. Close it after use. @throws UsageError, UnsupportedError, CorruptError */
export function openSSTable(file: string, storage: Storage = diskStorage): Promise<SSTable> {
  return openOn(storage, file);
}

export {
  CorruptError,
  type ErrorFacts,
  InvariantError,
  LsmctlError,
  UnsupportedError,
  UsageError,
} from './bytes/errors.js';
export {
  type ByteSource,
  CountingStorage,
  diskStorage,
  memorySource,
  overlayStorage,
  type Storage,
} from './bytes/source.js';
export { ByteWriter } from './bytes/writer.js';
export { parseMarshalType } from './cql/marshal.js';
export type { ColumnDefinition, Keyspace, Schema, Table, View } from './cql/schema.js';
export { findKeyspace, findTable } from './cql/schema.js';
export type { CqlType } from './cql/type.js';
export { cellValueType, cqlTypeName, pathType } from './cql/type-facts.js';
export { type CounterContext, type CounterShard, decodeCounterContext } from './cql/values/counter.js';
export { cqlLiteralWriter } from './cql/values/cql-literal.js';
export { jsonWriter } from './cql/values/json.js';
export { parseValue } from './cql/values/parse-value.js';
export { stringWriter } from './cql/values/string.js';
export { toJs } from './cql/values/to-js.js';
export type { DataDirectory, TableHandle } from './engine/open-directory.js';
export type { SSTableFiles } from './engine/sstable-directory.js';
export { type ChecksumFile, readChecksumFile } from './sstable/checksum-file.js';
export { type CompressionInfo, readCompressionInfo } from './sstable/compression-info.js';
export { DataCursor } from './sstable/data-cursor.js';
export { type DataFile, openDataFile } from './sstable/data-file.js';
export {
  COMPONENT,
  componentPath,
  type Descriptor,
  parseDescriptor,
  parseTableDirectory,
  type TableDirectory,
} from './sstable/descriptor.js';
export { readDigest } from './sstable/digest.js';
export { isPresent, readFilter } from './sstable/filter.js';
export {
  openPartitionIndex,
  type PartitionEntry,
  type PartitionIndex,
  type RowBlock,
  type RowIndex,
} from './sstable/partition-index.js';
export { type Partitioner, partitionerOf, type Token, type TokenRange } from './sstable/partitioner.js';
export type {
  Cell,
  Column,
  DeletionTime,
  LivenessInfo,
  Partition,
  RangeTombstoneMarker,
  Row,
  Unfiltered,
} from './sstable/row.js';
export type { EncodingStats, SerializationHeader } from './sstable/serialization-header.js';
export { SSTable } from './sstable/sstable.js';
export { readStatistics, Statistics } from './sstable/statistics.js';
export { type IndexSummary, readSummary } from './sstable/summary.js';
export { readToc } from './sstable/toc.js';
export { END, MARKER, ROW, UnfilteredCursor } from './sstable/unfiltered-cursor.js';
export { type Version, versionOf } from './sstable/version.js';
