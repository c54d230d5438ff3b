/**
 * What every operator of an LSM store learns the hard way, on tables of orders: reads ask more files than one, filters err, deletions are read, and
 * one old row keeps whole files. README tells the story; the text that it shows is what comes out here.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCompactions } from '../../src/cli/compact/run.js';
import { runRead } from '../../src/cli/read/command.js';
import { auditTombstones } from '../../src/cli/tombstones/run.js';
import { costText, type ReadReport } from '../../src/render/read-report.js';
import { type SampleReport, sampleText } from '../../src/render/read-sample.js';
import { tombstonesText } from '../../src/render/tombstones.js';
import { DiskTable } from '../disk-table.js';
import { temporaryDirectory } from '../engine/directories.js';
import { ROOT } from '../run-cli.js';

const NOW = 1_700_000_000;
const DAY = 86_400;
const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const STCS = "compaction = {'class': 'SizeTieredCompactionStrategy'} AND gc_grace_seconds = 864000";
const READ = {
  trace: false,
  versions: false,
  format: 'json',
  all: false,
  now: NOW,
  warn: 1000,
  fail: 100_000,
} as const;
const AUDIT = { top: 3, rows: 100, warn: 1000, fail: 100_000, now: NOW, commitlog: ['none'] } as const;

const silent = () => {};
const micros = (seconds: number) => BigInt(seconds) * 1_000_000n;

/** What README must show; with LSMCTL_LESSONS=FILE it is written there instead, to be pasted. */
function expectShown(text: string): void {
  const { LSMCTL_LESSONS: target } = process.env;
  if (target !== undefined) {
    fs.appendFileSync(target, `${text}\n=====\n`);
    return;
  }
  for (const line of text.trimEnd().split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(README.includes(text.trimEnd()), `README lacks\n${text}`).toBe(true);
}

async function sample(directory: string): Promise<SampleReport> {
  const { body } = await runRead(directory, undefined, { ...READ, sample: 300, seed: 42 }, undefined, silent);
  return body as SampleReport;
}

async function compactAll(directory: string): Promise<void> {
  const flags = { major: true, 'split-output': false, now: NOW, yes: true, 'dry-run': false, 'drop-indexes': false, commitlog: ['none'] }; // biome-ignore format: one line
  await runCompactions([directory], flags, { show: silent, tell: silent, quiet: true });
}

const sstablesIn = (directory: string) => fs.readdirSync(directory).filter((name) => name.endsWith('-Data.db')).length;

describe('the story of the orders', () => {
  it('every update adds a file to a read, until they are compacted: 8 files, then 1', async () => {
    const table = new DiskTable({ keyspace: path.join(temporaryDirectory(), 'shop'), name: 'orders_by_id', key: 'order_id', columns: ['status'], options: STCS }); // biome-ignore format: one line
    const statuses = ['created', 'paid', 'packed', 'shipped', 'moved', 'delivered', 'rated', 'closed'];
    for (const [i, status] of statuses.entries()) {
      const at = micros(NOW - (8 - i) * DAY);
      const liveness = i === 0 ? `@${at} ` : '';
      await table.write(new Map(Array.from({ length: 500 }, (_, n) => [`order${n}`, [`: ${liveness}status=${status}@${at}`]]))); // biome-ignore format: one line
    }
    const before = await sample(table.directory);
    expect(before.now.sstables).toMatchObject({ p50: 8, p99: 8, max: 8 });
    expect(before.afterMajor.sstables).toMatchObject({ p99: 1, max: 1 });
    expectShown(sampleText(before));
    await compactAll(table.directory);
    expect(sstablesIn(table.directory)).toBe(1);
    const after = await sample(table.directory);
    expect(after.now.sstables).toMatchObject({ p50: 1, p99: 1, max: 1 });
    expect(after.now.visited.max).toBe(before.afterMajor.visited.max);
  }, 60_000);

  it('a filter of 1 % opens one file in a hundred for nothing: of 20, some 1.2', async () => {
    const table = new DiskTable({ keyspace: path.join(temporaryDirectory(), 'shop'), name: 'orders_by_user', key: 'user_id', clustering: 'order_id',
      columns: ['status'], options: STCS }); // biome-ignore format: one line
    for (let file = 0; file < 20; file++) {
      const at = micros(NOW - (20 - file) * DAY);
      await table.write(new Map(Array.from({ length: 500 }, (_, n) => [`user${n * 20 + file}`, [`order1: @${at} status=paid@${at}`]]))); // biome-ignore format: one line
    }
    const { now } = await sample(table.directory);
    expect(now.sstables).toMatchObject({ mean: 1, max: 1 });
    expect(now.falsePositives.mean).toBeGreaterThan(0.1);
    expect(now.falsePositives.mean).toBeLessThan(0.3); // 19 files · 1 %
    expect(now.falsePositives.max).toBeLessThanOrEqual(4);
    const { body } = await runRead(table.directory, 'user7', { ...READ, trace: true }, undefined, silent);
    const { sstables } = body as ReadReport;
    expect(sstables).toMatchObject({ total: 20, read: 1 });
    expect(sstables.filtered + sstables.falsePositives + sstables.outside).toBe(19);
  }, 60_000);

  it('100,001 cancelled orders of one user: the read fails, and it is told who, and from when they go', async () => {
    const table = new DiskTable({ keyspace: path.join(temporaryDirectory(), 'shop'), name: 'orders_by_user', key: 'user_id', clustering: 'order_id', columns: ['status'], options: STCS }); // biome-ignore format: one line
    const at = micros(NOW - 2 * DAY);
    const order = (n: number) => `order${String(n).padStart(6, '0')}`;
    const orders = (count: number) => Array.from({ length: count }, (_, n) => `${order(n)}: @${at} status=paid@${at}`);
    await table.write(new Map([['ada', orders(100_011)], ['bob', orders(10)], ['eve', orders(3)]])); // biome-ignore format: one line
    const gone = at + micros(DAY);
    const cancelled = Array.from({ length: 100_001 }, (_, n) => `${order(n)}: -${gone}/${NOW - DAY}`);
    await table.write(new Map([['ada', cancelled], ['eve', [`${order(1)}: -${gone}/${NOW - DAY}`]]])); // biome-ignore format: one line
    const { body, exitCode } = await runRead(table.directory, 'ada', READ, undefined, silent);
    const report = body as ReadReport;
    expect(exitCode).toBe(1);
    expect(report.answer).toEqual({ rows: 10, liveRows: 10, tombstones: 100_001 });
    expect(report.thresholds.crossed).toBe('failure');
    expectShown(costText(report));
    const done = await auditTombstones([table.directory], { ...AUDIT, 'fail-on': 'failure' }, silent, true);
    expect(done.exitCode).toBe(1);
    const [{ reads, sstables, remedies }] = done.tables as [(typeof done.tables)[number]];
    expect(reads!.top.map(({ key, tombstones }) => `${key} ${tombstones.whole}`)).toEqual(['ada 100001', 'eve 1']);
    expect(reads!.failed).toMatchObject({ whole: 1 });
    expect(sstables.map(({ fates }) => fates.map(({ verdict, by }) => `${verdict} ${by?.join() ?? ''}`))).toEqual([[], ['blocked oa-1-big']]); // biome-ignore format: one line
    expect(remedies).toEqual([]); // gc_grace is not over
    expectShown(tombstonesText(done.tables));
    const later = NOW + 10 * DAY;
    const due = await auditTombstones([table.directory], { ...AUDIT, now: later }, silent, true);
    expect(due.tables[0]!.remedies).toMatchObject([{ sstables: ['oa-1-big', 'oa-2-big'], freedTombstones: 100_002 }]);
  }, 60_000);

  it('one row without a TTL keeps all files that have expired since', async () => {
    const windows = "compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': '1'} AND gc_grace_seconds = 3600"; // biome-ignore format: one line
    const table = new DiskTable({ keyspace: path.join(temporaryDirectory(), 'shop'), name: 'sensors', key: 'sensor', clustering: 'at', columns: ['reading'], options: windows }); // biome-ignore format: one line
    const midnight = NOW - (NOW % DAY);
    const reading = (day: number, n: number, ttl: number | undefined) => {
      const at = midnight - day * DAY + n * 60;
      const time = ttl === undefined ? `@${micros(at)}` : `@${micros(at)}+${ttl}=${at + ttl}`;
      return `${new Date(at * 1000).toISOString().slice(0, 16).replace(':', 'h')}: ${time} reading=${n}${time}`;
    };
    for (const day of [6, 5, 4]) {
      const rows = Array.from({ length: 200 }, (_, n) => reading(day, n, 2 * DAY));
      // a service without a TTL writes what is to stay for ever
      if (day === 6) rows.push(reading(day, 300, undefined));
      await table.write(new Map([['roof', rows], ['cellar', rows.slice(0, 50)]])); // biome-ignore format: one line
    }
    await table.write(new Map([['roof', Array.from({ length: 20 }, (_, n) => reading(0, n, 2 * DAY))]]));
    const { tables } = await auditTombstones([table.directory], AUDIT, silent, true);
    const [{ expired, windows: states }] = tables as [(typeof tables)[number]];
    expect(expired.droppable).toEqual([]);
    expect(expired.held.map(({ sstable, by }) => `${sstable} by ${by.join()}`)).toEqual([
      'oa-2-big by oa-1-big',
      'oa-3-big by oa-1-big',
    ]);
    const [blocker] = expired.blockers;
    expect(blocker).toMatchObject({ sstable: 'oa-1-big', holds: ['oa-2-big', 'oa-3-big'], rowsWithoutTtl: 1, asOld: { no_ttl: 1 } }); // biome-ignore format: one line
    expect(blocker!.examples.find(({ cause }) => cause === 'no_ttl')).toMatchObject({ key: 'roof' });
    expect(tables[0]!.acrossWindows).toBe(1000);
    expect(tables[0]!.remedies.map(({ sstables }) => sstables.length)).toEqual([1]);
    expect(states!.map(({ expires }) => expires === null)).toEqual([false, false, false, true]);
    expectShown(tombstonesText(tables));
  }, 60_000);
});
