/** Drills that start from a snapshot or a backup: is it all there, can it be loaded, how old is it, what is not in it. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DrillFlags } from '../../../src/cli/drill/request.js';
import { runDrill } from '../../../src/cli/drill/run.js';
import type { DrillReport } from '../../../src/engine/drill/report.js';
import { drillText } from '../../../src/render/drill.js';
import { answersIn } from '../../drill-answers.js';
import { ROOT } from '../../run-cli.js';

const FIXTURE = path.join(ROOT, 'fixtures/oa-5.0');
const NOW = Number(fs.readFileSync(path.join(FIXTURE, 'clock'), 'utf8'));
const TABLES = ['shop/orders_by_id-3c7ab5e0cc7d3b96b7d99d9ca4ca4b3a', 'shop/carts-e50c9a01e0243aa1b40a9749109975f4'];
const KEPT = 'zoo/kept-0f9b273e03503a64bcd8ea0dd07b9fbb';

let dir = '';
const removed: string[] = [];
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(tmpdir(), 'lsmctl-drilled-'));
});
afterEach(() => {
  for (const one of [dir, ...removed.splice(0)]) fs.rmSync(one, { recursive: true, force: true });
});

/** A node with these tables of the fixture, and its schema. */
function node(tables: readonly string[] = TABLES): string {
  const data = path.join(dir, 'node/data');
  for (const table of [...tables, 'system_schema']) {
    fs.cpSync(path.join(FIXTURE, 'data', table), path.join(data, table), { recursive: true });
  }
  return data;
}

/** Snapshots a table: SSTables of these generations, with manifest and schema as a node writes them. */
function snapshot(table: string, tag: string, generations: readonly number[]): string {
  const to = path.join(table, 'snapshots', tag);
  fs.mkdirSync(to, { recursive: true });
  const names = fs.readdirSync(table).filter((name) => generations.some((one) => name.startsWith(`oa-${one}-big-`)));
  for (const name of names) fs.linkSync(path.join(table, name), path.join(to, name));
  const files = names.filter((name) => name.endsWith('-Data.db'));
  fs.writeFileSync(path.join(to, 'manifest.json'), JSON.stringify({ files, created_at: '2026-11-21T04:57:58.922Z' }));
  fs.writeFileSync(path.join(to, 'schema.cql'), '-- the schema of the directory is taken\n');
  return to;
}

async function drill(given: string | undefined, more: Partial<DrillFlags>): Promise<DrillReport> {
  const flags: DrillFlags = { 'skip-corrupt': false, 'sync-period': '10s', keep: true, now: NOW, ...more };
  const report = await runDrill(given, flags, { notice() {}, isQuiet: true });
  if (report.kept !== undefined) removed.push(report.kept);
  return report;
}

const lineCount = (lines: readonly string[], others: readonly string[]) => {
  const there = new Set(others);
  return lines.filter((line) => !there.has(line)).length;
};

describe('--snapshot', () => {
  it('tells which rows are not in it, and how old it is', async () => {
    const data = node();
    for (const table of TABLES) snapshot(path.join(data, table), 's1', [1, 2]);
    const report = await drill(path.dirname(data), { snapshot: 's1' });
    expect(report.base).toMatchObject({ kind: 'snapshot', name: 's1', isComplete: true, problems: [] });
    expect(report.base.createdAt).toBe('2026-11-21T04:57:58.922Z');
    expect(report.result.isSound).toBe(true);
    let differences = 0;
    for (const table of ['orders_by_id', 'carts']) {
      const before = await answersIn(path.dirname(data), 'shop', table, NOW);
      const after = await answersIn(path.join(report.kept!, 'node'), 'shop', table, NOW);
      const answers = report.tables.find((one) => one.table === table)?.answers;
      expect((answers?.gone ?? 0) + (answers?.older ?? 0)).toBe(lineCount(before, after));
      expect((answers?.older ?? 0) + (answers?.back ?? 0)).toBe(lineCount(after, before));
      differences += lineCount(before, after);
    }
    expect(differences).toBeGreaterThan(50);
    expect(report.answers!.notInLog).toBe(report.answers!.gone + report.answers!.older + report.answers!.back);
    expect(report.base.staleSeconds).toBeGreaterThan(0);
    expect(report.base.against).toMatchObject({ what: 'live' });
    expect(report.isPassed).toBe(true);
    expect((await drill(data, { snapshot: 's1', 'max-loss': ['0'] })).isPassed).toBe(false);
    expect((await drill(data, { snapshot: 's1', 'max-loss': ['0s'] })).isPassed).toBe(false);
    expect(drillText(report)).toMatch(/Started from snapshot s1: .* complete/);
  });

  it('is not complete without what its manifest and TOC.txt name, and without tables', async () => {
    const data = node();
    const [orders, carts] = TABLES.map((table) => snapshot(path.join(data, table), 's1', [1, 2, 3]));
    const [kinds, isPassed] = await problems(data);
    expect([kinds, isPassed]).toEqual([[], true]);
    fs.rmSync(path.join(orders!, 'oa-2-big-Filter.db'));
    expect(await problems(data)).toEqual([['missing-component'], false]);
    for (const name of fs.readdirSync(orders!)) if (name.startsWith('oa-2-')) fs.rmSync(path.join(orders!, name));
    expect(await problems(data)).toEqual([['missing-file'], false]);
    fs.rmSync(carts!, { recursive: true });
    expect(await problems(data)).toEqual([['missing-file', 'missing-table'], false]);
    expect((await problems(data, { keyspace: 'shop', table: 'orders_by_id' }))[0]).toEqual(['missing-file']);
    fs.writeFileSync(path.join(orders!, 'manifest.json'), '{"files": [');
    expect((await problems(data))[0]).toEqual(['damaged-manifest', 'missing-table']);
    await expect(drill(data, { snapshot: 's2' })).rejects.toThrow(/no snapshot of that name/);
  });

  async function problems(data: string, more: Partial<DrillFlags> = {}): Promise<[string[], boolean]> {
    const { base, isPassed } = await drill(data, { snapshot: 's1', ...more });
    return [base.problems.filter(({ isWrong }) => isWrong).map(({ kind }) => kind), isPassed];
  }
});

