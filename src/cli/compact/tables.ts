/** The tables that a compaction is about: where they lie, how they are compacted, and what is known of their SSTables. */
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { columnsOfKind, findTable, type Schema, type Table, type View } from '../../cql/schema.js';
import type { UnflushedTable, UnflushedWrites } from '../../engine/commitlog-unflushed.js';
import { readCandidates } from '../../engine/compaction/read-candidate.js';
import type { PathProblem } from '../../engine/data-directory.js';
import { readHostId } from '../../engine/local-node.js';
import { dataDirectoriesOf, loadSchema } from '../../engine/schema-loader.js';
import type { SSTableDirectory } from '../../engine/sstable-directory.js';
import { type CompactionParams, compactionParams } from '../../engine/strategies/options.js';
import type { Candidate } from '../../engine/strategies/strategy.js';
import { type TableFlags, wantedTables, wholeDirectories } from '../surgery/tables.js';
import { TableNotices } from './table-notices.js';
import { unflushedWrites } from './unflushed.js';

export type CompactTableFlags = TableFlags & {
  readonly now: number;
  readonly 'gc-grace'?: number | undefined;
  readonly schema?: string | undefined;
  readonly strategy?: string | undefined;
  readonly option?: readonly string[] | undefined;
  readonly commitlog?: readonly string[] | undefined;
};

export type TableAtHand = {
  /** `<keyspace>.<table>` */
  readonly name: string;
  /** With all SSTables that are in it. */
  readonly directory: SSTableDirectory;
  readonly definition: Table | View | undefined;
  /** See {@link PurgeOptions.strictLiveness}. */
  readonly isStrict: boolean;
  /** Compaction options, as in the schema or as overridden. */
  readonly options: Readonly<Record<string, string>>;
  readonly params: CompactionParams;
  readonly gcGraceSeconds: number;
  /** All of the directory, in order of generation. */
  readonly sstables: readonly Candidate[];
  /** Those that the paths name; all where these are directories. */
  readonly picked: readonly Candidate[];
  /** Generations of the table's SSTables in other directories. */
  readonly takenIds: readonly string[];
  /** Its writes that only the commit log holds. */
  readonly unflushed?: UnflushedTable | undefined;
  /** Whether a commit log was looked at: else nothing is known of unflushed writes. */
  readonly isCommitLogRead: boolean;
};

export type TablesAtHand = {
  readonly tables: readonly TableAtHand[];
  readonly hostId: string | undefined;
  readonly problems: readonly PathProblem[];
};

type Tell = (line: string) => void;

/** What several calls have in common. */
export type Shared = {
  /** To be told when all calls are done. */
  readonly notices: TableNotices;
  readonly unflushedWrites: typeof unflushedWrites;
};

const DEFAULT_GC_GRACE_SECONDS = 864_000;

const UNFLUSHED = 'the commit log has writes that no SSTable holds: tombstones newer than those stay';
const NO_OPTIONS = 'no compaction options are known: taken for SizeTieredCompactionStrategy (--strategy)';
const NO_GC_GRACE = "gc_grace_seconds is not known: Cassandra's default of 864000 is taken; give it with --gc-grace";

/** @throws UsageError, UnsupportedError, CorruptError */
export async function tablesAtHand(
  paths: readonly string[],
  flags: CompactTableFlags,
  tell: Tell,
  shared?: Shared,
): Promise<TablesAtHand> {
  const notices = shared?.notices ?? new TableNotices();
  const { directories: found, problems } = wantedTables(paths, flags, tell);
  const directories = found.filter(({ place }) => place.index === undefined);
  if (directories.length === 0) {
    throw new UsageError('hidden tables of indexes are not compacted here: a node does that on its own', {
      file: paths[0] ?? '.',
    });
  }
  const hasFiles = paths.some((given) => diskStorage.stat(given)?.isDirectory !== true);
  const whole = hasFiles ? wholeDirectories(directories) : directories;
  const { schema } = await loadSchema(diskStorage, paths, {
    nowSeconds: flags.now,
    keyspaces: (name) => directories.some(({ place }) => place.keyspace === name),
    ...(flags.schema !== undefined && { schemaFile: flags.schema }),
  });
  const dataDirectories = dataDirectoriesOf(diskStorage, paths);
  const hostId = await readHostId(diskStorage, dataDirectories, flags.now);
  const writes = await (shared?.unflushedWrites ?? unflushedWrites)(dataDirectories, flags, tell);
  const tables = directories.map((directory, i) => {
    const picked = new Set(directory.sstables.map(({ descriptor }) => descriptor.prefix));
    const table = tableAtHand(whole[i]!, picked, schema, { flags, notices, all: whole });
    const unflushed = writes && unflushedOf(table, writes);
    if (unflushed) notices.add(table.name, UNFLUSHED);
    return { ...table, unflushed, isCommitLogRead: writes !== undefined };
  });
  if (!shared) notices.tellTo(tell);
  return { tables, hostId, problems: [...problems, ...whole.flatMap(unsupported)] };
}

