/** A few hundred trials of the campaign, so that every run of the tests holds `verify` to it; `npm run campaign` makes thousands. */
import { setImmediate as eventLoop } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Result, run, subjects, trials } from './campaign.js';

const SEED = Number(process.env.LSMCTL_SEED ?? 20240601);
const COUNT = Number(process.env.LSMCTL_TRIALS ?? 300);

it(`finds ${COUNT} damages, or they do no harm (LSMCTL_SEED=${SEED})`, async () => {
  const results: Result[] = [];
  for (const trial of trials(subjects(false), SEED, COUNT)) {
    results.push(await run(trial));
    await eventLoop(); // the runner wants to hear of us
  }
  const of = (outcome: Result['outcome']) => results.filter((result) => result.outcome === outcome);
  const text = ({ subject, component, damage, detail }: Result) =>
    `${subject.name} ${component} ${JSON.stringify(damage)}: ${detail}`;
  expect(of('missed').map(text)).toEqual([]);
  expect(of('located').length).toBeGreaterThan(COUNT * 0.9);
  expect(of('detected').length).toBeLessThan(COUNT * 0.02);
});
