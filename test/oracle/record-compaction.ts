/**
 * `npx vite-node test/oracle/record-compaction.ts -- [NAME...]`: a real node's major compaction of each table of a data directory, kept for parity.ts,
 * which then needs no node. Names: kitchen-oa-1 kitchen-da-1 kitchen-nb-1 (of the corpus), oa-5.0 da-5.0 nb-4.1 (fixtures), cuts-oa cuts-da cuts-nb
 * (workloads/cuts.ts), random-oa-SEED random-da-SEED random-nb-SEED (workloads/random.ts).
 */
import { RECORDED_NAMES, recordNamed } from './compaction-recorder.js';
import { RECORDINGS } from './recordings.js';

const asked = process.argv.slice(2).filter((word) => RECORDED_NAMES.includes(word) || word.startsWith('random-'));
for (const name of asked.length > 0 ? asked : RECORDED_NAMES) {
  const { tables, changedAnswers } = await recordNamed(RECORDINGS, name);
  const tasks = tables.flatMap((table) => table.tasks);
  const changed = changedAnswers.length > 0 ? `; other answers after it: ${changedAnswers}` : '';
  console.log(`${name}: ${tables.length} tables, ${tasks.length} tasks${changed}`);
}
