/** `compact relevel`, `reset-level` and `set-repaired`: what is to be changed in which Statistics.db. */
import { RefusedError, UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findTable } from '../../cql/schema.js';
import { readCandidates } from '../../engine/compaction/read-candidate.js';
import type { PathProblem } from '../../engine/data-directory.js';
import { loadSchema } from '../../engine/schema-loader.js';
import type { SSTableDirectory } from '../../engine/sstable-directory.js';
import { compactionParams } from '../../engine/strategies/options.js';
import { levelingOf, relevel } from '../../engine/surgery/relevel.js';
import { planEdits, readEditable, type StatisticsState } from '../../engine/surgery/statistics-edits.js';
import type { EditedTable, ReleveledTable } from '../../render/surgery.js';
import { COMPONENT, componentPath, type Descriptor } from '../../sstable/descriptor.js';
import { type TableFlags, wantedTables } from './tables.js';

export type EditPlan<T extends EditedTable = EditedTable> = {
  readonly tables: readonly T[];
  /** Those of the tables. */
  readonly directories: readonly SSTableDirectory[];
  readonly problems: readonly PathProblem[];
};

export type RelevelFlags = TableFlags & { readonly schema?: string | undefined; readonly now: number };

export type RepairedFlags = TableFlags & {
  readonly repaired?: boolean | undefined;
  readonly 'repaired-at'?: number | undefined;
  readonly unrepaired?: boolean | undefined;
};

type Tell = (line: string) => void;

/** @throws UsageError where no table is leveled, UnsupportedError, CorruptError */
export async function planRelevel(
  paths: readonly string[],
  flags: RelevelFlags,
  tell: Tell,
): Promise<EditPlan<ReleveledTable>> {
  const { directories, problems } = wantedTables(paths, flags, tell);
  for (const directory of directories) mustBeWhole(directory, paths);
  const { schema } = await loadSchema(diskStorage, paths, {
    nowSeconds: flags.now,
    ...(flags.schema !== undefined && { schemaFile: flags.schema }),
  });
  const tables: ReleveledTable[] = [];
  const leveled: SSTableDirectory[] = [];
  const others: { readonly file: string; readonly why: string }[] = [];
  for (const directory of directories) {
    const { keyspace, table } = directory.place;
    const options = findTable(schema, keyspace, table)?.options.compaction;
    const strategy = options && compactionParams(options).strategy;
    if (strategy?.kind === 'Leveled') {
      tables.push(planTable(directory, strategy));
      leveled.push(directory);
    } else others.push({ file: directory.path, why: whyNot(options?.class) });
  }
  const [first, ...more] = others;
  if (tables.length === 0) {
    const message = more.length === 0 && first ? first.why : 'no table here is leveled';
    throw new RefusedError(message, {
      file: first?.file ?? paths[0] ?? '.',
      expected: 'a table with LeveledCompactionStrategy',
      hint: 'levels mean nothing to other strategies; where the schema is not found, give it with --schema',
    });
  }
  if (first && more.length === 0) tell(`${first.file}: left as it is: ${first.why}`);
  else if (first)
    tell(`${others.length} tables are left as they are: they are not leveled, or their strategy is not known`);
  return { tables, directories: leveled, problems };
}

function whyNot(strategy: string | undefined): string {
  if (strategy === undefined) return 'its compaction strategy is not known';
  return `it is not leveled but has ${strategy.replace(/^.*\./, '')}`;
}

/** A leveling of some of the SSTables would overlap with the others. */
function mustBeWhole({ path: directory }: SSTableDirectory, paths: readonly string[]): void {
  const file = paths.find((one) => diskStorage.stat(one)?.isDirectory !== true);
  if (file === undefined) return;
  throw new UsageError('all SSTables of a table are leveled together', { file, expected: `a directory: ${directory}` });
}

function planTable(
  { place, path: directory, sstables: files }: SSTableDirectory,
  { maxSSTableBytes, fanoutSize }: { readonly maxSSTableBytes: number; readonly fanoutSize: number },
): ReleveledTable {
  const descriptors = files.map(({ descriptor }) => descriptor);
  const sstables = readCandidates(diskStorage, descriptors);
  const after = relevel(sstables, sstables[0]!.partitioner);
  const levelOf = new Map(after.flatMap((level, i) => level.map((one) => [one.descriptor.prefix, i] as const)));
  return {
    keyspace: place.keyspace,
    table: place.table,
    directory,
    sstables: sstables.length,
    edits: planEdits(diskStorage, sstables, (one) => ({ ...one, level: levelOf.get(one.descriptor.prefix)! })),
    before: levelingOf(sstables),
    after,
    maxSSTableBytes,
    fanoutSize,
  };
}

/** @throws UsageError, CorruptError */
export function planResetLevel(paths: readonly string[], flags: TableFlags, tell: Tell): EditPlan {
  return planAll(paths, flags, tell, (_, state) => ({ ...state, level: 0 }));
}

/** @throws UsageError (also where it is not said what to set), CorruptError */
export function planSetRepaired(paths: readonly string[], flags: RepairedFlags, tell: Tell): EditPlan {
  const at = repairedAtOf(flags);
  return planAll(paths, flags, tell, (descriptor, { level }) => ({
    level,
    repairedAtMillis: at ?? modifiedMillis(descriptor),
    isTransient: false,
  }));
}

/** Milliseconds; `undefined`: when each Data.db was written. */
function repairedAtOf(flags: RepairedFlags): number | undefined {
  const { repaired, unrepaired, 'repaired-at': seconds } = flags;
  const given = [repaired, unrepaired, seconds !== undefined].filter(Boolean).length;
  if (given !== 1) {
    throw new UsageError(given === 0 ? 'what to set is not said' : 'only one can be set', {
      expected: 'one of --repaired, --repaired-at TIME and --unrepaired',
    });
  }
  if (unrepaired) return 0;
  if (seconds === undefined) return undefined;
  if (seconds > 0) return seconds * 1000;
  throw new UsageError('--repaired-at is a time after 1970', {
    seen: seconds,
    hint: '--unrepaired takes the mark away',
  });
}

function modifiedMillis(descriptor: Descriptor): number {
  const file = componentPath(descriptor, COMPONENT.data);
  const stat = diskStorage.stat(file);
  if (!stat) throw new UsageError('no such file or directory', { file });
  return Math.floor(stat.mtimeMillis);
}

function planAll(
  paths: readonly string[],
  flags: TableFlags,
  tell: Tell,
  wanted: (descriptor: Descriptor, state: StatisticsState) => StatisticsState,
): EditPlan {
  const { directories, problems } = wantedTables(paths, flags, tell);
  const tables = directories.map(({ place, path: directory, sstables: files }) => {
    const sstables = files.map(({ descriptor }) => readEditable(diskStorage, descriptor));
    return {
      keyspace: place.keyspace,
      table: place.table,
      directory,
      sstables: sstables.length,
      edits: planEdits(diskStorage, sstables, (one) => wanted(one.descriptor, one)),
    };
  });
  return { tables, directories, problems };
}