/** SSTables that are left out since they can't be read. */
function unsupported(directory: SSTableDirectory): PathProblem[] {
  return directory.unsupported.map(({ prefix, error }) => ({
    kind: 'unsupported',
    path: path.join(directory.path, prefix),
    message: `${error.message}: it is left out, and what the table holds is not known without it`,
    ...(error.facts.hint !== undefined && { hint: error.facts.hint }),
  }));
}

function tableAtHand(
  directory: SSTableDirectory,
  picked: ReadonlySet<string>,
  schema: Schema,
  { flags, notices, all }: { flags: CompactTableFlags; notices: TableNotices; all: readonly SSTableDirectory[] },
): Omit<TableAtHand, 'isCommitLogRead'> {
  const { place } = directory;
  const name = `${place.keyspace}.${place.table}`;
  const definition = findTable(schema, place.keyspace, place.table);
  const options = optionsOf(name, definition, flags, notices);
  const descriptors = directory.sstables.map(({ descriptor }) => descriptor);
  const sstables = readCandidates(diskStorage, descriptors);
  const elsewhere = all.filter(
    (other) => other !== directory && other.kind === 'live' && isSameTable(other, directory),
  );
  return {
    name,
    directory,
    definition,
    isStrict: isStrict(definition, schema),
    options,
    params: compactionParams(options),
    gcGraceSeconds: flags['gc-grace'] ?? gcGraceOf(name, definition, notices),
    sstables,
    picked: sstables.filter(({ descriptor }) => picked.has(descriptor.prefix)),
    takenIds: [directory, ...elsewhere].flatMap(({ sstables: own, orphans }) =>
      [...own, ...orphans].map(({ descriptor }) => descriptor.id),
    ),
  };
}

/** By the id of the schema, else by that in the name of the directory, `<table>-<32 hex digits>`. */
function unflushedOf(
  { definition, directory }: Pick<TableAtHand, 'definition' | 'directory'>,
  writes: UnflushedWrites,
): UnflushedTable | undefined {
  const hex = /-([0-9a-f]{32})$/.exec(path.basename(path.resolve(directory.path)))?.[1];
  const named = hex?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const id = definition && 'id' in definition ? definition.id : named;
  return id === undefined ? writes.any() : writes.table(id);
}

function isSameTable({ place: a }: SSTableDirectory, { place: b }: SSTableDirectory): boolean {
  return a.keyspace === b.keyspace && a.table === b.table;
}

const STRATEGIES: Readonly<Record<string, string>> = {
  stcs: 'SizeTieredCompactionStrategy',
  lcs: 'LeveledCompactionStrategy',
  twcs: 'TimeWindowCompactionStrategy',
  ucs: 'UnifiedCompactionStrategy',
};

function optionsOf(
  name: string,
  definition: Table | View | undefined,
  { strategy, option = [] }: CompactTableFlags,
  notices: TableNotices,
): Readonly<Record<string, string>> {
  const given = Object.fromEntries(option.map(keyAndValue));
  if (strategy !== undefined) return { class: STRATEGIES[strategy.toLowerCase()] ?? strategy, ...given };
  const known = definition?.options.compaction;
  if (!known) notices.add(name, NO_OPTIONS);
  return { ...(known ?? { class: STRATEGIES.stcs! }), ...given };
}

function keyAndValue(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError('--option takes a name and a value', { seen: text, expected: 'min_threshold=4' });
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function gcGraceOf(name: string, definition: Table | View | undefined, notices: TableNotices): number {
  const known = definition?.options.gcGraceSeconds;
  if (known !== undefined) return known;
  notices.add(name, NO_GC_GRACE);
  return DEFAULT_GC_GRACE_SECONDS;
}

/** `<keyspace>/<table>-<id>` as a node lays it out, so that the output can be put in a data directory as it is. */
export function relativePlace({ place, path: where }: SSTableDirectory): string[] {
  const parts = path.resolve(where).split(path.sep);
  const at = parts.findLastIndex((part) => part === place.table || part.startsWith(`${place.table}-`));
  return [place.keyspace, at < 0 ? place.table : parts[at]!];
}

/** Whether rows of a view live by their liveness alone: where a regular column of the base table is part of the view's key. */
export function isStrict(definition: Table | View | undefined, schema: Schema): boolean {
  if (!definition || !('baseTable' in definition)) return false;
  const base = findTable(schema, definition.keyspace, definition.baseTable);
  if (!base) return false;
  const baseKey = new Set(
    [...columnsOfKind(base, 'partition_key'), ...columnsOfKind(base, 'clustering')].map((c) => c.name),
  );
  const viewKey = [...columnsOfKind(definition, 'partition_key'), ...columnsOfKind(definition, 'clustering')];
  return viewKey.some(({ name }) => !baseKey.has(name));
}
