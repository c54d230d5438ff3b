/** Replays a commit log into SSTables: `lsmctl commitlog replay`. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { UsageError } from '../../bytes/errors.js';
import { CountingOutput, diskOutput } from '../../bytes/sink.js';
import { diskStorage } from '../../bytes/source.js';
import { findSegments, type SegmentFile } from '../../commitlog/commit-log-directory.js';
import { type Persisted, readPersisted } from '../../engine/commitlog-persisted.js';
import { type LoadedLogSchema, loadLogSchema } from '../../engine/commitlog-schema.js';
import { type LogReplayResult, type ReplayOptions, replayLog } from '../../engine/replay/log-replay.js';
import { ReplayOutput } from '../../engine/replay/replay-output.js';
import { TablePlaces } from '../../engine/replay/table-places.js';
import { sourceText } from '../../engine/schema-loader.js';
import type { ReplayMode, ReplayReport } from '../../render/replay-report.js';
import type { DataThread } from '../compact/data-thread.js';
import { parseMicros } from '../flags.js';
import { withCleanUp } from '../interrupt.js';
import { type Progress, startProgress } from '../progress.js';
import { cipherOfFlags } from './cipher.js';
import { drive } from './log-context.js';
import { clearTarget, logPaths, prepareTarget } from './replay-paths.js';
import { type ReplayWishFlags, replayWish } from './replay-wish.js';

export type ReplayFlags = ReplayWishFlags & {
  readonly data?: readonly string[] | undefined;
  readonly output?: string | undefined;
  readonly 'in-place': boolean;
  readonly 'skip-corrupt': boolean;
  readonly 'dry-run': boolean;
  readonly 'memtable-mb': number;
  readonly 'column-index-size'?: number | undefined;
  readonly jobs?: number | undefined;
  readonly yes: boolean;
  readonly schema?: string | undefined;
  readonly 'cassandra-yaml'?: string | undefined;
  readonly now: number;
};

/** Where the operator is. */
export type ReplayStage = {
  readonly tell: (line: string) => void;
  /** What is about to be done, before the question. */
  readonly show: (report: ReplayReport) => void;
  readonly quiet: boolean;
};

/** All that a replay needs beside where it writes. */
export type ReplayContext = {
  readonly segments: readonly SegmentFile[];
  readonly schema: LoadedLogSchema;
  readonly dataDirectories: readonly string[];
  readonly persisted: Persisted;
  readonly places: TablePlaces;
  readonly options: Omit<ReplayOptions, 'drive' | 'flush'>;
  readonly nowMillis: number;
};

/** @throws UsageError, UnsupportedError, CorruptError, RefusedError: nothing is written then */
export async function replayPaths(
  paths: readonly string[],
  flags: ReplayFlags,
  stage: ReplayStage,
): Promise<ReplayReport> {
  const mode = modeOf(flags);
  const context = await openReplay(paths, flags, stage.tell);
  if (mode !== 'in place') {
    if (mode === 'dry') return run(context, mode, flags, stage);
    const wasThere = prepareTarget(flags.output!);
    return run(context, mode, flags, stage, () => clearTarget(flags.output!, wasThere));
  }
  const { replayInPlace } = await import('./replay-in-place.js');
  return replayInPlace(context, flags, stage, {
    count: () => run(context, 'count', flags, stage),
    replay: () => run(context, 'in place', flags, stage),
  });
}

function modeOf(flags: ReplayFlags): ReplayMode {
  if (flags['dry-run']) return 'dry';
  if (flags['in-place']) return 'in place';
  if (flags.output !== undefined) return 'aside';
  throw new UsageError('where to write is not said', {
    hint: 'give a directory with --output DIR, or --in-place to add to the data directory; --dry-run writes nothing',
  });
}

async function openReplay(
  given: readonly string[],
  flags: ReplayFlags,
  tell: (line: string) => void,
): Promise<ReplayContext> {
  const paths = logPaths(diskStorage, given, flags.data);
  const segments = findSegments(diskStorage, paths);
  const schema = await loadLogSchema(diskStorage, paths, {
    data: flags.data,
    schemaFile: flags.schema,
    nowSeconds: flags.now,
  });
  if (!schema.loaded) {
    throw new UsageError('no schema: what the mutations say is not known without one', {
      file: paths[0] ?? '.',
      hint: 'name the data directory with --data DIR, or CQL with --schema FILE',
    });
  }
  tell(sourceText(schema.loaded));
  const dataDirectories = schema.dataDirectories.length > 0 ? schema.dataDirectories : directoriesOf(flags.data);
  if (flags['in-place'] && dataDirectories.length === 0) {
    throw new UsageError('there is no data directory to add to', { hint: 'name it with --data DIR' });
  }
  const untilMicros = flags.until === undefined ? undefined : parseMicros(flags.until, '--until');
  const persisted = await readPersisted(diskStorage, dataDirectories, flags.now, untilMicros);
  const places = new TablePlaces(diskStorage, dataDirectories, segments.at(-1)?.version ?? 0);
  const options = {
    schema: schema.tables,
    cipherOf: await cipherOfFlags(flags),
    skipsDamage: flags['skip-corrupt'],
    formOf: (table: Parameters<ReplayOptions['formOf']>[0]) => places.formOf(table),
    memtableBytes: flags['memtable-mb'] * (1 << 20),
    persisted,
    untilMicros,
    ...replayWish(schema.tables, flags),
  };
  return { segments, schema, dataDirectories, persisted, places, options, nowMillis: flags.now * 1000 };
}

