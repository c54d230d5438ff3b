/**
 * `npm run campaign -- [--count N] [--seed N] [--corpus]`: damages SSTables at random and holds `verify --deep` to what it should find. Prints a table
 * by component, every miss with what repeats it, and exits 1 where there is one.
 */
import { performance } from 'node:perf_hooks';
import { run, subjects, trials, versionOf } from './campaign.js';
import { summaryText, Tally } from './tally.js';

function numberAfter(name: string, standard: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? standard : Number(process.argv[at + 1]);
}

const count = numberAfter('--count', 12_000);
const seed = numberAfter('--seed', Math.floor(Math.random() * 2 ** 31));
const withCorpus = process.argv.includes('--corpus');
const pool = subjects(withCorpus);
console.log(
  `seed ${seed}, ${count} trials over ${pool.length} SSTables of versions ${[...new Set(pool.map(versionOf))].sort().join(' ')}`,
);
const tally = new Tally();
const started = performance.now();
for (const trial of trials(pool, seed, count)) {
  const result = await run(trial);
  tally.add(result);
  if (result.outcome === 'missed' || (result.outcome === 'detected' && process.argv.includes('--verbose'))) {
    console.log(
      `${result.outcome}: ${trial.subject.name} ${trial.component} ${JSON.stringify(trial.damage)}: ${result.detail} [${result.rules.join(' ')}]`,
    );
  }
  if (result.outcome === 'harmless' && process.argv.includes('--verbose')) {
    console.log(`harmless: ${trial.subject.name} ${trial.component} ${JSON.stringify(trial.damage)}`);
  }
}
console.log(summaryText(tally));
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
process.exitCode = tally.of('missed') > 0 ? 1 : 0;
