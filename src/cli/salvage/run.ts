/** `lsmctl salvage`: one SSTable after the other into new ones, in another directory. */
import path from 'node:path';
import { LsmctlError, UsageError } from '../../bytes/errors.js';
import { CountingOutput, diskOutput } from '../../bytes/sink.js';
import { diskStorage } from '../../bytes/source.js';
import { findTable, type Schema } from '../../cql/schema.js';
import { resolveSSTables } from '../../engine/data-directory.js';
import { salvageSSTable } from '../../engine/salvage/salvage-sstable.js';
import { loadSchema } from '../../engine/schema-loader.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import { type SalvageReport, salvageReport } from '../../render/salvage.js';
import { type Descriptor, parseDescriptor } from '../../sstable/descriptor.js';
import { TEMPORARY } from '../../sstable/unpublished.js';
import { latestWritten } from '../../sstable/version.js';
import { EXIT } from '../exit.js';
import { interruptible, withCleanUp } from '../interrupt.js';
import { Failures } from '../metadata.js';
import { startProgress } from '../progress.js';

export type SalvageFlags = {
  readonly output?: string | undefined;
  readonly 'dry-run': boolean;
  readonly unchecked: boolean;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly schema?: string | undefined;
  readonly now: number;
};

export type SalvageDone = { readonly reports: readonly SalvageReport[]; readonly failures: Failures };

/** @throws UsageError before anything is written; an SSTable of which nothing can be read is told, and the others go on */
export async function salvagePaths(
  paths: readonly string[],
  flags: SalvageFlags,
  tell: (line: string) => void,
  isQuiet: boolean,
): Promise<SalvageDone> {
  const failures = new Failures();
  const { sstables, problems } = resolveSSTables(diskStorage, paths, { snapshots: false });
  for (const problem of problems) failures.addProblem(problem);
  const wanted = sstables.filter(({ place }) => {
    if (flags.keyspace !== undefined && place.keyspace !== flags.keyspace) return false;
    return flags.table === undefined || place.table === flags.table;
  });
  if (wanted.length === 0) throw new UsageError('no SSTable of that keyspace and table at these paths');
  const schema = await schemaFor(paths, flags, tell);
  if (!flags['dry-run']) for (const directory of new Set(wanted.map((files) => targetOf(files, flags).directory))) prepare(directory); // biome-ignore format: one line
  const reports: SalvageReport[] = [];
  for (const files of wanted) {
    try {
      reports.push(await salvageOne(files, schema, flags, isQuiet));
    } catch (error) {
      failures.add(error);
    }
  }
  if (failures.exitCode === EXIT.clean && reports.some(isLossy)) failures.exitCode = EXIT.findings;
  return { reports, failures };
}

function isLossy({ losses }: SalvageReport): boolean {
  return losses.length > 0;
}

async function salvageOne(
  files: SSTableFiles,
  schema: Schema | undefined,
  flags: SalvageFlags,
  isQuiet: boolean,
): Promise<SalvageReport> {
  const { descriptor, place } = files;
  const isDry = flags['dry-run'];
  const output = isDry ? new CountingOutput() : diskOutput;
  const target = targetOf(files, flags);
  const size = diskStorage.stat(path.join(descriptor.directory, `${descriptor.prefix}-Data.db`))?.size ?? 0;
  const progress = await startProgress(`salvaging ${place.keyspace}.${place.table}:`, size, isQuiet);
  const definition = schema && place.index === undefined ? findTable(schema, place.keyspace, place.table) : undefined;
  let abort = () => {};
  try {
    const result = await withCleanUp(
      () => abort(),
      () =>
        salvageSSTable(diskStorage, descriptor, { output, descriptor: target }, {
          definition,
          acceptsUnchecked: flags.unchecked,
          onProgress: (position, length) => progress.update((position / length) * size),
          onAbort: (end) => {
            abort = end;
          },
          slice: interruptible,
        }), // biome-ignore format: a call
    );
    return salvageReport(result);
  } finally {
    progress.stop();
  }
}

/** `<output>/<keyspace>/<table>-<id>` as a node lays it out. */
function targetOf({ descriptor, place }: SSTableFiles, { output, 'dry-run': isDry }: SalvageFlags): Descriptor {
  if (output === undefined && !isDry) {
    throw new UsageError('where to write is not said', { expected: '--output DIR, or --dry-run' });
  }
  const parts = path.resolve(descriptor.directory).split(path.sep);
  const at = parts.findLastIndex((part) => part === place.table || part.startsWith(`${place.table}-`));
  const names = [place.keyspace, parts[at] ?? place.table, ...(place.index === undefined ? [] : [`.${place.index}`])];
  const version = latestWritten([descriptor.version]);
  const name = `${version.name}-${descriptor.id}-${version.format}-Data.db`;
  return parseDescriptor(path.join(output ?? '', ...names, name)).descriptor;
}

/** Its SSTables might be those that are to be written. */
function prepare(directory: string): void {
  if (diskStorage.stat(directory)?.isDirectory) {
    const there = diskStorage.list(directory).find((name) => name.endsWith('.db') || name.endsWith(TEMPORARY));
    if (there !== undefined) {
      throw new UsageError('the output directory has files of SSTables already', {
        file: path.join(directory, there),
        hint: 'give an empty directory with --output',
      });
    }
  }
  diskOutput.makeDirectory(directory);
}

/** A schema is of use for the options of the table only; one that was asked for by name must be there. */
async function schemaFor(
  paths: readonly string[],
  { schema, now }: SalvageFlags,
  tell: (line: string) => void,
): Promise<Schema | undefined> {
  try {
    return (await loadSchema(diskStorage, paths, { nowSeconds: now, ...(schema !== undefined && { schemaFile: schema }) })).schema; // biome-ignore format: one line
  } catch (error) {
    if (!(error instanceof LsmctlError) || schema !== undefined) throw error;
    tell(`no schema, so options are taken from the SSTables: ${error.message}`);
    return undefined;
  }
}
