/** What of a table only the commit log holds, as the memtable that a node would have of it (`--commitlog`). */
import { diskStorage } from '../../bytes/source.js';
import type { FrozenMemtable, Memtable } from '../../engine/memtable/memtable.js';
import { replayLog } from '../../engine/replay/log-replay.js';
import { TablePlaces } from '../../engine/replay/table-places.js';
import { dataDirectoriesOf } from '../../engine/schema-loader.js';
import { drive, openLog, persistedOrNothing } from '../commitlog/log-context.js';

export type MemtableFlags = {
  readonly commitlog?: readonly string[] | undefined;
  readonly schema?: string | undefined;
  readonly now: number;
};

/** What is wanted of the log: of one table or of all, of one key or of all. */
export type Wanted = {
  readonly table?: { readonly keyspace: string; readonly name: string } | undefined;
  readonly key?: Uint8Array | undefined;
};

/** @param given the path of the table. @throws UsageError, UnsupportedError, CorruptError (schema) */
export async function readMemtable(
  given: string,
  flags: MemtableFlags & { readonly commitlog: readonly string[] },
  wanted: Required<Wanted>,
  tell: (line: string) => void,
): Promise<FrozenMemtable | undefined> {
  const [memtable] = await readMemtables(given, flags, wanted, tell);
  return memtable?.freeze();
}

/** Reads the log; damage is told, and all is taken that can be read. @throws UsageError, UnsupportedError, CorruptError (schema) */
export async function readMemtables(
  given: string,
  flags: MemtableFlags & { readonly commitlog: readonly string[] },
  { table, key }: Wanted,
  tell: (line: string) => void,
): Promise<readonly Memtable[]> {
  const data = dataDirectoriesOf(diskStorage, [given]);
  const { segments, schema, persisted, cipherOf } = await openLog(flags.commitlog, {
    schema: flags.schema,
    now: flags.now,
    ...(data.length > 0 && { data }),
  });
  if ('unmeasured' in persisted) {
    tell(`what SSTables hold already is not known, so all writes of the log count: ${persisted.unmeasured}`);
  }
  const places = new TablePlaces(diskStorage, data, segments.at(-1)?.version ?? LATEST_LOG);
  const { memtables, faults, lost } = await replayLog(diskStorage, segments, {
    schema: schema.tables,
    persisted: persistedOrNothing(persisted),
    cipherOf,
    skipsDamage: true,
    formOf: (one) => places.formOf(one),
    ...(table && { wantsTable: ({ keyspace, name }) => keyspace === table.keyspace && name === table.name }),
    ...(key && { keys: new Set([Buffer.from(key).toString('latin1')]) }),
    drive: (walk) => drive(walk),
  });
  for (const { file, filePosition, message, atStart } of faults) {
    if (atStart !== 'says_nothing') tell(`${file}: at ${filePosition}: ${message}`);
  }
  if (lost.length > 0) {
    const places = `${lost.length} place${lost.length === 1 ? '' : 's'}`;
    tell(`${places} in the commit log can't be read: writes may be missing here (lsmctl commitlog verify)`);
  }
  return [...memtables.values()];
}

const LATEST_LOG = 8;
