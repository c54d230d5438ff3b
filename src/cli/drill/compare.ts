/** Holds what the whole log and its SSTables answer against what the recovered copy answers, table by table. */
import path from 'node:path';
import { CorruptError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findTable, isSystemKeyspace, type Schema } from '../../cql/schema.js';
import { resolvePaths } from '../../engine/data-directory.js';
import { type AnswerCounts, compareAnswers } from '../../engine/drill/answers.js';
import type { AnswerLoss } from '../../engine/drill/report.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import { JsonRows } from '../../render/read-rows.js';
import type { PartitionIndex } from '../../sstable/partition-index.js';
import { openDescriptor, type SSTable } from '../../sstable/sstable.js';
import { drive } from '../commitlog/log-context.js';
import { isStrict } from '../compact/tables.js';

export type Sides = {
  /** Directories laid out as data directories. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly schema: Schema;
  readonly nowSeconds: number;
  /** By `keyspace.table`: keys, as latin1, of which writes of the log are lost. */
  readonly lostKeys: ReadonlyMap<string, ReadonlySet<string>>;
  /** Both sides have the same SSTables but for what was replayed: only those keys can differ. */
  readonly isSameBase: boolean;
  readonly wants: (keyspace: string, table: string) => boolean;
};

export type TableAnswers = {
  readonly keyspace: string;
  readonly table: string;
  readonly answers: AnswerLoss | { readonly unmeasured: string };
  /** Of rows that are not those of lost writes. */
  readonly firstMicros: number | undefined;
};

/** Tables that are not Cassandra's own, those that differ or might have. @throws UnsupportedError, UsageError */
export async function compareSides(sides: Sides): Promise<TableAnswers[]> {
  const before = tablesOf(sides.before);
  const after = tablesOf(sides.after);
  const found: TableAnswers[] = [];
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const lost = sides.lostKeys.get(name);
    if (sides.isSameBase && !lost) continue;
    const [a, b] = [before.get(name) ?? [], after.get(name) ?? []];
    const { keyspace, table } = (a[0] ?? b[0])!.place;
    if (isSystemKeyspace(keyspace) || !sides.wants(keyspace, table)) continue;
    const notInLog = { rows: 0, firstMicros: undefined as number | undefined };
    try {
      const counts = await compareTable(a, b, sides, { keyspace, table, lost, notInLog });
      const { gone, older, back, keys } = counts;
      const answers = { gone, older, back, keys, notInLog: notInLog.rows };
      found.push({ keyspace, table, answers, firstMicros: notInLog.firstMicros });
    } catch (error) {
      // a result that is not sound; other tables may be
      if (!(error instanceof CorruptError)) throw error;
      const unmeasured = `${path.basename(error.facts.file ?? '')}: ${error.message}`;
      found.push({ keyspace, table, answers: { unmeasured }, firstMicros: undefined });
    }
  }
  return found;
}

/** By `keyspace.table`; hidden tables of indexes answer nothing themselves. */
function tablesOf(directories: readonly string[]): Map<string, SSTableFiles[]> {
  const tables = new Map<string, SSTableFiles[]>();
  for (const directory of directories) {
    if (!diskStorage.stat(directory)?.isDirectory || diskStorage.list(directory).length === 0) continue;
    for (const { kind, place, sstables } of resolvePaths(diskStorage, [directory]).directories) {
      if (kind !== 'live' || place.index !== undefined || sstables.length === 0) continue;
      const name = `${place.keyspace}.${place.table}`;
      tables.set(name, [...(tables.get(name) ?? []), ...sstables]);
    }
  }
  return tables;
}

type Asked = {
  readonly keyspace: string;
  readonly table: string;
  readonly lost: ReadonlySet<string> | undefined;
  readonly notInLog: { rows: number; firstMicros: number | undefined };
};

async function compareTable(
  before: readonly SSTableFiles[],
  after: readonly SSTableFiles[],
  { schema, nowSeconds, isSameBase }: Sides,
  { keyspace, table, lost, notInLog }: Asked,
): Promise<AnswerCounts> {
  const opened: SSTable[] = [];
  const indexes: PartitionIndex[] = [];
  const open = async (list: readonly SSTableFiles[]) => {
    const sstables: SSTable[] = [];
    for (const { descriptor } of list) {
      const sstable = await openDescriptor(diskStorage, descriptor);
      opened.push(sstable);
      sstables.push(sstable);
    }
    return sstables;
  };
  const keyText = (key: Uint8Array) => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
  const definition = findTable(schema, keyspace, table);
  try {
    const setup = {
      before: await open(before),
      after: await open(after),
      definition,
      nowSeconds,
      isStrict: isStrict(definition, schema),
      textOf: (header: SSTable['header']) => new JsonRows(header, definition, nowSeconds),
      ...(isSameBase && lost && { keys: lost }),
      indexOf: (sstable: SSTable) => {
        const index = sstable.openIndex(diskStorage);
        indexes.push(index);
        return index;
      },
    };
    return await drive(
      compareAnswers(setup, ({ key, gone, older, back, firstMicros }) => {
        if (lost?.has(keyText(key))) return;
        notInLog.rows += gone + older + back;
        if (firstMicros !== undefined && !(notInLog.firstMicros! <= firstMicros)) notInLog.firstMicros = firstMicros;
      }),
    );
  } finally {
    for (const one of [...indexes, ...opened]) one.close();
  }
}