/** Those without system_schema too: the schema may come from a file. */
function directoriesOf(data: readonly string[] = []): readonly string[] {
  return data.filter((directory) => diskStorage.stat(directory)?.isDirectory);
}

/** `count` reads only, and counts what would be replayed. @param clear what is left of a run that came to nothing, beside its SSTables */
async function run(
  context: ReplayContext,
  mode: ReplayMode | 'count',
  flags: ReplayFlags,
  stage: ReplayStage,
  clear: () => void = () => {},
): Promise<ReplayReport> {
  const { segments, options } = context;
  const total = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = await startProgress(mode === 'count' ? 'reading' : 'replaying', total, stage.quiet, true);
  const started = performance.now();
  const thread = mode === 'aside' || mode === 'in place' ? await startThread(flags, total) : undefined;
  const output = mode === 'count' ? undefined : openOutput(context, mode, flags, thread);
  const undo = () => {
    output?.abort();
    clear();
  };
  const replay = () =>
    replayLog(diskStorage, segments, {
      ...options,
      ...(output ? { flush: output.flush } : { countsOnly: true }),
      drive: driver(segments, progress),
    });
  try {
    const result = output ? await withCleanUp(undo, replay) : await replay();
    output?.complete();
    const seconds = (performance.now() - started) / 1000;
    return reportOf(context, mode === 'count' ? 'in place' : mode, flags, result, output, seconds);
  } catch (error) {
    undo();
    throw error;
  } finally {
    progress.stop();
    await thread?.close();
  }
}

function driver(segments: readonly SegmentFile[], progress: Progress): ReplayOptions['drive'] {
  const before = new Map<string, number>();
  let sum = 0;
  for (const { file, bytes } of segments) {
    before.set(file, sum);
    sum += bytes;
  }
  return (walk, { file }) => drive(walk, (position) => progress.update(before.get(file)! + position));
}

function openOutput(
  { places, persisted, dataDirectories, nowMillis }: ReplayContext,
  mode: ReplayMode,
  flags: ReplayFlags,
  thread: DataThread | undefined,
): ReplayOutput {
  const target =
    mode === 'in place'
      ? { kind: 'in place' as const, directory: dataDirectories[0]! }
      : { kind: 'aside' as const, directory: flags.output ?? path.resolve('.') };
  return new ReplayOutput({
    storage: diskStorage,
    output: mode === 'dry' ? new CountingOutput() : diskOutput,
    places,
    target,
    // of a table some keys of which are left out, nothing may say that its writes are in SSTables
    hostId: flags.keys === undefined ? persisted.logHostId : undefined,
    nowMillis,
    columnIndexBytes: flags['column-index-size'],
    openData: thread?.open,
    randomBits: () => randomBytes(8).readBigUInt64BE(),
    drive: (walk) => drive(walk),
  });
}

/** Bytes of the log below which a thread would hardly have started when all is done. */
const MIN_THREAD_BYTES = 32 << 20;

async function startThread({ jobs }: ReplayFlags, logBytes: number): Promise<DataThread | undefined> {
  const { availableParallelism } = await import('node:os');
  if ((jobs ?? (logBytes >= MIN_THREAD_BYTES ? availableParallelism() : 1)) < 2) return undefined;
  const { DataThread } = await import('../compact/data-thread.js');
  return new DataThread();
}

function reportOf(
  context: ReplayContext,
  mode: ReplayMode,
  flags: ReplayFlags,
  result: LogReplayResult,
  output: ReplayOutput | undefined,
  seconds: number,
): ReplayReport {
  const { segments, schema, dataDirectories, persisted, options } = context;
  return {
    mode,
    isDeclined: false,
    target: mode === 'aside' ? flags.output : dataDirectories[0],
    segments: segments.map(({ file, id, bytes }) => ({ file, id, bytes })),
    hostId: persisted.logHostId,
    untilMicros: options.untilMicros,
    hasKeys: flags.keys !== undefined,
    schema: schema.loaded!.schema,
    result,
    written: output?.written() ?? new Map(),
    seconds,
  };
}
