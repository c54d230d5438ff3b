/**
 * The tables that a commit log's mutations may name. A node that starts loads its schema from the SSTables of system_schema and replays the log
 * with that: a table, or a column, that only the log tells of (made after the last flush) it does not know then.
 */
import path from 'node:path';
import type { Storage } from '../bytes/source.js';
import { LogSchema } from '../commitlog/log-schema.js';
import { dataDirectoriesOf, type LoadedSchema, loadSchema } from './schema-loader.js';
import { systemSchemaTables } from './system-schema-tables.js';

export type LogSchemaOptions = {
  /** Data directories; by default those beside the log. */
  readonly data?: readonly string[] | undefined;
  readonly schemaFile?: string | undefined;
  readonly nowSeconds: number;
};

export type LoadedLogSchema = {
  readonly tables: LogSchema;
  /** `undefined` where there is none. */
  readonly loaded: LoadedSchema | undefined;
  /** Data directories of the node whose log it is, as far as known. */
  readonly dataDirectories: readonly string[];
};

/**
 * The schema for the log at `paths`: of `schemaFile`, else of the data directories.
 * @throws UsageError, CorruptError, UnsupportedError
 */
export async function loadLogSchema(
  storage: Storage,
  paths: readonly string[],
  { data, schemaFile, nowSeconds }: LogSchemaOptions,
): Promise<LoadedLogSchema> {
  const dataDirectories = data ? dataDirectoriesOf(storage, data) : dataBeside(storage, paths);
  const tables = new LogSchema();
  if (schemaFile === undefined && dataDirectories.length === 0) {
    tables.add(systemSchemaTables(), 'built_in');
    return { tables, loaded: undefined, dataDirectories };
  }
  const loaded = await loadSchema(storage, schemaFile === undefined ? dataDirectories : [], {
    nowSeconds,
    ...(schemaFile !== undefined && { schemaFile }),
  });
  tables.add(loaded.schema, 'schema');
  tables.add(systemSchemaTables(), 'built_in');
  return { tables, loaded, dataDirectories };
}

/**
 * Data directories in or beside the directories of the log: <dir>/{commitlog,data}. Beside a directory that has some of its own nothing is looked for:
 * what is there may be another node's.
 */
function dataBeside(storage: Storage, paths: readonly string[]): string[] {
  const found = paths.flatMap((given) => {
    const directory = storage.stat(given)?.isDirectory ? path.resolve(given) : path.dirname(path.resolve(given));
    const own = dataDirectoriesOf(storage, [directory]);
    return own.length > 0 ? own : dataDirectoriesOf(storage, [path.dirname(directory)]);
  });
  return [...new Set(found)];
}
