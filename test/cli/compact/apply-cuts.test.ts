/** compact apply where a task takes a part of what an earlier one wrote: the parts are those of the plan, whatever their sizes come to. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { toBigInt } from '../../../src/bytes/int64.js';
import { diskStorage } from '../../../src/bytes/source.js';
import { applyPlan } from '../../../src/cli/compact/apply.js';
import { planTables } from '../../../src/cli/compact/plan.js';
import { planDocument } from '../../../src/cli/compact/show-plan.js';
import { readCandidates } from '../../../src/engine/compaction/read-candidate.js';
import { resolvePaths } from '../../../src/engine/data-directory.js';
import type { Candidate } from '../../../src/engine/strategies/strategy.js';
import { jsonText } from '../../../src/render/json.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';

const DATA = path.join(FIXTURES, 'oa-5.0/data');
const NOW = Number(fs.readFileSync(path.join(FIXTURES, 'oa-5.0/clock'), 'utf8'));
const QUIET = { show: () => {}, tell: () => {}, quiet: true };
const FLAGS = { 'dry-run': false, yes: true, 'drop-indexes': false };

function copyOfOrders(): string {
  const data = path.join(temporaryDirectory(), 'data');
  const name = fs.readdirSync(path.join(DATA, 'shop')).find((one) => one.startsWith('orders_by_id-'))!;
  fs.cpSync(path.join(DATA, 'shop', name), path.join(data, 'shop', name), { recursive: true });
  fs.cpSync(path.join(DATA, 'system_schema'), path.join(data, 'system_schema'), { recursive: true });
  return path.join(data, 'shop', name);
}

function sstablesOf(directory: string): Candidate[] {
  const [found] = resolvePaths(diskStorage, [directory]).directories;
  return readCandidates(
    diskStorage,
    found!.sstables.map(({ descriptor }) => descriptor),
  );
}

const tokens = ({ first, last }: Candidate) => [first, last].map(({ token }) => (token.kind === 'long' ? toBigInt(token.hi, token.lo) : 0n)); // biome-ignore format: one line

type Document = { tables: { tasks: Record<string, unknown>[] }[] };

/** All go to L1 as one size, cut at these tokens; then the part with this number alone goes to L2. */
async function planOf(directory: string, cuts: readonly string[], part: number, change?: (document: Document) => void) {
  const planned = await planTables([directory], { now: NOW, major: true }, () => {});
  const document = JSON.parse(jsonText(planDocument(planned))) as Document;
  const [first] = document.tables[0]!.tasks;
  const output = { kind: 'leveled', level: 1, maxSSTableBytes: 1_000_000_000 };
  const second = { ...first, task: 2, kind: 'compaction', inputs: [{ task: 1, output: part }], output: { ...output, level: 2 } }; // biome-ignore format: one line
  document.tables[0]!.tasks = [{ ...first, kind: 'compaction', output, cuts }, second];
  change?.(document);
  const file = path.join(temporaryDirectory(), 'plan.json');
  fs.writeFileSync(file, JSON.stringify(document));
  return file;
}

describe('compact apply of a plan with cuts', () => {
  const cuts = ['-4000000000000000000', '0', '4000000000000000000'];

  it.each([1, 2, 3, 4])('takes part %i of four, of whatever size', async (part) => {
    const table = copyOfOrders();
    await applyPlan(await planOf(table, cuts, part), FLAGS, QUIET);
    const after = sstablesOf(table);
    const borders = [-(2n ** 63n), ...cuts.map(BigInt), 2n ** 63n];
    expect(after).toHaveLength(4);
    for (const sstable of after) {
      const at = borders.findIndex((border) => tokens(sstable)[0]! <= border);
      expect(tokens(sstable)[1]! <= borders[at]!).toBe(true);
      expect(sstable.level).toBe(at === part ? 2 : 1);
    }
  });

  it('goes on where a part has no key', async () => {
    const table = copyOfOrders();
    const { tables } = await applyPlan(await planOf(table, ['0', '1', '4000000000000000000'], 2), FLAGS, QUIET);
    expect(tables[0]!.results).toHaveLength(1);
    expect(sstablesOf(table).map(({ level }) => level)).toEqual([1, 1, 1]);
  });

  it.each<[name: string, change: (tasks: Record<string, unknown>[]) => void]>([
    ['a part without cuts', ([first]) => void delete first!.cuts],
    ['a part beyond the last', ([, second]) => void Object.assign(second!, { inputs: [{ task: 1, output: 5 }] })],
    ['cuts that are no tokens', ([first]) => void Object.assign(first!, { cuts: ['1', 'x'] })],
    ['cuts that do not ascend', ([first]) => void Object.assign(first!, { cuts: ['1', '0'] })],
    ['a token that is none', ([first]) => void Object.assign(first!, { cuts: ['9223372036854775808'] })],
  ])('refuses %s before anything is written', async (_, change) => {
    const table = copyOfOrders();
    const before = fs.readdirSync(table);
    const file = await planOf(table, cuts, 2, ({ tables }) => change(tables[0]!.tasks));
    await expect(applyPlan(file, FLAGS, QUIET)).rejects.toThrow('is a plan that is not complete');
    expect(fs.readdirSync(table)).toEqual(before);
  });
});
