/** A table's SSTables compacted into new ones in their place, on whatever disk it is given: what the crash tests interrupt. */
import fs from 'node:fs';
import path from 'node:path';
import type { OutputStorage } from '../../../src/bytes/sink.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { majorTasks } from '../../../src/engine/compaction/forced-tasks.js';
import { readCandidate } from '../../../src/engine/compaction/read-candidate.js';
import { TableCompaction } from '../../../src/engine/compaction/table-compaction.js';
import { planRecovery, recover, type TableRecovery } from '../../../src/engine/lifecycle/recovery.js';
import { classifyDirectory } from '../../../src/engine/sstable-directory.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { latestWritten } from '../../../src/sstable/version.js';
import { FIXTURES } from '../../fixtures.js';
import type { DiskImage } from './crash-disk.js';

/** Later than all of the fixtures' tombstones and their grace: some go. */
const NOW_SECONDS = 1_900_000_000;

/** A table of the fixtures as files in memory, below `/data`. @param table such as `oa-5.0/data/zoo/ranges-…` by its beginning */
export function fixtureImage(
  release: string,
  table: string,
): { readonly directory: string; readonly image: DiskImage } {
  const keyspace = path.join(FIXTURES, release, 'data/zoo');
  const name = fs.readdirSync(keyspace).find((one) => one.startsWith(`${table}-`))!;
  const directory = path.join('/data/zoo', name);
  const image = new Map<string, { bytes: Uint8Array; mtimeMillis: number }>();
  for (const file of diskStorage.list(path.join(keyspace, name))) {
    const from = path.join(keyspace, name, file);
    const stat = fs.statSync(from);
    // hours apart, as flushes are; the files of an SSTable milliseconds
    const generation = Number(/^\w+-(\d+)-/.exec(file)?.[1] ?? 0);
    const mtimeMillis = 1_700_000_000_000 + generation * 3_600_000 + image.size;
    if (stat.isFile()) image.set(path.join(directory, file), { bytes: fs.readFileSync(from), mtimeMillis });
  }
  return { directory, image };
}

export async function swap(output: OutputStorage, directory: string): Promise<void> {
  const compaction = startSwap(output, directory);
  try {
    for (const task of compaction.tasks) await compaction.run(task);
  } catch (error) {
    compaction.abort();
    throw error;
  }
}

function startSwap(output: OutputStorage, directory: string) {
  const { sstables } = classifyDirectory(directory, output.list(directory));
  const candidates = sstables.map(({ descriptor }) => readCandidate(output, descriptor));
  const params = compactionParams({ class: 'SizeTieredCompactionStrategy' });
  let bits = 1n;
  const compaction = new TableCompaction({
    mode: 'in place',
    storage: output,
    output,
    directory,
    sstables: candidates,
    definition: undefined,
    params,
    version: latestWritten(candidates.map(({ descriptor }) => descriptor.version)),
    nowSeconds: NOW_SECONDS,
    gcGraceSeconds: 0,
    isStrict: false,
    randomBits: () => bits++,
  });
  return {
    tasks: majorTasks(candidates, params.strategy),
    run: (task: Parameters<typeof compaction.run>[0]) => compaction.run(task),
    abort: () => compaction.abort(),
  };
}

/** Plans the recovery of the one table, and does it. */
export function recoverTable(output: OutputStorage, directory: string): TableRecovery[] {
  const tables = planRecovery(output, [classifyDirectory(directory, output.list(directory))]);
  for (const table of tables) recover(output, table);
  return tables;
}
