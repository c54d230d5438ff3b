/** The one table that a read is of: its SSTables, its schema, and what of that decides an answer. */
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findTable, type Table, type View } from '../../cql/schema.js';
import { resolveSSTables } from '../../engine/data-directory.js';
import { loadSchema, sourceText } from '../../engine/schema-loader.js';
import type { Descriptor } from '../../sstable/descriptor.js';

export type ReadTable = {
  readonly keyspace: string;
  readonly name: string;
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
  readonly now: number;
  readonly 'gc-grace'?: number | undefined;
};

/** @throws UsageError where there is none, or more than one */
export async function readTable(
  given: string,
  flags: ReadTableFlags,
  tell: (line: string) => void,
): Promise<ReadTable> {
  const { sstables, problems } = resolveSSTables(diskStorage, [given]);
  for (const { path, message } of problems) tell(`${path}: ${message}`);
  const wanted = sstables.filter(
    ({ place: { keyspace, table, index } }) =>
      index === undefined &&
      (flags.keyspace === undefined || keyspace === flags.keyspace) &&
      (flags.table === undefined || table === flags.table),
  );
  const names = new Set(wanted.map(({ place }) => `${place.keyspace}.${place.table}`));
  if (names.size === 0) throw new UsageError('no SSTable of that keyspace and table here', { file: given });
  if (names.size > 1) {
    const some = [...names].slice(0, 4).join(', ');
    throw new UsageError('a read is of one table', {
      file: given,
      seen: `${names.size}: ${some}${names.size > 4 ? ', …' : ''}`,
      hint: 'name the directory of a table, or give --keyspace and --table',
    });
  }
  const { keyspace, table: name } = wanted[0]!.place;
  const loaded = await loadSchema(diskStorage, [given], {
    nowSeconds: flags.now,
    keyspaces: (keyspaceName) => keyspaceName === keyspace,
    ...(flags.schema !== undefined && { schemaFile: flags.schema }),
  });
  const found = findTable(loaded.schema, keyspace, name);
  const isHeader = loaded.fromHeaders.includes(`${keyspace}.${name}`);
  if (!found || isHeader) tell(isHeader ? sourceText(loaded) : `the schema does not have ${keyspace}.${name}: key columns go by made-up names`); // biome-ignore format: one line
  const definition = isHeader ? undefined : found;
  const isView = definition !== undefined && 'baseTable' in definition;
  return {
    keyspace,
    name,
    descriptors: wanted.map(({ descriptor }) => descriptor),
    definition,
    gcGraceSeconds: flags['gc-grace'] ?? definition?.options.gcGraceSeconds,
    isStrict: isView && (await import('../compact/tables.js')).isStrict(definition, loaded.schema),
  };
}
