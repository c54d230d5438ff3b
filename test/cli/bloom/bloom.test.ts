/** `lsmctl bloom` as its users meet it: text, exit code, what is written. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RefusedError } from '../../../src/bytes/errors.js';
import { askPaths } from '../../../src/cli/bloom/keys.js';
import { parseChance, rebuildPaths } from '../../../src/cli/bloom/rebuild.js';
import { type BloomFlags, inspectPaths } from '../../../src/cli/bloom/run.js';
import { EXIT } from '../../../src/cli/exit.js';
import type { AnswerReport } from '../../../src/render/bloom-answer.js';
import type { TableReport } from '../../../src/render/bloom-report.js';
import { expectGolden } from '../../corpus.js';
import { FIXTURES } from '../../fixtures.js';

const FLAGS: BloomFlags = { prove: false, measure: false, draws: 1_000_000, snapshots: false, now: 1_795_000_000 };
const REBUILD = { snapshots: false, now: FLAGS.now, yes: true };

let root = '';
let told: string[] = [];
const tell = (line: string) => void told.push(line);

beforeAll(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'lsmctl-bloom-'));
});
afterAll(() => fs.rmSync(root, { recursive: true }));

/** A copy of a table of the fixtures, with its schema. @returns its directory */
function copy(name: string, table = 'orders_by_id', fixture = 'oa-5.0'): string {
  const data = path.join(FIXTURES, fixture, 'data');
  const directory = fs.readdirSync(path.join(data, 'shop')).find((found) => found.startsWith(`${table}-`))!;
  const target = path.join(root, name);
  fs.cpSync(path.join(data, 'shop', directory), path.join(target, 'shop', directory), { recursive: true });
  fs.cpSync(path.join(data, 'system_schema'), path.join(target, 'system_schema'), { recursive: true });
  told = [];
  return path.join(target, 'shop', directory);
}

function filtersOf(directory: string): Map<string, Buffer> {
  const names = fs.readdirSync(directory).filter((name) => name.endsWith('-Filter.db'));
  return new Map(names.map((name) => [name, fs.readFileSync(path.join(directory, name))]));
}

/** Clears all bits of the filters, as a lost sector does. */
function zero(directory: string): void {
  for (const [name, bytes] of filtersOf(directory)) fs.writeFileSync(path.join(directory, name), bytes.fill(0, 8));
}

function tableOf({ body }: { readonly body: object }): TableReport {
  return (body as { tables: TableReport[] }).tables[0]!;
}

