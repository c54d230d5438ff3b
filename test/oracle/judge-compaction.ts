/** lsmctl's major compaction of a recorded table against the node's. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskStorage } from '../../src/bytes/source.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { compareSSTables, type Difference, differenceText } from './compare-sstables.js';
import type { RecordedTable, Recording } from './recordings.js';

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export type Verdict = { readonly files: number; readonly differences: readonly string[]; readonly stored: number };

function runLsmctl(
  root: string,
  { columnIndexBytes }: Recording,
  table: RecordedTable,
  output: string,
): string | undefined {
  const args = ['compact', 'run', join(root, table.inputDirectory), '--major', '--output', output];
  const clock = ['--now', String(table.nowSeconds), '--column-index-size', String(columnIndexBytes)];
  const { status, stderr, stdout } = spawnSync(process.execPath, [LSMCTL, ...args, ...clock, '--yes'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return status === 0 ? undefined : `lsmctl ended with ${status}: ${(stderr || stdout).trim().slice(0, 600)}`;
}

/** Files by what they hold: their repair, then their first token; ids and names are of no account. */
async function inOrder(files: readonly string[]): Promise<string[]> {
  const keyed = await Promise.all(
    files.map(async (file) => {
      const sstable = await openSSTable(diskStorage, file);
      try {
        const cursor = sstable.cursor();
        const { partitioner, statistics } = sstable;
        const token = cursor.nextPartition() ? partitioner.tokenOf(cursor.key.slice(0, cursor.keyLength)) : undefined;
        return {
          file,
          partitioner,
          token,
          repaired: `${statistics.stats.repairedAtMillis} ${statistics.stats.pendingRepair}`,
        };
      } finally {
        sstable.close();
      }
    }),
  );
  keyed.sort((a, b) => {
    if (a.repaired !== b.repaired) return a.repaired < b.repaired ? -1 : 1;
    return a.token === undefined || b.token === undefined ? 0 : a.partitioner.compareTokens(a.token, b.token);
  });
  return keyed.map(({ file }) => file);
}

/** Paths of all Data.db below a directory. */
export function dataFilesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('-Data.db'))
    .map((name) => join(directory, name));
}

/** Writes into `output`, which is emptied first. @param root holds the recording */
export async function judge(
  root: string,
  recording: Recording,
  table: RecordedTable,
  output: string,
): Promise<Verdict> {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const failed = runLsmctl(root, recording, table, output);
  if (failed) return { files: 0, differences: [failed], stored: 0 };
  const theirs = await inOrder(table.tasks.flatMap(({ outputs }) => outputs).map((name) => join(root, name)));
  const ours = await inOrder(dataFilesBelow(output));
  if (theirs.length !== ours.length) {
    return { files: ours.length, differences: [`${theirs.length} files expected, ${ours.length} seen`], stored: 0 };
  }
  const differences: Difference[] = [];
  for (let i = 0; i < theirs.length; i++) {
    try {
      differences.push(...(await compareSSTables(theirs[i]!, ours[i]!)));
    } catch (error) {
      const message = String((error as Error).message);
      differences.push({ kind: 'content', component: ours[i]!, at: 'reading', expected: 'readable', seen: message });
    }
  }
  const content = differences.filter(({ kind }) => kind === 'content');
  return { files: ours.length, differences: content.map(differenceText), stored: differences.length - content.length };
}
