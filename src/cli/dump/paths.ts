/** `lsmctl dump`: from the command line's words to dumps of each SSTable, one after the other. */
import { LsmctlError, UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { columnsOfKind, findTable, isCompactTable, type Schema } from '../../cql/schema.js';
import { type PathProblem, resolveSSTables } from '../../engine/data-directory.js';
import { loadSchema } from '../../engine/schema-loader.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import type { FilterOptions } from '../../engine/unfiltered-filter.js';
import { bytesText } from '../../render/bytes.js';
import { type DumpContext, defaultKeyNames } from '../../render/partition-writer.js';
import { COMPONENT, componentPath, type Descriptor, parseTableDirectory } from '../../sstable/descriptor.js';
import { readStatistics } from '../../sstable/statistics.js';
import { confirm } from '../confirm.js';
import { EXIT, type ExitCode, errorText, reportOf } from '../exit.js';
import { parseMicros } from '../flags.js';
import { notice, type Sink, terminalWidth, withSink } from '../output.js';
import { type Progress, startProgress } from '../progress.js';
import { parseClustering } from './clustering.js';
import { dumpKeys } from './keys.js';
import { dumpSSTable } from './run.js';
import { type Asked, select } from './select.js';
import type { DumpFormat, DumpSpec } from './spec.js';

const LINE_END = 0x0a;

export type DumpFlags = {
  readonly format: DumpFormat;
  readonly json: boolean;
  readonly debug: boolean;
  readonly 'keys-only': boolean;
  readonly key?: string[] | undefined;
  readonly lines: boolean;
  readonly 'raw-times': boolean;
  readonly 'exclude-key'?: string[] | undefined;
  readonly token?: string | undefined;
  readonly clustering?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly tombstones: boolean;
  readonly limit?: number | undefined;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly schema?: string | undefined;
  readonly now: number;
  readonly jobs?: number | undefined;
  readonly output?: string | undefined;
  readonly yes: boolean;
};

type Run = {
  readonly flags: DumpFlags;
  readonly format: DumpFormat;
  readonly asked: Asked;
  readonly budget: { left: number } | undefined;
  readonly tell: (line: string) => void;
  readonly sink: Sink;
  /** Of the native formats: schemas by directory, read once. */
  readonly schemas: Map<string, Schema | undefined>;
  /** The columns of the CSV so far: rows with the same ones go on under the same heading. */
  heading: string | undefined;
  /** Whether anything was written. */
  hasText: boolean;
  /** Whether what was written last ended within a line. */
  isWithinLine: boolean;
  readonly progress: Progress;
  /** Bytes on disk of the SSTables done so far. */
  doneBytes: number;
};

/**
 * The paths of a command line. `-k` and `-x` take several values, as sstabledump's do, and so swallow paths that follow them: where no path is
 * left, those of their last values that exist are taken for paths.
 * @throws UsageError where there is none
 */
export function takePaths(
  argv: readonly string[],
  flags: DumpFlags,
): { readonly paths: readonly string[]; readonly flags: DumpFlags } {
  if (argv.length > 0) return { paths: argv, flags };
  for (const name of ['key', 'exclude-key'] as const) {
    const values = flags[name] ?? [];
    const first = values.findLastIndex((value) => !diskStorage.stat(value)) + 1;
    if (first < values.length)
      return { paths: values.slice(first), flags: { ...flags, [name]: values.slice(0, first) } };
  }
  const swallows = flags.key !== undefined || flags['exclude-key'] !== undefined;
  throw new UsageError('no SSTable given', {
    expected: 'a PATH',
    hint: swallows
      ? 'name the SSTable before -k and -x, which take all the words that follow them'
      : 'give any file of an SSTable, or a directory: of a table, a keyspace or a snapshot',
  });
}

/** Whether rows that were asked for are not in the dump, as their version is not read or their files are not allowed to be. */
function isLost(flags: DumpFlags, { kind, path }: PathProblem): boolean {
  if (kind !== 'unsupported' && kind !== 'unreadable') return false;
  const names = path.split('/');
  const { keyspace, table } = flags;
  if (keyspace !== undefined && !names.includes(keyspace)) return false;
  return table === undefined || names.some((name) => name === table || name.startsWith(`${table}-`));
}

/**
 * @returns the exit code: 3 where an SSTable could not be read to its end, or holds chunks that fail their checksum; 2 where one had to be passed
 * over
 */
export async function dumpPaths(
  paths: readonly string[],
  flags: DumpFlags,
  tell: (line: string) => void,
): Promise<ExitCode> {
  checkFlags(flags);
  const found = resolveSSTables(diskStorage, paths);
  const isWhole = !found.problems.some((problem) => isLost(flags, problem));
  for (const { path, message, hint } of found.problems) {
    tell(`${path}: ${message}${hint === undefined ? '' : `\nhint: ${hint}`}`);
  }
  const sstables = found.sstables.filter(({ place }) => wants(flags, place));
  if (sstables.length === 0) throw new UsageError('no SSTable of that keyspace and table at these paths');
  if (!(await mayWrite(flags))) {
    tell('nothing was written');
    return EXIT.clean;
  }
  const progress = await startProgress(
    'dumping',
    sstables.reduce((sum, files) => sum + dataBytes(files), 0),
  );
  return withSink(flags.output, async (sink) => {
    const run: Run = {
      flags,
      format: flags.json ? 'ndjson' : flags.format,
      asked: { keys: flags.key ?? [], ...(flags.token !== undefined && { tokens: flags.token }) },
      budget: flags.limit === undefined ? undefined : { left: flags.limit },
      tell,
      sink,
      schemas: new Map(),
      heading: undefined,
      hasText: false,
      isWithinLine: false,
      progress,
      doneBytes: 0,
    };
    try {
      const code = await dumpAll(run, sstables);
      return code === EXIT.clean && !isWhole ? EXIT.usage : code;
    } finally {
      progress.stop();
    }
  });
}

/** A file that is there already is replaced only when the operator says so. */
async function mayWrite({ output, yes }: DumpFlags): Promise<boolean> {
  const there = output === undefined || output === '-' ? undefined : diskStorage.stat(output);
  if (!there?.isFile) return true;
  return confirm(`replace ${output} (${bytesText(there.size)})?`, yes);
}

function dataBytes({ descriptor }: SSTableFiles): number {
  return diskStorage.stat(componentPath(descriptor, COMPONENT.data))?.size ?? 0;
}

function checkFlags(flags: DumpFlags): void {
  const compatible = ['debug', 'keys-only', 'lines', 'raw-times'] as const;
  const given = compatible.find((name) => flags[name]);
  if (given && (flags.json || flags.format !== 'sstabledump')) {
    throw new UsageError(`--${given} belongs to the sstabledump format`, { expected: '--format sstabledump' });
  }
  const filters = ['token', 'clustering', 'since', 'until', 'tombstones', 'limit'] as const;
  const filter = filters.find((name) => flags[name] !== undefined && flags[name] !== false);
  if (flags['keys-only'] && filter) {
    throw new UsageError(`--keys-only lists every key of the index: --${filter} does not go with it`, {
      hint: `--format ndjson --${filter} names the keys of what it prints`,
    });
  }
}

function wants(flags: DumpFlags, place: SSTableFiles['place']): boolean {
  if (flags.keyspace !== undefined && flags.keyspace !== place.keyspace) return false;
  return flags.table === undefined || flags.table === place.table;
}

/** One SSTable's error is thrown; among several it is told, and the others go on. */
async function dumpAll(run: Run, sstables: readonly SSTableFiles[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.clean;
  const told = new Set<string>();
  for (const files of sstables) {
    if (run.budget?.left === 0) break;
    if (run.hasText && run.format === 'sstabledump' && !run.flags.debug) run.sink.writeText('\n');
    try {
      if (!(await dumpOne(run, files))) code = EXIT.corrupt;
    } catch (error) {
      if (sstables.length === 1 || !(error instanceof LsmctlError)) throw error;
      const report = reportOf(error);
      // what comes next must not look like the rest of a line that was cut
      if (run.isWithinLine) run.sink.writeText('\n');
      run.isWithinLine = false;
      run.sink.flush();
      // a flag that does not fit the table's types fits none of its SSTables: once is enough
      const what = `${files.descriptor.directory}: ${report.message}`;
      if (!report.message.startsWith('--') || !told.has(what)) notice(errorText(report).trimEnd());
      told.add(what);
      if (code !== EXIT.corrupt) code = report.exitCode as ExitCode;
    }
  }
  return code;
}

/** @returns whether all chunks passed their checksum */
async function dumpOne(run: Run, files: SSTableFiles): Promise<boolean> {
  const { flags, sink } = run;
  const { descriptor } = files;
  if (flags['keys-only']) {
    await dumpKeys(diskStorage, descriptor, sink);
    run.hasText = true;
    return true;
  }
  const spec: DumpSpec = {
    format: run.format,
    lines: flags.lines,
    rawTimes: flags['raw-times'],
    debug: flags.debug,
    filter: filterOptions(run, files),
    excluded: flags['exclude-key'] ?? [],
    ...(run.budget && { budget: run.budget }),
    toleratesBadChunks: run.format === 'sstabledump',
    width: terminalWidth(flags.output),
  };
  const context = await contextOf(run, files);
  const heading = run.format === 'csv' ? headingOf(context, descriptor) : undefined;
  const watch = { share: () => 0 };
  const size = dataBytes(files);
  const bad = await dumpSSTable(
    diskStorage,
    descriptor,
    spec,
    { ...context, continues: heading !== undefined && heading === run.heading },
    (sstable) => {
      const selection = select(diskStorage, sstable, run.asked);
      const why = selection.indexError;
      if (why) run.tell(`${why.facts.file ?? ''}: the index can't be used (${why.message}): scanning Data.db instead`);
      return selection;
    },
    {
      write(bytes) {
        if (bytes.length === 0) return;
        run.heading = heading;
        run.hasText = true;
        run.isWithinLine = (spec.debug || run.format !== 'sstabledump') && bytes.at(-1) !== LINE_END;
        sink.write(bytes);
        run.progress.update(run.doneBytes + watch.share() * size);
      },
    },
    { jobs: flags.jobs, isWhole: run.asked.keys.length === 0 && run.asked.tokens === undefined },
    watch,
  );
  run.doneBytes += size;
  sink.flush();
  for (const error of bad) notice(errorText(reportOf(error)).trimEnd());
  return bad.length === 0;
}

/** What tells two headings of a CSV apart. */
function headingOf({ partitionKey, clustering }: DumpContext, descriptor: Descriptor): string {
  const { staticColumns, regularColumns } = readStatistics(diskStorage, descriptor).header;
  return JSON.stringify([
    partitionKey,
    clustering,
    ...[staticColumns, regularColumns].map((c) => c.map((x) => x.name)),
  ]);
}

/** Names of the columns, for the formats that print them. */
async function contextOf(run: Run, files: SSTableFiles): Promise<DumpContext> {
  const { place, descriptor } = files;
  const base = {
    keyspace: place.keyspace,
    table: place.index === undefined ? place.table : `${place.table}.${place.index}`,
    sstable: componentPath(descriptor, COMPONENT.data),
    nowSeconds: run.flags.now,
  };
  if (run.format === 'sstabledump') return { ...base, partitionKey: [], clustering: [] };
  const names = defaultKeyNames(readStatistics(diskStorage, descriptor).header);
  const schema = place.index === undefined ? await schemaOf(run, descriptor.directory) : undefined;
  const table = schema && findTable(schema, place.keyspace, place.table);
  if (!table) return { ...base, ...names };
  const nameOf = (kind: 'partition_key' | 'clustering') => columnsOfKind(table, kind).map((column) => column.name);
  const [partitionKey, clustering] = [nameOf('partition_key'), nameOf('clustering')];
  const fits = partitionKey.length === names.partitionKey.length && clustering.length === names.clustering.length;
  // what a compact table or a view stores is not all in its schema
  const columns = fits &&
    'flags' in table &&
    !isCompactTable(table) && { columns: table.columns.map((column) => column.name) };
  return { ...base, ...(fits ? { partitionKey, clustering } : names), ...columns };
}

async function schemaOf(run: Run, directory: string): Promise<Schema | undefined> {
  if (run.schemas.has(directory)) return run.schemas.get(directory);
  let schema: Schema | undefined;
  try {
    const { schema: schemaFile, now: nowSeconds } = run.flags;
    const loaded = await loadSchema(diskStorage, [directory], {
      nowSeconds,
      keyspaces: (name) => name === parseTableDirectory(directory).keyspace,
      ...(schemaFile !== undefined && { schemaFile }),
    });
    if (loaded.source.kind !== 'header') schema = loaded.schema;
  } catch (error) {
    if (!(error instanceof LsmctlError) || run.flags.schema !== undefined) throw error;
    run.tell(`${error.facts.file ?? directory}: no schema (${error.message}): key columns go by made-up names`);
  }
  run.schemas.set(directory, schema);
  return schema;
}

function filterOptions(run: Run, files: SSTableFiles): FilterOptions {
  const { flags } = run;
  return {
    ...(flags.since !== undefined && { sinceMicros: parseMicros(flags.since, '--since') }),
    ...(flags.until !== undefined && { untilMicros: parseMicros(flags.until, '--until') }),
    tombstones: flags.tombstones,
    ...(flags.clustering !== undefined && {
      clustering: parseClustering(
        flags.clustering,
        readStatistics(diskStorage, files.descriptor).header.clusteringTypes,
      ),
    }),
  };
}
