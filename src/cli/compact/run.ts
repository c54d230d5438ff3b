/** `compact run --major` and `--garbagecollect`: finds the tables, compacts one after the other into another directory, and tells what that gave. */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { type CorruptError, UsageError } from '../../bytes/errors.js';
import { CountingOutput, diskOutput } from '../../bytes/sink.js';
import { diskStorage } from '../../bytes/source.js';
import { columnsOfKind, findTable, isSystemKeyspace, type Schema, type Table, type View } from '../../cql/schema.js';
import { garbageTasks, majorTasks } from '../../engine/compaction/forced-tasks.js';
import { MajorCompaction, readAllFacts, type TaskResult } from '../../engine/compaction/major-compaction.js';
import { type PathProblem, resolvePaths } from '../../engine/data-directory.js';
import { readHostId } from '../../engine/local-node.js';
import { dataDirectoriesOf, loadSchema } from '../../engine/schema-loader.js';
import type { SSTableDirectory } from '../../engine/sstable-directory.js';
import { type CompactionParams, compactionParams } from '../../engine/strategies/options.js';
import type { CompactedTable } from '../../render/compaction-report.js';
import { COMPONENT, componentPath } from '../../sstable/descriptor.js';
import { isIndexComponent } from '../../sstable/toc.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import { latestWritten } from '../../sstable/version.js';
import { breathe, interruptible, withCleanUp } from '../interrupt.js';
import type { Progress } from '../progress.js';
import { startProgress } from '../progress.js';

export type RunFlags = {
  readonly major: boolean;
  readonly garbagecollect?: string | undefined;
  readonly output?: string | undefined;
  readonly 'dry-run': boolean;
  readonly now: number;
  readonly 'gc-grace'?: number | undefined;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly schema?: string | undefined;
  readonly 'column-index-size'?: number | undefined;
  readonly jobs?: number | undefined;
};

export type RunResult = { readonly tables: readonly CompactedTable[]; readonly problems: readonly PathProblem[] };

const DEFAULT_GC_GRACE_SECONDS = 864_000;

/** @throws UsageError, UnsupportedError, CorruptError; what was written of the table at hand is removed first */
export async function runMajor(
  paths: readonly string[],
  flags: RunFlags,
  tell: (line: string) => void,
  quiet: boolean,
): Promise<RunResult> {
  const garbageCollect = levelOf(flags);
  const { directories, problems } = resolvePaths(diskStorage, paths);
  const wanted = directories.filter((directory) => isWanted(directory, paths, flags, tell));
  if (wanted.length === 0) {
    throw new UsageError('there is no table to compact', {
      file: paths[0] ?? '.',
      hint: 'tables of system keyspaces are compacted only where --keyspace or the path names them',
    });
  }
  const { schema } = await loadSchema(diskStorage, paths, {
    nowSeconds: flags.now,
    ...(flags.schema !== undefined && { schemaFile: flags.schema }),
  });
  const hostId = await readHostId(diskStorage, dataDirectoriesOf(diskStorage, paths), flags.now);
  if (!flags['dry-run']) for (const directory of wanted) prepare(targetOf(directory, flags), directory, flags.output);
  const tables: CompactedTable[] = [];
  for (const directory of wanted) {
    tables.push(await compactTable(directory, schema, hostId, { ...flags, garbageCollect }, tell, quiet));
  }
  return { tables, problems };
}

/** What to do is said by one flag of two. */
function levelOf({ major, garbagecollect }: RunFlags): 'row' | 'cell' | undefined {
  if (major === (garbagecollect !== undefined)) {
    throw new UsageError(major ? 'only one of two can be done' : 'what to do is not said', {
      seen: major ? '--major and --garbagecollect' : 'neither --major nor --garbagecollect',
      expected: '--major (nodetool compact), --garbagecollect row or --garbagecollect cell (nodetool garbagecollect)',
    });
  }
  if (garbagecollect === undefined || garbagecollect === 'row' || garbagecollect === 'cell') return garbagecollect;
  throw new UsageError('--garbagecollect takes row or cell', { seen: garbagecollect });
}

