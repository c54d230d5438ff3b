/**
 * `npx vite-node test/oracle/parity.ts -- [--only TEXT] [--all] [--keep DIR] [RECORDING...]`: lsmctl's major compaction of each recorded table
 * against the node's (record-compaction.ts makes the recordings). A line a table: tasks, files, equal or the first difference (`--all`: each).
 * `--only` takes tables whose name has the text in it. Exits 1 where anything differs. LSMCTL names another bin/run.js.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskStorage } from '../../src/bytes/source.js';
import { openSSTable } from '../../src/sstable/sstable.js';
import { compareSSTables, type Difference, differenceText } from './compare-sstables.js';
import { RECORDINGS, type RecordedTable, type Recording, recordings } from './recordings.js';

const LSMCTL = process.env.LSMCTL ?? fileURLToPath(new URL('../../bin/run.js', import.meta.url));

type Verdict = { readonly files: number; readonly differences: readonly string[]; readonly stored: number };

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
function dataFilesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('-Data.db'))
    .map((name) => join(directory, name));
}

async function judge(recording: Recording, table: RecordedTable, output: string): Promise<Verdict> {
  const root = join(RECORDINGS, recording.name);
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

function verdictText({ differences, stored }: Verdict, all: boolean): string {
  if (differences.length === 0) return stored > 0 ? `equal (${stored} compressed otherwise)` : 'equal';
  const shown = all ? differences : differences.slice(0, 1);
  const rest = differences.length > shown.length ? `\n  … and ${differences.length - shown.length} more` : '';
  return `DIFFERS\n  ${shown.map((text) => text.replaceAll('\n', '\n  ')).join('\n  ')}${rest}`;
}

async function main(words: readonly string[]): Promise<number> {
  const option = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const [only, keep] = [option('--only'), option('--keep')];
  const names = words.filter((word) => !word.startsWith('--') && word !== only && word !== keep);
  const root = keep ?? mkdtempSync(join(tmpdir(), 'lsmctl-parity-'));
  const counts = { equal: 0, differs: 0 };
  for (const recording of recordings(names.length > 0 ? names : undefined)) {
    console.log(`\n${recording.name} (Cassandra ${recording.cassandra})`);
    for (const table of recording.tables) {
      if (only && !table.table.includes(only)) continue;
      const output = join(root, recording.name, table.table);
      rmSync(output, { recursive: true, force: true });
      mkdirSync(output, { recursive: true });
      const verdict = await judge(recording, table, output);
      const shape = `${table.tasks.length} tasks, ${table.inputs.length} to ${table.outputs.length} files`;
      console.log(`  ${table.table.padEnd(32)} ${shape.padEnd(28)} ${verdictText(verdict, words.includes('--all'))}`);
      counts[verdict.differences.length === 0 ? 'equal' : 'differs']++;
    }
  }
  if (!keep) rmSync(root, { recursive: true });
  console.log(`\n${counts.equal} equal, ${counts.differs} differ`);
  return counts.differs > 0 ? 1 : 0;
}

const dashes = process.argv.indexOf('--');
process.exitCode = await main(dashes < 0 ? process.argv.slice(2) : process.argv.slice(dashes + 1));
