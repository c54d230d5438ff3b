/**
 * `npx vite-node test/oracle/parity.ts -- [--only TEXT] [--all] [--keep DIR] [RECORDING...]`: lsmctl's major compaction of each recorded table
 * against the node's (record-compaction.ts makes the recordings). A line a table: tasks, files, equal or the first difference (`--all`: each).
 * `--only` takes tables whose name has the text in it. Exits 1 where anything differs. LSMCTL names another bin/run.js.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, type Verdict } from './judge-compaction.js';
import { RECORDINGS, recordings } from './recordings.js';

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
      const verdict = await judge(join(RECORDINGS, recording.name), recording, table, output);
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