describe('the report', () => {
  test('of sound filters', async () => {
    const done = await inspectPaths([copy('sound')], FLAGS, tell, true);
    expect(done.failures.exitCode).toBe(EXIT.clean);
    expect(tableOf(done)).toMatchObject({ fpChance: 0.01, keyspace: 'shop', table: 'orders_by_id' });
    expectGolden('bloom/sound.txt', done.text());
    expect(
      done
        .text()
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });

  test('of filters of zeros, each key of which is denied', async () => {
    const directory = copy('zeros');
    zero(directory);
    const done = await inspectPaths([directory], FLAGS, tell, true);
    expect(done.failures.exitCode).toBe(EXIT.findings);
    expect(tableOf(done).sstables.map(({ proof }) => [proof.keysAsked, proof.keysDenied])).toEqual([
      [350, 350],
      [350, 350],
      [350, 350],
    ]);
    expectGolden('bloom/zeros.txt', done.text().replaceAll(directory, 'DIRECTORY'));
  });

  test('with a measured rate: the seed draws the same keys', async () => {
    const flags = { ...FLAGS, measure: true, draws: 20_000, seed: 9 };
    const [first, second] = [await inspectPaths([copy('measured')], flags, tell, true), await inspectPaths([path.join(root, 'measured')], { ...flags, table: 'orders_by_id' }, tell, true)]; // biome-ignore format: one line
    expect(tableOf(first).sstables[0]!.measured).toMatchObject({ absentKeys: 20_000, seed: 9, keyBytes: 12 });
    expect(tableOf(first).sstables[0]!.measured).toEqual(tableOf(second).sstables[0]!.measured);
    expect(first.text()).toContain('measured with 20,000 absent keys of 12 bytes, --seed 9');
  });

  test('of one SSTable whose Statistics.db is damaged: the others are told, exit code 3', async () => {
    const directory = copy('damaged');
    fs.truncateSync(path.join(directory, 'oa-2-big-Statistics.db'), 100);
    const done = await inspectPaths([directory], FLAGS, tell, true);
    expect(done.failures.exitCode).toBe(EXIT.corrupt);
    expect(tableOf(done).sstables.map(({ id }) => id)).toEqual(['1', '3']);
  });

  test('of many tables leaves out what other filters cost', async () => {
    const done = await inspectPaths([path.join(FIXTURES, 'oa-5.0/data/shop')], FLAGS, tell, true);
    expect(done.text()).not.toContain('fp_chance  ');
    expect(done.text()).toContain('name a table for what other filters would cost');
  });
});

describe('--key', () => {
  const ABSENT = '00000000-0000-0000-0000-000000000000';

  test('a key that is held, and one that is not', async () => {
    const directory = copy('keys');
    zero(directory);
    const [held] = tableOf(await inspectPaths([directory], FLAGS, tell, true)).sstables[0]!.proof.deniedKeys;
    const done = await askPaths([copy('sound-keys')], { key: [held!, ABSENT], snapshots: false }, tell);
    expect(done.failures.exitCode).toBe(EXIT.clean);
    const { keys } = done.body as { keys: AnswerReport[] };
    expect(keys.map(({ key }) => key)).toEqual([held, ABSENT]);
    expect(keys[0]!.answers[0]).toMatchObject({ passes: true, isHeld: true, verdict: 'held' });
    expect(keys[0]!.answers[0]!.bits.map(({ isSet }) => isSet)).toEqual([true, true, true, true, true]);
    expect(keys[1]!.answers.map(({ isHeld, verdict }) => [isHeld, verdict])).toEqual(
      Array.from({ length: 3 }, () => [false, 'not-held']),
    );
  });

  test('a key that is held and denied is a finding', async () => {
    const directory = copy('denied');
    const { sstables } = tableOf(await inspectPaths([directory], FLAGS, tell, true));
    expect(sstables).toHaveLength(3);
    zero(directory);
    const report = tableOf(await inspectPaths([directory], FLAGS, tell, true));
    const [key] = report.sstables[0]!.proof.deniedKeys;
    const done = await askPaths([path.join(directory, 'oa-1-big-Data.db')], { key: [key!], snapshots: false }, tell);
    expect(done.failures.exitCode).toBe(EXIT.findings);
    expect(done.text()).toMatch(/oa-1-big: DENIED THOUGH IT IS HERE.*\n {4}bits( \([\d,]+\)){5}\n/);
  });

  test('a key that the type does not allow', async () => {
    await expect(askPaths([copy('type')], { key: ['no uuid'], snapshots: false }, tell)).resolves.toMatchObject({
      failures: { exitCode: EXIT.usage },
    });
  });
});

describe('--rebuild', () => {
  test('gives back the filters that Cassandra wrote', async () => {
    const directory = copy('rebuilt');
    const real = new Map([...filtersOf(directory)].map(([name, bytes]) => [name, Buffer.from(bytes)]));
    zero(directory);
    const done = await rebuildPaths([directory], REBUILD, tell, true);
    expect(done.failures.exitCode).toBe(EXIT.clean);
    expect(filtersOf(directory)).toEqual(real);
    expect(fs.readdirSync(directory).filter((name) => /tmp|lock/.test(name))).toEqual([]);
    expect((await inspectPaths([directory], FLAGS, tell, true)).failures.exitCode).toBe(EXIT.clean);
  });

  test('--dry-run and a question that nobody answers change nothing', async () => {
    const directory = copy('dry');
    zero(directory);
    const before = filtersOf(directory);
    const times = fs.readdirSync(directory).map((name) => fs.statSync(path.join(directory, name)).mtimeMs);
    const dry = await rebuildPaths([directory], { ...REBUILD, 'dry-run': true, yes: false }, tell, true);
    expect(dry.body).toMatchObject({ isDone: false });
    await expect(rebuildPaths([directory], { ...REBUILD, yes: false }, tell, true)).rejects.toThrow(/no terminal/);
    expect(filtersOf(directory)).toEqual(before);
    expect(fs.readdirSync(directory).map((name) => fs.statSync(path.join(directory, name)).mtimeMs)).toEqual(times);
  });

  test('snapshots are refused', async () => {
    const live = copy('snapshot');
    const snapshot = path.join(live, 'snapshots/before');
    fs.mkdirSync(snapshot, { recursive: true });
    for (const name of fs.readdirSync(live)) {
      if (name.startsWith('oa-1-')) fs.linkSync(path.join(live, name), path.join(snapshot, name));
    }
    await expect(rebuildPaths([snapshot], REBUILD, tell, true)).rejects.toBeInstanceOf(RefusedError);
  });

  test('tables without filters are passed over', async () => {
    const directory = copy('none');
    await expect(rebuildPaths([directory], { ...REBUILD, 'fp-chance': 1 }, tell, true)).rejects.toThrow(/no filter/);
    expect(told).toHaveLength(3);
  });

  test.each([['0'], ['1.5'], ['-0.1'], ['x'], ['0.00001'], ['']])('--fp-chance %s', (text) => {
    expect(() => parseChance(text)).toThrow(/chance/);
  });

  test.each([
    ['0.01', 0.01],
    ['1', 1],
    ['1e-3', 0.001],
    ['.5', 0.5],
  ])('--fp-chance %s', (text, chance) => {
    expect(parseChance(text)).toBe(chance);
  });
});
