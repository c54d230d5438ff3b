/** A data directory as a library sees it: tables, their schema, their SSTables. */
import type { Storage } from '../bytes/source.js';
import { findTable, type Schema, type Table, type View } from '../cql/schema.js';
import type { SSTable } from '../sstable/sstable.js';
import { openDescriptor } from '../sstable/sstable.js';
import { type PathProblem, type ResolveOptions, resolveSSTables } from './data-directory.js';
import { type LoadOptions, loadSchema, type SchemaSource } from './schema-loader.js';
import type { SSTableFiles } from './sstable-directory.js';

/** A table, materialized view or index table that has SSTables, live or in one snapshot or backup. */
export type TableHandle = {
  readonly keyspace: string;
  readonly name: string;
  /** 32 hex digits, off the directory's name. */
  readonly id?: string;
  readonly snapshot?: string;
  readonly backup: boolean;
  /** Name of the secondary index whose hidden table this is. */
  readonly index?: string;
  /** `undefined` for index tables and where the schema does not know the table. */
  readonly definition?: Table | View;
  /** In order of generation. */
  readonly sstables: readonly SSTableFiles[];
};

export type DataDirectory = {
  readonly tables: readonly TableHandle[];
  readonly schema: Schema;
  readonly schemaSource: SchemaSource;
  /** What was passed over, and why: unsupported versions, leftovers, orphans. */
  readonly problems: readonly PathProblem[];
  /** Opens one of the SSTables; close it after use. */
  open(sstable: SSTableFiles): Promise<SSTable>;
};

export type OpenDirectoryOptions = LoadOptions & ResolveOptions;

/**
 * @param paths data, keyspace, table, snapshot or backup directories, or files of SSTables
 * @throws UsageError where there is nothing to open, UnsupportedError, CorruptError (schema)
 */
export async function openDirectory(
  storage: Storage,
  paths: readonly string[],
  options: OpenDirectoryOptions,
): Promise<DataDirectory> {
  const { sstables, problems } = resolveSSTables(storage, paths, options);
  const { schema, source } = await loadSchema(storage, paths, options);
  const groups = new Map<string, SSTableFiles[]>();
  for (const files of sstables) {
    const group = groups.get(files.descriptor.directory);
    if (group) group.push(files);
    else groups.set(files.descriptor.directory, [files]);
  }
  return {
    tables: [...groups.values()].map((group) => handleOf(group, schema)),
    schema,
    schemaSource: source,
    problems,
    open: (files) => openDescriptor(storage, files.descriptor),
  };
}

function handleOf(sstables: readonly SSTableFiles[], schema: Schema): TableHandle {
  const { keyspace, table, tableId, ...place } = sstables[0]!.place;
  const definition = place.index === undefined ? findTable(schema, keyspace, table) : undefined;
  return {
    keyspace,
    name: table,
    ...(tableId !== undefined && { id: tableId }),
    ...place,
    ...(definition && { definition }),
    sstables,
  };
}
