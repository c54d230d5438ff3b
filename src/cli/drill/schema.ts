/** The schema by which a drill's copy is read. */
import fs from 'node:fs';
import path from 'node:path';
import { diskStorage } from '../../bytes/source.js';
import { LogSchema } from '../../commitlog/log-schema.js';
import type { Schema } from '../../cql/schema.js';
import type { Base, BaseTable } from '../../engine/drill/base.js';
import { hasSystemSchema, type LoadedSchema, loadSchema, sourceText } from '../../engine/schema-loader.js';
import { systemSchemaTables } from '../../engine/system-schema-tables.js';
import { componentPath } from '../../sstable/descriptor.js';
import type { WorkDirectory } from './work.js';

export type CopySchema = {
  readonly schema: Schema;
  readonly log: LogSchema;
  readonly source: LoadedSchema['source'] | undefined;
  /** Of `--schema`. */
  readonly file: string | undefined;
};

/**
 * Of `--schema`, else of the copy's own system_schema, else of the live directory's, which is linked into the copy: a node that is restored keeps
 * the schema of its cluster, and its own system.local, which tells whose SSTables count as flushed from its log. Else of the schema.cql files and the headers of the copy. @throws UsageError, CorruptError, UnsupportedError
 */
export async function copySchema(
  work: WorkDirectory,
  data: string,
  live: Base | undefined,
  flags: { readonly schema?: string | undefined; readonly now: number },
  tell: (line: string) => void,
): Promise<CopySchema> {
  const directory = work.directory(data);
  if (live) {
    const isOfSchema = ({ place }: BaseTable) => place.keyspace === 'system_schema';
    const isLocal = ({ place }: BaseTable) => place.keyspace === 'system' && place.table === 'local';
    if (!diskStorage.stat(path.join(directory, 'system'))) linkTables(work, live.tables.filter(isLocal), directory);
    if (flags.schema === undefined && !hasSystemSchema(diskStorage, directory)) {
      const linked = linkTables(work, live.tables.filter(isOfSchema), directory);
      if (linked) tell('the schema is that of the live directory');
    }
  }
  const log = new LogSchema();
  const isEmpty = diskStorage.list(directory).length === 0;
  if (isEmpty && flags.schema === undefined) {
    log.add(systemSchemaTables(), 'built_in');
    return { schema: { keyspaces: [] }, log, source: undefined, file: undefined };
  }
  const loaded = await loadSchema(diskStorage, isEmpty ? [] : [directory], {
    nowSeconds: flags.now,
    ...(flags.schema !== undefined && { schemaFile: flags.schema }),
  });
  if (loaded.fromHeaders.length > 0) tell(sourceText(loaded));
  log.add(loaded.schema, 'schema');
  log.add(systemSchemaTables(), 'built_in');
  return { schema: loaded.schema, log, source: loaded.source, file: flags.schema };
}

/** @returns whether there were any */
function linkTables(work: WorkDirectory, tables: readonly BaseTable[], directory: string): boolean {
  for (const { place, sstables } of tables) {
    const home = path.join(directory, place.keyspace, `${place.table}-${place.tableId}`);
    fs.mkdirSync(home, { recursive: true });
    for (const { descriptor, components } of sstables) {
      for (const name of components) {
        work.link(componentPath(descriptor, name), path.join(home, `${descriptor.prefix}-${name}`));
      }
    }
  }
  return tables.length > 0;
}
