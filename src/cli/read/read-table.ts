/** The one table that a read is of: its SSTables, its schema, and what of that decides an answer. */
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findTable, type Table, type View } from '../../cql/schema.js';
import { resolvePaths, resolveSSTables } from '../../engine/data-directory.js';
import { loadSchema, sourceText } from '../../engine/schema-loader.js';
import type { Descriptor, TableDirectory } from '../../sstable/descriptor.js';

export type ReadTable = {
  readonly keyspace: string;
  readonly name: string;
  /** Where it was looked for. */
  readonly path: string;
  /** None where only the commit log has anything of it. */
  readonly descriptors: readonly Descriptor[];
  /** `undefined` where only the SSTables' headers tell of the table. */
  readonly definition: Table | View | undefined;
  /** −Infinity where it is not known: then nothing is purged before it is counted. */
  readonly gcGraceSeconds: number | undefined;
  readonly isStrict: boolean;
};

export type ReadTableFlags = {
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly schema?: string | undefined;
  readonly commitlog?: readonly string[] | undefined;
  readonly now: number;
  readonly 'gc-grace'?: number | undefined;
};

/** @throws UsageError where there is none, or more than one */
export async function readTable(
  given: string,
  flags: ReadTableFlags,
  tell: (line: string) => void,
): Promise<ReadTable> {
  const { directories, problems } = foundAt(given, flags.commitlog !== undefined);
  for (const { path, message } of problems) tell(`${path}: ${message}`);
  const isWanted = ({ keyspace, table, index }: TableDirectory) =>
    index === undefined &&
    (flags.keyspace === undefined || keyspace === flags.keyspace) &&
    (flags.table === undefined || table === flags.table);
  const wanted = directories.filter(({ place }) => isWanted(place));
  const wantedSSTables = wanted.flatMap((directory) => directory.sstables);
  const of = wantedSSTables.length > 0 ? wantedSSTables : wanted;
  const names = new Set(of.map(({ place }) => `${place.keyspace}.${place.table}`));
  if (names.size === 0) throw new UsageError('no SSTable of that keyspace and table here', { file: given });
  if (names.size > 1) {
    const some = [...names].slice(0, 4).join(', ');
    throw new UsageError('a read is of one table', {
      file: given,
      seen: `${names.size}: ${some}${names.size > 4 ? ', …' : ''}`,
      hint: 'name the directory of a table, or give --keyspace and --table',
    });
  }
  const { keyspace, table: name } = of[0]!.place;
  const loaded = await loadSchema(diskStorage, [given], {
    nowSeconds: flags.now,
    keyspaces: (keyspaceName) => keyspaceName === keyspace,
    directories,
    skipsHeaders: true,
    ...(flags.schema !== undefined && { schemaFile: flags.schema }),
  });
  const known = findTable(loaded.schema, keyspace, name);
  const isHeader = loaded.fromHeaders.includes(`${keyspace}.${name}`);
  if (!known || isHeader) tell(isHeader ? sourceText(loaded) : `the schema does not have ${keyspace}.${name}: key columns go by made-up names`); // biome-ignore format: one line
  const definition = isHeader ? undefined : known;
  const isView = definition !== undefined && 'baseTable' in definition;
  return {
    keyspace,
    name,
    path: given,
    descriptors: wantedSSTables.map(({ descriptor }) => descriptor),
    definition,
    gcGraceSeconds: flags['gc-grace'] ?? definition?.options.gcGraceSeconds,
    isStrict: isView && (await import('../compact/tables.js')).isStrict(definition, loaded.schema),
  };
}

/** A table that only the commit log has anything of has its directory all the same. @throws UsageError */
function foundAt(given: string, takesEmpty: boolean) {
  return takesEmpty ? resolvePaths(diskStorage, [given]) : resolveSSTables(diskStorage, [given]);
}

export function nothingThere({ keyspace, name, path }: ReadTable): UsageError {
  return new UsageError(`${keyspace}.${name} has no SSTable, and the commit log has nothing of it that is not flushed`, { file: path }); // biome-ignore format: one line
}
