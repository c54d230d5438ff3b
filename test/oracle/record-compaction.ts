/**
 * `npx vite-node test/oracle/record-compaction.ts -- [NAME...]`: a real node's major compaction of each table of a data directory, kept for parity.ts,
 * which then needs no node. Names: kitchen-oa-1 kitchen-da-1 kitchen-nb-1 (of the corpus), oa-5.0 da-5.0 nb-4.1 (fixtures), cuts-oa cuts-da cuts-nb
 * (workloads/cuts.ts), random-oa-SEED random-da-SEED random-nb-SEED (workloads/random.ts).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FIXTURES } from '../fixtures.js';
import { setup, V5, V41 } from './cassandra.js';
import { makeDirectory, NODES, recordDirectory, type Source } from './compaction-recorder.js';
import { RECORDINGS, type Recording } from './recordings.js';
import { cuts } from './workloads/cuts.js';
import { chance } from './workloads/random.js';

const CORPUS = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));

const SOURCES: Readonly<Record<string, Source>> = {
  'kitchen-oa-1': { directory: join(CORPUS, 'kitchen-oa-1'), version: V5 },
  'kitchen-da-1': { directory: join(CORPUS, 'kitchen-da-1'), version: V5 },
  'kitchen-nb-1': { directory: join(CORPUS, 'kitchen-nb-1'), version: V41 },
  'oa-5.0': { directory: join(FIXTURES, 'oa-5.0'), version: V5 },
  'da-5.0': { directory: join(FIXTURES, 'da-5.0'), version: V5 },
  'nb-4.1': { directory: join(FIXTURES, 'nb-4.1'), version: V41 },
};

/** `cuts-FORMAT` or `random-FORMAT-SEED`: made anew, recorded, and kept in the recording alone. */
async function recordMade(name: string): Promise<Recording> {
  const [kind, format, seed] = name.split('-');
  const node = NODES[format!];
  if (!node) throw new Error(`${name}: no such recording`);
  setup([node.version]);
  const workload = kind === 'cuts' ? cuts(node.version) : chance(node.version, Number(seed));
  const yaml = kind === 'cuts' ? node.yaml : [...node.yaml, 'column_index_size: 2KiB'];
  const directory = await makeDirectory(node.version, yaml, workload);
  const recording = await recordDirectory(RECORDINGS, name, { directory, version: node.version });
  rmSync(directory, { recursive: true });
  return recording;
}

const NAMES = [...Object.keys(SOURCES), ...Object.keys(NODES).map((format) => `cuts-${format}`)];
const asked = process.argv.filter((word) => word in SOURCES || /^(cuts|random)-(oa|da|nb)/.test(word));
for (const name of asked.length > 0 ? asked : NAMES) {
  const source = SOURCES[name];
  const recording = source ? await recordDirectory(RECORDINGS, name, source) : await recordMade(name);
  const tasks = recording.tables.flatMap((table) => table.tasks);
  const changed = recording.changedAnswers.length > 0 ? `; other answers after it: ${recording.changedAnswers}` : '';
  console.log(`${name}: ${recording.tables.length} tables, ${tasks.length} tasks${changed}`);
}
