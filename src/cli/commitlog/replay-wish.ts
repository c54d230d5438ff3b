/** What of a log is to be replayed, by the flags of the command. */
import { UsageError } from '../../bytes/errors.js';
import type { LogSchema, LogTable } from '../../commitlog/log-schema.js';
import { parseValue } from '../../cql/values/parse-value.js';
import type { ReplayWish } from '../../engine/replay/replay-filter.js';

export type ReplayWishFlags = {
  readonly until?: string | undefined;
  readonly tables?: readonly string[] | undefined;
  readonly keys?: readonly string[] | undefined;
};

/** @throws UsageError for tables that are not there, keys without a table */
export function replayWish(
  schema: LogSchema,
  { tables, keys }: ReplayWishFlags,
): Pick<ReplayWish, 'wantsTable' | 'keys'> {
  const names = tables?.flatMap((text) => text.split(',')).map((text) => text.trim());
  if (!names) {
    if (keys !== undefined)
      throw new UsageError('--keys needs one table with --tables', {
        hint: 'keys are read by the types of their table',
      });
    return {};
  }
  const wanted = new Map<string, LogTable>();
  for (const name of names) {
    const found = [...schema.all()].filter((table) => isNamed(table, name));
    if (found.length === 0) {
      throw new UsageError('--tables names none that the schema has', {
        seen: name,
        expected: 'KEYSPACE.TABLE, KEYSPACE, or the id of a table',
      });
    }
    for (const table of found) wanted.set(table.id, table);
  }
  const wantsTable = (table: LogTable) => wanted.has(table.id);
  if (keys === undefined) return { wantsTable };
  if (wanted.size !== 1) throw new UsageError('--keys needs exactly one table', { seen: names.join(', ') });
  const [table] = wanted.values();
  return {
    wantsTable,
    keys: new Set(keys.map((text) => Buffer.from(parseValue(table!.keyType, text)).toString('latin1'))),
  };
}

function isNamed({ keyspace, name, id }: LogTable, asked: string): boolean {
  return asked === `${keyspace}.${name}` || asked === keyspace || asked === id;
}