function isWanted(
  { place, sstables, path: where }: SSTableDirectory,
  paths: readonly string[],
  { keyspace, table }: RunFlags,
  tell: (line: string) => void,
): boolean {
  if (keyspace !== undefined && place.keyspace !== keyspace) return false;
  if (table !== undefined && place.table !== table) return false;
  if (place.index !== undefined) {
    tell(`${where}: the hidden table of index ${place.index} is left as it is: a node compacts it on its own`);
    return false;
  }
  const isNamed =
    keyspace !== undefined || paths.some((given) => path.resolve(given).split(path.sep).includes(place.keyspace));
  if (isSystemKeyspace(place.keyspace) && !isNamed) return false;
  return sstables.length > 0;
}

async function compactTable(
  directory: SSTableDirectory,
  schema: Schema,
  hostId: string | undefined,
  flags: RunFlags & { readonly garbageCollect: 'row' | 'cell' | undefined },
  tell: (line: string) => void,
  quiet: boolean,
): Promise<CompactedTable> {
  const { place } = directory;
  const name = `${place.keyspace}.${place.table}`;
  const definition = findTable(schema, place.keyspace, place.table);
  const params = paramsOf(name, definition, tell);
  const gcGraceSeconds = flags['gc-grace'] ?? gcGraceOf(name, definition, tell);
  tellOfIndexes(directory, name, tell);
  const facts = readAllFacts(diskStorage, allOf(directory));
  const picked = new Set(directory.sstables.map(({ descriptor }) => descriptor.prefix));
  const sstables = facts.filter(({ descriptor }) => picked.has(descriptor.prefix));
  const isDry = flags['dry-run'];
  const output = isDry ? new CountingOutput() : diskOutput;
  const thread = isDry ? undefined : await startThread(flags.jobs, sstables);
  const compaction = new MajorCompaction({
    storage: diskStorage,
    tasks: flags.garbageCollect ? garbageTasks(sstables, params) : majorTasks(sstables, params.strategy),
    output,
    directory: targetOf(directory, flags),
    sstables,
    outside: facts.filter(({ descriptor }) => !picked.has(descriptor.prefix)),
    definition,
    params,
    version: latestWritten(sstables.map(({ descriptor }) => descriptor.version)),
    columnIndexBytes: flags['column-index-size'],
    nowSeconds: flags.now,
    gcGraceSeconds,
    hostId,
    isStrict: isStrict(definition, schema),
    openData: thread?.open,
    garbageCollect: flags.garbageCollect,
    isDry,
    randomBits: () => randomBytes(8).readBigUInt64BE(),
  });
  const totalBytes = sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  const progress = await startProgress(`compacting ${name}:`, totalBytes, quiet);
  let results: TaskResult[];
  try {
    results = await withCleanUp(
      () => compaction.abort(),
      () => compaction.run(progressOf(progress, compaction.tasks), { slice: interruptible, breathe }),
    );
    if (!isDry) compaction.publish();
  } catch (error) {
    compaction.abort();
    throw error as CorruptError;
  } finally {
    progress.stop();
    await thread?.close();
  }
  return { keyspace: place.keyspace, table: place.table, directory: directory.path, isDry, gcGraceSeconds, results };
}

/** Bytes of Data.db below which a thread would hardly have started when all is done. */
const MIN_THREAD_BYTES = 8 << 20;

/** A thread for compressing and writing, where that pays or is asked for. */
async function startThread(jobs: number | undefined, sstables: readonly { readonly onDiskBytes: number }[]) {
  const bytes = sstables.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0);
  const wanted = jobs ?? (bytes >= MIN_THREAD_BYTES ? availableParallelism() : 1);
  if (wanted < 2) return undefined;
  const { DataThread } = await import('./data-thread.js');
  return new DataThread();
}

/** Every SSTable of the directory: those that the path left out decide what may be purged. */
function allOf(directory: SSTableDirectory) {
  const all = resolvePaths(diskStorage, [directory.path]).directories.find(
    ({ path: where }) => where === directory.path,
  );
  return (all ?? directory).sstables.map(({ descriptor }) => descriptor);
}

