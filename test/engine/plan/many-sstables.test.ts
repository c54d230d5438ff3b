/** A directory of ten thousand SSTables is planned in seconds, by metadata alone. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { CountingStorage } from '../../../src/bytes/source.js';
import { readCandidates } from '../../../src/engine/compaction/read-candidate.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import { planByStrategy } from '../../../src/engine/plan/planner.js';
import { openStrategy } from '../../../src/engine/strategies/open-strategy.js';
import { compactionParams } from '../../../src/engine/strategies/options.js';
import { FIXTURES } from '../../fixtures.js';
import { temporaryDirectory } from '../directories.js';

const COUNT = 10_000;
/** The promise is 3 on a quiet machine. */
const MAX_CPU_SECONDS = 4.5;

function linkMany(): string {
  const zoo = path.join(FIXTURES, 'oa-5.0/data/zoo');
  const from = path.join(zoo, fs.readdirSync(zoo).find((name) => name.startsWith('statics-'))!);
  const to = path.join(temporaryDirectory(), 'zoo', path.basename(from));
  fs.mkdirSync(to, { recursive: true });
  const names = fs.readdirSync(from).filter((name) => name.startsWith('oa-1-'));
  for (let id = 1; id <= COUNT; id++) {
    for (const name of names) {
      fs.linkSync(path.join(from, name), path.join(to, name.replace('oa-1-', `oa-${id}-`)));
    }
  }
  return to;
}

it('opens no Data.db and takes some two seconds', () => {
  const directory = linkMany();
  const storage = new CountingStorage();
  const started = process.cpuUsage();
  const [found] = resolvePaths(storage, [directory]).directories;
  const sstables = readCandidates(
    storage,
    found!.sstables.map(({ descriptor }) => descriptor),
  );
  const params = compactionParams({ class: 'SizeTieredCompactionStrategy' });
  let id = COUNT;
  const { descriptor } = sstables[0]!;
  const { steps, left } = planByStrategy(sstables, openStrategy(params), {
    params,
    nowMillis: 1_795_000_000_000,
    gcBeforeSeconds: 1_700_000_000,
    describe: () => ({ ...descriptor, id: String(++id), prefix: `oa-${id}-big` }),
  });
  const { user, system } = process.cpuUsage(started);
  expect(sstables).toHaveLength(COUNT);
  expect(steps.length).toBeGreaterThan(COUNT / 32);
  expect(left.flatMap((one) => one.sstables).length).toBeLessThan(4);
  const components = new Set(storage.opened.map((name) => name.replace(/^oa-\d+-big-/, '')));
  expect(components).toContain('Statistics.db');
  expect(components).not.toContain('Data.db');
  expect(components).not.toContain('Index.db');
  expect((user + system) / 1e6).toBeLessThan(MAX_CPU_SECONDS);
}, 60_000);
