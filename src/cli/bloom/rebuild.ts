/** `lsmctl bloom --rebuild`: the plan, the question, then one filter after the other. */
import { UsageError } from '../../bytes/errors.js';
import { diskOutput } from '../../bytes/sink.js';
import { diskStorage } from '../../bytes/source.js';
import { plannedFilter } from '../../engine/bloom/filter-arithmetic.js';
import { factsOf } from '../../engine/bloom/filter-inspection.js';
import { walkBytes } from '../../engine/bloom/key-walk.js';
import { buildFilter, replaceFilter } from '../../engine/bloom/rebuild.js';
import { resolvePaths } from '../../engine/data-directory.js';
import type { SSTableDirectory, SSTableFiles } from '../../engine/sstable-directory.js';
import { type RebuildEntry, rebuildReport, rebuildText } from '../../render/bloom-rebuild.js';
import { bytesText } from '../../render/bytes.js';
import { readFilter } from '../../sstable/filter.js';
import { histogramCount } from '../../sstable/metadata/estimated-histogram.js';
import { readStatistics } from '../../sstable/statistics.js';
import { confirm } from '../confirm.js';
import { lockDirectories } from '../guards/directory-lock.js';
import { guardInPlace, refuseAny } from '../guards/guard.js';
import { Failures } from '../metadata.js';
import { startProgress } from '../progress.js';
import { type BloomDone, type BloomFlags, chanceOf, schemaFor, wantedTables } from './run.js';

type RebuildFlags = Pick<BloomFlags, 'keyspace' | 'table' | 'snapshots' | 'schema' | 'now' | 'fp-chance'> & {
  readonly 'dry-run'?: boolean | undefined;
  readonly yes: boolean;
};

/** `--fp-chance`. @throws UsageError for what is no chance that Cassandra takes */
export function parseChance(text: string): number {
  const chance = /^[0-9.]+(?:[eE]-?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(chance > 0 && chance <= 1)) {
    throw new UsageError('--fp-chance is not a chance', { seen: text, expected: 'above 0, at most 1, as 0.01' });
  }
  plannedFilter(1, chance);
  return chance;
}

/** @throws UsageError (nothing to do, no terminal), what can't be read stops nothing but its own SSTable */
export async function rebuildPaths(
  paths: readonly string[],
  flags: RebuildFlags,
  tell: (line: string) => void,
  isQuiet: boolean,
): Promise<BloomDone> {
  const failures = new Failures();
  const groups = wantedTables(paths, flags, failures);
  const plan = await planOf(groups, paths, flags, failures, tell);
  if (plan.length === 0)
    throw new UsageError('there is no filter to rebuild at these paths', { file: paths[0] ?? '.' });
  const directories = directoriesOf(plan);
  guard(paths, directories, plan, tell);
  const isDry = flags['dry-run'] === true;
  const done = (entries: readonly RebuildEntry[], isDone: boolean): BloomDone => {
    const report = rebuildReport(entries, isDone);
    return { name: 'bloom-rebuild', body: report, failures, text: () => rebuildText(report) };
  };
  if (!isDry && !flags.yes) {
    tell(rebuildText(rebuildReport(plan, false)).trimEnd());
    const bytes = plan.reduce((sum, { planned }) => sum + planned.bytes, 0);
    const question = `Write ${plan.length} new Filter.db, ${bytesText(bytes)} in all, in place of these?`;
    if (!(await confirm(question, false))) return done(plan, false);
  }
  const total = plan.reduce((sum, { descriptor }) => sum + 2 * walkBytes(diskStorage, descriptor), 0);
  const progress = await startProgress('building filters:', total, isQuiet);
  const entries: RebuildEntry[] = [];
  let read = 0;
  const lock = isDry ? undefined : lockDirectories(directories.map((directory) => directory.path), 'bloom --rebuild'); // biome-ignore format: one line
  try {
    for (const entry of plan) {
      try {
        entries.push(await rebuildOne(entry, isDry));
      } catch (error) {
        failures.add(error);
      }
      read += 2 * walkBytes(diskStorage, entry.descriptor);
      progress.update(read);
    }
  } finally {
    lock?.release();
    progress.stop();
  }
  return done(entries, !isDry);
}

/** The directories of the plan, each with all that is in it. */
function directoriesOf(plan: readonly RebuildEntry[]): SSTableDirectory[] {
  const paths = [...new Set(plan.map(({ descriptor }) => descriptor.directory))];
  return paths.map((where) => resolvePaths(diskStorage, [where]).directories.find((found) => found.path === where)!);
}

/** @throws RefusedError */
function guard(
  paths: readonly string[],
  directories: readonly SSTableDirectory[],
  plan: readonly RebuildEntry[],
  tell: (line: string) => void,
): void {
  const prefixes = new Set(plan.map(({ descriptor }) => `${descriptor.directory}/${descriptor.prefix}`));
  const sstables = directories.flatMap((directory) =>
    directory.sstables.filter(({ descriptor }) => prefixes.has(`${descriptor.directory}/${descriptor.prefix}`)),
  );
  const { refusals, notes } = guardInPlace({ output: diskOutput, paths, directories, sstables, change: 'component' });
  for (const note of notes) tell(note);
  refuseAny(refusals);
}

async function rebuildOne(entry: RebuildEntry, isDry: boolean): Promise<RebuildEntry> {
  const { descriptor, planned } = entry;
  const built = await buildFilter(diskStorage, descriptor, entry.keys, planned.fpChance);
  const replaced = isDry ? undefined : replaceFilter(diskOutput, descriptor, built.bytes, planned.fpChance);
  return { ...entry, keys: built.keys, after: built.facts, ...(replaced && { replaced }) };
}

/** SSTables whose table wants a filter. */
async function planOf(
  groups: readonly SSTableFiles[][],
  paths: readonly string[],
  flags: RebuildFlags,
  failures: Failures,
  tell: (line: string) => void,
): Promise<RebuildEntry[]> {
  const schema = flags['fp-chance'] === undefined ? await schemaFor(paths, flags, tell) : undefined;
  const plan: RebuildEntry[] = [];
  for (const group of groups) {
    for (const files of group) {
      const { descriptor } = files;
      try {
        const { stats, validation } = readStatistics(diskStorage, descriptor);
        const chance = flags['fp-chance'] ?? chanceOf(schema, files) ?? validation.bloomFilterFpChance;
        if (chance === 1) {
          tell(`${descriptor.directory}/${descriptor.prefix}: bloom_filter_fp_chance is 1, so there is no filter`);
          continue;
        }
        const keys = histogramCount(stats.estimatedPartitionSize);
        const before = tolerate(() => readFilter(diskStorage, descriptor));
        plan.push({ descriptor, keys, planned: plannedFilter(keys, chance), ...(before && { before: factsOf(before) }) }); // biome-ignore format: one line
      } catch (error) {
        failures.add(error);
      }
    }
  }
  return plan;
}

/** What is damaged is replaced all the same. */
function tolerate<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