function progressOf(progress: Progress, tasks: MajorCompaction['tasks']) {
  const bytes = tasks.map(({ inputs }) => inputs.reduce((sum, { onDiskBytes }) => sum + onDiskBytes, 0));
  return ({ task, read, total }: { task: number; read: number; total: number }) => {
    const before = bytes.slice(0, task).reduce((sum, size) => sum + size, 0);
    progress.update(before + (total > 0 ? read / total : 0) * bytes[task]!);
  };
}

function paramsOf(name: string, definition: Table | View | undefined, tell: (line: string) => void): CompactionParams {
  const options = definition?.options.compaction;
  if (options) return compactionParams(options);
  tell(`${name}: no compaction options are known: compacted into one SSTable, as SizeTieredCompactionStrategy would`);
  return compactionParams({ class: 'SizeTieredCompactionStrategy' });
}

function gcGraceOf(name: string, definition: Table | View | undefined, tell: (line: string) => void): number {
  const known = definition?.options.gcGraceSeconds;
  if (known !== undefined) return known;
  tell(`${name}: gc_grace_seconds is not known: Cassandra's default of 864000 is taken; give it with --gc-grace`);
  return DEFAULT_GC_GRACE_SECONDS;
}

function tellOfIndexes({ sstables }: SSTableDirectory, name: string, tell: (line: string) => void): void {
  const has = sstables.some(({ components }) => components.some(isIndexComponent));
  if (has) tell(`${name}: SAI and SASI components are not written: a node builds them anew (nodetool rebuild_index)`);
}

/** `<keyspace>/<table>-<id>` as a node lays it out, so that the output can be put in a data directory as it is. */
function relativePlace({ place, path: where }: SSTableDirectory): string[] {
  const parts = path.resolve(where).split(path.sep);
  const at = parts.findLastIndex((part) => part === place.table || part.startsWith(`${place.table}-`));
  return [place.keyspace, at < 0 ? place.table : parts[at]!];
}

function targetOf(directory: SSTableDirectory, { output }: RunFlags): string {
  return output === undefined ? directory.path : path.join(output, ...relativePlace(directory));
}

/**
 * Refuses a target with SSTables in it, since their generations might be those that are to be written, and one with too little room. All targets
 * are asked before anything is written.
 */
function prepare(target: string, { sstables }: SSTableDirectory, given: string | undefined): void {
  if (given === undefined) {
    throw new UsageError('where to write is not said', { expected: '--output DIR, or --dry-run' });
  }
  if (diskStorage.stat(target)?.isDirectory) {
    const names = diskStorage.list(target);
    const there = names.find((name) => name.endsWith('-Data.db'));
    const left = names.find((name) => name.endsWith(TEMPORARY));
    if (there !== undefined || left !== undefined) {
      throw new UsageError(
        there !== undefined
          ? 'the output directory has SSTables already'
          : 'the output directory has files of a run that was killed',
        {
          file: path.join(target, there ?? left ?? ''),
          hint: there !== undefined ? 'give an empty directory with --output' : `remove its *${TEMPORARY} files`,
        },
      );
    }
  }
  diskOutput.makeDirectory(target);
  const needed = sstables.reduce(
    (sum, { descriptor }) => sum + (diskStorage.stat(componentPath(descriptor, COMPONENT.data))?.size ?? 0),
    0,
  );
  const free = diskOutput.freeBytes(target);
  if (free !== undefined && free < needed) {
    throw new UsageError('there may not be enough room for the output', {
      file: target,
      seen: `${free} bytes free`,
      expected: `${needed} bytes, as many as the inputs have`,
    });
  }
}

/** Whether rows of a view live by their liveness alone: where a regular column of the base table is part of the view's key. */
function isStrict(definition: Table | View | undefined, schema: Schema): boolean {
  if (!definition || !('baseTable' in definition)) return false;
  const base = findTable(schema, definition.keyspace, definition.baseTable);
  if (!base) return false;
  const baseKey = new Set(
    [...columnsOfKind(base, 'partition_key'), ...columnsOfKind(base, 'clustering')].map((c) => c.name),
  );
  const viewKey = [...columnsOfKind(definition, 'partition_key'), ...columnsOfKind(definition, 'clustering')];
  return viewKey.some(({ name }) => !baseKey.has(name));
}
