/** `lsmctl tombstones` as its users run it: text, the object of --json, exit codes, threads, and a plan that compact apply takes. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TombstonesReport } from '../../../src/render/tombstones-report.js';
import { CORPUS, hasCorpus, KITCHENS } from '../../corpus.js';
import { temporaryDirectory } from '../../engine/directories.js';
import { FIXTURES } from '../../fixtures.js';
import { expectGolden } from '../../golden.js';
import { type CliResult, runCli } from '../../run-cli.js';

const ROOT = path.join(FIXTURES, 'oa-5.0');
const NOW = fs.readFileSync(path.join(ROOT, 'clock'), 'utf8').trim();
const ZOO = path.join(ROOT, 'data/zoo');

function tableOf(keyspace: string, table: string): string {
  return path.join(keyspace, fs.readdirSync(keyspace).find((name) => name.startsWith(`${table}-`))!);
}

function tombstones(...args: string[]): CliResult {
  return runCli(['tombstones', '--now', NOW, '--commitlog', 'none', ...args]);
}

function tablesOf({ stdout }: CliResult): TombstonesReport[] {
  return (JSON.parse(stdout) as { tables: TombstonesReport[] }).tables;
}

const total = (list: readonly { readonly total: number }[]) => list.reduce((sum, one) => sum + one.total, 0);

describe('text', () => {
  it.each(['ranges', 'ttl', 'statics', 'leveled'])('of %s', (table) => {
    const { stdout, code, stderr } = tombstones(tableOf(ZOO, table));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expectGolden(`tombstones/${table}.txt`, stdout);
  });

  it.skipIf(!hasCorpus()).each(KITCHENS)(
    'of time windows in %s, with the chain of those that hold expired ones',
    (kitchen) => {
      const root = path.join(CORPUS, kitchen);
      const clock = Number(fs.readFileSync(path.join(root, 'clock'), 'utf8'));
      const directory = tableOf(path.join(root, 'data/kitchen'), 'events');
      // a year later: all that expires has expired
      const { stdout, code } = runCli(['tombstones', '--now', String(clock + 365 * 86_400), '--commitlog', 'none', directory]); // biome-ignore format: one line
      expect(code).toBe(0);
      expectGolden(`tombstones/${kitchen}-events.txt`, stdout);
    },
  );
});

describe('--json', () => {
  it('has sums that are those of its partitions and of its SSTables', () => {
    let met = 0;
    for (const one of tablesOf(tombstones('--json', '--top', '100000', ZOO))) {
      const { reads, sstables } = one;
      for (const { tombstones: all, fates } of sstables) expect(total(fates), one.table).toBe(all);
      if (!reads) continue;
      for (const shape of ['whole', 'first', 'last'] as const) {
        const sum = reads.top.reduce((count, { tombstones: own }) => count + own[shape], 0);
        expect(sum, one.table).toBe(reads.tombstones[shape]);
      }
      expect(total(reads.top.map(({ tally }) => tally)), one.table).toBe(reads.tally.total);
      expect(reads.top.length, one.table).toBe(reads.withTombstones);
      for (const { sstable, fates } of sstables) {
        const own = reads.top.flatMap(({ sstables: lists }) => lists.filter((list) => list.sstable === sstable).flatMap((list) => list.fates)); // biome-ignore format: one line
        expect(total(own), one.table).toBeLessThanOrEqual(total(fates));
      }
      met += reads.tombstones.whole;
    }
    expect(met).toBeGreaterThan(80);
  }, 60_000);

  it('shows the estimate of Statistics.db beside the exact figure', () => {
    const [table] = tablesOf(tombstones('--json', '--gc-grace', '0', tableOf(ZOO, 'ttl')));
    const [first] = table!.sstables;
    expect(first!.droppable).toBeGreaterThan(0);
    expect(first!.estimatedDroppable).toBeGreaterThan(0);
    expect(first!.estimatedDroppableRatio).toBeGreaterThan(0);
  });

  it('is the same with threads', () => {
    const one = tombstones('--json', '--jobs', '1', tableOf(ZOO, 'ranges'));
    const three = tombstones('--json', '--jobs', '3', tableOf(ZOO, 'ranges'));
    expect(one.code).toBe(0);
    expect(three.stdout).toBe(one.stdout);
  });
});

describe('exit codes', () => {
  const ranges = tableOf(ZOO, 'ranges');

  it.each([
    ['no threshold crossed', ['--fail-on', 'warn'], 0],
    ['warnings, not asked for', ['--warn', '1', '--fail', '100000'], 0],
    ['warnings', ['--warn', '1', '--fail-on', 'warn'], 1],
    ['warnings alone, failures asked for', ['--warn', '1', '--fail-on', 'failure'], 0],
    ['failures', ['--warn', '0', '--fail', '1', '--fail-on', 'failure'], 1],
    ['a failure threshold below the other', ['--warn', '10', '--fail', '1'], 2],
    ['no such threshold', ['--fail-on', 'sometimes'], 2],
  ] as const)('%s', (_, args, code) => {
    expect(tombstones(ranges, ...args).code).toBe(code);
  });

  it('2 for what is not there, 3 for what is damaged', () => {
    const missing = tombstones(path.join(ROOT, 'nothing'));
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('no such file');
    const copy = path.join(temporaryDirectory(), 'zoo', path.basename(ranges));
    fs.cpSync(ranges, copy, { recursive: true });
    const data = fs.readdirSync(copy).find((name) => name.endsWith('-Data.db'))!;
    const bytes = fs.readFileSync(path.join(copy, data));
    bytes[20]! ^= 0xff;
    fs.chmodSync(path.join(copy, data), 0o644);
    fs.writeFileSync(path.join(copy, data), bytes);
    for (const jobs of ['1', '2']) {
      const damaged = tombstones('--jobs', jobs, copy);
      expect(damaged.code).toBe(3);
      expect(damaged.stderr).toContain(data);
    }
  });
});

it('keeps a plan that compact apply takes', () => {
  const directory = path.join(temporaryDirectory(), 'zoo', path.basename(tableOf(ZOO, 'ranges')));
  fs.cpSync(tableOf(ZOO, 'ranges'), directory, { recursive: true });
  const plan = path.join(temporaryDirectory(), 'plan.json');
  const found = tombstones('--gc-grace', '0', '--json', '--out', plan, directory);
  expect(found.code).toBe(0);
  const [{ remedies }] = tablesOf(found) as [TombstonesReport];
  expect(remedies.length).toBeGreaterThan(0);
  const applied = runCli(['compact', 'apply', plan, '--yes']);
  expect(applied.stderr).not.toContain('lsmctl: error');
  expect(applied.code).toBe(0);
  const [{ remedies: left, sstables }] = tablesOf(tombstones('--gc-grace', '0', '--json', directory)) as [TombstonesReport]; // biome-ignore format: one line
  expect(left).toEqual([]);
  expect(sstables.reduce((sum, { droppable }) => sum + droppable, 0)).toBe(0);
});