describe('--backup', () => {
  it('of a plain copy loses nothing, and is held against the clock where there is no node', async () => {
    const data = node();
    const backup = path.join(dir, 'backup/node1');
    fs.cpSync(data, backup, { recursive: true });
    const report = await drill(data, { backup });
    expect(report.base).toMatchObject({ kind: 'backup', isComplete: true, staleSeconds: 0 });
    expect(report.answers).toEqual({ gone: 0, older: 0, back: 0, keys: 0, notInLog: 0 });
    expect(report.isPassed).toBe(true);
    const alone = await drill(undefined, { backup });
    expect(alone.answers).toBeUndefined();
    expect(alone.base.against).toEqual({ what: 'clock', newestMicros: NOW * 1e6 });
    expect(alone.isPassed).toBe(true);
    expect(drillText(alone)).toMatch(/behind the clock/);
  });

  it('that is damaged fails', async () => {
    const data = node();
    const backup = path.join(dir, 'backup');
    fs.cpSync(data, backup, { recursive: true });
    const file = path.join(backup, TABLES[0]!, 'oa-1-big-Data.db');
    const bytes = fs.readFileSync(file);
    bytes[bytes.length >> 1]! ^= 0x10;
    fs.writeFileSync(file, bytes);
    const report = await drill(undefined, { backup });
    expect(report.result.isSound).toBe(false);
    expect(report.reasons).toEqual(['the result is not sound']);
    expect(drillText(report)).toMatch(/NOT SOUND/);
    const compared = await drill(data, { backup });
    expect(compared.tables.map(({ table, unmeasured }) => [table, unmeasured])).toEqual([
      ['orders_by_id', 'oa-1-big-Data.db: chunk checksum differs'],
    ]);
    fs.writeFileSync(file.replace('Data', 'Statistics'), 'none');
    expect((await drill(data, { backup })).result.isSound).toBe(false);
    const blind = await drill(undefined, { backup });
    expect(blind.unmeasured).toBe('there is no live directory to compare with');
  });

  it('of a snapshot takes the incremental backups beside it', async () => {
    const data = node([KEPT]);
    const backup = path.join(dir, 'backup');
    const table = path.join(backup, KEPT);
    fs.mkdirSync(table, { recursive: true });
    for (const name of ['snapshots', 'backups']) {
      fs.cpSync(path.join(data, KEPT, name), path.join(table, name), { recursive: true });
    }
    for (const name of fs.readdirSync(path.join(table, 'snapshots/before-cleanup'))) {
      if (name.startsWith('oa-2-')) fs.rmSync(path.join(table, 'snapshots/before-cleanup', name));
    }
    fs.writeFileSync(path.join(table, 'snapshots/before-cleanup/manifest.json'), '{"files": ["oa-1-big-Data.db"]}');
    const report = await drill(data, { backup });
    expect(report.base).toMatchObject({ kind: 'backup', name: 'before-cleanup', sstables: 2, isComplete: true });
    const before = await answersIn(path.dirname(data), 'zoo', 'kept', NOW);
    const after = await answersIn(path.join(report.kept!, 'node'), 'zoo', 'kept', NOW);
    expect(report.answers!.gone + report.answers!.older).toBe(lineCount(before, after));
    expect(lineCount(before, after)).toBeGreaterThan(0);
    snapshot(table, 'another', []);
    const other = fs.readdirSync(path.join(table, 'backups')).filter((name) => name.startsWith('oa-2-'));
    for (const name of other)
      fs.copyFileSync(path.join(table, 'backups', name), path.join(table, 'snapshots/another', name));
    await expect(drill(data, { backup })).rejects.toThrow(/several snapshots/);
    expect((await drill(data, { backup, snapshot: 'another' })).base.sstables).toBe(1);
    await expect(drill(data, { backup: path.join(dir, 'node/data/system_schema/none') })).rejects.toThrow(
      /no such file/,
    );
  });
});
