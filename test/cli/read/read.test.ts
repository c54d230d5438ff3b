/** `read` on fixtures: the path, verdicts against the merge's own answer, former answers, thresholds, samples. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runRead } from '../../../src/cli/read/command.js';
import { costText, type ReadReport, traceText } from '../../../src/render/read-report.js';
import { FIXTURES } from '../../fixtures.js';

const ROOT = path.join(FIXTURES, 'oa-5.0');
const now = Number(fs.readFileSync(path.join(ROOT, 'clock'), 'utf8'));

function directoryOf(keyspace: string, table: string): string {
  const parent = path.join(ROOT, 'data', keyspace);
  return path.join(parent, fs.readdirSync(parent).find((name) => name.startsWith(`${table}-`))!);
}

const FLAGS = { trace: true, versions: false, format: 'json', all: false, now, warn: 1000, fail: 100_000 } as const;

async function read(table: readonly [string, string], key: string | undefined, flags: object = {}) {
  const done = await runRead(directoryOf(...table), key, { ...FLAGS, ...flags }, undefined, () => {});
  const body = done.body as ReadReport & { rows?: string[] };
  return {
    ...done,
    body: { ...body, rows: (body.rows ?? []).map((row) => JSON.parse(row) as Record<string, unknown>) },
  };
}

describe('read', () => {
  it('tells what became of each SSTable', async () => {
    const { body, exitCode } = await read(['zoo', 'collections'], 'k0');
    expect(exitCode).toBe(0);
    expect(body.query).toBe('by-range');
    expect(body.path.map(({ sstable, outcome, filter }) => `${sstable} ${outcome} ${filter}`)).toEqual([
      'oa-2-big read maybe',
      'oa-1-big read maybe',
    ]);
    expect(body.answer).toEqual({ rows: 4, liveRows: 4, tombstones: 5 });
    for (const line of `${traceText(body)}${costText(body)}`.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('says clearly that a key is not there', async () => {
    const { body, exitCode } = await read(['zoo', 'collections'], 'nobody');
    expect(exitCode).toBe(0);
    expect(body.sstables).toMatchObject({ read: 0, total: 2 });
    expect(costText(body)).toContain('no SSTable here has the partition nobody');
  });

  it('ends with 1 above a threshold', async () => {
    const { body, exitCode } = await read(['zoo', 'collections'], 'k0', { warn: 4 });
    expect(exitCode).toBe(1);
    expect(body.thresholds.crossed).toBe('warn');
    const failed = await read(['zoo', 'collections'], 'k0', { warn: 0, fail: 4 });
    expect(failed.body.thresholds.crossed).toBe('failure');
  });

  it('answers as of a former write time with what was written until then', async () => {
    const first = await read(['zoo', 'collections'], 'k0', { 'as-of': '1700000000000000' });
    const latest = await read(['zoo', 'collections'], 'k0');
    expect(first.body.rows.length).toBeGreaterThan(0);
    expect(first.body.rows.length).toBeLessThan(latest.body.rows.length);
    const none = await read(['zoo', 'collections'], 'k0', { 'as-of': '1600000000000000' });
    expect(none.body.rows).toEqual([]);
  });

  it('gives verdicts that agree with the answer', async () => {
    for (const [keyspace, table, key] of [
      ['zoo', 'collections', 'k0'],
      ['zoo', 'statics', '1'],
      ['zoo', 'ranges', '0'],
      ['zoo', 'ttl', '0'],
    ] as const) {
      const answer = await read([keyspace, table], key);
      const told = await read([keyspace, table], key, { versions: true, limit: 10_000 });
      const { rows } = (told.body as unknown as { versions: Versions }).versions;
      const lives = (row: Versions['rows'][number]) =>
        [...row.liveness, ...row.cells.flatMap(({ versions }) => versions)].some(
          ({ verdict }) => verdict.kind === 'live',
        );
      const living = rows.filter((row) => !row.static && lives(row));
      const withRows = answer.body.rows.filter((row) => Object.keys(living[0]?.clustering ?? {}).every((name) => row[name] !== null)); // biome-ignore format: one line
      expect(living.length, `${table} ${key}`).toBe(withRows.length);
      for (const { cells } of rows) {
        for (const { versions } of cells) {
          expect(versions.filter(({ verdict }) => verdict.kind === 'live').length).toBeLessThanOrEqual(1);
        }
      }
    }
  });

  it('draws the same keys for a seed', async () => {
    const flags = { sample: 200, seed: 7 };
    const first = await read(['zoo', 'statics'], undefined, flags);
    expect(first.body).toMatchObject({ keys: 200, seed: 7, afterMajor: { sstables: { max: 1 } } });
    expect((await read(['zoo', 'statics'], undefined, flags)).body).toEqual(first.body);
    const { now: today } = first.body as unknown as { now: { sstables: { max: number; p50: number } } };
    expect(today.sstables.max).toBeGreaterThan(1);
  });

  it('wants one of key, --all and --sample', async () => {
    await expect(read(['zoo', 'ttl'], undefined)).rejects.toThrow('no key to read');
    await expect(read(['zoo', 'ttl'], '1', { all: true })).rejects.toThrow('exclude each other');
  });
});

type Verdicts = readonly { readonly verdict: { readonly kind: string } }[];
type Versions = {
  readonly rows: readonly {
    readonly static: boolean;
    readonly clustering: Record<string, string>;
    readonly liveness: Verdicts;
    readonly cells: readonly { readonly versions: Verdicts }[];
  }[];
};
