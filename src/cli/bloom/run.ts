/** `lsmctl bloom`: the filters of each table's SSTables, looked at one by one. */
import { randomInt } from 'node:crypto';
import { LsmctlError, UsageError } from '../../bytes/errors.js';
import { diskStorage } from '../../bytes/source.js';
import { findTable, type Schema } from '../../cql/schema.js';
import { type BloomFinding, bloomFindings } from '../../engine/bloom/bloom-findings.js';
import { type FilterInspection, type InspectOptions, inspectFilter } from '../../engine/bloom/filter-inspection.js';
import { walkBytes } from '../../engine/bloom/key-walk.js';
import { type TableBloom, tableBloom } from '../../engine/bloom/table-bloom.js';
import { resolveSSTables } from '../../engine/data-directory.js';
import { loadSchema } from '../../engine/schema-loader.js';
import type { SSTableFiles } from '../../engine/sstable-directory.js';
import { bloomText } from '../../render/bloom.js';
import { tableReport } from '../../render/bloom-report.js';
import { EXIT } from '../exit.js';
import { Failures } from '../metadata.js';
import { startProgress } from '../progress.js';

export type BloomFlags = {
  readonly prove: boolean;
  readonly measure: boolean;
  readonly draws: number;
  readonly seed?: number | undefined;
  readonly 'fp-chance'?: number | undefined;
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly schema?: string | undefined;
  readonly snapshots: boolean;
  readonly now: number;
};

export type InspectedSSTable = { readonly inspection: FilterInspection; readonly findings: readonly BloomFinding[] };

/** SSTables of one directory. */
export type InspectedTable = {
  readonly files: SSTableFiles;
  /** bloom_filter_fp_chance of the schema; `undefined` where it is not known. */
  readonly chance: number | undefined;
  readonly sstables: readonly InspectedSSTable[];
  readonly table: TableBloom;
};

/** What a command prints and ends with. */
export type BloomDone = {
  /** Of the JSON's schema. */
  readonly name: string;
  readonly body: object;
  readonly failures: Failures;
  text(): string;
};

const MAX_SEED = 2 ** 31;

/** @throws UsageError, UnsupportedError (--fp-chance) */
export async function inspectPaths(
  paths: readonly string[],
  flags: BloomFlags,
  tell: (line: string) => void,
  isQuiet: boolean,
): Promise<BloomDone> {
  const failures = new Failures();
  const tables = await inspectTables(wantedTables(paths, flags, failures), paths, flags, failures, tell, isQuiet);
  if (failures.exitCode === EXIT.clean && tables.some(hasFindings)) failures.exitCode = EXIT.findings;
  const reports = tables.map(tableReport);
  return { name: 'bloom', body: { tables: reports }, failures, text: () => bloomText(reports) };
}

async function inspectTables(
  groups: readonly SSTableFiles[][],
  paths: readonly string[],
  flags: BloomFlags,
  failures: Failures,
  tell: (line: string) => void,
  isQuiet: boolean,
): Promise<InspectedTable[]> {
  const schema = await schemaFor(paths, flags, tell);
  const options: InspectOptions = {
    isProof: flags.prove,
    ...(flags.measure && { measure: { draws: flags.draws, seed: flags.seed ?? randomInt(1, MAX_SEED) } }),
  };
  const isWalk = options.isProof || options.measure !== undefined;
  const all = groups.flat();
  const total = isWalk ? all.reduce((sum, { descriptor }) => sum + walkBytes(diskStorage, descriptor), 0) : 0;
  const progress = await startProgress('asking filters for keys:', total, isQuiet);
  const tables: InspectedTable[] = [];
  let done = 0;
  try {
    for (const group of groups) {
      const chance = chanceOf(schema, group[0]!);
      const sstables: InspectedSSTable[] = [];
      for (const { descriptor } of group) {
        try {
          const inspection = await inspectFilter(diskStorage, descriptor, options);
          sstables.push({ inspection, findings: bloomFindings(inspection, chance) });
        } catch (error) {
          failures.add(error);
        }
        done += walkBytes(diskStorage, descriptor);
        progress.update(done);
      }
      if (sstables.length === 0) continue;
      const inspections = sstables.map(({ inspection }) => inspection);
      tables.push({ files: group[0]!, chance, sstables, table: tableBloom(inspections, chancesOf(inspections, chance, flags)) }); // biome-ignore format: one line
    }
  } finally {
    progress.stop();
  }
  return tables;
}

function hasFindings({ sstables }: InspectedTable): boolean {
  return sstables.some(({ findings }) => findings.length > 0);
}

/** SSTables by directory, in the order of the paths. @throws UsageError where there are none */
export function wantedTables(
  paths: readonly string[],
  { keyspace, table, snapshots }: Pick<BloomFlags, 'keyspace' | 'table' | 'snapshots'>,
  failures: Failures,
): readonly SSTableFiles[][] {
  const { sstables, problems } = resolveSSTables(diskStorage, paths, { snapshots });
  for (const problem of problems) failures.addProblem(problem);
  const groups = new Map<string, SSTableFiles[]>();
  for (const files of sstables) {
    const { place, descriptor } = files;
    if (keyspace !== undefined && place.keyspace !== keyspace) continue;
    if (table !== undefined && place.table !== table) continue;
    const group = groups.get(descriptor.directory);
    if (group) group.push(files);
    else groups.set(descriptor.directory, [files]);
  }
  if (groups.size === 0) throw new UsageError('no SSTable of that keyspace and table at these paths');
  return [...groups.values()];
}

/** Without a schema the chance of Statistics.db counts; one that was asked for by name must be there. */
export async function schemaFor(
  paths: readonly string[],
  { schema, now }: Pick<BloomFlags, 'schema' | 'now'>,
  tell: (line: string) => void,
): Promise<Schema | undefined> {
  try {
    const options = { nowSeconds: now, isOutline: true, ...(schema !== undefined && { schemaFile: schema }) };
    return (await loadSchema(diskStorage, paths, options)).schema;
  } catch (error) {
    if (!(error instanceof LsmctlError) || schema !== undefined) throw error;
    tell(`no schema, so bloom_filter_fp_chance is taken from the SSTables: ${error.message}`);
    return undefined;
  }
}

/** An index has its own table, with the chance of the table that it is of. */
export function chanceOf(schema: Schema | undefined, { place }: SSTableFiles): number | undefined {
  return schema && findTable(schema, place.keyspace, place.table)?.options.bloomFilterFpChance;
}

function chancesOf(
  inspections: readonly FilterInspection[],
  chance: number | undefined,
  flags: BloomFlags,
): readonly number[] {
  const asked = flags['fp-chance'] === undefined ? [] : [flags['fp-chance']];
  return [...asked, ...(chance === undefined ? inspections.map(({ madeWith }) => madeWith) : [chance])];
}
