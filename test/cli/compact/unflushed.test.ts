/** What the commit log has to say in a compaction: kept in a plan, and told in one line for all tables. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { applyPlan } from '../../../src/cli/compact/apply.js';
import { type Planned, planTables } from '../../../src/cli/compact/plan.js';
import { planDocument } from '../../../src/cli/compact/show-plan.js';
import { jsonText } from '../../../src/render/json.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = Number(fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8')) + 365 * 86_400;
const WORK = { 'dry-run': true, yes: true, 'drop-indexes': false };

/** Of a segment that nobody can read: it may hold anything. */
function unreadableLog(): string {
  const directory = path.join(temporaryDirectory(), 'commitlog');
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'CommitLog-8-1700000000000.log'), Buffer.alloc(64, 7));
  return directory;
}

async function planned(paths: readonly string[], commitlog?: string[]): Promise<{ plan: Planned; told: string[] }> {
  const told: string[] = [];
  const plan = await planTables(paths, { now: NOW, major: true, commitlog }, (line) => told.push(line));
  return { plan, told };
}

async function applied(plan: Planned, commitlog?: string[]): Promise<{ purged: number; told: string[] }> {
  const file = path.join(temporaryDirectory(), 'plan.json');
  fs.writeFileSync(file, jsonText(planDocument(plan)));
  const told: string[] = [];
  const stage = { show: () => {}, tell: (line: string) => void told.push(line), quiet: true };
  const { tables } = await applyPlan(file, { ...WORK, commitlog }, stage);
  const results = tables.flatMap((table) => table.results);
  return { purged: results.reduce((sum, { purge }) => sum + purge.tombstonesPurged, 0), told };
}

const BOTH = /^shop\.carts and shop\.events: the commit log has writes that no SSTable holds/;

it('a plan keeps the commit log that it was made with, and apply heeds it', async () => {
  const log = unreadableLog();
  const names = fs.readdirSync(path.join(DATA, 'shop')).filter((name) => /^(carts|events)-/.test(name));
  const tables = names.sort().map((name) => path.join(DATA, 'shop', name));
  const without = await planned(tables, ['none']);
  expect(JSON.parse(jsonText(planDocument(without.plan)))).toMatchObject({ commitlog: ['none'] });
  expect(without.told).toEqual([]);
  const gone = await applied(without.plan);
  expect(gone.purged).toBeGreaterThan(0);

  const heeded = await planned(tables, [path.relative(process.cwd(), log)]);
  expect(JSON.parse(jsonText(planDocument(heeded.plan)))).toMatchObject({ commitlog: [log] });
  expect(heeded.told.filter((line) => line.includes('no SSTable holds'))).toEqual([expect.stringMatching(BOTH)]);
  const kept = await applied(heeded.plan);
  expect(kept.purged).toBe(0);
  // the log is read once, and told of once, though apply takes table by table
  expect(kept.told.filter((line) => line.includes('nothing of it can be read'))).toHaveLength(1);
  expect(kept.told.filter((line) => line.includes('no SSTable holds'))).toEqual([expect.stringMatching(BOTH)]);

  expect((await applied(heeded.plan, ['none'])).purged).toBe(gone.purged);
  expect(planDocument((await planned(tables)).plan)).not.toHaveProperty('commitlog');
});
