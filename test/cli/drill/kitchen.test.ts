/** Real commit logs of nodes that were killed: what a drill calls lost is what the recovered copy answers otherwise than the node did. */
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DrillFlags } from '../../../src/cli/drill/request.js';
import { runDrill } from '../../../src/cli/drill/run.js';
import { CORPUS, hasCorpus } from '../../corpus.js';
import { answersIn } from '../../drill-answers.js';

const CASES: readonly { readonly kitchen: string; readonly crash: Partial<DrillFlags> }[] = [
  { kitchen: 'kitchen-da-1', crash: { 'lose-last': '6s' } },
  { kitchen: 'kitchen-nb-1', crash: { flip: ['random'], 'tear-at': ['last:1500000'], seed: 2 } },
];

function viewOf(kitchen: string): Map<string, string[]> {
  const folder = path.join(CORPUS, kitchen, 'view');
  const views = fs.readdirSync(folder).map((name): [string, string[]] => {
    const bytes = fs.readFileSync(path.join(folder, name));
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    return [name.split('.')[0]!, text.split('\n').filter((line) => line !== '')];
  });
  return new Map(views);
}

const without = (lines: readonly string[], others: readonly string[]) => {
  const there = new Set(others);
  return lines.filter((line) => !there.has(line)).length;
};

describe.skipIf(!hasCorpus())('kitchens', () => {
  it.each(CASES)('$kitchen, $crash', { timeout: 120_000 }, async ({ kitchen, crash }) => {
    const now = Number(fs.readFileSync(path.join(CORPUS, kitchen, 'clock'), 'utf8'));
    const flags: DrillFlags = { 'skip-corrupt': false, 'sync-period': '10s', keep: true, now, ...crash };
    const report = await runDrill(path.join(CORPUS, kitchen), flags, { notice() {}, isQuiet: true });
    try {
      expect(report.result.isSound).toBe(true);
      expect(report.loss.writes).toBeGreaterThan(0);
      let differences = 0;
      for (const [table, before] of viewOf(kitchen)) {
        const after = await answersIn(path.join(report.kept!, 'node'), 'kitchen', table, now);
        const told = report.tables.find((one) => one.keyspace === 'kitchen' && one.table === table)?.answers;
        const { gone, older, back } = told ?? { gone: 0, older: 0, back: 0 };
        expect([table, gone + older, older + back]).toEqual([table, without(before, after), without(after, before)]);
        differences += gone + older + back;
      }
      expect(differences).toBeGreaterThan(100);
      expect(report.answers).toMatchObject({ notInLog: 0 });
    } finally {
      fs.rmSync(report.kept!, { recursive: true, force: true });
    }
  });
});
